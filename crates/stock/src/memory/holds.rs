//! The unpaid orders of one activity by their deadlines, pending ones included.
//! Whoever asks what is due looks at the front: the number of holds costs nothing.

use rules::{Seq, TimeMs};
use std::collections::{BTreeSet, HashMap};

/// Unpaid orders, each by the seq of its first line.
#[derive(Default)]
pub struct Holds {
    by_deadline: BTreeSet<(TimeMs, Seq)>,
    pay_by: HashMap<Seq, TimeMs>,
    /// How many of them are durable.
    durable: u32,
}

impl Holds {
    /// A new one, not durable yet.
    pub fn add(&mut self, order: Seq, pay_by: TimeMs) {
        self.by_deadline.insert((pay_by, order));
        let before = self.pay_by.insert(order, pay_by);
        assert_eq!(before, None, "an order is held once");
    }

    /// It is on disk.
    pub fn set_durable(&mut self) {
        self.durable += 1;
        assert!(self.durable as usize <= self.pay_by.len());
    }

    /// It is held no more; its deadline.
    pub fn remove(&mut self, order: Seq, durable: bool) -> TimeMs {
        let pay_by = self.pay_by.remove(&order).expect("a held order has a deadline");
        assert!(self.by_deadline.remove(&(pay_by, order)));
        self.durable -= u32::from(durable);
        pay_by
    }

    /// Until when an order is to be paid, while it is held.
    pub fn pay_by(&self, order: Seq) -> Option<TimeMs> {
        self.pay_by.get(&order).copied()
    }

    /// Those with a deadline at `by` or earlier, earliest first.
    pub fn until(&self, by: TimeMs) -> impl Iterator<Item = (TimeMs, Seq)> + '_ {
        self.by_deadline.range(..=(by, Seq(u32::MAX))).copied()
    }

    /// Nothing is held.
    pub fn is_empty(&self) -> bool {
        self.pay_by.is_empty()
    }

    /// Whether a durable order is unpaid.
    pub fn any_durable(&self) -> bool {
        self.durable > 0
    }
}
