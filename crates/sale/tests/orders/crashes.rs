//! A process that dies, or a ledger that does not know, between an order's end and the return of its unit: the unit is
//! there once, neither lost nor twice (C19, C20).

use crate::{
    doubtful::Fate,
    shop::{Goods, RELEASE_MS, Shop, now_or_never},
};
use ledger::{Change, Changed, Ledger, OrderLedger};
use rules::{Epoch, OrderState, OrderStep, TimeMs};
use sale::{ChangeFault, Next, Recorded, Stepped};

fn ends(shop: &Shop) -> (u32, u32, u32) {
    let supply = shop.supply();
    (supply.available, supply.held, supply.sold)
}

/// The step is on disk, and Stock never hears of it.
fn commit_only(shop: &Shop, line: &Recorded, step: OrderStep) {
    let mut answers = Vec::new();
    let change = Change::Step { order: line.claim.order(), step };
    let (epoch, at) = (line.claim.epoch, shop.sale.now());
    shop.ledger.change(epoch, at, &[change], &mut answers).unwrap();
    assert!(matches!(answers[..], [Changed::Done { .. }]), "{answers:?}");
}

/// C20: whichever way an unpaid order ends, its unit is back once, and stays so over a restart.
#[test]
fn a_unit_of_an_order_that_ended_is_back_once() {
    for step in [OrderStep::Cancel, OrderStep::Expire] {
        let mut shop = Shop::open(Goods::plain(3));
        let (alice, bob) = (shop.user("alice"), shop.user("bob"));
        let line = shop.hold(alice);
        shop.hold(bob);
        assert_eq!(ends(&shop), (1, 2, 0));
        if step == OrderStep::Cancel {
            let order = line.claim.order();
            let stepped = shop.wait(async |sale| sale.cancel(order).await);
            assert_eq!(stepped, Ok(Stepped::Now(OrderState::Cancelled)));
            let again = shop.wait(async |sale| sale.cancel(order).await);
            assert_eq!(again, Ok(Stepped::Already(OrderState::Cancelled)));
            assert_eq!(ends(&shop), (2, 1, 0));
        } else {
            shop.clock.pass(RELEASE_MS);
            shop.quiet();
            assert_eq!(ends(&shop), (3, 0, 0));
        }
        let before = ends(&shop);
        let shop = shop.crash(0);
        assert_eq!(ends(&shop), before);
    }
}

/// C19: killed between the commit of the end and the return of the unit.
#[test]
fn a_unit_returns_once_over_a_kill_between_commit_and_return() {
    for step in [OrderStep::Cancel, OrderStep::Expire] {
        let mut shop = Shop::open(Goods::plain(2));
        let alice = shop.user("alice");
        let line = shop.hold(alice);
        commit_only(&shop, &line, step);
        assert_eq!(ends(&shop), (1, 1, 0), "the process dies before Stock hears of it");
        let mut shop = shop.crash(RELEASE_MS);
        assert_eq!(ends(&shop), (2, 0, 0));
        shop.quiet();
        assert_eq!(ends(&shop), (2, 0, 0), "nothing returns it again");
        let again = shop.hold(alice);
        assert_eq!(again.claim.unit, line.claim.unit, "the lowest free unit, and only one of it");
        assert_eq!(ends(&shop), (1, 1, 0));
    }
}

/// C19: killed with the end proposed and nothing written.
#[test]
fn a_unit_stays_held_over_a_kill_before_the_commit() {
    let mut shop = Shop::open(Goods::plain(2));
    let alice = shop.user("alice");
    let line = shop.hold(alice);
    let step = Change::Step { order: line.claim.order(), step: OrderStep::Cancel };
    let proposed = shop.sale.propose(step);
    let shop = shop.crash(0);
    assert_eq!(now_or_never(proposed), Some(Err(ChangeFault::Unknown)));
    assert_eq!(ends(&shop), (1, 1, 0));
}

/// A batch of changes of unknown effect: its proposer hears so, and what is true is read from the disk.
#[test]
fn a_change_of_unknown_effect_is_told_as_unknown_and_counted_once() {
    for (fate, after) in
        [(Fate::UnknownWritten, OrderState::Cancelled), (Fate::UnknownLost, OrderState::Held)]
    {
        let mut shop = Shop::open(Goods::plain(2));
        let alice = shop.user("alice");
        let line = shop.hold(alice);
        shop.ledger.next_change(fate);
        let order = line.claim.order();
        let heard = shop.wait(async |sale| sale.cancel(order).await);
        assert_eq!(heard, Err(ChangeFault::Unknown));
        shop.quiet();
        assert_eq!(shop.order(&line).state(), after, "{fate:?}");
        let free = if after == OrderState::Cancelled { 2 } else { 1 };
        assert_eq!(shop.supply().available, free);
        assert_eq!(shop.sale.recoveries(), 1);
        // Asking again is safe, and ends the same in both cases.
        let again = shop.wait(async |sale| sale.cancel(order).await).unwrap();
        assert!(matches!(
            again,
            Stepped::Now(OrderState::Cancelled) | Stepped::Already(OrderState::Cancelled)
        ));
        assert_eq!(ends(&shop), (2, 0, 0));
    }
}

