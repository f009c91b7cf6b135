//! Bugs that lose what was told, or export what nobody was told.
//! Each leaves what the crowd heard as it was.

use super::{calls, claim, give, is_calm, lone_winners, name, row, won};
use crate::chance::Chance;
use rehearsal::history::{Asked, Call, Effect, Heard, History, OrderRow, Person, TypeIndex};

/// A lone winner's ticket id.
fn some_ticket(history: &History, chance: &mut Chance) -> Option<String> {
    let place = chance.pick(&lone_winners(history))?;
    Some(won(&history.calls[place])?.id.clone())
}

pub fn row_twice(history: &mut History, chance: &mut Chance) -> Option<()> {
    let ticket = some_ticket(history, chance)?;
    let again = row(history, &ticket)?.clone();
    history.orders.push(again);
    Some(())
}

/// As after a crash of a server that answers before it writes: the row and the participant are gone.
pub fn award_lost(history: &mut History, chance: &mut Chance) -> Option<()> {
    let place = chance.pick(&lone_winners(history))?;
    let ticket = won(&history.calls[place])?.id.clone();
    let user = name(history, history.calls[place].person);
    history.orders.retain(|row| row.ticket != ticket);
    history.participants.retain(|row| row.user != user);
    Some(())
}

pub fn queued_lost(history: &mut History, chance: &mut Chance) -> Option<()> {
    let results =
        calls(history, |call| won(call).is_some() && matches!(call.asked, Asked::Result { .. }));
    let ticket = won(&history.calls[chance.pick(&results)?])?.id.clone();
    history.orders.retain(|row| row.ticket != ticket);
    Some(())
}

pub fn row_missing(history: &mut History, chance: &mut Chance) -> Option<()> {
    let ticket = some_ticket(history, chance)?;
    history.orders.retain(|row| row.ticket != ticket);
    Some(())
}

pub fn other_code(history: &mut History, chance: &mut Chance) -> Option<()> {
    let ticket = some_ticket(history, chance)?;
    let row = row(history, &ticket)?;
    row.code = Some(format!("{}x", row.code.as_ref()?));
    Some(())
}

pub fn other_user(history: &mut History, chance: &mut Chance) -> Option<()> {
    let ticket = some_ticket(history, chance)?;
    let (first, second) = (name(history, Person(0)), name(history, Person(1)));
    let row = row(history, &ticket)?;
    row.user = if row.user == first { second } else { first };
    Some(())
}

pub fn other_number(history: &mut History, chance: &mut Chance) -> Option<()> {
    let ticket = some_ticket(history, chance)?;
    row(history, &ticket)?.claim_no += 1;
    Some(())
}

/// An order that nobody claimed.
fn extra_row(history: &History, user: String, of: usize) -> OrderRow {
    let type_id = history.announced.types[of].id.clone();
    let rows = history.orders.iter().filter(|row| row.type_id == type_id);
    let claim_no = rows.map(|row| row.claim_no).max().unwrap_or(0) + 1;
    let codes = &history.announced.types[of].codes;
    OrderRow {
        order: "extra-order".to_owned(),
        ticket: "extra-ticket".to_owned(),
        user,
        code: codes.get(claim_no as usize - 1).cloned(),
        type_id,
        claim_no,
    }
}

/// Somebody of the crowd who only read, or did nothing at all.
pub fn row_of_nobody(history: &mut History, _: &mut Chance) -> Option<()> {
    let claimed = |person: u32| {
        history.calls.iter().any(|call| call.person.0 == person && claim(call).is_some())
    };
    let idle = (0..history.names.len() as u32).find(|person| !claimed(*person))?;
    let row = extra_row(history, name(history, Person(idle)), 0);
    history.orders.push(row);
    Some(())
}

pub fn row_of_stranger(history: &mut History, _: &mut Chance) -> Option<()> {
    let row = extra_row(history, "stranger".to_owned(), 0);
    history.orders.push(row);
    Some(())
}

/// Everything that this person heard was a refusal, and there is an order.
pub fn refusal_with_effect(history: &mut History, chance: &mut Chance) -> Option<()> {
    let open = |person: u32| {
        let claims = history.calls.iter().filter(|call| call.person.0 == person);
        let mut claims = claims.filter(|call| claim(call).is_some());
        claims.any(|call| !matches!(call.heard, Heard::Refused(..)))
    };
    let refused = calls(history, |call| {
        claim(call).is_some() && matches!(call.heard, Heard::Refused(..)) && !open(call.person.0)
    });
    let call = history.calls[chance.pick(&refused)?].clone();
    let (TypeIndex(of), _) = claim(&call)?;
    let row = extra_row(history, name(history, call.person), of);
    history.orders.push(row);
    Some(())
}

/// A queued claim that heard "nothing happened" is in the export under its own id.
pub fn given_up_with_order(history: &mut History, chance: &mut Chance) -> Option<()> {
    let given_up = |call: &Call| {
        matches!(call.asked, Asked::Result { .. })
            && matches!(call.heard, Heard::Failed(Effect::None))
    };
    let call = history.calls[chance.pick(&calls(history, given_up))?].clone();
    let Asked::Result { claim, ticket_type, .. } = &call.asked else { return None };
    let mut row = extra_row(history, name(history, call.person), ticket_type.0);
    row.order = claim.clone();
    history.orders.push(row);
    Some(())
}

/// A claim was numbered, and nobody will ever hear of it.
pub fn number_vanished(history: &mut History, _: &mut Chance) -> Option<()> {
    if !is_calm(history) {
        return None;
    }
    let at = history.calls.last()?.ended.0 + 1;
    let id = give(history, Person(0), TypeIndex(0), at, at + 10);
    super::everywhere(history, &id, |_, no| *no += 1);
    Some(())
}
