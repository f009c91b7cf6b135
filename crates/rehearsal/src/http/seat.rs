//! A seat is one connection with the people who take turns on it, each step in the order of its time. Seats are dealt
//! out to threads with a runtime each, so that the crowd disturbs nobody else's. Nothing here decides what people do.

use super::{
    Late, Note, RehearseFault,
    answer::{Answer, heard},
    line::{Line, NoLine},
    setting::{CALLS_MAX, SETTLE_MAX, Setting},
};
use crate::{
    crowd::{Hand, Origin, Step},
    history::{Asked, Call, Heard, Micros},
};
use ::http::HeaderValue;
use hdrhistogram::Histogram;
use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::BinaryHeap,
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    task::LocalSet,
    time::{Instant, sleep_until},
};

/// Threads of a crowd, at most; a server on the same machine needs the other half of it.
const THREADS_MAX: usize = 8;
/// The wait after a connection could not be made, so that a dead server is not hammered.
pub(super) const NO_LINE_WAIT: Duration = Duration::from_millis(100);
/// Attempts in a row on one seat that nobody took after which people are told that no answer came: a server that was
/// killed is back long before.
pub(super) const REFUSED_MAX: u32 = 300;
/// Fewer connections are not divided by where people come from.
const DIVIDED_CONNECTIONS_MIN: usize = 4;
/// Lateness is counted up to an hour, in microseconds.
const LATE_US_MAX: u64 = 3_600_000_000;

/// A hand with its authorization.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) hand: Hand,
    pub(super) who: HeaderValue,
}

/// What a crowd saw.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) calls: Vec<Call>,
    pub(super) unsent: u64,
    pub(super) kept_out: u64,
    pub(super) unheard: u64,
    pub(super) late: Histogram<u64>,
    pub(super) notes: Vec<Note>,
}

impl Watched {
    fn new() -> Self {
        let late = Histogram::new_with_bounds(1, LATE_US_MAX, 2).expect("the bounds are constant");
        let (calls, notes) = (Vec::new(), Vec::new());
        Self { calls, unsent: 0, kept_out: 0, unheard: 0, late, notes }
    }

    fn add(&mut self, other: Self) {
        self.calls.extend(other.calls);
        self.unsent += other.unsent;
        self.kept_out += other.kept_out;
        self.unheard += other.unheard;
        self.late.add(other.late).expect("both have the same bounds");
        other.notes.into_iter().for_each(|note| self.note(note));
    }

    fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(super) fn late(&self) -> Late {
        let at = |quantile| Micros(self.late.value_at_quantile(quantile));
        Late { p50: at(0.5), p99: at(0.99), max: Micros(self.late.max()) }
    }
}

/// A seat before it is taken.
#[derive(Debug)]
pub(super) struct Seat {
    source: Option<Ipv4Addr>,
    hands: Vec<Seated>,
}

/// Divides the hands over `connections` seats by where they come from. Hands that follow each other sit apart, so
/// that both clicks of a double click are under way at once.
pub(super) fn seats(hands: Vec<Seated>, connections: usize, server: IpAddr) -> Vec<Seat> {
    let divided = own_addresses(server) && connections >= DIVIDED_CONNECTIONS_MIN;
    let origins = [Origin::OnePrefix, Origin::ManyPrefixes, Origin::Usual];
    let (all, mut left) = (hands.len().max(1), connections);
    let mut groups: [Vec<Seated>; 3] = Default::default();
    for seated in hands {
        let origin = if divided { seated.hand.origin() } else { Origin::Usual };
        groups[origins.iter().position(|one| *one == origin).unwrap_or(2)].push(seated);
    }
    let mut seats = Vec::new();
    for (group, origin) in groups.into_iter().zip(origins).filter(|(group, _)| !group.is_empty()) {
        let share = match origin {
            Origin::Usual => left,
            _ => (connections * group.len() / all).max(1),
        };
        left -= share.min(left - 1);
        let share = share.min(group.len());
        let first = seats.len();
        seats.extend((0..share).map(|at| Seat { source: source(origin, at), hands: Vec::new() }));
        for (at, seated) in group.into_iter().enumerate() {
            seats[first + at % share].hands.push(seated);
        }
    }
    seats
}

