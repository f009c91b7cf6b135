//! `serve --demo`, as the first look at this program: what it prints is enough to claim, and it may be started again
//! on the same folder at any time. What it prints is not compared word by word.

use super::stage::{claim, data, eventually, refused, texts};
use crate::world::{Client, World, now_s};
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    process::Child,
};

/// A demonstration that runs, and what it printed before it listened.
struct Demo {
    child: Child,
    address: String,
    printed: String,
}

impl Demo {
    fn start(world: &World) -> Self {
        let mut child = world.spawn(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
        let (mut printed, mut address) = (String::new(), String::new());
        for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
            let line = line.expect("UTF-8");
            if let Some(listens) = line.strip_prefix("listening on http://") {
                address = listens.to_owned();
                break;
            }
            printed.push_str(&line);
            printed.push('\n');
        }
        assert!(!address.is_empty(), "it did not start: {printed}");
        Self { child, address, printed }
    }

    /// The line of this name.
    fn line(&self, name: &str) -> &str {
        let mut lines = self.printed.lines().map(str::trim);
        let line = lines.find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("nothing of {name} in {}", self.printed))
    }

    /// Signs in with the password that was printed.
    fn sign_in(&self, name: &str) -> Client {
        let password = self.line(name).split_whitespace().nth(1).expect("a password");
        let mut client = Client::new(&self.address);
        let body = json!({"name": name, "password": password});
        let token = data(&client.post_json("/user/login", &body))["token"].clone();
        client.with_token(token.as_str().expect("a token"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_samples_have_fixed_ids_and_stay_open_for_long() {
    let world = World::cheap();
    let demo = Demo::start(&world);
    let mut alice = demo.sign_in("alice");
    let list = data(&alice.get("/act/list"))["list"].clone();
    // Those that begin in the same second are in the order of their ids.
    assert_eq!(texts(&list, "id"), ["concert", "movie", "masks"]);
    assert_eq!(texts(&list, "state"), ["open", "open", "upcoming"]);
    for activity in list.as_array().expect("a list") {
        let end = activity["end_time"].as_u64().expect("a time");
        assert!(end > now_s() + 300 * 86_400, "{activity}");
    }
    assert!(demo.line("movie").contains("100 of 100"), "{}", demo.printed);
    assert!(demo.line("masks").contains("opens at"), "{}", demo.printed);
    assert_eq!(data(&claim(&mut alice, "movie"))["claim_no"], 1);
    let opens = &refused(&alice.get("/ticket/get?actId=masks&typeId=morning"), -4)["start_time"];
    let opens = opens.as_u64().expect("a time");
    assert!((now_s()..=now_s() + 600).contains(&opens), "within minutes");
}

/// C6: the demonstration is only added where it is missing.
#[test]
fn a_second_start_of_the_demonstration_resets_nothing() {
    let world = World::cheap();
    let demo = Demo::start(&world);
    let before = data(&claim(&mut demo.sign_in("alice"), "movie"));
    let list = data(&demo.sign_in("bob").get("/act/list"))["list"].clone();
    drop(demo);
    let demo = Demo::start(&world);
    let mut alice = demo.sign_in("alice");
    let tickets = refused(&claim(&mut alice, "movie"), -5)["tickets"].clone();
    assert_eq!(texts(&tickets, "id"), [before["id"].as_str().expect("an id")]);
    assert!(demo.line("movie").contains("99 of 100"), "{}", demo.printed);
    let again = data(&alice.get("/act/list"))["list"].clone();
    for key in ["id", "name"] {
        assert_eq!(texts(&again, key), texts(&list, key));
    }
    for (one, before) in
        again.as_array().expect("a list").iter().zip(list.as_array().expect("a list"))
    {
        assert_eq!(one["start_time"], before["start_time"]);
        assert_eq!(one["end_time"], before["end_time"]);
    }
}

/// What the demonstration is for: something is held, paid and its code shown, without anything being set up.
#[test]
fn the_sample_with_a_price_is_held_paid_and_shown() {
    let world = World::cheap();
    let demo = Demo::start(&world);
    let mut alice = demo.sign_in("alice");
    let held = data(&alice.get("/ticket/get?actId=concert&typeId=front"));
    assert_eq!((&held["order_state"], &held["price"]), (&"held".into(), &"19.80".into()));
    assert!(held["code"].is_null(), "{held}");
    refused(&demo.sign_in("bob").get("/ticket/get?actId=concert&typeId=front"), -7);
    let order = held["order_id"].as_str().expect("an id");
    let start = data(
        &alice.send("POST", &format!("/order/pay?orderId={order}"), &[], b"").expect("an answer"),
    );
    let page = start["pay_url"].as_str().expect("a path").to_owned();
    data(&alice.post_json(&page, &json!({"how": "at_once"})));
    let paid = eventually("it is paid", || {
        let order = data(&alice.get(&format!("/order/detail?orderId={order}")));
        (order["state"] == "paid").then_some(order)
    });
    assert!(paid["tickets"][0]["code"].as_str().expect("a code").starts_with("FRONT-"));
}

/// C6: a sample that is over is not begun again, but said to be over; the one that is missing comes nevertheless.
#[test]
fn a_sample_that_has_ended_is_left_alone_and_said_to_have_ended() {
    let world = World::cheap();
    let ended = "[[activity]]\nid = \"movie\"\nname = \"Long ago\"\nstart_time = 1600000000\n\
                 end_time = 1600003600\n[[activity.ticket]]\nid = \"seat\"\nname = \"Seat\"\nstock = 7\n";
    let file = world.file("ended.toml", ended);
    world.must(&["import", file.to_str().expect("a plain path")], "");
    let demo = Demo::start(&world);
    let line = demo.line("movie");
    assert!(line.contains("ended") && line.contains("--data"), "{line}");
    let mut alice = demo.sign_in("alice");
    refused(&claim(&mut alice, "movie"), -1);
    assert_eq!(data(&alice.get("/act/detail?actId=movie"))["name"], "Long ago");
    assert_eq!(data(&alice.get("/act/detail?actId=masks"))["state"], "upcoming");
}
