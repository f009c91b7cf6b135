//! When everything has come to its end: no order is held, and every payment that was made pays an order or is back.
//! It reads the disk behind everybody's back and changes nothing.

use super::{PRICED, World};
use crate::ledger::SimLedger;
use ledger::{ActivityLedger, ClaimLedger, OrderLedger};
use rules::{OrderState, PaymentState};
use std::collections::BTreeMap;

const READS: &str = "reading works beside everybody";

impl World {
    /// Whether time may run out for somebody.
    pub(super) fn may_run_out(&self) -> bool {
        self.scenario.plan.paying.is_some()
    }

    /// Whether every order and every payment has come to its end.
    pub(super) fn is_at_rest(&self) -> bool {
        self.open_ends().is_empty()
    }

    /// Why a run that should be over is not.
    pub(super) fn what_is_left(&self) -> String {
        format!("not everybody is ever done: {}", self.open_ends().join(", "))
    }

    /// Orders and payments that have not come to their end.
    pub fn open_ends(&self) -> Vec<String> {
        let ledger = SimLedger::beside(&self.device);
        let all = ledger.activities().expect(READS);
        let Some(priced) = all.iter().find(|one| one.activity.id == PRICED) else {
            return Vec::new();
        };
        let mut open = Vec::new();
        let visited = ledger.claims(priced.no, &mut |claim, mark| {
            if mark.state == OrderState::Held {
                open.push(format!("order {} is still held", claim.order().seq));
            }
        });
        visited.expect(READS);
        let mut known = BTreeMap::new();
        let visited = ledger.payments_in(priced.no, &mut |one| {
            let payment = &one.payment;
            known.insert((payment.provider.clone(), payment.reference.clone()), one.state);
            true
        });
        visited.expect(READS);
        let due = known
            .iter()
            .filter(|(_, state)| matches!(state, PaymentState::Late | PaymentState::RefundDue));
        open.extend(
            due.map(|((_, one), state)| format!("payment {one} is still {}", state.name())),
        );
        open.extend(self.unheard(&known));
        open
    }

    /// Payments that were made, whole or not, and of which nobody here knows.
    fn unheard(&self, known: &BTreeMap<(String, String), PaymentState>) -> Vec<String> {
        let mut made = self.outside.payments();
        made.retain(|(at, one)| !known.contains_key(&(at.to_string(), one.reference.clone())));
        made.iter().map(|(_, one)| format!("nobody knows of payment {}", one.reference)).collect()
    }
}
