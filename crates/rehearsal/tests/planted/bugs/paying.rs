//! Bugs of orders, payments, waiting lines and the feed: as a server with each of them would have left the history.
//! A bug that cannot be planted in a sale says so.

mod codes;
mod feed;
mod kills;
mod line;
mod money;
mod orders;
mod time;
mod units;

use super::{Bug, bug};
use crate::{chance::Chance, paying::is_over};
use rehearsal::history::{
    History, Key, Micros, Person, Refused, TypeIndex,
    paying::{
        FeedEvent, How, Minor, Order, PayAsked, PayCall, PayHeard, Paying, PaymentRow,
        PaymentState, PricedRow, PricedTicket, State, UnixMs,
    },
};
use std::collections::{BTreeMap, HashSet};

/// All of them.
pub const PAYING_BUGS: &[Bug] = &[
    bug("units go out without end", "live-beyond-stock", units::without_end),
    bug("a unit of an expired order leaks", "unit-not-back", units::unit_leaks),
    bug("a unit comes back twice", "unit-back-twice", units::unit_twice),
    bug("a ticket is exported twice", "priced-row-twice", orders::row_twice),
    bug("two claims have one number", "priced-row-twice", orders::number_twice),
    bug("an order that was shown is lost", "order-lost", orders::order_lost),
    bug("an order is exported for another user", "order-changed", orders::other_user),
    bug("an order is exported with other numbers", "order-changed", orders::other_number),
    bug("somebody has an order who asked for none", "order-unexplained", orders::of_nobody),
    bug("a basket is given in part", "order-in-parts", orders::basket_in_part),
    bug("held by others before anybody holds", "held-by-nobody", line::held_by_nobody),
    bug("sold out while somebody holds", "sold-out-while-held", line::sold_out_held),
    bug("a buyer is no participant", "payer-not-listed", orders::not_listed),
    bug("an answer to a payer is not of the contract", "payer-strange", orders::strange),
    bug("no payer is ever answered", "payers-unheard", orders::unheard),
    bug("the feed leaves a number out", "feed-gap", feed::feed_gap),
    bug("the feed tells of an end before its beginning", "feed-order", feed::feed_order),
    bug("the feed gives a unit out before it is back", "feed-order", feed::feed_too_early),
    bug("the feed tells another end", "feed-disagrees", feed::feed_end),
    bug("the feed leaves an order out", "feed-disagrees", feed::feed_forgets),
    bug("unpaid units are forgotten by the limit", "live-beyond-limit", units::beyond_limit),
    bug("a code is shown while it is unpaid", "code-before-paid", codes::code_early),
    bug("a paid code is not shown", "code-not-shown", codes::code_hidden),
    bug("a code that came back is shown twice", "priced-code-twice", codes::code_twice),
    bug("the second in line is served first", "overtaken", line::overtaken),
    bug("one in line is forgotten", "overtaken", line::forgotten),
    bug("somebody is let in ahead", "place-moved-back", line::moved_back),
    bug("who asks fastest gets what came back", "line-passed-over", line::passed_over),
    bug("a key makes two orders", "key-two-orders", orders::key_twice),
    bug("a paid order expires", "paid-stays-paid", time::paid_expires),
    bug("a cancelled order is paid", "over-stays-over", time::over_paid),
    bug("an order is paid and expired", "two-outcomes", time::two_outcomes),
    bug("a payment in time is not counted", "paid-in-time", time::in_time_expired),
    bug("an order expires before its time", "expired-early", time::expired_early),
    bug("a deadline moves closer", "deadline-closer", time::closer),
    bug("a hold never ends", "hold-without-end", time::held_for_ever),
    bug("a payment is lost", "payment-lost", money::payment_lost),
    bug("a late payment is forgotten", "payment-open", money::payment_open),
    bug("a notice that came twice is two payments", "payment-twice", money::payment_twice),
    bug("a forged notice is believed", "payment-unexplained", money::forged),
    bug("the return address marks an order paid", "paid-for-nothing", money::returned_paid),
    bug("a payment pays an order that is over", "confirmed-for-nothing", money::confirmed_nothing),
    bug("both payments of one order are kept", "confirmed-twice", money::confirmed_twice),
    bug("a payment of less is taken", "amount-wrong", money::paid_less),
    bug("an order shows another price", "amount-wrong", money::shown_price),
    bug("a refund is taken from a paid order", "money-unbalanced", money::unbalanced),
    bug("another amount pays an order", "amount-wrong", money::another_amount),
    bug("an amount that pays nothing is kept from the books", "payment-lost", money::wrong_lost),
    bug("an order that was paid is unpaid after a kill", "paid-stays-paid", kills::paid_forgotten),
    bug("a payment is gone with a kill", "payment-lost", kills::payment_gone),
    bug("an order expires again after a kill", "feed-order", kills::expires_again),
    bug("a unit comes back again after a kill", "unit-back-twice", kills::back_again),
    bug("a place that was on disk moves back over a kill", "place-moved-back", kills::moved_back),
    bug("the line is forgotten over a kill", "line-passed-over", kills::passed_over),
    bug("time without a server is not given back", "expired-early", kills::expired_early),
    bug("a deadline does not move over a kill", "deadline-closer", kills::not_moved),
];