/// Whether people can come from addresses of their own: all of 127.0.0.0/8 is this machine.
pub(super) fn own_addresses(server: IpAddr) -> bool {
    cfg!(target_os = "linux") && matches!(server, IpAddr::V4(address) if address.is_loopback())
}

fn source(origin: Origin, at: usize) -> Option<Ipv4Addr> {
    let part = |number: usize, base: usize, size: usize| (base + number % size) as u8;
    match origin {
        Origin::Usual => None,
        Origin::OnePrefix => Some(Ipv4Addr::new(127, 66, 0, part(at, 1, 250))),
        // Far apart in both of the longer prefixes.
        Origin::ManyPrefixes => {
            Some(Ipv4Addr::new(127, part(at, 70, 180), part(at / 180, 0, 250), 1))
        }
    }
}

/// Takes all seats and waits until everybody has left.
pub(super) async fn attend(
    seats: Vec<Seat>,
    setting: &Arc<Setting>,
) -> Result<Watched, RehearseFault> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores / 2).clamp(1, THREADS_MAX);
    let mut shares: Vec<Vec<Seat>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, seat) in seats.into_iter().enumerate() {
        shares[at % threads].push(seat);
    }
    let mut watching = Vec::new();
    for share in shares {
        let (done, waiting) = oneshot::channel();
        let setting = Arc::clone(setting);
        let thread = std::thread::Builder::new().name("crowd".to_owned());
        let thread = thread.spawn(move || {
            // Nobody waits for it any more if the rehearsal has been dropped.
            let _ = done.send(attend_here(share, &setting));
        });
        thread.map_err(|error| RehearseFault::Thread(error.kind()))?;
        watching.push(waiting);
    }
    let mut watched = Watched::new();
    for waiting in watching {
        let broke = RehearseFault::Thread(std::io::ErrorKind::Other);
        watched.add(waiting.await.map_err(|_| broke)??);
    }
    watched.calls.sort_by_key(|call| call.ended);
    Ok(watched)
}

/// One thread's share.
fn attend_here(seats: Vec<Seat>, setting: &Arc<Setting>) -> Result<Watched, RehearseFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| RehearseFault::Thread(error.kind()))?;
    let watched = Rc::new(RefCell::new(Watched::new()));
    let here = LocalSet::new();
    for seat in seats {
        here.spawn_local(Taken::new(seat, setting, &watched).stay());
    }
    runtime.block_on(here);
    let watched = Rc::into_inner(watched).expect("everybody has left");
    Ok(watched.into_inner())
}

/// A seat with somebody on it.
struct Taken {
    setting: Arc<Setting>,
    watched: Rc<RefCell<Watched>>,
    line: Line,
    hands: Vec<Seated>,
    steps: Vec<Option<Step>>,
    due: BinaryHeap<Reverse<(Micros, usize)>>,
    at_home: bool,
    /// When this seat was taken: whoever wanted to ask before was not late.
    came: Micros,
    /// Attempts in a row that the server did not take.
    refused: u32,
}

impl Taken {
    fn new(seat: Seat, setting: &Arc<Setting>, watched: &Rc<RefCell<Watched>>) -> Self {
        Self {
            setting: Arc::clone(setting),
            watched: Rc::clone(watched),
            line: Line::new(setting.address, seat.source),
            steps: vec![None; seat.hands.len()],
            hands: seat.hands,
            due: BinaryHeap::new(),
            at_home: false,
            came: setting.clock.now(),
            refused: 0,
        }
    }

    async fn stay(mut self) {
        for at in 0..self.hands.len() {
            let step = self.hands[at].hand.step(Micros(0), None);
            self.plan(at, step);
        }
        while let Some(Reverse((when, at))) = self.due.peek().copied() {
            if !self.wait(when).await {
                continue;
            }
            if self.setting.clock.now() >= self.setting.over() {
                break;
            }
            self.due.pop();
            let Some(step) = self.steps[at].take() else { continue };
            let Some(heard) = self.ask(at, &step).await else {
                let again = Step { at: self.setting.clock.now(), ..step };
                self.plan(at, Some(again));
                continue;
            };
            let now = self.setting.clock.now();
            let next = self.hands[at].hand.step(now, Some(&heard));
            self.plan(at, next);
        }
        self.watched.borrow_mut().unheard += self.due.len() as u64;
    }

