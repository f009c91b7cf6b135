//! Bugs in what is heard the second time.
//! Each changes a repetition and leaves the first answer as it was.

use super::{calls, claim, give, is_calm, lone_winners, row, say, won};
use crate::chance::Chance;
use rehearsal::history::{Asked, Call, Effect, Heard, History, Key, Person, Refused, Ticket};

/// A key that no plan of the crowd uses.
const KEY: Key = Key(77);

/// Gives a lone winner's claim a key and returns the call.
fn keyed_winner(history: &mut History, chance: &mut Chance) -> Option<Call> {
    let place = chance.pick(&lone_winners(history))?;
    let (ticket_type, _) = claim(&history.calls[place])?;
    history.calls[place].asked = Asked::Claim { ticket_type, key: Some(KEY) };
    Some(history.calls[place].clone())
}

/// The winner asks again with the key and hears this.
fn ask_again(history: &mut History, first: &Call, heard: Heard) {
    let at = first.ended.0 + 1;
    say(history, first.person, first.asked.clone(), (at, at + 9_000), heard);
}

pub fn second_unit(history: &mut History, chance: &mut Chance) -> Option<()> {
    let first = keyed_winner(history, chance)?;
    let (of, _) = claim(&first)?;
    let at = first.ended.0 + 1;
    let id = give(history, first.person, of, at, at + 9_000);
    let call = history.calls.iter_mut().find(|call| won(call).is_some_and(|one| one.id == id))?;
    call.asked = first.asked;
    Some(())
}

pub fn other_number(history: &mut History, chance: &mut Chance) -> Option<()> {
    let first = keyed_winner(history, chance)?;
    let mut ticket: Ticket = won(&first)?.clone();
    ticket.claim_no += 1;
    ask_again(history, &first, Heard::Won(ticket));
    Some(())
}

pub fn shown_to_other(history: &mut History, chance: &mut Chance) -> Option<()> {
    let place = chance.pick(&lone_winners(history))?;
    let (owner, at) = (history.calls[place].person, history.calls[place].ended.0 + 1);
    let ticket = won(&history.calls[place])?.clone();
    let other = Person(u32::from(owner == Person(0)));
    say(history, other, Asked::Tickets, (at, at + 900), Heard::Tickets(vec![ticket]));
    Some(())
}

/// C2 and C9.
pub fn retry_sold_out(history: &mut History, chance: &mut Chance) -> Option<()> {
    let first = keyed_winner(history, chance)?;
    ask_again(history, &first, Heard::Refused(Refused::SoldOut, Vec::new()));
    Some(())
}

pub fn retry_nothing(history: &mut History, chance: &mut Chance) -> Option<()> {
    let first = keyed_winner(history, chance)?;
    ask_again(history, &first, Heard::Failed(Effect::None));
    Some(())
}

/// The calls that ask after one claim.
fn questions(history: &History, claim: &str) -> Vec<usize> {
    calls(
        history,
        |call| matches!(&call.asked, Asked::Result { claim: asked, .. } if asked == claim),
    )
}

/// A claim queued without a key, whose result was asked for until it was final.
fn queued(history: &History, chance: &mut Chance) -> Option<String> {
    let places = calls(history, |call| {
        matches!(call.asked, Asked::Result { key: None, .. }) && won(call).is_some()
    });
    match &history.calls[chance.pick(&places)?].asked {
        Asked::Result { claim, .. } => Some(claim.clone()),
        _ => None,
    }
}

/// Its key hears "sold out", though nothing failed.
pub fn queued_forgotten(history: &mut History, chance: &mut Chance) -> Option<()> {
    let id = queued(history, chance)?;
    if !is_calm(history) {
        return None;
    }
    let said = |call: &Call| matches!(&call.heard, Heard::Queued { claim } if *claim == id);
    let first = history.calls.iter().position(said)?;
    for call in &mut history.calls {
        match &mut call.asked {
            Asked::Result { claim, key, .. } if *claim == id => *key = Some(KEY),
            _ => {}
        }
    }
    let (ticket_type, _) = claim(&history.calls[first])?;
    history.calls[first].asked = Asked::Claim { ticket_type, key: Some(KEY) };
    let first = history.calls[first].clone();
    ask_again(history, &first, Heard::Refused(Refused::SoldOut, Vec::new()));
    Some(())
}

/// C11. Nobody asked after it either.
pub fn queued_for_ever(history: &mut History, chance: &mut Chance) -> Option<()> {
    let claim = queued(history, chance)?;
    let asked =
        |call: &Call| matches!(&call.asked, Asked::Result { claim: id, .. } if *id == claim);
    history.calls.retain(|call| !asked(call));
    Some(())
}

/// C11.
pub fn result_always_queued(history: &mut History, chance: &mut Chance) -> Option<()> {
    let claim = queued(history, chance)?;
    for place in questions(history, &claim) {
        history.calls[place].heard = Heard::Queued { claim: claim.clone() };
    }
    Some(())
}

/// The last answer about a claim, when another was final before.
fn last_answer(history: &History, claim: &str) -> Option<usize> {
    let answers = questions(history, claim);
    let finals = answers.iter().filter(|place| won(&history.calls[**place]).is_some());
    (finals.count() > 1).then_some(*answers.last()?)
}

/// C11: the result was read once and is gone.
pub fn result_taken_back(history: &mut History, chance: &mut Chance) -> Option<()> {
    let claim = queued(history, chance)?;
    let last = last_answer(history, &claim)?;
    let ticket = won(&history.calls[last])?.id.clone();
    row(history, &ticket)?;
    history.calls[last].heard = Heard::Failed(Effect::None);
    Some(())
}

pub fn result_queued_again(history: &mut History, chance: &mut Chance) -> Option<()> {
    let claim = queued(history, chance)?;
    let last = last_answer(history, &claim)?;
    history.calls[last].heard = Heard::Queued { claim };
    Some(())
}
