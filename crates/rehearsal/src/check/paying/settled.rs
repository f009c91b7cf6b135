//! Money that the provider took is in the books, and every payment comes to an end: it pays an order, or it goes back.
//! Received is what was confirmed, what is to go back and what is back, to the last cent of each currency.

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
use std::collections::BTreeMap;

const PAYMENT_LOST: Check = Check::named("payment-lost");
const PAYMENT_OPEN: Check = Check::named("payment-open");
const MONEY_UNBALANCED: Check = Check::named("money-unbalanced");

/// Microseconds after which a payment that was told of has its end.
const SETTLED_AFTER: u64 = 45_000_000;
const MS: u64 = 1_000;
const SECOND: u64 = 1_000_000;

/// Looks at every payment that was made.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for (id, story) in &books.stories {
        lost(books, notes, id, story);
        open(books, notes, id, story);
    }
    balance(books, notes);
}

/// When what was told of at an instant has come to its end, whatever was in between.
fn settled_by(books: &Books<'_>, told: Micros) -> Micros {
    Micros(told.0 + SETTLED_AFTER + books.lives.away_ms(told) * MS)
}

/// When the last payment of an order was told of, at the latest.
fn told_by(story: &Story<'_>) -> Micros {
    let told = |ended: Micros, after_s: u32| Micros(ended.0 + u64::from(after_s) * SECOND);
    let all = story.attempts.iter().map(|one| told(one.ended, one.after_s));
    all.max().unwrap_or_default()
}

fn lost(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let made = story.attempts.iter().find(|one| one.told && one.how.is_money());
    let Some(made) = made else { return };
    let due = settled_by(books, Micros(made.ended.0 + u64::from(made.after_s) * SECOND));
    if books.paying.exported < due && story.payments.is_empty() {
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
    let settled = books.paying.exported >= settled_by(books, told_by(story));
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
    let mut money: BTreeMap<&str, (u128, u128)> = BTreeMap::new();
    for payment in paying.payments.iter().filter(|one| one.state == PaymentState::Confirmed) {
        money.entry(&payment.currency).or_default().0 += u128::from(payment.amount.0);
    }
    let paid = books
        .stories
        .values()
        .filter(|story| story.state() == Some(State::Paid) && costs(books, story));
    for row in paid.flat_map(|story| &story.rows).filter(|row| row.price.0 > 0) {
        money.entry(&row.currency).or_default().1 += u128::from(row.price.0);
    }
    notes.looked(MONEY_UNBALANCED, 1);
    for (currency, (confirmed, sold)) in money {
        notes.one(MONEY_UNBALANCED, confirmed != sold, || {
            format!(
                "{confirmed} is confirmed and {sold} was sold, in the smallest unit of {currency}"
            )
        });
    }
}
