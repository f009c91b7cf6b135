//! What payers do with each answer.
//! The answers are made up; no server is here.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

const OPENS: Micros = Micros(10_000_000);

fn plan(payers: u32) -> Plan {
    let paying = PlannedPaying { payers, ..PlannedPaying::default() };
    Plan { paying: Some(paying), ..Plan::default() }
}

fn crowd(count: u32) -> Vec<Payer> {
    let plan = plan(count);
    payers(&plan, Hours::of(&plan, OPENS))
}

fn order(state: State) -> PayHeard {
    PayHeard::Order(Order { id: "o".to_owned(), state, ..Order::default() })
}

/// Answers until the payer is done; what was asked.
fn to_the_end(payer: &mut Payer, answer: impl Fn(&PayAsked) -> PayHeard) -> Vec<PayAsked> {
    let mut asked = Vec::new();
    let (mut now, mut heard) = (Micros(0), None);
    while let Some(step) = payer.step(now, heard.as_ref()) {
        assert!(step.at >= now, "time goes forward");
        now = step.at;
        heard = Some(answer(&step.asked));
        asked.push(step.asked);
        assert!(asked.len() < 1_000, "it comes to an end: {asked:?}");
    }
    assert_eq!(payer.step(now, heard.as_ref()), None, "done is done");
    asked
}

/// A server with a unit for everybody, where nothing that is asked changes an order.
fn held(asked: &PayAsked) -> PayHeard {
    match asked {
        PayAsked::Start(_) => PayHeard::PayAt("/pay/test/o".to_owned()),
        PayAsked::Pay { .. } => PayHeard::Told,
        PayAsked::Forge(_) | PayAsked::Return(_) => PayHeard::Whatever { status: 400 },
        PayAsked::Cancel(_) => order(State::Cancelled),
        PayAsked::Orders => PayHeard::Orders(Vec::new()),
        PayAsked::Order(_) => order(State::Expired),
        _ => order(State::Held),
    }
}

#[test]
fn the_same_seed_sends_the_same_payers_and_every_habit_is_among_them() {
    let run = || -> Vec<Vec<PayAsked>> {
        crowd(400).iter_mut().map(|payer| to_the_end(payer, held)).collect()
    };
    assert_eq!(run(), run());
    let habits: BTreeSet<PayHabit> = crowd(400).iter().map(Payer::habit).collect();
    let shares = shares(&PayMix::default());
    assert_eq!(habits.len(), shares.len());
    assert_eq!(shares.iter().map(|(share, _)| share).sum::<u32>(), 1_000);
    let baskets = crowd(400).iter().filter(|payer| payer.items.len() > 1).count();
    assert!((50..250).contains(&baskets), "{baskets}");
}

#[test]
fn each_habit_does_what_it_says_with_a_hold() {
    let mut seen: BTreeMap<PayHabit, usize> = BTreeMap::new();
    for mut payer in crowd(400) {
        let habit = payer.habit();
        let asked = to_the_end(&mut payer, held);
        let any = |wanted: fn(&PayAsked) -> bool| asked.iter().any(wanted);
        let pays = asked.iter().find_map(|one| match one {
            PayAsked::Pay { how, .. } => Some(*how),
            _ => None,
        });
        match habit {
            PayHabit::Pays(how) => assert_eq!(pays, Some(how)),
            PayHabit::PaysAndCancels => {
                assert!(pays == Some(How::AtOnce) && any(|one| matches!(one, PayAsked::Cancel(_))));
            }
            PayHabit::Cancels => assert!(any(|one| matches!(one, PayAsked::Cancel(_)))),
            PayHabit::Forges => {
                assert!(pays.is_none() && any(|one| matches!(one, PayAsked::Forge(_))));
            }
            PayHabit::Returns => {
                assert!(pays.is_none() && any(|one| matches!(one, PayAsked::Return(_))));
            }
            PayHabit::Neglects => {
                assert!(pays.is_none() && !any(|one| matches!(one, PayAsked::Start(_))))
            }
        }
        assert_eq!(asked.last(), Some(&PayAsked::Orders), "{habit:?}");
        *seen.entry(habit).or_default() += 1;
    }
    assert_eq!(seen.len(), shares(&PayMix::default()).len());
}

