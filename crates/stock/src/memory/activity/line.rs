//! The waiting lines: whoever is first in line is offered what comes back, before anybody else can ask for it (C22).
//! An offer is a claim like any other; whom the rules refuse it keeps their place.

use super::{
    super::{pending::Pending, type_stock::TypeStock},
    ActivityStock,
};
use crate::{ClaimAsk, Conflict, InLine, StockFault};
use rules::{Facts, Item, JoinNo, Refusal, TimeMs, TypeNo, UserNo, judge};

impl ActivityStock {
    /// Offers what is free to those who wait, in every type (S8). With a fault, what is free stays theirs.
    pub fn offer_all(&mut self, pending: &Pending) -> Result<(), StockFault> {
        let mut offered = Ok(());
        for index in 0..self.types.len() {
            offered = offered.and(self.offer(TypeNo(index as u16), pending));
        }
        self.owes_offers = self.types.iter().any(TypeStock::owes);
        offered
    }

    /// Offers what could not be offered when it came back: the queue was full, or claims were not taken.
    pub fn offer_owed(&mut self, pending: &Pending) -> Result<(), StockFault> {
        if self.owes_offers { self.offer_all(pending) } else { Ok(()) }
    }

    /// Offers what is free of a type to those who wait for it, at the latest moment known.
    fn offer(&mut self, ticket_type: TypeNo, pending: &Pending) -> Result<(), StockFault> {
        let index = usize::from(ticket_type.0);
        let items = [Item { ticket_type, count: 1 }];
        while self.types[index].free.count() > 0
            && let Some((join, user)) = self.types[index].line.first()
        {
            let (activity, now) = (self.no, self.latest);
            let ask = ClaimAsk { activity, items: &items, user, late: false, key: None, now };
            self.learn(user);
            match self.refusal(&ask) {
                None => {}
                Some((Refusal::LimitReached | Refusal::NotEligible, _)) => {
                    self.types[index].line.pass_over(join);
                    continue;
                }
                // The same for everybody who waits.
                Some(_) => break,
            }
            self.take(&ask, Some(join), pending)?;
            assert!(self.types[index].line.leave(join, user), "who was first in line waited there");
        }
        Ok(())
    }

    /// Somebody takes their place in line.
    pub(super) fn line_up(
        &mut self,
        join: JoinNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Result<(), Conflict> {
        assert!(user.0 <= rules::USERS_MAX, "user numbers are bounded");
        let stock = self.types.get_mut(usize::from(ticket_type.0));
        stock.ok_or(Conflict::Units(self.no, ticket_type))?.line.join(join, user);
        Ok(())
    }

    /// Somebody leaves. Whoever was offered a unit in the meantime has left already.
    pub(super) fn leave_line(
        &mut self,
        join: JoinNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Result<(), Conflict> {
        let stock = self.types.get_mut(usize::from(ticket_type.0));
        stock.ok_or(Conflict::Units(self.no, ticket_type))?.line.leave(join, user);
        Ok(())
    }

    /// Somebody's place.
    pub fn in_line(&self, ticket_type: TypeNo, user: UserNo) -> Option<InLine> {
        let (join, ahead) = self.types.get(usize::from(ticket_type.0))?.line.place(user)?;
        Some(InLine { join, ahead })
    }

    /// Whether the rules would let this person line up at `now`. What is free belongs to those who wait already,
    /// where there are any it may be offered to.
    pub fn may_line_up(
        &mut self,
        ticket_type: TypeNo,
        user: UserNo,
        now: TimeMs,
    ) -> Result<(), Option<Refusal>> {
        let index = usize::from(ticket_type.0);
        if !self.activity.standby || index >= self.types.len() {
            return Err(None);
        }
        self.learn(user);
        let items = [Item { ticket_type, count: 1 }];
        let (activity, now) = (self.no, now.max(self.latest));
        let ask = ClaimAsk { activity, items: &items, user, late: false, key: None, now };
        judge(&Facts { free: u32::MAX, ..self.facts(&ask, items[0]) }).map_err(Some)?;
        let stock = &self.types[index];
        if stock.free.count() > 0 && !stock.line.has_ready() { Err(None) } else { Ok(()) }
    }
}
