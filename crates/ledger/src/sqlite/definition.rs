//! An activity's definition as rows, both ways, by hand: what is on disk does not follow the program's types.
//! It never guesses: a row that this program would not write is damage.

use super::fault::Fail;
use super::numbers::{named, stored, time, time_or_none, unit_kind_number, unit_kind_of};
use crate::contract::{Cause, StoredActivity, StoredType};
use rules::{Activity, ActivityNo, EventNo, Money, TicketType, TypeNo, Validity, Window};
use rusqlite::{Connection, Error, Row, params};
use std::ops::RangeInclusive;

/// Writes the row of a new activity.
pub(super) fn insert(connection: &Connection, activity: &Activity) -> rusqlite::Result<ActivityNo> {
    let sql = "INSERT INTO activities (id, name, description, image, start_at, end_at,
                   limit_per_user, has_roster, standby, paused, closed, through)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0) RETURNING no";
    let mut statement = connection.prepare_cached(sql)?;
    let row = (
        &activity.id,
        &activity.name,
        &activity.desc,
        &activity.image,
        stored(activity.window.start()),
        stored(activity.window.end()),
        activity.limit_per_user,
        activity.has_roster,
        activity.standby,
    );
    Ok(ActivityNo(statement.query_row(row, |row| row.get(0))?))
}

/// Replaces everything of a definition that is not its id, its number or its count of types.
pub(super) fn update(
    connection: &Connection,
    no: ActivityNo,
    activity: &Activity,
) -> Result<(), Fail> {
    let sql =
        "UPDATE activities SET name = ?, description = ?, image = ?, start_at = ?, end_at = ?,
                   limit_per_user = ?, has_roster = ?, standby = ? WHERE no = ?";
    let changed = connection.prepare_cached(sql)?.execute((
        &activity.name,
        &activity.desc,
        &activity.image,
        stored(activity.window.start()),
        stored(activity.window.end()),
        activity.limit_per_user,
        activity.has_roster,
        activity.standby,
        no.0,
    ))?;
    assert_eq!(changed, 1, "only an activity that exists is changed");
    for (index, ticket) in activity.types.iter().enumerate() {
        put_type(connection, no, type_no(index), ticket, 0)?;
    }
    Ok(())
}

/// Writes the row of a type, with `made` units; of one that exists, everything but its id, kind and units.
pub(super) fn put_type(
    connection: &Connection,
    activity: ActivityNo,
    no: TypeNo,
    ticket: &TicketType,
    made: u32,
) -> Result<(), Fail> {
    let price = i64::try_from(ticket.price.minor).map_err(|_| Fail::Because(Cause::Full))?;
    let written = connection.prepare_cached(PUT_TYPE)?.execute(params![
        activity.0,
        no.0,
        &ticket.id,
        &ticket.name,
        &ticket.desc,
        &ticket.image,
        price,
        &ticket.price.currency,
        ticket.limit_per_user,
        unit_kind_number(ticket.kind),
        ticket.window.map(|window| stored(window.start())),
        ticket.window.map(|window| stored(window.end())),
        ticket.pay_within_s,
        stored(ticket.validity.from),
        ticket.validity.until.map(stored),
        made,
        ticket.offer_within_s,
    ])?;
    assert_eq!(written, 1, "a type keeps its place, its id and its kind");
    Ok(())
}

const PUT_TYPE: &str = "
    INSERT INTO ticket_types (activity, no, id, name, description, image, price_minor, currency,
        limit_per_user, unit_kind, start_at, end_at, pay_within_s, valid_from, valid_until, made,
        offer_within_s)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (activity, no) DO UPDATE SET
        name = excluded.name, description = excluded.description, image = excluded.image,
        price_minor = excluded.price_minor, currency = excluded.currency,
        limit_per_user = excluded.limit_per_user, start_at = excluded.start_at,
        end_at = excluded.end_at, pay_within_s = excluded.pay_within_s,
        offer_within_s = excluded.offer_within_s,
        valid_from = excluded.valid_from, valid_until = excluded.valid_until
    WHERE id = excluded.id AND unit_kind = excluded.unit_kind";

/// A type's number from its place.
pub(super) fn type_no(index: usize) -> TypeNo {
    TypeNo(u16::try_from(index).expect("an activity has at most TYPES_MAX types"))
}

/// The activities with these numbers as they stand, by number.
pub(super) fn read(
    connection: &Connection,
    numbers: RangeInclusive<u32>,
) -> Result<Vec<StoredActivity>, Fail> {
    // One transaction: the three tables are read as of one moment.
    let reading = connection.unchecked_transaction()?;
    read_rows(&reading, numbers)
}

