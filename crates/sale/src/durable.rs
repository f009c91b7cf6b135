//! How a reply waits for the disk: cheap waiters, one queue for each core, one signal a core for each commit.
//! Nobody here decides what to answer; a wait only ends as durable, late, or lost with a recovery.

use crate::Clock;
use parking_lot::Mutex;
use rules::TimeMs;
use std::{
    cell::Cell,
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};
use stock::Place;

thread_local! {
    /// Which queue this thread's waiters stand in.
    static CORE: Cell<usize> = const { Cell::new(0) };
}

/// Says that this thread answers requests as core `core`, counted from 0.
pub fn enter_core(core: usize) {
    CORE.set(core);
}

/// The core as which this thread answers; 0 for a thread that never said so.
pub fn this_core() -> usize {
    CORE.get()
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// On disk.
    Durable,
    /// Not within the bound; it may still get there.
    Late,
    /// The ledger failed and was read anew: ask it what really happened.
    Recovered,
}

struct Waiter {
    place: Place,
    deadline: TimeMs,
    recoveries: u64,
    waker: Waker,
}

#[derive(Default)]
struct Core {
    /// In the order of arrival, so also of deadline.
    waiters: Mutex<VecDeque<Waiter>>,
    signalled: AtomicBool,
    /// The task that wakes this core's waiters; none: whoever signals wakes them.
    task: Mutex<Option<Waker>>,
}

/// What is durable, and who waits for more.
pub struct Durability {
    durable: AtomicU64,
    recoveries: AtomicU64,
    cores: Box<[Core]>,
    clock: Arc<dyn Clock>,
    answer_within_ms: u64,
}

impl Durability {
    /// Nothing is durable yet.
    pub fn new(cores: usize, clock: Arc<dyn Clock>, answer_within_ms: u64) -> Self {
        Self {
            durable: AtomicU64::new(0),
            recoveries: AtomicU64::new(0),
            cores: (0..cores.max(1)).map(|_| Core::default()).collect(),
            clock,
            answer_within_ms,
        }
    }

    /// Whether `place` is on disk.
    pub fn covers(&self, place: Place) -> bool {
        place.0 <= self.durable.load(Ordering::Acquire)
    }

    /// Everything up to `through` is on disk: wakes those who waited for it.
    pub fn advance(&self, through: Place) {
        let before = self.durable.swap(through.0, Ordering::AcqRel);
        assert!(before <= through.0, "what is durable stays durable");
        self.signal();
    }

    /// A recovery is over: everyone who waits has to ask what happened.
    pub fn recovered(&self) {
        self.recoveries.fetch_add(1, Ordering::AcqRel);
        self.signal();
    }

    /// How many recoveries there were.
    pub fn recoveries(&self) -> u64 {
        self.recoveries.load(Ordering::Acquire)
    }

    /// Waits until `place` is on disk, the bound has passed, or the ledger was recovered since it had been
    /// recovered `recoveries` times. That number is taken before the decision that is waited for.
    pub fn wait(&self, place: Place, recoveries: u64) -> Wait<'_> {
        Wait { durability: self, place, recoveries, deadline: None, registered: None }
    }

    /// Runs on a core for ever: wakes its waiters as commits come in.
    pub fn serve(&self, core: usize) -> Serve<'_> {
        Serve { durability: self, core }
    }

    /// Wakes those on `core` whose wait has ended; call it every few milliseconds, so that late ones hear so.
    pub fn tick(&self, core: usize) {
        self.wake(core, self.clock.now());
    }

    fn signal(&self) {
        for (index, core) in self.cores.iter().enumerate() {
            core.signalled.store(true, Ordering::Release);
            let task = core.task.lock().clone();
            match task {
                Some(task) => task.wake(),
                None => self.wake(index, self.clock.now()),
            }
        }
    }

    fn wake(&self, core: usize, now: TimeMs) {
        let durable = self.durable.load(Ordering::Acquire);
        let recoveries = self.recoveries.load(Ordering::Acquire);
        let mut waiters = self.cores[core].waiters.lock();
        while let Some(first) = waiters.front() {
            if first.place.0 > durable && first.deadline > now && first.recoveries == recoveries {
                break;
            }
            let first = waiters.pop_front().expect("it was there");
            first.waker.wake();
        }
    }
}

/// See [`Durability::wait`].
pub struct Wait<'a> {
    durability: &'a Durability,
    place: Place,
    recoveries: u64,
    deadline: Option<TimeMs>,
    registered: Option<Waker>,
}

impl Future for Wait<'_> {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Waited> {
        if let Some(waited) = self.ended() {
            return Poll::Ready(waited);
        }
        if self.registered.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            return Poll::Pending;
        }
        let deadline = match self.deadline {
            Some(deadline) => deadline,
            None => TimeMs(self.durability.clock.now().0 + self.durability.answer_within_ms),
        };
        self.deadline = Some(deadline);
        self.registered = Some(context.waker().clone());
        let core = &self.durability.cores[CORE.get().min(self.durability.cores.len() - 1)];
        let waker = context.waker().clone();
        let waiter = Waiter { place: self.place, deadline, recoveries: self.recoveries, waker };
        core.waiters.lock().push_back(waiter);
        // A commit between the first look and the registration has woken nobody: look again.
        self.ended().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Wait<'_> {
    fn ended(&self) -> Option<Waited> {
        if self.place == Place::DURABLE {
            return Some(Waited::Durable);
        }
        // Recovered before durable: a recovery gives places up, and later claims go past them.
        if self.durability.recoveries.load(Ordering::Acquire) != self.recoveries {
            return Some(Waited::Recovered);
        }
        if self.durability.covers(self.place) {
            return Some(Waited::Durable);
        }
        let late = self.deadline.is_some_and(|deadline| self.durability.clock.now() >= deadline);
        late.then_some(Waited::Late)
    }
}

/// See [`Durability::serve`].
pub struct Serve<'a> {
    durability: &'a Durability,
    core: usize,
}

impl Future for Serve<'_> {
    type Output = std::convert::Infallible;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let core = &self.durability.cores[self.core];
        let mut task = core.task.lock();
        if !task.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *task = Some(context.waker().clone());
        }
        drop(task);
        if core.signalled.swap(false, Ordering::AcqRel) {
            self.durability.wake(self.core, self.durability.clock.now());
        }
        Poll::Pending
    }
}
