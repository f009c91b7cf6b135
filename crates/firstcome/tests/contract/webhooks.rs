//! Webhooks over the wire, with receivers that are really there: what they are sent, what becomes of it, and who may
//! ask. What endpoints can be and that their secrets are shown once is tested with the events.

use super::{
    orders::post,
    stage::{Stage, claim, data, eventually, fails, text},
};
use crate::receiver::{Received, Receiver};
use crate::world::{Client, World};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// A server that may send to receivers on this machine, with an open activity `a`.
fn reaching() -> Stage {
    let world = World::cheap()
        .set("FIRSTCOME_WEBHOOKS_REACHABLE", "127.0.0.0/8")
        .set("FIRSTCOME_WEBHOOKS_RETRY_FIRST_MS", "10")
        .set("FIRSTCOME_WEBHOOKS_RETRY_LONGEST_MS", "50");
    let mut stage = Stage::on(world);
    stage.open("a", json!({"stock": 100, "limit_per_user": 100}));
    stage
}

/// The id and the secret of an endpoint for this receiver, with these keys besides.
#[track_caller]
fn add(op: &mut Client, receiver: &Receiver, mut keys: Value) -> (String, String) {
    keys["url"] = json!(receiver.url());
    let made = data(&op.post_json("/admin/webhooks", &keys));
    (text(&made["id"]).to_owned(), text(&made["secret"]).to_owned())
}

/// Asks for something to be done to an endpoint.
#[track_caller]
fn call(op: &mut Client, what: &str, id: &str) -> Value {
    data(&post(op, &format!("/admin/webhooks/{what}?id={id}")))
}

/// An endpoint as the list has it.
#[track_caller]
fn listed(op: &mut Client, id: &str) -> Value {
    let list = data(&op.get("/admin/webhooks"))["list"].clone();
    let found = list.as_array().expect("a list").iter().find(|one| one["id"] == id);
    found.expect("it is listed").clone()
}

#[track_caller]
fn buy(person: &mut Client, count: usize) {
    for _ in 0..count {
        data(&claim(person, "a"));
    }
}

/// The numbers of what came, in its order.
fn numbers(received: &[Received]) -> Vec<u64> {
    received.iter().map(|one| one.json()["data"]["no"].as_u64().expect("a number")).collect()
}

/// Waits until so much came, and no more.
#[track_caller]
fn heard(receiver: &Receiver, count: usize) -> Vec<Received> {
    let received = eventually("so many deliveries", || {
        Some(receiver.received()).filter(|received| received.len() >= count)
    });
    assert_eq!(received.len(), count, "{:?}", numbers(&received));
    received
}

/// The signature that Standard Webhooks wants of a delivery with this secret.
fn signature(one: &Received, secret: &str) -> String {
    let secret = secret.strip_prefix("whsec_").expect("a secret");
    let key = STANDARD.decode(secret).expect("base64");
    let mut keyed = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    for part in [one.header("webhook-id"), ".", one.header("webhook-timestamp"), "."] {
        keyed.update(part.as_bytes());
    }
    keyed.update(&one.body);
    format!("v1,{}", STANDARD.encode(keyed.finalize().into_bytes()))
}

#[test]
fn an_endpoint_is_sent_what_the_pages_show_signed_and_in_order() {
    let mut stage = reaching();
    let (everything, chosen) = (Receiver::willing(), Receiver::willing());
    let (_, secret) = add(&mut stage.op, &everything, json!({}));
    stage.open("b", json!({"stock": 1}));
    add(&mut stage.op, &chosen, json!({"actId": "a", "types": ["activity.paused"]}));
    let mut person = stage.person("p");
    buy(&mut person, 3);
    data(&claim(&mut person, "b"));
    data(&stage.desk("/admin/act/pause?actId=b"));
    data(&stage.desk("/admin/act/pause?actId=a"));
    let all = heard(&everything, 6);
    for activity in ["a", "b"] {
        let events = data(&stage.op.get(&format!("/admin/events?actId={activity}&after=0")));
        let told = all.iter().map(Received::json);
        let told: Vec<_> = told.filter(|one| one["data"]["activity_id"] == activity).collect();
        assert_eq!(events["list"], json!(told));
    }
    for one in &all {
        assert_eq!(one.header("webhook-signature"), signature(one, &secret));
        assert_eq!(one.header("webhook-id"), text(&one.json()["id"]));
        assert_eq!(one.header("content-type"), "application/cloudevents+json; charset=utf-8");
    }
    assert_eq!(heard(&chosen, 1)[0].json()["type"], "firstcome.activity.paused");
}

