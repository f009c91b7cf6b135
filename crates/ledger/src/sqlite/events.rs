//! Changes of activities: numbered, checked under the writer's lock, never undone.
//! What is closed stays closed, and a unit's number is given once.

use super::activities::add_code;
use super::definition;
use super::fault::Fail;
use super::numbers::{kind, kind_number, named, order_step_of, payment_state_of, stored, time};
use crate::contract::{AddedCodes, Appended, Cause, EventDraft, OperatorKey};
use rules::{
    ActivityNo, Event, EventKind, EventNo, JoinNo, Seq, TimeMs, TypeNo, UNITS_MAX, UnitKind, UserNo,
};
use rusqlite::{Connection, Error, OptionalExtension, Row};
use std::ops::Range;

/// Writes a change; `Err`: nothing is to be written, and why.
pub(super) fn append(
    connection: &Connection,
    draft: &EventDraft,
) -> Result<Result<Event, Appended>, Fail> {
    if let Some(key) = draft.key
        && let Some(event) = known(connection, draft.activity, key)?
    {
        return Ok(Err(Appended::Known(event)));
    }
    if is_closed(connection, draft.activity)?.ok_or(Fail::Because(Cause::Corrupt))? {
        return Ok(Err(Appended::Closed));
    }
    let Some(kind) = settled(connection, draft)? else { return Ok(Err(Appended::TooMany)) };
    let event = write(connection, draft.activity, draft.at, kind, draft.key)?;
    apply(connection, &event)?;
    Ok(Ok(event))
}

/// Writes what happened to an order, a payment or a line. Whether it could, the caller has decided; it ends the
/// transaction with `reached`, once for each activity.
pub(super) fn tell(
    connection: &Connection,
    activity: ActivityNo,
    at: TimeMs,
    kind: EventKind,
) -> Result<Event, Fail> {
    write(connection, activity, at, kind, None)
}

/// Notes the last event of an activity.
pub(super) fn reached(
    connection: &Connection,
    activity: ActivityNo,
    no: EventNo,
) -> Result<(), Fail> {
    let through = i64::try_from(no.0).map_err(|_| Fail::Because(Cause::Full))?;
    let sql = "UPDATE activities SET through = ? WHERE no = ? AND through < ?1";
    let changed = connection.prepare_cached(sql)?.execute((through, activity.0))?;
    assert_eq!(changed, 1, "an activity's events come in the order of their numbers");
    Ok(())
}

/// Adds the codes that are new, as units that follow the last one; `None`: the activity is closed.
pub(super) fn add_codes(
    connection: &Connection,
    activity: ActivityNo,
    ticket_type: TypeNo,
    codes: &[String],
    at: TimeMs,
) -> Result<Option<AddedCodes>, Fail> {
    if is_closed(connection, activity)?.ok_or(Fail::Because(Cause::Corrupt))? {
        return Ok(None);
    }
    let first = made(connection, activity, ticket_type, UnitKind::Codes)?;
    let mut past = first;
    let mut duplicates = Vec::new();
    for (place, code) in codes.iter().enumerate() {
        if past >= UNITS_MAX {
            return Err(Fail::Because(Cause::Full));
        }
        match add_code(connection, activity, ticket_type, past, code)? {
            true => past += 1,
            false => duplicates.push(place),
        }
    }
    if past == first {
        return Ok(Some(AddedCodes { event: None, duplicates }));
    }
    let kind = EventKind::UnitsAdded { ticket_type, units: first..past };
    let event = write(connection, activity, at, kind, None)?;
    apply(connection, &event)?;
    Ok(Some(AddedCodes { event: Some(event), duplicates }))
}

/// Whether an activity is closed; `None`: there is none.
pub(super) fn is_closed(
    connection: &Connection,
    activity: ActivityNo,
) -> Result<Option<bool>, Fail> {
    let mut statement = connection.prepare_cached("SELECT closed FROM activities WHERE no = ?")?;
    Ok(statement.query_row([activity.0], |row| row.get(0)).optional()?)
}

