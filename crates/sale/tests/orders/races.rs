//! Pay and expire at the same moment: exactly one of them wins, and money and stock agree (C18).
//! No order may ever have two outcomes.

use crate::shop::{Goods, NOW, RELEASE_MS, Shop, now_or_never, operator, settings};
use ledger::{Change, Changed, NewPayment};
use rules::{OrderState, OrderStep, PaymentState};
use sale::{OwnedOrder, Sale};
use std::sync::{Arc, Barrier};

const STEPPED: u32 = 10_000;
const THREADED: u32 = 2_000;
const HELD_AT_ONCE: u32 = 500;

fn payment(order: &OwnedOrder, reference: String) -> NewPayment {
    NewPayment { provider: "test".into(), reference, order: order.no(), amount: order.amount() }
}

/// Whatever the order of arrival: one of both, and the money is confirmed exactly where the unit is sold.
fn agrees(sale: &Sale, order: &OwnedOrder, paid: &Changed, expired: &Changed) -> OrderState {
    let state = sale.any_order((&order.first().claim).into()).unwrap().state();
    let mark = sale.mark(order.no()).unwrap().unwrap();
    let payments = sale.ledger().payments_of(order.no()).unwrap();
    assert_eq!((mark.state, payments.len()), (state, 1));
    let confirmed = payments[0].state == PaymentState::Confirmed;
    assert_eq!(confirmed, state == OrderState::Paid);
    assert!(confirmed || payments[0].state == PaymentState::Late);
    assert!(matches!(paid, Changed::Done { .. }), "a payment is always taken: {paid:?}");
    assert_eq!(matches!(expired, Changed::Done { .. }), state == OrderState::Expired);
    state
}

/// C18, with both proposed in one step of the writer, in either order.
#[test]
fn pay_and_expire_in_one_step_have_exactly_one_winner() {
    let mut shop = Shop::open(Goods { limit: 10_000, ..Goods::plain(STEPPED) });
    let user = shop.user("alice");
    let mut paid_ones = 0;
    for round in 0..STEPPED / HELD_AT_ONCE {
        let lines: Vec<_> = (0..HELD_AT_ONCE).map(|_| shop.sale_only_hold(user)).collect();
        shop.quiet();
        let mut both = Vec::new();
        for (place, line) in (0..).zip(&lines) {
            let order = shop.order(line);
            let pay = Change::Receive(payment(&order, format!("{round}-{place}")));
            let expire = Change::Step { order: order.no(), step: OrderStep::Expire };
            let (pay, expire) = if place % 2 == 0 {
                let pay = shop.sale.propose(pay);
                (pay, shop.sale.propose(expire))
            } else {
                let expire = shop.sale.propose(expire);
                (shop.sale.propose(pay), expire)
            };
            both.push((place % 2 == 0, order, pay, expire));
        }
        shop.quiet();
        for (pay_first, order, pay, expire) in both {
            let paid = now_or_never(pay).expect("it was written").unwrap();
            let expired = now_or_never(expire).expect("it was written").unwrap();
            let state = agrees(&shop.sale, &order, &paid, &expired);
            assert_eq!(state == OrderState::Paid, pay_first, "the first one wins");
            paid_ones += u32::from(pay_first);
        }
        assert_eq!(shop.supply().sold, paid_ones);
        assert_eq!(shop.supply().available, STEPPED - paid_ones);
    }
    assert_eq!(paid_ones, STEPPED / 2);
}

/// C18 again, with the deadline's own expiry against payments from other threads.
#[test]
fn pay_and_expire_on_several_threads_have_exactly_one_winner() {
    let mut shop = Shop::open(Goods { limit: 10_000, ..Goods::plain(THREADED) });
    let user = shop.user("alice");
    let lines: Vec<_> = (0..THREADED).map(|_| shop.sale_only_hold(user)).collect();
    shop.quiet();
    let orders: Vec<OwnedOrder> = lines.iter().map(|line| shop.order(line)).collect();
    // Time is up for all of them in the moment in which payments begin to come.
    shop.clock.set(NOW + RELEASE_MS);
    let Shop { sale, mut writer, .. } = shop;
    let sale = Arc::new(sale);
    let start = Arc::new(Barrier::new(3));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let payers: Vec<_> = orders
            .chunks(orders.len() / 2)
            .enumerate()
            .map(|(payer, orders)| {
                let (sale, start) = (Arc::clone(&sale), Arc::clone(&start));
                scope.spawn(move || {
                    start.wait();
                    let pay = |(place, order): (usize, &OwnedOrder)| {
                        let payment = payment(order, format!("{payer}-{place}"));
                        sale.propose(Change::Receive(payment))
                    };
                    orders.iter().rev().enumerate().map(pay).collect::<Vec<_>>()
                })
            })
            .collect();
        start.wait();
        while payers.iter().any(|payer| !payer.is_finished()) {
            writer.step();
        }
        payers.into_iter().map(|payer| payer.join().unwrap()).collect()
    });
    while writer.step() != sale::Next::Idle {}
    for pay in answers.into_iter().flatten() {
        let paid = now_or_never(pay).expect("it was written").unwrap();
        assert!(matches!(paid, Changed::Done { .. }), "{paid:?}");
    }
    let supply = sale.counts(orders[0].entry.no).supply();
    let mut paid = 0;
    for order in &orders {
        let state = sale.any_order((&order.first().claim).into()).unwrap().state();
        let [payment] = &sale.ledger().payments_of(order.no()).unwrap()[..] else { panic!() };
        match state {
            OrderState::Paid => assert_eq!(payment.state, PaymentState::Confirmed),
            OrderState::Expired => assert_eq!(payment.state, PaymentState::Late),
            other => panic!("{other:?}"),
        }
        paid += u32::from(state == OrderState::Paid);
    }
    assert_eq!((supply.sold, supply.available), (paid, THREADED - paid));
}

/// The queue of changes is bounded, and says so at once (C12).
#[test]
fn one_change_more_than_the_queue_takes_is_turned_away_at_once() {
    let mut shop = Shop::open(Goods::plain(1));
    let user = shop.user("alice");
    let line = shop.hold(user);
    let order = line.claim.order();
    let cancel = || Change::Step { order, step: OrderStep::Cancel };
    let most = settings().changes_queue_max;
    let waiting: Vec<_> = (0..most).map(|_| shop.sale.propose(cancel())).collect();
    let beyond = now_or_never(shop.sale.propose(cancel()));
    assert_eq!(beyond, Some(Err(sale::ChangeFault::Busy)));
    shop.quiet();
    let done = |answer: Option<sale::Answered>| matches!(answer, Some(Ok(Changed::Done { .. })));
    let done = waiting.into_iter().map(now_or_never).filter(|answer| done(answer.clone())).count();
    assert_eq!((done, shop.supply().available), (1, 1));
    shop.sale.pause("movie-night", &operator()).unwrap();
}
