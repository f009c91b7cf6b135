//! What the door's calls come to: one closed list of errors for each.
//! Every one says of itself whether anything happened; none holds a name, a password or a token.

use crate::{
    identity::IdentityError,
    password::{HashFault, PasswordError},
    password_pool::Busy,
    settings::SettingFault,
    token::Token,
};
use ledger::{Cause, LedgerFault, NameTaken, Person};
use rules::{NameError, TimeMs};

/// Someone came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Their token.
    pub token: Token,
    /// The first moment at which it is void.
    pub expires: TimeMs,
    /// Who they are.
    pub person: Person,
}

/// One name of a `vouch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The name as the caller wrote it.
    pub asked: String,
    /// The session, or that the name belongs to somebody whom the caller cannot vouch for.
    pub outcome: Result<SignedIn, NameTaken>,
}

/// The door cannot open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// These settings do not do.
    Settings(Vec<SettingFault>),
    /// The ledger could not be read.
    Fault(LedgerFault),
    /// Hashing does not work on this machine.
    Hash(HashFault),
    /// The system gives no threads.
    Threads,
}

/// Why a call with no rules of its own failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// Too much is under way; nothing happened.
    Busy,
    /// The ledger failed.
    Fault(LedgerFault),
}

/// Why nobody was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterError {
    /// People cannot register themselves here.
    Off,
    /// Not a name.
    BadName(NameError),
    /// Not a password.
    BadPassword(PasswordError),
    /// Somebody has the name, or it is on a roster.
    NameTaken,
    /// Too much is under way; nothing happened.
    Busy,
    /// The ledger failed.
    Fault(LedgerFault),
}

/// Why no accounts were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueError {
    /// More than [`crate::ISSUED_MAX`] names.
    TooMany,
    /// Too much is under way; nothing happened.
    Busy,
    /// The ledger failed.
    Fault(LedgerFault),
}

impl From<CallError> for IssueError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Busy => Self::Busy,
            CallError::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// No such name, no password, or another one: which of them is not said.
    WrongCredentials,
    /// Too much is under way; nothing happened.
    Busy,
    /// The ledger failed.
    Fault(LedgerFault),
}

/// Why a token of the identity provider let nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeError {
    /// No identity provider is configured.
    NoIdentityProvider,
    /// The token names nobody here.
    Identity(IdentityError),
    /// The name belongs to another source.
    NameTaken,
    /// Too much is under way; nothing happened.
    Busy,
    /// The ledger failed.
    Fault(LedgerFault),
}

/// Why a password was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChangeError {
    /// The session ended before the change could be made.
    SessionEnded,
    /// The old password is another one, or there is none.
    WrongCredentials,
    /// The new one is not a password.
    BadPassword(PasswordError),
    /// Too much is under way; nothing happened.
    Busy,
    /// The ledger failed.
    Fault(LedgerFault),
}

/// Why nobody was vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VouchError {
    /// More than `VOUCH_NAMES_MAX` names.
    TooMany(usize),
    /// What stands at this place, from 0, is not a name.
    BadName(usize, NameError),
    /// Too much is under way; nothing happened.
    Busy,
    /// The ledger failed.
    Fault(LedgerFault),
}

macro_rules! from_the_world {
    ($($error:ident),+) => {$(
        impl From<Busy> for $error {
            fn from(_: Busy) -> Self {
                Self::Busy
            }
        }
        impl From<LedgerFault> for $error {
            fn from(fault: LedgerFault) -> Self {
                Self::Fault(fault)
            }
        }
    )+};
}

macro_rules! from_hashing {
    ($($error:ident),+) => {$(
        impl From<HashFault> for $error {
            fn from(fault: HashFault) -> Self {
                match fault {
                    HashFault::Exhausted => Self::Busy,
                    // The settings worked when the door opened, so what is wrong is what was
                    // stored.
                    HashFault::Settings | HashFault::Corrupt => {
                        Self::Fault(LedgerFault::NothingHappened(Cause::Corrupt))
                    }
                }
            }
        }
    )+};
}

from_the_world!(
    CallError,
    RegisterError,
    LoginError,
    ExchangeError,
    PasswordChangeError,
    VouchError,
    IssueError
);
from_hashing!(RegisterError, LoginError, PasswordChangeError, IssueError);

impl From<NameError> for RegisterError {
    fn from(error: NameError) -> Self {
        Self::BadName(error)
    }
}

impl From<PasswordError> for RegisterError {
    fn from(error: PasswordError) -> Self {
        Self::BadPassword(error)
    }
}

impl From<IdentityError> for ExchangeError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

impl From<LedgerFault> for OpenError {
    fn from(fault: LedgerFault) -> Self {
        Self::Fault(fault)
    }
}
