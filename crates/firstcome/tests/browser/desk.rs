//! The organiser's way, from a spreadsheet to the export, with a buyer in a second browser; and every page of the desk
//! in both languages, both sizes, light and dark. Nobody but an operator may see any of it.

use super::{
    buying::open_page,
    checks::fine,
    every_page::{LANGUAGES, look_at, look_round},
    session::{Browser, Look},
    stage::{Stage, tickets, visit, window},
};
use crate::world::now_s;
use jiff::{Timestamp, tz};
use serde_json::json;
use std::path::PathBuf;

/// The codes of the giveaway.
const CODES: usize = 500;

/// A moment as the desk's forms have it: whole minutes in the configured zone, which is +08:00.
fn form_time(from_now_s: i64) -> String {
    let at = now_s().checked_add_signed(from_now_s).expect("in this century");
    let at = Timestamp::from_second(at.try_into().expect("in this century")).expect("a moment");
    let zone = tz::TimeZone::fixed(tz::offset(8));
    at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

fn code(number: usize) -> String {
    format!("COFFEE-{number:04}")
}

/// Signs the operator in by the form.
#[track_caller]
fn enter(browser: &mut Browser, path: &str) {
    browser.go(path);
    browser.until_at("/en/sign-in?next=");
    browser.fill("#name", "op");
    browser.fill("#password", "operator-pass");
    browser.click("main button");
    browser.until_at(path);
}

/// Fills the form of a new activity and looks at its preview; its address.
#[track_caller]
fn write_and_create(stage: &mut Stage, browser: &mut Browser) -> String {
    browser.click("a[href='/en/desk/new']");
    browser.fill("#name", "Coffee <for> everybody");
    browser.fill("#desc", "One cup each.\nBring your code.");
    browser.set("#start_time", &form_time(-60));
    browser.set("#end_time", &form_time(3_600));
    let mut sheet = String::from("code\n");
    (1..=CODES).for_each(|number| sheet.push_str(&format!("{}\n", code(number))));
    browser.paste("[name='t0.codes']", &sheet);
    fine(browser, "desk-2-writing");
    browser.click("button[value=preview]:not(.unseen)");
    browser.until_says(".preview", "Coffee <for> everybody");
    browser.until_says("main", "begins at once");
    fine(browser, "desk-3-preview");
    let on_sale = stage.op.get("/act/list?page=1").data()["list"].clone();
    assert_eq!(on_sale, json!([]), "a preview saves nothing");
    browser.click("button[form=writing][value=create]");
    browser.until_says("h1", "Coffee <for> everybody");
    browser.until_says("main", "500 codes");
    fine(browser, "desk-4-made");
    let address = browser.js("return new URL(document.querySelector('#address').value).pathname");
    address.as_str().expect("an address").to_owned()
}

/// Presses a switch of the live screen and confirms.
#[track_caller]
fn switch(browser: &mut Browser, live: &str, what: &str) {
    browser.click(&format!("a[href='{live}/{what}']"));
    browser.until_at(&format!("{live}/{what}"));
    fine(browser, &format!("desk-{what}"));
    if what == "close" {
        // Without being sure nothing happens.
        browser.click("form .button.strong");
        assert_eq!(browser.path(), format!("{live}/{what}"));
        browser.click("#sure");
    }
    browser.click("form .button.strong");
    browser.until("the live screen is back", |browser| {
        let path = browser.path();
        (path.split('?').next() == Some(live)).then_some(())
    });
}

/// Adds two codes, and one that is there already.
#[track_caller]
fn add_codes(browser: &mut Browser, live: &str) {
    browser.click(&format!("a[href='{live}/codes']"));
    browser.paste("#codes", &format!("LATE-1\n{}\nLATE-2\n", code(7)));
    browser.click("form .button.strong");
    browser.until_says("section.news h2", "2");
    browser.until_says("section.news", "already");
    fine(browser, "desk-6-codes");
}

/// The audit log names these, the newest first, with whatever else there is between them.
#[track_caller]
fn log_tells(browser: &mut Browser, actions: &[&str]) {
    browser.go("/en/desk/audit");
    let log = browser.until_shows("tbody").to_lowercase();
    let mut rest = log.as_str();
    for action in actions {
        let at = rest.find(action).unwrap_or_else(|| panic!("{action} in {log}"));
        rest = &rest[at..];
    }
}

/// The rows of the file that a press on this link downloads, and its headings.
#[track_caller]
fn download(browser: &mut Browser, link: &str) -> Vec<csv::StringRecord> {
    browser.click(link);
    let folder = browser.downloads();
    let file = browser.until("the export is there", |_| {
        let files = std::fs::read_dir(&folder).ok()?.flatten();
        let files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
        // Until it is whole it has another name beside it, or no length.
        let whole = files.iter().all(|file| file.extension().is_some_and(|end| end == "csv"));
        let file = files.into_iter().next().filter(|_| whole)?;
        (file.metadata().ok()?.len() > 0).then_some(file)
    });
    let text = std::fs::read_to_string(file).expect("UTF-8");
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("a row")).collect()
}

