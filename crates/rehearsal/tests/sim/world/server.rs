//! The process that sells: it starts, writes step by step, ends or dies. Its memory goes with it, the disk stays.
//! Nothing here decides a claim: that is the real code's.

use super::{Event, World, sky::Sky};
use crate::{
    clock::OneClock,
    figures::{Count, Seam},
    ledger::SimLedger,
    stock::SimStock,
};
use ledger::ClaimLedger;
use parking_lot::Mutex;
use rehearsal::history::Heard;
use sale::{Meter, Next, OpenError, Outcome, Readiness, Sale, Writer};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

/// Microseconds between two looks for waiters that are late.
const TICK_US: u64 = 5_000;
/// Microseconds that a server that ends waits for what it has begun.
const ENDING_US: u64 = 1_000_000;
/// Steps in which a writer that is told to stop stops.
const LAST_STEPS_MAX: u32 = 1_000;

/// A claim that waits for the disk.
type Waiting = Pin<Box<dyn Future<Output = Outcome>>>;

/// What runs while the process lives and has started.
#[derive(Clone)]
pub(super) struct Running {
    pub sale: Arc<Sale>,
    pub ledger: Arc<SimLedger>,
}

/// The state of the process.
#[derive(Default)]
pub(super) struct Server {
    running: RefCell<Option<Running>>,
    /// Not there while a step is under way.
    writer: RefCell<Option<Writer>>,
    lives: Cell<bool>,
    calm: Cell<bool>,
    ending: Cell<bool>,
    closed: Cell<bool>,
    reloading: Cell<bool>,
    /// The step under way is part of an operator's call, and cannot recover before that is over.
    forced: Cell<bool>,
    /// The number of the write that is planned.
    planned: Cell<u64>,
    idle: Cell<bool>,
    /// Something came since the last step began.
    stirred: Cell<bool>,
    ticking: Cell<bool>,
    /// Requests that have been read and are not answered.
    asked: RefCell<BTreeSet<usize>>,
    waiting: RefCell<BTreeMap<usize, Waiting>>,
    /// Requests that wait in the kernel for a server.
    backlog: RefCell<Vec<usize>>,
    woken: Arc<Mutex<Vec<usize>>>,
}

struct Alarm {
    id: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.lock().push(self.id);
    }
}

struct NoMeter;

impl Meter for NoMeter {
    fn committed(&self, _: usize, _: Duration) {}
    fn recovery(&self) {}
}

impl Server {
    /// Whether there is a process, started or not.
    pub fn lives(&self) -> bool {
        self.lives.get()
    }

    pub fn calm(&self, calm: bool) {
        self.calm.set(calm);
    }

    /// Whether nothing may go wrong right now.
    pub fn is_calm(&self) -> bool {
        self.calm.get() || self.forced.get()
    }

    pub fn running(&self) -> Option<Running> {
        self.running.borrow().clone()
    }

    /// Whether it takes requests.
    pub fn takes(&self) -> bool {
        self.running.borrow().is_some() && !self.ending.get()
    }

    /// Whether it accepts claims.
    pub fn serves(&self) -> bool {
        let serving = |running: &Running| running.sale.readiness() == Readiness::Serving;
        self.takes() && self.running.borrow().as_ref().is_some_and(serving)
    }

    /// Everything is written and answered.
    pub fn is_quiet(&self) -> bool {
        let written = self.idle.get() && !self.stirred.get();
        self.serves() && written && self.asked.borrow().is_empty()
    }

    /// From here to the end of the step the desk is locked.
    pub fn reloads(&self) {
        self.reloading.set(true);
    }

    pub fn is_reloading(&self) -> bool {
        self.reloading.get()
    }

    fn between_steps(&self) -> bool {
        self.writer.borrow().is_some()
    }

    fn in_doubt(&self) -> bool {
        self.running.borrow().as_ref().is_some_and(|running| running.ledger.in_doubt())
    }
}

