//! Buying something that costs: set aside, counted down, paid, the code; given back; too late. Whatever happens to the
//! page meanwhile, nothing that is not paid shows its code, and the page says how it stands.

use super::{
    buying::open_page,
    checks::fine,
    session::{Browser, Look},
    stage::{Stage, only_ticket, visit_world},
};
use crate::world::{Client, World};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long an order may take to come to a state.
const REACHED_WITHIN: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A server with the pretend payment company, whose orders end soon after their time is up.
pub fn shop() -> World {
    World::cheap()
        .set("FIRSTCOME_PAYMENTS_TEST_PROVIDER", "true")
        .set("FIRSTCOME_PAYMENTS_GRACE_MS", "200")
}

/// A ticket type that costs 9.90, with these keys.
pub fn priced(mut ticket: Value) -> Value {
    let object = ticket.as_object_mut().expect("an object");
    object.insert("price".to_owned(), json!("9.90"));
    object.entry("pay_within_s").or_insert(json!(900));
    ticket
}

/// The newest order of somebody, once it is in this state.
#[track_caller]
pub fn newest(person: &mut Client, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let orders = person.get("/order/list?page=1").data();
        let newest = orders["list"][0].clone();
        if newest["state"] == state {
            return newest;
        }
        assert!(begun.elapsed() < REACHED_WITHIN, "never {state}: {orders}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Pays on the company's page, where the browser is sent.
#[track_caller]
pub fn pay(browser: &mut Browser, button: &str) {
    browser.click(button);
    browser.until_at("/pay/test/");
    browser.click(".press");
}

#[test]
fn the_paid_way_leads_from_the_button_over_the_countdown_to_the_code() {
    let sentences = [
        (Look::PHONE, "/zh", "立即抢 · ¥9.90", "已为您保留", "付款成功"),
        (Look::DESK, "/en", "Get it · ¥9.90", "It is set aside for you", "Paid: it is yours"),
    ];
    for (look, root, press, held, paid) in sentences {
        visit_world(shop(), look, |stage, browser| {
            stage.sell("movie", priced(json!({"codes": ["CODE-0001-ABCD"]})), json!({}));
            let mut ann = stage.enters(browser, "ann");
            open_page(browser, &format!("{root}/act/movie"));
            browser.until_says("#press", press);
            browser.click("#press");
            browser.until_says("#hold", held);
            assert_eq!(browser.js("return document.activeElement.id"), "hold");
            let left = browser.until_shows("#hold .big");
            assert!(left.starts_with("14:") || left == "15:00", "{left}");
            fine(browser, "pay-1-hold");

            // The server has the hold, not the page.
            browser.reload();
            browser.until_says("#hold", held);
            browser.until_shows("#press[aria-disabled=true]");
            let ticket = only_ticket(&mut ann);
            assert_eq!((&ticket["state"], &ticket["code"]), (&json!("held"), &Value::Null));
            browser.go(&format!("{root}/ticket/{}", ticket["id"].as_str().expect("an id")));
            assert!(!browser.until_shows("main").contains("CODE-"), "a held ticket shows no code");
            fine(browser, "pay-2-held-ticket");
            browser.back();
            browser.until_says("#hold", held);
            pay(browser, "#hold form button");

            browser.until_at(&format!("{root}/order/"));
            browser.until_says("main", paid);
            fine(browser, "pay-3-order");
            newest(&mut ann, "paid");
            browser.click("a[href*='/ticket/']");
            assert_eq!(browser.until_shows(".ticket-code"), "CODE-0001-ABCD");
        });
    }
}

/// C21: coming back from the provider changes nothing; the page says what it waits for until the word has come.
#[test]
fn coming_back_from_the_provider_waits_for_its_word() {
    visit_world(shop(), Look::PHONE, |stage, browser| {
        stage.sell("movie", priced(json!({"stock": 1})), json!({}));
        let mut ann = stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        browser.click("#press");
        browser.until_shows("#hold form");
        browser.click("#hold form button");
        browser.until_at("/pay/test/");
        fine(browser, "company");
        browser.click("details summary");
        fine(browser, "company-misbehaves");
        browser.click("[value=forged]");
        browser.click("details button");
        browser.until_at("/zh/order/");
        browser.until_says("#news", "正在等待支付结果");
        fine(browser, "order-waits");
        let id = newest(&mut ann, "held")["order_id"].as_str().expect("an id").to_owned();
        let paid = ann.post_json(&format!("/pay/test/{id}"), &json!({"how": "at_once"}));
        assert_eq!(paid.ret(), 0, "{}", paid.json());
        browser.until_says("main", "付款成功");
    });
}

#[test]
fn what_is_given_back_asks_once_more_and_can_be_had_again() {
    visit_world(shop(), Look::DESK, |stage, browser| {
        stage.sell("movie", priced(json!({"stock": 1})), json!({}));
        let mut ann = stage.enters(browser, "ann");
        open_page(browser, "/en/act/movie");
        browser.click("#press");
        browser.until_says("#hold", "Give it back");
        browser.click("#hold .row button");
        browser.until_says("#hold .row", "goes to the next person");
        assert_eq!(browser.js("return document.activeElement.textContent"), "Yes, give it back");
        fine(browser, "give-back-sure");
        browser.click("#hold .row button:nth-of-type(2)");
        browser.until_says("#hold .row", "Give it back");
        newest(&mut ann, "held");
        browser.click("#hold .row button");
        browser.click("#hold .row button:nth-of-type(1)");
        browser.until_says("#news", "You gave it back");
        newest(&mut ann, "cancelled");
        fine(browser, "given-back");
        browser.until_shows("#press[aria-disabled=false]");
        browser.click("#press");
        browser.until_says("#hold", "set aside for you");
    });
}

#[test]
fn several_units_and_types_are_one_order_that_costs_their_sum() {
    visit_world(shop(), Look::PHONE, |stage, browser| {
        let kinds = json!([
            {"id": "front", "name": "前排", "stock": 3, "price": "19.80"},
            {"id": "back", "name": "后排", "stock": 3, "price": "9.90", "limit_per_user": 3},
        ]);
        stage.sell("movie", json!({}), json!({ "ticket": kinds }));
        let mut ann = stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        browser.until_says("#press", "立即抢 · ¥19.80");
        browser.click(".basket summary");
        browser.click("[name='qty.front'] option:nth-child(2)");
        browser.click("[name='qty.back'] option:nth-child(3)");
        browser.until_says("#press", "立即抢 3 份 · ¥39.60");
        fine(browser, "basket");
        browser.click("#press");
        browser.until_says("#hold", "¥39.60");
        let order = newest(&mut ann, "held");
        assert_eq!(order["tickets"].as_array().map(Vec::len), Some(3), "{order}");
        let orders = ann.get("/order/list?page=1").data();
        assert_eq!(orders["list"].as_array().map(Vec::len), Some(1), "{orders}");
        pay(browser, "#hold form button");
        browser.until_says("main", "付款成功");
        fine(browser, "basket-paid");
    });
}

#[test]
fn a_late_payment_says_what_became_of_it() {
    visit_world(shop(), Look::PHONE, |stage, browser| {
        // Nobody else wants the one of the first; the other is gone when the money comes.
        for (id, stock) in [("free", 1), ("gone", 1)] {
            let ticket = priced(json!({"stock": stock, "pay_within_s": 2}));
            stage.sell(id, ticket, json!({"standby": false}));
        }
        let mut ann = stage.enters(browser, "ann");
        for (act, sentence) in [("free", "仍然抢到了"), ("gone", "款")] {
            let held = ann.get(&format!("/ticket/get?actId={act}")).data();
            let id = held["order_id"].as_str().expect("an id").to_owned();
            let started = ann.send("POST", &format!("/order/pay?orderId={id}"), &[], b"");
            assert_eq!(started.expect("an answer").ret(), 0);
            let way = json!({"how": "late", "after_s": 5});
            assert_eq!(ann.post_json(&format!("/pay/test/{id}"), &way).ret(), 0);
            browser.go(&format!("/zh/order/{id}"));
            newest(&mut ann, "expired");
            if act == "gone" {
                buys_the_last_one(stage, act);
            }
            browser.until("the money came", |browser| {
                browser.reload();
                browser
                    .text("main")
                    .filter(|text| text.contains(sentence) && text.contains("付款记录"))
            });
            fine(browser, &format!("late-{act}"));
        }
        browser.until("the refund is told", |browser| {
            browser.reload();
            browser.text("main").filter(|text| text.contains("退款"))
        });
    });
}

/// Somebody else gets what has come back, and pays.
#[track_caller]
fn buys_the_last_one(stage: &mut Stage, act: &str) {
    let token = stage.token("bob");
    let mut bob = stage.op.with_token(&token);
    let held = bob.get(&format!("/ticket/get?actId={act}")).data();
    let id = held["order_id"].as_str().expect("an id").to_owned();
    let started = bob.send("POST", &format!("/order/pay?orderId={id}"), &[], b"");
    assert_eq!(started.expect("an answer").ret(), 0);
    assert_eq!(bob.post_json(&format!("/pay/test/{id}"), &json!({"how": "at_once"})).ret(), 0);
    newest(&mut bob, "paid");
}

const PLAIN: Look = Look { scripts: false, ..Look::PHONE };

#[test]
fn without_scripts_one_claims_pays_and_gives_back_by_forms() {
    visit_world(shop(), PLAIN, |stage, browser| {
        stage.sell("movie", priced(json!({"codes": ["CODE-1", "CODE-2"]})), json!({}));
        let mut ann = stage.enters(browser, "ann");
        browser.go("/zh/act/movie");
        browser.click("#press");
        browser.until_at("/zh/order/");
        browser.until_says("#news", "已为您保留");
        fine(browser, "plain-order");
        browser.click("a[href$='/cancel']");
        browser.until_says("h1", "确定放弃");
        fine(browser, "plain-cancel");
        browser.click("main form button");
        browser.until_says("#news", "您已放弃");
        newest(&mut ann, "cancelled");
        fine(browser, "plain-cancelled");

        browser.click("form[action$='/claim'] button");
        browser.until_says("#news", "已为您保留");
        pay(browser, "#pay button");
        browser.until_at("/zh/order/");
        newest(&mut ann, "paid");
        browser.until("it is paid", |browser| {
            browser.reload();
            browser.text("main").filter(|text| text.contains("付款成功"))
        });
        browser.click("a[href*='/ticket/']");
        let code = browser.until_shows(".ticket-code");
        assert!(code.starts_with("CODE-"), "{code}");
    });
}
