//! What happened in an activity besides claims: facts that go to the ledger first and then to Stock,
//! so that no final answer ever rests on a change that is not on disk.

use crate::{ActivityNo, EventNo, JoinNo, OrderStep, PaymentState, Seq, TimeMs, TypeNo, UserNo};
use alloc::boxed::Box;
use core::ops::Range;

/// A durable change of an activity, in the order of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in the ledger; Stock applies each number once.
    pub no: EventNo,
    /// The activity changed.
    pub activity: ActivityNo,
    /// When it was written.
    pub at: TimeMs,
    /// What changed.
    pub kind: EventKind,
}

/// The kinds of change; each has a permanent number on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Claims stop until resumed.
    Paused,
    /// Claims go on.
    Resumed,
    /// Claims stop for good.
    Closed,
    /// Units `units` were made: plain ones, or as many codes.
    UnitsAdded {
        /// The ticket type.
        ticket_type: TypeNo,
        /// The numbers of the new units: they follow the last one ever made.
        units: Range<u32>,
    },
    /// Free plain units were taken back; their numbers are never used again.
    UnitsTakenBack {
        /// The ticket type.
        ticket_type: TypeNo,
        /// The ranges of their numbers, highest first, without overlap.
        units: Box<[Range<u32>]>,
    },
    /// Texts, image or a later end: the definition as it stands now.
    Changed(Box<crate::Activity>),
    /// Something happened to an order.
    Order {
        /// The seq of its first line.
        order: Seq,
        /// What.
        step: OrderStep,
    },
    /// Somebody lined up for a type; this event's number is their place.
    LinedUp {
        /// The ticket type.
        ticket_type: TypeNo,
        /// Who.
        user: UserNo,
    },
    /// Somebody left the line.
    LeftLine {
        /// The ticket type.
        ticket_type: TypeNo,
        /// Who.
        user: UserNo,
        /// The place they had.
        join: JoinNo,
    },
    /// A payment changed its state without its order, or came to one that was over. Stock has nothing to do with it.
    Payment {
        /// Its number in the ledger.
        payment: u64,
        /// The order it was made for: the seq of its first line.
        order: Seq,
        /// Its state from now on.
        state: PaymentState,
    },
}

impl EventKind {
    /// How many units an event of this kind names.
    pub fn unit_count(&self) -> u64 {
        match self {
            Self::UnitsAdded { units, .. } => u64::from(units.end - units.start),
            Self::UnitsTakenBack { units, .. } => {
                units.iter().map(|range| u64::from(range.end - range.start)).sum()
            }
            Self::Paused
            | Self::Resumed
            | Self::Closed
            | Self::Changed(_)
            | Self::Order { .. }
            | Self::LinedUp { .. }
            | Self::LeftLine { .. }
            | Self::Payment { .. } => 0,
        }
    }
}
