//! Bugs in single answers: refusals that the rules do not have, and answers that the contract does not have.
//! Each doctors a good history in one place; nothing here says which check has to find it.

use super::{calls, claim, lone_winners, say, won};
use crate::{
    chance::Chance,
    sale::{ENDS, OPENS},
};
use rehearsal::history::{Asked, Call, Change, Heard, History, Person, Refused, Ticket, TypeIndex};

pub fn nobody(history: &mut History, _: &mut Chance) -> Option<()> {
    for call in &mut history.calls {
        call.heard = Heard::Lost;
    }
    Some(())
}

pub fn strange(history: &mut History, chance: &mut Chance) -> Option<()> {
    let place = chance.pick(&calls(history, |call| call.asked == Asked::List))?;
    history.calls[place].heard = Heard::Strange { status: 502, ret: None };
    Some(())
}

pub fn busy(history: &mut History, chance: &mut Chance) -> Option<()> {
    let place = chance.pick(&calls(history, |call| matches!(call.heard, Heard::Shown(_))))?;
    history.calls[place].heard = Heard::Busy { retry_after: false };
    Some(())
}

pub fn wrong_type(history: &mut History, chance: &mut Chance) -> Option<()> {
    let types = history.announced.types.len();
    let place = chance.pick(&lone_winners(history))?;
    if let Asked::Claim { ticket_type, .. } = &mut history.calls[place].asked
        && types > 1
    {
        ticket_type.0 = 1 - ticket_type.0;
        return Some(());
    }
    None
}

pub fn list_incomplete(history: &mut History, chance: &mut Chance) -> Option<()> {
    let place = chance.pick(&lone_winners(history))?;
    let person = history.calls[place].person;
    let after = history.calls[place].ended.0 + 1;
    say(history, person, Asked::Tickets, (after, after + 900), Heard::Tickets(Vec::new()));
    Some(())
}

/// One more claim of the first type that hears this.
fn refuse(history: &mut History, person: u32, at: u64, refused: Refused, tickets: Vec<Ticket>) {
    let asked = Asked::Claim { ticket_type: TypeIndex(0), key: None };
    say(history, Person(person), asked, (at, at + 5_000), Heard::Refused(refused, tickets));
}

pub fn sold_out_at_once(history: &mut History, _: &mut Chance) -> Option<()> {
    if history.announced.types[0].stock < 2 {
        return None;
    }
    refuse(history, 0, OPENS, Refused::SoldOut, Vec::new());
    Some(())
}

/// At the very end one unit is still there.
pub fn sold_out_one_free(history: &mut History, _: &mut Chance) -> Option<()> {
    if history.interventions.iter().any(|one| matches!(one.what, Change::TakenBack(..))) {
        return None;
    }
    let id = history.announced.types[0].id.clone();
    let sold = history.orders.iter().filter(|row| row.type_id == id).count() as u32;
    history.announced.types[0].stock = sold + 1;
    refuse(history, 0, ENDS - 200_000, Refused::SoldOut, Vec::new());
    Some(())
}

pub fn limit_early(history: &mut History, _: &mut Chance) -> Option<()> {
    let place =
        *lone_winners(history).iter().find(|place| history.calls[**place].ended.0 < ENDS)?;
    let (person, at) = (history.calls[place].person.0, history.calls[place].ended.0 + 1);
    refuse(history, person, at, Refused::LimitReached, Vec::new());
    Some(())
}

/// Of two allowed units the person has one; it is shown twice.
pub fn limit_padded(history: &mut History, _: &mut Chance) -> Option<()> {
    let limit = history.announced.types[0].limit_per_person;
    let places = lone_winners(history);
    let of_first = |place: &&usize| claim(&history.calls[**place]).is_some_and(|(of, _)| of.0 == 0);
    let call = history.calls[*places.iter().find(of_first)?].clone();
    if limit < 2 || history.announced.limit_per_person.is_some_and(|most| most < 2) {
        return None;
    }
    let ticket = won(&call)?.clone();
    let tickets = vec![ticket; limit as usize];
    refuse(history, call.person.0, call.ended.0 + 1, Refused::LimitReached, tickets);
    Some(())
}

pub fn ended_early(history: &mut History, _: &mut Chance) -> Option<()> {
    refuse(history, 0, OPENS + 1_000, Refused::Ended, Vec::new());
    Some(())
}

pub fn not_started_late(history: &mut History, _: &mut Chance) -> Option<()> {
    refuse(history, 0, OPENS + 500_000, Refused::NotStarted, Vec::new());
    Some(())
}

pub fn paused_never(history: &mut History, _: &mut Chance) -> Option<()> {
    refuse(history, 0, OPENS + 1_000, Refused::Paused, Vec::new());
    Some(())
}

pub fn paused_still(history: &mut History, _: &mut Chance) -> Option<()> {
    let resumed = history.interventions.iter().find(|one| one.what == Change::Resumed)?;
    let at = resumed.heard?.0 + 1;
    refuse(history, 0, at, Refused::Paused, Vec::new());
    Some(())
}

pub fn not_eligible(history: &mut History, chance: &mut Chance) -> Option<()> {
    let claims = |call: &Call| matches!(call.heard, Heard::Refused(Refused::SoldOut, _));
    let place = chance.pick(&calls(history, claims))?;
    history.calls[place].heard = Heard::Refused(Refused::NotEligible, Vec::new());
    Some(())
}
