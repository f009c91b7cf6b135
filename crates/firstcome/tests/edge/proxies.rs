//! Whose address a request comes from. It is seen where a sign-in is refused, and where connections of one address
//! are counted.

use crate::{
    raw::{connect, say, until_end},
    world::World,
};
use std::{io::Write, net::TcpStream};

/// A sign-in that fails, with these lines.
fn sign_in(lines: &str) -> Vec<u8> {
    let body = r#"{"name": "nobody", "password": "wrong-password"}"#;
    let length = body.len();
    format!(
        "POST /user/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n{lines}\r\n{body}"
    )
    .into_bytes()
}

/// Where the last refused sign-in came from, as the log has it.
fn logged_client(world: &World) -> String {
    let log = world.log();
    let line = log.lines().rfind(|line| line.contains("a sign-in was refused"));
    let line = line.unwrap_or_else(|| panic!("nothing is logged: {log}"));
    let (_, client) = line.split_once("client=").expect("the address");
    client.split_whitespace().next().unwrap_or_default().to_owned()
}

fn refusals(world: &World) -> usize {
    world.log().matches("a sign-in was refused").count()
}

/// The log is written beside the answers: waits until it tells of one more than `before`.
fn one_more(world: &World, before: usize) {
    let begun = std::time::Instant::now();
    while refusals(world) == before {
        assert!(begun.elapsed() < crate::world::PATIENCE, "nothing is logged");
        std::thread::yield_now();
    }
}

fn refused_from(world: &World, bytes: &[u8]) -> String {
    let before = refusals(world);
    let ended = say(world.address(), bytes);
    assert_eq!(ended.status(), 401, "{ended:?}");
    one_more(world, before);
    logged_client(world)
}

/// C34: the client's own header is believed only through a trusted proxy, and only what that proxy added.
#[test]
fn a_header_counts_only_from_a_trusted_proxy() {
    let one = "x-forwarded-for: 203.0.113.7\r\n";
    let claimed = "x-forwarded-for: 6.6.6.6, 203.0.113.7, 127.0.0.9\r\n";
    let other = "forwarded: for=203.0.113.8\r\n";
    let table = [
        ("", "x-forwarded-for", one, "127.0.0.1"),
        ("10.0.0.0/8", "x-forwarded-for", one, "127.0.0.1"),
        ("127.0.0.0/8", "x-forwarded-for", one, "203.0.113.7"),
        ("127.0.0.0/8", "x-forwarded-for", claimed, "203.0.113.7"),
        ("127.0.0.0/8", "x-forwarded-for", other, "127.0.0.1"),
        ("127.0.0.0/8", "forwarded", other, "203.0.113.8"),
        ("127.0.0.0/8", "forwarded", one, "127.0.0.1"),
    ];
    for (trusted, header, lines, expected) in table {
        let mut world = World::cheap()
            .set("FIRSTCOME_SERVER_TRUSTED_PROXIES", trusted)
            .set("FIRSTCOME_SERVER_FORWARDED_HEADER", header);
        world.serve();
        let client = refused_from(&world, &sign_in(lines));
        assert_eq!(client, expected, "{trusted:?} {header} {lines}");
    }
}

const SECOND: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\x7f\x00\x00\x01\x01\x00\x02\x00";

