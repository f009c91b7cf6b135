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
/// Ticket types with a price.
const PRICED_MAX: usize = 10;

/// The payers, and the sale they come to. It opens and ends with the other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPaying {
    /// People; a smaller crowd has no more payers than people.
    pub payers: u32,
    /// Connections they share.
    pub connections: u32,
    /// The currency of all prices.
    pub currency: String,
    /// Units a person may have of all types together.
    pub limit_per_person: Option<u32>,
    /// Seconds after which late payments are told of, at least and at most.
    pub late_s: (u32, u32),
    /// What is sold; the first one costs something.
    pub types: Vec<PlannedPriced>,
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
            types: vec![
                planned("dinner", 140, false, 9_900, 4),
                planned("concert", 100, true, 28_050, 3),
                planned("badge", 80, false, 0, 3),
            ],
        }
    }
}

impl PlannedPaying {
    /// Whether it can be rehearsed.
    pub(super) fn validate(&self) -> Result<(), PlanFault> {
        within("paying.payers", self.payers, 1, PAYERS_MAX)?;
        within("paying.connections", self.connections, 1, CONNECTIONS_MAX)?;
        within("paying.late_s", self.late_s.0, 0, self.late_s.1)?;
        within("paying.late_s", self.late_s.1, 0, PAY_WITHIN_S.1)?;
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
