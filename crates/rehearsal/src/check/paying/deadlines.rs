//! Deadlines: nothing expires before the moment that its buyer was shown, no such moment moves closer, and a hold that
//! nobody pays comes to an end.

use super::stories::{Books, Story, at};
use crate::{
    check::notes::{Check, Notes},
    history::{
        Micros,
        paying::{State, UnixMs},
    },
};

const EXPIRED_EARLY: Check = Check::named("expired-early");
const DEADLINE_CLOSER: Check = Check::named("deadline-closer");
const HOLD_WITHOUT_END: Check = Check::named("hold-without-end");

/// A hold is over so many milliseconds after its deadline: the grace, and all the time in the world to notice.
pub const HOLD_OVER_MS: u64 = 45_000;

/// Deadlines are shown in whole seconds: by so many milliseconds two of them may be off together.
const SHOWN_MS: u64 = 1_000;

/// Looks at every order's deadlines.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for (id, story) in &books.stories {
        expired_early(books, notes, id, story);
        closer(books, notes, id, story);
        without_end(books, notes, id, story);
    }
}

fn expired_early(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let Some(expired) = story.seen.get(&State::Expired) else { return };
    let Some(by) = story.pay_by(books, expired.known) else { return };
    notes.one(EXPIRED_EARLY, books.surely_before(expired.known, by), || {
        let early = by.0 - books.server_ms(expired.known);
        format!("order {id} had expired by {}, {early} ms before its deadline", at(expired.known))
    });
}

/// Deadlines are only ever moved away: what was heard later, of a question asked later, is not earlier.
fn closer(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let calls = &books.paying.calls;
    let mut latest: Option<(usize, UnixMs)> = None;
    let shown = story.shown.iter();
    for (place, by, state) in shown.filter_map(|(at, one)| Some((*at, one.pay_by?, one.state))) {
        let wrong = latest.is_some_and(|(first, was)| {
            let sent = calls[place].sent;
            let moved = books.lives.given_back_ms(books.lives.of(calls[first].sent), sent);
            // Only of what is held all the time.
            let moved = if state == State::Held { moved } else { 0 };
            let least = UnixMs(was.0 + moved.saturating_sub(SHOWN_MS));
            by < least && calls[first].ended < sent
        });
        notes.one(DEADLINE_CLOSER, wrong, || {
            format!("order {id}: an earlier deadline {}", books.when(&calls[place]))
        });
        if latest.is_none_or(|(_, was)| by > was) {
            latest = Some((place, by));
        }
    }
}

fn without_end(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let exported = books.paying.exported;
    let Some(by) = story.pay_by(books, exported) else { return };
    // A server that was away moves deadlines by as long, and not everybody was shown that.
    let times = if books.paying.restarted { 4 } else { 1 };
    let over_ms = times * HOLD_OVER_MS + books.lives.away_ms(Micros(0));
    if !books.surely_after(exported, by, over_ms) && story.state() == Some(State::Held) {
        return;
    }
    notes.one(HOLD_WITHOUT_END, story.state() == Some(State::Held), || {
        format!("order {id} is still held at {}, long after its deadline", at(exported))
    });
}
