//! Bugs about people: limits, the roster, and the participants' export.
//! Each gives somebody what the announced rules deny them, or forgets somebody.

use super::{calls, claim, give, is_calm, lone_winners, name};
use crate::{
    chance::Chance,
    sale::{ENDS, OPENS},
};
use rehearsal::history::{Call, Heard, History, ParticipantRow, Person, Refused, TypeIndex};

/// Somebody whose every claim was refused, and at least one of them not for being early.
fn refused(history: &History, chance: &mut Chance) -> Option<Person> {
    let only_refused = |person: Person| {
        let mut claims = history.calls.iter().filter(|call| call.person == person);
        claims.all(|call| claim(call).is_none() || matches!(call.heard, Heard::Refused(..)))
    };
    let places = calls(history, |call: &Call| match &call.heard {
        Heard::Refused(refused, _) => *refused != Refused::NotStarted && only_refused(call.person),
        _ => false,
    });
    Some(history.calls[chance.pick(&places)?].person)
}

fn participant(history: &mut History, person: Person) -> Option<&mut ParticipantRow> {
    let user = name(history, person);
    history.participants.iter_mut().find(|row| row.user == user)
}

fn winner(history: &History, chance: &mut Chance) -> Option<Person> {
    Some(history.calls[chance.pick(&lone_winners(history))?].person)
}

pub fn missing(history: &mut History, chance: &mut Chance) -> Option<()> {
    let user = name(history, refused(history, chance)?);
    if !is_calm(history) {
        return None;
    }
    history.participants.retain(|row| row.user != user);
    Some(())
}

pub fn winner_missing(history: &mut History, chance: &mut Chance) -> Option<()> {
    let user = name(history, winner(history, chance)?);
    history.participants.retain(|row| row.user != user);
    Some(())
}

pub fn unexplained(history: &mut History, _: &mut Chance) -> Option<()> {
    let (user, outcome) = ("stranger".to_owned(), Some("sold_out".to_owned()));
    history.participants.push(ParticipantRow { user, outcome, claim_no: None });
    Some(())
}

pub fn twice(history: &mut History, chance: &mut Chance) -> Option<()> {
    let person = winner(history, chance)?;
    let again = participant(history, person)?.clone();
    history.participants.push(again);
    Some(())
}

pub fn winner_refused(history: &mut History, chance: &mut Chance) -> Option<()> {
    let person = winner(history, chance)?;
    let row = participant(history, person)?;
    (row.outcome, row.claim_no) = (Some("sold_out".to_owned()), None);
    Some(())
}

pub fn refused_won(history: &mut History, chance: &mut Chance) -> Option<()> {
    let person = refused(history, chance)?;
    let row = participant(history, person)?;
    (row.outcome, row.claim_no) = (Some("won".to_owned()), Some(1));
    Some(())
}

pub fn other_refusal(history: &mut History, chance: &mut Chance) -> Option<()> {
    let person = refused(history, chance)?;
    let heard = |wanted: Refused| {
        let mut own = history.calls.iter().filter(|call| call.person == person);
        own.any(|call| matches!(&call.heard, Heard::Refused(refused, _) if *refused == wanted))
    };
    let (ended, paused) = (heard(Refused::Ended), heard(Refused::Paused));
    let other = match (ended, paused) {
        (false, _) => "ended",
        (true, false) => "paused",
        (true, true) => return None,
    };
    participant(history, person)?.outcome = Some(other.to_owned());
    Some(())
}

/// A winner of two units of one type is listed with the second.
pub fn later_claim(history: &mut History, _: &mut Chance) -> Option<()> {
    let rows = &history.orders;
    let (first, second) = rows.iter().enumerate().find_map(|(place, row)| {
        let mut later = rows[place + 1..].iter();
        Some((row, later.find(|one| (&one.user, &one.type_id) == (&row.user, &row.type_id))?))
    })?;
    let (user, no) = (first.user.clone(), second.claim_no);
    let row = history.participants.iter_mut().find(|row| row.user == user)?;
    row.claim_no = Some(no);
    Some(())
}

/// The same person wins once more than they may.
pub fn limit_of_type(history: &mut History, chance: &mut Chance) -> Option<()> {
    let person = winner(history, chance)?;
    for turn in 0..u64::from(history.announced.types[0].limit_per_person) + 1 {
        let at = chance.number(OPENS + 700_000, ENDS - 100_000) + turn;
        give(history, person, TypeIndex(0), at, at + 9_000);
    }
    Some(())
}

pub fn limit_of_activity(history: &mut History, chance: &mut Chance) -> Option<()> {
    let limit = u64::from(history.announced.limit_per_person?);
    let person = winner(history, chance)?;
    for turn in 0..limit {
        let at = chance.number(OPENS + 700_000, ENDS - 100_000) + turn;
        let of = turn as usize % history.announced.types.len();
        give(history, person, TypeIndex(of), at, at + 9_000);
    }
    Some(())
}

pub fn off_roster(history: &mut History, _: &mut Chance) -> Option<()> {
    let people = 0..history.names.len() as u32;
    let roster = history.announced.roster.as_ref()?;
    let outside = people.map(Person).find(|person| !roster.contains(person))?;
    give(history, outside, TypeIndex(0), OPENS + 700_000, OPENS + 710_000);
    Some(())
}
