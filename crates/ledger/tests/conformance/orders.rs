//! Orders after their claim: every change in every state, one winner where two meet, and events that tell of it all.
//! Nothing here may know which ledger is under test.

use crate::given::{
    NOW, basket, change, claim, commit, done, draft, entry, held, marked, order, payment, plain,
    write,
};
use crate::subject::Subject;
use ledger::{
    Appended, Cause, Change, Changed, Lateness, Ledger, LedgerFault, NOTICES_KEPT_MAX,
    NoticeRecord, OpenPayment, OrderMark, PaymentNo,
};
use rules::{
    ActivityNo, Claim, Epoch, Event, EventKind, EventNo, OrderNo, OrderState, OrderStep,
    PaymentState, Seq, TimeMs, TypeNo, UserNo,
};
use std::sync::Barrier;

pub fn step(order: OrderNo, step: OrderStep) -> Change {
    Change::Step { order, step }
}

fn started(order: OrderNo) -> Change {
    Change::Started(OpenPayment { order, provider: "test".into(), started_at: NOW })
}

/// Brings the n-th claim, which is written here, to this state.
pub fn bring(ledger: &dyn Ledger, epoch: Epoch, no: ActivityNo, n: u32, to: OrderState) -> OrderNo {
    write(ledger, epoch, &[held(no, epoch, n)]);
    let order = order(no, n);
    let pay = || done(ledger, epoch, NOW, Change::Receive(payment(order, &format!("bring {n}"))));
    let owe = || {
        pay();
        done(ledger, epoch, NOW, step(order, OrderStep::OweRefund)).1.unwrap().no
    };
    match to {
        OrderState::Held => {}
        OrderState::Paid => drop(pay()),
        OrderState::Cancelled => drop(done(ledger, epoch, NOW, step(order, OrderStep::Cancel))),
        OrderState::Expired => drop(done(ledger, epoch, NOW, step(order, OrderStep::Expire))),
        OrderState::RefundDue => drop(owe()),
        OrderState::Refunded => drop(done(ledger, epoch, NOW, Change::RefundDone(owe()))),
    }
    assert_eq!(ledger.order_mark(order).unwrap().unwrap().state, to);
    order
}

/// What is said of a change that is no payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    To(OrderState),
    Already,
    Wrong,
}

/// O1: each step in each state.
pub fn a_step_is_taken_only_from_the_state_that_allows_it(subject: &dyn Subject) {
    use OrderState as S;
    use Said::{Already, To, Wrong};
    let table = [
        (S::Held, [To(S::Cancelled), To(S::Expired), Wrong]),
        (S::Paid, [Wrong, Wrong, To(S::RefundDue)]),
        (S::Cancelled, [Already, Wrong, Wrong]),
        (S::Expired, [Wrong, Already, Wrong]),
        (S::RefundDue, [Wrong, Wrong, Already]),
        (S::Refunded, [Wrong, Wrong, Already]),
    ];
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let (at, mut n) = (TimeMs(NOW.0 + 9), 0);
    for (state, row) in table {
        for (taken, said) in
            [OrderStep::Cancel, OrderStep::Expire, OrderStep::OweRefund].iter().zip(row)
        {
            n += 1;
            let order = bring(&*ledger, epoch, no, n, state);
            let before = ledger.order_mark(order).unwrap().unwrap();
            let answer = change(&*ledger, epoch, at, &[step(order, *taken)]).remove(0);
            let after = ledger.order_mark(order).unwrap().unwrap();
            match said {
                Said::To(expected) => {
                    let Changed::Done { events, payment } = answer else { panic!("{answer:?}") };
                    assert_eq!(events[0].kind, EventKind::Order { order: order.seq, step: *taken });
                    assert_eq!(payment.is_some(), *taken == OrderStep::OweRefund);
                    let OrderMark { paid_at, .. } = before;
                    assert_eq!(after, OrderMark { state: expected, paid_at, ended_at: Some(at) });
                    assert_eq!(Some(expected), state.after(*taken));
                }
                Already => {
                    assert_eq!(answer, Changed::Already { payment: None, state: Some(state) });
                    assert_eq!(after, before);
                }
                Wrong => {
                    assert_eq!(answer, Changed::WrongState(state), "{taken:?} of {state:?}");
                    assert_eq!(after, before);
                }
            }
        }
    }
    assert_eq!(ledger.audit().unwrap(), []);
}

