//! The machine room: pulse, readiness, metrics, and the documents.
//! What the document of the interface says in detail is compared elsewhere; here it has to have every call.

use super::stage::{Stage, claim, claim_with, data, fails};
use crate::world::{Client, World};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
};

fn get(client: &mut Client, target: &str) -> (u16, String, String) {
    let answer = client.get(target);
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    (answer.status, kind, String::from_utf8(answer.body).expect("UTF-8"))
}

#[test]
fn a_server_that_is_well_says_ok() {
    let stage = Stage::new();
    let mut stranger = stage.stranger();
    for target in ["/healthz", "/readyz"] {
        let (status, _, body) = get(&mut stranger, target);
        assert_eq!((status, body.trim()), (200, "ok"), "{target}");
    }
}

/// Sends a request without a body on a connection of its own; the status and the Allow header.
fn asked_by(address: &str, method: &str, target: &str) -> (u16, Option<String>) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = if method == "POST" { "content-length: 0\r\n" } else { "" };
    let head =
        format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{length}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer to the end");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let allow = answer.lines().find_map(|line| line.strip_prefix("allow: ").map(str::to_owned));
    (status.expect("a status"), allow)
}

/// A 405 names every method that the call answers, and no other.
#[test]
fn allow_names_the_methods_that_are_answered() {
    let stage = Stage::new();
    for target in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/act/list",
        "/act/detail",
        "/ticket/get",
        "/ticket/result",
        "/ticket/list",
        "/ticket/detail",
        "/user/me",
        "/user/login",
        "/admin/act/list",
        "/admin/act/import",
        "/openapi.json",
        "/docs",
        "/nothing-here",
    ] {
        let (status, allow) = asked_by(stage.world.address(), "DELETE", target);
        assert_eq!(status, 405, "{target}");
        let allow = allow.unwrap_or_else(|| panic!("{target}: no Allow"));
        let named: Vec<&str> = allow.split(", ").collect();
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let answered = |method: &&str| asked_by(stage.world.address(), method, target).0 != 405;
        let answered: Vec<&str> = methods.into_iter().filter(answered).collect();
        assert_eq!(named, answered, "{target}");
    }
}

