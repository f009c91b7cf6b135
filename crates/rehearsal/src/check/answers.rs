//! Answers that the contract does not have, and a rehearsal in which nothing was answered.
//! A fault is no breach as long as it says what the contract wants it to say.

use super::{
    notes::{Check, Notes},
    seen::{Seen, when},
    tries::is_final,
};
use crate::history::Heard;

const NOTHING_SEEN: Check = Check::named("nothing-seen");
const STRANGE_ANSWER: Check = Check::named("strange-answer");
const BUSY_WITHOUT_WHEN: Check = Check::named("busy-without-when");

/// Looks at every answer.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    for call in &seen.history.calls {
        if let Heard::Strange { status, ret } = call.heard {
            notes.found(STRANGE_ANSWER, || {
                let who = seen.who(call.person);
                format!("{who} heard HTTP {status} with ret {ret:?} {}", when(call))
            });
        }
        if let Heard::Busy { retry_after } = call.heard {
            notes.one(BUSY_WITHOUT_WHEN, !retry_after, || {
                format!("{} heard busy {}", seen.who(call.person), when(call))
            });
        }
    }
    notes.looked(STRANGE_ANSWER, seen.history.calls.len());
    nothing_seen(seen, notes);
}

/// A verdict must not be green because nobody came.
fn nothing_seen(seen: &Seen<'_>, notes: &mut Notes) {
    let answered = seen.claims().filter(|(call, ..)| is_final(&call.heard)).count();
    notes.looked(NOTHING_SEEN, answered);
    if answered == 0 {
        notes.found(NOTHING_SEEN, || {
            "no claim got a definite answer: there is nothing to judge".to_owned()
        });
    }
}
