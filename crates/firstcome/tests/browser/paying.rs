//! Paying at a company on another host, as real ones are: the buyer is led there and back, with and without scripts,
//! though no form of ours may lead to another host. The host is another name of the same server, which browsers take
//! for another site: nothing of the one is theirs at the other.

use super::{
    buying::open_page,
    checks::fine,
    orders::{newest, priced, shop},
    session::{Browser, Look},
    stage::{Stage, visit_world},
};
use crate::world::Client;
use serde_json::json;

/// A shop whose buyers pay at another host than the one they are signed in at.
fn sells_elsewhere(stage: &mut Stage) -> String {
    let port = stage.world.address().rsplit(':').next().expect("a port").to_owned();
    let company = format!("http://localhost:{port}");
    stage.world.change("FIRSTCOME_PAYMENTS_TEST_PROVIDER_AT", &company);
    stage.kill_and_start();
    stage.op = stage.op.again();
    stage.sell("movie", priced(json!({"codes": ["CODE-1", "CODE-2"]})), json!({}));
    company
}

/// Presses the button and comes to the company, which knows nothing of who is signed in at the shop.
#[track_caller]
fn led_to(browser: &mut Browser, company: &str, button: &str) {
    browser.click(button);
    browser.until_at(&format!("{company}/pay/test/"));
    assert!(browser.until_shows("main").contains("9.90"), "it knows the order");
}

#[track_caller]
fn pays_and_comes_back(browser: &mut Browser, ann: &mut Client) {
    browser.click(".press");
    browser.until_at("/zh/order/");
    newest(ann, "paid");
    browser.until("it is paid", |browser| {
        browser.reload();
        browser.text("main").filter(|text| text.contains("付款成功"))
    });
    fine(browser, "elsewhere-paid");
    browser.click("a[href*='/ticket/']");
    assert!(browser.until_shows(".ticket-code").starts_with("CODE-"));
}

#[test]
fn paying_on_another_host_leads_there_and_back() {
    visit_world(shop(), Look::PHONE, |stage, browser| {
        let company = sells_elsewhere(stage);
        let mut ann = stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        browser.click("#press");
        browser.until_shows("#hold form");
        led_to(browser, &company, "#hold form button");
        // Whoever thinks better of it is back where they were, and still has what was set aside.
        browser.back();
        browser.until_says("#hold", "已为您保留");
        led_to(browser, &company, "#hold form button");
        pays_and_comes_back(browser, &mut ann);
    });
}

#[test]
fn paying_on_another_host_needs_no_scripts() {
    visit_world(shop(), Look { scripts: false, ..Look::PHONE }, |stage, browser| {
        let company = sells_elsewhere(stage);
        let mut ann = stage.enters(browser, "ann");
        browser.go("/zh/act/movie");
        browser.click("#press");
        browser.until_at("/zh/order/");
        led_to(browser, &company, "#pay button");
        // Not paying leads back by a link, and changes nothing (C21).
        browser.click("main a.button");
        browser.until_at("/zh/order/");
        newest(&mut ann, "held");
        led_to(browser, &company, "#pay button");
        pays_and_comes_back(browser, &mut ann);
    });
}