#[test]
fn a_secret_that_was_changed_signs_beside_the_new_one() {
    let mut stage = reaching();
    let receiver = Receiver::willing();
    let (id, old) = add(&mut stage.op, &receiver, json!({}));
    let rotated = call(&mut stage.op, "rotate", &id);
    assert_eq!(rotated["id"], json!(id));
    let mut person = stage.person("p");
    buy(&mut person, 1);
    let one = heard(&receiver, 1).remove(0);
    let both = [text(&rotated["secret"]), &old].map(|secret| signature(&one, secret));
    assert_eq!(one.header("webhook-signature"), both.join(" "));
}

#[test]
fn a_parked_endpoint_is_sent_nothing_and_then_what_it_missed() {
    let mut stage = reaching();
    let (parked, other) = (Receiver::willing(), Receiver::willing());
    let (id, _) = add(&mut stage.op, &parked, json!({}));
    add(&mut stage.op, &other, json!({}));
    call(&mut stage.op, "park", &id);
    let mut person = stage.person("p");
    buy(&mut person, 3);
    heard(&other, 3);
    assert_eq!((parked.count(), &listed(&mut stage.op, &id)["state"]), (0, &json!("parked")));
    stage.restart();
    assert_eq!(listed(&mut stage.op, &id)["state"], "parked");
    call(&mut stage.op, "resume", &id);
    assert_eq!(numbers(&heard(&parked, 3)), [1, 2, 3]);
    assert_eq!(listed(&mut stage.op, &id)["state"], "active");
}

#[test]
fn an_endpoint_hears_of_what_was_before_it_only_if_it_is_replayed() {
    let mut stage = reaching();
    let receiver = Receiver::willing();
    let mut person = stage.person("p");
    buy(&mut person, 4);
    let (id, _) = add(&mut stage.op, &receiver, json!({}));
    buy(&mut person, 1);
    assert_eq!(numbers(&heard(&receiver, 1)), [5]);
    let replay = format!("/admin/webhooks/replay?id={id}&actId=a");
    data(&post(&mut stage.op, &format!("{replay}&after=2")));
    assert_eq!(numbers(&heard(&receiver, 4)), [5, 3, 4, 5]);
    data(&post(&mut stage.op, &format!("{replay}&after=0")));
    let all = heard(&receiver, 9);
    assert_eq!(numbers(&all[4..]), [1, 2, 3, 4, 5]);
    assert_eq!((&all[0].body, all[0].header("webhook-id")), (&all[8].body, "a/5"));
    // Of another activity than its own it hears nothing, whoever asks.
    stage.open("b", json!({"stock": 1}));
    let (other, _) = add(&mut stage.op, &receiver, json!({"actId": "b"}));
    let replay = format!("/admin/webhooks/replay?id={other}");
    fails(&post(&mut stage.op, &format!("{replay}&actId=a&after=0")), 400);
    fails(&post(&mut stage.op, &format!("{replay}&actId=b")), 400);
    fails(&post(&mut stage.op, &format!("{replay}&actId=b&after=-1")), 400);
    fails(&post(&mut stage.op, &format!("{replay}&actId=none&after=0")), 404);
}

#[test]
fn attempts_are_listed_newest_first_until_one_is_taken() {
    let mut stage = reaching();
    let receiver = Receiver::answering(503);
    let (id, _) = add(&mut stage.op, &receiver, json!({}));
    let mut person = stage.person("p");
    buy(&mut person, 1);
    eventually("two failures are known", || {
        let reached = &listed(&mut stage.op, &id)["reached"][0];
        (reached["failures"].as_u64() >= Some(2)).then(|| {
            assert_eq!((&reached["act_id"], &reached["after"]), (&json!("a"), &json!(0)));
            assert!(reached["retry_at"].is_u64());
        })
    });
    receiver.answer(200);
    let target = format!("/admin/webhooks/deliveries?id={id}");
    let list = eventually("it is taken", || {
        let list = data(&stage.op.get(&target))["list"].clone();
        (list[0]["outcome"] == "taken").then_some(list)
    });
    let status = |at: usize| (list[at]["status"].clone(), list[at]["no"].clone());
    assert_eq!((status(0), status(1)), ((json!(200), json!(1)), (json!(503), json!(1))));
    assert_eq!((&list[1]["outcome"], &list[1]["act_id"]), (&json!("refused"), &json!("a")));
    assert!(list[0]["at"].is_u64() && list[0]["took_ms"].is_u64(), "{list}");
    let one = data(&stage.op.get(&format!("{target}&pageSize=1")));
    assert_eq!(one["list"], json!([list[0]]));
    for wrong in ["0", "101", "x"] {
        fails(&stage.op.get(&format!("{target}&pageSize={wrong}")), 400);
    }
    let reached = json!([{"act_id": "a", "after": 1, "failures": 0, "retry_at": null}]);
    assert_eq!(listed(&mut stage.op, &id)["reached"], reached);
}

