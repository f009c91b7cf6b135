//! Payments, and where buyers were sent to pay. A provider's reference is one payment for ever (O4).
//! A payment's state changes only as `PaymentState::may_become` has it (O2).

use super::SqliteLedger;
use super::claims::places;
use super::fault::Fail;
use super::numbers::{named, order_at, order_or_none, order_place, payment_state_of, stored, time};
use crate::contract::{Cause, LedgerFault, NewPayment, OpenPayment, PaymentNo, PaymentRecord};
use rules::{ActivityNo, Money, OrderNo, PaymentState, TimeMs};
use rusqlite::{Connection, Error, Params, Row, params};

/// Rows read at a time, where whoever receives them may be slow.
const ROWS_AT_A_TIME: usize = 1_000;

/// The columns of a payment, in the order in which `record` reads them.
pub(super) const COLUMNS: &str = "payments.no, payments.provider, payments.reference, \
    payments.order_place, payments.amount_minor, payments.currency, payments.state, \
    payments.paid_order, payments.received_at, payments.changed_at, payments.refund_attempts, \
    payments.refund_after";

/// A payment from a row that begins with `COLUMNS`.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<PaymentRecord> {
    let (no, minor): (i64, i64) = (row.get(0)?, row.get(4)?);
    let minor = u64::try_from(minor).map_err(|_| Error::IntegralValueOutOfRange(4, minor))?;
    Ok(PaymentRecord {
        no: PaymentNo(no.unsigned_abs()),
        payment: NewPayment {
            provider: row.get(1)?,
            reference: row.get(2)?,
            order: order_at(row, 3)?,
            amount: Money { minor, currency: row.get(5)? },
        },
        state: named(row, 6, payment_state_of)?,
        paid_order: order_or_none(row, 7)?,
        received_at: time(row, 8)?,
        changed_at: time(row, 9)?,
        refund_attempts: row.get(10)?,
        refund_after: time(row, 11)?,
    })
}

fn select(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<PaymentRecord>, Fail> {
    let sql = format!("SELECT {COLUMNS} FROM payments {which}");
    let mut statement = connection.prepare_cached(&sql)?;
    let payments = statement.query_map(params, record)?;
    Ok(payments.collect::<Result<_, _>>()?)
}

const fn row_no(no: PaymentNo) -> i64 {
    no.0.cast_signed()
}

/// The payment with this number.
pub(super) fn by_no(connection: &Connection, no: PaymentNo) -> Result<Option<PaymentRecord>, Fail> {
    Ok(select(connection, "WHERE no = ?", [row_no(no)])?.pop())
}

/// The payment with a provider's reference.
pub(super) fn by_reference(
    connection: &Connection,
    payment: &NewPayment,
) -> Result<Option<PaymentRecord>, Fail> {
    let wanted = (&payment.provider, &payment.reference);
    Ok(select(connection, "WHERE provider = ? AND reference = ?", wanted)?.pop())
}

/// Payments for an order, or that pay it, in the order of their numbers.
pub(super) fn of_order(
    connection: &Connection,
    order: OrderNo,
) -> Result<Vec<PaymentRecord>, Fail> {
    // Most payments pay the order they were made for, and an index of the others is enough.
    let which = "WHERE no IN (
            SELECT no FROM payments WHERE order_place = ?1 UNION
            SELECT no FROM payments WHERE paid_order = ?1 AND paid_order <> order_place)
        ORDER BY no";
    select(connection, which, [order_place(order)])
}