/// C34: both versions of the PROXY protocol, from trusted proxies and nobody else.
#[test]
fn a_preamble_says_who_connected_to_a_trusted_proxy() {
    let proxied = |trusted: &str| {
        let mut world = World::cheap()
            .set("FIRSTCOME_SERVER_TRUSTED_PROXIES", trusted)
            .set("FIRSTCOME_SERVER_PROXY_PROTOCOL", "true")
            .set("FIRSTCOME_SERVER_FIRST_BYTE_MS", "400");
        world.serve();
        world
    };
    let world = proxied("127.0.0.1");
    let first = b"PROXY TCP4 203.0.113.7 127.0.0.1 40000 3000\r\n";
    let own = "x-forwarded-for: 6.6.6.6\r\n";
    for (preamble, expected) in
        [(&first[..], "203.0.113.7"), (SECOND, "203.0.113.9"), (b"PROXY UNKNOWN\r\n", "127.0.0.1")]
    {
        let lines = if expected == "127.0.0.1" { "" } else { own };
        let bytes = [preamble, &sign_in(lines)].concat();
        assert_eq!(refused_from(&world, &bytes), expected);
        // The same, byte by byte.
        let before = refusals(&world);
        let mut stream = connect(world.address());
        let _ = bytes.iter().try_for_each(|byte| stream.write_all(&[*byte]));
        assert_eq!(until_end(&mut stream).status(), 401);
        one_more(&world, before);
    }
    for wrong in [&sign_in("")[..], b"PROXY TCP4 a b 1 2\r\n", b"PROXY TCP5 \r\n"] {
        let ended = say(world.address(), wrong);
        assert_eq!((ended.status(), ended.orderly), (400, true), "{ended:?}");
        assert_eq!(ended.envelope()["ret"], -400);
    }
    for partial in [&b""[..], b"PROXY TCP4 1.1.1.1", &SECOND[..20]] {
        let ended = say(world.address(), partial);
        assert_eq!((ended.text.as_str(), ended.orderly), ("", true), "{ended:?}");
    }
    let strangers = proxied("10.0.0.0/8");
    assert_eq!(refused_from(&strangers, &sign_in(own)), "127.0.0.1");
    let ended = say(strangers.address(), &[first, &sign_in("")[..]].concat());
    assert_eq!(ended.status(), 400, "{ended:?}");
}

/// C34: connections are counted by the client's address and not by the proxy's.
#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let mut world = World::cheap()
        .set("FIRSTCOME_SERVER_CONNECTIONS_PER_ADDRESS_MAX", "2")
        .set("FIRSTCOME_SERVER_TRUSTED_PROXIES", "127.0.0.2")
        .set("FIRSTCOME_SERVER_PROXY_PROTOCOL", "true");
    world.serve();
    let address = world.address().to_owned();
    let ask = |stream: &mut TcpStream, preamble: &str| {
        let request = format!("{preamble}GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut seen = [0; 4096];
        let length = std::io::Read::read(stream, &mut seen).expect("an answer");
        String::from_utf8_lossy(&seen[..length]).into_owned()
    };
    let plain = || {
        let mut stream = connect(&address);
        let answer = ask(&mut stream, "");
        (stream, answer)
    };
    let (first, second, (_, third)) = (plain(), plain(), plain());
    assert!(first.1.starts_with("HTTP/1.1 200 ") && second.1.starts_with("HTTP/1.1 200 "));
    assert!(third.starts_with("HTTP/1.1 429 "), "{third}");
    assert!(third.contains("retry-after: ") && third.contains("\"ret\":-429"), "{third}");
    let proxied = |source: &str| {
        let from = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let from = from.expect("a socket");
        let here: std::net::SocketAddr = "127.0.0.2:0".parse().expect("an address");
        let there: std::net::SocketAddr = address.parse().expect("an address");
        from.bind(&here.into()).expect("all of 127.0.0.0/8 is this machine");
        from.connect(&there.into()).expect("it listens");
        let mut stream = TcpStream::from(from);
        let answer = ask(&mut stream, &format!("PROXY TCP4 {source} 127.0.0.1 1 2\r\n"));
        (stream, answer)
    };
    let many: Vec<_> =
        ["203.0.113.7", "203.0.113.7", "203.0.113.8", "203.0.113.8"].map(proxied).into();
    for (_, answer) in &many {
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert!(proxied("203.0.113.7").1.starts_with("HTTP/1.1 429 "));
    drop(many);
    let begun = std::time::Instant::now();
    while !proxied("203.0.113.7").1.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < crate::world::PATIENCE, "no place was given back");
    }
}