/// A free order is paid from the start, and there is no money that could go back.
pub fn a_free_order_takes_no_step(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &[claim(no, epoch, 1)]);
    let mark = OrderMark { state: OrderState::Paid, paid_at: None, ended_at: None };
    assert_eq!(ledger.order_mark(order(no, 1)).unwrap(), Some(mark));
    for taken in [OrderStep::Cancel, OrderStep::Expire, OrderStep::OweRefund] {
        let answers = change(&*ledger, epoch, NOW, &[step(order(no, 1), taken)]);
        assert_eq!(answers, [Changed::WrongState(OrderState::Paid)]);
    }
    assert_eq!(ledger.order_mark(order(no, 1)).unwrap(), Some(mark));
    assert_eq!(ledger.activity(no).unwrap().unwrap().through, EventNo(0));
}

/// An order is known once its claim is written, by its first line alone.
pub fn an_order_is_known_by_its_first_line(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &basket(no, epoch, 1, 3));
    let strangers = [order(no, 2), order(no, 3), order(no, 4), order(ActivityNo(no.0 + 1), 1)];
    for stranger in strangers {
        assert_eq!(ledger.order_mark(stranger).unwrap(), None);
        let changes = [
            step(stranger, OrderStep::Cancel),
            started(stranger),
            Change::Receive(payment(stranger, "one")),
            Change::Owe(payment(stranger, "one")),
            Change::ConfirmLate { payment: PaymentNo(1), order: stranger },
            Change::RefuseLate(PaymentNo(1)),
            Change::PutOff { payment: PaymentNo(1), after: NOW },
            Change::RefundDone(PaymentNo(1)),
        ];
        assert_eq!(change(&*ledger, epoch, NOW, &changes), [const { Changed::Unknown }; 8]);
    }
    let first = order(no, 1);
    done(&*ledger, epoch, NOW, step(first, OrderStep::Cancel));
    let states: Vec<_> = marked(&*ledger, no).into_iter().map(|(_, mark)| mark.state).collect();
    assert_eq!(states, [OrderState::Cancelled; 3], "its lines are one order");
    assert_eq!(ledger.audit().unwrap(), []);
}

/// Marks stay with their orders, whatever stands between them, and over a restart.
pub fn lines_are_read_with_how_their_orders_stand(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let other = ActivityNo(no.0 + 1);
    write(&*ledger, epoch, &[held(other, epoch, 1)]);
    let states = [
        OrderState::Held,
        OrderState::Expired,
        OrderState::Paid,
        OrderState::Held,
        OrderState::Refunded,
        OrderState::RefundDue,
        OrderState::Cancelled,
    ];
    for (place, state) in states.iter().enumerate() {
        bring(&*ledger, epoch, no, place as u32 + 1, *state);
    }
    write(&*ledger, epoch, &[claim(no, epoch, 8)]);
    let read = |ledger: &dyn Ledger| marked(ledger, no).into_iter().map(|(_, mark)| mark.state);
    let expected: Vec<_> = states.into_iter().chain([OrderState::Paid]).collect();
    assert_eq!(read(&*ledger).collect::<Vec<_>>(), expected);
    assert_eq!(marked(&*ledger, other)[0].1.state, OrderState::Held);
    drop(ledger);
    let ledger = subject.open();
    assert_eq!(read(&*ledger).collect::<Vec<_>>(), expected);
    for (claim, mark) in marked(&*ledger, no) {
        assert_eq!(ledger.order_mark(claim.order()).unwrap(), Some(mark));
    }
    assert_eq!(ledger.audit().unwrap(), []);
}

