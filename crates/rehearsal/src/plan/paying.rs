//! The payers of a plan and what they buy: a small sale with prices beside the rush, with so little time to pay that
//! units come back while it is open. Its bounds are here too; how payers behave is the crowd's.

use super::bounds::{CODES_MAX, CONNECTIONS_MAX, LIMIT_MAX, PlanFault, STOCK_MAX, type_id, within};
use std::collections::HashSet;

/// Payers in one rehearsal.
pub const PAYERS_MAX: u32 = 100_000;
/// The smallest units of its currency that something may cost.
pub const PRICE_MAX: u64 = 100_000_000;
/// Seconds to pay, at least and at most.
pub const PAY_WITHIN_S: (u32, u32) = (1, 600);
/// Milliseconds between two looks, at least and at most.
pub const LOOK_EVERY_MS: (u32, u32) = (10, 60_000);
/// Connections of the default sale for many payers.
const PAYERS_CONNECTIONS_MAX: u32 = 300;
/// Payers who look as often as people do who wait; of more than these everybody looks less often.
const LOOKERS: u32 = 2_500;
/// Ticket types with a price.
const PRICED_MAX: usize = 10;

/// The payers, and the sale they come to. It opens and ends with the other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPaying {
    /// People.
    pub payers: u32,
    /// Connections they share.
    pub connections: u32,
    /// The currency of all prices.
    pub currency: String,
    /// Units a person may have of all types together.
    pub limit_per_person: Option<u32>,
    /// Seconds after which late payments are told of, at least and at most.
    pub late_s: (u32, u32),
    /// Milliseconds from one look at an order, or at a place in line, to the next, at least and at most.
    pub look_every_ms: (u32, u32),
    /// What they do with an order that is held.
    pub mix: PayMix,
    /// What is sold; the first one costs something.
    pub types: Vec<PlannedPriced>,
}

/// How many do what with an order that is held, in thousandths of the payers; whoever is left over pays at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayMix {
    /// Pay, and the notices come in the wrong order.
    pub out_of_order: u32,
    /// Pay twice.
    pub twice: u32,
    /// Pay, and no notice ever comes: only who asks hears of it.
    pub never: u32,
    /// Pay, and the money comes late.
    pub late: u32,
    /// Pay another amount.
    pub wrong_amount: u32,
    /// Do not pay, and somebody who is not the provider says they did.
    pub forged: u32,
    /// Make a notice of a payment up and post it.
    pub forges: u32,
    /// Do nothing.
    pub neglects: u32,
    /// Come back from the provider without having paid.
    pub returns: u32,
    /// Give it up.
    pub cancels: u32,
    /// Pay, and give it up at the same time.
    pub pays_and_cancels: u32,
}

impl Default for PayMix {
    fn default() -> Self {
        Self {
            out_of_order: 40,
            twice: 50,
            never: 40,
            late: 120,
            wrong_amount: 40,
            forged: 40,
            forges: 40,
            neglects: 110,
            returns: 50,
            cancels: 90,
            pays_and_cancels: 50,
        }
    }
}

impl PayMix {
    /// Everybody pays at once.
    pub const PLAIN: Self = Self {
        out_of_order: 0,
        twice: 0,
        never: 0,
        late: 0,
        wrong_amount: 0,
        forged: 0,
        forges: 0,
        neglects: 0,
        returns: 0,
        cancels: 0,
        pays_and_cancels: 0,
    };

    /// All thousandths together; at most 1,000 in a valid plan.
    pub const fn sum(&self) -> u32 {
        self.out_of_order
            .saturating_add(self.twice)
            .saturating_add(self.never)
            .saturating_add(self.late)
            .saturating_add(self.wrong_amount)
            .saturating_add(self.forged)
            .saturating_add(self.forges)
            .saturating_add(self.neglects)
            .saturating_add(self.returns)
            .saturating_add(self.cancels)
            .saturating_add(self.pays_and_cancels)
    }
}

