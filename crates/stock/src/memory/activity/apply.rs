//! Events of the ledger, each number once: what operators did, what became of orders, who waits in line.
//! An order takes only the steps of the one table, and its units return exactly once.

use super::{
    super::{pending::Pending, records::Linked},
    ActivityStock, assert_definition, lines_of,
};
use crate::{Conflict, Place};
use rules::{Event, EventKind, OrderNo, OrderState, OrderStep, Seq, TypeNo, UnitFate, UserNo};
use std::ops::Range;

impl ActivityStock {
    /// Applies an event, unless it is contained already. What comes back by it goes to those in line at once.
    pub fn apply(&mut self, event: &Event, pending: &Pending) -> Result<(), Conflict> {
        if event.no <= self.through {
            return Ok(());
        }
        self.change(event)?;
        self.through = event.no;
        // Nothing is offered at an earlier moment than that of the event that made it possible.
        self.not_before(event.at);
        // What cannot be offered now is remembered there.
        let _ = self.offer_all(pending);
        Ok(())
    }

    fn change(&mut self, event: &Event) -> Result<(), Conflict> {
        match &event.kind {
            EventKind::Paused => self.paused = true,
            EventKind::Resumed => self.paused = false,
            EventKind::Closed => self.closed = true,
            EventKind::Changed(activity) => {
                assert_definition(activity, self.types.len());
                self.activity = (**activity).clone();
                // The limits may be others now.
                self.types.iter_mut().for_each(|stock| stock.line.reconsider_all());
            }
            EventKind::UnitsAdded { ticket_type, units } => self.add(*ticket_type, units)?,
            EventKind::UnitsTakenBack { ticket_type, units } => self.void(*ticket_type, units)?,
            EventKind::Order { order, step } => self.step(*order, *step)?,
            EventKind::LinedUp { ticket_type, user } => {
                self.line_up(rules::JoinNo(event.no), *ticket_type, *user)?;
            }
            EventKind::LeftLine { ticket_type, user, join } => {
                self.leave_line(*join, *ticket_type, *user)?;
            }
            EventKind::Payment { .. } => {}
        }
        Ok(())
    }

    fn add(&mut self, ticket_type: TypeNo, units: &Range<u32>) -> Result<(), Conflict> {
        let conflict = Conflict::Units(self.no, ticket_type);
        let stock = self.types.get_mut(usize::from(ticket_type.0)).ok_or(conflict)?;
        if units.start != stock.made || units.end < units.start {
            return Err(conflict);
        }
        stock.made = units.end;
        stock.total += units.end - units.start;
        stock.free.add(units.clone());
        self.assert_balance(ticket_type);
        Ok(())
    }

    fn void(&mut self, ticket_type: TypeNo, units: &[Range<u32>]) -> Result<(), Conflict> {
        let conflict = Conflict::Units(self.no, ticket_type);
        let stock = self.types.get_mut(usize::from(ticket_type.0)).ok_or(conflict)?;
        for range in units {
            if let Some(place) = stock.leaving.iter().position(|leaving| leaving == range) {
                stock.leaving.swap_remove(place);
            } else if range.start <= range.end && stock.free.remove(range.clone()) {
                stock.total -= range.end - range.start;
            } else {
                return Err(conflict);
            }
        }
        self.assert_balance(ticket_type);
        Ok(())
    }

    /// Sets free units aside, highest first; fewer free: how many are.
    pub fn take_back(&mut self, ticket_type: TypeNo, count: u32) -> Result<Box<[Range<u32>]>, u32> {
        let stock = self.types.get_mut(usize::from(ticket_type.0)).ok_or(0u32)?;
        let taken = stock.free.take_highest(count).ok_or(stock.free.count())?;
        stock.total -= count;
        stock.leaving.extend(taken.iter().cloned());
        self.assert_balance(ticket_type);
        Ok(taken.into())
    }

    /// Puts units that were set aside back on sale. A load in between has done so already.
    pub fn undo_take_back(&mut self, ticket_type: TypeNo, units: &[Range<u32>]) {
        let Some(stock) = self.types.get_mut(usize::from(ticket_type.0)) else { return };
        for range in units {
            let place = stock.leaving.iter().position(|leaving| leaving == range);
            let Some(place) = place else { continue };
            stock.leaving.swap_remove(place);
            stock.total += range.end - range.start;
            stock.free.add(range.clone());
        }
        self.assert_balance(ticket_type);
    }

    /// A step of an order, if it is durable and in a state from which the step is possible.
    fn step(&mut self, order: Seq, step: OrderStep) -> Result<(), Conflict> {
        let conflict = Conflict::Step(OrderNo { activity: self.no, seq: order });
        let found = self.records.get(order).filter(|linked| linked.claim.line == 0);
        let first = found.ok_or(conflict)?;
        if self.place_of(order) != Place::DURABLE {
            return Err(conflict);
        }
        let next = first.state.after(step).ok_or(conflict)?;
        if first.state == OrderState::Held {
            self.let_go(&first, true);
        }
        for seq in lines_of(&first) {
            self.step_line(Seq(seq), step, next);
        }
        if first.state.is_live() && !next.is_live() {
            let user = first.claim.user;
            self.people.get_mut(user).set_gave_back();
            self.givers.end(user, lines_of(&first), next);
            self.reconsider(user);
        }
        Ok(())
    }

    fn step_line(&mut self, seq: Seq, step: OrderStep, next: OrderState) {
        let Linked { claim, state, .. } =
            self.records.get(seq).expect("an order has all its lines");
        let fate = step.fate(self.kind_of(claim.ticket_type));
        let stock = &mut self.types[usize::from(claim.ticket_type.0)];
        match state {
            OrderState::Held => {
                stock.held -= 1;
                stock.unpaid -= 1;
            }
            OrderState::Paid => stock.sold -= 1,
            // Its unit has gone already.
            _ => {}
        }
        match fate {
            UnitFate::Returns => stock.free.add(claim.unit.0..claim.unit.0 + 1),
            UnitFate::Void => stock.total -= 1,
            UnitFate::Stays => stock.sold += u32::from(next == OrderState::Paid),
        }
        self.records.set_state(seq, next);
        self.assert_balance(claim.ticket_type);
    }

    /// The order is not held any more: its deadline is forgotten.
    pub(super) fn let_go(&mut self, first: &Linked, durable: bool) {
        let order = first.claim.seq;
        let pay_by = self.holds.remove(order, durable);
        for seq in lines_of(first) {
            let line = self.records.get(Seq(seq)).expect("an order has all its lines").claim;
            self.types[usize::from(line.ticket_type.0)].deadlines.remove(&(pay_by, order));
        }
    }

    /// This person may have more than before.
    pub(super) fn reconsider(&mut self, user: UserNo) {
        self.types.iter_mut().for_each(|stock| stock.line.reconsider(user));
    }
}
