//! Whose name is whose: rosters, self-registration, the identity provider, and a shop that vouches for its people.
//! Tokens of the provider are made here by hand, or by another library with the keys of the door's tests.

use super::stage::{Stage, claim, data, fails, refused, text};
use crate::world::{Answer, Client, World, import, names, now_s, open_activity};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::Path;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "firstcome";
const SECRET: &str = "a secret of at least thirty-two bytes";

fn provided() -> World {
    World::cheap()
        .set("FIRSTCOME_IDENTITY_ISSUER", ISSUER)
        .set("FIRSTCOME_IDENTITY_AUDIENCE", AUDIENCE)
        .set("FIRSTCOME_IDENTITY_HS256_SECRET", SECRET)
}

fn payload(name: &str) -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": name, "exp": now_s() + 300})
}

fn signed(header: &Value, payload: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(payload));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("any length")
        .chain_update(&message);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn hs256(payload: &Value) -> String {
    signed(&json!({"alg": "HS256", "typ": "JWT"}), payload, SECRET)
}

fn exchange(client: &mut Client, jwt: &str) -> Answer {
    client.post_json("/user/exchange", &json!({ "jwt": jwt }))
}

fn register(client: &mut Client, name: &str) -> Answer {
    client.post_json("/user/register", &json!({"name": name, "password": "correct horse"}))
}

fn vouch(op: &mut Client, names: &[&str]) -> Answer {
    op.post_json("/admin/sessions", &json!({ "users": names }))
}

fn rostered(id: &str, roster: &[&str]) -> Value {
    let mut activity = open_activity(id, json!({"stock": 9}));
    activity["roster"] = json!(roster);
    activity
}

/// C33: nobody takes a colleague's staff number before the colleague comes.
#[test]
fn a_name_on_a_roster_cannot_be_registered() {
    let mut stage = Stage::on(provided());
    import(&mut stage.op, json!([rostered("a", &["E1", "E2", "caf\u{e9}"])]));
    let mut stranger = stage.stranger();
    for name in ["E1", " E1 ", "cafe\u{301}"] {
        fails(&register(&mut stranger, name), 409);
    }
    data(&register(&mut stranger, "e1"));
    for (name, token) in [
        ("E1", text(&data(&exchange(&mut stranger, &hs256(&payload("E1"))))["token"]).to_owned()),
        ("E2", text(&data(&vouch(&mut stage.op, &["E2"]))["tokens"]["E2"]).to_owned()),
    ] {
        let mut colleague = stage.op.with_token(&token);
        data(&claim(&mut colleague, "a"));
        assert_eq!(data(&colleague.get("/user/me"))["name"], name);
    }
    let answer = data(
        &stranger.post_json("/user/login", &json!({"name": "e1", "password": "correct horse"})),
    );
    refused(&claim(&mut stage.op.with_token(text(&answer["token"])), "a"), -6);
}

/// C33: whoever registered a name before the roster came is reported, and never passes for the colleague.
#[test]
fn an_account_that_registered_itself_never_satisfies_a_roster() {
    let mut stage = Stage::new();
    let mut impostor = stage.stranger();
    let token = text(&data(&register(&mut impostor, "E7"))["token"]).to_owned();
    let body = json!({"activity": [rostered("a", &["E7", "E8"]), rostered("b", &["E8"])]});
    let answer = stage.op.post_json("/admin/act/import", &body);
    assert_eq!(data(&answer)["ids"], json!(["a", "b"]));
    let report = data(&answer).to_string();
    assert!(
        report.contains("E7") && !report.contains("E8"),
        "the import reports the name: {report}"
    );
    let mut impostor = stage.op.with_token(&token);
    refused(&claim(&mut impostor, "a"), -6);
    stage.restart();
    refused(&claim(&mut stage.follow(&impostor), "a"), -6);
    fails(&vouch(&mut stage.op, &["E7"]), 409);
    data(&claim(&mut stage.person("E8"), "a"));
}

