//! The rows of exports: which columns, in which order, and what stands in each.
//! How a cell looks is the formats' affair; the order of columns here is the contract's.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use ledger::{OrderRow, ParticipantRow, PaymentRecord};
use rules::{Activity, OrderState, TimeMs};

/// The outcome of whoever has an accepted claim.
const OUTCOME_WON: &str = "won";

/// A column: its permanent name and its width in a workbook, in characters.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) width: f64,
}

const fn column(name: &'static str, width: f64) -> Column {
    Column { name, width }
}

/// The columns of orders.
pub(super) const ORDER_COLUMNS: [Column; 14] = [
    column("order_id", 30.0),
    column("ticket_id", 30.0),
    column("claim_no", 10.0),
    column("user", 18.0),
    column("display_name", 18.0),
    column("department", 18.0),
    column("type_id", 14.0),
    column("code", 24.0),
    column("state", 10.0),
    column("price", 10.0),
    column("currency", 10.0),
    column("decided_at", 24.0),
    column("paid_at", 24.0),
    column("redeemed_at", 24.0),
];

/// The columns of participants.
pub(super) const PARTICIPANT_COLUMNS: [Column; 6] = [
    column("user", 18.0),
    column("display_name", 18.0),
    column("department", 18.0),
    column("first_seen", 24.0),
    column("outcome", 14.0),
    column("claim_no", 10.0),
];

/// The columns of payments.
pub(super) const PAYMENT_COLUMNS: [Column; 11] = [
    column("payment_id", 10.0),
    column("provider", 12.0),
    column("reference", 34.0),
    column("order_id", 30.0),
    column("user", 18.0),
    column("amount", 12.0),
    column("currency", 10.0),
    column("state", 12.0),
    column("received_at", 24.0),
    column("changed_at", 24.0),
    column("paid_order", 30.0),
];

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// A text that a person may have chosen.
    Text(&'a str),
    /// A redemption code: exactly as it was imported, whatever it begins with.
    Code(&'a str),
    /// A count.
    Number(u64),
    /// A moment.
    Time(TimeMs),
    /// Nothing.
    Absent,
}

impl<'a> Cell<'a> {
    fn or_absent<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Absent, cell)
    }
}

/// An order as it is exported.
#[derive(Clone, Debug)]
pub struct OrderOut<'a> {
    /// The id of claim and order.
    pub order_id: &'a str,
    /// The id of its ticket.
    pub ticket_id: &'a str,
    /// Its place among the accepted claims of its type.
    pub claim_no: u32,
    /// Whose it is.
    pub user: &'a str,
    /// May be empty.
    pub display_name: &'a str,
    /// May be empty.
    pub department: &'a str,
    /// The id of the ticket type.
    pub type_id: &'a str,
    /// For types with codes.
    pub code: Option<&'a str>,
    /// The order's state.
    pub state: &'static str,
    /// A decimal text.
    pub price: String,
    /// ISO 4217.
    pub currency: &'a str,
    /// When the claim was accepted.
    pub decided_at: TimeMs,
    /// For free ones the moment of the decision; none while it is unpaid.
    pub paid_at: Option<TimeMs>,
    /// When the ticket was redeemed.
    pub redeemed_at: Option<TimeMs>,
}

impl<'a> OrderOut<'a> {
    /// The line of an order, with the ids that the caller gives it. A code stands only where its buyer can see it, or
    /// could: one of an unpaid order may still go to somebody else.
    ///
    /// # Panics
    /// If the claim is of no type of this activity: a broken invariant.
    pub fn new(
        row: &OrderRow<'a>,
        activity: &'a Activity,
        order_id: &'a str,
        ticket_id: &'a str,
    ) -> Self {
        let sold = &activity.types[usize::from(row.claim.ticket_type.0)];
        let state = row.mark.state;
        let seen = matches!(state, OrderState::Paid | OrderState::RefundDue | OrderState::Refunded);
        let paid_at = if row.claim.priced { row.mark.paid_at } else { Some(row.claim.decided_at) };
        Self {
            order_id,
            ticket_id,
            claim_no: row.claim.claim_no.0,
            user: row.user,
            display_name: row.display_name,
            department: row.department,
            type_id: &sold.id,
            code: row.code.filter(|_| seen),
            state: state.name(),
            price: sold.price.amount(),
            currency: &sold.price.currency,
            decided_at: row.claim.decided_at,
            paid_at,
            redeemed_at: None,
        }
    }

