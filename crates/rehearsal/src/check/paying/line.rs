//! Promise 5 in the waiting line: units are offered in the order of joining, and nobody's place moves back. Who joined
//! at the same time stands in either order; whom the rules refuse a unit is passed over and not judged.

use super::stories::{Books, Stay};
use crate::{
    check::notes::{Check, Notes},
    history::{
        Micros, Person,
        paying::{PayAsked, PayCall, PayHeard},
    },
};
use std::collections::HashMap;

const OVERTAKEN: Check = Check::named("overtaken");
const PLACE_MOVED_BACK: Check = Check::named("place-moved-back");

/// Looks at every stay in a line.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    for stay in &books.stays {
        moved_back(books, notes, stay);
    }
    for of in 0..books.paying.sale.types.len() {
        overtaken(books, notes, of);
    }
}

/// Within a life of the server no place moves back. What was told before a kill may have rested on offers that were not on
/// disk and went with it; whatever certainly was there counts ever after.
fn moved_back(books: &Books<'_>, notes: &mut Notes, stay: &Stay<'_>) {
    let calls = &books.paying.calls;
    let (mut life, mut firm, mut least) = (0, None, None);
    for (place, ahead) in &stay.ahead {
        let now = books.lives.of(calls[*place].sent);
        if now != life {
            // Only those of the former life are in there, for each that was firm is kept apart.
            (life, least) = (now, firm);
        }
        let before =
            least.filter(|(first, _): &(usize, u32)| calls[*first].ended < calls[*place].sent);
        let wrong = before.is_some_and(|(_, was)| *ahead > was);
        notes.one(PLACE_MOVED_BACK, wrong, || {
            let (who, was) = (books.who(stay.person), before.map_or(0, |(_, was)| was));
            let when = books.when(&calls[*place]);
            format!("{who} had {was} ahead and now {ahead}, {when}")
        });
        let told = Some((*place, *ahead)).filter(|_| !wrong);
        least = nearer(least, told);
        if calls[*place].ended <= books.lives.firm(life) {
            firm = nearer(firm, told);
        }
    }
}

/// The one with fewer people ahead; of two alike the first.
fn nearer(one: Option<(usize, u32)>, other: Option<(usize, u32)>) -> Option<(usize, u32)> {
    match (one, other) {
        (Some((_, was)), Some((_, ahead))) if ahead < was => other,
        (None, _) => other,
        _ => one,
    }
}

/// Of those who had joined before another asked to, the worst treated: the highest number, and the longest wait.
#[derive(Clone, Copy, Default)]
struct Worst {
    offered: u32,
    waited: Micros,
}

/// Every offer against all that joined before: their offers have lower numbers, and none of them still waits.
fn overtaken(books: &Books<'_>, notes: &mut Notes, of: usize) {
    let type_id = books.type_name(of);
    let stays: Vec<&Stay<'_>> = books.stays.iter().filter(|stay| stay.of == of).collect();
    let number = |stay: &Stay<'_>| books.stories.get(stay.offer?)?.claim_no(type_id);
    let mut worst = vec![Worst::default()];
    for stay in &stays {
        let mut now = worst[worst.len() - 1];
        if books.wants_only_this(stay) {
            match number(stay) {
                Some(number) => now.offered = now.offered.max(number),
                None if stay.offer.is_none() => now.waited = now.waited.max(stay.still),
                None => {}
            }
        }
        worst.push(now);
    }
    for stay in &stays {
        let Some(own) = number(stay) else { continue };
        let Some(until) = stay.offer.and_then(|id| books.stories.get(id)?.until) else { continue };
        // Stays are in the order in which they were known.
        let before = worst[stays.partition_point(|other| other.known < stay.asked)];
        let wrong = before.offered > own || before.waited > until;
        notes.one(OVERTAKEN, wrong, || {
            let who = books.who(stay.person);
            format!("{who} was offered claim {own} of type {type_id} before somebody ahead in line")
        });
    }
}

/// The stays in lines that calls tell of, in the order in which they were known.
pub fn stays(calls: &[PayCall]) -> Vec<Stay<'_>> {
    let mut reading = Reading::default();
    for (place, call) in calls.iter().enumerate() {
        match call.asked {
            PayAsked::Join(of) | PayAsked::Place(of) => reading.read(place, call, of.0),
            PayAsked::Leave(of) => {
                let key = (call.person, of.0);
                reading.done.extend(reading.open.remove(&key));
                reading.asked.remove(&key);
            }
            _ => {}
        }
    }
    let Reading { mut done, open, .. } = reading;
    done.extend(open.into_values());
    done.sort_by_key(|stay| (stay.known, stay.person, stay.of));
    done
}

#[derive(Default)]
struct Reading<'a> {
    asked: HashMap<(Person, usize), Micros>,
    open: HashMap<(Person, usize), Stay<'a>>,
    done: Vec<Stay<'a>>,
}

impl<'a> Reading<'a> {
    fn read(&mut self, place: usize, call: &'a PayCall, of: usize) {
        let (person, key) = (call.person, (call.person, of));
        if matches!(call.asked, PayAsked::Join(_)) {
            let first = self.asked.entry(key).or_insert(call.sent);
            *first = (*first).min(call.sent);
        }
        let asked = self.asked.get(&key).copied().unwrap_or(Micros(0));
        match &call.heard {
            PayHeard::InLine { ahead } => {
                let stay = self.open.entry(key).or_insert_with(|| Stay {
                    person,
                    of,
                    asked,
                    known: call.ended,
                    still: call.sent,
                    offer: None,
                    ahead: Vec::new(),
                });
                stay.still = stay.still.max(call.sent);
                stay.ahead.push((place, *ahead));
            }
            PayHeard::NotInLine { offer: Some(offer) } => {
                let stay = self.open.remove(&key).unwrap_or_else(|| Stay {
                    person,
                    of,
                    asked,
                    known: call.ended,
                    still: asked,
                    offer: None,
                    ahead: Vec::new(),
                });
                // The same order may be shown again after its stay is over.
                let again = self.done.iter().any(|stay| stay.offer == Some(offer));
                if !again {
                    self.done.push(Stay { offer: Some(offer), ..stay });
                }
                self.asked.remove(&key);
            }
            PayHeard::NotInLine { offer: None } => {
                self.done.extend(self.open.remove(&key));
                self.asked.remove(&key);
            }
            _ => {}
        }
    }
}
