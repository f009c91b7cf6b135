//! The crowd's side of the wire: what is sent, lost and heard, and the calls as they go into the history. Beside the
//! crowd there are probes: claims that must win in the end, whatever happens.

use super::{Event, World, tasks::Task};
use crate::{figures::Count, scenario::Scenario};
use rehearsal::{
    crowd::{Hand, Step},
    history::{Asked, Call, Heard, Key, Micros, Person, TypeIndex},
};
use rules::UserNo;
use std::cell::{Cell, RefCell};

/// Claims of the prober: most while things go wrong, the last one after that.
pub const PROBES: usize = 7;
/// A request that is lost is given up within so many microseconds.
const GIVEN_UP_US: u64 = 500_000;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Hand(usize),
    Probe(usize),
}

/// A request on its way.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub who: Who,
    pub asked: Asked,
    pub user: UserNo,
    sent: u64,
    /// Whoever asked has heard, or does not listen any more.
    over: bool,
}

/// A probe that won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub probe: usize,
    pub order: String,
    pub claim_no: u32,
}

/// Everybody outside.
pub struct People {
    pub calls: RefCell<Vec<Call>>,
    pub acknowledged: RefCell<Vec<Acknowledged>>,
    users: RefCell<Vec<UserNo>>,
    hands: RefCell<Vec<Hand>>,
    requests: RefCell<Vec<Request>>,
    hands_done: Cell<usize>,
    heals: u64,
}

impl People {
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            calls: RefCell::default(),
            acknowledged: RefCell::default(),
            users: RefCell::default(),
            hands: RefCell::default(),
            requests: RefCell::default(),
            hands_done: Cell::new(0),
            heals: scenario.heals,
        }
    }

    /// The numbers of the crowd, and the prober's.
    pub fn sign_in(&self, users: Vec<UserNo>) {
        *self.users.borrow_mut() = users;
    }

    pub fn join(&self, hand: Hand) {
        self.hands.borrow_mut().push(hand);
    }

    pub fn prober(&self) -> UserNo {
        *self.users.borrow().last().expect("the prober is signed in")
    }

    pub fn probes_done(&self) -> bool {
        self.acknowledged.borrow().len() == PROBES
    }

    pub fn all_done(&self) -> bool {
        self.hands_done.get() == self.hands.borrow().len() && self.probes_done()
    }

    fn request(&self, who: Who, asked: Asked, sent: u64) -> usize {
        let user = match who {
            Who::Probe(_) => self.prober(),
            Who::Hand(hand) => self.users.borrow()[self.hands.borrow()[hand].person().0 as usize],
        };
        let mut requests = self.requests.borrow_mut();
        requests.push(Request { who, asked, user, sent, over: false });
        requests.len() - 1
    }

    pub(super) fn request_of(&self, id: usize) -> Request {
        self.requests.borrow()[id].clone()
    }

    fn person(&self, hand: usize) -> Person {
        self.hands.borrow()[hand].person()
    }

    pub(super) fn is_over(&self, id: usize) -> bool {
        self.requests.borrow()[id].over
    }

    /// The request, if this is the first that is heard of it.
    fn hears(&self, id: usize) -> Option<Request> {
        let request = &mut self.requests.borrow_mut()[id];
        let first = !std::mem::replace(&mut request.over, true);
        first.then(|| request.clone())
    }
}

impl World {
    pub(super) fn plan_probes(&self) {
        for probe in 0..PROBES - 1 {
            self.plan(self.below(self.people.heals), Event::Probe(probe));
        }
        self.plan(self.people.heals + self.below(100_000), Event::Probe(PROBES - 1));
    }

    pub(super) fn send(&self, hand: usize, step: Step) {
        let id = self.people.request(Who::Hand(hand), step.asked, self.now());
        self.tell("send", id as u64);
        if let Some(after) = step.hang_up {
            self.plan(self.now() + after.0, Event::HangUp(id));
        }
        self.depart(id);
    }

    pub(super) fn probe(&self, probe: usize) {
        self.count(Count::Probes);
        let asked = Asked::Claim { ticket_type: TypeIndex(0), key: Some(Key(probe as u32)) };
        let id = self.people.request(Who::Probe(probe), asked, self.now());
        self.depart(id);
    }

    fn depart(&self, id: usize) {
        if self.is_lost() {
            let at = self.now() + self.below(GIVEN_UP_US);
            return self.plan(at, Event::Deliver(id, Heard::Lost));
        }
        self.plan(self.now() + self.distance(), Event::Arrive(id));
    }

    /// The server's answer leaves.
    pub(super) fn reply(&self, id: usize, heard: Heard) {
        if !self.put_down(Task::Claim(id)) || self.people.is_over(id) {
            return;
        }
        if self.is_lost() {
            let at = self.now() + self.below(GIVEN_UP_US);
            return self.plan(at, Event::Deliver(id, Heard::Lost));
        }
        self.plan(self.now() + self.distance(), Event::Deliver(id, heard));
    }

    pub(super) fn is_lost(&self) -> bool {
        !self.healed.get() && self.of_1000(self.scenario.storm.lost)
    }

    /// Microseconds on the way: mostly few.
    pub(super) fn distance(&self) -> u64 {
        match self.below(20) {
            0 => self.between(5_000, 120_000),
            1..=6 => self.between(500, 5_000),
            _ => self.between(30, 500),
        }
    }

    pub(super) fn hang_up(&self, id: usize) {
        if !self.people.is_over(id) && self.of_1000(300) {
            self.drop_waiting(Task::Claim(id));
        }
        self.deliver(id, Heard::Lost);
    }

    pub(super) fn deliver(&self, id: usize, heard: Heard) {
        let Some(request) = self.people.hears(id) else { return };
        self.tell("heard", id as u64 * 16 + heard_no(&heard));
        match heard {
            Heard::Queued { .. } => self.count(Count::Queued),
            Heard::Busy { .. } => self.count(Count::Busy),
            Heard::Lost => self.count(Count::Lost),
            _ => {}
        }
        match request.who {
            Who::Probe(probe) => self.probed(probe, heard),
            Who::Hand(hand) => self.heard(hand, request, heard),
        }
    }

    fn heard(&self, hand: usize, request: Request, heard: Heard) {
        let (sent, ended) = (Micros(request.sent), Micros(self.now()));
        let next = self.people.hands.borrow_mut()[hand].step(ended, Some(&heard));
        let person = self.people.person(hand);
        let call = Call { person, asked: request.asked, sent, ended, heard };
        self.people.calls.borrow_mut().push(call);
        match next {
            Some(step) => self.plan(step.at.0, Event::Send(hand, step)),
            None => self.people.hands_done.set(self.people.hands_done.get() + 1),
        }
    }

    fn probed(&self, probe: usize, heard: Heard) {
        if let Heard::Won(ticket) = heard {
            let order = ticket.order.expect("a ticket that is won has an order");
            let won = Acknowledged { probe, order, claim_no: ticket.claim_no };
            self.people.acknowledged.borrow_mut().push(won);
        } else {
            self.plan(self.now() + self.between(20_000, 400_000), Event::Probe(probe));
        }
    }
}

fn heard_no(heard: &Heard) -> u64 {
    match heard {
        Heard::Won(_) => 0,
        Heard::Queued { .. } => 1,
        Heard::Refused(refused, _) => 2 + *refused as u64,
        Heard::Busy { .. } => 8,
        Heard::Failed(_) => 9,
        Heard::Shown(_) => 10,
        Heard::Tickets(_) => 11,
        Heard::Lost => 12,
        Heard::Strange { .. } => 13,
    }
}
