//! Bugs of orders, payments, waiting lines and the feed: as a server with each of them would have left the history.
//! A bug that cannot be planted in a sale says so.

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
    bug("units go out without end", "live-beyond-stock", without_end),
    bug("a unit of an expired order leaks", "unit-not-back", unit_leaks),
    bug("a unit comes back twice", "unit-back-twice", unit_twice),
    bug("a ticket is exported twice", "priced-row-twice", row_twice),
    bug("two claims have one number", "priced-row-twice", number_twice),
    bug("an order that was shown is lost", "order-lost", order_lost),
    bug("an order is exported for another user", "order-changed", other_user),
    bug("an order is exported with other numbers", "order-changed", other_number),
    bug("somebody has an order who asked for none", "order-unexplained", of_nobody),
    bug("a basket is given in part", "order-in-parts", basket_in_part),
    bug("held by others before anybody holds", "held-by-nobody", held_by_nobody),
    bug("sold out while somebody holds", "sold-out-while-held", sold_out_held),
    bug("a buyer is no participant", "payer-not-listed", not_listed),
    bug("an answer to a payer is not of the contract", "payer-strange", strange),
    bug("no payer is ever answered", "payers-unheard", unheard),
    bug("the feed leaves a number out", "feed-gap", feed_gap),
    bug("the feed tells of an end before its beginning", "feed-order", feed_order),
    bug("the feed gives a unit out before it is back", "feed-order", feed_too_early),
    bug("the feed tells another end", "feed-disagrees", feed_end),
    bug("the feed leaves an order out", "feed-disagrees", feed_forgets),
    bug("unpaid units are forgotten by the limit", "live-beyond-limit", beyond_limit),
    bug("a code is shown while it is unpaid", "code-before-paid", code_early),
    bug("a paid code is not shown", "code-not-shown", code_hidden),
    bug("a code that came back is shown twice", "priced-code-twice", code_twice),
    bug("the second in line is served first", "overtaken", overtaken),
    bug("one in line is forgotten", "overtaken", forgotten),
    bug("somebody is let in ahead", "place-moved-back", moved_back),
    bug("who asks fastest gets what came back", "line-passed-over", passed_over),
    bug("a key makes two orders", "key-two-orders", key_twice),
    bug("a paid order expires", "paid-stays-paid", paid_expires),
    bug("a cancelled order is paid", "over-stays-over", over_paid),
    bug("an order is paid and expired", "two-outcomes", two_outcomes),
    bug("a payment in time is not counted", "paid-in-time", in_time_expired),
    bug("an order expires before its time", "expired-early", expired_early),
    bug("a deadline moves closer", "deadline-closer", closer),
    bug("a hold never ends", "hold-without-end", held_for_ever),
    bug("a payment is lost", "payment-lost", payment_lost),
    bug("a late payment is forgotten", "payment-open", payment_open),
    bug("a notice that came twice is two payments", "payment-twice", payment_twice),
    bug("a forged notice is believed", "payment-unexplained", forged),
    bug("the return address marks an order paid", "paid-for-nothing", returned_paid),
    bug("a payment pays an order that is over", "confirmed-for-nothing", confirmed_nothing),
    bug("both payments of one order are kept", "confirmed-twice", confirmed_twice),
    bug("a payment of less is taken", "amount-wrong", paid_less),
    bug("an order shows another price", "amount-wrong", shown_price),
    bug("a refund is taken from a paid order", "money-unbalanced", unbalanced),
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

fn without_end(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    for number in 0..=paying.sale.types[0].stock {
        let person = Person(number);
        let order = give(paying, person, 0, (2_100_000, 2_200_000));
        look(paying, person, &order, 4_000_000);
    }
    Some(())
}

fn unit_leaks(history: &mut History, _: &mut Chance) -> Plant {
    let left = till(history)?.at_rest.iter_mut().find(|(_, left, _)| *left > 0)?;
    left.1 -= 1;
    Some(())
}

fn unit_twice(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.at_rest.first_mut()?.1 += 1;
    Some(())
}

