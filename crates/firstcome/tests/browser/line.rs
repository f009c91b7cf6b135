//! The waiting list: what nobody paid for goes to the first in line, who sees that it is their turn.
//! Looking often brings nobody forward (C22).

use super::{
    checks::fine,
    orders::{newest, priced, shop},
    session::{Browser, Look},
    stage::{Stage, visit_world},
};
use crate::world::Client;
use serde_json::json;

/// Somebody else, who holds the only unit.
#[track_caller]
fn holder(stage: &mut Stage, act: &str) -> Client {
    let token = stage.token("holder");
    let mut holder = stage.op.with_token(&token);
    assert_eq!(holder.get(&format!("/ticket/get?actId={act}")).ret(), 0);
    holder
}

/// Gives back what somebody holds.
#[track_caller]
fn gives_back(person: &mut Client) {
    let id = newest(person, "held")["order_id"].as_str().expect("an id").to_owned();
    let gone = person.send("POST", &format!("/order/cancel?orderId={id}"), &[], b"");
    assert_eq!(gone.expect("an answer").ret(), 0);
}

/// Looks away and at the page again, which asks at once instead of in its own time.
fn looks_again(browser: &mut Browser) {
    browser.js("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))");
}

#[test]
fn what_expires_goes_to_the_one_in_line_who_sees_the_offer_and_pays() {
    for (look, root, says) in [
        (Look::PHONE, "/zh", ["暂时都被占用", "候补中", "下一位就是您", "轮到您了", "付款成功"]),
        (
            Look::DESK,
            "/en",
            [
                "All are held by others",
                "You are in line",
                "You are next",
                "It is your turn",
                "Paid",
            ],
        ),
    ] {
        visit_world(shop(), look, |stage, browser| {
            let ticket = json!({"codes": ["CODE-1"], "pay_within_s": 6, "offer_within_s": 600});
            stage.sell("movie", priced(ticket), json!({}));
            let mut holder = holder(stage, "movie");
            let mut bob = stage.enters(browser, "bob");
            browser.go(&format!("{root}/act/movie"));
            browser.until_says("#press[aria-disabled=true]", says[0]);
            fine(browser, "line-1-open");
            browser.click("#line button");
            browser.until_says("#line", says[1]);
            browser.until_says("#line .place", says[2]);
            fine(browser, "line-2-in");
            browser.reload();
            browser.until_says("#line .place", says[2]);

            newest(&mut holder, "expired");
            newest(&mut bob, "held");
            looks_again(browser);
            browser.until_says("#hold", says[3]);
            assert_eq!(browser.js("return document.activeElement.id"), "hold");
            assert_eq!(browser.js("return document.title.startsWith('●')"), true);
            assert!(!browser.shows("#line"), "the line is over");
            fine(browser, "line-3-offer");
            super::orders::pay(browser, "#hold form button");
            browser.until_says("main", says[4]);
            browser.click("a[href*='/ticket/']");
            assert_eq!(browser.until_shows(".ticket-code"), "CODE-1");
        });
    }
}

#[test]
fn the_one_whose_time_runs_out_is_told_before_their_eyes_and_may_line_up() {
    visit_world(shop(), Look::PHONE, |stage, browser| {
        let ticket = json!({"stock": 1, "pay_within_s": 4, "offer_within_s": 600});
        stage.sell("movie", priced(ticket), json!({}));
        let mut ann = stage.enters(browser, "ann");
        let token = stage.token("bob");
        let mut bob = stage.op.with_token(&token);
        super::buying::open_page(browser, "/zh/act/movie");
        browser.click("#press");
        browser.until_shows("#hold .big");
        let joined = bob.send("POST", "/act/standby?actId=movie", &[], b"").expect("an answer");
        assert_eq!(joined.ret(), 0, "{}", joined.json());
        browser.until_says("#hold", "付款时间已到");
        fine(browser, "time-up");
        newest(&mut ann, "expired");
        newest(&mut bob, "held");
        looks_again(browser);
        browser.until_says("#news", "超时未付款");
        browser.until_says("#line", "候补");
        fine(browser, "expired");
        browser.click("#line button");
        browser.until_says("#line .place", "下一位就是您");
    });
}

#[test]
fn people_see_how_many_are_before_them_and_may_leave() {
    visit_world(shop(), Look::DESK, |stage, browser| {
        stage.sell("movie", priced(json!({"stock": 1})), json!({}));
        let mut holder = holder(stage, "movie");
        let tokens = ["one", "two", "three"].map(|name| stage.token(name));
        for token in &tokens {
            let mut person = stage.op.with_token(token);
            let joined = person.send("POST", "/act/standby?actId=movie", &[], b"");
            assert_eq!(joined.expect("an answer").ret(), 0);
        }
        stage.enters(browser, "bob");
        browser.go("/en/act/movie");
        browser.until_says("#line .place", "3 in line now");
        browser.click("#line button");
        browser.until_says("#line .place", "3 people before you");
        fine(browser, "line-far");
        // What comes back goes to the first of them, not to the one who looks.
        gives_back(&mut holder);
        newest(&mut stage.op.with_token(&tokens[0]), "held");
        looks_again(browser);
        browser.until_says("#line .place", "2 people before you");
        browser.click("#line button");
        browser.until_says("#news", "You left the line");
        browser.until_says("#line button", "Line up");
    });
}

const PLAIN: Look = Look { scripts: false, ..Look::PHONE };

#[test]
fn without_scripts_one_lines_up_sees_the_place_and_the_offer_and_leaves() {
    visit_world(shop(), PLAIN, |stage, browser| {
        stage.sell("movie", priced(json!({"stock": 1})), json!({}));
        let mut holder = holder(stage, "movie");
        stage.enters(browser, "bob");
        browser.go("/zh/act/movie");
        browser.click("#press");
        browser.until_says(".news h1", "暂时都被占用");
        fine(browser, "plain-held");
        browser.click("form[action$='/line'] button");
        browser.until_at("/zh/act/movie/line?typeId=seat");
        browser.until_says("main", "下一位就是您");
        fine(browser, "plain-line");
        browser.click("form[action$='/line'] button");
        browser.until_says("main", "已退出候补");
        browser.click("form[action$='/line'] button");
        browser.until_says("main", "候补中");
        gives_back(&mut holder);
        browser.until("the offer", |browser| {
            browser.reload();
            browser.text("main").filter(|text| text.contains("轮到您了"))
        });
        browser.until_at("/zh/order/");
        fine(browser, "plain-offer");
    });
}
