//! Promise 4 where codes have a price: a code is shown once its order is paid and not before, to one person alone.
//! No finding holds a code.

use super::{
    payments::costs,
    stories::{Books, Story},
};
use crate::{
    check::notes::{Check, Notes},
    history::paying::State,
};
use std::collections::HashMap;

const CODE_BEFORE_PAID: Check = Check::named("code-before-paid");
const CODE_NOT_SHOWN: Check = Check::named("code-not-shown");
const PRICED_CODE_TWICE: Check = Check::named("priced-code-twice");

/// Looks at every code that anybody saw.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for (id, story) in &books.stories {
        before_paid(books, notes, id, story);
        not_shown(books, notes, id, story);
    }
    twice(books, notes);
}

fn before_paid(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    if !costs(books, story) {
        return;
    }
    let paid_from = story.attempts.iter().map(|one| one.sent).min();
    for (place, order) in &story.shown {
        let call = &books.paying.calls[*place];
        let codes = order.tickets.iter().filter(|ticket| ticket.code.is_some()).count();
        let unpaid = matches!(order.state, State::Held | State::Cancelled | State::Expired);
        // A late payment pays an order of its own, to which nobody ever was sent.
        let nobody = story.payments.is_empty()
            && story.paid_by.is_empty()
            && paid_from.is_none_or(|sent| sent > call.ended);
        notes.looked(CODE_BEFORE_PAID, order.tickets.len());
        if codes > 0 && (unpaid || nobody) {
            notes.found(CODE_BEFORE_PAID, || {
                format!("order {id}, {}: {codes} codes {}", order.state.name(), books.when(call))
            });
        }
    }
}

fn not_shown(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let coded = |type_id: &str| {
        let mut types = books.paying.sale.types.iter();
        types.any(|one| one.id == type_id && !one.codes.is_empty())
    };
    let paid = story.shown.iter().filter(|(_, order)| order.state == State::Paid);
    for (place, order) in paid {
        for ticket in order.tickets.iter().filter(|ticket| coded(&ticket.type_id)) {
            notes.one(CODE_NOT_SHOWN, ticket.code.is_none(), || {
                let when = books.when(&books.paying.calls[*place]);
                format!("order {id} is paid, and ticket {} has no code {when}", ticket.id)
            });
        }
    }
}

/// A code counts where somebody was shown it, or where the export says that it is paid for.
fn twice(books: &Books<'_>, notes: &mut Notes) {
    let mut first: HashMap<&str, &str> = HashMap::new();
    for story in books.stories.values() {
        let shown = story.shown.iter().flat_map(|(_, order)| &order.tickets);
        let paid = story.rows.iter().filter(|row| row.state == State::Paid).map(|row| &row.ticket);
        for ticket in shown.chain(paid) {
            let Some(code) = &ticket.code else { continue };
            let other = *first.entry(code).or_insert(&ticket.id);
            notes.one(PRICED_CODE_TWICE, other != ticket.id, || {
                format!("ticket {} has the code of ticket {other}", ticket.id)
            });
        }
    }
}
