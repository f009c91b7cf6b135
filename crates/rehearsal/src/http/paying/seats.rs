//! Payers on their connections: each is kept alive and shared in turn by several people, each step in the order of its
//! time. One thread of its own holds all of them, so that payers disturb nobody else's. Nothing here decides anything.

use super::{answer::heard, request::PayRequests};
use crate::{
    crowd::{PayStep, Payer},
    history::{
        Micros,
        paying::{PayCall, PayHeard},
    },
    http::{
        RehearseFault, Stop,
        answer::Answer,
        line::{Line, NoLine},
        seat::{NO_LINE_WAIT, REFUSED_MAX},
        setting::ANSWER_MS_MAX,
        time::Clock,
    },
};
use ::http::HeaderValue;
use std::{
    cell::RefCell, cmp::Reverse, collections::BinaryHeap, net::SocketAddr, rc::Rc, time::Duration,
};
use tokio::{sync::oneshot, task::LocalSet, time::sleep_until};

/// Calls of payers that are recorded.
const CALLS_MAX: usize = 2_000_000;

/// What all payers share.
#[derive(Clone, Debug)]
pub(super) struct Attending {
    pub(super) address: SocketAddr,
    pub(super) requests: PayRequests,
    pub(super) activity: String,
    pub(super) clock: Clock,
    /// When everything ends.
    pub(super) over: Micros,
    pub(super) stop: Stop,
}

/// What payers saw so far, and how many had not come to their end.
type Watched = (Vec<PayCall>, u64);

/// Sends the payers and waits until everybody has left.
pub(super) async fn attend(
    attending: Attending,
    people: Vec<(Payer, HeaderValue)>,
    connections: u32,
) -> Result<Watched, RehearseFault> {
    let (done, waiting) = oneshot::channel();
    let thread = std::thread::Builder::new().name("payers".to_owned()).spawn(move || {
        // Nobody waits any more when the rehearsal was given up.
        let _ = done.send(attend_here(&attending, people, connections as usize));
    });
    thread.map_err(|error| RehearseFault::Thread(error.kind()))?;
    let broke = RehearseFault::Thread(std::io::ErrorKind::Other);
    let (mut calls, unheard) = waiting.await.map_err(|_| broke)??;
    calls.sort_by_key(|call| call.ended);
    Ok((calls, unheard))
}

fn attend_here(
    attending: &Attending,
    people: Vec<(Payer, HeaderValue)>,
    connections: usize,
) -> Result<Watched, RehearseFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| RehearseFault::Thread(error.kind()))?;
    let watched: Rc<RefCell<Watched>> = Rc::default();
    let here = LocalSet::new();
    let share = connections.min(people.len()).max(1);
    let mut benches: Vec<Vec<(Payer, HeaderValue)>> = (0..share).map(|_| Vec::new()).collect();
    for (at, seated) in people.into_iter().enumerate() {
        benches[at % share].push(seated);
    }
    for people in benches {
        here.spawn_local(Bench::new(attending.clone(), people, &watched).stay());
    }
    runtime.block_on(here);
    let watched = Rc::into_inner(watched).expect("everybody has left");
    Ok(watched.into_inner())
}

/// One connection and those who share it.
struct Bench {
    attending: Attending,
    line: Line,
    people: Vec<(Payer, HeaderValue)>,
    steps: Vec<Option<PayStep>>,
    due: BinaryHeap<Reverse<(Micros, usize)>>,
    watched: Rc<RefCell<Watched>>,
    /// Attempts in a row that the server did not take.
    refused: u32,
}

impl Bench {
    fn new(
        attending: Attending,
        people: Vec<(Payer, HeaderValue)>,
        watched: &Rc<RefCell<Watched>>,
    ) -> Self {
        Self {
            line: Line::new(attending.address, None),
            attending,
            steps: vec![None; people.len()],
            people,
            due: BinaryHeap::new(),
            watched: Rc::clone(watched),
            refused: 0,
        }
    }

    async fn stay(mut self) {
        for at in 0..self.people.len() {
            let step = self.people[at].0.step(Micros(0), None);
            self.plan(at, step);
        }
        while let Some(Reverse((when, at))) = self.due.peek().copied() {
            let when = self.attending.clock.moment(when.min(self.attending.over));
            tokio::select! {
                () = sleep_until(when) => {}
                () = self.attending.stop.wait() => break,
            }
            let full = self.watched.borrow().0.len() >= CALLS_MAX;
            if self.attending.clock.now() >= self.attending.over || full {
                break;
            }
            self.due.pop();
            let Some(step) = self.steps[at].take() else { continue };
            let Some(heard) = self.ask(at, &step).await else {
                let again = PayStep { at: self.attending.clock.now(), ..step };
                self.plan(at, Some(again));
                continue;
            };
            let now = self.attending.clock.now();
            let next = self.people[at].0.step(now, Some(&heard));
            self.plan(at, next);
        }
        self.watched.borrow_mut().1 += self.due.len() as u64;
    }

    fn plan(&mut self, at: usize, step: Option<PayStep>) {
        let Some(step) = step else { return };
        self.due.push(Reverse((step.at, at)));
        self.steps[at] = Some(step);
    }

    /// Nothing where nobody took the question: it was not asked, and is to be asked again as it is.
    async fn ask(&mut self, at: usize, step: &PayStep) -> Option<PayHeard> {
        let (payer, who) = &self.people[at];
        let person = payer.person();
        let question = self.attending.requests.of(&step.asked, who);
        // An id that no address can hold was strange when it was heard, and leads nowhere.
        let Some(question) = question else {
            return Some(PayHeard::Strange { status: 0, ret: None });
        };
        let patience = Duration::from_millis(ANSWER_MS_MAX);
        let exchange = match self.line.ask(&question, patience, None).await {
            Ok(exchange) => exchange,
            Err(reason) => return self.no_line(reason).await,
        };
        let clock = self.attending.clock;
        let Some(sent) = exchange.sent.map(|sent| clock.of(sent)) else {
            return self.no_line(NoLine::Refused).await;
        };
        self.refused = 0;
        let heard = exchange.reply.map_or(PayHeard::Lost, |reply| {
            let (status, retry_after) = (reply.status, reply.retry_after);
            let answer = Answer { status, retry_after, body: &reply.body };
            heard(&step.asked, &self.attending.activity, answer)
        });
        let ended = clock.of(exchange.ended);
        let asked = step.asked.clone();
        let call = PayCall { person, asked, sent, ended, heard: heard.clone() };
        self.watched.borrow_mut().0.push(call);
        Some(heard)
    }

    /// Nothing was asked. Whoever finds nobody there tries again, but not for ever: in the end it is as if the answer
    /// had been lost.
    async fn no_line(&mut self, reason: NoLine) -> Option<PayHeard> {
        self.refused = self.refused.saturating_add(1);
        tokio::time::sleep(NO_LINE_WAIT).await;
        let gives_up = reason != NoLine::Refused || self.refused > REFUSED_MAX;
        gives_up.then_some(PayHeard::Lost)
    }
}
