//! What operators did, in the order in which it was written. Entries are added and never changed.
//! They never hold a code, a password or a token.

use super::fault::Fail;
use super::numbers::{stored, time};
use crate::contract::{AuditEntry, AuditRecord};
use rusqlite::Connection;

/// Adds an entry in the transaction of the change it tells of.
pub(super) fn add(connection: &Connection, entry: &AuditEntry) -> Result<(), Fail> {
    let sql = "INSERT INTO audit (at, who, action, target, detail) VALUES (?, ?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    let AuditEntry { at, who, action, target, detail } = entry;
    statement.execute((stored(*at), who, action, target, detail))?;
    Ok(())
}

/// Entries below `before`, newest first.
pub(super) fn read(
    connection: &Connection,
    before: Option<u64>,
    most: u32,
) -> Result<Vec<AuditRecord>, Fail> {
    let before = before.and_then(|no| i64::try_from(no).ok()).unwrap_or(i64::MAX);
    let sql = "SELECT no, at, who, action, target, detail FROM audit
               WHERE no < ? ORDER BY no DESC LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let records = statement.query_map((before, most), |row| {
        let entry = AuditEntry {
            at: time(row, 1)?,
            who: row.get(2)?,
            action: row.get(3)?,
            target: row.get(4)?,
            detail: row.get(5)?,
        };
        let no: i64 = row.get(0)?;
        Ok(AuditRecord { no: no.unsigned_abs(), entry })
    })?;
    Ok(records.collect::<Result<_, _>>()?)
}
