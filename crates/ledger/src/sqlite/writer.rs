//! The one connection that writes, and what its failures mean.
//! Once it is unknown whether a commit is on disk, it writes nothing more until it has been recovered.

use super::fault::Fail;
use crate::contract::{Cause, LedgerFault};
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// The writer's state.
pub(super) enum Writer {
    /// Writes.
    Open(Connection),
    /// A commit is in doubt. The connection is kept: closing it would move the log.
    InDoubt { _connection: Option<Connection> },
    /// Opened for reading.
    Absent,
}

impl Writer {
    /// Does `work` in one transaction. `Ok(Err(_))`: the work refused, and nothing was written.
    pub(super) fn write<T, E>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<Result<T, E>, Fail>,
    ) -> Result<Result<T, E>, LedgerFault> {
        let Self::Open(connection) = &*self else {
            return Err(LedgerFault::NothingHappened(Cause::Closed));
        };
        let done = transact(connection, doing, work);
        if let Err(LedgerFault::Unknown(cause)) = &done {
            tracing::error!(?cause, doing, "it is unknown what was written; writing stops");
            self.doubt();
        }
        done
    }

    /// Whether a commit is in doubt.
    pub(super) fn in_doubt(&self) -> bool {
        matches!(self, Self::InDoubt { .. })
    }

    fn doubt(&mut self) {
        if let Self::Open(connection) = std::mem::replace(self, Self::Absent) {
            *self = Self::InDoubt { _connection: Some(connection) };
        }
    }
}

fn transact<T, E>(
    connection: &Connection,
    doing: &'static str,
    work: impl FnOnce(&Connection) -> Result<Result<T, E>, Fail>,
) -> Result<Result<T, E>, LedgerFault> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
        .map_err(|error| after_rollback(Fail::Sqlite(error).cause(doing)))?;
    match work(&transaction) {
        Ok(Ok(done)) => match transaction.commit() {
            Ok(()) => Ok(Ok(done)),
            Err(error) => Err(LedgerFault::Unknown(Fail::Sqlite(error).cause(doing))),
        },
        Ok(Err(refused)) => roll_back(transaction, doing).map(|()| Err(refused)),
        Err(fail) => {
            let cause = fail.cause(doing);
            roll_back(transaction, doing)?;
            Err(after_rollback(cause))
        }
    }
}

/// SQLite may have rolled back by itself; `finish` knows.
fn roll_back(transaction: Transaction<'_>, doing: &'static str) -> Result<(), LedgerFault> {
    let rolled_back = transaction.finish();
    rolled_back.map_err(|error| LedgerFault::Unknown(Fail::Sqlite(error).cause(doing)))
}

/// After a failure to read or write, not even a rollback that succeeded tells what is on disk.
fn after_rollback(cause: Cause) -> LedgerFault {
    match cause {
        Cause::Io => LedgerFault::Unknown(cause),
        _ => LedgerFault::NothingHappened(cause),
    }
}
