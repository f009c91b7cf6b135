//! Each behaviour as a table over its state machine: what it heard, and what it does next.
//! The answers are made up; no server is here.

use super::*;
use crate::{
    history::{Asked, Effect, Heard, Key, Refused, Ticket, TypeIndex},
    plan::{Arrivals, Mix},
};

const OPENS: Micros = Micros(10_000_000);

/// Everybody behaves like this: 1,000 thousandths of the field that `set` sets.
fn all(set: impl FnOnce(&mut Mix)) -> Plan {
    let mut plan = Plan { users: 200, mix: Mix::PLAIN, ..Plan::default() };
    plan.arrivals.refresh_per_mille = 0;
    set(&mut plan.mix);
    plan
}

fn hands(plan: &Plan) -> Vec<Hand> {
    crowd(plan, Hours::of(plan, OPENS))
}

/// The first hand that does what is wanted with its first step.
fn one(plan: &Plan, wanted: impl Fn(&Step) -> bool) -> (Hand, Step) {
    let found = hands(plan).into_iter().find_map(|mut hand| {
        let step = hand.step(Micros(0), None)?;
        wanted(&step).then_some((hand, step))
    });
    found.expect("somebody in the crowd does this")
}

fn ticket() -> Heard {
    Heard::Won(Ticket {
        order: Some("o".to_owned()),
        id: "t".to_owned(),
        type_id: "seat".to_owned(),
        code: None,
        claim_no: 1,
    })
}

fn refused(refusal: Refused) -> Heard {
    Heard::Refused(refusal, Vec::new())
}

fn queued() -> Heard {
    Heard::Queued { claim: "c".to_owned() }
}

fn key(step: &Step) -> Option<Key> {
    let Asked::Claim { key, .. } = step.asked else { panic!("no claim: {step:?}") };
    key
}

fn is_claim(step: &Step) -> bool {
    matches!(step.asked, Asked::Claim { .. })
}

fn is_result(step: &Step) -> bool {
    matches!(step.asked, Asked::Result { .. })
}

/// Answers everything with the same until the hand is done; the steps.
fn to_the_end(hand: &mut Hand, first: Step, heard: &Heard) -> Vec<Step> {
    let mut steps = vec![first];
    while let Some(next) = hand.step(steps[steps.len() - 1].at, Some(heard)) {
        assert!(next.at >= steps[steps.len() - 1].at, "time goes forward");
        steps.push(next);
        assert!(steps.len() < 10_000, "it comes to an end");
    }
    assert_eq!(hand.step(Micros(u64::MAX), Some(heard)), None, "done is done");
    steps
}

#[test]
fn the_same_seed_sends_the_same_people() {
    let plan = Plan::default();
    let run = |plan: &Plan| -> Vec<Vec<Step>> {
        let mut hands = hands(plan);
        let answers = [refused(Refused::NotStarted), Heard::Lost, queued(), ticket()];
        let steps = |hand: &mut Hand| {
            let first = hand.step(Micros(0), None)?;
            let mut steps = vec![first];
            for heard in answers.iter().cycle().take(40) {
                let Some(next) = hand.step(steps[steps.len() - 1].at, Some(heard)) else { break };
                steps.push(next);
            }
            Some(steps)
        };
        hands.iter_mut().filter_map(steps).collect()
    };
    let first = run(&plan);
    assert_eq!(first, run(&plan));
    assert_ne!(first, run(&Plan { seed: 2, ..plan }));
}

#[test]
fn behaviours_come_in_the_planned_shares() {
    let plan = Plan { users: 20_000, ..Plan::default() };
    let mut counts = std::collections::HashMap::new();
    for number in 0..plan.users {
        *counts.entry(Behaviour::of(&plan, Person(number))).or_insert(0_u32) += 1;
    }
    let mix = plan.mix;
    let table = [
        (Behaviour::DoubleClick, mix.double_click),
        (Behaviour::EarlyBird, mix.early_bird),
        (Behaviour::Frantic, mix.frantic),
        (Behaviour::LostReply, mix.lost_reply),
        (Behaviour::Reader, mix.reader),
        (Behaviour::Bot(Origin::OnePrefix), mix.bot_one_prefix),
        (Behaviour::Bot(Origin::ManyPrefixes), mix.bot_many_prefixes),
        (Behaviour::OnePress, 1_000 - mix.sum()),
    ];
    for (behaviour, per_mille) in table {
        let (count, wanted) = (counts[&behaviour], plan.users * per_mille / 1_000);
        assert!(count.abs_diff(wanted) < wanted / 4 + 20, "{behaviour:?}: {count} for {wanted}");
    }
}

