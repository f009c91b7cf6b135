//! Money over the wire: what providers tell, what is believed, and where every payment ends. The pretend company
//! misbehaves as it is told; nothing here signs a notice itself.

use super::{
    orders::{order, order_id, paid, pay, post, priced, reaches, selling, shop},
    stage::{Stage, claim, data, eventually, fails, refused, text, texts},
};
use crate::world::{Answer, Client, World, export, import, open_activity};
use serde_json::{Value, json};

/// The payments that operators see, newest first.
fn payments(stage: &mut Stage, query: &str) -> Vec<Value> {
    let page = data(&stage.op.get(&format!("/admin/payments?{query}")));
    page["list"].as_array().expect("a list").clone()
}

/// Waits until the payments of an order are in these states, oldest first.
#[track_caller]
fn payments_become(client: &mut Client, id: &str, states: &[&str]) -> Value {
    eventually("payments in their states", || {
        let order = order(client, id);
        (texts(&order["payments"], "state") == states).then_some(order)
    })
}

fn notify(client: &mut Client, provider: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    client.send("POST", &format!("/pay/notify/{provider}"), headers, body).expect("an answer")
}

fn notices(stage: &mut Stage) -> Vec<Value> {
    data(&stage.op.get("/admin/notices"))["list"].as_array().expect("a list").clone()
}

/// C16: anybody can post "paid", and nothing comes of it but a line for the operator.
#[test]
fn a_notice_that_nobody_signed_changes_nothing() {
    let mut stage = selling(json!({"stock": 5}));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    let mut stranger = stage.stranger();
    let body = json!({"order_id": id, "state": "paid", "amount": "9.90", "currency": "CNY"});
    let answer = notify(
        &mut stranger,
        "test",
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    );
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body, b"refused", "the answer is in the provider's words");
    assert_eq!(notify(&mut stranger, "test", &[], &[b'x'; 20_000]).status, 400);
    assert_eq!(notify(&mut stranger, "nobody", &[], b"{}").status, 404);
    fails(&notify(&mut stranger, "test", &[], &[b'x'; 100_000]), 413);
    fails(&stranger.get("/pay/notify/test"), 405);
    data(&pay(&mut person, &id, json!({"how": "forged"})));
    let seen = eventually("every refused notice is shown", || {
        Some(notices(&mut stage)).filter(|seen| seen.len() >= 4)
    });
    for reason in ["bad_signature", "too_long", "unknown_provider"] {
        assert!(seen.iter().any(|one| one["reason"] == reason), "{reason}: {seen:?}");
    }
    assert_eq!(order(&mut person, &id)["state"], "held");
    assert_eq!(payments(&mut stage, ""), Vec::<Value>::new());
    let metrics = String::from_utf8(stage.op.get("/metrics").body).expect("text");
    assert!(metrics.contains("firstcome_notices_refused_total{reason=\"too_long\"} 1\n"));
}

/// C16: authentic, and not the order's amount. It pays nothing, it is no notice to be refused, and it goes back.
#[test]
fn another_amount_pays_nothing() {
    let mut stage = selling(json!({"stock": 5}));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    data(&pay(&mut person, &id, json!({"how": "wrong_amount", "refund_failures": 1})));
    let order = payments_become(&mut person, &id, &["refunded"]);
    assert_eq!(order["state"], "held", "it is still to be paid");
    assert_eq!(
        (&order["payments"][0]["amount"], &order["price"]),
        (&json!("9.89"), &json!("9.90"))
    );
    let row = payments(&mut stage, "state=refunded")[0].clone();
    assert_eq!(
        (&row["order_id"], &row["paid_order_id"], &row["amount"], &row["refund_attempts"]),
        (&json!(id), &Value::Null, &json!("9.89"), &json!(1))
    );
    assert_eq!(notices(&mut stage), Vec::<Value>::new());
    let events = data(&stage.op.get("/admin/events?actId=a&after=0"));
    let told = texts(&events["list"], "type");
    assert!(told.contains(&"firstcome.payment.refund_due"), "{told:?}");
    data(&stage.op.get("/admin/notices?strays=1"));
    fails(&stage.op.get("/admin/notices?strays=perhaps"), 400);
}

