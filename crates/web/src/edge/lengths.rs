//! Follows the bytes of a connection just far enough to know where each request ends, and whether one says its
//! length in two ways. It judges nothing else: hyper reads the requests, but drops one of two lengths silently.
//!
//! ```text
//!          blank line, no length            blank line, Content-Length: n        blank line, Transfer-Encoding
//! Head ───────────────────────► Head   Head ────────────► Body(n) ──► Head   Head ──────────► Unknown (for good)
//! ```
//! After chunks the end is unknown, so a connection closes behind the answer to them; likewise after a length that
//! is no number.

/// Bytes of a line that are kept while the rest is on its way: the longest name that matters, and a number.
const LINE_BYTES: usize = 56;

/// A length that is no number, or whose line was too long to be kept. No real one is as large.
const UNREADABLE: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Head,
    /// So many bytes of a body are still to come.
    Body(u64),
    Unknown,
}

/// Where a connection is.
#[derive(Debug)]
pub struct Lengths {
    at: At,
    /// The beginning of a line whose end has not come.
    line: [u8; LINE_BYTES],
    kept: u8,
    /// Something of the head has come.
    begun: bool,
    length: Option<u64>,
    chunked: bool,
    doubled: bool,
    lost: bool,
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            at: At::Head,
            line: [0; LINE_BYTES],
            kept: 0,
            begun: false,
            length: None,
            chunked: false,
            doubled: false,
            lost: false,
        }
    }
}

impl Lengths {
    /// Follows these bytes.
    pub fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.at {
                At::Unknown => return,
                At::Body(left) => {
                    let here = left.min(bytes.len() as u64);
                    bytes = &bytes[here as usize..];
                    self.at = if here == left { At::Head } else { At::Body(left - here) };
                }
                At::Head => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else { return self.keep(bytes) };
                    let (line, rest) = bytes.split_at(end + 1);
                    self.whole_line(line);
                    bytes = rest;
                }
            }
        }
    }

    /// Whether everything so far is whole requests.
    pub fn between(&self) -> bool {
        self.at == At::Head && !self.begun && self.kept == 0
    }

    /// Whether some request had both lengths.
    pub fn doubled(&self) -> bool {
        self.doubled
    }

    /// Whether some request said its length so that it cannot be followed here.
    pub fn lost(&self) -> bool {
        self.lost
    }

    fn keep(&mut self, bytes: &[u8]) {
        let kept = usize::from(self.kept);
        let more = bytes.len().min(LINE_BYTES - kept);
        self.line[kept..kept + more].copy_from_slice(&bytes[..more]);
        self.kept += more as u8;
    }

    fn whole_line(&mut self, end: &[u8]) {
        if self.kept == 0 {
            return self.line(end);
        }
        self.keep(end);
        let line = self.line;
        let kept = std::mem::take(&mut self.kept);
        self.line(&line[..usize::from(kept)]);
    }

    fn line(&mut self, line: &[u8]) {
        match line[0] {
            b'\n' => return self.end_head(),
            b'\r' if line == b"\r\n" => return self.end_head(),
            b't' | b'T' => self.chunked |= value(line, b"transfer-encoding").is_some(),
            b'c' | b'C' => {
                if let Some(value) = value(line, b"content-length") {
                    self.length = Some(number(value));
                }
            }
            _ => {}
        }
        self.begun = true;
    }

    fn end_head(&mut self) {
        if !self.begun {
            return;
        }
        self.doubled |= self.chunked && self.length.is_some();
        self.lost |= self.length == Some(UNREADABLE);
        self.at = match self.length {
            _ if self.chunked => At::Unknown,
            Some(UNREADABLE) => At::Unknown,
            None | Some(0) => At::Head,
            Some(bytes) => At::Body(bytes),
        };
        (self.begun, self.length, self.chunked) = (false, None, false);
    }
}

/// What stands behind this name and its colon, if the line begins with them.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (begin, rest) = line.split_at_checked(name.len())?;
    if !begin.eq_ignore_ascii_case(name) {
        return None;
    }
    rest.strip_prefix(b":")
}

fn number(value: &[u8]) -> u64 {
    let text = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
    text.parse().unwrap_or(UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn followed(bytes: &[u8]) -> (bool, bool) {
        let mut lengths = Lengths::default();
        lengths.follow(bytes);
        (lengths.between(), lengths.doubled())
    }

    const TABLE: [(&[u8], bool, bool); 18] = [
        (b"", true, false),
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", true, false),
        (b"GET / HTTP/1.1\nhost: x\n\n", true, false),
        (b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", true, false),
        (b"GET / HTTP/1.1\r\nhost: x\r\n", false, false),
        (b"GET / HTTP/1.1\r\nhost: x", false, false),
        (b"G", false, false),
        (b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", true, false),
        (b"POST / HTTP/1.1\r\nContent-Length:3\r\n\r\nab", false, false),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\nabc", false, false),
        (b"POST / HTTP/1.1\r\nCONTENT-LENGTH: 0\r\n\r\n", true, false),
        (b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n\r\n\r\nabcdeGET /\r\n\r\n", true, false),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", false, false),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", false, true),
        (b"POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: x\r\n\r\n", false, true),
        // A second request in the same bytes; and a body that only looks like a head.
        (b"GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nTransfer-Encoding:\r\nContent-Length:\r\n\r\n", false, true),
        (b"POST / HTTP/1.1\r\ncontent-length: 46\r\n\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", true, false),
        (b"POST / HTTP/1.1\r\nx-content-length: 3\r\ntransfer-encoding-x: y\r\n\r\n", true, false),
    ];

    #[test]
    fn requests_end_where_their_lengths_say_and_two_lengths_are_seen() {
        for (bytes, between, doubled) in TABLE {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(followed(bytes), (between, doubled), "{text}");
        }
    }

    /// However the bytes come, one by one or in pieces, they mean the same.
    #[test]
    fn pieces_mean_what_the_whole_means() {
        for (bytes, between, doubled) in TABLE {
            for size in 1..=bytes.len().max(1) {
                let mut lengths = Lengths::default();
                bytes.chunks(size).for_each(|piece| lengths.follow(piece));
                let text = String::from_utf8_lossy(bytes);
                assert_eq!((lengths.between(), lengths.doubled()), (between, doubled), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let mut lengths = Lengths::default();
            pieces.iter().for_each(|piece| lengths.follow(piece));
            let whole = pieces.concat();
            prop_assert_eq!((lengths.between(), lengths.doubled()), followed(&whole));
        }
    }
}