/// A ticket type of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPriced {
    /// Its id: letters, digits, `-` and `_`.
    pub id: String,
    /// Units.
    pub stock: u32,
    /// Whether each unit has a code.
    pub codes: bool,
    /// Units a person may have of it.
    pub limit_per_person: u32,
    /// What a unit costs, in the smallest units of the currency; nothing is free.
    pub price: u64,
    /// Seconds to pay, for those who claimed.
    pub pay_within_s: u32,
    /// Seconds to pay, for those who were in line.
    pub offer_within_s: u32,
}

impl Default for PlannedPaying {
    fn default() -> Self {
        let planned = |id: &str, stock, codes, price, pay_within_s| PlannedPriced {
            id: id.to_owned(),
            stock,
            codes,
            limit_per_person: 2,
            price,
            pay_within_s,
            offer_within_s: 3,
        };
        Self {
            payers: 500,
            connections: 50,
            currency: "CNY".to_owned(),
            limit_per_person: Some(4),
            // Some come before the hold is over, some within the grace after it, some when it is gone.
            late_s: (1, 8),
            look_every_ms: (350, 900),
            mix: PayMix::default(),
            types: vec![
                planned("dinner", 140, false, 9_900, 4),
                planned("concert", 100, true, 28_050, 3),
                planned("badge", 80, false, 0, 3),
            ],
        }
    }
}

impl PlannedPaying {
    /// The default sale for so many payers: its units grow with them, so that about as large a part of them is turned
    /// away, lines up and pays, and they look the less often the more they are, so that the rush is one of claims.
    pub fn of(payers: u32) -> Self {
        let default = Self::default();
        let grown = |number: u32, most: u32| {
            let grown = u64::from(number) * u64::from(payers) / u64::from(default.payers);
            grown.clamp(1, most.into()) as u32
        };
        let seldom = (payers / LOOKERS).max(1);
        let (least, most) = default.look_every_ms;
        let types = default.types.iter().map(|one| {
            let most = if one.codes { CODES_MAX } else { STOCK_MAX };
            PlannedPriced { stock: grown(one.stock, most), ..one.clone() }
        });
        Self {
            payers,
            connections: grown(default.connections, PAYERS_CONNECTIONS_MAX),
            look_every_ms: (least * seldom, most * seldom),
            types: types.collect(),
            ..default
        }
    }

    /// Whether it can be rehearsed.
    pub(super) fn validate(&self) -> Result<(), PlanFault> {
        within("paying.payers", self.payers, 1, PAYERS_MAX)?;
        within("paying.connections", self.connections, 1, CONNECTIONS_MAX)?;
        within("paying.late_s", self.late_s.0, 0, self.late_s.1)?;
        within("paying.late_s", self.late_s.1, 0, PAY_WITHIN_S.1)?;
        let (least, most) = self.look_every_ms;
        within("paying.look_every_ms", least, LOOK_EVERY_MS.0.into(), most)?;
        within("paying.look_every_ms", most, LOOK_EVERY_MS.0.into(), LOOK_EVERY_MS.1)?;
        if self.mix.sum() > 1_000 {
            return Err(PlanFault::MixTooMuch(self.mix.sum()));
        }
        within("paying.types", self.types.len() as u64, 1, PRICED_MAX as u64)?;
        within("paying.types.price", self.types[0].price, 1, PRICE_MAX)?;
        if let Some(limit) = self.limit_per_person {
            within("paying.limit_per_person", limit, 1, LIMIT_MAX)?;
        }
        let mut ids = HashSet::new();
        for planned in &self.types {
            planned.validate()?;
            if !ids.insert(&planned.id) {
                return Err(PlanFault::TypeTwice(planned.id.clone()));
            }
        }
        Ok(())
    }
}

impl PlannedPriced {
    fn validate(&self) -> Result<(), PlanFault> {
        type_id(&self.id)?;
        let (least, most) = if self.codes { (1, CODES_MAX) } else { (0, STOCK_MAX) };
        within("paying.types.stock", self.stock, least, most)?;
        within("paying.types.limit_per_person", self.limit_per_person, 1, LIMIT_MAX)?;
        within("paying.types.price", self.price, 0, PRICE_MAX)?;
        let (least, most) = PAY_WITHIN_S;
        within("paying.types.pay_within_s", self.pay_within_s, least.into(), most)?;
        within("paying.types.offer_within_s", self.offer_within_s, least.into(), most)
    }
}
