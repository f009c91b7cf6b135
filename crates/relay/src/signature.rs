//! Signatures of Standard Webhooks: HMAC-SHA256 over the event's id, the second it was sent and the body.
//! A secret leaves this file as text only for the one moment in which it is shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::ops::RangeInclusive;

/// Bytes of a secret.
pub const SECRET_BYTES: RangeInclusive<usize> = 24..=64;
/// Bytes of a secret made here.
pub(crate) const FRESH_BYTES: usize = 32;
const PREFIX: &str = "whsec_";

const _: () = assert!(*SECRET_BYTES.start() <= FRESH_BYTES && FRESH_BYTES <= *SECRET_BYTES.end());

/// The text of a secret: `whsec_` and its bytes in base64.
pub fn secret_text(secret: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret))
}

/// The bytes of a secret's text; `None` where it is none, or too short or too long.
pub fn secret_bytes(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    SECRET_BYTES.contains(&bytes.len()).then_some(bytes)
}

/// The value of `webhook-signature`: one signature for each secret, with spaces between.
pub fn sign(secrets: &[&[u8]], id: &str, seconds: u64, body: &[u8]) -> String {
    let one = |secret: &&[u8]| {
        let mut keyed =
            Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        keyed.update(id.as_bytes());
        keyed.update(format!(".{seconds}.").as_bytes());
        keyed.update(body);
        format!("v1,{}", STANDARD.encode(keyed.finalize().into_bytes()))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's own libraries are tested with.
    #[test]
    fn the_specifications_example_is_signed_as_it_says() {
        let secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = sign(&[&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let twice = sign(&[&secret, &secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(twice, format!("{signed} {signed}"));
    }

    #[test]
    fn a_secrets_text_is_read_back_or_refused() {
        let secret = [7; FRESH_BYTES];
        assert_eq!(secret_bytes(&secret_text(&secret)).as_deref(), Some(&secret[..]));
        let short = secret_text(&[1; 23]);
        let long = secret_text(&[1; 65]);
        for text in ["", "whsec_", "whsec_####", "c2VjcmV0", short.as_str(), long.as_str()] {
            assert_eq!(secret_bytes(text), None, "{text}");
        }
    }
}
