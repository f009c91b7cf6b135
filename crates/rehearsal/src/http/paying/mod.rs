//! The payers' part of a rehearsal over HTTP: a sale with prices beside the other one, a crowd of its own, and the
//! exports and the feed of events afterwards. Where payments cannot be tried out it is left out, and that is said.

mod answer;
mod exports;
mod making;
mod money;
mod probe;
mod request;
mod seats;

pub(super) use making::PricedActivity;
pub(super) use probe::{Probed, probe};

use super::{
    Note, Progress, RehearseFault, Stop, Target, operator::Desk, request::bearer, sale::vouch,
    time::Ahead,
};
use crate::{
    crowd::{Hours, payers},
    history::{
        Micros, Person,
        paying::{Paying, State},
    },
    plan::{Plan, PlannedPaying},
};
use request::PayRequests;
use seats::{Attending, attend};
use std::time::Duration;

/// Seconds after the end of the sale by which every payer has heard everything.
const OVER_AFTER_S: u64 = 75;
/// Between two looks at whether everything has come to its end, and how many there are.
const REST_EVERY: Duration = Duration::from_secs(1);
const REST_LOOKS: u32 = 50;
const SECOND: u64 = 1_000_000;

/// The payers and their sale, ready to begin.
pub(super) struct Payers<'a> {
    pub(super) target: &'a Target,
    pub(super) plan: &'a Plan,
    pub(super) planned: &'a PlannedPaying,
    pub(super) desk: &'a Desk,
    pub(super) stop: &'a Stop,
    pub(super) activity: &'a PricedActivity,
    pub(super) tokens: &'a [String],
}

/// What the payers saw, before anything was exported.
pub(super) struct Paid {
    calls: Vec<crate::history::paying::PayCall>,
    unheard: u64,
}

/// Signs the payers in.
pub(super) async fn sign_in(
    desk: &Desk,
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<Vec<String>, RehearseFault> {
    vouch(desk, &names(plan), progress).await
}

fn names(plan: &Plan) -> Vec<String> {
    (0..plan.payers()).map(|number| plan.payer_name(Person(number))).collect()
}

impl Payers<'_> {
    /// Sends the payers, and waits until all have come to their end or their time is over.
    pub(super) async fn attend(&self, hours: Hours) -> Result<Paid, RehearseFault> {
        let types = self.planned.types.iter().map(|one| one.id.as_str());
        let requests = PayRequests::new(&self.target.host, &self.activity.id, types);
        let requests = requests.ok_or_else(|| RehearseFault::Address(self.target.host.clone()))?;
        let who = self.tokens.iter().map(|token| bearer(token)).collect::<Option<Vec<_>>>();
        let who = who.ok_or(RehearseFault::Unreadable(super::Doing::Vouching))?;
        let attending = Attending {
            address: self.target.address,
            requests,
            activity: self.activity.id.clone(),
            clock: self.desk.clock(),
            over: Micros(hours.ends.0 + OVER_AFTER_S * SECOND),
            stop: self.stop.clone(),
        };
        let people = payers(self.plan, hours).into_iter().zip(who).collect();
        let (calls, unheard) = attend(attending, people, self.planned.connections).await?;
        Ok(Paid { calls, unheard })
    }

    /// Waits until nothing is under way any more, reads everything, and hands on what was seen.
    pub(super) async fn gather(
        &self,
        paid: Paid,
        clock: Ahead,
        off: Micros,
        notes: &mut Vec<Note>,
    ) -> Result<Paying, RehearseFault> {
        let mut paying = Paying {
            sale: self.activity.announced(self.planned, clock, off),
            names: names(self.plan),
            calls: paid.calls,
            ..Paying::default()
        };
        if paid.unheard > 0 && !self.stop.asked() {
            notes.push(Note::PayersNotHeardOut(paid.unheard));
        }
        for look in 0..REST_LOOKS {
            exports::read(self.desk, &self.activity.id, &mut paying).await?;
            if self.stop.asked() || is_at_rest(&paying) || look + 1 == REST_LOOKS {
                break;
            }
            tokio::time::sleep(REST_EVERY).await;
        }
        // While the sale goes on without its crowd, these would tell of another moment than the exports.
        if !self.stop.asked() {
            paying.events = exports::events(self.desk, &self.activity.id).await?;
            paying.at_rest = exports::at_rest(self.desk, &self.activity.id).await?;
        }
        Ok(paying)
    }
}

/// Whether no order is held and no payment waits for anything.
fn is_at_rest(paying: &Paying) -> bool {
    use crate::history::paying::PaymentState::{Late, RefundDue};
    let held = paying.orders.iter().any(|row| row.state == State::Held);
    !held && !paying.payments.iter().any(|row| matches!(row.state, Late | RefundDue))
}
