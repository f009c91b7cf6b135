//! What an activity is: the definition an operator imports, with its ticket types.
//! Numbers, states and counts that change while it runs live in Stock and the ledger, not here.

use crate::{Money, TimeMs, TypeNo, Window};
use alloc::{string::String, vec::Vec};

/// A sale: texts, window, rules and what is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The opaque id of the wire: letters, digits, `-` and `_`.
    pub id: String,
    /// Shown as the title.
    pub name: String,
    /// Shown below the title; may be empty.
    pub desc: String,
    /// The address of a picture; may be empty.
    pub image: String,
    /// When claims are taken.
    pub window: Window,
    /// Units one person may have over all types; `None` where only the types limit.
    pub limit_per_user: Option<u32>,
    /// Whether only the names of a roster may claim.
    pub has_roster: bool,
    /// Whether people may line up for units that come back.
    pub standby: bool,
    /// What is sold, in the order of the file; at least one. What costs something is all in one currency.
    pub types: Vec<TicketType>,
}

/// One kind of thing an activity sells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketType {
    /// Unique in its activity.
    pub id: String,
    /// Shown on the ticket.
    pub name: String,
    /// Shown on the ticket; may be empty.
    pub desc: String,
    /// The address of a picture; empty where the activity's is used.
    pub image: String,
    /// What one unit costs; zero is free.
    pub price: Money,
    /// Units of this type one person may have; at least 1.
    pub limit_per_user: u32,
    /// Plain units or codes.
    pub kind: UnitKind,
    /// A session of its own inside the activity's window.
    pub window: Option<Window>,
    /// Seconds a buyer has to pay.
    pub pay_within_s: u32,
    /// Seconds the first in line has to pay for a unit that came back.
    pub offer_within_s: u32,
    /// When a ticket of this type is good.
    pub validity: Validity,
}

/// What the units of a type are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// Numbered units without a code.
    Plain,
    /// Each unit carries the code of its number.
    Codes,
}

/// When a ticket is good: from `from` (included) until `until` (excluded; `None`: without end).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: TimeMs,
    /// The first moment after it.
    pub until: Option<TimeMs>,
}

impl Validity {
    /// Whether `now` lies within.
    pub fn holds(self, now: TimeMs) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

impl Activity {
    /// The type with this id and its number, if the activity has it.
    pub fn type_by_id(&self, id: &str) -> Option<(TypeNo, &TicketType)> {
        let index = self.types.iter().position(|one| one.id == id)?;
        Some((TypeNo(u16::try_from(index).ok()?), &self.types[index]))
    }

    /// The window in which a type may be claimed: its own, else the activity's.
    pub fn window_of(&self, type_no: TypeNo) -> Option<Window> {
        Some(self.types.get(usize::from(type_no.0))?.window.unwrap_or(self.window))
    }

    /// What an order of lines of these types costs; none are priced: nothing, in the first one's currency.
    pub fn amount_of(&self, lines: impl Iterator<Item = TypeNo> + Clone) -> Money {
        let price = |line: TypeNo| &self.types[usize::from(line.0)].price;
        let minor = lines.clone().map(|line| price(line).minor).sum();
        let mut priced = lines.clone().map(price).filter(|price| !price.is_free());
        let named = priced.next().or_else(|| lines.clone().next().map(price));
        let currency = named.map_or_else(String::new, |price| price.currency.clone());
        Money { minor, currency }
    }

    /// Until when an order of lines of these types is to be paid, where nothing extends it: the shortest time counts.
    pub fn pay_by(
        &self,
        lines: impl Iterator<Item = TypeNo>,
        offered: bool,
        decided_at: TimeMs,
    ) -> TimeMs {
        let within = |line: TypeNo| {
            let kind = &self.types[usize::from(line.0)];
            if offered { kind.offer_within_s } else { kind.pay_within_s }
        };
        let within_s = lines.map(within).min().unwrap_or(0);
        TimeMs(decided_at.0 + u64::from(within_s) * 1000)
    }

    /// The order of lists: soonest first, then by id.
    pub fn sort_key(&self) -> (TimeMs, &str) {
        (self.window.start(), &self.id)
    }
}

/// How an activity stands, for lists and pages; permanent names of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivityState {
    /// Not started.
    Upcoming,
    /// Claims are taken.
    Open,
    /// Inside its window with nothing left.
    SoldOut,
    /// Stopped by the operator, may go on.
    Paused,
    /// Over by time, or closed.
    Ended,
}

impl ActivityState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Upcoming, Self::Open, Self::SoldOut, Self::Paused, Self::Ended];

    /// The permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Open => "open",
            Self::SoldOut => "sold_out",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// The state with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}
