//! One rung of rising load: so many requests a second, each at its own moment, over connections that are open before
//! it begins. It never waits for an answer before it asks the next, unless every connection is waiting.

use super::{
    Doing, RehearseFault, Rung,
    answer::{Answer, heard},
    line::Line,
    request::Requests,
};
use crate::history::{Asked, Heard, Micros, Refused};
use ::http::HeaderValue;
use hdrhistogram::Histogram;
use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::oneshot,
    task::{JoinSet, LocalSet},
    time::sleep_until,
};

/// How long an answer may take; longer ones failed.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// What has not been asked so long after the end of the rung is not asked any more: it failed.
const OVERTIME_MAX: Duration = Duration::from_secs(1);
/// Threads that ask, at most.
const THREADS_MAX: usize = 8;
/// Times are counted up to a minute, in microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;

/// What is climbed on.
#[derive(Clone, Debug)]
pub(super) struct Climb {
    pub(super) address: SocketAddr,
    pub(super) requests: Arc<Requests>,
    pub(super) activity: Arc<str>,
    pub(super) who: Arc<[HeaderValue]>,
    pub(super) connections: usize,
    pub(super) asked: Asked,
}

struct Count {
    latency: Histogram<u64>,
    right: u64,
    busy: u64,
    failed: u64,
    took: Duration,
}

impl Count {
    fn new() -> Self {
        let latency = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
        let latency = latency.expect("the bounds are constant");
        Self { latency, right: 0, busy: 0, failed: 0, took: Duration::ZERO }
    }

    fn add(&mut self, other: &Self) {
        self.latency.add(&other.latency).expect("both have the same bounds");
        self.right += other.right;
        self.busy += other.busy;
        self.failed += other.failed;
        self.took = self.took.max(other.took);
    }
}

/// One rung of `per_s` requests a second for `ms` milliseconds.
pub(super) async fn climb(on: &Climb, per_s: u32, ms: u32) -> Result<Rung, RehearseFault> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores / 2).clamp(1, THREADS_MAX).min(on.connections);
    let mut waiting = Vec::new();
    for at in 0..threads {
        let share = |all: usize| all / threads + usize::from(at < all % threads);
        let lines = share(on.connections);
        let total = share((u64::from(per_s) * u64::from(ms) / 1_000) as usize) as u64;
        let pace = Pace { total, length: Duration::from_millis(ms.into()) };
        let (done, counted) = oneshot::channel();
        let on = on.clone();
        let thread = std::thread::Builder::new().name("climb".to_owned());
        let thread = thread.spawn(move || {
            // Nobody waits for it any more if the measurement has been dropped.
            let _ = done.send(climb_here(on, pace, lines));
        });
        thread.map_err(|error| RehearseFault::Thread(error.kind()))?;
        waiting.push(counted);
    }
    let mut count = Count::new();
    for counted in waiting {
        let broke = RehearseFault::Thread(std::io::ErrorKind::Other);
        count.add(&counted.await.map_err(|_| broke)??);
    }
    Ok(rung(&count, per_s, ms))
}

fn rung(count: &Count, per_s: u32, ms: u32) -> Rung {
    let at = |quantile| Micros(count.latency.value_at_quantile(quantile));
    let took = count.took.max(Duration::from_millis(ms.into()));
    Rung {
        offered_per_s: per_s,
        answered_per_s: (count.right as f64 / took.as_secs_f64()).round() as u32,
        busy: count.busy,
        failed: count.failed,
        p50: at(0.5),
        p99: at(0.99),
        p999: at(0.999),
        max: Micros(count.latency.max()),
    }
}

/// How many requests in how long.
#[derive(Clone, Copy)]
struct Pace {
    total: u64,
    length: Duration,
}

impl Pace {
    /// The moment of the request with this number, counted from the beginning.
    fn due(self, number: u64) -> Duration {
        self.length.mul_f64(number as f64 / self.total as f64)
    }
}

