//! The writer's part with orders: what was proposed and what has run out of time is decided by the ledger, in one
//! transaction, and then told to Stock and to those who wait. Stock never hears of what is not on disk.

use crate::{
    alive::HEARTBEAT_MS,
    flusher::{Failed, Writer},
    proposals::{ChangeFault, Proposer},
};
use ledger::{Change, Changed, LedgerFault};
use rules::{EventKind, OrderState, OrderStep, TimeMs};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use stock::Due;

/// Proposed changes in one transaction, so that claims never wait long behind them.
const CHANGES_BATCH_MAX: usize = 1_000;
/// Milliseconds between two looks for orders that ran out of time, while none is left over.
const DUE_EVERY_MS: u64 = 10;
/// Milliseconds after a change in which another is likely.
const LIKELY_MS: u64 = 1_000;

/// What the writer keeps from one batch of changes to the next.
#[derive(Default)]
pub struct Changing {
    /// The batch: what was proposed, then what expires.
    changes: Vec<Change>,
    /// Those who proposed its first changes.
    proposers: Vec<Proposer>,
    answers: Vec<Changed>,
    due: Vec<Due>,
    /// More was due than one batch takes.
    due_left: bool,
    /// The batch has some of what is due.
    expired: bool,
    due_looked: Option<TimeMs>,
    proposed_at: Option<TimeMs>,
    now: TimeMs,
    beat_at: TimeMs,
    /// An operator's change is under way, and the batch waits for the next step.
    kept_waiting: bool,
    /// The ledger turned a batch away, and that has been said.
    turned_away: bool,
}

impl Changing {
    /// Whether changes wait that could not be written in this step.
    pub fn is_kept_waiting(&self) -> bool {
        self.kept_waiting
    }

    /// Whether somebody is likely to propose something soon.
    pub fn is_likely(&self) -> bool {
        self.proposed_at.is_some_and(|at| self.now.0 < at.0 + LIKELY_MS)
    }
}

impl Writer {
    /// Writes what was proposed and what expires, everything that waits now if `all`; whether there was anything. What is
    /// proposed in the meantime waits for the next step: however many people go on proposing, claims have their turn.
    pub(crate) fn write_changes(&mut self, all: bool) -> Result<bool, Failed> {
        let waiting = if all { self.inner.proposals.count() } else { 0 };
        let mut batches = waiting.div_ceil(CHANGES_BATCH_MAX).max(1);
        let mut wrote = false;
        while self.write_batch()? {
            wrote = true;
            batches = batches.saturating_sub(1);
            let more_is_due = all && self.changing.expired && self.changing.due_left;
            if batches == 0 && !more_is_due {
                break;
            }
        }
        Ok(wrote)
    }

    /// One transaction; false if there was nothing for it, or its turn has not come.
    fn write_batch(&mut self) -> Result<bool, Failed> {
        let inner = Arc::clone(&self.inner);
        self.changing.now = self.alive_at;
        self.find_due();
        let proposed = inner.proposals.count() > 0;
        self.changing.kept_waiting = false;
        if self.changing.due.is_empty() && !proposed {
            return Ok(false);
        }
        let Some(_telling) = inner.telling.try_lock() else {
            self.changing.kept_waiting = proposed;
            return Ok(false);
        };
        self.take_batch();
        let begun = Instant::now();
        let batch = &mut self.changing;
        match inner.ledger.change(self.epoch, batch.now, &batch.changes, &mut batch.answers) {
            Ok(()) => self.tell_batch(begun.elapsed()),
            Err(fault) => return self.batch_failed(fault),
        }
        Ok(true)
    }

    /// Looks for orders whose deadline and the grace after it have passed, by the moment at which this step began:
    /// whoever paid while a step stood still is before them in line, in one of the next.
    fn find_due(&mut self) {
        let batch = &mut self.changing;
        let lately = |looked: TimeMs| batch.now.0.saturating_sub(looked.0) < DUE_EVERY_MS;
        batch.due.clear();
        if !batch.due_left && batch.due_looked.is_some_and(lately) {
            return;
        }
        let most = self.inner.settings.expire_batch_max;
        let by = TimeMs(batch.now.0.saturating_sub(self.inner.settings.grace_ms));
        self.inner.stock.due(by, &mut batch.due, most);
        batch.due_left = batch.due.len() >= most;
        batch.due_looked = Some(batch.now);
    }

