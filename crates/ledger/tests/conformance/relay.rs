//! Facts on their way out: numbered without gaps, never before their cause; who hears of them, and how far.
//! Nothing here may know which ledger is under test.

use crate::given::{
    NOW, activity, add, basket, claim, done, draft, entry, held, order, payment, plain, write,
};
use crate::subject::Subject;
use ledger::{
    Appended, Cause, Change, Cursor, DELIVERIES_KEPT_MAX, Delivery, DeliveryOutcome, EndpointNo,
    Ledger, LedgerFault, NewEndpoint, NewUnits, OutFact, OutNo, OutRow, Source,
};
use rules::{
    ActivityNo, Claim, Epoch, Event, EventKind, OrderStep, PaymentState, Seq, TimeMs, TypeNo,
    UserNo,
};

/// More than any test has facts.
const ALL: u32 = 10_000;

fn later(ms: u64) -> TimeMs {
    TimeMs(NOW.0 + ms)
}

fn happen(ledger: &dyn Ledger, epoch: Epoch, no: ActivityNo, at: TimeMs, kind: EventKind) -> Event {
    let draft = ledger::EventDraft { at, ..draft(no, kind) };
    match ledger.append(epoch, &draft, &entry("change")).unwrap() {
        Appended::New(event) => event,
        other => panic!("{other:?} instead of a new event"),
    }
}

fn facts(ledger: &dyn Ledger, no: ActivityNo) -> Vec<OutRow> {
    ledger.facts(no, OutNo(0), ALL).unwrap()
}

/// What a fact is about, in a few letters.
fn brief(row: &OutRow) -> String {
    match &row.fact {
        OutFact::Claimed(lines) => format!("claim {}", lines[0].seq),
        OutFact::Order(event, lines) => match event.kind {
            EventKind::Order { step, .. } => format!("{step:?} {}", lines[0].seq),
            _ => panic!("{event:?} is about no order"),
        },
        OutFact::Payment(event, _) => match event.kind {
            EventKind::Payment { state, order, .. } => format!("money {state:?} {order}"),
            _ => panic!("{event:?} is about no payment"),
        },
        OutFact::Activity(event) => match event.kind {
            EventKind::LinedUp { user, .. } => format!("in line {user}"),
            EventKind::Paused => "paused".to_owned(),
            EventKind::Resumed => "resumed".to_owned(),
            _ => panic!("{event:?} is in no test"),
        },
    }
}

fn told(ledger: &dyn Ledger, no: ActivityNo) -> Vec<String> {
    facts(ledger, no).iter().map(brief).collect()
}

fn endpoint(id: &str) -> NewEndpoint {
    NewEndpoint {
        id: id.to_owned(),
        url: format!("https://example.org/{id}"),
        secret: id.as_bytes().to_vec(),
        activity: None,
        types: Vec::new(),
        note: String::new(),
    }
}

fn cursor(endpoint: EndpointNo, activity: ActivityNo, after: u64) -> Cursor {
    let (failures, not_before) = (0, TimeMs(0));
    Cursor { endpoint, activity, after: OutNo(after), failures, not_before }
}

fn delivery(endpoint: EndpointNo, activity: ActivityNo, no: u64) -> Delivery {
    let outcome = DeliveryOutcome::Taken(204);
    Delivery { at: later(no), endpoint, activity, no: OutNo(no), outcome, took_ms: 7 }
}

