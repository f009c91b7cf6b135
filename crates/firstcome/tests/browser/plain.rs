//! Without scripts: the button is a form and the answer is a page.
//! Pressing again may never take a second unit.

use super::{
    session::Look,
    stage::{only_ticket, tickets, visit, window},
};
use serde_json::json;

const PLAIN: Look = Look { scripts: false, ..Look::PHONE };

#[test]
fn without_scripts_the_form_claims_and_pressing_again_takes_no_second_one() {
    visit(PLAIN, |stage, browser| {
        stage.sell("movie", json!({"stock": 10, "limit_per_user": 3}), json!({}));
        let mut ann = stage.enters(browser, "ann");
        browser.go("/zh/act/movie");
        browser.shot("act-plain");
        browser.click("#press");
        let won = browser.until_at("/zh/ticket/");
        browser.until_says("main", "抢到了");
        let ticket = only_ticket(&mut ann);
        assert_eq!(won, format!("/zh/ticket/{}?won=1", ticket["id"].as_str().expect("an id")));
        // The same form, from the page as it was: the key is the same, and so is the ticket.
        for _ in 0..2 {
            browser.go("/zh/act/movie");
            browser.click("#press");
            assert_eq!(browser.until_at("/zh/ticket/"), won);
        }
        browser.back();
        browser.click("#press");
        assert_eq!(browser.until_at("/zh/ticket/"), won);
        only_ticket(&mut ann);
    });
}

#[test]
fn without_scripts_whoever_is_not_signed_in_signs_in_and_comes_back_to_the_button() {
    visit(PLAIN, |stage, browser| {
        stage.sell_codes("movie", &["CODE-1"]);
        browser.go("/zh/act/movie");
        browser.click("#press");
        browser.until_at("/zh/sign-in?next=/zh/act/movie");
        browser.click("a[href^='/zh/register']");
        browser.fill("#name", "ann");
        browser.fill("#password", "a-long-password");
        browser.click("main button");
        browser.until_at("/zh/act/movie");
        browser.click("#press");
        browser.until_at("/zh/ticket/");
        assert_eq!(browser.until_shows(".ticket-code"), "CODE-1");
        assert!(browser.shows(".qr svg"));
    });
}

#[test]
fn without_scripts_every_no_is_a_page_with_its_sentence_and_its_next_step() {
    visit(PLAIN, |stage, browser| {
        stage.sell("gone", json!({"stock": 1}), json!({}));
        stage.op.get("/ticket/get?actId=gone");
        stage.sell("later", json!({"stock": 1}), window(3600, 7200));
        stage.sell("over", json!({"stock": 1}), json!({}));
        stage.desk("/admin/act/close?actId=over");
        stage.sell("rest", json!({"stock": 1}), json!({}));
        stage.desk("/admin/act/pause?actId=rest");
        stage.sell("list", json!({"stock": 1}), json!({"roster": ["somebody-else"]}));
        let mut ann = stage.enters(browser, "ann");
        for (id, sentence) in [
            ("gone", "已抢光"),
            ("later", "还没开始"),
            ("over", "活动已结束"),
            ("rest", "活动暂停"),
            ("list", "您不在名单中"),
        ] {
            browser.go(&format!("/zh/act/{id}"));
            browser.click("#press");
            browser.until_says(".news h1", sentence);
            browser.shot(&format!("plain-{id}"));
            browser.click(&format!("main a[href='/zh/act/{id}']"));
            browser.until_at(&format!("/zh/act/{id}"));
        }
        assert!(tickets(&mut ann).is_empty());
    });
}
