//! A good sale: a plausible crowd with concurrency, lost replies, retries, queued claims and interventions, and the
//! history that it leaves. Everything follows from the seed; nothing here is wrong on purpose.

use crate::{
    chance::Chance,
    server::{Decision, Server, order_id},
};
use rehearsal::history::{
    Announced, AnnouncedType, Asked, Call, Change, Effect, Heard, History, Intervention, Key,
    Micros, Person, Refused, TypeIndex,
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// When the first type opens.
pub const OPENS: u64 = 2_000_000;
/// When everything ends.
pub const ENDS: u64 = 9_000_000;
/// The server's clock is at most so far ahead or behind.
pub const CLOCK_AHEAD_MAX: u64 = 40_000;
/// A claim is durable so long after its decision.
const COMMIT: u64 = 5_000;
/// A slow commit: meanwhile its claim is queued.
const COMMIT_SLOW: u64 = 70_000;
/// Whatever was decided so shortly before a crash is lost with it.
const LOST_WITH_CRASH: u64 = 25_000;
/// Refusals are recorded at most so long after they were told.
const PARTS_LATE: u64 = 300_000;

/// One call that a person is going to make, at `at` or when the one before has ended.
#[derive(Clone)]
struct Step {
    at: u64,
    what: Asked,
    /// The reply will not arrive.
    lose: bool,
}

/// One hand of a person: it does its steps one after the other.
struct Hand {
    person: Person,
    steps: std::collections::VecDeque<Step>,
}

/// Something that happens at an instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// An operator's change takes effect.
    Desk(usize),
    /// A hand's next call, sent at that time, is decided.
    Call(usize, u64),
}

/// What differs from sale to sale.
pub struct Wishes {
    pub people: u32,
    pub crash: bool,
    pub overload: bool,
}

impl Wishes {
    /// A small sale of its own kind for each seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x5eed);
        Self {
            people: chance.number(30, 120) as u32,
            crash: chance.happens(20),
            overload: chance.happens(15),
        }
    }
}

struct Sale {
    chance: Chance,
    server: Server,
    hands: Vec<Hand>,
    agenda: BinaryHeap<Reverse<(u64, Happens)>>,
    interventions: Vec<Intervention>,
    /// Died and served again.
    crash: Option<(u64, u64)>,
    overload: bool,
    lost_claims: usize,
    calls: Vec<Call>,
}

/// The history of the sale with this seed.
pub fn good(seed: u64) -> History {
    sale(seed, &Wishes::of(seed))
}

/// The history of a sale of this kind.
pub fn sale(seed: u64, wishes: &Wishes) -> History {
    let mut chance = Chance::new(seed);
    let names: Vec<String> = (0..wishes.people).map(|no| format!("user-{no:06}")).collect();
    let announced = announced(&mut chance, wishes.people);
    let ahead = chance.number(0, 2 * CLOCK_AHEAD_MAX) as i64 - CLOCK_AHEAD_MAX as i64;
    let crash = wishes.crash.then(|| {
        let died = chance.number(OPENS + 50_000, OPENS + 500_000);
        (died, died + chance.number(10_000, 300_000))
    });
    let mut sale = Sale {
        server: Server::new(announced, ahead),
        hands: Vec::new(),
        agenda: BinaryHeap::new(),
        interventions: Vec::new(),
        crash,
        overload: wishes.overload,
        lost_claims: 0,
        calls: Vec::new(),
        chance,
    };
    sale.plan_desk();
    for person in 0..wishes.people {
        sale.plan(Person(person));
    }
    sale.run();
    sale.calls.sort_by_key(|call| call.ended);
    History {
        orders: sale.server.orders(&names),
        participants: sale.server.participants(&names),
        announced: sale.server.announced,
        names,
        interventions: sale.interventions,
        calls: sale.calls,
        paying: None,
    }
}

fn announced(chance: &mut Chance, people: u32) -> Announced {
    let types = (0..chance.number(1, 2)).map(|index| {
        let stock = chance.number(u64::from(people) / 6, u64::from(people)) as u32;
        let coded = chance.happens(50);
        // Codes that sort otherwise than they were imported.
        let code = |place: u32| format!("{:08x}-{index}", place.wrapping_mul(0x9e37_79b1));
        AnnouncedType {
            id: format!("type-{index}"),
            stock,
            codes: (0..stock).filter(|_| coded).map(code).collect(),
            limit_per_person: chance.number(1, 3) as u32,
            opens: Micros(OPENS + index * 300_000),
            ends: Micros(ENDS),
        }
    });
    let types = types.collect();
    let roster: Vec<Person> = (0..people).filter(|_| chance.happens(90)).map(Person).collect();
    Announced {
        activity: "act".to_owned(),
        limit_per_person: chance.happens(40).then(|| chance.number(1, 3) as u32),
        roster: chance.happens(40).then_some(roster),
        types,
        clock_within: Micros(CLOCK_AHEAD_MAX),
    }
}

