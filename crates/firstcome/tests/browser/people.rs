//! Registering, signing in and out, and the two languages.
//! A password is never shown again, not even to the one who typed it.

use super::{
    session::{ENTER, Look, TAB},
    stage::{visit, visit_world},
};
use crate::world::World;
use serde_json::json;

#[test]
fn whoever_registers_is_signed_in_and_goes_on_to_where_they_were() {
    visit(Look::PHONE, |stage, browser| {
        stage.sell_codes("movie", &["CODE-1"]);
        browser.go("/zh/tickets");
        browser.until_at("/zh/sign-in?next=/zh/tickets");
        browser.click("a[href^='/zh/register']");
        browser.until_says("h1", "注册");
        browser.fill("#name", "小明");
        browser.fill("#password", "a-long-password");
        browser.shot("register");
        browser.click("main button");
        browser.until_at("/zh/tickets");
        browser.until_says("main", "小明");
        browser.shot("tickets-none");

        browser.go("/zh/account");
        browser.click("form[action='/zh/sign-out'] button");
        browser.until_at("/zh/");
        browser.go("/zh/account");
        browser.until_at("/zh/sign-in?next=/zh/account");
        browser.fill("#name", "小明");
        browser.fill("#password", "a-long-password");
        browser.keys(ENTER);
        browser.until_says("h1", "小明");
    });
}

#[test]
fn a_wrong_password_is_said_and_the_name_stays() {
    visit(Look::DESK, |_, browser| {
        browser.expect_complaint("status of 401");
        browser.go("/en/sign-in?next=/en/tickets");
        browser.fill("#name", "nobody");
        browser.fill("#password", "wrong-password");
        browser.click("main button");
        browser.until_shows("[role=alert]");
        browser.shot("sign-in-wrong");
        assert_eq!(browser.js("return document.querySelector('#name').value"), "nobody");
        assert_eq!(browser.js("return document.querySelector('#password').value"), "");
        assert_eq!(browser.js("return document.querySelector('[name=next]').value"), "/en/tickets");
    });
}

#[test]
fn a_changed_password_signs_out_everywhere_else() {
    visit(Look::DESK, |stage, browser| {
        let answer = stage
            .world
            .client()
            .post_json("/user/register", &json!({"name": "ann", "password": "first-password"}));
        let elsewhere = answer.data()["token"].as_str().expect("a token").to_owned();
        browser.go("/en/sign-in");
        browser.fill("#name", "ann");
        browser.fill("#password", "first-password");
        browser.click("main button");
        browser.until_at("/en/");
        browser.go("/en/account");
        browser.fill("#old", "first-password");
        browser.fill("#new", "second-password");
        browser.shot("account");
        browser.click("form[action='/en/account/password'] button");
        browser.until_at("/en/account?changed=1");
        browser.until_shows("[role=status]");
        assert_eq!(stage.op.with_token(&elsewhere).get("/user/me").status, 401);
    });
}

#[test]
fn the_language_is_the_browsers_until_the_switch_is_pressed() {
    for (look, first, heading, other, switched) in [
        (Look::PHONE, "/zh/", "先到先得", "/en/", "First come"),
        (Look { language: "en-GB", ..Look::PHONE }, "/en/", "First come", "/zh/", "先到先得"),
    ] {
        visit(look, |_, browser| {
            browser.go("/");
            assert_eq!(browser.path(), first);
            browser.until_says("h1", heading);
            browser.click("nav a[hreflang]");
            browser.until_at(other);
            browser.until_says("h1", switched);
        });
    }
}

#[test]
fn where_nobody_may_register_nobody_is_invited_to() {
    let world = World::cheap().set("FIRSTCOME_DOOR_REGISTRATION_OPEN", "false");
    visit_world(world, Look::DESK, |_, browser| {
        browser.expect_complaint("status of 403");
        browser.go("/en/sign-in");
        assert!(!browser.shows("a[href^='/en/register']"));
        browser.go("/en/register");
        browser.until_shows("h1");
        assert!(!browser.shows("#password"));
    });
}

#[test]
fn the_first_tab_leads_past_the_head_of_the_page() {
    visit(Look::DESK, |_, browser| {
        browser.go("/en/");
        browser.keys(TAB);
        let focus = "return document.activeElement.className";
        assert_eq!(browser.js(focus), "skip");
        assert_eq!(
            browser.js("return document.activeElement.getBoundingClientRect().left >= 0"),
            true
        );
        browser.keys(ENTER);
        browser.until_at("/en/#main");
    });
}