/// C17: duplicates and notices out of order; each payment ends once.
#[test]
fn notices_that_come_twice_or_out_of_order_pay_once() {
    let mut stage = selling(json!({"stock": 5, "limit_per_user": 5}));
    let mut person = stage.person("p");
    for how in ["repeated", "out_of_order"] {
        let id = order_id(&claim(&mut person, "a"));
        data(&pay(&mut person, &id, json!({ "how": how })));
        let order = reaches(&mut person, &id, "paid");
        assert_eq!(texts(&order["payments"], "state"), ["confirmed"], "{how}");
    }
    assert_eq!(payments(&mut stage, "").len(), 2);
}

#[test]
fn whoever_pays_twice_gets_the_second_payment_back() {
    let mut stage = selling(json!({"stock": 5}));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    data(&pay(&mut person, &id, json!({"how": "twice", "refund_failures": 2})));
    let order = payments_become(&mut person, &id, &["confirmed", "refunded"]);
    assert_eq!(order["state"], "paid");
    let rows = payments(&mut stage, "");
    let second = &rows[0];
    assert_eq!(
        (&second["state"], &second["order_id"], &second["paid_order_id"], &second["user"]),
        (&json!("refunded"), &json!(id), &Value::Null, &json!("p"))
    );
    assert_eq!(
        (&second["amount"], &second["currency"], &second["act_id"], &second["provider"]),
        (&json!("9.90"), &json!("CNY"), &json!("a"), &json!("test"))
    );
    assert!(second["refund_attempts"].as_u64().is_some_and(|tries| tries >= 2), "{second}");
    assert_eq!(rows[1]["paid_order_id"], json!(id));
    let confirmed = payments(&mut stage, "state=confirmed");
    assert_eq!(confirmed, [rows[1].clone()]);
    assert_eq!(payments(&mut stage, "state=refund_due"), Vec::<Value>::new());
}

/// C17: a payment of an order that is over gets a unit again if one is free.
#[test]
fn a_late_payment_gets_a_unit_again_if_one_is_free() {
    let mut stage = selling(json!({"stock": 1, "pay_within_s": 1}));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    data(&pay(&mut person, &id, json!({"how": "late", "after_s": 3})));
    reaches(&mut person, &id, "expired");
    let order = payments_become(&mut person, &id, &["confirmed"]);
    assert_eq!(order["state"], "expired", "what is over stays over");
    let row = payments(&mut stage, "")[0].clone();
    let other = text(&row["paid_order_id"]).to_owned();
    assert_ne!(other, id);
    let made = reaches(&mut person, &other, "paid");
    assert_eq!(texts(&made["payments"], "payment_id"), [text(&row["payment_id"])]);
    assert_eq!(texts(&data(&person.get("/ticket/list"))["list"], "state"), ["valid"]);
}

/// C17: with nothing free its money goes back.
#[test]
fn a_late_payment_without_a_unit_is_given_back() {
    let mut stage = selling(json!({"stock": 1, "pay_within_s": 1}));
    let [mut late, mut other] = <[_; 2]>::try_from(stage.people(&["late", "other"])).ok().unwrap();
    let id = order_id(&claim(&mut late, "a"));
    data(&pay(&mut late, &id, json!({"how": "late", "after_s": 4})));
    reaches(&mut late, &id, "expired");
    let second = order_id(&claim(&mut other, "a"));
    paid(&mut other, &second);
    let order = payments_become(&mut late, &id, &["refunded"]);
    assert_eq!(order["state"], "expired");
    assert_eq!(data(&late.get("/ticket/list"))["list"], json!([]));
}

/// C21: coming back from the provider pays nothing.
#[test]
fn the_way_back_changes_nothing() {
    let mut stage = selling(json!({"stock": 1}));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    data(&post(&mut person, &format!("/order/pay?orderId={id}")));
    for target in ["/en/order/", "/zh/order/"] {
        person.get(&format!("{target}{id}?paid=1&state=paid"));
    }
    assert_eq!(order(&mut person, &id)["state"], "held");
    assert!(
        fails(&post(&mut person, &format!("/order/pay?orderId={id}&provider=nobody")), 400)
            .contains("provider")
    );
}