fn row_twice(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |_| true))?;
    paying.orders.push(paying.orders[row].clone());
    Some(())
}

fn number_twice(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |row| row.ticket.claim_no > 1))?;
    paying.orders[row].ticket.claim_no -= 1;
    Some(())
}

fn order_lost(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &seen_as(paying, |_| true))?;
    paying.orders.retain(|row| row.order != order);
    Some(())
}

/// An order that somebody was shown: the place of one of its rows.
fn shown_row(paying: &Paying, chance: &mut Chance) -> Option<usize> {
    let seen = seen_as(paying, |_| true);
    let order = one(chance, &seen)?;
    chance.pick(&rows(paying, |row| row.order == order))
}

fn other_user(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = shown_row(paying, chance)?;
    paying.orders[row].user =
        paying.names.iter().find(|name| **name != paying.orders[row].user)?.clone();
    Some(())
}

fn other_number(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let whole = paying.calls.iter().flat_map(shown).flat_map(|order| &order.tickets);
    let mut ids: Vec<String> = whole.map(|ticket| ticket.id.clone()).collect();
    ids.sort_unstable();
    let ticket = one(chance, &ids)?;
    let row = paying.orders.iter_mut().find(|row| row.ticket.id == ticket)?;
    row.ticket.claim_no += 500;
    Some(())
}

fn of_nobody(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |_| true))?;
    let mut row = paying.orders[row].clone();
    (row.order, row.ticket.id, row.user) =
        ("planted".to_owned(), "planted-1".to_owned(), "stranger".to_owned());
    paying.orders.push(row);
    Some(())
}

fn basket_in_part(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let claimed = paying.calls.iter().filter(|call| matches!(call.asked, PayAsked::Claim { .. }));
    let orders: Vec<String> = claimed
        .flat_map(shown)
        .map(|order| order.id.clone())
        .filter(|id| lines_of(paying, id) > 1)
        .collect();
    let order = one(chance, &orders)?;
    let row = paying.orders.iter().position(|row| row.order == order)?;
    paying.orders.remove(row);
    Some(())
}

/// Possible only where everybody knows where every order came from.
fn held_by_nobody(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let mut known = HashSet::new();
    for call in &paying.calls {
        match (&call.asked, &call.heard) {
            (PayAsked::Claim { .. } | PayAsked::Result { .. }, PayHeard::Order(order)) => {
                known.insert(order.id.clone());
            }
            (_, PayHeard::NotInLine { offer: Some(offer) }) => {
                known.insert(offer.clone());
            }
            _ => {}
        }
    }
    if !paying.orders.iter().all(|row| known.contains(&row.order)) {
        return None;
    }
    let asked = PayAsked::Claim { items: vec![(TypeIndex(0), 1)], key: Key(900) };
    let (sent, ended) = (Micros(1_000), Micros(2_000));
    insert(
        paying,
        PayCall { person: Person(0), asked, sent, ended, heard: PayHeard::HeldByOthers },
    );
    Some(())
}

/// An order that was held at two calls of one person: when the first was over and when the second was sent.
fn held_between(paying: &Paying) -> Option<(usize, u64, u64)> {
    let mut first: BTreeMap<&str, Micros> = BTreeMap::new();
    for call in &paying.calls {
        let PayHeard::Order(order) = &call.heard else { continue };
        if order.state != State::Held {
            continue;
        }
        match first.get(order.id.as_str()) {
            Some(known) if known.0 + 20 < call.sent.0 => {
                let of = of_type(paying, &order.tickets.first()?.type_id)?;
                return Some((of, known.0, call.sent.0));
            }
            Some(_) => {}
            None => {
                first.insert(&order.id, call.ended);
            }
        }
    }
    None
}

fn sold_out_held(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (of, from, _) = held_between(paying)?;
    let asked = PayAsked::Claim { items: vec![(TypeIndex(of), 1)], key: Key(900) };
    let (sent, ended) = (Micros(from + 3), Micros(from + 6));
    let heard = PayHeard::Refused(Refused::SoldOut);
    insert(paying, PayCall { person: Person(0), asked, sent, ended, heard });
    Some(())
}

