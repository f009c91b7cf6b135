//! What a slice asks and what it expects to hear: one request shape, with another person's token each time.
//! The shape is the same for every part and every server, down to the length of the token.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::response::{self, Head};

/// Session tokens of one width, one after the other: two million small texts would cost too much.
#[derive(Clone, Default)]
pub struct Tokens {
    bytes: Vec<u8>,
    width: usize,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Adds one; false when its width differs from that of the others.
    #[must_use]
    pub fn push(&mut self, token: &str) -> bool {
        if self.bytes.is_empty() {
            self.width = token.len();
        }
        let fits = token.len() == self.width && self.width > 0;
        if fits {
            self.bytes.extend_from_slice(token.as_bytes());
        }
        fits
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.bytes.len().checked_div(self.width).unwrap_or(0)
    }

    /// The token of person `index`.
    pub fn get(&self, index: usize) -> &[u8] {
        &self.bytes[index * self.width..(index + 1) * self.width]
    }
}

/// What every answer of a slice must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// 200 with the body `ok`.
    Ok,
    /// 200 with an envelope of this `ret`.
    Ret(i32),
    /// 200 with `ret` 0, or with `ret` 1, which is counted apart.
    Accepted,
}

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// As expected.
    Expected,
    /// Decided, not yet on disk.
    Queued,
    /// Anything else.
    Unexpected,
}

impl Expect {
    /// Judges one whole answer.
    pub fn judge(self, head: Head, body: &[u8]) -> Heard {
        let ret = || response::ret(body);
        let expected = match self {
            _ if head.status != 200 => false,
            Self::Ok => body == b"ok",
            Self::Ret(expected) => ret() == Some(expected),
            Self::Accepted if ret() == Some(1) => return Heard::Queued,
            Self::Accepted => ret() == Some(0),
        };
        if expected { Heard::Expected } else { Heard::Unexpected }
    }
}

/// Whose turn it is.
#[derive(Debug)]
enum Turn {
    /// Round and round.
    Around,
    /// Each person once; a connection that finds nobody left falls silent.
    Once,
}

/// The requests of one slice.
#[derive(Debug)]
pub struct Script<'a> {
    head: Vec<u8>,
    tokens: &'a Tokens,
    people: Range<usize>,
    turn: Turn,
    next: AtomicUsize,
    expect: Expect,
}

/// What follows the token.
const TAIL: &[u8] = b"\r\n\r\n";

impl<'a> Script<'a> {
    /// `people` ask for `path` round and round.
    pub fn around(path: &str, tokens: &'a Tokens, people: Range<usize>, expect: Expect) -> Self {
        Self::new(path, tokens, people, Turn::Around, expect)
    }

    /// Each of `people` asks for `path` once.
    pub fn once(path: &str, tokens: &'a Tokens, people: Range<usize>, expect: Expect) -> Self {
        Self::new(path, tokens, people, Turn::Once, expect)
    }

    fn new(
        path: &str,
        tokens: &'a Tokens,
        people: Range<usize>,
        turn: Turn,
        expect: Expect,
    ) -> Self {
        assert!(!people.is_empty() && people.end <= tokens.count(), "people without tokens");
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: firstcome-bench/1\r\n\
             Accept: application/json\r\nAuthorization: Bearer "
        );
        Self { head: head.into_bytes(), tokens, people, turn, next: AtomicUsize::new(0), expect }
    }

    /// Writes the next request into `request`; false when nobody is left to ask.
    pub(super) fn next_request(&self, request: &mut Vec<u8>) -> bool {
        // Only the number matters, and nothing is published through it.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.people.len();
        let index = match self.turn {
            Turn::Around => number % count,
            Turn::Once if number >= count => return false,
            Turn::Once => number,
        };
        request.clear();
        request.extend_from_slice(&self.head);
        request.extend_from_slice(self.tokens.get(self.people.start + index));
        request.extend_from_slice(TAIL);
        true
    }

    /// How many of the people have had their turn; with [`Script::around`], of the requests.
    pub fn asked(&self) -> usize {
        let asked = self.next.load(Ordering::Relaxed);
        match self.turn {
            Turn::Around => asked,
            Turn::Once => asked.min(self.people.len()),
        }
    }

    pub(super) fn expect(&self) -> Expect {
        self.expect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_tokens() -> Tokens {
        let mut tokens = Tokens::default();
        assert!(["aa", "bb", "cc"].iter().all(|token| tokens.push(token)));
        tokens
    }

    #[test]
    fn a_token_of_another_width_is_refused() {
        let mut tokens = three_tokens();
        assert!(!tokens.push("longer"));
        assert_eq!(tokens.count(), 3);
    }

    #[test]
    fn once_asks_each_person_once_and_around_begins_again() {
        let tokens = three_tokens();
        let asked = |script: &Script<'_>| {
            let mut seen = Vec::new();
            let mut request = Vec::new();
            for _ in 0..4 {
                let more = script.next_request(&mut request);
                let text = String::from_utf8(request.clone()).unwrap();
                seen.push(more.then(|| text.trim_end().rsplit(' ').next().unwrap().to_owned()));
            }
            seen
        };
        let once = Script::once("/x", &tokens, 1..3, Expect::Accepted);
        assert_eq!(asked(&once), [Some("bb".into()), Some("cc".into()), None, None]);
        assert_eq!(once.asked(), 2);
        let around = Script::around("/x", &tokens, 1..3, Expect::Ok);
        let expected = ["bb", "cc", "bb", "cc"].map(|token| Some(token.to_owned()));
        assert_eq!(asked(&around), expected);
    }

    #[test]
    fn answers_are_judged_by_status_and_ret() {
        let table = [
            (Expect::Ok, 200, "ok", Heard::Expected),
            (Expect::Ok, 503, "ok", Heard::Unexpected),
            (Expect::Ok, 200, "no", Heard::Unexpected),
            (Expect::Ret(-2), 200, "{\"ret\":-2,", Heard::Expected),
            (Expect::Ret(-2), 200, "{\"ret\":0,", Heard::Unexpected),
            (Expect::Accepted, 200, "{\"ret\":0,", Heard::Expected),
            (Expect::Accepted, 200, "{\"ret\":1,", Heard::Queued),
            (Expect::Accepted, 200, "{\"ret\":-5,", Heard::Unexpected),
            (Expect::Accepted, 503, "{\"ret\":0,", Heard::Unexpected),
        ];
        for (expect, status, body, heard) in table {
            let head = Head { status, body_at: 0, end: body.len() };
            assert_eq!(expect.judge(head, body.as_bytes()), heard, "{expect:?} {status} {body}");
        }
    }
}
