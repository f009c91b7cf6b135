//! The till between providers that are slow, silent or asked at the wrong moment, and buyers who change their minds.
//! Nothing stays open where nobody looks, and nothing of one provider waits for another.

use crate::{
    other::{Call, OTHER},
    shop::{Goods, RELEASE_MS, Shop, now_or_never, settings},
};
use ledger::{Change, Changed, NewPayment, OrderLedger, PaymentRecord};
use rules::{Money, OrderState, PaymentState, UserNo};
use sale::{
    OwnedOrder, PROVIDER_ANSWERS_MS, PayRefused, PayStart, Recorded, Sale, Stepped,
    pay::{PayFault, ProviderFault, ProviderNotice, Switches, TEST_PROVIDER},
};
use std::{future::poll_fn, pin::pin, task::Poll};

async fn send_to(sale: &Sale, order: &OwnedOrder, provider: &str) -> Result<PayStart, PayRefused> {
    sale.pay(order, Some(provider), "/zh/orders").await
}

/// A held order whose buyer was sent to these providers.
fn sent(shop: &mut Shop, user: UserNo, providers: &[&str]) -> (Recorded, OwnedOrder) {
    let line = shop.hold(user);
    let order = shop.order(&line);
    for provider in providers {
        shop.wait(async |sale| send_to(sale, &order, provider).await).unwrap();
    }
    (line, order)
}

fn payments(shop: &Shop, line: &Recorded) -> Vec<PaymentRecord> {
    shop.ledger.payments_of(line.claim.order()).unwrap()
}

fn states(shop: &Shop, line: &Recorded) -> Vec<PaymentState> {
    payments(shop, line).iter().map(|payment| payment.state).collect()
}

/// The providers at which orders are open, by the ledger.
fn open_at(shop: &Shop) -> Vec<String> {
    let open = shop.ledger.open_payments(None, 100).unwrap();
    open.into_iter().map(|open| open.provider).collect()
}

fn id(shop: &Shop, line: &Recorded) -> String {
    shop.sale.claim_id(&line.claim).as_str().to_owned()
}