pub fn facts_have_no_numbers_until_somebody_asks(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, one) = plain(&*ledger);
    let quiet = add(&*ledger, epoch, activity("quiet", NewUnits::Plain(1)));
    assert_eq!(ledger.unnumbered().unwrap(), []);
    assert_eq!(ledger.number_facts(epoch, one, ALL).unwrap(), OutNo(0));
    write(&*ledger, epoch, &crate::given::claims(one, epoch, 3));
    happen(&*ledger, epoch, quiet, later(9), EventKind::Paused);
    assert_eq!(ledger.unnumbered().unwrap(), [one, quiet]);
    assert_eq!((facts(&*ledger, one), ledger.last_fact(one).unwrap()), (vec![], OutNo(0)));
    assert_eq!(ledger.number_facts(epoch, one, ALL).unwrap(), OutNo(3));
    assert_eq!(ledger.number_facts(epoch, one, ALL).unwrap(), OutNo(3), "each gets one number");
    assert_eq!(
        (ledger.unnumbered().unwrap(), ledger.last_fact(one).unwrap()),
        (vec![quiet], OutNo(3))
    );
    assert_eq!(
        ledger.number_facts(epoch, quiet, ALL).unwrap(),
        OutNo(1),
        "from 1 in each activity"
    );
    assert_eq!(ledger.unnumbered().unwrap(), []);
}

pub fn numbers_have_no_gaps_however_few_are_given_at_a_time(subject: &dyn Subject) {
    let another = subject.another();
    let at_once = crowded(&*another.open(), ALL);
    for most in [1, 2, 3, 7] {
        assert_eq!(crowded(&*subject.another().open(), most), at_once, "{most} at a time");
    }
    let numbers: Vec<u64> = (1..=at_once.len() as u64).collect();
    assert_eq!(at_once.iter().map(|(no, _)| *no).collect::<Vec<_>>(), numbers);
}

/// Some of everything, numbered so many at a time.
fn crowded(ledger: &dyn Ledger, most: u32) -> Vec<(u64, String)> {
    let (epoch, no) = plain(ledger);
    for n in 0..5 {
        write(ledger, epoch, &basket(no, epoch, 1 + n * 3, 3));
        happen(ledger, epoch, no, later(u64::from(n) * 3 + 2), EventKind::Paused);
        happen(ledger, epoch, no, later(u64::from(n) * 3 + 2), EventKind::Resumed);
    }
    for n in [2, 0, 4] {
        let paid = payment(order(no, 1 + n * 3), &n.to_string());
        done(ledger, epoch, later(20), Change::Receive(paid));
    }
    let mut reached = OutNo(0);
    loop {
        let next = ledger.number_facts(epoch, no, most).unwrap();
        assert!(next.0 - reached.0 <= u64::from(most), "at most {most} at a time");
        if next == reached {
            break;
        }
        reached = next;
    }
    facts(ledger, no).iter().map(|row| (row.no.0, brief(row))).collect()
}

pub fn nothing_leaves_before_its_cause(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    // The n-th claim is decided n ms later than the activity's moment.
    happen(&*ledger, epoch, no, later(2), EventKind::Paused);
    happen(&*ledger, epoch, no, later(3), EventKind::Resumed);
    let all: Vec<Claim> = (1..=6).map(|n| held(no, epoch, n)).collect();
    write(&*ledger, epoch, &all);
    let step = |seq, step| Change::Step { order: order(no, seq), step };
    // At the same moment as another claim, and by a clock that went back.
    done(&*ledger, epoch, later(5), step(4, OrderStep::Cancel));
    done(&*ledger, epoch, later(1), step(5, OrderStep::Expire));
    done(&*ledger, epoch, later(1), Change::Receive(payment(order(no, 6), "a")));
    ledger.number_facts(epoch, no, ALL).unwrap();
    let expected = [
        "claim 1", "paused", "claim 2", "resumed", "claim 3", "claim 4", "Cancel 4", "claim 5",
        "Expire 5", "claim 6", "Pay 6",
    ];
    let told = told(&*ledger, no);
    assert_eq!(told[..expected.len()], expected);
}

