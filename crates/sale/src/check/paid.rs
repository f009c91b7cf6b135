//! An activity's payments as a check reads them: small, by number, so that two readings can be compared.
//! The provider's references are not kept: two keyed hashes of 64 bits stand for each.

use super::money::MoneyBroken;
use super::report::Report;
use ledger::{Ledger, LedgerFault, PaymentRecord};
use rules::{ActivityNo, OrderNo, PaymentState};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

/// A payment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Paid {
    pub no: u64,
    /// The order it was made for.
    pub order: OrderNo,
    pub paid_order: Option<OrderNo>,
    pub state: PaymentState,
    pub minor: u64,
    /// The place of its currency in `Payments::currencies`.
    pub currency: u16,
}

/// The payments of one activity, by number.
pub struct Payments {
    pub list: Vec<Paid>,
    pub currencies: Vec<String>,
    marks: Vec<(Mark, u64)>,
}

/// Provider and reference.
type Mark = [u64; 2];

impl Payments {
    /// Those on disk now.
    pub fn read(
        ledger: &dyn Ledger,
        no: ActivityNo,
        references: &References,
    ) -> Result<Self, LedgerFault> {
        let mut payments = Self { list: Vec::new(), currencies: Vec::new(), marks: Vec::new() };
        ledger.payments_in(no, &mut |record| {
            payments.add(record, references);
            true
        })?;
        Ok(payments)
    }

    fn add(&mut self, record: &PaymentRecord, references: &References) {
        let amount = &record.payment.amount;
        let known = self.currencies.iter().position(|one| *one == amount.currency);
        let currency = known.unwrap_or_else(|| {
            self.currencies.push(amount.currency.clone());
            self.currencies.len() - 1
        });
        self.list.push(Paid {
            no: record.no.0,
            order: record.payment.order,
            paid_order: record.paid_order,
            state: record.state,
            minor: amount.minor,
            currency: currency as u16,
        });
        self.marks.push((references.mark_of(record), record.no.0));
    }

    /// Whether this payment stood here as it stands in the other reading.
    pub fn has(&self, other: &Paid) -> bool {
        let found = self.list.binary_search_by_key(&other.no, |paid| paid.no);
        found.is_ok_and(|place| {
            let paid = &self.list[place];
            (paid.state, paid.paid_order) == (other.state, other.paid_order)
        })
    }
}

/// The references of the whole ledger.
#[derive(Default)]
pub struct References {
    hashers: [RandomState; 2],
    seen: BTreeSet<Mark>,
    twice: Vec<(ActivityNo, u64)>,
}

impl References {
    fn mark_of(&self, record: &PaymentRecord) -> Mark {
        let name = (&record.payment.provider, &record.payment.reference);
        [self.hashers[0].hash_one(name), self.hashers[1].hash_one(name)]
    }

    /// Those of one activity more.
    pub fn add(&mut self, activity: ActivityNo, payments: &Payments) {
        for (mark, no) in &payments.marks {
            if !self.seen.insert(*mark) {
                self.twice.push((activity, *no));
            }
        }
    }

    /// One reference is one payment for ever: whatever is told twice was paid once.
    pub fn check_once(self, report: &mut Report) {
        for (activity, payment) in self.twice {
            report.add(activity, None, MoneyBroken::ReferenceTwice { payment });
        }
    }
}
