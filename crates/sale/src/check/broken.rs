//! Every way in which a ledger can break a promise, one closed list for each promise, with words for people.
//! Claims are named by their seq, units and users by their numbers; no code and no person's name is in here.

use std::fmt;

/// How stock, claims and units contradict each other (promise 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockBroken {
    /// Claims of an activity that the ledger does not have.
    ActivityUnknown {
        /// How many.
        claims: u64,
    },
    /// A claim of a type that the activity does not have.
    TypeUnknown {
        /// The claim.
        seq: u32,
        /// The type's number.
        ticket_type: u16,
    },
    /// A claimed unit was never made.
    UnitNeverMade {
        /// The claim.
        seq: u32,
        /// Its unit.
        unit: u32,
        /// Units ever made.
        made: u32,
    },
    /// A claimed unit had been taken back.
    UnitTakenBack {
        /// The claim.
        seq: u32,
        /// Its unit.
        unit: u32,
    },
    /// A claim has a unit that an earlier one had not given back.
    UnitTwice {
        /// The unit.
        unit: u32,
    },
    /// Units that were never made were taken back.
    TakenBackNeverMade {
        /// The first unit above the last one made.
        past: u32,
        /// Units ever made.
        made: u32,
    },
    /// A unit was taken back twice.
    TakenBackTwice {
        /// The unit.
        unit: u32,
    },
    /// More units held and sold than there are on sale.
    Oversold {
        /// Units on sale.
        total: u64,
        /// Of unpaid orders.
        held: u64,
        /// Of paid ones.
        sold: u64,
    },
    /// Stock is not available + held + sold.
    Unbalanced {
        /// Units on sale.
        total: u64,
        /// Units that nobody has, and that were neither taken back nor shown to somebody.
        available: u64,
        /// Of unpaid orders.
        held: u64,
        /// Of paid ones.
        sold: u64,
    },
}

impl fmt::Display for StockBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ActivityUnknown { claims } => {
                write!(f, "the ledger has no such activity, and claims of it: {claims}")
            }
            Self::TypeUnknown { seq, ticket_type } => {
                write!(f, "claim {seq} is of type number {ticket_type}, which does not exist")
            }
            Self::UnitNeverMade { seq, unit, made } => {
                write!(f, "claim {seq} has unit {unit}, and only {made} were ever made")
            }
            Self::UnitTakenBack { seq, unit } => {
                write!(f, "claim {seq} has unit {unit}, which was taken back")
            }
            Self::UnitTwice { unit } => write!(f, "unit {unit} is claimed twice"),
            Self::TakenBackNeverMade { past, made } => {
                write!(f, "units up to {past} were taken back, and only {made} were ever made")
            }
            Self::TakenBackTwice { unit } => write!(f, "unit {unit} was taken back twice"),
            Self::Oversold { total, held, sold } => {
                write!(f, "{held} units are held and {sold} sold of {total} on sale")
            }
            Self::Unbalanced { total, available, held, sold } => write!(
                f,
                "{total} units on sale are not {available} available, {held} held and {sold} sold"
            ),
        }
    }
}

/// Answers that the ledger does not bear out (promise 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerBroken {
    /// The sequence has a gap.
    ClaimMissing {
        /// The first claim that is missing there.
        seq: u32,
    },
    /// A line does not continue the order it stands in, or an order begins in the middle of another.
    OrderTorn {
        /// The line.
        seq: u32,
    },
    /// The claims on disk are not as many as were ever acknowledged.
    TallyDiffers {
        /// The first claim that only one of the two has.
        seq: u32,
    },
    /// Someone was refused for having reached a limit and has nothing.
    RefusedWithoutClaim {
        /// Who.
        user: u32,
    },
    /// People were refused as sold out by an activity that never changed and has units of each type.
    RefusedWithUnits {
        /// How many people.
        people: u64,
        /// One of them.
        user: u32,
        /// Units left.
        available: u64,
    },
}

impl fmt::Display for AnswerBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClaimMissing { seq } => write!(f, "claim {seq} is missing"),
            Self::OrderTorn { seq } => {
                write!(f, "claim {seq} does not fit the order it stands in")
            }
            Self::TallyDiffers { seq } => {
                write!(f, "from claim {seq} on, what is there is not what was acknowledged")
            }
            Self::RefusedWithoutClaim { user } => {
                write!(f, "user {user} was refused for the limit and has no claim")
            }
            Self::RefusedWithUnits { people, user, available } => write!(
                f,
                "{people} people (user {user} for one) are recorded as refused, sold out, \
                 and {available} units are left though none was ever added"
            ),
        }
    }
}