pub fn an_offer_leaves_after_whoever_gets_it_has_lined_up(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let mut new = activity("line", NewUnits::Plain(1));
    new.activity.standby = true;
    let no = add(&*ledger, epoch, new);
    write(&*ledger, epoch, &[held(no, epoch, 1)]);
    let (ticket_type, user) = (TypeNo(0), UserNo(2));
    let up = Change::LineUp { activity: no, ticket_type, user };
    let (events, _) = done(&*ledger, epoch, later(50), up);
    let offer = Some(rules::JoinNo(events[0].no));
    // By a clock that went back the offer was made before.
    write(&*ledger, epoch, &[Claim { offer, ..held(no, epoch, 2) }]);
    ledger.number_facts(epoch, no, ALL).unwrap();
    assert_eq!(told(&*ledger, no), ["claim 1", "in line 2", "claim 2"]);
}

/// What comes later has a later number, whatever moment it carries.
pub fn a_number_once_given_stays(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    happen(&*ledger, epoch, no, later(100), EventKind::Paused);
    ledger.number_facts(epoch, no, ALL).unwrap();
    write(&*ledger, epoch, &[claim(no, epoch, 1)]);
    drop(ledger);
    let ledger = subject.open();
    let ended = epoch;
    let epoch = ledger.own().unwrap();
    let stale = LedgerFault::NothingHappened(Cause::StaleEpoch);
    assert_eq!(ledger.number_facts(ended, no, ALL), Err(stale));
    assert_eq!(told(&*ledger, no), ["paused"]);
    assert_eq!(ledger.number_facts(epoch, no, ALL).unwrap(), OutNo(2));
    assert_eq!(told(&*ledger, no), ["paused", "claim 1"]);
}

pub fn a_fact_tells_what_it_is_about(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let names = ["lily", "百合"].map(str::to_owned);
    let people = ledger.adopt(&names, Source::Vouching, NOW).unwrap();
    assert_eq!(people[1].as_ref().unwrap().no, UserNo(2));
    write(&*ledger, epoch, &[held(no, epoch, 1)]);
    let lines = basket(no, epoch, 2, 3);
    write(&*ledger, epoch, &lines);
    let paid = payment(order(no, 2), "a");
    let (events, first) = done(&*ledger, epoch, later(10), Change::Receive(paid));
    let again = payment(order(no, 2), "b");
    let (more, second) = done(&*ledger, epoch, later(11), Change::Receive(again));
    let paused = happen(&*ledger, epoch, no, later(12), EventKind::Paused);
    ledger.number_facts(epoch, no, ALL).unwrap();
    let row = |number, at, fact, user: &str| OutRow {
        activity: no,
        no: OutNo(number),
        at,
        fact,
        user: user.to_owned(),
    };
    let events = [events, more].concat();
    let told: Vec<OutFact> = events
        .iter()
        .map(|event| match event.kind {
            EventKind::Order { .. } => OutFact::Order(event.clone(), lines.clone()),
            EventKind::Payment { payment, .. } => {
                let both = [first.clone().unwrap(), second.clone().unwrap()];
                let found = both.into_iter().find(|one| one.no.0 == payment).unwrap();
                OutFact::Payment(event.clone(), found)
            }
            _ => panic!("{event:?} is about neither"),
        })
        .collect();
    let mut expected = vec![
        row(1, later(1), OutFact::Claimed(vec![held(no, epoch, 1)]), "lily"),
        row(2, later(2), OutFact::Claimed(lines), "百合"),
    ];
    for (event, fact) in events.iter().zip(told) {
        expected.push(row(expected.len() as u64 + 1, event.at, fact, "百合"));
    }
    let last = expected.len() as u64 + 1;
    expected.push(row(last, later(12), OutFact::Activity(paused), ""));
    assert_eq!(facts(&*ledger, no), expected);
    let states: Vec<_> = expected.iter().map(brief).collect();
    assert!(states.contains(&format!("money {:?} 2", PaymentState::RefundDue)), "{states:?}");
}

pub fn facts_are_read_in_pages(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &crate::given::claims(no, epoch, 10));
    ledger.number_facts(epoch, no, ALL).unwrap();
    let table = [(0, 3, 1..4), (3, 3, 4..7), (8, 3, 9..11), (10, 3, 11..11), (u64::MAX, 3, 0..0)];
    for (after, most, expected) in table {
        let page = ledger.facts(no, OutNo(after), most).unwrap();
        assert!(page.iter().map(|row| row.no.0).eq(expected), "after {after}");
    }
}

