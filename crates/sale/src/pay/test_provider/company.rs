//! What the pretend company knows: orders, payments, and the notices that it has to send, all of it replayed from its book.
//! Whatever happens is written down first; what could not be written did not happen.

use super::book::{Book, BookFault, Line, PaidLine};
use super::page::{PageOrder, PagePayment, PageState, PayFault, Switches};
use crate::pay::{Closed, PayAsk, ProviderFault, ProviderNotice, RefundAsk, Refunded};
use rules::{Money, TimeMs};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Orders the company takes.
const ORDERS_MAX: usize = 2_000_000;
/// Notices handed out in one call.
const LETTERS_AT_ONCE_MAX: usize = 1_000;
/// Milliseconds until a notice that was not taken comes again, at first; each time doubled.
const RETRY_FIRST_MS: u64 = 1_000;
/// Milliseconds between two attempts at most.
const RETRY_MS_MAX: u64 = 600_000;
/// Attempts after which a notice is given up: a day and more.
const ATTEMPTS_MAX: u32 = 160;
/// Milliseconds by which the first notice of a payment that is told out of order lags behind.
const LAG_MS: u64 = 2_000;
/// The numbers of forged notices begin here: they are of no book, and others keep theirs over a restart.
const FORGED_FROM: u64 = 1 << 63;

struct Order {
    amount: Money,
    title: String,
    pay_by: TimeMs,
    back_to: String,
    closed: bool,
    /// Places in `Company::payments`.
    payments: Vec<usize>,
}

struct Payment {
    reference: String,
    order_id: String,
    amount: Money,
    paid_at: TimeMs,
    refund_failures: u32,
    refund_pending: bool,
    /// The merchant's number of the refund that was done.
    refunded: Option<String>,
}

/// A notice to be sent.
pub(super) struct Letter {
    pub(super) order_id: String,
    about: About,
    attempts: u32,
    /// Its place in `Company::schedule`.
    due: TimeMs,
}

enum About {
    Payment(ProviderNotice),
    Nothing,
    Forged(ProviderNotice),
}

impl Letter {
    /// What it tells of a payment.
    pub(super) fn told(&self) -> Option<&ProviderNotice> {
        match &self.about {
            About::Payment(told) | About::Forged(told) => Some(told),
            About::Nothing => None,
        }
    }

    pub(super) fn is_forged(&self) -> bool {
        matches!(self.about, About::Forged(_))
    }
}

/// Everything the company knows.
pub(super) struct Company {
    book: Book,
    /// In every reference, so that a company without a book never gives one twice.
    began_at: TimeMs,
    orders: HashMap<String, Order>,
    payments: Vec<Payment>,
    by_reference: HashMap<String, usize>,
    letters: BTreeMap<u64, Letter>,
    schedule: BTreeSet<(TimeMs, u64)>,
    next_letter: u64,
    next_forged: u64,
}

impl Company {
    pub(super) fn open(book: Option<&Path>, now: TimeMs) -> Result<Self, BookFault> {
        let (book, lines) = Book::open(book)?;
        let mut company = Self {
            book,
            began_at: now,
            orders: HashMap::new(),
            payments: Vec::new(),
            by_reference: HashMap::new(),
            letters: BTreeMap::new(),
            schedule: BTreeSet::new(),
            next_letter: 1,
            next_forged: FORGED_FROM,
        };
        for line in lines {
            company.apply(line);
        }
        Ok(company)
    }

    /// Opens an order, or finds it open with the same amount.
    pub(super) fn start(&mut self, ask: &PayAsk<'_>) -> Result<(), ProviderFault> {
        if let Some(order) = self.orders.get(ask.order_id) {
            let same = !order.closed && order.amount == *ask.amount;
            return if same { Ok(()) } else { Err(ProviderFault::Refused) };
        }
        if self.orders.len() == ORDERS_MAX {
            return Err(ProviderFault::Refused);
        }
        self.write(Line::Opened {
            order_id: ask.order_id.into(),
            minor: ask.amount.minor,
            currency: ask.amount.currency.clone(),
            title: ask.title.into(),
            pay_by: ask.pay_by.0,
            back_to: ask.back_to.into(),
        })
    }

    /// A buyer pays.
    pub(super) fn pay(
        &mut self,
        order_id: &str,
        switches: Switches,
        now: TimeMs,
    ) -> Result<(), PayFault> {
        let order = self.orders.get(order_id).ok_or(PayFault::Unknown)?;
        if self.standing(order).next().is_some() {
            return Err(PayFault::Paid);
        }
        if order.closed {
            return Err(PayFault::Closed);
        }
        let amount = paid_amount(&order.amount, switches.wrong_amount);
        if switches.forged {
            self.forge(order_id, amount, now);
            return Ok(());
        }
        let first = self.paid_line(order_id, &amount, &switches, true, now);
        self.write(Line::Paid(first)).map_err(|_| PayFault::Book)?;
        if switches.twice {
            let second = self.paid_line(order_id, &amount, &switches, false, now);
            // Not written: the buyer has paid once, which is what most want.
            let _ = self.write(Line::Paid(second));
        }
        Ok(())
    }

