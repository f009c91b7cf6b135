//! Which server, and who operates it.
//! Passwords and tokens are never shown.

use super::{Doing, RehearseFault};
use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
};

/// The port of plain HTTP, where an address names none.
const PORT: u16 = 80;

/// A running server and its operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// What requests say in their Host header.
    pub host: String,
    /// Who sets the rehearsal up.
    pub operator: Operator,
}

/// How the operator signs in.
#[derive(Clone, PartialEq, Eq)]
pub enum Operator {
    /// A session's token.
    Token(String),
    /// By name and password.
    Password {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(..)"),
            Self::Password { name, .. } => {
                f.debug_struct("Password").field("name", name).finish_non_exhaustive()
            }
        }
    }
}

impl Target {
    /// A server at an address.
    pub fn new(address: SocketAddr, operator: Operator) -> Self {
        Self { address, host: address.to_string(), operator }
    }

    /// A server as people write it: `http://shop.example:3000`, or without the scheme. Looks its address up.
    ///
    /// # Errors
    /// `Address` for what is not plain HTTP, or has a path; `Unreachable` for a host that is not known.
    pub fn at(url: &str, operator: Operator) -> Result<Self, RehearseFault> {
        let host = url.strip_prefix("http://").unwrap_or(url);
        let host = host.strip_suffix('/').unwrap_or(host);
        let plain = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@".contains(&byte));
        if !plain || host.contains("://") {
            return Err(RehearseFault::Address(url.to_owned()));
        }
        let address = look_up(host)
            .map_err(|error| RehearseFault::Unreachable(Doing::LookingUp, error.kind()))?;
        Ok(Self { address, host: host.to_owned(), operator })
    }
}

/// The first address of `host`, with the usual port where it names none.
fn look_up(host: &str) -> io::Result<SocketAddr> {
    let ends_in_port = host.rsplit_once(':').is_some_and(|(before, port)| {
        let whole = !before.contains(':') || before.ends_with(']');
        whole && port.parse::<u16>().is_ok()
    });
    let mut found = if ends_in_port {
        host.to_socket_addrs()?
    } else {
        (host.trim_start_matches('[').trim_end_matches(']'), PORT).to_socket_addrs()?
    };
    found.next().ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        let operator = || Operator::Token("secret".to_owned());
        let table = [
            ("http://127.0.0.1:3000", Some("127.0.0.1:3000")),
            ("http://127.0.0.1:3000/", Some("127.0.0.1:3000")),
            ("127.0.0.1", Some("127.0.0.1:80")),
            ("[::1]:3000", Some("[::1]:3000")),
            ("http://[::1]", Some("[::1]:80")),
            ("https://127.0.0.1:3000", None),
            ("http://127.0.0.1:3000/shop", None),
            ("http://someone@127.0.0.1", None),
            ("", None),
        ];
        for (url, expected) in table {
            let found = Target::at(url, operator()).map(|target| target.address.to_string());
            assert_eq!(found.ok().as_deref(), expected, "{url:?}");
        }
        let target = Target::at("127.0.0.1:1", operator()).unwrap();
        assert!(!format!("{target:?}").contains("secret"));
    }
}
