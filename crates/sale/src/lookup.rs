//! Looking things up: a person's tickets, the result of a queued claim, counts. Only durable claims are shown.
//! Nothing here ever changes anything.

use crate::{
    Catalog, ClaimId, Entry, Sale, TicketId,
    claim::{Effect, Outcome},
    history::{History, PIECE_LINES},
};
use ledger::{LedgerFault, Settled};
use rules::{ActivityNo, Claim, OrderState, TimeMs, TypeNo, UserNo};
use std::sync::Arc;
use stock::{ActivityCounts, LINES_READ_MAX, Place, Recorded, Summary};

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

/// The beginning of a page: after so many, and after the line with this place (from 1) of this order.
pub(crate) struct Start {
    pub(crate) skip: usize,
    /// None: it begins with the newest.
    pub(crate) order: Vec<Recorded>,
    place: u32,
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

    /// The newest of the user's lines in an activity, at most `LINES_READ_MAX` and of those the durable ones, newest
    /// first, whatever became of their orders.
    pub fn claims_in(&self, activity: ActivityNo, user: UserNo, most: usize) -> Vec<Recorded> {
        let mut found = self.inner.stock.claims_of(activity, user, None, most.min(LINES_READ_MAX));
        found.retain(|line| line.place == Place::DURABLE);
        found
    }

    /// The user's durable lines in an activity that are theirs, held or paid, oldest first.
    pub fn live_in(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        let mut found = self.inner.stock.live_of(activity, user);
        found.retain(|line| line.place == Place::DURABLE);
        found
    }

    /// The newest of the user's durable lines of a type, whatever became of its order.
    pub fn newest_of(&self, activity: ActivityNo, kind: TypeNo, user: UserNo) -> Option<Recorded> {
        let mut before = None;
        loop {
            let lines = self.inner.stock.claims_of(activity, user, before, LINES_READ_MAX);
            before = Some(lines.last()?.claim.seq);
            let wanted =
                |line: &&Recorded| line.claim.ticket_type == kind && line.place == Place::DURABLE;
            if let Some(found) = lines.iter().find(wanted) {
                return Some(*found);
            }
        }
    }

    /// A page of the user's tickets, newest order first and in an order line by line, and whether more follow. Orders
    /// that were cancelled or expired have none.
    pub fn tickets_of(&self, user: UserNo, from: Position, most: usize) -> (Vec<Owned>, bool) {
        let catalog = self.catalog();
        let Some(Start { skip, order, place }) = self.start(user, from) else {
            return (Vec::new(), false);
        };
        let rest = order.iter().filter(|line| u32::from(line.claim.line) + 1 > place).copied();
        let older = self.history(&catalog, user, order.first()).flatten();
        let mut tickets = rest.chain(older).filter(is_ticket).skip(skip);
        let owned = |line: Recorded| {
            let entry = Arc::clone(catalog.by_no(line.claim.activity)?);
            Some(Owned { entry, line })
        };
        let page = tickets.by_ref().take(most).filter_map(owned).collect();
        (page, tickets.next().is_some())
    }

    /// The user's durable orders, newest first; with `after`, a line of one of them, those that are older.
    pub(crate) fn history<'a>(
        &'a self,
        catalog: &'a Catalog,
        user: UserNo,
        after: Option<&Recorded>,
    ) -> impl Iterator<Item = Vec<Recorded>> + 'a {
        let activities = catalog.sorted().iter().map(|entry| entry.no);
        History::new(activities, after.map(|line| &line.claim), move |activity, before| {
            self.inner.stock.claims_of(activity, user, before, PIECE_LINES)
        })
    }

    /// Where a page begins; `None`: after something that is not the user's, or not there.
    pub(crate) fn start(&self, user: UserNo, from: Position) -> Option<Start> {
        let after = match from {
            Position::Skip(skip) => return Some(Start { skip, order: Vec::new(), place: 0 }),
            Position::After(claim) => TicketId { claim, place: u32::MAX },
            Position::AfterTicket(ticket) => ticket,
        };
        let order = self.lines(after.claim.order());
        let first = order.first()?.claim;
        let found = ClaimId::from(&first) == after.claim && first.user == user;
        found.then_some(Start { skip: 0, order, place: after.place })
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