/// Payments below `before`, newest first.
pub(super) fn newest(
    connection: &Connection,
    before: Option<PaymentNo>,
    state: Option<PaymentState>,
    most: u32,
) -> Result<Vec<PaymentRecord>, Fail> {
    let before = before.map_or(i64::MAX, |no| i64::try_from(no.0).unwrap_or(i64::MAX));
    match state {
        None => select(connection, "WHERE no < ? ORDER BY no DESC LIMIT ?", (before, most)),
        // Almost all are confirmed: whoever asks for those finds them one after the other.
        Some(PaymentState::Confirmed) => {
            let which = "WHERE no < ? AND state = 2 ORDER BY no DESC LIMIT ?";
            select(connection, which, (before, most))
        }
        Some(state) => {
            let which = "WHERE no < ? AND state IN (1, 3, 4) AND state = ?
                         ORDER BY no DESC LIMIT ?";
            select(connection, which, (before, state.number(), most))
        }
    }
}

// The schema's index of payments that are not confirmed, and the questions that use it, name states by number.
const _: () = assert!(PaymentState::Confirmed.number() == 2 && PaymentState::ALL.len() == 4);
const _: () = assert!(PaymentState::RefundDue.number() == 3);

/// Payments in a state that may be worked on at `now`, the one that may longest first.
pub(super) fn waiting(
    connection: &Connection,
    state: PaymentState,
    provider: Option<&str>,
    now: TimeMs,
    most: u32,
) -> Result<Vec<PaymentRecord>, Fail> {
    let of_state = match state {
        PaymentState::Confirmed => "state = ?1",
        // As the index has it.
        PaymentState::RefundDue if provider.is_some() => "state = 3 AND state = ?1",
        _ => "state IN (1, 3, 4) AND state = ?1",
    };
    // Two questions: one that left it open whether a provider is asked for would use no index of them.
    let of_provider = if provider.is_some() { "provider = ?3" } else { "?3 IS NULL" };
    let which = format!(
        "WHERE {of_state} AND refund_after <= ?2 AND {of_provider}
         ORDER BY refund_after, no LIMIT ?4"
    );
    select(connection, &which, (state.number(), stored(now), provider, most))
}

/// Visits an activity's payments, some at a time: a reading transaction that stays open would keep the log from
/// being emptied.
pub(super) fn visit(
    ledger: &SqliteLedger,
    activity: ActivityNo,
    visit: &mut dyn FnMut(&PaymentRecord) -> bool,
) -> Result<(), LedgerFault> {
    let numbers = ledger.read("reading payments", |connection| numbers(connection, activity))?;
    for some in numbers.chunks(ROWS_AT_A_TIME) {
        let payments = ledger.read("reading payments", |connection| {
            // One transaction: taking and giving back SQLite's lock costs more than finding a payment.
            let reading = connection.unchecked_transaction()?;
            let found = some.iter().map(|no| by_no(&reading, *no));
            found.collect::<Result<Vec<_>, _>>()
        })?;
        if !payments.iter().flatten().all(&mut *visit) {
            return Ok(());
        }
    }
    Ok(())
}

fn numbers(connection: &Connection, activity: ActivityNo) -> Result<Vec<PaymentNo>, Fail> {
    let sql = "SELECT no FROM payments WHERE order_place BETWEEN ? AND ?";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement
        .query_map(places(activity), |row| Ok(PaymentNo(row.get::<_, i64>(0)?.unsigned_abs())))?;
    let mut numbers: Vec<_> = numbers.collect::<Result<_, _>>()?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// Writes a new payment in the state in which it begins.
pub(super) fn add(
    connection: &Connection,
    payment: &NewPayment,
    state: PaymentState,
    at: TimeMs,
) -> Result<PaymentRecord, Fail> {
    let minor = i64::try_from(payment.amount.minor).map_err(|_| Fail::Because(Cause::Full))?;
    let paid_order = (state == PaymentState::Confirmed).then_some(payment.order);
    let sql =
        "INSERT INTO payments (provider, reference, order_place, amount_minor, currency, state,
                   paid_order, received_at, changed_at, refund_attempts, refund_after)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 0, ?8)";
    let row = params![
        payment.provider,
        payment.reference,
        order_place(payment.order),
        minor,
        payment.amount.currency,
        state.number(),
        paid_order.map(order_place),
        stored(at),
    ];
    let no = connection.prepare_cached(sql)?.insert(row)?;
    Ok(PaymentRecord {
        no: PaymentNo(no.unsigned_abs()),
        payment: payment.clone(),
        state,
        paid_order,
        received_at: at,
        changed_at: at,
        refund_attempts: 0,
        refund_after: at,
    })
}