/// O3: events are numbered in the order of the changes, and the activity is where the last one leaves it.
pub fn changes_are_told_by_events_in_their_order(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let two = crate::given::activity("two", ledger::NewUnits::Plain(9));
    let two = crate::given::add(&*ledger, epoch, two);
    write(&*ledger, epoch, &[held(no, epoch, 1), held(no, epoch, 2), held(two, epoch, 1)]);
    let at = TimeMs(NOW.0 + 5);
    let changes = [
        Change::Receive(payment(order(no, 1), "one")),
        step(order(two, 1), OrderStep::Expire),
        step(order(no, 2), OrderStep::Cancel),
        step(order(no, 1), OrderStep::OweRefund),
    ];
    let answers = change(&*ledger, epoch, at, &changes);
    let events: Vec<Event> = answers
        .into_iter()
        .flat_map(|answer| match answer {
            Changed::Done { events, .. } => events,
            other => panic!("{other:?}"),
        })
        .collect();
    let of = |seq, step| EventKind::Order { order: Seq(seq), step };
    let due = PaymentState::RefundDue;
    let expected = [
        (no, of(1, OrderStep::Pay)),
        (two, of(1, OrderStep::Expire)),
        (no, of(2, OrderStep::Cancel)),
        (no, of(1, OrderStep::OweRefund)),
        (no, EventKind::Payment { payment: 1, order: Seq(1), state: due }),
    ];
    for (place, (event, (activity, kind))) in events.iter().zip(&expected).enumerate() {
        let no = EventNo(place as u64 + 1);
        assert_eq!(*event, Event { no, activity: *activity, at, kind: kind.clone() });
    }
    assert_eq!(events.len(), expected.len());
    let through = |no| ledger.activity(no).unwrap().unwrap().through;
    assert_eq!((through(no), through(two)), (EventNo(5), EventNo(2)));
    // Operators' changes follow in the same numbers.
    let paused = ledger.append(epoch, &draft(two, EventKind::Paused), &entry("pause")).unwrap();
    assert!(matches!(paused, Appended::New(Event { no: EventNo(6), .. })), "{paused:?}");
}

/// Closing stops claims only: holds stay payable, and expire.
pub fn a_closed_activity_takes_changes_of_its_orders(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &[held(no, epoch, 1), held(no, epoch, 2), held(no, epoch, 3)]);
    ledger.append(epoch, &draft(no, EventKind::Closed), &entry("close")).unwrap();
    done(&*ledger, epoch, NOW, Change::Receive(payment(order(no, 1), "one")));
    done(&*ledger, epoch, NOW, step(order(no, 1), OrderStep::OweRefund));
    done(&*ledger, epoch, NOW, step(order(no, 2), OrderStep::Expire));
    done(&*ledger, epoch, NOW, step(order(no, 3), OrderStep::Cancel));
    assert_eq!(ledger.activity(no).unwrap().unwrap().through, EventNo(6));
}

/// C18: paid and expired in one batch, the first one wins, and the other hears why not.
pub fn the_first_of_two_changes_in_a_batch_wins(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &[held(no, epoch, 1), held(no, epoch, 2)]);
    let pay = |n, reference: &str| Change::Receive(payment(order(no, n), reference));
    let expire = |n| step(order(no, n), OrderStep::Expire);
    let changes = [pay(1, "one"), expire(1), expire(2), pay(2, "two"), expire(2)];
    let answers = change(&*ledger, epoch, NOW, &changes);
    let state = |place: usize| match &answers[place] {
        Changed::Done { payment, .. } => payment.as_ref().map(|payment| payment.state),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (state(0), state(2), state(3)),
        (Some(PaymentState::Confirmed), None, Some(PaymentState::Late))
    );
    assert_eq!(answers[1], Changed::WrongState(OrderState::Paid));
    let expired = Changed::Already { payment: None, state: Some(OrderState::Expired) };
    assert_eq!(answers[4], expired);
    let states: Vec<_> = marked(&*ledger, no).into_iter().map(|(_, mark)| mark.state).collect();
    assert_eq!(states, [OrderState::Paid, OrderState::Expired]);
}

/// Orders over which a payment and an expiry race.
const RACES: u32 = 2_000;

