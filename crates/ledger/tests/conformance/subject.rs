//! What the suite has to be able to do with a ledger besides calling it.
//! A second ledger fills this and changes no test.

use ledger::{Ledger, LedgerFault};
use rules::{ActivityNo, Seq};
use std::path::Path;

/// A ledger on disk that can be opened, closed by dropping what was opened, and opened again.
pub trait Subject {
    /// Opens it as its owner, without waiting for another one.
    fn try_open(&self) -> Result<Box<dyn Ledger>, LedgerFault>;

    /// Opens it for reading, beside whoever owns it.
    fn open_for_reading(&self) -> Box<dyn Ledger>;

    /// A new ledger that starts with a backup.
    fn restored(&self, backup: &Path) -> Box<dyn Subject>;

    /// Another one, empty.
    fn another(&self) -> Box<dyn Subject>;

    /// Where the suite may write files.
    fn files(&self) -> &Path;

    /// Removes a claim behind the back of the ledger, which is closed.
    fn lose(&self, activity: ActivityNo, seq: Seq);

    /// Opens it as its owner.
    fn open(&self) -> Box<dyn Ledger> {
        self.try_open().expect("the ledger opens")
    }
}
