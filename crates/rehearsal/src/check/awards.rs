//! Every ticket that anybody was shown or that the export has, and when it can have been decided.
//! Where answers and export differ, both stay: which of them is wrong is for the checks.

use super::tries::Tries;
use crate::history::{Asked, Call, Heard, History, Micros, OrderRow, Person, Refused, Ticket};
use std::collections::HashMap;

/// A ticket of the sale.
pub struct Award<'a> {
    /// Its id.
    pub id: &'a str,
    /// Who was shown it first, and how.
    pub seen: Option<(Person, &'a Ticket)>,
    /// Who was answered with it, and when that answer was there first.
    pub won: Option<(Person, Micros)>,
    /// Its first row in the export.
    pub row: Option<&'a OrderRow>,
    /// Whose it is: by the answers, else by the export.
    pub person: Option<Person>,
    /// Of which type: by the export, else by the answers; none: of no type of the sale.
    pub of: Option<usize>,
    /// It was not decided before this instant.
    pub from: Micros,
    /// It was decided by this instant.
    pub until: Micros,
}

impl<'a> Award<'a> {
    /// Its number: by the export, else by the answers.
    pub fn claim_no(&self) -> u32 {
        self.row.map_or(self.seen.map_or(0, |(_, ticket)| ticket.claim_no), |row| row.claim_no)
    }

    /// Its code: by the export, else by the answers.
    pub fn code(&self) -> Option<&'a str> {
        match self.row {
            Some(row) => row.code.as_deref(),
            None => self.seen.and_then(|(_, ticket)| ticket.code.as_deref()),
        }
    }

    /// The id of its order, where either knows it.
    pub fn order(&self) -> Option<&'a str> {
        let seen = self.seen.and_then(|(_, ticket)| ticket.order.as_deref());
        seen.or(self.row.map(|row| row.order.as_str()))
    }

    fn type_id(&self) -> &'a str {
        match (self.row, self.seen) {
            (Some(row), _) => &row.type_id,
            (None, Some((_, ticket))) => &ticket.type_id,
            (None, None) => "",
        }
    }
}

/// All awards, by ticket id.
pub struct Awards<'a> {
    /// In the order in which they were heard of.
    pub all: Vec<Award<'a>>,
    /// The place of each in `all`.
    pub by_id: HashMap<&'a str, usize>,
    /// Calls in which a ticket was shown otherwise than before.
    pub changed: Vec<(usize, &'a Ticket)>,
    /// How many times any ticket was shown.
    pub sightings: usize,
}

impl<'a> Awards<'a> {
    /// Everything that the calls and the export show.
    pub fn new(history: &'a History) -> Self {
        let mut awards =
            Self { all: Vec::new(), by_id: HashMap::new(), changed: Vec::new(), sightings: 0 };
        for (place, call) in history.calls.iter().enumerate() {
            for ticket in tickets(call) {
                awards.note(place, call, ticket);
            }
        }
        for row in &history.orders {
            let award = awards.entry(&row.ticket);
            award.row = award.row.or(Some(row));
        }
        awards
    }

    /// Fills in whose the awards are, of which type, and when they were decided.
    pub fn settle(
        &mut self,
        calls: &'a [Call],
        tries: &Tries<'a>,
        people: &HashMap<&str, Person>,
        types: &HashMap<&str, usize>,
    ) {
        self.bound_by_tries(calls, tries);
        for award in &mut self.all {
            let by_row = award.row.and_then(|row| people.get(row.user.as_str()).copied());
            award.person = award.seen.map(|(person, _)| person).or(by_row);
            award.of = types.get(award.type_id()).copied();
            let queued = award.order().and_then(|order| tries.queued.get(order));
            if let Some(queued) = queued {
                award.until = award.until.min(queued.heard);
            }
        }
    }

    /// What a try has won was decided while it was asked for.
    fn bound_by_tries(&mut self, calls: &'a [Call], tries: &Tries<'a>) {
        for one in &tries.all {
            let won = |place: &usize| match &calls[*place].heard {
                Heard::Won(ticket) => Some((ticket, calls[*place].ended)),
                _ => None,
            };
            let Some((_, first)) = one.calls.iter().find_map(won) else { continue };
            let from = one.from(calls, first);
            for (ticket, _) in one.calls.iter().filter_map(won) {
                let award = self.entry(&ticket.id);
                award.from = if award.from == UNBOUND { from } else { award.from.min(from) };
            }
        }
    }

    fn note(&mut self, place: usize, call: &'a Call, ticket: &'a Ticket) {
        self.sightings += 1;
        let award = self.entry(&ticket.id);
        award.until = award.until.min(call.ended);
        if matches!(call.heard, Heard::Won(_)) {
            award.won = award.won.or(Some((call.person, call.ended)));
        }
        let (person, before) = *award.seen.get_or_insert((call.person, ticket));
        if person != call.person || !same(before, ticket) {
            self.changed.push((place, ticket));
        }
    }

    fn entry(&mut self, id: &'a str) -> &mut Award<'a> {
        let next = self.all.len();
        let place = *self.by_id.entry(id).or_insert(next);
        if place == next {
            self.all.push(Award {
                id,
                seen: None,
                won: None,
                row: None,
                person: None,
                of: None,
                from: UNBOUND,
                until: Micros(u64::MAX),
            });
        }
        &mut self.all[place]
    }
}

/// Marks awards of which no try is known.
pub const UNBOUND: Micros = Micros(u64::MAX);

/// The tickets that a call showed.
pub fn tickets(call: &Call) -> &[Ticket] {
    match &call.heard {
        Heard::Won(ticket) => std::slice::from_ref(ticket),
        Heard::Refused(Refused::LimitReached, tickets) | Heard::Tickets(tickets) => tickets,
        _ => &[],
    }
}

/// Whether two sightings of one ticket agree. Not every answer holds the order's id.
fn same(one: &Ticket, other: &Ticket) -> bool {
    let orders = one.order.as_ref().zip(other.order.as_ref());
    orders.is_none_or(|(one, other)| one == other)
        && (&one.type_id, &one.code, one.claim_no) == (&other.type_id, &other.code, other.claim_no)
}

/// The type that a claim, or a question about its result, is about.
pub fn claimed(asked: &Asked) -> Option<usize> {
    match asked {
        Asked::Claim { ticket_type, .. } | Asked::Result { ticket_type, .. } => Some(ticket_type.0),
        Asked::List | Asked::Detail | Asked::Tickets => None,
    }
}
