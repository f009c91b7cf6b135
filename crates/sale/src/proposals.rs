//! Changes on their way to the one writer, in two lanes each in its order, and how their proposers hear of them.
//! Whoever proposes decides nothing: the ledger says what became of a change, and only once that is on disk. However
//! much anybody proposes, money never waits behind it.

use crate::Sale;
use ledger::{Change, Changed};
use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::oneshot;

/// Why it cannot be said what became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFault {
    /// Nothing happened: too much waits, or the ledger is away.
    Busy,
    /// It is not known; ask again. Every change can be repeated.
    Unknown,
}

/// What became of a change, or why that cannot be said.
pub type Answered = Result<Changed, ChangeFault>;

/// One proposer, who waits.
pub struct Proposer(oneshot::Sender<Answered>);

impl Proposer {
    /// Tells them; whoever went away hears nothing.
    pub fn tell(self, answer: Answered) {
        let _ = self.0.send(answer);
    }
}

/// Whether it tells of money that came or goes, or of where it can still come from: what providers tell, and what the
/// till does. Everything else is proposed by whoever likes to.
const fn is_money(change: &Change) -> bool {
    match change {
        Change::Receive(_)
        | Change::Owe(_)
        | Change::ConfirmLate { .. }
        | Change::RefuseLate(_)
        | Change::PutOff { .. }
        | Change::RefundDone(_)
        | Change::ClosedThere { .. } => true,
        Change::Step { .. }
        | Change::Started(_)
        | Change::LineUp { .. }
        | Change::LeaveLine { .. } => false,
    }
}

type Lane = VecDeque<(Change, Proposer)>;

/// Changes that wait for the writer.
pub struct Proposals {
    waiting: Mutex<Waiting>,
    most: usize,
}

#[derive(Default)]
struct Waiting {
    money: Lane,
    others: Lane,
    /// Nobody writes any more.
    closed: bool,
}

impl Proposals {
    /// Room for `most` of them in each lane.
    pub fn new(most: usize) -> Self {
        Self { waiting: Mutex::default(), most }
    }

    /// Takes a change in, or turns it away: the newest first, at once, and honestly (C12).
    fn push(&self, change: Change) -> Proposed {
        let mut waiting = self.waiting.lock();
        let closed = waiting.closed;
        let lane = if is_money(&change) { &mut waiting.money } else { &mut waiting.others };
        if closed || lane.len() >= self.most {
            return Proposed(None);
        }
        let (tell, hear) = oneshot::channel();
        lane.push_back((change, Proposer(tell)));
        Proposed(Some(hear))
    }

    /// Moves up to `most` of them out, money first, each lane in order. Whether no money is left: before that nobody's
    /// time is up, for the payment may be among what waits.
    pub fn take(
        &self,
        most: usize,
        changes: &mut Vec<Change>,
        proposers: &mut Vec<Proposer>,
    ) -> bool {
        let Waiting { money, others, .. } = &mut *self.waiting.lock();
        for lane in [&mut *money, others] {
            let room = most.saturating_sub(changes.len());
            for (change, proposer) in lane.drain(..lane.len().min(room)) {
                changes.push(change);
                proposers.push(proposer);
            }
        }
        money.is_empty()
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        let waiting = self.waiting.lock();
        waiting.money.len() + waiting.others.len()
    }

    /// Those that wait hear that nothing happened, because the ledger is away.
    pub fn turn_away(&self) {
        let (money, others) = {
            let Waiting { money, others, .. } = &mut *self.waiting.lock();
            (std::mem::take(money), std::mem::take(others))
        };
        let all = money.into_iter().chain(others);
        all.for_each(|(_, proposer)| proposer.tell(Err(ChangeFault::Busy)));
    }

    /// Nobody writes any more: those that wait, and all who come, hear that nothing happened.
    pub fn close(&self) {
        self.waiting.lock().closed = true;
        self.turn_away();
    }
}

/// A change that was proposed. It is in the queue already: whoever drops this only never hears of it.
pub struct Proposed(Option<oneshot::Receiver<Answered>>);

impl Future for Proposed {
    type Output = Answered;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answered> {
        let Some(hear) = &mut self.0 else { return Poll::Ready(Err(ChangeFault::Busy)) };
        // A writer that took it and is gone without a word may have written it.
        Pin::new(hear).poll(context).map(|heard| heard.unwrap_or(Err(ChangeFault::Unknown)))
    }
}

impl Sale {
    /// Proposes a change to the writer; the call takes it in, the future waits for what became of it. It has no
    /// deadline: every change that was taken in is answered, whatever happens to the ledger.
    pub fn propose(&self, change: Change) -> Proposed {
        if self.inner.state.recovering() {
            return Proposed(None);
        }
        self.inner.proposals.push(change)
    }
}
