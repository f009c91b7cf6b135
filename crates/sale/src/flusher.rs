//! The one writer of claims: takes whatever is waiting, commits it once, answers many.
//! When a commit fails it answers nobody until the ledger was read anew; it never writes a batch twice.

use crate::{loading, run::Inner};
use ledger::{Cause, LedgerFault, Written};
use parking_lot::{Condvar, Mutex};
use rules::{Claim, Epoch, Part, Refusal, TimeMs};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};
use stock::Place;

/// Milliseconds the writer waits when nothing is decided; also how late parts and settling may be noticed.
pub const IDLE_WAIT_MS: u32 = 10;
/// The longest pause between two attempts to recover the ledger.
const RECOVERY_PAUSE_MAX: Duration = Duration::from_secs(2);
const RECOVERY_PAUSE_MIN: Duration = Duration::from_millis(50);

/// What `/readyz` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Readiness {
    /// Claims are decided and written.
    Serving = 0,
    /// The ledger failed and is being read anew: no claim is accepted.
    Recovering = 1,
    /// No new connections; what is under way is finished.
    Draining = 2,
    /// An invariant was found broken: nobody can be told anything for sure, and the process has to go.
    Broken = 3,
}

/// Readiness that threads share. Whether the ledger is being recovered is kept beside it, for a server that drains
/// says so first, and may recover all the same.
pub struct State {
    /// `Draining`, `Broken`, or `Serving` for neither.
    stage: AtomicU8,
    recovering: AtomicBool,
}

impl State {
    /// Serving.
    pub fn new() -> Self {
        let stage = AtomicU8::new(Readiness::Serving as u8);
        Self { stage, recovering: AtomicBool::new(false) }
    }

    /// What it is now.
    pub fn get(&self) -> Readiness {
        match self.stage.load(Ordering::Acquire) {
            stage if stage == Readiness::Broken as u8 => Readiness::Broken,
            stage if stage == Readiness::Draining as u8 => Readiness::Draining,
            _ if self.recovering() => Readiness::Recovering,
            _ => Readiness::Serving,
        }
    }

    /// Whether the ledger failed and is not recovered yet, whatever else is so.
    pub fn recovering(&self) -> bool {
        self.recovering.load(Ordering::Acquire)
    }

    /// A recovery begins or is over.
    pub fn set_recovering(&self, recovering: bool) {
        self.recovering.store(recovering, Ordering::Release);
    }

    /// Draining from now on.
    pub fn drain(&self) {
        self.reach(Readiness::Draining);
    }

    /// Broken from now on.
    pub fn broken(&self) {
        self.reach(Readiness::Broken);
    }

    /// A later stage is never left for an earlier one.
    fn reach(&self, stage: Readiness) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }
}

/// Requests to write everything that was decided before, and how far they are fulfilled.
#[derive(Default)]
pub struct Settling {
    numbers: Mutex<SettlingNumbers>,
    done: Condvar,
}

#[derive(Default)]
struct SettlingNumbers {
    asked: u64,
    done: u64,
    stop: bool,
    stopped: bool,
}

impl Settling {
    /// Waits until everything decided before this call is written; false if that took longer than `within`.
    pub fn wait(&self, within: Duration) -> bool {
        let mut numbers = self.numbers.lock();
        numbers.asked += 1;
        let mine = numbers.asked;
        let waiting = |numbers: &mut SettlingNumbers| numbers.done < mine && !numbers.stopped;
        self.done.wait_while_for(&mut numbers, waiting, within);
        numbers.done >= mine
    }

    /// Asks the writer to write what is left and stop.
    pub fn stop(&self) {
        self.numbers.lock().stop = true;
    }

    fn asked(&self) -> (u64, bool) {
        let numbers = self.numbers.lock();
        (numbers.asked, numbers.stop)
    }

    fn fulfil(&self, asked: u64) {
        let mut numbers = self.numbers.lock();
        if numbers.done < asked {
            numbers.done = asked;
            self.done.notify_all();
        }
    }

    /// Nothing will be written any more: nobody may wait for it.
    pub fn stopped(&self) {
        self.numbers.lock().stopped = true;
        self.done.notify_all();
    }
}