    /// Who has been sent home only asks after queued claims.
    fn plan(&mut self, at: usize, step: Option<Step>) {
        let asks = |step: &Step| matches!(step.asked, Asked::Result { .. });
        let Some(step) = step.filter(|step| !self.at_home || asks(step)) else {
            self.setting.ended.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.due.push(Reverse((step.at, at)));
        self.steps[at] = Some(step);
    }

    /// Waits until it is time; false when the crowd was sent home meanwhile and the next step may be another one.
    async fn wait(&mut self, when: Micros) -> bool {
        let when = self.setting.clock.moment(when.min(self.setting.over()));
        if self.at_home || when <= Instant::now() && !self.setting.home.asked() {
            sleep_until(when).await;
            return true;
        }
        let sent_home = tokio::select! {
            () = sleep_until(when) => false,
            () = self.setting.home.wait() => true,
        };
        if sent_home {
            self.go_home();
        }
        !sent_home
    }

    fn go_home(&mut self) {
        self.at_home = true;
        self.due.clear();
        for at in 0..self.hands.len() {
            if let Some(step) = self.steps[at].take() {
                self.plan(at, Some(step));
            }
        }
    }

    /// Nothing where nobody took the question: it was not asked, and is to be asked again as it is.
    async fn ask(&mut self, at: usize, step: &Step) -> Option<Heard> {
        let question = self.setting.requests.of(&step.asked, Some(&self.hands[at].who));
        // A claim's id that no address can hold was strange when it was heard, and leads nowhere.
        let Some(question) = question else { return Some(Heard::Strange { status: 0, ret: None }) };
        let hang_up = step.hang_up.map(|wait| Duration::from_micros(wait.0));
        let begun = self.setting.clock.now();
        let exchange = self.line.ask(&question, self.setting.patience(), hang_up).await;
        let exchange = match exchange {
            Ok(exchange) => exchange,
            Err(reason) => return self.no_line(reason).await,
        };
        let clock = self.setting.clock;
        let Some(sent) = exchange.sent.map(|sent| clock.of(sent)) else {
            return self.no_line(NoLine::Refused).await;
        };
        self.refused = 0;
        let heard = exchange.reply.map_or(Heard::Lost, |reply| {
            let (status, retry_after) = (reply.status, reply.retry_after);
            let answer = Answer { status, retry_after, body: &reply.body };
            heard(&step.asked, &self.setting.activity, answer)
        });
        let late = begun.0.saturating_sub(step.at.max(self.came).0);
        let call = Call {
            person: self.hands[at].hand.person(),
            asked: step.asked.clone(),
            sent,
            ended: clock.of(exchange.ended),
            heard: heard.clone(),
        };
        self.record(call, late);
        Some(heard)
    }

    fn record(&mut self, call: Call, late: u64) {
        let mut watched = self.watched.borrow_mut();
        watched.late.saturating_record(late.max(1));
        watched.calls.push(call);
        // Those under way are still recorded: a history must not lack what a person was told.
        if !self.setting.record_one() {
            watched.note(Note::CallsFull(CALLS_MAX.into()));
            self.setting.send_home(SETTLE_MAX);
        }
    }

    /// Nothing was asked. Whoever finds nobody there tries again, as people do, but not for ever: in the end it is as if
    /// the answer had been lost.
    async fn no_line(&mut self, reason: NoLine) -> Option<Heard> {
        self.refused = self.refused.saturating_add(1);
        let gives_up = reason != NoLine::Refused || self.refused > REFUSED_MAX;
        {
            let mut watched = self.watched.borrow_mut();
            if self.setting.is_away() {
                watched.kept_out += 1;
            } else {
                watched.unsent += 1;
            }
            match reason {
                NoLine::TooFewFiles => watched.note(Note::TooFewFiles),
                NoLine::Source => watched.note(Note::AddressRefused),
                NoLine::Refused => {}
            }
        }
        tokio::time::sleep(NO_LINE_WAIT).await;
        // Nobody on this seat was late by their own connection.
        self.came = self.setting.clock.now();
        gives_up.then_some(Heard::Lost)
    }
}

#[cfg(test)]
mod tests;
