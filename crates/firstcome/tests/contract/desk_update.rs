//! An operator's corrections of a running sale: what an update of an activity changes, what it refuses by name, and a
//! refill's key, which stands for one call. Nothing that is sold may change by any of them.

use super::stage::{Stage, claim, data, fails, text, texts};
use crate::world::{import, now_s, open_activity};
use serde_json::{Value, json};

/// C15: an update changes texts, image and a later end, and names whatever else differs.
#[test]
fn an_update_changes_texts_image_and_a_later_end_only() {
    let mut stage = Stage::new();
    let now = now_s();
    let base = json!({
        "id": "a", "name": "old", "desc": "old", "image": "https://example.org/old.png",
        "start_time": now - 60, "end_time": now + 1000, "limit_per_user": 2, "roster": ["p"],
        "ticket": [{"id": "seat", "name": "old", "desc": "old", "stock": 3, "limit_per_user": 2,
                    "valid_from": now, "valid_until": now + 5000}],
    });
    import(&mut stage.op, json!([base]));
    let mut person = stage.person("p");
    let ticket = data(&claim(&mut person, "a"));
    let mut update = |change: &dyn Fn(&mut Value)| {
        let mut changed = base.clone();
        change(&mut changed);
        stage.op.post_json("/admin/act/import?update=1", &json!({"activity": [changed]}))
    };
    type Change = fn(&mut Value, u64);
    let table: [(&str, Change); 11] = [
        ("start_time", |one, now| one["start_time"] = json!(now - 61)),
        ("end_time", |one, now| one["end_time"] = json!(now + 999)),
        ("limit_per_user", |one, _| one["limit_per_user"] = json!(3)),
        ("roster", |one, _| drop(one.as_object_mut().unwrap().remove("roster"))),
        ("limit_per_user", |one, _| one["ticket"][0]["limit_per_user"] = json!(1)),
        ("id", |one, _| one["ticket"][0]["id"] = json!("sofa")),
        ("currency", |one, _| one["ticket"][0]["currency"] = json!("EUR")),
        ("valid_from", |one, now| one["ticket"][0]["valid_from"] = json!(now + 1)),
        ("valid_until", |one, now| one["ticket"][0]["valid_until"] = json!(now + 4000)),
        ("start_time", |one, now| one["ticket"][0]["start_time"] = json!(now - 50)),
        ("ticket", |one, _| {
            let second = json!({"id": "two", "name": "two", "stock": 1});
            one["ticket"].as_array_mut().unwrap().push(second);
        }),
    ];
    for (key, change) in table {
        let message = fails(&update(&|one| change(one, now)), 400);
        assert!(message.contains(key), "{key}: {message}");
    }
    data(&update(&|one| {
        for key in ["name", "desc", "image"] {
            one[key] = json!(format!("new {key}"));
        }
        one["end_time"] = json!(now + 2000);
        one["ticket"][0]["name"] = json!("new seat");
        one["ticket"][0]["desc"] = json!("new text");
    }));
    let detail = data(&person.get("/act/detail?actId=a"));
    let shown = ["name", "desc", "image", "end_time", "left"].map(|key| detail[key].clone());
    assert_eq!(json!(shown), json!(["new name", "new desc", "new image", now + 2000, 2]));
    assert_eq!(detail["my_tickets"], json!([ticket["id"]]), "nothing was reset");
    let shown = data(&person.get(&format!("/ticket/detail?ticketId={}", text(&ticket["id"]))));
    assert_eq!((&shown["name"], &shown["image"]), (&json!("new seat"), &json!("new image")));
    stage.restart();
    assert_eq!(data(&stage.op.get("/act/detail?actId=a"))["name"], "new name");
}

/// C15: what an update cannot change is refused, never ignored, and no code is in what is said of it.
#[test]
fn an_update_with_another_stock_or_roster_is_refused_and_names_it() {
    let mut stage = Stage::new();
    let mut plain = open_activity("plain-one", json!({"stock": 3}));
    plain["roster"] = json!(["p", "q"]);
    let codes = open_activity("coded-one", json!({"codes": ["K-1", "K-2"]}));
    import(&mut stage.op, json!([plain, codes]));
    let mut update = |activities: Value| {
        stage.op.post_json("/admin/act/import?update=1", &json!({ "activity": activities }))
    };
    data(&update(json!([plain, codes])));
    let with = |one: &Value, key: &str, value: Value| {
        let mut changed = one.clone();
        let ticket = changed["ticket"][0].as_object_mut().unwrap();
        ticket.retain(|key, _| key != "stock" && key != "codes");
        ticket.insert(key.to_owned(), value);
        changed
    };
    let roster = |names: Value| {
        let mut changed = plain.clone();
        changed["roster"] = names;
        changed
    };
    let table = [
        ("plain-one", "stock", "600", with(&plain, "stock", json!(600))),
        ("plain-one", "stock", "0", with(&plain, "stock", json!(0))),
        ("plain-one", "codes", "", with(&plain, "codes", json!(["K-7", "K-8", "K-9"]))),
        ("plain-one", "roster", "1", roster(json!(["p", "stranger"]))),
        ("plain-one", "roster", "1", roster(json!(["p"]))),
        ("plain-one", "roster", "1", roster(json!(["p", "q", "stranger"]))),
        ("coded-one", "codes", "3", with(&codes, "codes", json!(["K-1", "K-2", "K-3"]))),
        ("coded-one", "codes", "1", with(&codes, "codes", json!(["K-1"]))),
        ("coded-one", "codes", "row 2", with(&codes, "codes", json!(["K-1", "K-9"]))),
        ("coded-one", "codes", "row 1", with(&codes, "codes", json!(["K-2", "K-1"]))),
        ("coded-one", "stock", "2", with(&codes, "stock", json!(2))),
    ];
    for (id, key, value, mut changed) in table {
        changed["name"] = json!("renamed");
        let mut good = if id == "plain-one" { codes.clone() } else { plain.clone() };
        good["name"] = json!("renamed");
        let fresh = open_activity("fresh", json!({"stock": 1}));
        let answer = update(json!([good, fresh, changed]));
        let message = fails(&answer, 400);
        for part in [id, key, value] {
            assert!(message.contains(part), "{id} {key}: {part} is not in {message}");
        }
        assert!(!String::from_utf8_lossy(&answer.body).contains("K-"), "{}", answer.json());
    }
    let all = data(&stage.op.get("/admin/act/list"));
    let mut left = texts(&all["list"], "name");
    left.sort_unstable();
    assert_eq!(left, ["coded-one", "plain-one"], "nothing was renamed, nothing was added");
    assert_eq!(
        (&stage.stats("plain-one")["total"], &stage.stats("coded-one")["total"]),
        (&json!(3), &json!(2))
    );
}

