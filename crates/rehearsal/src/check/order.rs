//! Promise 5: whoever asked after another's claim was decided stands behind them.
//! Claims that were under way at the same time are in either order: no concurrency is ever counted.

use super::{
    awards::Award,
    notes::{Check, Notes},
    seen::Seen,
};

const INVERSION: Check = Check::named("inversion");

/// Looks at the awards of each type, from the last number to the first.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    for index in 0..seen.of_type.len() {
        let mut awards: Vec<&Award<'_>> = seen.awards_of(index).collect();
        awards.sort_by_key(|award| award.claim_no());
        let mut decided_first: Option<&Award<'_>> = None;
        for award in awards.into_iter().rev() {
            let behind = decided_first
                .filter(|other| other.until < award.from && other.claim_no() > award.claim_no());
            notes.one(INVERSION, behind.is_some(), || {
                let other = behind.map_or(String::new(), |other| seen.what(other));
                format!("{} was asked after {other} was decided", seen.what(award))
            });
            if decided_first.is_none_or(|first| award.until < first.until) {
                decided_first = Some(award);
            }
        }
    }
}