    /// What was proposed comes first: whoever paid in the last moment has paid. If payments are left over, nothing
    /// expires in this batch. Of everything else any amount may be left over, and keeps nobody's unit from coming back.
    fn take_batch(&mut self) {
        let batch = &mut self.changing;
        batch.changes.clear();
        batch.answers.clear();
        let (changes, proposers) = (&mut batch.changes, &mut batch.proposers);
        if !self.inner.proposals.take(CHANGES_BATCH_MAX, changes, proposers) {
            batch.due.clear();
            batch.due_left = true;
        }
        if !batch.proposers.is_empty() {
            batch.proposed_at = Some(batch.now);
        }
        let expire = |due: &Due| Change::Step { order: due.order, step: OrderStep::Expire };
        batch.expired = !batch.due.is_empty();
        batch.changes.extend(batch.due.iter().map(expire));
    }

    /// The batch is on disk: Stock hears of it in the order of the events, then the proposers of their changes.
    fn tell_batch(&mut self, took: Duration) {
        let batch = &mut self.changing;
        assert_eq!(batch.answers.len(), batch.changes.len(), "the ledger answers every change");
        let mut done = 0;
        for answer in &batch.answers {
            let Changed::Done { events, payment } = answer else { continue };
            done += 1;
            // A payment of which nothing is told was only put off.
            if let Some(payment) = payment.as_ref().filter(|_| !events.is_empty()) {
                self.inner.meter.payment_changed(payment.state);
            }
            for event in events {
                if let EventKind::Order { step, .. } = event.kind {
                    let state = OrderState::ALL.into_iter().find_map(|state| state.after(step));
                    self.inner.meter.order_changed(state.expect("every step leads somewhere"));
                }
                let applied = self.inner.stock.apply(event);
                assert!(
                    applied.is_ok(),
                    "the ledger's event {} contradicts Stock: {applied:?}",
                    event.no
                );
            }
        }
        self.inner.meter.changed(done, took);
        for answer in &batch.answers {
            // Only now: whoever looks at the order finds it as it is.
            if let Changed::Done { events, payment: Some(payment) } = answer
                && !events.is_empty()
            {
                self.inner.till.learn(payment, batch.now);
            }
        }
        let expiries = batch.answers.split_off(batch.proposers.len());
        for (due, answer) in batch.due.drain(..).zip(expiries) {
            // Paid or given up in this very batch; or else Stock would propose it for ever.
            let over = matches!(answer, Changed::Done { .. })
                || self
                    .inner
                    .stock
                    .order(due.order)
                    .iter()
                    .all(|line| line.state != OrderState::Held);
            assert!(over, "Stock holds {:?}, and the ledger does not: {answer:?}", due.order);
        }
        for (proposer, answer) in batch.proposers.drain(..).zip(batch.answers.drain(..)) {
            proposer.tell(Ok(answer));
        }
        batch.turned_away = false;
    }

    /// Nothing happened: the proposers hear so, and what expires comes again. Otherwise nobody knows before a recovery.
    fn batch_failed(&mut self, fault: LedgerFault) -> Result<bool, Failed> {
        let nothing = matches!(fault, LedgerFault::NothingHappened(_));
        let heard = if nothing { ChangeFault::Busy } else { ChangeFault::Unknown };
        self.changing.proposers.drain(..).for_each(|proposer| proposer.tell(Err(heard)));
        self.changing.due_left = false;
        if !nothing {
            return Err(self.begin_recovery(fault));
        }
        if !self.changing.turned_away {
            tracing::warn!(%fault, "changes of orders wait for the ledger");
        }
        self.changing.turned_away = true;
        Ok(false)
    }

    /// Notes now and then that orders can be paid, while there are any to pay.
    pub(crate) fn note_alive(&mut self) -> Result<(), Failed> {
        let now = self.alive_at;
        let lately = now.0.saturating_sub(self.changing.beat_at.0) < HEARTBEAT_MS;
        if lately || !self.inner.stock.any_unpaid() {
            return Ok(());
        }
        self.changing.beat_at = now;
        match self.inner.ledger.heartbeat(self.epoch, now) {
            // Not noted is as if this second had been lost: deadlines move by more, never by less.
            Ok(()) | Err(LedgerFault::NothingHappened(_)) => Ok(()),
            Err(fault) => Err(self.begin_recovery(fault)),
        }
    }
}