/// The same, inside a transaction.
pub(super) fn read_rows(
    connection: &Connection,
    numbers: RangeInclusive<u32>,
) -> Result<Vec<StoredActivity>, Fail> {
    let bounds = (*numbers.start(), *numbers.end());
    let mut activities = read_activities(connection, bounds)?;
    read_types(connection, bounds, &mut activities)?;
    read_void(connection, bounds, &mut activities)?;
    Ok(activities)
}

fn read_activities(
    connection: &Connection,
    bounds: (u32, u32),
) -> Result<Vec<StoredActivity>, Fail> {
    let sql = "SELECT no, id, name, description, image, start_at, end_at, limit_per_user,
                   has_roster, paused, closed, through, standby
               FROM activities WHERE no BETWEEN ? AND ? ORDER BY no";
    let mut statement = connection.prepare_cached(sql)?;
    let activities = statement.query_map(bounds, |row| {
        let through: i64 = row.get(11)?;
        Ok(StoredActivity {
            no: ActivityNo(row.get(0)?),
            activity: activity_of(row)?,
            paused: row.get(9)?,
            closed: row.get(10)?,
            types: Vec::new(),
            through: EventNo(through.unsigned_abs()),
        })
    })?;
    Ok(activities.collect::<Result<_, _>>()?)
}

fn activity_of(row: &Row<'_>) -> rusqlite::Result<Activity> {
    Ok(Activity {
        id: row.get(1)?,
        name: row.get(2)?,
        desc: row.get(3)?,
        image: row.get(4)?,
        window: window(row, 5)?.ok_or(Error::InvalidColumnIndex(5))?,
        limit_per_user: row.get(7)?,
        has_roster: row.get(8)?,
        standby: row.get(12)?,
        types: Vec::new(),
    })
}

fn window(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Window>> {
    let (start, end) = (time_or_none(row, first)?, time_or_none(row, first + 1)?);
    let (Some(start), Some(end)) = (start, end) else { return Ok(None) };
    Window::new(start, end)
        .map(Some)
        .map_err(|_| Error::IntegralValueOutOfRange(first + 1, stored(end)))
}

fn read_types(
    connection: &Connection,
    bounds: (u32, u32),
    activities: &mut [StoredActivity],
) -> Result<(), Fail> {
    let sql = "SELECT activity, no, id, name, description, image, price_minor, currency,
                   limit_per_user, unit_kind, start_at, end_at, pay_within_s, valid_from,
                   valid_until, made, offer_within_s
               FROM ticket_types WHERE activity BETWEEN ? AND ? ORDER BY activity, no";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(bounds)?;
    while let Some(row) = rows.next()? {
        let stored = find(activities, ActivityNo(row.get(0)?))?;
        if usize::from(row.get::<_, u16>(1)?) != stored.types.len() {
            return Err(Fail::Because(Cause::Corrupt));
        }
        stored.activity.types.push(type_of(row)?);
        stored.types.push(StoredType { made: row.get(15)?, void: Vec::new() });
    }
    Ok(())
}

fn type_of(row: &Row<'_>) -> rusqlite::Result<TicketType> {
    let minor: i64 = row.get(6)?;
    Ok(TicketType {
        id: row.get(2)?,
        name: row.get(3)?,
        desc: row.get(4)?,
        image: row.get(5)?,
        price: Money {
            minor: u64::try_from(minor).map_err(|_| Error::IntegralValueOutOfRange(6, minor))?,
            currency: row.get(7)?,
        },
        limit_per_user: row.get(8)?,
        kind: named(row, 9, unit_kind_of)?,
        window: window(row, 10)?,
        pay_within_s: row.get(12)?,
        offer_within_s: row.get(16)?,
        validity: Validity { from: time(row, 13)?, until: time_or_none(row, 14)? },
    })
}

fn read_void(
    connection: &Connection,
    bounds: (u32, u32),
    activities: &mut [StoredActivity],
) -> Result<(), Fail> {
    let sql = "SELECT activity, ticket_type, first_unit, past_unit FROM taken_back
               WHERE activity BETWEEN ? AND ? ORDER BY activity, ticket_type, first_unit";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(bounds)?;
    while let Some(row) = rows.next()? {
        let stored = find(activities, ActivityNo(row.get(0)?))?;
        let place: u16 = row.get(1)?;
        let ticket_type = stored.types.get_mut(usize::from(place));
        let void = &mut ticket_type.ok_or(Fail::Because(Cause::Corrupt))?.void;
        void.push(row.get(2)?..row.get(3)?);
    }
    Ok(())
}

fn find(activities: &mut [StoredActivity], no: ActivityNo) -> Result<&mut StoredActivity, Fail> {
    let place = activities.binary_search_by_key(&no, |stored| stored.no);
    place.map(|place| &mut activities[place]).map_err(|_| Fail::Because(Cause::Corrupt))
}