pub fn the_lines_of_an_order_are_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &[claim(no, epoch, 1)]);
    write(&*ledger, epoch, &basket(no, epoch, 2, 3));
    assert_eq!(ledger.lines(no, Seq(1)).unwrap(), [claim(no, epoch, 1)]);
    assert_eq!(ledger.lines(no, Seq(2)).unwrap(), basket(no, epoch, 2, 3));
    for none in [3, 5] {
        assert_eq!(ledger.lines(no, Seq(none)).unwrap(), [], "{none} begins no order");
    }
}

pub fn an_endpoint_comes_back_as_it_was_added(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let full = NewEndpoint {
        activity: Some(no),
        types: vec!["order.paid".into(), "order.expired".into()],
        note: "仓库".into(),
        ..endpoint("b")
    };
    let first = ledger.add_endpoint(epoch, &endpoint("a"), NOW).unwrap().unwrap();
    let second = ledger.add_endpoint(epoch, &full, later(1)).unwrap().unwrap();
    assert_eq!(ledger.add_endpoint(epoch, &endpoint("b"), later(2)).unwrap(), None);
    assert!(ledger.rotate_secret(epoch, first, b"new", later(60)).unwrap());
    assert!(ledger.park_endpoint(epoch, second, true).unwrap());
    drop(ledger);
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let all = ledger.endpoints().unwrap();
    let expected = NewEndpoint { secret: b"new".to_vec(), ..endpoint("a") };
    assert_eq!((all[0].no, &all[0].set, all[0].parked), (first, &expected, false));
    assert_eq!(all[0].old_secret, Some((b"a".to_vec(), later(60))));
    assert_eq!((all[1].no, &all[1].set, all[1].parked), (second, &full, true));
    assert_eq!((all[1].old_secret.clone(), all[1].created_at, all.len()), (None, later(1), 2));
    let nobody = EndpointNo(second.0 + 1);
    assert_eq!(ledger.remove_endpoint(epoch, nobody), Ok(false));
    assert_eq!(ledger.park_endpoint(epoch, nobody, true), Ok(false));
    assert_eq!(ledger.rotate_secret(epoch, nobody, b"x", NOW), Ok(false));
}

pub fn an_endpoint_hears_of_what_has_no_number_yet(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, one) = plain(&*ledger);
    let other = add(&*ledger, epoch, activity("other", NewUnits::Plain(9)));
    let fresh = add(&*ledger, epoch, activity("fresh", NewUnits::Plain(9)));
    write(&*ledger, epoch, &crate::given::claims(one, epoch, 3));
    write(&*ledger, epoch, &crate::given::claims(other, epoch, 2));
    write(&*ledger, epoch, &crate::given::claims(fresh, epoch, 1));
    ledger.number_facts(epoch, one, 2).unwrap();
    ledger.number_facts(epoch, other, ALL).unwrap();
    let all = ledger.add_endpoint(epoch, &endpoint("all"), NOW).unwrap().unwrap();
    let only = NewEndpoint { activity: Some(other), ..endpoint("only") };
    let only = ledger.add_endpoint(epoch, &only, NOW).unwrap().unwrap();
    let sorted = |no| {
        let mut cursors = ledger.cursors(no).unwrap();
        cursors.sort_by_key(|cursor| cursor.activity);
        cursors
    };
    assert_eq!(sorted(all), [cursor(all, one, 2), cursor(all, other, 2)]);
    assert_eq!(sorted(only), [cursor(only, other, 2)]);
    ledger.number_facts(epoch, one, ALL).unwrap();
    assert_eq!(sorted(all)[0], cursor(all, one, 2), "what is numbered later is still to be sent");
}

