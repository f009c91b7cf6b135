//! The SQLite ledger as a subject of the suite.
//! The only file of the suite that knows SQLite.

use crate::subject::Subject;
use ledger::{Ledger, LedgerFault, SqliteLedger, SqliteSettings};
use rules::{ActivityNo, Seq};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Sqlite {
    files: TempDir,
}

impl Sqlite {
    pub fn fresh() -> Self {
        Self { files: tempfile::tempdir().expect("a temporary directory") }
    }

    fn data(&self) -> PathBuf {
        self.files.path().join("data")
    }
}

impl Subject for Sqlite {
    fn try_open(&self) -> Result<Box<dyn Ledger>, LedgerFault> {
        Ok(Box::new(SqliteLedger::open(&self.data(), SqliteSettings::default())?))
    }

    fn open_for_reading(&self) -> Box<dyn Ledger> {
        Box::new(SqliteLedger::open_for_reading(&self.data()).expect("the ledger opens"))
    }

    fn restored(&self, backup: &Path) -> Box<dyn Subject> {
        let fresh = Self::fresh();
        std::fs::create_dir(fresh.data()).expect("a new directory");
        std::fs::copy(backup, fresh.data().join("ledger.sqlite3")).expect("a copy");
        Box::new(fresh)
    }

    fn another(&self) -> Box<dyn Subject> {
        Box::new(Self::fresh())
    }

    fn files(&self) -> &Path {
        self.files.path()
    }

    fn lose(&self, activity: ActivityNo, seq: Seq) {
        let database = rusqlite::Connection::open(self.data().join("ledger.sqlite3")).unwrap();
        let place = i64::from(activity.0) << 32 | i64::from(seq.0);
        let lost = database.execute("DELETE FROM claims WHERE place = ?", [place]).unwrap();
        assert_eq!(lost, 1, "the claim was there");
    }
}
