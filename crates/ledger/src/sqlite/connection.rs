//! How each connection is set up; nothing else opens the database.
//! `synchronous=FULL` is what makes "written" mean "on disk": NORMAL loses acknowledged commits in a power cut.

use super::SqliteSettings;
use super::fault::Fail;
use crate::contract::Cause;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The one writer.
    Write,
    /// Moves the log into the database.
    Checkpoint,
    /// Reads and can do nothing else.
    Read,
}

/// Prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 64;
/// Page cache of a reader or of the checkpointer: they read each page once.
const SMALL_CACHE_KIB: u32 = 512;
/// Bytes of a page: SQLite's default, never changed.
pub(super) const PAGE_BYTES: i64 = 4096;

/// Opens the database, which must exist.
pub(super) fn connect(
    path: &Path,
    settings: &SqliteSettings,
    purpose: Purpose,
) -> Result<Connection, Fail> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_millis(settings.busy_wait_ms.into()))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let cache = if purpose == Purpose::Write { settings.cache_kib } else { SMALL_CACHE_KIB };
    connection.pragma_update(None, "cache_size", -i64::from(cache))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Plans do not depend on the values that are bound: otherwise each new value makes many statements be prepared
    // anew, which cost half of the time of ending orders.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    match purpose {
        Purpose::Write => keep_a_log(&connection)?,
        Purpose::Checkpoint => {}
        Purpose::Read => {
            connection.pragma_update(None, "query_only", true)?;
            // The last one to close would move the log, which only an owner may: see `write_log_anew`.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    let log_bytes = i64::from(settings.wal_pages_max) * PAGE_BYTES;
    connection.pragma_update(None, "journal_size_limit", log_bytes)?;
    Ok(connection)
}

/// A file system without shared memory keeps another journal; then readers would stop the writer.
fn keep_a_log(connection: &Connection) -> Result<(), Fail> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode.eq_ignore_ascii_case("wal") { Ok(()) } else { Err(Fail::Because(Cause::Io)) }
}
