//! Bugs in what there is: units, numbers, codes, and how they are shown.
//! Each contradicts what was announced, or what was shown a moment before.

use super::{calls, everywhere, give, is_calm, lone_winners, won};
use crate::{
    chance::Chance,
    sale::{ENDS, OPENS},
};
use rehearsal::history::{
    Asked, Change, Heard, History, Intervention, Micros, Person, Shown, TypeIndex,
};
use std::collections::BTreeSet;

/// The last unit is sold twice, to somebody new.
pub fn one_too_many(history: &mut History, chance: &mut Chance) -> Option<()> {
    let units = |of: usize| {
        let added = history.interventions.iter().map(|one| match one.what {
            Change::Added(TypeIndex(added), more) if added == of => i64::from(more),
            Change::TakenBack(TypeIndex(taken), fewer) if taken == of => -i64::from(fewer),
            _ => 0,
        });
        i64::from(history.announced.types[of].stock) + added.sum::<i64>()
    };
    let sold = |of: usize| {
        let id = &history.announced.types[of].id;
        history.orders.iter().filter(|row| row.type_id == *id).count() as i64
    };
    let all = 0..history.announced.types.len();
    let full: Vec<usize> = all.filter(|of| sold(*of) == units(*of)).collect();
    let of = chance.pick(&full)?;
    let at = chance.number(OPENS + 700_000, ENDS);
    give(history, Person(0), TypeIndex(of), at, at + 20_000);
    Some(())
}

/// The sums are right in the end; at the time of the sale they were not.
pub fn before_added(history: &mut History, _: &mut Chance) -> Option<()> {
    let id = &history.announced.types[0].id;
    let sold = history.orders.iter().filter(|row| row.type_id == *id).count() as u32;
    let told: BTreeSet<&str> = history
        .calls
        .iter()
        .filter_map(won)
        .filter(|ticket| ticket.type_id == *id)
        .map(|ticket| ticket.id.as_str())
        .collect();
    // Awards that nobody has heard of may have been made after the addition.
    if told.len() as u32 + 2 <= sold {
        return None;
    }
    if history.interventions.iter().any(|one| matches!(one.what, Change::Added(..))) {
        return None;
    }
    history.announced.types[0].stock = sold.checked_sub(2)?;
    let (sent, heard) = (Micros(ENDS + 2_000_000), Some(Micros(ENDS + 2_100_000)));
    let what = Change::Added(TypeIndex(0), 2);
    history.interventions.push(Intervention { sent, heard, what });
    Some(())
}

pub fn number_twice(history: &mut History, chance: &mut Chance) -> Option<()> {
    let places = lone_winners(history);
    let ticket = won(&history.calls[chance.pick(&places)?])?.clone();
    if ticket.claim_no < 2 {
        return None;
    }
    everywhere(history, &ticket.id, |_, no| *no -= 1);
    Some(())
}

fn show(
    history: &mut History,
    chance: &mut Chance,
    asked: &Asked,
    change: fn(&mut Shown),
) -> Option<()> {
    let places = calls(history, |call| {
        call.asked == *asked && call.sent.0 > OPENS && matches!(call.heard, Heard::Shown(_))
    });
    let place = chance.pick(&places)?;
    if let Heard::Shown(shown) = &mut history.calls[place].heard {
        change(shown);
    }
    Some(())
}

pub fn shown_more(history: &mut History, chance: &mut Chance) -> Option<()> {
    show(history, chance, &Asked::List, |shown| shown.left += 100_000)
}

pub fn shown_both(history: &mut History, chance: &mut Chance) -> Option<()> {
    show(history, chance, &Asked::Detail, |shown| shown.types[0].2 = shown.types[0].0 + 1)
}

