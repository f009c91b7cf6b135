//! "Sold out" is final: when it is said, every unit has its owner, and nobody who asks later gets one.
//! Units added meanwhile explain as many later awards as there were, and no more.

use super::{
    notes::{Check, Notes},
    seen::{Seen, when},
};
use crate::history::{Call, Heard, Micros, Refused};

const SOLD_OUT_WHILE_FREE: Check = Check::named("sold-out-while-free");
const REFUSED_THEN_LATER_WON: Check = Check::named("refused-then-later-won");

/// Looks at every "sold out".
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    let begun: Vec<Vec<Micros>> = (0..seen.of_type.len())
        .map(|index| {
            let mut begun: Vec<Micros> = seen.awards_of(index).map(|award| award.from).collect();
            begun.sort_unstable();
            begun
        })
        .collect();
    for (call, of, _) in seen.claims() {
        if let (Heard::Refused(Refused::SoldOut, _), Some(begun)) = (&call.heard, begun.get(of.0)) {
            while_free(seen, notes, begun, call, of.0);
            then_won(seen, notes, begun, call, of.0);
        }
    }
}

/// Awards that may have been decided by then, against the units that certainly were there.
fn while_free(seen: &Seen<'_>, notes: &mut Notes, begun: &[Micros], call: &Call, index: usize) {
    let awarded = begun.partition_point(|from| *from <= call.ended) as u64;
    let units = seen.desk.units_least(index, call.sent, call.ended);
    notes.one(SOLD_OUT_WHILE_FREE, awarded < units, || {
        let (who, name) = (seen.who(call.person), seen.type_name(index));
        let when = when(call);
        format!("{who} heard it of type {name} {when}: at most {awarded} of {units} were gone")
    });
}

/// Awards to claims that were all sent after this answer, against the units that may have come after it.
fn then_won(seen: &Seen<'_>, notes: &mut Notes, begun: &[Micros], call: &Call, index: usize) {
    let later = begun.len() - begun.partition_point(|from| *from <= call.ended);
    let added = seen.desk.added_after(index, call.sent);
    notes.one(REFUSED_THEN_LATER_WON, later as u64 > added, || {
        let (who, name) = (seen.who(call.person), seen.type_name(index));
        let when = when(call);
        format!("{who} heard sold out of type {name} {when}; {later} who asked later won")
    });
}