fn made(
    connection: &Connection,
    activity: ActivityNo,
    ticket_type: TypeNo,
    kind: UnitKind,
) -> Result<u32, Fail> {
    let sql = "SELECT made, unit_kind FROM ticket_types WHERE activity = ? AND no = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let (made, stored): (u32, i64) =
        statement.query_row((activity.0, ticket_type.0), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let same = stored == super::numbers::unit_kind_number(kind);
    assert!(same, "codes are added to types with codes, and plain units to plain types");
    Ok(made)
}

/// The change with the numbers of its units given; `None`: there would be too many of them.
fn settled(connection: &Connection, draft: &EventDraft) -> Result<Option<EventKind>, Fail> {
    let EventKind::UnitsAdded { ticket_type, units } = &draft.kind else {
        return Ok(Some(draft.kind.clone()));
    };
    let first = made(connection, draft.activity, *ticket_type, UnitKind::Plain)?;
    let past = first.checked_add(units.end - units.start).filter(|past| *past <= UNITS_MAX);
    Ok(past.map(|past| EventKind::UnitsAdded { ticket_type: *ticket_type, units: first..past }))
}

/// What an event's row says besides its activity, its moment and its kind.
#[derive(Default)]
struct Particulars {
    ticket_type: Option<u16>,
    first_unit: Option<u32>,
    past_unit: Option<u32>,
    order: Option<u32>,
    step: Option<u8>,
    user: Option<u32>,
    join: Option<i64>,
    payment: Option<i64>,
    payment_state: Option<u8>,
}

impl Particulars {
    fn of(kind: &EventKind) -> Self {
        let none = Self::default();
        match kind {
            EventKind::UnitsAdded { ticket_type, units } => Self {
                ticket_type: Some(ticket_type.0),
                first_unit: Some(units.start),
                past_unit: Some(units.end),
                ..none
            },
            EventKind::UnitsTakenBack { ticket_type, .. } => {
                Self { ticket_type: Some(ticket_type.0), ..none }
            }
            EventKind::Order { order, step } => {
                Self { order: Some(order.0), step: Some(step.number()), ..none }
            }
            EventKind::LinedUp { ticket_type, user } => {
                Self { ticket_type: Some(ticket_type.0), user: Some(user.0), ..none }
            }
            EventKind::LeftLine { ticket_type, user, join } => Self {
                ticket_type: Some(ticket_type.0),
                user: Some(user.0),
                join: Some(join.0.0.cast_signed()),
                ..none
            },
            EventKind::Payment { payment, order, state } => Self {
                order: Some(order.0),
                payment: Some(payment.cast_signed()),
                payment_state: Some(state.number()),
                ..none
            },
            EventKind::Paused | EventKind::Resumed | EventKind::Closed | EventKind::Changed(_) => {
                none
            }
        }
    }
}

fn write(
    connection: &Connection,
    activity: ActivityNo,
    at: TimeMs,
    kind: EventKind,
    key: Option<OperatorKey>,
) -> Result<Event, Fail> {
    let sql =
        "INSERT INTO events (activity, at, kind, ticket_type, first_unit, past_unit, operator,
                   key, order_seq, step, user_no, join_no, payment, payment_state)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let said = Particulars::of(&kind);
    let row = (
        activity.0,
        stored(at),
        kind_number(&kind),
        said.ticket_type,
        said.first_unit,
        said.past_unit,
        key.map(|key| key.operator.0),
        key.map(|key| key.key.to_bytes()),
        said.order,
        said.step,
        said.user,
        said.join,
        said.payment,
        said.payment_state,
    );
    let no = connection.prepare_cached(sql)?.insert(row)?;
    Ok(Event { no: EventNo(no.unsigned_abs()), activity, at, kind })
}

/// Brings the activity to where the event leaves it.
fn apply(connection: &Connection, event: &Event) -> Result<(), Fail> {
    let activity = event.activity;
    match &event.kind {
        EventKind::Paused => set(connection, "paused = 1", activity)?,
        EventKind::Resumed => set(connection, "paused = 0", activity)?,
        EventKind::Closed => set(connection, "closed = 1", activity)?,
        EventKind::UnitsAdded { ticket_type, units } => {
            let sql = "UPDATE ticket_types SET made = ? WHERE activity = ? AND no = ? AND made = ?";
            let row = (units.end, activity.0, ticket_type.0, units.start);
            let changed = connection.prepare_cached(sql)?.execute(row)?;
            assert_eq!(changed, 1, "new units follow the last one ever made");
        }
        EventKind::UnitsTakenBack { ticket_type, units } => {
            take_back(connection, event, *ticket_type, units)?;
        }
        EventKind::Changed(definition) => definition::update(connection, activity, definition)?,
        EventKind::Order { .. }
        | EventKind::LinedUp { .. }
        | EventKind::LeftLine { .. }
        | EventKind::Payment { .. } => panic!("{:?} is no change of an operator", event.kind),
    }
    reached(connection, activity, event.no)
}

fn set(connection: &Connection, what: &'static str, activity: ActivityNo) -> Result<(), Fail> {
    let sql = format!("UPDATE activities SET {what} WHERE no = ?");
    connection.prepare_cached(&sql)?.execute([activity.0])?;
    Ok(())
}

