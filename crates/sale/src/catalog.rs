//! Every activity by id, for look-ups without a lock: replaced whole whenever a definition changes.
//! Counts and states are not here: they change with every claim and are asked of Stock.

use crate::codes::Codes;
use rules::{Activity, ActivityNo, Money, OrderState};
use std::{collections::HashMap, sync::Arc};
use stock::{Place, Recorded};

/// One activity's definition beside its codes.
pub struct Entry {
    /// Its number.
    pub no: ActivityNo,
    /// Its definition as it stands.
    pub activity: Activity,
    /// Codes by type; shared by every version of the definition.
    pub(crate) codes: Arc<[Codes]>,
}

impl Entry {
    /// Hands the code of a line's unit to `read`; `None` for plain units, and while nobody may see it: a code that
    /// was seen never returns to sale, so it is shown only once its order is on disk and paid (promise 4).
    pub fn with_code<T>(&self, line: &Recorded, read: impl FnOnce(&str) -> T) -> Option<T> {
        let may_be_seen = line.state == OrderState::Paid && line.place == Place::DURABLE;
        let codes = self.codes.get(usize::from(line.claim.ticket_type.0))?;
        may_be_seen.then(|| codes.with(line.claim.unit, read)).flatten()
    }

    /// What an order of these lines costs.
    pub fn amount_of(&self, lines: &[Recorded]) -> Money {
        self.activity.amount_of(lines.iter().map(|line| line.claim.ticket_type))
    }
}

/// All activities at one moment.
#[derive(Default)]
pub struct Catalog {
    /// Raised by every change: whoever keeps something made from a catalog knows when to make it anew.
    pub version: u64,
    by_id: HashMap<String, Arc<Entry>>,
    by_no: Vec<Option<Arc<Entry>>>,
    /// Soonest first, then by id.
    sorted: Vec<Arc<Entry>>,
}

impl Catalog {
    /// A catalog of these, which follows `version`.
    pub(crate) fn new(version: u64, entries: Vec<Arc<Entry>>) -> Self {
        let mut sorted = entries;
        sorted.sort_by(|one, other| one.activity.sort_key().cmp(&other.activity.sort_key()));
        let last = sorted.iter().map(|entry| entry.no.0 as usize).max().unwrap_or(0);
        let mut by_no = vec![None; last + 1];
        let mut by_id = HashMap::with_capacity(sorted.len());
        for entry in &sorted {
            by_no[entry.no.0 as usize] = Some(Arc::clone(entry));
            by_id.insert(entry.activity.id.clone(), Arc::clone(entry));
        }
        Self { version, by_id, by_no, sorted }
    }

    /// This catalog with `changed` in the place of entries of the same number, or added.
    pub(crate) fn with(&self, changed: Vec<Arc<Entry>>) -> Self {
        let replaced = |no: ActivityNo| changed.iter().any(|entry| entry.no == no);
        let kept = self.sorted.iter().filter(|entry| !replaced(entry.no)).cloned();
        Self::new(self.version + 1, kept.chain(changed.iter().cloned()).collect())
    }

    /// The activity with this id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Entry>> {
        self.by_id.get(id)
    }

    /// The activity with this number.
    pub fn by_no(&self, no: ActivityNo) -> Option<&Arc<Entry>> {
        self.by_no.get(no.0 as usize)?.as_ref()
    }

    /// All, soonest first, then by id.
    pub fn sorted(&self) -> &[Arc<Entry>] {
        &self.sorted
    }
}
