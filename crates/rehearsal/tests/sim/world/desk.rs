//! The operator: one change after the other, each until it is known whether it was made.
//! Whoever has not heard asks again with the same key.

use super::{
    Event, World,
    server::Running,
    setup::operator,
    tasks::{Done, Task},
};
use crate::{
    figures::Count,
    scenario::PaidChange,
    world::{ACTIVITY, PRICED},
};
use rehearsal::history::{Change, Intervention, Micros};
use sale::{ChangeFault, DeskRefused, Operator, OperatorKey, Stepped};
use std::{cell::Cell, sync::Arc};

/// Where the operator is in the plan.
#[derive(Default)]
pub(super) struct Desk {
    next: Cell<usize>,
    of: Cell<usize>,
    /// When the change under way was asked for first.
    sent: Cell<Option<u64>>,
    /// An attempt has failed, or nobody knows whether it has.
    failed: Cell<bool>,
    /// A call is on the stack, and the desk locked.
    busy: Cell<bool>,
    /// The same, and the call is about what is paid for.
    paid_for: Cell<bool>,
    /// Where the operator is in what is done where something is paid for.
    paid_next: Cell<usize>,
    paid_of: Cell<usize>,
}

impl Desk {
    pub fn is_done(&self) -> bool {
        self.next.get() >= self.of.get() && self.paid_next.get() >= self.paid_of.get()
    }

    pub fn is_busy(&self) -> bool {
        self.busy.get() || self.paid_for.get()
    }
}

impl World {
    pub(super) fn plan_desk(&self) {
        self.desk.of.set(self.scenario.plan.changes.len());
        self.plan_next_change();
        if self.scenario.plan.paying.is_some() {
            self.desk.paid_of.set(self.scenario.paid_changes.len());
            self.plan_next_paid();
        }
    }

    fn plan_next_change(&self) {
        self.desk.sent.set(None);
        self.desk.failed.set(false);
        if let Some(planned) = self.scenario.plan.changes.get(self.desk.next.get()) {
            self.plan_operator(self.scenario.opens + planned.after_opening.0);
        }
    }

    fn plan_operator(&self, at: u64) {
        self.plan(at, Event::Operate);
    }

    /// The process died in the middle of a call, or between two.
    pub(super) fn desk_lost(&self) {
        if self.desk.busy.replace(false) {
            self.desk.failed.set(true);
            self.plan_operator(self.now() + self.between(20_000, 300_000));
        }
        if self.desk.paid_for.replace(false) {
            self.plan(self.now() + self.between(20_000, 300_000), Event::OperatePaid);
        }
    }

    /// Whether a call may come in the middle of something else.
    pub(super) fn may_operate(&self) -> bool {
        let server = &self.server;
        !self.desk.is_busy() && !server.is_reloading() && !server.is_telling()
    }

    /// Does what is next in the plan, or tries again to.
    pub(super) fn operate(&self) {
        let desk = &self.desk;
        let Some(planned) = self.scenario.plan.changes.get(desk.next.get()) else { return };
        let running = self.server.running().filter(|_| self.server.takes());
        let Some(running) = running else {
            return self.plan_operator(self.now() + self.between(10_000, 200_000));
        };
        let again = desk.sent.get().is_some();
        self.count(if again { Count::OperatorRepeats } else { Count::OperatorCalls });
        desk.sent.set(desk.sent.get().or(Some(self.now())));
        desk.busy.set(true);
        let done = self.change(&running, planned.what);
        desk.busy.set(false);
        self.tell("operator", u64::from(done.is_ok()));
        self.stir(false);
        match done {
            Ok(()) => self.changed(planned.what, Some(self.now())),
            Err(DeskRefused::Fault(_)) => {
                desk.failed.set(true);
                self.plan_operator(self.now() + self.between(10_000, 300_000));
            }
            Err(DeskRefused::Closed | DeskRefused::Short { .. }) => self.refused(planned.what),
            Err(refused) => panic!("an operator was refused: {refused:?}"),
        }
    }

