//! Payments: each ends as confirmed or goes back, once, and their numbers are those of the orders they pay.
//! Nothing here may know which ledger is under test.

use crate::given::{NOW, add, basket, change, claim, done, held, order, payment, plain, write};
use crate::orders::{bring, step};
use crate::subject::Subject;
use ledger::{Change, Changed, Ledger, NewPayment, NewUnits, PaymentNo, PaymentRecord};
use rules::{
    ActivityNo, Epoch, EventKind, Money, OrderState, OrderStep, PaymentState, Seq, TimeMs,
};

fn receive(ledger: &dyn Ledger, epoch: Epoch, new: &NewPayment) -> PaymentRecord {
    done(ledger, epoch, NOW, Change::Receive(new.clone())).1.expect("it is about a payment")
}

/// C16: what an authentic payment becomes, in every state of its order.
pub fn a_payment_becomes_what_its_order_lets_it(subject: &dyn Subject) {
    use OrderState as S;
    use PaymentState as P;
    let table = [
        (S::Held, P::Confirmed, S::Paid),
        (S::Paid, P::RefundDue, S::Paid),
        (S::Cancelled, P::Late, S::Cancelled),
        (S::Expired, P::Late, S::Expired),
        (S::RefundDue, P::RefundDue, S::RefundDue),
        (S::Refunded, P::RefundDue, S::Refunded),
    ];
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let at = TimeMs(NOW.0 + 3);
    for (n, (state, becomes, leaves)) in (1..).zip(table) {
        let order = bring(&*ledger, epoch, no, n, state);
        let new = payment(order, &format!("{state:?}"));
        let (events, record) = done(&*ledger, epoch, at, Change::Receive(new.clone()));
        let record = record.unwrap();
        let expected = PaymentRecord {
            no: record.no,
            payment: new,
            state: becomes,
            paid_order: (becomes == P::Confirmed).then_some(order),
            received_at: at,
            changed_at: at,
            refund_attempts: 0,
            refund_after: at,
        };
        assert_eq!(record, expected);
        let kind = match becomes {
            P::Confirmed => EventKind::Order { order: order.seq, step: OrderStep::Pay },
            state => EventKind::Payment { payment: record.no.0, order: order.seq, state },
        };
        assert_eq!(events.iter().map(|event| &event.kind).collect::<Vec<_>>(), [&kind]);
        assert_eq!(ledger.order_mark(order).unwrap().unwrap().state, leaves);
        assert!(ledger.payments_of(order).unwrap().contains(&record));
    }
    write(&*ledger, epoch, &[claim(no, epoch, 7)]);
    let free = receive(&*ledger, epoch, &payment(order(no, 7), "for nothing"));
    assert_eq!(free.state, P::RefundDue);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// C16: money that does not pay its order is owed from the first moment, in every state of the order, and moves none.
pub fn what_does_not_pay_its_order_is_owed(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let at = TimeMs(NOW.0 + 3);
    let yen = Money::parse("5", "JPY").unwrap();
    for (n, state) in (1..).zip(OrderState::ALL) {
        let order = bring(&*ledger, epoch, no, n, state);
        let new =
            NewPayment { amount: yen.clone(), ..payment(order, &format!("{state:?}, in yen")) };
        let (events, record) = done(&*ledger, epoch, at, Change::Owe(new.clone()));
        let record = record.unwrap();
        let due = PaymentState::RefundDue;
        let expected = PaymentRecord {
            no: record.no,
            payment: new.clone(),
            state: due,
            paid_order: None,
            received_at: at,
            changed_at: at,
            refund_attempts: 0,
            refund_after: at,
        };
        assert_eq!(record, expected);
        let kind = EventKind::Payment { payment: record.no.0, order: order.seq, state: due };
        assert_eq!(events.iter().map(|event| &event.kind).collect::<Vec<_>>(), [&kind]);
        assert_eq!(ledger.order_mark(order).unwrap().unwrap().state, state);
        let already = Changed::Already { payment: Some(record), state: None };
        let again = [Change::Owe(new.clone()), Change::Receive(new)];
        assert_eq!(change(&*ledger, epoch, at, &again), [already.clone(), already]);
    }
    // The right one still pays what is held.
    let paid = receive(&*ledger, epoch, &payment(order(no, 1), "whole"));
    assert_eq!((paid.state, paid.paid_order), (PaymentState::Confirmed, Some(order(no, 1))));
    let nobodys = NewPayment { amount: yen, ..payment(order(no, 99), "of nothing") };
    assert_eq!(change(&*ledger, epoch, at, &[Change::Owe(nobodys)]), [Changed::Unknown]);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// O4, C16: the same payment told twice is one, whatever else the second notice says.
pub fn a_providers_reference_is_one_payment(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &[held(no, epoch, 1), held(no, epoch, 2)]);
    let first = payment(order(no, 1), "one");
    let other_order = payment(order(no, 2), "one");
    let other_amount = NewPayment { amount: Money::parse("1", "CNY").unwrap(), ..first.clone() };
    let other_provider = NewPayment { provider: "other".into(), ..first.clone() };
    let twice = [first.clone(), first.clone(), other_order, other_amount, other_provider.clone()];
    let answers = change(&*ledger, epoch, NOW, &twice.map(Change::Receive));
    let Changed::Done { payment: Some(known), .. } = &answers[0] else { panic!("{answers:?}") };
    let already = Changed::Already { payment: Some(known.clone()), state: None };
    assert_eq!(answers[1..4], [already.clone(), already.clone(), already.clone()]);
    let Changed::Done { payment: Some(second), .. } = &answers[4] else { panic!("{answers:?}") };
    assert_eq!((second.state, second.no), (PaymentState::RefundDue, PaymentNo(2)));
    drop(ledger);
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let again = change(&*ledger, epoch, NOW, &[Change::Receive(first)]);
    assert_eq!(again, [already], "for ever");
    assert_eq!(ledger.payments_of(order(no, 1)).unwrap(), [known.clone(), second.clone()]);
    assert_eq!(ledger.payments_of(order(no, 2)).unwrap(), []);
    assert_eq!(ledger.order_mark(order(no, 2)).unwrap().unwrap().state, OrderState::Held);
}

/// A payment of an order of its own, which is brought here to this state.
fn payment_in(
    ledger: &dyn Ledger,
    epoch: Epoch,
    no: ActivityNo,
    n: u32,
    state: PaymentState,
) -> PaymentNo {
    let order = match state {
        PaymentState::Confirmed => bring(ledger, epoch, no, n, OrderState::Held),
        _ => bring(ledger, epoch, no, n, OrderState::Expired),
    };
    let payment = receive(ledger, epoch, &payment(order, &format!("of {n}"))).no;
    if matches!(state, PaymentState::RefundDue | PaymentState::Refunded) {
        done(ledger, epoch, NOW, Change::RefuseLate(payment));
    }
    if state == PaymentState::Refunded {
        done(ledger, epoch, NOW, Change::RefundDone(payment));
    }
    payment
}

/// What is said of a change of a payment.
#[derive(Clone, Copy, Debug)]
enum Said {
    To(PaymentState),
    Already,
    Wrong,
}

/// O2: each change of a payment in each of its states.
pub fn a_payment_changes_only_from_the_state_that_allows_it(subject: &dyn Subject) {
    use PaymentState as P;
    use Said::{Already, To, Wrong};
    // Confirmed late, refused late, put off, the money is back.
    let table = [
        (P::Late, [To(P::Confirmed), To(P::RefundDue), To(P::Late), Wrong]),
        (P::Confirmed, [Wrong, Wrong, Wrong, Wrong]),
        (P::RefundDue, [Wrong, Already, To(P::RefundDue), To(P::Refunded)]),
        (P::Refunded, [Wrong, Already, Wrong, Already]),
    ];
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let at = TimeMs(NOW.0 + 9);
    let mut n = 0;
    for (state, row) in table {
        for (place, said) in row.into_iter().enumerate() {
            let payment = payment_in(&*ledger, epoch, no, n + 1, state);
            let again = bring(&*ledger, epoch, no, n + 2, OrderState::Held);
            n += 2;
            let changes = [
                Change::ConfirmLate { payment, order: again },
                Change::RefuseLate(payment),
                Change::PutOff { payment, after: TimeMs(at.0 + 1) },
                Change::RefundDone(payment),
            ];
            let before =
                ledger.payments(Some(PaymentNo(payment.0 + 1)), None, 1).unwrap().remove(0);
            let answer = change(&*ledger, epoch, at, &changes[place..=place]).remove(0);
            let after = ledger.payments(Some(PaymentNo(payment.0 + 1)), None, 1).unwrap().remove(0);
            match said {
                To(expected) => {
                    let Changed::Done { payment, .. } = answer else { panic!("{answer:?}") };
                    assert_eq!(payment, Some(after.clone()), "as it stands now");
                    assert_eq!(after.state, expected);
                    let moved = expected != state;
                    assert_eq!(after.changed_at, if moved { at } else { before.changed_at });
                    assert!(!moved || state.may_become(expected));
                    assert_eq!(after.refund_attempts, u32::from(!moved));
                }
                Already => {
                    assert_eq!(
                        answer,
                        Changed::Already { payment: Some(before.clone()), state: None }
                    );
                    assert_eq!(after, before);
                }
                Wrong => {
                    assert_eq!(answer, Changed::WrongPayment(state), "{:?}", changes[place]);
                    assert_eq!(after, before);
                }
            }
        }
    }
    assert_eq!(ledger.audit().unwrap(), []);
}

/// C17: a late payment pays the order that was made for it, once.
pub fn a_late_payment_pays_the_order_made_for_it(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let late = payment_in(&*ledger, epoch, no, 1, PaymentState::Late);
    let (first, again) = (order(no, 1), order(no, 2));
    let lines: Vec<_> = basket(no, epoch, 2, 2);
    write(&*ledger, epoch, &lines);
    let confirm = |order| Change::ConfirmLate { payment: late, order };
    let over = change(&*ledger, epoch, NOW, &[confirm(first)]);
    assert_eq!(over, [Changed::WrongState(OrderState::Expired)], "its own is over");
    let at = TimeMs(NOW.0 + 4);
    let (events, record) = done(&*ledger, epoch, at, confirm(again));
    let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
    let state = PaymentState::Confirmed;
    let expected = [
        EventKind::Order { order: Seq(2), step: OrderStep::Pay },
        EventKind::Payment { payment: late.0, order: Seq(1), state },
    ];
    assert_eq!(kinds, expected);
    let record = record.unwrap();
    assert_eq!((record.state, record.paid_order), (state, Some(again)));
    assert_eq!(record.payment.order, first);
    let mark = ledger.order_mark(again).unwrap().unwrap();
    assert_eq!((mark.state, mark.paid_at), (OrderState::Paid, Some(at)));
    assert_eq!(ledger.payments_of(first).unwrap(), std::slice::from_ref(&record));
    assert_eq!(ledger.payments_of(again).unwrap(), std::slice::from_ref(&record));
    let said = change(&*ledger, epoch, NOW, &[confirm(again), confirm(first)]);
    let already = Changed::Already { payment: Some(record), state: None };
    assert_eq!(said, [already, Changed::WrongPayment(state)]);

    // Its refund is that of the order it paid.
    let (events, record) = done(&*ledger, epoch, NOW, step(again, OrderStep::OweRefund));
    assert_eq!((events.len(), record.unwrap().no), (2, late));
    done(&*ledger, epoch, NOW, Change::RefundDone(late));
    let states = [first, again].map(|order| ledger.order_mark(order).unwrap().unwrap().state);
    assert_eq!(states, [OrderState::Expired, OrderState::Refunded]);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// C17: the order made for a late payment may be over too, before the payment could be confirmed.
pub fn a_late_payment_confirms_only_an_order_that_is_held(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let late = payment_in(&*ledger, epoch, no, 1, PaymentState::Late);
    let mut n = 1;
    for state in OrderState::ALL.into_iter().filter(|state| *state != OrderState::Held) {
        n += 1;
        let order = bring(&*ledger, epoch, no, n, state);
        let said = change(&*ledger, epoch, NOW, &[Change::ConfirmLate { payment: late, order }]);
        assert_eq!(said, [Changed::WrongState(state)]);
    }
    let refused = done(&*ledger, epoch, NOW, Change::RefuseLate(late));
    let state = PaymentState::RefundDue;
    let kind = EventKind::Payment { payment: late.0, order: Seq(1), state };
    assert_eq!(refused.0.iter().map(|event| &event.kind).collect::<Vec<_>>(), [&kind]);
}

/// The money of a refunded order goes back with it: both, or neither.
pub fn a_refund_moves_order_and_payment_together(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let first = bring(&*ledger, epoch, no, 1, OrderState::Held);
    let paid = receive(&*ledger, epoch, &payment(first, "paid")).no;
    let second = receive(&*ledger, epoch, &payment(first, "paid twice"));
    assert_eq!(second.state, PaymentState::RefundDue);

    // What came too much goes back by itself, and the order stays paid.
    let (events, record) = done(&*ledger, epoch, NOW, Change::RefundDone(second.no));
    assert_eq!((events.len(), record.unwrap().state), (1, PaymentState::Refunded));
    let state = || ledger.order_mark(first).unwrap().unwrap().state;
    assert_eq!(state(), OrderState::Paid);

    let (began, ended) = (TimeMs(NOW.0 + 10), TimeMs(NOW.0 + 20));
    let (events, record) = done(&*ledger, epoch, began, step(first, OrderStep::OweRefund));
    let kinds = |events: Vec<rules::Event>| -> Vec<EventKind> {
        events.into_iter().map(|event| event.kind).collect()
    };
    let of_payment = |state| EventKind::Payment { payment: paid.0, order: Seq(1), state };
    let of_order = |step| EventKind::Order { order: Seq(1), step };
    let due = [of_order(OrderStep::OweRefund), of_payment(PaymentState::RefundDue)];
    assert_eq!(kinds(events), due);
    let record = record.unwrap();
    assert_eq!(
        (record.no, record.state, record.refund_after),
        (paid, PaymentState::RefundDue, began)
    );
    assert_eq!(state(), OrderState::RefundDue);

    let (events, _) = done(&*ledger, epoch, ended, Change::RefundDone(paid));
    let back = [of_order(OrderStep::Refund), of_payment(PaymentState::Refunded)];
    assert_eq!(kinds(events), back);
    let mark = ledger.order_mark(first).unwrap().unwrap();
    assert_eq!((mark.state, mark.ended_at), (OrderState::Refunded, Some(began)));
    let known = ledger.payments_of(first).unwrap();
    assert!(known.iter().all(|payment| payment.state == PaymentState::Refunded), "{known:?}");
    assert_eq!(ledger.audit().unwrap(), []);
}

/// C17: a refund that failed waits for its next attempt, and is not forgotten.
pub fn refunds_wait_for_their_next_attempt(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let due = [1, 2, 3].map(|n| payment_in(&*ledger, epoch, no, n, PaymentState::RefundDue));
    let late = payment_in(&*ledger, epoch, no, 4, PaymentState::Late);
    payment_in(&*ledger, epoch, no, 5, PaymentState::Confirmed);
    payment_in(&*ledger, epoch, no, 6, PaymentState::Refunded);
    let waiting = |ledger: &dyn Ledger, state, now: u64, most| -> Vec<PaymentNo> {
        let waiting = ledger.payments_waiting(state, None, TimeMs(now), most).unwrap();
        waiting.into_iter().map(|payment| payment.no).collect()
    };
    let refunds = |ledger: &dyn Ledger, now| waiting(ledger, PaymentState::RefundDue, now, 100);
    assert_eq!(refunds(&*ledger, NOW.0), due);
    assert_eq!(refunds(&*ledger, NOW.0 - 1), []);
    assert_eq!(waiting(&*ledger, PaymentState::RefundDue, NOW.0, 2), due[..2]);
    assert_eq!(waiting(&*ledger, PaymentState::Late, NOW.0, 100), [late]);
    for (no, after) in [(0, 500), (1, 100), (0, 300)] {
        let failed = Change::PutOff { payment: due[no], after: TimeMs(NOW.0 + after) };
        let (events, record) = done(&*ledger, epoch, NOW, failed);
        assert_eq!(events, []);
        assert_eq!(record.unwrap().refund_after, TimeMs(NOW.0 + after));
    }
    drop(ledger);
    let ledger = subject.open();
    assert_eq!(refunds(&*ledger, NOW.0 + 99), [due[2]]);
    assert_eq!(refunds(&*ledger, NOW.0 + 100), [due[2], due[1]]);
    assert_eq!(refunds(&*ledger, NOW.0 + 300), [due[2], due[1], due[0]]);
    let attempts = ledger.payments_waiting(PaymentState::RefundDue, None, TimeMs(u64::MAX), 9);
    let attempts: Vec<_> = attempts.unwrap().iter().map(|due| due.refund_attempts).collect();
    assert_eq!(attempts, [0, 1, 2]);
}

/// What waits at one provider is found beside any amount that waits at another; and a late payment that is put off
/// makes room for those behind it, and begins anew once its money is to go back.
pub fn what_waits_is_found_by_its_provider_and_behind_what_is_put_off(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let due = PaymentState::RefundDue;
    for n in 1..=3 {
        payment_in(&*ledger, epoch, no, n, due);
    }
    let over = bring(&*ledger, epoch, no, 4, OrderState::Refunded);
    let other = NewPayment { provider: "other".into(), ..payment(over, "elsewhere") };
    let other = receive(&*ledger, epoch, &other).no;
    let numbers = |state, provider, most| -> Vec<PaymentNo> {
        let waiting = ledger.payments_waiting(state, provider, NOW, most).unwrap();
        waiting.into_iter().map(|payment| payment.no).collect()
    };
    assert_eq!(numbers(due, Some("other"), 1), [other]);
    assert_eq!(numbers(due, Some("nobody"), 9), []);
    let late = [5, 6].map(|n| payment_in(&*ledger, epoch, no, n, PaymentState::Late));
    let off = Change::PutOff { payment: late[0], after: TimeMs(NOW.0 + 1) };
    let (_, record) = done(&*ledger, epoch, NOW, off);
    assert_eq!(record.unwrap().refund_attempts, 1);
    assert_eq!(numbers(PaymentState::Late, None, 1), [late[1]]);
    let (_, record) = done(&*ledger, epoch, NOW, Change::RefuseLate(late[0]));
    let record = record.unwrap();
    assert_eq!((record.refund_attempts, record.refund_after), (0, NOW));
}

/// The operator's list: newest first, in pages, of one state only where asked.
pub fn payments_are_listed_newest_first(subject: &dyn Subject) {
    use PaymentState as P;
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let states = [P::Confirmed, P::Late, P::RefundDue, P::Refunded, P::Late, P::Confirmed];
    for (n, state) in (1..).zip(states) {
        payment_in(&*ledger, epoch, no, n, state);
    }
    let listed = |before: Option<u64>, state, most| -> Vec<u64> {
        let listed = ledger.payments(before.map(PaymentNo), state, most).unwrap();
        assert!(listed.iter().all(|one| state.is_none_or(|state| one.state == state)));
        listed.into_iter().map(|payment| payment.no.0).collect()
    };
    assert_eq!(listed(None, None, 100), [6, 5, 4, 3, 2, 1]);
    assert_eq!(listed(None, None, 2), [6, 5]);
    assert_eq!(listed(Some(5), None, 2), [4, 3]);
    assert_eq!(listed(Some(1), None, 2), []);
    assert_eq!(listed(None, Some(P::Late), 100), [5, 2]);
    assert_eq!(listed(Some(5), Some(P::Late), 100), [2]);
    assert_eq!(listed(None, Some(P::Confirmed), 1), [6]);
    assert_eq!(listed(Some(6), Some(P::Confirmed), 1), [1]);
    assert_eq!(listed(None, Some(P::RefundDue), 100), [3]);
    assert_eq!(listed(None, Some(P::Refunded), 100), [4]);
}

/// Longer than any implementation should read at a time.
const LONG: u32 = 2_500;

/// An activity's payments are all of them, in the order of their numbers, whichever order they pay.
pub fn an_activitys_payments_are_all_of_them(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, one) = plain(&*ledger);
    let two = add(&*ledger, epoch, crate::given::activity("two", NewUnits::Plain(9)));
    let all: Vec<_> = (1..=LONG).map(|n| held(one, epoch, n)).collect();
    write(&*ledger, epoch, &all);
    write(&*ledger, epoch, &[held(two, epoch, 1)]);
    let mut changes: Vec<_> = (1..=LONG)
        .rev()
        .map(|n| Change::Receive(payment(order(one, n), &format!("{n}"))))
        .collect();
    changes.insert(7, Change::Receive(payment(order(two, 1), "elsewhere")));
    change(&*ledger, epoch, NOW, &changes);
    let paid = |activity, most: usize| {
        let mut paid = Vec::new();
        let visit = &mut |record: &PaymentRecord| {
            paid.push((record.no.0, record.payment.order.seq.0));
            paid.len() < most
        };
        ledger.payments_in(activity, visit).unwrap();
        paid
    };
    let numbers = (1..=u64::from(LONG) + 1).filter(|no| *no != 8);
    let expected: Vec<_> = numbers.zip((1..=LONG).rev()).collect();
    assert_eq!(paid(one, usize::MAX), expected);
    assert_eq!(paid(one, 1_001), expected[..1_001]);
    assert_eq!(paid(two, usize::MAX), [(8, 1)]);
    assert_eq!(paid(ActivityNo(two.0 + 1), usize::MAX), []);
}
