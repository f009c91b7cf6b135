//! Definitions of activities, which bodies need for ids, prices and deadlines: kept as long as they are few.
//! Whatever is kept is of the ledger, and a change of a definition replaces it when the change itself leaves.

use ledger::{Ledger, LedgerFault};
use parking_lot::Mutex;
use rules::{Activity, ActivityNo};
use std::collections::HashMap;
use std::sync::Arc;

/// Definitions that are kept.
const KEPT_MAX: usize = 1_000;

/// Definitions by activity.
#[derive(Default)]
pub(crate) struct Catalog {
    kept: Mutex<HashMap<ActivityNo, Arc<Activity>>>,
}

impl Catalog {
    /// An activity's definition; `None`: there is no such activity.
    pub(crate) fn find(
        &self,
        ledger: &dyn Ledger,
        no: ActivityNo,
    ) -> Result<Option<Arc<Activity>>, LedgerFault> {
        if let Some(kept) = self.kept.lock().get(&no) {
            return Ok(Some(kept.clone()));
        }
        let Some(stored) = ledger.activity(no)? else { return Ok(None) };
        Ok(Some(self.put(no, stored.activity)))
    }

    /// Keeps a definition as it stands now.
    pub(crate) fn put(&self, no: ActivityNo, activity: Activity) -> Arc<Activity> {
        let activity = Arc::new(activity);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(no, activity.clone());
        activity
    }
}
