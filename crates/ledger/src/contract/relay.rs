//! What leaves for the outside: an activity's facts numbered from 1 without gaps, endpoints, and how far each has heard.
//! Numbers are given when facts leave, not when they happen: a sale nobody listens to pays nothing for it.

use super::{LedgerFault, PaymentRecord};
use rules::{ActivityNo, Claim, Epoch, Event, Seq, TimeMs};

/// A fact's number in its activity, from 1, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutNo(pub u64);

/// An endpoint's number, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointNo(pub u32);

/// What a fact tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutFact {
    /// A claim was accepted: every line of its order.
    Claimed(Vec<Claim>),
    /// Something happened to an order: the event, and every line.
    Order(Event, Vec<Claim>),
    /// A payment changed its state: the event, and the payment.
    Payment(Event, PaymentRecord),
    /// Anything else that happened to the activity.
    Activity(Event),
}

/// A numbered fact with what a reader needs to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutRow {
    /// The activity.
    pub activity: ActivityNo,
    /// Its number.
    pub no: OutNo,
    /// When it happened.
    pub at: TimeMs,
    /// The fact.
    pub fact: OutFact,
    /// The name of the person it is about; empty where it is about nobody.
    pub user: String,
}

/// An endpoint to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// The opaque id of the wire.
    pub id: String,
    /// Where facts are sent.
    pub url: String,
    /// The key of its signatures. Never shown but once, at its making.
    pub secret: Vec<u8>,
    /// Only this activity's facts; all: `None`.
    pub activity: Option<ActivityNo>,
    /// Only facts of these types (permanent names); empty: all.
    pub types: Vec<String>,
    /// May be empty.
    pub note: String,
}

impl std::fmt::Debug for NewEndpoint {
    // The secret never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewEndpoint").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An endpoint as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its number.
    pub no: EndpointNo,
    /// What it was added as; `secret` is the one in force.
    pub set: NewEndpoint,
    /// The secret before, with which signatures are made too until a moment.
    pub old_secret: Option<(Vec<u8>, TimeMs)>,
    /// Switched off by the operator, or given up after too many failures.
    pub parked: bool,
    /// When it was added.
    pub created_at: TimeMs,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("no", &self.no)
            .field("set", &self.set)
            .finish_non_exhaustive()
    }
}

/// How far an endpoint has heard of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The endpoint.
    pub endpoint: EndpointNo,
    /// The activity.
    pub activity: ActivityNo,
    /// It has taken everything up to here, or it was not for it.
    pub after: OutNo,
    /// Failures in a row of the next one.
    pub failures: u32,
    /// No attempt before this moment.
    pub not_before: TimeMs,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Taken: the status, 200 to 299.
    Taken(u16),
    /// Refused: any other status.
    Status(u16),
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// The address is not one that may be reached.
    Forbidden,
}

/// One attempt, for the log of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it began.
    pub at: TimeMs,
    /// To whom.
    pub endpoint: EndpointNo,
    /// Of which activity.
    pub activity: ActivityNo,
    /// Which fact.
    pub no: OutNo,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// Milliseconds it took.
    pub took_ms: u32,
}

/// Facts on their way out.
pub trait RelayLedger: Send + Sync {
    /// Gives numbers to facts of an activity that have none yet, at most `most`, in an order in which nothing comes
    /// before its cause; the highest number given so far.
    fn number_facts(
        &self,
        epoch: Epoch,
        activity: ActivityNo,
        most: u32,
    ) -> Result<OutNo, LedgerFault>;

    /// Activities that have facts without a number.
    fn unnumbered(&self) -> Result<Vec<ActivityNo>, LedgerFault>;

    /// Numbered facts after `after`, in order, at most `most`.
    fn facts(
        &self,
        activity: ActivityNo,
        after: OutNo,
        most: u32,
    ) -> Result<Vec<OutRow>, LedgerFault>;

    /// The highest number given in an activity; 0: none.
    fn last_fact(&self, activity: ActivityNo) -> Result<OutNo, LedgerFault>;

    /// Adds an endpoint; it hears of what has no number yet, and of nothing before: whoever wants it to hear only of what
    /// happens from now on gives numbers to the rest first. `None`: the id exists.
    fn add_endpoint(
        &self,
        epoch: Epoch,
        new: &NewEndpoint,
        at: TimeMs,
    ) -> Result<Option<EndpointNo>, LedgerFault>;

    /// Every endpoint, by number.
    fn endpoints(&self) -> Result<Vec<Endpoint>, LedgerFault>;

    /// Removes an endpoint with its cursors and its log; false: there was none.
    fn remove_endpoint(&self, epoch: Epoch, no: EndpointNo) -> Result<bool, LedgerFault>;

    /// Gives an endpoint a new secret; the old one signs too until `old_until`.
    fn rotate_secret(
        &self,
        epoch: Epoch,
        no: EndpointNo,
        secret: &[u8],
        old_until: TimeMs,
    ) -> Result<bool, LedgerFault>;

    /// Parks an endpoint, or lets it go on: then its cursors may be tried at once.
    fn park_endpoint(
        &self,
        epoch: Epoch,
        no: EndpointNo,
        parked: bool,
    ) -> Result<bool, LedgerFault>;

    /// The cursors of an endpoint. An activity without one has sent it nothing: `after` is then what it was when the
    /// endpoint was added.
    fn cursors(&self, no: EndpointNo) -> Result<Vec<Cursor>, LedgerFault>;

    /// Sets cursors and logs attempts, in one transaction. The newest `DELIVERIES_KEPT_MAX` of an endpoint are kept.
    fn record_deliveries(
        &self,
        epoch: Epoch,
        cursors: &[Cursor],
        deliveries: &[Delivery],
    ) -> Result<(), LedgerFault>;

    /// An endpoint's attempts, newest first, at most `most`.
    fn deliveries(&self, no: EndpointNo, most: u32) -> Result<Vec<Delivery>, LedgerFault>;

    /// The claims that carry an order's lines.
    fn lines(&self, activity: ActivityNo, order: Seq) -> Result<Vec<Claim>, LedgerFault>;
}

/// Attempts of one endpoint that are kept in the log.
pub const DELIVERIES_KEPT_MAX: u32 = 10_000;
