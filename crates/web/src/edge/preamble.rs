//! The PROXY protocol, versions 1 and 2: what a load balancer says before the first byte of HTTP.
//! Pure: it reads the bytes that are there and says whether they are enough.
//!
//! ```text
//! 1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n              at most 107 bytes
//! 2   \r\n\r\n\0\r\nQUIT\n | 0x21 | 0x11 | length u16 | source | destination | ports | extras
//!                            0x20: the balancer itself asks
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of a preamble at most, extras included.
pub const PREAMBLE_BYTES_MAX: usize = 4096;
/// Bytes of a line of version 1 at most, as its specification has it.
const LINE_BYTES_MAX: usize = 107;
const FIRST: &[u8] = b"PROXY ";
const SECOND: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const SECOND_HEAD_BYTES: usize = 16;

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preamble {
    /// The beginning of one.
    Partial,
    /// None, and more bytes will not make it one.
    Bad,
    /// A whole one.
    Whole {
        /// Who connected to the balancer; none where it does not say, as for its own checks.
        source: Option<IpAddr>,
        /// The bytes it takes; the rest is HTTP.
        bytes: usize,
    },
}

/// Reads a preamble.
pub fn read(bytes: &[u8]) -> Preamble {
    if begins(bytes, SECOND) {
        return second(bytes);
    }
    if begins(bytes, FIRST) { first(bytes) } else { Preamble::Bad }
}

/// Whether the bytes begin like this, as far as they go.
fn begins(bytes: &[u8], like: &[u8]) -> bool {
    let common = bytes.len().min(like.len());
    bytes[..common] == like[..common]
}

fn first(bytes: &[u8]) -> Preamble {
    let seen = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
        let full = seen.len() == LINE_BYTES_MAX;
        return if full { Preamble::Bad } else { Preamble::Partial };
    };
    let line = std::str::from_utf8(&seen[..end]).ok();
    match line.and_then(line_source) {
        Some(source) => Preamble::Whole { source, bytes: end + 2 },
        None => Preamble::Bad,
    }
}

/// Whom a line of version 1 names; none where it is no such line.
fn line_source(line: &str) -> Option<Option<IpAddr>> {
    let mut words = line.split(' ').skip(1);
    let four = match words.next()? {
        "UNKNOWN" => return Some(None),
        "TCP4" => true,
        "TCP6" => false,
        _ => return None,
    };
    let address = |word: &str| {
        let address: IpAddr = word.parse().ok()?;
        (address.is_ipv4() == four).then_some(address)
    };
    let source = address(words.next()?)?;
    address(words.next()?)?;
    words.next()?.parse::<u16>().ok()?;
    words.next()?.parse::<u16>().ok()?;
    words.next().is_none().then_some(Some(source.to_canonical()))
}