type Plant = Option<()>;

fn till(history: &mut History) -> Option<&mut Paying> {
    history.paying.as_deref_mut()
}

/// The orders that a call shows.
fn shown(call: &PayCall) -> &[Order] {
    match &call.heard {
        PayHeard::Order(order) => std::slice::from_ref(order),
        PayHeard::Orders(orders) => orders,
        _ => &[],
    }
}

fn shown_mut(call: &mut PayCall) -> &mut [Order] {
    match &mut call.heard {
        PayHeard::Order(order) => std::slice::from_mut(order),
        PayHeard::Orders(orders) => orders,
        _ => &mut [],
    }
}

/// Orders that were shown in a state, each once.
fn seen_as(paying: &Paying, wanted: impl Fn(State) -> bool) -> Vec<String> {
    let all = paying.calls.iter().flat_map(shown).filter(|order| wanted(order.state));
    let ids: HashSet<&str> = all.map(|order| order.id.as_str()).collect();
    let mut ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    ids.sort_unstable();
    ids
}

fn one(chance: &mut Chance, ids: &[String]) -> Option<String> {
    let places: Vec<usize> = (0..ids.len()).collect();
    chance.pick(&places).map(|place| ids[place].clone())
}

fn exported_as(paying: &mut Paying, order: &str, state: State) {
    for row in paying.orders.iter_mut().filter(|row| row.order == order) {
        row.state = state;
    }
}

fn state_of(paying: &Paying, order: &str) -> Option<State> {
    paying.orders.iter().find(|row| row.order == order).map(|row| row.state)
}

fn lines_of(paying: &Paying, order: &str) -> usize {
    paying.orders.iter().filter(|row| row.order == order).count()
}

fn priced(paying: &Paying, order: &str) -> bool {
    paying.orders.iter().any(|row| row.order == order && row.price.0 > 0)
}

/// Places of priced rows of orders in this state.
fn rows(paying: &Paying, wanted: impl Fn(&PricedRow) -> bool) -> Vec<usize> {
    (0..paying.orders.len()).filter(|at| wanted(&paying.orders[*at])).collect()
}

fn insert(paying: &mut Paying, call: PayCall) {
    let place = paying.calls.partition_point(|other| other.ended <= call.ended);
    paying.calls.insert(place, call);
}

fn of_type(paying: &Paying, type_id: &str) -> Option<usize> {
    paying.sale.types.iter().position(|one| one.id == type_id)
}

/// One more order of a type that somebody claimed between two instants and still has.
fn give(paying: &mut Paying, person: Person, of: usize, (sent, ended): (u64, u64)) -> Order {
    let serial = paying.calls.len();
    let kind = paying.sale.types[of].clone();
    let ticket = PricedTicket {
        id: format!("planted-{serial}-1"),
        type_id: kind.id,
        code: None,
        claim_no: 10_000 + serial as u32,
    };
    let order = Order {
        id: format!("planted-{serial}"),
        state: State::Held,
        price: kind.price,
        currency: paying.sale.currency.clone(),
        tickets: vec![ticket.clone()],
        ..Order::default()
    };
    let items = vec![(TypeIndex(of), 1)];
    let asked = PayAsked::Claim { items, key: Key(1_000 + serial as u32) };
    let (sent, ended) = (Micros(sent), Micros(ended));
    insert(paying, PayCall { person, asked, sent, ended, heard: PayHeard::Order(order.clone()) });
    paying.orders.push(PricedRow {
        order: order.id.clone(),
        ticket,
        user: paying.names[person.0 as usize].clone(),
        state: State::Expired,
        price: kind.price,
        currency: paying.sale.currency.clone(),
    });
    order
}

fn look(paying: &mut Paying, person: Person, order: &Order, at: u64) {
    let asked = PayAsked::Order(order.id.clone());
    let heard = PayHeard::Order(order.clone());
    insert(paying, PayCall { person, asked, sent: Micros(at), ended: Micros(at + 5), heard });
}