    fn paid_line(
        &self,
        order_id: &str,
        amount: &Money,
        switches: &Switches,
        is_first: bool,
        now: TimeMs,
    ) -> PaidLine {
        let paid_at = now.0.saturating_add(switches.late_ms);
        let lags = switches.out_of_order && is_first;
        let notice_at = if lags { paid_at.saturating_add(LAG_MS) } else { paid_at };
        PaidLine {
            reference: self.reference(self.payments.len() as u64 + 1),
            order_id: order_id.into(),
            minor: amount.minor,
            currency: amount.currency.clone(),
            paid_at,
            notice_at: (!switches.never).then_some(notice_at),
            repeated: switches.repeated,
            chatter_at: lags.then_some(paid_at),
            refund_failures: switches.refund_failures,
            refund_pending: switches.refund_pending,
        }
    }

    fn reference(&self, number: u64) -> String {
        format!("test-{:x}-{number}", self.began_at.0)
    }

    fn forge(&mut self, order_id: &str, amount: Money, now: TimeMs) {
        let id = self.next_forged;
        self.next_forged += 1;
        let reference = self.reference(id);
        let told = ProviderNotice { reference, order_id: order_id.into(), amount };
        self.post(id, order_id, About::Forged(told), now);
    }

    /// Numbers of the letters that are due. Each is put off until its next attempt.
    pub(super) fn take_due(&mut self, now: TimeMs) -> Vec<u64> {
        let mut due = Vec::new();
        while due.len() < LETTERS_AT_ONCE_MAX {
            let Some(&(at, id)) = self.schedule.first() else { break };
            if at > now {
                break;
            }
            self.schedule.pop_first();
            let letter = self.letters.get_mut(&id).expect("what is scheduled is there");
            letter.attempts += 1;
            // A forger does not wait for an answer.
            if letter.attempts < ATTEMPTS_MAX && !letter.is_forged() {
                letter.due = TimeMs(now.0 + retry_after_ms(letter.attempts));
                self.schedule.insert((letter.due, id));
            }
            due.push(id);
        }
        due
    }

    /// A letter that `take_due` has named.
    pub(super) fn letter(&self, id: u64) -> &Letter {
        &self.letters[&id]
    }

    /// A letter was answered: one that was taken need not come again.
    pub(super) fn answered(&mut self, id: u64, taken: bool) {
        if id >= FORGED_FROM {
            self.forget(id);
        } else if taken && self.letters.contains_key(&id) {
            // Not written: it comes once more, which every merchant has to bear.
            let _ = self.write(Line::Taken { letter: id });
        }
    }

    pub(super) fn close(&mut self, order_id: &str, now: TimeMs) -> Result<Closed, ProviderFault> {
        let paid = self.query(order_id, now);
        if self.orders.get(order_id).is_some_and(|order| !order.closed) {
            self.write(Line::Closed { order_id: order_id.into() })?;
        }
        Ok(Closed { paid })
    }

    pub(super) fn query(&self, order_id: &str, now: TimeMs) -> Option<ProviderNotice> {
        let order = self.orders.get(order_id)?;
        self.standing(order).find(|payment| payment.paid_at <= now).map(Payment::notice)
    }

    /// The payments of an order by which it cannot be paid again: all but those of another amount that went back.
    fn standing<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Payment> {
        let payments = order.payments.iter().map(|place| &self.payments[*place]);
        payments.filter(|payment| payment.refunded.is_none() || payment.amount == order.amount)
    }

    pub(super) fn refund(
        &mut self,
        ask: &RefundAsk<'_>,
        now: TimeMs,
    ) -> Result<Refunded, ProviderFault> {
        let payment = self.payment_to_refund(ask, now).ok_or(ProviderFault::Refused)?;
        let reference = payment.reference.clone();
        if let Some(done) = &payment.refunded {
            let same = done == ask.refund_reference;
            return if same { Ok(Refunded::Done) } else { Err(ProviderFault::Refused) };
        }
        if payment.refund_failures > 0 {
            self.write(Line::RefundFailed { reference })?;
            return Err(ProviderFault::Unreachable);
        }
        if payment.refund_pending {
            self.write(Line::RefundPending { reference })?;
            return Ok(Refunded::Pending);
        }
        self.write(Line::Refunded { reference, refund_reference: ask.refund_reference.into() })?;
        Ok(Refunded::Done)
    }

    /// The payment that was made, for that order, of exactly that amount.
    fn payment_to_refund(&self, ask: &RefundAsk<'_>, now: TimeMs) -> Option<&Payment> {
        let payment = &self.payments[*self.by_reference.get(ask.reference)?];
        let same = payment.order_id == ask.order_id && payment.amount == *ask.amount;
        (same && payment.paid_at <= now).then_some(payment)
    }

