//! Facts read from the ledger page by page, with their bodies made where the reading happens.
//! So many readings run at a time, and no more than a page of each is ever in memory.

use crate::body::{EventBody, Writer};
use crate::catalog::Catalog;
use crate::kind::FactKind;
use crate::shared::Parts;
use ledger::{Cause, Ledger, LedgerFault, OutFact, OutNo, OutRow};
use parking_lot::Mutex;
use rules::{Activity, ActivityNo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// Writings at the same time; the ledger does one after the other, so that a second one is ready when its turn comes.
const WRITINGS_MAX: usize = 2;

/// Some facts of an activity, in order.
pub(crate) struct Page {
    /// Those that are wanted.
    pub(crate) bodies: Vec<EventBody>,
    /// The last one looked at, wanted or not.
    pub(crate) through: OutNo,
    /// As many were looked at as were to be: there may be more.
    pub(crate) is_full: bool,
}

/// Reads pages, and gives numbers.
pub(crate) struct Pages {
    parts: Parts,
    source: String,
    catalog: Catalog,
    readings: Semaphore,
    writings: Semaphore,
    given: Mutex<Given>,
    news: Notify,
}

/// The numbers that were given since the start. Whoever reads events gives numbers too, and a fact with a number is no
/// longer looked for: so it has to be said here, or no courier would ever hear of it.
#[derive(Default)]
struct Given {
    highest: BTreeMap<ActivityNo, OutNo>,
    untold: BTreeSet<ActivityNo>,
}

impl Pages {
    pub(crate) fn new(parts: Parts, source: String, readings_max: u32) -> Self {
        let readings = Semaphore::new(readings_max as usize);
        let writings = Semaphore::new(WRITINGS_MAX);
        let (catalog, given, news) = (Catalog::default(), Mutex::default(), Notify::new());
        Self { parts, source, catalog, readings, writings, given, news }
    }

    /// Does work that blocks on the ledger off the threads that wait for the network.
    pub(crate) async fn reading<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> T {
        let _turn = self.readings.acquire().await.expect("never closed");
        self.apart(work).await
    }

    /// The same for work that writes: it waits for the disk, and no reading waits for it.
    pub(crate) async fn writing<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> T {
        let _turn = self.writings.acquire().await.expect("never closed");
        self.apart(work).await
    }

    async fn apart<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> T {
        let pages = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&pages)).await;
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// The ledger, for work that blocks.
    pub(crate) fn ledger(&self) -> &dyn Ledger {
        &*self.parts.ledger
    }

    /// Facts after `after`, at most `most`; only those of these kinds where any are named.
    pub(crate) fn page(
        &self,
        activity: ActivityNo,
        after: OutNo,
        most: u32,
        wanted: &[FactKind],
    ) -> Result<Page, LedgerFault> {
        let rows = self.ledger().facts(activity, after, most)?;
        let through = rows.last().map_or(after, |row| row.no);
        let is_full = rows.len() >= most as usize;
        let Some(mut definition) = self.catalog.find(self.ledger(), activity)? else {
            return Ok(Page { bodies: Vec::new(), through, is_full });
        };
        let mut bodies = Vec::new();
        for row in &rows {
            self.follow(row, &mut definition);
            if wanted.is_empty() || wanted.contains(&FactKind::of(&row.fact)) {
                bodies.push(self.body(row, &definition)?);
            }
        }
        Ok(Page { bodies, through, is_full })
    }

    fn follow(&self, row: &OutRow, definition: &mut Arc<Activity>) {
        if let OutFact::Activity(event) = &row.fact
            && let rules::EventKind::Changed(changed) = &event.kind
        {
            *definition = self.catalog.put(row.activity, (**changed).clone());
        }
    }

    fn body(&self, row: &OutRow, activity: &Activity) -> Result<EventBody, LedgerFault> {
        let (ledger, ids) = (self.ledger(), &*self.parts.ids);
        Writer { ledger, ids, source: &self.source, activity }.body(row)
    }

    /// Gives numbers to an activity's facts, at most `most` of them; the highest number there is.
    pub(crate) fn number(&self, activity: ActivityNo, most: u32) -> Result<OutNo, LedgerFault> {
        let reached = self.ledger().number_facts((self.parts.epoch)(), activity, most)?;
        let mut given = self.given.lock();
        let highest = given.highest.entry(activity).or_insert(OutNo(0));
        if reached > *highest {
            *highest = reached;
            given.untold.insert(activity);
            self.news.notify_one();
        }
        Ok(reached)
    }

    /// Waits until there are numbers that were not told of yet.
    pub(crate) async fn numbered(&self) {
        self.news.notified().await;
    }

    /// The highest numbers of the activities that got some since this was asked last.
    pub(crate) fn take_untold(&self) -> Vec<(ActivityNo, OutNo)> {
        let mut given = self.given.lock();
        let untold = std::mem::take(&mut given.untold);
        untold.into_iter().map(|activity| (activity, given.highest[&activity])).collect()
    }

    /// Gives numbers to everything that has none at this moment. Of a long sale that nobody has listened to so far that
    /// is a matter of seconds.
    pub(crate) fn number_all(&self, step: u32) -> Result<(), LedgerFault> {
        for activity in self.ledger().unnumbered()? {
            let mut last = self.ledger().last_fact(activity)?;
            loop {
                let reached = self.number(activity, step)?;
                // Fewer than a whole step: what is left has happened since.
                if reached.0 < last.0.saturating_add(step.into()) {
                    break;
                }
                last = reached;
            }
        }
        Ok(())
    }

    /// The same for whoever reads: until there are enough after `after`. Whoever may not write reads what there is.
    pub(crate) fn number_for(
        &self,
        activity: ActivityNo,
        after: OutNo,
        most: u32,
        step: u32,
    ) -> Result<(), LedgerFault> {
        let mut last = None;
        loop {
            let reached = match self.number(activity, step) {
                Err(LedgerFault::NothingHappened(Cause::Closed)) => return Ok(()),
                numbered => numbered?,
            };
            if reached.0 >= after.0.saturating_add(most.into()) || last == Some(reached) {
                return Ok(());
            }
            last = Some(reached);
        }
    }
}
