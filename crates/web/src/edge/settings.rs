//! The bounds of connections, with their units and defaults, and whom to believe about addresses.
//! None of them changes what an answer says.

use super::{ForwardedHeader, Network};
use std::net::IpAddr;

/// Settings of connections; see `default.toml` of the binary for what each means to an operator.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// Milliseconds from the connection to the first byte of its first request.
    pub first_byte_ms: u64,
    /// Milliseconds from the first byte of a request to the end of its head.
    pub headers_ms: u64,
    /// Milliseconds in which a body ends, or the next 64 KiB of it arrive.
    pub body_ms: u64,
    /// Milliseconds from the first byte of a request to the end of its body.
    pub request_ms: u64,
    /// Milliseconds that a connection is kept without a request.
    pub idle_ms: u64,
    /// Milliseconds in which a client takes an answer, or the next 16 KiB of it.
    pub write_ms: u64,
    /// Milliseconds that a stopping server still listens to connections on which nothing is under way.
    pub stop_idle_ms: u64,
    /// Bytes of a request's head.
    pub headers_bytes_max: usize,
    /// Connections of one address (IPv6: of one /64) at a time; 0: no bound of its own.
    pub connections_per_address_max: usize,
    /// Proxies whose word about the client is believed.
    pub trusted_proxies: Vec<Network>,
    /// Which header has their word.
    pub forwarded_header: ForwardedHeader,
    /// Whether trusted proxies begin each connection with a PROXY preamble.
    pub proxy_protocol: bool,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            first_byte_ms: 10_000,
            headers_ms: 10_000,
            body_ms: 20_000,
            request_ms: 300_000,
            idle_ms: 75_000,
            write_ms: 30_000,
            stop_idle_ms: 1_000,
            headers_bytes_max: 16 * 1024,
            connections_per_address_max: 0,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            proxy_protocol: false,
        }
    }
}

impl EdgeSettings {
    /// Whether this is a proxy whose word is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// The shortest of the deadlines of a running server, in milliseconds.
    pub fn shortest_ms(&self) -> u64 {
        let deadlines = [
            self.first_byte_ms,
            self.headers_ms,
            self.body_ms,
            self.request_ms,
            self.idle_ms,
            self.write_ms,
        ];
        deadlines.into_iter().min().unwrap_or(0)
    }
}