/// Brings a payment into another state, which has to be possible; `paid_order` is set with `Confirmed` and stays.
pub(super) fn turn(
    connection: &Connection,
    payment: &mut PaymentRecord,
    state: PaymentState,
    paid_order: Option<OrderNo>,
    at: TimeMs,
) -> Result<(), Fail> {
    let from = payment.state;
    assert!(from.may_become(state), "whoever changes a payment has looked whether it is possible");
    let paid_order = paid_order.or(payment.paid_order);
    // Giving money back begins with its own first attempt, however often something else was tried.
    let (refund_attempts, refund_after) = match state {
        PaymentState::RefundDue => (0, at),
        _ => (payment.refund_attempts, payment.refund_after),
    };
    let sql = "UPDATE payments SET state = ?, paid_order = ?, changed_at = ?, refund_attempts = ?,
                   refund_after = ?
               WHERE no = ? AND state = ?";
    let changed = connection.prepare_cached(sql)?.execute((
        state.number(),
        paid_order.map(order_place),
        stored(at),
        refund_attempts,
        stored(refund_after),
        row_no(payment.no),
        from.number(),
    ))?;
    assert_eq!(changed, 1, "a state changes only from the one that was found");
    (payment.state, payment.paid_order) = (state, paid_order);
    (payment.refund_attempts, payment.refund_after) = (refund_attempts, refund_after);
    payment.changed_at = at;
    Ok(())
}

/// Notes an attempt that came to nothing.
pub(super) fn put_off(
    connection: &Connection,
    payment: &mut PaymentRecord,
    after: TimeMs,
) -> Result<(), Fail> {
    let attempts = payment.refund_attempts.saturating_add(1);
    let sql = "UPDATE payments SET refund_attempts = ?, refund_after = ? WHERE no = ?";
    connection.prepare_cached(sql)?.execute((attempts, stored(after), row_no(payment.no)))?;
    (payment.refund_attempts, payment.refund_after) = (attempts, after);
    Ok(())
}

/// Notes that a buyer is sent to a provider; false: that was so already.
pub(super) fn start(connection: &Connection, open: &OpenPayment) -> Result<bool, Fail> {
    let sql = "INSERT INTO pay_starts VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    let row = (order_place(open.order), &open.provider, stored(open.started_at));
    Ok(connection.prepare_cached(sql)?.execute(row)? == 1)
}

/// Notes that an order was closed at a provider; false: that was so already, or nobody was sent there with it.
pub(super) fn closed_there(
    connection: &Connection,
    order: OrderNo,
    provider: &str,
) -> Result<bool, Fail> {
    let sql = "DELETE FROM pay_starts WHERE place = ? AND provider = ?";
    Ok(connection.prepare_cached(sql)?.execute((order_place(order), provider))? == 1)
}

/// Starts after `after`: one is removed once the order is paid from there, or closed there.
pub(super) fn open(
    connection: &Connection,
    after: Option<&(OrderNo, String)>,
    most: u32,
) -> Result<Vec<OpenPayment>, Fail> {
    let sql = "SELECT place, provider, started_at FROM pay_starts
               WHERE (place, provider) > (?, ?) ORDER BY place, provider LIMIT ?";
    let (place, provider) = match after {
        Some((order, provider)) => (order_place(*order), provider.as_str()),
        None => (-1, ""),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let open = statement.query_map((place, provider, most), |row| {
        let (order, provider, started_at) = (order_at(row, 0)?, row.get(1)?, time(row, 2)?);
        Ok(OpenPayment { order, provider, started_at })
    })?;
    Ok(open.collect::<Result<_, _>>()?)
}
