//! Activities, their units and codes, what operators did to them, and the audit log.
//! Nothing here ever resets an activity that was added: changes only add to what is written.

use super::LedgerFault;
use rules::{
    Activity, ActivityNo, Epoch, Event, EventKind, EventNo, KeyHash, TimeMs, TypeNo, UserNo,
};
use std::ops::Range;

/// An activity to be added, with its stock and roster.
#[derive(Clone, Debug)]
pub struct NewActivity {
    /// The definition.
    pub activity: Activity,
    /// One for each type of the definition, in its order.
    pub units: Vec<NewUnits>,
    /// The names that may claim, where `activity.has_roster`; otherwise empty. Already NFC and trimmed, without repetition.
    pub roster: Vec<RosterName>,
}

/// The first units of a type.
#[derive(Clone, PartialEq, Eq)]
pub enum NewUnits {
    /// So many plain ones.
    Plain(u32),
    /// One for each code, in this order; no code twice.
    Codes(Vec<String>),
}

impl std::fmt::Debug for NewUnits {
    // Codes are worth money: they never reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(count) => write!(f, "Plain({count})"),
            Self::Codes(codes) => write!(f, "Codes({} of them)", codes.len()),
        }
    }
}

/// A line of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterName {
    /// The name.
    pub name: String,
    /// May be empty.
    pub display_name: String,
    /// May be empty.
    pub department: String,
}

/// Activities were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedActivity {
    /// The number it got.
    pub no: ActivityNo,
    /// Names of its roster that registered themselves and therefore never satisfy it.
    pub self_registered: Vec<String>,
}

/// Why nothing was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddRefused {
    /// An activity with this id exists: its place in the request.
    IdExists(usize),
    /// A code exists already in the ledger or earlier in the request: activity's place, type, code's place.
    CodeExists(usize, TypeNo, usize),
    /// The ledger failed.
    Fault(LedgerFault),
}

impl From<LedgerFault> for AddRefused {
    fn from(fault: LedgerFault) -> Self {
        Self::Fault(fault)
    }
}

/// An activity as it stands, without its claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredActivity {
    /// Its number.
    pub no: ActivityNo,
    /// The definition as it stands now.
    pub activity: Activity,
    /// Closed for good.
    pub closed: bool,
    /// Paused.
    pub paused: bool,
    /// One for each type, in order.
    pub types: Vec<StoredType>,
    /// The last event contained in this.
    pub through: EventNo,
}

/// The units of a type as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredType {
    /// Units ever made.
    pub made: u32,
    /// Units taken back since.
    pub void: Vec<Range<u32>>,
}

/// A change that is to be written.
#[derive(Clone, Debug)]
pub struct EventDraft {
    /// The activity.
    pub activity: ActivityNo,
    /// When.
    pub at: TimeMs,
    /// What. For `UnitsAdded` the ledger itself gives the numbers: only the count of the range is read.
    pub kind: EventKind,
    /// An operator's idempotency key, remembered for ever.
    pub key: Option<OperatorKey>,
}

/// Whose key, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorKey {
    /// The operator.
    pub operator: UserNo,
    /// The key.
    pub key: KeyHash,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Written now.
    New(Event),
    /// The key was known: this is what it did then. Nothing changed.
    Known(Event),
    /// The activity is closed, and the change is not for closed ones (anything but `Closed` again).
    Closed,
    /// The type would have more units than the rules allow.
    TooMany,
}

/// What became of a list of codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedCodes {
    /// The event, if any code was new.
    pub event: Option<Event>,
    /// The places in the list of codes that exist already, in the ledger or earlier in the list.
    pub duplicates: Vec<usize>,
}

/// What an operator did, for the audit log. Never holds a secret or a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: TimeMs,
    /// The operator's name, or `(command line)`.
    pub who: String,
    /// The call: `admin/act/pause`.
    pub action: String,
    /// On what: an activity's id, or empty.
    pub target: String,
    /// Counts and other particulars; may be empty.
    pub detail: String,
}

/// An audit entry with its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number.
    pub no: u64,
    /// The entry.
    pub entry: AuditEntry,
}

/// Activities and what was done to them. Every change is durable when the call returns, together with its audit entry.
pub trait ActivityLedger: Send + Sync {
    /// Adds activities with units, codes and rosters: all or nothing.
    /// Names not known yet get a number and wait for their account (`Source` none).
    fn add_activities(
        &self,
        epoch: Epoch,
        new: &[NewActivity],
        entry: &AuditEntry,
    ) -> Result<Vec<AddedActivity>, AddRefused>;

    /// Writes a change. The state is checked under the writer's lock: what is closed stays closed.
    fn append(
        &self,
        epoch: Epoch,
        draft: &EventDraft,
        entry: &AuditEntry,
    ) -> Result<Appended, LedgerFault>;

    /// What an operator's key did to this activity, if it did anything: nothing is written.
    fn known_event(
        &self,
        activity: ActivityNo,
        key: OperatorKey,
    ) -> Result<Option<Event>, LedgerFault>;

    /// Adds units with these codes, in order, leaving out those that exist; `Ok(None)`: the activity is closed.
    fn add_codes(
        &self,
        epoch: Epoch,
        activity: ActivityNo,
        ticket_type: TypeNo,
        codes: &[String],
        entry: &AuditEntry,
    ) -> Result<Option<AddedCodes>, LedgerFault>;

    /// Every activity, by number.
    fn activities(&self) -> Result<Vec<StoredActivity>, LedgerFault>;

    /// One activity.
    fn activity(&self, no: ActivityNo) -> Result<Option<StoredActivity>, LedgerFault>;

    /// Visits the numbers of those on an activity's roster who may claim, leaving out those who registered themselves.
    fn roster(&self, no: ActivityNo, visit: &mut dyn FnMut(UserNo)) -> Result<(), LedgerFault>;

    /// How many units each type had when the activity was added, in the order of its types: what was added or
    /// taken back since does not count. Empty: there is no such activity.
    fn first_units(&self, no: ActivityNo) -> Result<Vec<u32>, LedgerFault>;

    /// Visits every name on an activity's roster, in any order, those who registered themselves included.
    fn roster_names(&self, no: ActivityNo, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerFault>;

    /// Visits the codes of a type's units `from..`, in the order of their units.
    fn codes(
        &self,
        no: ActivityNo,
        ticket_type: TypeNo,
        from: u32,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), LedgerFault>;

    /// The unit that carries a code.
    fn find_code(
        &self,
        code: &str,
    ) -> Result<Option<(ActivityNo, TypeNo, rules::UnitNo)>, LedgerFault>;

    /// Writes audit entries of calls that changed nothing.
    fn write_audit(&self, entries: &[AuditEntry]) -> Result<(), LedgerFault>;

    /// Audit entries with numbers below `before` (all: `None`), newest first, at most `most`.
    fn read_audit(&self, before: Option<u64>, most: u32) -> Result<Vec<AuditRecord>, LedgerFault>;
}
