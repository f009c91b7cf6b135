//! Promise 7: an order has one outcome. What was paid stays paid, what is over stays over, and whoever pays in time
//! has paid, whatever else happens at that moment.

use super::stories::{Books, NEVER, Story, at};
use crate::{
    check::notes::{Check, Notes},
    history::{
        Micros,
        paying::{How, State},
    },
};
use std::collections::BTreeSet;

const PAID_STAYS_PAID: Check = Check::named("paid-stays-paid");
const OVER_STAYS_OVER: Check = Check::named("over-stays-over");
const TWO_OUTCOMES: Check = Check::named("two-outcomes");
const PAID_IN_TIME: Check = Check::named("paid-in-time");

/// A payment made so long before the deadline was made in time, however busy everybody was.
const IN_TIME: Micros = Micros(1_000_000);

/// Looks at every order.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for (id, story) in &books.stories {
        went_back(books, notes, id, story);
        two_outcomes(notes, id, story);
        paid_in_time(books, notes, id, story);
    }
}

/// Every state against those that were known before it was asked for, and against the export, which came last.
fn went_back(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let exported = story.state().map(|state| (state, NEVER));
    for (before, sighting) in &story.seen {
        let later = story.seen.iter().map(|(state, one)| (*state, one.still)).chain(exported);
        let wrong = later
            .filter(|(_, still)| *still > sighting.known)
            .map(|(state, _)| state)
            .find(|state| !before.leads_to(*state));
        let over = matches!(before, State::Cancelled | State::Expired);
        let check = if over { OVER_STAYS_OVER } else { PAID_STAYS_PAID };
        if *before == State::Held {
            continue;
        }
        notes.one(check, wrong.is_some(), || {
            let whose = story.owner.map_or(String::new(), |owner| books.who(owner));
            let (was, is) = (before.name(), wrong.map_or("", State::name));
            format!("order {id} of {whose} was {was} by {} and {is} later", at(sighting.known))
        });
    }
}

/// Of one order there is one end: in what was shown, and in each row of the export.
fn two_outcomes(notes: &mut Notes, id: &str, story: &Story<'_>) {
    let shown = story.seen.keys().copied();
    let all = shown.chain(story.rows.iter().map(|row| row.state));
    let ends: BTreeSet<State> = all.filter_map(end_of).collect();
    let rows: BTreeSet<State> = story.rows.iter().map(|row| row.state).collect();
    notes.one(TWO_OUTCOMES, ends.len() > 1 || rows.len() > 1, || {
        let names: Vec<&str> = ends.union(&rows).map(|state| state.name()).collect();
        format!("order {id} ended as {}", names.join(" and as "))
    });
}

/// The outcome that a state belongs to: one of paid, cancelled and expired.
fn end_of(state: State) -> Option<State> {
    match state {
        State::Held => None,
        State::Paid | State::RefundDue | State::Refunded => Some(State::Paid),
        State::Cancelled | State::Expired => Some(state),
    }
}

/// Who paid well before the deadline and did not give the order up has it.
fn paid_in_time(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    if books.paying.restarted || story.cancel_asked.is_some() {
        return;
    }
    let Some(state) = story.state() else { return };
    let prompt = |how| matches!(how, How::AtOnce | How::Twice | How::OutOfOrder);
    let paid = story.attempts.iter().filter(|one| one.told && prompt(one.how) && one.after_s == 0);
    let in_time = paid.map(|one| one.ended).find(|ended| {
        // A kill may have come between the payment and the notice, and another one before the next attempt.
        let heard_of = books.lives.undisturbed(*ended, IN_TIME);
        let margin = Micros(heard_of.0 + IN_TIME.0);
        story.pay_by(books, heard_of).is_some_and(|by| books.surely_before(margin, by))
    });
    let Some(ended) = in_time else { return };
    // What is still held may be paid yet; that it does not stay so is looked at elsewhere.
    let wrong = matches!(state, State::Cancelled | State::Expired);
    notes.one(PAID_IN_TIME, wrong, || {
        format!("order {id} was paid by {} and ended as {}", at(ended), state.name())
    });
}
