//! One simulated machine and everybody around it, in one thread and in virtual time: what is due next happens next.
//! At every seam of the real code something else may come in between, or the process may die; all of it by the seed.

mod answers;
mod company;
mod desk;
mod due;
mod payers;
mod people;
mod rest;
mod server;
mod setup;
mod sky;
mod tasks;
mod wire;

pub use people::PROBES;
pub use setup::{ACTIVITY, PRICED, PROBE, plain_activity};

use crate::{
    clock::Time,
    figures::{Count, Figures, Seam},
    grounds::Grounds,
    ledger::{Device, Lie},
    scenario::{Scenario, Trouble},
    stock::Bug,
};
use company::Outside;
use desk::Desk;
use due::{Due, Event};
use payers::Payers;
use people::People;
use rehearsal::{history::Intervention, plan::Chance};
use server::Server;
use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    sync::Arc,
};

/// Events within events within events: deeper than this time only passes.
const DEPTH_MAX: u32 = 5;
/// Events of one run; more is a run that never ends.
const EVENTS_MAX: u64 = 5_000_000;
/// Events that are kept to be told when something was wrong.
const TOLD_MAX: usize = 5_000;
/// So long after nothing goes wrong any more everything must be as if nothing ever had.
pub const SETTLES_WITHIN: u64 = 20_000_000;
/// So long after that the last person must be done.
const ENDS_WITHIN: u64 = 1_500_000_000;
/// And so long after that every order and every payment must have come to its end: a clock that was set back by an hour
/// makes holds longer by it, and the last refunds are an hour from each other.
const PAID_WITHIN: u64 = 4 * 3_600_000_000;

/// A line of what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub at: u64,
    pub what: &'static str,
    pub of: u64,
}

/// The process died: carried by the unwinding that stands for it.
struct Died(Seam);

/// What a world is made with beside its scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    pub bug: Option<Bug>,
    pub lie: Option<Lie>,
}

/// Everything that is simulated.
pub struct World {
    pub scenario: Scenario,
    pub planted: Planted,
    pub device: Arc<Device>,
    pub figures: RefCell<Figures>,
    pub interventions: RefCell<Vec<Intervention>>,
    pub people: People,
    pub payers: Payers,
    pub outside: Outside,
    pub grounds: Grounds,
    time: Arc<Time>,
    chance: RefCell<Chance>,
    queue: RefCell<BinaryHeap<Reverse<Due>>>,
    planned: Cell<u64>,
    told: RefCell<VecDeque<Told>>,
    digest: Cell<u64>,
    desk: Desk,
    server: Server,
    depth: Cell<u32>,
    /// The process dies at the seam after so many.
    armed: Cell<Option<u32>>,
    frozen_until: Cell<u64>,
    healed: Cell<bool>,
    settled: Cell<bool>,
}

