//! Payments through the test provider: confirmed, late, doubled, forged, refunded; every one ends as one thing (C16, C17).
//! No payment may be lost, and none may pay for two things.

use crate::shop::{Goods, NOW, RELEASE_MS, Shop, settings};
use ledger::{OrderLedger, PaymentRecord};
use rules::{OrderState, PaymentState, UserNo};
use sale::{OwnedOrder, PayRefused, Recorded, Stepped, pay::Switches};

fn payments(shop: &Shop, line: &Recorded) -> Vec<PaymentState> {
    let found = shop.ledger.payments_of(line.claim.order()).unwrap();
    found.iter().map(|payment| payment.state).collect()
}

fn payment(shop: &Shop, line: &Recorded) -> PaymentRecord {
    let [one] = &shop.ledger.payments_of(line.claim.order()).unwrap()[..] else { panic!("one") };
    one.clone()
}

/// A held order whose buyer was sent to the provider.
fn sent(shop: &mut Shop, user: UserNo) -> (Recorded, OwnedOrder) {
    let line = shop.hold(user);
    let order = shop.order(&line);
    shop.send(&order).unwrap();
    (line, order)
}

fn reasons(shop: &mut Shop) -> Vec<String> {
    // The second quiet step writes what waits for a quiet moment.
    shop.quiet();
    shop.quiet();
    let notices = shop.ledger.notices(false, 100).unwrap();
    notices.into_iter().map(|(_, _, reason, _)| reason).collect()
}

#[test]
fn an_order_is_paid_by_its_notice_and_only_then_shows_its_code() {
    let mut shop = Shop::open(Goods {
        units: ledger::NewUnits::Codes(vec!["CODE-1".into()]),
        ..Goods::plain(0)
    });
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice);
    let code = |order: &OwnedOrder| order.entry.with_code(order.first(), str::to_owned);
    assert_eq!(code(&order), None, "nobody sees the code of what is not paid");
    shop.pay(&order, Switches::default());
    let order = shop.order(&line);
    assert_eq!((order.state(), code(&order).as_deref()), (OrderState::Paid, Some("CODE-1")));
    assert_eq!(payments(&shop, &line), [PaymentState::Confirmed]);
    assert_eq!(shop.supply().sold, 1);
    assert_eq!(shop.send(&order), Err(PayRefused::WrongState(OrderState::Paid)));
    // A refunded code is void, and never comes back.
    let stepped = shop.wait(async |sale| sale.refund(order.no()).await);
    assert_eq!(stepped, Ok(Stepped::Now(OrderState::RefundDue)));
    assert_eq!((shop.till(), payments(&shop, &line)), (1, vec![PaymentState::Refunded]));
    assert_eq!(shop.order(&line).state(), OrderState::Refunded);
    assert_eq!((shop.supply().total, code(&shop.order(&line))), (0, None));
}

/// C16, C21: whatever is not authentic changes nothing, and is there to be seen.
#[test]
fn what_is_not_an_authentic_payment_changes_nothing_and_is_recorded() {
    let mut shop = Shop::open(Goods::plain(3));
    let user = shop.user("a");
    let (line, order) = sent(&mut shop, user);
    shop.pay(&order, Switches { forged: true, ..Switches::default() });
    assert_eq!(shop.order(&line).state(), OrderState::Held);
    assert_eq!(payments(&shop, &line), []);
    assert_eq!(reasons(&mut shop), ["bad_signature"]);
    let nobody = shop.sale.refuse_notice("nobody", sale::NoticeRefused::BadSignature);
    assert_eq!((nobody.status, reasons(&mut shop)[0].as_str()), (404, "unknown_provider"));
}

/// C17: notices that come twice, late, or out of order end as one payment.
#[test]
fn a_notice_that_comes_again_changes_nothing_more() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice);
    shop.pay(&order, Switches { repeated: true, out_of_order: true, ..Switches::default() });
    for _ in 0..20 {
        shop.clock.pass(1_000);
        shop.deliver();
    }
    assert_eq!(payments(&shop, &line), [PaymentState::Confirmed]);
    assert_eq!(shop.supply().sold, 1);
}

#[test]
fn a_second_payment_of_a_paid_order_goes_back() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice);
    shop.pay(&order, Switches { twice: true, refund_failures: 2, ..Switches::default() });
    for _ in 0..10 {
        shop.till();
        shop.clock.pass(1_000);
        shop.deliver();
    }
    assert_eq!(payments(&shop, &line), [PaymentState::Confirmed, PaymentState::Refunded]);
    assert_eq!(shop.order(&line).state(), OrderState::Paid);
    let back: Vec<bool> = shop.test.payments().iter().map(|payment| payment.refunded).collect();
    assert_eq!(back.iter().filter(|back| **back).count(), 1);
}

/// A payment of an order that is over, and whether its unit is still free.
fn late(free: bool, kill: bool) {
    let mut shop = Shop::open(Goods::plain(1));
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let (line, order) = sent(&mut shop, alice);
    let id = shop.sale.claim_id(&line.claim);
    shop.test
        .pay(id.as_str(), Switches { late_ms: RELEASE_MS + 60_000, ..Switches::default() })
        .unwrap();
    shop.clock.pass(RELEASE_MS);
    shop.quiet();
    assert_eq!(shop.order(&line).state(), OrderState::Expired);
    if !free {
        shop.hold(bob);
    }
    shop.clock.pass(60_000);
    shop.deliver();
    assert_eq!(payment(&shop, &line).state, PaymentState::Late);
    if kill {
        shop = shop.crash(500);
    }
    shop.till();
    let found = payment(&shop, &line);
    if free {
        assert_eq!(found.state, PaymentState::Confirmed);
        let got = shop.sale.live_in(shop.no(), alice);
        let got = got.iter().find(|got| got.state == OrderState::Paid).unwrap();
        assert_eq!(found.paid_order, Some(got.claim.order()));
        assert_eq!(shop.supply().sold, 1);
    } else {
        for _ in 0..5 {
            shop.till();
        }
        assert_eq!(payment(&shop, &line).state, PaymentState::Refunded);
        assert!(shop.test.payments()[0].refunded);
        assert_eq!(shop.supply().held, 1);
    }
    assert_eq!(order.no(), line.claim.order());
}

