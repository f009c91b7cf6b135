//! Amounts are exact: an order costs the sum of its units, and a payment is of exactly what its order costs.
//! What something costs is what was announced, never what the server says.

use super::stories::{Books, Story};
use crate::{
    check::notes::{Check, Notes},
    history::paying::{How, Minor, Order, PaymentRow, PaymentState},
};

const AMOUNT_WRONG: Check = Check::named("amount-wrong");

/// Looks at every price and every amount.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for (id, story) in &books.stories {
        let costs = whole(books, story);
        for (place, order) in &story.shown {
            let wrong = shown_wrong(books, order, costs);
            notes.one(AMOUNT_WRONG, wrong, || {
                let when = books.when(&books.paying.calls[*place]);
                format!("order {id} shown as {} of the {} it costs, {when}", order.price.0, costs.0)
            });
        }
        for row in &story.rows {
            let price = price_of(books, &row.ticket.type_id);
            let wrong = price != Some(row.price) || !currency_fits(books, &row.currency, row.price);
            notes.one(AMOUNT_WRONG, wrong, || format!("order {id}: exported as {}", row.price.0));
        }
        for payment in &story.payments {
            notes.one(AMOUNT_WRONG, !payment_fits(books, story, payment, costs), || {
                let (id, amount, state) = (&payment.id, payment.amount.0, payment.state.name());
                format!("payment {id} ({state}) is of {amount} for an order of {}", costs.0)
            });
        }
    }
}

/// A payment is of exactly what its order costs. What somebody paid too little or too much of is in the books as well, as
/// what it was, and goes back: it pays nothing.
fn payment_fits(books: &Books<'_>, story: &Story<'_>, payment: &PaymentRow, costs: Minor) -> bool {
    let tried = |wanted: fn(How) -> bool| story.attempts.iter().any(|one| wanted(one.how));
    let goes_back = matches!(payment.state, PaymentState::RefundDue | PaymentState::Refunded);
    let (wrong, right) = (tried(|how| how == How::WrongAmount), tried(How::pays));
    let exact = payment.amount == costs && payment.currency == books.paying.sale.currency;
    if exact { right || !wrong } else { wrong && goes_back && payment.pays.is_none() }
}

/// What the order costs by what was announced.
fn whole(books: &Books<'_>, story: &Story<'_>) -> Minor {
    let types = books.paying.sale.types.iter();
    Minor(types.map(|one| u64::from(story.units_of(&one.id)) * one.price.0).sum())
}

fn shown_wrong(books: &Books<'_>, order: &Order, costs: Minor) -> bool {
    order.price != costs || !currency_fits(books, &order.currency, order.price)
}

fn currency_fits(books: &Books<'_>, currency: &str, price: Minor) -> bool {
    price.0 == 0 || currency == books.paying.sale.currency
}

fn price_of(books: &Books<'_>, type_id: &str) -> Option<Minor> {
    books.paying.sale.types.iter().find(|one| one.id == type_id).map(|one| one.price)
}
