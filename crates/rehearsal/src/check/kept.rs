//! Promise 2: what people were told against the orders' export, in both directions.
//! A row that nobody heard of is explained by a claim whose end nobody knows, once for each such claim.

use super::{
    awards::{Award, claimed},
    notes::{Check, Notes},
    seen::{Seen, when},
};
use crate::history::{Heard, Micros, OrderRow, Person, Ticket};
use std::collections::{HashMap, HashSet};

const LOST_AWARD: Check = Check::named("lost-award");
const CHANGED_ROW: Check = Check::named("changed-row");
const UNEXPLAINED_ROW: Check = Check::named("unexplained-row");
const REFUSED_WITH_EFFECT: Check = Check::named("refused-with-effect");
const CLAIM_NO_GAP: Check = Check::named("claim-no-gap");
const WRONG_TYPE: Check = Check::named("wrong-type");
const TICKETS_INCOMPLETE: Check = Check::named("tickets-incomplete");

/// Tickets that a driver reads of a person's list, at most: a list of as many may have had more.
const LIST_MAX: usize = 20;

/// Looks at every ticket and every row.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    for award in &seen.awards.all {
        lost_or_changed(seen, notes, award);
    }
    unexplained(seen, notes);
    given_up(seen, notes);
    for index in 0..seen.of_type.len() {
        gaps(seen, notes, index);
    }
    wrong_type(seen, notes);
    incomplete(seen, notes);
}

fn lost_or_changed(seen: &Seen<'_>, notes: &mut Notes, award: &Award<'_>) {
    let Some((person, ticket)) = award.seen else { return };
    notes.one(LOST_AWARD, award.row.is_none(), || {
        format!("{} is not in the export", seen.what(award))
    });
    let Some(row) = award.row else { return };
    let name = seen.history.names.get(person.0 as usize);
    let differs = difference(name, ticket, row);
    notes.one(CHANGED_ROW, differs.is_some(), || {
        let who = seen.who(person);
        let field = differs.unwrap_or_default();
        format!("ticket {} as {who} saw it: the export has another {field}", award.id)
    });
}

fn difference(name: Option<&String>, ticket: &Ticket, row: &OrderRow) -> Option<&'static str> {
    let fields = [
        ("user", name == Some(&row.user)),
        ("type", ticket.type_id == row.type_id),
        ("code", ticket.code == row.code),
        ("claim number", ticket.claim_no == row.claim_no),
        ("order", ticket.order.as_ref().is_none_or(|order| *order == row.order)),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}

/// Rows that nobody was answered with, against the claims that may have brought them about.
fn unexplained(seen: &Seen<'_>, notes: &mut Notes) {
    let claimed_of: HashSet<(Person, usize)> =
        seen.claims().map(|(call, of, _)| (call.person, of.0)).collect();
    let mut unheard: HashMap<(Person, usize), usize> = HashMap::new();
    for award in seen.awards.all.iter().filter(|award| award.row.is_some()) {
        notes.looked(UNEXPLAINED_ROW, 1);
        notes.looked(REFUSED_WITH_EFFECT, 1);
        let Some(whose) = award.person.zip(award.of) else {
            notes.found(UNEXPLAINED_ROW, || {
                format!("{} is exported: no such person or type", seen.what(award))
            });
            continue;
        };
        if award.won.is_some_and(|(winner, _)| winner == whose.0) {
            continue;
        }
        let rows = unheard.entry(whose).or_default();
        *rows += 1;
        let tries = seen.open.get(&whose).map_or(0, |open| open.tries);
        if *rows <= tries {
            continue;
        }
        let refused = tries == 0 && claimed_of.contains(&whose);
        let check = if refused { REFUSED_WITH_EFFECT } else { UNEXPLAINED_ROW };
        notes.found(check, || {
            let why =
                if refused { "was told no or has won otherwise" } else { "has no such claim" };
            format!("{} is exported, whose owner {why}", seen.what(award))
        });
    }
}

/// A queued claim that ended as "nothing happened" has no order.
fn given_up(seen: &Seen<'_>, notes: &mut Notes) {
    for award in &seen.awards.all {
        let queued = award.order().and_then(|order| seen.tries.queued.get(order));
        let Some(queued) = queued else { continue };
        notes.one(REFUSED_WITH_EFFECT, queued.given_up, || {
            format!("{} ended as nothing happened, and is there", seen.what(award))
        });
    }
}

/// Every accepted claim has the next number: a hole is a claim that was accepted and is gone.
fn gaps(seen: &Seen<'_>, notes: &mut Notes, index: usize) {
    if seen.trouble {
        return;
    }
    let mut numbers: Vec<u32> = seen.awards_of(index).map(Award::claim_no).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for (no, expected) in numbers.iter().zip(1..) {
        notes.one(CLAIM_NO_GAP, *no != expected, || {
            format!("type {}: nobody has claim {expected}", seen.type_name(index))
        });
        if *no != expected {
            return;
        }
    }
}

/// A key may have been used for several types; its ticket is of one of them.
fn wrong_type(seen: &Seen<'_>, notes: &mut Notes) {
    for one in &seen.tries.all {
        let calls = || one.calls.iter().map(|place| &seen.history.calls[*place]);
        let types: HashSet<usize> = calls().filter_map(|call| claimed(&call.asked)).collect();
        for call in calls() {
            let Heard::Won(ticket) = &call.heard else { continue };
            let fits = types.iter().any(|of| seen.type_name(*of) == ticket.type_id);
            notes.one(WRONG_TYPE, !fits, || {
                let who = seen.who(one.person);
                format!("{who} got type {} {}, not claimed", ticket.type_id, when(call))
            });
        }
    }
}

/// A list that was asked for after a ticket was given has that ticket.
fn incomplete(seen: &Seen<'_>, notes: &mut Notes) {
    let before = |award: &&Award<'_>, whose: Person, sent: Micros| {
        award.won.is_some_and(|(winner, heard)| winner == whose && heard < sent)
    };
    for call in &seen.history.calls {
        let Heard::Tickets(tickets) = &call.heard else { continue };
        let missing = seen
            .awards_to(call.person)
            .filter(|award| before(award, call.person, call.sent))
            .find(|award| tickets.iter().all(|ticket| ticket.id != award.id));
        let wrong = missing.is_some() && tickets.len() < LIST_MAX;
        notes.one(TICKETS_INCOMPLETE, wrong, || {
            let what = missing.map_or(String::new(), |award| seen.what(award));
            format!("{what} is not in the list asked for {}", when(call))
        });
    }
}
