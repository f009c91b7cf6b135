//! Where an endpoint is: its address, read once. What it holds besides the host never reaches a log.
//! An address with a name and password in it is refused, for it would be shown wherever addresses are.

use crate::address::{AddressRange, may_reach};
use http::HeaderValue;
use http::uri::{PathAndQuery, Scheme, Uri};
use std::net::IpAddr;

/// Bytes of an endpoint's address.
pub(crate) const URL_BYTES_MAX: usize = 2_048;

/// Why an address cannot be an endpoint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlRefused {
    /// Longer than 2,048 bytes.
    TooLong,
    /// No address with a scheme and a host.
    Malformed,
    /// Neither https nor http.
    Scheme,
    /// It holds a name or a password.
    Credentials,
    /// It names an address that may not be reached.
    Address,
}

impl std::fmt::Display for UrlRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the address is longer than 2048 bytes",
            Self::Malformed => "this is no address with a scheme and a host",
            Self::Scheme => "the address has to begin with https:// or http://",
            Self::Credentials => "the address must not hold a name or a password",
            Self::Address => "the address is not a public one",
        })
    }
}

impl std::error::Error for UrlRefused {}

/// Who is to be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// This address.
    Address(IpAddr),
    /// Whatever this name stands for.
    Name(String),
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Over TLS.
    pub(crate) secure: bool,
    /// Who.
    pub(crate) host: Host,
    /// At which port.
    pub(crate) port: u16,
    /// What is asked for.
    pub(crate) path: PathAndQuery,
    /// The Host header.
    pub(crate) authority: HeaderValue,
}

impl Destination {
    /// Reads an address.
    pub(crate) fn read(url: &str) -> Result<Self, UrlRefused> {
        if url.len() > URL_BYTES_MAX {
            return Err(UrlRefused::TooLong);
        }
        let uri: Uri = url.parse().map_err(|_| UrlRefused::Malformed)?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) => return Err(UrlRefused::Scheme),
            None => return Err(UrlRefused::Malformed),
        };
        let authority = uri.authority().ok_or(UrlRefused::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(UrlRefused::Credentials);
        }
        let host = host_of(authority.host())?;
        // A port that cannot be read is not the one that goes without saying.
        let named = authority.port_u16();
        if named.is_none() && authority.as_str().len() > authority.host().len() {
            return Err(UrlRefused::Malformed);
        }
        let port = named.unwrap_or(if secure { 443 } else { 80 });
        let header = HeaderValue::from_str(authority.as_str());
        let authority = header.map_err(|_| UrlRefused::Malformed)?;
        let path = uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { secure, host, port, path, authority })
    }

    /// Refuses an address that may not be reached, where that can be told without asking for a name.
    pub(crate) fn demand_reachable(&self, reachable: &[AddressRange]) -> Result<(), UrlRefused> {
        match self.host {
            Host::Address(address) if !may_reach(address, reachable) => Err(UrlRefused::Address),
            _ => Ok(()),
        }
    }
}

fn host_of(text: &str) -> Result<Host, UrlRefused> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.is_empty() {
        return Err(UrlRefused::Malformed);
    }
    Ok(bare.parse().map_or_else(|_| Host::Name(bare.to_ascii_lowercase()), Host::Address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let long = format!("https://example.org/{}", "x".repeat(URL_BYTES_MAX));
        let table = [
            ("https://example.org/hook?key=1", Ok((true, "example.org", 443, "/hook?key=1"))),
            ("http://example.org:8080", Ok((false, "example.org", 8080, "/"))),
            ("https://[2606:4700::1]:8443/a", Ok((true, "2606:4700::1", 8443, "/a"))),
            ("http://8.8.8.8/", Ok((false, "8.8.8.8", 80, "/"))),
            ("HTTPS://Example.ORG/A", Ok((true, "example.org", 443, "/A"))),
            ("ftp://example.org/", Err(UrlRefused::Scheme)),
            ("https://me:secret@example.org/", Err(UrlRefused::Credentials)),
            ("https://me@example.org/", Err(UrlRefused::Credentials)),
            ("example.org/hook", Err(UrlRefused::Malformed)),
            ("/hook", Err(UrlRefused::Malformed)),
            ("https://example.org:99999/", Err(UrlRefused::Malformed)),
            ("https://", Err(UrlRefused::Malformed)),
            ("https://exa mple.org/", Err(UrlRefused::Malformed)),
            ("", Err(UrlRefused::Malformed)),
            (long.as_str(), Err(UrlRefused::TooLong)),
        ];
        for (url, expected) in table {
            let read = Destination::read(url).map(|to| {
                let host = match &to.host {
                    Host::Address(address) => address.to_string(),
                    Host::Name(name) => name.clone(),
                };
                (to.secure, host, to.port, to.path.as_str().to_owned())
            });
            let expected = expected.map(|(secure, host, port, path): (bool, &str, u16, &str)| {
                (secure, host.to_owned(), port, path.to_owned())
            });
            assert_eq!(read, expected, "{url}");
        }
    }

    #[test]
    fn an_address_that_may_not_be_reached_is_refused_at_once() {
        for url in ["http://127.0.0.1/", "http://[::1]/", "https://169.254.169.254/latest"] {
            let read = Destination::read(url).unwrap();
            assert_eq!(read.demand_reachable(&[]), Err(UrlRefused::Address), "{url}");
        }
        let local = Destination::read("http://127.0.0.1/").unwrap();
        assert_eq!(local.demand_reachable(&["127.0.0.0/8".parse().unwrap()]), Ok(()));
        let named = Destination::read("http://localhost/").unwrap();
        assert_eq!(named.demand_reachable(&[]), Ok(()), "a name is judged by what it stands for");
    }
}
