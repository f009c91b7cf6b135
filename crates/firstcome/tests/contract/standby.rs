//! The waiting list over the wire: who may line up, the place in it, and that what comes back goes to the first in
//! line and to nobody who only asks often (C22).

use super::{
    orders::{order, order_id, paid, post, priced, reaches, selling, shop},
    stage::{Stage, claim, data, eventually, fails, refused, text},
};
use crate::world::{Answer, Client, import, now_s, open_activity};
use serde_json::{Value, json};

const LINE: &str = "/act/standby?actId=a";

fn join(client: &mut Client) -> Answer {
    post(client, LINE)
}

fn leave(client: &mut Client) -> Value {
    data(&client.send("DELETE", LINE, &[], b"").expect("an answer"))
}

#[track_caller]
fn look(client: &mut Client) -> Value {
    data(&client.get(LINE))
}

/// Waits until a unit is offered to this person; the order's id.
#[track_caller]
fn offered(client: &mut Client) -> String {
    eventually("an offer", || look(client)["offer"].as_str().map(str::to_owned))
}

/// An activity of one unit that somebody holds, and people who want it.
fn held(names: &[&str]) -> (Stage, Client, String, Vec<Client>) {
    let mut stage = selling(json!({"stock": 1}));
    let mut holder = stage.person("holder");
    let id = order_id(&claim(&mut holder, "a"));
    let people = stage.people(names);
    (stage, holder, id, people)
}

#[test]
fn people_stand_in_line_in_the_order_in_which_they_came() {
    let (mut stage, _, _, mut people) = held(&["one", "two", "three"]);
    for (at, person) in people.iter_mut().enumerate() {
        let place = data(&join(person));
        assert_eq!(place, json!({"position": at + 1, "ahead": at, "waiting": at + 1}));
    }
    let again = data(&join(&mut people[0]));
    assert_eq!(
        again,
        json!({"position": 1, "ahead": 0, "waiting": 3}),
        "who waits keeps their place"
    );
    assert_eq!(leave(&mut people[1]), json!({"left": true}));
    assert_eq!(leave(&mut people[1]), json!({"left": false}));
    let expected =
        json!({"type_id": "seat", "position": 2, "ahead": 1, "waiting": 2, "offer": null});
    assert_eq!(look(&mut people[2]), expected);
    let gone =
        json!({"type_id": "seat", "position": null, "ahead": null, "waiting": 2, "offer": null});
    assert_eq!(look(&mut people[1]), gone);
    let kind = data(&people[1].get("/act/detail?actId=a"))["tickets"][0].clone();
    assert_eq!((&kind["standby"], &kind["waiting"]), (&json!(true), &json!(2)));
    assert_eq!(stage.stats("a")["waiting"], 2);
    stage.restart();
    let mut third = stage.follow(&people[2]);
    assert_eq!(look(&mut third), expected, "places survive a restart");
}

/// C22: what comes back goes to the first in line, then to the next; whoever polls gets nothing.
#[test]
fn a_unit_that_comes_back_goes_along_the_line() {
    let (mut stage, mut holder, id, mut people) = held(&["one", "two"]);
    let mut bot = stage.person("bot");
    for person in &mut people {
        data(&join(person));
    }
    data(&post(&mut holder, &format!("/order/cancel?orderId={id}")));
    let first = offered(&mut people[0]);
    refused(&claim(&mut bot, "a"), -7);
    let held = order(&mut people[0], &first);
    assert_eq!((&held["state"], &held["price"]), (&json!("held"), &json!("9.90")));
    let again = refused(&join(&mut people[0]), -10);
    assert_eq!(again, json!({"state": "offered", "order_id": first}));
    assert_eq!(look(&mut people[1])["position"], 1);
    data(&post(&mut people[0], &format!("/order/cancel?orderId={first}")));
    let second = offered(&mut people[1]);
    refused(&claim(&mut bot, "a"), -7);
    assert_eq!(look(&mut people[0])["offer"], Value::Null);
    paid(&mut people[1], &second);
    refused(&claim(&mut bot, "a"), -2);
}