#[test]
fn an_operator_gives_the_money_back_and_the_unit_goes_on() {
    let mut stage = selling(json!({"stock": 1}));
    let mut people = stage.people(&["one", "other"]);
    let id = order_id(&claim(&mut people[0], "a"));
    let target = format!("/admin/order/refund?orderId={id}");
    assert_eq!(refused(&post(&mut stage.op, &target), -10), json!({"state": "held"}));
    paid(&mut people[0], &id);
    fails(&post(&mut people[0], &target), 403);
    fails(&post(&mut stage.stranger(), &target), 401);
    fails(&stage.op.get(&target), 405);
    fails(&post(&mut stage.op, &format!("{target}A")), 404);
    let due = data(&post(&mut stage.op, &target));
    assert!(["refund_due", "refunded"].contains(&text(&due["state"])), "{due}");
    let order = reaches(&mut people[0], &id, "refunded");
    assert_eq!(texts(&order["payments"], "state"), ["refunded"]);
    assert_eq!(
        (&order["tickets"][0]["state"], &order["tickets"][0]["code"]),
        (&json!("void"), &Value::Null)
    );
    data(&post(&mut stage.op, &target));
    data(&claim(&mut people[1], "a"));
    let audit = data(&stage.op.get("/admin/audit?pageSize=100"));
    let rows = audit["list"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["action"] == "admin/order/refund" && row["target"] == "a");
    assert!(text(&row.expect("it is in the audit log")["detail"]).contains(&id));
}

/// Promise 4: a code that someone could have seen never returns to sale.
#[test]
fn a_code_that_was_paid_for_is_never_sold_again() {
    let mut stage = selling(json!({"codes": ["K-1"]}));
    let mut people = stage.people(&["one", "other"]);
    let id = order_id(&claim(&mut people[0], "a"));
    paid(&mut people[0], &id);
    data(&post(&mut stage.op, &format!("/admin/order/refund?orderId={id}")));
    reaches(&mut people[0], &id, "refunded");
    refused(&claim(&mut people[1], "a"), -2);
    assert_eq!(stage.stats("a")["total"], 0);
}

#[test]
fn payments_are_listed_in_pages_and_exported() {
    let mut stage = shop();
    import(
        &mut stage.op,
        json!([open_activity("a", priced(json!({"stock": 9, "limit_per_user": 9})))]),
    );
    let mut person = stage.person("p");
    for _ in 0..3 {
        let id = order_id(&claim(&mut person, "a"));
        paid(&mut person, &id);
    }
    let page = data(&stage.op.get("/admin/payments?pageSize=2"));
    assert_eq!((page["list"].as_array().map(Vec::len), &page["hasMore"]), (Some(2), &json!(true)));
    let rest = data(
        &stage.op.get(&format!("/admin/payments?pageSize=2&lastId={}", text(&page["lastId"]))),
    );
    assert_eq!((rest["list"].as_array().map(Vec::len), &rest["hasMore"]), (Some(1), &json!(false)));
    for wrong in ["state=nothing", "page=2", "lastId=x", "pageSize=101"] {
        fails(&stage.op.get(&format!("/admin/payments?{wrong}")), 400);
    }
    let rows = export(&mut stage.op, "a", "payments");
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter().all(|row| row["state"] == "confirmed"
            && row["amount"] == "9.90"
            && row["user"] == "p")
    );
    let orders = export(&mut stage.op, "a", "orders");
    assert!(orders.iter().all(|row| row["state"] == "paid" && row["paid_at"].is_string()));
    for target in ["/admin/payments", "/admin/notices"] {
        fails(&person.get(target), 403);
        fails(&stage.stranger().get(target), 401);
        fails(&post(&mut stage.op, target), 405);
    }
}

#[test]
fn without_a_provider_nobody_is_sent_anywhere() {
    let mut stage = Stage::on(World::cheap());
    stage.open("a", priced(json!({"stock": 1})));
    let mut person = stage.person("p");
    let id = order_id(&claim(&mut person, "a"));
    fails(&post(&mut person, &format!("/order/pay?orderId={id}")), 403);
    assert_eq!(notify(&mut stage.stranger(), "test", &[], b"{}").status, 404);
    fails(&person.get(&format!("/pay/test/{id}")), 404);
}
