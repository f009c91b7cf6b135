//! Orders over the wire: held, paid, given up, run out; baskets; and who may see or change them. Money itself, and what
//! providers tell of it, has a file of its own.

use super::stage::{
    Stage, claim, claim_with, data, eventually, fails, masked, refused, text, texts,
};
use crate::world::{Answer, Client, World, import, now_s, open_activity};
use serde_json::{Value, json};

/// A server with the pretend payment company, whose orders end as soon as their time is up.
pub fn shop() -> Stage {
    let world = World::cheap()
        .set("FIRSTCOME_PAYMENTS_TEST_PROVIDER", "true")
        .set("FIRSTCOME_PAYMENTS_GRACE_MS", "100")
        .set("FIRSTCOME_PAYMENTS_REFUND_RETRY_MS", "100");
    Stage::on(world)
}

/// A shop with one open activity `a` of one type `seat` that costs 9.90, with these keys.
pub fn selling(ticket: Value) -> Stage {
    let mut stage = shop();
    stage.open("a", priced(ticket));
    stage
}

/// A ticket type that costs 9.90, with these keys.
pub fn priced(mut ticket: Value) -> Value {
    let object = ticket.as_object_mut().expect("an object");
    object.entry("price").or_insert(json!("9.90"));
    object.entry("pay_within_s").or_insert(json!(600));
    ticket
}

/// A POST without a body.
pub fn post(client: &mut Client, target: &str) -> Answer {
    client.send("POST", target, &[], b"").expect("an answer")
}

/// An order of the person who asks.
#[track_caller]
pub fn order(client: &mut Client, id: &str) -> Value {
    data(&client.get(&format!("/order/detail?orderId={id}")))
}

/// Goes to the pretend company and pays in this way.
#[track_caller]
pub fn pay(client: &mut Client, id: &str, how: Value) -> Answer {
    let start = data(&post(client, &format!("/order/pay?orderId={id}")));
    client.post_json(text(&start["pay_url"]), &how)
}

/// Pays at once and waits until the order is paid; the order.
#[track_caller]
pub fn paid(client: &mut Client, id: &str) -> Value {
    data(&pay(client, id, json!({"how": "at_once"})));
    reaches(client, id, "paid")
}

/// Waits until an order is in this state; the order.
#[track_caller]
pub fn reaches(client: &mut Client, id: &str, state: &str) -> Value {
    eventually(state, || Some(order(client, id)).filter(|order| order["state"] == state))
}

/// The id of the order of a claim that was accepted.
#[track_caller]
pub fn order_id(answer: &Answer) -> String {
    text(&data(answer)["order_id"]).to_owned()
}

/// An activity of two types that cost something, and a free one.
fn theatre(stage: &mut Stage) {
    let mut activity = open_activity("play", priced(json!({"stock": 5, "limit_per_user": 5})));
    let more = json!([
        {"id": "box", "name": "Box", "price": "30", "codes": ["B-1", "B-2"], "limit_per_user": 2,
         "pay_within_s": 300},
        {"id": "child", "name": "Child", "stock": 3, "limit_per_user": 3},
    ]);
    let types = activity["ticket"].as_array_mut().expect("a list");
    types.extend(more.as_array().expect("a list").iter().cloned());
    import(&mut stage.op, json!([activity]));
}

fn basket(client: &mut Client, items: Value) -> Answer {
    client.post_json("/ticket/get", &json!({"actId": "play", "items": items}))
}