#[test]
fn a_giveaway_goes_from_the_spreadsheet_to_the_export_without_a_word_of_explanation() {
    visit(Look::DESK, |stage, browser| {
        enter(browser, "/en/desk");
        fine(browser, "desk-1-empty");
        let act = write_and_create(stage, browser);
        let id = act.rsplit('/').next().expect("it ends in the id").to_owned();
        let live = format!("/en/desk/act/{id}");

        // A buyer, in a browser of their own, while the live screen is open.
        browser.click(&format!("a[href='{live}']"));
        browser.until_says("#available", "500");
        let mut phone = stage.browser(Look::PHONE);
        let mut ann = stage.enters(&mut phone, "ann");
        open_page(&mut phone, &act);
        phone.click("#press");
        phone.until_says("#news", "You got it");
        assert_eq!(phone.until_shows("#news .ticket-code"), code(1));
        browser.until_says("#sold", "1");
        browser.until_says("#available", "499");
        browser.until_shows("#plot path");
        fine(browser, "desk-5-live");

        switch(browser, &live, "pause");
        browser.until_says("#state", "paused");
        let token = stage.token("bob");
        let mut bob = stage.op.with_token(&token);
        assert_eq!(bob.get(&format!("/ticket/get?actId={id}")).ret(), -11);
        switch(browser, &live, "resume");
        browser.until_says("#state", "open");
        assert_eq!(bob.get(&format!("/ticket/get?actId={id}")).data()["code"], code(2));

        add_codes(browser, &live);
        assert_eq!(stage.stats(&id)["total"], CODES + 2);

        browser.go("/en/desk/find");
        browser.fill("#q", &code(2));
        browser.click("form .button.strong");
        browser.until_says("tbody", "bob");
        fine(browser, "desk-7-find");

        browser.go(&live);
        let rows = download(browser, "a[download][href*='format=csv']:not([href*=what])");
        let column = |name: &str| rows[0].iter().position(|one| one == name).expect("a column");
        let (user, code_at) = (column("user"), column("code"));
        let got: Vec<_> =
            rows[1..].iter().map(|row| (&row[user], row[code_at].to_owned())).collect();
        assert_eq!(got, [("ann", code(1)), ("bob", code(2))]);

        switch(browser, &live, "close");
        browser.until_says("#state", "closed");
        assert!(!browser.shows(&format!("a[href='{live}/close']")));
        assert_eq!(ann.get(&format!("/ticket/get?actId={id}")).ret(), -1);
        phone.go(&act);
        phone.until_says("#press[aria-disabled=true]", "It is over");
        assert_eq!(tickets(&mut ann).len(), 1);

        let done = ["closed", "exported", "added codes", "resumed", "paused", "created"];
        log_tells(browser, &done);
        fine(browser, "desk-8-audit");
        phone.content();
    });
}

#[test]
fn what_is_wrong_in_the_form_is_said_at_its_field_and_nothing_typed_is_lost() {
    visit(Look::PHONE, |stage, browser| {
        browser.expect_complaint("status of 400");
        browser.sign_in(stage.op.token.as_deref().expect("signed in"));
        browser.go("/zh/desk/new");
        browser.fill("#name", "咖啡");
        browser.set("#start_time", &form_time(3_600));
        browser.set("#end_time", &form_time(-3_600));
        browser.paste("[name='t0.codes']", "A-1\nA-2\n");
        browser.click("button[value=create]:not(.unseen)");
        browser.until_shows("[role=alert]");
        fine(browser, "desk-wrong");
        assert_eq!(browser.js("return document.querySelector('#name').value"), "咖啡");
        assert_eq!(
            browser.js("return document.getElementById('t0.codes').value.trim()"),
            "A-1\nA-2"
        );
        assert!(browser.shows("[aria-invalid=true]"));
    });
}

#[test]
fn a_chosen_file_becomes_the_list_of_codes_for_everybody_to_see() {
    visit(Look::DESK, |stage, browser| {
        browser.sign_in(stage.op.token.as_deref().expect("signed in"));
        stage.sell_codes("movie", &["A-1"]);
        // As a spreadsheet in China saves it: GBK, with a heading.
        let mut sheet = vec![0xb6, 0xd2, 0xbb, 0xbb, 0xc2, 0xeb, b'\n'];
        sheet.extend(b"B-1\nB-2\n");
        let file = stage.world.file("codes.csv", sheet);
        browser.go("/en/desk/act/movie/codes");
        browser.choose_file("#codes-file", &file);
        browser.until_says(".chooser [role=status]", "3");
        let text = browser.js("return document.querySelector('#codes').value");
        assert_eq!(text, "兑换码\nB-1\nB-2\n");
        browser.click("form .button.strong");
        browser.until_says("section.news h2", "2");
        assert_eq!(stage.stats("movie")["total"], 3);
    });
}

