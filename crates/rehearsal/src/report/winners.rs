//! Who won when: every ticket that somebody heard of, with the moment its claim was sent.
//! Where a ticket was only heard of by asking again, the moment of its claim is not known, and that is said.

use crate::history::{Asked, Call, Effect, Heard, History, Key, Micros, Person, Ticket, TypeIndex};
use std::collections::{HashMap, HashSet};

/// One ticket that somebody heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winner {
    /// When the claim was sent that first heard of it.
    pub sent: Micros,
    /// When its answer was there.
    pub heard: Micros,
    /// Its place among the accepted claims of its type.
    pub claim_no: u32,
    /// Its type, by place in the announcement; nothing for a type that was not announced.
    pub ticket_type: Option<usize>,
    /// Whether an earlier claim without an answer may be the one that was accepted.
    pub again: bool,
}

/// Of a history, in the order in which they were heard of.
pub fn winners(history: &History) -> Vec<Winner> {
    let types = history.announced.types.iter().enumerate();
    let mut gathering = Gathering {
        types: types.map(|(at, one)| (one.id.as_str(), at)).collect(),
        known: HashSet::new(),
        unanswered: HashSet::new(),
        queued: HashMap::new(),
        winners: Vec::new(),
    };
    for call in &history.calls {
        gathering.hear(call);
    }
    gathering.winners
}

struct Gathering<'a> {
    types: HashMap<&'a str, usize>,
    known: HashSet<&'a str>,
    /// Claims of whose effect nothing is known.
    unanswered: HashSet<(Person, TypeIndex, Option<Key>)>,
    /// When each queued claim was sent.
    queued: HashMap<&'a str, Micros>,
    winners: Vec<Winner>,
}

impl<'a> Gathering<'a> {
    fn hear(&mut self, call: &'a Call) {
        match (&call.asked, &call.heard) {
            (Asked::Claim { ticket_type, key }, Heard::Won(ticket)) => {
                let again = self.unanswered.contains(&(call.person, *ticket_type, *key));
                self.add(ticket, call.sent, call.ended, again);
            }
            (Asked::Result { claim, .. }, Heard::Won(ticket)) => {
                let sent = self.queued.get(claim.as_str()).copied();
                self.add(ticket, sent.unwrap_or(call.sent), call.ended, sent.is_none());
            }
            (Asked::Claim { .. }, Heard::Queued { claim }) => {
                self.queued.entry(claim).or_insert(call.sent);
            }
            (
                Asked::Claim { ticket_type, key },
                Heard::Lost | Heard::Failed(Effect::Unknown) | Heard::Strange { .. },
            ) => {
                self.unanswered.insert((call.person, *ticket_type, *key));
            }
            (_, Heard::Refused(_, tickets) | Heard::Tickets(tickets)) => {
                for ticket in tickets {
                    self.add(ticket, call.sent, call.ended, true);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, ticket: &'a Ticket, sent: Micros, heard: Micros, again: bool) {
        if self.known.insert(&ticket.id) {
            let ticket_type = self.types.get(ticket.type_id.as_str()).copied();
            let claim_no = ticket.claim_no;
            self.winners.push(Winner { sent, heard, claim_no, ticket_type, again });
        }
    }
}
