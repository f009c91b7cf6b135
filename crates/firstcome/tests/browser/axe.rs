//! The rules of axe-core, on every page. The library is not ours and not in the repository: `cargo xtask test` fetches
//! one fixed version where there is a network, and says loudly where it could not.

use super::{
    desk::{desk_pages, search},
    every_page::buyers_pages,
    session::{Browser, Look},
    stage::{Stage, visit},
};
use crate::world::not_tested;
use serde_json::json;

/// The environment variable that names the library's file.
const AXE: &str = "AXE_CORE";
/// Runs it, and hands over what it found as sentences.
const RUN: &str = "const done = arguments[arguments.length - 1]; \
    axe.run(document, {resultTypes: ['violations']}).then( \
      (result) => done(result.violations.flatMap((one) => one.nodes.map( \
        (node) => `${one.id}: ${node.html.slice(0, 120)}: ${node.failureSummary}`))), \
      (error) => done([`axe failed: ${error}`]));";

/// The library's source, if it could be fetched.
fn library() -> Option<String> {
    let path = std::env::var_os(AXE)?;
    Some(std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
}

/// Puts it into every page that is loaded from now on.
fn bring(browser: &mut Browser, library: &str) {
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": library }));
}

/// What it finds on the page.
fn violations(browser: &mut Browser) -> Vec<String> {
    let found = browser.js_later(RUN);
    let list = found.as_array().expect("a list");
    list.iter().map(|one| one.as_str().expect("a sentence").to_owned()).collect()
}

/// A language and a look for it: between them they have every size and every light.
const WAYS: [(&str, Look); 2] = [("zh", Look::PHONE), ("en", Look { dark: true, ..Look::DESK })];

/// Runs a test with the library in the browser, if there are both.
fn with_axe(test: impl FnOnce(&mut Stage, &mut Browser)) {
    let Some(library) = library() else {
        return not_tested("axe-core", "AXE_CORE names no file; `cargo xtask test` fetches it");
    };
    visit(Look::PHONE, |stage, browser| {
        bring(browser, &library);
        test(stage, browser);
    });
}

#[test]
fn axe_finds_nothing_on_any_page_of_buyers() {
    with_axe(|stage, browser| {
        browser.expect_complaint("status of 404");
        let mut found = Vec::new();
        for (name, below) in buyers_pages(stage, browser) {
            for way in WAYS {
                look(browser, way, name, &below, &mut found);
            }
        }
        assert!(found.is_empty(), "{found:#?}");
    });
}

#[test]
fn axe_finds_nothing_on_any_page_of_the_desk() {
    with_axe(|stage, browser| {
        browser.expect_complaint("status of 404");
        let mut found = Vec::new();
        for (at, (name, below)) in desk_pages(stage, browser).into_iter().enumerate() {
            look(browser, WAYS[at % 2], name, &below, &mut found);
        }
        search(browser, "en");
        let violations = violations(browser);
        found.extend(violations.iter().map(|one| format!("en desk-found: {one}")));
        assert!(found.is_empty(), "{found:#?}");
    });
}

fn look(
    browser: &mut Browser,
    (language, look): (&str, Look),
    name: &str,
    below: &str,
    found: &mut Vec<String>,
) {
    browser.look_like(look);
    browser.go(&format!("/{language}{below}"));
    let violations = violations(browser);
    found.extend(violations.iter().map(|one| format!("{language} {name}: {one}")));
}

#[test]
fn axe_finds_what_is_planted() {
    with_axe(|_, browser| {
        browser.go("/zh/sign-in");
        assert_eq!(violations(browser), Vec::<String>::new());
        browser.js("document.querySelector('label').remove()");
        let found = violations(browser);
        assert!(found.iter().any(|one| one.starts_with("label")), "{found:?}");
    });
}
