//! What a notice of a provider says once it is believed, why it is not believed, and how it is answered.
//! The reasons are a closed list with permanent names: nothing that a sender wrote ever becomes one.

use rules::Money;

/// An authentic payment, as its provider tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderNotice {
    /// The provider's own number of the payment; with the provider's name it is unique for ever.
    pub reference: String,
    /// The id of the order it was made for, as it was given to the provider.
    pub order_id: String,
    /// What was paid, whatever was asked.
    pub amount: Money,
}

impl ProviderNotice {
    /// Whether it tells of money at all: of more than nothing, and of an amount and a currency as they are written. What
    /// cannot be booked cannot be given back either.
    pub fn is_money(&self) -> Result<(), NoticeRefused> {
        let Money { minor, currency } = &self.amount;
        if *minor == 0 {
            return Err(NoticeRefused::NotAPayment);
        }
        let read = Money::parse(&self.amount.amount(), currency);
        if read.as_ref() == Ok(&self.amount) { Ok(()) } else { Err(NoticeRefused::Malformed) }
    }
}

/// Why a notice changes nothing. The names are permanent: in the ledger, in metrics, on the operator's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeRefused {
    /// No provider of this name is configured.
    UnknownProvider,
    /// Longer than a notice may be.
    TooLong,
    /// Without a signature, or not signed by the provider.
    BadSignature,
    /// Signed too long ago, or in the future: somebody may have kept it.
    Stale,
    /// Signed, and not readable as what the provider writes.
    Malformed,
    /// Of another merchant, or of another application of this one.
    WrongMerchant,
    /// Authentic, and of something else than a completed payment. It is answered as taken.
    NotAPayment,
    /// Authentic, and there is no such order, or it costs nothing: somebody's money came, and it is not known what for.
    UnknownOrder,
}

impl NoticeRefused {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::UnknownProvider,
        Self::TooLong,
        Self::BadSignature,
        Self::Stale,
        Self::Malformed,
        Self::WrongMerchant,
        Self::NotAPayment,
        Self::UnknownOrder,
    ];

    /// The permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownProvider => "unknown_provider",
            Self::TooLong => "too_long",
            Self::BadSignature => "bad_signature",
            Self::Stale => "stale",
            Self::Malformed => "malformed",
            Self::WrongMerchant => "wrong_merchant",
            Self::NotAPayment => "not_a_payment",
            Self::UnknownOrder => "unknown_order",
        }
    }

    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// Whether only a provider can have sent it, and money with it.
    pub const fn is_stray(self) -> bool {
        matches!(self, Self::UnknownOrder)
    }

    /// What the provider is to be told: what is authentic and no payment need not come again.
    pub const fn verdict(self) -> NoticeVerdict {
        match self {
            Self::NotAPayment => NoticeVerdict::Taken,
            _ => NoticeVerdict::Refused,
        }
    }
}

/// What a provider is to be told about its notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeVerdict {
    /// It is on disk, or was before: it need not be sent again.
    Taken,
    /// It was not believed.
    Refused,
    /// Nothing could be written now: it is to be sent again.
    Later,
}

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeAnswer {
    /// The status.
    pub status: u16,
    /// The body, in the provider's words.
    pub body: String,
    /// Its type.
    pub content_type: &'static str,
}
