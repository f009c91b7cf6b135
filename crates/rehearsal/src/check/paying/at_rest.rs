//! When everything is over, what is left is what nobody has: a unit of an order that ended is back, and back once
//! (C19, C20).

use super::stories::Books;
use crate::{
    check::notes::{Check, Notes},
    history::paying::{PricedType, State},
};

const UNIT_NOT_BACK: Check = Check::named("unit-not-back");
const UNIT_BACK_TWICE: Check = Check::named("unit-back-twice");

/// Looks at what is left of every type.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    let held = books.paying.orders.iter().any(|row| row.state == State::Held);
    // While anything is held, units may have moved between the export and the look at what is left.
    if held {
        return;
    }
    let types = books.paying.sale.types.iter();
    for (announced, (_, left, _)) in types.zip(&books.paying.at_rest) {
        let Some(expected) = free(books, announced) else { continue };
        let left = u64::from(*left);
        let said = || format!("type {}: {left} left, of which {expected} are free", announced.id);
        notes.one(UNIT_NOT_BACK, left < expected, said);
        notes.one(UNIT_BACK_TWICE, left > expected, said);
    }
}

/// Units that nobody has; nothing where a refund may have used up a code.
fn free(books: &Books<'_>, announced: &PricedType) -> Option<u64> {
    let of_type = books.paying.orders.iter().filter(|row| row.ticket.type_id == announced.id);
    let refunded = |state| matches!(state, State::RefundDue | State::Refunded);
    if !announced.codes.is_empty() && of_type.clone().any(|row| refunded(row.state)) {
        return None;
    }
    let live = of_type.filter(|row| row.state.is_live()).count() as u64;
    Some(u64::from(announced.stock).saturating_sub(live))
}
