//! The start: the button opens by itself at the server's time, whatever the device's clock says, and nobody asks the
//! server anything for it.

use super::{
    buying::open_page,
    checks::fine,
    session::{Browser, Look},
    stage::{only_ticket, visit, window},
};
use serde_json::json;

/// Seconds from the making of the sale to its start: time to load the page before.
const BEFORE_S: i64 = 6;
/// How early the button may open: half of a slow trip here, by which the clock may be wrong.
const EARLY_MS: f64 = 100.0;
/// How late it may open on a busy machine.
const LATE_MS: f64 = 3_000.0;
const HOUR_MS: i64 = 3_600_000;

/// Notes when the button opened, by the steady clock, which no change of the device's clock touches.
const NOTE: &str = "const press = document.querySelector('#press'); \
    new MutationObserver(() => { if (press.getAttribute('aria-disabled') === 'false') \
      globalThis.opened ??= performance.timeOrigin + performance.now(); \
    }).observe(press, {attributes: true});";

/// Waits for a sale to open on the page; milliseconds from the start that the server knows.
#[track_caller]
fn opens_after(browser: &mut Browser, start_s: u64) -> f64 {
    browser.until_says("#press[aria-disabled=true]", "还没开始");
    browser.js(NOTE);
    let shown = browser.until_shows("#clock[role=timer]");
    assert!(shown.trim().starts_with("00:0"), "the countdown says {shown:?}");
    browser.until_says("#press[aria-disabled=false]", "立即抢");
    let opened = browser.js("return globalThis.opened").as_f64().expect("it was noted");
    opened - start_s as f64 * 1000.0
}

#[test]
fn the_button_opens_by_itself_at_the_servers_time_and_nobody_asks_for_it() {
    visit(Look::PHONE, |stage, browser| {
        let window = window(BEFORE_S, 3600);
        let start_s = window["start_time"].as_u64().expect("a time");
        stage.sell("movie", json!({"stock": 10}), window);
        let mut ann = stage.enters(browser, "ann");
        browser.go("/zh/act/movie");
        browser.until_shows("#clock");
        fine(browser, "start-1-before");
        let asked = browser.asked().len();
        let after_ms = opens_after(browser, start_s);
        assert!((-EARLY_MS..LATE_MS).contains(&after_ms), "{after_ms} ms after the start");
        // The words for those who listen, and nothing that every one of a million pages would have fetched.
        assert_eq!(
            browser.js("return document.querySelector('#spoken').textContent"),
            "已经开始，请点击按钮。"
        );
        assert_eq!(browser.asked().len(), asked, "{:?}", browser.asked());
        browser.click("#press");
        browser.until_says("#news", "抢到了");
        only_ticket(&mut ann);
    });
}

#[test]
fn a_device_whose_clock_is_wrong_by_an_hour_opens_at_the_servers_time() {
    for wrong_ms in [HOUR_MS, -HOUR_MS] {
        visit(Look::PHONE, |stage, browser| {
            let window = window(BEFORE_S, 3600);
            let start_s = window["start_time"].as_u64().expect("a time");
            stage.sell("movie", json!({"stock": 10}), window);
            let mut ann = stage.enters(browser, "ann");
            browser.clock_is_wrong_by(wrong_ms);
            browser.go("/zh/act/movie");
            let apart =
                browser.js("return Date.now() - performance.timeOrigin - performance.now()");
            let apart = apart.as_f64().expect("a number");
            assert!((apart - wrong_ms as f64).abs() < 1_000.0, "the clock is wrong by {apart}");
            let after_ms = opens_after(browser, start_s);
            assert!((-EARLY_MS..LATE_MS).contains(&after_ms), "{after_ms} ms after the start");
            browser.click("#press");
            browser.until_says("#news", "抢到了");
            only_ticket(&mut ann);
        });
    }
}

#[test]
fn a_sale_ends_on_the_page_by_itself() {
    visit(Look::PHONE, |stage, browser| {
        stage.sell("movie", json!({"stock": 10}), window(-60, BEFORE_S));
        stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        browser.until_says("#state", "距结束");
        browser.until_says("#press[aria-disabled=true]", "活动已结束");
        assert!(!browser.shows("#clock"));
    });
}
