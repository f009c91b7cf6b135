//! The closed list of ways in which the rules say no, with numbers that never change.
//! A fault is never one of these: a refusal is only ever an answer of the rules.

/// The rules were asked and said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum Refusal {
    /// Over by time, or closed for good.
    Ended = -1,
    /// No unit is left and none can come back by itself.
    SoldOut = -2,
    /// The window has not opened yet.
    NotStarted = -4,
    /// This user has had their units.
    LimitReached = -5,
    /// Not on the roster.
    NotEligible = -6,
    /// Nothing is free, but what others have not paid yet may come back.
    HeldByOthers = -7,
    /// Paused by the operator.
    Paused = -11,
}

impl Refusal {
    /// Every refusal, in the order in which the rules look for them.
    pub const ALL: [Self; 7] = [
        Self::Ended,
        Self::Paused,
        Self::NotStarted,
        Self::NotEligible,
        Self::LimitReached,
        Self::HeldByOthers,
        Self::SoldOut,
    ];

    /// The permanent number: on the wire, on disk and in exports.
    pub const fn number(self) -> i8 {
        self as i8
    }

    /// The permanent name: in exports, statistics and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::SoldOut => "sold_out",
            Self::NotStarted => "not_started",
            Self::LimitReached => "limit_reached",
            Self::NotEligible => "not_eligible",
            Self::HeldByOthers => "held_by_others",
            Self::Paused => "paused",
        }
    }

    /// The refusal that carries this number, if one does.
    pub fn from_number(number: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_permanent() {
        let table = [
            (Refusal::Ended, -1, "ended"),
            (Refusal::SoldOut, -2, "sold_out"),
            (Refusal::NotStarted, -4, "not_started"),
            (Refusal::LimitReached, -5, "limit_reached"),
            (Refusal::NotEligible, -6, "not_eligible"),
            (Refusal::HeldByOthers, -7, "held_by_others"),
            (Refusal::Paused, -11, "paused"),
        ];
        assert_eq!(table.len(), Refusal::ALL.len());
        for (refusal, number, name) in table {
            assert_eq!((refusal.number(), refusal.name()), (number, name));
            assert_eq!(Refusal::from_number(number), Some(refusal));
        }
        assert_eq!(Refusal::from_number(-3), None, "-3 is a fault, never a refusal");
    }
}