#[test]
fn the_spike_comes_at_the_opening_and_a_few_come_too_late() {
    let arrivals = Arrivals { spike_per_mille: 700, refresh_per_mille: 0, ..Arrivals::default() };
    let plan = Plan { users: 20_000, arrivals, ..all(|_| {}) };
    let hours = Hours::of(&plan, OPENS);
    let at: Vec<u64> = crowd(&plan, hours)
        .iter_mut()
        .map(|hand| hand.step(Micros(0), None).unwrap().at.0)
        .collect();
    assert!(at.iter().all(|at| *at >= OPENS.0), "nobody who presses once presses early");
    let within = |us: u64| at.iter().filter(|at| **at < OPENS.0 + us).count();
    let spike = u64::from(plan.arrivals.spike_ms) * 1_000;
    assert!((14_000..15_500).contains(&within(spike)), "{}", within(spike));
    assert!(within(spike / 2) > within(spike) * 2 / 3, "most of the spike is at its beginning");
    let late = at.iter().filter(|at| **at >= hours.ends.0).count();
    assert!((1..200).contains(&late), "{late}");
}

#[test]
fn pages_are_looked_at_before_the_opening_and_then_somebody_presses() {
    let mut plan = all(|_| {});
    plan.arrivals.refresh_per_mille = 1_000;
    let (mut hand, first) = one(&plan, |step| step.asked == Asked::Detail && step.at.0 < 6_000_000);
    let steps = to_the_end(&mut hand, first, &Heard::Lost);
    let looks = steps.iter().take_while(|step| step.asked == Asked::Detail).count();
    assert!(looks >= 2, "{looks}");
    assert!(steps[..looks].iter().all(|step| step.at < OPENS));
    assert!(is_claim(&steps[looks]) && steps[looks].at >= OPENS);
}

#[test]
fn one_press_is_one_press_whatever_the_rules_say() {
    let plan = all(|_| {});
    for heard in [ticket(), refused(Refused::LimitReached), refused(Refused::NotEligible)] {
        for mut hand in hands(&plan) {
            let first = hand.step(Micros(0), None).unwrap();
            let steps = to_the_end(&mut hand, first, &heard);
            assert_eq!(steps.iter().filter(|step| is_claim(step)).count(), 1);
        }
    }
}

#[test]
fn a_claim_without_an_answer_is_asked_again_with_its_own_key_and_given_up_in_the_end() {
    let strange = Heard::Strange { status: 502, ret: None };
    let table =
        [Heard::Lost, Heard::Busy { retry_after: false }, Heard::Failed(Effect::Unknown), strange];
    for heard in table {
        let (mut hand, first) = one(&all(|_| {}), |step| key(step).is_some());
        let asked = first.asked.clone();
        let steps = to_the_end(&mut hand, first, &heard);
        let tries = steps.len() - 1;
        assert_eq!(tries as u32, hand::TRIES_MAX);
        assert!(
            steps.iter().all(|step| step.asked == asked),
            "{heard:?}: the same, with the same key"
        );
        let wait = |at: usize| steps[at + 1].at.0 - steps[at].at.0;
        assert!(wait(tries - 1) > 4 * wait(0), "{heard:?}: the wait grows");
        assert!(wait(tries - 1) <= 4_000_000);
    }
}

#[test]
fn the_patient_wait_as_they_are_told_and_the_frantic_do_not() {
    let heard = Heard::Busy { retry_after: true };
    let wait = |plan: &Plan| {
        let (mut hand, first) = one(plan, |_| true);
        hand.step(first.at, Some(&heard)).unwrap().at.0 - first.at.0
    };
    assert!(wait(&all(|_| {})) >= 1_000_000);
    assert!(wait(&all(|mix| mix.frantic = 1_000)) <= 250_000);
}

#[test]
fn a_double_click_is_two_claims_at_once_and_half_of_them_share_a_key() {
    let plan = all(|mix| mix.double_click = 1_000);
    let mut hands = hands(&plan);
    assert_eq!(hands.len(), 400);
    let (mut shared, mut without) = (0, 0);
    for pair in hands.chunks_mut(2) {
        assert_eq!(pair[0].person(), pair[1].person());
        let first = pair[0].step(Micros(0), None).unwrap();
        let second = pair[1].step(Micros(0), None).unwrap();
        assert!(second.at.0 - first.at.0 < 120_000, "before any answer can be there");
        assert_eq!(first.asked, second.asked);
        if key(&first).is_some() { shared += 1 } else { without += 1 }
    }
    assert!(shared > 60 && without > 60, "{shared} {without}");
}