/// People who have what they may not have (promise 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitBroken {
    /// More units of the type than a person may have.
    OverTypeLimit {
        /// Who.
        user: u32,
        /// What they have.
        units: u64,
        /// What they may have.
        limit: u32,
    },
    /// More units of the activity than a person may have.
    OverActivityLimit {
        /// Who.
        user: u32,
        /// What they have.
        units: u64,
        /// What they may have.
        limit: u32,
    },
    /// Two live claims of one person are both the n-th, of the type or of the activity.
    OrdinalTwice {
        /// The later claim.
        seq: u32,
    },
    /// A claim is the n-th of its person in the type or in the activity, and fewer were ever made.
    OrdinalGap {
        /// Who.
        user: u32,
        /// How many claims.
        units: u64,
    },
    /// Two claims of one person and activity came with the same idempotency key.
    KeyTwice {
        /// The later claim.
        seq: u32,
    },
    /// Two units were offered to one place in a waiting list.
    OfferTwice {
        /// The later claim.
        seq: u32,
    },
    /// A claimant is not on the roster, or registered themselves under a name that is.
    NotOnRoster {
        /// Who.
        user: u32,
    },
    /// Decided before the window opened.
    TooEarly {
        /// The claim.
        seq: u32,
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// Decided when the window was over, by its end as it stands now.
    TooLate {
        /// The claim.
        seq: u32,
        /// Milliseconds after the last one inside.
        by_ms: u64,
    },
}

impl fmt::Display for LimitBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverTypeLimit { user, units, limit } => {
                write!(f, "user {user} has {units} units of the type, and {limit} are allowed")
            }
            Self::OverActivityLimit { user, units, limit } => {
                write!(f, "user {user} has {units} units of the activity, and {limit} are allowed")
            }
            Self::OrdinalTwice { seq } => {
                write!(f, "claim {seq} has a place among the user's claims that another has too")
            }
            Self::OrdinalGap { user, units } => {
                write!(f, "the {units} claims of user {user} are not numbered from 1 without gaps")
            }
            Self::KeyTwice { seq } => {
                write!(f, "claim {seq} came with a key that another claim of the user has too")
            }
            Self::OfferTwice { seq } => {
                write!(f, "claim {seq} was made for a place in line that had been offered a unit")
            }
            Self::NotOnRoster { user } => {
                write!(f, "user {user} has a claim and may have none by the roster")
            }
            Self::TooEarly { seq, by_ms } => {
                write!(f, "claim {seq} was decided {by_ms} ms before the window opened")
            }
            Self::TooLate { seq, by_ms } => {
                write!(f, "claim {seq} was decided {by_ms} ms after the window's last moment")
            }
        }
    }
}

/// Codes and units out of their order (promise 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeBroken {
    /// A code exists twice in the ledger.
    CodeTwice {
        /// The later code's place in its type, from 0.
        place: u32,
    },
    /// Units without a code.
    CodesMissing {
        /// How many.
        units: u64,
    },
    /// Codes of units that were never made.
    CodesBeyond {
        /// How many.
        codes: u64,
    },
    /// Units with codes were taken back, so codes were passed over.
    CodesTakenBack {
        /// How many.
        units: u64,
    },
    /// A claim has a code that somebody else could have seen.
    ShownBefore {
        /// The claim.
        seq: u32,
        /// Its unit.
        unit: u32,
    },
    /// A claim took a unit while a lower one was free.
    PassedOver {
        /// The claim.
        seq: u32,
        /// Its unit.
        unit: u32,
        /// The lowest free unit.
        lowest: u32,
    },
    /// A claim's number is not above that of the type's claim before it.
    ClaimNoNotAbove {
        /// The claim.
        seq: u32,
        /// Its number.
        claim_no: u32,
        /// The number of the claim before it; 0: it is the first.
        before: u32,
    },
}

impl fmt::Display for CodeBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CodeTwice { place } => {
                write!(f, "the code at place {place} is elsewhere in the ledger too")
            }
            Self::CodesMissing { units } => write!(f, "units without a code: {units}"),
            Self::CodesBeyond { codes } => {
                write!(f, "codes of units that were never made: {codes}")
            }
            Self::CodesTakenBack { units } => {
                write!(f, "units with codes that were taken back: {units}")
            }
            Self::ShownBefore { seq, unit } => {
                write!(f, "claim {seq} has unit {unit}, whose code an earlier order was shown")
            }
            Self::PassedOver { seq, unit, lowest } => {
                write!(f, "claim {seq} took unit {unit} while unit {lowest} was free")
            }
            Self::ClaimNoNotAbove { seq, claim_no, before } => {
                write!(f, "claim {seq} has claim number {claim_no}, the one before it {before}")
            }
        }
    }
}
