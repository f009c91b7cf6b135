//! Orders, payments and waiting lists on the simulated disk: each change is decided by what it finds.
//! It shares no code with what does the same over SQLite.

use super::{Call, Lie, SimLedger, activities::write, claims::demand, disk::Disk};
use ledger::{
    Cause, Change, Changed, Lateness, LedgerFault, NOTICES_KEPT_MAX, NewPayment, NoticeRecord,
    NoticeRow, OpenPayment, OrderLedger, OrderMark, PaymentNo, PaymentRecord,
};
use rules::{
    ActivityNo, Claim, Epoch, Event, EventKind, JoinNo, OrderNo, OrderState, OrderStep,
    PaymentState, TimeMs, TypeNo, UserNo,
};
use std::sync::Arc;

/// A place in a line that somebody took.
#[derive(Clone)]
pub struct Joined {
    pub join: JoinNo,
    pub activity: ActivityNo,
    pub ticket_type: TypeNo,
    pub user: UserNo,
    pub left: bool,
}

impl OrderLedger for SimLedger {
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
        let lie = self.device.lie;
        *answers = self.write(Call::Orders, |disk| {
            demand(disk, epoch)?;
            changes.iter().map(|change| decide(disk, at, change, lie)).collect::<Result<_, Cause>>()
        })?;
        Ok(())
    }

    fn order_mark(&self, order: OrderNo) -> Result<Option<OrderMark>, LedgerFault> {
        Ok(mark(&*self.read()?, order))
    }

    fn payments_of(&self, order: OrderNo) -> Result<Vec<PaymentRecord>, LedgerFault> {
        let disk = self.read()?;
        let about =
            |one: &&PaymentRecord| one.payment.order == order || one.paid_order == Some(order);
        Ok(disk.payments.iter().filter(about).cloned().collect())
    }

    fn payments(
        &self,
        before: Option<PaymentNo>,
        state: Option<PaymentState>,
        most: u32,
    ) -> Result<Vec<PaymentRecord>, LedgerFault> {
        let disk = self.read()?;
        let wanted = |one: &&PaymentRecord| {
            before.is_none_or(|before| one.no < before) && state.is_none_or(|s| one.state == s)
        };
        Ok(disk.payments.iter().rev().filter(wanted).take(most as usize).cloned().collect())
    }

    fn payments_in(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&PaymentRecord) -> bool,
    ) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        disk.payments.iter().filter(|one| one.payment.order.activity == activity).all(visit);
        Ok(())
    }

    fn payments_waiting(
        &self,
        state: PaymentState,
        provider: Option<&str>,
        now: TimeMs,
        most: u32,
    ) -> Result<Vec<PaymentRecord>, LedgerFault> {
        let disk = self.read()?;
        if self.device.lie == Some(Lie::ForgetsRefunds) && state == PaymentState::RefundDue {
            return Ok(Vec::new());
        }
        let due = |one: &&PaymentRecord| {
            let asked = provider.is_none_or(|provider| one.payment.provider == provider);
            one.state == state && asked && one.refund_after <= now
        };
        let mut waiting: Vec<PaymentRecord> = disk.payments.iter().filter(due).cloned().collect();
        waiting.sort_by_key(|one| one.refund_after);
        waiting.truncate(most as usize);
        Ok(waiting)
    }

    fn open_payments(
        &self,
        after: Option<(OrderNo, String)>,
        most: u32,
    ) -> Result<Vec<OpenPayment>, LedgerFault> {
        let disk = self.read()?;
        let held_only = self.device.lie == Some(Lie::ForgetsWhatIsOver);
        let is_told = |order| {
            !held_only || mark(&disk, order).is_some_and(|mark| mark.state == OrderState::Held)
        };
        let open = disk
            .starts
            .iter()
            .filter(|(key, _)| is_told(key.0) && after.as_ref().is_none_or(|after| *key > after));
        let open = open.map(|((order, provider), started_at)| OpenPayment {
            order: *order,
            provider: provider.clone(),
            started_at: *started_at,
        });
        Ok(open.take(most as usize).collect())
    }

    fn record_notices(&self, notices: &[NoticeRecord]) -> Result<(), LedgerFault> {
        if notices.is_empty() {
            return Ok(());
        }
        self.write(Call::Other, |disk| {
            let kept = Arc::make_mut(&mut disk.notices);
            kept.extend(notices.iter().cloned());
            for stray in [false, true] {
                let there = kept.iter().filter(|one| one.stray == stray).count();
                let mut past = there.saturating_sub(NOTICES_KEPT_MAX as usize);
                kept.retain(|one| {
                    let goes = one.stray == stray && past > 0;
                    past -= usize::from(goes);
                    !goes
                });
            }
            Ok(())
        })
    }

    fn notices(&self, strays_only: bool, most: u32) -> Result<Vec<NoticeRow>, LedgerFault> {
        let disk = self.read()?;
        let asked = disk.notices.iter().rev().filter(|one| one.stray || !strays_only);
        let row =
            |one: &NoticeRecord| (one.at, one.provider.clone(), one.reason.to_owned(), one.order);
        Ok(asked.take(most as usize).map(row).collect())
    }

    fn line(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(JoinNo, TypeNo, UserNo),
    ) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        let there = disk.joined.iter().filter(|one| one.activity == activity && !one.left);
        there.for_each(|one| visit(one.join, one.ticket_type, one.user));
        Ok(())
    }

    fn heartbeat(&self, epoch: Epoch, at: TimeMs) -> Result<(), LedgerFault> {
        self.write(Call::Other, |disk| {
            demand(disk, epoch)?;
            disk.alive_at = disk.alive_at.max(at);
            Ok(())
        })
    }

    fn last_alive(&self) -> Result<TimeMs, LedgerFault> {
        let disk = self.read()?;
        let claims = disk.claims.values().flat_map(|claims| claims.values());
        Ok(claims.map(|claim| claim.decided_at).max().unwrap_or_default().max(disk.alive_at))
    }

    fn extend(&self, epoch: Epoch, lateness: Lateness) -> Result<(), LedgerFault> {
        let forgets = self.device.lie == Some(Lie::ForgetsExtensions);
        self.write(Call::Other, |disk| {
            demand(disk, epoch)?;
            if !forgets {
                Arc::make_mut(&mut disk.extensions).push(lateness);
            }
            Ok(())
        })
    }

    fn extensions(&self) -> Result<Vec<Lateness>, LedgerFault> {
        Ok(self.read()?.extensions.to_vec())
    }
}

