//! A running sale: Stock, ledger, catalog and the writer, held together.
//! Everything reaches them through here; only the writer commits claims.

use crate::{
    Catalog, Clock, IdText, Ids, OpenError, Readiness, SaleSettings,
    durable::{Durability, Serve},
    flusher::Writer,
    loading::{self, Loading},
    proposals::Proposals,
    settling::Settling,
    state::State,
    till::Till,
};
use arc_swap::{ArcSwap, Guard};
use ledger::{AuditEntry, Ledger, NoticeRecord};
use parking_lot::Mutex;
use rules::{Claim, Epoch, OrderState, PaymentState, TimeMs};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use stock::Stock;

/// Where the sale reports what it measures; filled by whoever publishes metrics.
pub trait Meter: Send + Sync {
    /// A batch of claims was committed.
    fn committed(&self, claims: usize, took: Duration);
    /// The ledger failed and recovery began.
    fn recovery(&self);
    /// Changes of orders were committed; so many of them were possible.
    fn changed(&self, _changes: usize, _took: Duration) {}
    /// An order came to this state, on disk.
    fn order_changed(&self, _state: OrderState) {}
    /// A payment came to this state, on disk.
    fn payment_changed(&self, _state: PaymentState) {}
    /// A notice of a payment was not believed; the permanent name of the reason.
    fn notice_refused(&self, _reason: &'static str) {}
}

/// What the threads of a sale share.
///
/// Locks are taken in this order: `desk`, `telling`, those of the ledger, those of Stock. The queues (`proposals`,
/// `audit`, `notices`, the till's) are held for moments, and nothing else is taken in them.
pub struct Inner {
    pub settings: SaleSettings,
    pub stock: Arc<dyn Stock>,
    pub ledger: Arc<dyn Ledger>,
    pub clock: Arc<dyn Clock>,
    pub meter: Arc<dyn Meter>,
    pub ids: Ids,
    pub catalog: ArcSwap<Catalog>,
    pub durability: Durability,
    pub settling: Settling,
    pub state: State,
    pub epoch: AtomicU32,
    /// When the writer's last step began that was not one of a recovery, in milliseconds: until then orders could be
    /// paid, for sure.
    pub alive_at: AtomicU64,
    /// Held by one operator's change at a time, and by a recovery. A big import holds it for long, so that the writer
    /// takes it only where it has nothing else to do: to recover.
    pub desk: Mutex<()>,
    /// Held from the writing of an event to the end of its `Stock::apply`, so that events come to Stock in the order
    /// of their numbers, whoever wrote them: Stock takes what comes later for what it knows already. The writer only
    /// ever tries it: where an operator's change is under way, orders are changed in the next step.
    pub telling: Mutex<()>,
    /// Changes that wait for the writer.
    pub proposals: Proposals,
    /// Payment providers, and what is to be done at them.
    pub till: Till,
    audit: Mutex<Vec<AuditEntry>>,
    notices: Mutex<WaitingNotices>,
}

/// Refused notices that wait to be written; those that only a provider can have sent have room of their own.
#[derive(Default)]
struct WaitingNotices {
    strays: Vec<NoticeRecord>,
    others: Vec<NoticeRecord>,
}

/// Refused notices of each of both sorts that wait to be written; more of them are counted only.
const NOTICES_WAITING_MAX: usize = 1_000;

/// Held while something works on the state that everybody relies on; if that panics, an invariant is broken.
pub struct Sound<'a>(&'a Inner);

impl Drop for Sound<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                "an invariant is broken: everyone in flight hears \"unknown\", and the process goes"
            );
            self.0.state.broken();
            self.0.settling.stopped();
            self.0.proposals.close();
            self.0.durability.recovered();
        }
    }
}

impl Inner {
    /// Watches over what the caller does until it is dropped.
    pub fn sound(&self) -> Sound<'_> {
        Sound(self)
    }

    /// The ownership under which things are written now.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// Writes the audit entries that wait. Those that cannot be written now wait on.
    pub fn write_waiting_audit(&self) {
        let waiting = std::mem::take(&mut *self.audit.lock());
        if waiting.is_empty() {
            return;
        }
        if let Err(fault) = self.ledger.write_audit(&waiting) {
            tracing::warn!(%fault, entries = waiting.len(), "audit entries wait for the ledger");
            let mut audit = self.audit.lock();
            let later = std::mem::replace(&mut *audit, waiting);
            audit.extend(later);
            audit.truncate(self.settings.audit_queue_max);
        }
    }

    /// Queues the audit entry of a call that changed nothing.
    pub fn audit(&self, entry: AuditEntry) {
        let full = {
            let mut audit = self.audit.lock();
            audit.push(entry);
            audit.len() >= self.settings.audit_queue_max
        };
        if full {
            self.write_waiting_audit();
        }
    }
}

impl Inner {
    /// Queues the record of a notice that was not believed.
    pub fn refused_notice(&self, record: NoticeRecord) {
        self.meter.notice_refused(record.reason);
        self.keep_notice(record);
    }

    fn keep_notice(&self, record: NoticeRecord) {
        let WaitingNotices { strays, others } = &mut *self.notices.lock();
        let same = if record.stray { strays } else { others };
        if same.len() < NOTICES_WAITING_MAX {
            same.push(record);
        }
    }