fn not_listed(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.participants.pop().map(drop)
}

fn strange(history: &mut History, _: &mut Chance) -> Plant {
    let call = till(history)?.calls.first_mut()?;
    call.heard = PayHeard::Strange { status: 500, ret: None };
    Some(())
}

fn unheard(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.calls.retain(|call| !matches!(call.heard, PayHeard::Order(_)));
    Some(())
}

fn feed(paying: &mut Paying) -> Option<&mut Vec<FeedEvent>> {
    paying.events.as_mut()
}

/// Gives the events their numbers again.
fn number(events: &mut [FeedEvent]) {
    for (event, no) in events.iter_mut().zip(1..) {
        event.no = no;
    }
}

fn feed_gap(history: &mut History, chance: &mut Chance) -> Plant {
    let events = feed(till(history)?)?;
    let places: Vec<usize> = (0..events.len().checked_sub(1)?).collect();
    events.remove(chance.pick(&places)?);
    Some(())
}

fn feed_order(history: &mut History, chance: &mut Chance) -> Plant {
    let events = feed(till(history)?)?;
    let held: Vec<usize> =
        (0..events.len()).filter(|at| events[*at].name == "order.held").collect();
    let held = chance.pick(&held)?;
    let end = events.iter().rposition(|event| event.order == events[held].order)?;
    if end == held {
        return None;
    }
    events.swap(held, end);
    number(events);
    Some(())
}

/// The first unit that was offered to the line goes out before anything came back: all of the type were out then.
fn feed_too_early(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let offers = paying.calls.iter().find_map(|call| match (&call.asked, &call.heard) {
        (PayAsked::Place(_), PayHeard::NotInLine { offer: Some(offer) }) => Some(offer.clone()),
        _ => None,
    })?;
    let events = feed(paying)?;
    let held = events
        .iter()
        .position(|event| event.name == "order.held" && event.order.as_ref() == Some(&offers))?;
    let back = held.checked_sub(1)?;
    if !matches!(events[back].name.as_str(), "order.expired" | "order.cancelled") {
        return None;
    }
    events.swap(held, back);
    number(events);
    Some(())
}

fn feed_end(history: &mut History, chance: &mut Chance) -> Plant {
    let events = feed(till(history)?)?;
    let ends: Vec<usize> =
        (0..events.len()).filter(|at| events[*at].name == "order.expired").collect();
    events[chance.pick(&ends)?].name = "order.cancelled".to_owned();
    Some(())
}

fn feed_forgets(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let orders: Vec<String> = paying.orders.iter().map(|row| row.order.clone()).collect();
    let order = one(chance, &orders)?;
    let events = feed(paying)?;
    events.retain(|event| event.order.as_ref() != Some(&order));
    number(events);
    Some(())
}

fn beyond_limit(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |row| row.state == State::Paid))?;
    let kind = of_type(paying, &paying.orders[row].ticket.type_id)?;
    for number in 0..paying.sale.types[kind].limit_per_person {
        let mut row = paying.orders[row].clone();
        (row.order, row.ticket.id) = (format!("more-{number}"), format!("more-{number}-1"));
        paying.orders.push(row);
    }
    Some(())
}

/// Places of calls that show one order with a ticket of a type with codes, in this state.
fn coded(paying: &Paying, state: State) -> Vec<(usize, usize)> {
    let has_codes = |ticket: &PricedTicket| {
        of_type(paying, &ticket.type_id).is_some_and(|of| !paying.sale.types[of].codes.is_empty())
    };
    let mut places = Vec::new();
    for (at, call) in paying.calls.iter().enumerate() {
        let PayHeard::Order(order) = &call.heard else { continue };
        let ticket = order.tickets.iter().position(has_codes);
        places.extend(ticket.filter(|_| order.state == state).map(|ticket| (at, ticket)));
    }
    places
}

