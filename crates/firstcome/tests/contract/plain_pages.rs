//! Pages as a browser without scripts uses them: accounts for a list of names, and claims by form.
//! What the pages look like is tested in a browser.

use super::stage::{Stage, data};
use crate::world::{Answer, Client};
use serde_json::json;

const FORM: &str = "application/x-www-form-urlencoded";

/// Sends a form with somebody's cookie from one of our own pages.
fn send(stage: &Stage, client: &Client, path: &str, fields: &[(&str, &str)]) -> Answer {
    let text = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    let cookie = format!("firstcome_session={}", client.token.as_deref().expect("signed in"));
    let origin = format!("http://{}", stage.world.address());
    let headers = [("cookie", &*cookie), ("origin", &*origin), ("content-type", FORM)];
    let answer = stage.stranger().send("POST", path, &headers, body.join("&").as_bytes());
    answer.expect("an answer")
}

fn html(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

/// The lines of the table of new accounts.
fn issued(page: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once("readonly spellcheck=\"false\">").expect("a table");
    let (table, _) = rest.split_once("</textarea>").expect("its end");
    table.trim().lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn names_of_a_spreadsheet_get_accounts_and_the_same_form_tells_the_same_passwords() {
    let stage = Stage::new();
    let list = "工号\t姓名\nA001\t张三\nA002\t李四\n";
    let fields = [("people", list), ("batch", "one")];
    let first = html(&send(&stage, &stage.op, "/zh/desk/people", &fields));
    let people = issued(&first);
    assert_eq!(people.len(), 2, "{first}");
    assert_eq!((&*people[0][0], &*people[0][1]), ("A001", "张三"));
    assert_eq!(issued(&html(&send(&stage, &stage.op, "/zh/desk/people", &fields))), people);
    for person in &people {
        let body = json!({ "name": person[0], "password": person[2] });
        assert_eq!(stage.stranger().post_json("/user/login", &body).status, 200);
    }
    let other =
        html(&send(&stage, &stage.op, "/zh/desk/people", &[("people", list), ("batch", "two")]));
    assert!(!other.contains("readonly") && other.contains("A001"), "nothing changed: {other}");
    assert!(!other.contains(&people[0][2]), "a password is told once");
    assert!(!stage.world.log().contains(&people[0][2]));
}

#[test]
fn accounts_are_made_by_operators_only() {
    let mut stage = Stage::new();
    let buyer = stage.person("ann");
    let fields = [("people", "eve"), ("batch", "one")];
    assert_eq!(send(&stage, &buyer, "/en/desk/people", &fields).status, 403);
    let body = json!({ "name": "eve", "password": "anything at all" });
    assert_eq!(stage.stranger().post_json("/user/login", &body).status, 401);
}

/// C2: the page is the same for everybody, so its key is too: pressing twice takes one, and another type or one more
/// is another claim.
#[test]
fn a_form_pressed_twice_takes_one_and_another_type_is_another_claim() {
    let mut stage = Stage::new();
    let activity = json!({
        "id": "x", "name": "x", "start_time": 1_600_000_000, "end_time": 4_100_000_000u64,
        "ticket": [
            {"id": "a", "name": "a", "stock": 5, "limit_per_user": 2},
            {"id": "b", "name": "b", "stock": 5},
        ],
    });
    crate::world::import(&mut stage.op, json!([activity]));
    let mut ann = stage.person("ann");
    let press = |stage: &Stage, ann: &Client, kind: &str, key: &str| {
        let fields = [("typeId", kind), ("key", key)];
        let answer = send(stage, ann, "/en/act/x/claim", &fields);
        assert_eq!(answer.status, 303, "{}", html(&answer));
        answer.header("location").expect("a ticket").to_owned()
    };
    let first = press(&stage, &ann, "a", "form-1");
    assert_eq!(press(&stage, &ann, "a", "form-1"), first, "the same ticket");
    let other = press(&stage, &ann, "b", "form-1");
    assert_ne!(other, first);
    let cookie = format!("firstcome_session={}", ann.token.as_deref().expect("signed in"));
    let page = html(&stage.stranger().get_with(&first, &[("cookie", &cookie)]));
    assert!(page.contains("value=\"form-2\""), "one more is offered: {page}");
    assert!(!html(&stage.stranger().get_with(&other, &[("cookie", &cookie)])).contains("form-2"));
    let second = press(&stage, &ann, "a", "form-2");
    assert!(second != first && second != other);
    assert_eq!(data(&ann.get("/ticket/list"))["list"].as_array().expect("a list").len(), 3);
}
