//! What the ledger says of decided claims: that they are durable, or that they never will be.
//! Free claims are sold once they are durable; what costs something stays held until an event.

use super::{ActivityStock, index_of, lines_of};
use rules::{Claim, OrderState, Seq, TypeNo};

impl ActivityStock {
    /// The line is durable. Withdrawn ones before it never will be, and are passed over.
    pub fn confirm(&mut self, claim: &Claim) {
        while self.confirmed.0 + 1 < claim.seq.0 && !self.is_there(Seq(self.confirmed.0 + 1)) {
            self.confirmed.0 += 1;
            self.places.pop_front().expect("what was not durable had a place");
        }
        assert_eq!(claim.seq.0, self.confirmed.0 + 1, "claims become durable in their order");
        self.confirmed = claim.seq;
        self.places.pop_front().expect("what was not durable had a place");
        let Some(linked) = self.records.get(claim.seq) else { return };
        assert_eq!(linked.claim, *claim, "what becomes durable is what was decided");
        if linked.state == OrderState::Held {
            if claim.line + 1 == claim.lines {
                self.holds.set_durable();
            }
            return;
        }
        let stock = &mut self.types[usize::from(claim.ticket_type.0)];
        stock.held -= 1;
        stock.sold += 1;
        self.assert_balance(claim.ticket_type);
    }

    /// Takes back an order that never became durable; `claim` is its first line.
    pub fn withdraw(&mut self, claim: &Claim) -> bool {
        let found = self.records.get(claim.seq);
        let Some(first) = found.filter(|linked| linked.claim == *claim && claim.line == 0) else {
            return false;
        };
        let lines = lines_of(&first);
        let slot = self.people.get_mut(claim.user);
        if slot.last() != Some(Seq(*lines.end())) || claim.seq <= self.confirmed {
            return false;
        }
        slot.set_last(first.previous);
        if let (None, Some(refusal)) = (first.previous, slot.refusal()) {
            self.refused[index_of(refusal)] += 1;
        }
        if first.state == OrderState::Held {
            self.let_go(&first, false);
        }
        self.givers.withdraw(claim.user, lines.clone());
        claim.key.into_iter().for_each(|key| self.givers.forget_key(claim.user, key));
        lines.for_each(|seq| self.withdraw_line(Seq(seq)));
        if let Some(join) = claim.offer {
            self.types[usize::from(claim.ticket_type.0)].line.join(join, claim.user);
        }
        self.reconsider(claim.user);
        true
    }

    fn withdraw_line(&mut self, seq: Seq) {
        let line = self.records.get(seq).expect("an order has all its lines").claim;
        self.records.withdraw(seq);
        let newest = self.newest_of_type(line.ticket_type);
        let stock = &mut self.types[usize::from(line.ticket_type.0)];
        stock.last_seq = newest;
        stock.held -= 1;
        stock.unpaid -= u32::from(line.priced);
        stock.free.add(line.unit.0..line.unit.0 + 1);
        self.assert_balance(line.ticket_type);
    }

    /// The type's newest line that is not durable; if there is none, one that is.
    fn newest_of_type(&self, ticket_type: TypeNo) -> Seq {
        let undurable = (self.confirmed.0 + 1..=self.records.last().0).map(Seq);
        let of_type = |seq: &Seq| {
            self.records.get(*seq).is_some_and(|linked| linked.claim.ticket_type == ticket_type)
        };
        undurable.rev().find(of_type).unwrap_or(self.confirmed)
    }

    fn is_there(&self, seq: Seq) -> bool {
        self.records.get(seq).is_some()
    }
}