/// Given up between the writing of the start and the provider's opening it: whoever closed it then would close nothing.
#[test]
fn an_order_given_up_while_its_buyer_is_being_sent_is_closed_there_after_that() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let line = shop.hold(alice);
    let order = shop.order(&line);
    let other = std::sync::Arc::clone(&shop.other);
    other.falls_silent(Call::Start);
    let refused = shop.wait(async |sale| {
        let mut sending = pin!(send_to(sale, &order, OTHER));
        poll_fn(|context| {
            assert!(sending.as_mut().poll(context).is_pending());
            if other.asked(Call::Start) > 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let cancelled = sale.cancel(order.no()).await;
        assert_eq!(cancelled, Ok(Stepped::Now(OrderState::Cancelled)));
        assert_eq!(sale.till_round().await, 0, "it is not known there yet");
        other.speaks();
        sending.await
    });
    assert_eq!(refused, Err(PayRefused::WrongState(OrderState::Cancelled)));
    assert_eq!((other.asked(Call::Close), open_at(&shop)), (0, vec![OTHER.to_owned()]));
    assert_eq!(shop.till(), 1);
    assert_eq!((other.asked(Call::Close), open_at(&shop)), (1, vec![]));
    let paid = other.company.pay(&id(&shop, &line), Switches::default());
    assert_eq!(paid, Err(PayFault::Closed));
}

/// Killed in the middle of it, or the buyer went away: it is watched all the same.
#[test]
fn a_start_whose_end_nobody_saw_is_looked_at() {
    for kill in [false, true] {
        let mut shop = Shop::open(Goods::plain(1));
        let alice = shop.user("alice");
        let line = shop.hold(alice);
        let order = shop.order(&line);
        let other = std::sync::Arc::clone(&shop.other);
        other.falls_silent(Call::Start);
        shop.wait(async |sale| {
            let mut sending = pin!(send_to(sale, &order, OTHER));
            poll_fn(|context| {
                assert!(sending.as_mut().poll(context).is_pending());
                if other.asked(Call::Start) > 0 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        });
        other.speaks();
        drop(other);
        if kill {
            shop = shop.crash(1_000);
        }
        shop.clock.pass(settings().ask_after_ms);
        assert_eq!((shop.till(), shop.other.asked(Call::Query)), (1, 1), "kill: {kill}");
        assert_eq!(shop.order(&line).state(), OrderState::Held);
    }
}

/// Whoever drops a round in the middle makes it forget nothing.
#[test]
fn a_round_that_is_dropped_is_made_good_by_the_next() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    sent(&mut shop, alice, &[OTHER]);
    shop.other.falls_silent(Call::Query);
    shop.clock.pass(settings().ask_after_ms);
    assert!(now_or_never(shop.sale.till_hand(2)).is_none());
    shop.other.speaks();
    assert_eq!((shop.till(), shop.other.asked(Call::Query)), (1, 2));
}

/// Paid at one provider, an order may be paid once more where else it is open: it is closed there, after a kill too.
#[test]
fn what_is_paid_at_one_provider_is_closed_at_the_others() {
    for kill in [false, true] {
        let mut shop = Shop::open(Goods::plain(1));
        let alice = shop.user("alice");
        let (line, order) = sent(&mut shop, alice, &[TEST_PROVIDER, OTHER]);
        shop.pay(&order, Switches::default());
        assert_eq!(shop.order(&line).state(), OrderState::Paid);
        assert_eq!(open_at(&shop), [OTHER], "where it was paid nobody has to look");
        if kill {
            shop = shop.crash(100);
        }
        assert_eq!(shop.till(), 1, "kill: {kill}");
        assert_eq!((shop.till(), open_at(&shop)), (0, vec![]));
        let again = shop.other.company.pay(&id(&shop, &line), Switches::default());
        assert_eq!(again, Err(PayFault::Closed));
    }
}

/// Whoever was faster than the closing gets the second payment back, though nobody tells of it.
#[test]
fn a_second_payment_elsewhere_that_nobody_tells_of_is_found_by_the_closing() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice, &[TEST_PROVIDER, OTHER]);
    let silent = Switches { never: true, ..Switches::default() };
    shop.other.company.pay(&id(&shop, &line), silent).unwrap();
    shop.pay(&order, Switches::default());
    shop.till();
    shop.till();
    assert_eq!(states(&shop, &line), [PaymentState::Confirmed, PaymentState::Refunded]);
    assert!(shop.other.company.payments()[0].refunded);
    assert_eq!((shop.order(&line).state(), open_at(&shop)), (OrderState::Paid, vec![]));
}

/// While the writer stands still, deadlines are about to be moved: an order closed now could not be paid in the time
/// that is given back.
#[test]
fn nothing_is_closed_while_the_writer_stands_still() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice, &[OTHER]);
    let pay_by = order.pay_by().unwrap();
    shop.clock.set(pay_by.0 - 1);
    shop.quiet();
    for ms in [1, 500, 500, 5_000] {
        shop.clock.pass(ms);
        assert!(now_or_never(shop.sale.till_round()).is_some(), "nobody was asked anything");
        assert_eq!(shop.other.asked(Call::Close), 0);
    }
    shop.writer.notice_standstill();
    shop.quiet();
    let moved = shop.order(&line).pay_by().unwrap();
    assert_eq!(moved.0, pay_by.0 + 6_001);
    let paid = shop.other.company.pay(&id(&shop, &line), Switches::default());
    assert_eq!(paid, Ok(()), "it is open in the time that was given back");
    shop.deliver_other();
    assert_eq!(shop.order(&line).state(), OrderState::Paid);
}

