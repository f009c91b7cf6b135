//! What a plan promises: its bounds, and the same people from the same seed.
//! Nothing here runs a crowd against anything.

use super::*;
use crate::history::TypeIndex;

fn changed(change: impl FnOnce(&mut Plan)) -> Result<(), PlanFault> {
    let mut plan = Plan::default();
    change(&mut plan);
    plan.validate()
}

fn paying(plan: &mut Plan) -> &mut PlannedPaying {
    plan.paying.get_or_insert_default()
}

#[test]
fn every_number_of_a_plan_has_its_bounds() {
    type Change = fn(&mut Plan);
    let table: [(&str, Change); 18] = [
        ("users", |plan| plan.users = 0),
        ("users", |plan| plan.users = 1_000_001),
        ("connections", |plan| plan.connections = 0),
        ("opens_after_s", |plan| plan.opens_after_s = 0),
        ("seconds", |plan| plan.seconds = 3_601),
        ("types", |plan| plan.types.clear()),
        ("limit_per_person", |plan| plan.limit_per_person = Some(0)),
        ("roster_per_mille", |plan| plan.roster_per_mille = Some(1_001)),
        ("arrivals.spike_per_mille", |plan| plan.arrivals.spike_per_mille = 1_001),
        ("arrivals.spike_ms", |plan| plan.arrivals.spike_ms = 0),
        ("arrivals.refresh_s", |plan| plan.arrivals.refresh_s = 3_601),
        ("arrivals.refresh_every_ms", |plan| plan.arrivals.refresh_every_ms = 99),
        ("types.stock", |plan| plan.types[0].stock = 0),
        ("types.limit_per_person", |plan| plan.types[0].limit_per_person = 101),
        ("paying.payers", |plan| paying(plan).payers = 0),
        ("paying.types.price", |plan| paying(plan).types[0].price = 0),
        ("paying.types.pay_within_s", |plan| paying(plan).types[1].pay_within_s = 601),
        ("paying.late_s", |plan| paying(plan).late_s = (3, 2)),
    ];
    for (key, change) in table {
        let found = changed(change).unwrap_err();
        assert!(matches!(found, PlanFault::OutOfBounds { key: one, .. } if one == key), "{found}");
    }
    assert_eq!(Plan::default().validate(), Ok(()));
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let added = |at, after| PlannedChange {
        after_opening: Micros(after),
        what: Change::Added(TypeIndex(at), 1),
    };
    let twice = changed(|plan| plan.types[1].id = plan.types[0].id.clone());
    assert_eq!(twice, Err(PlanFault::TypeTwice("seat".to_owned())));
    assert_eq!(changed(|plan| plan.mix.reader = 1_000), Err(PlanFault::MixTooMuch(1_310)));
    let odd = changed(|plan| plan.types[0].id = "a b".to_owned());
    assert_eq!(odd, Err(PlanFault::TypeId("a b".to_owned())));
    let priced = changed(|plan| paying(plan).types[1].id = "dinner".to_owned());
    assert_eq!(priced, Err(PlanFault::TypeTwice("dinner".to_owned())));
    let none = changed(|plan| plan.changes = vec![added(7, 0)]);
    assert_eq!(none, Err(PlanFault::NoSuchType(7)));
    let codes = changed(|plan| plan.changes = vec![added(0, 0)]);
    assert_eq!(codes, Err(PlanFault::CodesChange("seat".to_owned())));
    let back = changed(|plan| plan.changes = vec![added(1, 5), added(1, 4)]);
    assert_eq!(back, Err(PlanFault::ChangeTime(4)));
    let late = changed(|plan| plan.changes = vec![added(1, 20_000_000)]);
    assert_eq!(late, Err(PlanFault::ChangeTime(20_000_000)));
    assert_eq!(changed(|plan| plan.changes = vec![added(1, 5), added(1, 5)]), Ok(()));
}

#[test]
fn chance_is_the_same_on_every_machine() {
    let mut chance = Chance::of(1, 2);
    let drawn: Vec<u64> = (0..3).map(|_| chance.next()).collect();
    assert_eq!(drawn, DRAWN);
    let mut chance = Chance::of(1, 2);
    assert!((0..1_000).all(|_| (3..=5).contains(&chance.between(3, 5))));
    assert!((0..1_000).all(|_| !chance.of_1000(0) && chance.of_1000(1_000)));
    assert_eq!(chance.below(0), 0);
}

/// The first numbers of seed 1 for purpose 2: whoever changes them changes every rehearsal that was ever noted down.
const DRAWN: [u64; 3] =
    [16_613_338_946_343_043_936, 5_167_718_485_781_182_436, 139_405_959_784_801_653];

#[test]
fn names_and_roster_come_from_the_seed() {
    let plan = Plan { seed: 7, users: 1_000, roster_per_mille: Some(300), ..Plan::default() };
    assert_eq!(plan.name(Person(1)), "rehearsal-7-000001");
    let roster = plan.roster().unwrap();
    assert_eq!(Some(&roster), plan.clone().roster().as_ref());
    assert!((200..400).contains(&roster.len()), "{}", roster.len());
    let other = Plan { seed: 8, ..plan.clone() };
    assert_ne!(other.roster(), Some(roster));
    let nobody = Plan { users: 1, roster_per_mille: Some(1), ..plan };
    assert_eq!(nobody.roster().unwrap().len(), 1, "a roster is never empty");
}
