//! Who hears of facts: endpoints, how far each has heard, and the log of attempts, which is bounded.
//! A secret is read for signatures alone and is never part of an error.

use super::fault::Fail;
use super::numbers::{stored, time, time_or_none};
use crate::contract::{
    Cursor, DELIVERIES_KEPT_MAX, Delivery, DeliveryOutcome, Endpoint, EndpointNo, NewEndpoint,
    OutNo,
};
use rules::{ActivityNo, TimeMs};
use rusqlite::{Connection, Error, OptionalExtension, Row};

/// `deliveries.outcome`.
mod outcome {
    pub const TAKEN: i64 = 1;
    pub const STATUS: i64 = 2;
    pub const TIMED_OUT: i64 = 3;
    pub const UNREACHABLE: i64 = 4;
    pub const FORBIDDEN: i64 = 5;
}

const fn outcome_number(outcome: DeliveryOutcome) -> (i64, Option<u16>) {
    match outcome {
        DeliveryOutcome::Taken(status) => (outcome::TAKEN, Some(status)),
        DeliveryOutcome::Status(status) => (outcome::STATUS, Some(status)),
        DeliveryOutcome::TimedOut => (outcome::TIMED_OUT, None),
        DeliveryOutcome::Unreachable => (outcome::UNREACHABLE, None),
        DeliveryOutcome::Forbidden => (outcome::FORBIDDEN, None),
    }
}

fn outcome_of(number: i64, status: Option<u16>) -> Option<DeliveryOutcome> {
    Some(match (number, status) {
        (outcome::TAKEN, Some(status)) => DeliveryOutcome::Taken(status),
        (outcome::STATUS, Some(status)) => DeliveryOutcome::Status(status),
        (outcome::TIMED_OUT, None) => DeliveryOutcome::TimedOut,
        (outcome::UNREACHABLE, None) => DeliveryOutcome::Unreachable,
        (outcome::FORBIDDEN, None) => DeliveryOutcome::Forbidden,
        _ => return None,
    })
}

