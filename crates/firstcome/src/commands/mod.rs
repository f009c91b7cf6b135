//! The commands beside `serve`, and how any of them fails. Those that read work beside a running server;
//! those that write go through it where one owns the ledger.

pub mod import;
pub mod ledger_reads;
pub mod people;
pub mod rehearse;

use crate::{clock::SteadyClock, config::Config, config::ConfigError};
use ledger::{Cause, Ledger, LedgerFault, SqliteLedger, SqliteSettings};
use rehearsal::http::RehearseFault;
use sale::{OpenError, Sale};
use std::{fmt, io::ErrorKind, path::Path, process::ExitCode, sync::Arc};
use stock::MemoryStock;

/// A shell adds the signal's number to this: 130 after Ctrl-C.
const SIGNALLED: u8 = 128;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The configuration cannot be used.
    Config(ConfigError),
    /// The rules, or what was given, said no: one line each.
    No(Vec<String>),
    /// The ledger failed.
    Ledger(LedgerFault),
    /// The sale cannot be opened.
    Open(OpenError),
    /// The door cannot be opened.
    Door(door::OpenError),
    /// The ledger is held by something that does not answer on its control socket.
    NoServer,
    /// The server took the call and did not answer within this; it may still carry it out.
    ServerSilent(std::time::Duration),
    /// The system failed at this.
    Io(&'static str, ErrorKind),
    /// A promise is broken; the report was printed.
    Broken,
    /// A core invariant was found broken while serving.
    Unsound,
    /// An export stopped.
    Export(sale::ExportStopped),
    /// The command was used wrongly.
    Usage(String),
    /// A rehearsal could not be made.
    Rehearse(RehearseFault),
    /// A rehearsal was given up at the second signal, which had this number.
    GivenUp(u8),
}

impl Failure {
    /// 2 for a wrong use, what a shell says of a signal for a rehearsal given up, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_)
            | Self::Usage(_)
            | Self::Rehearse(RehearseFault::Plan(_) | RehearseFault::Address(_)) => {
                ExitCode::from(2)
            }
            Self::GivenUp(signal) => ExitCode::from(SIGNALLED + signal),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::No(lines) => f.write_str(&lines.join("\n  ")),
            Self::Ledger(LedgerFault::NothingHappened(Cause::Closed | Cause::Io)) => f.write_str(
                "there is no ledger in the data folder, or it cannot be read (--data says where it is)",
            ),
            Self::Ledger(fault) => fault.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Door(error) => write!(f, "the door cannot be opened: {error:?}"),
            Self::NoServer => f.write_str(
                "another process holds the ledger and does not answer on its control socket; nothing was changed",
            ),
            Self::ServerSilent(within) => write!(
                f,
                "the server did not answer within {} s; whether it did what was asked is not known",
                within.as_secs()
            ),
            Self::Io(what, kind) => write!(f, "{what}: {kind}"),
            Self::Broken => f.write_str("a promise is broken"),
            Self::Unsound => f.write_str("an invariant is broken; the process stops so that its successor reads the ledger"),
            Self::Export(stopped) => stopped.fmt(f),
            Self::Usage(words) => f.write_str(words),
            Self::Rehearse(fault) => write!(f, "no rehearsal: {fault}"),
            Self::GivenUp(_) => f.write_str("given up; nothing is judged"),
        }
    }
}

impl From<LedgerFault> for Failure {
    fn from(fault: LedgerFault) -> Self {
        Self::Ledger(fault)
    }
}

/// Who has the ledger of a data folder.
pub enum Owner {
    /// We do, now.
    Us(Arc<dyn Ledger>),
    /// Somebody else does.
    Another,
}

/// Takes the ledger, waiting for an earlier owner as long as the settings say.
pub fn take_ledger(data: &Path, settings: SqliteSettings) -> Result<Owner, Failure> {
    match SqliteLedger::open(data, settings) {
        Ok(ledger) => Ok(Owner::Us(Arc::new(ledger))),
        Err(LedgerFault::NothingHappened(Cause::Busy)) => Ok(Owner::Another),
        Err(fault) => Err(fault.into()),
    }
}

/// The settings for a command that goes through a running server rather than wait for it.
pub fn without_waiting(settings: SqliteSettings) -> SqliteSettings {
    SqliteSettings { owner_wait_ms: 0, ..settings }
}

/// Opens the sale of a ledger that is ours.
pub fn open_sale(
    ledger: Arc<dyn Ledger>,
    clock: Arc<SteadyClock>,
    meter: Arc<dyn sale::Meter>,
    config: &Config,
) -> Result<Sale, Failure> {
    let stock = Arc::new(MemoryStock::new(config.memory));
    Sale::open(ledger, stock, clock, meter, config.sale).map_err(Failure::Open)
}
