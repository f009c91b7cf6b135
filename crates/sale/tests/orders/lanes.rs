//! What waits for the writer: money first, then whoever likes to propose something, and no order expires before a
//! payment that was there already. Nobody's flood takes the room of money, or of time.

use crate::shop::{Goods, RELEASE_MS, Shop, now_or_never, settings};
use ledger::{Change, Changed, NewPayment};
use rules::{OrderState, OrderStep, TypeNo};
use sale::{Answered, OwnedOrder, Proposed};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// More than one batch takes.
const PAYERS: u32 = 2_500;

fn pays(order: &OwnedOrder, reference: u32) -> Change {
    let (provider, reference) = ("test".into(), reference.to_string());
    let (order, amount) = (order.no(), order.amount());
    Change::Receive(NewPayment { provider, reference, order, amount })
}

fn done(proposed: Proposed) -> bool {
    let answer: Option<Answered> = now_or_never(proposed);
    matches!(answer, Some(Ok(Changed::Done { .. })))
}

fn held(shop: &mut Shop, count: u32) -> Vec<OwnedOrder> {
    let user = shop.user("alice");
    let lines: Vec<_> = (0..count).map(|_| shop.sale_only_hold(user)).collect();
    shop.quiet();
    lines.iter().map(|line| shop.order(line)).collect()
}

/// C18: more payments are there at the deadline than one batch takes. Those whose time is up first were proposed last.
#[test]
fn no_order_expires_before_a_payment_that_waits() {
    let mut shop = Shop::open(Goods { limit: 10_000, ..Goods::plain(PAYERS + 1) });
    let orders = held(&mut shop, PAYERS + 1);
    let unpaid = orders.last().unwrap();
    shop.clock.pass(RELEASE_MS);
    let paying = (0..PAYERS).zip(&orders[..PAYERS as usize]).rev();
    let paid: Vec<_> = paying.map(|(n, order)| shop.sale.propose(pays(order, n))).collect();
    shop.writer.step();
    assert_eq!((shop.supply().sold, shop.supply().available), (1_000, 0), "one batch");
    shop.quiet();
    assert_eq!(shop.supply().sold, PAYERS);
    assert!(paid.into_iter().all(done));
    assert_eq!(shop.order(unpaid.first()).state(), OrderState::Expired);
}

/// C12: strangers fill their own lane, again and again: payments are taken in and written at once, and time runs.
#[test]
fn a_flood_of_proposals_delays_neither_payments_nor_expiries() {
    let mut shop = Shop::open(Goods { limit: 10_000, standby: true, ..Goods::plain(3) });
    let [first, second, third] = &held(&mut shop, 3)[..] else { panic!("three") };
    let most = settings().changes_queue_max as u32;
    let (activity, ticket_type) = (shop.no(), TypeNo(0));
    let flood = |shop: &Shop| {
        let leave = |user| Change::LeaveLine { activity, ticket_type, user };
        (0..most).map(|user| shop.sale.propose(leave(rules::UserNo(user)))).collect::<Vec<_>>()
    };
    let strangers = flood(&shop);
    let cancel = Change::Step { order: third.no(), step: OrderStep::Cancel };
    assert_eq!(now_or_never(shop.sale.propose(cancel)), Some(Err(sale::ChangeFault::Busy)));
    let paid = shop.sale.propose(pays(first, 1));
    shop.writer.step();
    assert!(done(paid), "it was in the first batch");
    shop.clock.pass(RELEASE_MS);
    let more = flood(&shop);
    let paid = shop.sale.propose(pays(second, 2));
    shop.writer.step();
    assert!(done(paid));
    assert_eq!((shop.supply().sold, shop.supply().available), (2, 1), "the third one expired");
    assert_eq!(shop.order(third.first()).state(), OrderState::Expired);
    drop((strangers, more));
}

/// Whoever waits for everything that was decided does not wait for a crowd that goes on: while it did, no claim would
/// be written, and no deadline be sure.
#[test]
fn a_step_that_settles_ends_while_people_go_on_proposing() {
    const CROWD_MAX: Duration = Duration::from_secs(20);
    let mut shop = Shop::open(Goods { standby: true, ..Goods::plain(1) });
    let (activity, ticket_type) = (shop.no(), TypeNo(0));
    let (sale, writer) = (&shop.sale, &mut shop.writer);
    let (enough, began) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let settled = scope.spawn(|| sale.settle());
        let crowd = scope.spawn(|| {
            while !enough.load(Ordering::Acquire) {
                if began.elapsed() > CROWD_MAX {
                    return false;
                }
                let leave = Change::LeaveLine { activity, ticket_type, user: rules::UserNo(1) };
                drop(sale.propose(leave));
            }
            true
        });
        while !settled.is_finished() {
            writer.step();
        }
        enough.store(true, Ordering::Release);
        assert!(crowd.join().unwrap(), "the writer waited until nobody came any more");
        assert!(settled.join().unwrap());
    });
}
