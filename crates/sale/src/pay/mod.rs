//! What the sale asks of a payment provider, and what a provider may answer: the seam to the money outside.
//! A provider knows nothing of orders but their ids and amounts, and no answer of one changes a state by itself.

mod notice;
mod test_provider;

pub use notice::{NoticeAnswer, NoticeRefused, NoticeVerdict, ProviderNotice};
pub use test_provider::{
    BookFault, Delivery, PageOrder, PagePayment, PageState, PayFault, Switches, TEST_PROVIDER,
    TestProvider, TestSettings,
};

use rules::{Money, TimeMs};
use std::{future::Future, pin::Pin};

/// What a provider will answer.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderFault>> + Send + 'a>>;

/// A buyer is to be sent to the provider. The same order may be asked for again: it is one order at the provider.
#[derive(Clone, Copy, Debug)]
pub struct PayAsk<'a> {
    /// The order's id: 30 characters of base64url, so that every provider takes it as the merchant's own number.
    pub order_id: &'a str,
    /// The whole amount; never nothing.
    pub amount: &'a Money,
    /// What the buyer reads at the provider: the activity's name.
    pub title: &'a str,
    /// The deadline that the buyer was shown. The provider may take payments until then and need not stop by itself.
    pub pay_by: TimeMs,
    /// Where the buyer's browser goes afterwards. That it comes there says nothing about the payment (C21).
    pub back_to: &'a str,
}

/// Where the buyer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayStart {
    /// An address for the buyer's browser: absolute, or a path of this server.
    pub pay_url: String,
}

/// What a provider received over HTTP, before anybody believed it.
pub struct Notice<'a> {
    /// A header by its name, in any case; one that came twice is none.
    pub header: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// The body, exactly as it came: signatures are over these bytes.
    pub body: &'a [u8],
}

/// An order at the provider cannot be paid any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// It had been paid before it could be closed. This is as good as a notice.
    pub paid: Option<ProviderNotice>,
}

/// The money of one payment is to go back, all of it.
#[derive(Clone, Copy, Debug)]
pub struct RefundAsk<'a> {
    /// The provider's own number of the payment.
    pub reference: &'a str,
    /// The order it was made for.
    pub order_id: &'a str,
    /// The whole amount of the payment.
    pub amount: &'a Money,
    /// The merchant's number of this refund: the same at each repetition, so that the money goes back once.
    pub refund_reference: &'a str,
}

/// How a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refunded {
    /// The money is back.
    Done,
    /// The provider is at it: asking again with the same refund reference says how far it is.
    Pending,
}

/// Why a provider did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderFault {
    /// No answer, or none that can be read: it may have been done. Asking again is safe, for every call can be repeated.
    Unreachable,
    /// It said no, and will say so again.
    Refused,
}

impl ProviderFault {
    /// The permanent name: in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
        }
    }
}

impl std::fmt::Display for ProviderFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "the payment provider could not be reached",
            Self::Refused => "the payment provider said no",
        })
    }
}

impl std::error::Error for ProviderFault {}

/// A payment provider. Every call may be repeated: a repetition finds what the first one did.
///
/// Invariants of every implementation: P1 `read_notice`, `close` and `query` tell only of payments that are authentic,
/// complete, and this merchant's. P2 one payment has one reference, in whichever way it is told of. P3 a refund
/// reference gives the money back once. P4 no secret and nothing that a stranger sent reaches a log.
pub trait Provider: Send + Sync {
    /// Its permanent name: in the address of its notices, in the ledger and in exports.
    fn name(&self) -> &str;

    /// Opens the order at the provider, or finds it open.
    fn start<'a>(&'a self, ask: &'a PayAsk<'a>) -> Asked<'a, PayStart>;

    /// Whether a notice is authentic, recent, and of a payment of this merchant. It reads and decides; it asks nobody.
    /// Amount and order are the caller's to compare.
    fn read_notice(&self, notice: &Notice<'_>) -> Result<ProviderNotice, NoticeRefused>;

    /// The answer to a notice in the provider's own words.
    fn answer(&self, verdict: NoticeVerdict) -> NoticeAnswer;

    /// Closes the order at the provider, so that it cannot be paid any more; one that was never opened counts as
    /// closed.
    fn close<'a>(&'a self, order_id: &'a str) -> Asked<'a, Closed>;

    /// The payment of an order; `None`: it is not paid as yet. Of several payments, the first.
    fn query<'a>(&'a self, order_id: &'a str) -> Asked<'a, Option<ProviderNotice>>;

    /// Gives the money of a payment back.
    fn refund<'a>(&'a self, ask: &'a RefundAsk<'a>) -> Asked<'a, Refunded>;
}
