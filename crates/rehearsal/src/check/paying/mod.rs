//! Promise 7 and money, and what the other promises mean for orders that cost something: judged from what the payers
//! saw against the exports and the feed. Like every check it counts only what nothing innocent explains.

mod amounts;
mod at_rest;
mod codes;
mod deadlines;
mod feed;
mod held_by_others;
mod kept;
mod line;
mod line_passed_over;
mod live;
mod lives;
mod payments;
mod settled;
mod states;
mod stories;

use super::notes::Notes;
use crate::history::paying::Paying;
use stories::Books;

/// Looks at everything that payers saw.
pub fn check(paying: &Paying, notes: &mut Notes) {
    let books = Books::new(paying);
    states::check(&books, notes);
    deadlines::check(&books, notes);
    payments::check(&books, notes);
    settled::check(&books, notes);
    amounts::check(&books, notes);
    live::check(&books, notes);
    at_rest::check(&books, notes);
    codes::check(&books, notes);
    held_by_others::check(&books, notes);
    line::check(&books, notes);
    line_passed_over::check(&books, notes);
    kept::check(&books, notes);
    feed::check(&books, notes);
}
