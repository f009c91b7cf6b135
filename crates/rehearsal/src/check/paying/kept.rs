//! What payers were told against the exports, in both directions: orders whole and unchanged, nobody's order without a
//! claim, an offer or a late payment behind it, one order a key, everybody who has one among the participants.

use super::stories::{Books, Story};
use crate::{
    check::notes::{Check, Notes},
    history::{
        Key, Person,
        paying::{Order, PayAsked, PayHeard, PricedTicket, State},
    },
};
use std::collections::{BTreeMap, HashMap, HashSet};

const ORDER_LOST: Check = Check::named("order-lost");
const ORDER_CHANGED: Check = Check::named("order-changed");
const ORDER_UNEXPLAINED: Check = Check::named("order-unexplained");
const ORDER_IN_PARTS: Check = Check::named("order-in-parts");
const PRICED_ROW_TWICE: Check = Check::named("priced-row-twice");
const KEY_TWO_ORDERS: Check = Check::named("key-two-orders");
const PAYER_NOT_LISTED: Check = Check::named("payer-not-listed");
const PAYER_STRANGE: Check = Check::named("payer-strange");
const PAYERS_UNHEARD: Check = Check::named("payers-unheard");

/// Looks at every order, every row and every answer.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    let claimants = claimants(books);
    let mut late = late_payments(books);
    for (id, story) in &books.stories {
        lost(books, notes, id, story);
        changed(books, notes, id, story);
        unexplained(books, notes, (id, story), &claimants, &mut late);
        in_parts(books, notes, id, story);
    }
    rows(books, notes);
    keys(books, notes);
    listed(books, notes);
    answers(books, notes);
}

fn lost(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    if story.until.is_some() {
        notes.one(ORDER_LOST, story.rows.is_empty(), || {
            let whose = story.owner.map_or(String::new(), |owner| books.who(owner));
            format!("order {id} of {whose} is not in the export")
        });
    }
}

/// Everything that was shown of an order, but its state and the codes of what is not paid.
fn changed(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let exported: HashMap<&str, &PricedTicket> =
        story.rows.iter().map(|row| (row.ticket.id.as_str(), &row.ticket)).collect();
    let same = |ticket: &PricedTicket| {
        exported.get(ticket.id.as_str()).is_some_and(|row| {
            let code = ticket.code.is_none() || ticket.code == row.code;
            code && (&ticket.type_id, ticket.claim_no) == (&row.type_id, row.claim_no)
        })
    };
    let name = story.owner.and_then(|owner| books.paying.names.get(owner.0 as usize));
    let another = story.rows.iter().any(|row| Some(&row.user) != name);
    for (place, order) in story.shown.iter().filter(|_| !story.rows.is_empty()) {
        let stranger = Some(books.paying.calls[*place].person) != story.owner;
        let wrong = another || stranger || !order.tickets.iter().all(same);
        notes.one(ORDER_CHANGED, wrong, || {
            let when = books.when(&books.paying.calls[*place]);
            format!("order {id} as it was shown {when} is not as it is exported")
        });
    }
}

/// People who claimed anything without hearing its end, or who joined a line.
fn claimants(books: &Books<'_>) -> HashSet<Person> {
    let asked = books.paying.calls.iter().filter(|call| match &call.asked {
        PayAsked::Claim { .. } => !matches!(
            call.heard,
            PayHeard::Order(_)
                | PayHeard::Refused(_)
                | PayHeard::HeldByOthers
                | PayHeard::Busy { .. }
        ),
        PayAsked::Join(_) => true,
        _ => false,
    });
    asked.map(|call| call.person).collect()
}

/// How many payments of each person came when their order was over and paid no other: over a kill the order that was to
/// be made for such a payment may be there, unpaid, though the payment goes back.
fn late_payments(books: &Books<'_>) -> HashMap<Person, usize> {
    let mut late = HashMap::new();
    let stories = books.stories.values().filter(|_| books.lives.any() || books.paying.restarted);
    for story in stories.filter(|story| story.state().is_some_and(|state| !state.is_live())) {
        if let Some(owner) = story.owner {
            *late.entry(owner).or_default() +=
                story.payments.iter().filter(|one| one.pays.is_none()).count();
        }
    }
    late
}

