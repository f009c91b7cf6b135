//! "Limit reached" and the roster: a no that the rules do not have, and a yes that they forbid.
//! Pauses and windows are looked at elsewhere, because they depend on time.

use super::{
    notes::{Check, Notes},
    seen::{Seen, when},
};
use crate::history::{Heard, Person, Refused, Ticket};
use std::collections::HashSet;

const LIMIT_REACHED_TOO_SOON: Check = Check::named("limit-reached-too-soon");
const NOT_ELIGIBLE_ON_ROSTER: Check = Check::named("not-eligible-on-roster");
const WON_OFF_ROSTER: Check = Check::named("won-off-roster");

/// Looks at refusals for the person's sake.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    for (call, of, _) in seen.claims() {
        match &call.heard {
            Heard::Refused(Refused::LimitReached, tickets) => {
                let wrong = !reaches_limit(seen, of.0, tickets);
                notes.one(LIMIT_REACHED_TOO_SOON, wrong, || {
                    let (who, name) = (seen.who(call.person), seen.type_name(of.0));
                    let had = tickets.len();
                    format!("{who} heard it of type {name} with {had} tickets {}", when(call))
                });
            }
            Heard::Refused(Refused::NotEligible, _) => {
                notes.one(NOT_ELIGIBLE_ON_ROSTER, may_claim(seen, call.person), || {
                    format!("{} heard not eligible {}", seen.who(call.person), when(call))
                });
            }
            _ => {}
        }
    }
    for award in &seen.awards.all {
        let outside = award.person.is_some_and(|person| !may_claim(seen, person));
        notes.one(WON_OFF_ROSTER, outside, || seen.what(award));
    }
}

/// The tickets shown with the refusal must reach a limit by themselves; that they are real is checked with all tickets.
fn reaches_limit(seen: &Seen<'_>, index: usize, tickets: &[Ticket]) -> bool {
    let ids: HashSet<&str> = tickets.iter().map(|ticket| ticket.id.as_str()).collect();
    let of_type = tickets.iter().filter(|ticket| ticket.type_id == seen.type_name(index));
    let of_type: HashSet<&str> = of_type.map(|ticket| ticket.id.as_str()).collect();
    let announced = &seen.history.announced;
    let by_type = announced
        .types
        .get(index)
        .is_some_and(|one| of_type.len() as u64 >= u64::from(one.limit_per_person));
    let limit = announced.limit_per_person;
    by_type || limit.is_some_and(|limit| ids.len() as u64 >= u64::from(limit))
}

fn may_claim(seen: &Seen<'_>, person: Person) -> bool {
    seen.roster.as_ref().is_none_or(|roster| roster.contains(&person))
}
