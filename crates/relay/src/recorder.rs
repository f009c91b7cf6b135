//! Where attempts and the places of cursors are written down, many at a time, in the order in which they come.
//! A full queue makes its senders wait: nothing is dropped, and no more than the queue is in memory.

use crate::pages::Pages;
use crate::settings::RelaySettings;
use ledger::{Cursor, Delivery, EndpointNo, LedgerFault};
use rules::{ActivityNo, Epoch};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// How long a failed writing waits for the next one.
const RETRY: Duration = Duration::from_millis(250);

/// What is to be written down.
pub(crate) enum Entry {
    /// Where a cursor is now, and the attempt that brought it there, if there was one.
    Place(Cursor, Option<Delivery>),
    /// Tell when everything before this is on disk.
    Tell(oneshot::Sender<()>),
}

/// Takes entries.
#[derive(Clone)]
pub(crate) struct Recorder {
    entries: mpsc::Sender<Entry>,
}

impl Recorder {
    pub(crate) fn new(settings: &RelaySettings) -> (Self, mpsc::Receiver<Entry>) {
        let most = settings.record_deliveries_max as usize;
        let (entries, receiver) = mpsc::channel(most.saturating_mul(2));
        (Self { entries }, receiver)
    }

    /// Writes a cursor's place down, soon.
    pub(crate) async fn place(&self, cursor: Cursor, delivery: Option<Delivery>) {
        // Nobody receives any more once everything stops: then what is lost is sent again.
        let _ = self.entries.send(Entry::Place(cursor, delivery)).await;
    }

    /// Waits until everything before this is on disk.
    pub(crate) async fn settle(&self) {
        let (told, tell) = oneshot::channel();
        if self.entries.send(Entry::Tell(told)).await.is_ok() {
            let _ = tell.await;
        }
    }
}

/// What is written next: of each cursor only its last place, and every attempt.
#[derive(Default)]
struct Batch {
    cursors: HashMap<(EndpointNo, ActivityNo), Cursor>,
    deliveries: Vec<Delivery>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Batch {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Place(cursor, delivery) => {
                self.cursors.insert((cursor.endpoint, cursor.activity), cursor);
                self.deliveries.extend(delivery);
            }
            Entry::Tell(told) => self.waiting.push(told),
        }
    }

    fn is_due(&self, most: usize) -> bool {
        self.deliveries.len() >= most || !self.waiting.is_empty()
    }
}

/// Writes until nobody sends any more.
pub(crate) async fn run(
    mut entries: mpsc::Receiver<Entry>,
    pages: Arc<Pages>,
    settings: RelaySettings,
    epoch: Arc<dyn Fn() -> Epoch + Send + Sync>,
) {
    let most = settings.record_deliveries_max as usize;
    let every = Duration::from_millis(settings.record_every_ms.into());
    while let Some(first) = entries.recv().await {
        let mut batch = Batch::default();
        batch.add(first);
        let due = Instant::now() + every;
        while !batch.is_due(most) {
            let Ok(Some(entry)) = timeout_at(due, entries.recv()).await else { break };
            batch.add(entry);
        }
        write(batch, &pages, &epoch).await;
    }
}

/// Until it is written: the owner recovers meanwhile, and then the ownership is another one.
async fn write(batch: Batch, pages: &Arc<Pages>, epoch: &Arc<dyn Fn() -> Epoch + Send + Sync>) {
    let cursors: Arc<[Cursor]> = batch.cursors.into_values().collect();
    let deliveries: Arc<[Delivery]> = batch.deliveries.into();
    let mut failed_before = false;
    while let Err(fault) = write_once(pages, epoch(), cursors.clone(), deliveries.clone()).await {
        if !failed_before {
            tracing::warn!(%fault, "deliveries cannot be recorded; they wait");
        }
        failed_before = true;
        tokio::time::sleep(RETRY).await;
    }
    for told in batch.waiting {
        // Whoever asked may have gone.
        let _ = told.send(());
    }
}

async fn write_once(
    pages: &Arc<Pages>,
    epoch: Epoch,
    cursors: Arc<[Cursor]>,
    deliveries: Arc<[Delivery]>,
) -> Result<(), LedgerFault> {
    if cursors.is_empty() && deliveries.is_empty() {
        return Ok(());
    }
    pages.writing(move |pages| pages.ledger().record_deliveries(epoch, &cursors, &deliveries)).await
}
