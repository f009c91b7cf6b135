//! What every page has to be for everybody: nothing wider than the screen, targets a thumb can hit, text that can be
//! read, fields and pictures that can be heard. The checks themselves are checked with planted faults.

use super::{
    session::{Browser, Look},
    stage::visit,
};
use serde_json::json;

/// The checks, which run inside the page.
const CHECKS: &str = include_str!("checks.js");

/// What is wrong with the page.
#[track_caller]
pub fn faults(browser: &mut Browser) -> Vec<String> {
    let width = browser.look().width;
    let found = browser.try_js(CHECKS, &json!([width]));
    let found = found.unwrap_or_else(|why| panic!("the checks do not run: {why}"));
    let list = found.as_array().expect("a list");
    list.iter().map(|one| one.as_str().expect("a sentence").to_owned()).collect()
}

/// The page as it is now must be without a fault, in light and in dark.
#[track_caller]
pub fn fine(browser: &mut Browser, name: &str) {
    let before = browser.look();
    for dark in [false, true] {
        browser.look_like(Look { dark, ..before });
        let found = faults(browser);
        browser.shot(name);
        assert!(found.is_empty(), "{name}, dark: {dark}: {found:#?}");
    }
    browser.look_like(before);
}

#[test]
fn the_checks_find_what_is_planted() {
    visit(Look::PHONE, |_, browser| {
        browser.expect_complaint("Executing inline event handler violates");
        browser.go("/zh/sign-in");
        assert_eq!(faults(browser), Vec::<String>::new());
        let planted = [
            ("<p>x</p>", "p.style.width = '2000px'", "px wide on a screen of 390"),
            ("<p>x</p>", "p.style.color = '#999'", "contrast of"),
            ("<p>x</p>", "p.setAttribute('onclick', '')", "the attribute onclick"),
            ("<p><button>go</button></p>", "", "is a target of"),
            ("<p><a href='/'>go</a></p>", "", "is a target of"),
            ("<p><input name='a'></p>", "", "has no label"),
            ("<p><img src='data:,'></p>", "", "has no alt"),
            ("<p><button class='button'></button></p>", "", "has no name"),
            ("<p id='main'>x</p>", "", "two things are #main"),
            ("<h1>x</h1>", "", "2 of h1"),
            ("<h4>x</h4>", "", "after a heading of level"),
            ("<table><tr><td>x</td></tr></table>", "", "table without headings"),
            ("<nav>x</nav>", "", "navigation has no name"),
        ];
        for (html, then, expected) in planted {
            let script = format!(
                "const p = new DOMParser().parseFromString({html}, 'text/html').body.firstChild; \
                 document.querySelector('main').append(p); globalThis.planted = p; {then};",
                html = json!(html)
            );
            browser.js(&script);
            let found = faults(browser);
            assert!(found.iter().any(|one| one.contains(expected)), "{expected}: {found:?}");
            browser.js("planted.remove()");
        }
        assert_eq!(faults(browser), Vec::<String>::new());
    });
}

#[test]
fn an_inline_script_does_not_run_and_is_complained_of() {
    visit(Look::PHONE, |_, browser| {
        browser.go("/zh/");
        browser.js(
            "const s = document.createElement('script'); s.textContent = 'globalThis.ran = 1'; \
             document.body.append(s);",
        );
        assert!(browser.js("return globalThis.ran ?? null").is_null());
        let complaints = browser.complaints();
        assert!(
            complaints.iter().any(|one| one.contains("Content Security Policy")),
            "{complaints:?}"
        );
    });
}