/// How the order of a line stands.
pub(super) fn mark_of(disk: &Disk, line: &Claim) -> OrderMark {
    let untouched = OrderMark { state: line.first_state(), paid_at: None, ended_at: None };
    disk.orders.get(&line.order()).copied().unwrap_or(untouched)
}

fn mark(disk: &Disk, order: OrderNo) -> Option<OrderMark> {
    let claims = disk.claims.get(&order.activity)?;
    let first = claims.get(&order.seq).filter(|line| line.line == 0)?;
    Some(mark_of(disk, first))
}

/// The place somebody took last, unless they left it or a claim was made for it.
fn waits(disk: &Disk, activity: ActivityNo, ticket_type: TypeNo, user: UserNo) -> Option<JoinNo> {
    let theirs =
        |one: &&Joined| (one.activity, one.ticket_type, one.user) == (activity, ticket_type, user);
    let last = disk.joined.iter().rev().find(theirs).filter(|one| !one.left)?;
    let claims = disk.claims_of(activity);
    let was_offered = claims.values().any(|claim| claim.offer == Some(last.join));
    (!was_offered).then_some(last.join)
}

const ALREADY: Changed = Changed::Already { payment: None, state: None };

fn decide(
    disk: &mut Disk,
    at: TimeMs,
    change: &Change,
    lie: Option<Lie>,
) -> Result<Changed, Cause> {
    Ok(match change {
        Change::Step { order, step } => take_step(disk, at, *order, *step),
        Change::Started(open) => start(disk, open),
        Change::ClosedThere { order, provider } => closed_there(disk, *order, provider),
        Change::Receive(new) => receive(disk, at, new, lie),
        Change::Owe(new) => owe(disk, at, new, lie),
        Change::ConfirmLate { payment, order } => confirm_late(disk, at, *payment, *order),
        Change::RefuseLate(payment) => refuse_late(disk, at, *payment),
        Change::PutOff { payment, after } => put_off(disk, *payment, *after),
        Change::RefundDone(payment) => refund_done(disk, at, *payment),
        Change::LineUp { activity, ticket_type, user } => {
            line_up(disk, at, *activity, *ticket_type, *user)
        }
        Change::LeaveLine { activity, ticket_type, user } => {
            leave_line(disk, at, *activity, *ticket_type, *user)
        }
    })
}

