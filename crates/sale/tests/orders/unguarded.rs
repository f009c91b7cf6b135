//! A ledger without its guard: a step is taken from whatever state an order is in, as if nothing had happened to it
//! before. It is how the race of a payment and a deadline goes wrong elsewhere, and how its judge is put to the test.

use crate::shop::Shop;
use ledger::{Change, Changed, OrderLedger};
use parking_lot::Mutex;
use rules::{Epoch, OrderNo};
use rusqlite::Connection;

/// Takes one change of an order at a time.
pub struct Unguarded<'a> {
    shop: &'a Shop,
    epoch: Epoch,
    /// The ledger's own file; held while a change is written, or the guard would be back for a moment.
    file: Mutex<Connection>,
}

impl<'a> Unguarded<'a> {
    /// The writer of this shop writes nothing from here on.
    pub fn open(shop: &'a Shop, epoch: Epoch) -> Self {
        let file = Connection::open(shop.dir.path().join("ledger.sqlite3")).unwrap();
        Self { shop, epoch, file: Mutex::new(file) }
    }

    /// The order is found as it was made, whatever became of it since.
    pub fn change(&self, order: OrderNo, change: Change) -> Changed {
        let file = self.file.lock();
        let place = (i64::from(order.activity.0) << 32) | i64::from(order.seq.0);
        file.execute("DELETE FROM orders WHERE place = ?", [place]).unwrap();
        self.guarded(change)
    }

    /// The ledger as it is: it takes a change only from the state that the change expects.
    pub fn guarded(&self, change: Change) -> Changed {
        let (mut answers, now) = (Vec::new(), self.shop.sale.now());
        self.shop.ledger.change(self.epoch, now, &[change], &mut answers).unwrap();
        answers.remove(0)
    }
}
