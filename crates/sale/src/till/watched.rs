//! Orders that are open at providers, by when they are to be looked at: what is due is found without a scan.
//! It is memory only: after a start it is read from the ledger.

use ledger::OpenPayment;
use rules::{ActivityNo, OrderNo, Seq, TimeMs};
use std::collections::{BTreeSet, HashMap};

/// An order at one provider, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatchedOrder {
    pub provider: usize,
    pub order: OrderNo,
}

/// How an order is watched.
struct Watch {
    /// When it is due. While it is being looked at: when somebody wants it to be looked at once more.
    at: TimeMs,
    /// How often closing it failed.
    failures: u32,
    /// Buyers who are just being sent there with it.
    starts: u32,
    /// It is being looked at.
    looked_at: bool,
}

/// Later than any moment.
const NEVER: TimeMs = TimeMs(u64::MAX);

/// How far the ledger was read after the start.
enum Read {
    /// Up to and including this one; nothing: `None`.
    UpTo(Option<(OrderNo, String)>),
    Whole,
}

/// The orders, each once at each provider.
///
/// Invariant: `by_time` holds what `orders` holds at that moment, but for those that are being looked at, and those with
/// which buyers are being sent: such an order may be unknown at the provider as yet, and open a moment later.
pub struct Watched {
    by_time: BTreeSet<(usize, TimeMs, OrderNo)>,
    orders: HashMap<WatchedOrder, Watch>,
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
        let new = Watch { at, failures: 0, starts: 0, looked_at: false };
        self.orders.entry(watched).or_insert(new);
        self.plan(watched);
    }

    /// A buyer is being sent there with it: it is not looked at before that has ended.
    pub fn begin_start(&mut self, watched: WatchedOrder, at: TimeMs) {
        self.add(watched, at);
        self.change(watched, |watch| watch.starts += 1);
    }

    /// Sending a buyer there has ended, in whatever way: it is looked at by `at` at the latest.
    pub fn end_start(&mut self, watched: WatchedOrder, at: TimeMs) {
        self.change(watched, |watch| {
            watch.starts -= 1;
            watch.at = watch.at.min(at);
        });
    }

    /// Whether a buyer is being sent there with it.
    pub fn is_starting(&self, watched: WatchedOrder) -> bool {
        self.orders.get(&watched).is_some_and(|watch| watch.starts > 0)
    }

    /// Makes one due at `now`, if it is watched and due later.
    pub fn hasten(&mut self, watched: WatchedOrder, now: TimeMs) {
        self.change(watched, |watch| watch.at = watch.at.min(now));
    }

    /// Nobody has to look at it any more, unless a buyer is just being sent there.
    pub fn forget(&mut self, watched: WatchedOrder, now: TimeMs) {
        if self.is_starting(watched) {
            return self.hasten(watched, now);
        }
        if let Some(watch) = self.orders.remove(&watched) {
            self.by_time.remove(&(watched.provider, watch.at, watched.order));
        }
    }

    /// Takes up to `most` that are due at a provider, with their failures so far; each comes back with
    /// [`Self::looked`].
    pub fn take_due(
        &mut self,
        provider: usize,
        now: TimeMs,
        most: usize,
    ) -> Vec<(WatchedOrder, u32)> {
        let from = (provider, TimeMs(0), OrderNo { activity: ActivityNo(0), seq: Seq(0) });
        let there =
            self.by_time.range(from..).take_while(|(at, due, _)| *at == provider && *due <= now);
        let due: Vec<_> = there.take(most).copied().collect();
        let taken = due.into_iter().map(|place| {
            self.by_time.remove(&place);
            let watched = WatchedOrder { provider, order: place.2 };
            let watch = self.orders.get_mut(&watched).expect("both hold the same");
            // From now on whoever hastens it finds it later than any moment, and `looked` finds that he did.
            (watch.at, watch.looked_at) = (NEVER, true);
            (watched, watch.failures)
        });
        taken.collect()
    }

    /// One was looked at: when again, and with how many failures; `None`: never, unless somebody wants it since.
    pub fn looked(&mut self, watched: WatchedOrder, again: Option<(TimeMs, u32)>) {
        // Forgotten meanwhile.
        let Some(watch) = self.orders.get_mut(&watched) else { return };
        let (at, failures) = again.unwrap_or((NEVER, 0));
        // Forgotten and added anew meanwhile, it is planned already.
        self.by_time.remove(&(watched.provider, watch.at, watched.order));
        watch.at = watch.at.min(at);
        (watch.failures, watch.looked_at) = (failures, false);
        if watch.at == NEVER && watch.starts == 0 {
            self.orders.remove(&watched);
        } else {
            self.plan(watched);
        }
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

    fn change(&mut self, watched: WatchedOrder, change: impl FnOnce(&mut Watch)) {
        let Some(watch) = self.orders.get_mut(&watched) else { return };
        self.by_time.remove(&(watched.provider, watch.at, watched.order));
        change(watch);
        self.plan(watched);
    }

    /// Puts it where it is due, if it may be looked at.
    fn plan(&mut self, watched: WatchedOrder) {
        let watch = &self.orders[&watched];
        if watch.starts == 0 && !watch.looked_at {
            self.by_time.insert((watched.provider, watch.at, watched.order));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(seq: u32) -> WatchedOrder {
        WatchedOrder { provider: 0, order: OrderNo { activity: ActivityNo(1), seq: Seq(seq) } }
    }

    #[test]
    fn what_is_due_comes_once_earliest_first_and_again_when_it_says_so() {
        let mut all = Watched::default();
        all.add(watched(1), TimeMs(30));
        all.add(watched(2), TimeMs(10));
        all.add(watched(2), TimeMs(99));
        let elsewhere = WatchedOrder { provider: 1, ..watched(1) };
        all.add(elsewhere, TimeMs(5));
        assert_eq!(all.take_due(0, TimeMs(9), 9), []);
        assert_eq!(all.take_due(0, TimeMs(30), 1), [(watched(2), 0)]);
        assert_eq!(all.take_due(0, TimeMs(30), 9), [(watched(1), 0)]);
        assert_eq!(all.take_due(0, TimeMs(99), 9), []);
        all.looked(watched(1), None);
        all.looked(watched(2), Some((TimeMs(50), 3)));
        assert_eq!(all.take_due(0, TimeMs(99), 9), [(watched(2), 3)]);
        assert_eq!(all.take_due(1, TimeMs(99), 9), [(elsewhere, 0)]);
    }

    #[test]
    fn what_is_hastened_is_due_at_once_even_while_it_is_being_looked_at() {
        let mut all = Watched::default();
        all.add(watched(1), TimeMs(1_000));
        all.hasten(watched(1), TimeMs(5));
        all.hasten(watched(2), TimeMs(5));
        assert_eq!(all.take_due(0, TimeMs(5), 9), [(watched(1), 0)]);
        all.hasten(watched(1), TimeMs(6));
        all.looked(watched(1), Some((TimeMs(1_000), 0)));
        assert_eq!(all.take_due(0, TimeMs(6), 9), [(watched(1), 0)]);
        all.hasten(watched(1), TimeMs(7));
        all.looked(watched(1), None);
        assert_eq!(all.take_due(0, TimeMs(7), 9), [(watched(1), 0)]);
        all.looked(watched(1), None);
        assert!(all.orders.is_empty() && all.by_time.is_empty());
    }

    /// Whatever happens while a buyer is being sent there, the order is looked at after that, and not before.
    #[test]
    fn what_is_being_started_is_looked_at_once_every_start_has_ended() {
        let mut all = Watched::default();
        all.begin_start(watched(1), TimeMs(10));
        all.begin_start(watched(1), TimeMs(20));
        all.hasten(watched(1), TimeMs(5));
        all.end_start(watched(1), TimeMs(20));
        assert!(all.is_starting(watched(1)));
        assert_eq!(all.take_due(0, TimeMs(99), 9), []);
        all.forget(watched(1), TimeMs(5));
        all.end_start(watched(1), TimeMs(10));
        assert_eq!(all.take_due(0, TimeMs(5), 9), [(watched(1), 0)]);
        // One begins while it is being looked at: the look's end does not forget it.
        all.begin_start(watched(1), TimeMs(30));
        all.looked(watched(1), None);
        assert_eq!(all.take_due(0, NEVER, 9), []);
        all.end_start(watched(1), TimeMs(40));
        assert_eq!(all.take_due(0, TimeMs(40), 9), [(watched(1), 0)]);
    }

    #[test]
    fn what_is_forgotten_stays_so_even_while_it_is_being_looked_at() {
        let mut all = Watched::default();
        all.add(watched(1), TimeMs(1));
        all.add(watched(2), TimeMs(1));
        assert_eq!(all.take_due(0, TimeMs(1), 1), [(watched(1), 0)]);
        all.forget(watched(1), TimeMs(1));
        all.forget(watched(2), TimeMs(1));
        all.looked(watched(1), Some((TimeMs(1), 1)));
        assert_eq!(all.take_due(0, NEVER, 9), []);
    }

    #[test]
    fn what_was_forgotten_and_added_anew_while_it_was_looked_at_is_planned_once() {
        let (mut all, order) = (Watched::default(), watched(1));
        all.add(order, TimeMs(5));
        assert_eq!(all.take_due(0, TimeMs(5), 9), [(order, 0)]);
        all.forget(order, TimeMs(5));
        all.begin_start(order, TimeMs(30));
        all.end_start(order, TimeMs(30));
        all.looked(order, Some((TimeMs(20), 0)));
        assert_eq!(all.take_due(0, TimeMs(20), 9), [(order, 0)]);
        all.looked(order, None);
        assert_eq!(all.take_due(0, TimeMs(99), 9), []);
    }
}