/// C17: a late payment gets a unit again where one is free, else its money goes back; a kill in between changes nothing.
#[test]
fn a_late_payment_gets_a_unit_or_its_money_back() {
    for (free, kill) in [(true, false), (true, true), (false, false), (false, true)] {
        late(free, kill);
    }
}

/// C17: killed after the late payment's units were claimed and before it was confirmed: they are claimed once.
#[test]
fn a_late_payment_claims_its_unit_once_over_a_kill() {
    let mut shop = Shop::open(Goods::plain(2));
    let alice = shop.user("alice");
    let (line, _) = sent(&mut shop, alice);
    let id = shop.sale.claim_id(&line.claim);
    shop.test
        .pay(id.as_str(), Switches { late_ms: RELEASE_MS + 1_000, ..Switches::default() })
        .unwrap();
    shop.clock.pass(RELEASE_MS + 1_000);
    shop.quiet();
    shop.deliver();
    // The claim becomes durable; the change that would confirm it is lost with the process.
    shop.ledger.next_change(crate::doubtful::Fate::LateNothing);
    shop.till();
    assert_eq!((payment(&shop, &line).state, shop.supply().held), (PaymentState::Late, 1));
    let mut shop = shop.crash(1_000);
    shop.till();
    assert_eq!(payment(&shop, &line).state, PaymentState::Confirmed);
    let supply = shop.supply();
    assert_eq!((supply.sold, supply.held, supply.available), (1, 0, 1));
}

/// At the deadline the order is closed at the provider; within the grace a payment on its way still counts.
#[test]
fn an_order_is_closed_at_the_provider_at_its_deadline_and_payable_in_the_grace() {
    let mut shop = Shop::open(Goods::plain(2));
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let (line, order) = sent(&mut shop, alice);
    let (closed, _) = sent(&mut shop, bob);
    let id = shop.sale.claim_id(&line.claim);
    // Paid one second before the deadline, told by nobody.
    shop.clock.set(order.pay_by().unwrap().0 - 1_000);
    shop.test.pay(id.as_str(), Switches { never: true, ..Switches::default() }).unwrap();
    shop.clock.pass(1_000);
    assert_eq!(shop.send(&order), Err(PayRefused::TooLate));
    shop.quiet();
    assert!(shop.till() > 0);
    assert_eq!(shop.order(&line).state(), OrderState::Paid, "what the closing tells counts");
    assert_eq!(shop.order(&closed).state(), OrderState::Held);
    let id = shop.sale.claim_id(&closed.claim);
    assert!(shop.test.pay(id.as_str(), Switches::default()).is_err(), "nobody can pay it any more");
    assert_eq!(shop.till(), 0, "each is closed once");
    shop.clock.pass(20_000);
    shop.quiet();
    assert_eq!(shop.order(&closed).state(), OrderState::Expired);
}

/// A notice that never comes is made good by asking; also after a restart, and although the provider was away.
#[test]
fn a_provider_is_asked_about_orders_that_stay_open() {
    for kill in [false, true] {
        let mut shop = Shop::open(Goods::plain(1));
        let alice = shop.user("alice");
        let (line, order) = sent(&mut shop, alice);
        shop.pay(&order, Switches { never: true, ..Switches::default() });
        shop.till();
        assert_eq!(shop.order(&line).state(), OrderState::Held);
        if kill {
            shop = shop.crash(1_000);
        }
        shop.test.set_reachable(false);
        shop.clock.pass(settings().ask_after_ms);
        shop.till();
        shop.test.set_reachable(true);
        shop.clock.pass(settings().ask_after_ms);
        shop.till();
        assert_eq!(shop.order(&line).state(), OrderState::Paid);
    }
}

/// A cancelled order cannot be paid by accident: it is closed at the provider in the next round.
#[test]
fn a_cancelled_order_is_closed_at_the_provider() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice);
    let stepped = shop.wait(async |sale| sale.cancel(order.no()).await);
    assert_eq!(stepped, Ok(Stepped::Now(OrderState::Cancelled)));
    assert_eq!(shop.till(), 1);
    let id = shop.sale.claim_id(&line.claim);
    assert!(shop.test.pay(id.as_str(), Switches::default()).is_err());
}

#[test]
fn a_refund_is_tried_again_with_longer_pauses_until_it_is_done() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let (line, order) = sent(&mut shop, alice);
    shop.pay(&order, Switches { refund_failures: 3, ..Switches::default() });
    let stepped = shop.wait(async |sale| sale.refund(order.no()).await);
    assert_eq!(stepped, Ok(Stepped::Now(OrderState::RefundDue)));
    let mut attempts_at = Vec::new();
    while payment(&shop, &line).state != PaymentState::Refunded {
        let now = shop.clock_now() - NOW;
        if shop.till() > 0 {
            attempts_at.push(now);
        }
        assert!(now < 60_000, "it never ends");
        shop.clock.pass(500);
    }
    assert_eq!(attempts_at, [0, 1_000, 3_000, 7_000]);
    assert_eq!(payment(&shop, &line).refund_attempts, 3);
    assert_eq!(shop.order(&line).state(), OrderState::Refunded);
    assert_eq!(shop.supply().available, 1, "the plain unit is on sale again");
}
