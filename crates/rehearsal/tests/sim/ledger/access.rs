//! Backups of simulated disks: a file that names a copy which this process keeps.
//! Only the conformance suite makes any.

use super::{Device, disk::Disk};
use ledger::Cause;
use parking_lot::Mutex;
use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
    sync::Arc,
};

static COPIES: Mutex<Vec<Arc<Disk>>> = Mutex::new(Vec::new());

pub(super) fn backup(disk: Arc<Disk>, to: &Path) -> Result<(), Cause> {
    let opened = OpenOptions::new().write(true).create_new(true).open(to);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Cause::Exists,
        _ => Cause::Io,
    })?;
    let mut copies = COPIES.lock();
    copies.push(disk);
    let last = copies.len() - 1;
    file.write_all(last.to_string().as_bytes()).map_err(|_| Cause::Io)
}

/// A new disk that starts with a backup.
#[allow(dead_code, reason = "only the conformance suite restores backups")]
pub fn restored(backup: &Path) -> Arc<Device> {
    let text = std::fs::read_to_string(backup).expect("a backup is a file");
    let place: usize = text.parse().expect("it names a copy");
    Device::with(Disk::clone(&COPIES.lock()[place]), None)
}
