//! What waits in the process: claims, payers, notices, refunds, the till. Each is a future that is polled by hand, and
//! once more when it is woken; nothing here knows what it waits for.

use super::{Event, World, server::TICK_US};
use parking_lot::Mutex;
use rehearsal::history::paying::PayHeard;
use sale::{ChangeFault, NoticeAnswer, Outcome, Stepped};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

/// What the process does for somebody, and what it does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// A request of the crowd.
    Claim(usize),
    /// A request of a payer.
    Payer(usize),
    /// A notice of the payment provider that came in.
    Notice(usize),
    /// An operator's refund.
    Refund,
    /// A round of one of the till's hands.
    Till(usize),
}

impl Task {
    fn no(self) -> u64 {
        match self {
            Self::Claim(id) => id as u64 * 8,
            Self::Payer(id) => id as u64 * 8 + 1,
            Self::Notice(id) => id as u64 * 8 + 2,
            Self::Refund => 3,
            Self::Till(hand) => 4 + hand as u64 * 8,
        }
    }
}

/// What came of it.
pub(super) enum Done {
    Claim(Outcome),
    PayerClaim(Outcome),
    Payer(PayHeard),
    /// A step that was taken, or not: then the order is looked at again.
    Cancelled(Result<Stepped, ChangeFault>),
    Notice(NoticeAnswer),
    Refund(Result<Stepped, ChangeFault>),
    Till,
}

/// Something that waits for the disk.
type Waiting = Pin<Box<dyn Future<Output = Done>>>;

/// Everything that is under way in the process.
#[derive(Default)]
pub(super) struct Tasks {
    /// Requests that have been read and are not answered.
    asked: RefCell<BTreeSet<Task>>,
    waiting: RefCell<BTreeMap<Task, Waiting>>,
    /// Those that are polled further down the stack, and whether they were woken meanwhile.
    polled: RefCell<BTreeMap<Task, bool>>,
    woken: Arc<Mutex<Vec<Task>>>,
}

impl Tasks {
    /// Whether every request was answered.
    pub fn are_answered(&self) -> bool {
        self.asked.borrow().is_empty()
    }

    /// Whether anything waits.
    pub fn wait(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    /// All of it is gone; the requests that will hear nothing.
    pub fn clear(&self) -> BTreeSet<Task> {
        drop(std::mem::take(&mut *self.waiting.borrow_mut()));
        self.polled.borrow_mut().clear();
        self.woken.lock().clear();
        std::mem::take(&mut *self.asked.borrow_mut())
    }
}

struct Alarm {
    task: Task,
    woken: Arc<Mutex<Vec<Task>>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.lock().push(self.task);
    }
}

impl World {
    /// The request is at the server from now on, until it is answered.
    pub(super) fn takes_up(&self, task: Task) {
        self.server.tasks.asked.borrow_mut().insert(task);
    }

    /// The request's answer, if it is still at the server.
    pub(super) fn put_down(&self, task: Task) -> bool {
        self.server.tasks.asked.borrow_mut().remove(&task)
    }

    /// It waits for the disk.
    pub(super) fn wait(&self, task: Task, waiting: Waiting) {
        self.server.tasks.waiting.borrow_mut().insert(task, waiting);
        self.plan(self.now() + self.below(50), Event::Poll(task));
        if !self.server.ticking.replace(true) {
            self.plan(self.now() + TICK_US, Event::Tick);
        }
    }

    /// Whether it is under way.
    pub(super) fn is_waiting(&self, task: Task) -> bool {
        let polled = self.server.tasks.polled.borrow().contains_key(&task);
        polled || self.server.tasks.waiting.borrow().contains_key(&task)
    }

    /// Nobody waits for the answer any more: the connection is closed and what waited is dropped.
    pub(super) fn drop_waiting(&self, task: Task) {
        let dropped = self.server.tasks.waiting.borrow_mut().remove(&task);
        if dropped.is_some() {
            self.put_down(task);
        }
    }

    pub(super) fn poll(&self, task: Task) {
        let tasks = &self.server.tasks;
        if let Some(again) = tasks.polled.borrow_mut().get_mut(&task) {
            *again = true;
            return;
        }
        let Some(mut waiting) = tasks.waiting.borrow_mut().remove(&task) else { return };
        tasks.polled.borrow_mut().insert(task, false);
        let waker = Waker::from(Arc::new(Alarm { task, woken: Arc::clone(&tasks.woken) }));
        let polled = waiting.as_mut().poll(&mut Context::from_waker(&waker));
        let again = tasks.polled.borrow_mut().remove(&task);
        match polled {
            Poll::Ready(done) => self.done(task, done),
            Poll::Pending => {
                tasks.waiting.borrow_mut().insert(task, waiting);
                if again == Some(true) {
                    self.plan(self.now() + self.below(50), Event::Poll(task));
                }
            }
        }
        self.stir(true);
    }

    fn done(&self, task: Task, done: Done) {
        if !matches!(task, Task::Till(_)) {
            self.tell("done", task.no());
        }
        match (task, done) {
            (Task::Claim(id), Done::Claim(outcome)) => self.reply_to(id, outcome),
            (Task::Payer(id), Done::PayerClaim(outcome)) => self.reply_payer_claim(id, outcome),
            (Task::Payer(id), Done::Cancelled(done)) => self.reply_cancelled(id, done),
            (Task::Payer(id), Done::Payer(heard)) => self.reply_payer(id, heard),
            (Task::Notice(id), Done::Notice(answer)) => self.answer_notice(id, &answer),
            (Task::Refund, Done::Refund(done)) => self.refunded(done),
            (Task::Till(_), Done::Till) => {}
            (task, _) => unreachable!("{task:?} ends as something else"),
        }
    }

    /// Plans a look at everybody who was woken.
    pub(super) fn wake(&self) {
        let woken = std::mem::take(&mut *self.server.tasks.woken.lock());
        for task in woken {
            let at = self.now() + self.below(300);
            self.plan(at, Event::Poll(task));
        }
    }
}
