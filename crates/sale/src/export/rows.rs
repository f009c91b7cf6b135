//! The rows of exports: which columns, in which order, and what stands in each.
//! How a cell looks is the formats' affair; the order of columns here is the contract's.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use ledger::{OrderRow, ParticipantRow};
use rules::{Activity, TimeMs};

/// The state of every order while all of them are free.
const STATE_PAID: &str = "paid";
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

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// A text that a person may have chosen.
    Text(&'a str),
    /// A redemption code: exactly as it was imported, whatever it begins with.
    Code(&'a str),
    /// A count.
    Number(u32),
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
    /// For free ones the moment of the decision.
    pub paid_at: Option<TimeMs>,
    /// When the ticket was redeemed.
    pub redeemed_at: Option<TimeMs>,
}

impl<'a> OrderOut<'a> {
    /// The order of a ledger's row, with the ids that the caller gives it.
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
        Self {
            order_id,
            ticket_id,
            claim_no: row.claim.claim_no.0,
            user: row.user,
            display_name: row.display_name,
            department: row.department,
            type_id: &sold.id,
            code: row.code,
            state: STATE_PAID,
            price: sold.price.amount(),
            currency: &sold.price.currency,
            decided_at: row.claim.decided_at,
            paid_at: sold.price.is_free().then_some(row.claim.decided_at),
            redeemed_at: None,
        }
    }

    /// In the order of `ORDER_COLUMNS`.
    pub(super) fn cells(&self) -> [Cell<'_>; ORDER_COLUMNS.len()] {
        [
            Cell::Text(self.order_id),
            Cell::Text(self.ticket_id),
            Cell::Number(self.claim_no),
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
            Cell::or_absent(self.claim_no, Cell::Number),
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
