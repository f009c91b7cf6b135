//! Lines as the ledger has them, checked against everything that was loaded before.
//! What contradicts the rules is named, never repaired.

use super::{
    super::{
        records::{Linked, ORDINAL_MAX},
        type_stock::TypeStock,
    },
    ActivityStock,
};
use crate::Conflict;
use rules::{Claim, OrderState, OrderStep, Part, Seq, TimeMs, UnitFate};

impl ActivityStock {
    /// Adds a durable line.
    pub fn load_claim(
        &mut self,
        claim: &Claim,
        state: OrderState,
        pay_by: Option<TimeMs>,
    ) -> Result<(), Conflict> {
        self.learn(claim.user);
        self.check_place(claim)?;
        self.check_order(claim, state, pay_by)?;
        self.check_person(claim)?;
        self.load_unit(claim, state)?;
        self.confirmed = claim.seq;
        self.note_claim(claim, state);
        if let Some(pay_by) = pay_by {
            self.load_hold(claim, pay_by);
        }
        if !state.is_live() {
            self.people.get_mut(claim.user).set_gave_back();
        }
        Ok(())
    }

    /// Whether the line's order was loaded to its end; otherwise the last line that was.
    pub fn check_whole(&self) -> Result<(), Conflict> {
        match self.records.get(self.records.last()) {
            Some(Linked { claim, .. }) if claim.line + 1 != claim.lines => {
                Err(Conflict::Torn(claim))
            }
            _ => Ok(()),
        }
    }

    fn check_place(&self, claim: &Claim) -> Result<(), Conflict> {
        let stock = self.types.get(usize::from(claim.ticket_type.0));
        let stranger = stock.is_none_or(|stock| claim.unit.0 >= stock.made);
        if stranger || claim.activity != self.no || claim.user.0 > rules::USERS_MAX {
            return Err(Conflict::Stranger(*claim));
        }
        if claim.seq.0 != self.records.last().0 + 1 {
            return Err(Conflict::SeqGap(*claim));
        }
        Ok(())
    }

    /// The line follows the one before it, or begins an order after a whole one.
    fn check_order(
        &self,
        claim: &Claim,
        state: OrderState,
        pay_by: Option<TimeMs>,
    ) -> Result<(), Conflict> {
        let last = self.records.get(self.records.last());
        let expected =
            last.as_ref().map_or(
                0,
                |Linked { claim: last, .. }| {
                    if last.line + 1 == last.lines { 0 } else { last.line + 1 }
                },
            );
        let bounded = (1..=rules::BASKET_UNITS_MAX).contains(&claim.lines);
        let free_state = claim.priced
            || !matches!(state, OrderState::Held | OrderState::Cancelled | OrderState::Expired);
        let deadline = pay_by.is_some() == (state == OrderState::Held);
        let alone = claim.offer.is_none() || claim.lines == 1;
        let like_the_others = expected == 0
            || last.is_some_and(|last| {
                let one = |claim: &Claim| {
                    (claim.user, claim.lines, claim.decided_at, claim.epoch, claim.priced)
                };
                let same_deadline = pay_by == self.holds.pay_by(last.claim.order().seq);
                one(&last.claim) == one(claim)
                    && last.state == state
                    && claim.key.is_none()
                    && same_deadline
            });
        let sound = claim.line == expected && bounded && free_state && deadline && alone;
        if sound && like_the_others { Ok(()) } else { Err(Conflict::Torn(*claim)) }
    }

    fn check_person(&self, claim: &Claim) -> Result<(), Conflict> {
        let slot = self.people.get(claim.user);
        let possible = claim.ordinal_in_type.max(claim.ordinal_in_activity) <= ORDINAL_MAX;
        let explained = if slot.gave_back() {
            self.givers.explain(claim)
        } else {
            claim.ordinal_in_type == self.had_in_type(claim.user, claim.ticket_type) + 1
                && claim.ordinal_in_activity == self.had_in_activity(claim.user) + 1
        };
        if !(explained && possible) {
            return Err(Conflict::OrdinalTwice(*claim));
        }
        let used = |key| {
            if slot.gave_back() {
                self.givers.by_key(claim.user, key).is_some()
            } else {
                self.records.chain(slot.last()).any(|linked| linked.claim.key == Some(key))
            }
        };
        if claim.key.is_some_and(used) { Err(Conflict::KeyTwice(*claim)) } else { Ok(()) }
    }

    fn load_unit(&mut self, claim: &Claim, state: OrderState) -> Result<(), Conflict> {
        let void = OrderStep::OweRefund.fate(self.kind_of(claim.ticket_type)) == UnitFate::Void;
        let stock = &mut self.types[usize::from(claim.ticket_type.0)];
        let refunded = matches!(state, OrderState::RefundDue | OrderState::Refunded);
        let kept = state.is_live() || (refunded && void);
        if kept && !stock.free.remove(claim.unit.0..claim.unit.0 + 1) {
            return Err(Conflict::UnitTwice(*claim));
        }
        match state {
            OrderState::Held => {
                stock.held += 1;
                stock.unpaid += 1;
            }
            OrderState::Paid => stock.sold += 1,
            _ => stock.total -= u32::from(kept),
        }
        stock.last_seq = claim.seq;
        stock.last_claim_no = stock.last_claim_no.max(claim.claim_no);
        self.assert_balance(claim.ticket_type);
        Ok(())
    }

    fn load_hold(&mut self, claim: &Claim, pay_by: TimeMs) {
        let order: Seq = claim.order().seq;
        if claim.line == 0 {
            self.holds.add(order, pay_by);
        }
        if claim.line + 1 == claim.lines {
            self.holds.set_durable();
        }
        let stock = &mut self.types[usize::from(claim.ticket_type.0)];
        stock.deadlines.insert((pay_by, order));
    }

    /// Adds a recorded part.
    pub fn load_part(&mut self, part: &Part) {
        self.note_part(part);
    }

    /// Who waits, in the order of joining.
    pub fn load_line(
        &mut self,
        line: impl Iterator<Item = (rules::JoinNo, rules::TypeNo, rules::UserNo)>,
    ) -> Result<(), Conflict> {
        for (join, ticket_type, user) in line {
            self.line_up(join, ticket_type, user)?;
        }
        // Whoever comes first to this activity offers it, so that nobody overtakes those who wait (S8).
        self.owes_offers = self.types.iter().any(TypeStock::owes);
        Ok(())
    }
}
