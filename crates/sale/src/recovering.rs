//! What the writer does when the ledger failed: freeze, take the ledger anew, and load what is really on disk.
//! Nobody is answered before that is done, and nothing that may have failed is ever taken for written.

use crate::{
    alive::STANDSTILL_MIN_MS,
    flusher::{Failed, Next, Writer},
    loading::{self, Loading},
};
use ledger::LedgerFault;
use rules::Refusal;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// The longest pause between two attempts to recover the ledger.
const RECOVERY_PAUSE_MAX: Duration = Duration::from_secs(2);
const RECOVERY_PAUSE_MIN: Duration = Duration::from_millis(50);

/// Whether a refusal may rest on a claim that is not durable.
const fn rests_on_claims(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::SoldOut | Refusal::LimitReached | Refusal::HeldByOthers)
}

impl Writer {
    /// Freezes Stock. The ledger is taken anew and what is really there is read, for as many steps as it takes.
    pub(crate) fn begin_recovery(&mut self, fault: LedgerFault) -> Failed {
        tracing::error!(%fault, "the ledger failed; no claim is accepted until it was read anew");
        self.inner.state.set_recovering(true);
        self.inner.stock.freeze();
        self.inner.meter.recovery();
        self.stand_still();
        Failed
    }

    /// If no step came for longer than the grace can cover, orders could not be paid meanwhile, and their time is
    /// given back as after a restart. Only for a writer whose steps are meant to be regular: whoever lets time pass as
    /// he likes calls this where time is to be lost.
    pub fn notice_standstill(&mut self) {
        let inner = Arc::clone(&self.inner);
        let lost_ms = inner.clock.now().0.saturating_sub(self.alive_at.0);
        let going = self.recovering.is_none() && !inner.ledger.in_doubt();
        if lost_ms <= STANDSTILL_MIN_MS || !going || !inner.stock.any_unpaid() {
            return;
        }
        let _sound = inner.sound();
        tracing::warn!(lost_ms, "the writer stood still; unpaid orders get the time back");
        inner.state.set_recovering(true);
        inner.stock.freeze();
        // A load gives up what is not durable, and nothing has failed that would justify it.
        if self.write_claims(0).is_ok() {
            self.stand_still();
        }
    }

    /// Keeps what outlives the load to come, which the next step does.
    fn stand_still(&mut self) {
        self.inner.proposals.turn_away();
        self.keep_what_is_certain();
        self.recovering = Some(RECOVERY_PAUSE_MIN);
    }

    /// One attempt; nothing is returned once it succeeded.
    pub(crate) fn try_recovery(&mut self, pause: Duration, stop: bool) -> Option<Next> {
        self.inner.proposals.turn_away();
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
            part.refusal = refusal.filter(|no| !rests_on_claims(*no));
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
        let how = Loading {
            epoch: self.epoch,
            version: inner.catalog.load().version + 1,
            now: inner.clock.now(),
            alive: Some(self.alive_at),
            downtime_max_ms: inner.settings.downtime_max_ms,
        };
        let catalog = loading::load(&*inner.ledger, &*inner.stock, how)?;
        self.inner.epoch.store(self.epoch.0, Ordering::Release);
        self.inner.catalog.store(Arc::new(catalog));
        Ok(())
    }
}
