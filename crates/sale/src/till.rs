//! The till: what is to be done at payment providers because time went by. Orders whose time is up are closed there,
//! open ones are asked about, late payments get units or their money back, and refunds are tried until they are done.
//! It decides nothing alone: whatever it learns is proposed to the writer, and a kill anywhere is made good later.

mod late;
mod refunds;
mod watched;

use crate::{
    Sale,
    pay::{NoticeVerdict, Provider, ProviderFault},
};
use ledger::{Change, LedgerFault};
use parking_lot::Mutex;
use rules::{OrderNo, OrderState, TimeMs};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};
use watched::{Watched, WatchedOrder};

/// Things of each kind that one round does, side by side.
const ROUND_MAX: usize = 64;
/// Open payments that one round reads after a start.
const READ_MAX: u32 = 1_000;
/// Milliseconds after a failed attempt to close an order at a provider until the second; doubled by every further one.
const CLOSE_RETRY_MS: u64 = 1_000;
/// Attempts to close an order at a provider; what is paid there later is a late payment all the same.
const CLOSE_ATTEMPTS_MAX: u32 = 16;

/// Providers, and the orders that are open there.
#[derive(Default)]
pub struct Till {
    /// The usual one first.
    pub providers: OnceLock<Vec<Arc<dyn Provider>>>,
    watched: Mutex<Watched>,
    /// A round is under way.
    busy: AtomicBool,
}

impl Till {
    /// A buyer was sent to the provider at this place: it is looked at again at `at`.
    pub fn watch(&self, order: OrderNo, provider: usize, at: TimeMs) {
        self.watched.lock().add(WatchedOrder { order, provider }, at);
    }

    /// An order is over: where it is open it is to be closed soon.
    pub fn hasten(&self, order: OrderNo, now: TimeMs) {
        let mut watched = self.watched.lock();
        for provider in 0..self.providers.get().map_or(0, Vec::len) {
            watched.hasten(WatchedOrder { order, provider }, now);
        }
    }
}

/// Ends the round, however it ends.
struct Round<'a>(&'a AtomicBool);

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A piece of work that says whether it did anything.
type Work<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// Does all of it side by side; how much of it did anything.
async fn together(mut work: Vec<Work<'_>>) -> usize {
    let mut done = 0;
    poll_fn(|context| {
        work.retain_mut(|one| match one.as_mut().poll(context) {
            Poll::Ready(did) => {
                done += usize::from(did);
                false
            }
            Poll::Pending => true,
        });
        if work.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

impl Sale {
    /// One round; how many things were done, so that 0 says that there is nothing to do now. A round beside another
    /// one does nothing. It reads the ledger, which blocks, so that it is kept off the threads that answer; and it is
    /// over once every provider it asked has answered: their bounds are its bounds.
    pub async fn till_round(&self) -> usize {
        let till = &self.inner.till;
        if self.inner.state.recovering() || till.busy.swap(true, Ordering::AcqRel) {
            return 0;
        }
        let _round = Round(&till.busy);
        let looked = self.look_at_open_ones().await;
        let resolved = self.resolve_late_payments().await;
        looked + resolved + self.give_money_back().await
    }

    /// When an order that is open at a provider is looked at next.
    pub(crate) fn look_after(&self, now: TimeMs, pay_by: TimeMs) -> TimeMs {
        pay_by.min(TimeMs(now.0 + self.inner.settings.ask_after_ms))
    }

    async fn look_at_open_ones(&self) -> usize {
        if let Err(fault) = self.read_open_ones() {
            tracing::warn!(%fault, "open payments are read again in the next round");
        }
        let due = self.inner.till.watched.lock().take_due(self.now(), ROUND_MAX);
        let work = due.into_iter().map(|(watched, attempts)| -> Work<'_> {
            Box::pin(async move {
                let again = self.look_at(watched, attempts).await;
                self.inner.till.watched.lock().looked(watched, again);
                true
            })
        });
        together(work.collect()).await
    }

    /// After a start the ledger says which orders are open at which providers, a part in every round.
    fn read_open_ones(&self) -> Result<(), LedgerFault> {
        let Some(after) = self.inner.till.watched.lock().unread() else { return Ok(()) };
        let open = self.inner.ledger.open_payments(after, READ_MAX)?;
        let mut watched = self.inner.till.watched.lock();
        watched.read(open.last().filter(|_| open.len() >= READ_MAX as usize));
        for one in open {
            match self.provider_at(&one.provider) {
                Some(provider) => {
                    watched.add(WatchedOrder { order: one.order, provider }, one.started_at);
                }
                None => tracing::warn!(
                    provider = one.provider,
                    "an order is open at a provider that is not configured"
                ),
            }
        }
        Ok(())
    }

    /// Looks at one order at one provider: when it is to be looked at again, and after how many failures.
    async fn look_at(&self, watched: WatchedOrder, failures: u32) -> Option<(TimeMs, u32)> {
        let lines = self.lines(watched.order);
        let first = lines.first()?;
        let now = self.now();
        let text = self.claim_id(&first.claim);
        let provider = &*self.providers()[watched.provider];
        match (first.state, first.pay_by) {
            (OrderState::Held, Some(pay_by)) if now < pay_by => {
                self.ask_provider(provider, text.as_str()).await;
                Some((self.look_after(now, pay_by), 0))
            }
            (OrderState::Held | OrderState::Cancelled | OrderState::Expired, _) => {
                let closed = self.close_at(provider, text.as_str()).await
                    && self.note_closed(provider, watched.order).await;
                (!closed && failures < CLOSE_ATTEMPTS_MAX)
                    .then(|| (TimeMs(now.0 + (CLOSE_RETRY_MS << failures)), failures + 1))
            }
            (OrderState::Paid | OrderState::RefundDue | OrderState::Refunded, _) => None,
        }
    }

    async fn ask_provider(&self, provider: &dyn Provider, order: &str) {
        match provider.query(order).await {
            Ok(Some(told)) => {
                self.take_notice(provider, told).await;
            }
            Ok(None) => {}
            Err(fault) => {
                tracing::warn!(provider = provider.name(), %fault, "a provider was asked in vain");
            }
        }
    }

    /// Nobody has to look there again, after a start either; false: that is not on disk.
    async fn note_closed(&self, provider: &dyn Provider, order: OrderNo) -> bool {
        let provider = provider.name().to_owned();
        self.propose(Change::ClosedThere { order, provider }).await.is_ok()
    }

    /// Closes an order at a provider; false: it is to be tried again. What was paid there until then counts.
    async fn close_at(&self, provider: &dyn Provider, order: &str) -> bool {
        match provider.close(order).await {
            Ok(closed) => match closed.paid {
                Some(told) => self.take_notice(provider, told).await != NoticeVerdict::Later,
                None => true,
            },
            Err(ProviderFault::Unreachable) => false,
            Err(fault @ ProviderFault::Refused) => {
                tracing::warn!(provider = provider.name(), %fault, "an order stays open there");
                true
            }
        }
    }
}
