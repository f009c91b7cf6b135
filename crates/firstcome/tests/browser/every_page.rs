//! Every page of the buyer's way, in both languages, both sizes, light and dark.
//! Nobody may be left out of any of them.

use super::{
    checks::faults,
    session::{Browser, Look},
    stage::{Stage, visit, window},
};
use serde_json::json;

/// A picture that needs no other host.
const PICTURE: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='16' \
                       height='9'%3E%3Crect width='16' height='9' fill='%23863'/%3E%3C/svg%3E";

/// The pages of somebody who is signed in and has tickets: what each is called, and its path below the language.
pub fn buyers_pages(stage: &mut Stage, browser: &mut Browser) -> Vec<(&'static str, String)> {
    stage.sell_codes("movie", &["CODE-0001-ABCD-EFGH", "CODE-2"]);
    stage.sell("seats", json!({"stock": 3}), json!({}));
    stage.sell("later", json!({"stock": 3}), window(3600, 7200));
    let kinds = json!([
        {"id": "a", "name": "前排 Front row", "desc": "靠近银幕 Near the screen", "stock": 3},
        {"id": "b", "name": "后排 Back row", "stock": 3, "limit_per_user": 2},
    ]);
    let changes = json!({"ticket": kinds, "image": PICTURE, "roster": ["ann"]});
    stage.sell("kinds", json!({}), changes);
    stage.sell("rest", json!({"stock": 1}), json!({}));
    stage.desk("/admin/act/pause?actId=rest");
    let price = json!({"stock": 3, "price": "9.90", "limit_per_user": 3, "pay_within_s": 900});
    stage.sell("priced", price, json!({}));
    stage.sell("queue", json!({"stock": 1}), json!({"standby": true}));
    stage.op.get("/ticket/get?actId=queue");
    let mut ann = stage.enters(browser, "ann");
    let held = ann.get("/ticket/get?actId=priced").data()["order_id"].clone();
    let order = format!("/order/{}", held.as_str().expect("an id"));
    let joined = ann.send("POST", "/act/standby?actId=queue", &[], b"").expect("an answer");
    assert_eq!(joined.ret(), 0, "{}", joined.json());
    let mut ticket = |act: &str| {
        let id = ann.get(&format!("/ticket/get?actId={act}")).data()["id"].clone();
        format!("/ticket/{}", id.as_str().expect("an id"))
    };
    vec![
        ("ticket-code", format!("{}?won=1", ticket("movie"))),
        ("ticket-plain", ticket("seats")),
        ("home", "/".to_owned()),
        ("act-priced-held", "/act/priced".to_owned()),
        ("act-in-line", "/act/queue".to_owned()),
        ("line", "/act/queue/line?typeId=seat".to_owned()),
        ("orders", "/orders".to_owned()),
        ("order-held", order.clone()),
        ("order-back", format!("{order}?back=1")),
        ("order-cancel", format!("{order}/cancel")),
        ("ticket-held", format!("{}-1", order.replace("/order/", "/ticket/"))),
        ("act-open", "/act/movie".to_owned()),
        ("act-later", "/act/later".to_owned()),
        ("act-kinds", "/act/kinds".to_owned()),
        ("act-paused", "/act/rest".to_owned()),
        ("tickets", "/tickets".to_owned()),
        ("sign-in", "/sign-in".to_owned()),
        ("register", "/register".to_owned()),
        ("account", "/account".to_owned()),
        ("nothing-here", "/act/no-such-activity".to_owned()),
    ]
}

/// The languages, and whether a wide screen is dark in them; the narrow one is the other way round.
pub const LANGUAGES: [(&str, bool); 2] = [("zh", true), ("en", false)];

/// Looks at a page in both languages, each in both sizes, and in each size in light and dark; adds what is wrong to
/// `found`.
pub fn look_at(browser: &mut Browser, name: &str, below: &str, found: &mut Vec<String>) {
    for (language, dark_desk) in LANGUAGES {
        browser.go(&format!("/{language}{below}"));
        look_round(browser, (name, language), dark_desk, found);
    }
}

/// Looks at the page that is open in both sizes.
pub fn look_round(
    browser: &mut Browser,
    (name, language): (&str, &str),
    dark_desk: bool,
    found: &mut Vec<String>,
) {
    for look in [Look { dark: !dark_desk, ..Look::PHONE }, Look { dark: dark_desk, ..Look::DESK }] {
        browser.look_like(look);
        browser.shot(&format!("{name}-{language}"));
        for fault in faults(browser) {
            // The same fault of the same page is told once, where it was seen first.
            if !found.iter().any(|one| one.contains(name) && one.ends_with(&fault)) {
                found.push(format!("{language} {name}, {} px: {fault}", look.width));
            }
        }
    }
}

#[test]
fn every_page_fits_its_screen_and_can_be_read_pressed_and_heard() {
    visit(Look::PHONE, |stage, browser| {
        browser.expect_complaint("status of 404");
        let mut found = Vec::new();
        browser.go("/zh/");
        browser.shot("home-none");
        for (name, below) in buyers_pages(stage, browser) {
            look_at(browser, name, &below, &mut found);
        }
        assert!(found.is_empty(), "{found:#?}");
    });
}
