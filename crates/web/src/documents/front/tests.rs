//! The first page with activities that nobody wishes for.
//! Whatever an operator writes must never become markup.

use super::*;
use crate::documents::html::tests::assert_strict;
use http::HeaderValue;

const URL: &str = "http://tickets.example";

fn shown(text: &str, state: ActivityState) -> Shown {
    let window = |start: u64, end: u64| Window::new(TimeMs(start), TimeMs(end)).unwrap();
    let kind = |id: &str, available: u32, session| ShownType {
        id: id.to_owned(),
        name: text.to_owned(),
        price: None,
        limit: 1,
        session,
        supply: Supply { total: 500, available, held: 0, sold: 500 - available },
    };
    Shown {
        id: "movie-night".to_owned(),
        name: text.to_owned(),
        desc: format!("{text}\n{text}"),
        window: window(1_796_090_400_000, 1_796_097_600_000),
        state,
        roster: true,
        kinds: vec![
            kind("seat", 137, None),
            kind("late", 0, Some(window(1_796_094_000_000, 1_796_097_599_000))),
        ],
    }
}

#[test]
fn texts_of_operators_never_become_markup() {
    let evil = "</h3><script>alert(1)</script><img src=x onerror=\"x\">";
    for language in [Language::En, Language::Zh] {
        let page = render(&[shown(evil, ActivityState::Open)], true, URL, language);
        assert_strict(&page);
        assert!(page.0.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }
}

#[test]
fn the_page_says_what_is_left_of_what_and_how_to_claim_it() {
    let activities = [
        shown("Later", ActivityState::Upcoming),
        Shown { id: "tea".to_owned(), ..shown("电影票", ActivityState::Open) },
    ];
    let (html, _) = render(&activities, false, URL, Language::Zh);
    for expected in [
        "lang=\"zh-CN\"",
        "电影票",
        "<b>137</b> / 500",
        "进行中",
        "未开始",
        "<pre>URL=&#39;http://tickets.example&#39;",
        "$URL/ticket/get?actId=tea&amp;typeId=seat",
        ">2026-12-01 10:00 –</span> <span class=\"moment\">12:00 +08:00</span>",
        ">2026-12-01 02:00 –</span> <span class=\"moment\">04:00 UTC</span>",
        "href=\"/docs\"",
        "href=\"/openapi.json\"",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
    assert!(!html.contains("/act/list\""));
}

#[test]
fn an_empty_server_says_so_and_still_explains() {
    let page = render(&[], false, URL, Language::En);
    assert_strict(&page);
    assert!(page.0.contains("Nothing is on sale now."));
    assert!(page.0.contains("actId=movie-night"));
}

#[test]
fn a_span_names_the_day_once_unless_it_ends_on_another() {
    let at = |text: &str| text.parse::<DateTime>().unwrap();
    let table = [
        ("2026-12-01T10:00:00", "2026-12-01T12:00:00", "2026-12-01 10:00 –|12:00 UTC"),
        (
            "2026-12-01T10:00:00",
            "2026-12-31T23:59:59",
            "2026-12-01 10:00 –|2026-12-31 23:59:59 UTC",
        ),
    ];
    for (start, end, expected) in table {
        let (first, last) = expected.split_once('|').unwrap();
        let told = span_text(at(start), at(end), "UTC");
        let moment = |text: &str| format!("<span class=\"moment\">{text}</span>");
        assert_eq!(told, format!("{} {}", moment(first), moment(last)));
    }
    assert!(window_text(Window::new(TimeMs(0), TimeMs(u64::MAX)).unwrap()).contains("9999-12-31"));
}

fn url_for(hosts: &[&[u8]], settings: &WebSettings) -> String {
    let mut headers = HeaderMap::new();
    for host in hosts {
        headers.append(HOST, HeaderValue::from_bytes(host).expect("a header value"));
    }
    url(&headers, settings)
}

#[test]
fn the_commands_name_the_server_as_the_request_did() {
    let plain = WebSettings::default();
    let secure = WebSettings { cookie_secure: true, ..WebSettings::default() };
    let label = "a".repeat(HOST_CHARS_MAX);
    for host in [
        "tickets.example",
        "tickets.example:8080",
        "Shop-1.my_net:65535",
        "127.0.0.1:3000",
        "[::1]:3000",
        "[2001:db8::7]",
        &label,
    ] {
        assert_eq!(url_for(&[host.as_bytes()], &plain), format!("http://{host}"));
        assert_eq!(url_for(&[host.as_bytes()], &secure), format!("https://{host}"));
    }
}

#[test]
fn a_host_that_is_none_is_never_shown() {
    let secure = WebSettings { cookie_secure: true, ..WebSettings::default() };
    let long = "a".repeat(HOST_CHARS_MAX + 1);
    for host in [
        "",
        " ",
        ":3000",
        "a b",
        "a:",
        "a:0",
        "a:65536",
        "a:+80",
        "a:80:80",
        "a/b",
        "user@a",
        "a?b",
        "a';id;'",
        "$(id)",
        "`id`",
        "<script>",
        "a\"b",
        "a&b",
        "a%41",
        "[",
        "[::1",
        "[::1]x",
        "[::1]3000",
        "[v1.a]",
        "[fe80::1%25eth0]",
        "票.example",
        &long,
    ] {
        let shown = url_for(&[host.as_bytes()], &secure);
        assert_eq!(shown, "http://127.0.0.1:3000", "{host:?}");
    }
    let two: [&[u8]; 2] = [b"tickets.example", b"tickets.example"];
    for hosts in [&[][..], &two, &[b"\xff.example"]] {
        assert_eq!(url_for(hosts, &secure), "http://127.0.0.1:3000", "{hosts:?}");
    }
}

#[test]
fn a_listener_on_every_address_is_shown_as_one_that_can_be_reached() {
    let table = [
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:3000", "http://[::1]:3000"),
        ("192.0.2.7:3000", "http://192.0.2.7:3000"),
    ];
    for (listen, expected) in table {
        let listen = listen.parse().unwrap();
        assert_eq!(url_for(&[], &WebSettings { listen, ..WebSettings::default() }), expected);
    }
}
