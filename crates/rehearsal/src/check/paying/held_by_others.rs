//! "Held by others" is said while somebody unpaid holds, and "sold out" while nobody does: the one sends people into
//! the line, the other sends them home.

use super::stories::{Books, NEVER};
use crate::{
    check::notes::{Check, Notes},
    history::{
        Effect, Micros, Refused,
        paying::{PayAsked, PayCall, PayHeard},
    },
};
use std::collections::BTreeMap;

const HELD_BY_NOBODY: Check = Check::named("held-by-nobody");
const SOLD_OUT_WHILE_HELD: Check = Check::named("sold-out-while-held");

/// Instants at which holds of one type begin and end.
#[derive(Default)]
struct Holds {
    /// Holds that may have been: from and until, by from, with the latest end up to there.
    perhaps: Vec<(Micros, Micros)>,
    /// Holds that certainly were.
    surely: Vec<(Micros, Micros)>,
}

impl Holds {
    /// Puts spans in the order of their beginnings, each with the latest end of all that began by then.
    fn settle(mut self) -> Self {
        for spans in [&mut self.perhaps, &mut self.surely] {
            spans.sort_unstable();
            let mut latest = Micros(0);
            for (_, end) in spans {
                latest = latest.max(*end);
                *end = latest;
            }
        }
        self
    }
}

/// Whether a span that began before `from` ends after `until`.
fn covered(spans: &[(Micros, Micros)], from: Micros, until: Micros) -> bool {
    let begun = spans.partition_point(|(start, _)| *start < from);
    begun > 0 && spans[begun - 1].1 > until
}

/// Looks at every claim that was told either.
pub fn check(books: &Books<'_>, notes: &mut Notes) {
    let (holds, joined) = (holds(books), joined(books));
    for call in &books.paying.calls {
        let PayAsked::Claim { items, .. } = &call.asked else { continue };
        let types = || items.iter().map(|(of, _)| of.0);
        match call.heard {
            PayHeard::HeldByOthers => {
                // A hold that begins or ends while the answer is under way explains it.
                let later = Micros(call.ended.0.saturating_add(1));
                let held = types().any(|of| {
                    let perhaps = holds.get(&of).map_or(&[][..], |holds| &holds.perhaps);
                    covered(perhaps, later, Micros(call.sent.0.saturating_sub(1)))
                });
                let gone = || types().any(|of| may_be_gone(books, &joined, call, of));
                notes.one(HELD_BY_NOBODY, !held && !gone(), || said(books, call, "held by others"));
            }
            PayHeard::Refused(Refused::SoldOut) if items.len() == 1 => {
                let held = types().any(|of| {
                    let surely = holds.get(&of).map_or(&[][..], |holds| &holds.surely);
                    covered(surely, call.sent, call.ended)
                });
                notes.one(SOLD_OUT_WHILE_HELD, held, || said(books, call, "sold out"));
            }
            _ => {}
        }
    }
}

/// When somebody asked for a place in the line for each type for the first time.
fn joined(books: &Books<'_>) -> BTreeMap<usize, Micros> {
    let mut joined: BTreeMap<usize, Micros> = BTreeMap::new();
    for call in &books.paying.calls {
        if let PayAsked::Join(of) = call.asked {
            let first = joined.entry(of.0).or_insert(call.sent);
            *first = (*first).min(call.sent);
        }
    }
    joined
}

/// Whether it may have been held by an offer to the line that went with a kill: it was not on disk, and nobody ever heard of
/// it. Whoever had claimed so has heard nothing, and counts as a claim without a known end.
fn may_be_gone(
    books: &Books<'_>,
    joined: &BTreeMap<usize, Micros>,
    call: &PayCall,
    of: usize,
) -> bool {
    let firm = books.lives.firm(books.lives.of(call.sent));
    call.ended > firm && joined.get(&of).is_some_and(|first| *first <= call.ended)
}

fn said(books: &Books<'_>, call: &PayCall, what: &str) -> String {
    format!("{} heard {what} {}", books.who(call.person), books.when(call))
}

fn holds(books: &Books<'_>) -> BTreeMap<usize, Holds> {
    let mut holds: BTreeMap<usize, Holds> = BTreeMap::new();
    let types = || books.paying.sale.types.iter().enumerate();
    for story in books.stories.values() {
        for (of, _) in types().filter(|(_, one)| story.units_of(&one.id) > 0) {
            let own = holds.entry(of).or_default();
            own.perhaps.push(story.perhaps_held());
            own.surely.extend(story.surely_held());
        }
    }
    // A claim of which nobody knows the end may have held for a while, even if it left no trace.
    for call in books.paying.calls.iter().filter(|call| is_open(call)) {
        let PayAsked::Claim { items, .. } = &call.asked else { continue };
        for (of, _) in items {
            holds.entry(of.0).or_default().perhaps.push((call.sent, NEVER));
        }
    }
    holds.into_iter().map(|(of, holds)| (of, holds.settle())).collect()
}

fn is_open(call: &PayCall) -> bool {
    let unknown = matches!(call.heard, PayHeard::Lost | PayHeard::Failed(Effect::Unknown));
    unknown || matches!(call.heard, PayHeard::Strange { .. } | PayHeard::Queued { .. })
}
