//! What is to be rehearsed, as plain data: the crowd, its habits, the sale it runs at. The same plan makes the same
//! people, times and choices, always; nothing here reads a clock or draws its own chance.

mod bounds;
mod chance;
mod kills;
mod paying;

pub(crate) use bounds::within;
pub use bounds::{
    CODES_MAX, CONNECTIONS_MAX, LIMIT_MAX, PlanFault, SECONDS_MAX, STOCK_MAX, TYPES_MAX, USERS_MAX,
};
pub use chance::Chance;
pub use kills::{KILLS_MAX, PlannedKill};
pub use paying::{PAY_WITHIN_S, PAYERS_MAX, PRICE_MAX, PayMix, PlannedPaying, PlannedPriced};

use crate::history::{Change, Micros, Person};

/// A rehearsal's plan. [`Plan::default`] is one that any machine takes in a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// People in the crowd.
    pub users: u32,
    /// Connections they share.
    pub connections: u32,
    /// Seconds from the crowd's first steps to the opening: the time of early birds and refreshed pages.
    pub opens_after_s: u32,
    /// Seconds during which the sale is open.
    pub seconds: u32,
    /// When people press.
    pub arrivals: Arrivals,
    /// How they behave.
    pub mix: Mix,
    /// What is sold.
    pub types: Vec<PlannedType>,
    /// Units a person may have of all types together; `None`: only the types' own limits.
    pub limit_per_person: Option<u32>,
    /// People on the roster, in thousandths of the crowd; `None`: no roster, everybody may claim.
    pub roster_per_mille: Option<u32>,
    /// What operators do while the sale is open, in the order of time.
    pub changes: Vec<PlannedChange>,
    /// The payers, at a sale with prices of their own; `None`: nothing is paid for.
    pub paying: Option<PlannedPaying>,
    /// How many times the server is killed while the sale is open, and started again.
    pub kills: u32,
}

/// The arrival curve: a spike at the opening, then a tail as long as the sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// People of the spike, in thousandths; the others come evenly until the end, a few just after it.
    pub spike_per_mille: u32,
    /// Milliseconds from the opening within which the spike arrives, most of it at the beginning.
    pub spike_ms: u32,
    /// People who look at the page before the opening, in thousandths.
    pub refresh_per_mille: u32,
    /// Seconds before the opening in which they do; more than the time until the opening is cut to it.
    pub refresh_s: u32,
    /// Milliseconds from one look to the next.
    pub refresh_every_ms: u32,
}

/// How many behave how, in thousandths of the crowd; whoever is left over presses once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Press twice at the same time, half of them with one key.
    pub double_click: u32,
    /// Press before the start, again and again until it opens.
    pub early_bird: u32,
    /// Press on whatever they hear.
    pub frantic: u32,
    /// Lose their replies and ask again with the same key.
    pub lost_reply: u32,
    /// Read lists and details, press late, look at their tickets.
    pub reader: u32,
    /// Programs of one address prefix that press as fast as they hear.
    pub bot_one_prefix: u32,
    /// Programs of many address prefixes that do.
    pub bot_many_prefixes: u32,
}

/// A ticket type to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedType {
    /// Its id: letters, digits, `-` and `_`.
    pub id: String,
    /// Units.
    pub stock: u32,
    /// Whether each unit has a code.
    pub codes: bool,
    /// Units a person may have of it.
    pub limit_per_person: u32,
}

/// An operator's change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// When, counted from the opening.
    pub after_opening: Micros,
    /// What. Units can be added to and taken from types without codes only.
    pub what: Change,
}

impl Default for Plan {
    fn default() -> Self {
        let planned = |id: &str, stock, codes| PlannedType {
            id: id.to_owned(),
            stock,
            codes,
            limit_per_person: 1,
        };
        Self {
            seed: 1,
            users: 5_000,
            connections: 500,
            opens_after_s: 12,
            seconds: 20,
            arrivals: Arrivals::default(),
            mix: Mix::default(),
            types: vec![planned("seat", 400, true), planned("standing", 600, false)],
            limit_per_person: Some(1),
            roster_per_mille: None,
            changes: Vec::new(),
            paying: Some(PlannedPaying::default()),
            kills: 0,
        }
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            spike_per_mille: 700,
            spike_ms: 1_500,
            refresh_per_mille: 500,
            refresh_s: 60,
            refresh_every_ms: 2_000,
        }
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            double_click: 100,
            early_bird: 80,
            frantic: 50,
            lost_reply: 60,
            reader: 80,
            bot_one_prefix: 10,
            bot_many_prefixes: 10,
        }
    }
}

impl Mix {
    /// Everybody presses once.
    pub const PLAIN: Self = Self {
        double_click: 0,
        early_bird: 0,
        frantic: 0,
        lost_reply: 0,
        reader: 0,
        bot_one_prefix: 0,
        bot_many_prefixes: 0,
    };

    /// All thousandths together; at most 1,000 in a valid plan.
    pub const fn sum(&self) -> u32 {
        self.double_click
            .saturating_add(self.early_bird)
            .saturating_add(self.frantic)
            .saturating_add(self.lost_reply)
            .saturating_add(self.reader)
            .saturating_add(self.bot_one_prefix)
            .saturating_add(self.bot_many_prefixes)
    }
}

impl Plan {
    /// The name of a person: it says what made it, so that nobody on a real server is confused with one.
    pub fn name(&self, person: Person) -> String {
        format!("rehearsal-{}-{:06}", self.seed, person.0)
    }

    /// How many payers come.
    pub fn payers(&self) -> u32 {
        self.paying.as_ref().map_or(0, |paying| paying.payers)
    }

    /// The name of a payer: they are other people than the crowd.
    pub fn payer_name(&self, person: Person) -> String {
        format!("rehearsal-{}-payer-{:06}", self.seed, person.0)
    }

    /// All names, by person.
    pub fn names(&self) -> Vec<String> {
        (0..self.users).map(|number| self.name(Person(number))).collect()
    }

    /// Who is on the roster, where there is one; in a valid plan at least one person.
    pub fn roster(&self) -> Option<Vec<Person>> {
        let per_mille = self.roster_per_mille?;
        let people = (0..self.users).map(Person);
        let mut listed: Vec<Person> =
            people.filter(|person| self.chance(*person, 0xA057).of_1000(per_mille)).collect();
        if listed.is_empty() {
            // A roster without names cannot be imported.
            listed.push(Person(0));
        }
        Some(listed)
    }

    /// The chance of one person for one purpose: the same for the same seed, and no other purpose's.
    pub fn chance(&self, person: Person, purpose: u32) -> Chance {
        Chance::of(self.seed, (u64::from(purpose) << 32) | u64::from(person.0))
    }
}

#[cfg(test)]
mod tests;