impl World {
    /// The process starts: it takes the ledger, loads, and takes requests; or it fails and is started again.
    pub(super) fn boot(&self) {
        let server = &self.server;
        if server.lives() {
            return;
        }
        self.tell("boot", 0);
        server.lives.set(true);
        let ledger = SimLedger::open(&self.device, Arc::new(Sky)).expect("it has no other owner");
        let ledger = Arc::new(ledger);
        let stock = Arc::new(SimStock::new(self.scenario.limits, self.planted.bug));
        let clock = Arc::new(OneClock::start(&self.time));
        let (meter, settings) = (Arc::new(NoMeter), self.scenario.settings);
        match Sale::open_stepped(Arc::clone(&ledger) as _, stock, clock, meter, settings) {
            Ok((sale, writer)) => {
                *server.writer.borrow_mut() = Some(writer);
                *server.running.borrow_mut() = Some(Running { sale: Arc::new(sale), ledger });
                self.open_doors();
            }
            Err(OpenError::Ledger(_)) => {
                self.count(Count::FailedStarts);
                server.lives.set(false);
                self.plan(self.now() + self.between(1_000, 300_000), Event::Boot);
            }
            Err(OpenError::Conflict(conflict)) => {
                panic!("the ledger contradicts the rules: {conflict:?}")
            }
        }
    }

    fn open_doors(&self) {
        self.tell("serves", 0);
        let backlog = std::mem::take(&mut *self.server.backlog.borrow_mut());
        for (place, id) in (0..).zip(backlog) {
            self.plan(self.now() + place * 10, Event::Arrive(id));
        }
        self.plan_write(self.now() + self.below(1_000));
    }

    /// Whether a step may come in the middle of something else.
    pub(super) fn may_write(&self) -> bool {
        let server = &self.server;
        // A recovery would wait for the desk, and the desk is busy further down.
        let free = !self.desk.is_busy() || (server.serves() && !server.in_doubt());
        server.between_steps() && !server.closed.get() && free
    }

    /// One step of the writer.
    pub(super) fn write(&self, planned: u64) {
        let server = &self.server;
        if planned != server.planned.get() {
            return;
        }
        let Some(mut writer) = server.writer.take() else { return };
        let began = self.now();
        server.forced.set(self.desk.is_busy());
        server.idle.set(false);
        server.stirred.set(false);
        let next = writer.step();
        server.forced.set(false);
        server.reloading.set(false);
        *server.writer.borrow_mut() = Some(writer);
        match next {
            Next::Paced => self.plan_write(began + self.scenario.settings.commit_interval_us),
            Next::Retry(pause) => {
                self.count(Count::Recoveries);
                self.plan_write(self.now() + pause.as_micros() as u64 + self.below(50));
            }
            Next::Idle => {
                server.idle.set(true);
                if server.stirred.get() {
                    self.stir(true);
                }
            }
            Next::Stopped => self.stopped(),
        }
    }

    fn plan_write(&self, at: u64) {
        let planned = self.server.planned.get() + 1;
        self.server.planned.set(planned);
        self.plan(at, Event::Write(planned));
    }

    /// Something may have to be written; a claim wakes a writer that sleeps.
    pub(super) fn stir(&self, claim: bool) {
        self.server.stirred.set(true);
        if self.server.idle.get() && self.server.between_steps() {
            self.server.idle.set(false);
            let within = if claim { 100 } else { u64::from(sale::IDLE_WAIT_MS) * 1_000 };
            self.plan_write(self.now() + self.below(within));
        }
    }

    /// The request is at the server from now on, until it is answered.
    pub(super) fn takes_up(&self, id: usize) {
        self.server.asked.borrow_mut().insert(id);
    }

    /// The request waits in the kernel.
    pub(super) fn put_back(&self, id: usize) {
        self.server.backlog.borrow_mut().push(id);
    }

    /// The request's answer, if it is still at the server.
    pub(super) fn put_down(&self, id: usize) -> bool {
        self.server.asked.borrow_mut().remove(&id)
    }

    /// The request waits for the disk.
    pub(super) fn wait(&self, id: usize, waiting: Waiting) {
        self.server.waiting.borrow_mut().insert(id, waiting);
        self.plan(self.now() + self.below(50), Event::Poll(id));
        if !self.server.ticking.replace(true) {
            self.plan(self.now() + TICK_US, Event::Tick);
        }
    }

    /// Nobody waits for the answer any more: the connection is closed and what waited is dropped.
    pub(super) fn drop_waiting(&self, id: usize) {
        let dropped = self.server.waiting.borrow_mut().remove(&id);
        if dropped.is_some() {
            self.put_down(id);
        }
    }

