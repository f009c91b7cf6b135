//! What leaves: events by number and as a stream, and the webhooks that are sent them. What a delivery looks like on
//! the wire is tested where it is made.

use super::{
    orders::{order_id, paid, post, selling},
    stage::{Stage, claim, data, eventually, fails, text, texts},
};
use crate::world::{Client, PATIENCE};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

/// Waits until an activity has so many events; all of them.
#[track_caller]
fn events(stage: &mut Stage, least: usize) -> Vec<Value> {
    eventually("so many events", || {
        let page = data(&stage.op.get("/admin/events?actId=a&after=0&most=500"));
        let list = page["list"].as_array().expect("a list").clone();
        assert_eq!(page["after"], json!(list.len()), "numbers have no gaps");
        (list.len() >= least).then_some(list)
    })
}

/// What an event tells: its type without the name of the program.
fn kind(event: &Value) -> &str {
    text(&event["type"]).strip_prefix("firstcome.").expect("types carry the program's name")
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(kind).collect()
}

/// An activity in which something of everything happens: seven events.
fn lively() -> Stage {
    let mut stage = selling(json!({"stock": 2, "limit_per_user": 2}));
    let mut person = stage.person("p");
    let first = order_id(&claim(&mut person, "a"));
    paid(&mut person, &first);
    let second = order_id(&claim(&mut person, "a"));
    data(&post(&mut person, &format!("/order/cancel?orderId={second}")));
    data(&stage.desk("/admin/act/pause?actId=a"));
    data(&stage.desk("/admin/act/resume?actId=a"));
    data(&stage.refill("a", 3));
    stage
}

const LIVELY: [&str; 7] = [
    "order.held",
    "order.paid",
    "order.held",
    "order.cancelled",
    "activity.paused",
    "activity.resumed",
    "units.added",
];

#[test]
fn everything_that_happens_is_told_in_order_and_without_gaps() {
    let mut stage = lively();
    let all = events(&mut stage, LIVELY.len());
    let mut seen = types(&all);
    assert_eq!(
        seen.iter().position(|one| *one == "order.held"),
        Some(0),
        "nothing comes before its cause"
    );
    seen.sort_unstable();
    let mut expected = LIVELY.to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    for event in &all {
        assert_eq!(
            (&event["specversion"], event["id"].is_string()),
            (&json!("1.0"), true),
            "{event}"
        );
    }
    let page = data(&stage.op.get("/admin/events?actId=a&after=2&most=3"));
    assert_eq!(page["list"].as_array().expect("a list")[..], all[2..5]);
    assert_eq!((&page["after"], &page["hasMore"]), (&json!(5), &json!(true)));
    let end = data(&stage.op.get("/admin/events?actId=a&after=7"));
    assert_eq!(
        (&end["list"], &end["after"], &end["hasMore"]),
        (&json!([]), &json!(7), &json!(false))
    );
    stage.restart();
    assert_eq!(events(&mut stage, LIVELY.len()), all, "numbers stay what they are");
}

#[test]
fn events_are_for_operators_and_asked_for_correctly() {
    let mut stage = selling(json!({"stock": 1}));
    let mut person = stage.person("p");
    for target in ["/admin/events?actId=a", "/admin/events/stream?actId=a", "/admin/webhooks"] {
        fails(&person.get(target), 403);
        fails(&stage.stranger().get(target), 401);
    }
    for path in ["/admin/events", "/admin/events/stream"] {
        fails(&stage.op.get(path), 400);
        fails(&stage.op.get(&format!("{path}?actId=nothing")), 404);
        fails(&stage.op.get(&format!("{path}?actId=a&after=-1")), 400);
        fails(&post(&mut stage.op, &format!("{path}?actId=a")), 405);
    }
    fails(&stage.op.get("/admin/events?actId=a&most=501"), 400);
}

/// A reader of a stream of server-sent events.
struct Reader(BufReader<TcpStream>);