/// The same, with a writer that goes on: the order is closed when its time is up.
#[test]
fn an_order_is_closed_once_the_writer_lived_through_its_deadline() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (_, order) = sent(&mut shop, alice, &[OTHER]);
    shop.clock.set(order.pay_by().unwrap().0);
    now_or_never(shop.sale.till_round());
    assert_eq!(shop.other.asked(Call::Close), 0, "the writer was not seen since");
    shop.quiet();
    shop.clock.pass(100);
    shop.till();
    assert_eq!((shop.other.asked(Call::Close), open_at(&shop)), (1, vec![]));
}

/// A paid order at each provider, whose money goes back.
fn both_owe(shop: &mut Shop) -> [Recorded; 2] {
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let (first, order) = sent(shop, alice, &[OTHER]);
    shop.other.company.pay(&id(shop, &first), Switches::default()).unwrap();
    shop.deliver_other();
    shop.wait(async |sale| sale.refund(order.no()).await).unwrap();
    let (second, order) = sent(shop, bob, &[TEST_PROVIDER]);
    shop.pay(&order, Switches::default());
    shop.wait(async |sale| sale.refund(order.no()).await).unwrap();
    [first, second]
}

/// One provider says nothing: the money of the others goes back meanwhile, and its own once it speaks again.
#[test]
fn a_silent_provider_holds_up_nothing_of_another() {
    let mut shop = Shop::open(Goods::plain(2));
    let [silent, other] = both_owe(&mut shop);
    shop.other.falls_silent(Call::Refund);
    let clock = std::sync::Arc::clone(&shop.clock);
    assert_eq!(shop.sale.till_hands(), 3);
    shop.wait(async |sale| {
        let mut waits = pin!(sale.till_hand(2));
        poll_fn(|context| {
            assert!(waits.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(sale.till_hand(2).await, 0, "one round of a hand at a time");
        assert_eq!(sale.till_hand(1).await, 1);
        clock.pass(PROVIDER_ANSWERS_MS);
        assert_eq!(waits.await, 1, "its time is up");
    });
    assert_eq!(states(&shop, &other), [PaymentState::Refunded]);
    let [owed] = &payments(&shop, &silent)[..] else { panic!("one") };
    assert_eq!((owed.state, owed.refund_attempts), (PaymentState::RefundDue, 1));
    assert_eq!(shop.till(), 0, "it is left alone for a while");
    shop.other.speaks();
    shop.clock.pass(settings().refund_retry_ms);
    assert_eq!((shop.till(), states(&shop, &silent)), (1, vec![PaymentState::Refunded]));
}

/// A buyer waits no longer for a silent provider than the till does, and may try again.
#[test]
fn a_buyer_hears_in_time_that_a_provider_is_silent() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (_, order) = sent(&mut shop, alice, &[]);
    shop.other.falls_silent(Call::Start);
    let clock = std::sync::Arc::clone(&shop.clock);
    let heard = shop.wait(async |sale| {
        let mut sending = pin!(send_to(sale, &order, OTHER));
        poll_fn(|context| {
            let heard = sending.as_mut().poll(context);
            clock.pass(100);
            heard
        })
        .await
    });
    assert_eq!(heard, Err(PayRefused::Provider(ProviderFault::Unreachable)));
    shop.other.speaks();
    shop.wait(async |sale| send_to(sale, &order, OTHER).await).unwrap();
}

/// C16: other money is owed from the moment it came and goes back by itself; the order stays held, and can be paid.
#[test]
fn money_that_does_not_pay_its_order_goes_back_and_the_order_can_still_be_paid() {
    for told in [true, false] {
        let mut shop = Shop::open(Goods::plain(1));
        let alice = shop.user("alice");
        let (line, order) = sent(&mut shop, alice, &[TEST_PROVIDER, OTHER]);
        let wrong = Switches { wrong_amount: true, never: !told, ..Switches::default() };
        shop.pay(&order, wrong);
        if !told {
            shop.clock.pass(settings().ask_after_ms);
            shop.till();
        }
        assert_eq!(states(&shop, &line), [PaymentState::RefundDue], "told: {told}");
        assert_eq!(payments(&shop, &line)[0].payment.amount, Money::parse("9.89", "CNY").unwrap());
        assert_eq!((shop.order(&line).state(), shop.supply().held), (OrderState::Held, 1));
        shop.till();
        // Asked again and again, it is one payment.
        for _ in 0..3 {
            shop.clock.pass(settings().ask_after_ms);
            shop.till();
        }
        assert_eq!(states(&shop, &line), [PaymentState::Refunded]);
        assert!(shop.test.payments()[0].refunded);
        shop.other.company.pay(&id(&shop, &line), Switches::default()).unwrap();
        shop.deliver_other();
        assert_eq!(states(&shop, &line), [PaymentState::Refunded, PaymentState::Confirmed]);
        assert_eq!((shop.order(&line).state(), shop.supply().sold), (OrderState::Paid, 1));
        shop.quiet();
        assert_eq!(shop.ledger.notices(false, 9).unwrap(), [], "nothing was refused");
    }
}

/// C16: a question is answered with other money, with what cannot be booked, and with money of nobody's order.
#[test]
fn what_a_provider_answers_is_booked_refused_or_a_stray_and_kept_apart_from_what_anybody_sends() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, _) = sent(&mut shop, alice, &[OTHER]);
    let own = id(&shop, &line);
    let notice = |order_id: &str, minor, currency: &str| ProviderNotice {
        reference: format!("{order_id}-{minor}-{currency}"),
        order_id: order_id.to_owned(),
        amount: Money { minor, currency: currency.to_owned() },
    };
    let answers = [
        notice(&own, 990, "JPY"),
        notice(&own, u64::MAX, "CNY"),
        notice(&own, 0, "CNY"),
        notice("AAAAAQAAAAEAAAABAACq3fTCTq1cOw", 990, "CNY"),
    ];
    // Strangers are many, before and after.
    let flood = |shop: &Shop| {
        for _ in 0..1_500 {
            shop.sale.refuse_notice(OTHER, sale::NoticeRefused::BadSignature);
        }
    };
    flood(&shop);
    for answer in answers {
        *shop.other.tells.lock() = Some(answer);
        shop.clock.pass(settings().ask_after_ms);
        assert!(shop.till() > 0);
    }
    flood(&shop);
    shop.quiet();
    shop.quiet();
    let owed = payments(&shop, &line);
    let amounts: Vec<_> = owed.iter().map(|one| one.payment.amount.currency.as_str()).collect();
    assert_eq!(amounts, ["JPY"]);
    assert_eq!(shop.order(&line).state(), OrderState::Held);
    let reason =
        |rows: Vec<ledger::NoticeRow>| rows.into_iter().map(|row| row.2).collect::<Vec<_>>();
    assert_eq!(reason(shop.ledger.notices(true, 9).unwrap()), ["unknown_order"]);
}

/// A late payment that cannot be decided now makes room for others, and is decided later.
#[test]
fn a_late_payment_that_has_to_wait_is_put_off() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice, &[]);
    shop.clock.pass(RELEASE_MS);
    shop.quiet();
    let late = NewPayment {
        provider: TEST_PROVIDER.into(),
        reference: "late".into(),
        order: order.no(),
        amount: order.amount(),
    };
    let change = Change::Receive(late);
    let received = shop.wait(async |sale| sale.propose(change).await);
    assert!(matches!(received, Ok(Changed::Done { .. })), "{received:?}");
    shop.ledger.next_change(crate::doubtful::Fate::LateNothing);
    assert_eq!(shop.till(), 1);
    let [waits] = &payments(&shop, &line)[..] else { panic!("one") };
    assert_eq!((waits.state, waits.refund_attempts), (PaymentState::Late, 1));
    assert_eq!(shop.till(), 0);
    shop.clock.pass(1_000);
    assert_eq!((shop.till(), states(&shop, &line)), (1, vec![PaymentState::Confirmed]));
}