/// When the writer's next step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A batch was written or given up: after the settings' `commit_interval_us`, counted from the beginning
    /// of this step, for more is likely to wait.
    Paced,
    /// Nothing waited: as soon as a claim is decided, and within [`IDLE_WAIT_MS`] anyhow.
    Idle,
    /// The ledger cannot be recovered yet: after so long.
    Retry(Duration),
    /// Never: it was told to stop, and nothing more can be written.
    Stopped,
}

/// Writes a sale's claims, one step at a time. A step never sleeps; between two of them is whoever calls it:
/// a thread of its own, or somebody who lets time pass as he likes.
pub struct Writer {
    inner: Arc<Inner>,
    epoch: Epoch,
    claims: Vec<Claim>,
    answers: Vec<Written>,
    parts: Vec<Part>,
    parts_written: TimeMs,
    /// The last step found nothing to write: parts may as well be written at once.
    idle: bool,
    /// The pause after the next attempt to recover, while the ledger is not recovered.
    recovering: Option<Duration>,
}

/// Stock is frozen, and the rest of the step is given up.
struct Failed;

impl Writer {
    /// A writer that owns the ledger under `epoch`.
    pub(crate) fn new(inner: Arc<Inner>, epoch: Epoch) -> Self {
        let (claims, answers, parts) = (Vec::new(), Vec::new(), Vec::new());
        let parts_written = inner.clock.now();
        let (idle, recovering) = (true, None);
        Self { inner, epoch, claims, answers, parts, parts_written, idle, recovering }
    }

