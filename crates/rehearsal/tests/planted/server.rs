//! A correct server as plain data: it decides one claim at a time, and its claims are durable a moment later.
//! Written for these tests alone, so that the judge and what it judges share no code.

use rehearsal::history::{
    Announced, Change, Key, OrderRow, ParticipantRow, Person, Refused, Shown, Ticket, TypeIndex,
};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// An accepted claim.
#[derive(Clone, Copy)]
pub struct Claim {
    pub person: Person,
    pub of: usize,
    pub unit: u32,
    pub no: u32,
    /// Until then it is answered as queued.
    pub durable_at: u64,
}

/// What was decided.
pub enum Decision {
    Accepted(usize),
    Refused(Refused, Vec<usize>),
}

#[derive(Default)]
struct Units {
    free: VecDeque<u32>,
    made: u32,
    total: u32,
    no: u32,
}

#[derive(Default)]
struct Part {
    refused: Option<Refused>,
    at: u64,
}

/// The server.
pub struct Server {
    pub announced: Announced,
    invited: Option<HashSet<Person>>,
    /// How far its clock is ahead, in microseconds.
    pub ahead: i64,
    pub claims: Vec<Claim>,
    keys: HashMap<(Person, Key), usize>,
    of_person: HashMap<Person, Vec<usize>>,
    parts: BTreeMap<Person, Part>,
    units: Vec<Units>,
    paused: bool,
    closed: bool,
}

impl Server {
    pub fn new(announced: Announced, ahead: i64) -> Self {
        let units = |stock| Units { free: (0..stock).collect(), made: stock, total: stock, no: 0 };
        Self {
            units: announced.types.iter().map(|one| units(one.stock)).collect(),
            invited: announced.roster.as_ref().map(|roster| roster.iter().copied().collect()),
            announced,
            ahead,
            claims: Vec::new(),
            keys: HashMap::new(),
            of_person: HashMap::new(),
            parts: BTreeMap::new(),
            paused: false,
            closed: false,
        }
    }

    /// Decides one claim, durable `commit` later; with none it is lost before that, and no trace stays.
    pub fn claim(
        &mut self,
        now: u64,
        person: Person,
        of: usize,
        key: Option<Key>,
        commit: Option<u64>,
    ) -> Option<Decision> {
        if let Some(known) = key.and_then(|key| self.keys.get(&(person, key))) {
            return Some(Decision::Accepted(*known));
        }
        if let Some(refused) = self.refusal(now, person, of) {
            if commit.is_some() {
                self.note(now, person, refused);
            }
            let had = self.had(person).to_vec();
            return Some(Decision::Refused(refused, had));
        }
        let durable_at = now + commit?;
        let units = &mut self.units[of];
        let unit = units.free.pop_front().expect("a unit is free");
        units.no += 1;
        let place = self.claims.len();
        self.claims.push(Claim { person, of, unit, no: units.no, durable_at });
        self.of_person.entry(person).or_default().push(place);
        self.keys.extend(key.map(|key| ((person, key), place)));
        Some(Decision::Accepted(place))
    }

    fn refusal(&self, now: u64, person: Person, of: usize) -> Option<Refused> {
        let (announced, kind) = (&self.announced, &self.announced.types[of]);
        let now = now.saturating_add_signed(self.ahead);
        let had = self.had(person);
        let had_of = had.iter().filter(|place| self.claims[**place].of == of).count() as u32;
        let full = announced.limit_per_person.is_some_and(|limit| had.len() as u32 >= limit);
        let invited = self.invited.as_ref().is_none_or(|invited| invited.contains(&person));
        let table = [
            (self.closed || now >= kind.ends.0, Refused::Ended),
            (self.paused, Refused::Paused),
            (now < kind.opens.0, Refused::NotStarted),
            (!invited, Refused::NotEligible),
            (full || had_of >= kind.limit_per_person, Refused::LimitReached),
            (self.units[of].free.is_empty(), Refused::SoldOut),
        ];
        table.into_iter().find(|(applies, _)| *applies).map(|(_, refused)| refused)
    }

