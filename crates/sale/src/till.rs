//! The till: what is to be done at payment providers because time went by. Orders whose time is up are closed there,
//! open ones are asked about, late payments get units or their money back, and refunds are tried until they are done.
//! It decides nothing alone: whatever it learns is proposed to the writer, and a kill anywhere is made good later.
//!
//! It has a hand for each provider, and one for what needs none. No hand waits for another: a provider that is slow or
//! silent holds up nothing but its own orders, and those no longer than `PROVIDER_ANSWERS_MS`.

mod bounds;
mod late;
mod refunds;
mod watched;

pub use bounds::PROVIDER_ANSWERS_MS;

use crate::{
    IDLE_WAIT_MS, Sale,
    alive::STANDSTILL_MIN_MS,
    pay::{Asked, NoticeVerdict, Provider, ProviderFault},
};
use bounds::{Bounded, Bounds};
use ledger::{Change, LedgerFault, PaymentRecord};
use parking_lot::Mutex;
use rules::{OrderNo, OrderState, PaymentState, TimeMs};
use std::{
    collections::BTreeSet,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, OnceLock, atomic::Ordering},
    task::Poll,
};
use watched::{Watched, WatchedOrder};

/// Things of each kind that one hand does in one round, side by side.
const ROUND_MAX: usize = 64;
/// Open payments that one round reads after a start.
const READ_MAX: u32 = 1_000;
/// Milliseconds after a failed attempt to close an order at a provider until the second; doubled by every further one.
const CLOSE_RETRY_MS: u64 = 1_000;
/// Attempts to close an order at a provider; what is paid there later is a late payment all the same.
const CLOSE_ATTEMPTS_MAX: u32 = 16;
/// Milliseconds after the beginning of a step of the writer's in which it counts as alive. It steps far more often, and
/// a standstill that moves deadlines is far longer.
const WRITER_LIVES_MS: u64 = 1_000;
/// Milliseconds until an order is looked at again whose deadline may yet be moved.
const MOVING_RETRY_MS: u64 = 100;

const _: () = assert!(WRITER_LIVES_MS < STANDSTILL_MIN_MS);
const _: () = assert!(IDLE_WAIT_MS as u64 * 10 < WRITER_LIVES_MS);

/// Providers, and the orders that are open there.
#[derive(Default)]
pub struct Till {
    /// The usual one first.
    pub providers: OnceLock<Vec<Arc<dyn Provider>>>,
    watched: Mutex<Watched>,
    /// The hands that are at work.
    busy: Mutex<BTreeSet<usize>>,
    bounds: Bounds,
}

impl Till {
    /// A buyer is being sent to the provider at this place, until what is returned is dropped. Whatever becomes of that,
    /// the order is looked at there by `at`, and not before it has ended: till then the provider may not know it yet.
    pub fn start(&self, order: OrderNo, provider: usize, at: TimeMs) -> Start<'_> {
        let watched = WatchedOrder { provider, order };
        self.watched.lock().begin_start(watched, at);
        Start { till: self, watched, at }
    }

    /// An order is over: where it is open it is to be closed soon.
    pub fn hasten(&self, order: OrderNo, now: TimeMs) {
        let mut watched = self.watched.lock();
        for provider in 0..self.count() {
            watched.hasten(WatchedOrder { provider, order }, now);
        }
    }

    /// The ledger has a payment in a new state. What it pays is paid where it came from, and to be closed elsewhere.
    pub fn learn(&self, payment: &PaymentRecord, now: TimeMs) {
        let (PaymentState::Confirmed, Some(order)) = (payment.state, payment.paid_order) else {
            return;
        };
        let mut watched = self.watched.lock();
        for (place, provider) in self.providers.get().into_iter().flatten().enumerate() {
            let one = WatchedOrder { provider: place, order };
            if order == payment.payment.order && provider.name() == payment.payment.provider {
                watched.forget(one, now);
            } else {
                watched.hasten(one, now);
            }
        }
    }

    /// Wakes whoever waited long enough for a provider.
    pub fn tick(&self, now: TimeMs) {
        self.bounds.tick(now);
    }

    fn count(&self) -> usize {
        self.providers.get().map_or(0, Vec::len)
    }
}

/// See [`Till::start`].
pub struct Start<'a> {
    till: &'a Till,
    watched: WatchedOrder,
    at: TimeMs,
}

impl Drop for Start<'_> {
    fn drop(&mut self) {
        self.till.watched.lock().end_start(self.watched, self.at);
    }
}

/// An order that is being looked at, however that ends: when it is looked at again, and after how many failures.
struct Look<'a> {
    till: &'a Till,
    watched: WatchedOrder,
    again: Option<(TimeMs, u32)>,
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.till.watched.lock().looked(self.watched, self.again);
    }
}

/// A hand at work, however it ends.
struct Round<'a>(&'a Till, usize);

impl<'a> Round<'a> {
    fn begin(till: &'a Till, hand: usize) -> Option<Self> {
        let begins = till.busy.lock().insert(hand);
        begins.then(|| Self(till, hand))
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.0.busy.lock().remove(&self.1);
    }
}

