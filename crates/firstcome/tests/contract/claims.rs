//! /ticket/get: the answer, its parameters, keys, and every refusal with its place among the others.
//! What happens around a claim (limits, windows, crashes) has files of its own.

use super::stage::{Stage, claim, claim_with, data, fails, masked, refused, text, texts};
use crate::world::{import, now_s, open_activity};
use serde_json::{Value, json};

const PERSONAL: Option<&str> = Some("private, no-store");

/// An activity of two types that is open.
fn two_types(id: &str) -> Value {
    let mut activity = open_activity(id, json!({"stock": 5}));
    let second = json!({"id": "sofa", "name": "Sofa", "stock": 5, "limit_per_user": 5});
    activity["ticket"].as_array_mut().expect("a list").push(second);
    activity
}

#[test]
fn a_claim_is_answered_with_the_ticket() {
    let mut stage = Stage::new();
    let now = now_s();
    let mut activity = open_activity("a", json!({}));
    activity["image"] = json!("https://example.org/a.png");
    activity["ticket"] = json!([{
        "id": "seat", "name": "电影票", "desc": "一张", "codes": ["K-1", "K-2"], "limit_per_user": 2,
        "valid_from": now - 10, "valid_until": now + 9000,
    }]);
    import(&mut stage.op, json!([activity]));
    let mut person = stage.person("p");
    let answer = claim(&mut person, "a");
    assert_eq!(answer.header("cache-control"), PERSONAL);
    let ticket = data(&answer);
    let record = json!({
        "id": "…", "name": "电影票", "desc": "一张", "image": "https://example.org/a.png", "code": "K-1",
        "act_id": "a", "type_id": "seat", "is_effective": true, "start_time": now - 10,
        "end_time": now + 9000, "state": "valid", "claim_no": 1,
    });
    let mut claimed = record.clone();
    claimed["actId"] = json!("a");
    claimed["isEffective"] = json!(true);
    claimed["order_id"] = json!("…");
    assert_eq!(masked(&ticket, &["id", "order_id"]), claimed);

    let target = format!("/ticket/detail?ticketId={}", text(&ticket["id"]));
    let detail = person.get(&target);
    assert_eq!(
        masked(&data(&detail), &["id"]),
        record,
        "the record, without what only a claim has"
    );
    assert_eq!(data(&detail)["id"], ticket["id"]);
    assert_eq!(detail.header("cache-control"), PERSONAL);
    let list = person.get("/ticket/list");
    assert_eq!(list.header("cache-control"), PERSONAL);
    assert_eq!(data(&list)["list"], json!([data(&detail)]));
    let second = data(&claim(&mut person, "a"));
    assert_eq!((&second["code"], &second["claim_no"]), (&json!("K-2"), &json!(2)));
    let full = refused(&claim(&mut person, "a"), -5);
    let ids = texts(&full["tickets"], "id");
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&text(&ticket["id"])) && ids.contains(&text(&second["id"])));
    assert_eq!(
        masked(&full["tickets"], &["id", "code", "claim_no"])[0],
        masked(&record, &["id", "code", "claim_no"])
    );
}

#[test]
fn a_ticket_is_effective_only_within_its_validity() {
    let mut stage = Stage::new();
    let now = now_s();
    let kind = |id: &str, from: u64, until: u64| json!({"id": id, "name": id, "stock": 1, "valid_from": from, "valid_until": until});
    let mut activity = open_activity("a", json!({}));
    activity["ticket"] = json!([
        kind("past", now - 100, now - 50),
        kind("now", now - 100, now + 5000),
        kind("future", now + 4000, now + 5000),
    ]);
    import(&mut stage.op, json!([activity]));
    let mut person = stage.person("p");
    for (kind, effective) in [("past", false), ("now", true), ("future", false)] {
        let ticket = data(&person.get(&format!("/ticket/get?actId=a&typeId={kind}")));
        let shown = (&ticket["isEffective"], &ticket["is_effective"], &ticket["state"]);
        assert_eq!(shown, (&json!(effective), &json!(effective), &json!("valid")), "{kind}");
        assert_eq!(ticket["code"], Value::Null, "plain units have none");
    }
}

#[test]
fn get_and_post_both_claim() {
    let mut stage = Stage::selling(json!({"stock": 10, "limit_per_user": 10}));
    let mut person = stage.person("p");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let json = [("content-type", "application/json; charset=utf-8")];
    let answers = [
        person.get("/ticket/get?actId=a"),
        person.send("POST", "/ticket/get?actId=a&typeId=seat", &[], b"").unwrap(),
        person.send("POST", "/ticket/get", &form, b"actId=a&typeId=seat").unwrap(),
        person.send("POST", "/ticket/get", &json, br#"{"actId": "a"}"#).unwrap(),
    ];
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(data(answer)["claim_no"], at + 1);
    }
    let twice = person.send("POST", "/ticket/get?actId=a", &form, b"actId=a").unwrap();
    assert!(fails(&twice, 400).contains("actId"), "given in both places is given twice");
    let wrong = [("content-type", "text/xml")];
    fails(&person.send("POST", "/ticket/get?actId=a", &wrong, b"<a/>").unwrap(), 415);
    assert_eq!(stage.stats("a")["sold"], 4);
}

