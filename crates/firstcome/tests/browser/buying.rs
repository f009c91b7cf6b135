//! The button: the whole way to the ticket, what it takes when it is pressed in every wrong way, and every no.
//! However it is pressed, it may take no more than was meant.

use super::{
    checks::fine,
    session::{Browser, ENTER, Look, TAB},
    stage::{Stage, only_ticket, tickets, visit, window},
};
use serde_json::json;

/// Milliseconds between the two clicks of somebody who clicks everything twice.
const DOUBLE_CLICK_MS: u32 = 150;
/// Presses of the tab key that lead through any page here.
const TABS_MAX: usize = 30;

/// The activity's page, with a button that may be pressed.
#[track_caller]
pub fn open_page(browser: &mut Browser, path: &str) {
    browser.go(path);
    browser.until_shows("#press[aria-disabled=false]");
}

#[test]
fn the_way_leads_from_the_list_to_the_ticket_with_its_code_and_picture() {
    for (look, root, won, ticket) in
        [(Look::PHONE, "/zh", "抢到了", "有效"), (Look::DESK, "/en", "You got it", "valid now")]
    {
        visit(look, |stage, browser| {
            stage.sell_codes("movie", &["CODE-0001-ABCD-EFGH"]);
            let mut ann = stage.enters(browser, "ann");
            browser.go("/");
            browser.click(".card");
            browser.until_at(&format!("{root}/act/movie"));
            browser.until_shows("#press[aria-disabled=false]");
            fine(browser, "buy-1-open");
            browser.click("#press");
            browser.until_says("#news", won);
            assert_eq!(browser.until_shows("#news .ticket-code"), "CODE-0001-ABCD-EFGH");
            // The focus is where the news is, so that a screen reader says it.
            assert_eq!(browser.js("return document.activeElement.id"), "news");
            fine(browser, "buy-2-won");
            let id = only_ticket(&mut ann)["id"].as_str().expect("an id").to_owned();
            browser.click("#news a");
            browser.until_at(&format!("{root}/ticket/{id}"));
            assert_eq!(browser.until_shows(".ticket-code"), "CODE-0001-ABCD-EFGH");
            browser.until_says("main", ticket);
            assert!(browser.shows(".qr svg path"));
            fine(browser, "buy-3-ticket");
            browser.go(&format!("{root}/tickets"));
            browser.click(".card");
            browser.until_at(&format!("{root}/ticket/{id}"));
        });
    }
}

#[test]
fn a_double_click_takes_one() {
    visit(Look::DESK, |stage, browser| {
        stage.sell("movie", json!({"stock": 10, "limit_per_user": 5}), json!({}));
        let mut ann = stage.enters(browser, "ann");
        for (times, apart_ms) in [(1, 0), (2, DOUBLE_CLICK_MS)] {
            open_page(browser, "/en/act/movie");
            browser.double_click("#press", apart_ms);
            browser.until_says("#news", "You got it");
            // What a second click would have begun has begun by now, and is over when the button is free again.
            browser.until_shows("#press[aria-disabled=false]");
            assert_eq!(tickets(&mut ann).len(), times, "clicks {apart_ms} ms apart");
            assert_eq!(browser.claims().len(), times);
        }
    });
}

#[test]
fn pressing_again_after_a_win_is_a_new_request_up_to_the_limit() {
    visit(Look::DESK, |stage, browser| {
        stage.sell("movie", json!({"stock": 10, "limit_per_user": 2}), json!({}));
        let mut ann = stage.enters(browser, "ann");
        for count in 1..=2 {
            open_page(browser, "/en/act/movie");
            browser.click("#press");
            browser.until_says("#news", "You got it");
            assert_eq!(tickets(&mut ann).len(), count);
        }
        browser.reload();
        browser.until_says("#state", "It is yours");
        browser.until_shows("#press[aria-disabled=true]");
        browser.until_shows("#mine a");
        fine(browser, "buy-limit");
        let mut keys = browser.claims();
        keys.dedup();
        assert_eq!(keys.len(), 2);
    });
}

#[test]
fn of_several_types_the_chosen_one_is_claimed() {
    visit(Look::PHONE, |stage, browser| {
        let kinds = json!([
            {"id": "front", "name": "前排", "stock": 3},
            {"id": "back", "name": "后排", "stock": 3},
        ]);
        stage.sell("movie", json!({}), json!({ "ticket": kinds }));
        let mut ann = stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        browser.click("[value=back]");
        browser.click("#press");
        browser.until_says("#news", "抢到了");
        assert_eq!(only_ticket(&mut ann)["type_id"], "back");
        fine(browser, "buy-kinds");
    });
}

