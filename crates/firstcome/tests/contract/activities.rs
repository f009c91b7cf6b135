//! /act/list and /act/detail, the envelope and paging.
//! Times are taken from this machine's clock, never from an answer that is being tested.

use super::stage::{Stage, claim, data, fails, masked, refused, text, texts};
use crate::world::{import, now_s, open_activity};
use serde_json::{Value, json};

fn upcoming(id: &str, start: u64) -> Value {
    let mut activity = open_activity(id, json!({"stock": 1}));
    activity["start_time"] = json!(start);
    activity["end_time"] = json!(start + 1000);
    activity
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> =
        value.as_object().expect("an object").keys().map(|key| &**key).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn every_json_answer_is_the_envelope() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let mut person = stage.person("p");
    let mut stranger = stage.stranger();
    let answers = [
        stranger.get("/act/list"),
        stranger.get("/act/detail?actId=a"),
        claim(&mut person, "a"),
        claim(&mut person, "a"),
        person.get("/ticket/list"),
        person.get("/user/me"),
        stage.op.get("/admin/act/list"),
        stranger.get("/ticket/list"),
        stranger.get("/act/detail"),
        stranger.get("/nowhere"),
        stranger.send("DELETE", "/ticket/get", &[], b"").unwrap(),
        person.get("/admin/act/list"),
        stranger.get("/metrics"),
    ];
    for answer in answers {
        let json = answer.json();
        assert_eq!(keys(&json), ["data", "message", "ret"], "{json}");
        assert!(json["data"].is_object(), "{json}");
        let kind = answer.header("content-type").expect("a type");
        assert!(kind.starts_with("application/json"), "{kind}");
        let success = answer.ret() == 0;
        assert_eq!(json["message"] == "success", success, "{json}");
        match answer.status {
            200 => assert!(answer.ret() > -100, "{json}"),
            status => assert_eq!(answer.ret(), -i64::from(status), "{json}"),
        }
    }
}

#[test]
fn messages_are_in_the_language_that_is_asked_for() {
    let mut stage = Stage::selling(json!({"stock": 0}));
    let mut person = stage.person("p");
    let message = |answer: &crate::world::Answer| text(&answer.json()["message"]).to_owned();
    for target in ["/ticket/get?actId=a", "/ticket/get?actId=none", "/ticket/get", "/nowhere"] {
        let zh =
            message(&person.get_with(target, &[("accept-language", "zh-CN,zh;q=0.9,en;q=0.8")]));
        let en = message(&person.get_with(target, &[("accept-language", "en-GB,en;q=0.9")]));
        assert!(zh.chars().any(|one| ('\u{4e00}'..'\u{9fff}').contains(&one)), "{target}: {zh}");
        assert!(en.is_ascii(), "{target}: {en}");
    }
    let zh = person.get_with("/act/list", &[("accept-language", "zh")]);
    assert_eq!(message(&zh), "success", "a success says literally this in every language");
}

#[test]
fn activities_come_soonest_first_then_by_id() {
    let mut stage = Stage::new();
    let start = now_s() + 1000;
    let list = json!([
        upcoming("late", start + 5),
        upcoming("b", start),
        upcoming("a", start),
        upcoming("soon", start - 5),
        upcoming("C", start),
    ]);
    import(&mut stage.op, list);
    let page = data(&stage.stranger().get("/act/list?page=1"));
    assert_eq!(texts(&page["list"], "id"), ["soon", "C", "a", "b", "late"]);
}