impl Sale {
    /// A pause, units added and taken back, a close: each in some sales.
    fn plan_desk(&mut self) {
        if let Some((died, back)) = self.crash {
            self.intervene(died, Some(back), Change::Restarted, died);
        }
        let mut at = OPENS + 2_600_000;
        if self.chance.happens(50) {
            self.ask(&mut at, Change::Paused);
            at += 200_000;
            self.ask(&mut at, Change::Resumed);
        }
        let plain = |server: &Server| server.announced.types[0].codes.is_empty();
        if plain(&self.server) && self.chance.happens(70) {
            let more = self.chance.number(1, 6) as u32;
            self.ask(&mut at, Change::Added(TypeIndex(0), more));
        }
        at = at.max(OPENS + 4_000_000);
        if plain(&self.server) && self.chance.happens(30) {
            self.ask(&mut at, Change::TakenBack(TypeIndex(0), 2));
        }
        if self.chance.happens(30) {
            self.ask(&mut at, Change::Closed);
        }
    }

    fn ask(&mut self, at: &mut u64, what: Change) {
        let sent = *at;
        let effect = sent + self.chance.number(0, 20_000);
        let heard = effect + self.chance.number(0, 20_000);
        self.intervene(sent, Some(heard), what, effect);
        *at = heard + 1 + self.chance.number(0, 400_000);
    }

    fn intervene(&mut self, sent: u64, heard: Option<u64>, what: Change, effect: u64) {
        let place = self.interventions.len();
        let heard = heard.map(Micros);
        self.interventions.push(Intervention { sent: Micros(sent), heard, what });
        self.agenda.push(Reverse((effect, Happens::Desk(place))));
    }

    /// What one person is going to do.
    fn plan(&mut self, person: Person) {
        let spike = OPENS + self.chance.number(0, 400_000);
        match self.chance.number(0, 9) {
            0 | 1 => self.hand(person, spike, 1, None),
            // A double click, with and without a key.
            2 => (0..2).for_each(|_| self.hand(person, spike, 1, Some(Key(0)))),
            3 => (0..2).for_each(|_| self.hand(person, spike, 1, None)),
            // An early bird who goes on until the sale is open.
            4 => self.hand(person, OPENS - 900_000, 8, Some(Key(0))),
            // Frantic.
            5 => (0..3).for_each(|_| self.hand(person, spike, 5, Some(Key(0)))),
            // Several claims of their own.
            6 => (1..4).for_each(|key| self.hand(person, spike, 2, Some(Key(key)))),
            // Comes late, or after the end.
            7 => {
                let late = self.chance.number(OPENS + 2_500_000, ENDS + 900_000);
                self.hand(person, late, 3, None);
            }
            8 => {
                self.hand(person, spike, 1, Some(Key(0)));
                let late = self.chance.number(OPENS + 2_500_000, ENDS);
                self.hand(person, late, 1, Some(Key(1)));
            }
            _ => self.reader(person),
        }
        if self.chance.happens(30) {
            self.reader(person);
        }
    }

    fn hand(&mut self, person: Person, start: u64, times: u32, key: Option<Key>) {
        let types = self.server.announced.types.len() as u64;
        let of = TypeIndex(self.chance.number(0, types - 1) as usize);
        let mut steps = std::collections::VecDeque::new();
        let mut at = start;
        for _ in 0..times {
            let what = Asked::Claim { ticket_type: of, key };
            let lose = self.chance.happens(12);
            steps.push_back(Step { at, what: what.clone(), lose });
            if lose {
                // With the same key, or without one: then the limit says no, or they have two.
                steps.push_back(Step { at, what, lose: false });
            }
            at += self.chance.number(0, 300_000);
        }
        self.begin(Hand { person, steps });
    }

    fn reader(&mut self, person: Person) {
        let mut steps = std::collections::VecDeque::new();
        for _ in 0..3 {
            let what = self.chance.pick(&[0, 1, 2]).map(|kind| match kind {
                0 => Asked::List,
                1 => Asked::Detail,
                _ => Asked::Tickets,
            });
            let at = self.chance.number(OPENS - 500_000, OPENS + 5_000_000);
            steps.extend(what.map(|what| Step { at, what, lose: false }));
        }
        self.begin(Hand { person, steps });
    }

    fn begin(&mut self, hand: Hand) {
        self.hands.push(hand);
        self.next(self.hands.len() - 1, 0);
    }

    /// Puts a hand's next call on the agenda.
    fn next(&mut self, hand: usize, free_at: u64) {
        let Some(step) = self.hands[hand].steps.front() else { return };
        let sent = step.at.max(free_at) + self.chance.number(1, 20_000);
        let decided = sent + self.chance.number(1, 8_000);
        self.agenda.push(Reverse((decided, Happens::Call(hand, sent))));
    }

    fn run(&mut self) {
        while let Some(Reverse((now, happens))) = self.agenda.pop() {
            match happens {
                Happens::Desk(place) => self.desk(now, place),
                Happens::Call(hand, sent) => self.call(now, hand, sent),
            }
        }
    }

