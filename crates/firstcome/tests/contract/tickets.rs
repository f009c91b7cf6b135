//! What a person has, and that nobody else can see it. Results of claims that were queued have a file of their own.
//! Ids are opaque: no test takes one apart, it only changes characters.

use super::stage::{Stage, claim, data, fails, refused, text, texts};
use serde_json::{Value, json};

/// C23: a ticket, an order and a claim are their owner's alone; for others they do not exist.
#[test]
fn somebody_elses_ticket_or_claim_is_404() {
    let mut stage = Stage::selling(json!({"stock": 5}));
    let [mut owner, mut other] =
        <[_; 2]>::try_from(stage.people(&["owner", "other"])).ok().unwrap();
    let ticket = data(&claim(&mut owner, "a"));
    data(&claim(&mut other, "a"));
    let detail = format!("/ticket/detail?ticketId={}", text(&ticket["id"]));
    let result = format!("/ticket/result?claimId={}", text(&ticket["order_id"]));
    for target in [&detail, &result] {
        assert_eq!(data(&owner.get(target))["id"], ticket["id"]);
        fails(&other.get(target), 404);
        fails(&stage.op.get(target), 404);
        fails(&stage.stranger().get(target), 401);
    }
    let page = data(&other.get("/ticket/list"));
    assert!(!texts(&page["list"], "id").contains(&text(&ticket["id"])));
    assert_eq!(
        data(&other.get("/act/detail?actId=a"))["my_tickets"].as_array().map(Vec::len),
        Some(1)
    );
}

/// C13, C23: an id that was never given is 404, whatever it looks like.
#[test]
fn an_id_that_nobody_was_given_is_404() {
    let mut stage = Stage::selling(json!({"stock": 5}));
    let mut owner = stage.person("owner");
    let ticket = data(&claim(&mut owner, "a"));
    let (id, order) = (text(&ticket["id"]).to_owned(), text(&ticket["order_id"]).to_owned());
    let mut wrong: Vec<String> =
        ["0", "-1", "1", "null", "a%00b", "%E6%8A%A2", "../../etc/passwd", "'%20or%201=1"]
            .map(str::to_owned)
            .to_vec();
    wrong.push("9".repeat(1000));
    for (at, _) in order.char_indices() {
        let other = if &order[at..=at] == "A" { "B" } else { "A" };
        wrong.push(format!("{}{other}{}", &order[..at], &order[at + 1..]));
    }
    wrong.push(format!("{order}A"));
    for wrong in &wrong {
        fails(&owner.get(&format!("/ticket/result?claimId={wrong}")), 404);
        fails(&owner.get(&format!("/ticket/detail?ticketId={wrong}")), 404);
    }
    let rest = id.strip_prefix(&order).unwrap_or("");
    for wrong in wrong.iter().skip(9).map(|wrong| format!("{wrong}{rest}")) {
        fails(&owner.get(&format!("/ticket/detail?ticketId={wrong}")), 404);
    }
    for target in ["/ticket/result", "/ticket/detail"] {
        fails(&owner.get(target), 400);
    }
}

#[test]
fn tickets_are_listed_newest_first_in_pages() {
    let mut stage = Stage::selling(json!({"stock": 30, "limit_per_user": 30}));
    stage.open("b", json!({"stock": 30, "limit_per_user": 30}));
    let mut person = stage.person("p");
    let empty = data(&person.get("/ticket/list?page=1"));
    assert_eq!((&empty["list"], &empty["lastId"]), (&json!([]), &Value::Null));
    let mut ids: Vec<String> = (0..25)
        .map(|at| data(&claim(&mut person, if at < 20 { "a" } else { "b" })))
        .map(|ticket| text(&ticket["id"]).to_owned())
        .collect();
    ids.reverse();
    let mut page = |query: &str| data(&person.get(&format!("/ticket/list?{query}")));
    let all = page("pageSize=100");
    let listed: Vec<String> = texts(&all["list"], "id").into_iter().map(str::to_owned).collect();
    assert_eq!(listed[..5], ids[..5], "those of the later activity are newer");
    assert_eq!(listed, ids);
    let first = page("page=1");
    assert_eq!((texts(&first["list"], "id").len(), &first["hasMore"]), (20, &json!(true)));
    let rest = page(&format!("lastId={}", text(&first["lastId"])));
    assert_eq!(texts(&rest["list"], "id"), ids[20..]);
    assert_eq!(rest["hasMore"], false);
    assert_eq!(page("page=2")["list"], rest["list"]);
    assert_eq!(page("page=1&pageSize=7")["lastId"], ids[6]);
    assert_eq!(
        data(&person.send("POST", "/ticket/list", &[], b"").unwrap())["list"],
        first["list"]
    );
}

#[test]
fn the_result_of_an_answered_claim_is_its_answer() {
    let mut stage = Stage::selling(json!({"codes": ["K-1", "K-2"]}));
    let mut person = stage.person("p");
    let won = data(&claim(&mut person, "a"));
    let target = format!("/ticket/result?claimId={}", text(&won["order_id"]));
    for _ in 0..3 {
        assert_eq!(data(&person.get(&target)), won);
    }
    assert_eq!(data(&person.send("POST", &target, &[], b"").unwrap()), won);
    data(&stage.desk("/admin/act/close?actId=a"));
    assert_eq!(data(&person.get(&target)), won, "for ever");
    refused(&claim(&mut person, "a"), -1);
}
