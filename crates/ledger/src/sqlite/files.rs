//! The ledger's directory: who may read it, who owns it, and that a new name in it survives a power cut.
//! It never opens the database file once SQLite has it: closing such a file would drop SQLite's locks.

use super::fault::logged_io;
use crate::contract::Cause;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const DATABASE: &str = "ledger.sqlite3";
const LOCK: &str = "ledger.lock";
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Bytes of the log that are read and written at a time.
const LOG_BYTES: usize = 1 << 20;
/// How often a newcomer asks whether the owner has gone.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Where the database is in a data directory.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join(DATABASE)
}

/// Makes the directory and becomes its one owner, waiting for an earlier one at most `wait_ms`.
pub(super) fn take(dir: &Path, wait_ms: u32) -> Result<File, Cause> {
    create_dir(dir).map_err(|error| logged_io(&error, "making the data directory"))?;
    let lock = open_lock(dir).map_err(|error| logged_io(&error, "opening the lock"))?;
    let deadline = Instant::now() + Duration::from_millis(wait_ms.into());
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(logged_io(&error, "taking the lock")),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(Cause::Busy),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
        }
    }
}

/// Makes the empty database if there is none, so that it is never readable by others, not even for a moment.
/// SQLite gives its log the same mode.
pub(super) fn create_database(path: &Path) -> Result<(), Cause> {
    match create_private(path).and_then(|file| file.sync_all()).and_then(|()| sync_parent(path)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|error| logged_io(&error, "making the database")),
    }
}

/// Makes a new file that only its owner may read; one that exists is an error.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)
}

/// Writes everything in the log once more, where it is, and syncs it; before any connection looks at it.
///
/// After a sync that failed the kernel takes what it could not write for written: everybody reads it, the disk
/// does not have it, and the next sync succeeds without it. A connection would find whole commits there and move
/// them into the database, and a power cut in the middle of that would leave half of a commit and no log of it.
pub(super) fn write_log_anew(database: &Path) -> Result<(), Cause> {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    // SQLite has no locks on this file that closing it could drop.
    let log = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened,
    };
    log.and_then(|log| write_anew(&log)).map_err(|error| logged_io(&error, "writing the log anew"))
}

fn write_anew(file: &File) -> io::Result<()> {
    let (mut bytes, mut at) = (vec![0; LOG_BYTES], 0);
    loop {
        let read = file.read_at(&mut bytes, at)?;
        if read == 0 {
            return file.sync_all();
        }
        file.write_all_at(&bytes[..read], at)?;
        at += read as u64;
    }
}

/// Makes the names in the directory of the database durable. SQLite does it too, but takes no notice when that
/// fails; a log whose name is lost is lost with all that was committed to it.
pub(super) fn sync_names(database: &Path) -> Result<(), Cause> {
    sync_parent(database).map_err(|error| logged_io(&error, "syncing the data directory"))
}

/// Makes the names in the directory of `path` durable.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)?;
    sync_parent(dir)
}

fn open_lock(dir: &Path) -> io::Result<File> {
    let path = dir.join(LOCK);
    OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}