impl Reader {
    fn open(stage: &Stage, target: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(stage.world.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        let token = stage.op.token.as_deref().expect("signed in");
        let host = stage.world.address();
        let head = format!(
            "GET {target} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        Self(BufReader::new(stream))
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("in time");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The number, the type and the body of the next event.
    fn next(&mut self) -> (u64, String, Value) {
        let mut field = |name: &str| loop {
            let line = self.line().expect("the stream goes on");
            if let Some(value) = line.strip_prefix(name) {
                return value.trim().to_owned();
            }
        };
        let no = field("id:").parse().expect("a number");
        let kind = field("event:");
        (no, kind, serde_json::from_str(&field("data:")).expect("JSON on one line"))
    }

    /// Reads until the stream ends.
    fn ends(&mut self) {
        while self.line().is_some_and(|line| line != "0") {}
    }
}

/// An event may be an order of a hundred lines, so a page ends by its bytes too, and goes on by the last number.
#[test]
fn a_page_is_bounded_in_bytes() {
    const ORDERS: usize = 160;
    const BYTES_MAX: usize = 1024 * 1024;
    let mut stage = Stage::selling(json!({"stock": 16_000, "limit_per_user": 8_000}));
    for mut person in stage.people(&["p1", "p2"]) {
        let basket = json!({"actId": "a", "items": [{"type_id": "seat", "qty": 100}]});
        for _ in 0..ORDERS / 2 {
            data(&person.post_json("/ticket/get", &basket));
        }
    }
    let (mut numbers, mut pages) = (Vec::new(), 0);
    loop {
        let after = numbers.len();
        let answer = stage.op.get(&format!("/admin/events?actId=a&after={after}&most=500"));
        let page = data(&answer);
        let list = page["list"].as_array().expect("a list");
        let largest = list.iter().map(|one| one.to_string().len()).max().expect("some");
        assert!(answer.body.len() < BYTES_MAX + largest + 256, "{} bytes", answer.body.len());
        numbers.extend(list.iter().map(|one| one["data"]["no"].as_u64().expect("a number")));
        assert_eq!(page["after"], json!(numbers.len()));
        pages += 1;
        if page["hasMore"] == false {
            break;
        }
    }
    assert!(numbers.into_iter().eq(1..=ORDERS as u64));
    assert_eq!(pages, 2, "a page holds as much as it may");
}

#[test]
fn a_stream_tells_what_was_and_then_what_happens() {
    let mut stage = lively();
    let all = events(&mut stage, LIVELY.len());
    let mut by_accept =
        Reader::open(&stage, "/admin/events?actId=a&after=2", "accept: text/event-stream\r\n");
    let mut by_path = Reader::open(&stage, "/admin/events/stream?actId=a", "last-event-id: 5\r\n");
    for reader in [(&mut by_accept, 2), (&mut by_path, 5)] {
        let (reader, after) = reader;
        for (at, event) in all.iter().enumerate().skip(after) {
            let (no, told, body) = reader.next();
            assert_eq!((no, told.as_str(), &body), (at as u64 + 1, kind(event), event));
        }
    }
    data(&stage.desk("/admin/act/pause?actId=a"));
    for reader in [&mut by_accept, &mut by_path] {
        let (no, told, _) = reader.next();
        assert_eq!((no, told.as_str()), (8, "activity.paused"));
    }
    stage.world.terminate();
    by_path.ends();
}

#[test]
fn a_stream_ends_with_the_session_of_its_reader() {
    let mut stage = lively();
    events(&mut stage, LIVELY.len());
    let mut reader = Reader::open(&stage, "/admin/events/stream?actId=a", "");
    assert_eq!(reader.next().0, 1);
    data(&post(&mut stage.op, "/user/logout"));
    reader.ends();
}

fn add(op: &mut Client, body: &Value) -> (String, String) {
    let made = data(&op.post_json("/admin/webhooks", body));
    (text(&made["id"]).to_owned(), text(&made["secret"]).to_owned())
}

#[test]
fn webhooks_are_added_changed_and_removed_and_show_their_secret_once() {
    let mut stage = selling(json!({"stock": 1}));
    let url = "https://shop.example/hooks";
    let (all, secret) = add(&mut stage.op, &json!({ "url": url }));
    assert!(secret.starts_with("whsec_"), "as Standard Webhooks has it");
    let (one, _) = add(
        &mut stage.op,
        &json!({"url": url, "actId": "a", "types": ["order.paid", "order.held"], "note": "Shop"}),
    );
    let list = data(&stage.op.get("/admin/webhooks"));
    assert_eq!(texts(&list["list"], "id"), [&all, &one]);
    let (first, second) = (&list["list"][0], &list["list"][1]);
    assert_eq!(
        (&first["url"], &first["act_id"], &first["types"], &first["state"]),
        (&json!(url), &Value::Null, &json!([]), &json!("active"))
    );
    assert_eq!(
        (&second["act_id"], &second["types"], &second["note"]),
        (&json!("a"), &json!(["order.held", "order.paid"]), &json!("Shop"))
    );
    for (call, state) in [("park", "parked"), ("resume", "active")] {
        data(&post(&mut stage.op, &format!("/admin/webhooks/{call}?id={all}")));
        assert_eq!(data(&stage.op.get("/admin/webhooks"))["list"][0]["state"], state);
    }
    let rotated = data(&post(&mut stage.op, &format!("/admin/webhooks/rotate?id={all}")));
    assert_ne!(rotated["secret"], json!(secret));
    assert!(data(&stage.op.get("/admin/webhooks"))["list"][0]["old_secret_until"].is_u64());
    data(&post(&mut stage.op, &format!("/admin/webhooks/replay?id={all}&actId=a&after=0")));
    data(&stage.op.get(&format!("/admin/webhooks/deliveries?id={all}")));
    for target in ["park", "resume", "rotate", "test", "replay"] {
        let target = format!("/admin/webhooks/{target}?actId=a&after=0");
        fails(&post(&mut stage.op, &target), 400);
        fails(&post(&mut stage.op, &format!("{target}&id=nothing")), 404);
    }
    fails(&stage.op.get("/admin/webhooks/deliveries?id=nothing"), 404);
    let remove = format!("/admin/webhooks?id={one}");
    data(&stage.op.send("DELETE", &remove, &[], b"").expect("an answer"));
    fails(&stage.op.send("DELETE", &remove, &[], b"").expect("an answer"), 404);
    stage.restart();
    let list = stage.op.get("/admin/webhooks");
    assert_eq!(texts(&data(&list)["list"], "id"), [&all]);
    for secret in [secret.as_str(), text(&rotated["secret"])] {
        let shown = String::from_utf8_lossy(&list.body).contains(secret);
        assert!(!shown && !stage.world.log().contains(secret), "a secret is shown once");
    }
    let audit = data(&stage.op.get("/admin/audit?pageSize=100"));
    let actions = texts(&audit["list"], "action");
    for action in
        ["admin/webhooks", "admin/webhooks/park", "admin/webhooks/rotate", "admin/webhooks/replay"]
    {
        assert!(actions.contains(&action), "{action}");
    }
}

#[test]
fn a_webhook_that_cannot_be_is_refused() {
    let mut stage = selling(json!({"stock": 1}));
    let url = "https://shop.example/hooks";
    let table = [
        (json!({}), 400),
        (json!({"url": ""}), 400),
        (json!({"url": "ftp://shop.example/"}), 400),
        (json!({"url": "nonsense"}), 400),
        (json!({"url": "http://127.0.0.1/hooks"}), 400),
        (json!({"url": "http://[::1]/hooks"}), 400),
        (json!({"url": "http://169.254.169.254/latest"}), 400),
        (json!({"url": format!("https://shop.example/{}", "x".repeat(3_000))}), 400),
        (json!({"url": url, "types": ["order.eaten"]}), 400),
        (json!({"url": url, "note": "x".repeat(300)}), 400),
        (json!({"url": url, "secret": "mine"}), 400),
        (json!({"url": url, "actId": "nothing"}), 404),
    ];
    for (body, status) in table {
        fails(&stage.op.post_json("/admin/webhooks", &body), status);
    }
    assert_eq!(data(&stage.op.get("/admin/webhooks"))["list"], json!([]));
}
