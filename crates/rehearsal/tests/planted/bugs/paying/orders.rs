//! Bugs of answers and exports: orders that are lost, changed, doubled or of nobody.
//! A bug that cannot be planted in a sale says so.

use super::*;

pub fn row_twice(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |_| true))?;
    paying.orders.push(paying.orders[row].clone());
    Some(())
}

pub fn number_twice(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |row| row.ticket.claim_no > 1))?;
    paying.orders[row].ticket.claim_no -= 1;
    Some(())
}

pub fn order_lost(history: &mut History, chance: &mut Chance) -> Plant {
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

pub fn other_user(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = shown_row(paying, chance)?;
    paying.orders[row].user =
        paying.names.iter().find(|name| **name != paying.orders[row].user)?.clone();
    Some(())
}

pub fn other_number(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let whole = paying.calls.iter().flat_map(shown).flat_map(|order| &order.tickets);
    let mut ids: Vec<String> = whole.map(|ticket| ticket.id.clone()).collect();
    ids.sort_unstable();
    let ticket = one(chance, &ids)?;
    let row = paying.orders.iter_mut().find(|row| row.ticket.id == ticket)?;
    row.ticket.claim_no += 500;
    Some(())
}

pub fn of_nobody(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |_| true))?;
    let mut row = paying.orders[row].clone();
    (row.order, row.ticket.id, row.user) =
        ("planted".to_owned(), "planted-1".to_owned(), "stranger".to_owned());
    paying.orders.push(row);
    Some(())
}

pub fn basket_in_part(history: &mut History, chance: &mut Chance) -> Plant {
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

pub fn not_listed(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.participants.pop().map(drop)
}

pub fn strange(history: &mut History, _: &mut Chance) -> Plant {
    let call = till(history)?.calls.first_mut()?;
    call.heard = PayHeard::Strange { status: 500, ret: None };
    Some(())
}

pub fn unheard(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.calls.retain(|call| !matches!(call.heard, PayHeard::Order(_)));
    Some(())
}

pub fn key_twice(history: &mut History, _: &mut Chance) -> Plant {
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