#[test]
fn what_costs_something_is_held_until_it_is_paid() {
    let mut stage = selling(json!({"codes": ["K-1", "K-2"]}));
    let mut person = stage.person("p");
    let now = now_s();
    let held = data(&claim(&mut person, "a"));
    let expected = json!({
        "id": "…", "name": "Seat", "desc": "", "image": "", "code": null, "act_id": "a",
        "type_id": "seat", "is_effective": false, "start_time": "…", "end_time": null,
        "state": "held", "claim_no": 1, "actId": "a", "isEffective": false, "order_id": "…",
        "order_state": "held", "price": "9.90", "currency": "CNY", "pay_by": "…",
    });
    assert_eq!(masked(&held, &["id", "order_id", "start_time", "pay_by"]), expected);
    let pay_by = held["pay_by"].as_u64().expect("a moment");
    assert!((now + 599..=now_s() + 600).contains(&pay_by), "{pay_by}");
    let id = text(&held["order_id"]).to_owned();
    let stats = stage.stats("a");
    assert_eq!(
        (&stats["held"], &stats["unpaid"], &stats["sold"]),
        (&json!(1), &json!(1), &json!(0))
    );

    let order = paid(&mut person, &id);
    assert_eq!(
        (&order["price"], &order["currency"], &order["pay_by"]),
        (&json!("9.90"), &json!("CNY"), &Value::Null)
    );
    assert!(order["paid_at"].as_u64().expect("paid") >= now);
    assert_eq!(
        (&order["tickets"][0]["code"], &order["tickets"][0]["state"]),
        (&json!("K-1"), &json!("valid"))
    );
    let payment = json!([{"payment_id": "…", "provider": "test", "amount": "9.90", "currency": "CNY",
        "state": "confirmed", "received_at": "…"}]);
    assert_eq!(masked(&order["payments"], &["payment_id", "received_at"]), payment);
    let ticket = data(&person.get(&format!("/ticket/detail?ticketId={}", text(&held["id"]))));
    assert_eq!(
        (&ticket["code"], &ticket["state"], &ticket["is_effective"]),
        (&json!("K-1"), &json!("valid"), &json!(true))
    );
    let result = data(&person.get(&format!("/ticket/result?claimId={id}")));
    assert_eq!((&result["order_state"], &result["code"]), (&json!("paid"), &json!("K-1")));
    let stats = stage.stats("a");
    assert_eq!(
        (&stats["held"], &stats["unpaid"], &stats["sold"]),
        (&json!(0), &json!(0), &json!(1))
    );
}