    fn desk(&mut self, now: u64, place: usize) {
        match self.interventions[place].what {
            Change::Restarted => self.server.forget_parts(now.saturating_sub(PARTS_LATE)),
            Change::TakenBack(TypeIndex(of), fewer) if self.server.free(of) < fewer => {
                // It was refused: it never happened, and the rehearsal does not write it down.
                self.interventions[place].what = Change::TakenBack(TypeIndex(of), 0);
            }
            what => self.server.change(what),
        }
    }

    fn call(&mut self, now: u64, hand: usize, sent: u64) {
        let Some(step) = self.hands[hand].steps.pop_front() else { return };
        let person = self.hands[hand].person;
        let mut ended = now + self.chance.number(COMMIT, 30_000);
        let mut heard = self.answer(now, person, &step);
        let dead = |at: u64| self.crash.is_some_and(|(died, back)| (died..back).contains(&at));
        let died_on_it = self.crash.is_some_and(|(died, _)| now < died && died <= ended);
        if step.lose || dead(now) || died_on_it {
            heard = Heard::Lost;
            ended = now + self.chance.number(0, 40_000);
        }
        if let Heard::Queued { claim } = &heard {
            self.ask_after(hand, ended, claim, &step.what);
        }
        let (sent, ended) = (Micros(sent), Micros(ended));
        self.calls.push(Call { person, asked: step.what.clone(), sent, ended, heard });
        // A question about a result is repeated until there is an answer.
        let last = self.calls.last().map(|call| &call.heard);
        if matches!(
            (&step.what, last),
            (Asked::Result { .. }, Some(Heard::Lost | Heard::Busy { .. }))
        ) {
            let at = ended.0 + 100_000;
            self.hands[hand].steps.push_front(Step { at, what: step.what, lose: false });
        }
        self.next(hand, ended.0);
    }

    fn ask_after(&mut self, hand: usize, heard: u64, claim: &str, asked: &Asked) {
        let (Asked::Claim { ticket_type, key } | Asked::Result { ticket_type, key, .. }) = asked
        else {
            return;
        };
        let what = Asked::Result { claim: claim.to_owned(), ticket_type: *ticket_type, key: *key };
        let steps = &mut self.hands[hand].steps;
        let asks_already = steps.iter().any(|step| step.what == what);
        if !asks_already {
            // Twice, so that the same is heard again.
            for _ in 0..2 {
                steps.push_front(Step { at: heard + 30_000, what: what.clone(), lose: false });
            }
        }
    }

    fn answer(&mut self, now: u64, person: Person, step: &Step) -> Heard {
        match &step.what {
            Asked::Claim { ticket_type, key } => self.claim(now, person, ticket_type.0, *key),
            Asked::Result { claim, .. } => self.result(now, claim),
            Asked::List => Heard::Shown(self.server.shown(false)),
            Asked::Detail => Heard::Shown(self.server.shown(true)),
            Asked::Tickets => {
                let had = self.server.had(person).iter().rev();
                Heard::Tickets(had.map(|place| self.server.ticket(*place, false)).collect())
            }
        }
    }

    fn claim(&mut self, now: u64, person: Person, of: usize, key: Option<Key>) -> Heard {
        let dead = self.crash.is_some_and(|(died, back)| (died..back).contains(&now));
        if dead {
            return Heard::Lost;
        }
        let crash = self.crash;
        let dies_within =
            |span: u64| crash.is_some_and(|(died, _)| (now..now + span).contains(&died));
        let doomed = dies_within(LOST_WITH_CRASH);
        let slow = self.chance.happens(10) && !dies_within(2 * COMMIT_SLOW);
        if self.overload && self.chance.happens(15) {
            return Heard::Busy { retry_after: true };
        }
        if self.chance.happens(1) {
            // It never arrived.
            return Heard::Lost;
        }
        let commit = (!doomed).then_some(if slow { COMMIT_SLOW } else { COMMIT });
        match self.server.claim(now, person, of, key, commit) {
            // Decided and never durable.
            None if self.chance.happens(50) => {
                self.lost_claims += 1;
                Heard::Queued { claim: format!("gone-{}", self.lost_claims) }
            }
            None => Heard::Lost,
            Some(Decision::Accepted(place)) => self.accepted(now, place),
            // It may rest on what dies with the process.
            Some(Decision::Refused(..)) if doomed => Heard::Lost,
            Some(Decision::Refused(refused, had)) => self.refused(refused, &had),
        }
    }

    fn accepted(&self, now: u64, place: usize) -> Heard {
        if now + COMMIT < self.server.claims[place].durable_at {
            Heard::Queued { claim: order_id(place) }
        } else {
            Heard::Won(self.server.ticket(place, true))
        }
    }

    fn refused(&self, refused: Refused, had: &[usize]) -> Heard {
        let had = if refused == Refused::LimitReached { had } else { &[] };
        let tickets = had.iter().map(|place| self.server.ticket(*place, false)).collect();
        Heard::Refused(refused, tickets)
    }

    fn result(&self, now: u64, claim: &str) -> Heard {
        let place = claim.strip_prefix('o').and_then(|place| place.parse::<usize>().ok());
        place.map_or(Heard::Failed(Effect::None), |place| self.accepted(now, place))
    }
}
