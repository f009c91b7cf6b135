//! A start with a million claims on disk. The ledger is filled directly, as a stock would have decided;
//! the program then starts on it as on any other.

use crate::{
    stage::wait_for,
    world::{World, names, now_s, tokens},
};
use ledger::{
    ActivityLedger, AuditEntry, ClaimLedger, NewActivity, NewUnits, PeopleLedger, Source,
    SqliteLedger, SqliteSettings, Written,
};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, Epoch, Money, Seq, TicketType, TimeMs, TypeNo, UnitKind,
    UnitNo, UserNo, Validity, Window,
};
use std::time::{Duration, Instant};

const CLAIMS: u32 = 1_000_000;
const BATCH: u32 = 20_000;
/// For this profile on a busy machine; the benchmark holds the release build to less.
const START_MAX: Duration = Duration::from_secs(10);

fn fill(world: &World, now: TimeMs) {
    let ledger = SqliteLedger::open(&world.data(), SqliteSettings::default()).expect("a ledger");
    let epoch = ledger.own().expect("it is ours");
    let entry = AuditEntry {
        at: now,
        who: "(command line)".to_owned(),
        action: "admin/act/import".to_owned(),
        target: "flood".to_owned(),
        detail: String::new(),
    };
    let added = ledger.add_activities(epoch, &[activity(now)], &entry).expect("it is new");
    let mut answers = Vec::new();
    for first in (1..=CLAIMS).step_by(BATCH as usize) {
        let batch = first..first + BATCH;
        let names: Vec<String> = batch.clone().map(|no| format!("p{no:07}")).collect();
        ledger.adopt(&names, Source::Vouching, now).expect("they are new");
        let claims: Vec<Claim> = batch.map(|no| claim(added[0].no, epoch, no, now)).collect();
        ledger.commit(epoch, &claims, &mut answers).expect("it is ours");
        assert!(answers.iter().all(|answer| *answer == Written::Written));
    }
}

fn activity(now: TimeMs) -> NewActivity {
    let window = Window::new(TimeMs(now.0 - 60_000), TimeMs(now.0 + 3_600_000));
    let kind = TicketType {
        id: "seat".to_owned(),
        name: "Seat".to_owned(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse("0", "CNY").expect("free"),
        limit_per_user: 1,
        kind: UnitKind::Plain,
        window: None,
        pay_within_s: 900,
        offer_within_s: 900,
        validity: Validity { from: now, until: None },
    };
    let activity = Activity {
        id: "flood".to_owned(),
        name: "Flood".to_owned(),
        desc: String::new(),
        image: String::new(),
        window: window.expect("it ends after it starts"),
        limit_per_user: None,
        has_roster: false,
        standby: false,
        types: vec![kind],
    };
    NewActivity { activity, units: vec![NewUnits::Plain(CLAIMS + 1)], roster: Vec::new() }
}

fn claim(activity: ActivityNo, epoch: Epoch, no: u32, now: TimeMs) -> Claim {
    Claim {
        activity,
        seq: Seq(no),
        epoch,
        ticket_type: TypeNo(0),
        unit: UnitNo(no - 1),
        user: UserNo(no),
        claim_no: ClaimNo(no),
        ordinal_in_type: 1,
        ordinal_in_activity: 1,
        decided_at: now,
        key: None,
        line: 0,
        lines: 1,
        priced: false,
        offer: None,
    }
}

#[test]
fn a_start_with_a_million_claims_is_quick_and_goes_on_where_it_was() {
    let mut world = World::cheap();
    fill(&world, TimeMs(now_s() * 1000));
    let begun = Instant::now();
    world.serve();
    wait_for("it is ready", || world.client().get("/readyz").status == 200);
    let took = begun.elapsed();
    println!("a start with {CLAIMS} claims took {took:?}");
    assert!(took <= START_MAX, "{took:?}");
    world.kill();

    let mut operator = world.serve_with_operator();
    let mut late = names("late", 2).into_iter().chain(["p0000001".to_owned()]).collect::<Vec<_>>();
    late.rotate_right(1);
    let tokens = tokens(&mut operator, &late);
    let claim = |token: &str| world.client().with_token(token).get("/ticket/get?actId=flood");
    assert_eq!(claim(&tokens[0]).ret(), -5, "the first has had theirs");
    let last = claim(&tokens[1]);
    assert_eq!((last.ret(), last.data()["claim_no"].as_u64()), (0, Some(u64::from(CLAIMS) + 1)));
    assert_eq!(claim(&tokens[2]).ret(), -2);
}