    /// In the order of `ORDER_COLUMNS`.
    pub(super) fn cells(&self) -> [Cell<'_>; ORDER_COLUMNS.len()] {
        [
            Cell::Text(self.order_id),
            Cell::Text(self.ticket_id),
            Cell::Number(self.claim_no.into()),
            Cell::Text(self.user),
            Cell::Text(self.display_name),
            Cell::Text(self.department),
            Cell::Text(self.type_id),
            Cell::or_absent(self.code, Cell::Code),
            Cell::Text(self.state),
            Cell::Text(&self.price),
            Cell::Text(self.currency),
            Cell::Time(self.decided_at),
            Cell::or_absent(self.paid_at, Cell::Time),
            Cell::or_absent(self.redeemed_at, Cell::Time),
        ]
    }
}

/// A participant as exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantOut<'a> {
    /// The name.
    pub user: &'a str,
    /// May be empty.
    pub display_name: &'a str,
    /// May be empty.
    pub department: &'a str,
    /// When first seen.
    pub first_seen: TimeMs,
    /// `won`, or else the first refusal other than `not_started`; none where there was neither.
    pub outcome: Option<&'static str>,
    /// The number of the first accepted claim.
    pub claim_no: Option<u32>,
}

impl<'a> ParticipantOut<'a> {
    /// The participant of a ledger's row.
    pub fn new(row: &ParticipantRow<'a>) -> Self {
        let refused = row.refusal.map(rules::Refusal::name);
        Self {
            user: row.user,
            display_name: row.display_name,
            department: row.department,
            first_seen: row.first_seen,
            outcome: if row.won.is_some() { Some(OUTCOME_WON) } else { refused },
            claim_no: row.won.map(|no| no.0),
        }
    }

    /// In the order of `PARTICIPANT_COLUMNS`.
    pub(super) fn cells(&self) -> [Cell<'_>; PARTICIPANT_COLUMNS.len()] {
        [
            Cell::Text(self.user),
            Cell::Text(self.display_name),
            Cell::Text(self.department),
            Cell::Time(self.first_seen),
            Cell::or_absent(self.outcome, Cell::Text),
            Cell::or_absent(self.claim_no, |no| Cell::Number(no.into())),
        ]
    }
}

/// A payment as exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentOut<'a> {
    /// Its number in the ledger.
    pub payment_id: u64,
    /// The provider's name.
    pub provider: &'a str,
    /// The provider's own number of it.
    pub reference: &'a str,
    /// The order it was made for.
    pub order_id: &'a str,
    /// Whose order that is.
    pub user: &'a str,
    /// A decimal text.
    pub amount: String,
    /// ISO 4217.
    pub currency: &'a str,
    /// How it stands.
    pub state: &'static str,
    /// When it came.
    pub received_at: TimeMs,
    /// When its state changed last.
    pub changed_at: TimeMs,
    /// The order it pays, or had paid: its own, or the one made for it when it was late.
    pub paid_order: Option<&'a str>,
}

impl<'a> PaymentOut<'a> {
    /// The payment of a ledger's record, with the ids and the name that the caller gives it.
    pub fn new(
        record: &'a PaymentRecord,
        order_id: &'a str,
        user: &'a str,
        paid_order: Option<&'a str>,
    ) -> Self {
        Self {
            payment_id: record.no.0,
            provider: &record.payment.provider,
            reference: &record.payment.reference,
            order_id,
            user,
            amount: record.payment.amount.amount(),
            currency: &record.payment.amount.currency,
            state: record.state.name(),
            received_at: record.received_at,
            changed_at: record.changed_at,
            paid_order,
        }
    }

    /// In the order of `PAYMENT_COLUMNS`.
    pub(super) fn cells(&self) -> [Cell<'_>; PAYMENT_COLUMNS.len()] {
        [
            Cell::Number(self.payment_id),
            Cell::Text(self.provider),
            Cell::Text(self.reference),
            Cell::Text(self.order_id),
            Cell::Text(self.user),
            Cell::Text(&self.amount),
            Cell::Text(self.currency),
            Cell::Text(self.state),
            Cell::Time(self.received_at),
            Cell::Time(self.changed_at),
            Cell::or_absent(self.paid_order, Cell::Text),
        ]
    }
}

/// RFC 3339 in UTC with milliseconds. A moment beyond the calendar's end is shown as that end.
pub(super) fn time_text(time: TimeMs, text: &mut String) {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let ms = i64::try_from(time.0).ok();
    let moment = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX);
    text.clear();
    PRINTER.print_timestamp(&moment, text).expect("a string takes every text");
}
