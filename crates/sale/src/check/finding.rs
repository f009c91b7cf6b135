//! What a check finds: which promise is broken, and where.
//! A finding names places and user numbers; it never holds a code or a person's name.

use super::broken::{AnswerBroken, CodeBroken, LimitBroken, StockBroken};
use super::money::MoneyBroken;
use std::fmt;

/// The promises that can be recomputed from the ledger alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// For each ticket type: stock = available + held + sold.
    NeverOversold,
    /// What was acknowledged is on disk, and so is what a refusal rests on.
    AnswerKept,
    /// Nobody has more than the limits allow, and only those have who may.
    OneLimit,
    /// Each code exists once and goes out once, in the order of import.
    CodeOnce,
    /// Orders and payments agree, and every amount that came is accounted for.
    MoneyAgrees,
}

impl Promise {
    /// Every promise, by number.
    pub const ALL: [Self; 5] =
        [Self::NeverOversold, Self::AnswerKept, Self::OneLimit, Self::CodeOnce, Self::MoneyAgrees];

    /// Its number among all promises, of which some cannot be recomputed from a ledger.
    pub const fn number(self) -> u8 {
        match self {
            Self::NeverOversold => 1,
            Self::AnswerKept => 2,
            Self::OneLimit => 3,
            Self::CodeOnce => 4,
            Self::MoneyAgrees => 7,
        }
    }

    /// What is promised.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NeverOversold => "never oversold",
            Self::AnswerKept => "an answer given is kept",
            Self::OneLimit => "one person, one limit",
            Self::CodeOnce => "a code goes out once, in the order of import",
            Self::MoneyAgrees => "time decides once, and money and stock agree",
        }
    }
}

/// One thing that breaks a promise, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The activity's id; where the ledger has none for it: `number N`.
    pub activity: String,
    /// The ticket type's id, where it is about one type.
    pub ticket_type: Option<String>,
    /// What it is.
    pub what: What,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "activity {}", self.activity)?;
        if let Some(ticket_type) = &self.ticket_type {
            write!(f, ", type {ticket_type}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Everything a check can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Promise 1.
    Stock(StockBroken),
    /// Promise 2.
    Answer(AnswerBroken),
    /// Promise 3.
    Limit(LimitBroken),
    /// Promise 4.
    Code(CodeBroken),
    /// Promise 7.
    Money(MoneyBroken),
}

impl What {
    /// The promise that this breaks.
    pub const fn promise(self) -> Promise {
        match self {
            Self::Stock(_) => Promise::NeverOversold,
            Self::Answer(_) => Promise::AnswerKept,
            Self::Limit(_) => Promise::OneLimit,
            Self::Code(_) => Promise::CodeOnce,
            Self::Money(_) => Promise::MoneyAgrees,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stock(broken) => broken.fmt(f),
            Self::Answer(broken) => broken.fmt(f),
            Self::Limit(broken) => broken.fmt(f),
            Self::Code(broken) => broken.fmt(f),
            Self::Money(broken) => broken.fmt(f),
        }
    }
}

impl From<StockBroken> for What {
    fn from(broken: StockBroken) -> Self {
        Self::Stock(broken)
    }
}

impl From<AnswerBroken> for What {
    fn from(broken: AnswerBroken) -> Self {
        Self::Answer(broken)
    }
}

impl From<LimitBroken> for What {
    fn from(broken: LimitBroken) -> Self {
        Self::Limit(broken)
    }
}

impl From<CodeBroken> for What {
    fn from(broken: CodeBroken) -> Self {
        Self::Code(broken)
    }
}

impl From<MoneyBroken> for What {
    fn from(broken: MoneyBroken) -> Self {
        Self::Money(broken)
    }
}
