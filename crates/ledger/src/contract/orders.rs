//! Orders after their claim, payments, and the waiting list: changed only from the state that is expected, each in one
//! transaction with the event that tells of it. Nothing here reads a clock: whoever proposes a change says when.

use super::LedgerFault;
use rules::{
    ActivityNo, Epoch, Event, JoinNo, Money, OrderNo, OrderState, OrderStep, PaymentState, TimeMs,
    TypeNo, UserNo,
};

/// A payment's number in the ledger, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentNo(pub u64);

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderMark {
    /// Its state.
    pub state: OrderState,
    /// When it was paid; a free one: `None`.
    pub paid_at: Option<TimeMs>,
    /// When it was cancelled, expired, or its refund began.
    pub ended_at: Option<TimeMs>,
}

/// An authentic payment, as a provider told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// The provider's name, as configured.
    pub provider: String,
    /// The provider's own number of the payment: with the provider's name it is unique for ever.
    pub reference: String,
    /// The order it was made for.
    pub order: OrderNo,
    /// How much: with `Receive` the whole amount of the order, with `Owe` whatever came.
    pub amount: Money,
}

/// A payment as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRecord {
    /// Its number.
    pub no: PaymentNo,
    /// What the provider told.
    pub payment: NewPayment,
    /// How it stands.
    pub state: PaymentState,
    /// The order it pays, once it is confirmed: its own, or the one made for it when it was late.
    pub paid_order: Option<OrderNo>,
    /// When it came.
    pub received_at: TimeMs,
    /// When its state changed last.
    pub changed_at: TimeMs,
    /// Attempts that came to nothing in its state: to get units for it while it is late, to give the money back while
    /// that is due.
    pub refund_attempts: u32,
    /// No attempt before this moment.
    pub refund_after: TimeMs,
}

/// A buyer was sent to a provider with this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPayment {
    /// The order.
    pub order: OrderNo,
    /// The provider.
    pub provider: String,
    /// When.
    pub started_at: TimeMs,
}

/// A change that is proposed. The ledger decides whether it is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A step of an order that is no payment: `Cancel` and `Expire` of a held one; `OweRefund` of a paid one, which
    /// makes its confirmed payment `RefundDue` too.
    Step {
        /// The order.
        order: OrderNo,
        /// The step; never `Pay` or `Refund`.
        step: OrderStep,
    },
    /// The buyer is about to be sent to a provider: only while the order is held. Repeating it changes nothing.
    Started(OpenPayment),
    /// The order cannot be paid at this provider any more: nobody has to look there again. Repeating it changes nothing.
    ClosedThere {
        /// The order.
        order: OrderNo,
        /// The provider.
        provider: String,
    },
    /// An authentic payment. Of a held order: it is paid, and nobody has to look at this provider again. Of one that is
    /// over: `Late`. Of a paid one, or one whose refund is due or done: `RefundDue`.
    Receive(NewPayment),
    /// An authentic payment that does not pay its order, because it is of another amount or currency: `RefundDue` from
    /// its first moment, whatever the state of the order, which stays as it is.
    Owe(NewPayment),
    /// A late payment got units after all: `order`, which was made for it and is still held, is paid by it.
    ConfirmLate {
        /// The payment, `Late`.
        payment: PaymentNo,
        /// The order.
        order: OrderNo,
    },
    /// A late payment gets nothing: `RefundDue`.
    RefuseLate(PaymentNo),
    /// An attempt came to nothing: to get units for a late payment, or to give the money back. No other before `after`.
    PutOff {
        /// The payment, `Late` or `RefundDue`.
        payment: PaymentNo,
        /// No attempt before this moment.
        after: TimeMs,
    },
    /// The money is back: the payment is `Refunded`, and so is the order it had paid.
    RefundDone(PaymentNo),
    /// Somebody lines up. Who waits already keeps their place.
    LineUp {
        /// The activity.
        activity: ActivityNo,
        /// The ticket type.
        ticket_type: TypeNo,
        /// Who.
        user: UserNo,
    },
    /// Somebody leaves the line; whoever was offered a unit has left it already.
    LeaveLine {
        /// The activity.
        activity: ActivityNo,
        /// The ticket type.
        ticket_type: TypeNo,
        /// Who.
        user: UserNo,
    },
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Written now. The events it made, in order: Stock has to hear of them.
    Done {
        /// The events.
        events: Vec<Event>,
        /// The payment as it stands, where the change was about one.
        payment: Option<PaymentRecord>,
    },
    /// It was so already: nothing changed. The payment as it stands, where the change was about one.
    Already {
        /// The payment.
        payment: Option<PaymentRecord>,
        /// The order's state, where the change was a step of one.
        state: Option<OrderState>,
    },
    /// Not possible in this state of the order; nothing changed.
    WrongState(OrderState),
    /// Not possible in this state of the payment; nothing changed.
    WrongPayment(PaymentState),
    /// The activity is closed: nobody lines up any more.
    Closed,
    /// There is no such order, payment or activity.
    Unknown,
}