/// Changes an order's state, and tells of it.
fn turn_order(disk: &mut Disk, at: TimeMs, order: OrderNo, step: OrderStep) -> Event {
    let mut mark = mark(disk, order).expect("it was looked at");
    mark.state = mark.state.after(step).expect("the step is possible");
    match step {
        OrderStep::Pay => mark.paid_at = Some(at),
        OrderStep::Cancel | OrderStep::Expire | OrderStep::OweRefund => mark.ended_at = Some(at),
        OrderStep::Refund => {}
    }
    Arc::make_mut(&mut disk.orders).insert(order, mark);
    write(disk, order.activity, at, EventKind::Order { order: order.seq, step })
}

/// Changes a payment's state, and tells of it.
fn turn_payment(disk: &mut Disk, at: TimeMs, no: PaymentNo, state: PaymentState) -> Event {
    let one = payment_mut(disk, no);
    assert!(one.state.may_become(state), "the change is possible");
    (one.state, one.changed_at) = (state, at);
    if state == PaymentState::RefundDue {
        (one.refund_attempts, one.refund_after) = (0, at);
    }
    let OrderNo { activity, seq } = one.payment.order;
    write(disk, activity, at, EventKind::Payment { payment: no.0, order: seq, state })
}

fn payment(disk: &Disk, no: PaymentNo) -> Option<PaymentRecord> {
    disk.payments.get((no.0 as usize).checked_sub(1)?).cloned()
}

fn payment_mut(disk: &mut Disk, no: PaymentNo) -> &mut PaymentRecord {
    &mut Arc::make_mut(&mut disk.payments)[no.0 as usize - 1]
}

fn done(disk: &Disk, events: Vec<Event>, about: Option<PaymentNo>) -> Changed {
    Changed::Done { events, payment: about.and_then(|no| payment(disk, no)) }
}

fn take_step(disk: &mut Disk, at: TimeMs, order: OrderNo, step: OrderStep) -> Changed {
    let Some(OrderMark { state, .. }) = mark(disk, order) else { return Changed::Unknown };
    let behind = match step {
        OrderStep::Cancel => state == OrderState::Cancelled,
        OrderStep::Expire => state == OrderState::Expired,
        _ => matches!(state, OrderState::RefundDue | OrderState::Refunded),
    };
    if behind {
        return Changed::Already { payment: None, state: Some(state) };
    }
    if state.after(step).is_none() {
        return Changed::WrongState(state);
    }
    if step != OrderStep::OweRefund {
        let event = turn_order(disk, at, order, step);
        return done(disk, vec![event], None);
    }
    let paid = |one: &&PaymentRecord| {
        one.paid_order == Some(order) && one.state == PaymentState::Confirmed
    };
    let Some(no) = disk.payments.iter().find(paid).map(|one| one.no) else {
        return Changed::WrongState(state);
    };
    let told = turn_order(disk, at, order, step);
    let events = vec![told, turn_payment(disk, at, no, PaymentState::RefundDue)];
    done(disk, events, Some(no))
}

