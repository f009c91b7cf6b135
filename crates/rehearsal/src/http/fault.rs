//! Why a rehearsal could not be made, and what to do about it. A broken promise is no fault: that is a finding.
//! Nothing here carries a token, a password or a code.

use crate::plan::PlanFault;
use std::{fmt, io};

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Looking the server's address up.
    LookingUp,
    /// Signing the operator in.
    SigningIn,
    /// Signing the crowd in.
    Vouching,
    /// Making the activity.
    Importing,
    /// Comparing the server's clock.
    ReadingClock,
    /// Changing the activity while it is open.
    Changing,
    /// Reading the exports.
    Exporting,
    /// Closing the activity.
    Closing,
    /// Trying whether payments can be tried out there.
    Probing,
    /// Taking the one unit of the activity on which refusals are measured.
    SellingOut,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LookingUp => "looking the server's address up",
            Self::SigningIn => "signing the operator in",
            Self::Vouching => "signing the crowd in",
            Self::Importing => "making the activity",
            Self::ReadingClock => "comparing the server's clock",
            Self::Changing => "changing the activity",
            Self::Exporting => "reading the exports",
            Self::Closing => "closing the activity",
            Self::Probing => "trying whether payments can be tried out",
            Self::SellingOut => "selling an activity out",
        })
    }
}

/// Each way in which a rehearsal ends without having been one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RehearseFault {
    /// The plan is not one.
    Plan(PlanFault),
    /// The address is not plain HTTP, or has a path.
    Address(String),
    /// The server could not be reached, or broke off.
    Unreachable(Doing, io::ErrorKind),
    /// It did not answer in time.
    TooLate(Doing),
    /// It knows neither the name nor the password, nor the token.
    NotSignedIn,
    /// Whoever signed in is no operator.
    NoOperator,
    /// It went on being busy.
    Busy(Doing),
    /// It said something else than success.
    Refused {
        /// To what.
        doing: Doing,
        /// The HTTP status.
        status: u16,
        /// The envelope's number.
        ret: i32,
        /// The beginning of its message.
        message: String,
    },
    /// It answered what the interface does not have here.
    Unreadable(Doing),
    /// It answered more than is read.
    TooMuch(Doing),
    /// The preparations took longer than the time until the opening.
    OpenedTooEarly,
    /// The server that was killed could not be started again.
    NotBack(io::ErrorKind),
    /// This machine could not start a thread.
    Thread(io::ErrorKind),
}

impl From<PlanFault> for RehearseFault {
    fn from(fault: PlanFault) -> Self {
        Self::Plan(fault)
    }
}

impl fmt::Display for RehearseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(fault) => write!(f, "the plan: {fault}"),
            Self::Address(url) => write!(
                f,
                "{url:?} is no address of a server: write http://HOST:PORT, without a path; for https, \
                 rehearse behind the proxy that speaks it"
            ),
            Self::Unreachable(doing, kind) => write!(
                f,
                "{doing}: {kind}; is the server running, and is this its address?"
            ),
            Self::TooLate(doing) => {
                write!(f, "{doing}: no answer in time; look at the server's log and /readyz")
            }
            Self::NotSignedIn => f.write_str(
                "the server does not know this operator: check name and password, or take a new token",
            ),
            Self::NoOperator => f.write_str(
                "whoever signed in is no operator; add one: firstcome user add NAME --role operator",
            ),
            Self::Busy(doing) => {
                write!(f, "{doing}: the server went on being busy; look at its log and try later")
            }
            Self::Refused { doing, status, ret, message } => {
                write!(f, "{doing}: answered with {status} (ret {ret}): {message}")
            }
            Self::Unreadable(doing) => {
                write!(f, "{doing}: the answer is not one of this interface; is it firstcome?")
            }
            Self::TooMuch(doing) => {
                write!(f, "{doing}: the answer is larger than is read; rehearse with fewer people")
            }
            Self::OpenedTooEarly => f.write_str(
                "the sale opened before the crowd was ready; give it more seconds until the opening",
            ),
            Self::NotBack(kind) => {
                write!(f, "the server did not come back after it was killed: {kind}")
            }
            Self::Thread(kind) => write!(f, "this machine could not start a thread: {kind}"),
        }
    }
}

impl std::error::Error for RehearseFault {}
