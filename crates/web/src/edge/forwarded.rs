//! What proxies say about the client: `X-Forwarded-For` and `Forwarded` (RFC 7239), read from the right.
//! Pure. Whatever a client wrote into them itself stands left of what a trusted proxy added, and is not believed (C34).

use http::{HeaderMap, HeaderName, header};
use std::net::{IpAddr, SocketAddr};

/// Hops that are looked at in one request: more proxies in a row than anybody has.
const HOPS_MAX: usize = 16;

/// Which header the trusted proxies write. One only: a proxy that writes the one passes the other on as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy, proxy`
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy`
    Forwarded,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl ForwardedHeader {
    /// The header by its name in lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "x-forwarded-for" => Some(Self::XForwardedFor),
            "forwarded" => Some(Self::Forwarded),
            _ => None,
        }
    }

    /// Who asks, given who connected: from the right, the first address that no trusted proxy has. Where a trusted
    /// proxy wrote something that is no address, that proxy is all we know.
    pub fn client(
        self,
        headers: &HeaderMap,
        peer: IpAddr,
        trusted: impl Fn(IpAddr) -> bool,
    ) -> IpAddr {
        let name = match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => header::FORWARDED,
        };
        let mut client = peer;
        let lines = headers.get_all(name).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops.take(HOPS_MAX) {
            if !trusted(client) {
                break;
            }
            let Some(address) = self.hop(hop) else { break };
            client = address;
        }
        client
    }

    fn hop(self, hop: &[u8]) -> Option<IpAddr> {
        let text = std::str::from_utf8(hop).ok()?.trim();
        match self {
            Self::XForwardedFor => node(text),
            Self::Forwarded => node(for_parameter(text)?),
        }
    }
}

/// The value of the only `for` of an element `for=…;proto=…`.
fn for_parameter(element: &str) -> Option<&str> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value.trim()).is_some() {
            return None;
        }
    }
    let value = found?;
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Some(quoted.unwrap_or(value))
}

/// An address, perhaps with a port, an IPv6 one perhaps in brackets. "unknown" and made-up names are none.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(six) => IpAddr::V6(six.parse().ok()?),
        None => match text.parse() {
            Ok(address) => address,
            Err(_) => text.parse::<SocketAddr>().ok()?.ip(),
        },
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Network;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn client(which: ForwardedHeader, lines: &[&[u8]], peer: &str) -> String {
        let name = match which {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).unwrap());
        }
        let trusted: Network = "10.0.0.0/8".parse().unwrap();
        let trusted = |address| trusted.contains(address);
        which.client(&headers, peer.parse().unwrap(), trusted).to_string()
    }

    /// C34: the client's own words are believed by nobody, and people behind a proxy are told apart.
    #[test]
    fn the_rightmost_hop_that_is_no_trusted_proxy_is_the_client() {
        let table: [(&[&[u8]], &str, &str); 17] = [
            (&[], "203.0.113.9", "203.0.113.9"),
            (&[b"1.1.1.1"], "203.0.113.9", "203.0.113.9"),
            (&[], "10.0.0.1", "10.0.0.1"),
            (&[b"1.1.1.1"], "10.0.0.1", "1.1.1.1"),
            (&[b"6.6.6.6, 1.1.1.1"], "10.0.0.1", "1.1.1.1"),
            (&[b"6.6.6.6,1.1.1.1 ,10.9.9.9"], "10.0.0.1", "1.1.1.1"),
            (&[b"6.6.6.6", b"1.1.1.1"], "10.0.0.1", "1.1.1.1"),
            (&[b"10.2.2.2, 10.1.1.1"], "10.0.0.1", "10.2.2.2"),
            (&[b"1.1.1.1:4711"], "10.0.0.1", "1.1.1.1"),
            (&[b"2001:db8::7"], "10.0.0.1", "2001:db8::7"),
            (&[b"[2001:db8::7]:443"], "10.0.0.1", "2001:db8::7"),
            (&[b"[2001:db8::7]"], "10.0.0.1", "2001:db8::7"),
            (&[b"::ffff:1.1.1.1"], "10.0.0.1", "1.1.1.1"),
            (&[b"1.1.1.1, unknown"], "10.0.0.1", "10.0.0.1"),
            (&[b"1.1.1.1, "], "10.0.0.1", "10.0.0.1"),
            (&[b"1.1.1.1, unknown, 10.3.3.3"], "10.0.0.1", "10.3.3.3"),
            (&[b"\xff\xfe"], "10.0.0.1", "10.0.0.1"),
        ];
        for (lines, peer, expected) in table {
            let found = client(ForwardedHeader::XForwardedFor, lines, peer);
            assert_eq!(found, expected, "{lines:?} from {peer}");
        }
    }

    /// C34: the same with the header of RFC 7239.
    #[test]
    fn forwarded_is_read_like_x_forwarded_for() {
        let table: [(&[&[u8]], &str); 11] = [
            (&[b"for=1.1.1.1"], "1.1.1.1"),
            (&[b"For=\"1.1.1.1:80\";proto=https;by=10.0.0.1"], "1.1.1.1"),
            (&[b"proto=https; for = \"[2001:db8::7]:4711\""], "2001:db8::7"),
            (&[b"for=6.6.6.6, for=1.1.1.1"], "1.1.1.1"),
            (&[b"for=6.6.6.6", b"for=1.1.1.1;proto=http"], "1.1.1.1"),
            (&[b"for=\"6.6.6.6", b"for=1.1.1.1"], "1.1.1.1"),
            (&[b"for=unknown"], "10.0.0.1"),
            (&[b"for=_hidden"], "10.0.0.1"),
            (&[b"by=1.1.1.1"], "10.0.0.1"),
            (&[b"for=1.1.1.1;for=2.2.2.2"], "10.0.0.1"),
            (&[b"1.1.1.1"], "10.0.0.1"),
        ];
        for (lines, expected) in table {
            let found = client(ForwardedHeader::Forwarded, lines, "10.0.0.1");
            assert_eq!(found, expected, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics_or_is_believed_from_a_stranger(bytes in prop::collection::vec(32u8..=255, 0..200)) {
            prop_assume!(HeaderValue::from_bytes(&bytes).is_ok());
            for which in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                client(which, &[&bytes], "10.0.0.1");
                prop_assert_eq!(client(which, &[&bytes], "203.0.113.9"), "203.0.113.9");
            }
        }

        #[test]
        fn what_a_client_wrote_changes_nothing_behind_a_proxy(own in "[ -~]{0,80}") {
            let line = format!("{own}, 1.1.1.1");
            let found = client(ForwardedHeader::XForwardedFor, &[line.as_bytes()], "10.0.0.1");
            prop_assert_eq!(found, "1.1.1.1");
            let line = format!("{own}, for=1.1.1.1");
            let found = client(ForwardedHeader::Forwarded, &[line.as_bytes()], "10.0.0.1");
            prop_assert_eq!(found, "1.1.1.1");
        }
    }
}
