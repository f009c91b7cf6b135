//! Payments that came when their order was over: they get units again if some are free, else their money goes back
//! (C17). Each claims under a key of its own, so that a repetition after a kill finds what the first attempt got.

use super::{ROUND_MAX, Work};
use crate::{Outcome, Sale};
use ledger::{Change, Changed, PaymentNo, PaymentRecord};
use rules::{Item, KeyHash, OrderNo, PaymentState, TimeMs, TypeNo};
use std::collections::BTreeMap;
use stock::{ClaimAsk, Recorded};

/// Milliseconds until the second attempt to get units for a late payment; doubled by every further one.
const LATE_RETRY_MS: u64 = 1_000;
/// The longest pause between two of them, in milliseconds: short, for units go to whoever asks first.
const LATE_RETRY_MAX_MS: u64 = 10_000;

/// What a late payment comes to.
enum Late {
    /// Its units, by this order.
    Got(OrderNo),
    /// Nothing can be given for it.
    Nothing,
    /// That cannot be said now.
    Later,
}

impl Sale {
    pub(super) fn late_payments(&self) -> Vec<Work<'_>> {
        let (state, most) = (PaymentState::Late, ROUND_MAX as u32);
        let late = self.inner.ledger.payments_waiting(state, None, self.now(), most);
        let late = late.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "late payments wait for the ledger");
            Vec::new()
        });
        let work = late
            .into_iter()
            .map(|payment| -> Work<'_> { Box::pin(async move { self.resolve(&payment).await }) });
        work.collect()
    }

    /// 1 once something about it is on disk, be it that it has to wait.
    async fn resolve(&self, payment: &PaymentRecord) -> usize {
        let resolved = match self.claim_again(payment).await {
            Late::Got(order) => self.confirm_late(payment.no, order).await,
            Late::Nothing => self.refuse_late(payment.no).await,
            Late::Later => false,
        };
        usize::from(resolved || self.put_late_off(payment).await)
    }

    /// It makes room for those behind it.
    async fn put_late_off(&self, payment: &PaymentRecord) -> bool {
        let doubled = LATE_RETRY_MS << payment.refund_attempts.min(16);
        let after = TimeMs(self.now().0 + doubled.min(LATE_RETRY_MAX_MS));
        let off = self.propose(Change::PutOff { payment: payment.no, after }).await;
        matches!(off, Ok(Changed::Done { .. }))
    }

    /// Claims the units of the order that is over, for the person it was of.
    async fn claim_again(&self, payment: &PaymentRecord) -> Late {
        let lines = self.lines(payment.payment.order);
        let Some(first) = lines.first() else { return Late::Later };
        let ask = ClaimAsk {
            activity: first.claim.activity,
            items: &items_of(&lines),
            user: first.claim.user,
            late: true,
            key: Some(self.late_key(payment.no)),
            now: self.now(),
        };
        let outcome = match self.ask(&ask) {
            Ok(outcome) => outcome,
            Err(deciding) => self.outcome(deciding).await,
        };
        match outcome {
            Outcome::Won(got) => Late::Got(got.claim.order()),
            Outcome::Refused(_) => Late::Nothing,
            Outcome::Queued(_) | Outcome::Busy | Outcome::Failed(_) => Late::Later,
        }
    }

    /// No client's key can be this one: theirs are visible characters.
    fn late_key(&self, payment: PaymentNo) -> KeyHash {
        self.inner.ids.key(&format!("\nlate payment {}", payment.0))
    }

    async fn confirm_late(&self, payment: PaymentNo, order: OrderNo) -> bool {
        match self.propose(Change::ConfirmLate { payment, order }).await {
            Ok(Changed::Done { .. } | Changed::Already { .. }) => true,
            // The order that was made for it is over as well, or paid by another: there is nothing left to give.
            Ok(Changed::WrongState(_)) => self.refuse_late(payment).await,
            Ok(Changed::WrongPayment(_) | Changed::Closed | Changed::Unknown) | Err(_) => false,
        }
    }

    async fn refuse_late(&self, payment: PaymentNo) -> bool {
        let refused = self.propose(Change::RefuseLate(payment)).await;
        matches!(refused, Ok(Changed::Done { .. } | Changed::Already { .. }))
    }
}

/// What the lines of an order asked for.
fn items_of(lines: &[Recorded]) -> Vec<Item> {
    let mut counts: BTreeMap<TypeNo, u8> = BTreeMap::new();
    for line in lines {
        *counts.entry(line.claim.ticket_type).or_default() += 1;
    }
    counts.into_iter().map(|(ticket_type, count)| Item { ticket_type, count }).collect()
}
