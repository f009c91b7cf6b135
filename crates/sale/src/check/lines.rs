//! A line as a check sees it: the claim, how its order stands, and what follows from that for its unit.
//! What is live and what was shown is written here once more, and not taken from the rules.

use ledger::OrderMark;
use rules::{Claim, OrderState, TimeMs, UnitKind};

/// A line with how its order stands.
#[derive(Clone, Copy)]
pub struct Line {
    pub claim: Claim,
    pub state: OrderState,
    /// When its order was cancelled, expired, or its refund began.
    pub ended_at: Option<TimeMs>,
}

impl Line {
    pub const fn new(claim: Claim, mark: OrderMark) -> Self {
        Self { claim, state: mark.state, ended_at: mark.ended_at }
    }

    /// Its unit is its own, and counts against limits.
    pub const fn is_live(&self) -> bool {
        matches!(self.state, OrderState::Held | OrderState::Paid)
    }

    /// Its buyer can see the code, or could.
    pub const fn was_shown(&self) -> bool {
        matches!(self.state, OrderState::Paid | OrderState::RefundDue | OrderState::Refunded)
    }

    /// Nobody else can have had its unit since it was decided: it has it, or the code was shown.
    pub fn keeps_unit(&self, kind: UnitKind) -> bool {
        self.is_live() || (kind == UnitKind::Codes && self.was_shown())
    }

    /// Whether this is the line that follows `before` in the same order.
    pub fn continues(&self, before: &Self) -> bool {
        let same = |line: &Self| {
            let Claim { user, epoch, decided_at, lines, priced, offer, .. } = line.claim;
            (user, epoch, decided_at, lines, priced, offer, line.state)
        };
        let next = self.claim.line == before.claim.line + 1 && self.claim.key.is_none();
        next && same(self) == same(before)
    }

    /// Whether more lines of the same order have to follow.
    pub const fn has_next(&self) -> bool {
        self.claim.line + 1 < self.claim.lines
    }
}
