//! Changes of orders, payments and waiting lists: each is decided by what it finds and written with the events that
//! tell of it, all of a batch in one transaction (O3). It never asks whether a change is wise, only whether it is
//! possible: closed activities take them too, but nobody lines up there.

use super::fault::Fail;
use super::orders::Found;
use super::{SqliteLedger, alive, demand_epoch, events, line, notices, orders, payments};
use crate::contract::{
    Change, Changed, Lateness, LedgerFault, NewPayment, NoticeRecord, NoticeRow, OpenPayment,
    OrderLedger, OrderMark, PaymentNo, PaymentRecord,
};
use rules::{
    ActivityNo, Epoch, Event, EventKind, EventNo, JoinNo, OrderNo, OrderState, OrderStep,
    PaymentState, TimeMs, TypeNo, UserNo,
};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// A batch while it is decided.
struct Batch<'a> {
    connection: &'a Connection,
    at: TimeMs,
    /// The events of the change that is being decided.
    events: Vec<Event>,
    /// The last event of each activity so far.
    reached: BTreeMap<ActivityNo, EventNo>,
}

/// It was so already.
const ALREADY: Changed = Changed::Already { payment: None, state: None };

impl Batch<'_> {
    fn decide(&mut self, change: &Change) -> Result<Changed, Fail> {
        debug_assert!(self.events.is_empty(), "an answer takes its events with it");
        match change {
            Change::Step { order, step } => self.step(*order, *step),
            Change::Started(open) => self.start(open),
            Change::ClosedThere { order, provider } => self.closed_there(*order, provider),
            Change::Receive(payment) => self.receive(payment, true),
            Change::Owe(payment) => self.receive(payment, false),
            Change::ConfirmLate { payment, order } => self.confirm_late(*payment, *order),
            Change::RefuseLate(payment) => self.refuse_late(*payment),
            Change::PutOff { payment, after } => self.put_off(*payment, *after),
            Change::RefundDone(payment) => self.refund_done(*payment),
            Change::LineUp { activity, ticket_type, user } => {
                self.line_up(*activity, *ticket_type, *user)
            }
            Change::LeaveLine { activity, ticket_type, user } => {
                self.leave_line(*activity, *ticket_type, *user)
            }
        }
    }

    fn step(&mut self, order: OrderNo, step: OrderStep) -> Result<Changed, Fail> {
        let Some(found) = orders::find(self.connection, order)? else {
            return Ok(Changed::Unknown);
        };
        let state = found.mark.state;
        if is_behind(state, step) {
            return Ok(Changed::Already { payment: None, state: Some(state) });
        }
        if state.after(step).is_none() {
            return Ok(Changed::WrongState(state));
        }
        if step == OrderStep::OweRefund {
            return self.owe_refund(&found, order);
        }
        self.take(&found, order, step)?;
        Ok(self.done(None))
    }

    /// What was free has no payment that could go back.
    fn owe_refund(&mut self, found: &Found, order: OrderNo) -> Result<Changed, Fail> {
        let paid_by = payments::of_order(self.connection, order)?.into_iter().find(|payment| {
            payment.state == PaymentState::Confirmed && payment.paid_order == Some(order)
        });
        let Some(mut payment) = paid_by else { return Ok(Changed::WrongState(found.mark.state)) };
        self.take(found, order, OrderStep::OweRefund)?;
        self.turn(&mut payment, PaymentState::RefundDue, None)?;
        Ok(self.done(Some(payment)))
    }

    fn start(&mut self, open: &OpenPayment) -> Result<Changed, Fail> {
        let Some(found) = orders::find(self.connection, open.order)? else {
            return Ok(Changed::Unknown);
        };
        if found.mark.state != OrderState::Held {
            return Ok(Changed::WrongState(found.mark.state));
        }
        let new = payments::start(self.connection, open)?;
        Ok(if new { self.done(None) } else { ALREADY })
    }

    fn closed_there(&mut self, order: OrderNo, provider: &str) -> Result<Changed, Fail> {
        let was_open = payments::closed_there(self.connection, order, provider)?;
        Ok(if was_open { self.done(None) } else { ALREADY })
    }

    /// A new payment, which pays its order or does not.
    fn receive(&mut self, new: &NewPayment, pays: bool) -> Result<Changed, Fail> {
        if let Some(known) = payments::by_reference(self.connection, new)? {
            return Ok(Changed::Already { payment: Some(known), state: None });
        }
        let Some(found) = orders::find(self.connection, new.order)? else {
            return Ok(Changed::Unknown);
        };
        let state = match found.mark.state {
            _ if !pays => PaymentState::RefundDue,
            OrderState::Held => PaymentState::Confirmed,
            OrderState::Cancelled | OrderState::Expired => PaymentState::Late,
            OrderState::Paid | OrderState::RefundDue | OrderState::Refunded => {
                PaymentState::RefundDue
            }
        };
        let payment = payments::add(self.connection, new, state, self.at)?;
        if state == PaymentState::Confirmed {
            // The order's own event tells of its payment. Where else it is open, it may be paid once more.
            self.take(&found, new.order, OrderStep::Pay)?;
            payments::closed_there(self.connection, new.order, &new.provider)?;
        } else {
            self.tell_of(&payment)?;
        }
        Ok(self.done(Some(payment)))
    }

    fn confirm_late(&mut self, payment: PaymentNo, order: OrderNo) -> Result<Changed, Fail> {
        let Some(mut payment) = payments::by_no(self.connection, payment)? else {
            return Ok(Changed::Unknown);
        };
        if payment.state == PaymentState::Confirmed && payment.paid_order == Some(order) {
            return Ok(Changed::Already { payment: Some(payment), state: None });
        }
        if payment.state != PaymentState::Late {
            return Ok(Changed::WrongPayment(payment.state));
        }
        let Some(found) = orders::find(self.connection, order)? else {
            return Ok(Changed::Unknown);
        };
        if found.mark.state != OrderState::Held {
            return Ok(Changed::WrongState(found.mark.state));
        }
        assert_eq!(order.activity, payment.payment.order.activity, "money stays in its activity");
        self.take(&found, order, OrderStep::Pay)?;
        self.turn(&mut payment, PaymentState::Confirmed, Some(order))?;
        Ok(self.done(Some(payment)))
    }

    fn refuse_late(&mut self, payment: PaymentNo) -> Result<Changed, Fail> {
        let Some(mut payment) = payments::by_no(self.connection, payment)? else {
            return Ok(Changed::Unknown);
        };
        match payment.state {
            PaymentState::Late => {
                self.turn(&mut payment, PaymentState::RefundDue, None)?;
                Ok(self.done(Some(payment)))
            }
            PaymentState::Confirmed => Ok(Changed::WrongPayment(PaymentState::Confirmed)),
            PaymentState::RefundDue | PaymentState::Refunded => {
                Ok(Changed::Already { payment: Some(payment), state: None })
            }
        }
    }

    /// An attempt is no change of state: there is nothing that Stock or the world should hear.
    fn put_off(&mut self, payment: PaymentNo, after: TimeMs) -> Result<Changed, Fail> {
        let Some(mut payment) = payments::by_no(self.connection, payment)? else {
            return Ok(Changed::Unknown);
        };
        if !matches!(payment.state, PaymentState::Late | PaymentState::RefundDue) {
            return Ok(Changed::WrongPayment(payment.state));
        }
        payments::put_off(self.connection, &mut payment, after)?;
        Ok(self.done(Some(payment)))
    }

    fn refund_done(&mut self, payment: PaymentNo) -> Result<Changed, Fail> {
        let Some(mut payment) = payments::by_no(self.connection, payment)? else {
            return Ok(Changed::Unknown);
        };
        match payment.state {
            PaymentState::Refunded => {
                return Ok(Changed::Already { payment: Some(payment), state: None });
            }
            PaymentState::RefundDue => {}
            state => return Ok(Changed::WrongPayment(state)),
        }
        if let Some(order) = payment.paid_order
            && let Some(found) = orders::find(self.connection, order)?
            && found.mark.state == OrderState::RefundDue
        {
            self.take(&found, order, OrderStep::Refund)?;
        }
        self.turn(&mut payment, PaymentState::Refunded, None)?;
        Ok(self.done(Some(payment)))
    }

    fn line_up(
        &mut self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Result<Changed, Fail> {
        match events::is_closed(self.connection, activity)? {
            Some(false) if line::is_type(self.connection, activity, ticket_type)? => {}
            Some(true) => return Ok(Changed::Closed),
            _ => return Ok(Changed::Unknown),
        }
        if line::waits(self.connection, activity, ticket_type, user)?.is_some() {
            return Ok(ALREADY);
        }
        self.tell(activity, EventKind::LinedUp { ticket_type, user })?;
        Ok(self.done(None))
    }

    fn leave_line(
        &mut self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Result<Changed, Fail> {
        if !line::is_type(self.connection, activity, ticket_type)? {
            return Ok(Changed::Unknown);
        }
        let waits = line::waits(self.connection, activity, ticket_type, user)?;
        let Some(join) = waits else { return Ok(ALREADY) };
        self.tell(activity, EventKind::LeftLine { ticket_type, user, join })?;
        Ok(self.done(None))
    }

    fn take(&mut self, found: &Found, order: OrderNo, step: OrderStep) -> Result<(), Fail> {
        found.take(self.connection, step, self.at)?;
        self.tell(order.activity, EventKind::Order { order: order.seq, step })
    }

    fn turn(
        &mut self,
        payment: &mut PaymentRecord,
        state: PaymentState,
        paid_order: Option<OrderNo>,
    ) -> Result<(), Fail> {
        payments::turn(self.connection, payment, state, paid_order, self.at)?;
        self.tell_of(payment)
    }

    fn tell_of(&mut self, payment: &PaymentRecord) -> Result<(), Fail> {
        let order = payment.payment.order;
        let (payment, state) = (payment.no.0, payment.state);
        self.tell(order.activity, EventKind::Payment { payment, order: order.seq, state })
    }

    fn tell(&mut self, activity: ActivityNo, kind: EventKind) -> Result<(), Fail> {
        let event = events::tell(self.connection, activity, self.at, kind)?;
        self.reached.insert(activity, event.no);
        self.events.push(event);
        Ok(())
    }

    fn done(&mut self, payment: Option<PaymentRecord>) -> Changed {
        Changed::Done { events: std::mem::take(&mut self.events), payment }
    }
}

/// Whether an order in this state has taken the step already.
fn is_behind(state: OrderState, step: OrderStep) -> bool {
    match step {
        OrderStep::Cancel => state == OrderState::Cancelled,
        OrderStep::Expire => state == OrderState::Expired,
        OrderStep::OweRefund => matches!(state, OrderState::RefundDue | OrderState::Refunded),
        OrderStep::Pay | OrderStep::Refund => panic!("{step:?} is a matter of a payment"),
    }
}

fn decide(connection: &Connection, at: TimeMs, changes: &[Change]) -> Result<Vec<Changed>, Fail> {
    let (events, reached) = (Vec::new(), BTreeMap::new());
    let mut batch = Batch { connection, at, events, reached };
    let answers = changes.iter().map(|change| batch.decide(change)).collect::<Result<_, _>>()?;
    for (activity, no) in batch.reached {
        events::reached(connection, activity, no)?;
    }
    Ok(answers)
}

impl OrderLedger for SqliteLedger {
    fn change(
        &self,
        epoch: Epoch,
        at: TimeMs,
        changes: &[Change],
        answers: &mut Vec<Changed>,
    ) -> Result<(), LedgerFault> {
        answers.clear();
        if changes.is_empty() {
            return Ok(());
        }
        *answers = self.write("writing changes of orders", |connection| {
            demand_epoch(connection, epoch)?;
            decide(connection, at, changes)
        })?;
        assert_eq!(answers.len(), changes.len(), "one answer for each change");
        Ok(())
    }

    fn order_mark(&self, order: OrderNo) -> Result<Option<OrderMark>, LedgerFault> {
        self.read("reading an order", |connection| {
            Ok(orders::find(connection, order)?.map(|found| found.mark))
        })
    }

    fn payments_of(&self, order: OrderNo) -> Result<Vec<PaymentRecord>, LedgerFault> {
        self.read("reading an order's payments", |connection| payments::of_order(connection, order))
    }

    fn payments(
        &self,
        before: Option<PaymentNo>,
        state: Option<PaymentState>,
        most: u32,
    ) -> Result<Vec<PaymentRecord>, LedgerFault> {
        self.read("reading payments", |connection| {
            payments::newest(connection, before, state, most)
        })
    }

    fn payments_in(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&PaymentRecord) -> bool,
    ) -> Result<(), LedgerFault> {
        payments::visit(self, activity, visit)
    }

    fn payments_waiting(
        &self,
        state: PaymentState,
        provider: Option<&str>,
        now: TimeMs,
        most: u32,
    ) -> Result<Vec<PaymentRecord>, LedgerFault> {
        self.read("reading payments that wait", |connection| {
            payments::waiting(connection, state, provider, now, most)
        })
    }

    fn open_payments(
        &self,
        after: Option<(OrderNo, String)>,
        most: u32,
    ) -> Result<Vec<OpenPayment>, LedgerFault> {
        self.read("reading open payments", |connection| {
            payments::open(connection, after.as_ref(), most)
        })
    }

    fn record_notices(&self, notices: &[NoticeRecord]) -> Result<(), LedgerFault> {
        if notices.is_empty() {
            return Ok(());
        }
        self.write("recording notices", |connection| notices::record(connection, notices))
    }

    fn notices(&self, strays_only: bool, most: u32) -> Result<Vec<NoticeRow>, LedgerFault> {
        self.read("reading notices", |connection| notices::newest(connection, strays_only, most))
    }

    fn line(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(JoinNo, TypeNo, UserNo),
    ) -> Result<(), LedgerFault> {
        line::visit(self, activity, visit)
    }

    fn heartbeat(&self, epoch: Epoch, at: TimeMs) -> Result<(), LedgerFault> {
        self.write("noting a heartbeat", |connection| alive::beat(connection, epoch, at))
    }

    fn last_alive(&self) -> Result<TimeMs, LedgerFault> {
        self.read("asking when the owner was alive", alive::last)
    }

    fn extend(&self, epoch: Epoch, lateness: Lateness) -> Result<(), LedgerFault> {
        self.write("moving deadlines", |connection| alive::extend(connection, epoch, lateness))
    }

    fn extensions(&self) -> Result<Vec<Lateness>, LedgerFault> {
        self.read("reading how deadlines were moved", alive::extensions)
    }
}
