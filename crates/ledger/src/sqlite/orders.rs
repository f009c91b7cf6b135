//! How orders stand: a row for each one to which something has happened, and nothing for the others.
//! A state changes only as `rules::OrderState::after` has it, from the one that is found (O1).

use super::claims::places;
use super::fault::Fail;
use super::numbers::{STATE_HELD, named, order_place, order_state_of, stored, time_or_none};
use crate::contract::{Cause, OrderMark};
use rules::{ActivityNo, Claim, OrderNo, OrderState, OrderStep, TimeMs};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Rows};

/// The columns of a mark, in the order in which `mark` reads them.
pub(super) const COLUMNS: &str = "orders.state, orders.paid_at, orders.ended_at";

/// The mark in three columns beginning with `first`, where the order has a row.
pub(super) fn mark(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<OrderMark>> {
    let state: Option<i64> = row.get(first)?;
    let Some(_) = state else { return Ok(None) };
    let state = named(row, first, order_state_of)?;
    let (paid_at, ended_at) = (time_or_none(row, first + 1)?, time_or_none(row, first + 2)?);
    Ok(Some(OrderMark { state, paid_at, ended_at }))
}

/// The mark of an order to which nothing has happened.
pub(super) const fn first_mark(line: &Claim) -> OrderMark {
    untouched(line.first_state())
}

const fn untouched(state: OrderState) -> OrderMark {
    OrderMark { state, paid_at: None, ended_at: None }
}

/// What `Marks` goes through.
pub(super) const MARKS: &str =
    "SELECT place, state, paid_at, ended_at FROM orders WHERE place BETWEEN ? AND ? ORDER BY place";

/// The marks of an activity's orders, read beside its lines: both come in the order of their places.
pub(super) struct Marks<'a> {
    rows: Rows<'a>,
    /// The next one.
    next: Option<(i64, OrderMark)>,
}

impl<'a> Marks<'a> {
    /// From a statement of `MARKS`.
    pub(super) fn of(
        statement: &'a mut CachedStatement<'_>,
        activity: ActivityNo,
    ) -> Result<Self, Fail> {
        let mut marks = Self { rows: statement.query(places(activity))?, next: None };
        marks.advance()?;
        Ok(marks)
    }

    /// The mark of a line's order; to be asked for lines in the order of seq.
    pub(super) fn of_line(&mut self, line: &Claim) -> Result<OrderMark, Fail> {
        let order = order_place(line.order());
        while self.next.is_some_and(|(place, _)| place < order) {
            self.advance()?;
        }
        let found = self.next.filter(|(place, _)| *place == order);
        Ok(found.map_or_else(|| first_mark(line), |(_, mark)| mark))
    }

    fn advance(&mut self) -> Result<(), Fail> {
        self.next = match self.rows.next()? {
            Some(row) => Some((row.get(0)?, mark(row, 1)?.ok_or(Fail::Because(Cause::Corrupt))?)),
            None => None,
        };
        Ok(())
    }
}

/// An order as it is found, by whoever may change it.
#[derive(Clone, Copy)]
pub(super) struct Found {
    order: OrderNo,
    pub(super) mark: OrderMark,
    /// Whether something has happened to it before.
    has_row: bool,
}

/// An order by its place; `None`: no order begins there.
pub(super) fn find(connection: &Connection, order: OrderNo) -> Result<Option<Found>, Fail> {
    let sql = "SELECT orders.state, orders.paid_at, orders.ended_at, claims.state FROM claims
               LEFT JOIN orders ON orders.place = claims.place
               WHERE claims.place = ? AND claims.line = 0";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([order_place(order)], |row| {
        let (mark, began): (_, i64) = (mark(row, 0)?, row.get(3)?);
        let first = if began == STATE_HELD { OrderState::Held } else { OrderState::Paid };
        let has_row = mark.is_some();
        Ok(Found { order, mark: mark.unwrap_or(untouched(first)), has_row })
    });
    Ok(found.optional()?)
}

impl Found {
    /// Takes a step that is possible. Where buyers were sent to pay is left as it is: what is over may be paid there
    /// until it is closed.
    pub(super) fn take(
        &self,
        connection: &Connection,
        step: OrderStep,
        at: TimeMs,
    ) -> Result<(), Fail> {
        let from = self.mark.state;
        let state =
            from.after(step).expect("whoever takes a step has looked whether it is possible");
        let OrderMark { mut paid_at, mut ended_at, .. } = self.mark;
        match step {
            OrderStep::Pay => paid_at = Some(at),
            OrderStep::Cancel | OrderStep::Expire | OrderStep::OweRefund => ended_at = Some(at),
            OrderStep::Refund => {}
        }
        // Without a row nothing has happened before: the key sees to it that this stays true.
        let sql = if self.has_row {
            "UPDATE orders SET state = ?2, paid_at = ?3, ended_at = ?4 WHERE place = ?1"
        } else {
            "INSERT INTO orders VALUES (?, ?, ?, ?)"
        };
        let place = order_place(self.order);
        let row = (place, state.number(), paid_at.map(stored), ended_at.map(stored));
        let changed = connection.prepare_cached(sql)?.execute(row)?;
        assert_eq!(changed, 1, "one order takes one step");
        Ok(())
    }
}
