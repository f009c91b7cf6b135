//! One turn of telling one endpoint about one activity: some pages of facts, one after the other, until one fails.
//! A fact is never left out and never overtaken: what comes after one that failed waits with it.

use crate::attempt::{Attempt, Target, attempt};
use crate::backoff::wait_ms;
use crate::body::EventBody;
use crate::connection::Connection;
use crate::pages::{Page, Pages, Room};
use crate::shared::Shared;
use ledger::{Cursor, Delivery, DeliveryOutcome, LedgerFault, OutNo};
use rules::TimeMs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages in one turn, after which other activities have theirs. While one is told, the next is read.
const PAGES_MAX: usize = 10;
/// Bytes of a page's bodies, but for the last one: a fact may be an order of a hundred lines.
const PAGE_BYTES: usize = 256 * 1024;
/// Milliseconds that a shift whose facts could not be read waits for the next one.
pub(crate) const READ_AGAIN_MS: u64 = 1_000;
/// The status by which a receiver says that it will never take anything again.
const GONE: u16 = 410;

/// What a turn needs.
pub(crate) struct Shift {
    pub(crate) shared: Arc<Shared>,
    pub(crate) target: Arc<Target>,
    pub(crate) cursor: Cursor,
    pub(crate) connection: Option<Connection>,
    /// Set once it is to end after the fact that it is at.
    pub(crate) stopping: Arc<AtomicBool>,
}

/// How a turn ended.
pub(crate) struct ShiftEnd {
    pub(crate) cursor: Cursor,
    pub(crate) connection: Option<Connection>,
    pub(crate) next: Next,
}

/// What comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another turn as soon as it is due.
    Soon,
    /// Nothing before this moment.
    NotBefore(TimeMs),
    /// The endpoint is given up: it wants nothing more, or failed too often.
    GiveUp,
}

impl Shift {
    pub(crate) async fn work(mut self) -> ShiftEnd {
        let mut next = Next::Soon;
        let mut read = Some(self.read(self.cursor.after).await);
        for _ in 0..PAGES_MAX {
            let Some(page) = read.take() else { break };
            let Ok(page) = page else {
                // What failed is logged where it happened; the facts are still there.
                next = Next::NotBefore(TimeMs(self.shared.now().0 + READ_AGAIN_MS));
                break;
            };
            let (through, is_full) = (page.through, page.is_full);
            let ahead = self.read(through);
            let ahead = async { if is_full { Some(ahead.await) } else { None } };
            (next, read) = tokio::join!(self.tell_all(page.bodies, through), ahead);
            if next != Next::Soon || self.is_stopping() {
                break;
            }
        }
        ShiftEnd { cursor: self.cursor, connection: self.connection, next }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn read(&self, after: OutNo) -> impl Future<Output = Result<Page, LedgerFault>> + Send + use<> {
        let (shared, target) = (self.shared.clone(), self.target.clone());
        let activity = self.cursor.activity;
        let room = Room { facts: shared.settings.page_facts_max, bytes: PAGE_BYTES };
        async move {
            let page = move |pages: &Pages| pages.page(activity, after, room, &target.wanted);
            shared.pages.reading(page).await
        }
    }

    async fn tell_all(&mut self, bodies: Vec<EventBody>, through: OutNo) -> Next {
        for body in bodies {
            if self.is_stopping() {
                return Next::Soon;
            }
            let done =
                attempt(&self.shared, &self.target, &mut self.connection, &body.id, &body.json)
                    .await;
            let next = self.judge(&done, &body);
            let delivery = Delivery {
                at: done.began,
                endpoint: self.cursor.endpoint,
                activity: self.cursor.activity,
                no: body.no,
                outcome: done.outcome,
                took_ms: done.took_ms,
            };
            self.shared.recorder.place(self.cursor, Some(delivery)).await;
            if let Some(next) = next {
                return next;
            }
        }
        if through > self.cursor.after {
            self.cursor.after = through;
            self.shared.recorder.place(self.cursor, None).await;
        }
        Next::Soon
    }

    /// Moves the cursor past what was taken; otherwise what comes next.
    fn judge(&mut self, done: &Attempt, body: &EventBody) -> Option<Next> {
        if matches!(done.outcome, DeliveryOutcome::Taken(_)) {
            self.cursor.after = body.no;
            self.cursor.failures = 0;
            self.cursor.not_before = TimeMs(0);
            return None;
        }
        self.cursor.failures = self.cursor.failures.saturating_add(1);
        let settings = &self.shared.settings;
        if done.outcome == DeliveryOutcome::Status(GONE)
            || self.cursor.failures >= settings.attempts_max
        {
            return Some(Next::GiveUp);
        }
        // Without chance everybody waits equally long, which is no harm.
        let chance = getrandom::u64().unwrap_or(u64::MAX);
        let (first, longest) = (settings.retry_first_ms, settings.retry_longest_ms);
        let wait = wait_ms(self.cursor.failures, first, longest, done.retry_after_ms, chance);
        self.cursor.not_before = TimeMs(self.shared.now().0.saturating_add(wait));
        Some(Next::NotBefore(self.cursor.not_before))
    }
}