#[test]
fn a_type_is_named_unless_there_is_only_one() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    import(&mut stage.op, json!([two_types("two")]));
    let mut person = stage.person("p");
    assert!(fails(&person.get("/ticket/get?actId=two"), 400).contains("typeId"));
    fails(&person.get("/ticket/get?actId=two&typeId=bench"), 404);
    fails(&person.get("/ticket/get?actId=a&typeId=sofa"), 404);
    assert_eq!(data(&person.get("/ticket/get?actId=two&typeId=sofa"))["type_id"], "sofa");
    assert_eq!(data(&person.get("/ticket/get?actId=a"))["type_id"], "seat");
}

/// C2: the reply of a winner is lost; whoever asks again with the key hears the same ticket, 100 times of 100.
#[test]
fn a_retry_with_its_key_hears_its_ticket_every_time() {
    let mut stage = Stage::selling(json!({"codes": ["K-1"]}));
    let person = stage.person("p");
    let first = data(&claim_with(&mut person.again(), "a", "key-1"));
    refused(&claim(&mut stage.person("late"), "a"), -2);
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let (person, first) = (person.again(), first.clone());
            std::thread::spawn(move || {
                for _ in 0..10 {
                    assert_eq!(data(&claim_with(&mut person.again(), "a", "key-1")), first);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("every retry hears the same");
    }
    let without = refused(&claim(&mut person.again(), "a"), -5);
    assert_eq!(
        texts(&without["tickets"], "id"),
        [text(&first["id"])],
        "without a key: -5 with the ticket"
    );
    let other = refused(&claim_with(&mut person.again(), "a", "key-2"), -5);
    assert_eq!(texts(&other["tickets"], "id"), [text(&first["id"])]);
    data(&stage.desk("/admin/act/pause?actId=a"));
    assert_eq!(
        data(&claim_with(&mut person.again(), "a", "key-1")),
        first,
        "a known key is before -11"
    );
    stage.restart();
    assert_eq!(data(&claim_with(&mut stage.follow(&person), "a", "key-1")), first, "after a crash");
    data(&stage.desk("/admin/act/close?actId=a"));
    assert_eq!(data(&claim_with(&mut stage.follow(&person), "a", "key-1")), first, "before -1");
    assert_eq!(stage.stats("a")["sold"], 1);
}

/// C9: whoever took the last unit and asks again with the key hears of it, not that there is none.
#[test]
fn a_retry_for_the_last_unit_is_no_sold_out() {
    let mut stage = Stage::selling(json!({"stock": 1, "limit_per_user": 2}));
    let mut person = stage.person("p");
    let won = data(&claim_with(&mut person, "a", "k"));
    assert_eq!(data(&claim_with(&mut person, "a", "k")), won);
    refused(&claim_with(&mut person, "a", "another"), -2);
    assert_eq!(stage.stats("a")["sold"], 1);
}

#[test]
fn a_key_belongs_to_one_person_and_one_activity() {
    let mut stage = Stage::selling(json!({"stock": 5, "limit_per_user": 5}));
    stage.open("b", json!({"stock": 5}));
    let [mut one, mut other] = <[_; 2]>::try_from(stage.people(&["one", "other"])).ok().unwrap();
    let mut ids = vec![
        data(&claim_with(&mut one, "a", "k"))["id"].clone(),
        data(&claim_with(&mut other, "a", "k"))["id"].clone(),
        data(&claim_with(&mut one, "b", "k"))["id"].clone(),
        data(&claim_with(&mut one, "a", "K"))["id"].clone(),
        data(&claim(&mut one, "a"))["id"].clone(),
    ];
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn a_key_is_1_to_64_visible_characters_given_once() {
    let mut stage = Stage::selling(json!({"stock": 9, "limit_per_user": 9}));
    let mut person = stage.person("p");
    let header = "idempotency-key";
    for key in ["", &"x".repeat(65), "two words", "é", "抢"] {
        let message = fails(&person.get_with("/ticket/get?actId=a", &[(header, key)]), 400);
        assert!(message.contains("Idempotency-Key"), "{key:?} says {message}");
    }
    let twice = person.get_with("/ticket/get?actId=a", &[(header, "a"), (header, "a")]);
    assert!(fails(&twice, 400).contains("Idempotency-Key"));
    for key in ["x", &"x".repeat(64), "!~\"<>%"] {
        let won = data(&claim_with(&mut person, "a", key));
        assert_eq!(data(&claim_with(&mut person, "a", key)), won);
    }
    assert_eq!(stage.stats("a")["sold"], 3);
}

#[test]
fn after_a_refusal_the_same_key_decides_anew() {
    let mut stage = Stage::selling(json!({"stock": 0}));
    let mut person = stage.person("p");
    refused(&claim_with(&mut person, "a", "k"), -2);
    data(&stage.desk("/admin/act/pause?actId=a"));
    refused(&claim_with(&mut person, "a", "k"), -11);
    data(&stage.refill("a", 1));
    data(&stage.desk("/admin/act/resume?actId=a"));
    let won = data(&claim_with(&mut person, "a", "k"));
    assert_eq!(data(&claim_with(&mut person, "a", "k")), won);
}

#[test]
fn every_refusal_says_what_it_is() {
    let mut stage = Stage::new();
    let now = now_s();
    let activity = |id: &str, start: u64, end: u64| {
        let mut one = open_activity(id, json!({"stock": 1}));
        one["start_time"] = json!(start);
        one["end_time"] = json!(end);
        one
    };
    let mut listed = activity("listed", now - 60, now + 1000);
    listed["roster"] = json!(["somebody"]);
    let all = json!([
        activity("over", now - 60, now - 30),
        activity("soon", now + 1000, now + 2000),
        activity("closed", now - 60, now + 1000),
        activity("paused", now - 60, now + 1000),
        activity("gone", now - 60, now + 1000),
        listed,
    ]);
    import(&mut stage.op, all);
    data(&stage.desk("/admin/act/close?actId=closed"));
    data(&stage.desk("/admin/act/pause?actId=paused"));
    let [mut holder, mut late] =
        <[_; 2]>::try_from(stage.people(&["holder", "late"])).ok().unwrap();
    data(&claim(&mut holder, "gone"));
    for (activity, ret) in
        [("over", -1), ("closed", -1), ("gone", -2), ("soon", -4), ("listed", -6), ("paused", -11)]
    {
        let answer = claim(&mut late, activity);
        let data = refused(&answer, ret);
        assert_eq!(answer.header("cache-control"), PERSONAL, "{activity}");
        if ret == -4 {
            assert_eq!(data["start_time"], now + 1000);
            let server_ms = data["server_time"].as_u64().expect("milliseconds");
            assert!((now * 1000..now * 1000 + 120_000).contains(&server_ms), "{server_ms}");
        }
    }
    let had = refused(&claim(&mut holder, "gone"), -5);
    assert_eq!(
        had["tickets"].as_array().map(Vec::len),
        Some(1),
        "a holder is not told \"sold out\""
    );
}

/// The order in which an answer is looked for: -405, -401, -400, -404, a known key, -1, -11, -4, -6, -5, -2.
#[test]
fn what_is_wrong_first_is_said_first() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let mut person = stage.person("p");
    let mut stranger = stage.stranger();
    let delete = stranger.send("DELETE", "/ticket/get?actId=none&actId=none", &[], b"").unwrap();
    fails(&delete, 405);
    for target in [
        "/ticket/get",
        "/ticket/detail",
        "/ticket/result",
        "/ticket/list?page=0",
        "/ticket/get?actId=none",
    ] {
        fails(&stranger.get(target), 401);
    }
    let bad_key = [("idempotency-key", "two words")];
    fails(&person.get_with("/ticket/get?actId=none", &bad_key), 400);
    fails(&person.get("/ticket/get?actId=none"), 404);
}

/// As above, where the malformed part is one that is read before anything else.
#[test]
fn nobody_signed_in_hears_401_before_400() {
    let stage = Stage::selling(json!({"stock": 1}));
    let mut stranger = stage.stranger();
    for target in [
        "/ticket/get?actId=a&actId=a",
        "/ticket/get?actId=%FF",
        "/ticket/list?page=1&page=2",
        "/ticket/detail?ticketId=%zz",
        "/ticket/result?claimId=a&claimId=b",
    ] {
        fails(&stranger.get(target), 401);
    }
}

/// As above: among the refusals, each row takes away the reason of the one before it.
#[test]
fn refusals_keep_their_order() {
    let mut stage = Stage::new();
    let now = now_s();
    let mut activity = open_activity("a", json!({"stock": 0}));
    activity["start_time"] = json!(now + 1000);
    activity["roster"] = json!(["listed"]);
    import(&mut stage.op, json!([activity]));
    let mut outsider = stage.person("outsider");
    data(&stage.desk("/admin/act/pause?actId=a"));
    refused(&claim(&mut outsider, "a"), -11);
    data(&stage.desk("/admin/act/resume?actId=a"));
    refused(&claim(&mut outsider, "a"), -4);
    data(&stage.desk("/admin/act/pause?actId=a"));
    data(&stage.desk("/admin/act/close?actId=a"));
    refused(&claim(&mut outsider, "a"), -1);

    let mut open = open_activity("b", json!({"stock": 1}));
    open["roster"] = json!(["listed", "late"]);
    import(&mut stage.op, json!([open]));
    let [mut listed, mut late] =
        <[_; 2]>::try_from(stage.people(&["listed", "late"])).ok().unwrap();
    data(&claim(&mut listed, "b"));
    refused(&claim(&mut outsider, "b"), -6);
    refused(&claim(&mut listed, "b"), -5);
    refused(&claim(&mut late, "b"), -2);
}
