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
/// Facts that are read from the ledger at a time: each may be an order of a hundred lines.
const STEP_FACTS: u32 = 50;

/// What one page may hold. A page that is read holds one fact at least, however long that is.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// Facts that are looked at.
    pub(crate) facts: u32,
    /// Bytes of bodies, but for the last body: so far a page goes beyond it.
    pub(crate) bytes: usize,
}

/// Some facts of an activity, in order.
pub(crate) struct Page {
    /// Those that are wanted.
    pub(crate) bodies: Vec<EventBody>,
    /// The last one looked at, wanted or not.
    pub(crate) through: OutNo,
    /// It ended because there was no more room: there may be more facts.
    pub(crate) is_full: bool,
}

impl Page {
    fn bytes(&self) -> usize {
        self.bodies.iter().map(|body| body.json.len()).sum()
    }
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

    /// Facts after `after`, as long as there is room; only those of these kinds where any are named.
    pub(crate) fn page(
        &self,
        activity: ActivityNo,
        after: OutNo,
        room: Room,
        wanted: &[FactKind],
    ) -> Result<Page, LedgerFault> {
        let mut page = Page { bodies: Vec::new(), through: after, is_full: false };
        let mut left = room.facts;
        while !page.is_full {
            let step = left.min(STEP_FACTS);
            let rows = self.ledger().facts(activity, page.through, step)?;
            let was_last = (rows.len() as u64) < step.into();
            left -= rows.len() as u32;
            self.add(&mut page, activity, rows, room.bytes, wanted)?;
            if was_last {
                break;
            }
            page.is_full |= left == 0;
        }
        Ok(page)
    }

    /// Adds facts to a page until it is full.
    fn add(
        &self,
        page: &mut Page,
        activity: ActivityNo,
        rows: Vec<OutRow>,
        bytes_max: usize,
        wanted: &[FactKind],
    ) -> Result<(), LedgerFault> {
        let Some(mut definition) = self.catalog.find(self.ledger(), activity)? else {
            page.through = rows.last().map_or(page.through, |row| row.no);
            return Ok(());
        };
        let mut bytes = page.bytes();
        for row in &rows {
            page.through = row.no;
            self.follow(row, &mut definition);
            if !wanted.is_empty() && !wanted.contains(&FactKind::of(&row.fact)) {
                continue;
            }
            let body = self.body(row, &definition)?;
            bytes += body.json.len();
            page.bodies.push(body);
            if bytes >= bytes_max {
                page.is_full = true;
                return Ok(());
            }
        }
        Ok(())
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
