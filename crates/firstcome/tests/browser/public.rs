//! What everybody gets of an activity's page: the same bytes, from anywhere between here and them, and few of them.
//! Nothing of a person may be among them.

use super::{session::Look, stage::visit};
use crate::world::Answer;
use serde_json::json;

/// Bytes of the first view of an activity, compressed, that a page may have.
const PAGE_BYTES_MAX: usize = 10_000;
const FOR_EVER: &str = "public, max-age=31536000, immutable";

#[test]
fn the_page_of_an_activity_is_the_same_bytes_for_everybody() {
    visit(Look::PHONE, |stage, _| {
        stage.sell("movie", json!({"stock": 10}), json!({}));
        for path in ["/zh/act/movie", "/en/act/movie", "/zh/", "/en/"] {
            let cookie = |token: &str| format!("firstcome_session={token}");
            let (ann, bob) = (cookie(&stage.token("ann")), cookie(&stage.token("bob")));
            let get = |cookie: &str, language: &str| {
                let headers = [("cookie", cookie), ("accept-language", language)];
                stage.world.client().get_with(path, &headers)
            };
            let first = get(&ann, "zh");
            for (cookie, language) in [(bob.as_str(), "en"), ("firstcome_session=broken", "zh")] {
                let other = get(cookie, language);
                assert_eq!((first.status, &first.body), (other.status, &other.body), "{path}");
                assert_eq!(first.header("etag"), other.header("etag"), "{path}");
            }
            kept(&first, path);
            let etag = first.header("etag").expect("a tag").to_owned();
            let headers = [("if-none-match", etag.as_str())];
            let again = stage.world.client().get_with(path, &headers);
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
            assert_eq!(again.header("etag"), Some(etag.as_str()));
        }
    });
}

/// A page that anybody may keep says so, and names nobody.
#[track_caller]
fn kept(page: &Answer, path: &str) {
    assert_eq!(page.status, 200, "{path}");
    let keep = page.header("cache-control").expect("it says who may keep it");
    assert!(keep.starts_with("public, max-age="), "{path}: {keep}");
    assert_eq!(page.header("set-cookie"), None, "{path}");
    assert_eq!(page.header("vary"), Some("accept-encoding"), "{path}");
}

#[test]
fn the_first_view_of_an_activity_is_small_and_its_script_and_style_are_kept_for_ever() {
    visit(Look::PHONE, |stage, browser| {
        stage.sell("movie", json!({"stock": 10}), json!({}));
        let mut client = stage.world.client();
        let gzip = [("accept-encoding", "gzip")];
        let page = client.get_with("/zh/act/movie", &gzip);
        assert_eq!(page.header("content-encoding"), Some("gzip"));
        assert!(page.body.len() <= PAGE_BYTES_MAX, "{} bytes", page.body.len());

        browser.go("/zh/act/movie");
        let names = "return performance.getEntriesByType('resource').map(one => [\
                     one.initiatorType, new URL(one.name).pathname])";
        let found = browser.js(names);
        let found: Vec<(&str, &str)> = found
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| (one[0].as_str().unwrap_or_default(), one[1].as_str().unwrap_or_default()))
            .collect();
        let assets = |end: &str| found.iter().filter(|(_, path)| path.ends_with(end)).count();
        assert!(assets(".css") == 1 && assets(".js") <= 1, "{found:?}");
        for (_, path) in found.iter().filter(|(_, path)| path.starts_with("/assets/")) {
            let asset = client.get_with(path, &gzip);
            assert_eq!(asset.header("cache-control"), Some(FOR_EVER), "{path}");
            assert_eq!(asset.header("content-encoding"), Some("gzip"), "{path}");
        }
    });
}

#[test]
fn a_page_of_a_person_is_kept_by_nobody() {
    visit(Look::PHONE, |stage, _| {
        stage.sell("movie", json!({"stock": 10}), json!({}));
        let token = stage.token("ann");
        let mut ann = stage.op.with_token(&token);
        let ticket = ann.get("/ticket/get?actId=movie").data();
        let ticket = format!("/zh/ticket/{}", ticket["id"].as_str().expect("an id"));
        let cookie = format!("firstcome_session={token}");
        for path in ["/zh/tickets", "/zh/account", "/zh/sign-in", &ticket] {
            let page = stage.world.client().get_with(path, &[("cookie", &cookie)]);
            assert_eq!(page.status, 200, "{path}");
            assert_eq!(page.header("cache-control"), Some("private, no-store"), "{path}");
            assert_eq!(page.header("etag"), None, "{path}");
        }
    });
}