#[test]
fn keys_of_two_hands_never_meet_again_after_the_first() {
    let mut plan = all(|mix| mix.double_click = 1_000);
    plan.types[0].limit_per_person = 3;
    plan.types[1].limit_per_person = 3;
    plan.limit_per_person = None;
    for pair in hands(&plan).chunks_mut(2) {
        let keys = |hand: &mut Hand| -> Vec<Option<Key>> {
            let first = hand.step(Micros(0), None).unwrap();
            let steps = to_the_end(hand, first, &ticket());
            steps.iter().filter(|step| is_claim(step)).map(key).collect()
        };
        let (first, second) = (keys(&mut pair[0]), keys(&mut pair[1]));
        let meet = |key: &&Option<Key>| key.is_some() && second[1..].contains(key);
        assert_eq!(first[1..].iter().find(meet), None);
        assert_eq!(first[0], second[0]);
    }
}

#[test]
fn early_birds_press_before_the_start_until_it_opens() {
    let (mut hand, first) = one(&all(|mix| mix.early_bird = 1_000), |step| step.at.0 < 8_000_000);
    assert!(is_claim(&first));
    let mut steps = vec![first];
    while steps[steps.len() - 1].at < OPENS {
        let now = steps[steps.len() - 1].at;
        steps.push(hand.step(now, Some(&refused(Refused::NotStarted))).unwrap());
    }
    assert!(steps.len() >= 4 && steps.iter().all(is_claim), "{steps:?}");
    let now = steps[steps.len() - 1].at;
    let after = hand.step(now, Some(&ticket()));
    assert!(after.is_none_or(|step| step.asked == Asked::Tickets), "they have what they came for");
}

#[test]
fn whoever_hears_too_early_by_accident_comes_when_it_opens() {
    let (mut hand, first) = one(&all(|_| {}), |_| true);
    let again = hand.step(Micros(9_000_000), Some(&refused(Refused::NotStarted))).unwrap();
    assert!(again.at >= OPENS && again.asked == first.asked, "{again:?}");
}

#[test]
fn a_server_that_never_opens_does_not_keep_anybody_for_ever() {
    for set in [|mix: &mut Mix| mix.early_bird = 1_000, |mix: &mut Mix| mix.frantic = 1_000] {
        for mut hand in hands(&all(set)).into_iter().take(50) {
            let first = hand.step(Micros(0), None).unwrap();
            to_the_end(&mut hand, first, &refused(Refused::NotStarted));
        }
    }
}

#[test]
fn the_frantic_press_on_whatever_they_hear() {
    let plan = all(|mix| mix.frantic = 1_000);
    for heard in [ticket(), refused(Refused::LimitReached), refused(Refused::SoldOut)] {
        let (mut hand, first) = one(&plan, |step| step.at.0 < 12_000_000);
        let claims = to_the_end(&mut hand, first, &heard).into_iter().filter(is_claim);
        assert!((5..=25).contains(&claims.count()), "{heard:?}");
    }
    let (mut hand, first) = one(&plan, |_| true);
    let steps = to_the_end(&mut hand, first, &refused(Refused::Ended));
    assert_eq!(steps.into_iter().filter(is_claim).count(), 1, "what is over is over");
}

/// C2: the reply is lost, and the same is asked with the same key.
#[test]
fn lost_replies_are_asked_for_again_with_the_same_key_and_so_is_what_was_won() {
    for mut hand in hands(&all(|mix| mix.lost_reply = 1_000)) {
        let first = hand.step(Micros(0), None).unwrap();
        assert!(first.hang_up.is_some() && key(&first).is_some());
        let mut step = first.clone();
        while step.hang_up.is_some() {
            let now = step.at;
            step = hand.step(now, Some(&Heard::Lost)).unwrap();
            assert_eq!(step.asked, first.asked);
            assert!(step.at.0 - now.0 < 1_000_000);
        }
        let repeats = to_the_end(&mut hand, step, &ticket());
        let claims: Vec<_> = repeats.iter().filter(|step| is_claim(step)).collect();
        assert!((2..=4).contains(&claims.len()), "{repeats:?}");
        assert!(claims.iter().all(|claim| claim.asked == first.asked && claim.hang_up.is_none()));
        assert_eq!(repeats[repeats.len() - 1].asked, Asked::Tickets);
    }
}

#[test]
fn readers_read_lists_and_details_press_once_and_look_at_their_tickets() {
    let (mut hand, first) = one(&all(|mix| mix.reader = 1_000), |step| step.at.0 < 4_000_000);
    let steps = to_the_end(&mut hand, first, &ticket());
    let count = |asked: &Asked| steps.iter().filter(|step| step.asked == *asked).count();
    assert!(count(&Asked::List) >= 1 && count(&Asked::Detail) >= 1, "{steps:?}");
    assert_eq!(steps.iter().filter(|step| is_claim(step)).count(), 1);
    assert_eq!(count(&Asked::Tickets), 1);
}