pub fn cursors_and_attempts_are_written_together(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let one = ledger.add_endpoint(epoch, &endpoint("one"), NOW).unwrap().unwrap();
    let two = ledger.add_endpoint(epoch, &endpoint("two"), NOW).unwrap().unwrap();
    let failed = |outcome| Delivery { outcome, ..delivery(two, no, 1) };
    let outcomes = [
        DeliveryOutcome::Status(500),
        DeliveryOutcome::TimedOut,
        DeliveryOutcome::Unreachable,
        DeliveryOutcome::Forbidden,
    ];
    let mut log = vec![delivery(one, no, 1), delivery(one, no, 2)];
    log.extend(outcomes.map(failed));
    let stuck = Cursor { failures: 4, not_before: later(99), ..cursor(two, no, 0) };
    ledger.record_deliveries(epoch, &[cursor(one, no, 2), stuck], &log).unwrap();
    ledger.record_deliveries(epoch, &[cursor(one, no, 3)], &[delivery(one, no, 3)]).unwrap();
    drop(ledger);
    let ledger = subject.open();
    let (ended, epoch) = (epoch, ledger.own().unwrap());
    assert_eq!(ledger.cursors(one).unwrap(), [cursor(one, no, 3)]);
    assert_eq!(ledger.cursors(two).unwrap(), [stuck]);
    let newest = [3, 2].map(|n| delivery(one, no, n));
    assert_eq!(ledger.deliveries(one, 2).unwrap(), newest);
    let of_two: Vec<_> = outcomes.into_iter().rev().map(failed).collect();
    assert_eq!(ledger.deliveries(two, ALL).unwrap(), of_two);
    let stale = LedgerFault::NothingHappened(Cause::StaleEpoch);
    assert_eq!(ledger.record_deliveries(ended, &[cursor(one, no, 9)], &[]), Err(stale));
    ledger.park_endpoint(epoch, two, true).unwrap();
    assert_eq!(ledger.cursors(two).unwrap(), [stuck], "parking forgets nothing");
    ledger.park_endpoint(epoch, two, false).unwrap();
    assert_eq!(ledger.cursors(two).unwrap(), [cursor(two, no, 0)], "and then at once");
}

pub fn a_removed_endpoint_leaves_nothing_behind(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let one = ledger.add_endpoint(epoch, &endpoint("one"), NOW).unwrap().unwrap();
    let record = |epoch| {
        ledger.record_deliveries(epoch, &[cursor(one, no, 1)], &[delivery(one, no, 1)]).unwrap();
    };
    record(epoch);
    assert_eq!(ledger.remove_endpoint(epoch, one), Ok(true));
    assert_eq!(ledger.remove_endpoint(epoch, one), Ok(false));
    // What was on its way when it was removed is nobody's.
    record(epoch);
    let left = (ledger.cursors(one).unwrap(), ledger.deliveries(one, ALL).unwrap());
    assert_eq!(left, (vec![], vec![]));
    let again = ledger.add_endpoint(epoch, &endpoint("one"), NOW).unwrap().unwrap();
    assert_ne!(again, one, "a number is never given again");
}

pub fn the_newest_attempts_are_kept(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let one = ledger.add_endpoint(epoch, &endpoint("one"), NOW).unwrap().unwrap();
    let two = ledger.add_endpoint(epoch, &endpoint("two"), NOW).unwrap().unwrap();
    ledger.record_deliveries(epoch, &[], &[delivery(two, no, 1)]).unwrap();
    let kept = u64::from(DELIVERIES_KEPT_MAX);
    for first in [1, 2_001, 4_001, 6_001, 8_001, 10_001] {
        let some: Vec<_> = (first..first + 2_000).map(|n| delivery(one, no, n)).collect();
        ledger.record_deliveries(epoch, &[], &some).unwrap();
    }
    let log = ledger.deliveries(one, u32::MAX).unwrap();
    assert!(log.iter().map(|one| one.no.0).eq((12_001 - kept..12_001).rev()));
    assert_eq!(ledger.deliveries(two, ALL).unwrap().len(), 1, "each endpoint has its own log");
}