/// A piece of work that says how much it did.
type Work<'a> = Pin<Box<dyn Future<Output = usize> + Send + 'a>>;

/// Does all of it side by side; how much was done.
async fn together(mut work: Vec<Work<'_>>) -> usize {
    let mut done = 0;
    poll_fn(|context| {
        work.retain_mut(|one| match one.as_mut().poll(context) {
            Poll::Ready(did) => {
                done += did;
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
    /// How many hands the till has.
    pub fn till_hands(&self) -> usize {
        1 + self.providers().len()
    }

    /// One round of one hand, counted from 0; how many things were done, so that 0 says that there is nothing to do now.
    /// A round of a hand that is at work does nothing. It reads the ledger, which blocks, so that it is kept off the
    /// threads that answer; and it is over once every provider it asked has answered, or has had its time to.
    pub async fn till_hand(&self, hand: usize) -> usize {
        let till = &self.inner.till;
        if self.inner.state.recovering() {
            return 0;
        }
        let Some(_round) = Round::begin(till, hand) else { return 0 };
        match hand.checked_sub(1) {
            None => {
                self.read_open_ones();
                together(self.late_payments()).await
            }
            Some(provider) => {
                let mut work = self.open_ones(provider);
                work.extend(self.refunds(provider));
                together(work).await
            }
        }
    }

    /// One round of every hand, side by side: for whoever has one provider, or none that is slow.
    pub async fn till_round(&self) -> usize {
        let hand = |hand| -> Work<'_> { Box::pin(self.till_hand(hand)) };
        together((0..self.till_hands()).map(hand).collect()).await
    }

    /// When an order that is open at a provider is looked at next.
    pub(crate) fn look_after(&self, now: TimeMs, pay_by: TimeMs) -> TimeMs {
        pay_by.min(TimeMs(now.0 + self.inner.settings.ask_after_ms))
    }

    /// What a provider was asked, with the time it has to answer.
    pub(crate) fn bounded<'a, T>(&'a self, asked: Asked<'a, T>) -> Bounded<'a, T> {
        self.inner.till.bounds.of(&*self.inner.clock, asked)
    }

    fn open_ones(&self, provider: usize) -> Vec<Work<'_>> {
        let (till, now) = (&self.inner.till, self.now());
        let due = till.watched.lock().take_due(provider, now, ROUND_MAX);
        let work = due.into_iter().map(|(watched, failures)| -> Work<'_> {
            let look = Look { till, watched, again: Some((now, failures)) };
            Box::pin(async move {
                let mut look = look;
                look.again = self.look_at(watched, failures).await;
                1
            })
        });
        work.collect()
    }

    /// After a start the ledger says which orders are open at which providers, a part in every round.
    fn read_open_ones(&self) {
        if let Err(fault) = self.read_some_open_ones() {
            tracing::warn!(%fault, "open payments are read again in the next round");
        }
    }

    fn read_some_open_ones(&self) -> Result<(), LedgerFault> {
        let Some(after) = self.inner.till.watched.lock().unread() else { return Ok(()) };
        let open = self.inner.ledger.open_payments(after, READ_MAX)?;
        let mut watched = self.inner.till.watched.lock();
        watched.read(open.last().filter(|_| open.len() >= READ_MAX as usize));
        for one in open {
            match self.provider_at(&one.provider) {
                Some(provider) => {
                    watched.add(WatchedOrder { provider, order: one.order }, one.started_at);
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
        if let (OrderState::Held, Some(pay_by)) = (first.state, first.pay_by) {
            if now < pay_by {
                self.ask_provider(provider, text.as_str()).await;
                return Some((self.look_after(now, pay_by), 0));
            }
            if !self.was_alive_after(pay_by) {
                return Some((TimeMs(now.0 + MOVING_RETRY_MS), failures));
            }
        }
        // A buyer who is sent there at this moment was let go while the order was held, and the provider may hear of it
        // after its closing only. Whoever comes later than this is not let go.
        if self.inner.till.watched.lock().is_starting(watched) {
            return Some((now, failures));
        }
        let closed = self.close_at(provider, text.as_str()).await
            && self.note_closed(provider, watched.order).await;
        (!closed && failures < CLOSE_ATTEMPTS_MAX)
            .then(|| (TimeMs(now.0 + (CLOSE_RETRY_MS << failures)), failures + 1))
    }

    /// Whether a deadline that has passed is over for sure: the writer lived through it, and lives. While it stands
    /// still or recovers, deadlines are about to be moved.
    fn was_alive_after(&self, pay_by: TimeMs) -> bool {
        let alive_at = TimeMs(self.inner.alive_at.load(Ordering::Acquire));
        let lives = self.now().0.saturating_sub(alive_at.0) <= WRITER_LIVES_MS;
        alive_at >= pay_by && lives && !self.inner.state.recovering()
    }

    async fn ask_provider(&self, provider: &dyn Provider, order: &str) {
        match self.bounded(provider.query(order)).await {
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
        match self.bounded(provider.close(order)).await {
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