fn code_early(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (at, ticket) = chance.pick(&coded(paying, State::Held))?;
    let code = paying.sale.types[1].codes.first()?.clone();
    shown_mut(&mut paying.calls[at])[0].tickets[ticket].code = Some(code);
    Some(())
}

fn code_hidden(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (at, ticket) = chance.pick(&coded(paying, State::Paid))?;
    shown_mut(&mut paying.calls[at])[0].tickets[ticket].code = None;
    Some(())
}

fn code_twice(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let with = rows(paying, |row| row.ticket.code.is_some() && row.state == State::Paid);
    let (first, second) = (*with.first()?, *with.get(1)?);
    paying.orders[second].ticket.code = paying.orders[first].ticket.code.clone();
    Some(())
}

/// One person's only stay in a line.
struct Waited {
    person: Person,
    of: usize,
    asked: Micros,
    known: Micros,
    /// The last call that was answered with a place was sent then.
    still: Micros,
    offer: Option<String>,
}

/// People who joined once, never left, and have nothing but what they were offered.
fn waited(paying: &Paying) -> Vec<Waited> {
    let mut all = Vec::new();
    for number in 0..paying.names.len() as u32 {
        let person = Person(number);
        let own: Vec<&PayCall> = paying.calls.iter().filter(|call| call.person == person).collect();
        let joins: Vec<&&PayCall> =
            own.iter().filter(|call| matches!(call.asked, PayAsked::Join(_))).collect();
        let left = own.iter().any(|call| matches!(call.asked, PayAsked::Leave(_)));
        let [join] = joins.as_slice() else { continue };
        let PayAsked::Join(of) = join.asked else { continue };
        let places: Vec<&&PayCall> =
            own.iter().filter(|call| matches!(call.heard, PayHeard::InLine { .. })).collect();
        let (Some(first), Some(last)) = (places.first(), places.last()) else { continue };
        let offer = own.iter().find_map(|call| match &call.heard {
            PayHeard::NotInLine { offer } => offer.clone(),
            _ => None,
        });
        let name = &paying.names[number as usize];
        let mut rows = paying.orders.iter().filter(|row| row.user == *name);
        let only = rows.all(|row| Some(&row.order) == offer.as_ref());
        if !left && only {
            let (asked, known, still) = (join.sent, first.ended, last.sent);
            all.push(Waited { person, of: of.0, asked, known, still, offer });
        }
    }
    all
}

fn overtaken(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let all = waited(paying);
    let served = || all.iter().filter(|one| one.offer.is_some());
    let (first, second) = served().find_map(|one| {
        let later = served().find(|other| other.of == one.of && one.known < other.asked)?;
        Some((one.offer.clone()?, later.offer.clone()?))
    })?;
    let number = |order: &str| {
        paying.orders.iter().find(|row| row.order == order).map(|row| row.ticket.claim_no)
    };
    let (one, other) = (number(&first)?, number(&second)?);
    for (order, number) in [(&first, other), (&second, one)] {
        for row in paying.orders.iter_mut().filter(|row| row.order == *order) {
            row.ticket.claim_no = number;
        }
        let shown = paying.calls.iter_mut().flat_map(shown_mut).filter(|one| one.id == *order);
        shown.flat_map(|order| &mut order.tickets).for_each(|one| one.claim_no = number);
    }
    Some(())
}

/// Somebody still waits, whose unit was offered to one who came later.
fn forgotten(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let all = waited(paying);
    let early = all.iter().find(|one| {
        let later = |other: &&Waited| {
            other.of == one.of && other.offer.is_some() && one.known < other.asked
        };
        one.offer.is_some() && all.iter().any(|other| later(&other))
    })?;
    let (person, of, gone) = (early.person, TypeIndex(early.of), early.offer.clone()?);
    // Nobody ever heard of the offer.
    paying.orders.retain(|row| row.order != gone);
    paying.payments.retain(|row| row.order != gone);
    paying.calls.retain(|call| {
        let own = call.person == person && call.ended > early.known;
        !own && shown(call).iter().all(|order| order.id != gone)
    });
    let (sent, ended) = (Micros(50_000_000), Micros(50_000_005));
    let heard = PayHeard::InLine { ahead: 0 };
    insert(paying, PayCall { person, asked: PayAsked::Place(of), sent, ended, heard });
    Some(())
}

