//! What a rehearsal over HTTP hands on: the history, and what a reader of the verdict has to know beside it.
//! Nothing here judges.

use super::RehearseFault;
use crate::history::{History, Micros};
use std::{fmt, net::IpAddr};

/// What a run saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// For the checks.
    pub history: History,
    /// What was not as planned, or not possible here.
    pub notes: Vec<Note>,
    /// Whether the crowd was sent home before the end of the sale.
    pub stopped: bool,
    /// Requests that could not be sent because no connection was to be had; they are in no history.
    pub unsent: u64,
    /// Requests that were put off because the server had been killed; each was made later.
    pub kept_out: u64,
    /// How much later than they wanted people could ask: what waiting for a connection cost them.
    pub late: Late,
    /// The shortest round trip of those from which the server's clock was read.
    pub round_trip: Micros,
}

/// How much later than intended requests were sent. Large numbers mean that this machine, or the number of
/// connections, was too small for the crowd: the server saw less of a rush than was planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// Half of them by no more than this.
    pub p50: Micros,
    /// 99 in a hundred.
    pub p99: Micros,
    /// All.
    pub max: Micros,
}

/// Something a reader has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The server is not on this machine, so bots came from this machine's own address like everybody.
    OneAddressOnly(IpAddr),
    /// Bots could not use addresses of their own, though the server is on this machine.
    AddressRefused,
    /// So many calls were recorded, and the crowd was sent home: no more are kept.
    CallsFull(u64),
    /// So many lines of calls had not come to their end when the time allowed after the sale was over.
    NotHeardOut(u64),
    /// A connection could not be made because this process may not open more files; raise the limit
    /// (ulimit -n) or take fewer connections.
    TooFewFiles,
    /// An operator's change was not answered as wished: it may or may not have happened.
    ChangeUnsure(usize),
    /// An operator's change was refused, or is none that an operator can make: it did not happen.
    ChangeRefused(usize),
    /// The activity could not be closed afterwards.
    NotClosed,
    /// Kills were planned, and this server is not the rehearsal's own.
    NotKilled,
    /// So many planned kills did not come about before the sale was over.
    FewerKills(usize),
    /// The server has no provider for trying payments out, so nobody paid.
    NoTestProvider,
    /// The payers' part did not come to its end: nothing of it is judged.
    PayersFailed(RehearseFault),
    /// So many payers had not come to their end when their time was over.
    PayersNotHeardOut(u64),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneAddressOnly(address) => write!(
                f,
                "the server at {address} is not on this machine: bots came from the same address as everybody"
            ),
            Self::AddressRefused => {
                f.write_str("bots could not use addresses of their own and came from the usual one")
            }
            Self::CallsFull(calls) => {
                write!(f, "{calls} calls were recorded, which is the most: the crowd was sent home")
            }
            Self::NotHeardOut(lines) => write!(
                f,
                "{lines} lines of calls had not come to their end when the time after the sale was over"
            ),
            Self::TooFewFiles => f.write_str(
                "this process may not open enough files for so many connections: raise the limit \
                 (ulimit -n) or take fewer connections",
            ),
            Self::ChangeUnsure(at) => {
                write!(f, "change {at} by the operator was not answered: it may have happened")
            }
            Self::ChangeRefused(at) => write!(f, "change {at} by the operator was refused"),
            Self::NotClosed => f.write_str("the activity could not be closed afterwards"),
            Self::NotKilled => f.write_str("the server is not the rehearsal's own and was not killed"),
            Self::FewerKills(kills) => {
                write!(f, "{kills} of the planned kills did not come about: the sale was over before")
            }
            Self::NoTestProvider => f.write_str(
                "the server has no test provider, so paying was left out; payments.test_provider = true \
                 switches it on, which no server that sells for money may do",
            ),
            Self::PayersFailed(fault) => write!(f, "paying was left out: {fault}"),
            Self::PayersNotHeardOut(payers) => {
                write!(f, "{payers} payers had not come to their end when their time was over")
            }
        }
    }
}
