//! Names, accounts and what ends their sessions.
//! A name belongs to the source that made its account; a name only listed on a roster has none yet.

use super::LedgerFault;
use rules::{TimeMs, UserNo};

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Claims.
    Buyer,
    /// Runs sales.
    Operator,
}

impl Role {
    /// The permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Operator => "operator",
        }
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Buyer, Self::Operator].into_iter().find(|role| role.name() == name)
    }
}

/// Who made an account. Each has a permanent number on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Registered themselves with a password.
    Password,
    /// Came with a token of the company's identity provider.
    Issuer,
    /// A shop's backend vouched for them.
    Vouching,
    /// Added by the command line.
    CommandLine,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The number of the name.
    pub no: UserNo,
    /// The name.
    pub name: String,
    /// May be empty.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Who made it; `None`: only listed on a roster so far.
    pub source: Option<Source>,
    /// Raised whenever all sessions end; sessions of an earlier generation are void.
    pub generation: u32,
}

/// An account to be added by the command line.
#[derive(Clone)]
pub struct NewPerson {
    /// The name: NFC, trimmed.
    pub name: String,
    /// May be empty.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// The password's hash as a PHC string; `None`: no sign-in by password.
    pub password_hash: Option<String>,
}

/// The name belongs to another source, or exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTaken;

/// People. Every change is durable when the call returns.
pub trait PeopleLedger: Send + Sync {
    /// Makes an account with a password for a name that is neither known nor on any roster.
    fn register(
        &self,
        name: &str,
        password_hash: &str,
        at: TimeMs,
    ) -> Result<Result<Person, NameTaken>, LedgerFault>;

    /// Finds or makes the accounts of these names for `Issuer` or `Vouching`, as buyers; one answer for each, in order.
    /// A name of another source is taken; so is an operator's.
    fn adopt(
        &self,
        names: &[String],
        source: Source,
        at: TimeMs,
    ) -> Result<Vec<Result<Person, NameTaken>>, LedgerFault>;

    /// Adds accounts from the command line, all or nothing; `Err(place)`: that name has an account already.
    fn add_people(
        &self,
        people: &[NewPerson],
        at: TimeMs,
    ) -> Result<Result<Vec<UserNo>, usize>, LedgerFault>;

    /// The account of a name and its password's hash, where it has one.
    fn person_by_name(&self, name: &str) -> Result<Option<(Person, Option<String>)>, LedgerFault>;

    /// The account with this number.
    fn person(&self, no: UserNo) -> Result<Option<Person>, LedgerFault>;

    /// Sets the password's hash and ends all sessions; returns the new generation.
    fn set_password(&self, no: UserNo, password_hash: &str) -> Result<u32, LedgerFault>;

    /// Ends all sessions; returns the new generation.
    fn end_sessions(&self, no: UserNo) -> Result<u32, LedgerFault>;

    /// Ends one session, known by its mark, until the time when it would have ended anyway.
    fn revoke(&self, no: UserNo, mark: [u8; 16], until: TimeMs) -> Result<(), LedgerFault>;

    /// Visits the marks of sessions ended before their time; forgets those whose time came before `now`.
    fn revoked(
        &self,
        now: TimeMs,
        visit: &mut dyn FnMut(UserNo, [u8; 16], TimeMs),
    ) -> Result<(), LedgerFault>;

    /// Visits the role and generation of every account that is not a buyer of generation 0.
    fn standings(&self, visit: &mut dyn FnMut(UserNo, Role, u32)) -> Result<(), LedgerFault>;

    /// Accounts with numbers above `after`, by number, at most `most`.
    fn people(&self, after: UserNo, most: u32) -> Result<Vec<Person>, LedgerFault>;

    /// The highest number given to a name.
    fn last_user(&self) -> Result<UserNo, LedgerFault>;
}
