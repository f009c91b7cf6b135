//! Calls that are the same claim asked again: those with one person's one key, or one call and its results.
//! What a try may have brought about is bounded here; whether that was right is for the checks.

use crate::history::{Asked, Call, Effect, Heard, Key, Micros, Person};
use std::collections::HashMap;

/// One claim, however often it was asked.
pub struct Try {
    /// Who.
    pub person: Person,
    /// With which key; none: one call alone, and questions about its result.
    pub key: Option<Key>,
    /// Places of its calls, in the order in which they ended.
    pub calls: Vec<usize>,
}

/// A claim that was answered "queued".
pub struct Queued {
    /// Its try, by place.
    pub of: usize,
    /// When the first such answer was there.
    pub heard: Micros,
    /// The first final answer that a question about its result got, by place of the call.
    pub ended: Option<usize>,
    /// Whether that answer was no.
    pub given_up: bool,
}

/// All tries of a history.
pub struct Tries<'a> {
    /// In the order in which their first calls ended.
    pub all: Vec<Try>,
    /// By claim id.
    pub queued: HashMap<&'a str, Queued>,
}

impl<'a> Tries<'a> {
    /// Sorts the calls into tries.
    pub fn new(calls: &'a [Call]) -> Self {
        let mut tries = Self { all: Vec::new(), queued: HashMap::new() };
        let mut by_key: HashMap<(Person, Key), usize> = HashMap::new();
        for (place, call) in calls.iter().enumerate() {
            let (key, asked_after) = match &call.asked {
                Asked::Claim { key, .. } => (*key, None),
                Asked::Result { claim, key, .. } => (*key, Some(claim.as_str())),
                Asked::List | Asked::Detail | Asked::Tickets => continue,
            };
            let next = tries.all.len();
            let of = match (key, asked_after.and_then(|claim| tries.queued.get(claim))) {
                (Some(key), _) => *by_key.entry((call.person, key)).or_insert(next),
                (None, Some(queued)) => queued.of,
                (None, None) => next,
            };
            if of == next {
                tries.all.push(Try { person: call.person, key, calls: Vec::new() });
            }
            tries.all[of].calls.push(place);
            tries.note_queued(of, place, call, asked_after);
        }
        tries
    }

    fn note_queued(
        &mut self,
        of: usize,
        place: usize,
        call: &'a Call,
        asked_after: Option<&'a str>,
    ) {
        if let Heard::Queued { claim } = &call.heard {
            let first = Queued { of, heard: call.ended, ended: None, given_up: false };
            self.queued.entry(claim).or_insert(first);
        }
        let Some(queued) = asked_after.and_then(|claim| self.queued.get_mut(claim)) else { return };
        if queued.ended.is_none() && is_final(&call.heard) {
            queued.ended = Some(place);
            queued.given_up = !matches!(call.heard, Heard::Won(_));
        }
    }

    /// Whether the try may have got a unit that nobody told it about.
    pub fn is_open(&self, one: &Try, calls: &[Call]) -> bool {
        let heard = || one.calls.iter().map(|place| &calls[*place]);
        let open = |call: &Call| match &call.heard {
            Heard::Lost | Heard::Failed(Effect::Unknown) | Heard::Strange { .. } => {
                matches!(call.asked, Asked::Claim { .. })
            }
            Heard::Queued { claim } => {
                self.queued.get(claim.as_str()).is_none_or(|queued| !queued.given_up)
            }
            _ => false,
        };
        !heard().any(|call| matches!(call.heard, Heard::Won(_))) && heard().any(open)
    }
}

impl Try {
    /// The earliest instant at which an award to this try can have been decided, if it was known by `until`.
    /// A refusal of the key shows that it had not won by then, for what has won is answered with its ticket.
    pub fn from(&self, calls: &[Call], until: Micros) -> Micros {
        let (mut asked, mut refused) = (None, Micros(0));
        for call in self.calls.iter().map(|place| &calls[*place]) {
            if !matches!(call.asked, Asked::Claim { .. }) {
                continue;
            }
            if !matches!(call.heard, Heard::Refused(..)) {
                asked = Some(asked.map_or(call.sent, |first: Micros| first.min(call.sent)));
            } else if call.sent <= until {
                refused = refused.max(call.sent);
            }
        }
        asked.map_or(Micros(0), |first| first.max(refused))
    }
}

/// Whether an answer to a claim, or to a question about its result, ends it.
pub fn is_final(heard: &Heard) -> bool {
    matches!(heard, Heard::Won(_) | Heard::Refused(..) | Heard::Failed(Effect::None))
}