/// What was sold long ago is shown as free again, in one detail at the very end.
pub fn shown_unsold(history: &mut History, _: &mut Chance) -> Option<()> {
    let of = &history.announced.types[0];
    if !history.orders.iter().any(|row| row.type_id == of.id) || history.interventions.len() > 1 {
        return None;
    }
    let total = of.stock;
    let types = history.announced.types.iter().map(|one| (one.stock, 0, 0));
    let mut shown = Shown { state: "open".to_owned(), left: 0, types: types.collect() };
    shown.types[0] = (total, total, 0);
    let at = ENDS + 3_000_000;
    let added = history.interventions.iter().any(|one| matches!(one.what, Change::Added(..)));
    let heard_of = !lone_winners(history).is_empty();
    if added || !heard_of {
        return None;
    }
    super::say(history, Person(0), Asked::Detail, (at, at + 10), Heard::Shown(shown));
    Some(())
}

/// Coded tickets of the sale, answered to people who saw nothing else, by type and claim number.
fn coded(history: &History) -> Vec<(String, u32, String)> {
    let tickets = lone_winners(history).into_iter().filter_map(|place| won(&history.calls[place]));
    let coded = tickets.filter_map(|ticket| {
        Some((
            ticket.id.clone(),
            ticket.claim_no,
            format!("{}\n{}", ticket.type_id, ticket.code.as_ref()?),
        ))
    });
    let mut coded: Vec<(String, u32, String)> = coded.collect();
    coded.sort_by_key(|(_, no, text)| (text.split('\n').next().map(str::to_owned), *no));
    coded
}

fn parts(text: &str) -> (&str, &str) {
    text.split_once('\n').expect("made of two parts")
}

/// Two neighbours of one type in a list made by [`coded`].
fn neighbours(history: &History, chance: &mut Chance) -> Option<[(String, String); 2]> {
    let coded = coded(history);
    let pairs: Vec<usize> = (1..coded.len())
        .filter(|place| parts(&coded[place - 1].2).0 == parts(&coded[*place].2).0)
        .collect();
    let place = chance.pick(&pairs)?;
    let one = |place: usize| (coded[place].0.clone(), parts(&coded[place].2).1.to_owned());
    Some([one(place - 1), one(place)])
}

pub fn code_twice(history: &mut History, chance: &mut Chance) -> Option<()> {
    let [(_, code), (later, _)] = neighbours(history, chance)?;
    everywhere(history, &later, |own, _| *own = Some(code.clone()));
    Some(())
}

pub fn codes_swapped(history: &mut History, chance: &mut Chance) -> Option<()> {
    let [(first, code), (later, other)] = neighbours(history, chance)?;
    everywhere(history, &first, |own, _| *own = Some(other.clone()));
    everywhere(history, &later, |own, _| *own = Some(code.clone()));
    Some(())
}

pub fn foreign_code(history: &mut History, chance: &mut Chance) -> Option<()> {
    let [(ticket, _), _] = neighbours(history, chance)?;
    everywhere(history, &ticket, |code, _| *code = Some("of-another-sale".to_owned()));
    Some(())
}

pub fn plain_code(history: &mut History, chance: &mut Chance) -> Option<()> {
    let places = lone_winners(history);
    let tickets = places.into_iter().filter_map(|place| won(&history.calls[place]));
    let plain: Vec<&str> =
        tickets.filter(|one| one.code.is_none()).map(|one| one.id.as_str()).collect();
    let ticket = chance.pick(&plain)?.to_owned();
    everywhere(history, &ticket, |code, _| *code = Some("not-a-code".to_owned()));
    Some(())
}

/// The whole import is handed out from its end.
pub fn codes_backwards(history: &mut History, _: &mut Chance) -> Option<()> {
    let of = history.announced.types.iter().position(|one| one.codes.len() > 1)?;
    let id = history.announced.types[of].id.clone();
    if history.orders.iter().filter(|row| row.type_id == id).count() < 2 {
        return None;
    }
    history.announced.types[of].codes.reverse();
    Some(())
}

/// The first code was never handed out, though nothing failed.
pub fn code_skipped(history: &mut History, _: &mut Chance) -> Option<()> {
    let of = history.announced.types.iter().position(|one| !one.codes.is_empty())?;
    let id = &history.announced.types[of].id;
    if !is_calm(history) || !history.orders.iter().any(|row| row.type_id == *id) {
        return None;
    }
    history.announced.types[of].codes.insert(0, "left-out".to_owned());
    Some(())
}