    pub(super) fn page(&self, order_id: &str, now: TimeMs) -> Option<PageOrder> {
        let order = self.orders.get(order_id)?;
        let paid = order.payments.iter().map(|place| &self.payments[*place]);
        let payments: Vec<_> =
            paid.filter(|payment| payment.paid_at <= now).map(Payment::page).collect();
        let here = self.standing(order).any(|payment| payment.paid_at <= now);
        let state = match (here, self.standing(order).next().is_some(), order.closed) {
            (true, _, _) => PageState::Paid,
            (false, true, _) => PageState::Paying,
            (false, false, true) => PageState::Closed,
            (false, false, false) => PageState::Open,
        };
        Some(PageOrder {
            order_id: order_id.into(),
            title: order.title.clone(),
            amount: order.amount.clone(),
            pay_by: order.pay_by,
            back_to: order.back_to.clone(),
            state,
            payments,
        })
    }

    pub(super) fn payments(&self, now: TimeMs) -> Vec<PagePayment> {
        let made = self.payments.iter().filter(|payment| payment.paid_at <= now);
        made.map(Payment::page).collect()
    }

    /// Writes a line and does what it says, or nothing.
    fn write(&mut self, line: Line) -> Result<(), ProviderFault> {
        if !self.book.append(&line) {
            return Err(ProviderFault::Unreachable);
        }
        self.apply(line);
        Ok(())
    }

    /// Does what a line says. Lines about what is not there are of a book that lost its beginning, and do nothing.
    fn apply(&mut self, line: Line) {
        match line {
            Line::Opened { order_id, minor, currency, title, pay_by, back_to } => {
                let amount = Money { minor, currency };
                let (pay_by, closed, payments) = (TimeMs(pay_by), false, Vec::new());
                let order = Order { amount, title, pay_by, back_to, closed, payments };
                self.orders.insert(order_id, order);
            }
            Line::Closed { order_id } => {
                self.orders.entry(order_id).and_modify(|order| order.closed = true);
            }
            Line::Paid(line) => self.apply_paid(line),
            Line::Taken { letter } => self.forget(letter),
            Line::RefundFailed { reference } => {
                self.with_payment(&reference, |payment| {
                    payment.refund_failures = payment.refund_failures.saturating_sub(1);
                });
            }
            Line::RefundPending { reference } => {
                self.with_payment(&reference, |payment| payment.refund_pending = false);
            }
            Line::Refunded { reference, refund_reference } => {
                self.with_payment(&reference, |payment| payment.refunded = Some(refund_reference));
            }
        }
    }

    fn apply_paid(&mut self, line: PaidLine) {
        let place = self.payments.len();
        let Some(order) = self.orders.get_mut(&line.order_id) else { return };
        order.payments.push(place);
        self.by_reference.insert(line.reference.clone(), place);
        let payment = Payment {
            reference: line.reference,
            order_id: line.order_id,
            amount: Money { minor: line.minor, currency: line.currency },
            paid_at: TimeMs(line.paid_at),
            refund_failures: line.refund_failures,
            refund_pending: line.refund_pending,
            refunded: None,
        };
        let told = payment.notice();
        self.payments.push(payment);
        if let Some(at) = line.chatter_at {
            self.send(&told.order_id, About::Nothing, TimeMs(at));
        }
        if let Some(at) = line.notice_at {
            for _ in 0..=u32::from(line.repeated) {
                self.send(&told.order_id, About::Payment(told.clone()), TimeMs(at));
            }
        }
    }

    fn send(&mut self, order_id: &str, about: About, due: TimeMs) {
        let id = self.next_letter;
        self.next_letter += 1;
        self.post(id, order_id, about, due);
    }

    fn post(&mut self, id: u64, order_id: &str, about: About, due: TimeMs) {
        let letter = Letter { order_id: order_id.into(), about, attempts: 0, due };
        self.letters.insert(id, letter);
        self.schedule.insert((due, id));
    }

    fn forget(&mut self, id: u64) {
        if let Some(letter) = self.letters.remove(&id) {
            self.schedule.remove(&(letter.due, id));
        }
    }

    fn with_payment(&mut self, reference: &str, change: impl FnOnce(&mut Payment)) {
        if let Some(place) = self.by_reference.get(reference) {
            change(&mut self.payments[*place]);
        }
    }
}

impl Payment {
    fn notice(&self) -> ProviderNotice {
        let (reference, order_id) = (self.reference.clone(), self.order_id.clone());
        ProviderNotice { reference, order_id, amount: self.amount.clone() }
    }

    fn page(&self) -> PagePayment {
        PagePayment {
            reference: self.reference.clone(),
            order_id: self.order_id.clone(),
            amount: self.amount.clone(),
            paid_at: self.paid_at,
            refunded: self.refunded.is_some(),
        }
    }
}

/// What is paid: the order's amount, or the nearest other one that is not nothing.
fn paid_amount(amount: &Money, is_wrong: bool) -> Money {
    let minor = match (is_wrong, amount.minor) {
        (false, minor) => minor,
        (true, 0 | 1) => 2,
        (true, minor) => minor - 1,
    };
    Money { minor, currency: amount.currency.clone() }
}

/// Milliseconds from an attempt to the next.
fn retry_after_ms(attempts: u32) -> u64 {
    let doubled = attempts.saturating_sub(1).min(20);
    (RETRY_FIRST_MS << doubled).min(RETRY_MS_MAX)
}