/// C15: units and codes that came later are no reason to refuse the file that was imported, nor one that has them.
#[test]
fn an_update_with_the_file_as_imported_or_as_it_stands_is_taken() {
    let mut stage = Stage::new();
    let register = json!({"name": "early", "password": "correct horse"});
    data(&stage.stranger().post_json("/user/register", &register));
    let mut plain = open_activity("a", json!({"stock": 3}));
    plain["roster"] = json!(["p", "early", "q"]);
    let codes = open_activity("b", json!({"codes": ["K-1", "K-2"]}));
    let empty = open_activity("c", json!({"codes": []}));
    import(&mut stage.op, json!([plain, codes, empty]));
    data(&stage.refill("a", 5));
    data(&stage.refill("a", -1));
    data(&stage.codes("b", "K-3"));
    data(&stage.codes("c", "K-4"));
    let mut standing = [plain.clone(), codes.clone(), empty.clone()];
    standing[0]["ticket"][0]["stock"] = json!(7);
    standing[0]["roster"] = json!(["q", "p", "early"]);
    standing[1]["ticket"][0]["codes"] = json!(["K-1", "K-2", "K-3"]);
    standing[2]["ticket"][0]["codes"] = json!(["K-4"]);
    for round in 0..2 {
        for file in [json!([plain, codes, empty]), json!(standing)] {
            let mut file = file;
            for one in file.as_array_mut().unwrap() {
                one["desc"] = json!(format!("corrected {round}"));
            }
            let body = json!({ "activity": file });
            data(&stage.op.post_json("/admin/act/import?update=1", &body));
        }
        let totals = ["a", "b", "c"].map(|id| stage.stats(id)["total"].clone());
        assert_eq!(json!(totals), json!([7, 3, 1]), "and changes neither stock nor codes");
        stage.restart();
    }
    let mut ever_made = plain.clone();
    ever_made["ticket"][0]["stock"] = json!(8);
    let body = json!({"activity": [ever_made]});
    let message = fails(&stage.op.post_json("/admin/act/import?update=1", &body), 400);
    assert!(message.contains('3') && message.contains('7'), "{message}");
}

/// A key stands for one call: another one is done or refused, and never answered with what the first one did.
#[test]
fn a_key_of_a_refill_is_of_that_refill_only() {
    let mut stage = Stage::new();
    let mut activity = open_activity("a", json!({"stock": 1}));
    let second = json!({"id": "sofa", "name": "Sofa", "stock": 1});
    activity["ticket"].as_array_mut().unwrap().push(second);
    import(&mut stage.op, json!([activity]));
    let send = |stage: &mut Stage, target: &str, key: &str, body: &Value| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        stage.op.send("POST", target, &headers, body.to_string().as_bytes()).unwrap()
    };
    let refill = |stage: &mut Stage, kind: &str, key: &str, count: i64| {
        let target = format!("/admin/act/refill?actId=a&typeId={kind}");
        send(stage, &target, key, &json!({ "stock": count }))
    };
    let update = |stage: &mut Stage, key: &str, name: &str| {
        let mut changed = activity.clone();
        changed["name"] = json!(name);
        let body = json!({"activity": [changed]});
        data(&send(stage, "/admin/act/import?update=1", key, &body));
        assert_eq!(data(&stage.op.get("/act/detail?actId=a"))["name"], name);
    };
    data(&refill(&mut stage, "seat", "k1", 5));
    update(&mut stage, "k1", "once");
    update(&mut stage, "k1", "twice");
    update(&mut stage, "k2", "thrice");
    assert_eq!(data(&refill(&mut stage, "seat", "k2", 4)), json!({"stock": 4}));
    for round in 0..2 {
        assert_eq!(data(&refill(&mut stage, "seat", "k1", 5)), json!({"stock": 5}));
        for (kind, count) in [("sofa", 5), ("seat", 7), ("seat", -5), ("seat", 0)] {
            let message = fails(&refill(&mut stage, kind, "k1", count), 409);
            assert!(message.contains("Idempotency-Key"), "{kind} {count}: {message}");
        }
        assert_eq!(stage.stats("a")["total"], 11, "round {round}");
        stage.restart();
    }
}