thread_local! {
    /// The world in which this thread runs, if it runs in one.
    static HERE: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

fn here() -> Option<Rc<World>> {
    HERE.with_borrow(Option::clone)
}

/// Two steps of the real code meet here.
pub fn seam(seam: Seam) {
    if let Some(world) = here() {
        world.at_seam(seam);
    }
}

/// What the refusals of this thread's world rest on.
pub fn grounds(tell: impl FnOnce(&Grounds)) {
    if let Some(world) = here() {
        tell(&world.grounds);
    }
}

/// Counts something in this thread's world.
pub fn count(what: Count) {
    if let Some(world) = here() {
        world.count(what);
    }
}

impl World {
    /// A world before its first event, with a sale that is announced.
    pub fn new(scenario: Scenario, planted: Planted) -> Rc<Self> {
        let time: Arc<Time> = Arc::default();
        let world = Rc::new(Self {
            planted,
            payers: Payers::default(),
            outside: Outside::new(&time, scenario.companies),
            device: Device::new(planted.lie),
            figures: RefCell::default(),
            interventions: RefCell::default(),
            people: People::new(&scenario),
            grounds: Grounds::default(),
            time,
            chance: RefCell::new(Chance::of(scenario.seed, 0x301D)),
            queue: RefCell::default(),
            planned: Cell::new(0),
            told: RefCell::default(),
            digest: Cell::new(0xCBF2_9CE4_8422_2325),
            desk: Desk::default(),
            server: Server::default(),
            depth: Cell::new(0),
            armed: Cell::new(None),
            frozen_until: Cell::new(0),
            healed: Cell::new(false),
            settled: Cell::new(false),
            scenario,
        });
        world.announce();
        world
    }

    /// Lets everything happen, until everybody is done.
    pub fn run(self: &Rc<Self>) -> Result<(), String> {
        HERE.set(Some(Rc::clone(self)));
        let ended = self.run_all();
        self.leave();
        HERE.set(None);
        ended
    }

    fn run_all(&self) -> Result<(), String> {
        for _ in 0..EVENTS_MAX {
            let Some(due) = self.pop(u64::MAX) else {
                return Err("nothing is due any more, and not everybody is done".to_owned());
            };
            let paid = if self.scenario.plan.paying.is_some() { PAID_WITHIN } else { 0 };
            if due.at > self.scenario.heals + SETTLES_WITHIN + ENDS_WITHIN + paid {
                return Err(self.what_is_left());
            }
            self.time.pass(due.at);
            let happened = catch_unwind(AssertUnwindSafe(|| self.happen(due.event)));
            if let Err(payload) = happened {
                match payload.downcast::<Died>() {
                    Ok(died) => self.died(died.0),
                    Err(payload) => return Err(panicked(&*payload)),
                }
            }
            self.wake();
            if self.is_over() {
                return self.end();
            }
        }
        Err(format!("not over after {EVENTS_MAX} events"))
    }

    /// Whether nothing more can come.
    fn is_over(&self) -> bool {
        self.settled.get()
            && self.people.all_done()
            && self.payers.all_done()
            && self.desk.is_done()
            && self.server.is_quiet()
            && self.is_at_rest()
    }

    fn happen(&self, event: Event) {
        if event.is_process() && self.now() < self.frozen_until.get() {
            return self.plan(self.frozen_until.get(), event);
        }
        match event {
            Event::Send(hand, step) => self.send(hand, step),
            Event::Probe(probe) => self.probe(probe),
            Event::Arrive(id) => self.arrive(id),
            Event::Poll(id) => self.poll(id),
            Event::Deliver(id, heard) => self.deliver(id, heard),
            Event::HangUp(id) => self.hang_up(id),
            Event::PaySend(payer, step) => self.pay_send(payer, step),
            Event::PayArrive(id) => self.pay_arrive(id),
            Event::PayDeliver(id, heard) => self.pay_deliver(id, heard),
            Event::Post => self.post(),
            Event::Letter(id) => self.letter(id),
            Event::Till(planned) => self.till(planned),
            Event::OperatePaid => self.operate_paid(),
            Event::Reachable => self.outside.set_reachable(true),
            Event::Write(planned) => self.write(planned),
            Event::Tick => self.tick(),
            Event::Operate => self.operate(),
            Event::Boot => self.boot(),
            Event::Ending(until) => self.ending(until),
            Event::Trouble(trouble) => self.trouble(trouble),
            Event::Heal => self.heal(),
            Event::Settled => self.demand_settled(),
        }
    }

    fn trouble(&self, trouble: Trouble) {
        self.tell("trouble", trouble_no(trouble));
        match trouble {
            _ if self.healed.get() => {}
            Trouble::Crash if self.server.lives() => self.die(Seam::BetweenEvents),
            Trouble::CrashAfter(seams) => self.armed.set(Some(seams)),
            Trouble::Freeze(us) => {
                self.count(Count::Freezes);
                self.frozen_until.set(self.now() + us);
            }
            Trouble::StepClock(ahead) => {
                self.count(Count::ClockSteps);
                self.time.step(ahead);
            }
            Trouble::Stop => self.stop(),
            Trouble::CutOff(us) => {
                self.outside.set_reachable(false);
                self.plan(self.now() + us, Event::Reachable);
            }
            Trouble::Hang(us) => self.hang(us),
            Trouble::Crash => {}
        }
    }

    fn heal(&self) {
        self.tell("heal", 0);
        self.healed.set(true);
        self.armed.set(None);
        self.time.step(0);
        self.outside.set_reachable(true);
        self.plan(self.now() + SETTLES_WITHIN, Event::Settled);
    }

    fn demand_settled(&self) {
        assert!(self.server.serves(), "nothing goes wrong, and claims are not accepted");
        assert!(self.people.probes_done(), "nothing goes wrong, and a claim is not answered");
        self.settled.set(true);
    }

    /// Something else may come first, or the process may die here.
    fn at_seam(&self, seam: Seam) {
        if !self.server.lives() {
            return;
        }
        match self.armed.get() {
            Some(0) => self.die(seam),
            left => self.armed.set(left.map(|left| left - 1)),
        }
        if self.depth.get() < DEPTH_MAX && self.of_1000(self.scenario.storm.interleaved) {
            self.count(Count::Interleavings);
            self.meanwhile(self.now() + self.below(400));
        }
    }

    fn die(&self, seam: Seam) -> ! {
        self.armed.set(None);
        resume_unwind(Box::new(Died(seam)))
    }

    /// Time passes until then in the middle of something, and what does not have to wait for it happens.
    fn meanwhile(&self, until: u64) {
        let depth = self.depth.get();
        if depth >= DEPTH_MAX {
            return self.time.pass(until);
        }
        self.depth.set(depth + 1);
        let mut aside = Aside { world: self, due: Vec::new() };
        let mut until = until;
        loop {
            self.wake();
            match self.pop(until) {
                Some(due) if self.may_come_between(&due.event) => {
                    self.time.pass(due.at);
                    self.happen(due.event);
                }
                Some(due) => aside.due.push(due),
                None if self.frozen_until.get() > until => until = self.frozen_until.get(),
                None => break,
            }
        }
        self.time.pass(until);
        self.depth.set(depth);
    }

    fn may_come_between(&self, event: &Event) -> bool {
        match event {
            Event::Write(_) => self.may_write(),
            Event::Operate | Event::OperatePaid => self.may_operate(),
            Event::Boot | Event::Ending(_) | Event::Settled => false,
            Event::Trouble(trouble) => *trouble != Trouble::Stop,
            _ => true,
        }
    }

    fn now(&self) -> u64 {
        self.time.now()
    }

    fn plan(&self, at: u64, event: Event) {
        let no = self.planned.get();
        self.planned.set(no + 1);
        let tie = self.chance.borrow_mut().next();
        self.queue.borrow_mut().push(Reverse(Due { at: at.max(self.now()), tie, no, event }));
    }

    /// The next thing that is due by `until`.
    fn pop(&self, until: u64) -> Option<Due> {
        let mut queue = self.queue.borrow_mut();
        let due = queue.peek().is_some_and(|Reverse(due)| due.at <= until);
        if due { queue.pop().map(|Reverse(due)| due) } else { None }
    }

    fn below(&self, bound: u64) -> u64 {
        self.chance.borrow_mut().below(bound)
    }

    fn between(&self, least: u64, most: u64) -> u64 {
        self.chance.borrow_mut().between(least, most)
    }

    fn of_1000(&self, per_mille: u32) -> bool {
        self.chance.borrow_mut().of_1000(per_mille)
    }

    fn count(&self, what: Count) {
        self.figures.borrow_mut().count(what);
    }

    /// Goes into the digest of the run, and is told if something is wrong later.
    fn tell(&self, what: &'static str, of: u64) {
        let at = self.now();
        let mut digest = self.digest.get();
        let words = [at, of, what.len() as u64, u64::from(what.as_bytes()[0])];
        for word in words {
            digest = (digest ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
        }
        self.digest.set(digest);
        let mut told = self.told.borrow_mut();
        if told.len() == TOLD_MAX {
            told.pop_front();
        }
        told.push_back(Told { at, what, of });
    }

    /// The last moment of the run.
    pub fn ended_at(&self) -> u64 {
        self.now()
    }

    /// One number for everything that happened.
    pub fn digest(&self) -> u64 {
        self.digest.get()
    }

    /// The last things that happened.
    pub fn told(&self) -> Vec<Told> {
        self.told.borrow().iter().copied().collect()
    }
}

/// Events that have to wait until whatever is going on is over; they stay due even if it never is.
struct Aside<'a> {
    world: &'a World,
    due: Vec<Due>,
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.world.queue.borrow_mut().extend(self.due.drain(..).map(Reverse));
    }
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    format!("a panic: {}", text.unwrap_or("without words"))
}

fn trouble_no(trouble: Trouble) -> u64 {
    match trouble {
        Trouble::Crash => 0,
        Trouble::CrashAfter(seams) => 1_000 + u64::from(seams),
        Trouble::Freeze(us) => us,
        Trouble::StepClock(ahead) => ahead.unsigned_abs(),
        Trouble::Stop => 1,
        Trouble::CutOff(us) => us + 7,
        Trouble::Hang(us) => us + 11,
    }
}