/// C33: neither a foreign token nor a voucher opens an account that somebody else made.
#[test]
fn a_name_belongs_to_the_source_that_made_it() {
    let mut stage = Stage::on(provided());
    stage.world.must(&["user", "add", "by-command"], "");
    let mut stranger = stage.stranger();
    data(&register(&mut stranger, "by-password"));
    data(&exchange(&mut stranger, &hs256(&payload("by-issuer"))));
    data(&vouch(&mut stage.op, &["by-voucher"]));
    for name in ["op", "by-command", "by-password", "by-voucher"] {
        fails(&exchange(&mut stranger, &hs256(&payload(name))), 409);
    }
    for name in ["op", "by-command", "by-password", "by-issuer"] {
        let message = fails(&vouch(&mut stage.op, &["fresh", name]), 409);
        assert!(message.contains(name), "{message}");
    }
    for name in ["op", "by-command", "by-password", "by-issuer", "by-voucher"] {
        fails(&register(&mut stranger, name), 409);
    }
    let issued = data(&exchange(&mut stranger, &hs256(&payload("by-issuer"))));
    assert_eq!(issued["user"]["role"], "buyer");
    data(&vouch(&mut stage.op, &["by-voucher"]));
    let mut operator = payload("chief");
    for claim in ["role", "roles", "operator", "admin"] {
        operator[claim] = json!("operator");
    }
    let answer = data(&exchange(&mut stranger, &hs256(&operator)));
    assert_eq!(answer["user"]["role"], "buyer", "an exchange never makes an operator");
    let token = text(&answer["token"]);
    fails(&stage.op.with_token(token).get("/admin/act/list"), 403);
    let token = text(&data(&vouch(&mut stage.op, &["boss"]))["tokens"]["boss"]).to_owned();
    assert_eq!(data(&stage.op.with_token(&token).get("/user/me"))["role"], "buyer");
    assert_eq!(data(&stage.op.get("/user/me"))["role"], "operator");
}

#[test]
fn a_token_of_the_identity_provider_signs_its_subject_in() {
    let mut stage = Stage::on(provided());
    stage.open("a", json!({"stock": 9}));
    let mut stranger = stage.stranger();
    let answer = exchange(&mut stranger, &hs256(&payload("  E10 ")));
    let signed = data(&answer);
    assert_eq!(
        (&signed["user"]["name"], &signed["user"]["role"]),
        (&json!("E10"), &json!("buyer"))
    );
    assert!(answer.header("set-cookie").is_some_and(|one| one.starts_with("firstcome_session=")));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let token = text(&signed["token"]).to_owned();
    data(&claim(&mut stage.op.with_token(&token), "a"));
    let mut many = payload("E10");
    many["aud"] = json!(["other", AUDIENCE]);
    let again = data(&exchange(&mut stranger, &hs256(&many)));
    assert_eq!(again["user"], signed["user"]);
    refused(&claim(&mut stage.op.with_token(text(&again["token"])), "a"), -5);
    let mut late = payload("E10");
    late["exp"] = json!(now_s() - 20);
    data(&exchange(&mut stranger, &hs256(&late)));
}

