//! The verdict of a check, and the report that prints calmly what was looked at and what was found.
//! Findings are counted all and kept up to a bound: a ledger broken a million times is as readable as one broken once.

use super::finding::{Finding, Promise, What};
use rules::Money;
use std::fmt;

/// Findings of one promise that are kept and printed; the others are only counted.
pub const FINDINGS_KEPT_MAX: usize = 50;
/// Balances that are kept and printed; the others are only counted.
pub const BALANCES_KEPT_MAX: usize = 50;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One for each promise, by number.
    pub promises: [PromiseVerdict; Promise::ALL.len()],
    /// The money of the first activities that received any, at most `BALANCES_KEPT_MAX`.
    pub balances: Vec<Balance>,
    /// All of those, kept or not.
    pub balances_found: u64,
    /// Claims looked at.
    pub claims: u64,
    /// Activities looked at.
    pub activities: u64,
}

/// What an activity received in one currency, and where it is: received = confirmed + refund due + refunded + late.
/// Amounts are in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// The activity's id.
    pub activity: String,
    /// ISO 4217.
    pub currency: String,
    /// All authentic payments.
    pub received: u128,
    /// Of payments by which an order is paid.
    pub confirmed: u128,
    /// On its way back.
    pub refund_due: u128,
    /// Back.
    pub refunded: u128,
    /// Came when its order was over; not decided yet.
    pub late: u128,
}

/// How one promise stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseVerdict {
    /// Which.
    pub promise: Promise,
    /// What was looked at for it, in the order of first mention.
    pub checked: Vec<Checked>,
    /// The first findings, at most `FINDINGS_KEPT_MAX`.
    pub findings: Vec<Finding>,
    /// All findings, kept or not.
    pub found: u64,
}

/// How many things of one kind were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The things, in the plural.
    pub what: &'static str,
    /// How many.
    pub count: u64,
}

impl Verdict {
    pub(super) fn new() -> Self {
        let promises = Promise::ALL.map(|promise| PromiseVerdict {
            promise,
            checked: Vec::new(),
            findings: Vec::new(),
            found: 0,
        });
        Self { promises, balances: Vec::new(), balances_found: 0, claims: 0, activities: 0 }
    }

    /// Whether nothing was found.
    pub fn holds(&self) -> bool {
        self.promises.iter().all(PromiseVerdict::holds)
    }

    /// How this promise stands.
    pub fn promise(&self, promise: Promise) -> &PromiseVerdict {
        &self.promises[place_of(promise)]
    }

    pub(super) fn promise_mut(&mut self, promise: Promise) -> &mut PromiseVerdict {
        &mut self.promises[place_of(promise)]
    }

    pub(super) fn add_balance(&mut self, balance: Balance) {
        self.balances_found += 1;
        if self.balances.len() < BALANCES_KEPT_MAX {
            self.balances.push(balance);
        }
    }
}

fn place_of(promise: Promise) -> usize {
    let place = Promise::ALL.iter().position(|one| *one == promise);
    place.expect("every promise is in the list of all")
}

impl PromiseVerdict {
    /// The promise's number.
    pub const fn number(&self) -> u8 {
        self.promise.number()
    }

    /// What is promised.
    pub const fn words(&self) -> &'static str {
        self.promise.words()
    }

    /// Whether nothing was found.
    pub const fn holds(&self) -> bool {
        self.found == 0
    }

    pub(super) fn count(&mut self, what: &'static str, count: u64) {
        match self.checked.iter_mut().find(|checked| checked.what == what) {
            Some(checked) => checked.count += count,
            None => self.checked.push(Checked { what, count }),
        }
    }

    /// `place` names the activity and the type; it is asked only for findings that are kept.
    pub(super) fn add(&mut self, what: What, place: impl FnOnce() -> (String, Option<String>)) {
        self.found += 1;
        if self.findings.len() < FINDINGS_KEPT_MAX {
            let (activity, ticket_type) = place();
            self.findings.push(Finding { activity, ticket_type, what });
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "looked at {} activities and {} claims", self.activities, self.claims)?;
        for promise in &self.promises {
            write!(f, "{promise}")?;
        }
        for balance in &self.balances {
            writeln!(f, "  {balance}")?;
        }
        match self.balances_found - self.balances.len() as u64 {
            0 => {}
            more => writeln!(f, "  and the money of {more} more")?,
        }
        let broken = self.promises.iter().filter(|promise| !promise.holds());
        let broken: Vec<_> = broken.map(|promise| promise.number().to_string()).collect();
        match broken.len() {
            0 => write!(f, "every promise holds"),
            1 => write!(f, "promise {} is BROKEN", broken[0]),
            _ => write!(f, "promises {} are BROKEN", broken.join(", ")),
        }
    }
}

impl fmt::Display for PromiseVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stands = if self.holds() { "holds" } else { "BROKEN" };
        let counts =
            self.checked.iter().map(|checked| format!("{} {}", checked.count, checked.what));
        let counts: Vec<_> = counts.collect();
        write!(f, "{} {}: {stands}", self.number(), self.words())?;
        match counts.is_empty() {
            true => writeln!(f)?,
            false => writeln!(f, " ({})", counts.join(", "))?,
        }
        for finding in &self.findings {
            writeln!(f, "  - {finding}")?;
        }
        match self.found - self.findings.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  - and {more} more"),
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |minor: u128| match u64::try_from(minor) {
            Ok(minor) => Money { minor, currency: self.currency.clone() }.amount(),
            Err(_) => format!("{minor} minor units"),
        };
        let Self { activity, currency, received, confirmed, refund_due, refunded, late } = self;
        let [received, confirmed, refund_due, refunded] =
            [received, confirmed, refund_due, refunded].map(|minor| text(*minor));
        write!(f, "activity {activity}: received {received} {currency} = {confirmed} confirmed")?;
        write!(f, " + {refund_due} refund due + {refunded} refunded")?;
        if *late > 0 { write!(f, " + {} late, not decided yet", text(*late)) } else { Ok(()) }
    }
}
