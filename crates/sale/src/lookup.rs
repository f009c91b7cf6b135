//! Looking things up: a person's tickets, the result of a queued claim, counts. Only durable claims are shown.
//! Nothing here ever changes anything.

use crate::{Catalog, ClaimId, Entry, Sale, TicketId, claim::Effect, claim::Outcome};
use ledger::{LedgerFault, Settled};
use rules::{ActivityNo, Claim, OrderState, TimeMs, UserNo};
use std::sync::Arc;
use stock::{ActivityCounts, Place, Recorded, Summary};

/// A line of a durable order beside the activity it belongs to.
#[derive(Clone)]
pub struct Owned {
    /// The activity.
    pub entry: Arc<Entry>,
    /// The line.
    pub line: Recorded,
}

/// Where a page of a person's orders or tickets begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// After so many.
    Skip(usize),
    /// After this order; of tickets, after its last one.
    After(ClaimId),
    /// After this ticket; of orders, after the one it is of.
    AfterTicket(TicketId),
}

impl Position {
    /// How many of `all` come before the page; all of them where the one it begins after is not there.
    pub(crate) fn skip<T>(
        self,
        all: impl DoubleEndedIterator<Item = T> + ExactSizeIterator,
        is: impl Fn(T, TicketId) -> bool,
    ) -> usize {
        let count = all.len();
        let after = match self {
            Self::Skip(count) => return count,
            Self::After(claim) => TicketId { claim, place: u32::MAX },
            Self::AfterTicket(ticket) => ticket,
        };
        // From the end, so that of an order's lines the last one counts.
        all.rev().position(|one| is(one, after)).map_or(count, |behind| count - behind)
    }
}

impl Sale {
    /// While this number stays the same, so does every [`Self::summary`] read after it.
    pub fn changes(&self) -> u64 {
        self.inner.stock.changes()
    }

    /// What lists show of an activity.
    pub fn summary(&self, activity: ActivityNo) -> Summary {
        self.inner.stock.summary(activity).unwrap_or_default()
    }

    /// The counts of an activity, all at one instant.
    pub fn counts(&self, activity: ActivityNo) -> ActivityCounts {
        self.inner.stock.counts(activity, self.now()).unwrap_or_default()
    }

    /// Whether the user has tried for something in this activity, won or not.
    pub fn joined(&self, activity: ActivityNo, user: UserNo) -> bool {
        self.inner.stock.joined(activity, user)
    }

    /// The lines of the user's durable orders in an activity, newest first, whatever became of them.
    pub fn claims_in(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        let mut found = self.inner.stock.claims_of(activity, user);
        found.retain(|line| line.place == Place::DURABLE);
        found
    }

    /// A page of the user's tickets, newest order first and in an order line by line, and whether more follow. Orders
    /// that were cancelled or expired have none.
    pub fn tickets_of(&self, user: UserNo, from: Position, most: usize) -> (Vec<Owned>, bool) {
        let catalog = self.catalog();
        let mut all: Vec<Owned> = Vec::new();
        for entry in catalog.sorted() {
            let lines = self.claims_in(entry.no, user).into_iter();
            let tickets = lines.filter(is_ticket);
            all.extend(tickets.map(|line| Owned { entry: Arc::clone(entry), line }));
        }
        all.sort_by_key(|owned| {
            let claim = &owned.line.claim;
            (std::cmp::Reverse((claim.decided_at, claim.order())), claim.line)
        });
        let skip = from.skip(all.iter(), |owned, after| {
            let ticket = TicketId::from(&owned.line.claim);
            ticket.claim == after.claim && (after.place == u32::MAX || ticket == after)
        });
        let page: Vec<Owned> = all.iter().skip(skip).take(most).cloned().collect();
        let more = skip.saturating_add(page.len()) < all.len();
        (page, more)
    }

    /// The user's ticket with this id; one of a cancelled or expired order too, for whoever has kept its address.
    pub fn ticket(&self, catalog: &Catalog, id: TicketId, user: UserNo) -> Option<Owned> {
        let line = self.any_ticket(id).filter(|line| line.claim.user == user)?;
        Some(Owned { entry: Arc::clone(catalog.by_no(id.claim.activity)?), line })
    }

    /// The line with this ticket's id, whosever it is: for operators.
    pub fn any_ticket(&self, id: TicketId) -> Option<Recorded> {
        let line = id.place.checked_sub(1)?;
        let seq = rules::Seq(id.claim.seq.0.checked_add(line)?);
        let found = self.inner.stock.claim_at(id.claim.activity, seq)?;
        let same = TicketId::from(&found.claim) == id && found.place == Place::DURABLE;
        same.then_some(found)
    }

    /// The first line of the user's durable order with this id.
    pub fn claim_by_id(&self, catalog: &Catalog, id: ClaimId, user: UserNo) -> Option<Owned> {
        self.ticket(catalog, TicketId { claim: id, place: 1 }, user)
    }

    /// The first line of the durable order with this id, whosever it is: for operators.
    pub fn any_claim(&self, id: ClaimId) -> Option<Recorded> {
        self.any_ticket(TicketId { claim: id, place: 1 })
    }

    /// The answer to a claim whose id was really given to `user`: queued while it is open, then the same for ever.
    pub fn result(&self, id: ClaimId, user: UserNo) -> Result<Outcome, LedgerFault> {
        let queued = Outcome::Queued(self.inner.ids.text(&id, user));
        if let Some(found) = self.inner.stock.claim_at(id.activity, id.seq)
            && ClaimId::from(&found.claim) == id
            && found.claim.user == user
        {
            let durable = found.place == Place::DURABLE;
            return Ok(if durable { Outcome::Won(found) } else { queued });
        }
        match self.inner.ledger.settle(id.activity, id.epoch, id.seq)? {
            Settled::Written(claim) if claim.user == user => self.written(claim),
            Settled::Written(_) | Settled::Never => Ok(Outcome::Failed(Effect::None)),
            Settled::Open => Ok(queued),
        }
    }

    /// A claim that is on disk, and that Stock does not have at this moment.
    fn written(&self, claim: Claim) -> Result<Outcome, LedgerFault> {
        let mark = self.inner.ledger.order_mark(claim.order())?;
        let state = mark.map_or(claim.first_state(), |mark| mark.state);
        Ok(Outcome::Won(Recorded { claim, place: Place::DURABLE, state, pay_by: None }))
    }

    /// When an activity opened: the start of its window, once that has come.
    pub fn opened_at(&self, entry: &Entry) -> Option<TimeMs> {
        let start = entry.activity.window.start();
        (start <= self.now()).then_some(start)
    }
}

fn is_ticket(line: &Recorded) -> bool {
    !matches!(line.state, OrderState::Cancelled | OrderState::Expired)
}