#[test]
fn an_endpoint_that_wants_nothing_more_is_parked() {
    let mut stage = reaching();
    let receiver = Receiver::answering(410);
    let (id, _) = add(&mut stage.op, &receiver, json!({}));
    let mut person = stage.person("p");
    buy(&mut person, 1);
    eventually("it is parked", || (listed(&mut stage.op, &id)["state"] == "parked").then_some(()));
    assert_eq!(receiver.count(), 1);
}

#[test]
fn an_endpoint_is_tried_with_what_tells_of_nothing() {
    let mut stage = reaching();
    let receiver = Receiver::willing();
    let (id, secret) = add(&mut stage.op, &receiver, json!({}));
    let tried = call(&mut stage.op, "test", &id);
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("taken"), &json!(204)));
    assert_eq!((&tried["act_id"], &tried["no"]), (&Value::Null, &Value::Null));
    let one = heard(&receiver, 1).remove(0);
    assert_eq!(one.json()["type"], "firstcome.test");
    assert_eq!(one.header("webhook-signature"), signature(&one, &secret));
    receiver.answer(500);
    let tried = call(&mut stage.op, "test", &id);
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("refused"), &json!(500)));
    let target = format!("/admin/webhooks/deliveries?id={id}");
    assert_eq!(data(&stage.op.get(&target))["list"], json!([]), "a try is no delivery");
}

/// Only the networks that the settings name are open, and only for as long as they do.
#[test]
fn an_inside_address_is_reached_only_where_the_settings_name_it() {
    let mut stage = reaching();
    let receiver = Receiver::willing();
    let (id, _) = add(&mut stage.op, &receiver, json!({}));
    let inside = ["http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/"];
    for url in inside {
        fails(&stage.op.post_json("/admin/webhooks", &json!({ "url": url })), 400);
    }
    stage.world.change("FIRSTCOME_WEBHOOKS_REACHABLE", "10.1.0.0/16");
    stage.restart();
    let tried = call(&mut stage.op, "test", &id);
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("forbidden"), &Value::Null));
    let body = json!({ "url": receiver.url() });
    fails(&stage.op.post_json("/admin/webhooks", &body), 400);
    assert_eq!(receiver.count(), 0);
}

#[test]
fn webhooks_are_for_operators_alone() {
    let mut stage = reaching();
    let receiver = Receiver::willing();
    let (id, _) = add(&mut stage.op, &receiver, json!({}));
    let table = [
        ("GET", "", ""),
        ("POST", "", "{\"url\":\"https://shop.example/\"}"),
        ("DELETE", "", ""),
        ("POST", "/rotate", ""),
        ("POST", "/park", ""),
        ("POST", "/resume", ""),
        ("POST", "/replay", ""),
        ("POST", "/test", ""),
        ("GET", "/deliveries", ""),
    ];
    let mut person = stage.person("p");
    for (method, path, body) in table {
        let target = format!("/admin/webhooks{path}?id={id}&actId=a&after=0");
        let headers = [("content-type", "application/json")];
        for (client, status) in [(&mut person, 403), (&mut stage.stranger(), 401)] {
            let answer = client.send(method, &target, &headers, body.as_bytes());
            fails(&answer.expect("an answer"), status);
        }
        let put = stage.op.send("PUT", &target, &[], b"").expect("an answer");
        fails(&put, 405);
    }
    assert_eq!(listed(&mut stage.op, &id)["state"], "active");
    assert_eq!(receiver.count(), 0);
}
