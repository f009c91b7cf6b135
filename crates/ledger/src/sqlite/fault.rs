//! What SQLite's failures mean for the ledger: which cause, and whether the effect is known.
//! Details are logged here, once, and end here; no name, code or secret is ever part of them.

use crate::contract::{Cause, LedgerFault};
use rusqlite::ErrorCode;

/// Why work inside a transaction stopped.
#[derive(Debug)]
pub(super) enum Fail {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// The ledger itself says no.
    Because(Cause),
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Fail {
    /// The cause, with the detail logged.
    pub(super) fn cause(self, doing: &'static str) -> Cause {
        match self {
            Self::Because(cause) => cause,
            Self::Sqlite(error) => logged(&error, doing),
        }
    }

    /// The fault of a call that could not have written anything.
    pub(super) fn nothing(self, doing: &'static str) -> LedgerFault {
        LedgerFault::NothingHappened(self.cause(doing))
    }
}

/// The cause of an error of SQLite, with the detail logged.
pub(super) fn logged(error: &rusqlite::Error, doing: &'static str) -> Cause {
    let cause = cause_of(error);
    tracing::error!(%error, code = error.sqlite_extended_error_code(), ?cause, doing, "the ledger failed");
    cause
}

/// The cause of a failure of the file system, with the detail logged.
pub(super) fn logged_io(error: &std::io::Error, doing: &'static str) -> Cause {
    let cause = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Cause::DiskFull,
        std::io::ErrorKind::AlreadyExists => Cause::Exists,
        _ => Cause::Io,
    };
    tracing::error!(%error, ?cause, doing, "the ledger failed");
    cause
}

/// Whether a row was refused by a constraint.
pub(super) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn cause_of(error: &rusqlite::Error) -> Cause {
    let Some(code) = error.sqlite_error_code() else {
        // What is left are values that cannot be converted: something else wrote them.
        return Cause::Corrupt;
    };
    match code {
        ErrorCode::DiskFull => Cause::DiskFull,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Cause::Busy,
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ConstraintViolation
        | ErrorCode::Unknown => Cause::Corrupt,
        _ => Cause::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn every_failure_of_sqlite_has_its_cause() {
        let table = [
            (ffi::SQLITE_FULL, Cause::DiskFull),
            (ffi::SQLITE_IOERR, Cause::Io),
            (ffi::SQLITE_IOERR_FSYNC, Cause::Io),
            (ffi::SQLITE_CANTOPEN, Cause::Io),
            (ffi::SQLITE_BUSY, Cause::Busy),
            (ffi::SQLITE_LOCKED, Cause::Busy),
            (ffi::SQLITE_CORRUPT, Cause::Corrupt),
            (ffi::SQLITE_NOTADB, Cause::Corrupt),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, Cause::Corrupt),
        ];
        for (code, cause) in table {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(cause_of(&error), cause, "code {code}");
        }
        assert_eq!(cause_of(&rusqlite::Error::IntegralValueOutOfRange(0, -1)), Cause::Corrupt);
    }
}