fn moved_back(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let one = waited(paying).into_iter().find(|one| one.known < one.still)?;
    let own = |call: &PayCall| call.person == one.person;
    let ahead = |call: &PayCall| match call.heard {
        PayHeard::InLine { ahead } => Some(ahead),
        _ => None,
    };
    let first = paying.calls.iter().filter(|call| own(call)).find_map(ahead)?;
    let last = paying.calls.iter().rposition(|call| own(call) && ahead(call).is_some())?;
    paying.calls[last].heard = PayHeard::InLine { ahead: first + 1 };
    Some(())
}

fn passed_over(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let one = waited(paying).into_iter().find(|one| one.known.0 + 20 < one.still.0)?;
    let other = Person(if one.person == Person(0) { 1 } else { 0 });
    give(paying, other, one.of, (one.known.0 + 5, one.known.0 + 10));
    Some(())
}

fn key_twice(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let claim = paying.calls.iter().find(|call| {
        matches!(call.asked, PayAsked::Claim { .. }) && matches!(call.heard, PayHeard::Order(_))
    })?;
    let (person, asked, end) = (claim.person, claim.asked.clone(), claim.ended.0);
    let order = give(paying, person, 0, (end + 100, end + 200));
    let again =
        paying.calls.iter_mut().find(|call| shown(call).iter().any(|one| one.id == order.id))?;
    again.asked = asked;
    Some(())
}

fn paid_expires(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &seen_as(paying, |state| state == State::Paid))?;
    exported_as(paying, &order, State::Expired);
    Some(())
}

/// C17: a cancelled order becomes paid.
fn over_paid(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &seen_as(paying, is_over))?;
    exported_as(paying, &order, State::Paid);
    Some(())
}

fn two_outcomes(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let many = rows(paying, |row| row.state == State::Paid && lines_of(paying, &row.order) > 1);
    let row = chance.pick(&many)?;
    paying.orders[row].state = State::Expired;
    Some(())
}

/// C18: the payment came long before the deadline, and the timer won.
fn in_time_expired(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let cancelled: HashSet<String> = paying
        .calls
        .iter()
        .filter_map(|call| match &call.asked {
            PayAsked::Cancel(order) => Some(order.clone()),
            _ => None,
        })
        .collect();
    let zero = paying.sale.clock_zero.0;
    let order = paying.calls.iter().find_map(|call| {
        let PayAsked::Pay { order, how: How::AtOnce, .. } = &call.asked else { return None };
        let by = paying
            .calls
            .iter()
            .filter(|other| other.ended <= call.ended)
            .flat_map(shown)
            .filter(|one| one.id == *order)
            .filter_map(|one| one.pay_by)
            .max()?;
        let early = zero + call.ended.0 / 1_000 + 1_200 < by.0;
        (call.heard == PayHeard::Told && early && !cancelled.contains(order)).then(|| order.clone())
    })?;
    exported_as(paying, &order, State::Expired);
    for shown in paying.calls.iter_mut().flat_map(shown_mut).filter(|one| one.id == order) {
        if shown.state == State::Paid {
            shown.state = State::Expired;
        }
    }
    Some(())
}

fn expired_early(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &seen_as(paying, |state| state == State::Expired))?;
    let shown = paying.calls.iter_mut().flat_map(shown_mut).filter(|one| one.id == order);
    for by in shown.filter_map(|order| order.pay_by.as_mut()) {
        *by = UnixMs(by.0 + 60_000);
    }
    Some(())
}

