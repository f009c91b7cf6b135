//! The bounds of the HTTP side that an operator may change, with their units and defaults.
//! None of them changes what an answer says.

use crate::{edge::EdgeSettings, pages::Zone};
use door::LimitSettings;
use jiff::tz::Offset;
use std::net::SocketAddr;

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
    /// Origins, beside the server's own, whose pages may change things with the cookie.
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
