//! Pay and expire at the same moment: exactly one of them wins, and money and stock agree (C18).
//! No order may ever have two outcomes.

use crate::shop::{Goods, NOW, RELEASE_MS, Shop, now_or_never, operator, settings};
use crate::unguarded::Unguarded;
use ledger::{Change, Changed, ClaimLedger, NewPayment};
use rules::{Event, EventKind, OrderNo, OrderState, OrderStep, PaymentState};
use sale::{OwnedOrder, Sale};
use std::{
    collections::BTreeSet,
    sync::{Arc, Barrier},
};
use stock::Stock;

const STEPPED: u32 = 100_000;
const THREADED: u32 = 2_000;
const HELD_AT_ONCE: u32 = 500;
/// Orders that race with the guard, and without it.
const RACED: u32 = 100;

fn payment(order: &OwnedOrder, reference: String) -> NewPayment {
    NewPayment { provider: "test".into(), reference, order: order.no(), amount: order.amount() }
}

/// What is wrong with an order over which a payment and its deadline raced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// Both of them ended it, or neither.
    NotOneOutcome,
    /// Stock and the ledger do not say the same of it.
    StockDisagrees,
    /// Its money is confirmed and the unit is not sold, or the other way round.
    MoneyDisagrees,
}

/// Whether a change took this order a step further.
fn ended(change: &Changed, order: &OwnedOrder) -> bool {
    let Changed::Done { events, .. } = change else { return false };
    let of_order = |event: &Event| matches!(event.kind, EventKind::Order { order: seq, .. } if seq == order.no().seq);
    events.iter().any(of_order)
}

/// The judge of the race: whatever the order of arrival, one of both ends the order, and the money is confirmed exactly
/// where the unit is sold.
fn judge(sale: &Sale, order: &OwnedOrder, paid: &Changed, expired: &Changed) -> Vec<Wrong> {
    let state = sale.any_order((&order.first().claim).into()).unwrap().state();
    let mark = sale.mark(order.no()).unwrap().unwrap();
    let payments = sale.ledger().payments_of(order.no()).unwrap();
    let expected =
        if mark.state == OrderState::Paid { PaymentState::Confirmed } else { PaymentState::Late };
    let money = payments.len() == 1 && payments[0].state == expected;
    let over = matches!(mark.state, OrderState::Paid | OrderState::Expired);
    let wrongs = [
        (ended(paid, order) == ended(expired, order) || !over, Wrong::NotOneOutcome),
        (state != mark.state, Wrong::StockDisagrees),
        (!money, Wrong::MoneyDisagrees),
    ];
    wrongs.into_iter().filter(|(is, _)| *is).map(|(_, wrong)| wrong).collect()
}

/// Nothing is wrong; how the order stands.
fn agrees(sale: &Sale, order: &OwnedOrder, paid: &Changed, expired: &Changed) -> OrderState {
    assert_eq!(judge(sale, order, paid, expired), [], "{paid:?}, {expired:?}");
    assert!(matches!(paid, Changed::Done { .. }), "a payment is always taken: {paid:?}");
    sale.any_order((&order.first().claim).into()).unwrap().state()
}

/// C18, with both proposed in one step of the writer, in either order, which the payment wins; and with the payment in the
/// very next step, which it loses.
#[test]
fn pay_and_expire_in_one_step_have_exactly_one_winner() {
    let mut shop = Shop::open(Goods { limit: 10_000, ..Goods::plain(STEPPED) });
    let mut paid_ones = 0;
    for round in 0..STEPPED / HELD_AT_ONCE {
        let user = shop.user(&format!("user-{round}"));
        let lines: Vec<_> = (0..HELD_AT_ONCE).map(|_| shop.sale_only_hold(user)).collect();
        shop.quiet();
        let orders: Vec<_> = lines.iter().map(|line| shop.order(line)).collect();
        let (now, next) = orders.split_at(orders.len() / 2);
        let expire = |order: &OwnedOrder| {
            shop.sale.propose(Change::Step { order: order.no(), step: OrderStep::Expire })
        };
        let pay = |order: &OwnedOrder| {
            let reference = format!("{}", order.no().seq);
            shop.sale.propose(Change::Receive(payment(order, reference)))
        };
        let expired: Vec<_> = next.iter().map(expire).collect();
        shop.writer.step();
        let in_next = next.iter().map(&pay).zip(expired);
        let in_one = now.iter().enumerate().map(|(place, order)| {
            if place % 2 == 0 {
                let paid = pay(order);
                (paid, expire(order))
            } else {
                let expired = expire(order);
                (pay(order), expired)
            }
        });
        let both: Vec<_> = in_one.chain(in_next).collect();
        shop.quiet();
        for (order, (pay, expire)) in orders.iter().zip(both) {
            let paid = now_or_never(pay).expect("it was written").unwrap();
            let expired = now_or_never(expire).expect("it was written").unwrap();
            let state = agrees(&shop.sale, order, &paid, &expired);
            let pays = order.no() < next[0].no();
            assert_eq!(state == OrderState::Paid, pays, "money comes first in a step");
            paid_ones += u32::from(pays);
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

/// A payment and the deadline of each order meet at the ledger, from two threads; what the judge says of them. Stock
/// hears of what was written, in order, as from the writer.
fn race(change: fn(&Unguarded<'_>, OrderNo, Change) -> Changed) -> BTreeSet<Wrong> {
    let mut shop = Shop::open(Goods { limit: 10_000, ..Goods::plain(RACED) });
    let user = shop.user("alice");
    let lines: Vec<_> = (0..RACED).map(|_| shop.sale_only_hold(user)).collect();
    shop.quiet();
    let ledger = Unguarded::open(&shop, shop.ledger.own().unwrap());
    let mut wrongs = BTreeSet::new();
    for (place, line) in (0..).zip(&lines) {
        let order = shop.order(line);
        let (pay, no) = (Change::Receive(payment(&order, format!("{place}"))), order.no());
        let expire = Change::Step { order: no, step: OrderStep::Expire };
        let start = Barrier::new(2);
        let (paid, expired) = std::thread::scope(|scope| {
            let payer = scope.spawn(|| {
                start.wait();
                change(&ledger, no, pay)
            });
            start.wait();
            let expired = change(&ledger, no, expire);
            (payer.join().unwrap(), expired)
        });
        let mut events = [&paid, &expired].map(events_of).concat();
        events.sort_by_key(|event| event.no);
        // What contradicts Stock leaves it as it is, and the judge sees that.
        events.iter().for_each(|event| _ = shop.stock.apply(event));
        wrongs.extend(judge(&shop.sale, &order, &paid, &expired));
    }
    wrongs
}

fn events_of(change: &Changed) -> Vec<Event> {
    if let Changed::Done { events, .. } = change { events.clone() } else { Vec::new() }
}

/// C18: with the guard nothing is wrong; without it both win, the money of a unit that came back is confirmed, and Stock
/// cannot follow. The judge of the tests above sees all of it.
#[test]
fn without_the_guard_of_the_ledger_pay_and_expire_both_win() {
    assert_eq!(race(|ledger, _, change| ledger.guarded(change)), BTreeSet::new());
    let all = [Wrong::NotOneOutcome, Wrong::StockDisagrees, Wrong::MoneyDisagrees];
    assert_eq!(race(|ledger, order, change| ledger.change(order, change)), BTreeSet::from(all));
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