/// C18: whoever asks from whichever thread, exactly one of the two wins, and the money knows which.
pub fn of_pay_and_expire_at_once_exactly_one_wins(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let all: Vec<_> = (1..=RACES).map(|n| held(no, epoch, n)).collect();
    write(&*ledger, epoch, &all);
    let gate = Barrier::new(2);
    let race = |propose: &dyn Fn(u32) -> Change| -> Vec<bool> {
        let mut won = Vec::new();
        for n in 1..=RACES {
            // Both are let go at the same moment, order by order.
            gate.wait();
            won.push(match &change(&*ledger, epoch, NOW, &[propose(n)])[..] {
                [Changed::Done { payment: Some(one), .. }] => one.state == PaymentState::Confirmed,
                [Changed::Done { payment: None, .. }] => true,
                [Changed::WrongState(OrderState::Paid)] => false,
                other => panic!("{other:?}"),
            });
        }
        won
    };
    let (paid, expired) = std::thread::scope(|scope| {
        let payer =
            scope.spawn(|| race(&|n| Change::Receive(payment(order(no, n), &n.to_string()))));
        let expired = race(&|n| step(order(no, n), OrderStep::Expire));
        (payer.join().unwrap(), expired)
    });
    for (n, (paid, expired)) in paid.iter().zip(&expired).enumerate() {
        assert!(paid != expired, "order {} was paid: {paid}, expired: {expired}", n + 1);
    }
    for ((_, mark), paid) in marked(&*ledger, no).into_iter().zip(paid) {
        let expected = if paid { OrderState::Paid } else { OrderState::Expired };
        assert_eq!(mark.state, expected);
    }
    assert_eq!(ledger.audit().unwrap(), []);
}

/// What an order gave back, somebody else may have; what it still has, nobody.
pub fn only_live_orders_contradict_each_other(subject: &dyn Subject) {
    use OrderState as S;
    for state in S::ALL {
        let subject = subject.another();
        let ledger = subject.open();
        let (epoch, no) = plain(&*ledger);
        bring(&*ledger, epoch, no, 1, state);
        let other = Claim { unit: rules::UnitNo(0), user: UserNo(1), ..claim(no, epoch, 2) };
        commit(&*ledger, epoch, &[other]);
        let contradicted = ledger.audit().unwrap().len();
        // Its unit, and its user's ordinals. Many deciders have refused it at once.
        let expected = match ledger.detection() {
            ledger::Detection::AtAudit if state.is_live() => 2,
            _ => 0,
        };
        assert_eq!(contradicted, expected, "{state:?}");
    }
}

/// Promise 4: the code of a refunded order could have been seen.
pub fn a_shown_code_contradicts_whoever_gets_it_later(subject: &dyn Subject) {
    use OrderState as S;
    for state in S::ALL {
        let subject = subject.another();
        let ledger = subject.open();
        let epoch = ledger.own().unwrap();
        let new = crate::given::activity("codes", crate::given::codes(&["A"]));
        let no = crate::given::add(&*ledger, epoch, new);
        bring(&*ledger, epoch, no, 1, state);
        let other = Claim { unit: rules::UnitNo(0), ..claim(no, epoch, 2) };
        commit(&*ledger, epoch, &[other]);
        let hidden = matches!(state, S::Cancelled | S::Expired);
        let finding = ledger::Finding::UnitTwice(no, TypeNo(0), rules::UnitNo(0));
        let expected = match ledger.detection() {
            ledger::Detection::AtAudit if !hidden => vec![finding],
            _ => Vec::new(),
        };
        assert_eq!(ledger.audit().unwrap(), expected, "{state:?}");
    }
}

