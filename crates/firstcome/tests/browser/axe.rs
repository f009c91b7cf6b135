//! The rules of axe-core, on every page. The library is not ours and not in the repository: `cargo xtask test` fetches
//! one fixed version where there is a network, and says loudly where it could not.

use super::{
    desk::{desk_pages, search},
    every_page::buyers_pages,
    session::{Browser, Look},
    stage::visit,
};
use crate::world::not_tested;

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

/// What it finds on the page.
fn violations(browser: &mut Browser, library: &str) -> Vec<String> {
    browser.js(library);
    let found = browser.js_later(RUN);
    let list = found.as_array().expect("a list");
    list.iter().map(|one| one.as_str().expect("a sentence").to_owned()).collect()
}

#[test]
fn axe_finds_nothing_on_any_page() {
    let Some(library) = library() else {
        return not_tested("axe-core", "AXE_CORE names no file; `cargo xtask test` fetches it");
    };
    visit(Look::PHONE, |stage, browser| {
        browser.expect_complaint("status of 404");
        let ways = [("zh", Look::PHONE), ("en", Look { dark: true, ..Look::DESK })];
        let mut found = Vec::new();
        for (name, below) in buyers_pages(stage, browser) {
            for way in ways {
                look(browser, &library, way, name, &below, &mut found);
            }
        }
        for (at, (name, below)) in desk_pages(stage, browser).into_iter().enumerate() {
            look(browser, &library, ways[at % 2], name, &below, &mut found);
        }
        search(browser, "en");
        let violations = violations(browser, &library);
        found.extend(violations.iter().map(|one| format!("en desk-found: {one}")));
        assert!(found.is_empty(), "{found:#?}");
    });
}

fn look(
    browser: &mut Browser,
    library: &str,
    (language, look): (&str, Look),
    name: &str,
    below: &str,
    found: &mut Vec<String>,
) {
    browser.look_like(look);
    browser.go(&format!("/{language}{below}"));
    let violations = violations(browser, library);
    found.extend(violations.iter().map(|one| format!("{language} {name}: {one}")));
}

#[test]
fn axe_finds_what_is_planted() {
    let Some(library) = library() else { return };
    visit(Look::PHONE, |_, browser| {
        browser.go("/zh/sign-in");
        assert_eq!(violations(browser, &library), Vec::<String>::new());
        browser.js("document.querySelector('label').remove()");
        let found = violations(browser, &library);
        assert!(found.iter().any(|one| one.starts_with("label")), "{found:?}");
    });
}
