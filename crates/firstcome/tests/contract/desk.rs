//! The operators' calls, other than codes and exports: who may, what they do, and that the audit log has them all.
//! A change that is refused must have changed nothing.

use super::stage::{Stage, claim, data, eventually, fails, refused, text, texts};
use crate::world::{Client, import, names, now_s, open_activity, tokens};
use serde_json::{Value, json};

const FRESH: &str = r#"{"activity": [{"id": "fresh", "name": "Fresh", "start_time": 1600000000,
    "end_time": 4100000000, "ticket": [{"id": "seat", "name": "Seat", "stock": 1}]}]}"#;

/// Every operator's call: method, target, type of body, body.
const CALLS: [Call; 18] = [
    ("POST", "/admin/act/import", "application/json", FRESH),
    ("POST", "/admin/act/import?update=1", "application/json", FRESH),
    ("POST", "/admin/codes/import?actId=codes&typeId=seat", "text/plain", "SECRET-CODE-2"),
    ("POST", "/admin/act/pause?actId=a", "", ""),
    ("POST", "/admin/act/resume?actId=a", "", ""),
    ("POST", "/admin/act/refill?actId=a&typeId=seat", "application/json", r#"{"stock": 1}"#),
    ("GET", "/admin/act/list", "", ""),
    ("GET", "/admin/act/stats?actId=a", "", ""),
    ("GET", "/admin/order/find?q=SECRET-CODE-1", "", ""),
    ("GET", "/admin/export?actId=codes&format=csv", "", ""),
    ("POST", "/admin/sessions", "application/json", r#"{"users": ["somebody"]}"#),
    ("GET", "/admin/payments", "", ""),
    ("GET", "/admin/notices", "", ""),
    ("GET", "/admin/events?actId=a", "", ""),
    ("GET", "/admin/webhooks", "", ""),
    ("POST", "/admin/webhooks", "application/json", r#"{"url": "https://shop.example/hooks"}"#),
    ("GET", "/admin/audit", "", ""),
    ("POST", "/admin/act/close?actId=a", "", ""),
];

type Call = (&'static str, &'static str, &'static str, &'static str);

fn call(client: &mut Client, (method, target, kind, body): Call) -> crate::world::Answer {
    let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &[("content-type", kind)] };
    client.send(method, target, headers, body.as_bytes()).expect("an answer")
}

fn audit(op: &mut Client) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut query = "pageSize=100".to_owned();
    loop {
        let page = data(&op.get(&format!("/admin/audit?{query}")));
        rows.extend(page["list"].as_array().expect("a list").iter().cloned());
        if page["hasMore"] == false {
            return rows;
        }
        query = format!("pageSize=100&lastId={}", text(&page["lastId"]));
    }
}

#[test]
fn only_operators_may_call() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    stage.open("codes", json!({"codes": ["SECRET-CODE-1"]}));
    let mut buyer = stage.person("buyer");
    let mut stranger = stage.stranger();
    for one in CALLS {
        fails(&call(&mut buyer, one), 403);
        fails(&call(&mut stranger, one), 401);
        let (method, target, ..) = one;
        let wrong = match (method, target) {
            (_, "/admin/webhooks") => "PUT",
            ("GET", _) => "POST",
            _ => "GET",
        };
        let answer = stage.op.send(wrong, target, &[], b"").unwrap();
        fails(&answer, 405);
        assert!(answer.header("allow").is_some_and(|allow| allow.contains(method)), "{target}");
    }
    fails(&buyer.get("/metrics"), 403);
    assert_eq!(data(&buyer.get("/act/detail?actId=a"))["state"], "open", "none of it did anything");
    assert_eq!(stage.stats("codes")["total"], 1);
}

/// Every call is in the audit log, with who, what and when; no code, token or password is.
#[test]
fn every_call_is_in_the_audit_log_without_secrets() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    stage.open("codes", json!({"codes": ["SECRET-CODE-1"]}));
    let before = now_s();
    for one in CALLS {
        let answer = call(&mut stage.op, one);
        assert_eq!(answer.status, 200, "{}: {}", one.1, String::from_utf8_lossy(&answer.body));
    }
    for (_, target, ..) in CALLS {
        let action = target.split('?').next().expect("a path").trim_start_matches('/');
        eventually(&format!("{action} in the audit log"), || {
            let rows = audit(&mut stage.op);
            let found = rows.iter().find(|row| text(&row["action"]).starts_with(action))?;
            assert_eq!(found["who"], "op");
            assert!(
                (before..before + 120).contains(&found["at"].as_u64().expect("seconds")),
                "{found}"
            );
            Some(())
        });
    }
    let shown = json!(audit(&mut stage.op)).to_string();
    let token = stage.op.token.clone().expect("signed in");
    for secret in ["SECRET-CODE", token.as_str(), "operator-pass"] {
        assert!(!shown.contains(secret), "the audit log shows {secret}");
    }
    let numbers: Vec<u64> = audit(&mut stage.op)
        .iter()
        .map(|row| text(&row["id"]).parse().expect("a number"))
        .collect();
    assert!(numbers.is_sorted_by(|one, next| one > next), "newest first");
}