fn take_back(
    connection: &Connection,
    event: &Event,
    ticket_type: TypeNo,
    units: &[Range<u32>],
) -> Result<(), Fail> {
    let made = made(connection, event.activity, ticket_type, UnitKind::Plain)?;
    let no = i64::try_from(event.no.0).map_err(|_| Fail::Because(Cause::Full))?;
    let overlap = "SELECT 1 FROM taken_back
                   WHERE activity = ? AND ticket_type = ? AND first_unit < ? AND past_unit > ?";
    let mut overlap = connection.prepare_cached(overlap)?;
    let mut insert = connection.prepare_cached("INSERT INTO taken_back VALUES (?, ?, ?, ?, ?)")?;
    for range in units {
        let (first, past) = (range.start, range.end);
        assert!(first < past && past <= made, "only units that were made are taken back");
        let twice = overlap.exists((event.activity.0, ticket_type.0, past, first))?;
        assert!(!twice, "a unit is taken back once");
        insert.execute((event.activity.0, ticket_type.0, first, past, no))?;
    }
    Ok(())
}

/// The columns of an event, in the order in which `event` reads them.
pub(super) const COLUMNS: &str = "events.no, events.at, events.kind, events.ticket_type, \
    events.first_unit, events.past_unit, events.order_seq, events.step, events.user_no, \
    events.join_no, events.payment, events.payment_state";

/// What an operator's key did then.
pub fn known(
    connection: &Connection,
    activity: ActivityNo,
    key: OperatorKey,
) -> Result<Option<Event>, Fail> {
    let sql =
        format!("SELECT {COLUMNS} FROM events WHERE activity = ? AND operator = ? AND key = ?");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((activity.0, key.operator.0, key.key.to_bytes()))?;
    rows.next()?.map(|row| event(connection, activity, row)).transpose()
}

/// An event of this activity from a row that begins with `COLUMNS`.
pub(super) fn event(
    connection: &Connection,
    activity: ActivityNo,
    row: &Row<'_>,
) -> Result<Event, Fail> {
    let no: i64 = row.get(0)?;
    let kind = match row.get(2)? {
        kind::PAUSED => EventKind::Paused,
        kind::RESUMED => EventKind::Resumed,
        kind::CLOSED => EventKind::Closed,
        kind::UNITS_ADDED => {
            let (ticket_type, units) = (TypeNo(row.get(3)?), row.get(4)?..row.get(5)?);
            EventKind::UnitsAdded { ticket_type, units }
        }
        kind::UNITS_TAKEN_BACK => {
            let ticket_type = TypeNo(row.get(3)?);
            let units = taken_back(connection, activity, ticket_type, no)?;
            EventKind::UnitsTakenBack { ticket_type, units }
        }
        // Former definitions are not kept: the event tells of the one that stands now.
        kind::CHANGED => EventKind::Changed(Box::new(standing(connection, activity)?)),
        other => of_orders(row, other)?,
    };
    Ok(Event { no: EventNo(no.unsigned_abs()), activity, at: time(row, 1)?, kind })
}

fn of_orders(row: &Row<'_>, number: i64) -> rusqlite::Result<EventKind> {
    Ok(match number {
        kind::ORDER => {
            EventKind::Order { order: Seq(row.get(6)?), step: named(row, 7, order_step_of)? }
        }
        kind::LINED_UP => {
            EventKind::LinedUp { ticket_type: TypeNo(row.get(3)?), user: UserNo(row.get(8)?) }
        }
        kind::LEFT_LINE => EventKind::LeftLine {
            ticket_type: TypeNo(row.get(3)?),
            user: UserNo(row.get(8)?),
            join: join(row, 9)?,
        },
        kind::PAYMENT => EventKind::Payment {
            payment: row.get::<_, i64>(10)?.unsigned_abs(),
            order: Seq(row.get(6)?),
            state: named(row, 11, payment_state_of)?,
        },
        other => return Err(Error::IntegralValueOutOfRange(2, other)),
    })
}

/// A place in a line as read.
pub(super) fn join(row: &Row<'_>, column: usize) -> rusqlite::Result<JoinNo> {
    let no: i64 = row.get(column)?;
    Ok(JoinNo(EventNo(no.unsigned_abs())))
}

fn standing(connection: &Connection, activity: ActivityNo) -> Result<rules::Activity, Fail> {
    let stored = definition::read_rows(connection, activity.0..=activity.0)?.pop();
    stored.map(|stored| stored.activity).ok_or(Fail::Because(Cause::Corrupt))
}

fn taken_back(
    connection: &Connection,
    activity: ActivityNo,
    ticket_type: TypeNo,
    event: i64,
) -> Result<Box<[Range<u32>]>, Fail> {
    let sql = "SELECT first_unit, past_unit FROM taken_back
               WHERE activity = ? AND ticket_type = ? AND event = ? ORDER BY first_unit DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let ranges = statement
        .query_map((activity.0, ticket_type.0, event), |row| Ok(row.get(0)?..row.get(1)?))?;
    Ok(ranges.collect::<Result<_, _>>()?)
}
