//! A claim as it was decided, and a person's part in an activity: the plain data that Stock,
//! ledger and sale hand to each other. Neither is ever changed after the decision.

use crate::{
    ActivityNo, ClaimNo, Epoch, JoinNo, OrderNo, OrderState, Refusal, Seq, TimeMs, TypeNo, UnitNo,
    UserNo,
};

/// The keyed hash of an Idempotency-Key; the key itself is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(pub core::num::NonZeroU128);

impl KeyHash {
    /// The hash made of these 16 bytes; all zeros, one chance in 2^128, become one.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let value = core::num::NonZeroU128::new(u128::from_be_bytes(bytes));
        Self(value.unwrap_or(core::num::NonZeroU128::MIN))
    }

    /// The 16 bytes, as stored.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.get().to_be_bytes()
    }
}

/// One line of an accepted claim: one unit. An order of n units is n lines with consecutive places, decided and
/// written together; the first one's place is the order's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The activity it belongs to.
    pub activity: ActivityNo,
    /// Its place in the activity's order of decisions.
    pub seq: Seq,
    /// The ownership under which it was decided.
    pub epoch: Epoch,
    /// The ticket type.
    pub ticket_type: TypeNo,
    /// The unit it got.
    pub unit: UnitNo,
    /// Whose it is.
    pub user: UserNo,
    /// Its place among the accepted claims of the type.
    pub claim_no: ClaimNo,
    /// This is the user's n-th unit of the type, from 1.
    pub ordinal_in_type: u32,
    /// This is the user's n-th unit of the activity, from 1.
    pub ordinal_in_activity: u32,
    /// When it was decided.
    pub decided_at: TimeMs,
    /// The idempotency key it came with; on an order's first line only.
    pub key: Option<KeyHash>,
    /// Its place among the lines of its order, from 0.
    pub line: u8,
    /// Lines of its order, 1 to `BASKET_UNITS_MAX`.
    pub lines: u8,
    /// The order costs something: it is held until it is paid.
    pub priced: bool,
    /// Made for the first in line, who had joined by this event; such an order has one line.
    pub offer: Option<JoinNo>,
}

impl Claim {
    /// The order this is a line of.
    pub const fn order(&self) -> OrderNo {
        OrderNo { activity: self.activity, seq: Seq(self.seq.0 - self.line as u32) }
    }

    /// How its order stands until something happens to it.
    pub const fn first_state(&self) -> OrderState {
        if self.priced { OrderState::Held } else { OrderState::Paid }
    }
}

/// A change of one person's part in an activity, other than an accepted claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The activity.
    pub activity: ActivityNo,
    /// The person.
    pub user: UserNo,
    /// When this was seen; the ledger keeps the earliest.
    pub seen_at: TimeMs,
    /// The first refusal other than `NotStarted`; `None` while there was none. The ledger keeps the first.
    pub refusal: Option<Refusal>,
}
