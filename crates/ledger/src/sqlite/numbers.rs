//! The permanent numbers on disk of everything that has a name in the program.
//! A number once released is never given another meaning.

use crate::contract::{Role, Source};
use rules::{
    ActivityNo, EventKind, OrderNo, OrderState, OrderStep, PaymentState, Seq, TimeMs, UnitKind,
};
use rusqlite::{Error, Row};

/// `claims.state`: the order was paid when it was decided, for it was free.
pub(super) const STATE_PAID: i64 = 1;
/// `claims.state`: the order was held when it was decided, for it costs something.
pub(super) const STATE_HELD: i64 = 2;

/// `names.source` of those who registered themselves.
pub(super) const SOURCE_PASSWORD: i64 = source_number(Source::Password);

/// `events.kind`.
pub(super) mod kind {
    pub const PAUSED: i64 = 1;
    pub const RESUMED: i64 = 2;
    pub const CLOSED: i64 = 3;
    pub const UNITS_ADDED: i64 = 4;
    pub const UNITS_TAKEN_BACK: i64 = 5;
    pub const CHANGED: i64 = 6;
    pub const ORDER: i64 = 7;
    pub const LINED_UP: i64 = 8;
    pub const LEFT_LINE: i64 = 9;
    pub const PAYMENT: i64 = 10;
}

pub(super) const fn kind_number(kind: &EventKind) -> i64 {
    match kind {
        EventKind::Paused => kind::PAUSED,
        EventKind::Resumed => kind::RESUMED,
        EventKind::Closed => kind::CLOSED,
        EventKind::UnitsAdded { .. } => kind::UNITS_ADDED,
        EventKind::UnitsTakenBack { .. } => kind::UNITS_TAKEN_BACK,
        EventKind::Changed(_) => kind::CHANGED,
        EventKind::Order { .. } => kind::ORDER,
        EventKind::LinedUp { .. } => kind::LINED_UP,
        EventKind::LeftLine { .. } => kind::LEFT_LINE,
        EventKind::Payment { .. } => kind::PAYMENT,
    }
}

pub(super) const fn role_number(role: Role) -> i64 {
    match role {
        Role::Buyer => 1,
        Role::Operator => 2,
    }
}

pub(super) fn role_of(number: i64) -> Option<Role> {
    [Role::Buyer, Role::Operator].into_iter().find(|role| role_number(*role) == number)
}

pub(super) const fn source_number(source: Source) -> i64 {
    match source {
        Source::Password => 1,
        Source::Issuer => 2,
        Source::Vouching => 3,
        Source::CommandLine => 4,
    }
}

pub(super) fn source_of(number: i64) -> Option<Source> {
    [Source::Password, Source::Issuer, Source::Vouching, Source::CommandLine]
        .into_iter()
        .find(|source| source_number(*source) == number)
}

pub(super) const fn unit_kind_number(kind: UnitKind) -> i64 {
    match kind {
        UnitKind::Plain => 1,
        UnitKind::Codes => 2,
    }
}

pub(super) fn unit_kind_of(number: i64) -> Option<UnitKind> {
    [UnitKind::Plain, UnitKind::Codes].into_iter().find(|kind| unit_kind_number(*kind) == number)
}

/// The state of an order with this number.
pub(super) fn order_state_of(number: i64) -> Option<OrderState> {
    OrderState::from_number(u8::try_from(number).ok()?)
}

/// The step of an order with this number.
pub(super) fn order_step_of(number: i64) -> Option<OrderStep> {
    OrderStep::from_number(u8::try_from(number).ok()?)
}

/// The state of a payment with this number.
pub(super) fn payment_state_of(number: i64) -> Option<PaymentState> {
    PaymentState::from_number(u8::try_from(number).ok()?)
}

/// The key of a claim's row. An activity's number stays far below 2^31, so the sum is never negative.
pub(super) fn place(activity: ActivityNo, seq: Seq) -> i64 {
    assert!(activity.0 <= rules::ACTIVITIES_MAX, "an activity's number is bounded");
    i64::from(activity.0) << 32 | i64::from(seq.0)
}

/// The activity and the seq that a place stands for.
pub(super) fn of_place(place: i64) -> Option<(ActivityNo, Seq)> {
    let activity = u32::try_from(place >> 32).ok()?;
    Some((ActivityNo(activity), Seq((place & i64::from(u32::MAX)) as u32)))
}

/// The place of an order: that of its first line.
pub(super) fn order_place(order: OrderNo) -> i64 {
    place(order.activity, order.seq)
}

/// The order whose place a column holds.
pub(super) fn order_at(row: &Row<'_>, column: usize) -> rusqlite::Result<OrderNo> {
    let place = row.get(column)?;
    let (activity, seq) = of_place(place).ok_or(Error::IntegralValueOutOfRange(column, place))?;
    Ok(OrderNo { activity, seq })
}

/// The order whose place a column holds, where it holds one.
pub(super) fn order_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<OrderNo>> {
    let place: Option<i64> = row.get(column)?;
    place.map(|_| order_at(row, column)).transpose()
}

/// A time as stored; beyond the year 292 million it stands still.
pub(super) fn stored(time: TimeMs) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// A time as read.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<TimeMs> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map(TimeMs).map_err(|_| Error::IntegralValueOutOfRange(column, stored))
}

/// A time as read, where there is one.
pub(super) fn time_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<TimeMs>> {
    let stored: Option<i64> = row.get(column)?;
    stored.map(|_| time(row, column)).transpose()
}

/// What a permanent number stands for.
pub(super) fn named<T>(
    row: &Row<'_>,
    column: usize,
    of: impl FnOnce(i64) -> Option<T>,
) -> rusqlite::Result<T> {
    let number = row.get(column)?;
    of(number).ok_or(Error::IntegralValueOutOfRange(column, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_disk_are_permanent() {
        assert_eq!([Role::Buyer, Role::Operator].map(role_number), [1, 2]);
        let sources = [Source::Password, Source::Issuer, Source::Vouching, Source::CommandLine];
        assert_eq!(sources.map(source_number), [1, 2, 3, 4]);
        assert_eq!([UnitKind::Plain, UnitKind::Codes].map(unit_kind_number), [1, 2]);
        let kinds = [
            kind::PAUSED,
            kind::RESUMED,
            kind::CLOSED,
            kind::UNITS_ADDED,
            kind::UNITS_TAKEN_BACK,
            kind::CHANGED,
            kind::ORDER,
            kind::LINED_UP,
            kind::LEFT_LINE,
            kind::PAYMENT,
        ];
        assert_eq!(kinds, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!((STATE_PAID, STATE_HELD, SOURCE_PASSWORD), (1, 2, 1));
        assert_eq!(place(ActivityNo(3), Seq(7)), 3 * (1 << 32) + 7);
        assert_eq!(of_place(place(ActivityNo(3), Seq(7))), Some((ActivityNo(3), Seq(7))));
        assert_eq!((role_of(0), source_of(5), unit_kind_of(3)), (None, None, None));
        assert_eq!(
            (order_state_of(7), order_step_of(-1), payment_state_of(256)),
            (None, None, None)
        );
    }
}
