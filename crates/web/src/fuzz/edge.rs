//! What stands before and around a request: the PROXY preamble, what proxies say of the client, and the lengths.
//! More bytes never change what was read already, and a client's own words never become its address.

use super::number;
use crate::edge::{
    ForwardedHeader,
    lengths::Lengths,
    preamble::{PREAMBLE_BYTES_MAX, Preamble, read},
};
use http::{HeaderMap, HeaderValue};
use std::net::{IpAddr, Ipv4Addr};

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

/// C34: a preamble is what it is, however it arrives.
pub fn preamble(data: &[u8]) {
    let heard = read(data);
    assert_eq!(heard, read(data), "the same bytes twice");
    match heard {
        Preamble::Whole { bytes, .. } => {
            assert!(bytes <= PREAMBLE_BYTES_MAX && bytes <= data.len());
            assert_eq!(read(&data[..bytes]), heard, "what follows is no part of it");
            for end in [0, 1, bytes / 2, bytes - 1] {
                assert_eq!(read(&data[..end]), Preamble::Partial, "{end} of {bytes} bytes");
            }
        }
        Preamble::Bad => assert_eq!(read(&[data, b"\r\n"].concat()), Preamble::Bad),
        Preamble::Partial => assert!(data.len() < PREAMBLE_BYTES_MAX),
    }
}

/// C34: whatever a client writes itself, nobody believes it.
pub fn forwarded(data: &[u8]) {
    for (which, name, added) in [
        (ForwardedHeader::XForwardedFor, "x-forwarded-for", "203.0.113.9"),
        (ForwardedHeader::Forwarded, "forwarded", "proto=https;for=\"203.0.113.9:4711\""),
    ] {
        let mut headers = HeaderMap::new();
        for line in data.split(|byte| *byte == b'\n') {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                headers.append(name, value);
            }
        }
        let trusted = |address| address == PROXY;
        let heard = which.client(&headers, PROXY, trusted);
        assert_eq!(heard, which.client(&headers, PROXY, trusted), "the same headers twice");
        assert_eq!(which.client(&headers, CLIENT, trusted), CLIENT, "nobody trusts this peer");
        headers.append(name, HeaderValue::from_static(added));
        assert_eq!(which.client(&headers, PROXY, trusted), CLIENT, "behind {data:?}");
    }
}

/// C13: a request that says its length in two ways is known for it, wherever its bytes are cut.
pub fn lengths(data: &[u8]) {
    let (piece, bytes) = number(data);
    let mut whole = Lengths::default();
    whole.follow(bytes);
    let mut pieces = Lengths::default();
    bytes.chunks(piece as usize % 97 + 1).for_each(|piece| pieces.follow(piece));
    assert!(!whole.doubled() || pieces.doubled() || pieces.lost(), "cut, it is let through");
    if !whole.lost() && !pieces.lost() {
        assert_eq!((whole.doubled(), whole.between()), (pieces.doubled(), pieces.between()));
    }
}
