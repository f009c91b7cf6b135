//! The first page with activities that nobody wishes for.
//! Whatever an operator writes must never become markup.

use super::*;
use crate::documents::html::tests::assert_strict;

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
        let page = render(&[shown(evil, ActivityState::Open)], true, language);
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
    let (html, _) = render(&activities, false, Language::Zh);
    for expected in [
        "lang=\"zh-CN\"",
        "电影票",
        "<b>137</b> / 500",
        "进行中",
        "未开始",
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
    let page = render(&[], false, Language::En);
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
