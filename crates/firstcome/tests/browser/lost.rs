//! What gets lost on the way: the page, the reply, the server, the network, the sign-in. Whatever it is, the same
//! request is asked again under the same key, and it ends in one ticket.

use super::{
    buying::open_page,
    checks::fine,
    session::{Browser, Look},
    stage::{only_ticket, tickets, visit},
};
use crate::world::Client;
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A browser whose commands do not wait for a server that is being held.
const FREE: Look = Look { waits: false, ..Look::PHONE };
/// What the browser says of a request that came to nothing.
const NO_ANSWER: &str = "net::ERR_";
/// Bytes of a reply that end somewhere in its headers or soon after.
const REPLY_CUT_AT: usize = 400;

/// Waits until the page has heard whose requests its requests are: the whole answer has come, not just the question gone.
#[track_caller]
fn until_it_knows_who(browser: &mut Browser) {
    browser.until("who it is for is known", |browser| {
        let heard = "return performance.getEntriesByType('resource')\
            .some((one) => one.name.endsWith('/user/me') && one.responseEnd > 0)";
        (browser.js(heard) == true).then_some(())
    });
}

/// The claim has ended in one ticket, under one key that was asked so many times or more.
#[track_caller]
fn ended_in_one(browser: &mut Browser, person: &mut Client, times_min: usize) {
    browser.until_says("#news", "抢到了");
    only_ticket(person);
    let mut keys = browser.claims();
    assert!(keys.len() >= times_min, "{keys:?}");
    keys.dedup();
    assert_eq!(keys.len(), 1, "{keys:?}");
}

/// C2.
#[test]
fn reloading_while_it_asks_goes_on_with_the_same_key_and_ends_in_one_ticket() {
    visit(FREE, |stage, browser| {
        stage.sell("movie", json!({"stock": 10, "limit_per_user": 5}), json!({}));
        let mut ann = stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        until_it_knows_who(browser);
        stage.world.signal("STOP");
        browser.click("#press");
        browser.until_says("#news", "正在抢");
        browser.until("it was asked", |browser| (browser.claims().len() == 1).then_some(()));
        fine(browser, "lost-asking");
        // From the browser's own copy, for a reload would wait for the server, and the first answer could come before.
        browser.js("location.assign(location.pathname)");
        browser.until("the new page asks whose request it is", |browser| {
            (browser.asked().iter().filter(|one| one.path == "/user/me").count() >= 2).then_some(())
        });
        stage.world.signal("CONT");
        ended_in_one(browser, &mut ann, 2);
        // Nothing is left to be gone on with.
        browser.reload();
        browser.until_shows("#mine a");
        assert!(!browser.shows("#news"));
        only_ticket(&mut ann);
    });
}

/// C2.
#[test]
fn a_server_that_dies_while_it_is_asked_and_comes_back_gives_one_ticket() {
    visit(FREE, |stage, browser| {
        browser.expect_complaint(NO_ANSWER);
        stage.sell("movie", json!({"stock": 10, "limit_per_user": 5}), json!({}));
        let ann = stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        stage.world.signal("STOP");
        browser.click("#press");
        browser.until("it was asked", |browser| (browser.claims().len() == 1).then_some(()));
        stage.kill_and_start();
        ended_in_one(browser, &mut ann.again(), 2);
    });
}

/// Stands between the browser and the server and keeps the reply to the first claim, or the end of it, for itself.
struct Thief {
    address: String,
    claims: Arc<AtomicUsize>,
}

impl Thief {
    /// One that lets so many bytes of that reply pass.
    fn before(server: &str, passes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has one").to_string();
        let (server, claims) = (server.to_owned(), Arc::<AtomicUsize>::default());
        let seen = Arc::clone(&claims);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), server) = (stream, server.clone()) else { return };
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || between(stream, &server, &seen, passes));
            }
        });
        Self { address, claims }
    }
}

/// One connection, of which each side waits for the other: a request is whole when the server answers it.
fn between(mut browser: TcpStream, server: &str, seen: &AtomicUsize, passes: usize) -> Option<()> {
    let mut server = TcpStream::connect(server).ok()?;
    let mut bytes = [0; 64 * 1024];
    loop {
        let asked = browser.read(&mut bytes).ok().filter(|read| *read > 0)?;
        let claims = bytes.starts_with(b"POST /ticket/get");
        server.write_all(&bytes[..asked]).ok()?;
        let told = server.read(&mut bytes).ok().filter(|read| *read > 0)?;
        if claims && seen.fetch_add(1, Ordering::SeqCst) == 0 {
            browser.write_all(&bytes[..passes.min(told)]).ok()?;
            return None;
        }
        browser.write_all(&bytes[..told]).ok()?;
    }
}

