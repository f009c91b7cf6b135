//! The feed of events: numbers without gaps, nothing before its cause, and in the end what the exports say.
//! What leaves for the outside is all that the outside will ever know.

use super::{payments::costs, stories::Books};
use crate::{
    check::notes::{Check, Notes},
    history::paying::{FeedEvent, PaymentState, State},
};
use std::collections::BTreeMap;

const FEED_GAP: Check = Check::named("feed-gap");
const FEED_ORDER: Check = Check::named("feed-order");
const FEED_DISAGREES: Check = Check::named("feed-disagrees");

/// Looks at every event.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    let Some(events) = &books.paying.events else { return };
    for (event, expected) in events.iter().zip(1..) {
        notes.one(FEED_GAP, event.no != expected, || {
            format!("event {} stands where {expected} should", event.no)
        });
    }
    let orders = follow(books, notes, events);
    agree(books, notes, events, &orders);
}

/// Follows every order through its events; the states they end in.
fn follow<'a>(
    books: &Books<'_>,
    notes: &mut Notes,
    events: &'a [FeedEvent],
) -> BTreeMap<&'a str, State> {
    let mut orders: BTreeMap<&str, State> = BTreeMap::new();
    let mut live = Live::new(books);
    for event in events {
        let Some(order) = &event.order else { continue };
        let before = orders.get(order.as_str()).copied();
        let Some(after) = event.name.strip_prefix("order.").and_then(State::named) else {
            // A payment is told of after the order that it is for.
            notes.one(FEED_ORDER, before.is_none(), || {
                format!("event {} is about order {order}, which has not begun", event.no)
            });
            continue;
        };
        let free = books.stories.get(order.as_str()).is_some_and(|story| !costs(books, story));
        let possible = match (before, after) {
            (None, State::Held) => true,
            (None, State::Paid) => free,
            (Some(State::Held), State::Paid | State::Cancelled | State::Expired) => true,
            (Some(State::Paid), State::RefundDue) => true,
            (Some(State::RefundDue), State::Refunded) => true,
            _ => false,
        };
        orders.insert(order, after);
        let too_many = live.step(books, order, before, after);
        notes.one(FEED_ORDER, !possible || too_many.is_some(), || match too_many {
            Some(type_id) => {
                format!("event {}: more units of type {type_id} are out than there are", event.no)
            }
            None => {
                let was = before.map_or("not there", State::name);
                format!("event {}: order {order} is {} and was {was}", event.no, after.name())
            }
        });
    }
    orders
}

/// Live units by type, as the feed tells of them: a unit goes out again after it came back, and not before.
struct Live(Vec<i64>);

impl Live {
    fn new(books: &Books<'_>) -> Self {
        Self(vec![0; books.paying.sale.types.len()])
    }

    /// The type of which there are too many now, if there is one.
    fn step<'a>(
        &mut self,
        books: &Books<'a>,
        order: &str,
        before: Option<State>,
        after: State,
    ) -> Option<&'a str> {
        let change = i64::from(after.is_live()) - i64::from(before.is_some_and(State::is_live));
        let story = books.stories.get(order).filter(|_| change != 0)?;
        let mut wrong = None;
        for (of, live) in self.0.iter_mut().enumerate() {
            let announced = &books.paying.sale.types[of];
            let units = i64::from(story.units_of(&announced.id));
            *live += change * units;
            if units > 0 && *live > i64::from(announced.stock) {
                wrong = Some(books.type_name(of));
            }
        }
        wrong
    }
}

/// Orders and payments as the feed leaves them, against the exports.
fn agree(
    books: &Books<'_>,
    notes: &mut Notes,
    events: &[FeedEvent],
    orders: &BTreeMap<&str, State>,
) {
    for (id, story) in books.stories.iter().filter(|(_, story)| !story.rows.is_empty()) {
        let told = orders.get(id).copied();
        // What happened between the export and the feed is told of in one of them only.
        let moved = story.state() == Some(State::Held);
        let wrong = told != story.state() && !(moved && told.is_some());
        notes.one(FEED_DISAGREES, wrong, || {
            let (told, is) =
                (told.map_or("nowhere", State::name), story.state().map_or("", State::name));
            format!("order {id} is {told} in the feed and {is} in the export")
        });
    }
    let known = |id: &&str| books.stories.get(*id).is_none_or(|story| story.rows.is_empty());
    for id in orders.keys().filter(|id| known(id)) {
        notes.found(FEED_DISAGREES, || format!("order {id} is in the feed and not in the export"));
    }
    let mut payments: BTreeMap<&str, PaymentState> = BTreeMap::new();
    for event in events {
        let state = event.name.strip_prefix("payment.").and_then(PaymentState::named);
        if let (Some(state), Some(payment)) = (state, &event.payment) {
            payments.insert(payment, state);
        }
    }
    for row in &books.paying.payments {
        let Some(told) = payments.get(row.id.as_str()) else { continue };
        let open = matches!(row.state, PaymentState::Late | PaymentState::RefundDue);
        notes.one(FEED_DISAGREES, *told != row.state && !open, || {
            let (told, is) = (told.name(), row.state.name());
            format!("payment {} is {told} in the feed and {is} in the export", row.id)
        });
    }
}