#[test]
fn an_edited_activity_is_previewed_saved_and_seen_by_buyers() {
    visit(Look::DESK, |stage, browser| {
        stage.sell("movie", json!({"stock": 3}), json!({}));
        browser.sign_in(stage.op.token.as_deref().expect("signed in"));
        browser.go("/en/desk/act/movie/edit");
        browser.fill("#name", "Another night");
        browser.click("button[value=preview]:not(.unseen)");
        browser.until_says(".preview", "Another night");
        let name =
            |stage: &mut Stage| stage.op.get("/act/detail?actId=movie").data()["name"].clone();
        assert_ne!(name(stage), "Another night");
        fine(browser, "desk-edit-preview");
        browser.click("button[form=writing][value=save]");
        browser.until_shows("[role=status]");
        assert_eq!(name(stage), "Another night");
        browser.go("/en/act/movie");
        browser.until_says("h1", "Another night");
    });
}

#[test]
fn without_scripts_an_activity_is_written_paused_and_closed() {
    visit(Look { scripts: false, ..Look::DESK }, |stage, browser| {
        browser.sign_in(stage.op.token.as_deref().expect("signed in"));
        stage.sell("movie", json!({"stock": 3}), json!({}));
        for what in ["pause", "resume", "close"] {
            browser.go("/en/desk/act/movie");
            switch(browser, "/en/desk/act/movie", what);
            browser.until_shows("[role=status]");
        }
        assert_eq!(stage.op.get("/act/detail?actId=movie").data()["state"], "ended");
    });
}

#[test]
fn the_desk_is_for_operators_only() {
    visit(Look::DESK, |stage, browser| {
        browser.expect_complaint("status of 403");
        stage.sell("movie", json!({"stock": 3}), json!({}));
        stage.enters(browser, "ann");
        for below in ["", "/new", "/act/movie", "/act/movie/close", "/find", "/audit", "/people"] {
            browser.go(&format!("/en/desk{below}"));
            browser.until_says("h1", "organisers");
        }
    });
}

#[test]
fn every_page_of_the_desk_fits_its_screen_and_can_be_read_pressed_and_heard() {
    visit(Look::DESK, |stage, browser| {
        let pages = desk_pages(stage, browser);
        let mut found = Vec::new();
        for (name, below) in pages {
            look_at(browser, name, &below, &mut found);
        }
        for (language, dark_desk) in LANGUAGES {
            search(browser, language);
            look_round(browser, ("desk-found", language), dark_desk, &mut found);
        }
        assert!(found.is_empty(), "{found:#?}");
    });
}

/// Finds the first code of [`desk_pages`]; what is found has no address.
pub fn search(browser: &mut Browser, language: &str) {
    browser.go(&format!("/{language}/desk/find"));
    browser.fill("#q", "A-1");
    browser.click("form .button.strong");
    browser.until_says("tbody", "A-1");
}

/// The pages of an operator: what each is called, and its path below the language.
pub fn desk_pages(stage: &mut Stage, browser: &mut Browser) -> Vec<(&'static str, String)> {
    stage.sell_codes("codes", &["A-1", "A-2", "A-3"]);
    stage.sell("places", json!({"stock": 300}), json!({}));
    stage.sell("soon", json!({"stock": 3}), window(3_600, 7_200));
    stage.sell("over", json!({"stock": 3}), json!({}));
    stage.desk("/admin/act/close?actId=over");
    let token = stage.token("somebody-with-a-rather-long-name@company.example");
    let won = stage.op.with_token(&token).get("/ticket/get?actId=codes").data();
    let order = format!("/desk/order/{}", won["order_id"].as_str().expect("an id"));
    browser.sign_in(stage.op.token.as_deref().expect("signed in"));
    [
        ("desk", "/desk"),
        ("desk-new", "/desk/new"),
        ("desk-file", "/desk/file"),
        ("desk-people", "/desk/people"),
        ("desk-live", "/desk/act/codes"),
        ("desk-live-seats", "/desk/act/places"),
        ("desk-live-later", "/desk/act/soon"),
        ("desk-live-over", "/desk/act/over"),
        ("desk-edit", "/desk/act/codes/edit"),
        ("desk-codes", "/desk/act/codes/codes"),
        ("desk-pause", "/desk/act/codes/pause"),
        ("desk-refill", "/desk/act/places/refill"),
        ("desk-close", "/desk/act/codes/close"),
        ("desk-rehearse", "/desk/act/codes/rehearse"),
        ("desk-find", "/desk/find"),
        ("desk-audit", "/desk/audit"),
        ("desk-orders", "/desk/act/codes/orders"),
        ("desk-order", order.as_str()),
        ("desk-refund", &format!("{order}/refund")),
        ("desk-payments", "/desk/payments"),
        ("desk-webhooks", "/desk/webhooks"),
    ]
    .map(|(name, below)| (name, below.to_owned()))
    .into()
}
