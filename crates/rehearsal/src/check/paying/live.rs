//! Promises 1 and 3 where units come back: at no instant more live units than there are, and at the end nobody has more
//! than their limit.

use super::stories::Books;
use crate::{
    check::{
        notes::{Check, Notes},
        paying::stories::at,
    },
    history::{Micros, paying::State},
};

const LIVE_BEYOND_STOCK: Check = Check::named("live-beyond-stock");
const LIVE_BEYOND_LIMIT: Check = Check::named("live-beyond-limit");

/// Looks at every type and every payer.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for index in 0..books.paying.sale.types.len() {
        beyond_stock(books, notes, index);
        beyond_limit(books, notes, index);
    }
    beyond_all(books, notes);
}

/// Counts units only while they were certainly live, at each instant at which one more was.
fn beyond_stock(books: &Books<'_>, notes: &mut Notes, index: usize) {
    let announced = &books.paying.sale.types[index];
    let mut steps: Vec<(Micros, i64)> = Vec::new();
    for story in books.stories.values() {
        let units = i64::from(story.units_of(&announced.id));
        let Some((from, to)) = story.surely_live().filter(|(from, to)| units > 0 && from < to)
        else {
            continue;
        };
        steps.extend([(from, units), (to, -units)]);
        notes.looked(LIVE_BEYOND_STOCK, 1);
    }
    // Where one ends and another begins at the same instant, the end comes first.
    steps.sort_unstable();
    let mut live = 0;
    for (time, units) in steps {
        live += units;
        if live > i64::from(announced.stock) {
            let (id, stock) = (&announced.id, announced.stock);
            return notes.found(LIVE_BEYOND_STOCK, || {
                format!("type {id}: {live} live units of {stock} at {}", at(time))
            });
        }
    }
}

fn beyond_limit(books: &Books<'_>, notes: &mut Notes, index: usize) {
    let announced = &books.paying.sale.types[index];
    for (person, orders) in &books.of_person {
        let live = orders.iter().filter_map(|id| books.stories.get(id));
        let live = live.filter(|story| story.state().is_some_and(State::is_live));
        let had: u32 = live.map(|story| story.units_of(&announced.id)).sum();
        notes.one(LIVE_BEYOND_LIMIT, had > announced.limit_per_person, || {
            let (who, limit) = (books.who(*person), announced.limit_per_person);
            format!("{who} has {had} of type {}, of {limit} allowed", announced.id)
        });
    }
}

fn beyond_all(books: &Books<'_>, notes: &mut Notes) {
    let Some(limit) = books.paying.sale.limit_per_person else { return };
    for (person, orders) in &books.of_person {
        let live = orders.iter().filter_map(|id| books.stories.get(id));
        let live = live.filter(|story| story.state().is_some_and(State::is_live));
        let had: usize = live.map(|story| story.rows.len()).sum();
        notes.one(LIVE_BEYOND_LIMIT, had as u64 > u64::from(limit), || {
            format!("{} has {had} tickets, of {limit} allowed", books.who(*person))
        });
    }
}