#[test]
fn bots_press_fast_without_keys_from_where_they_are_planned() {
    for (plan, origin) in [
        (all(|mix| mix.bot_one_prefix = 1_000), Origin::OnePrefix),
        (all(|mix| mix.bot_many_prefixes = 1_000), Origin::ManyPrefixes),
    ] {
        let (mut hand, first) = one(&plan, |_| true);
        assert_eq!(hand.origin(), origin);
        let begun = first.at.0;
        let steps = to_the_end(&mut hand, first, &refused(Refused::SoldOut));
        assert!(steps.len() >= 60 && steps.iter().all(|step| key(step).is_none()));
        let mean = (steps[steps.len() - 1].at.0 - begun) / steps.len() as u64;
        assert!(mean <= 40_000, "{mean}");
    }
}

/// C11: a queued claim is asked after until it has ended, through every other answer.
#[test]
fn a_queued_claim_is_asked_after_until_it_ends() {
    let (mut hand, first) = one(&all(|_| {}), |_| true);
    let mut step = hand.step(first.at, Some(&queued())).unwrap();
    let busy = Heard::Busy { retry_after: true };
    for heard in [queued(), busy, Heard::Lost, Heard::Failed(Effect::Unknown), queued()]
        .iter()
        .cycle()
        .take(100)
    {
        let Asked::Result { claim, .. } = &step.asked else { panic!("{step:?}") };
        assert_eq!(claim, "c");
        let now = step.at;
        step = hand.step(now, Some(heard)).unwrap();
        assert!(step.at > now && step.at.0 - now.0 <= 3_000_000);
    }
    let rest = to_the_end(&mut hand, step, &ticket());
    assert!(rest.len() <= 3, "{rest:?}");
}

/// C11: the answer to a queued claim can be read again.
#[test]
fn some_people_ask_for_a_final_answer_once_more() {
    let plan = Plan { users: 500, ..all(|_| {}) };
    let again = hands(&plan).into_iter().filter(|hand| {
        let mut hand = hand.clone();
        let first = hand.step(Micros(0), None).unwrap();
        let result = hand.step(first.at, Some(&queued())).unwrap();
        assert!(is_result(&result));
        hand.step(result.at, Some(&ticket())).is_some_and(|step| is_result(&step))
    });
    assert!((50..250).contains(&again.count()));
}

#[test]
fn a_queued_claim_that_came_to_nothing_is_claimed_again() {
    let claims_again = hands(&all(|_| {})).into_iter().any(|mut hand| {
        let first = hand.step(Micros(0), None).unwrap();
        let result = hand.step(first.at, Some(&queued())).unwrap();
        let next = hand.step(result.at, Some(&Heard::Failed(Effect::None)));
        next.is_some_and(|step| step.asked == first.asked)
    });
    assert!(claims_again);
}

#[test]
fn some_people_take_another_type_once_theirs_is_sold_out() {
    let wants = |step: &Step| {
        let Asked::Claim { ticket_type, .. } = step.asked else { panic!() };
        ticket_type
    };
    let (mut took, mut types) = (0, [0, 0]);
    for mut hand in hands(&all(|_| {})) {
        let first = hand.step(Micros(0), None).unwrap();
        types[wants(&first).0] += 1;
        let now = first.at.min(Micros(12_000_000));
        let next = hand.step(now, Some(&refused(Refused::SoldOut)));
        if let Some(next) = next.filter(is_claim) {
            assert_eq!(wants(&next), TypeIndex(1 - wants(&first).0));
            took += 1;
        }
    }
    assert!((30..110).contains(&took), "{took}");
    assert!(types.iter().all(|count| *count > 60), "{types:?}");
}

#[test]
fn somebody_who_hears_paused_waits_for_it_to_go_on_but_not_beyond_the_end() {
    let plan = all(|_| {});
    let (mut hand, first) = one(&plan, |step| step.at.0 < 12_000_000);
    let steps = to_the_end(&mut hand, first, &refused(Refused::Paused));
    let last = steps[steps.len() - 1].at;
    assert!(steps.len() > 10 && last.0 <= Hours::of(&plan, OPENS).ends.0 + 3_000_000, "{last:?}");
}

#[test]
fn where_several_units_may_be_had_people_press_for_several_with_new_keys() {
    let mut plan = all(|_| {});
    plan.types.truncate(1);
    plan.types[0].limit_per_person = 3;
    plan.limit_per_person = None;
    let mut most = 0;
    for mut hand in hands(&plan) {
        let first = hand.step(Micros(0), None).unwrap();
        let steps = to_the_end(&mut hand, first, &ticket());
        let mut keys: Vec<_> = steps.iter().filter(|step| is_claim(step)).map(key).collect();
        most = most.max(keys.len());
        if keys[0].is_some() {
            let count = keys.len();
            keys.dedup();
            assert_eq!(keys.len(), count, "each unit has a key of its own");
        }
    }
    assert_eq!(most, 4, "some want one more than they may have");
}