fn closer(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let mut first: BTreeMap<String, Micros> = BTreeMap::new();
    for call in &mut paying.calls {
        let sent = call.sent;
        let ended = call.ended;
        for order in shown_mut(call) {
            match first.get(&order.id) {
                Some(known) if *known < sent => {
                    order.pay_by = order.pay_by.map(|by| UnixMs(by.0 - 2_000));
                    return Some(());
                }
                Some(_) => {}
                None => {
                    first.insert(order.id.clone(), ended);
                }
            }
        }
    }
    None
}

fn held_for_ever(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let orders = seen_as(paying, |state| state == State::Expired);
    let order = one(chance, &orders)?;
    exported_as(paying, &order, State::Held);
    Some(())
}

/// Orders for which the provider said that it was paid, and the payments that came of it.
fn told(paying: &Paying) -> Vec<String> {
    let calls = paying.calls.iter().filter(|call| call.heard == PayHeard::Told);
    let orders = calls.filter_map(|call| match &call.asked {
        PayAsked::Pay { order, how, .. } if how.pays() => Some(order.clone()),
        _ => None,
    });
    orders.collect()
}

fn payment_lost(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &told(paying))?;
    paying.payments.retain(|row| row.order != order);
    Some(())
}

fn payment_open(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let late = paying.payments.iter_mut().find(|row| row.state == PaymentState::Refunded)?;
    late.state = PaymentState::Late;
    Some(())
}

fn payment_twice(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = paying.payments.first()?.clone();
    paying.payments.push(row);
    Some(())
}

/// C16: anybody posts "paid".
fn forged(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let calls = paying.calls.iter().filter_map(|call| match &call.asked {
        PayAsked::Forge(order) => Some(order.clone()),
        PayAsked::Pay { order, how: How::Forged | How::WrongAmount, .. } => Some(order.clone()),
        _ => None,
    });
    let orders: Vec<String> = calls.collect();
    let order = one(chance, &orders)?;
    let price = paying.orders.iter().filter(|row| row.order == order).map(|row| row.price.0).sum();
    paying.payments.push(PaymentRow {
        id: "planted".to_owned(),
        pays: Some(order.clone()),
        order: order.clone(),
        state: PaymentState::Confirmed,
        amount: Minor(price),
        currency: paying.sale.currency.clone(),
    });
    exported_as(paying, &order, State::Paid);
    Some(())
}

/// C21: the browser's return marks the order paid.
fn returned_paid(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let calls = paying.calls.iter().filter_map(|call| match &call.asked {
        PayAsked::Return(order) => Some(order.clone()),
        _ => None,
    });
    let returned: Vec<String> =
        calls.filter(|id| state_of(paying, id).is_some_and(|state| state != State::Paid)).collect();
    let order = one(chance, &returned)?;
    exported_as(paying, &order, State::Paid);
    Some(())
}

fn confirmed_nothing(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = paying.payments.iter().find_map(|row| row.pays.clone())?;
    exported_as(paying, &order, State::Cancelled);
    Some(())
}

/// C17: a notice of another payment of the same order is confirmed too.
fn confirmed_twice(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let paid: HashSet<String> = paying.payments.iter().filter_map(|row| row.pays.clone()).collect();
    let mut rows = paying.payments.iter_mut();
    let second = rows.find(|row| row.pays.is_none() && paid.contains(&row.order))?;
    (second.pays, second.state) = (Some(second.order.clone()), PaymentState::Confirmed);
    Some(())
}

fn paid_less(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.payments.first_mut()?.amount.0 -= 1;
    Some(())
}

fn shown_price(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let ids: Vec<String> = seen_as(paying, |_| true);
    let ids: Vec<String> = ids.into_iter().filter(|id| priced(paying, id)).collect();
    let order = one(chance, &ids)?;
    let mut all = paying.calls.iter_mut().flat_map(shown_mut);
    all.find(|one| one.id == order)?.price.0 += 100;
    Some(())
}

/// Money went back, and the order kept its units.
fn unbalanced(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let mut rows = paying.payments.iter_mut();
    rows.find(|row| row.state == PaymentState::Confirmed)?.state = PaymentState::Refunded;
    Some(())
}
