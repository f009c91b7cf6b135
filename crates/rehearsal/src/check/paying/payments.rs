//! Every payment in the books was made by somebody, pays one order at most, and what is paid has its payment: nobody's
//! word but the provider's makes an order paid (C16, C21).

use super::stories::{Books, Story};
use crate::{
    check::notes::{Check, Notes},
    history::paying::{Paying, PaymentState, State},
};
use std::collections::HashSet;

const PAYMENT_UNEXPLAINED: Check = Check::named("payment-unexplained");
const PAYMENT_TWICE: Check = Check::named("payment-twice");
const PAID_FOR_NOTHING: Check = Check::named("paid-for-nothing");
const CONFIRMED_FOR_NOTHING: Check = Check::named("confirmed-for-nothing");
const CONFIRMED_TWICE: Check = Check::named("confirmed-twice");

/// Looks at every payment and every order that costs something.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    twice(books.paying, notes);
    for (id, story) in &books.stories {
        unexplained(notes, id, story);
        confirmed(notes, id, story);
        if costs(books, story) {
            paid_for_nothing(notes, id, story);
        }
    }
}

/// Whether the order costs something.
pub fn costs(books: &Books<'_>, story: &Story<'_>) -> bool {
    let types = books.paying.sale.types.iter().filter(|one| one.price.0 > 0);
    types.into_iter().any(|one| story.units_of(&one.id) > 0)
}

fn twice(paying: &Paying, notes: &mut Notes) {
    let mut known = HashSet::new();
    for payment in &paying.payments {
        notes.one(PAYMENT_TWICE, !known.insert(&payment.id), || {
            format!("payment {} is in the export twice", payment.id)
        });
    }
}

/// Forgeries and returning browsers are no payments.
fn unexplained(notes: &mut Notes, id: &str, story: &Story<'_>) {
    let made = story.attempts.iter().any(|one| one.how.is_money());
    for payment in &story.payments {
        notes.one(PAYMENT_UNEXPLAINED, !made, || {
            format!("payment {} for order {id}: nobody made one", payment.id)
        });
    }
}

fn paid_for_nothing(notes: &mut Notes, id: &str, story: &Story<'_>) {
    let paid = story.state() == Some(State::Paid);
    notes.one(PAID_FOR_NOTHING, paid && story.paid_by.is_empty(), || {
        format!("order {id} is paid, and no payment is confirmed for it")
    });
}

/// A confirmed payment and a paid order belong to each other, one to one.
fn confirmed(notes: &mut Notes, id: &str, story: &Story<'_>) {
    let confirmed = story.paid_by.iter().filter(|one| one.state == PaymentState::Confirmed);
    let count = confirmed.count();
    notes.one(CONFIRMED_TWICE, count > 1, || format!("order {id} is paid by {count} payments"));
    let wrong = count > 0 && story.state() != Some(State::Paid);
    notes.one(CONFIRMED_FOR_NOTHING, wrong, || {
        let state = story.state().map_or("not there", State::name);
        format!("a payment is confirmed for order {id}, which is {state}")
    });
}
