//! A consistent copy while everything goes on. The target appears whole or not at all, and is never overwritten.
//! It never holds the writer up.

use super::fault::{Fail, logged_io};
use super::files;
use crate::contract::Cause;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Copies everything `from` sees to `to`, which must not exist.
pub(super) fn write(from: &Connection, to: &Path) -> Result<(), Fail> {
    if to.symlink_metadata().is_ok() {
        return Err(Fail::Because(Cause::Exists));
    }
    let partial = partial(to);
    let failed = |error: &io::Error| Fail::Because(logged_io(error, "writing a backup"));
    files::create_private(&partial).map_err(|error| failed(&error))?;
    let copied =
        copy(from, &partial).and_then(|()| publish(&partial, to).map_err(|error| failed(&error)));
    if copied.is_err() {
        // Nobody looks for it under this name; what is left of it could only take up space.
        let _ = std::fs::remove_file(&partial);
    }
    copied
}

/// Beside the target, so that the two are on one file system.
fn partial(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    to.with_file_name(name)
}

fn copy(from: &Connection, partial: &Path) -> Result<(), Fail> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut into = Connection::open_with_flags(partial, flags)?;
    // A half-written copy is thrown away, so it needs neither journal nor sync before it is whole.
    into.pragma_update(None, "journal_mode", "OFF")?;
    into.pragma_update(None, "synchronous", "OFF")?;
    // One reading transaction for all of it: commits that come meanwhile do not make the copy start over.
    let reading = rusqlite::Transaction::new_unchecked(from, TransactionBehavior::Deferred)?;
    reading.query_row("SELECT epoch FROM owner", [], |_| Ok(()))?;
    match Backup::new(&reading, &mut into)?.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(Fail::Because(Cause::Busy)),
    }
}

fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    // A link, unlike a rename, fails where the target has appeared in the meantime; but not every
    // file system has links.
    match std::fs::hard_link(partial, to) {
        Ok(()) => std::fs::remove_file(partial)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => std::fs::rename(partial, to)?,
    }
    files::sync_parent(to)
}
