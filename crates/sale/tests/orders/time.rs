//! Deadlines: they outlive restarts, a downtime moves them, and no jump of a clock takes time from a buyer (C14).
//! Nothing here waits for a real clock.

use crate::shop::{Goods, NOW, PAY_WITHIN_S, RELEASE_MS, Shop};
use rules::{OrderState, TimeMs};
use sale::Next;

const PAY_WITHIN_MS: u64 = PAY_WITHIN_S as u64 * 1_000;
const HOUR_MS: u64 = 3_600_000;

#[test]
fn an_unpaid_order_is_released_after_its_deadline_and_the_grace_and_not_before() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let line = shop.hold(alice);
    assert_eq!(line.pay_by, Some(TimeMs(NOW + PAY_WITHIN_MS)));
    for (at, state) in [
        (NOW + PAY_WITHIN_MS, OrderState::Held),
        (NOW + RELEASE_MS - 1, OrderState::Held),
        (NOW + RELEASE_MS, OrderState::Expired),
    ] {
        shop.clock.set(at);
        shop.quiet();
        // Looks are some milliseconds apart.
        shop.clock.pass(10);
        shop.quiet();
        if at < NOW + RELEASE_MS - 1 || state == OrderState::Expired {
            assert_eq!(shop.order(&line).state(), state, "at {at}");
        }
        if state == OrderState::Held {
            shop.clock.set(at);
        }
    }
}

#[test]
fn a_deadline_outlives_a_restart_and_is_moved_by_the_downtime() {
    let mut shop = Shop::open(Goods::plain(2));
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let line = shop.hold(alice);
    shop.clock.pass(60_000);
    shop.quiet();
    let mut shop = shop.crash(10 * 60_000);
    let moved = shop.order(&line).pay_by();
    assert_eq!(moved, Some(TimeMs(NOW + PAY_WITHIN_MS + 10 * 60_000)));
    // An order made afterwards has the usual time, and nothing is given back twice.
    let later = shop.hold(bob);
    assert_eq!(later.pay_by, Some(TimeMs(shop.clock_now() + PAY_WITHIN_MS)));
    let shop = shop.crash(1_000);
    assert_eq!(shop.order(&line).pay_by(), moved);
    assert_eq!(shop.order(&later).pay_by(), later.pay_by);
}

#[test]
fn a_restart_without_unpaid_orders_moves_nothing() {
    let mut shop = Shop::open(Goods::plain(2));
    shop.quiet();
    let shop = shop.crash(HOUR_MS);
    assert_eq!(ledger::OrderLedger::extensions(&*shop.ledger).unwrap(), []);
}

/// A clock that is wrong after a restart, by an hour or a month in either direction, expires nothing.
#[test]
fn a_clock_that_jumps_over_a_restart_expires_nothing() {
    for jumped in [NOW - HOUR_MS, NOW + HOUR_MS, NOW + 20 * HOUR_MS] {
        let mut shop = Shop::open(Goods::plain(1));
        let alice = shop.user("alice");
        let line = shop.hold(alice);
        shop.quiet();
        shop.clock.set(jumped);
        let mut shop = shop.crash(0);
        shop.quiet();
        let order = shop.order(&line);
        assert_eq!(order.state(), OrderState::Held, "at {jumped}");
        assert!(order.pay_by().unwrap().0 >= jumped + PAY_WITHIN_MS, "at {jumped}");
    }
}

/// A clock that jumps while everything runs is a writer that stood still: the time is given back.
#[test]
fn a_clock_that_jumps_in_a_running_process_expires_nothing() {
    let mut shop = Shop::open(Goods::plain(2));
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let line = shop.hold(alice);
    shop.quiet();
    // A claim that is not written yet is kept.
    let waiting = shop.sale_only_hold(bob);
    shop.clock.pass(HOUR_MS);
    shop.writer.notice_standstill();
    shop.quiet();
    let order = shop.order(&line);
    assert_eq!(order.state(), OrderState::Held);
    assert_eq!(order.pay_by(), Some(TimeMs(NOW + PAY_WITHIN_MS + HOUR_MS)));
    assert_eq!(shop.order(&waiting).state(), OrderState::Held);
    assert_eq!(shop.sale.readiness(), sale::Readiness::Serving);
    // And time goes on from there.
    shop.clock.pass(RELEASE_MS);
    shop.quiet();
    assert_eq!(shop.order(&line).state(), OrderState::Expired);
    assert_eq!(shop.supply().available, 2);
}

/// A ledger that was away for long is a downtime too.
#[test]
fn a_recovery_that_takes_long_moves_the_deadlines() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let line = shop.hold(alice);
    shop.quiet();
    shop.ledger.next_change(crate::doubtful::Fate::UnknownLost);
    let order = line.claim.order();
    let proposed =
        shop.sale.propose(ledger::Change::Step { order, step: rules::OrderStep::Cancel });
    assert!(matches!(shop.writer.step(), Next::Retry(_)));
    drop(proposed);
    shop.clock.pass(HOUR_MS);
    shop.quiet();
    assert_eq!(shop.order(&line).pay_by(), Some(TimeMs(NOW + PAY_WITHIN_MS + HOUR_MS)));
}

impl Shop {
    pub fn clock_now(&self) -> u64 {
        self.sale.now().0
    }
}
