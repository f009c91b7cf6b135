//! Money that the provider took is in the books, and every payment comes to an end: it pays an order, or it goes back.
//! Received is what was confirmed, what is to go back and what is back, to the last cent.

use super::{
    payments::costs,
    stories::{Books, Story, at},
};
use crate::{
    check::notes::{Check, Notes},
    history::{
        Micros,
        paying::{PaymentState, State},
    },
};

const PAYMENT_LOST: Check = Check::named("payment-lost");
const PAYMENT_OPEN: Check = Check::named("payment-open");
const MONEY_UNBALANCED: Check = Check::named("money-unbalanced");

/// Microseconds after which a payment that was told of has its end.
const SETTLED_AFTER: u64 = 45_000_000;
const SECOND: u64 = 1_000_000;

/// Looks at every payment that was made.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for (id, story) in &books.stories {
        lost(books, notes, id, story);
        open(books, notes, id, story);
    }
    balance(books, notes);
}

/// When the last payment of an order was told of, at the latest.
fn told_by(story: &Story<'_>) -> Micros {
    let told = |ended: Micros, after_s: u32| Micros(ended.0 + u64::from(after_s) * SECOND);
    let all = story.attempts.iter().map(|one| told(one.ended, one.after_s));
    all.max().unwrap_or_default()
}

fn lost(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let made = story.attempts.iter().find(|one| one.told && one.how.pays());
    let Some(made) = made else { return };
    let due = made.ended.0 + u64::from(made.after_s) * SECOND + SETTLED_AFTER;
    if books.paying.exported.0 < due && story.payments.is_empty() {
        return;
    }
    notes.one(PAYMENT_LOST, story.payments.is_empty(), || {
        format!(
            "order {id} was paid ({}) by {}: no payment is there",
            made.how.name(),
            at(made.ended)
        )
    });
}

fn open(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let settled = books.paying.exported.0 >= told_by(story).0 + SETTLED_AFTER;
    for payment in &story.payments {
        let late = payment.state == PaymentState::Late;
        if late && !settled {
            continue;
        }
        notes.one(PAYMENT_OPEN, late, || {
            format!("payment {} for order {id} is neither confirmed nor to go back", payment.id)
        });
    }
}

fn balance(books: &Books<'_>, notes: &mut Notes) {
    let paying = books.paying;
    if paying.payments.is_empty() && paying.orders.is_empty() {
        return;
    }
    let sum = |state: PaymentState| -> u128 {
        let of = paying.payments.iter().filter(|one| one.state == state);
        of.map(|one| u128::from(one.amount.0)).sum()
    };
    let confirmed = sum(PaymentState::Confirmed);
    let paid = books
        .stories
        .values()
        .filter(|story| story.state() == Some(State::Paid) && costs(books, story));
    let rows = paid.flat_map(|story| &story.rows);
    let sold: u128 = rows.map(|row| u128::from(row.price.0)).sum();
    notes.one(MONEY_UNBALANCED, confirmed != sold, || {
        format!(
            "{confirmed} is confirmed and {sold} was sold, in the smallest unit of the currency"
        )
    });
}
