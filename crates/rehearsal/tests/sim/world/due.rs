//! What can happen in a simulated sale, and in which order: by its moment, and what is due at the same one by chance.
//! Nothing happens here.

use super::tasks::Task;
use crate::scenario::Trouble;
use rehearsal::{
    crowd::{PayStep, Step},
    history::{Heard, paying::PayHeard},
};

/// Something that is due.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A person's hand asks.
    Send(usize, Step),
    /// A probe is sent, for the first time or again.
    Probe(usize),
    /// A request reaches the server.
    Arrive(usize),
    /// The server looks at something that waits.
    Poll(Task),
    /// An answer reaches whoever asked.
    Deliver(usize, Heard),
    /// Whoever asked does not wait for the answer.
    HangUp(usize),
    /// A payer asks.
    PaySend(usize, PayStep),
    /// A payer's request reaches the server, or the provider.
    PayArrive(usize),
    /// An answer reaches a payer.
    PayDeliver(usize, PayHeard),
    /// The provider sends what it has to tell.
    Post,
    /// A notice of the provider reaches the server.
    Letter(usize),
    /// The till's next round.
    Till(u64),
    /// The operator does the next thing where something is paid for.
    OperatePaid,
    /// The provider can be reached again.
    Reachable,
    /// The writer's next step, if none was planned since.
    Write(u64),
    /// Waiters that are late are woken.
    Tick,
    /// The operator does the next thing, or the last one again.
    Operate,
    /// The server starts.
    Boot,
    /// The server sees whether it can end.
    Ending(u64),
    /// Something goes wrong.
    Trouble(Trouble),
    /// Nothing goes wrong from now on.
    Heal,
    /// Everything must have settled.
    Settled,
}

impl Event {
    /// Whether it is something that a process does, which stands still while the process does.
    pub const fn is_process(&self) -> bool {
        matches!(
            self,
            Self::Arrive(_)
                | Self::PayArrive(_)
                | Self::Letter(_)
                | Self::Till(_)
                | Self::Poll(_)
                | Self::Write(_)
                | Self::Tick
                | Self::Ending(_)
        )
    }
}

/// When, and what.
pub(super) struct Due {
    pub at: u64,
    /// Orders what is due at the same time.
    pub tie: u64,
    pub no: u64,
    pub event: Event,
}

impl Due {
    const fn key(&self) -> (u64, u64, u64) {
        (self.at, self.tie, self.no)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
