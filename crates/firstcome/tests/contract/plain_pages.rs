//! Pages as a browser without scripts uses them: accounts for a list of names, and claims by form.
//! What the pages look like is tested in a browser.

use super::{
    forms::{Browser, gone_to, page},
    stage::{Stage, data},
};
use serde_json::json;

/// The lines of the table of new accounts.
fn issued(page: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once("readonly spellcheck=\"false\">").expect("a table");
    let (table, _) = rest.split_once("</textarea>").expect("its end");
    table.trim().lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn names_of_a_spreadsheet_get_accounts_and_the_same_form_tells_the_same_passwords() {
    let stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let list = "工号\t姓名\nA001\t张三\nA002\t李四\n";
    let mut told = |batch: &str| {
        page(&desk.post("/zh/desk/people", &[("people", list), ("batch", batch)]), 200)
    };
    let people = issued(&told("one"));
    assert_eq!(people.len(), 2);
    assert_eq!((&*people[0][0], &*people[0][1]), ("A001", "张三"));
    assert_eq!(issued(&told("one")), people);
    for person in &people {
        let body = json!({ "name": person[0], "password": person[2] });
        assert_eq!(stage.stranger().post_json("/user/login", &body).status, 200);
    }
    let other = told("two");
    assert!(!other.contains("readonly") && other.contains("A001"), "nothing changed: {other}");
    assert!(!other.contains(&people[0][2]), "a password is told once");
    assert!(!stage.world.log().contains(&people[0][2]));
}

#[test]
fn accounts_are_made_by_operators_only() {
    let mut stage = Stage::new();
    let buyer = stage.person("ann");
    let fields = [("people", "eve"), ("batch", "one")];
    assert_eq!(Browser::of(&stage, &buyer).post("/en/desk/people", &fields).status, 403);
    let made = page(&Browser::operator(&stage).post("/en/desk/people", &fields), 200);
    assert_eq!(issued(&made).len(), 1, "nobody had made it before: {made}");
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
    let mut browser = Browser::of(&stage, &ann);
    let press = |browser: &mut Browser, kind: &str, key: &str| {
        gone_to(&browser.post("/en/act/x/claim", &[("typeId", kind), ("key", key)]))
    };
    let first = press(&mut browser, "a", "form-1");
    assert_eq!(press(&mut browser, "a", "form-1"), first, "the same ticket");
    let other = press(&mut browser, "b", "form-1");
    assert_ne!(other, first);
    assert!(page(&browser.get(&first), 200).contains("value=\"form-2\""), "one more is offered");
    assert!(!page(&browser.get(&other), 200).contains("form-2"));
    let second = press(&mut browser, "a", "form-2");
    assert!(second != first && second != other);
    assert_eq!(data(&ann.get("/ticket/list"))["list"].as_array().expect("a list").len(), 3);
}