#[test]
fn a_basket_is_one_order_of_many_tickets() {
    let mut stage = shop();
    theatre(&mut stage);
    let mut person = stage.person("p");
    let items = json!([{"type_id": "box", "qty": 1}, {"type_id": "seat", "qty": 2}, {"type_id": "child", "qty": 1}]);
    let held = data(&basket(&mut person, items));
    assert_eq!((&held["price"], &held["order_state"]), (&json!("49.80"), &json!("held")));
    assert_eq!(texts(&held["tickets"], "type_id"), ["box", "seat", "seat", "child"]);
    assert_eq!(texts(&held["tickets"], "state"), ["held"; 4]);
    let id = text(&held["order_id"]).to_owned();
    let ids: Vec<String> = (1..=4).map(|place| format!("{id}-{place}")).collect();
    assert_eq!(texts(&held["tickets"], "id"), ids);
    let pay_by = held["pay_by"].as_u64().expect("a moment");
    assert!(pay_by <= now_s() + 300, "the shortest time to pay counts");
    let listed = data(&person.get("/order/list"));
    assert_eq!(listed["list"][0]["tickets"], json!(ids));

    let order = paid(&mut person, &id);
    assert_eq!(texts(&order["tickets"], "state"), ["valid"; 4]);
    assert_eq!(order["tickets"][0]["code"], "B-1");
    let mine = data(&person.get("/ticket/list"));
    assert_eq!(texts(&mine["list"], "id"), ids, "an order's tickets stay in their order");
    for id in &ids {
        assert_eq!(data(&person.get(&format!("/ticket/detail?ticketId={id}")))["id"], *id);
    }
    fails(&person.get(&format!("/ticket/detail?ticketId={id}-5")), 404);
    let activity = data(&person.get("/act/detail?actId=play"));
    assert_eq!(activity["my_tickets"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_basket_is_all_or_nothing_and_a_free_one_is_paid_at_once() {
    let mut stage = shop();
    theatre(&mut stage);
    let [mut one, mut other] = <[_; 2]>::try_from(stage.people(&["one", "other"])).ok().unwrap();
    let free = data(&basket(&mut one, json!([{"type_id": "child", "qty": 2}])));
    assert_eq!(
        (&free["order_state"], &free["price"], &free["pay_by"]),
        (&json!("paid"), &json!("0"), &Value::Null)
    );
    assert_eq!(texts(&free["tickets"], "state"), ["valid"; 2]);
    data(&basket(&mut one, json!([{"type_id": "box", "qty": 1}])));
    // One box is left and one child: more than that is refused whole, whatever else is in the basket.
    let held = refused(
        &basket(&mut other, json!([{"type_id": "seat", "qty": 1}, {"type_id": "box", "qty": 2}])),
        -7,
    );
    assert!(held["retry_at"].as_u64().is_some_and(|at| at > now_s()), "{held}");
    refused(
        &basket(&mut other, json!([{"type_id": "seat", "qty": 1}, {"type_id": "child", "qty": 2}])),
        -2,
    );
    let limit = refused(
        &basket(&mut one, json!([{"type_id": "seat", "qty": 1}, {"type_id": "child", "qty": 2}])),
        -5,
    );
    assert_eq!(limit["tickets"].as_array().map(Vec::len), Some(3));
    let stats = stage.stats("play");
    assert_eq!(
        (&stats["held"], &stats["sold"]),
        (&json!(1), &json!(2)),
        "nothing was taken by a no"
    );
    data(&basket(
        &mut other,
        json!([{"type_id": "box", "qty": 1}, {"type_id": "child", "qty": 1}]),
    ));
}

/// C13: whatever else is sent as a basket is named and takes nothing.
#[test]
fn a_basket_is_read_strictly() {
    let mut stage = shop();
    theatre(&mut stage);
    let mut person = stage.person("p");
    let table = [
        (json!([]), 400, "items"),
        (json!("seat"), 400, "items"),
        (json!({"type_id": "seat", "qty": 1}), 400, "items"),
        (json!([{"type_id": "seat"}]), 400, "items"),
        (json!([{"type_id": "seat", "qty": "1"}]), 400, "items"),
        (json!([{"type_id": "seat", "qty": -1}]), 400, "items"),
        (json!([{"type_id": "seat", "qty": 1.5}]), 400, "items"),
        (json!([{"type_id": "seat", "qty": 1, "unit": 7}]), 400, "items"),
        (json!([{"type_id": "seat", "qty": 0}]), 400, "qty"),
        (json!([{"type_id": "seat", "qty": 101}]), 400, "qty"),
        (json!([{"type_id": "seat", "qty": 99_999_999_999_u64}]), 400, "qty"),
        (json!([{"type_id": "seat", "qty": 60}, {"type_id": "box", "qty": 60}]), 400, "items"),
        (json!([{"type_id": "seat", "qty": 1}, {"type_id": "seat", "qty": 1}]), 400, "type_id"),
        (json!([{"type_id": "stage", "qty": 1}]), 404, "type_id"),
    ];
    for (items, status, named) in table {
        let message = fails(&basket(&mut person, items.clone()), status);
        assert!(message.contains(named), "{items}: {message}");
    }
    let together =
        json!({"actId": "play", "typeId": "seat", "items": [{"type_id": "seat", "qty": 1}]});
    assert!(fails(&person.post_json("/ticket/get", &together), 400).contains("items"));
    fails(&person.get("/ticket/get?actId=play&items=seat"), 400);
    fails(&person.post_json("/act/detail", &json!({"actId": "play", "items": []})), 400);
    let json_type = [("content-type", "application/json")];
    for twice in [
        r#"{"actId": "play", "items": [{"type_id": "seat", "qty": 1, "qty": 2}]}"#,
        r#"{"actId": "play", "items": [{"type_id": "seat", "qty": 1}], "items": [{"type_id": "seat", "qty": 1}]}"#,
    ] {
        fails(&person.send("POST", "/ticket/get", &json_type, twice.as_bytes()).unwrap(), 400);
    }
    assert_eq!(stage.stats("play")["held"], 0);
}

/// C23: an order is its owner's alone; for others it does not exist.
#[test]
fn somebody_elses_order_is_404() {
    let mut stage = selling(json!({"stock": 5}));
    let [mut owner, mut other] =
        <[_; 2]>::try_from(stage.people(&["owner", "other"])).ok().unwrap();
    let id = order_id(&claim(&mut owner, "a"));
    fails(&other.get(&format!("/order/detail?orderId={id}")), 404);
    fails(&stage.op.get(&format!("/order/detail?orderId={id}")), 404);
    fails(&stage.stranger().get(&format!("/order/detail?orderId={id}")), 401);
    for call in ["cancel", "pay"] {
        let target = format!("/order/{call}?orderId={id}");
        fails(&post(&mut other, &target), 404);
        fails(&post(&mut stage.stranger(), &target), 401);
        fails(&owner.get(&target), 405);
        fails(&post(&mut owner, &format!("/order/{call}")), 400);
        fails(&post(&mut owner, &format!("/order/{call}?orderId={id}A")), 404);
    }
    assert_eq!(data(&other.get("/order/list"))["list"], json!([]));
    assert_eq!(order(&mut owner, &id)["state"], "held");
}

/// C20: what is given up comes back, once, and is no ticket any more.
#[test]
fn an_order_that_is_given_up_returns_its_units_once() {
    let mut stage = selling(json!({"codes": ["K-1"]}));
    let [mut one, mut other] = <[_; 2]>::try_from(stage.people(&["one", "other"])).ok().unwrap();
    let id = order_id(&claim(&mut one, "a"));
    refused(&claim(&mut other, "a"), -7);
    for _ in 0..2 {
        let record = data(&post(&mut one, &format!("/order/cancel?orderId={id}")));
        assert_eq!((&record["state"], &record["pay_by"]), (&json!("cancelled"), &Value::Null));
    }
    let gone = refused(&post(&mut one, &format!("/order/pay?orderId={id}")), -10);
    assert_eq!(gone, json!({"state": "cancelled"}));
    assert_eq!(data(&one.get("/ticket/list"))["list"], json!([]));
    assert_eq!(data(&one.get(&format!("/ticket/detail?ticketId={id}-1")))["state"], "void");
    let second = order_id(&claim(&mut other, "a"));
    refused(&claim(&mut one, "a"), -7);
    let order = paid(&mut other, &second);
    assert_eq!(order["tickets"][0]["code"], "K-1", "nobody had seen the code");
    let late = refused(&post(&mut other, &format!("/order/cancel?orderId={second}")), -10);
    assert_eq!(late, json!({"state": "paid"}));
    let full = refused(&claim(&mut one, "a"), -2);
    assert_eq!(full, json!({"standby": true}));
}

#[test]
fn an_order_that_nobody_pays_ends_and_its_unit_goes_on() {
    let mut stage = selling(json!({"stock": 1, "pay_within_s": 1}));
    let [mut one, mut other] = <[_; 2]>::try_from(stage.people(&["one", "other"])).ok().unwrap();
    let id = order_id(&claim(&mut one, "a"));
    let held = refused(&claim(&mut other, "a"), -7);
    assert_eq!(held["standby"], json!(true));
    assert!(
        held["retry_at"].as_u64().is_some_and(|at| (now_s()..=now_s() + 3).contains(&at)),
        "{held}"
    );
    let gone = reaches(&mut one, &id, "expired");
    assert_eq!((&gone["pay_by"], &gone["paid_at"]), (&Value::Null, &Value::Null));
    data(&claim(&mut other, "a"));
    assert_eq!(
        refused(&post(&mut one, &format!("/order/pay?orderId={id}")), -10),
        json!({"state": "expired"})
    );
}

/// C2: a retry with its key finds its order as it stands now, for ever.
#[test]
fn a_retry_with_its_key_hears_its_order_as_it_stands_now() {
    let mut stage = selling(json!({"stock": 2, "limit_per_user": 2}));
    let mut person = stage.person("p");
    let first = data(&claim_with(&mut person, "a", "k-1"));
    assert_eq!(data(&claim_with(&mut person, "a", "k-1")), first);
    let id = text(&first["order_id"]).to_owned();
    paid(&mut person, &id);
    let now = data(&claim_with(&mut person, "a", "k-1"));
    assert_eq!(
        (&now["order_id"], &now["order_state"], &now["state"]),
        (&first["order_id"], &json!("paid"), &json!("valid"))
    );
    let second = data(&claim_with(&mut person, "a", "k-2"));
    let other = text(&second["order_id"]).to_owned();
    data(&post(&mut person, &format!("/order/cancel?orderId={other}")));
    let over = data(&claim_with(&mut person, "a", "k-2"));
    assert_eq!((&over["order_state"], &over["state"]), (&json!("cancelled"), &json!("void")));
}

#[test]
fn with_the_cookie_an_order_changes_from_own_pages_only() {
    let mut stage = selling(json!({"stock": 1}));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    let cookie = format!("firstcome_session={}", person.token.take().expect("signed in"));
    let own = format!("http://{}", stage.world.address());
    let target = format!("/order/cancel?orderId={id}");
    let cross = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    fails(&person.send("POST", &target, &cross, b"").unwrap(), 403);
    fails(&person.send("POST", &target, &cross[..1], b"").unwrap(), 403);
    let line = "/act/standby?actId=a";
    fails(&person.send("POST", line, &cross, b"").unwrap(), 403);
    fails(&person.send("DELETE", line, &cross, b"").unwrap(), 403);
    let same = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    assert_eq!(data(&person.send("POST", &target, &same, b"").unwrap())["state"], "cancelled");
}

#[test]
fn orders_are_listed_newest_first_in_pages_and_survive_a_restart() {
    let mut stage = selling(json!({"stock": 9, "limit_per_user": 9}));
    let mut person = stage.person("p");
    let mut ids: Vec<String> = (0..5).map(|_| order_id(&claim(&mut person, "a"))).collect();
    data(&post(&mut person, &format!("/order/cancel?orderId={}", ids[1])));
    paid(&mut person, &ids[2]);
    ids.reverse();
    let before = data(&person.get("/order/list"));
    assert_eq!(texts(&before["list"], "order_id"), ids);
    assert_eq!(texts(&before["list"], "state"), ["held", "held", "paid", "cancelled", "held"]);
    stage.restart();
    let mut person = stage.follow(&person);
    let after = data(&person.get("/order/list"));
    assert_eq!(
        masked(&after, &["pay_by"]),
        masked(&before, &["pay_by"]),
        "deadlines move by the downtime"
    );
    let first = data(&person.get("/order/list?pageSize=2"));
    assert_eq!(
        (texts(&first["list"], "order_id"), &first["hasMore"]),
        (vec![ids[0].as_str(), &ids[1]], &json!(true))
    );
    let rest =
        data(&person.get(&format!("/order/list?pageSize=3&lastId={}", text(&first["lastId"]))));
    assert_eq!(
        (texts(&rest["list"], "order_id"), &rest["hasMore"]),
        (vec![ids[2].as_str(), &ids[3], &ids[4]], &json!(false))
    );
    fails(&person.get("/order/list?lastId=1&page=1"), 400);
    fails(&person.get("/order/list?lastId=nobody"), 400);
    fails(&stage.stranger().get("/order/list"), 401);
}

#[test]
fn operators_see_how_orders_stand() {
    let mut stage = selling(json!({"codes": ["K-1"]}));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    let found = |stage: &mut Stage, question: &str| {
        let found = data(&stage.op.get(&format!("/admin/order/find?q={question}")));
        found["list"].as_array().expect("a list").clone()
    };
    let held = found(&mut stage, "p");
    assert_eq!(
        (&held[0]["order_id"], &held[0]["state"], &held[0]["paid_at"]),
        (&json!(id), &json!("held"), &Value::Null)
    );
    paid(&mut person, &id);
    for question in [id.as_str(), &format!("{id}-1"), "K-1", "p"] {
        let rows = found(&mut stage, question);
        assert_eq!(rows.len(), 1, "{question}");
        assert_eq!((&rows[0]["state"], &rows[0]["price"]), (&json!("paid"), &json!("9.90")));
        assert!(rows[0]["paid_at"].is_u64(), "{question}");
    }
}
