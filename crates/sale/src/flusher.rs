//! The one thread that writes claims: takes whatever is waiting, commits it once, answers many.
//! When a commit fails it answers nobody until the ledger was read anew; it never writes a batch twice.

use crate::{loading, run::Inner};
use ledger::{Cause, LedgerFault, Written};
use parking_lot::{Condvar, Mutex};
use rules::{Claim, Epoch, Part, Refusal};
use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};
use stock::Place;

/// Milliseconds the flusher sleeps when nothing is decided; also how late parts and settling may be noticed.
const IDLE_WAIT_MS: u32 = 10;
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

/// Readiness that threads share.
pub struct State(AtomicU8);

impl State {
    /// Serving.
    pub fn new() -> Self {
        Self(AtomicU8::new(Readiness::Serving as u8))
    }

    /// What it is now.
    pub fn get(&self) -> Readiness {
        match self.0.load(Ordering::Acquire) {
            0 => Readiness::Serving,
            1 => Readiness::Recovering,
            2 => Readiness::Draining,
            _ => Readiness::Broken,
        }
    }

    /// A later stage is never left for an earlier one, but that recovering ends.
    pub fn set(&self, readiness: Readiness) {
        let stays = |old| old >= Readiness::Draining as u8 && (readiness as u8) < old;
        let change = |old| (!stays(old)).then_some(readiness as u8);
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
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

    /// Asks the flusher to write what is left and stop, and waits for it.
    pub fn stop(&self) {
        let mut numbers = self.numbers.lock();
        numbers.stop = true;
        self.done.wait_while(&mut numbers, |numbers| !numbers.stopped);
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

/// The state of the writing thread.
pub struct Flusher {
    inner: std::sync::Arc<Inner>,
    epoch: Epoch,
    claims: Vec<Claim>,
    answers: Vec<Written>,
    parts: Vec<Part>,
    parts_written: Instant,
}

impl Flusher {
    /// A flusher that owns the ledger under `epoch`.
    pub fn new(inner: std::sync::Arc<Inner>, epoch: Epoch) -> Self {
        let (claims, answers, parts) = (Vec::new(), Vec::new(), Vec::new());
        Self { inner, epoch, claims, answers, parts, parts_written: Instant::now() }
    }

    /// Works until it is told to stop; then everything is written.
    pub fn run(mut self) {
        let inner = std::sync::Arc::clone(&self.inner);
        let sound = inner.sound();
        self.work();
        drop(sound);
        inner.settling.stopped();
    }

    fn work(&mut self) {
        let mut idle = true;
        loop {
            let (asked, stop) = self.inner.settling.asked();
            let started = Instant::now();
            if self.inner.ledger.in_doubt() {
                self.recover(LedgerFault::Unknown(Cause::Io));
            }
            // While no claim waits, parts may as well be written at once.
            let all = stop || self.inner.settling.numbers.lock().done < asked;
            let parts_due = self.parts_due(started) || all || idle;
            if parts_due {
                // Before the claims, because a part may rest on a claim that still waits (C32).
                self.take_parts(all);
            }
            let wrote = self.write_claims();
            if parts_due {
                self.write_parts();
            }
            self.inner.settling.fulfil(asked);
            if stop && !wrote {
                return;
            }
            if wrote && !stop {
                self.pace(started);
            }
            idle = !wrote;
        }
    }

    fn parts_due(&self, now: Instant) -> bool {
        let since = now.duration_since(self.parts_written).as_millis();
        since >= u128::from(self.inner.settings.parts_interval_ms)
    }

    /// Commits what is waiting; false if nothing was.
    fn write_claims(&mut self) -> bool {
        self.claims.clear();
        self.answers.clear();
        let through = self.inner.stock.take_pending(&mut self.claims, IDLE_WAIT_MS);
        if self.claims.is_empty() {
            return false;
        }
        let begun = Instant::now();
        match self.inner.ledger.commit(self.epoch, &self.claims, &mut self.answers) {
            Ok(()) => self.confirm(through, begun),
            Err(fault) => self.recover(fault),
        }
        true
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

    fn pace(&self, started: Instant) {
        let interval = Duration::from_micros(self.inner.settings.commit_interval_us);
        if let Some(rest) = interval.checked_sub(started.elapsed()) {
            std::thread::sleep(rest);
        }
    }

    fn take_parts(&mut self, all: bool) {
        let most = if all { usize::MAX } else { self.inner.settings.parts_batch_max };
        let room = most.saturating_sub(self.parts.len());
        self.inner.stock.take_parts(&mut self.parts, room);
    }

    /// Records the parts that were taken, a batch at a time, and the audit entries that wait.
    fn write_parts(&mut self) {
        self.parts_written = Instant::now();
        while !self.parts.is_empty() {
            let count = self.parts.len().min(self.inner.settings.parts_batch_max);
            match self.inner.ledger.record_parts(self.epoch, &self.parts[..count]) {
                Ok(()) => drop(self.parts.drain(..count)),
                // They stay, and are written with the next batch.
                Err(LedgerFault::NothingHappened(_)) => return,
                Err(fault) => return self.recover(fault),
            }
        }
        self.inner.write_waiting_audit();
    }

    /// Freezes Stock, takes the ledger anew and reads what is really there, for as long as it takes.
    fn recover(&mut self, fault: LedgerFault) {
        tracing::error!(%fault, "the ledger failed; no claim is accepted until it was read anew");
        self.inner.state.set(Readiness::Recovering);
        self.inner.stock.freeze();
        self.inner.meter.recovery();
        self.keep_what_is_certain();
        let mut pause = RECOVERY_PAUSE_MIN;
        while let Err(error) = self.reload() {
            tracing::warn!(%error, "the ledger cannot be recovered yet");
            std::thread::sleep(pause);
            pause = RECOVERY_PAUSE_MAX.min(pause * 2);
            if self.inner.settling.asked().1 {
                tracing::error!("stopped while the ledger could not be recovered");
                return;
            }
        }
        self.inner.durability.recovered();
        self.inner.state.set(Readiness::Serving);
        tracing::info!(epoch = self.epoch.0, "the ledger was read anew; claims are accepted again");
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
        let inner = std::sync::Arc::clone(&self.inner);
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
        self.inner.catalog.store(std::sync::Arc::new(catalog));
        Ok(())
    }
}
