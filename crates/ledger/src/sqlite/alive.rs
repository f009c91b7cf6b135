//! When the owner was last alive, and by how much deadlines were moved because it was not.
//! It reads no clock: moments come from whoever has one.

use super::demand_epoch;
use super::fault::Fail;
use super::numbers::{stored, time};
use crate::contract::{Cause, Lateness};
use rules::{Epoch, TimeMs};
use rusqlite::Connection;

/// Notes a heartbeat; one that comes late never takes back an earlier one.
pub(super) fn beat(connection: &Connection, epoch: Epoch, at: TimeMs) -> Result<(), Fail> {
    demand_epoch(connection, epoch)?;
    let sql = "UPDATE owner SET alive_at = max(alive_at, ?)";
    connection.prepare_cached(sql)?.execute([stored(at)])?;
    Ok(())
}

/// An activity's last claim is its newest: the moments of its decisions never go back.
pub(super) fn last(connection: &Connection) -> Result<TimeMs, Fail> {
    let sql = "SELECT max(alive_at, coalesce((SELECT max(
                   (SELECT decided_at FROM claims
                    WHERE place BETWEEN activity << 32 AND (activity << 32 | 0xffffffff)
                    ORDER BY place DESC LIMIT 1)) FROM tallies), 0)) FROM owner";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| time(row, 0))?)
}

pub(super) fn extend(
    connection: &Connection,
    epoch: Epoch,
    lateness: Lateness,
) -> Result<(), Fail> {
    demand_epoch(connection, epoch)?;
    let by_ms = i64::try_from(lateness.by_ms).map_err(|_| Fail::Because(Cause::Full))?;
    let sql = "INSERT INTO extensions (from_at, by_ms) VALUES (?, ?)";
    connection.prepare_cached(sql)?.execute((stored(lateness.from), by_ms))?;
    Ok(())
}

pub(super) fn extensions(connection: &Connection) -> Result<Vec<Lateness>, Fail> {
    let mut statement =
        connection.prepare_cached("SELECT from_at, by_ms FROM extensions ORDER BY no")?;
    let all = statement.query_map([], |row| {
        let by_ms: i64 = row.get(1)?;
        Ok(Lateness { from: time(row, 0)?, by_ms: by_ms.unsigned_abs() })
    })?;
    Ok(all.collect::<Result<_, _>>()?)
}