/// As above: a call that was refused is a call.
#[test]
fn calls_that_were_refused_are_in_the_audit_log_too() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    fails(
        &stage.op.post_json(
            "/admin/act/import",
            &json!({"activity": [open_activity("a", json!({"stock": 1}))]}),
        ),
        409,
    );
    fails(&stage.op.get("/admin/act/stats?actId=none"), 404);
    refused(&stage.refill("a", -5), -10);
    let find = |op: &mut Client, action: &str, count: usize| {
        eventually(&format!("{count} entries of {action}"), || {
            let rows = audit(op);
            let found = rows.iter().filter(|row| text(&row["action"]).starts_with(action)).count();
            (found >= count
                || rows.iter().filter(|row| row["action"] == "admin/audit").count() > 50)
                .then_some(found)
        })
    };
    assert_eq!(find(&mut stage.op, "admin/act/refill", 1), 1, "a refill that was refused");
    assert_eq!(find(&mut stage.op, "admin/act/import", 2), 2, "an import that was refused");
    assert_eq!(find(&mut stage.op, "admin/act/stats", 1), 1, "statistics of nothing");
}

#[test]
fn pause_and_resume_can_be_repeated() {
    let mut stage = Stage::selling(json!({"stock": 2}));
    let mut people = stage.people(&["p1", "p2"]);
    for _ in 0..2 {
        data(&stage.desk("/admin/act/pause?actId=a"));
        refused(&claim(&mut people[0], "a"), -11);
        assert_eq!(data(&people[0].get("/act/detail?actId=a"))["state"], "paused");
    }
    data(&stage.refill("a", 1));
    for _ in 0..2 {
        data(&stage.desk("/admin/act/resume?actId=a"));
    }
    data(&claim(&mut people[0], "a"));
    for target in ["/admin/act/pause", "/admin/act/resume", "/admin/act/close", "/admin/act/refill"]
    {
        let call = |stage: &mut Stage, query: &str| {
            stage.op.post_json(&format!("{target}{query}"), &json!({"stock": 1}))
        };
        assert!(fails(&call(&mut stage, ""), 400).contains("actId"));
        fails(&call(&mut stage, "?actId=none"), 404);
        fails(&call(&mut stage, "?actId=a&actId=a"), 400);
    }
}

#[test]
fn close_is_final() {
    let mut stage = Stage::selling(json!({"stock": 2}));
    stage.open("codes", json!({"codes": ["K-1"]}));
    let mut person = stage.person("p");
    let ticket = data(&claim(&mut person, "a"));
    for activity in ["a", "codes"] {
        for _ in 0..2 {
            data(&stage.desk(&format!("/admin/act/close?actId={activity}")));
        }
        refused(&claim(&mut person, activity), -1);
    }
    let closed = json!({"state": "closed"});
    let check = |stage: &mut Stage| {
        assert_eq!(refused(&stage.refill("a", 5), -10), closed);
        assert_eq!(refused(&stage.refill("a", -1), -10), closed);
        assert_eq!(refused(&stage.codes("codes", "K-2"), -10), closed);
        assert_eq!(refused(&stage.desk("/admin/act/pause?actId=a"), -10), closed);
    };
    check(&mut stage);
    stage.restart();
    check(&mut stage);
    let mut person = stage.follow(&person);
    refused(&claim(&mut person, "a"), -1);
    let detail = format!("/ticket/detail?ticketId={}", text(&ticket["id"]));
    assert_eq!(data(&person.get(&detail))["state"], "valid", "tickets stay good");
    data(&stage.desk("/admin/act/close?actId=a"));
}

/// As above: nothing goes on after a close, so "resume" cannot say that it does.
#[test]
fn a_closed_activity_cannot_be_resumed() {
    let mut stage = Stage::selling(json!({"stock": 2}));
    data(&stage.desk("/admin/act/close?actId=a"));
    assert_eq!(refused(&stage.desk("/admin/act/resume?actId=a"), -10), json!({"state": "closed"}));
}

