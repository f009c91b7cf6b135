//! `[server]`: the HTTP side and its connections. It checks every value within its bounds and against the others,
//! and starts nothing.

use super::Wrongs;
use serde::Deserialize;
use web::{EdgeSettings, ForwardedHeader, Network, NetworkError, WebSettings};

/// Bounds of every deadline, in milliseconds: a tenth of a second, and an hour.
const DEADLINE_MS_MIN: u64 = 100;
const DEADLINE_MS_MAX: u64 = 3_600_000;

/// `[server]`, as it is written.
#[derive(Deserialize)]
pub struct Server {
    pub(super) listen: String,
    pub(super) metrics_listen: String,
    pub(super) cores: u64,
    connections_max: u64,
    body_bytes_max: u64,
    import_bytes_max: u64,
    drain_ms: u64,
    cookie_secure: bool,
    origins: Vec<String>,
    first_byte_ms: u64,
    headers_ms: u64,
    body_ms: u64,
    request_ms: u64,
    idle_ms: u64,
    write_ms: u64,
    stop_idle_ms: u64,
    headers_bytes_max: u64,
    connections_per_address_max: u64,
    trusted_proxies: Vec<String>,
    forwarded_header: String,
    proxy_protocol: bool,
}

/// Whether this is a scheme and a host, and nothing that would mean more in a header.
pub fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        matches!(scheme, "http" | "https") && !host.is_empty() && host.bytes().all(named)
    })
}

/// The settings of the HTTP side.
pub fn settings(server: Server, cores: usize, wrongs: &mut Wrongs) -> WebSettings {
    for origin in &server.origins {
        if !is_origin(origin) {
            wrongs.add("server.origins", origin, "must be like https://shop.example");
        }
    }
    let edge = edge(&server, wrongs);
    WebSettings {
        cores,
        connections_max: wrongs.number(
            "server.connections_max",
            server.connections_max,
            1..=1_000_000,
        ),
        body_bytes_max: wrongs.number(
            "server.body_bytes_max",
            server.body_bytes_max,
            1_024..=16_777_216,
        ),
        import_bytes_max: wrongs.number(
            "server.import_bytes_max",
            server.import_bytes_max,
            65_536..=1_073_741_824,
        ),
        drain_ms: wrongs.number("server.drain_ms", server.drain_ms, 0..=600_000),
        cookie_secure: server.cookie_secure,
        origins: server.origins,
        metrics_apart: !server.metrics_listen.is_empty(),
        edge,
        ..WebSettings::default()
    }
}

/// The bounds of connections, and whom to believe about addresses.
fn edge(server: &Server, wrongs: &mut Wrongs) -> EdgeSettings {
    let deadline = |key: &str, value: u64, wrongs: &mut Wrongs| {
        wrongs.number(&format!("server.{key}"), value, DEADLINE_MS_MIN..=DEADLINE_MS_MAX)
    };
    EdgeSettings {
        first_byte_ms: deadline("first_byte_ms", server.first_byte_ms, wrongs),
        headers_ms: deadline("headers_ms", server.headers_ms, wrongs),
        body_ms: deadline("body_ms", server.body_ms, wrongs),
        request_ms: deadline("request_ms", server.request_ms, wrongs),
        idle_ms: deadline("idle_ms", server.idle_ms, wrongs),
        write_ms: deadline("write_ms", server.write_ms, wrongs),
        stop_idle_ms: wrongs.number("server.stop_idle_ms", server.stop_idle_ms, 0..=60_000),
        headers_bytes_max: wrongs.number(
            "server.headers_bytes_max",
            server.headers_bytes_max,
            8_192..=262_144,
        ),
        connections_per_address_max: wrongs.number(
            "server.connections_per_address_max",
            server.connections_per_address_max,
            0..=1_000_000,
        ),
        trusted_proxies: trusted_proxies(&server.trusted_proxies, wrongs),
        forwarded_header: forwarded_header(&server.forwarded_header, wrongs),
        proxy_protocol: proxy_protocol(server, wrongs),
    }
}

fn trusted_proxies(texts: &[String], wrongs: &mut Wrongs) -> Vec<Network> {
    let mut networks = Vec::with_capacity(texts.len());
    for text in texts {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(error) => {
                let error: NetworkError = error;
                wrongs.add("server.trusted_proxies", text, error.to_string());
            }
        }
    }
    networks
}

fn forwarded_header(name: &str, wrongs: &mut Wrongs) -> ForwardedHeader {
    ForwardedHeader::from_name(name).unwrap_or_else(|| {
        wrongs.add("server.forwarded_header", name, "must be x-forwarded-for or forwarded");
        ForwardedHeader::XForwardedFor
    })
}

/// Whoever could begin a connection with a preamble could say they were anybody.
fn proxy_protocol(server: &Server, wrongs: &mut Wrongs) -> bool {
    if server.proxy_protocol && server.trusted_proxies.is_empty() {
        wrongs.add(
            "server.proxy_protocol",
            "true",
            "is believed from trusted_proxies only; name them",
        );
    }
    server.proxy_protocol
}