fn climb_here(on: Climb, pace: Pace, lines: usize) -> Result<Count, RehearseFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| RehearseFault::Thread(error.kind()))?;
    LocalSet::new().block_on(&runtime, async {
        let climber =
            Rc::new(Climber { on, pace, next: Cell::new(0), count: RefCell::new(Count::new()) });
        let lines = climber.warm(lines).await;
        let began = Instant::now();
        let mut asking = JoinSet::new();
        for line in lines {
            asking.spawn_local(Rc::clone(&climber).ask_all(line, began));
        }
        while asking.join_next().await.is_some() {}
        let mut count = climber.count.replace(Count::new());
        count.failed += pace.total.saturating_sub(climber.next.get());
        count.took = began.elapsed();
        Ok(count)
    })
}

struct Climber {
    on: Climb,
    pace: Pace,
    next: Cell<u64>,
    count: RefCell<Count>,
}

impl Climber {
    /// Opens the connections and uses each once, so that the rung measures requests and not connections.
    async fn warm(self: &Rc<Self>, lines: usize) -> Vec<Line> {
        let mut warming = JoinSet::new();
        for at in 0..lines {
            let climber = Rc::clone(self);
            warming.spawn_local(async move {
                let mut line = Line::new(climber.on.address, None);
                climber.on.ask(&mut line, &Asked::Detail, at as u64).await;
                line
            });
        }
        warming.join_all().await
    }

    async fn ask_all(self: Rc<Self>, mut line: Line, began: Instant) {
        let over = began + self.pace.length + OVERTIME_MAX;
        loop {
            let number = self.next.get();
            if number >= self.pace.total || Instant::now() > over {
                return;
            }
            self.next.set(number + 1);
            let due = began + self.pace.due(number);
            if due > Instant::now() {
                sleep_until(due.into()).await;
            }
            let heard = self.on.ask(&mut line, &self.on.asked, number).await;
            self.record(due, heard.as_ref());
        }
    }

    fn record(&self, due: Instant, heard: Option<&Heard>) {
        let mut count = self.count.borrow_mut();
        let took = due.elapsed().as_micros();
        count.latency.saturating_record(u64::try_from(took).unwrap_or(u64::MAX).max(1));
        match heard {
            Some(Heard::Shown(_) | Heard::Refused(Refused::SoldOut, _)) => count.right += 1,
            Some(Heard::Busy { .. }) => count.busy += 1,
            _ => count.failed += 1,
        }
    }
}

impl Climb {
    /// Asks as the people in turn do; nothing where there was no answer.
    async fn ask(&self, line: &mut Line, asked: &Asked, number: u64) -> Option<Heard> {
        let who = self.who.get(number as usize % self.who.len())?;
        self.ask_as(line, asked, who).await
    }

    async fn ask_as(&self, line: &mut Line, asked: &Asked, who: &HeaderValue) -> Option<Heard> {
        let question = self.requests.of(asked, Some(who))?;
        let reply = line.ask(&question, ANSWER_MAX, None).await.ok()?.reply?;
        let (status, retry_after) = (reply.status, reply.retry_after);
        let answer = Answer { status, retry_after, body: &reply.body };
        Some(heard(asked, &self.activity, answer))
    }

    /// One question on a connection of its own.
    pub(super) async fn ask_once(
        &self,
        asked: &Asked,
        who: &HeaderValue,
    ) -> Result<Heard, RehearseFault> {
        let (done, waiting) = oneshot::channel();
        let (on, asked, who) = (self.clone(), asked.clone(), who.clone());
        let thread = std::thread::Builder::new().name("climb".to_owned());
        let thread = thread.spawn(move || {
            // Nobody waits for it any more if the measurement has been dropped.
            let _ = done.send(on.ask_here(&asked, &who));
        });
        thread.map_err(|error| RehearseFault::Thread(error.kind()))?;
        waiting.await.map_err(|_| RehearseFault::Thread(std::io::ErrorKind::Other))?
    }

    fn ask_here(&self, asked: &Asked, who: &HeaderValue) -> Result<Heard, RehearseFault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| RehearseFault::Thread(error.kind()))?;
        let mut line = Line::new(self.address, None);
        let heard = runtime.block_on(self.ask_as(&mut line, asked, who));
        heard.ok_or(RehearseFault::TooLate(Doing::SellingOut))
    }
}
