//! The pretend company's notices on the wire: a JSON body, and an HMAC-SHA256 over the time and the body.
//! Signatures are compared in constant time, and nothing of a body is read before its signature holds.

use super::company::Letter;
use crate::pay::{Notice, NoticeRefused, ProviderNotice};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rules::{Money, TimeMs};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Seconds since 1970, of the moment of signing.
const TIMESTAMP: &str = "test-pay-timestamp";
/// Base64 of the signature over `timestamp.body`.
const SIGNATURE: &str = "test-pay-signature";
/// Bytes of a notice.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a reference or an order's id.
const ID_BYTES_MAX: usize = 64;
/// Seconds that a signature may be old, or ahead.
const AGE_S_MAX: u64 = 300;
/// What a completed payment is called.
const PAID: &str = "payment.succeeded";
/// What the company also talks about, and what is no payment.
const CHATTER: &str = "order.viewed";

/// The body. What is not about a payment has no reference and no amount.
#[derive(Serialize, Deserialize)]
struct Body {
    event: String,
    merchant: String,
    #[serde(default)]
    order_id: String,
    #[serde(default)]
    reference: String,
    /// In the currency's own units: `9.90`.
    #[serde(default)]
    amount: String,
    #[serde(default)]
    currency: String,
}

/// What a body tells.
pub(super) struct Told {
    pub(super) merchant: String,
    /// `None`: it is about something else.
    pub(super) paid: Option<Paid>,
}

/// A payment as written.
pub(super) struct Paid(Body);

impl Paid {
    pub(super) fn notice(self) -> Result<ProviderNotice, NoticeRefused> {
        let Body { order_id, reference, amount, currency, .. } = self.0;
        let is_id = |id: &str| !id.is_empty() && id.len() <= ID_BYTES_MAX;
        let amount = Money::parse(&amount, &currency).map_err(|_| NoticeRefused::Malformed)?;
        match is_id(&order_id) && is_id(&reference) {
            true => Ok(ProviderNotice { reference, order_id, amount }),
            false => Err(NoticeRefused::Malformed),
        }
    }
}

/// The body of a letter.
pub(super) fn body(merchant: &str, letter: &Letter) -> Vec<u8> {
    let mut body = Body {
        event: CHATTER.into(),
        merchant: merchant.into(),
        order_id: letter.order_id.clone(),
        reference: String::new(),
        amount: String::new(),
        currency: String::new(),
    };
    if let Some(told) = letter.told() {
        body.event = PAID.into();
        body.reference.clone_from(&told.reference);
        body.amount = told.amount.amount();
        body.currency.clone_from(&told.amount.currency);
    }
    serde_json::to_vec(&body).expect("texts always make JSON")
}

/// Reads a body whose signature held.
pub(super) fn read_body(bytes: &[u8]) -> Result<Told, NoticeRefused> {
    let body: Body = serde_json::from_slice(bytes).map_err(|_| NoticeRefused::Malformed)?;
    let merchant = body.merchant.clone();
    Ok(Told { merchant, paid: (body.event == PAID).then_some(Paid(body)) })
}

/// One key.
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of every length"))
    }

    /// The headers that go with a body sent at `now`.
    pub(super) fn headers(&self, now: TimeMs, body: &[u8]) -> [(&'static str, String); 3] {
        let timestamp = now.seconds().to_string();
        let signature = STANDARD.encode(self.mac(&timestamp, body).finalize().into_bytes());
        [
            ("content-type", "application/json".into()),
            (TIMESTAMP, timestamp),
            (SIGNATURE, signature),
        ]
    }

    /// Whether a notice was signed with this key, and lately.
    pub(super) fn verify(&self, notice: &Notice<'_>, now: TimeMs) -> Result<(), NoticeRefused> {
        if notice.body.len() > BODY_BYTES_MAX {
            return Err(NoticeRefused::TooLong);
        }
        let header = |name| (notice.header)(name).ok_or(NoticeRefused::BadSignature);
        let (timestamp, signature) = (header(TIMESTAMP)?, header(SIGNATURE)?);
        let signature = STANDARD.decode(signature).map_err(|_| NoticeRefused::BadSignature)?;
        let mac = self.mac(&timestamp, notice.body);
        mac.verify_slice(&signature).map_err(|_| NoticeRefused::BadSignature)?;
        let signed_at: u64 = timestamp.parse().map_err(|_| NoticeRefused::Malformed)?;
        match signed_at.abs_diff(now.seconds()) <= AGE_S_MAX {
            true => Ok(()),
            false => Err(NoticeRefused::Stale),
        }
    }

    fn mac(&self, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}
