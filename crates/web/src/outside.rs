//! The seam to the world outside: facts that leave in order, and endpoints that are sent them. The binary fills it;
//! nothing behind it decides anything about a sale, and no call blocks whoever asks.

use bytes::Bytes;
use sale::{ActivityNo, LedgerFault, TimeMs};
use std::{future::Future, pin::Pin};

/// Bytes of the address of an endpoint.
pub const URL_BYTES_MAX: usize = 2_048;
/// Bytes of an operator's note on an endpoint.
pub const NOTE_BYTES_MAX: usize = 256;

/// The types of facts: permanent names of the wire.
pub const EVENT_TYPES: [&str; 18] = [
    "order.held",
    "order.paid",
    "order.cancelled",
    "order.expired",
    "order.refund_due",
    "order.refunded",
    "payment.late",
    "payment.refund_due",
    "payment.confirmed",
    "payment.refunded",
    "standby.joined",
    "standby.left",
    "activity.paused",
    "activity.resumed",
    "activity.closed",
    "activity.changed",
    "units.added",
    "units.taken_back",
];

/// What comes of a question, after a while.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, OutsideFault>> + Send + 'a>>;

/// What leaves, and to whom.
pub trait Outside: Send + Sync {
    /// Facts of an activity after this number, in order, without gaps: at most `most`, and none after the one with
    /// which their bodies come to `bytes_max`.
    fn facts(
        &self,
        activity: ActivityNo,
        after: u64,
        most: u32,
        bytes_max: usize,
    ) -> Asking<'_, OutsideFacts>;

    /// Ends when something may have happened anywhere since this call. It may end for nothing, and it may end never:
    /// whoever waits for it also looks from time to time.
    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Every endpoint, in the order of adding.
    fn webhooks(&self) -> Asking<'_, Vec<Webhook>>;

    /// Adds an endpoint; it hears of what happens from now on.
    fn add(&self, new: NewWebhook) -> Asking<'_, NewSecret>;

    /// Removes an endpoint.
    fn remove<'a>(&'a self, id: &'a str) -> Asking<'a, ()>;

    /// Gives an endpoint a new secret; for a while both sign.
    fn rotate<'a>(&'a self, id: &'a str) -> Asking<'a, NewSecret>;

    /// Stops deliveries to an endpoint, or lets them go on at once.
    fn park<'a>(&'a self, id: &'a str, parked: bool) -> Asking<'a, ()>;

    /// Sends everything of an activity after this number again.
    fn replay<'a>(&'a self, id: &'a str, activity: ActivityNo, after: u64) -> Asking<'a, ()>;

    /// Sends a message that tells of nothing, and waits for how that ends.
    fn test<'a>(&'a self, id: &'a str) -> Asking<'a, Attempt>;

    /// An endpoint's attempts, newest first, at most `most`.
    fn attempts<'a>(&'a self, id: &'a str, most: u32) -> Asking<'a, Vec<Attempt>>;
}

/// Why nothing came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideFault {
    /// There is no such endpoint.
    Unknown,
    /// No http or https address of a host.
    Url,
    /// An address that may not be reached from here.
    Forbidden,
    /// There are as many endpoints as there may be.
    TooMany,
    /// The endpoint does not hear of this activity.
    OtherActivity,
    /// Nobody could say now; it may or may not have been done.
    Busy,
    /// The ledger failed.
    Ledger(LedgerFault),
}

/// Some facts of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideFacts {
    /// In order, without gaps.
    pub facts: Vec<OutsideFact>,
    /// There are more after them.
    pub more: bool,
}

/// A fact as it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideFact {
    /// Its number in its activity, from 1, without gaps.
    pub no: u64,
    /// Its type: one of [`EVENT_TYPES`].
    pub kind: &'static str,
    /// The same body that webhooks are sent: a CloudEvent as JSON, on one line.
    pub body: Bytes,
}

/// An endpoint to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where facts are sent, at most [`URL_BYTES_MAX`].
    pub url: String,
    /// Only this activity's; all: `None`.
    pub activity: Option<ActivityNo>,
    /// Only these types, each one of [`EVENT_TYPES`]; empty: all.
    pub types: Vec<String>,
    /// May be empty; at most [`NOTE_BYTES_MAX`].
    pub note: String,
}

/// An endpoint's id and its secret, which is shown this once. It has no `Debug`, so that no log can show it.
pub struct NewSecret {
    /// The id.
    pub id: String,
    /// The secret as receivers are given it: `whsec_…`.
    pub secret: String,
}

/// An endpoint as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// What it was added as.
    pub set: NewWebhook,
    /// Switched off by the operator, or given up after too many failures.
    pub parked: bool,
    /// When it was added.
    pub created_at: TimeMs,
    /// Until when the secret before signs too, if there was one.
    pub old_secret_until: Option<TimeMs>,
    /// How far it has heard, by activity.
    pub reached: Vec<Reached>,
}

/// How far an endpoint has heard of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The activity.
    pub activity: ActivityNo,
    /// Everything up to here.
    pub after: u64,
    /// Failures in a row of the next one.
    pub failures: u32,
    /// No attempt before this moment.
    pub not_before: TimeMs,
}

/// One attempt to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: TimeMs,
    /// Of which fact; `None`: of a test.
    pub fact: Option<(ActivityNo, u64)>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Milliseconds it took.
    pub took_ms: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Taken: the status, 200 to 299.
    Taken(u16),
    /// Any other status.
    Status(u16),
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// The address is not one that may be reached.
    Forbidden,
}

impl AttemptOutcome {
    /// The permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken(_) => "taken",
            Self::Status(_) => "refused",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Forbidden => "forbidden",
        }
    }

    /// The status of the answer, where there was one.
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Taken(status) | Self::Status(status) => Some(status),
            Self::TimedOut | Self::Unreachable | Self::Forbidden => None,
        }
    }
}
