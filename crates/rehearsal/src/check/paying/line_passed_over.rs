//! A unit that comes back while somebody is in line goes to the line (C22): whoever asks meanwhile gets none.
//! Only people in line whom nothing but this unit was ever given are judged by: others may have had their limit.

use super::stories::Books;
use crate::{
    check::{
        notes::{Check, Notes},
        paying::stories::at,
    },
    history::Micros,
};

const LINE_PASSED_OVER: Check = Check::named("line-passed-over");

/// Looks at every order that somebody claimed.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for of in 0..books.paying.sale.types.len() {
        let waits = waits(books, of);
        let type_id = books.type_name(of);
        for (id, story) in &books.stories {
            let own = story.claimed.is_some() && story.units_of(type_id) > 0;
            let Some(until) = story.until.filter(|_| own) else { continue };
            // Who joined before this was asked for, and waited after it was decided.
            let begun = waits.partition_point(|(known, _)| *known < story.from);
            let wrong = begun > 0 && waits[begun - 1].1 > until;
            notes.one(LINE_PASSED_OVER, wrong, || {
                let (from, until) = (at(story.from), at(until));
                format!("order {id} of type {type_id} was claimed between {from} and {until}")
            });
        }
    }
}

/// When people certainly waited: since when, and the latest instant up to which any who came by then did.
fn waits(books: &Books<'_>, of: usize) -> Vec<(Micros, Micros)> {
    let own = books.stays.iter().filter(|stay| stay.of == of && books.wants_only_this(stay));
    let mut latest = Micros(0);
    own.map(|stay| {
        latest = latest.max(stay.still);
        (stay.known, latest)
    })
    .collect()
}