/// Adds an endpoint, with a cursor behind whatever has a number already; `None`: the id exists.
pub(super) fn add(
    connection: &Connection,
    new: &NewEndpoint,
    at: TimeMs,
) -> Result<Option<EndpointNo>, Fail> {
    let sql = "INSERT INTO endpoints (id, url, secret, activity, types, note, parked, created_at)
               VALUES (?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT (id) DO NOTHING RETURNING no";
    let activity = new.activity.map(|activity| activity.0);
    let row =
        (&new.id, &new.url, &new.secret, activity, new.types.join(" "), &new.note, stored(at));
    let added = connection.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?;
    let Some(no) = added.map(EndpointNo) else { return Ok(None) };
    let sql = "INSERT INTO cursors SELECT ?1, activity, no, 0, 0 FROM outgoing_marks
               WHERE no > 0 AND (?2 IS NULL OR activity = ?2)";
    connection.prepare_cached(sql)?.execute((no.0, activity))?;
    Ok(Some(no))
}

/// Every endpoint, by number.
pub(super) fn all(connection: &Connection) -> Result<Vec<Endpoint>, Fail> {
    let sql = "SELECT no, id, url, secret, old_secret, old_until, activity, types, note, parked,
                   created_at
               FROM endpoints ORDER BY no";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([], endpoint)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn endpoint(row: &Row<'_>) -> rusqlite::Result<Endpoint> {
    let types: String = row.get(7)?;
    let activity: Option<u32> = row.get(6)?;
    let old: Option<Vec<u8>> = row.get(4)?;
    Ok(Endpoint {
        no: EndpointNo(row.get(0)?),
        set: NewEndpoint {
            id: row.get(1)?,
            url: row.get(2)?,
            secret: row.get(3)?,
            activity: activity.map(ActivityNo),
            types: types.split_whitespace().map(str::to_owned).collect(),
            note: row.get(8)?,
        },
        old_secret: old.zip(time_or_none(row, 5)?),
        parked: row.get(9)?,
        created_at: time(row, 10)?,
    })
}

/// Removes an endpoint with all that is known of it; false: there was none.
pub(super) fn remove(connection: &Connection, no: EndpointNo) -> Result<bool, Fail> {
    for sql in
        ["DELETE FROM cursors WHERE endpoint = ?", "DELETE FROM deliveries WHERE endpoint = ?"]
    {
        connection.prepare_cached(sql)?.execute([no.0])?;
    }
    Ok(connection.prepare_cached("DELETE FROM endpoints WHERE no = ?")?.execute([no.0])? == 1)
}

/// Parks an endpoint, or lets it go on with nothing to wait for; false: there is none.
pub(super) fn park(connection: &Connection, no: EndpointNo, parked: bool) -> Result<bool, Fail> {
    let sql = "UPDATE endpoints SET parked = ? WHERE no = ?";
    let found = connection.prepare_cached(sql)?.execute((parked, no.0))? == 1;
    if !parked {
        let sql = "UPDATE cursors SET failures = 0, not_before = 0 WHERE endpoint = ?";
        connection.prepare_cached(sql)?.execute([no.0])?;
    }
    Ok(found)
}

/// Sets cursors; those of an endpoint that was removed meanwhile are nobody's.
pub(super) fn set_cursors(connection: &Connection, cursors: &[Cursor]) -> Result<(), Fail> {
    let sql = "INSERT INTO cursors SELECT ?1, ?2, ?3, ?4, ?5
               WHERE EXISTS (SELECT 1 FROM endpoints WHERE no = ?1)
               ON CONFLICT DO UPDATE SET after = excluded.after, failures = excluded.failures,
                                         not_before = excluded.not_before";
    let mut statement = connection.prepare_cached(sql)?;
    for cursor in cursors {
        let after = i64::try_from(cursor.after.0).unwrap_or(i64::MAX);
        let (endpoint, activity) = (cursor.endpoint.0, cursor.activity.0);
        let row = (endpoint, activity, after, cursor.failures, stored(cursor.not_before));
        statement.execute(row)?;
    }
    Ok(())
}

/// Logs attempts in their order, and forgets the oldest beyond `DELIVERIES_KEPT_MAX` of each endpoint.
pub(super) fn log(connection: &Connection, deliveries: &[Delivery]) -> Result<(), Fail> {
    let mut last: Vec<(EndpointNo, Option<i64>)> = Vec::new();
    let sql = "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let mut insert = connection.prepare_cached(sql)?;
    for delivery in deliveries {
        let known = last.iter().position(|(endpoint, _)| *endpoint == delivery.endpoint);
        let place = match known {
            Some(place) => place,
            None => {
                last.push((delivery.endpoint, last_logged(connection, delivery.endpoint)?));
                last.len() - 1
            }
        };
        let Some(n) = &mut last[place].1 else { continue };
        *n += 1;
        let (outcome, status) = outcome_number(delivery.outcome);
        let fact = i64::try_from(delivery.no.0).unwrap_or(i64::MAX);
        let (at, activity) = (stored(delivery.at), delivery.activity.0);
        let row = (delivery.endpoint.0, *n, at, activity, fact, outcome, status, delivery.took_ms);
        insert.execute(row)?;
    }
    let mut forget =
        connection.prepare_cached("DELETE FROM deliveries WHERE endpoint = ? AND n <= ?")?;
    for (endpoint, n) in last {
        let Some(n) = n else { continue };
        forget.execute((endpoint.0, n - i64::from(DELIVERIES_KEPT_MAX)))?;
    }
    Ok(())
}

/// The number of the last attempt in an endpoint's log, 0 if there is none; no such endpoint: `None`.
fn last_logged(connection: &Connection, endpoint: EndpointNo) -> Result<Option<i64>, Fail> {
    let sql = "SELECT (SELECT coalesce(max(n), 0) FROM deliveries WHERE endpoint = ?1)
               FROM endpoints WHERE no = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([endpoint.0], |row| row.get(0)).optional()?)
}

/// An endpoint's attempts, newest first.
pub(super) fn deliveries(
    connection: &Connection,
    no: EndpointNo,
    most: u32,
) -> Result<Vec<Delivery>, Fail> {
    let sql = "SELECT at, activity, fact, outcome, status, took_ms FROM deliveries
               WHERE endpoint = ? ORDER BY n DESC LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map((no.0, most), |row| {
        let (fact, number): (i64, i64) = (row.get(2)?, row.get(3)?);
        Ok(Delivery {
            at: time(row, 0)?,
            endpoint: no,
            activity: ActivityNo(row.get(1)?),
            no: OutNo(fact.unsigned_abs()),
            outcome: outcome_of(number, row.get(4)?)
                .ok_or(Error::IntegralValueOutOfRange(3, number))?,
            took_ms: row.get(5)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_outcomes_are_permanent() {
        let table = [
            (DeliveryOutcome::Taken(204), (1, Some(204))),
            (DeliveryOutcome::Status(410), (2, Some(410))),
            (DeliveryOutcome::TimedOut, (3, None)),
            (DeliveryOutcome::Unreachable, (4, None)),
            (DeliveryOutcome::Forbidden, (5, None)),
        ];
        for (outcome, (number, status)) in table {
            assert_eq!(outcome_number(outcome), (number, status));
            assert_eq!(outcome_of(number, status), Some(outcome));
        }
        assert_eq!((outcome_of(6, None), outcome_of(1, None)), (None, None));
    }
}
