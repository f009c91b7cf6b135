//! What somebody asks for whom there is no room, told from the first bytes alone: most of a crowd can be told "busy"
//! without anything being made for them. Pure. It never says so of anybody who may have to be let in.

use crate::{language::Language, service};
use http::{HeaderMap, HeaderValue, header::ACCEPT_LANGUAGE};
use memchr::{memchr, memmem};

/// What the first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    /// The head of a request for what there is no room for, whole, from somebody who reads this language.
    Plain(Language),
    /// Anything else: to be read by those who read properly.
    Unclear,
}

impl Knock {
    /// Looks at the bytes that have come so far.
    pub fn of(bytes: &[u8]) -> Self {
        plain(bytes).map_or(Self::Unclear, Self::Plain)
    }
}

/// The language of a plain request. The answer to HEAD has no body, and other methods are rare.
fn plain(bytes: &[u8]) -> Option<Language> {
    let head = &bytes[..memmem::find(bytes, b"\r\n\r\n")?];
    let line_end = memmem::find(head, b"\r\n").unwrap_or(head.len());
    let mut words = std::str::from_utf8(&head[..line_end]).ok()?.split(' ');
    let (Some("GET" | "POST"), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return None;
    };
    let path = target.split(['?', '#']).next()?;
    let refused = path.starts_with('/') && !service::is_vital(path);
    refused.then(|| language(&head[line_end..]))
}

fn language(lines: &[u8]) -> Language {
    let value = lines.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = memchr(b':', line)?;
        let named = line[..colon].eq_ignore_ascii_case(ACCEPT_LANGUAGE.as_str().as_bytes());
        named.then(|| line[colon + 1..].trim_ascii())
    });
    let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value).ok()) else {
        return Language::En;
    };
    Language::of(&HeaderMap::from_iter([(ACCEPT_LANGUAGE, value)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EN: Knock = Knock::Plain(Language::En);
    const ZH: Knock = Knock::Plain(Language::Zh);

    #[test]
    fn only_whole_heads_of_those_who_are_refused_anyway_are_plain() {
        let table: [(&[u8], Knock); 22] = [
            (b"GET /act/list HTTP/1.1\r\nHost: a\r\n\r\n", EN),
            (b"GET / HTTP/1.0\r\n\r\n", EN),
            (b"POST /ticket/get?actId=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", EN),
            (b"GET / HTTP/1.1\r\nAccept-Language: zh-CN,zh;q=0.9\r\nHost: a\r\n\r\n", ZH),
            (b"GET / HTTP/1.1\r\nHost: a\r\naccept-language:zh\r\n\r\n", ZH),
            (b"GET / HTTP/1.1\r\nAccept-Language: \xff\r\n\r\n", EN),
            (b"GET /administrator HTTP/1.1\r\n\r\n", EN),
            (b"GET /healthz/x HTTP/1.1\r\n\r\n", EN),
            (b"GET /healthz HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"GET /healthz?x=1 HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"GET /readyz HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"GET /metrics#x HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"POST /admin/act/import HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"GET http://a/admin/act/list HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"HEAD /act/list HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"OPTIONS * HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Knock::Unclear),
            (b"GET /act/list HTTP/1.1\r\nHost: a\r\n", Knock::Unclear),
            (b"GET  /act/list HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"\r\n\r\n\0\r\nQUIT\n", Knock::Unclear),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n", Knock::Unclear),
            (b"", Knock::Unclear),
        ];
        for (bytes, expected) in table {
            assert_eq!(Knock::of(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_that_ask_for_what_is_vital_are_plain(
            before in "[A-Za-z ]{0,6}",
            path in prop_oneof![Just("/healthz"), Just("/readyz"), Just("/metrics"), Just("/admin/x")],
            after in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = Knock::of(&after);
            let line = [before.as_bytes(), path.as_bytes(), b" HTTP/1.1\r\n\r\n", &after].concat();
            prop_assert_eq!(Knock::of(&line), Knock::Unclear);
            let exact = [b"GET ", path.as_bytes(), b" HTTP/1.1\r\n\r\n", &after].concat();
            prop_assert_eq!(Knock::of(&exact), Knock::Unclear);
        }
    }
}