    pub(super) fn poll(&self, id: usize) {
        let Some(mut waiting) = self.server.waiting.borrow_mut().remove(&id) else { return };
        let waker = Waker::from(Arc::new(Alarm { id, woken: Arc::clone(&self.server.woken) }));
        match waiting.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => self.reply_to(id, outcome),
            Poll::Pending => drop(self.server.waiting.borrow_mut().insert(id, waiting)),
        }
    }

    /// Plans a look at everybody who was woken.
    pub(super) fn wake(&self) {
        let woken = std::mem::take(&mut *self.server.woken.lock());
        for id in woken {
            let at = self.now() + self.below(300);
            self.plan(at, Event::Poll(id));
        }
    }

    pub(super) fn tick(&self) {
        let waits = !self.server.waiting.borrow().is_empty();
        self.server.ticking.set(waits);
        if let (true, Some(running)) = (waits, self.server.running()) {
            running.sale.tick_waiters(0);
            self.plan(self.now() + TICK_US, Event::Tick);
        }
    }

    /// The process is told to end.
    pub(super) fn stop(&self) {
        if !self.server.takes() {
            return;
        }
        self.count(Count::Stops);
        self.server.ending.set(true);
        if let Some(running) = self.server.running() {
            running.sale.drain();
        }
        self.plan(self.now() + 1_000, Event::Ending(self.now() + ENDING_US));
    }

    pub(super) fn ending(&self, until: u64) {
        let server = &self.server;
        if !server.ending.get() || server.closed.get() {
            return;
        }
        if !server.asked.borrow().is_empty() && self.now() < until {
            return self.plan(self.now() + TICK_US, Event::Ending(until));
        }
        self.tell("closes", 0);
        server.closed.set(true);
        if let Some(running) = server.running() {
            running.sale.close();
        }
        self.stir(true);
    }

    /// The writer has written what could be written: the process ends, and another takes over.
    fn stopped(&self) {
        self.tell("stopped", 0);
        let whole = self.server.asked.borrow().is_empty() && !self.server.in_doubt();
        if !whole || self.server.running().is_some_and(|running| running.sale.pending() > 0) {
            self.restarted();
        }
        self.tear_down();
        self.plan(self.now() + self.between(1_000, 50_000), Event::Boot);
    }

    /// The process has died in the middle of something; whatever that was has been unwound.
    pub(super) fn died(&self, seam: Seam) {
        self.tell("died", seam as u64);
        *self.figures.borrow_mut().crashes.entry(seam).or_default() += 1;
        self.depth.set(0);
        self.restarted();
        self.tear_down();
        self.device.crash();
        self.desk_lost();
        let most = if self.of_1000(200) { 400_000 } else { 10_000 };
        self.plan(self.now() + self.between(500, most), Event::Boot);
    }

    /// Memory and connections are gone.
    fn tear_down(&self) {
        let server = &self.server;
        drop(std::mem::take(&mut *server.waiting.borrow_mut()));
        drop(server.writer.take());
        drop(server.running.take());
        server.woken.lock().clear();
        for flag in [
            &server.lives,
            &server.ending,
            &server.closed,
            &server.reloading,
            &server.forced,
            &server.idle,
            &server.stirred,
            &server.ticking,
        ] {
            flag.set(false);
        }
        server.planned.set(server.planned.get() + 1);
        let lost = std::mem::take(&mut *server.asked.borrow_mut());
        for id in lost {
            self.plan(self.now() + self.between(50, 5_000), Event::Deliver(id, Heard::Lost));
        }
    }

    /// The end of a run: a last stop, or a last crash.
    pub(super) fn end(&self) -> Result<(), String> {
        self.server.lives.set(false);
        if self.scenario.crash_at_end {
            self.restarted();
            self.tear_down();
            self.device.crash();
            return Ok(());
        }
        let running = self.server.running().ok_or("it does not run at the end")?;
        running.sale.close();
        let mut writer = self.server.writer.take().ok_or("a step is under way at the end")?;
        let stopped = (0..LAST_STEPS_MAX).any(|_| writer.step() == Next::Stopped);
        if stopped { Ok(()) } else { Err("a writer that is told to stop does not".to_owned()) }
    }

    /// Everything that refers to the process is dropped.
    pub(super) fn leave(&self) {
        self.server.lives.set(false);
        self.tear_down();
    }
}