/// On the main listener the metrics are for operators, wherever the request seems to come from.
#[test]
fn metrics_want_an_operators_token() {
    let mut stage = Stage::selling(json!({"codes": ["SECRET-1"]}));
    let mut buyer = stage.person("somebody-by-name");
    data(&claim_with(&mut buyer, "a", "secret-key"));
    fails(&stage.stranger().get("/metrics"), 401);
    fails(&stage.stranger().get_with("/metrics", &[("x-forwarded-for", "127.0.0.1")]), 401);
    fails(&stage.op.with_token("nonsense").get("/metrics"), 401);
    fails(&buyer.get("/metrics"), 403);
    let (status, _, text) = get(&mut stage.op, "/metrics");
    assert_eq!(status, 200);
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(samples.len() > 20);
    for line in samples {
        let (name, value) = line.rsplit_once(' ').expect("a sample is a name and a value");
        assert!(name.starts_with("firstcome_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    let token = buyer.token.as_deref().expect("signed in");
    for secret in ["SECRET-1", "somebody-by-name", "secret-key", token] {
        assert!(!text.contains(secret), "the metrics show {secret}");
    }
}

#[test]
fn metrics_may_have_a_listener_of_their_own() {
    let mut stage = None;
    // A free port may be gone by the time the server wants it: then it does not start, and another one is tried.
    for _ in 0..5 {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("bound").to_string();
        drop(free);
        let world = World::cheap().set("FIRSTCOME_SERVER_METRICS_LISTEN", &address);
        let started = std::panic::catch_unwind(|| Stage::on(world));
        if let Ok(started) = started {
            stage = Some((started, address));
            break;
        }
    }
    let (stage, address) = stage.expect("a free port");
    let mut apart = Client::new(&address);
    let (status, _, text) = get(&mut apart, "/metrics");
    assert_eq!(status, 200, "open to all who can reach it");
    assert!(text.contains("firstcome_"));
    for target in ["/act/list", "/", "/admin/act/list", "/ticket/get?actId=a"] {
        assert_eq!(apart.get(target).status, 404, "nothing else is there: {target}");
    }
    assert_eq!(asked_by(&address, "HEAD", "/metrics"), (200, None));
    assert_eq!(asked_by(&address, "POST", "/metrics"), (405, Some("GET, HEAD".to_owned())));
    let status = stage.stranger().get("/metrics").status;
    assert!([401, 404].contains(&status), "{status}");
}

#[test]
fn the_document_of_the_interface_has_every_call() {
    let stage = Stage::new();
    let mut stranger = stage.stranger();
    let (status, kind, body) = get(&mut stranger, "/openapi.json");
    assert_eq!(status, 200);
    assert!(kind.starts_with("application/json"), "{kind}");
    let document: Value = serde_json::from_str(&body).expect("JSON");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.")));
    let both = [
        "/act/list",
        "/act/detail",
        "/ticket/get",
        "/ticket/list",
        "/ticket/detail",
        "/ticket/result",
    ];
    let posts = [
        "/user/register",
        "/user/login",
        "/user/logout",
        "/user/password",
        "/user/exchange",
        "/admin/sessions",
        "/admin/act/import",
        "/admin/codes/import",
        "/admin/act/pause",
        "/admin/act/resume",
        "/admin/act/close",
        "/admin/act/refill",
    ];
    let gets = [
        "/user/me",
        "/admin/act/list",
        "/admin/act/stats",
        "/admin/order/find",
        "/admin/export",
        "/admin/audit",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
    ];
    for path in both.iter().chain(&gets) {
        assert!(document["paths"][path]["get"].is_object(), "GET {path}");
    }
    for path in both.iter().chain(&posts) {
        assert!(document["paths"][path]["post"].is_object(), "POST {path}");
    }
}

#[test]
fn people_can_read_the_document_and_the_pages() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let hostile = json!({
        "id": "x", "name": "<script>alert(1)</script>", "desc": "\"><img src=x onerror=alert(1)>",
        "image": "javascript:alert(1)", "start_time": 1_600_000_000, "end_time": 4_100_000_000u64,
        "ticket": [{"id": "seat", "name": "</title><b>", "stock": 1}],
    });
    crate::world::import(&mut stage.op, json!([hostile]));
    let mut stranger = stage.stranger();
    for target in ["/en/", "/zh/act/x", "/en/act/a", "/docs", "/docs/curl"] {
        let (status, kind, body) = get(&mut stranger, target);
        assert_eq!(status, 200, "{target}");
        assert!(kind.starts_with("text/html"), "{kind}");
        assert!(!body.contains("<script>alert") && !body.contains("<img src=x"), "{target}");
        assert!(!body.contains("href=\"javascript:") && !body.contains("src=\"javascript:"));
    }
    assert_eq!(stranger.get("/").status, 303, "on to a language");
    assert!(get(&mut stranger, "/docs/curl").2.contains("curl"), "how to claim with curl");
    assert!(get(&mut stranger, "/en/").2.contains("/en/act/a"), "it lists the activities");
    assert!(get(&mut stranger, "/docs").2.contains("/ticket/get"));
}

#[test]
fn what_is_not_there_is_404_and_a_wrong_method_405() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let mut stranger = stage.stranger();
    for target in
        ["/nowhere", "/act", "/act/list/", "/ACT/LIST", "//act/list", "/user", "/control/people"]
    {
        fails(&stranger.get(target), 404);
        fails(&stranger.send("POST", target, &[], b"").unwrap(), 404);
    }
    let table = [
        ("DELETE", "/ticket/get", "GET"),
        ("PUT", "/act/list", "GET"),
        ("PATCH", "/ticket/list", "POST"),
        ("GET", "/user/login", "POST"),
        ("GET", "/user/register", "POST"),
        ("POST", "/user/me", "GET"),
        ("DELETE", "/user/me", "GET"),
        ("POST", "/openapi.json", "GET"),
        ("POST", "/healthz", "GET"),
        ("PUT", "/healthz", "HEAD"),
        ("POST", "/readyz", "GET"),
        ("POST", "/metrics", "HEAD"),
        ("OPTIONS", "/ticket/get", "POST"),
    ];
    for (method, target, allowed) in table {
        let answer = stranger.send(method, target, &[], b"").unwrap();
        fails(&answer, 405);
        let allow = answer.header("allow").expect("Allow says what does");
        assert!(allow.split(", ").any(|one| one == allowed), "{method} {target}: {allow}");
    }
    data(&claim(&mut stage.person("p"), "a"));
}
