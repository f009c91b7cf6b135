//! Promise 4. By claim number the places of the codes in the import rise, always: the lowest free unit goes out
//! first and none returns. While nothing failed, the n-th claim has the n-th code. No finding holds a code.

use super::{
    awards::Award,
    notes::{Check, Notes},
    seen::Seen,
};
use std::collections::HashMap;

const CODE_TWICE: Check = Check::named("code-twice");
const FOREIGN_CODE: Check = Check::named("foreign-code");
const CODE_ORDER: Check = Check::named("code-order");
const CODE_SKIPPED: Check = Check::named("code-skipped");

/// Looks at every code that anybody saw.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    twice(seen, notes);
    for index in 0..seen.of_type.len() {
        in_order(seen, notes, index);
    }
}

/// Answers and export each count, so that a code shown to one and exported for another is found.
fn twice(seen: &Seen<'_>, notes: &mut Notes) {
    let mut first: HashMap<&str, &str> = HashMap::new();
    for award in &seen.awards.all {
        let told = award.seen.and_then(|(_, ticket)| ticket.code.as_deref());
        let exported = award.row.and_then(|row| row.code.as_deref());
        for code in told.into_iter().chain(exported) {
            let other = *first.entry(code).or_insert(award.id);
            notes.one(CODE_TWICE, other != award.id, || {
                format!("{} has the code of ticket {other}", seen.what(award))
            });
        }
    }
}

fn in_order(seen: &Seen<'_>, notes: &mut Notes, index: usize) {
    let codes = &seen.history.announced.types[index].codes;
    let imported: HashMap<&str, usize> = codes.iter().map(String::as_str).zip(0..).collect();
    let mut awards: Vec<&Award<'_>> = seen.awards_of(index).collect();
    awards.sort_by_key(|award| award.claim_no());
    let mut highest: Option<usize> = None;
    for (rank, award) in awards.into_iter().enumerate() {
        let place = award.code().and_then(|code| imported.get(code).copied());
        let own = if codes.is_empty() {
            award.code().is_none()
        } else {
            // Codes that were added meanwhile are not announced.
            place.is_some() || (award.code().is_some() && seen.desk.added_any(index))
        };
        notes.one(FOREIGN_CODE, !own, || seen.what(award));
        let Some(place) = place else { continue };
        let back = highest.is_some_and(|highest| place <= highest);
        notes.one(CODE_ORDER, back, || {
            format!("{} has code {} of the import, after a later one", seen.what(award), place + 1)
        });
        if !seen.trouble {
            notes.one(CODE_SKIPPED, place != rank, || {
                let (no, nth) = (place + 1, rank + 1);
                format!("{} has code {no} of the import as the {nth}. award", seen.what(award))
            });
        }
        highest = highest.max(Some(place));
    }
}
