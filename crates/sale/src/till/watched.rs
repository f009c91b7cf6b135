//! Orders that are open at providers, by when they are to be looked at: what is due is found without a scan.
//! It is memory only: after a start it is read from the ledger.

use ledger::OpenPayment;
use rules::{OrderNo, TimeMs};
use std::collections::{BTreeSet, HashMap};

/// An order at one provider, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatchedOrder {
    pub order: OrderNo,
    pub provider: usize,
}

/// How far the ledger was read after the start.
enum Read {
    /// Up to and including this one; nothing: `None`.
    UpTo(Option<(OrderNo, String)>),
    Whole,
}

/// The orders, each once.
///
/// Invariant: `by_time` holds what `orders` holds at that moment, but for those that are being looked at.
pub struct Watched {
    by_time: BTreeSet<(TimeMs, WatchedOrder)>,
    /// When each is due, and how often closing it failed.
    orders: HashMap<WatchedOrder, (TimeMs, u32)>,
    read: Read,
}

impl Default for Watched {
    fn default() -> Self {
        let (by_time, orders) = (BTreeSet::new(), HashMap::new());
        Self { by_time, orders, read: Read::UpTo(None) }
    }
}

impl Watched {
    /// Adds one; one that is watched already stays as it is.
    pub fn add(&mut self, watched: WatchedOrder, at: TimeMs) {
        if self.orders.contains_key(&watched) {
            return;
        }
        self.orders.insert(watched, (at, 0));
        self.by_time.insert((at, watched));
    }

    /// Makes one due at `now`, if it is watched and due later.
    pub fn hasten(&mut self, watched: WatchedOrder, now: TimeMs) {
        if let Some((at, _)) = self.orders.get_mut(&watched)
            && *at > now
        {
            // One that is being looked at is not in `by_time`, and is looked at once more after that.
            if self.by_time.remove(&(*at, watched)) {
                self.by_time.insert((now, watched));
            }
            *at = now;
        }
    }

    /// Takes up to `most` that are due, with their failures so far; each comes back with [`Self::looked`].
    pub fn take_due(&mut self, now: TimeMs, most: usize) -> Vec<(WatchedOrder, u32)> {
        let mut due = Vec::new();
        while due.len() < most
            && self.by_time.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, watched)) = self.by_time.pop_first()
        {
            let known = self.orders.get_mut(&watched).expect("both hold the same");
            // From now on whoever hastens it finds it later than any moment, and `looked` finds that he did.
            let failures = known.1;
            known.0 = TimeMs(u64::MAX);
            due.push((watched, failures));
        }
        due
    }

    /// One was looked at: when again, and with how many failures; `None`: never.
    pub fn looked(&mut self, watched: WatchedOrder, again: Option<(TimeMs, u32)>) {
        let hastened = self.orders.remove(&watched).map(|(at, _)| at);
        let Some((at, failures)) = again else { return };
        let at = at.min(hastened.unwrap_or(at));
        self.orders.insert(watched, (at, failures));
        self.by_time.insert((at, watched));
    }

    /// After which one the ledger is to be read on; `None`: it was read whole.
    pub fn unread(&self) -> Option<Option<(OrderNo, String)>> {
        match &self.read {
            Read::UpTo(after) => Some(after.clone()),
            Read::Whole => None,
        }
    }

    /// The ledger was read up to `last`; `None`: to its end.
    pub fn read(&mut self, last: Option<&OpenPayment>) {
        self.read = match last {
            Some(last) => Read::UpTo(Some((last.order, last.provider.clone()))),
            None => Read::Whole,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::{ActivityNo, Seq};

    fn watched(seq: u32) -> WatchedOrder {
        WatchedOrder { order: OrderNo { activity: ActivityNo(1), seq: Seq(seq) }, provider: 0 }
    }

    #[test]
    fn what_is_due_comes_once_earliest_first_and_again_when_it_says_so() {
        let mut all = Watched::default();
        all.add(watched(1), TimeMs(30));
        all.add(watched(2), TimeMs(10));
        all.add(watched(2), TimeMs(99));
        assert_eq!(all.take_due(TimeMs(9), 9), []);
        assert_eq!(all.take_due(TimeMs(30), 1), [(watched(2), 0)]);
        assert_eq!(all.take_due(TimeMs(30), 9), [(watched(1), 0)]);
        assert_eq!(all.take_due(TimeMs(99), 9), []);
        all.looked(watched(1), None);
        all.looked(watched(2), Some((TimeMs(50), 3)));
        assert_eq!(all.take_due(TimeMs(99), 9), [(watched(2), 3)]);
    }

    #[test]
    fn what_is_hastened_is_due_at_once_even_while_it_is_being_looked_at() {
        let mut all = Watched::default();
        all.add(watched(1), TimeMs(1_000));
        all.hasten(watched(1), TimeMs(5));
        all.hasten(watched(2), TimeMs(5));
        assert_eq!(all.take_due(TimeMs(5), 9), [(watched(1), 0)]);
        all.hasten(watched(1), TimeMs(6));
        all.looked(watched(1), Some((TimeMs(1_000), 0)));
        assert_eq!(all.take_due(TimeMs(6), 9), [(watched(1), 0)]);
    }
}
