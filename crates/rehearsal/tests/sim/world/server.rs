//! The process that sells: it starts, writes step by step, ends or dies. Its memory goes with it, the disk stays.
//! Nothing here decides a claim: that is the real code's.

use super::{
    Event, World,
    sky::Sky,
    tasks::{Task, Tasks},
};
use crate::{
    clock::OneClock,
    figures::{Count, Seam},
    ledger::SimLedger,
    stock::SimStock,
    world,
};
use ledger::ClaimLedger;
use rehearsal::history::{Heard, paying::PayHeard};
use sale::{Meter, Next, OpenError, OrderState, Readiness, Sale, Writer};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

/// Microseconds between two looks for waiters that are late.
pub(super) const TICK_US: u64 = 5_000;
/// Microseconds that a server that ends waits for what it has begun.
const ENDING_US: u64 = 1_000_000;
/// Steps in which a writer that is told to stop stops.
const LAST_STEPS_MAX: u32 = 1_000;

/// Microseconds between two steps of a writer that has nothing to write, while orders run out of time: while people
/// are there, and when they have gone.
const IDLE_US: (u64, u64) = (25_000, 900_000);

/// Microseconds of a step that changes nothing: a writer that has to wait for an operator's call steps all the time, and
/// time would stand still.
const STEP_US: u64 = 20;

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
    pub ticking: Cell<bool>,
    /// Changes of orders are being written and told: an operator's change would wait for that.
    telling: Cell<bool>,
    pub tasks: Tasks,
    /// Requests that wait in the kernel for a server.
    backlog: RefCell<Vec<Task>>,
}

/// Counts what becomes of orders.
struct Counting;

impl Meter for Counting {
    fn committed(&self, _: usize, _: Duration) {}
    fn recovery(&self) {}

    fn order_changed(&self, state: OrderState) {
        let what = match state {
            OrderState::Paid => Count::Paid,
            OrderState::Expired => Count::Expired,
            OrderState::Cancelled => Count::Cancelled,
            OrderState::Refunded => Count::Refunds,
            OrderState::Held | OrderState::RefundDue => return,
        };
        world::count(what);
    }

    fn notice_refused(&self, _: &'static str) {
        world::count(Count::RefusedNotices);
    }
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
        self.serves() && written && self.tasks.are_answered()
    }

    /// From here to the end of the step the desk is locked.
    pub fn reloads(&self) {
        self.reloading.set(true);
    }

    pub fn is_reloading(&self) -> bool {
        self.reloading.get()
    }

    /// From here to the end of the step nobody else may tell of an event.
    pub fn tells(&self) {
        self.telling.set(true);
    }

    pub fn is_telling(&self) -> bool {
        self.telling.get()
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
        let (meter, settings) = (Arc::new(Counting), self.scenario.settings);
        match Sale::open_stepped(Arc::clone(&ledger) as _, stock, clock, meter, settings) {
            Ok((sale, writer)) => {
                sale.set_providers(self.providers());
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
        for (place, task) in (0..).zip(backlog) {
            let event = match task {
                Task::Payer(id) => Event::PayArrive(id),
                Task::Claim(id) => Event::Arrive(id),
                Task::Notice(_) | Task::Refund | Task::Till(_) => {
                    unreachable!("nobody waits for it")
                }
            };
            self.plan(self.now() + place * 10, event);
        }
        self.plan_write(self.now() + self.below(1_000));
        self.plan_till();
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
        if !server.forced.get() {
            // As the thread does before each step. In the middle of an operator's call nothing can be loaded anew.
            writer.notice_standstill();
        }
        let next = writer.step();
        server.forced.set(false);
        server.reloading.set(false);
        server.telling.set(false);
        *server.writer.borrow_mut() = Some(writer);
        match next {
            Next::Paced => {
                let paced = began + self.scenario.settings.commit_interval_us;
                self.plan_write(paced.max(self.now() + STEP_US));
            }
            Next::Retry(pause) => {
                self.count(Count::Recoveries);
                self.plan_write(self.now() + pause.as_micros() as u64 + self.below(50));
            }
            Next::Idle => {
                server.idle.set(true);
                if server.stirred.get() {
                    self.stir(true);
                } else if self.may_run_out() {
                    let idle = if self.payers.all_done() { IDLE_US.1 } else { IDLE_US.0 };
                    self.plan_write(self.now() + idle);
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

    /// The request waits in the kernel.
    pub(super) fn put_back(&self, task: Task) {
        self.server.backlog.borrow_mut().push(task);
    }

    pub(super) fn tick(&self) {
        let waits = self.server.tasks.wait();
        self.server.ticking.set(waits);
        if let (true, Some(running)) = (waits, self.server.running()) {
            self.outside.wake();
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
        if !server.tasks.are_answered() && self.now() < until {
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
        let whole = self.server.tasks.are_answered() && !self.server.in_doubt();
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
        let lost = server.tasks.clear();
        drop(server.writer.take());
        drop(server.running.take());
        for flag in [
            &server.lives,
            &server.ending,
            &server.closed,
            &server.reloading,
            &server.forced,
            &server.idle,
            &server.stirred,
            &server.ticking,
            &server.telling,
        ] {
            flag.set(false);
        }
        server.planned.set(server.planned.get() + 1);
        for task in lost {
            let at = self.now() + self.between(50, 5_000);
            match task {
                Task::Claim(id) => self.plan(at, Event::Deliver(id, Heard::Lost)),
                Task::Payer(id) => self.plan(at, Event::PayDeliver(id, PayHeard::Lost)),
                // The letter comes again, the operator asks again, and the till goes its rounds.
                Task::Notice(_) | Task::Refund | Task::Till(_) => {}
            }
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
