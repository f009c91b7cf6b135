//! A history made ready for the checks: names and types looked up, calls sorted into tries, tickets into awards.
//! Built once, in one pass each; nothing in here judges.

use super::{
    awards::{Award, Awards, UNBOUND, claimed},
    desk::Desk,
    tries::Tries,
};
use crate::history::{Asked, Call, Heard, History, Key, Micros, Person, TypeIndex};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Tries of one person for one type of which nobody knows what they brought about.
#[derive(Clone, Copy)]
pub struct Open {
    /// How many.
    pub tries: usize,
    /// When the first can have been decided, at the earliest.
    pub from: Micros,
}

/// A history made ready.
pub struct Seen<'a> {
    /// As it was written.
    pub history: &'a History,
    /// How far the server's clock may be from the rehearsal's.
    pub slack: Micros,
    /// The crowd by name.
    pub people: HashMap<&'a str, Person>,
    /// Who may claim; none: everybody.
    pub roster: Option<HashSet<Person>>,
    /// What operators did.
    pub desk: Desk,
    /// The claims.
    pub tries: Tries<'a>,
    /// Claims without a known end.
    pub open: HashMap<(Person, usize), Open>,
    /// The tickets.
    pub awards: Awards<'a>,
    /// Places of each type's awards.
    pub of_type: Vec<Vec<usize>>,
    /// Places of each person's awards.
    pub of_person: BTreeMap<Person, Vec<usize>>,
    /// Something failed or was turned away, so that a number may be missing and a refusal unrecorded.
    pub trouble: bool,
}

impl<'a> Seen<'a> {
    /// Makes a history ready.
    pub fn new(history: &'a History, slack: Micros) -> Self {
        let announced = &history.announced;
        let numbered = history.names.iter().zip(0..);
        let people = numbered.map(|(name, no)| (name.as_str(), Person(no))).collect();
        let ids = announced.types.iter().map(|one| one.id.as_str());
        let types: HashMap<&str, usize> = ids.zip(0..).collect();
        let desk = Desk::new(announced.types.iter().map(|one| one.stock), &history.interventions);
        let tries = Tries::new(&history.calls);
        let mut awards = Awards::new(history);
        awards.settle(&history.calls, &tries, &people, &types);
        let mut seen = Self {
            history,
            slack,
            people,
            roster: announced.roster.as_ref().map(|roster| roster.iter().copied().collect()),
            trouble: desk.restarted || history.calls.iter().any(is_trouble),
            desk,
            open: open_tries(&history.calls, &tries),
            tries,
            awards,
            of_type: vec![Vec::new(); announced.types.len()],
            of_person: BTreeMap::new(),
        };
        seen.sort_awards();
        seen
    }

    /// Sorts awards by type and person, and bounds those that no answer is known for by what may have won them.
    fn sort_awards(&mut self) {
        for (place, award) in self.awards.all.iter_mut().enumerate() {
            if award.from == UNBOUND {
                let open = award.person.zip(award.of).and_then(|of| self.open.get(&of));
                award.from = open.map_or(Micros(0), |open| open.from);
            }
            if let Some(of) = award.of {
                self.of_type[of].push(place);
            }
            if let Some(person) = award.person {
                self.of_person.entry(person).or_default().push(place);
            }
        }
    }

    /// One award, by place.
    pub fn award(&self, place: usize) -> &Award<'a> {
        &self.awards.all[place]
    }

    /// The awards of a type.
    pub fn awards_of(&self, index: usize) -> impl Iterator<Item = &Award<'a>> {
        self.of_type[index].iter().map(|place| self.award(*place))
    }

    /// The awards of a person.
    pub fn awards_to(&self, person: Person) -> impl Iterator<Item = &Award<'a>> {
        let places = self.of_person.get(&person).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|place| self.award(*place))
    }

    /// The claims among the calls.
    pub fn claims(&self) -> impl Iterator<Item = (&'a Call, TypeIndex, Option<Key>)> {
        self.history.calls.iter().filter_map(|call| match &call.asked {
            Asked::Claim { ticket_type, key } => Some((call, *ticket_type, *key)),
            _ => None,
        })
    }

    /// A type's id, for sentences.
    pub fn type_name(&self, index: usize) -> &'a str {
        self.history.announced.types.get(index).map_or("(no such type)", |one| one.id.as_str())
    }

    /// A person, for sentences.
    pub fn who(&self, person: Person) -> String {
        let name = self.history.names.get(person.0 as usize).map_or("", String::as_str);
        format!("{name} (person {})", person.0)
    }

    /// An award, for sentences.
    pub fn what(&self, award: &Award<'_>) -> String {
        let of = award.of.map_or("(no such type)", |of| self.type_name(of));
        let whose = award.person.map_or("nobody of the crowd".to_owned(), |one| self.who(one));
        format!("claim {} of type {of}, ticket {}, of {whose}", award.claim_no(), award.id)
    }
}

/// When a call was under way, for sentences.
pub fn when(call: &Call) -> String {
    format!("between {} and {}", at(call.sent), at(call.ended))
}

/// An instant, for sentences.
pub fn at(time: Micros) -> String {
    format!("{}.{:06} s", time.0 / 1_000_000, time.0 % 1_000_000)
}

fn is_trouble(call: &Call) -> bool {
    claimed(&call.asked).is_some() && matches!(call.heard, Heard::Failed(_) | Heard::Busy { .. })
}

fn open_tries(calls: &[Call], tries: &Tries<'_>) -> HashMap<(Person, usize), Open> {
    let mut all: HashMap<(Person, usize), Open> = HashMap::new();
    for one in tries.all.iter().filter(|one| tries.is_open(one, calls)) {
        let from = one.from(calls, Micros(u64::MAX));
        let mut types: Vec<usize> =
            one.calls.iter().filter_map(|place| claimed(&calls[*place].asked)).collect();
        types.sort_unstable();
        types.dedup();
        for of in types {
            let open = all.entry((one.person, of)).or_insert(Open { tries: 0, from });
            open.tries += 1;
            open.from = open.from.min(from);
        }
    }
    all
}
