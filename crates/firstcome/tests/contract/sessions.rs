//! Tokens and the cookie: what they open, what ends them, and what the cookie alone may not do.
//! Passwords here cost as little as the configuration allows.

use super::stage::{Stage, claim, data, fails, refused, text};
use crate::world::{Answer, Client, World};
use serde_json::json;

fn register(client: &mut Client, name: &str, password: &str) -> Answer {
    client.post_json("/user/register", &json!({"name": name, "password": password}))
}

fn login(client: &mut Client, name: &str, password: &str) -> Answer {
    client.post_json("/user/login", &json!({"name": name, "password": password}))
}

fn token(answer: &Answer) -> String {
    text(&data(answer)["token"]).to_owned()
}

/// The cookie's value and its attributes in lower case.
fn cookie(answer: &Answer) -> (String, Vec<String>) {
    let text = answer.header("set-cookie").expect("a cookie");
    let mut parts = text.split(';').map(str::trim);
    let value = parts.next().and_then(|pair| pair.strip_prefix("firstcome_session="));
    (value.expect("its name").to_owned(), parts.map(str::to_ascii_lowercase).collect())
}

#[test]
fn people_register_sign_in_and_sign_out() {
    let stage = Stage::new();
    let mut stranger = stage.stranger();
    let answer = register(&mut stranger, "  李雷 ", "correct horse");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let registered = data(&answer);
    let user = registered["user"].clone();
    assert_eq!((&user["name"], &user["role"]), (&json!("李雷"), &json!("buyer")));
    assert!(!text(&user["id"]).is_empty(), "ids are strings");
    assert_eq!(user.as_object().map(serde_json::Map::len), Some(3));
    let (value, attributes) = cookie(&answer);
    assert_eq!(value, text(&registered["token"]));
    for attribute in ["httponly", "samesite=lax", "path=/"] {
        assert!(attributes.iter().any(|one| one == attribute), "{attributes:?}");
    }
    assert!(!attributes.iter().any(|one| one == "secure"), "only under https");

    assert!(fails(&register(&mut stranger, "李雷", "another one"), 409).contains("name"));
    fails(&register(&mut stranger, "op", "another one"), 409);
    let signed = login(&mut stranger, "李雷", "correct horse");
    assert_eq!(data(&signed)["user"], user);
    assert_eq!(cookie(&signed).0, token(&signed));
    let mut person = stage.op.with_token(&token(&signed));
    let me = person.get("/user/me");
    assert_eq!((data(&me), me.header("cache-control")), (user.clone(), Some("private, no-store")));
    let other = token(&login(&mut stranger, "李雷", "correct horse"));
    let out = person.post_json("/user/logout", &json!({}));
    data(&out);
    assert_eq!(cookie(&out).0, "", "the cookie is taken away");
    fails(&person.get("/user/me"), 401);
    data(&stage.op.with_token(&other).get("/user/me"));
    fails(&stage.stranger().get("/user/me"), 401);
    fails(&stage.stranger().post_json("/user/logout", &json!({})), 401);
}

#[test]
fn a_wrong_name_and_a_wrong_password_are_the_same_answer() {
    let mut stage = Stage::new();
    stage.person("vouched");
    let mut stranger = stage.stranger();
    let wrong = [
        ("op", "wrong-pass"),
        ("nobody", "wrong-pass"),
        ("vouched", ""),
        ("OP", "operator-pass"),
        ("", ""),
    ];
    let answers: Vec<Answer> =
        wrong.iter().map(|(name, pass)| login(&mut stranger, name, pass)).collect();
    for answer in &answers {
        fails(answer, 401);
        assert_eq!(answer.json(), answers[0].json());
        assert!(answer.header("set-cookie").is_none());
    }
    for body in
        ["", "{}", "[]", "{\"name\": \"op\"}", "{\"name\": 5, \"password\": \"x\"}", "not json"]
    {
        let headers = [("content-type", "application/json")];
        let answer = stranger.send("POST", "/user/login", &headers, body.as_bytes()).unwrap();
        fails(&answer, 400);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("not json"),
            "a body may hold a password"
        );
    }
    fails(
        &stranger.send("POST", "/user/login", &[], br#"{"name":"op","password":"x"}"#).unwrap(),
        415,
    );
    for (name, password) in
        [("", "long enough"), ("  ", "long enough"), ("a\nb", "long enough"), ("short", "x")]
    {
        fails(&register(&mut stranger, name, password), 400);
    }
    fails(&register(&mut stranger, &"x".repeat(300), "long enough"), 400);
}