#[test]
fn a_refill_adds_units_once_for_each_key() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let target = "/admin/act/refill?actId=a&typeId=seat";
    let with_key = |stage: &mut Stage, key: &str, stock: i64| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        stage
            .op
            .send("POST", target, &headers, json!({ "stock": stock }).to_string().as_bytes())
            .unwrap()
    };
    for _ in 0..3 {
        data(&with_key(&mut stage, "k1", 5));
    }
    assert_eq!(stage.stats("a")["total"], 6);
    for _ in 0..3 {
        data(&with_key(&mut stage, "k2", -2));
    }
    assert_eq!(stage.stats("a")["total"], 4);
    refused(&with_key(&mut stage, "k3", -100), -10);
    data(&with_key(&mut stage, "k3", 1));
    data(&stage.desk("/admin/act/pause?actId=a"));
    data(&stage.refill("a", 1));
    assert_eq!(
        stage.stats("a")["total"],
        6,
        "works while paused, and without typeId where there is one"
    );
    stage.restart();
    data(&with_key(&mut stage, "k1", 5));
    assert_eq!(stage.stats("a")["total"], 6, "a key is remembered after a crash");
}

/// C13: quantities that are none.
#[test]
fn a_refill_takes_whole_numbers_within_its_bounds() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let target = "/admin/act/refill?actId=a&typeId=seat";
    let json_type = [("content-type", "application/json")];
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "{\"stock\": \"5\"}",
        "{\"stock\": 1.5}",
        "{\"stock\": null}",
        "{\"stock\": 99999999999999999999}",
        "{\"stock\": 4294967296}",
        "{\"stock\": 10000000}",
        "{\"stock\": 9223372036854775807}",
        "{\"stock\": 1",
        "{\"stock\": 1, \"stock\": 2}",
    ] {
        fails(&stage.op.send("POST", target, &json_type, body.as_bytes()).unwrap(), 400);
    }
    fails(&stage.op.send("POST", target, &[], b"{\"stock\": 1}").unwrap(), 415);
    let nothing = stage.refill("a", 0);
    assert!([0, -400].contains(&nothing.ret()), "{}", nothing.json());
    assert_eq!(stage.stats("a")["total"], 1);
    let mut person = stage.person("p");
    data(&claim(&mut person, "a"));
}

/// All or nothing, and every mistake with its key, value and reason.
#[test]
fn an_import_that_is_wrong_names_key_value_and_reason_and_does_nothing() {
    let mut stage = Stage::new();
    let now = now_s();
    type Change = fn(&mut Value, u64);
    let table: [(&str, &str, Change); 12] = [
        ("id", "sp ace", |one, _| one["id"] = json!("sp ace")),
        ("price", "9.901", |one, _| one["ticket"][0]["price"] = json!("9.901")),
        ("stock", "-5", |one, _| one["ticket"][0]["stock"] = json!(-5)),
        ("stock", "many", |one, _| one["ticket"][0]["stock"] = json!("many")),
        ("stock", "99999999999", |one, _| one["ticket"][0]["stock"] = json!(99_999_999_999u64)),
        ("limit_per_user", "0", |one, _| one["ticket"][0]["limit_per_user"] = json!(0)),
        ("end_time", "", |one, now| one["end_time"] = json!(now - 7200)),
        ("start_time", "noon", |one, _| one["start_time"] = json!("noon")),
        ("stok", "", |one, _| one["ticket"][0]["stok"] = json!(5)),
        ("name", "", |one, _| drop(one.as_object_mut().unwrap().remove("name"))),
        ("ticket", "", |one, _| one["ticket"] = json!([])),
        ("codes", "", |one, _| one["ticket"][0]["codes"] = json!(["K"])),
    ];
    for (key, value, change) in table {
        let good = open_activity("good", json!({"stock": 1}));
        let mut bad = open_activity("bad", json!({"stock": 1}));
        change(&mut bad, now);
        let answer = stage.op.post_json("/admin/act/import", &json!({"activity": [good, bad]}));
        let message = fails(&answer, 400);
        assert!(message.contains(key) && message.contains(value), "{key} = {value}: {message}");
        fails(&stage.op.get("/act/detail?actId=good"), 404);
    }
    let twice = json!({"activity": [open_activity("a", json!({"stock": 1})), open_activity("a", json!({"stock": 1}))]});
    fails(&stage.op.post_json("/admin/act/import", &twice), 400);
    for body in ["", "[]", "{", "{\"activity\": 5}", "{\"acts\": []}"] {
        let headers = [("content-type", "application/json")];
        fails(&stage.op.send("POST", "/admin/act/import", &headers, body.as_bytes()).unwrap(), 400);
    }
    assert_eq!(data(&stage.op.get("/admin/act/list"))["list"], json!([]));
}

