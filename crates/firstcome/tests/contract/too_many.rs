//! Who asks too often is told when to come back, and nothing has happened; nobody else is held back for them.
//! The rates here are so low that no test depends on how fast it runs.

use super::{
    forms::{Browser, page},
    orders::{order_id, post, priced},
    stage::{Stage, claim, claim_with, data, fails, refused},
};
use crate::world::{Answer, Client, World, names, tokens};
use serde_json::{Value, json};

/// Three at once, then one an hour and a half.
fn strict(limit: &str) -> World {
    World::cheap()
        .set(&format!("FIRSTCOME_LIMITS_{limit}_PER_MIN"), "1")
        .set(&format!("FIRSTCOME_LIMITS_{limit}_BURST"), "3")
}

fn selling_in(world: World, ticket: Value) -> Stage {
    let mut stage = Stage::on(world);
    stage.open("a", ticket);
    stage
}

fn told_to_wait(answer: &Answer) {
    fails(answer, 429);
    let seconds = answer.header("retry-after").and_then(|text| text.parse::<u64>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{answer:?}");
}

/// C24: one account has one bucket, whatever it asks with; a key that is known comes before it.
#[test]
fn an_account_that_hammers_is_told_to_wait_and_keeps_what_it_has() {
    let mut stage = selling_in(strict("CLAIMS_BY_ACCOUNT"), json!({"stock": 9}));
    let people = tokens(&mut stage.op, &names("keen", 2));
    let (mut keen, mut other) = (stage.op.with_token(&people[0]), stage.op.with_token(&people[1]));
    let ticket = data(&claim_with(&mut keen, "a", "first"));
    for _ in 0..2 {
        assert_eq!(claim(&mut keen, "a").ret(), -5);
    }
    told_to_wait(&claim(&mut keen, "a"));
    told_to_wait(&claim_with(&mut keen, "a", "another-key"));
    let again = data(&claim_with(&mut keen, "a", "first"));
    assert_eq!(again["id"], ticket["id"], "a known key is answered");
    assert_eq!(claim(&mut other, "a").ret(), 0, "another account is not held back");
}

/// C24, C34: behind a trusted proxy each address has its own bucket; whoever names addresses themselves has none.
#[test]
fn sign_ins_are_limited_by_the_address_that_a_trusted_proxy_names() {
    for trusted in [true, false] {
        let proxies = if trusted { "127.0.0.1/32" } else { "" };
        let world = strict("SIGN_INS_BY_ADDRESS").set("FIRSTCOME_SERVER_TRUSTED_PROXIES", proxies);
        let stage = selling_in(world, json!({"stock": 1}));
        let mut client = stage.world.client();
        let wrong = json!({"name": "nobody", "password": "not the password"});
        let mut login = |from: &str| login_from(&mut client, from, &wrong);
        for number in 0..3 {
            fails(&login(&format!("2001:db8:1:2::{number}")), 401);
        }
        let fourth = login("2001:db8:1:2:ffff::1");
        if trusted {
            told_to_wait(&fourth);
        } else {
            fails(&fourth, 401);
        }
        fails(&login("2001:db8:9:9::1"), 401);
        fails(&login("198.51.100.7, 192.0.2.1"), 401);
    }
}

fn login_from(client: &mut Client, from: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", from)];
    client.send("POST", "/user/login", &headers, body.to_string().as_bytes()).expect("an answer")
}

#[test]
fn registrations_are_limited_apart_from_sign_ins() {
    let world =
        strict("REGISTRATIONS_BY_ADDRESS").set("FIRSTCOME_SERVER_TRUSTED_PROXIES", "127.0.0.1/32");
    let stage = selling_in(world, json!({"stock": 1}));
    let mut client = stage.world.client();
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", "203.0.113.9")];
    let mut register = |name: &str| {
        let body = json!({"name": name, "password": "a long password"}).to_string();
        client.send("POST", "/user/register", &headers, body.as_bytes()).expect("an answer")
    };
    for name in ["one", "two", "three"] {
        assert_eq!(register(name).ret(), 0);
    }
    told_to_wait(&register("four"));
    let body = json!({"name": "one", "password": "a long password"});
    assert_eq!(login_from(&mut client, "203.0.113.9", &body).ret(), 0);
}

/// C24: whoever holds and lets go, or lines up and leaves, as fast as they can is told to wait: every way of it has one
/// bucket, beside that of claims, and nobody else is held back.
#[test]
fn an_account_that_comes_and_goes_is_told_to_wait() {
    let world = strict("CHANGES_BY_ACCOUNT").set("FIRSTCOME_PAYMENTS_TEST_PROVIDER", "true");
    let mut stage = Stage::on(world);
    stage.open("a", priced(json!({"stock": 1, "limit_per_user": 9})));
    let (mut keen, mut other) = (stage.person("keen"), stage.person("other"));
    let line = "/act/standby?actId=a";
    let first = order_id(&claim(&mut keen, "a"));
    data(&post(&mut keen, &format!("/order/pay?orderId={first}")));
    data(&post(&mut keen, &format!("/order/cancel?orderId={first}")));
    let held = order_id(&claim(&mut other, "a"));
    data(&post(&mut keen, line));
    let ways = [
        ("POST", line.to_owned()),
        ("DELETE", line.to_owned()),
        ("POST", format!("/order/cancel?orderId={first}")),
        ("POST", format!("/order/pay?orderId={first}")),
    ];
    for (method, path) in &ways {
        told_to_wait(&keen.send(method, path, &[], b"").expect("an answer"));
    }
    let mut browser = Browser::of(&stage, &keen);
    let forms = [
        ("/en/act/a/line".to_owned(), vec![("do", "join")]),
        ("/en/act/a/line".to_owned(), vec![("do", "leave")]),
        (format!("/en/order/{first}/cancel"), vec![]),
        (format!("/en/order/{first}/pay"), vec![]),
    ];
    for (path, fields) in &forms {
        page(&browser.post(path, fields), 429);
    }
    let mine = data(&keen.get(line));
    assert_eq!((&mine["position"], &mine["waiting"]), (&json!(1), &json!(1)), "nothing happened");
    refused(&claim(&mut keen, "a"), -7);
    data(&post(&mut other, &format!("/order/cancel?orderId={held}")));
}
