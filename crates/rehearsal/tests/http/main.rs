//! The driver over HTTP against a small shop that plays the published interface, faults included: the history has to
//! say what really happened. The real server is met elsewhere.

mod shop;

use rehearsal::{
    history::{Asked, Change, Effect, Heard, Micros, Refused, TypeIndex},
    http::{
        Doing, LearnPlan, LimitedBy, Note, Operator, Phase, RehearseFault, Seen, Stop, Target,
        learn, run,
    },
    plan::{Arrivals, Mix, Plan, PlannedChange, PlannedPaying, PlannedType},
};
use shop::{Faults, Shop};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn operator() -> Operator {
    Operator::Password { name: "op".to_owned(), password: "right".to_owned() }
}

fn target(address: SocketAddr) -> Target {
    Target::new(address, operator())
}

fn small() -> Plan {
    let planned = |id: &str, stock, codes| PlannedType {
        id: id.to_owned(),
        stock,
        codes,
        limit_per_person: 1,
    };
    Plan {
        users: 300,
        connections: 60,
        opens_after_s: 1,
        seconds: 2,
        arrivals: Arrivals { spike_ms: 400, refresh_every_ms: 300, ..Arrivals::default() },
        mix: Mix {
            double_click: 150,
            early_bird: 100,
            frantic: 100,
            lost_reply: 150,
            reader: 100,
            bot_one_prefix: 20,
            bot_many_prefixes: 30,
        },
        types: vec![planned("seat", 40, true), planned("standing", 60, false)],
        paying: None,
        ..Plan::default()
    }
}

async fn rehearse(plan: &Plan, address: SocketAddr) -> Seen {
    let quiet = |_: Phase, _: u64, _: u64| {};
    run(&target(address), None, plan, &quiet, &Stop::new()).await.unwrap()
}

fn won(seen: &Seen) -> impl Iterator<Item = (&str, &rehearsal::history::Ticket, &Asked)> {
    seen.history.calls.iter().filter_map(|call| match &call.heard {
        Heard::Won(ticket) => {
            Some((seen.history.names[call.person.0 as usize].as_str(), ticket, &call.asked))
        }
        _ => None,
    })
}

/// C2, C11: what was queued, lost and broken off is asked after, and the history says what the shop did.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_says_what_really_happened() {
    let faults = Faults { busy: 17, broken: 7, queued: 5, failed: 23, ahead_s: 3_600, slow_ms: 0 };
    let (shop, address) = Shop::open(faults).await;
    let plan = Plan { roster_per_mille: Some(900), ..small() };
    let seen = rehearse(&plan, address).await;
    let history = &seen.history;
    let awards = shop.awards(&history.announced.activity);

    assert_eq!(awards.len(), 100, "everything is sold");
    assert_eq!(history.orders.len(), 100);
    let by_id: HashMap<&str, _> = awards.iter().map(|award| (award.id.as_str(), award)).collect();
    for row in &history.orders {
        let award = by_id[row.order.as_str()];
        assert_eq!(
            (&row.user, &row.code, row.claim_no),
            (&award.user, &award.code, award.claim_no)
        );
    }
    let mut heard = HashSet::new();
    for (name, ticket, _) in won(&seen) {
        let award = by_id[ticket.order.as_deref().unwrap()];
        assert_eq!((name, ticket.claim_no), (award.user.as_str(), award.claim_no));
        heard.insert(&award.id);
    }
    assert!(heard.len() >= 85, "most of those who won heard so in the end: {}", heard.len());
    assert_eq!(history.announced.types[0].codes.len(), 40);
    assert_eq!(history.announced.roster, plan.roster());
    assert_eq!(shop.activities(), [(history.announced.activity.clone(), true)], "it is closed");

    let times = |wanted: fn(&Heard) -> bool| {
        history.calls.iter().filter(|call| wanted(&call.heard)).count()
    };
    type Wanted = fn(&Heard) -> bool;
    let table: [(&str, Wanted); 10] = [
        ("queued", |heard| matches!(heard, Heard::Queued { .. })),
        ("busy", |heard| matches!(heard, Heard::Busy { retry_after: true })),
        ("lost", |heard| matches!(heard, Heard::Lost)),
        ("failed", |heard| matches!(heard, Heard::Failed(Effect::None))),
        ("too early", |heard| matches!(heard, Heard::Refused(Refused::NotStarted, _))),
        ("sold out", |heard| matches!(heard, Heard::Refused(Refused::SoldOut, _))),
        (
            "had theirs",
            |heard| matches!(heard, Heard::Refused(Refused::LimitReached, had) if !had.is_empty()),
        ),
        ("not on it", |heard| matches!(heard, Heard::Refused(Refused::NotEligible, _))),
        ("shown", |heard| matches!(heard, Heard::Shown(shown) if shown.types.len() == 2)),
        ("tickets", |heard| matches!(heard, Heard::Tickets(had) if !had.is_empty())),
    ];
    for (what, wanted) in table {
        assert!(times(wanted) > 0, "nobody heard {what}");
    }
    assert_eq!(times(|heard| matches!(heard, Heard::Strange { .. })), 0);
    assert!(!seen.stopped && seen.unsent == 0, "{:?} {}", seen.notes, seen.unsent);
}