#[test]
fn an_import_is_json_or_toml() {
    let mut stage = Stage::new();
    let toml = "[[activity]]\nid = \"t\"\nname = \"电影之夜\"\nstart_time = 2020-12-01T10:00:00+08:00\n\
                end_time = 2120-12-01T12:00:00+08:00\n[[activity.ticket]]\nid = \"seat\"\nname = \"Seat\"\n\
                price = \"0\"\ncurrency = \"CNY\"\nstock = 2\n";
    let headers = [("content-type", "application/toml")];
    let answer = stage.op.send("POST", "/admin/act/import", &headers, toml.as_bytes()).unwrap();
    assert_eq!(data(&answer)["ids"], json!(["t"]));
    assert_eq!(data(&stage.op.get("/act/detail?actId=t"))["start_time"], 1_606_788_000);
    let wrong = toml.replace("stock = 2", "stock = 2\nlimit = 3").replace("\"t\"", "\"u\"");
    let answer = stage.op.send("POST", "/admin/act/import", &headers, wrong.as_bytes()).unwrap();
    let message = fails(&answer, 400);
    assert!(message.contains("12") && message.contains("limit"), "line and key: {message}");
    let answer =
        stage.op.send("POST", "/admin/act/import", &[("content-type", "image/png")], b"x").unwrap();
    fails(&answer, 415);
}

#[test]
fn statistics_count_people_and_units() {
    let mut stage = Stage::new();
    let mut activity = open_activity("a", json!({"stock": 3}));
    let listed: Vec<String> = names("p", 5);
    activity["roster"] = json!(listed);
    import(&mut stage.op, json!([activity.clone()]));
    let empty = stage.stats("a");
    let keys: Vec<&String> = empty.as_object().unwrap().keys().collect();
    for key in [
        "total",
        "available",
        "held",
        "sold",
        "unpaid",
        "waiting",
        "participants",
        "refused",
        "claims_per_second",
        "opened_at",
        "sold_out_at",
    ] {
        assert!(keys.iter().any(|one| *one == key), "{key} is missing: {empty}");
    }
    assert_eq!(empty["sold_out_at"], Value::Null);
    let people: Vec<Client> =
        tokens(&mut stage.op, &listed).iter().map(|token| stage.op.with_token(token)).collect();
    let before = now_s();
    for person in &people[..4] {
        for _ in 0..2 {
            claim(&mut person.again(), "a");
        }
    }
    refused(&claim(&mut stage.person("outsider"), "a"), -6);
    let stats = stage.stats("a");
    let shown =
        ["total", "available", "held", "sold", "participants"].map(|key| stats[key].clone());
    assert_eq!(json!(shown), json!([3, 0, 0, 3, 5]));
    assert_eq!(
        (&stats["refused"]["sold_out"], &stats["refused"]["not_eligible"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(stats["opened_at"], activity["start_time"]);
    assert!((before..=now_s()).contains(&stats["sold_out_at"].as_u64().expect("seconds")));
    assert!(stats["claims_per_second"].as_f64().expect("a number") >= 0.0);
    fails(&stage.op.get("/admin/act/stats?actId=none"), 404);
    fails(&stage.op.get("/admin/act/stats"), 400);
}

#[test]
fn an_order_is_found_by_id_ticket_name_and_code() {
    let mut stage = Stage::selling(json!({"codes": ["K-1", "K-2"], "limit_per_user": 2}));
    let mut person = stage.person("李 雷");
    let won = data(&claim(&mut person, "a"));
    let second = data(&claim(&mut person, "a"));
    let mut find = |question: &str| {
        let encoded: String = question.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = data(&stage.op.get(&format!("/admin/order/find?q={encoded}")));
        texts(&found["list"], "order_id").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let order = text(&won["order_id"]).to_owned();
    for question in [&order, text(&won["id"]), "K-1"] {
        assert_eq!(find(question), [order.as_str()], "{question}");
    }
    let mut both = find("李 雷");
    both.sort_unstable();
    let mut expected = [order.as_str(), text(&second["order_id"])];
    expected.sort_unstable();
    assert_eq!(both, expected);
    for nothing in ["nobody", "K-3", "x", "%"] {
        assert_eq!(find(nothing), Vec::<String>::new(), "{nothing}");
    }
    assert!(fails(&stage.op.get("/admin/order/find"), 400).contains('q'));
}

/// -400 comes before -404 for operators as for everybody.
#[test]
fn a_malformed_call_is_400_before_anything_is_looked_for() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    fails(&stage.op.get("/admin/export?actId=none&format=pdf"), 400);
    fails(&stage.op.get("/admin/export?actId=none"), 400);
    let answer = stage.op.post_json("/admin/act/refill?actId=none", &json!({"stock": "x"}));
    fails(&answer, 400);
}
