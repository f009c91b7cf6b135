//! The waiting list: who lines up, where they stand, and what they were offered (C22).
//! A place is an event of the ledger, so that it outlives every restart; units are given by Stock alone.

use crate::{ChangeFault, Entry, Refused, Sale};
use ledger::{Change, Changed};
use rules::{OrderNo, OrderState, Refusal, TypeNo, UserNo};
use stock::{InLine, Recorded};

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
        if let Some(found) = self.standing_in_line(entry, kind, user) {
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
            _ => self.standing_in_line(entry, kind, user).ok_or(ChangeFault::Busy),
        }
    }

    fn no_place(&self, entry: &Entry, user: UserNo, refusal: Refusal) -> LinedUp {
        let mut had = Vec::new();
        if refusal == Refusal::LimitReached {
            had = self.claims_in(entry.no, user);
            had.retain(|line| line.state.is_live());
            had.reverse();
        }
        LinedUp::Refused(Refused { refusal, had, retry_at: None })
    }

    fn standing_in_line(&self, entry: &Entry, kind: TypeNo, user: UserNo) -> Option<LinedUp> {
        if let Some(place) = self.in_line(entry, kind, user) {
            return Some(LinedUp::InLine(place));
        }
        let lines = self.inner.stock.claims_of(entry.no, user).into_iter();
        let mut offers = lines.filter(|line| is_offer(line, kind));
        offers.next().map(|line| LinedUp::Offered(line.claim.order()))
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

    /// The order that was made for somebody out of the line, while it is to be paid.
    pub fn offer_of(&self, entry: &Entry, kind: TypeNo, user: UserNo) -> Option<Recorded> {
        let lines = self.claims_in(entry.no, user).into_iter();
        let mut offers = lines.filter(|line| is_offer(line, kind));
        offers.next()
    }
}

/// An offer of this type that is still to be paid.
fn is_offer(line: &Recorded, kind: TypeNo) -> bool {
    line.claim.offer.is_some() && line.claim.ticket_type == kind && line.state == OrderState::Held
}
