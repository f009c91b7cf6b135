//! What survives: restarts, operators' changes in the middle of a sale, and a disk that takes nothing more.
//! A server is ended as kill -9 does; the disk is filled by a limit on the size of files, as the kernel has it.

use super::stage::{Stage, claim, claim_with, data, eventually, fails, refused, text};
use crate::world::{World, export, open_activity};
use serde_json::json;
use std::collections::BTreeSet;

/// C6, C28: a restart in the middle of a sale resets nothing; numbers go on.
#[test]
fn a_restart_resets_nothing() {
    let mut stage = Stage::selling(json!({"stock": 5}));
    let mut clients = stage.people(&["p1", "p2", "p3", "p4", "p5", "p6", "p7"]);
    let mut tickets = Vec::new();
    for client in &mut clients[..3] {
        tickets.push(data(&claim_with(client, "a", "k")));
    }
    data(&stage.refill("a", 2));
    data(&stage.refill("a", -1));
    data(&stage.desk("/admin/act/pause?actId=a"));
    let before = stage.stats("a");
    stage.restart();
    let counts = ["total", "available", "held", "sold", "participants"];
    let after = stage.stats("a");
    for count in counts {
        assert_eq!(after[count], before[count], "{count}");
    }
    for client in &mut clients {
        *client = stage.follow(client);
    }
    refused(&claim(&mut clients[4], "a"), -11);
    data(&stage.desk("/admin/act/resume?actId=a"));
    for (at, ticket) in tickets.iter().enumerate() {
        let detail = format!("/ticket/detail?ticketId={}", text(&ticket["id"]));
        assert_eq!(data(&clients[at].get(&detail))["claim_no"], at + 1);
        assert_eq!(&data(&claim_with(&mut clients[at], "a", "k")), ticket);
        refused(&claim(&mut clients[at], "a"), -5);
    }
    let places: Vec<_> =
        (3..6).map(|at| data(&claim(&mut clients[at], "a"))["claim_no"].clone()).collect();
    assert_eq!(places, [json!(4), json!(5), json!(6)], "nobody was in flight, so there is no gap");
    refused(&claim(&mut clients[6], "a"), -2);
    stage.restart();
    let stats = stage.stats("a");
    assert_eq!(
        (&stats["total"], &stats["sold"], &stats["available"]),
        (&json!(6), &json!(6), &json!(0))
    );
}

/// C6, C15: importing the same activity again is 409 and changes nothing.
#[test]
fn a_second_import_of_a_running_sale_changes_nothing() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    let mut person = stage.person("p");
    data(&claim(&mut person, "a"));
    let both = json!({"activity": [
        open_activity("fresh", json!({"stock": 1})),
        open_activity("a", json!({"stock": 500})),
    ]});
    let message = fails(&stage.op.post_json("/admin/act/import", &both), 409);
    assert!(message.contains('a'), "{message}");
    fails(&stage.op.get("/act/detail?actId=fresh"), 404);
    let stats = stage.stats("a");
    assert_eq!((&stats["total"], &stats["sold"]), (&json!(3), &json!(1)));
    refused(&claim(&mut person, "a"), -5);
}

/// C15: what is sold cannot be taken back; what is free can, and the answer says how much that is.
#[test]
fn stock_never_goes_below_what_is_sold() {
    let mut stage = Stage::selling(json!({"stock": 5}));
    for person in &mut stage.people(&["p1", "p2"]) {
        data(&claim(person, "a"));
    }
    for n in [-4, -1000, i64::from(i32::MIN), i64::MIN] {
        assert_eq!(refused(&stage.refill("a", n), -10), json!({"available": 3}), "{n}");
    }
    assert_eq!(stage.stats("a")["total"], 5);
    data(&stage.desk("/admin/act/pause?actId=a"));
    data(&stage.refill("a", -3));
    data(&stage.desk("/admin/act/resume?actId=a"));
    let stats = stage.stats("a");
    assert_eq!(
        (&stats["total"], &stats["available"], &stats["sold"]),
        (&json!(2), &json!(0), &json!(2))
    );
    assert_eq!(refused(&stage.refill("a", -1), -10), json!({"available": 0}));
    let mut late = stage.person("late");
    refused(&claim(&mut late, "a"), -2);
    data(&stage.refill("a", 1));
    assert_eq!(data(&claim(&mut late, "a"))["claim_no"], 3);
    stage.restart();
    assert_eq!(stage.stats("a")["sold"], 3);
}

