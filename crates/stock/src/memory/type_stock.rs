//! The units of one ticket type and what is counted of them, inside its activity's lock.
//! It decides nothing: whoever holds the lock keeps S1 to S4.

use super::{line::Line, units::FreeUnits};
use crate::TypeCounts;
use rules::{ClaimNo, Seq, Supply, TimeMs};
use std::{collections::BTreeSet, ops::Range};

/// The units of one ticket type.
#[derive(Default)]
pub struct TypeStock {
    /// On sale to the next who asks.
    pub free: FreeUnits,
    /// Units ever made.
    pub made: u32,
    /// Units on sale. S1: total = free + held + sold.
    pub total: u32,
    /// Decided and not durable, or unpaid.
    pub held: u32,
    /// Of those, units of unpaid orders.
    pub unpaid: u32,
    /// Durable and paid.
    pub sold: u32,
    /// The unpaid orders that hold some of these units, by their deadlines.
    pub deadlines: BTreeSet<(TimeMs, Seq)>,
    /// Who waits for a unit.
    pub line: Line,
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

    /// Whether a unit is free that somebody waits for who may have it, as far as is known.
    pub fn owes(&self) -> bool {
        self.free.count() > 0 && self.line.has_ready()
    }

    /// Everything counted of them.
    pub fn counts(&self) -> TypeCounts {
        TypeCounts { supply: self.supply(), unpaid: self.unpaid, waiting: self.line.len() }
    }
}