#[test]
fn an_offer_that_nobody_takes_up_runs_out_and_goes_to_the_next_and_then_to_everybody() {
    let mut stage = shop();
    stage.open("a", priced(json!({"stock": 1, "offer_within_s": 1})));
    let mut people = stage.people(&["holder", "one", "late"]);
    let id = order_id(&claim(&mut people[0], "a"));
    data(&join(&mut people[1]));
    data(&post(&mut people[0], &format!("/order/cancel?orderId={id}")));
    let offer = offered(&mut people[1]);
    let pay_by = order(&mut people[1], &offer)["pay_by"].as_u64().expect("a moment");
    assert!(pay_by <= now_s() + 1, "an offer has a deadline of its own");
    reaches(&mut people[1], &offer, "expired");
    data(&claim(&mut people[2], "a"));
}

#[test]
fn nobody_lines_up_where_something_is_free_or_a_claim_would_be_refused() {
    let mut stage = selling(json!({"stock": 1}));
    stage.open("free", json!({"stock": 1}));
    let mut person = stage.person("p");
    assert_eq!(refused(&join(&mut person), -10), json!({"state": "free"}));
    let off = "/act/standby?actId=free";
    assert_eq!(refused(&post(&mut person, off), -10), json!({"state": "off"}));
    data(&claim(&mut person, "a"));
    assert_eq!(refused(&join(&mut person), -5)["tickets"].as_array().map(Vec::len), Some(1));
    let mut other = stage.person("other");
    data(&stage.desk("/admin/act/pause?actId=a"));
    refused(&join(&mut other), -11);
    data(&stage.desk("/admin/act/resume?actId=a"));
    data(&join(&mut other));
    data(&stage.desk("/admin/act/close?actId=a"));
    let mut third = stage.person("third");
    refused(&join(&mut third), -1);
}

#[test]
fn the_list_can_be_switched_off_and_on() {
    let mut stage = shop();
    let mut off = open_activity("off", priced(json!({"stock": 0})));
    off["standby"] = json!(false);
    let mut on = open_activity("on", json!({"stock": 0}));
    on["standby"] = json!(true);
    import(&mut stage.op, json!([off, on]));
    let mut person = stage.person("p");
    assert_eq!(refused(&claim(&mut person, "off"), -2), json!({}));
    assert_eq!(refused(&claim(&mut person, "on"), -2), json!({"standby": true}));
    assert_eq!(refused(&post(&mut person, "/act/standby?actId=off"), -10), json!({"state": "off"}));
    data(&post(&mut person, "/act/standby?actId=on"));
    data(&stage.refill("on", 1));
    let ticket = eventually("a free unit that is offered is a ticket", || {
        data(&person.get("/ticket/list"))["list"].get(0).cloned()
    });
    assert_eq!((&ticket["state"], &ticket["act_id"]), (&json!("valid"), &json!("on")));
    let offer = data(&person.get("/act/standby?actId=on"))["offer"].clone();
    assert!(text(&ticket["id"]).starts_with(text(&offer)));
}

#[test]
fn the_line_is_asked_for_correctly_or_not_at_all() {
    let mut stage = selling(json!({"stock": 1}));
    let mut person = stage.person("p");
    let mut stranger = stage.stranger();
    for method in ["GET", "POST", "DELETE"] {
        let send = |client: &mut Client, target: &str| {
            client.send(method, target, &[], b"").expect("an answer")
        };
        fails(&send(&mut stranger, LINE), 401);
        fails(&send(&mut person, "/act/standby"), 400);
        fails(&send(&mut person, "/act/standby?actId=nothing"), 404);
        fails(&send(&mut person, "/act/standby?actId=a&typeId=nothing"), 404);
    }
    let put = person.send("PUT", LINE, &[], b"").expect("an answer");
    fails(&put, 405);
    assert_eq!(put.header("allow"), Some("GET, POST, DELETE"));
}
