//! The units of one ticket type and what is counted of them, inside its activity's lock.
//! It decides nothing: whoever holds the lock keeps S1 to S4.

use super::units::FreeUnits;
use rules::{ClaimNo, Seq, Supply};
use std::ops::Range;

/// The units of one ticket type.
#[derive(Default)]
pub struct TypeStock {
    /// On sale to the next who asks.
    pub free: FreeUnits,
    /// Units ever made.
    pub made: u32,
    /// Units on sale. S1: total = free + held + sold.
    pub total: u32,
    /// Decided, not durable.
    pub held: u32,
    /// Durable.
    pub sold: u32,
    /// The type's newest claim: what "sold out" rests on.
    pub last_seq: Seq,
    /// The highest given to a claim of this type.
    pub last_claim_no: ClaimNo,
    /// Set aside by `take_back`, not voided by an event yet.
    pub leaving: Vec<Range<u32>>,
}

impl TypeStock {
    /// The units as they are counted.
    pub fn supply(&self) -> Supply {
        Supply { total: self.total, available: self.free.count(), held: self.held, sold: self.sold }
    }
}