fn second(bytes: &[u8]) -> Preamble {
    let Some(head) = bytes.first_chunk::<SECOND_HEAD_BYTES>() else { return Preamble::Partial };
    let whole = SECOND_HEAD_BYTES + usize::from(u16::from_be_bytes([head[14], head[15]]));
    if whole > PREAMBLE_BYTES_MAX || !matches!(head[12], 0x20 | 0x21) {
        return Preamble::Bad;
    }
    let Some(content) = bytes.get(SECOND_HEAD_BYTES..whole) else { return Preamble::Partial };
    let source = match (head[12], head[13]) {
        // The balancer itself asks, or somebody who has no address.
        (0x20, _) | (_, 0x00 | 0x31 | 0x32) => None,
        (_, 0x11) if content.len() >= 12 => {
            content.first_chunk().map(|four: &[u8; 4]| IpAddr::V4(Ipv4Addr::from(*four)))
        }
        (_, 0x21) if content.len() >= 36 => {
            content.first_chunk().map(|six: &[u8; 16]| IpAddr::V6(Ipv6Addr::from(*six)))
        }
        _ => return Preamble::Bad,
    };
    Preamble::Whole { source: source.map(|source| source.to_canonical()), bytes: whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(source: &str, bytes: usize) -> Preamble {
        Preamble::Whole { source: source.parse().ok(), bytes }
    }

    #[test]
    fn the_line_of_version_1_is_read_strictly() {
        let table: [(&[u8], Preamble); 18] = [
            (b"", Preamble::Partial),
            (b"PRO", Preamble::Partial),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r", Preamble::Partial),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", whole("1.1.1.1", 32)),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65535\r\nGET /", whole("1.1.1.1", 36)),
            (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n", whole("2001:db8::7", 32)),
            (b"PROXY UNKNOWN\r\n", whole("", 15)),
            (b"PROXY UNKNOWN ffff ffff 1 2\r\n", whole("", 29)),
            (b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n", Preamble::Bad),
            (b"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", Preamble::Bad),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", Preamble::Bad),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", Preamble::Bad),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", Preamble::Bad),
            (b"PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n", Preamble::Bad),
            (b"PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n", Preamble::Bad),
            (b"PROXY \xff\r\n", Preamble::Bad),
            (b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", Preamble::Bad),
            (b"GET / HTTP/1.1\r\n", Preamble::Bad),
        ];
        for (bytes, expected) in table {
            assert_eq!(read(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(read(&[b"PROXY ", &[b'x'; 101][..]].concat()), Preamble::Bad);
        assert_eq!(read(&[b"PROXY ", &[b'x'; 100][..]].concat()), Preamble::Partial);
    }

    fn binary(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [SECOND, &[command, family], &length, content].concat()
    }

    #[test]
    fn the_bytes_of_version_2_are_read_strictly() {
        let four = [1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 0, 2];
        let mut six = [0; 36];
        (six[0], six[1], six[15]) = (0x20, 0x01, 7);
        let mapped = [&[0; 10][..], &[255, 255, 1, 1, 1, 1], &[0; 20]].concat();
        let with_extras = [&four[..], &[4, 0, 2, 9, 9]].concat();
        let table = [
            (binary(0x21, 0x11, &four), whole("1.1.1.1", 28)),
            (binary(0x21, 0x11, &with_extras), whole("1.1.1.1", 33)),
            (binary(0x21, 0x21, &six), whole("2001::7", 52)),
            (binary(0x21, 0x21, &mapped), whole("1.1.1.1", 52)),
            (binary(0x20, 0x11, &four), whole("", 28)),
            (binary(0x20, 0x00, &[]), whole("", 16)),
            (binary(0x21, 0x00, &[]), whole("", 16)),
            (binary(0x21, 0x31, &[0; 216]), whole("", 232)),
            (binary(0x21, 0x11, &four[..11]), Preamble::Bad),
            (binary(0x21, 0x21, &six[..35]), Preamble::Bad),
            (binary(0x21, 0x12, &four), Preamble::Bad),
            (binary(0x22, 0x11, &four), Preamble::Bad),
            (binary(0x11, 0x11, &four), Preamble::Bad),
            (binary(0x21, 0x11, &[0; 4081]), Preamble::Bad),
        ];
        for (bytes, expected) in table {
            assert_eq!(read(&bytes), expected, "{bytes:?}");
            if let Preamble::Whole { bytes: length, .. } = expected {
                for end in 0..length {
                    assert_eq!(read(&bytes[..end]), Preamble::Partial, "{end} of {bytes:?}");
                }
            }
        }
        let wrong = [&SECOND[..11], b"x"].concat();
        assert_eq!(read(&wrong), Preamble::Bad);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_a_whole_one_lies_within_them(
            begin in prop_oneof![Just(FIRST.to_vec()), Just(SECOND.to_vec()), Just(Vec::new())],
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let bytes = [begin, rest].concat();
            if let Preamble::Whole { bytes: used, .. } = read(&bytes) {
                prop_assert!(used <= bytes.len());
            }
        }
    }
}
