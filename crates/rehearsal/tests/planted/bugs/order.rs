//! Bugs in time: who stands before whom, and what is awarded when nothing may be.
//! Each moves a moment or exchanges two awards, and nothing else.

use super::{calls, claim, everywhere, give, lone_winners, say, won};
use crate::{
    chance::Chance,
    sale::{ENDS, OPENS},
};
use rehearsal::history::{Asked, Call, Change, Heard, History, Person, Refused, TypeIndex};

/// Two lone winners of one type, the second of whom asked after the first had been answered.
fn one_after_other(history: &History, chance: &mut Chance) -> Option<(Call, Call)> {
    let winners = lone_winners(history);
    let mut pairs = Vec::new();
    for first in &winners {
        for second in &winners {
            let (one, other) = (&history.calls[*first], &history.calls[*second]);
            if one.ended < other.sent && claim(one)?.0 == claim(other)?.0 {
                pairs.push((*first, *second));
            }
        }
    }
    let (first, second) = chance.pick(&pairs)?;
    Some((history.calls[first].clone(), history.calls[second].clone()))
}

/// Numbers and codes change hands: everything but the order of arrival is as it should be.
pub fn swapped(history: &mut History, chance: &mut Chance) -> Option<()> {
    let (first, second) = one_after_other(history, chance)?;
    let (first, second) = (won(&first)?.clone(), won(&second)?.clone());
    for (id, other) in [(&first.id, &second), (&second.id, &first)] {
        everywhere(history, id, |code, no| (*code, *no) = (other.code.clone(), other.claim_no));
    }
    Some(())
}

/// The latest of all winners has the lowest number of their type.
pub fn last_is_first(history: &mut History, _: &mut Chance) -> Option<()> {
    let last = *lone_winners(history).last()?;
    let (sent, of) = (history.calls[last].sent, claim(&history.calls[last])?.0);
    let ticket = won(&history.calls[last])?.clone();
    let earlier = |call: &Call| {
        call.ended < sent && won(call).is_some_and(|one| one.type_id == ticket.type_id)
    };
    let first = calls(history, |call| earlier(call) && claim(call).is_some_and(|one| one.0 == of));
    first.first()?;
    let id = ticket.type_id.clone();
    let rows = history.orders.iter().filter(|row| row.type_id == id);
    let tickets: Vec<String> = rows.map(|row| row.ticket.clone()).collect();
    for other in tickets {
        let number = ticket.claim_no;
        everywhere(history, &other, |_, no| {
            *no = if *no == number { 1 } else { *no + u32::from(*no < number) };
        });
    }
    Some(())
}

/// Somebody hears "sold out" of a type, and somebody who asks afterwards gets a unit of it.
pub fn sold_out_then_won(history: &mut History, chance: &mut Chance) -> Option<()> {
    let added = history.interventions.iter().any(|one| matches!(one.what, Change::Added(..)));
    let place = chance.pick(&lone_winners(history))?;
    let (of, sent) = (claim(&history.calls[place])?.0, history.calls[place].sent.0);
    if added || sent <= OPENS {
        return None;
    }
    let asked = Asked::Claim { ticket_type: of, key: None };
    let heard = Heard::Refused(Refused::SoldOut, Vec::new());
    say(history, Person(0), asked, (sent - 900, sent - 1), heard);
    Some(())
}

pub fn won_early(history: &mut History, _: &mut Chance) -> Option<()> {
    give(history, Person(0), TypeIndex(0), OPENS - 800_000, OPENS - 700_000);
    Some(())
}

pub fn won_late(history: &mut History, _: &mut Chance) -> Option<()> {
    give(history, Person(0), TypeIndex(0), ENDS + 200_000, ENDS + 210_000);
    Some(())
}

pub fn won_closed(history: &mut History, _: &mut Chance) -> Option<()> {
    let closed = history.interventions.iter().find(|one| one.what == Change::Closed)?;
    let at = closed.heard?.0 + 1;
    give(history, Person(0), TypeIndex(0), at, at + 10_000);
    Some(())
}

pub fn won_paused(history: &mut History, _: &mut Chance) -> Option<()> {
    let paused = history.interventions.iter().find(|one| one.what == Change::Paused)?;
    let at = paused.heard?.0 + 1;
    give(history, Person(0), TypeIndex(0), at, at + 10_000);
    Some(())
}
