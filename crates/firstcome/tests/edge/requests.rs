//! Requests that are refused before anybody looks at who asks or for what: each hears the envelope of the contract,
//! whether it was refused by us or by the parser, and its connection ends.

use crate::{
    raw::{connect, say, until_end},
    world::{World, now_s},
};
use std::io::Write;

fn head(line: &str, more: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\n{more}\r\n").into_bytes()
}

/// C13: two readers of such a request could read two different ones, or it is larger than it may be.
#[test]
fn a_request_with_two_meanings_is_refused_with_an_envelope() {
    let mut world = World::cheap();
    world.serve();
    let long = "x".repeat(17_000);
    let body = "content-length: 3\r\n";
    let chunks = "transfer-encoding: chunked\r\n";
    let post = |more: &str| head("POST /ticket/get", &format!("host: x\r\n{more}"));
    let with = |mut head: Vec<u8>, body: &[u8]| {
        head.extend_from_slice(body);
        head
    };
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("no host", head("GET /healthz", ""), "Host"),
        ("two hosts", head("GET /healthz", "host: a\r\nhost: b\r\n"), "Host"),
        ("the same host twice", head("GET /healthz", "host: a\r\nhost: a\r\n"), "Host"),
        ("an empty host", head("GET /healthz", "host: \r\n"), "Host"),
        ("a list of hosts", head("GET /healthz", "host: a, b\r\n"), "Host"),
        ("another server in the line", head("GET http://b/healthz", "host: a\r\n"), "Host"),
        (
            "length and chunks",
            with(post(&format!("{body}{chunks}")), b"0\r\n\r\n"),
            "Content-Length",
        ),
        (
            "chunks and length",
            with(post(&format!("{chunks}{body}")), b"0\r\n\r\n"),
            "Content-Length",
        ),
        ("two lengths", with(post(&format!("{body}content-length: 4\r\n")), b"abcd"), "read"),
        ("a list of lengths", with(post("content-length: 3, 3\r\n"), b"abc"), "read"),
        ("a length below nothing", post("content-length: -3\r\n"), "read"),
        ("a length beyond numbers", post("content-length: 99999999999999999999\r\n"), "read"),
        ("a coding that is no chunks", post("transfer-encoding: gzip\r\n"), "read"),
        ("chunks, then another coding", post("transfer-encoding: chunked, gzip\r\n"), "read"),
        ("a folded header", head("GET /healthz", "host: x\r\na: b\r\n c\r\n"), "read"),
        ("a blank before the colon", head("GET /healthz", "host : x\r\n"), "read"),
        ("a bare carriage return", head("GET /healthz", "host: x\rb: c\r\n"), "read"),
        ("no request line", b"\x00\x01\x02\r\n\r\n".to_vec(), "read"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "read"),
        ("a version of later", b"GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_vec(), "read"),
        ("a large header", head("GET /healthz", &format!("host: x\r\na: {long}\r\n")), "large"),
        ("a long line", head(&format!("GET /healthz?{long}"), "host: x\r\n"), "large"),
        (
            "1 MB of headers",
            head("GET /healthz", &format!("host: x\r\na: {}\r\n", long.repeat(62))),
            "large",
        ),
        (
            "more headers than there may be",
            head("GET /healthz", &format!("host: x\r\n{}", "a: b\r\n".repeat(101))),
            "large",
        ),
    ];
    for (what, request, named) in table {
        let ended = say(world.address(), &request);
        assert!(ended.orderly, "{what}: {ended:?}");
        assert_eq!(ended.status(), 400, "{what}: {ended:?}");
        let envelope = ended.envelope();
        assert_eq!(envelope["ret"], -400, "{what}");
        let message = envelope["message"].as_str().expect("words");
        assert!(message.contains(named), "{what}: {message}");
        assert!(ended.text.contains("connection: close\r\n"), "{what}: {ended:?}");
    }
}

/// What stands behind a request in the same bytes is a request of its own: it is judged by itself, and an answer that
/// was earned before is not taken back.
#[test]
fn a_refusal_comes_after_the_answers_before_it() {
    let mut world = World::cheap();
    world.serve();
    let good = head("GET /healthz", "host: x\r\n");
    let json = "host: x\r\ncontent-type: application/json\r\ncontent-length: 40\r\n";
    let posted = [head("POST /act/list", json), b"{}".to_vec(), vec![b'\n'; 38]];
    let doubled = "host: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n";
    let bad = [head("POST /ticket/get", doubled), b"0\r\n\r\n".to_vec()].concat();
    let unreadable = b"\x00\x01\r\n\r\n".to_vec();
    for (before, last) in [
        (&good, &bad),
        (&posted.concat(), &bad),
        (&good, &unreadable),
        (&posted.concat(), &unreadable),
    ] {
        let ended = say(world.address(), &[before.as_slice(), last].concat());
        assert!(ended.text.starts_with("HTTP/1.1 200 OK\r\n"), "{ended:?}");
        assert_eq!((ended.status(), ended.orderly), (400, true), "{ended:?}");
        assert_eq!(ended.envelope()["ret"], -400);
    }
}

/// Chunks alone are a good request; its connection ends behind the answer, for where it ends is not followed.
#[test]
fn chunks_alone_are_read() {
    let mut world = World::cheap();
    world.serve();
    let head = head(
        "POST /user/register",
        "host: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n",
    );
    let body = format!(r#"{{"name": "chunk{}", "password": "long-enough"}}"#, now_s());
    let (first, second) = body.split_at(10);
    let mut stream = connect(world.address());
    stream.write_all(&head).expect("it reads");
    for part in [first, second] {
        let chunk = format!("{:x}\r\n{part}\r\n", part.len());
        stream.write_all(chunk.as_bytes()).expect("it reads");
    }
    stream.write_all(b"0\r\n\r\n").expect("it reads");
    let ended = until_end(&mut stream);
    assert_eq!((ended.status(), ended.orderly), (200, true), "{ended:?}");
    assert_eq!(ended.envelope()["ret"], 0);
}

/// An old client without a Host is answered, and a request may name its server in its first line.
#[test]
fn what_is_only_unusual_is_answered() {
    let mut world = World::cheap();
    world.serve();
    let close = "connection: close\r\n";
    let requests = [
        b"GET /healthz HTTP/1.0\r\n\r\n".to_vec(),
        head("GET http://x/healthz", &format!("host: x\r\n{close}")),
        head("GET /healthz", &format!("HOST: [::1]:3000\r\n{close}")),
        [b"\r\n\r\n".to_vec(), head("GET /healthz", &format!("host: x\r\n{close}"))].concat(),
        head("GET /healthz", &format!("host: x\r\na: {}\r\n{close}", "x".repeat(12_000))),
        head("GET /healthz", &format!("host: x\r\n{}{close}", "a: b\r\n".repeat(98))),
    ];
    for request in requests {
        let ended = say(world.address(), &request);
        assert_eq!((ended.status(), ended.orderly), (200, true), "{ended:?}");
        assert!(ended.text.ends_with("ok"), "{ended:?}");
    }
}