    fn change(&self, running: &Running, what: Change) -> Result<(), DeskRefused> {
        let sale = &running.sale;
        let key = sale.ids().key(&format!("change-{}", self.desk.next.get()));
        let key = Some(OperatorKey { operator: self.people.prober(), key });
        let keyed = Operator { key, ..operator() };
        let refill = |of: usize, units: i64| {
            let id = &self.scenario.plan.types[of].id;
            sale.refill(ACTIVITY, id, units, &keyed).map(drop)
        };
        // Repeating a switch succeeds, changes nothing, and leaves a line in the audit log.
        let twice = |switch: &dyn Fn() -> Result<(), DeskRefused>| {
            switch()?;
            if self.of_1000(500) { switch() } else { Ok(()) }
        };
        match what {
            Change::Paused => twice(&|| sale.pause(ACTIVITY, &operator())),
            Change::Resumed => twice(&|| sale.resume(ACTIVITY, &operator())),
            Change::Closed => twice(&|| sale.close_activity(ACTIVITY, &operator())),
            Change::Added(of, units) => refill(of.0, i64::from(units)),
            Change::TakenBack(of, units) => refill(of.0, -i64::from(units)),
            Change::Restarted => unreachable!("nobody plans a restart"),
        }
    }

    /// The change is made, or may be.
    fn changed(&self, what: Change, heard: Option<u64>) {
        let sent = Micros(self.desk.sent.get().expect("it was asked for"));
        let heard = heard.map(Micros);
        self.interventions.borrow_mut().push(Intervention { sent, heard, what });
        self.desk.next.set(self.desk.next.get() + 1);
        self.plan_next_change();
    }

    /// The change is not made. Units may have been set aside for a moment by an attempt that failed.
    fn refused(&self, what: Change) {
        if matches!(what, Change::TakenBack(..)) && self.desk.failed.get() {
            return self.changed(what, None);
        }
        self.desk.next.set(self.desk.next.get() + 1);
        self.plan_next_change();
    }
}

/// What operators do where something is paid for.
impl World {
    fn plan_next_paid(&self) {
        if let Some((at, _)) = self.scenario.paid_changes.get(self.desk.paid_next.get()) {
            self.plan(*at, Event::OperatePaid);
        }
    }

    fn paid_done(&self) {
        self.desk.paid_next.set(self.desk.paid_next.get() + 1);
        self.plan_next_paid();
    }

    fn paid_again(&self) {
        self.plan(self.now() + self.between(10_000, 300_000), Event::OperatePaid);
    }

    /// Does what is next where something is paid for, or tries again to.
    pub(super) fn operate_paid(&self) {
        let next = self.desk.paid_next.get();
        let Some((_, what)) = self.scenario.paid_changes.get(next).copied() else { return };
        let running = self.server.running().filter(|_| self.server.takes());
        let Some(running) = running else { return self.paid_again() };
        if what == PaidChange::Refund {
            return self.refund_somebody(&running);
        }
        self.desk.paid_for.set(true);
        let sale = &running.sale;
        let done = match what {
            PaidChange::Pause => sale.pause(PRICED, &operator()),
            PaidChange::Resume => sale.resume(PRICED, &operator()),
            PaidChange::Close | PaidChange::Refund => sale.close_activity(PRICED, &operator()),
        };
        self.desk.paid_for.set(false);
        self.tell("operator", 2 + u64::from(done.is_ok()));
        self.stir(false);
        match done {
            // What is closed stays as it is.
            Ok(()) | Err(DeskRefused::Closed) => self.paid_done(),
            Err(DeskRefused::Fault(_)) => self.paid_again(),
            Err(refused) => panic!("an operator was refused: {refused:?}"),
        }
    }

    /// The money of one of the paid orders goes back, if there is one.
    fn refund_somebody(&self, running: &Running) {
        if self.is_waiting(Task::Refund) {
            return self.paid_again();
        }
        let paid = self.paid_orders(running);
        if paid.is_empty() {
            return self.paid_done();
        }
        let order = paid[self.below(paid.len() as u64) as usize];
        let sale = Arc::clone(&running.sale);
        let refund = async move { Done::Refund(sale.refund(order).await) };
        self.wait(Task::Refund, Box::pin(refund));
        self.paid_done();
    }

    /// Whoever asked for a refund has heard.
    pub(super) fn refunded(&self, done: Result<Stepped, ChangeFault>) {
        if let Ok(Stepped::Unknown) = done {
            panic!("an order that was paid is not there");
        }
    }
}
