//! The operator: one change after the other, each until it is known whether it was made.
//! Whoever has not heard asks again with the same key.

use super::{Event, World, server::Running, setup::operator};
use crate::{figures::Count, world::ACTIVITY};
use rehearsal::history::{Change, Intervention, Micros};
use sale::{DeskRefused, Operator, OperatorKey};
use std::cell::Cell;

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
}

impl Desk {
    pub fn is_done(&self) -> bool {
        self.next.get() >= self.of.get()
    }

    pub fn is_busy(&self) -> bool {
        self.busy.get()
    }
}

impl World {
    pub(super) fn plan_desk(&self) {
        self.desk.of.set(self.scenario.plan.changes.len());
        self.plan_next_change();
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
    }

    /// Whether a call may come in the middle of something else.
    pub(super) fn may_operate(&self) -> bool {
        !self.desk.is_busy() && !self.server.is_reloading()
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