#[test]
fn where_nothing_is_free_most_line_up_and_some_leave() {
    let line = |asked: &PayAsked| match asked {
        PayAsked::Claim { .. } => PayHeard::HeldByOthers,
        PayAsked::Join(_) | PayAsked::Place(_) => PayHeard::InLine { ahead: 3 },
        PayAsked::Leave(_) => PayHeard::Left(true),
        _ => PayHeard::Orders(Vec::new()),
    };
    let all: Vec<Vec<PayAsked>> = crowd(400).iter_mut().map(|one| to_the_end(one, line)).collect();
    let count =
        |wanted: fn(&PayAsked) -> bool| all.iter().filter(|asked| asked.iter().any(wanted)).count();
    assert!(count(|one| matches!(one, PayAsked::Join(_))) > 200);
    assert!((10..120).contains(&count(|one| matches!(one, PayAsked::Leave(_)))));
}

#[test]
fn an_offer_is_taken_and_a_free_unit_is_claimed() {
    let offered = |asked: &PayAsked| match asked {
        PayAsked::Claim { .. } => PayHeard::Refused(Refused::SoldOut),
        PayAsked::Join(_) => PayHeard::InLine { ahead: 0 },
        PayAsked::Place(_) => PayHeard::NotInLine { offer: Some("o".to_owned()) },
        other => held(other),
    };
    let took = crowd(100).into_iter().filter_map(|mut payer| {
        let asked = to_the_end(&mut payer, offered);
        asked.iter().any(|one| matches!(one, PayAsked::Pay { .. })).then_some(())
    });
    assert!(took.count() > 40);
    let free = |asked: &PayAsked| match asked {
        PayAsked::Claim { key: Key(1), .. } => PayHeard::HeldByOthers,
        PayAsked::Join(_) => PayHeard::WrongState("free".to_owned()),
        other => held(other),
    };
    for mut payer in crowd(100).into_iter().filter(|payer| payer.stands_by) {
        let asked = to_the_end(&mut payer, free);
        assert!(asked.iter().any(|one| matches!(one, PayAsked::Claim { key: Key(2), .. })));
    }
}

/// C2: the same key as long as there is no answer, and a queued claim is asked after.
#[test]
fn a_payer_asks_again_with_the_same_key_and_gives_up_in_the_end() {
    for mut payer in crowd(50) {
        let asked = to_the_end(&mut payer, |_| PayHeard::Lost);
        assert_eq!(asked.len() as u32, TRIES_MAX + 1);
        assert!(asked.iter().all(|one| matches!(one, PayAsked::Claim { key: Key(1), .. })));
    }
    let queued = |asked: &PayAsked| match asked {
        PayAsked::Claim { .. } => PayHeard::Queued { claim: "c".to_owned() },
        other => held(other),
    };
    for mut payer in crowd(50) {
        let asked = to_the_end(&mut payer, queued);
        assert!(matches!(&asked[1], PayAsked::Result { claim, .. } if claim == "c"));
    }
}

/// A server whose clock is far behind tells everybody that they are early, for ever.
#[test]
fn a_payer_who_is_always_too_early_gives_up_in_the_end() {
    let early = |asked: &PayAsked| match asked {
        PayAsked::Orders => PayHeard::Orders(Vec::new()),
        _ => PayHeard::Refused(Refused::NotStarted),
    };
    for mut payer in crowd(20) {
        let asked = to_the_end(&mut payer, early);
        assert_eq!(asked.len() as u32, EARLY_MAX + 2);
        assert_eq!(asked.last(), Some(&PayAsked::Orders));
    }
}

/// C2: a queued claim that a kill took with it is claimed anew with its key.
#[test]
fn a_queued_claim_that_is_gone_is_the_same_claim_again() {
    for mut payer in crowd(20) {
        let times = std::cell::Cell::new(0);
        let asked = to_the_end(&mut payer, |asked| match asked {
            PayAsked::Claim { .. } if times.replace(times.get() + 1) == 0 => {
                PayHeard::Queued { claim: "gone".to_owned() }
            }
            PayAsked::Result { .. } => PayHeard::Failed(Effect::None),
            other => held(other),
        });
        assert!(matches!(&asked[1], PayAsked::Result { claim, .. } if claim == "gone"));
        assert_eq!(asked[0], asked[2]);
    }
}

#[test]
fn the_mix_decides_who_does_what() {
    let mix = PayMix { cancels: 1_000, ..PayMix::PLAIN };
    for (mix, expected) in [(PayMix::PLAIN, PayHabit::Pays(How::AtOnce)), (mix, PayHabit::Cancels)]
    {
        let mut plan = plan(50);
        plan.paying = plan.paying.map(|paying| PlannedPaying { mix, ..paying });
        let all = payers(&plan, Hours::of(&plan, OPENS));
        assert!(all.iter().all(|payer| payer.habit() == expected));
    }
}
