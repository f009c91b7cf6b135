//! The bounds of the HTTP side that an operator may change, with their units and defaults.
//! None of them changes what an answer says.

use crate::{edge::EdgeSettings, pages::Zone};
use door::LimitSettings;
use jiff::tz::Offset;
use std::net::{IpAddr, SocketAddr};

/// Settings of the HTTP side; see `default.toml` of the binary for what each means to an operator.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Where the main listener is: what the first page shows to those whose request does not name this server.
    pub listen: SocketAddr,
    /// Threads that answer requests.
    pub cores: usize,
    /// Connections at a time; one more is told "busy" and closed.
    pub connections_max: usize,
    /// Bytes of the body of a call by anyone.
    pub body_bytes_max: usize,
    /// Bytes of the body of an operator's import.
    pub import_bytes_max: usize,
    /// Milliseconds that connections have to finish what they are at when the server stops.
    pub drain_ms: u64,
    /// Whether cookies are sent with `Secure`: where people reach this server under https.
    pub cookie_secure: bool,
    /// Origins, beside the server's own, whose pages may change things with the cookie, and to which the test provider
    /// leads back from a host of its own.
    pub origins: Vec<String>,
    /// Seconds a session lasts; the cookie's age.
    pub token_life_s: u32,
    /// Whether `/metrics` has a listener of its own, and is therefore not on the main one.
    pub metrics_apart: bool,
    /// The bounds of connections.
    pub edge: EdgeSettings,
    /// How often somebody may knock.
    pub limits: LimitSettings,
    /// The pages for people.
    pub pages: PageSettings,
}

/// What an operator may say about the pages.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// Where browsers find styles and scripts: empty for this server, or the origin of a delivery network that
    /// fetches them from here.
    pub asset_base: String,
    /// The offset from UTC, in minutes, that moments are shown in where no script can show the reader's own.
    pub utc_offset_min: i32,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self { asset_base: String::new(), utc_offset_min: 480 }
    }
}

impl PageSettings {
    /// The zone of the pages; UTC for an offset that no zone has.
    pub(crate) fn zone(&self) -> Zone {
        Zone(Offset::from_seconds(self.utc_offset_min.saturating_mul(60)).unwrap_or(Offset::UTC))
    }
}

impl WebSettings {
    /// Whether an origin is this server's by what the operator said, whatever a request says: one of `origins`, or the
    /// listener itself.
    pub(crate) fn is_ours(&self, origin: &str) -> bool {
        let listener = origin.strip_prefix("http://").is_some_and(|host| self.is_listener(host));
        listener || self.origins.iter().any(|allowed| allowed == origin)
    }

    /// Whether this is the listener's address; under each name of this machine where it listens to this machine.
    fn is_listener(&self, host: &str) -> bool {
        let (ip, port) = (self.listen.ip(), self.listen.port());
        let implied = (port == 80).then_some(host);
        let Some(name) = host.strip_suffix(&format!(":{port}")).or(implied) else {
            return false;
        };
        let local = ip.is_loopback() || ip.is_unspecified();
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        match bare.unwrap_or(name).parse::<IpAddr>() {
            Ok(named) => named == ip || local && named.is_loopback(),
            Err(_) => local && name == "localhost",
        }
    }
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            cores: 1,
            connections_max: 20_000,
            body_bytes_max: 64 * 1024,
            import_bytes_max: 64 * 1024 * 1024,
            drain_ms: 10_000,
            cookie_secure: false,
            origins: Vec::new(),
            token_life_s: 86_400,
            metrics_apart: false,
            edge: EdgeSettings::default(),
            limits: LimitSettings::default(),
            pages: PageSettings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_ours_where_the_operator_or_the_listener_says_so() {
        let ours = |listen: &str, origin: &str| {
            let listen = listen.parse().expect("an address");
            let origins = vec!["https://shop.example".to_owned()];
            WebSettings { listen, origins, ..WebSettings::default() }.is_ours(origin)
        };
        for (listen, origin, expected) in [
            ("127.0.0.1:3000", "https://shop.example", true),
            ("127.0.0.1:3000", "http://127.0.0.1:3000", true),
            ("127.0.0.1:3000", "http://localhost:3000", true),
            ("0.0.0.0:3000", "http://[::1]:3000", true),
            ("192.0.2.7:3000", "http://192.0.2.7:3000", true),
            ("127.0.0.1:80", "http://localhost", true),
            ("192.0.2.7:3000", "http://localhost:3000", false),
            ("127.0.0.1:3000", "http://127.0.0.1:3001", false),
            ("127.0.0.1:3000", "https://127.0.0.1:3000", false),
            ("127.0.0.1:3000", "http://shop.example", false),
            ("127.0.0.1:3000", "https://shop.example.evil.example", false),
            ("127.0.0.1:3000", "http://evil.example:3000", false),
            ("127.0.0.1:80", "http://evil.example", false),
            ("127.0.0.1:3000", "http://127.0.0.1:3000@evil.example", false),
            ("127.0.0.1:3000", "", false),
        ] {
            assert_eq!(ours(listen, origin), expected, "{origin} at {listen}");
        }
    }
}