    fn note(&mut self, now: u64, person: Person, refused: Refused) {
        let part = self.parts.entry(person).or_default();
        if refused != Refused::NotStarted && part.refused.is_none() {
            (part.refused, part.at) = (Some(refused), now);
        }
    }

    pub fn had(&self, person: Person) -> &[usize] {
        self.of_person.get(&person).map(Vec::as_slice).unwrap_or_default()
    }

    /// Units that are free now.
    pub fn free(&self, of: usize) -> u32 {
        self.units[of].free.len() as u32
    }

    /// What an operator did takes effect.
    pub fn change(&mut self, what: Change) {
        match what {
            Change::Paused => self.paused = true,
            Change::Resumed => self.paused = false,
            Change::Closed => self.closed = true,
            Change::Added(TypeIndex(of), more) => {
                let units = &mut self.units[of];
                units.free.extend(units.made..units.made + more);
                units.made += more;
                units.total += more;
            }
            Change::TakenBack(TypeIndex(of), fewer) => {
                let units = &mut self.units[of];
                units.free.truncate(units.free.len() - fewer as usize);
                units.total -= fewer;
            }
            Change::Restarted => {}
        }
    }

    /// Refusals recorded after `since` were not on disk when the server died.
    pub fn forget_parts(&mut self, since: u64) {
        self.parts.retain(|_, part| part.at < since);
    }

    pub fn shown(&self, detail: bool) -> Shown {
        let left = self.units.iter().map(|units| units.free.len() as u32).sum();
        let types = self.units.iter().map(|units| (units.total, units.free.len() as u32, 0));
        let types = if detail { types.collect() } else { Vec::new() };
        Shown { state: "open".to_owned(), left, types }
    }

    pub fn ticket(&self, place: usize, with_order: bool) -> Ticket {
        let claim = self.claims[place];
        let kind = &self.announced.types[claim.of];
        Ticket {
            order: with_order.then(|| order_id(place)),
            id: format!("t{place}"),
            type_id: kind.id.clone(),
            code: kind.codes.get(claim.unit as usize).cloned(),
            claim_no: claim.no,
        }
    }

    pub fn orders(&self, names: &[String]) -> Vec<OrderRow> {
        let row = |(place, claim): (usize, &Claim)| {
            let ticket = self.ticket(place, true);
            OrderRow {
                order: order_id(place),
                ticket: ticket.id,
                user: names[claim.person.0 as usize].clone(),
                type_id: ticket.type_id,
                code: ticket.code,
                claim_no: claim.no,
            }
        };
        self.claims.iter().enumerate().map(row).collect()
    }

    pub fn participants(&self, names: &[String]) -> Vec<ParticipantRow> {
        let mut rows = BTreeMap::new();
        for (person, part) in &self.parts {
            rows.insert(*person, (part.refused.map(refused_name), None));
        }
        for claim in self.claims.iter().rev() {
            rows.insert(claim.person, (Some("won"), Some(claim.no)));
        }
        let row = |(person, (outcome, claim_no)): (Person, (Option<&str>, Option<u32>))| {
            let user = names[person.0 as usize].clone();
            ParticipantRow { user, outcome: outcome.map(str::to_owned), claim_no }
        };
        rows.into_iter().map(row).collect()
    }
}

/// The id of the claim in this place.
pub fn order_id(place: usize) -> String {
    format!("o{place}")
}

/// The name of a refusal in exports.
pub fn refused_name(refused: Refused) -> &'static str {
    match refused {
        Refused::Ended => "ended",
        Refused::SoldOut => "sold_out",
        Refused::NotStarted => "not_started",
        Refused::LimitReached => "limit_reached",
        Refused::NotEligible => "not_eligible",
        Refused::Paused => "paused",
    }
}
