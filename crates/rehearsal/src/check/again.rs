//! Promise 6: what is asked again with a key, or after being queued, hears the same.
//! Busy, a lost answer and "unknown" are allowed at any time: they take nothing back.

use super::{
    notes::{Check, Notes},
    seen::{Seen, at, when},
    tries::{Queued, Try, is_final},
};
use crate::history::{Asked, Call, Effect, Heard, Micros, Ticket};

const KEY_TWO_UNITS: Check = Check::named("key-two-units");
const TICKET_CHANGED: Check = Check::named("ticket-changed");
const RETRY_REFUSED: Check = Check::named("retry-refused");
const QUEUED_NEVER_ENDED: Check = Check::named("queued-never-ended");
const RESULT_CHANGED: Check = Check::named("result-changed");

const NEVER: Micros = Micros(u64::MAX);

/// Looks at every key, every ticket shown more than once and every queued claim.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    for one in seen.tries.all.iter().filter(|one| one.key.is_some()) {
        keyed(seen, notes, one);
    }
    notes.looked(TICKET_CHANGED, seen.awards.sightings);
    for (place, ticket) in &seen.awards.changed {
        let call = &seen.history.calls[*place];
        notes.found(TICKET_CHANGED, || {
            let who = seen.who(call.person);
            format!("ticket {} as {who} saw it {}: not as before", ticket.id, when(call))
        });
    }
    let mut queued: Vec<(&&str, &Queued)> = seen.tries.queued.iter().collect();
    queued.sort_unstable_by_key(|(claim, queued)| (queued.heard, **claim));
    for (claim, queued) in queued {
        never_ended(seen, notes, claim, queued);
    }
    results(seen, notes);
}

fn keyed(seen: &Seen<'_>, notes: &mut Notes, one: &Try) {
    let calls = || one.calls.iter().map(|place| &seen.history.calls[*place]);
    one_unit(seen, notes, one);
    let ended = |wanted: fn(&Heard) -> bool| {
        calls().find(|call| wanted(&call.heard)).map_or(NEVER, |call| call.ended)
    };
    let won = ended(|heard| matches!(heard, Heard::Won(_)));
    let queued = ended(|heard| matches!(heard, Heard::Queued { .. }));
    // A queued claim is remembered too, unless what was not on disk was lost.
    let known = if seen.trouble { won } else { won.min(queued) };
    // What was sent before the first success was heard may have been decided before it.
    for call in calls().filter(|call| matches!(call.asked, Asked::Claim { .. })) {
        if call.sent > known {
            let back = call.sent > won && matches!(call.heard, Heard::Queued { .. });
            notes.one(RETRY_REFUSED, back || is_no(&call.heard), || {
                let who = seen.who(one.person);
                format!("{who} was accepted by {}; with the same key no {}", at(known), when(call))
            });
        }
    }
}

fn one_unit(seen: &Seen<'_>, notes: &mut Notes, one: &Try) {
    let won = one.calls.iter().filter_map(|place| match &seen.history.calls[*place].heard {
        Heard::Won(ticket) => Some(ticket),
        _ => None,
    });
    let mut first: Option<&Ticket> = None;
    for ticket in won {
        let own = *first.get_or_insert(ticket);
        notes.one(KEY_TWO_UNITS, ticket.id != own.id, || {
            let who = seen.who(one.person);
            format!("{who}: tickets {} and {} with one key", own.id, ticket.id)
        });
    }
}

fn never_ended(seen: &Seen<'_>, notes: &mut Notes, claim: &str, queued: &Queued) {
    let one = &seen.tries.all[queued.of];
    let ends = |call: &Call| match call.heard {
        Heard::Won(_) => true,
        _ => is_final(&call.heard) && call.sent > queued.heard,
    };
    let by_key = || one.calls.iter().any(|place| ends(&seen.history.calls[*place]));
    let ended = queued.ended.is_some() || (one.key.is_some() && by_key());
    notes.one(QUEUED_NEVER_ENDED, !ended, || {
        format!("{}: claim {claim}, queued by {}", seen.who(one.person), at(queued.heard))
    });
}

/// Every answer about a queued claim against the first final one.
fn results(seen: &Seen<'_>, notes: &mut Notes) {
    let calls = &seen.history.calls;
    for (place, call) in calls.iter().enumerate() {
        let Asked::Result { claim, .. } = &call.asked else { continue };
        let Some(queued) = seen.tries.queued.get(claim.as_str()) else { continue };
        let Some(ended) = queued.ended.filter(|ended| *ended <= place) else { continue };
        let wrong = contradicts(call, claim, &calls[ended].heard, calls[ended].ended);
        notes.one(RESULT_CHANGED, wrong, || {
            format!("{}: claim {claim}, asked {}", seen.who(call.person), when(call))
        });
    }
}

fn contradicts(call: &Call, claim: &str, last_word: &Heard, known: Micros) -> bool {
    match (&call.heard, last_word) {
        (Heard::Won(ticket), Heard::Won(first)) => {
            ticket.id != first.id || ticket.order.as_deref().is_some_and(|order| order != claim)
        }
        (Heard::Queued { .. }, _) => call.sent > known,
        (heard, last_word) if is_final(heard) => heard != last_word,
        _ => false,
    }
}

/// A no, or "nothing happened".
fn is_no(heard: &Heard) -> bool {
    matches!(heard, Heard::Refused(..) | Heard::Failed(Effect::None))
}