#[test]
fn names_are_nfc_trimmed_and_case_sensitive() {
    let stage = Stage::new();
    let mut stranger = stage.stranger();
    data(&register(&mut stranger, "re\u{301}mi", "correct horse"));
    fails(&register(&mut stranger, "r\u{e9}mi ", "correct horse"), 409);
    data(&register(&mut stranger, "R\u{e9}mi", "correct horse"));
    let signed = data(&login(&mut stranger, " r\u{e9}mi", "correct horse"));
    assert_eq!(signed["user"]["name"], "r\u{e9}mi");
}

#[test]
fn registration_can_be_switched_off_and_cookies_made_secure() {
    let world = World::cheap()
        .set("FIRSTCOME_DOOR_REGISTRATION_OPEN", "false")
        .set("FIRSTCOME_SERVER_COOKIE_SECURE", "true");
    let stage = Stage::on(world);
    let mut stranger = stage.stranger();
    fails(&register(&mut stranger, "somebody", "correct horse"), 403);
    let (_, attributes) = cookie(&login(&mut stranger, "op", "operator-pass"));
    assert!(attributes.iter().any(|one| one == "secure"), "{attributes:?}");
}

#[test]
fn a_new_password_and_leaving_everywhere_end_all_sessions_for_good() {
    let mut stage = Stage::new();
    let mut stranger = stage.stranger();
    let first = token(&register(&mut stranger, "p", "first password"));
    let second = token(&login(&mut stranger, "p", "first password"));
    let change = json!({"old": "first password", "new": "second password"});
    let mut person = stage.op.with_token(&first);
    let wrong = json!({"old": "guessed", "new": "second password"});
    fails(&person.post_json("/user/password", &wrong), 401);
    fails(&stranger.post_json("/user/password", &change), 401);
    data(&person.get("/user/me"));
    let third = token(&person.post_json("/user/password", &change));
    for ended in [&first, &second] {
        fails(&stage.op.with_token(ended).get("/user/me"), 401);
    }
    data(&stage.op.with_token(&third).get("/user/me"));
    fails(&login(&mut stranger, "p", "first password"), 401);
    let fourth = token(&login(&mut stranger, "p", "second password"));
    data(&stage.op.with_token(&fourth).post_json("/user/logout?everywhere=1", &json!({})));
    let fifth = token(&login(&mut stranger, "p", "second password"));
    let sixth = token(&login(&mut stranger, "p", "second password"));
    data(&stage.op.with_token(&sixth).post_json("/user/logout", &json!({})));
    let check = |stage: &Stage| {
        let client = stage.world.client();
        for ended in [&first, &second, &third, &fourth, &sixth] {
            fails(&client.with_token(ended).get("/user/me"), 401);
            fails(&client.with_token(ended).get("/act/list"), 401);
        }
        data(&client.with_token(&fifth).get("/user/me"));
    };
    check(&stage);
    stage.restart();
    check(&stage);
    data(&stage.op.get("/user/me"));
}

/// C26: every token is one person's and one sign-in's, and nothing that was not given out passes.
#[test]
fn no_text_passes_for_a_token() {
    let mut stage = Stage::selling(json!({"stock": 9}));
    let elsewhere = Stage::new();
    let person = stage.person("p");
    let good = person.token.clone().expect("signed in");
    let other = stage.person("q").token.expect("signed in");
    assert_ne!(good, other);
    assert_ne!(stage.person("p").token, Some(good.clone()), "two sign-ins are two tokens");
    let mut wrong: Vec<String> =
        ["", "x", "1", "null", "true", "admin", "p", "Bearer"].map(str::to_owned).to_vec();
    for (at, one) in good.char_indices() {
        for change in ['A', 'B', '_'] {
            // The last character may carry bits that stand for nothing, so only real changes count.
            if change != one && at + 1 < good.len() {
                wrong.push(format!("{}{change}{}", &good[..at], &good[at + 1..]));
            }
        }
    }
    wrong.push(good[1..].to_owned());
    wrong.push(good[..good.len() - 1].to_owned());
    wrong.push(format!("{good}A"));
    wrong.push(format!("{}{}", &good[..good.len() / 2], &other[other.len() / 2..]));
    wrong.push(elsewhere.op.token.clone().expect("signed in"));
    wrong.push("A".repeat(good.len()));
    let mut client = stage.world.client();
    for token in wrong {
        client.token = Some(token);
        fails(&client.get("/ticket/get?actId=a"), 401);
    }
    assert_eq!(stage.stats("a")["sold"], 0);
    data(&claim(&mut stage.op.with_token(&good), "a"));
    assert_eq!(
        stage.op.with_token(&good).get_with("/user/me", &[("authorization", "Bearer x")]).status,
        401
    );
}

