//! What nobody should send, and what nobody should find in a log. No answer here may be a 500, and the server has
//! to go on as if nothing had happened.

use super::stage::{Stage, claim, data, fails, refused, text};
use crate::world::{World, names};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

/// C13: malformed, huge, negative and unknown parameters are each answered for what they are.
#[test]
fn whatever_is_malformed_is_named_and_never_guessed_at() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    let mut person = stage.person("p");
    let huge = "9".repeat(3000);
    let table = [
        ("/ticket/get", 400),
        ("/ticket/get?actId=", 400),
        ("/ticket/get?actId=a&actId=a", 400),
        ("/ticket/get?actId=%FF%FE", 400),
        ("/ticket/get?actId=%C3%28", 400),
        ("/ticket/get?actId=%", 400),
        ("/ticket/get?actId=%4", 400),
        ("/ticket/get?actId=%zz", 400),
        ("/ticket/get?actId=-1", 404),
        ("/ticket/get?actId=0", 404),
        ("/ticket/get?actId=none", 404),
        ("/ticket/get?actId=A", 404),
        ("/ticket/get?actId=a%20", 404),
        ("/ticket/get?actId=a%00", 404),
        ("/ticket/get?actId=%E6%8A%A2", 404),
        (&format!("/ticket/get?actId={huge}"), 404),
        ("/ticket/get?actId=a&typeId=-1", 404),
        ("/ticket/get?actId=a&typeId=%FF", 400),
        ("/ticket/get?actId=a&typeId=seat&typeId=seat", 400),
        ("/act/detail?actId=%FF", 400),
        ("/act/detail?actId=none", 404),
        ("/act/list?state=%FF", 400),
        ("/act/list?state=", 400),
        (&format!("/act/list?page={huge}"), 400),
        ("/ticket/list?pageSize=1e2", 400),
        ("/ticket/list?page=%2B1", 400),
        ("/ticket/list?page=0x10", 400),
        ("/ticket/list?page=%EF%BC%91", 400),
    ];
    for (target, status) in table {
        for method in ["GET", "POST"] {
            fails(&person.send(method, target, &[], b"").unwrap(), status);
        }
    }
    let many: String = (0..1000).map(|at| format!("&p{at}=1")).collect();
    fails(&person.get(&format!("/ticket/get?actId=a{many}")), 400);
    assert_eq!(data(&person.get("/act/list?page=1000000000"))["list"], json!([]));
    assert_eq!(stage.stats("a")["sold"], 0, "nothing was guessed");
    data(&claim(&mut person, "a"));
}

/// C13: bodies.
#[test]
fn a_body_of_the_wrong_kind_or_size_is_refused() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    let mut person = stage.person("p");
    let large = vec![b'x'; 70_000];
    for (target, kind) in [
        ("/ticket/get?actId=a", "application/json"),
        ("/user/login", "application/json"),
        ("/user/register", "application/json"),
    ] {
        let answer =
            person.again().send("POST", target, &[("content-type", kind)], &large).unwrap();
        fails(&answer, 413);
    }
    let mut send = |kind: &str, body: &[u8]| {
        person.send("POST", "/ticket/get", &[("content-type", kind)], body).unwrap()
    };
    for kind in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "json"] {
        fails(&send(kind, b"actId=a"), 415);
    }
    for body in [
        "{",
        "[]",
        "5",
        "\"a\"",
        "null",
        "{\"actId\": {}}",
        "{\"actId\": [\"a\"]}",
        "{\"actId\": null}",
    ] {
        let answer = send("application/json", body.as_bytes());
        fails(&answer, 400);
    }
    fails(&send("application/json", b"{\"actId\": \"\xff\"}"), 400);
    fails(&send("application/x-www-form-urlencoded", b"actId=\xff"), 400);
    fails(&send("application/x-www-form-urlencoded", b"actId=a&actId=a"), 400);
    fails(&send("application/json", b"{\"actId\": 5}"), 404);
    assert_eq!(stage.stats("a")["sold"], 0);
    // An operator's import may be larger, anybody else's body is not even read.
    let answer = person.again().send(
        "POST",
        "/admin/act/import",
        &[("content-type", "application/json")],
        &large,
    );
    assert!(answer.is_ok_and(|answer| answer.status == 403));
}

/// C13: a parameter given twice is 400 in every form that parameters have.
#[test]
fn a_parameter_that_a_json_body_gives_twice_is_400() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    stage.open("b", json!({"stock": 3}));
    let mut person = stage.person("p");
    let json = [("content-type", "application/json")];
    let body = br#"{"actId": "a", "actId": "b"}"#;
    let message = fails(&person.send("POST", "/ticket/get", &json, body).unwrap(), 400);
    assert!(message.contains("actId"), "{message}");
}

/// C13: bytes that are hardly HTTP. Each gets a refusal or a closed connection, and nobody else notices.
#[test]
fn bytes_that_are_hardly_http_disturb_nobody() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    let requests: [&[u8]; 9] = [
        b"GET /ticket/get?actId=\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /act/detail?actId=\xe6\x8a\xa2 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /act/list HTTP/9.9\r\nhost: x\r\n\r\n",
        b"POST /ticket/get HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /ticket/get HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"POST /ticket/get HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /act/list HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \xff\xfe\r\n\r\n",
    ];
    for request in requests {
        let mut stream = TcpStream::connect(stage.world.address()).expect("a connection");
        stream.set_read_timeout(Some(crate::world::PATIENCE)).expect("a bound");
        stream.write_all(request).expect("it is read");
        stream.shutdown(std::net::Shutdown::Write).expect("an end");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let line = String::from_utf8_lossy(&answer);
        let status: u16 =
            line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(400);
        assert!(
            (400..500).contains(&status),
            "{:?} is answered {line}",
            String::from_utf8_lossy(request)
        );
    }
    data(&claim(&mut stage.person("p"), "a"));
    assert!(!stage.world.log().contains("panicked"), "{}", stage.world.log());
}