/// Promise 8: what certainly did not happen is told as that, and nothing has to be read anew.
#[test]
fn a_change_that_did_not_happen_is_busy_and_comes_again() {
    let mut shop = Shop::open(Goods::plain(2));
    let alice = shop.user("alice");
    let line = shop.hold(alice);
    shop.ledger.next_change(Fate::Nothing);
    let order = line.claim.order();
    let heard = shop.wait(async |sale| sale.cancel(order).await);
    assert_eq!(heard, Err(ChangeFault::Busy));
    assert_eq!((shop.order(&line).state(), shop.sale.recoveries()), (OrderState::Held, 0));
    // An expiry that the ledger turned away comes again by itself.
    shop.clock.pass(RELEASE_MS);
    shop.ledger.next_change(Fate::Nothing);
    shop.quiet();
    shop.clock.pass(100);
    shop.quiet();
    assert_eq!(ends(&shop), (2, 0, 0));
}

/// While the ledger is read anew nothing is taken in, and nobody waits for it.
#[test]
fn proposals_are_busy_while_the_ledger_is_away() {
    let mut shop = Shop::open(Goods::plain(2));
    let alice = shop.user("alice");
    let line = shop.hold(alice);
    let cancel = Change::Step { order: line.claim.order(), step: OrderStep::Cancel };
    shop.ledger.next_change(Fate::UnknownLost);
    let first = shop.sale.propose(cancel.clone());
    assert!(matches!(shop.writer.step(), Next::Retry(_)));
    assert_eq!(now_or_never(first), Some(Err(ChangeFault::Unknown)));
    assert_eq!(now_or_never(shop.sale.propose(cancel)), Some(Err(ChangeFault::Busy)));
    shop.quiet();
    assert_eq!(shop.order(&line).state(), OrderState::Held);
}

/// Everything that was proposed before is written when an export begins or the sale ends (C30).
#[test]
fn what_was_proposed_is_written_before_the_writer_stops() {
    let mut shop = Shop::open(Goods::plain(5));
    let names = ["a", "b", "c", "d"];
    let lines: Vec<_> = names.map(|name| shop.user(name)).map(|user| shop.hold(user)).into();
    let cancel =
        |line: &Recorded| Change::Step { order: line.claim.order(), step: OrderStep::Cancel };
    let proposed: Vec<_> = lines.iter().map(|line| shop.sale.propose(cancel(line))).collect();
    shop.sale.close();
    while shop.writer.step() != Next::Stopped {}
    for answer in proposed {
        assert!(matches!(now_or_never(answer), Some(Ok(Changed::Done { .. }))));
    }
    assert_eq!(ends(&shop), (5, 0, 0));
    assert_eq!(now_or_never(shop.sale.propose(cancel(&lines[0]))), Some(Err(ChangeFault::Busy)));
}

/// Refills and expiries reach Stock in the order of their numbers, whoever wrote them.
#[test]
fn operators_changes_and_orders_ends_do_not_overtake_each_other() {
    let mut shop = Shop::open(Goods { limit: 1_000, ..Goods::plain(300) });
    let alice = shop.user("alice");
    let lines: Vec<_> = (0..200).map(|_| shop.sale_only_hold(alice)).collect();
    shop.quiet();
    let operator = crate::shop::operator();
    let Shop { sale, mut writer, stock, .. } = shop;
    std::thread::scope(|scope| {
        let refills = scope.spawn(|| {
            for _ in 0..100 {
                sale.refill("movie-night", "seat", 1, &operator).unwrap();
            }
        });
        let mut lines = lines.iter();
        while !refills.is_finished() || lines.len() > 0 {
            if let Some(line) = lines.next() {
                let (order, step) = (line.claim.order(), OrderStep::Cancel);
                drop(sale.propose(Change::Step { order, step }));
            }
            writer.step();
        }
    });
    while writer.step() != Next::Idle {}
    drop(stock);
    let supply = sale.counts(lines[0].claim.activity).supply();
    assert!(supply.balances());
    assert_eq!((supply.total, supply.available), (400, 400));
}

/// A holder of an older ownership changes nothing.
#[test]
fn an_ended_ownership_changes_no_order() {
    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    let line = shop.hold(alice);
    let change = Change::Step { order: line.claim.order(), step: OrderStep::Cancel };
    let shop = shop.crash(0);
    let mut answers = Vec::new();
    let stale = shop.ledger.change(Epoch(line.claim.epoch.0), TimeMs(1), &[change], &mut answers);
    assert!(stale.is_err());
    assert_eq!(shop.sale.mark(line.claim.order()).unwrap().unwrap().state, OrderState::Held);
    let _: &dyn Ledger = &*shop.ledger;
}
