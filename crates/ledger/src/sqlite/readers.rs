//! A bounded pool of connections that read, so that reading never waits for the writer nor stops it.
//! A connection goes back when its visit ends; none is kept in a transaction in between.

use super::SqliteSettings;
use super::connection::{Purpose, connect};
use super::fault::Fail;
use crate::contract::Cause;
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The pool.
pub(super) struct Readers {
    path: PathBuf,
    settings: SqliteSettings,
    pool: Mutex<Pool>,
    freed: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    /// Idle ones and those out reading.
    open: u32,
    suspended: bool,
}

/// A connection out reading; goes back when dropped.
pub(super) struct Reader<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Readers {
    /// An empty pool; connections are opened when first needed.
    pub(super) fn new(path: PathBuf, settings: SqliteSettings) -> Self {
        Self { path, settings, pool: Mutex::default(), freed: Condvar::new() }
    }

    /// A connection; waits for one at most `busy_wait_ms`.
    pub(super) fn reader(&self) -> Result<Reader<'_>, Fail> {
        let deadline = self.deadline();
        let mut pool = self.pool.lock();
        loop {
            if !pool.suspended {
                if let Some(connection) = pool.idle.pop() {
                    return Ok(Reader { readers: self, connection: Some(connection) });
                }
                if pool.open < self.settings.readers_max.max(1) {
                    pool.open += 1;
                    drop(pool);
                    return self.open_one();
                }
            }
            if self.freed.wait_until(&mut pool, deadline).timed_out() {
                return Err(Fail::Because(Cause::Busy));
            }
        }
    }

    /// Waits until nobody reads and closes every connection, until `resume`; at most `busy_wait_ms`.
    pub(super) fn suspend(&self) -> Result<(), Cause> {
        let deadline = self.deadline();
        let mut pool = self.pool.lock();
        pool.suspended = true;
        while pool.open as usize > pool.idle.len() {
            if self.freed.wait_until(&mut pool, deadline).timed_out() {
                return Err(Cause::Busy);
            }
        }
        pool.idle.clear();
        pool.open = 0;
        Ok(())
    }

    /// Goes on after `suspend`.
    pub(super) fn resume(&self) {
        self.pool.lock().suspended = false;
        self.freed.notify_all();
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.settings.busy_wait_ms.into())
    }

    fn open_one(&self) -> Result<Reader<'_>, Fail> {
        // From here on the drop of the reader gives its place back, whether or not it could be opened.
        let mut reader = Reader { readers: self, connection: None };
        reader.connection = Some(connect(&self.path, &self.settings, Purpose::Read)?);
        Ok(reader)
    }
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a reader has its connection until it is dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.pool.lock();
        match self.connection.take() {
            Some(connection) => pool.idle.push(connection),
            None => pool.open -= 1,
        }
        drop(pool);
        // All, because a reader and a recovery may both be waiting.
        self.readers.freed.notify_all();
    }
}