/// C26: of the provider's tokens only those for us, in their time, with its signature.
#[test]
fn a_token_that_is_not_the_providers_is_401() {
    let stage = Stage::on(provided());
    let mut stranger = stage.stranger();
    let good = hs256(&payload("E10"));
    let with = |member: &str, value: Value| {
        let mut payload = payload("E10");
        payload[member] = value;
        payload.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        hs256(&payload)
    };
    let none = json!({"alg": "none", "typ": "JWT"});
    let unsigned = signed(&none, &payload("E10"), SECRET);
    let wrong = [
        with("iss", json!("https://evil.example")),
        with("aud", json!("another")),
        with("exp", json!(now_s() - 120)),
        with("exp", json!("soon")),
        with("nbf", json!(now_s() + 600)),
        with("sub", json!("")),
        with("iss", Value::Null),
        with("aud", Value::Null),
        with("exp", Value::Null),
        with("sub", Value::Null),
        signed(&json!({"alg": "HS256"}), &payload("E10"), "another secret of thirty-two bytes..."),
        signed(&json!({"alg": "HS512"}), &payload("E10"), SECRET),
        unsigned.clone(),
        format!("{}.", unsigned.rsplit_once('.').expect("three parts").0),
        format!("{good}x"),
        good[..good.len() - 4].to_owned(),
        "a.b.c".to_owned(),
        "..".to_owned(),
        String::new(),
        "x".repeat(20_000),
    ];
    for jwt in &wrong {
        let answer = exchange(&mut stranger, jwt);
        fails(&answer, 401);
        assert!(answer.header("set-cookie").is_none());
    }
    fails(&stranger.post_json("/user/exchange", &json!({})), 400);
    data(&exchange(&mut stranger, &good));
}

#[test]
fn a_file_of_public_keys_does_as_well() {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../door/tests/keys");
    let file = keys.join("jwks.json").display().to_string();
    let world = World::cheap()
        .set("FIRSTCOME_IDENTITY_ISSUER", ISSUER)
        .set("FIRSTCOME_IDENTITY_AUDIENCE", AUDIENCE)
        .set("FIRSTCOME_IDENTITY_JWKS_FILE", &file);
    let stage = Stage::on(world);
    let mut stranger = stage.stranger();
    let read = |name: &str| std::fs::read(keys.join(name)).expect("a key of the door's tests");
    let signers = [
        (Algorithm::RS256, EncodingKey::from_rsa_pem(&read("rsa.pem")).expect("a key")),
        (Algorithm::ES256, EncodingKey::from_ec_pem(&read("ec.pem")).expect("a key")),
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(&read("ed.pem")).expect("a key")),
    ];
    for (at, (algorithm, key)) in signers.iter().enumerate() {
        let name = format!("E{at}");
        let jwt =
            jsonwebtoken::encode(&Header::new(*algorithm), &payload(&name), key).expect("a token");
        assert_eq!(data(&exchange(&mut stranger, &jwt))["user"]["name"], name);
        fails(&exchange(&mut stranger, &format!("{}A.{}", &jwt[..20], &jwt[20..])), 401);
    }
    let public = String::from_utf8(read("jwks.json")).expect("UTF-8");
    fails(
        &exchange(&mut stranger, &signed(&json!({"alg": "HS256"}), &payload("E1"), &public)),
        401,
    );
}

#[test]
fn a_shop_vouches_for_up_to_ten_thousand_people_at_once() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let people = names("p", 10_001);
    let answer = stage.op.post_json("/admin/sessions", &json!({ "users": people }));
    assert!(fails(&answer, 400).contains("users"));
    let answer = stage.op.post_json("/admin/sessions", &json!({ "users": people[..10_000] }));
    let given = data(&answer)["tokens"].as_object().expect("by name").clone();
    assert_eq!(given.len(), 10_000);
    let token = text(&given[&people[9_999]]).to_owned();
    assert_eq!(data(&stage.op.with_token(&token).get("/user/me"))["name"], people[9_999]);
    assert_eq!(data(&vouch(&mut stage.op, &[]))["tokens"], json!({}));
    for wrong in [json!([""]), json!(["a\u{0}b"]), json!(["x".repeat(300)]), json!([5]), json!("p")]
    {
        fails(&stage.op.post_json("/admin/sessions", &json!({ "users": wrong })), 400);
    }
    let again = data(&vouch(&mut stage.op, &["new", "new"]));
    assert_eq!(again["tokens"].as_object().map(serde_json::Map::len), Some(1));
    let mut vouched = stage.person("new");
    let login = vouched.post_json("/user/login", &json!({"name": "new", "password": ""}));
    fails(&login, 401);
}