pub fn an_ended_owner_changes_no_order(subject: &dyn Subject) {
    let ledger = subject.open();
    let (ended, no) = plain(&*ledger);
    write(&*ledger, ended, &[held(no, ended, 1)]);
    let running = ledger.own().unwrap();
    let stale = Err(LedgerFault::NothingHappened(Cause::StaleEpoch));
    let cancel = [step(order(no, 1), OrderStep::Cancel)];
    let mut answers = vec![Changed::Closed];
    assert_eq!(ledger.change(ended, NOW, &cancel, &mut answers), stale);
    assert_eq!(answers, []);
    assert_eq!(ledger.heartbeat(ended, NOW), stale);
    assert_eq!(ledger.extend(ended, Lateness { from: NOW, by_ms: 1 }), stale);
    assert_eq!(ledger.order_mark(order(no, 1)).unwrap().unwrap().state, OrderState::Held);
    assert_eq!(ledger.extensions().unwrap(), []);
    done(&*ledger, running, NOW, cancel[0].clone());
    assert_eq!(ledger.change(running, NOW, &[], &mut answers), Ok(()));
    assert_eq!(answers, []);
}

/// C17, C18: where somebody was sent to pay is known until the order is paid from there, or closed there.
pub fn buyers_who_were_sent_to_pay_are_known_while_they_may(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let all: Vec<_> = (1..=6).map(|n| held(no, epoch, n)).collect();
    write(&*ledger, epoch, &all);
    let open = |n, provider: &str, at| OpenPayment {
        order: order(no, n),
        provider: provider.into(),
        started_at: TimeMs(at),
    };
    let starts = [
        open(3, "b", 30),
        open(1, "test", 10),
        open(3, "a", 31),
        open(2, "a", 20),
        open(4, "a", 40),
    ];
    for start in &starts {
        let (events, _) = done(&*ledger, epoch, NOW, Change::Started(start.clone()));
        assert_eq!(events, [], "nobody has to hear of it");
    }
    let again = change(&*ledger, epoch, NOW, &[Change::Started(open(1, "test", 99))]);
    assert_eq!(again, [Changed::Already { payment: None, state: None }]);
    let after = |after: Option<(u32, &str)>, most| {
        let after = after.map(|(n, provider)| (order(no, n), provider.to_owned()));
        ledger.open_payments(after, most).unwrap()
    };
    let sorted = [&starts[1], &starts[3], &starts[2], &starts[0], &starts[4]].map(Clone::clone);
    assert_eq!(after(None, 100), sorted);
    assert_eq!(after(None, 2), sorted[..2]);
    assert_eq!(after(Some((2, "a")), 2), sorted[2..4]);
    assert_eq!(after(Some((3, "a")), 100), sorted[3..]);

    let changes = [
        Change::Receive(payment(order(no, 1), "one")),
        step(order(no, 2), OrderStep::Cancel),
        step(order(no, 4), OrderStep::Expire),
    ];
    change(&*ledger, epoch, NOW, &changes);
    assert_eq!(after(None, 100), sorted[1..], "what is over may still be paid there");
    let closed = |n| Change::ClosedThere { order: order(no, n), provider: "a".into() };
    for n in [2, 4] {
        let (events, _) = done(&*ledger, epoch, NOW, closed(n));
        assert_eq!(events, [], "nobody has to hear of it");
    }
    let again = change(&*ledger, epoch, NOW, &[closed(1), closed(2)]);
    assert_eq!(again, [(); 2].map(|()| Changed::Already { payment: None, state: None }));
    assert_eq!(after(None, 100), sorted[2..4]);
    let late = [1, 2, 4].map(|n| started(order(no, n)));
    let states = [OrderState::Paid, OrderState::Cancelled, OrderState::Expired];
    assert_eq!(change(&*ledger, epoch, NOW, &late), states.map(Changed::WrongState));
    // Paid from a third one, it may be paid once more at the other two, and is known there until it is closed.
    done(&*ledger, epoch, NOW, Change::Receive(payment(order(no, 3), "three")));
    drop(ledger);
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    assert_eq!(ledger.open_payments(None, 100).unwrap(), sorted[2..4]);
    done(&*ledger, epoch, NOW, closed(3));
    assert_eq!(ledger.open_payments(None, 100).unwrap(), sorted[3..4]);
}