fn start(disk: &mut Disk, open: &OpenPayment) -> Changed {
    let Some(mark) = mark(disk, open.order) else { return Changed::Unknown };
    if mark.state != OrderState::Held {
        return Changed::WrongState(mark.state);
    }
    let key = (open.order, open.provider.clone());
    if disk.starts.contains_key(&key) {
        return ALREADY;
    }
    Arc::make_mut(&mut disk.starts).insert(key, open.started_at);
    done(disk, Vec::new(), None)
}

fn closed_there(disk: &mut Disk, order: OrderNo, provider: &str) -> Changed {
    let key = (order, provider.to_owned());
    if !disk.starts.contains_key(&key) {
        return ALREADY;
    }
    Arc::make_mut(&mut disk.starts).remove(&key);
    done(disk, Vec::new(), None)
}

/// What was told of this payment before.
fn told_before(disk: &Disk, new: &NewPayment, lie: Option<Lie>) -> Option<Changed> {
    let same = |one: &&PaymentRecord| {
        one.payment.provider == new.provider && one.payment.reference == new.reference
    };
    let forgets = lie == Some(Lie::TakesTwice);
    let known = disk.payments.iter().find(same).filter(|_| !forgets)?;
    Some(Changed::Already { payment: Some(known.clone()), state: None })
}

fn add(disk: &mut Disk, at: TimeMs, new: &NewPayment, state: PaymentState) -> PaymentNo {
    let no = PaymentNo(disk.payments.len() as u64 + 1);
    Arc::make_mut(&mut disk.payments).push(PaymentRecord {
        no,
        payment: new.clone(),
        state,
        paid_order: (state == PaymentState::Confirmed).then_some(new.order),
        received_at: at,
        changed_at: at,
        refund_attempts: 0,
        refund_after: at,
    });
    no
}

fn owe(disk: &mut Disk, at: TimeMs, new: &NewPayment, lie: Option<Lie>) -> Changed {
    if let Some(known) = told_before(disk, new, lie) {
        return known;
    }
    if mark(disk, new.order).is_none() {
        return Changed::Unknown;
    }
    let state = PaymentState::RefundDue;
    let no = add(disk, at, new, state);
    let OrderNo { activity, seq } = new.order;
    let told = EventKind::Payment { payment: no.0, order: seq, state };
    let event = write(disk, activity, at, told);
    done(disk, vec![event], Some(no))
}

fn receive(disk: &mut Disk, at: TimeMs, new: &NewPayment, lie: Option<Lie>) -> Changed {
    if let Some(known) = told_before(disk, new, lie) {
        return known;
    }
    let Some(mark) = mark(disk, new.order) else { return Changed::Unknown };
    let state = match mark.state {
        OrderState::Held => PaymentState::Confirmed,
        OrderState::Cancelled | OrderState::Expired if lie == Some(Lie::PaysWhatIsOver) => {
            let paid = OrderMark { state: OrderState::Paid, paid_at: Some(at), ended_at: None };
            Arc::make_mut(&mut disk.orders).insert(new.order, paid);
            PaymentState::Confirmed
        }
        OrderState::Cancelled | OrderState::Expired => PaymentState::Late,
        _ => PaymentState::RefundDue,
    };
    let no = add(disk, at, new, state);
    let OrderNo { activity, seq } = new.order;
    let event = if mark.state == OrderState::Held {
        Arc::make_mut(&mut disk.starts).remove(&(new.order, new.provider.clone()));
        turn_order(disk, at, new.order, OrderStep::Pay)
    } else {
        write(disk, activity, at, EventKind::Payment { payment: no.0, order: seq, state })
    };
    done(disk, vec![event], Some(no))
}

