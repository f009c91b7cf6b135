//! The activities in which something waits for time to pass: a deadline, or room in the queue before the ledger.
//! Each gets its turn: one with many holds never keeps the others from theirs.

use rules::ActivityNo;
use std::collections::BTreeSet;

/// A list of activities, and the one whose turn is next.
#[derive(Default)]
pub struct Waiting {
    activities: BTreeSet<ActivityNo>,
    next: ActivityNo,
}

impl Waiting {
    /// Puts an activity on the list, or takes it off.
    pub fn list(&mut self, no: ActivityNo, waits: bool) {
        if waits {
            self.activities.insert(no);
        } else {
            self.activities.remove(&no);
        }
    }

    /// Everything on the list, from the one whose turn it is.
    pub fn order(&self) -> Vec<ActivityNo> {
        let (from, before) =
            (self.activities.range(self.next..), self.activities.range(..self.next));
        from.chain(before).copied().collect()
    }

    /// The next round begins with this one.
    pub fn begin_with(&mut self, no: ActivityNo) {
        self.next = no;
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.activities.clear();
    }
}