pub fn the_last_moment_alive_is_a_heartbeat_or_a_claim(subject: &dyn Subject) {
    let ledger = subject.open();
    assert_eq!(ledger.last_alive(), Ok(TimeMs(0)), "it never was");
    let (epoch, no) = plain(&*ledger);
    let at = |offset| TimeMs(NOW.0 + offset);
    ledger.heartbeat(epoch, at(5)).unwrap();
    assert_eq!(ledger.last_alive(), Ok(at(5)));
    let decided = |n, offset| Claim { decided_at: at(offset), ..claim(no, epoch, n) };
    write(&*ledger, epoch, &[decided(1, 2), decided(2, 4)]);
    assert_eq!(ledger.last_alive(), Ok(at(5)));
    write(&*ledger, epoch, &[decided(3, 9)]);
    assert_eq!(ledger.last_alive(), Ok(at(9)));
    let other = ActivityNo(no.0 + 1);
    write(&*ledger, epoch, &[Claim { decided_at: at(20), ..claim(other, epoch, 1) }]);
    assert_eq!(ledger.last_alive(), Ok(at(20)));
    ledger.heartbeat(epoch, at(30)).unwrap();
    ledger.heartbeat(epoch, at(25)).unwrap();
    drop(ledger);
    assert_eq!(subject.open().last_alive(), Ok(at(30)), "it never goes back");
}

pub fn deadlines_moved_are_remembered_in_their_order(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    assert_eq!(ledger.extensions().unwrap(), []);
    let all = [(5, 10), (3, 0), (5, 10), (NOW.0, 86_400_000)]
        .map(|(from, by_ms)| Lateness { from: TimeMs(from), by_ms });
    for lateness in all {
        ledger.extend(epoch, lateness).unwrap();
    }
    assert_eq!(ledger.extensions().unwrap(), all);
    drop(ledger);
    assert_eq!(subject.open().extensions().unwrap(), all);
}

/// C16: whatever is sent to us, what we keep of it is bounded; and no stranger flushes what a provider sent.
pub fn of_refused_notices_the_newest_are_kept(subject: &dyn Subject) {
    let ledger = subject.open();
    ledger.own().unwrap();
    ledger.record_notices(&[]).unwrap();
    assert_eq!(ledger.notices(false, 10).unwrap(), []);
    let notice = |n: u32| NoticeRecord {
        at: TimeMs(u64::from(n)),
        provider: "test".into(),
        reason: "forged",
        order: n.is_multiple_of(2).then_some(order(ActivityNo(1), n)),
        stray: false,
    };
    let stray = |at| NoticeRecord { reason: "unknown_order", stray: true, ..notice(at) };
    ledger.record_notices(&[stray(1)]).unwrap();
    let all: Vec<_> = (1..=NOTICES_KEPT_MAX + 7).map(notice).collect();
    for some in all.chunks(1_000) {
        ledger.record_notices(some).unwrap();
    }
    let newest = ledger.notices(false, 2).unwrap();
    let row = |record: NoticeRecord| {
        let NoticeRecord { at, provider, reason, order, .. } = record;
        (at, provider, reason.to_owned(), order)
    };
    let last = NOTICES_KEPT_MAX + 7;
    assert_eq!(newest, [row(notice(last)), row(notice(last - 1))]);
    let kept = ledger.notices(false, u32::MAX).unwrap();
    assert_eq!(kept.len(), NOTICES_KEPT_MAX as usize + 1);
    assert_eq!(kept[kept.len() - 2..], [row(notice(8)), row(stray(1))]);
    assert_eq!(ledger.notices(true, 9).unwrap(), [row(stray(1))]);
    let strays: Vec<_> = (last + 1..=last + NOTICES_KEPT_MAX).map(stray).collect();
    ledger.record_notices(&strays).unwrap();
    let kept = ledger.notices(true, u32::MAX).unwrap();
    assert_eq!(kept.len(), NOTICES_KEPT_MAX as usize);
    assert_eq!(kept.last(), Some(&row(stray(last + 1))));
    let all = ledger.notices(false, u32::MAX).unwrap();
    assert_eq!(all.len(), 2 * NOTICES_KEPT_MAX as usize);
    assert_eq!(all.last(), Some(&row(notice(8))));
}