/// No token, password, code or key is ever in the log, at any level.
#[test]
fn the_log_of_a_busy_day_holds_no_secret() {
    let secret = "identity-secret-of-at-least-32-bytes";
    let world = World::cheap()
        .set("FIRSTCOME_LOG_LEVEL", "trace")
        .set("FIRSTCOME_IDENTITY_ISSUER", "i")
        .set("FIRSTCOME_IDENTITY_AUDIENCE", "a")
        .set("FIRSTCOME_IDENTITY_HS256_SECRET", secret);
    let mut stage = Stage::on(world);
    stage.open("a", json!({"codes": ["SECRET-CODE-1", "SECRET-CODE-2"]}));
    data(&stage.codes("a", "SECRET-CODE-3\nSECRET-CODE-1\n"));
    let mut secrets = vec!["SECRET-CODE".to_owned(), "operator-pass".to_owned(), secret.to_owned()];
    secrets.push(stage.op.token.clone().expect("signed in"));
    let mut stranger = stage.stranger();
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
    for (target, body) in [
        ("/user/register", json!({"name": "someone", "password": "pass-word-one"})),
        ("/user/login", json!({"name": "someone", "password": "pass-word-two"})),
        ("/user/login", json!({"name": "someone", "password": "pass-word-one"})),
        ("/user/exchange", json!({ "jwt": jwt })),
    ] {
        let answer = stranger.post_json(target, &body);
        if answer.ret() == 0 {
            secrets.push(text(&answer.data()["token"]).to_owned());
        }
    }
    secrets.extend(
        ["pass-word-one", "pass-word-two", jwt, "idem-key-1", "wrong-token-x"].map(str::to_owned),
    );
    stranger.with_token("wrong-token-x").get("/act/list");
    for name in names("p", 5) {
        let mut person = stage.person(&name);
        super::stage::claim_with(&mut person, "a", "idem-key-1");
        person.get("/ticket/list");
        secrets.push(person.token.expect("signed in"));
    }
    stage.op.get("/admin/order/find?q=SECRET-CODE-2");
    stage.op.get("/admin/export?actId=a&format=csv");
    stage.world.file("codes.csv", "code\nSECRET-CODE-9\nSECRET-CODE-9\n");
    stage.restart();
    refused(&claim(&mut stage.person("late"), "a"), -2);
    stage.world.terminate();
    let log = stage.world.log();
    assert!(!log.is_empty());
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log shows {secret}");
    }
}

#[test]
fn a_server_that_is_asked_to_end_says_that_all_is_written() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    data(&claim(&mut stage.person("p"), "a"));
    stage.world.terminate();
    stage.world.serve();
    let mut op = stage.world.client().with_token(stage.op.token.as_deref().expect("signed in"));
    assert_eq!(data(&op.get("/admin/act/stats?actId=a"))["sold"], 1);
}

#[test]
fn an_import_has_a_bound_of_its_own() {
    let stage = Stage::on(World::cheap().set("FIRSTCOME_SERVER_IMPORT_BYTES_MAX", "65536"));
    let json = [("content-type", "application/json")];
    for target in ["/admin/act/import", "/admin/sessions", "/admin/codes/import?actId=a"] {
        let answer = stage.op.again().send("POST", target, &json, &vec![b' '; 65_537]).unwrap();
        fails(&answer, 413);
        let answer = stage.op.again().send("POST", target, &json, &vec![b' '; 65_536]).unwrap();
        assert_ne!(answer.status, 413, "{target}");
    }
}

/// C12: the bound on connections is honest too.
#[test]
fn one_connection_too_many_hears_busy() {
    let mut stage = Stage::on(World::cheap().set("FIRSTCOME_SERVER_CONNECTIONS_MAX", "2"));
    stage.open("a", json!({"stock": 1}));
    let mut second = stage.stranger();
    data(&second.get("/act/list"));
    let busy = stage.stranger().get("/act/list");
    fails(&busy, 503);
    assert!(busy.header("retry-after").is_some(), "{busy:?}");
    assert_eq!(busy.header("connection"), Some("close"));
    // Those who look after the sale get through a full house.
    assert_eq!(stage.stranger().get("/healthz").status, 200);
    for target in ["/healthz", "/readyz", "/metrics"] {
        let posted = stage.stranger().send("POST", target, &[], b"").unwrap();
        fails(&posted, 405);
        assert_eq!(posted.header("allow"), Some("GET, HEAD"), "{target}");
    }
    data(&stage.op.again().get("/admin/act/list"));
    fails(&stage.stranger().get("/admin/act/list"), 401);
    data(&second.get("/act/list"));
    drop(second);
    super::stage::eventually("room for another", || {
        stage.stranger().send("GET", "/act/list", &[], b"").ok().filter(|one| one.status == 200)
    });
}

/// Every connection takes a descriptor: with few of them, fewer connections are taken, and the rest hear "busy".
#[test]
fn a_low_limit_on_open_files_lowers_the_bound_on_connections() {
    let mut world = World::cheap();
    world.wrap(r#"ulimit -n 514; exec "$0" "$@""#);
    let stage = Stage::on(world);
    let mut second = stage.stranger();
    data(&second.get("/act/list"));
    fails(&stage.stranger().get("/act/list"), 503);
    super::stage::eventually("a line in the log", || {
        stage.world.log().contains("leaves room for few connections").then_some(())
    });
}
