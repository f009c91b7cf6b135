//! What stands in a request: parameters, and the key of a claim.
//! A second reading, written here as plainly as can be, has to agree with the real one.

use super::CANARY;
use crate::{
    hot::key_text,
    params::{PARAMS_MAX, Params, Reason},
};
use http::{HeaderMap, HeaderValue};
use sale::{Ids, KEY_CHARS_MAX};
use std::sync::LazyLock;

static IDS: LazyLock<Ids> = LazyLock::new(|| Ids::new(&[1; 32], &[2; 32]));

/// C13: what is malformed is named, and nothing is guessed.
pub fn params(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Params::read(text);
    assert_eq!(format!("{read:?}"), format!("{:?}", Params::read(text)), "the same text twice");
    match (read, pairs(text)) {
        (Ok(params), Ok(pairs)) => {
            for (name, value) in &pairs {
                assert_eq!(params.get(name), Some(value.as_str()), "{name:?}");
                if let Ok(number) = params.number(name, 1, 100) {
                    assert!(number.is_some_and(|number| (1..=100).contains(&number)), "{name:?}");
                }
            }
            let again = spelt(&pairs);
            let again = Params::read(&again).expect("what was read can be written and read");
            assert!(pairs.iter().all(|(name, value)| again.get(name) == Some(value.as_str())));
        }
        (Err(bad), Err(reason)) => {
            assert_eq!(bad.reason, reason, "{bad:?}");
            assert!(bad.name.chars().count() <= 64, "a name is shown in part");
        }
        (read, expected) => panic!("{read:?} instead of {expected:?}"),
    }
}

/// The pairs of a query, or what is wrong with the first that is bad.
fn pairs(text: &str) -> Result<Vec<(String, String)>, Reason> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = decoded(name).ok_or(Reason::Encoding)?;
        let value = decoded(value).ok_or(Reason::Encoding)?;
        if pairs.iter().any(|(one, _)| *one == name) {
            return Err(Reason::Twice);
        }
        if pairs.len() == PARAMS_MAX {
            return Err(Reason::TooMany);
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// Percent-decoded, with `+` as a blank.
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|two| two.bytes().all(|one| one.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

/// Every byte of every pair percent-encoded.
fn spelt(pairs: &[(String, String)]) -> String {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// C13: a key is taken as it is, or refused.
pub fn idempotency_key(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let mut headers = HeaderMap::new();
    headers.append("idempotency-key", value.clone());
    let visible = data.iter().all(|byte| (b'!'..=b'~').contains(byte));
    let good = visible && (1..=KEY_CHARS_MAX).contains(&data.len());
    match key_text(&headers) {
        Ok(Some(text)) => {
            assert!(good && text.as_bytes() == data, "{text:?}");
            assert_eq!(IDS.key(text), IDS.key(text));
            assert_ne!(IDS.key(text), IDS.key(&format!("{text}x")));
            assert_ne!(IDS.key(text), IDS.key(&text[1..]));
        }
        Ok(None) => panic!("the header is there"),
        Err(problem) => {
            assert!(!good, "{problem:?}");
            let shown = format!("{problem:?}");
            assert!(!shown.contains(CANARY), "a key is shown: {shown}");
        }
    }
    headers.append("idempotency-key", value);
    assert!(key_text(&headers).is_err(), "two keys");
}