fn unexplained(
    books: &Books<'_>,
    notes: &mut Notes,
    (id, story): (&str, &Story<'_>),
    claimants: &HashSet<Person>,
    late: &mut HashMap<Person, usize>,
) {
    if story.rows.is_empty() {
        return;
    }
    let known = story.claimed.is_some() || story.offered || !story.paid_by.is_empty();
    let open = story.owner.is_some_and(|owner| claimants.contains(&owner));
    let owed = story.owner.and_then(|owner| late.get_mut(&owner)).filter(|count| **count > 0);
    let for_late = !known && !open && story.state() != Some(State::Paid) && owed.is_some();
    if for_late {
        owed.into_iter().for_each(|count| *count -= 1);
    }
    notes.one(ORDER_UNEXPLAINED, !known && !open && !for_late, || {
        let whose = story.owner.map_or("nobody of the crowd".to_owned(), |one| books.who(one));
        format!("order {id} of {whose}: nothing that was asked explains it")
    });
}

/// All or nothing: an order is exactly what was asked for.
fn in_parts(books: &Books<'_>, notes: &mut Notes, id: &str, story: &Story<'_>) {
    let Some(items) = story.claimed.filter(|_| !story.rows.is_empty()) else { return };
    let count = |of: usize| -> u32 {
        items.iter().filter(|(one, _)| one.0 == of).map(|(_, count)| *count).sum()
    };
    let wrong = (0..books.paying.sale.types.len())
        .any(|of| count(of) != story.units_of(books.type_name(of)));
    notes.one(ORDER_IN_PARTS, wrong, || {
        let asked: u32 = items.iter().map(|(_, count)| *count).sum();
        format!("order {id} has {} tickets that are not the {asked} asked for", story.rows.len())
    });
}

fn rows(books: &Books<'_>, notes: &mut Notes) {
    let (mut tickets, mut numbers) = (HashSet::new(), HashSet::new());
    for row in &books.paying.orders {
        let new = tickets.insert(&row.ticket.id);
        let own = numbers.insert((&row.ticket.type_id, row.ticket.claim_no));
        notes.one(PRICED_ROW_TWICE, !new || !own, || {
            let (id, no) = (&row.ticket.id, row.ticket.claim_no);
            format!("ticket {id}, or claim {no} of its type, is in the export twice")
        });
    }
}

fn keys(books: &Books<'_>, notes: &mut Notes) {
    let mut first: BTreeMap<(Person, Key), &Order> = BTreeMap::new();
    for call in &books.paying.calls {
        let (PayAsked::Claim { key, .. } | PayAsked::Result { key, .. }) = &call.asked else {
            continue;
        };
        let PayHeard::Order(order) = &call.heard else { continue };
        let other = *first.entry((call.person, *key)).or_insert(order);
        notes.one(KEY_TWO_ORDERS, other.id != order.id, || {
            format!("{}: orders {} and {} with one key", books.who(call.person), other.id, order.id)
        });
    }
}

fn listed(books: &Books<'_>, notes: &mut Notes) {
    let won = books.paying.participants.iter().filter(|row| row.outcome.as_deref() == Some("won"));
    let won: HashSet<&str> = won.map(|row| row.user.as_str()).collect();
    // Who gave an order up, or let it expire, has won nothing by it.
    let live = books.paying.orders.iter().filter(|row| row.state.is_live());
    let users: HashSet<&str> = live.map(|row| row.user.as_str()).collect();
    let mut users: Vec<&str> = users.into_iter().collect();
    users.sort_unstable();
    for user in users {
        notes.one(PAYER_NOT_LISTED, !won.contains(user), || {
            format!("{user} has an order and is no participant who won")
        });
    }
}

fn answers(books: &Books<'_>, notes: &mut Notes) {
    let mut heard = 0;
    for call in &books.paying.calls {
        let strange = match call.heard {
            PayHeard::Strange { status, ret } => Some((status, ret)),
            _ => None,
        };
        notes.one(PAYER_STRANGE, strange.is_some(), || {
            let (who, when) = (books.who(call.person), books.when(call));
            let (status, ret) = strange.unwrap_or_default();
            format!("{who} heard HTTP {status} with ret {ret:?} {when}")
        });
        heard += usize::from(matches!(call.heard, PayHeard::Order(_)));
    }
    notes.looked(PAYERS_UNHEARD, heard);
    if heard == 0 {
        notes.found(PAYERS_UNHEARD, || "no payer ever got an order".to_owned());
    }
}
