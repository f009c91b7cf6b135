//! Moves the log into the database beside the writer, so that a commit costs its own sync and nothing else.
//! It never lets the log grow without bound: past `wal_pages_max` the writer waits while it is emptied.
//!
//! A log starts over only when all of it has been moved and no reader is in it. The thread moves most of it
//! while commits go on, but under constant writing always leaves a tail; the writer, past the bound, moves
//! that tail itself, which is short, and its next commit starts the log over.

use super::SqliteSettings;
use super::connection::{Purpose, connect};
use super::fault::{Fail, logged};
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

/// The checkpointing of one ledger: its connection and its thread, which ends when this is dropped.
pub(super) struct Checkpoints {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    log: Mutex<Log>,
    grown: Condvar,
    /// `None` while the ledger recovers. Held for a whole round, so that two never meet.
    connection: Mutex<Option<Connection>>,
}

/// The log as the last commit left it, in pages.
struct Log {
    pages: u32,
    /// The thread's next round is due when the log is this long.
    next: u32,
    /// The writer's own is due when the log is this long.
    next_own: u32,
    step: u32,
    pages_max: u32,
    stop: bool,
}

impl Log {
    fn new(settings: &SqliteSettings) -> Self {
        let (step, pages_max) = (settings.checkpoint_pages.max(1), settings.wal_pages_max.max(1));
        Self { pages: 0, next: step, next_own: pages_max, step, pages_max, stop: false }
    }

    fn is_now(&mut self, pages: u32) {
        if pages < self.pages {
            self.next = self.step;
            self.next_own = self.pages_max;
        }
        self.pages = pages;
    }
}

impl Checkpoints {
    /// Opens the connection and starts the thread.
    pub(super) fn start(path: PathBuf, settings: SqliteSettings) -> Result<Self, Fail> {
        let connection = connect(&path, &settings, Purpose::Checkpoint)?;
        let shared = Arc::new(Shared {
            log: Mutex::new(Log::new(&settings)),
            grown: Condvar::new(),
            connection: Mutex::new(Some(connection)),
        });
        let worker = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("ledger-checkpoint".into())
            .spawn(move || worker.run())
            .map_err(|error| Fail::Because(super::fault::logged_io(&error, "starting a thread")))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Has the writer's connection report the length of the log after each commit.
    pub(super) fn watch(&self, writer: &mut Connection) -> Result<(), Fail> {
        let shared = Arc::clone(&self.shared);
        let report = move |_: &mut Wal, pages| {
            shared.report(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        Ok(writer.wal_hook(Some(report))?)
    }

    /// To be called by the writer after each commit, with the writer's lock held: empties a log that is too long.
    pub(super) fn after_commit(&self) {
        let due = {
            let log = self.shared.log.lock();
            log.pages >= log.next_own
        };
        if due {
            self.shared.round();
            // A reader may hold the log; asking again after each commit would cost more than waiting.
            let mut log = self.shared.log.lock();
            log.next_own = log.pages.saturating_add(log.step);
        }
    }

    /// Closes the connection until `resume`.
    pub(super) fn suspend(&self) {
        *self.shared.connection.lock() = None;
    }

    /// Goes on after `suspend`, with an empty log.
    pub(super) fn resume(&self, connection: Connection, settings: &SqliteSettings) {
        *self.shared.connection.lock() = Some(connection);
        *self.shared.log.lock() = Log::new(settings);
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.shared.log.lock().stop = true;
        self.shared.grown.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpointing thread panicked");
        }
    }
}

impl Shared {
    fn report(&self, pages: u32) {
        let mut log = self.log.lock();
        log.is_now(pages);
        if log.pages >= log.next {
            self.grown.notify_one();
        }
    }

    fn run(&self) {
        loop {
            let mut log = self.log.lock();
            while !log.stop && log.pages < log.next {
                self.grown.wait(&mut log);
            }
            if log.stop {
                return;
            }
            // Set before the round: what it could not move is tried again once the log has grown.
            log.next = log.pages.saturating_add(log.step);
            drop(log);
            self.round();
        }
    }

    /// Moves what can be moved without waiting for anyone.
    fn round(&self) {
        let connection = self.connection.lock();
        let Some(connection) = connection.as_ref() else { return };
        // A failure loses nothing: the log keeps every page until a later round has moved and synced it.
        if let Err(error) =
            connection.wal_checkpoint_v2(rusqlite::DEFAULT_NAME, CheckpointMode::PASSIVE)
        {
            logged(&error, "moving the log into the database");
        }
    }
}