    /// Writes the refused notices that wait. Those that cannot be written now wait on.
    pub fn write_waiting_notices(&self) {
        let WaitingNotices { mut strays, others } = std::mem::take(&mut *self.notices.lock());
        strays.extend(others);
        if strays.is_empty() {
            return;
        }
        if let Err(fault) = self.ledger.record_notices(&strays) {
            tracing::warn!(%fault, notices = strays.len(), "refused notices wait for the ledger");
            strays.into_iter().for_each(|record| self.keep_notice(record));
        }
    }
}

/// A running sale.
pub struct Sale {
    pub(crate) inner: Arc<Inner>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Sale {
    /// Takes ownership of the ledger, loads Stock from it and starts a thread that writes.
    pub fn open(
        ledger: Arc<dyn Ledger>,
        stock: Arc<dyn Stock>,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
        settings: SaleSettings,
    ) -> Result<Self, OpenError> {
        let (mut sale, writer) = Self::open_stepped(ledger, stock, clock, meter, settings)?;
        let thread = std::thread::Builder::new().name("writer".into());
        let thread = thread.spawn(|| writer.run()).expect("the system starts one more thread");
        *sale.writer.get_mut() = Some(thread);
        Ok(sale)
    }

    /// The same without a thread: nothing is written but by the steps of the writer that comes with it.
    /// Whoever steps it on the thread that answers must neither `settle` nor export: both wait for steps.
    pub fn open_stepped(
        ledger: Arc<dyn Ledger>,
        stock: Arc<dyn Stock>,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
        settings: SaleSettings,
    ) -> Result<(Self, Writer), OpenError> {
        let epoch = ledger.own()?;
        let ids = crate::read_ids(&*ledger)?;
        let now = clock.now();
        let downtime_max_ms = settings.downtime_max_ms;
        let how = Loading { epoch, version: 1, now, alive: None, downtime_max_ms };
        let catalog = loading::load(&*ledger, &*stock, how)?;
        let durability =
            Durability::new(settings.cores, Arc::clone(&clock), settings.answer_within_ms);
        let inner = Arc::new(Inner {
            settings,
            stock,
            ledger,
            clock,
            meter,
            ids,
            catalog: ArcSwap::from_pointee(catalog),
            durability,
            settling: Settling::default(),
            state: State::new(),
            epoch: AtomicU32::new(epoch.0),
            alive_at: AtomicU64::new(now.0),
            desk: Mutex::new(()),
            telling: Mutex::new(()),
            proposals: Proposals::new(settings.changes_queue_max),
            till: Till::default(),
            audit: Mutex::new(Vec::new()),
            notices: Mutex::default(),
        });
        let writer = Writer::new(Arc::clone(&inner), epoch);
        Ok((Self { inner, writer: Mutex::new(None) }, writer))
    }

    /// Writes everything that was decided and stops writing. Claims decided after this are never answered,
    /// so it is called once nobody asks any more. Without a thread it only tells the writer to: whoever steps
    /// it goes on until [`crate::Next::Stopped`].
    pub fn close(&self) {
        self.inner.state.drain();
        self.inner.settling.stop();
        if let Some(writer) = self.writer.lock().take() {
            // A writer that panicked has said so already, and the state is `Broken`.
            let _ = writer.join();
        }
    }

    /// Says `Draining` from now on.
    pub fn drain(&self) {
        self.inner.state.drain();
    }

    /// What `/readyz` says.
    pub fn readiness(&self) -> Readiness {
        self.inner.state.get()
    }

    /// The activities at this moment.
    pub fn catalog(&self) -> Guard<Arc<Catalog>> {
        self.inner.catalog.load()
    }

    /// Now, by the one clock.
    pub fn now(&self) -> TimeMs {
        self.inner.clock.now()
    }

    /// The ledger, for what needs no decision: accounts, reading.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.inner.ledger
    }

    /// The id of a claim and its order.
    pub fn claim_id(&self, claim: &Claim) -> IdText {
        self.inner.ids.claim(claim)
    }

    /// Ids of claims and tickets.
    pub fn ids(&self) -> &Ids {
        &self.inner.ids
    }

    /// The ownership under which things are written now.
    pub fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    /// How often the ledger failed and was read anew.
    pub fn recoveries(&self) -> u64 {
        self.inner.durability.recoveries()
    }

    /// Claims decided and not durable.
    pub fn pending(&self) -> u64 {
        self.inner.stock.pending()
    }

    /// Wakes a core's waiters as commits come in; runs on that core for ever.
    pub fn serve_waiters(&self, core: usize) -> Serve<'_> {
        self.inner.durability.serve(core)
    }

    /// Wakes a core's late waiters, and whoever waited too long for a payment provider; to be called every few
    /// milliseconds.
    pub fn tick_waiters(&self, core: usize) {
        self.inner.durability.tick(core);
        self.inner.till.tick(self.now());
    }

    /// Waits, blocking, until everything decided before this call is written; false if that takes too long, and at
    /// once while the ledger is being read anew.
    pub fn settle(&self) -> bool {
        let away = self.inner.state.recovering() || self.readiness() == Readiness::Broken;
        let within = Duration::from_millis(self.inner.settings.settle_within_ms);
        !away && self.inner.settling.wait(within)
    }

    /// Queues the audit entry of a call that changed nothing.
    pub fn audit(&self, entry: AuditEntry) {
        self.inner.audit(entry);
    }
}
