//! What operators did to an activity: facts that go to the ledger first and then to Stock,
//! so that no final answer ever rests on a change that is not on disk.

use crate::{ActivityNo, EventNo, TimeMs, TypeNo};
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
}

impl EventKind {
    /// How many units an event of this kind names.
    pub fn unit_count(&self) -> u64 {
        match self {
            Self::UnitsAdded { units, .. } => u64::from(units.end - units.start),
            Self::UnitsTakenBack { units, .. } => {
                units.iter().map(|range| u64::from(range.end - range.start)).sum()
            }
            Self::Paused | Self::Resumed | Self::Closed | Self::Changed(_) => 0,
        }
    }
}
