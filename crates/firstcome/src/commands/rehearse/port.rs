//! A port for a server that is killed and comes back: one that the system gives to nobody by itself. From the range that
//! it hands out, somebody who asks for a connection while the server is away could be given the server's own port, be
//! connected to himself, and keep the server from coming back.

use std::net::TcpListener;

/// The first port that is tried, and how many are.
const FIRST: u16 = 20_000;
const TRIES_MAX: u16 = 2_000;
/// Where the system says which ports it hands out, and the first of them where it does not say.
const HANDED_OUT: &str = "/proc/sys/net/ipv4/ip_local_port_range";
const HANDED_OUT_FROM: u16 = 32_768;

/// A port that is free now and outside of that range; 0, any one, where there is none.
pub fn own() -> u16 {
    let from = handed_out_from();
    // Two rehearsals at a time begin to look at different places.
    let start = FIRST + (std::process::id() % 10_000) as u16;
    let candidates = (start..from).chain(FIRST..start.min(from)).take(TRIES_MAX.into());
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.into_iter().find(free).unwrap_or(0)
}

fn handed_out_from() -> u16 {
    let text = std::fs::read_to_string(HANDED_OUT).unwrap_or_default();
    let from = text.split_whitespace().next().and_then(|number| number.parse().ok());
    from.unwrap_or(HANDED_OUT_FROM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_one_that_nobody_is_given() {
        let port = own();
        assert!((FIRST..handed_out_from()).contains(&port), "{port}");
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
    }
}
