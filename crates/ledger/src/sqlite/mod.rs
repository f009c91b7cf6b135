//! The ledger in one SQLite file, with one owner: rows are appended, and the owner's stock is their judge.
//! It never answers "written" before the sync, and never guesses: what is in doubt stops all writing.

mod activities;
mod alive;
mod audit_log;
mod backup;
mod changes;
mod checkpoint;
mod claims;
mod connection;
mod contradictions;
mod definition;
mod endpoints;
mod events;
mod exports;
mod fault;
mod files;
mod line;
mod notices;
mod numbers;
mod orders;
mod payments;
mod people;
mod readers;
mod relay;
mod relay_schema;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use crate::contract::{Cause, Ledger, LedgerFault};
use checkpoint::Checkpoints;
use connection::{Purpose, connect};
use fault::Fail;
use parking_lot::Mutex;
use readers::Readers;
use rules::Epoch;
use rusqlite::{Connection, OptionalExtension};
use std::fs::File;
use std::path::{Path, PathBuf};
use writer::Writer;

/// How the SQLite ledger behaves; every bound with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteSettings {
    /// Milliseconds to wait for an earlier owner to let go; 0: do not wait.
    pub owner_wait_ms: u32,
    /// Milliseconds to wait for a lock of SQLite or for a reading connection.
    pub busy_wait_ms: u32,
    /// KiB of pages the writer keeps in memory.
    pub cache_kib: u32,
    /// Connections that may read at the same time.
    pub readers_max: u32,
    /// Pages (4 KiB) by which the log grows between two rounds that move it into the database.
    pub checkpoint_pages: u32,
    /// Pages (4 KiB) past which the writer empties the log itself. A single larger transaction, or a reader
    /// that stays, still makes it longer.
    pub wal_pages_max: u32,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            owner_wait_ms: 0,
            busy_wait_ms: 5_000,
            cache_kib: 4_096,
            readers_max: 4,
            checkpoint_pages: 1_024,
            wal_pages_max: 16_384,
        }
    }
}

/// A ledger in a directory. It is one process's own (`open`) or looked at beside its owner (`open_for_reading`).
///
/// Invariants: W1 after `LedgerFault::Unknown` nothing is written until `recover` has succeeded.
/// W2 every commit checks the epoch inside its own transaction. W3 the lock is held until the last
/// connection is closed: `_lock` is the last field, and fields are dropped in order.
pub struct SqliteLedger {
    checkpoints: Option<Checkpoints>,
    writer: Mutex<Writer>,
    readers: Readers,
    database: PathBuf,
    settings: SqliteSettings,
    _lock: Option<File>,
}

impl SqliteLedger {
    /// Opens the ledger in `dir` as its one owner, making both where they are missing, and brings it up to date.
    /// Another owner for longer than `owner_wait_ms`: `Busy`.
    pub fn open(dir: &Path, settings: SqliteSettings) -> Result<Self, LedgerFault> {
        let lock =
            files::take(dir, settings.owner_wait_ms).map_err(LedgerFault::NothingHappened)?;
        let database = files::database(dir);
        files::create_database(&database).map_err(LedgerFault::NothingHappened)?;
        Self::start(database, settings, lock).map_err(|fail| fail.nothing("opening the ledger"))
    }

    /// Opens the ledger in `dir` beside its owner, if it has one; everything that would write answers `Closed`.
    /// There is none yet: `Io`. Written by an older release: `Closed`, for its owner has to bring it up to date.
    pub fn open_for_reading(dir: &Path) -> Result<Self, LedgerFault> {
        let ledger = Self::absent(files::database(dir), SqliteSettings::default(), None);
        ledger.read("opening the ledger", schema::demand_current)?;
        Ok(ledger)
    }

    fn absent(database: PathBuf, settings: SqliteSettings, lock: Option<File>) -> Self {
        let readers = Readers::new(database.clone(), settings);
        let writer = Mutex::new(Writer::Absent);
        Self { checkpoints: None, writer, readers, database, settings, _lock: lock }
    }

    fn start(database: PathBuf, settings: SqliteSettings, lock: File) -> Result<Self, Fail> {
        let mut ledger = Self::absent(database, settings, Some(lock));
        files::write_log_anew(&ledger.database).map_err(Fail::Because)?;
        let mut writer = connect(&ledger.database, &ledger.settings, Purpose::Write)?;
        schema::migrate(&writer)?;
        files::sync_names(&ledger.database).map_err(Fail::Because)?;
        // What an earlier process left in the log need not be read again and again. Passive: someone
        // reading is no reason to start late.
        writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        let checkpoints = Checkpoints::start(ledger.database.clone(), ledger.settings)?;
        checkpoints.watch(&mut writer)?;
        ledger.checkpoints = Some(checkpoints);
        ledger.writer = Mutex::new(Writer::Open(writer));
        Ok(ledger)
    }

    fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fail>,
    ) -> Result<T, LedgerFault> {
        let read = self.readers.reader().and_then(|reader| work(&reader));
        read.map_err(|fail| fail.nothing(doing))
    }

    /// One transaction; `Ok(Err(_))`: the work refused, and nothing was written.
    fn try_write<T, E>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<Result<T, E>, Fail>,
    ) -> Result<Result<T, E>, LedgerFault> {
        let mut writer = self.writer.lock();
        let done = writer.write(doing, work)?;
        if let (Ok(_), Some(checkpoints)) = (&done, &self.checkpoints) {
            checkpoints.after_commit();
        }
        Ok(done)
    }

    fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fail>,
    ) -> Result<T, LedgerFault> {
        let work =
            |connection: &Connection| work(connection).map(Ok::<T, std::convert::Infallible>);
        self.try_write(doing, work).map(|Ok(done)| done)
    }

    /// Closes every connection, empties the log so that no crash can bring back what was in doubt, and
    /// takes ownership anew. Fails as often as the disk does; until it succeeds, W1 holds.
    fn start_over(&self) -> Result<Epoch, LedgerFault> {
        let Some(checkpoints) = &self.checkpoints else {
            return Err(LedgerFault::NothingHappened(Cause::Closed));
        };
        let mut writer = self.writer.lock();
        *writer = Writer::InDoubt { _connection: None };
        checkpoints.suspend();
        let closed = self.readers.suspend();
        let opened = closed.map_err(Fail::Because).and_then(|()| self.reopen(checkpoints));
        self.readers.resume();
        let mut fresh = Writer::Open(opened.map_err(|fail| fail.nothing("recovering"))?);
        // Raised before anyone else gets the lock: a late commit of the old epoch must not slip in.
        let epoch = raise_epoch(&mut fresh)?;
        *writer = fresh;
        Ok(epoch)
    }

    fn reopen(&self, checkpoints: &Checkpoints) -> Result<Connection, Fail> {
        files::write_log_anew(&self.database).map_err(Fail::Because)?;
        let mut writer = connect(&self.database, &self.settings, Purpose::Write)?;
        empty_log(&writer)?;
        files::sync_names(&self.database).map_err(Fail::Because)?;
        checkpoints.watch(&mut writer)?;
        let other = connect(&self.database, &self.settings, Purpose::Checkpoint)?;
        checkpoints.resume(other, &self.settings);
        Ok(writer)
    }
}

/// Moves the whole log into the database and cuts it to nothing; a reader in the way: `Busy`.
fn empty_log(connection: &Connection) -> Result<(), Fail> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: bool = connection.query_row(sql, [], |row| row.get(0))?;
    if busy { Err(Fail::Because(Cause::Busy)) } else { Ok(()) }
}

fn raise_epoch(writer: &mut Writer) -> Result<Epoch, LedgerFault> {
    let raised = writer.write("taking ownership", |connection| {
        let raise = "UPDATE owner SET epoch = epoch + 1 RETURNING epoch";
        let epoch = connection.query_row(raise, [], |row| row.get(0))?;
        Ok(Ok::<_, std::convert::Infallible>(Epoch(epoch)))
    });
    raised.map(|Ok(epoch)| epoch)
}

/// W2: whoever was overtaken writes nothing.
fn demand_epoch(connection: &Connection, epoch: Epoch) -> Result<(), Fail> {
    let current = current_epoch(connection)?;
    if current == epoch { Ok(()) } else { Err(Fail::Because(Cause::StaleEpoch)) }
}

fn current_epoch(connection: &Connection) -> Result<Epoch, Fail> {
    let mut statement = connection.prepare_cached("SELECT epoch FROM owner")?;
    Ok(Epoch(statement.query_row([], |row| row.get(0))?))
}

impl Ledger for SqliteLedger {
    fn secret(&self, name: &'static str) -> Result<[u8; 32], LedgerFault> {
        let find = |connection: &Connection| -> Result<Option<[u8; 32]>, Fail> {
            let mut statement =
                connection.prepare_cached("SELECT value FROM secrets WHERE name = ?")?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?)
        };
        if let Some(secret) = self.read("reading a secret", find)? {
            return Ok(secret);
        }
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| {
            tracing::error!(%error, "the system gave no random bytes");
            LedgerFault::NothingHappened(Cause::Io)
        })?;
        self.write("making a secret", |connection| {
            let sql = "INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING";
            connection.execute(sql, (name, fresh))?;
            find(connection)?.ok_or(Fail::Because(Cause::Corrupt))
        })
    }

    fn backup(&self, to: &Path) -> Result<(), LedgerFault> {
        self.read("backing up", |connection| backup::write(connection, to))
    }
}
