//! How the ledger fails: never a refusal, always with what is known of the effect.
//! Details for the log are logged where they happen; no text travels with the error.

/// A call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerFault {
    /// Nothing was written.
    NothingHappened(Cause),
    /// It may or may not have been written; the ledger must recover before it is used again.
    Unknown(Cause),
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Reading or writing failed.
    Io,
    /// No space is left.
    DiskFull,
    /// Someone else holds it for longer than the configured wait.
    Busy,
    /// Another owner took over.
    StaleEpoch,
    /// Opened for reading only, or not recovered after a fault.
    Closed,
    /// What was read is not what this program writes.
    Corrupt,
    /// A bound of the rules is reached (activities, names).
    Full,
    /// The target of a backup exists already.
    Exists,
    /// A newer release has changed the ledger's format.
    NewerFormat,
}

impl LedgerFault {
    /// Why, whatever the effect.
    pub const fn cause(self) -> Cause {
        match self {
            Self::NothingHappened(cause) | Self::Unknown(cause) => cause,
        }
    }
}

impl std::fmt::Display for LedgerFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cause = match self.cause() {
            Cause::Io => "the disk could not be read or written",
            Cause::DiskFull => "no space is left on the disk",
            Cause::Busy => "another process holds the ledger",
            Cause::StaleEpoch => "another owner has taken the ledger over",
            Cause::Closed => "the ledger is closed for writing",
            Cause::Corrupt => "the ledger holds what this program did not write",
            Cause::Full => "a bound of the ledger is reached",
            Cause::Exists => "the file exists already",
            Cause::NewerFormat => "the ledger was written by a newer release",
        };
        let effect = match self {
            Self::NothingHappened(_) => "nothing was written",
            Self::Unknown(_) => "it is unknown whether anything was written",
        };
        write!(f, "{cause}; {effect}")
    }
}

impl std::error::Error for LedgerFault {}
