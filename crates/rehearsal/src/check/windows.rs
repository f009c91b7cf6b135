//! Time: answers and awards against the windows, and against pauses and closes.
//! Windows are the server's clock's affair, so they have a slack; pauses are compared on the rehearsal's own clock.

use super::{
    awards::Award,
    notes::{Check, Notes},
    seen::{Seen, at, when},
};
use crate::history::{Call, Heard, Micros, Refused};

const ENDED_TOO_SOON: Check = Check::named("ended-too-soon");
const NOT_STARTED_TOO_LATE: Check = Check::named("not-started-too-late");
const PAUSED_WITHOUT_PAUSE: Check = Check::named("paused-without-pause");
const WON_BEFORE_START: Check = Check::named("won-before-start");
const WON_AFTER_END: Check = Check::named("won-after-end");
const WON_WHILE_PAUSED: Check = Check::named("won-while-paused");

/// Looks at everything that time decides.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    for (call, of, _) in seen.claims() {
        let Some(announced) = seen.history.announced.types.get(of.0) else { continue };
        let Heard::Refused(refused, _) = &call.heard else { continue };
        match refused {
            Refused::Ended => ended(seen, notes, call, announced.ends),
            Refused::NotStarted => not_started(seen, notes, call, announced.opens),
            Refused::Paused => {
                let could = seen.desk.paused_perhaps(call.sent, call.ended);
                notes.one(PAUSED_WITHOUT_PAUSE, !could, || said(seen, call, "paused"));
            }
            Refused::SoldOut | Refused::LimitReached | Refused::NotEligible => {}
        }
    }
    for award in &seen.awards.all {
        awarded(seen, notes, award);
    }
}

fn ended(seen: &Seen<'_>, notes: &mut Notes, call: &Call, ends: Micros) {
    let early = later(call.ended, seen.slack) < ends;
    let wrong = early && !seen.desk.closed_perhaps(call.ended);
    notes.one(ENDED_TOO_SOON, wrong, || said(seen, call, "ended"));
}

fn not_started(seen: &Seen<'_>, notes: &mut Notes, call: &Call, opens: Micros) {
    let late = call.sent > later(opens, seen.slack);
    notes.one(NOT_STARTED_TOO_LATE, late, || said(seen, call, "not started"));
}

fn awarded(seen: &Seen<'_>, notes: &mut Notes, award: &Award<'_>) {
    let Some(of) = award.of else { return };
    let announced = &seen.history.announced.types[of];
    let early = later(award.until, seen.slack) < announced.opens;
    notes.one(WON_BEFORE_START, early, || decided(seen, award));
    let over = award.from > later(announced.ends, seen.slack);
    let closed = seen.desk.closed_surely(award.from);
    notes.one(WON_AFTER_END, over || closed, || decided(seen, award));
    let paused = seen.desk.paused_surely(award.from, award.until);
    notes.one(WON_WHILE_PAUSED, paused, || decided(seen, award));
}

fn later(time: Micros, by: Micros) -> Micros {
    Micros(time.0.saturating_add(by.0))
}

fn said(seen: &Seen<'_>, call: &Call, what: &str) -> String {
    format!("{} heard {what} {}", seen.who(call.person), when(call))
}

fn decided(seen: &Seen<'_>, award: &Award<'_>) -> String {
    let (from, until) = (at(award.from), at(award.until));
    format!("{} was decided between {from} and {until}", seen.what(award))
}