#[test]
fn the_cookie_changes_things_only_by_post_from_our_own_pages() {
    let mut stage = Stage::selling(json!({"stock": 9, "limit_per_user": 9}));
    let token = stage.person("p").token.expect("signed in");
    let session = format!("theme=dark; firstcome_session={token}");
    let mut browser = stage.stranger();
    let own = format!("http://{}", stage.world.address());
    let mut send = |method: &str, target: &str, extra: &[(&str, &str)]| {
        let mut headers = vec![("cookie", session.as_str())];
        headers.extend_from_slice(extra);
        browser.send(method, target, &headers, b"").expect("an answer")
    };
    let get = send("GET", "/ticket/get?actId=a", &[("origin", &own)]);
    assert!(fails(&get, 405).contains("POST"), "it says how");
    assert_eq!(get.header("allow"), Some("POST"));
    fails(&send("POST", "/ticket/get?actId=a", &[]), 403);
    for origin in
        ["null", "https://evil.example", "http://127.0.0.1:1", &format!("{own}.evil.example")]
    {
        fails(&send("POST", "/ticket/get?actId=a", &[("origin", origin)]), 403);
    }
    for site in ["cross-site", "same-site", "none"] {
        fails(&send("POST", "/ticket/get?actId=a", &[("sec-fetch-site", site)]), 403);
    }
    fails(&send("POST", "/user/logout", &[]), 403);
    fails(&send("POST", "/user/password", &[("origin", "https://evil.example")]), 403);
    data(&send("POST", "/ticket/get?actId=a", &[("origin", &own)]));
    data(&send("POST", "/ticket/get?actId=a", &[("sec-fetch-site", "same-origin")]));
    for target in ["/ticket/list", "/act/detail?actId=a", "/user/me"] {
        data(&send("GET", target, &[]));
    }
    let bearer = format!("Bearer {token}");
    data(&send("GET", "/ticket/get?actId=a", &[("authorization", &bearer)]));
    fails(&send("GET", "/ticket/list", &[("authorization", "Bearer nonsense")]), 401);
    assert_eq!(stage.stats("a")["sold"], 3);
    let person = stage.op.with_token(&token);
    let both = [("cookie", "firstcome_session=nonsense")];
    data(&person.again().get_with("/ticket/get?actId=a", &both));
}

/// As above; -401 comes before -403 here as everywhere.
#[test]
fn a_cookie_that_does_not_hold_is_401_whatever_the_page() {
    let mut stage = Stage::selling(json!({"stock": 9}));
    let mut browser = stage.stranger();
    let wrong = [("cookie", "firstcome_session=nonsense")];
    fails(&browser.send("POST", "/ticket/get?actId=a", &wrong, b"").unwrap(), 401);
    fails(&browser.send("POST", "/user/logout", &wrong, b"").unwrap(), 401);
    assert_eq!(stage.stats("a")["sold"], 0);
}

#[test]
fn an_operators_page_may_use_the_cookie_too_and_other_origins_can_be_allowed() {
    let world = World::cheap().set("FIRSTCOME_SERVER_ORIGINS", "https://shop.example");
    let mut stage = Stage::on(world);
    stage.open("a", json!({"stock": 1}));
    let session = format!("firstcome_session={}", stage.op.token.as_deref().expect("signed in"));
    let mut browser = stage.stranger();
    let cookie = ("cookie", session.as_str());
    data(&browser.get_with("/admin/act/list", &[cookie]));
    let pause = "/admin/act/pause?actId=a";
    fails(&browser.send("POST", pause, &[cookie], b"").unwrap(), 403);
    fails(
        &browser.send("POST", pause, &[cookie, ("origin", "http://shop.example")], b"").unwrap(),
        403,
    );
    fails(&browser.send("POST", "/admin/act/import", &[cookie], b"{}").unwrap(), 403);
    data(&browser.send("POST", pause, &[cookie, ("origin", "https://shop.example")], b"").unwrap());
    refused(&claim(&mut stage.person("p"), "a"), -11);
}
