//! The one writer: takes whatever is waiting, commits it once, answers many. Claims first, then changes of orders.
//! When a commit fails it answers nobody until the ledger was read anew; it never writes a batch twice.

use crate::{changing::Changing, run::Inner};
use ledger::{Cause, LedgerFault, Written};
use rules::{Claim, Epoch, Part, TimeMs};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use stock::Place;

/// Milliseconds the writer waits when nothing is decided; also how late parts and settling may be noticed.
pub const IDLE_WAIT_MS: u32 = 10;
/// Milliseconds it waits for a claim soon after a change was proposed: more of them are likely, and nothing but its
/// looking tells it of one.
const CHANGES_WAIT_MS: u32 = 1;

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

/// Writes what a sale decides, one step at a time. A step never sleeps; between two of them is whoever calls it:
/// a thread of its own, or somebody who lets time pass as he likes.
pub struct Writer {
    pub(crate) inner: Arc<Inner>,
    pub(crate) epoch: Epoch,
    claims: Vec<Claim>,
    answers: Vec<Written>,
    pub(crate) changing: Changing,
    pub(crate) parts: Vec<Part>,
    parts_written: TimeMs,
    /// The last step found nothing to write: parts may as well be written at once.
    idle: bool,
    /// When the last step began that was not one of a recovery: until then orders could be paid, for sure.
    pub(crate) alive_at: TimeMs,
    /// The pause after the next attempt to recover, while the ledger is not recovered.
    pub(crate) recovering: Option<Duration>,
}

/// Stock is frozen, and the rest of the step is given up.
pub(crate) struct Failed;

impl Writer {
    /// A writer that owns the ledger under `epoch`.
    pub(crate) fn new(inner: Arc<Inner>, epoch: Epoch) -> Self {
        let now = inner.clock.now();
        Self {
            inner,
            epoch,
            claims: Vec::new(),
            answers: Vec::new(),
            changing: Changing::default(),
            parts: Vec::new(),
            parts_written: now,
            idle: true,
            alive_at: now,
            recovering: None,
        }
    }

    /// Works until it is told to stop; then everything is written.
    pub(crate) fn run(mut self) {
        let interval = Duration::from_micros(self.inner.settings.commit_interval_us);
        loop {
            let started = Instant::now();
            self.notice_standstill();
            let idle_ms = if self.changing.is_likely() { CHANGES_WAIT_MS } else { IDLE_WAIT_MS };
            let pause = match self.next(idle_ms) {
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
        let ask = inner.settling.ask();
        if self.recovering.is_none() && inner.ledger.in_doubt() {
            self.begin_recovery(LedgerFault::Unknown(Cause::Io));
        }
        if let Some(pause) = self.recovering
            && let Some(next) = self.try_recovery(pause, ask.stop)
        {
            return next;
        }
        self.alive_at = inner.clock.now();
        inner.alive_at.store(self.alive_at.0, Ordering::Release);
        let wrote = self.write(ask.open || ask.stop, idle_ms);
        // After a failure the next step begins to recover, and it is due at once.
        let Ok(wrote) = wrote else { return Next::Retry(Duration::ZERO) };
        self.idle = !wrote;
        if self.changing.is_kept_waiting() {
            return Next::Paced;
        }
        inner.settling.fulfil(ask.asked);
        match (wrote, ask.stop) {
            (false, true) => {
                inner.settling.stopped();
                inner.proposals.close();
                Next::Stopped
            }
            (false, false) => Next::Idle,
            // Nobody comes any more: what is left is written without a pause.
            (true, true) => Next::Retry(Duration::ZERO),
            (true, false) => Next::Paced,
        }
    }

    /// Writes what waits, in every case all of what waits if `all`; whether there was anything that people wait for.
    fn write(&mut self, all: bool, idle_ms: u32) -> Result<bool, Failed> {
        // While no claim waits, parts may as well be written at once.
        let parts_due = self.parts_due() || all || self.idle;
        if parts_due {
            // Before the claims, because a part may rest on a claim that still waits (C32).
            self.take_parts(all);
        }
        let idle_ms = if self.inner.proposals.count() > 0 { 0 } else { idle_ms };
        // Claims before changes: an order can be changed once it is known to the ledger.
        let wrote = self.write_claims(idle_ms)?;
        let changed = self.write_changes(all)?;
        if parts_due {
            self.write_parts()?;
        }
        self.note_alive()?;
        Ok(wrote || changed)
    }

    fn parts_due(&self) -> bool {
        let since = self.inner.clock.now().0.saturating_sub(self.parts_written.0);
        since >= self.inner.settings.parts_interval_ms
    }

    /// Commits what is waiting; false if nothing was.
    pub(crate) fn write_claims(&mut self, idle_ms: u32) -> Result<bool, Failed> {
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

    pub(crate) fn take_parts(&mut self, all: bool) {
        let most = if all { usize::MAX } else { self.inner.settings.parts_batch_max };
        let room = most.saturating_sub(self.parts.len());
        self.inner.stock.take_parts(&mut self.parts, room);
    }

    /// Records the parts that were taken, a batch at a time, and what else waits for a quiet moment.
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
        self.inner.write_waiting_notices();
        Ok(())
    }
}