/// Sets how long any file of the server may become; `None` lifts the limit.
fn limit_files(world: &World, bytes: Option<u64>) {
    let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    let mut command = std::process::Command::new("prlimit");
    command.args(["--pid", &world.pid().to_string(), &format!("--fsize={limit}:unlimited")]);
    assert!(command.status().expect("prlimit is part of util-linux").success());
}

/// C10, C31: the disk takes nothing more. Buyers hear of a fault, never that everything is sold; it heals by itself.
#[test]
fn a_disk_that_takes_nothing_is_a_fault_and_never_a_refusal() {
    let mut world = World::cheap().set("FIRSTCOME_SALE_ANSWER_WITHIN_MS", "100");
    // The signal that comes with the limit would end the process; a full disk sends none.
    world.wrap(r#"trap "" XFSZ; exec "$0" "$@""#);
    let mut stage = Stage::on(world);
    stage.open("a", json!({"stock": 1000}));
    stage.open("gone", json!({"stock": 1}));
    let names: Vec<String> = (0..12).map(|at| format!("p{at}")).collect();
    let mut people = stage.people(&names.iter().map(String::as_str).collect::<Vec<_>>());
    data(&claim(&mut people[0], "gone"));
    let mut won: BTreeSet<String> = BTreeSet::new();
    won.insert(text(&data(&claim(&mut people[0], "a"))["order_id"]).to_owned());

    limit_files(&stage.world, Some(0));
    let mut queued = Vec::new();
    for person in &mut people[1..] {
        let answer = claim(person, "a");
        match (answer.status, answer.ret()) {
            (200, 1) => queued.push((person.again(), text(&answer.data()["claim_id"]).to_owned())),
            (500, -3) => assert!(["none", "unknown"].contains(&text(&answer.data()["effect"]))),
            (503, -503) => assert!(answer.header("retry-after").is_some()),
            _ => panic!("while nothing can be written: {}", answer.json()),
        }
        assert_eq!(data(&person.get("/act/detail?actId=a"))["state"], "open");
        refused(&claim(person, "gone"), -2);
    }
    let had = refused(&claim(&mut people[0], "a"), -5);
    assert_eq!(
        had["tickets"].as_array().map(Vec::len),
        Some(1),
        "no goes on where its grounds are durable"
    );
    eventually("not ready while its ledger is away", || {
        (people[0].get("/readyz").status == 503).then_some(())
    });
    assert_eq!(people[0].get("/healthz").status, 200, "but alive");

    limit_files(&stage.world, None);
    eventually("ready again", || (people[0].get("/readyz").status == 200).then_some(()));
    for (mut person, id) in queued {
        let answer = eventually("a final answer", || {
            let answer = person.get(&format!("/ticket/result?claimId={id}"));
            (answer.ret() != 1 && answer.status != 503).then_some(answer)
        });
        match answer.ret() {
            0 => assert_eq!(answer.data()["order_id"], *id),
            -3 => assert_eq!(answer.data()["effect"], "none"),
            _ => panic!("{}", answer.json()),
        }
    }
    for person in &mut people[1..] {
        let answer = claim(person, "a");
        let ticket = if answer.ret() == 0 {
            answer.data()
        } else {
            refused(&answer, -5)["tickets"][0].clone()
        };
        assert_eq!(ticket["state"], "valid");
    }
    assert_eq!(export(&mut stage.op, "a", "orders").len(), people.len(), "one each");
    let orders = export(&mut stage.op, "a", "orders");
    assert!(won.iter().all(|id| orders.iter().any(|row| row["order_id"] == **id)));
    stage.restart();
    assert_eq!(export(&mut stage.op, "a", "orders"), orders);
}

/// Whoever runs the server may send its log to a disk that is full; that stops nothing.
#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let mut world = World::cheap().set("FIRSTCOME_LOG_LEVEL", "debug");
    world.wrap(r#"exec "$0" "$@" 2>/dev/full"#);
    let mut stage = Stage::on(world);
    stage.open("a", json!({"stock": 1}));
    let mut person = stage.person("p");
    data(&claim(&mut person, "a"));
    stage.world.terminate();
}