/// C2, C9: where nothing of a reply comes, the browser itself asks again, as any transparent client may.
#[test]
fn a_winner_whose_reply_is_lost_is_told_so_when_it_is_asked_again() {
    for (passes, asks) in [(0, 1), (REPLY_CUT_AT, 2)] {
        visit(Look::PHONE, |stage, _| {
            stage.sell("movie", json!({"stock": 1}), json!({}));
            let thief = Thief::before(stage.world.address(), passes);
            let mut browser = Browser::beside(&thief.address, Look::PHONE);
            let mut ann = stage.enters(&mut browser, "ann");
            browser.expect_complaint(NO_ANSWER);
            open_page(&mut browser, "/zh/act/movie");
            browser.click("#press");
            ended_in_one(&mut browser, &mut ann, asks);
            assert!(thief.claims.load(Ordering::SeqCst) >= 2);
            browser.content();
        });
    }
}

#[test]
fn a_claim_begun_offline_goes_on_by_itself_when_the_network_is_back() {
    visit(Look::PHONE, |stage, browser| {
        browser.expect_complaint(NO_ANSWER);
        stage.sell("movie", json!({"stock": 10, "limit_per_user": 5}), json!({}));
        let mut ann = stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        browser.offline(true);
        browser.click("#press");
        browser.until_says("#news", "网络已断开");
        fine(browser, "lost-offline");
        assert!(tickets(&mut ann).is_empty());
        browser.offline(false);
        ended_in_one(browser, &mut ann, 1);
    });
}

/// Registers on the page that a lost sign-in leads to, and comes back.
#[track_caller]
fn come_back_as(browser: &mut Browser, name: &str) {
    browser.until_says("#news", "请先登录");
    fine(browser, "lost-sign-in");
    browser.click("#news a");
    browser.until_at("/zh/sign-in?next=");
    browser.fill("#name", name);
    browser.fill("#password", "a-long-password");
    browser.click("main button");
    browser.until_at("/zh/act/movie");
}

#[test]
fn a_sign_in_lost_in_the_middle_is_asked_for_and_then_it_goes_on() {
    visit(Look::PHONE, |stage, browser| {
        browser.expect_complaint("status of 401");
        stage.sell("movie", json!({"stock": 10, "limit_per_user": 5}), json!({}));
        let body = json!({"name": "ann", "password": "a-long-password"});
        let token = stage.world.client().post_json("/user/register", &body).data()["token"].clone();
        let token = token.as_str().expect("a token");
        let mut ann = stage.op.with_token(token);
        browser.sign_in(token);
        open_page(browser, "/zh/act/movie");
        until_it_knows_who(browser);
        browser.forget_sign_in();
        browser.click("#press");
        come_back_as(browser, "ann");
        ended_in_one(browser, &mut ann, 2);
    });
}

#[test]
fn a_request_of_one_person_is_not_gone_on_with_for_another() {
    visit(Look::PHONE, |stage, browser| {
        browser.expect_complaint("status of 401");
        stage.sell("movie", json!({"stock": 10}), json!({}));
        let body = json!({"name": "bob", "password": "a-long-password"});
        let token = stage.world.client().post_json("/user/register", &body).data()["token"].clone();
        let mut bob = stage.op.with_token(token.as_str().expect("a token"));
        stage.enters(browser, "ann");
        open_page(browser, "/zh/act/movie");
        until_it_knows_who(browser);
        browser.forget_sign_in();
        browser.click("#press");
        come_back_as(browser, "bob");
        browser.until_shows("#press[aria-disabled=false]");
        assert!(tickets(&mut bob).is_empty());
        assert_eq!(browser.claims().len(), 1);
    });
}

#[test]
fn whoever_presses_without_being_signed_in_has_the_ticket_after_registering() {
    visit(Look::PHONE, |stage, browser| {
        browser.expect_complaint("status of 401");
        stage.sell_codes("movie", &["CODE-1"]);
        open_page(browser, "/zh/act/movie");
        browser.click("#press");
        browser.until_says("#news", "请先登录");
        browser.click("#news a");
        browser.click("a[href^='/zh/register']");
        browser.fill("#name", "小明");
        browser.fill("#password", "a-long-password");
        browser.click("main button");
        browser.until_at("/zh/act/movie");
        browser.until_says("#news", "抢到了");
        assert_eq!(browser.until_shows("#news .ticket-code"), "CODE-1");
    });
}
