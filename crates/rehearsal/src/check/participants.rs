//! The participants' export: everybody who was told something definite, once, with the right outcome.
//! Refusals are recorded a little later than they are told, so those before a failure may be missing.

use super::{
    notes::{Check, Notes},
    seen::Seen,
};
use crate::history::{Effect, Heard, Micros, ParticipantRow, Person, Refused};
use std::collections::{BTreeMap, BTreeSet, HashSet};

const PARTICIPANT_MISSING: Check = Check::named("participant-missing");
const PARTICIPANT_UNEXPLAINED: Check = Check::named("participant-unexplained");
const PARTICIPANT_TWICE: Check = Check::named("participant-twice");
const PARTICIPANT_OUTCOME: Check = Check::named("participant-outcome");

const WON: &str = "won";

/// What one person's claims were told.
struct Told {
    /// At least one answer was definite.
    definite: bool,
    /// When the first refusal other than "not started" had been heard.
    refused_by: Micros,
    /// Refusals that may have been the first.
    first: BTreeSet<Refused>,
    /// All of them.
    any: BTreeSet<Refused>,
    /// A claim without a definite answer may have been the first to be refused.
    unknown_first: bool,
    /// There was a claim without a definite answer.
    unknown: bool,
}

/// Looks at everybody who claimed and everybody who is listed.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    let told = told(seen);
    let mut listed = HashSet::new();
    for row in &seen.history.participants {
        let new = listed.insert(row.user.as_str());
        notes.one(PARTICIPANT_TWICE, !new, || format!("{} is there twice", row.user));
        let person = seen.people.get(row.user.as_str());
        let story = person.and_then(|person| Some((*person, told.get(person)?)));
        notes.one(PARTICIPANT_UNEXPLAINED, story.is_none(), || {
            format!("{} is there and never claimed", row.user)
        });
        if let Some((person, story)) = story {
            let fits = outcome_fits(seen, person, story, row);
            notes.one(PARTICIPANT_OUTCOME, !fits, || {
                let outcome = row.outcome.as_deref().unwrap_or("nothing");
                let no = row.claim_no.map_or(String::new(), |no| format!(" with claim {no}"));
                format!("{} has {outcome}{no}", seen.who(person))
            });
        }
    }
    missing(seen, notes, &told, &listed);
}

fn missing(
    seen: &Seen<'_>,
    notes: &mut Notes,
    told: &BTreeMap<Person, Told>,
    listed: &HashSet<&str>,
) {
    for (person, story) in told {
        let name = seen.history.names.get(person.0 as usize).map_or("", String::as_str);
        let recorded = has_order(seen, *person) || (story.definite && !seen.trouble);
        if recorded {
            notes.one(PARTICIPANT_MISSING, !listed.contains(name), || {
                format!("{} is not there", seen.who(*person))
            });
        }
    }
}

fn told(seen: &Seen<'_>) -> BTreeMap<Person, Told> {
    let mut told: BTreeMap<Person, Told> = BTreeMap::new();
    for (call, ..) in seen.claims() {
        let story = told.entry(call.person).or_insert(Told {
            definite: false,
            refused_by: Micros(u64::MAX),
            first: BTreeSet::new(),
            any: BTreeSet::new(),
            unknown_first: false,
            unknown: false,
        });
        story.definite |= matches!(call.heard, Heard::Won(_) | Heard::Refused(..));
        story.any.extend(refusal(&call.heard));
        story.unknown |= is_indefinite(&call.heard);
        if refusal(&call.heard).is_some() {
            story.refused_by = story.refused_by.min(call.ended);
        }
    }
    for (call, ..) in seen.claims() {
        let Some(story) = told.get_mut(&call.person) else { continue };
        if call.sent <= story.refused_by {
            story.first.extend(refusal(&call.heard));
            story.unknown_first |= is_indefinite(&call.heard);
        }
    }
    told
}

fn refusal(heard: &Heard) -> Option<Refused> {
    match heard {
        Heard::Refused(refused, _) if *refused != Refused::NotStarted => Some(*refused),
        _ => None,
    }
}

/// A refusal that could not be told in time is answered "busy", and recorded all the same.
fn is_indefinite(heard: &Heard) -> bool {
    let unknown = matches!(heard, Heard::Failed(Effect::Unknown | Effect::None));
    unknown || matches!(heard, Heard::Lost | Heard::Strange { .. } | Heard::Busy { .. })
}

fn outcome_fits(seen: &Seen<'_>, person: Person, told: &Told, row: &ParticipantRow) -> bool {
    let outcome = row.outcome.as_deref();
    if has_order(seen, person) {
        let first = row.claim_no.is_some_and(|no| may_be_first(seen, person, no));
        return outcome == Some(WON) && first;
    }
    // After a failure a later refusal may be the first that was recorded.
    let (refused, unknown) = match seen.trouble {
        true => (&told.any, told.unknown),
        false => (&told.first, told.unknown_first),
    };
    let fits = match outcome {
        Some(name) => unknown || refused.iter().any(|one| name_of(*one) == name),
        None => unknown || told.first.is_empty() || seen.trouble,
    };
    fits && outcome != Some(WON) && row.claim_no.is_none()
}

fn has_order(seen: &Seen<'_>, person: Person) -> bool {
    seen.awards_to(person).any(|award| award.row.is_some())
}

/// Whether the claim with this number may be the person's first: none of theirs was certainly decided before it.
fn may_be_first(seen: &Seen<'_>, person: Person, claim_no: u32) -> bool {
    let rows = || seen.awards_to(person).filter(|award| award.row.is_some());
    rows().filter(|award| award.claim_no() == claim_no).any(|award| {
        rows().all(|other| {
            let earlier = other.of == award.of && other.claim_no() < claim_no;
            !earlier && other.until >= award.from
        })
    })
}

fn name_of(refused: Refused) -> &'static str {
    match refused {
        Refused::Ended => "ended",
        Refused::SoldOut => "sold_out",
        Refused::NotStarted => "not_started",
        Refused::LimitReached => "limit_reached",
        Refused::NotEligible => "not_eligible",
        Refused::Paused => "paused",
    }
}
