//! Requests as the server takes them up, and what its answers look like on the other side of the wire.
//! What the HTTP layer does with an outcome is done here in the same way, without HTTP.

use super::{
    ACTIVITY, PROBE, World,
    people::Who,
    server::Running,
    tasks::{Done, Task},
};
use rehearsal::history::{Asked, Effect, Heard, Key, Refused, Shown, Ticket, TypeIndex};
use rules::{ActivityState, Item, Refusal, TypeNo, UserNo};
use sale::{Entry, LINES_READ_MAX, Outcome, Place, Recorded, Request, standing};
use std::sync::Arc;

/// Tickets of a list.
const LIST_MAX: usize = 20;

impl World {
    pub(super) fn arrive(&self, id: usize) {
        let Some(running) = self.server.running().filter(|_| self.server.takes()) else {
            // The listening socket may outlive the process, or it may not.
            if self.of_1000(500) {
                return self.put_back(Task::Claim(id));
            }
            self.takes_up(Task::Claim(id));
            return self.reply(id, Heard::Lost);
        };
        self.takes_up(Task::Claim(id));
        let request = self.people.request_of(id);
        let activity = if matches!(request.who, Who::Probe(_)) { PROBE } else { ACTIVITY };
        let entry = running.sale.catalog().by_id(activity).cloned();
        let entry = entry.expect("the activity was imported");
        let user = request.user;
        match request.asked {
            Asked::Claim { ticket_type, key } => {
                self.claim(id, &running, &entry, user, (ticket_type, key));
            }
            Asked::Result { claim, .. } => self.result(id, &running, user, &claim),
            Asked::List => self.reply(id, shown(&running, &entry, false)),
            Asked::Detail => self.reply(id, shown(&running, &entry, true)),
            Asked::Tickets => {
                let mut claims = running.sale.claims_in(entry.no, user, LINES_READ_MAX);
                claims.truncate(LIST_MAX);
                self.reply(id, Heard::Tickets(tickets(&running, &entry, &claims)));
            }
        }
    }

    fn claim(
        &self,
        id: usize,
        running: &Running,
        entry: &Arc<Entry>,
        user: UserNo,
        (TypeIndex(of), key): (TypeIndex, Option<Key>),
    ) {
        let key = key.map(|key| running.sale.ids().key(&format!("key-{}", key.0)));
        let items = [Item { ticket_type: TypeNo(of as u16), count: 1 }];
        let request = Request { items: &items, user, key };
        let decided = running.sale.decide(entry, request);
        self.tell("claim", id as u64 * 2 + u64::from(decided.is_ok()));
        self.stir(decided.is_err());
        match decided {
            Ok(outcome) => self.reply(id, heard(running, entry, outcome)),
            Err(deciding) => {
                let sale = Arc::clone(&running.sale);
                let waiting = async move { Done::Claim(sale.outcome(deciding).await) };
                self.wait(Task::Claim(id), Box::pin(waiting));
            }
        }
    }

    /// The answer to a claim that waited.
    pub(super) fn reply_to(&self, id: usize, outcome: Outcome) {
        let running = self.server.running().expect("whoever waits waits in a server");
        let activity = match self.people.request_of(id).who {
            Who::Probe(_) => PROBE,
            Who::Hand(_) => ACTIVITY,
        };
        let entry = running.sale.catalog().by_id(activity).cloned();
        let entry = entry.expect("the activity was imported");
        self.reply(id, heard(&running, &entry, outcome));
    }

    fn result(&self, id: usize, running: &Running, user: UserNo, claim: &str) {
        let Some(asked) = running.sale.ids().read_claim(claim, user) else {
            return self.reply(id, Heard::Strange { status: 404, ret: Some(-404) });
        };
        let entry = running.sale.catalog().by_no(asked.activity).cloned();
        let entry = entry.expect("the activity was imported");
        let heard = match running.sale.result(asked, user) {
            Ok(outcome) => heard(running, &entry, outcome),
            Err(_) => Heard::Busy { retry_after: true },
        };
        self.reply(id, heard);
    }
}

fn heard(running: &Running, entry: &Entry, outcome: Outcome) -> Heard {
    match outcome {
        Outcome::Won(line) => {
            let order = Some(running.sale.claim_id(&line.claim).as_str().to_owned());
            Heard::Won(Ticket { order, ..ticket(running, entry, &line) })
        }
        Outcome::Queued(id) => Heard::Queued { claim: id.as_str().to_owned() },
        // What this answer rests on is on disk, and so are the lines in it.
        Outcome::Refused(no) => Heard::Refused(refused(no.refusal), had(running, entry, no.had)),
        Outcome::Busy => Heard::Busy { retry_after: true },
        Outcome::Failed(sale::Effect::None) => Heard::Failed(Effect::None),
        Outcome::Failed(sale::Effect::Unknown) => Heard::Failed(Effect::Unknown),
    }
}

fn had(running: &Running, entry: &Entry, mut lines: Vec<Recorded>) -> Vec<Ticket> {
    lines.iter_mut().for_each(|line| line.place = Place::DURABLE);
    tickets(running, entry, &lines)
}

pub(super) fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::HeldByOthers => unreachable!("nothing here is held by anybody"),
        Refusal::Ended => Refused::Ended,
        Refusal::SoldOut => Refused::SoldOut,
        Refusal::NotStarted => Refused::NotStarted,
        Refusal::LimitReached => Refused::LimitReached,
        Refusal::NotEligible => Refused::NotEligible,
        Refusal::Paused => Refused::Paused,
    }
}

fn tickets(running: &Running, entry: &Entry, lines: &[Recorded]) -> Vec<Ticket> {
    lines.iter().map(|line| ticket(running, entry, line)).collect()
}

/// The ticket without its order's id, which not every answer holds.
fn ticket(running: &Running, entry: &Entry, line: &Recorded) -> Ticket {
    Ticket {
        order: None,
        id: running.sale.ids().ticket(&line.claim),
        type_id: entry.activity.types[usize::from(line.claim.ticket_type.0)].id.clone(),
        code: entry.with_code(line, str::to_owned),
        claim_no: line.claim.claim_no.0,
    }
}

fn shown(running: &Running, entry: &Entry, detail: bool) -> Heard {
    let counts = running.sale.counts(entry.no);
    let (supply, window) = (counts.supply(), entry.activity.window);
    let state = standing(running.sale.now(), window, counts.closed, counts.paused, supply);
    if !detail && state == ActivityState::Ended {
        return Heard::Shown(Shown::default());
    }
    let types = counts.types.iter().map(|one| one.supply);
    let types = types.map(|supply| (supply.total, supply.available, supply.held));
    let types = if detail { types.collect() } else { Vec::new() };
    Heard::Shown(Shown { state: state.name().to_owned(), left: supply.available, types })
}
