//! Money that is to go back: asked of its provider, with longer and longer pauses, until it is there.
//! The same refund carries the same reference at every attempt, so that a kill in between gives nothing back twice.

use super::{ROUND_MAX, Work};
use crate::{
    Sale,
    pay::{Provider, RefundAsk, Refunded},
};
use ledger::{Change, Changed, PaymentRecord};
use rules::{PaymentState, TimeMs};

/// The longest pause between two attempts to give money back, in milliseconds.
const REFUND_RETRY_MAX_MS: u64 = 60 * 60 * 1_000;

impl Sale {
    /// The refunds that are due at one provider. Those of one that is not configured wait until it is.
    pub(super) fn refunds(&self, provider: usize) -> Vec<Work<'_>> {
        let (due, most) = (PaymentState::RefundDue, ROUND_MAX as u32);
        let name = self.providers()[provider].name();
        let owed = self.inner.ledger.payments_waiting(due, Some(name), self.now(), most);
        let owed = owed.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "refunds wait for the ledger");
            Vec::new()
        });
        let work = owed.into_iter().map(|payment| -> Work<'_> {
            let provider = &*self.providers()[provider];
            Box::pin(async move { self.refund_one(provider, &payment).await })
        });
        work.collect()
    }

    /// 1 once something about it is on disk, be it that the attempt failed.
    async fn refund_one(&self, provider: &dyn Provider, payment: &PaymentRecord) -> usize {
        let change = match self.ask_for_refund(provider, payment).await {
            true => Change::RefundDone(payment.no),
            false => Change::PutOff { payment: payment.no, after: self.refund_after(payment) },
        };
        let changed = self.propose(change).await;
        usize::from(matches!(changed, Ok(Changed::Done { .. } | Changed::Already { .. })))
    }

    async fn ask_for_refund(&self, provider: &dyn Provider, payment: &PaymentRecord) -> bool {
        let told = &payment.payment;
        let lines = self.lines(told.order);
        let Some(first) = lines.first() else {
            tracing::error!(payment = payment.no.0, "a refund is of an order that is not there");
            return false;
        };
        let order_id = self.claim_id(&first.claim);
        let ask = RefundAsk {
            reference: &told.reference,
            order_id: order_id.as_str(),
            amount: &told.amount,
            refund_reference: &format!("{}-R{}", order_id.as_str(), payment.no.0),
        };
        match self.bounded(provider.refund(&ask)).await {
            Ok(Refunded::Done) => true,
            Ok(Refunded::Pending) => false,
            Err(fault) => {
                let attempts = payment.refund_attempts + 1;
                tracing::warn!(payment = payment.no.0, attempts, %fault, "a refund is tried again");
                false
            }
        }
    }

    /// Twice as long after every attempt, up to an hour.
    fn refund_after(&self, payment: &PaymentRecord) -> TimeMs {
        let first = self.inner.settings.refund_retry_ms.max(1);
        let doubled = first.checked_shl(payment.refund_attempts.min(31)).unwrap_or(u64::MAX);
        TimeMs(self.now().0.saturating_add(doubled.min(REFUND_RETRY_MAX_MS)))
    }
}
