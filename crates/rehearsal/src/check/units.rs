//! Promise 1: no more awards than units, no number and no row twice, and nothing shown that cannot be.
//! An award counts whether an answer or the export knows it.

use super::{
    desk::before,
    notes::{Check, Notes},
    seen::{Seen, at, when},
};
use crate::history::{Call, Heard, Micros, Shown};
use std::collections::{HashMap, HashSet};

const OVERSOLD: Check = Check::named("oversold");
const CLAIM_NO_TWICE: Check = Check::named("claim-no-twice");
const ROW_TWICE: Check = Check::named("row-twice");
const SHOWN_IMPOSSIBLE: Check = Check::named("shown-impossible");

const END: Micros = Micros(u64::MAX);

/// Looks at everything that counts units.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    for index in 0..seen.of_type.len() {
        oversold(seen, notes, index);
        claim_no_twice(seen, notes, index);
    }
    row_twice(seen, notes);
    shown(seen, notes);
}

/// At the end, and each time before units were added: later units cannot have made earlier awards.
fn oversold(seen: &Seen<'_>, notes: &mut Notes, index: usize) {
    notes.looked(OVERSOLD, seen.of_type[index].len());
    let mut known: Vec<Micros> = seen.awards_of(index).map(|award| award.until).collect();
    known.sort_unstable();
    let moments = seen.desk.additions(index).map(before).chain([END]);
    for moment in moments {
        let awarded = known.partition_point(|until| *until <= moment) as u64;
        let units = seen.desk.units_most(index, moment, moment);
        if awarded > units {
            let name = seen.type_name(index);
            let by = if moment == END { "at the end".to_owned() } else { at(moment) };
            notes.found(OVERSOLD, || {
                format!("type {name}: {awarded} awards of at most {units} units, {by}")
            });
            return;
        }
    }
}

fn claim_no_twice(seen: &Seen<'_>, notes: &mut Notes, index: usize) {
    let mut first = HashMap::new();
    for award in seen.awards_of(index) {
        let other = *first.entry(award.claim_no()).or_insert(award.id);
        notes.one(CLAIM_NO_TWICE, other != award.id, || {
            format!("{} has the number of ticket {other}", seen.what(award))
        });
    }
}

fn row_twice(seen: &Seen<'_>, notes: &mut Notes) {
    let (mut tickets, mut orders) = (HashSet::new(), HashSet::new());
    for row in &seen.history.orders {
        let new = tickets.insert(&row.ticket) & orders.insert(&row.order);
        notes.one(ROW_TWICE, !new, || {
            format!("ticket {} of order {} is there twice", row.ticket, row.order)
        });
    }
}

/// What is certain of the stock is compared with what was shown; undurable claims are nobody's certainty.
fn shown(seen: &Seen<'_>, notes: &mut Notes) {
    let known: Vec<Vec<Micros>> = (0..seen.of_type.len())
        .map(|index| {
            let mut known: Vec<Micros> = seen.awards_of(index).map(|award| award.until).collect();
            known.sort_unstable();
            known
        })
        .collect();
    for call in &seen.history.calls {
        let Heard::Shown(shown) = &call.heard else { continue };
        let wrong = wrong(seen, &known, call, shown);
        notes.one(SHOWN_IMPOSSIBLE, wrong.is_some(), || {
            format!("{}: {}", when(call), wrong.unwrap_or_default())
        });
    }
}

fn wrong(seen: &Seen<'_>, known: &[Vec<Micros>], call: &Call, shown: &Shown) -> Option<String> {
    let awarded = |index: usize| known[index].partition_point(|until| *until < call.sent) as u64;
    let most = |index: usize| seen.desk.units_most(index, call.sent, call.ended);
    let all = 0..known.len();
    let left_most: u64 = all.clone().map(|index| most(index).saturating_sub(awarded(index))).sum();
    if u64::from(shown.left) > left_most {
        return Some(format!("{} shown as left where at most {left_most} were", shown.left));
    }
    if shown.types.is_empty() {
        return None;
    }
    if shown.types.len() != known.len() {
        return Some(format!("{} types shown of {}", shown.types.len(), known.len()));
    }
    for (index, (total, left, held)) in all.zip(&shown.types) {
        let (total, left, held) = (u64::from(*total), u64::from(*left), u64::from(*held));
        let least = seen.desk.units_least(index, call.sent, call.ended);
        let name = seen.type_name(index);
        if left + held > total {
            return Some(format!("type {name}: {left} left and {held} held of {total}"));
        }
        if total < least || total > most(index) {
            let most = most(index);
            return Some(format!("type {name}: {total} units where {least} to {most} can be"));
        }
        let sold = awarded(index);
        if total - left < sold {
            return Some(format!("type {name}: {left} of {total} left after {sold} awards"));
        }
    }
    None
}
