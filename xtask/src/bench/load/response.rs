//! As much of an HTTP/1.1 answer as a load generator must know: status, length, and the `ret` of the envelope.
//! Anything that is not a plain answer with a Content-Length is called broken, never guessed at.

use memchr::{memchr, memmem};

/// Answers are this long at most, head included.
pub const RESPONSE_BYTES_MAX: usize = 256 * 1024;

/// The head of a whole answer, and where its body lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// Where the body begins.
    pub body_at: usize,
    /// Where it ends, and the answer with it.
    pub end: usize,
}

/// What stands in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// More must be read.
    Partial,
    /// One whole answer and nothing after it.
    Whole(Head),
    /// Not an answer this reader understands.
    Broken,
}

/// Looks at all that was read since the request left.
pub fn parse(bytes: &[u8]) -> Parsed {
    let Some(head_end) = memmem::find(bytes, b"\r\n\r\n") else {
        return if bytes.len() < RESPONSE_BYTES_MAX { Parsed::Partial } else { Parsed::Broken };
    };
    let head = &bytes[..head_end + 2];
    let (Some(status), Some(length)) = (status(head), content_length(head)) else {
        return Parsed::Broken;
    };
    let body_at = head_end + 4;
    let end = body_at + length;
    match bytes.len() {
        _ if end > RESPONSE_BYTES_MAX => Parsed::Broken,
        read if read < end => Parsed::Partial,
        read if read == end => Parsed::Whole(Head { status, body_at, end }),
        _ => Parsed::Broken,
    }
}

/// The `ret` of an envelope, which is its first member.
pub fn ret(body: &[u8]) -> Option<i32> {
    let digits = body.strip_prefix(b"{\"ret\":")?.trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'-')?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn content_length(head: &[u8]) -> Option<usize> {
    let mut rest = head;
    while let Some(at) = memchr(b'\n', rest) {
        rest = &rest[at + 1..];
        const NAME: &[u8] = b"content-length:";
        if rest.len() > NAME.len() && rest[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let end = memchr(b'\r', rest)?;
            return std::str::from_utf8(&rest[NAME.len()..end]).ok()?.trim().parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n{\"ret\":-2,}\n";

    #[test]
    fn an_answer_is_whole_exactly_at_its_last_byte() {
        for length in 0..ANSWER.len() {
            assert_eq!(parse(&ANSWER[..length]), Parsed::Partial, "at {length}");
        }
        let end = ANSWER.len();
        let head = Head { status: 200, body_at: end - 12, end };
        assert_eq!(parse(ANSWER), Parsed::Whole(head));
        assert_eq!(parse(&[ANSWER, b"x"].concat()), Parsed::Broken);
    }

    #[test]
    fn answers_without_a_length_or_with_a_wild_one_are_broken() {
        for text in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            "HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()), Parsed::Broken, "{text}");
        }
    }

    #[test]
    fn ret_is_read_from_the_first_member() {
        let table = [
            ("{\"ret\":0,\"message\":\"success\"}", Some(0)),
            ("{\"ret\": -503,\"message\"", Some(-503)),
            ("{\"message\":\"x\",\"ret\":0}", None),
            ("ok", None),
            ("{\"ret\":", None),
        ];
        for (body, expected) in table {
            assert_eq!(ret(body.as_bytes()), expected, "{body}");
        }
    }
}