#[test]
fn pages_are_asked_for_by_number_or_by_the_last_id() {
    let mut stage = Stage::new();
    let start = now_s() + 1000;
    let ids: Vec<String> = (0..25).map(|at| format!("act-{at:02}")).collect();
    let all: Vec<Value> = ids.iter().map(|id| upcoming(id, start)).collect();
    import(&mut stage.op, json!(all));
    for (path, client) in
        [("/act/list", &mut stage.world.client()), ("/admin/act/list", &mut stage.op)]
    {
        let mut page = |query: &str| data(&client.get(&format!("{path}?{query}")));
        let first = page("page=1");
        assert_eq!(keys(&first), ["hasMore", "lastId", "list", "pageNum", "pageSize"]);
        assert_eq!(texts(&first["list"], "id"), ids[..20], "20 where nothing is said");
        let around = |page: &Value| {
            (page["pageNum"].clone(), page["pageSize"].clone(), page["hasMore"].clone())
        };
        assert_eq!(around(&first), (json!(1), json!(20), json!(true)));
        assert_eq!(first["lastId"], "act-19");
        assert_eq!(page(""), first, "the first page is the default");
        let second = page("page=2");
        assert_eq!(texts(&second["list"], "id"), ids[20..]);
        assert_eq!(around(&second), (json!(2), json!(20), json!(false)));
        assert_eq!(second["lastId"], "act-24");
        let empty = page("page=3");
        assert_eq!((&empty["list"], &empty["lastId"]), (&json!([]), &Value::Null));
        assert_eq!(empty["hasMore"], false);
        let after = page("lastId=act-19&pageSize=3");
        assert_eq!(texts(&after["list"], "id"), ids[20..23]);
        assert_eq!((&after["pageSize"], &after["hasMore"]), (&json!(3), &json!(true)));
        let last = page("lastId=act-24");
        assert_eq!((&last["list"], &last["lastId"]), (&json!([]), &Value::Null));
        assert_eq!(texts(&page("pageSize=100")["list"], "id").len(), 25);
        assert_eq!(texts(&page("page=5&pageSize=5")["list"], "id"), ids[20..]);
        assert_eq!(page("page=5&pageSize=5")["hasMore"], false, "an exact end has no more");
    }
}