fn confirm_late(disk: &mut Disk, at: TimeMs, no: PaymentNo, order: OrderNo) -> Changed {
    let Some(known) = payment(disk, no) else { return Changed::Unknown };
    match known.state {
        PaymentState::Confirmed if known.paid_order == Some(order) => {
            return Changed::Already { payment: Some(known), state: None };
        }
        PaymentState::Late => {}
        state => return Changed::WrongPayment(state),
    }
    match mark(disk, order).map(|mark| mark.state) {
        None => return Changed::Unknown,
        Some(OrderState::Held) => {}
        Some(state) => return Changed::WrongState(state),
    }
    let told = turn_order(disk, at, order, OrderStep::Pay);
    payment_mut(disk, no).paid_order = Some(order);
    let events = vec![told, turn_payment(disk, at, no, PaymentState::Confirmed)];
    done(disk, events, Some(no))
}

fn refuse_late(disk: &mut Disk, at: TimeMs, no: PaymentNo) -> Changed {
    let Some(known) = payment(disk, no) else { return Changed::Unknown };
    match known.state {
        PaymentState::Late => {
            let event = turn_payment(disk, at, no, PaymentState::RefundDue);
            done(disk, vec![event], Some(no))
        }
        PaymentState::Confirmed => Changed::WrongPayment(known.state),
        _ => Changed::Already { payment: Some(known), state: None },
    }
}

fn put_off(disk: &mut Disk, no: PaymentNo, after: TimeMs) -> Changed {
    let Some(known) = payment(disk, no) else { return Changed::Unknown };
    if !matches!(known.state, PaymentState::Late | PaymentState::RefundDue) {
        return Changed::WrongPayment(known.state);
    }
    let one = payment_mut(disk, no);
    one.refund_attempts += 1;
    one.refund_after = after;
    done(disk, Vec::new(), Some(no))
}

fn refund_done(disk: &mut Disk, at: TimeMs, no: PaymentNo) -> Changed {
    let Some(known) = payment(disk, no) else { return Changed::Unknown };
    match known.state {
        PaymentState::RefundDue => {}
        PaymentState::Refunded => {
            return Changed::Already { payment: Some(known), state: None };
        }
        state => return Changed::WrongPayment(state),
    }
    let mut events = Vec::new();
    let due = |order: &OrderNo| {
        mark(disk, *order).is_some_and(|mark| mark.state == OrderState::RefundDue)
    };
    if let Some(order) = known.paid_order.filter(due) {
        events.push(turn_order(disk, at, order, OrderStep::Refund));
    }
    events.push(turn_payment(disk, at, no, PaymentState::Refunded));
    done(disk, events, Some(no))
}

fn is_type(disk: &Disk, activity: ActivityNo, ticket_type: TypeNo) -> bool {
    let types = disk.activity(activity).map_or(0, |sold| sold.stored.types.len());
    usize::from(ticket_type.0) < types
}

fn line_up(
    disk: &mut Disk,
    at: TimeMs,
    activity: ActivityNo,
    ticket_type: TypeNo,
    user: UserNo,
) -> Changed {
    if disk.activity(activity).is_some_and(|sold| sold.stored.closed) {
        return Changed::Closed;
    }
    if !is_type(disk, activity, ticket_type) {
        return Changed::Unknown;
    }
    if waits(disk, activity, ticket_type, user).is_some() {
        return ALREADY;
    }
    let event = write(disk, activity, at, EventKind::LinedUp { ticket_type, user });
    let join = JoinNo(event.no);
    let place = Joined { join, activity, ticket_type, user, left: false };
    Arc::make_mut(&mut disk.joined).push(place);
    done(disk, vec![event], None)
}

fn leave_line(
    disk: &mut Disk,
    at: TimeMs,
    activity: ActivityNo,
    ticket_type: TypeNo,
    user: UserNo,
) -> Changed {
    if !is_type(disk, activity, ticket_type) {
        return Changed::Unknown;
    }
    let Some(join) = waits(disk, activity, ticket_type, user) else { return ALREADY };
    let places = Arc::make_mut(&mut disk.joined);
    places.iter_mut().filter(|one| one.join == join).for_each(|one| one.left = true);
    let event = write(disk, activity, at, EventKind::LeftLine { ticket_type, user, join });
    done(disk, vec![event], None)
}
