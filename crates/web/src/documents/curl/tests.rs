//! The commands with names and activities that nobody wishes for.
//! Whatever somebody wrote must never become markup, nor a command of its own.

use super::*;
use crate::documents::html::tests::assert_strict;
use http::HeaderValue;

const URL: &str = "http://tickets.example";

#[test]
fn the_commands_claim_the_example_and_name_its_type_where_there_are_several() {
    let table = [
        (Example::NONE, "$URL/ticket/get?actId=movie-night&quot;"),
        (Example { act: "tea", kind: None }, "$URL/ticket/get?actId=tea&quot;"),
        (
            Example { act: "tea", kind: Some("seat") },
            "$URL/ticket/get?actId=tea&amp;typeId=seat&quot;",
        ),
    ];
    for (example, expected) in table {
        for language in [Language::En, Language::Zh] {
            let page = render(example, URL, language);
            assert_strict(&page);
            assert!(page.0.contains(expected), "{expected} in {}", page.0);
            assert!(page.0.contains("<pre>URL=&#39;http://tickets.example&#39;"));
        }
    }
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
