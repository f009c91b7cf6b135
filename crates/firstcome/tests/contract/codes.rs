//! Redemption codes: in the order of import, each once, ever; and "sold out" that ends the moment a unit is there.
//! No test prints a code that it did not make up itself.

use super::stage::{Stage, claim, data, fails, refused, text};
use crate::world::{export, import, names, open_activity, tokens};
use serde_json::json;
use std::collections::BTreeSet;

/// C8: in order, each once.
#[test]
fn codes_go_out_in_their_order_and_each_once() {
    let codes: Vec<String> = (0..60).map(|at| format!("K-{:02}", (at * 37) % 60)).collect();
    let mut stage = Stage::selling(json!({"codes": codes[..30]}));
    assert_eq!(data(&stage.codes("a", &codes[30..].join("\n")))["added"], 30);
    let tokens = tokens(&mut stage.op, &names("p", 64));
    for (at, token) in tokens[..10].iter().enumerate() {
        assert_eq!(data(&claim(&mut stage.op.with_token(token), "a"))["code"], codes[at]);
    }
    let threads: Vec<_> = tokens[10..]
        .iter()
        .map(|token| {
            let mut person = stage.op.with_token(token);
            std::thread::spawn(move || {
                let answer = claim(&mut person, "a");
                (answer.ret() == 0).then(|| text(&answer.data()["code"]).to_owned())
            })
        })
        .collect();
    let got: Vec<String> =
        threads.into_iter().filter_map(|thread| thread.join().expect("an answer")).collect();
    assert_eq!(got.len(), 50, "all that were left, and not one more");
    assert_eq!(got.iter().collect::<BTreeSet<_>>().len(), 50, "no code twice");
    let orders = export(&mut stage.op, "a", "orders");
    let in_order: Vec<&str> = orders.iter().map(|row| text(&row["code"])).collect();
    assert_eq!(in_order, codes, "place n has code n");
    let places: Vec<_> = orders.iter().map(|row| row["claim_no"].clone()).collect();
    assert_eq!(places, (1..=60).map(|at| json!(at)).collect::<Vec<_>>());
}

/// C8: no two activities share a code.
#[test]
fn a_code_is_in_one_activity_only() {
    let mut stage = Stage::selling(json!({"codes": ["K-1", "K-2"]}));
    stage.open("b", json!({"codes": ["L-1"]}));
    let second = json!({"activity": [
        open_activity("c", json!({"codes": ["M-1"]})),
        open_activity("d", json!({"codes": ["N-1", "K-2"]})),
    ]});
    let answer = stage.op.post_json("/admin/act/import", &second);
    let message = fails(&answer, 400);
    assert!(message.contains("codes"), "{message}");
    fails(&stage.op.get("/act/detail?actId=c"), 404);
    let within = json!({"activity": [
        open_activity("c", json!({"codes": ["M-1"]})),
        open_activity("d", json!({"codes": ["M-1"]})),
    ]});
    fails(&stage.op.post_json("/admin/act/import", &within), 400);
    let twice = json!({"activity": [open_activity("c", json!({"codes": ["M-1", "M-1"]}))]});
    fails(&stage.op.post_json("/admin/act/import", &twice), 400);
    let added = data(&stage.codes("b", "K-1\nL-1\nL-2\n"));
    assert_eq!((&added["added"], &added["duplicates"]), (&json!(1), &json!(2)));
    let mut people = stage.people(&["one", "two", "three"]);
    assert_eq!(data(&claim(&mut people[0], "b"))["code"], "L-1");
    assert_eq!(data(&claim(&mut people[1], "b"))["code"], "L-2");
    refused(&claim(&mut people[2], "b"), -2);
}

