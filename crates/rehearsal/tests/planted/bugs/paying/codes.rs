//! Bugs of codes that have a price.
//! A bug that cannot be planted in a sale says so.

use super::*;

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

pub fn code_early(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (at, ticket) = chance.pick(&coded(paying, State::Held))?;
    let code = paying.sale.types[1].codes.first()?.clone();
    shown_mut(&mut paying.calls[at])[0].tickets[ticket].code = Some(code);
    Some(())
}

pub fn code_hidden(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (at, ticket) = chance.pick(&coded(paying, State::Paid))?;
    shown_mut(&mut paying.calls[at])[0].tickets[ticket].code = None;
    Some(())
}

pub fn code_twice(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let with = rows(paying, |row| row.ticket.code.is_some() && row.state == State::Paid);
    let (first, second) = (*with.first()?, *with.get(1)?);
    paying.orders[second].ticket.code = paying.orders[first].ticket.code.clone();
    Some(())
}