/// This shop sells nothing for money: that is said, and everything else is rehearsed.
#[tokio::test(flavor = "multi_thread")]
async fn where_payments_cannot_be_tried_out_paying_is_left_out() {
    let (shop, address) = Shop::open(Faults::default()).await;
    let paying = PlannedPaying { payers: 20, ..PlannedPaying::default() };
    let seen = rehearse(&Plan { paying: Some(paying), ..small() }, address).await;
    assert_eq!(seen.notes, [Note::NoTestProvider]);
    assert!(seen.history.paying.is_none() && !seen.history.calls.is_empty());
    let activities = shop.activities();
    assert_eq!(activities.len(), 2, "one to see whether anything can be paid");
    assert!(activities.iter().all(|(_, closed)| *closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_certain_whatever_the_servers_clock_says() {
    let faults = Faults { ahead_s: 86_400, ..Faults::default() };
    let (shop, address) = Shop::open(faults).await;
    let seen = rehearse(&small(), address).await;
    let history = &seen.history;
    let sale = &history.announced;
    let (opens, ends, within) = (sale.types[0].opens, sale.types[0].ends, sale.clock_within);
    assert_eq!(ends.0 - opens.0, 2_000_000);
    assert!(within.0 < 100_000, "{within:?}");
    assert!(history.calls.windows(2).all(|two| two[0].ended <= two[1].ended));
    for call in &history.calls {
        assert!(call.sent <= call.ended);
        let claim = matches!(call.asked, Asked::Claim { .. });
        if claim && matches!(call.heard, Heard::Refused(Refused::NotStarted, _)) {
            assert!(call.sent.0 < opens.0 + within.0, "too early, but it was open: {call:?}");
        }
        if claim && matches!(call.heard, Heard::Won(_)) {
            assert!(call.ended.0 + within.0 > opens.0, "won before it opened: {call:?}");
        }
    }
    assert_eq!(shop.most_at_once.lock().unwrap().1, 2, "both clicks are under way at once");
    let peers = shop.peers.lock().unwrap();
    let from = |prefix: [u8; 2]| {
        let all = peers
            .iter()
            .filter(|ip| matches!(ip, std::net::IpAddr::V4(ip) if ip.octets()[..2] == prefix));
        all.count()
    };
    assert!(from([127, 66]) >= 1 && peers.len() > from([127, 66]) + 1, "{peers:?}");
    assert_eq!(seen.notes, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_changes_are_made_and_noted() {
    let (shop, address) = Shop::open(Faults::default()).await;
    let at = |ms: u64, what| PlannedChange { after_opening: Micros(ms * 1_000), what };
    let standing = TypeIndex(1);
    let changes = vec![
        at(200, Change::Paused),
        at(400, Change::Resumed),
        at(900, Change::Added(standing, 30)),
        at(1_000, Change::TakenBack(standing, 5)),
    ];
    let seen = rehearse(&Plan { changes, ..small() }, address).await;
    let done: Vec<Change> = seen.history.interventions.iter().map(|one| one.what).collect();
    assert_eq!(done, [Change::Paused, Change::Resumed, Change::Added(standing, 30)]);
    assert!(
        seen.history
            .interventions
            .iter()
            .all(|one| one.heard.is_some_and(|heard| heard > one.sent))
    );
    assert_eq!(seen.notes, [Note::ChangeRefused(3)], "this shop takes nothing back");
    let paused =
        |call: &&rehearsal::history::Call| matches!(call.heard, Heard::Refused(Refused::Paused, _));
    assert!(seen.history.calls.iter().any(|call| paused(&call)));
    assert_eq!(shop.awards(&seen.history.announced.activity).len(), 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_that_is_stopped_still_hands_on_what_it_saw() {
    let (shop, address) = Shop::open(Faults { queued: 2, ..Faults::default() }).await;
    let plan = Plan { seconds: 600, ..small() };
    let stop = Stop::new();
    let phases = Arc::new(Mutex::new(Vec::new()));
    let progress = {
        let (stop, phases) = (stop.clone(), Arc::clone(&phases));
        move |phase: Phase, done: u64, of: u64| {
            assert!(done <= of, "{phase:?} {done} of {of}");
            let mut phases = phases.lock().unwrap();
            if phases.last() != Some(&phase) {
                phases.push(phase);
            }
            if phase == Phase::Open && done > 300 {
                stop.ask();
            }
        }
    };
    let begun = Instant::now();
    let seen = run(&target(address), None, &plan, &progress, &stop).await.unwrap();
    assert!(seen.stopped && begun.elapsed() < Duration::from_secs(60));
    assert!(!seen.history.calls.is_empty() && !seen.history.orders.is_empty());
    let queued: HashSet<&str> = seen
        .history
        .calls
        .iter()
        .filter_map(|call| match &call.heard {
            Heard::Queued { claim } => Some(claim.as_str()),
            _ => None,
        })
        .collect();
    let ended: HashSet<&str> = seen
        .history
        .calls
        .iter()
        .filter_map(|call| match &call.asked {
            Asked::Result { claim, .. } if matches!(call.heard, Heard::Won(_)) => {
                Some(claim.as_str())
            }
            _ => None,
        })
        .collect();
    assert!(queued.len() > 10);
    assert_eq!(queued, ended, "queued claims are asked after even then");
    assert!(shop.activities()[0].1, "it is closed");
    use Phase::{Exporting, Gathering, Open, Preparing, Settling, SigningIn};
    let order = [SigningIn, Preparing, Gathering, Open, Settling, Exporting];
    assert_eq!(*phases.lock().unwrap(), order);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_being_a_rehearsal_is_named() {
    let (_, address) = Shop::open(Faults::default()).await;
    let quiet = |_: Phase, _: u64, _: u64| {};
    let password = |name: &str, password: &str| Operator::Password {
        name: name.to_owned(),
        password: password.to_owned(),
    };
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = std::io::ErrorKind::ConnectionRefused;
    let table = [
        (address, password("op", "wrong"), RehearseFault::NotSignedIn),
        (address, Operator::Token("old".to_owned()), RehearseFault::NotSignedIn),
        (address, password("buyer", "right"), RehearseFault::NoOperator),
        (unused, operator(), RehearseFault::Unreachable(Doing::SigningIn, refused)),
    ];
    for (address, operator, expected) in table {
        let target = Target::new(address, operator);
        let found = run(&target, None, &small(), &quiet, &Stop::new()).await.unwrap_err();
        assert_eq!(found, expected);
        assert!(!found.to_string().is_empty());
    }
    let bad = Plan { users: 0, ..small() };
    let found = run(&target(address), None, &bad, &quiet, &Stop::new()).await.unwrap_err();
    assert!(matches!(found, RehearseFault::Plan(_)), "{found}");
    let token = Target::new(address, Operator::Token("operator".to_owned()));
    let tiny = Plan { users: 5, connections: 2, seconds: 1, ..small() };
    run(&token, None, &tiny, &quiet, &Stop::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_learnt_until_the_bound_is_passed() {
    // Each answer takes 20 ms, or 40, and there are 8 connections: 400 a second and no more. The bound leaves room for
    // a machine that is busy with something else; what a rung means is tested with figures alone.
    let (shop, address) = Shop::open(Faults { slow_ms: 20, ..Faults::default() }).await;
    let plan = LearnPlan {
        connections: 8,
        p99_bound_ms: 300,
        first_per_s: 50,
        growth_per_mille: 4_000,
        rung_ms: 600,
        rungs_max: 6,
        users: 50,
        seed: 3,
    };
    let quiet = |_: Phase, _: u64, _: u64| {};
    let learnt = learn(&target(address), &plan, &quiet, &Stop::new()).await.unwrap();
    for found in [&learnt.detail, &learnt.refusals] {
        assert!((50..=500).contains(&found.requests_per_s), "{found:?}");
        assert_ne!(found.limited_by, LimitedBy::Nothing);
        assert!(found.rungs[0].p50.0 >= 20_000 && found.rungs[0].failed == 0, "{found:?}");
        let most = found.rungs.iter().max_by_key(|rung| rung.offered_per_s).unwrap();
        assert!(most.p99.0 > 60_000, "open loop: waiting for a connection counts: {most:?}");
    }
    assert_eq!(learnt.suggested.connections_max, 1_000);
    assert!(shop.activities().iter().all(|(_, closed)| *closed));
}