#[test]
fn of_imported_codes_what_is_good_goes_in() {
    let mut stage = Stage::selling(json!({"codes": []}));
    let target = "/admin/codes/import?actId=a&typeId=seat";
    let csv = [("content-type", "text/csv")];
    let mut send = |headers: &[(&str, &str)], body: &[u8]| {
        stage.op.send("POST", target, headers, body).expect("an answer")
    };
    let answer = data(&send(&csv, b"\xef\xbb\xbfcode\r\nA-1\r\n\"A-2\"\r\nA-1\r\n\r\nA-3\r\n"));
    assert_eq!((&answer["added"], &answer["duplicates"]), (&json!(3), &json!(1)), "{answer}");
    let long = "x".repeat(300);
    let lines = format!("B-1\n{long}\nB-2\nB\u{7}3\n");
    let answer = data(&send(&[("content-type", "text/plain")], lines.as_bytes()));
    assert_eq!(answer["added"], 2, "{answer}");
    let rejected = answer["rejected"].as_array().expect("a list");
    let at: Vec<_> = rejected.iter().map(|one| one["line"].clone()).collect();
    assert_eq!(at, [json!(2), json!(4)], "{answer}");
    assert!(rejected.iter().all(|one| !text(&one["reason"]).is_empty()));
    assert!(!answer.to_string().contains(&long[..100]), "a rejected code is not repeated");
    let none = data(&send(&csv, b"code\n"));
    assert_eq!((&none["added"], &none["duplicates"]), (&json!(0), &json!(0)));
    let again = data(&send(&csv, b"code\nA-1\n"));
    assert_eq!((&again["added"], &again["duplicates"]), (&json!(0), &json!(1)));
    fails(&send(&[("content-type", "application/json")], b"[]"), 415);
    let mut people = stage.people(&["1", "2", "3", "4", "5", "6"]);
    let got: Vec<_> =
        people[..5].iter_mut().map(|one| data(&claim(one, "a"))["code"].clone()).collect();
    assert_eq!(json!(got), json!(["A-1", "A-2", "A-3", "B-1", "B-2"]));
    refused(&claim(&mut people[5], "a"), -2);
}

#[test]
fn plain_units_take_no_codes_and_codes_no_numbers() {
    let mut stage = Stage::selling(json!({"codes": ["K-1"]}));
    stage.open("plain", json!({"stock": 1}));
    fails(&stage.codes("plain", "K-9"), 400);
    fails(&stage.refill("a", 5), 400);
    fails(&stage.refill("a", -1), 400);
    assert_eq!(stage.stats("a")["total"], 1);
    fails(&stage.codes("none", "K-9"), 404);
    let unknown = "/admin/codes/import?actId=a&typeId=sofa";
    let headers = [("content-type", "text/plain")];
    fails(&stage.op.send("POST", unknown, &headers, b"K-9").unwrap(), 404);
}

/// C7: a refill, or an import of codes, ends "sold out" for everybody at once.
#[test]
fn sold_out_ends_the_moment_a_unit_is_there() {
    let mut stage = Stage::selling(json!({"stock": 0}));
    stage.open("b", json!({"codes": []}));
    let mut waiting = stage.people(&["w1", "w2"]);
    for round in 0..10 {
        let (one, other) = (format!("one{round}"), format!("other{round}"));
        let mut people = stage.people(&[&one, &other]);
        for activity in ["a", "b"] {
            for person in waiting.iter_mut().chain(&mut people) {
                refused(&claim(person, activity), -2);
            }
            let state = |stage: &mut Stage| {
                let detail = data(&stage.op.get(&format!("/act/detail?actId={activity}")));
                text(&detail["state"]).to_owned()
            };
            assert_eq!(state(&mut stage), "sold_out");
            if activity == "a" {
                data(&stage.refill("a", 1));
            } else {
                data(&stage.codes("b", &format!("K-{round}")));
            }
            assert_eq!(state(&mut stage), "open");
            data(&claim(&mut people[round % 2], activity));
            refused(&claim(&mut people[1 - round % 2], activity), -2);
        }
    }
}

#[test]
fn codes_over_http_are_lists_and_never_paths() {
    let mut stage = Stage::new();
    let path = stage.world.file("codes.csv", "code\nK-1\n").display().to_string();
    for (key, value) in [("codes", json!(path)), ("codes", json!("/etc/passwd"))] {
        let body = json!({"activity": [open_activity("a", json!({key: value}))]});
        let message = fails(&stage.op.post_json("/admin/act/import", &body), 400);
        assert!(message.contains("codes") && !message.contains("root:"), "{message}");
    }
    let mut listed = open_activity("a", json!({"stock": 1}));
    listed["roster"] = json!(path);
    let message =
        fails(&stage.op.post_json("/admin/act/import", &json!({"activity": [listed]})), 400);
    assert!(message.contains("roster"), "{message}");
    import(&mut stage.op, json!([open_activity("a", json!({"codes": ["K-1"]}))]));
}