    /// Works until it is told to stop; then everything is written.
    pub(crate) fn run(mut self) {
        let interval = Duration::from_micros(self.inner.settings.commit_interval_us);
        loop {
            let started = Instant::now();
            let pause = match self.next(IDLE_WAIT_MS) {
                Next::Paced => interval.saturating_sub(started.elapsed()),
                Next::Idle => continue,
                Next::Retry(pause) => pause,
                Next::Stopped => return,
            };
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
    }

    /// Does what there is to do now, and says when to come again. It blocks for as long as the ledger does.
    pub fn step(&mut self) -> Next {
        self.next(0)
    }

    /// A step that waits `idle_ms` for the first claim, for whoever has a thread to wait in.
    fn next(&mut self, idle_ms: u32) -> Next {
        let inner = Arc::clone(&self.inner);
        let _sound = inner.sound();
        let (asked, stop) = inner.settling.asked();
        if self.recovering.is_none() && inner.ledger.in_doubt() {
            self.begin_recovery(LedgerFault::Unknown(Cause::Io));
        }
        if let Some(pause) = self.recovering
            && let Some(next) = self.try_recovery(pause, stop)
        {
            return next;
        }
        let wrote = self.write(asked, stop, idle_ms);
        // After a failure the next step begins to recover, and it is due at once.
        let Ok(wrote) = wrote else { return Next::Retry(Duration::ZERO) };
        inner.settling.fulfil(asked);
        self.idle = !wrote;
        match (wrote, stop) {
            (false, true) => {
                inner.settling.stopped();
                Next::Stopped
            }
            (false, false) => Next::Idle,
            // Nobody comes any more: what is left is written without a pause.
            (true, true) => Next::Retry(Duration::ZERO),
            (true, false) => Next::Paced,
        }
    }

    /// Writes what waits; whether there was a claim among it.
    fn write(&mut self, asked: u64, stop: bool, idle_ms: u32) -> Result<bool, Failed> {
        let all = stop || self.inner.settling.numbers.lock().done < asked;
        // While no claim waits, parts may as well be written at once.
        let parts_due = self.parts_due() || all || self.idle;
        if parts_due {
            // Before the claims, because a part may rest on a claim that still waits (C32).
            self.take_parts(all);
        }
        let wrote = self.write_claims(idle_ms)?;
        if parts_due {
            self.write_parts()?;
        }
        Ok(wrote)
    }

    fn parts_due(&self) -> bool {
        let since = self.inner.clock.now().0.saturating_sub(self.parts_written.0);
        since >= self.inner.settings.parts_interval_ms
    }

    /// Commits what is waiting; false if nothing was.
    fn write_claims(&mut self, idle_ms: u32) -> Result<bool, Failed> {
        self.claims.clear();
        self.answers.clear();
        let through = self.inner.stock.take_pending(&mut self.claims, idle_ms);
        if self.claims.is_empty() {
            return Ok(false);
        }
        let begun = Instant::now();
        match self.inner.ledger.commit(self.epoch, &self.claims, &mut self.answers) {
            Ok(()) => self.confirm(through, begun),
            Err(fault) => return Err(self.begin_recovery(fault)),
        }
        Ok(true)
    }

    fn confirm(&mut self, through: Place, begun: Instant) {
        // Memory said yes and the ledger says no: one of them is wrong, and neither may go on.
        let written = self.answers.iter().all(|answer| *answer == Written::Written);
        assert!(
            written && self.answers.len() == self.claims.len(),
            "the ledger contradicts the stock that was loaded from it: {:?}",
            self.answers.iter().find(|answer| **answer != Written::Written)
        );
        self.inner.stock.confirm(&self.claims, through);
        self.inner.durability.advance(through);
        self.inner.meter.committed(self.claims.len(), begun.elapsed());
    }

    fn take_parts(&mut self, all: bool) {
        let most = if all { usize::MAX } else { self.inner.settings.parts_batch_max };
        let room = most.saturating_sub(self.parts.len());
        self.inner.stock.take_parts(&mut self.parts, room);
    }

    /// Records the parts that were taken, a batch at a time, and the audit entries that wait.
    fn write_parts(&mut self) -> Result<(), Failed> {
        self.parts_written = self.inner.clock.now();
        while !self.parts.is_empty() {
            let count = self.parts.len().min(self.inner.settings.parts_batch_max);
            match self.inner.ledger.record_parts(self.epoch, &self.parts[..count]) {
                Ok(()) => drop(self.parts.drain(..count)),
                // They stay, and are written with the next batch.
                Err(LedgerFault::NothingHappened(_)) => return Ok(()),
                Err(fault) => return Err(self.begin_recovery(fault)),
            }
        }
        self.inner.write_waiting_audit();
        Ok(())
    }

    /// Freezes Stock. The ledger is taken anew and what is really there is read, for as many steps as it takes.
    fn begin_recovery(&mut self, fault: LedgerFault) -> Failed {
        tracing::error!(%fault, "the ledger failed; no claim is accepted until it was read anew");
        self.inner.state.set_recovering(true);
        self.inner.stock.freeze();
        self.inner.meter.recovery();
        self.keep_what_is_certain();
        self.recovering = Some(RECOVERY_PAUSE_MIN);
        Failed
    }

    /// One attempt; nothing is returned once it succeeded.
    fn try_recovery(&mut self, pause: Duration, stop: bool) -> Option<Next> {
        if let Err(error) = self.reload() {
            tracing::warn!(%error, "the ledger cannot be recovered yet");
            if stop {
                tracing::error!("stopped while the ledger could not be recovered");
                self.inner.settling.stopped();
                return Some(Next::Stopped);
            }
            self.recovering = Some(RECOVERY_PAUSE_MAX.min(pause * 2));
            return Some(Next::Retry(pause));
        }
        self.recovering = None;
        self.inner.durability.recovered();
        self.inner.state.set_recovering(false);
        tracing::info!(epoch = self.epoch.0, "the ledger was read anew; claims are accepted again");
        None
    }

    /// Parts outlive the failure: writing one twice changes nothing. But a "sold out" or a "limit reached" may rest
    /// on a claim that is lost, and nobody has heard it; of those only that the person tried is kept.
    fn keep_what_is_certain(&mut self) {
        self.take_parts(true);
        for part in &mut self.parts {
            let refusal = part.refusal.take();
            part.refusal =
                refusal.filter(|no| !matches!(no, Refusal::SoldOut | Refusal::LimitReached));
        }
    }

    fn reload(&mut self) -> Result<(), loading::OpenError> {
        // Operators wait: a change of theirs must not fall between the reading and the swap.
        let inner = Arc::clone(&self.inner);
        let _desk = inner.desk.lock();
        self.epoch = inner.ledger.recover()?;
        // What the frozen stock refused rests on durable claims alone. Written before the reading, to be in it.
        self.take_parts(true);
        for batch in self.parts.chunks(inner.settings.parts_batch_max) {
            inner.ledger.record_parts(self.epoch, batch)?;
        }
        self.parts.clear();
        let version = inner.catalog.load().version + 1;
        let catalog = loading::load(&*inner.ledger, &*inner.stock, self.epoch, version)?;
        self.inner.epoch.store(self.epoch.0, Ordering::Release);
        self.inner.catalog.store(Arc::new(catalog));
        Ok(())
    }
}