/// C13: every list keeps its bounds and names what is wrong.
#[test]
fn a_page_that_cannot_be_is_400_and_says_which_parameter() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let mut person = stage.person("p");
    let table = [
        ("page=1&lastId=a", "lastId"),
        ("pageSize=101", "pageSize"),
        ("pageSize=0", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("pageSize=ten", "pageSize"),
        ("pageSize=99999999999999999999999", "pageSize"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.0", "page"),
        ("page=", "page"),
        ("page=18446744073709551616", "page"),
        ("page=1&page=1", "page"),
        ("page=1&%70age=2", "page"),
        ("pageSize=5&pageSize=5", "pageSize"),
        ("lastId=a&lastId=a", "lastId"),
        ("lastId=%FF", "lastId"),
        ("lastId=no/such/thing", "lastId"),
    ];
    for path in ["/act/list", "/ticket/list", "/admin/act/list", "/admin/audit"] {
        for (query, name) in table {
            let client = if path.starts_with("/admin") { &mut stage.op } else { &mut person };
            let message = fails(&client.get(&format!("{path}?{query}")), 400);
            assert!(message.contains(name), "{path}?{query} says {message}");
        }
    }
    let message = fails(&person.get("/act/list?state=closed"), 400);
    assert!(message.contains("state"), "{message}");
}

#[test]
fn a_list_holds_the_states_that_are_asked_for() {
    let mut stage = Stage::new();
    let now = now_s();
    let mut past = open_activity("past", json!({"stock": 1}));
    past["start_time"] = json!(now - 100);
    past["end_time"] = json!(now - 50);
    let activities = json!([
        past,
        open_activity("open", json!({"stock": 2})),
        open_activity("gone", json!({"stock": 1})),
        open_activity("none", json!({"stock": 0})),
        open_activity("stopped", json!({"stock": 1})),
        open_activity("shut", json!({"stock": 1})),
        upcoming("soon", now + 1000),
    ]);
    import(&mut stage.op, activities);
    let mut person = stage.person("p");
    data(&claim(&mut person, "gone"));
    data(&claim(&mut person, "open"));
    data(&stage.desk("/admin/act/pause?actId=stopped"));
    data(&stage.desk("/admin/act/close?actId=shut"));
    let mut list = |query: &str| {
        let page = data(&person.get(&format!("/act/list?{query}")));
        let rows = page["list"].as_array().expect("a list").clone();
        let row =
            |row: &Value| format!("{}={}:{}", text(&row["id"]), text(&row["state"]), row["left"]);
        let mut rows: Vec<String> = rows.iter().map(row).collect();
        rows.sort_unstable();
        rows
    };
    let table = [
        ("state=upcoming", vec!["soon=upcoming:1"]),
        ("state=open", vec!["open=open:1"]),
        ("state=sold_out", vec!["gone=sold_out:0", "none=sold_out:0"]),
        ("state=paused", vec!["stopped=paused:1"]),
        ("state=ended", vec!["past=ended:1", "shut=ended:1"]),
    ];
    for (query, expected) in &table {
        assert_eq!(list(query), *expected, "{query}");
    }
    let mut all_but_ended: Vec<&str> =
        table[..4].iter().flat_map(|(_, ids)| ids).copied().collect();
    all_but_ended.sort_unstable();
    assert_eq!(list("page=1"), all_but_ended);
}

#[test]
fn a_row_of_the_list_and_a_detail_have_their_fields() {
    let mut stage = Stage::new();
    let (start, end) = (now_s() - 60, now_s() + 3600);
    let activity = json!({
        "id": "a", "name": "电影之夜", "desc": "前 2 名", "image": "https://example.org/a.png",
        "start_time": start, "end_time": end, "limit_per_user": 2,
        "ticket": [
            {"id": "seat", "name": "电影票", "desc": "一张", "stock": 2, "limit_per_user": 2},
            {"id": "code", "name": "Code", "codes": ["X-1"], "start_time": start + 1, "end_time": end - 1},
        ],
    });
    import(&mut stage.op, json!([activity]));
    let head = json!({
        "id": "a", "name": "电影之夜", "desc": "前 2 名", "image": "https://example.org/a.png",
        "start_time": start, "end_time": end, "state": "open", "left": 3,
    });
    let mut stranger = stage.stranger();
    assert_eq!(data(&stranger.get("/act/list"))["list"], json!([head]));
    let mut detail = head.clone();
    detail["server_time"] = json!("…");
    detail["tickets"] = json!([
        {"id": "seat", "name": "电影票", "desc": "一张", "price": "0", "currency": "CNY", "limit_per_user": 2,
         "total": 2, "left": 2, "held": 0, "standby": false, "waiting": 0, "start_time": start, "end_time": end},
        {"id": "code", "name": "Code", "desc": "", "price": "0", "currency": "CNY", "limit_per_user": 1,
         "total": 1, "left": 1, "held": 0, "standby": false, "waiting": 0, "start_time": start + 1,
         "end_time": end - 1},
    ]);
    let before_ms = now_s() * 1000;
    let answer = stranger.get("/act/detail?actId=a");
    let shown = data(&answer);
    assert_eq!(masked(&shown, &["server_time"]), detail);
    let server_ms = shown["server_time"].as_u64().expect("milliseconds");
    assert!((before_ms..before_ms + 120_000).contains(&server_ms), "{server_ms}");

    let mut person = stage.person("p");
    let mut signed = detail.clone();
    signed["joined"] = json!(false);
    signed["my_tickets"] = json!([]);
    let answer = person.get("/act/detail?actId=a");
    assert_eq!(masked(&data(&answer), &["server_time"]), signed);
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let ticket = data(&person.get("/ticket/get?actId=a&typeId=code"));
    let shown = data(&person.get("/act/detail?actId=a"));
    assert_eq!((&shown["joined"], &shown["my_tickets"]), (&json!(true), &json!([ticket["id"]])));
    assert_eq!((&shown["left"], &shown["tickets"][1]["left"]), (&json!(2), &json!(0)));
    let by_post = stranger.send("POST", "/act/detail?actId=a", &[], b"").unwrap();
    assert_eq!(data(&by_post)["left"], 2, "GET and POST both answer");
    fails(&stranger.get("/act/detail?actId=b"), 404);
    assert!(fails(&stranger.get("/act/detail"), 400).contains("actId"));
}

#[test]
fn joined_is_whoever_has_tried_whether_they_won_or_not() {
    let mut stage = Stage::new();
    let mut waiting = upcoming("soon", now_s() + 1000);
    waiting["roster"] = json!(["somebody"]);
    import(&mut stage.op, json!([waiting, open_activity("none", json!({"stock": 0}))]));
    let [mut tried, mut watched] =
        <[_; 2]>::try_from(stage.people(&["tried", "watched"])).ok().unwrap();
    refused(&claim(&mut tried, "soon"), -4);
    refused(&claim(&mut tried, "none"), -2);
    for activity in ["soon", "none"] {
        let target = format!("/act/detail?actId={activity}");
        assert_eq!(data(&tried.get(&target))["joined"], true, "{activity}");
        assert_eq!(data(&watched.get(&target))["joined"], false, "{activity}");
    }
}

/// C26: a token that does not hold is never treated as none.
#[test]
fn a_wrong_token_on_a_public_read_is_401() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let stranger = stage.stranger();
    for token in ["x", "", "null", "undefined"] {
        for target in ["/act/list", "/act/detail?actId=a"] {
            fails(&stranger.with_token(token).get(target), 401);
        }
    }
    let mut stranger = stage.stranger();
    for headers in [("authorization", "Basic b3A6b3A="), ("cookie", "firstcome_session=nonsense")] {
        fails(&stranger.get_with("/act/list", &[headers]), 401);
    }
    data(&stranger.get_with("/act/list", &[("cookie", "another=thing")]));
    data(&stage.person("p").get("/act/list"));
}
