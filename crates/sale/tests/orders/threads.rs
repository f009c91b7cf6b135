//! The same with a writer on a thread of its own: proposers are woken, and whoever settles finds everything written.
//! Nothing here depends on which thread is faster.

use crate::shop::{Goods, HandClock, Shop, settings};
use ledger::{Change, Changed, SqliteLedger, SqliteSettings};
use rules::{Item, OrderNo, OrderState, OrderStep, TypeNo, UserNo};
use sale::{Outcome, Recorded, Request, Sale, Stepped};
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
    time::Duration,
};
use stock::{MemoryLimits, MemoryStock};
use tempfile::TempDir;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits in this thread; nothing but being woken goes on.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park_timeout(Duration::from_secs(30)),
        }
    }
}

fn threaded(dir: &TempDir, clock: Arc<HandClock>) -> Sale {
    let ledger = SqliteLedger::open(dir.path(), SqliteSettings::default()).unwrap();
    let stock = MemoryStock::new(MemoryLimits::default());
    let meter = Arc::new(crate::shop::ChangesMeter::default());
    Sale::open(Arc::new(ledger), Arc::new(stock), clock, meter, settings()).unwrap()
}

fn hold(sale: &Sale, user: UserNo) -> Recorded {
    let entry = Arc::clone(sale.catalog().by_id("movie-night").unwrap());
    let items = [Item { ticket_type: TypeNo(0), count: 1 }];
    let outcome = match sale.decide(&entry, Request { items: &items, user, key: None }) {
        Ok(outcome) => outcome,
        Err(deciding) => block_on(sale.outcome(deciding)),
    };
    let Outcome::Won(line) = outcome else { panic!("{outcome:?}") };
    line
}

#[test]
fn proposers_are_woken_by_the_writers_thread() {
    let shop = Shop::open(Goods { limit: 100, ..Goods::plain(100) });
    let alice = shop.user("alice");
    let Shop { clock, ledger, stock, sale, writer, test, dir, .. } = shop;
    drop((sale, writer, stock, test));
    drop(Arc::into_inner(ledger).expect("nobody else has the ledger"));
    let sale = threaded(&dir, clock);
    let orders: Vec<OrderNo> = (0..100).map(|_| hold(&sale, alice).claim.order()).collect();
    for order in &orders[..50] {
        let stepped = block_on(sale.cancel(*order));
        assert_eq!(stepped, Ok(Stepped::Now(OrderState::Cancelled)));
    }
    // The rest is proposed at once, and written by the time that an export would begin.
    let cancel = |order: &OrderNo| Change::Step { order: *order, step: OrderStep::Cancel };
    let proposed: Vec<_> = orders[50..].iter().map(|order| sale.propose(cancel(order))).collect();
    assert!(sale.settle());
    for order in &orders {
        assert_eq!(sale.mark(*order).unwrap().unwrap().state, OrderState::Cancelled);
    }
    for answer in proposed {
        assert!(matches!(block_on(answer), Ok(Changed::Done { .. })));
    }
    sale.close();
    assert_eq!(block_on(sale.propose(cancel(&orders[0]))), Err(sale::ChangeFault::Busy));
}
