//! The waiting list: who lines up, where they stand, and what they were offered (C22).
//! A place is an event of the ledger, so that it outlives every restart; units are given by Stock alone.

use crate::{ChangeFault, Entry, Refused, Sale};
use ledger::{Change, Changed};
use rules::{OrderNo, OrderState, Refusal, TypeNo, UserNo};
use stock::{InLine, Place, Recorded};

/// What became of lining up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinedUp {
    /// They wait, now or since earlier.
    InLine(InLine),
    /// The rules say no, as they would to a claim.
    Refused(Refused),
    /// A unit is free: it can be claimed.
    Free,
    /// This activity has no waiting list.
    Off,
    /// A unit came back meanwhile, and this order was made for them.
    Offered(OrderNo),
}

impl Sale {
    /// Lines somebody up for a type. Who waits already keeps their place.
    pub async fn line_up(
        &self,
        entry: &Entry,
        kind: TypeNo,
        user: UserNo,
    ) -> Result<LinedUp, ChangeFault> {
        if !entry.activity.standby || entry.activity.types.len() <= usize::from(kind.0) {
            return Ok(LinedUp::Off);
        }
        let now = self.now();
        // What came out of the line for nothing is a ticket like any other: whoever may have more lines up again.
        if let Some((found, true)) = self.standing_in_line(entry, kind, user) {
            return Ok(found);
        }
        match self.inner.stock.may_line_up(entry.no, kind, user, now) {
            Ok(()) => {}
            Err(None) => return Ok(LinedUp::Free),
            Err(Some(refusal)) => return Ok(self.no_place(entry, user, refusal)),
        }
        let change = Change::LineUp { activity: entry.no, ticket_type: kind, user };
        match self.propose(change).await? {
            Changed::Closed => Ok(self.no_place(entry, user, Refusal::Ended)),
            // Somebody who left, or was served, in this moment hears that nothing happened.
            _ => {
                let found = self.standing_in_line(entry, kind, user);
                found.map(|(found, _)| found).ok_or(ChangeFault::Busy)
            }
        }
    }

    fn no_place(&self, entry: &Entry, user: UserNo, refusal: Refusal) -> LinedUp {
        let mut had = Vec::new();
        if refusal == Refusal::LimitReached {
            had = self.live_in(entry.no, user);
        }
        LinedUp::Refused(Refused { refusal, had, retry_at: None })
    }

    /// How they stand: in line, or with what was made for them out of it; and whether that waits for them to act.
    fn standing_in_line(
        &self,
        entry: &Entry,
        kind: TypeNo,
        user: UserNo,
    ) -> Option<(LinedUp, bool)> {
        if let Some(place) = self.in_line(entry, kind, user) {
            return Some((LinedUp::InLine(place), true));
        }
        let line = self.inner.stock.offer_of(entry.no, kind, user)?;
        Some((LinedUp::Offered(line.claim.order()), line.state == OrderState::Held))
    }

    /// Takes somebody out of the line; false: they were not in it.
    pub async fn leave_line(
        &self,
        entry: &Entry,
        kind: TypeNo,
        user: UserNo,
    ) -> Result<bool, ChangeFault> {
        let change = Change::LeaveLine { activity: entry.no, ticket_type: kind, user };
        Ok(matches!(self.propose(change).await?, Changed::Done { .. }))
    }

    /// Somebody's place in the line for a type, if they wait.
    pub fn in_line(&self, entry: &Entry, kind: TypeNo, user: UserNo) -> Option<InLine> {
        self.inner.stock.in_line(entry.no, kind, user)
    }

    /// The line of the durable order that was made for somebody out of the line: to be paid, or a ticket that cost
    /// nothing. `None` while they wait.
    pub fn offer_of(&self, entry: &Entry, kind: TypeNo, user: UserNo) -> Option<Recorded> {
        let waits = self.in_line(entry, kind, user).is_some();
        let offer = self.inner.stock.offer_of(entry.no, kind, user).filter(|_| !waits)?;
        (offer.place == Place::DURABLE).then_some(offer)
    }
}
