//! Answers to those whose request was never read, or not to its end. Each is made once, closes the connection,
//! and is in English unless a language was heard.

use crate::{
    envelope::{RETRY_AFTER_S, envelope},
    language::Language,
};
use std::sync::LazyLock;

/// An answer that needs no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Short {
    /// 400: what came is no request.
    Malformed,
    /// 400: the head is larger than it may be.
    HeadTooLarge,
    /// 400: the rest did not come in time.
    Late,
    /// 429: this address has as many connections as one may have.
    TooMany,
    /// 503: there are as many connections as there may be, or the server stops.
    Busy,
}

const ALL: [(Short, i16, &str, &str); 5] = [
    (Short::Malformed, -400, "400 Bad Request", "the request cannot be read"),
    (Short::HeadTooLarge, -400, "400 Bad Request", "the headers are too large"),
    (Short::Late, -400, "400 Bad Request", "the request did not arrive in time"),
    (
        Short::TooMany,
        -429,
        "429 Too Many Requests",
        "too many connections from this address, nothing happened; ask again",
    ),
    (Short::Busy, -503, "503 Service Unavailable", "busy, nothing happened; ask again"),
];

static BUSY_ZH: LazyLock<Vec<u8>> =
    LazyLock::new(|| make(-503, "503 Service Unavailable", "系统繁忙，未做任何更改，请重试"));

static MADE: LazyLock<[Vec<u8>; ALL.len()]> =
    LazyLock::new(|| ALL.map(|(_, ret, status, message)| make(ret, status, message)));

impl Short {
    /// The whole answer, head and body.
    pub fn bytes(self) -> &'static [u8] {
        &MADE[self as usize]
    }

    /// "Busy" for somebody who reads this language.
    pub fn busy(language: Language) -> &'static [u8] {
        language.pick(Self::Busy.bytes(), &BUSY_ZH)
    }

    /// What is to be said in place of hyper's refusal, which has no body. Nothing if these bytes are no such
    /// refusal: our own answers always have a body or a type.
    pub fn in_place_of(bytes: &[u8]) -> Option<Self> {
        let status = bytes.strip_prefix(b"HTTP/1.1 ").or(bytes.strip_prefix(b"HTTP/1.0 "))?;
        let empty = contains(bytes, b"\r\ncontent-length: 0\r\n") && bytes.ends_with(b"\r\n\r\n");
        match status.first_chunk::<3>()? {
            _ if !empty || contains(bytes, b"\r\ncontent-type: ") => None,
            b"400" | b"414" => Some(Self::Malformed),
            b"431" => Some(Self::HeadTooLarge),
            _ => None,
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

fn make(ret: i16, status: &str, message: &str) -> Vec<u8> {
    let body = envelope(ret, message, b"{}");
    let retry = match ret {
        -429 | -503 => format!("retry-after: {RETRY_AFTER_S}\r\n"),
        _ => String::new(),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n\
         cache-control: private, no-store\r\n{retry}connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{body::ReplyBody, envelope::Problem};

    #[test]
    fn every_answer_stands_at_its_own_place() {
        for (place, (short, ..)) in ALL.iter().enumerate() {
            assert_eq!(*short as usize, place);
        }
        let text = String::from_utf8(Short::Busy.bytes().to_vec()).unwrap();
        assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{text}");
        assert!(
            text.contains("\r\nretry-after: 1\r\n") && text.ends_with("\"data\":{}}"),
            "{text}"
        );
        assert!(text.contains("\"ret\":-503"), "{text}");
    }

    #[test]
    fn busy_says_the_same_whether_the_request_was_read_or_not() {
        for language in [Language::En, Language::Zh] {
            let read = Problem::Busy.reply(language).response;
            let ReplyBody::Ready(body) = read.body() else { panic!("it is made at once") };
            assert!(Short::busy(language).ends_with(&[b"\r\n\r\n", &body[..]].concat()));
            for (name, value) in read.headers() {
                let line = format!("\r\n{name}: {}\r\n", value.to_str().unwrap());
                assert!(contains(Short::busy(language), line.as_bytes()), "{line}");
            }
        }
    }

    #[test]
    fn only_a_refusal_without_a_body_is_replaced() {
        let refusal = |status: &str, more: &str| {
            format!("HTTP/1.1 {status} X\r\n{more}content-length: 0\r\ndate: today\r\n\r\n")
        };
        let table = [
            (refusal("400", "connection: close\r\n"), Some(Short::Malformed)),
            (refusal("431", "connection: close\r\n"), Some(Short::HeadTooLarge)),
            (refusal("414", ""), Some(Short::Malformed)),
            (refusal("404", ""), None),
            (refusal("400", "content-type: text/plain\r\n"), None),
            ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), None),
            ("HTTP/1.1 400 X\r\ncontent-length: 2\r\n\r\n{}".to_owned(), None),
            ("HTTP/1.1".to_owned(), None),
            (String::new(), None),
        ];
        for (bytes, expected) in table {
            assert_eq!(Short::in_place_of(bytes.as_bytes()), expected, "{bytes}");
        }
        let ours = String::from_utf8_lossy(Short::Malformed.bytes()).into_owned();
        assert_eq!(Short::in_place_of(ours.as_bytes()), None);
    }
}