/// A notice that was refused, for the operator to see. It holds nothing that the sender wrote but the order's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRecord {
    /// When.
    pub at: TimeMs,
    /// The provider it claimed to come from.
    pub provider: String,
    /// The permanent name of the reason.
    pub reason: &'static str,
    /// The order it named, where it could be read.
    pub order: Option<OrderNo>,
    /// An authentic payment, and no order of ours is to be paid by it: nobody but a provider can make these.
    pub stray: bool,
}

/// A refused notice as it is kept: when it came, the provider, the reason, the order.
pub type NoticeRow = (TimeMs, String, String, Option<OrderNo>);

/// Milliseconds by which deadlines were moved, because nobody could have paid meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// The last moment before: orders decided later are not moved.
    pub from: TimeMs,
    /// By so much.
    pub by_ms: u64,
}

/// Orders, payments, the waiting list.
///
/// Invariants: O1 an order's state changes only by `rules::OrderState::after`. O2 a payment's changes only by
/// `PaymentState::may_become`. O3 a change and its events are on disk together or not at all. O4 a provider's
/// reference is one payment for ever. O5 a place in line is offered a unit once at most.
pub trait OrderLedger: Send + Sync {
    /// Decides and writes changes in one transaction, in order, durably: `answers` gets one for each. One that is not
    /// possible fails none of the others. An order is known once its claim is written.
    fn change(
        &self,
        epoch: Epoch,
        at: TimeMs,
        changes: &[Change],
        answers: &mut Vec<Changed>,
    ) -> Result<(), LedgerFault>;

    /// How an order stands, from its first line; `None`: there is none.
    fn order_mark(&self, order: OrderNo) -> Result<Option<OrderMark>, LedgerFault>;

    /// Payments for an order, or that pay it, in the order of their numbers.
    fn payments_of(&self, order: OrderNo) -> Result<Vec<PaymentRecord>, LedgerFault>;

    /// Payments with numbers below `before` (all: `None`), newest first, at most `most`; of one state only where asked.
    fn payments(
        &self,
        before: Option<PaymentNo>,
        state: Option<PaymentState>,
        most: u32,
    ) -> Result<Vec<PaymentRecord>, LedgerFault>;

    /// Visits an activity's payments in the order of their numbers until `visit` returns false.
    fn payments_in(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&PaymentRecord) -> bool,
    ) -> Result<(), LedgerFault>;

    /// Payments in this state that may be worked on at `now`, the one that may longest first, at most `most`; of one
    /// provider only where asked.
    fn payments_waiting(
        &self,
        state: PaymentState,
        provider: Option<&str>,
        now: TimeMs,
        most: u32,
    ) -> Result<Vec<PaymentRecord>, LedgerFault>;

    /// Orders whose buyers were sent to a provider, and that may still be paid there: not paid by a payment from there,
    /// and not closed there since, be they held, over, or paid elsewhere. By order, after `after`, at most `most`.
    fn open_payments(
        &self,
        after: Option<(OrderNo, String)>,
        most: u32,
    ) -> Result<Vec<OpenPayment>, LedgerFault>;

    /// Records refused notices; only the newest `NOTICES_KEPT_MAX` are kept, and of strays as many beside them, so that
    /// nobody flushes those.
    fn record_notices(&self, notices: &[NoticeRecord]) -> Result<(), LedgerFault>;

    /// Refused notices, newest first, at most `most`; strays alone where asked.
    fn notices(&self, strays_only: bool, most: u32) -> Result<Vec<NoticeRow>, LedgerFault>;

    /// Visits who waits in an activity's lines and has not left, in the order of joining. Whoever was offered a unit
    /// since is visited too.
    fn line(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(JoinNo, TypeNo, UserNo),
    ) -> Result<(), LedgerFault>;

    /// Notes that the owner is alive.
    fn heartbeat(&self, epoch: Epoch, at: TimeMs) -> Result<(), LedgerFault>;

    /// The last moment at which the owner was alive: the later of the last heartbeat and the newest claim.
    fn last_alive(&self) -> Result<TimeMs, LedgerFault>;

    /// Moves the deadlines of orders that are held: written before Stock is loaded.
    fn extend(&self, epoch: Epoch, lateness: Lateness) -> Result<(), LedgerFault>;

    /// Every moving of deadlines, in the order in which it was written.
    fn extensions(&self) -> Result<Vec<Lateness>, LedgerFault>;
}

/// Refused notices of each of both sorts that are kept.
pub const NOTICES_KEPT_MAX: u32 = 10_000;
