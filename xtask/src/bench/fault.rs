//! Why a run of the benchmark could not be finished; a number that is merely bad is not a fault.
//! Nothing here carries a token or a password.

use std::fmt;
use std::io;

/// Each way in which a run ends early.
#[derive(Debug)]
pub enum BenchFault {
    /// The machine said no, while doing what is named.
    Io(&'static str, io::Error),
    /// A server answered an operator's call with something else than success.
    Answer {
        /// Method and path of the call.
        asked: String,
        /// The HTTP status that came back.
        status: u16,
        /// The start of the body.
        body: String,
    },
    /// An answer lacks what is named.
    Missing(&'static str),
    /// What is named was not done within its bound.
    TooLate(&'static str),
    /// A process that was started for the run ended by itself, or badly; the end of what it wrote.
    Process(&'static str, String),
}

impl fmt::Display for BenchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(doing, error) => write!(f, "{doing}: {error}"),
            Self::Answer { asked, status, body } => {
                write!(f, "{asked} was answered with {status}: {body}")
            }
            Self::Missing(what) => write!(f, "an answer lacks {what}"),
            Self::TooLate(what) => write!(f, "too late: {what}"),
            Self::Process(what, log) => write!(f, "{what}; the end of its log:\n{log}"),
        }
    }
}

/// For `map_err`: names what was being done.
pub fn io(doing: &'static str) -> impl Fn(io::Error) -> BenchFault {
    move |error| BenchFault::Io(doing, error)
}
