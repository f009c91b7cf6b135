//! The bounds of a plan. A plan outside them is refused whole, with the key and both numbers;
//! nothing is ever bent into shape.

use super::{Arrivals, Mix, Plan, PlannedChange, PlannedType};
use crate::history::{Change, TypeIndex};
use std::{collections::HashSet, fmt};

/// People in one rehearsal.
pub const USERS_MAX: u32 = 1_000_000;
/// Connections; more than this many ports of one address would be a test of the kernel.
pub const CONNECTIONS_MAX: u32 = 20_000;
/// Seconds before the opening, and of the sale.
pub const SECONDS_MAX: u32 = 3_600;
/// Milliseconds of the spike.
pub const SPIKE_MS_MAX: u32 = 600_000;
/// Milliseconds between two looks at the page, at least and at most.
pub const REFRESH_EVERY_MS: (u32, u32) = (100, 600_000);
/// Ticket types.
pub const TYPES_MAX: usize = 20;
/// Units of a type without codes.
pub const STOCK_MAX: u32 = 1_000_000;
/// Units of a type with codes: an import holds every one of them.
pub const CODES_MAX: u32 = 100_000;
/// Units one person may have.
pub const LIMIT_MAX: u32 = 100;
/// Characters of a type's id.
pub const TYPE_ID_CHARS_MAX: usize = 64;
/// Changes by operators.
pub const CHANGES_MAX: usize = 100;

/// Why a plan cannot be rehearsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanFault {
    /// A number is out of its bounds.
    OutOfBounds {
        /// Its name in the plan.
        key: &'static str,
        /// What it is.
        value: u64,
        /// What it may be at least.
        least: u64,
        /// What it may be at most.
        most: u64,
    },
    /// The behaviours add up to more than 1,000 thousandths.
    MixTooMuch(u32),
    /// An id of a type has other characters than letters, digits, `-` and `_`, or too many or none.
    TypeId(String),
    /// Two types have one id.
    TypeTwice(String),
    /// A change is about a type that is not planned.
    NoSuchType(usize),
    /// A change adds or takes units of a type with codes.
    CodesChange(String),
    /// Changes are not in the order of time, or one comes after the end.
    ChangeTime(u64),
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds { key, value, least, most } => {
                write!(f, "{key} is {value}; it may be {least} to {most}")
            }
            Self::MixTooMuch(sum) => {
                write!(f, "the behaviours add up to {sum} thousandths; make them 1000 or less")
            }
            Self::TypeId(id) => write!(
                f,
                "the type id {id:?} must have 1 to {TYPE_ID_CHARS_MAX} letters, digits, - and _"
            ),
            Self::TypeTwice(id) => write!(f, "two types have the id {id:?}; rename one"),
            Self::NoSuchType(at) => write!(f, "a change is about type {at}, which is not planned"),
            Self::CodesChange(id) => {
                write!(f, "the type {id:?} has codes, so no units can be added or taken back")
            }
            Self::ChangeTime(us) => write!(
                f,
                "the change at {us} µs after the opening must come before the end, in order of time"
            ),
        }
    }
}

impl std::error::Error for PlanFault {}

impl Plan {
    /// Whether it can be rehearsed.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn validate(&self) -> Result<(), PlanFault> {
        within("users", self.users, 1, USERS_MAX)?;
        within("connections", self.connections, 1, CONNECTIONS_MAX)?;
        within("opens_after_s", self.opens_after_s, 1, SECONDS_MAX)?;
        within("seconds", self.seconds, 1, SECONDS_MAX)?;
        within("types", self.types.len() as u64, 1, TYPES_MAX as u64)?;
        within("changes", self.changes.len() as u64, 0, CHANGES_MAX as u64)?;
        if let Some(limit) = self.limit_per_person {
            within("limit_per_person", limit, 1, LIMIT_MAX)?;
        }
        if let Some(per_mille) = self.roster_per_mille {
            within("roster_per_mille", per_mille, 1, 1_000_u64)?;
        }
        self.arrivals.validate()?;
        self.mix.validate()?;
        self.validate_types()?;
        self.validate_changes()?;
        within("kills", self.kills, 0, super::kills::most(self.seconds))?;
        self.paying.as_ref().map_or(Ok(()), super::PlannedPaying::validate)
    }

    fn validate_types(&self) -> Result<(), PlanFault> {
        let mut ids = HashSet::new();
        for planned in &self.types {
            planned.validate()?;
            if !ids.insert(&planned.id) {
                return Err(PlanFault::TypeTwice(planned.id.clone()));
            }
        }
        Ok(())
    }

    fn validate_changes(&self) -> Result<(), PlanFault> {
        let mut before = 0;
        let end = u64::from(self.seconds) * 1_000_000;
        for PlannedChange { after_opening, what } in &self.changes {
            if after_opening.0 < before || after_opening.0 >= end {
                return Err(PlanFault::ChangeTime(after_opening.0));
            }
            before = after_opening.0;
            if let Change::Added(TypeIndex(at), units) | Change::TakenBack(TypeIndex(at), units) =
                *what
            {
                let planned = self.types.get(at).ok_or(PlanFault::NoSuchType(at))?;
                if planned.codes {
                    return Err(PlanFault::CodesChange(planned.id.clone()));
                }
                within("changes.units", units, 1, STOCK_MAX)?;
            }
        }
        Ok(())
    }
}

impl Arrivals {
    fn validate(&self) -> Result<(), PlanFault> {
        let (least, most) = REFRESH_EVERY_MS;
        within("arrivals.spike_per_mille", self.spike_per_mille, 0, 1_000_u64)?;
        within("arrivals.spike_ms", self.spike_ms, 1, SPIKE_MS_MAX)?;
        within("arrivals.refresh_per_mille", self.refresh_per_mille, 0, 1_000_u64)?;
        within("arrivals.refresh_s", self.refresh_s, 0, SECONDS_MAX)?;
        within("arrivals.refresh_every_ms", self.refresh_every_ms, least.into(), most)
    }
}

impl Mix {
    fn validate(&self) -> Result<(), PlanFault> {
        if self.sum() > 1_000 { Err(PlanFault::MixTooMuch(self.sum())) } else { Ok(()) }
    }
}

impl PlannedType {
    fn validate(&self) -> Result<(), PlanFault> {
        type_id(&self.id)?;
        // A list of codes without any cannot be imported.
        let (least, most) = if self.codes { (1, CODES_MAX) } else { (0, STOCK_MAX) };
        within("types.stock", self.stock, least, most)?;
        within("types.limit_per_person", self.limit_per_person, 1, LIMIT_MAX)
    }
}

/// Whether this can be the id of a type.
pub(super) fn type_id(id: &str) -> Result<(), PlanFault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = (1..=TYPE_ID_CHARS_MAX).contains(&id.len());
    if fits && id.bytes().all(plain) {
        return Ok(());
    }
    Err(PlanFault::TypeId(id.chars().take(TYPE_ID_CHARS_MAX).collect()))
}

/// Whether a number is in its bounds.
pub(crate) fn within(
    key: &'static str,
    value: impl Into<u64>,
    least: u64,
    most: impl Into<u64>,
) -> Result<(), PlanFault> {
    let (value, most) = (value.into(), most.into());
    let fits = (least..=most).contains(&value);
    if fits { Ok(()) } else { Err(PlanFault::OutOfBounds { key, value, least, most }) }
}