/// What happens while somebody looks at an open page, and what they are told when they press.
type Case = (&'static str, fn(&mut Stage), &'static str, Option<&'static str>);

#[test]
fn every_no_has_its_sentence_and_its_next_step() {
    let cases: [Case; 5] = [
        ("gone", |stage| drop(stage.op.get("/ticket/get?actId=gone")), "已抢光", Some("/zh/")),
        ("rest", |stage| stage.desk("/admin/act/pause?actId=rest"), "活动暂停", None),
        ("over", |stage| stage.desk("/admin/act/close?actId=over"), "活动已结束", Some("/zh/")),
        ("list", |_| (), "您不在名单中", Some("/zh/account")),
        ("had", |_| (), "您已达到限领数量", Some("/zh/tickets")),
    ];
    visit(Look::PHONE, |stage, browser| {
        for (id, ..) in &cases {
            let roster = if *id == "list" { json!({"roster": ["somebody"]}) } else { json!({}) };
            stage.sell(id, json!({"stock": 1}), roster);
        }
        let mut ann = stage.enters(browser, "ann");
        for (id, happens, sentence, next) in cases {
            open_page(browser, &format!("/zh/act/{id}"));
            happens(stage);
            if id == "had" {
                assert_eq!(ann.get("/ticket/get?actId=had").ret(), 0);
            }
            browser.click("#press");
            browser.until_says("#news", sentence);
            if let Some(next) = next {
                assert!(browser.shows(&format!("#news a[href='{next}']")), "{id}");
            }
            browser.until_shows("#press[aria-disabled=true]");
            fine(browser, &format!("no-{id}"));
        }
        assert_eq!(only_ticket(&mut ann)["act_id"], "had");
    });
}

#[test]
fn whoever_comes_when_nothing_can_be_had_is_told_before_pressing() {
    visit(Look::PHONE, |stage, browser| {
        stage.sell("gone", json!({"stock": 1}), json!({}));
        stage.op.get("/ticket/get?actId=gone");
        stage.sell("rest", json!({"stock": 1}), json!({}));
        stage.desk("/admin/act/pause?actId=rest");
        stage.sell("over", json!({"stock": 1}), json!({}));
        stage.desk("/admin/act/close?actId=over");
        stage.sell("later", json!({"stock": 1}), window(100_000, 200_000));
        stage.enters(browser, "ann");
        for (id, sentence) in [
            ("gone", "已抢光"),
            ("rest", "活动暂停"),
            ("over", "活动已结束"),
            ("later", "还没开始"),
        ] {
            browser.go(&format!("/zh/act/{id}"));
            browser.until_says("#press[aria-disabled=true]", sentence);
            fine(browser, &format!("before-{id}"));
            browser.click("#press");
        }
        assert!(browser.claims().is_empty());
    });
}

/// Presses the tab key until something is in focus.
#[track_caller]
fn tab_to(browser: &mut Browser, selector: &str) {
    let focused = format!("return document.activeElement.matches({})", json!(selector));
    for _ in 0..TABS_MAX {
        if browser.js(&focused) == true {
            let line = browser.js("return getComputedStyle(document.activeElement).outlineStyle");
            assert_eq!(line, "solid", "the focus on {selector} can be seen");
            return;
        }
        browser.keys(TAB);
    }
    panic!("the tab key does not lead to {selector}");
}

#[test]
fn the_keyboard_alone_leads_from_the_list_to_the_ticket() {
    visit(Look::DESK, |stage, browser| {
        stage.sell_codes("movie", &["CODE-1"]);
        let mut ann = stage.enters(browser, "ann");
        browser.go("/en/");
        tab_to(browser, ".card");
        browser.keys(ENTER);
        browser.until_at("/en/act/movie");
        browser.until_shows("#press[aria-disabled=false]");
        tab_to(browser, "#press");
        browser.keys(" ");
        browser.until_says("#news", "You got it");
        tab_to(browser, "#news a");
        browser.keys(ENTER);
        browser.until_at("/en/ticket/");
        only_ticket(&mut ann);
    });
}

#[test]
fn with_reduced_motion_nothing_moves() {
    for calm in [true, false] {
        visit(Look { calm, ..Look::PHONE }, |stage, browser| {
            stage.sell("movie", json!({"stock": 10}), json!({}));
            let mut ann = stage.enters(browser, "ann");
            let id = ann.get("/ticket/get?actId=movie").data()["id"].clone();
            browser.go(&format!("/zh/ticket/{}?won=1", id.as_str().expect("an id")));
            // Finished ones count as long as they fill, and the stamp's does.
            let moving = browser.js("return document.getAnimations().length");
            assert_eq!(moving == 0, calm, "{moving} for somebody calm: {calm}");
        });
    }
}
