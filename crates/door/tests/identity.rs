//! Facts about the identity provider's tokens: only one for us, in its time, signed by its own key
//! with that key's own algorithm, names anyone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use door::{
    Identity, IdentityError, IdentityKeys, IdentitySettings, JWT_BYTES_MAX, Jwks, JwksError,
    KeyFault,
};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rules::{NameError, TimeMs};
use serde_json::{Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

const NOW_S: u64 = 1_800_000_000;
const NOW: TimeMs = TimeMs::from_seconds(NOW_S);
const SECRET: &[u8; 32] = b"a secret of 32 bytes for testing";
const JWKS: &[u8] = include_bytes!("keys/jwks.json");
const RSA: &[u8] = include_bytes!("keys/rsa.pem");
const EC: &[u8] = include_bytes!("keys/ec.pem");
const ED: &[u8] = include_bytes!("keys/ed.pem");

fn identity(keys: IdentityKeys) -> Identity {
    let (issuer, audience) = ("https://id.example".into(), "firstcome".into());
    Identity::new(&IdentitySettings { issuer, audience, keys })
}

fn by_secret() -> Identity {
    identity(IdentityKeys::Hs256(Zeroizing::new(SECRET.to_vec())))
}

fn by_jwks(document: &Value) -> Identity {
    identity(IdentityKeys::Jwks(Jwks::parse(document.to_string().as_bytes()).unwrap()))
}

fn jwks() -> Value {
    serde_json::from_slice(JWKS).unwrap()
}

/// The kind of key at each place of `jwks.json`, with its private half.
fn signers() -> [(&'static str, &'static str, Algorithm, EncodingKey); 3] {
    [
        ("RS256", "test-rsa", Algorithm::RS256, EncodingKey::from_rsa_pem(RSA).unwrap()),
        ("ES256", "test-ec", Algorithm::ES256, EncodingKey::from_ec_pem(EC).unwrap()),
        ("EdDSA", "test-ed", Algorithm::EdDSA, EncodingKey::from_ed_pem(ED).unwrap()),
    ]
}

fn payload() -> Value {
    json!({"iss": "https://id.example", "aud": "firstcome", "sub": "E1001", "exp": NOW_S + 300})
}

/// The payload with one member changed, or taken out where the value is null.
fn with(member: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[member] = value;
    payload.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    payload
}

fn message(header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(payload))
}

fn hs256(secret: &[u8], header: &Value, payload: &Value) -> String {
    let message = message(header, payload);
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&message).finalize();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
}

fn signed(key: &EncodingKey, algorithm: Algorithm, header: &Value, payload: &Value) -> String {
    let message = message(header, payload);
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn a_token_of_ours_names_its_subject() {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let table = [
        (payload(), "E1001"),
        (with("sub", json!("  re\u{301}mi ")), "rémi"),
        (with("aud", json!(["other", "firstcome"])), "E1001"),
        (with("nbf", json!(NOW_S)), "E1001"),
        (with("exp", json!(NOW_S as f64 + 0.5)), "E1001"),
        (with("extra", json!({"anything": [1, 2]})), "E1001"),
    ];
    for (payload, name) in table {
        let token = hs256(SECRET, &header, &payload);
        assert_eq!(by_secret().verify(&token, NOW), Ok(name.to_owned()), "{payload}");
    }
}

#[test]
fn a_token_that_is_not_for_us_or_lacks_something_names_nobody() {
    let header = json!({"alg": "HS256"});
    let table = [
        (with("iss", json!("https://id.example/")), IdentityError::WrongIssuer),
        (with("iss", json!(["https://id.example"])), IdentityError::Malformed),
        (with("iss", Value::Null), IdentityError::Malformed),
        (with("aud", json!("Firstcome")), IdentityError::WrongAudience),
        (with("aud", json!([])), IdentityError::WrongAudience),
        (with("aud", json!(["a", "b"])), IdentityError::WrongAudience),
        (with("aud", json!(7)), IdentityError::Malformed),
        (with("aud", Value::Null), IdentityError::Malformed),
        (with("exp", Value::Null), IdentityError::Malformed),
        (with("exp", json!("1900000000")), IdentityError::Malformed),
        (with("nbf", json!("soon")), IdentityError::Malformed),
        (with("sub", Value::Null), IdentityError::Malformed),
        (with("sub", json!(1001)), IdentityError::Malformed),
        (with("sub", json!(" ")), IdentityError::BadName(NameError::Empty)),
        (with("sub", json!("a\u{0}b")), IdentityError::BadName(NameError::Control)),
        (with("sub", json!("x".repeat(257))), IdentityError::BadName(NameError::TooLong)),
    ];
    for (payload, expected) in table {
        let token = hs256(SECRET, &header, &payload);
        assert_eq!(by_secret().verify(&token, NOW), Err(expected), "{payload}");
    }
}

#[test]
fn a_token_is_good_from_a_minute_before_to_a_minute_after_its_time() {
    let payload = with("nbf", json!(NOW_S));
    let token = hs256(SECRET, &json!({"alg": "HS256"}), &payload);
    let (from, until) = ((NOW_S - 60) * 1000, (NOW_S + 300 + 60) * 1000);
    let table = [
        (0, Err(IdentityError::TooEarly)),
        (from - 1, Err(IdentityError::TooEarly)),
        (from, Ok(())),
        (until - 1, Ok(())),
        (until, Err(IdentityError::Expired)),
        (u64::MAX, Err(IdentityError::Expired)),
    ];
    for (now, expected) in table {
        assert_eq!(by_secret().verify(&token, TimeMs(now)).map(|_| ()), expected, "at {now}");
    }
}

#[test]
fn tokens_signed_by_another_implementation_are_understood() {
    let identity = by_jwks(&jwks());
    for token in include_str!("keys/foreign.txt").lines() {
        assert_eq!(identity.verify(token, NOW), Ok("E1001".to_owned()), "{token}");
    }
}

#[test]
fn each_key_of_a_set_signs_with_its_own_algorithm() {
    let identity = by_jwks(&jwks());
    for (alg, kid, algorithm, key) in signers() {
        let table = [
            (json!({"alg": alg, "kid": kid}), Ok("E1001".to_owned())),
            (json!({"alg": alg}), Ok("E1001".to_owned())),
            (json!({"alg": alg, "kid": "other"}), Err(IdentityError::NoKey)),
            (json!({"alg": "none", "kid": kid}), Err(IdentityError::NoKey)),
            (json!({"alg": "HS256", "kid": kid}), Err(IdentityError::NoKey)),
            (json!({"alg": alg.to_lowercase(), "kid": kid}), Err(IdentityError::NoKey)),
            (json!({"kid": kid}), Err(IdentityError::Malformed)),
            (json!({"alg": alg, "kid": 7}), Err(IdentityError::Malformed)),
            (json!({"alg": alg, "crit": ["b64"], "b64": false}), Err(IdentityError::Demanding)),
        ];
        for (header, expected) in table {
            let token = signed(&key, algorithm, &header, &payload());
            assert_eq!(identity.verify(&token, NOW), expected, "{header}");
        }
    }
}

#[test]
fn a_kid_that_names_another_key_lets_nobody_in() {
    let identity = by_jwks(&jwks());
    for (_, _, algorithm, key) in signers() {
        for (alg, kid, ..) in signers() {
            let header = json!({"alg": alg, "kid": kid});
            let token = signed(&key, algorithm, &header, &payload());
            let expected = match crypto_name(algorithm) == alg {
                true => Ok("E1001".to_owned()),
                false => Err(IdentityError::Forged),
            };
            assert_eq!(identity.verify(&token, NOW), expected, "{algorithm:?} as {alg}");
        }
    }
}

fn crypto_name(algorithm: Algorithm) -> &'static str {
    signers().into_iter().find(|signer| signer.2 == algorithm).unwrap().0
}

/// The oldest trick: the public key, which everybody has, as the secret of an HS256 token.
#[test]
fn a_public_key_is_no_secret() {
    let document = jwks();
    let identity = by_jwks(&document);
    for key in document["keys"].as_array().unwrap() {
        let parts = ["n", "x"].iter().filter_map(|part| key[part].as_str());
        for part in parts {
            let raw = URL_SAFE_NO_PAD.decode(part).unwrap();
            for secret in [raw.as_slice(), part.as_bytes(), key.to_string().as_bytes()] {
                for header in [json!({"alg": "HS256"}), json!({"alg": "HS256", "kid": key["kid"]})]
                {
                    let token = hs256(secret, &header, &payload());
                    assert_eq!(identity.verify(&token, NOW), Err(IdentityError::NoKey));
                }
            }
        }
    }
}

#[test]
fn a_provider_with_a_secret_takes_nothing_else() {
    for (alg, kid, algorithm, key) in signers() {
        let header = json!({"alg": alg, "kid": kid});
        let token = signed(&key, algorithm, &header, &payload());
        assert_eq!(by_secret().verify(&token, NOW), Err(IdentityError::NoKey), "{alg}");
    }
    let header = json!({"alg": "HS256"});
    let other = hs256(b"another secret of 32 bytes, wrong", &header, &payload());
    assert_eq!(by_secret().verify(&other, NOW), Err(IdentityError::Forged));
    let (unsigned, _) = other.rsplit_once('.').unwrap();
    assert_eq!(by_secret().verify(&format!("{unsigned}."), NOW), Err(IdentityError::Forged));
    let none = format!("{}.", message(&json!({"alg": "none"}), &payload()));
    assert_eq!(by_secret().verify(&none, NOW), Err(IdentityError::NoKey));
}

#[test]
fn an_altered_token_names_nobody() {
    let mut tokens = vec![(by_secret(), hs256(SECRET, &json!({"alg": "HS256"}), &payload()))];
    for (alg, kid, algorithm, key) in signers() {
        let header = json!({"alg": alg, "kid": kid});
        tokens.push((by_jwks(&jwks()), signed(&key, algorithm, &header, &payload())));
    }
    for (identity, token) in tokens {
        let places = (0..token.len()).step_by(3).chain(token.len() - 4..token.len());
        for place in places {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(identity.verify(&altered, NOW).is_err(), "place {place} of {token}");
        }
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let long = format!("{}.e30.x", "A".repeat(JWT_BYTES_MAX));
    let table = [
        ("", IdentityError::Malformed),
        ("..", IdentityError::Malformed),
        ("e30.e30", IdentityError::Malformed),
        ("e30.e30.e30", IdentityError::Malformed),
        ("a.b.c.d", IdentityError::Malformed),
        ("中文.e30.e30", IdentityError::Malformed),
        (&long, IdentityError::TooLong),
    ];
    for (text, expected) in table {
        assert_eq!(by_secret().verify(text, NOW), Err(expected), "{text}");
    }
}

#[test]
fn without_kids_every_key_of_the_algorithm_is_tried() {
    let mut document = jwks();
    let mut others = document["keys"].as_array().unwrap().clone();
    // Another P-256 key and another Ed25519 key come first: RFC 7517, A.1, and RFC 8037, A.2.
    others.insert(
        0,
        json!({"kty": "EC", "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}),
    );
    others.insert(
        0,
        json!({"kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
    );
    for key in &mut others {
        key.as_object_mut().unwrap().remove("kid");
        key.as_object_mut().unwrap().remove("alg");
    }
    document["keys"] = Value::Array(others);
    let identity = by_jwks(&document);
    for (alg, kid, algorithm, key) in signers() {
        for header in [json!({"alg": alg}), json!({"alg": alg, "kid": kid})] {
            let token = signed(&key, algorithm, &header, &payload());
            assert_eq!(identity.verify(&token, NOW), Ok("E1001".to_owned()), "{header}");
        }
    }
    let header = json!({"alg": "Ed25519"});
    let token =
        signed(&EncodingKey::from_ed_pem(ED).unwrap(), Algorithm::EdDSA, &header, &payload());
    assert_eq!(identity.verify(&token, NOW), Ok("E1001".to_owned()), "the name of RFC 9864");
}

/// One key of the set with members changed, or taken out where the value is null.
fn key_with(place: usize, changes: &[(&str, Value)]) -> Value {
    let mut key = jwks()["keys"][place].clone();
    for (member, value) in changes {
        key[*member] = value.clone();
    }
    key.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    key
}

#[test]
fn a_key_that_cannot_be_used_is_named_with_its_reason() {
    let weak = URL_SAFE_NO_PAD.encode([0xff; 255]);
    let zeros = URL_SAFE_NO_PAD.encode([0; 32]);
    let short = URL_SAFE_NO_PAD.encode([1; 31]);
    let table = [
        (key_with(0, &[("kty", Value::Null)]), KeyFault::Shape),
        (key_with(0, &[("n", json!(7))]), KeyFault::Shape),
        (json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}), KeyFault::Secret),
        (key_with(1, &[("d", json!(zeros))]), KeyFault::Secret),
        (key_with(0, &[("use", json!("enc"))]), KeyFault::NotForSigning),
        (key_with(0, &[("key_ops", json!(["encrypt"]))]), KeyFault::NotForSigning),
        (key_with(0, &[("alg", json!("RS512"))]), KeyFault::Unsupported),
        (key_with(0, &[("alg", json!("HS256"))]), KeyFault::Unsupported),
        (key_with(1, &[("crv", json!("P-384"))]), KeyFault::Unsupported),
        (key_with(1, &[("crv", json!("secp256k1"))]), KeyFault::Unsupported),
        (key_with(2, &[("crv", json!("X25519"))]), KeyFault::Unsupported),
        (key_with(0, &[("n", Value::Null)]), KeyFault::Value),
        (key_with(0, &[("n", json!("not base64!"))]), KeyFault::Value),
        (key_with(0, &[("n", json!(weak))]), KeyFault::RsaSize),
        (key_with(0, &[("e", json!("AQ"))]), KeyFault::RsaSize),
        (key_with(0, &[("e", json!("AQABAQAB"))]), KeyFault::RsaSize),
        (key_with(0, &[("n", json!(""))]), KeyFault::RsaSize),
        (key_with(1, &[("y", json!(zeros))]), KeyFault::Value),
        (key_with(1, &[("x", json!(short))]), KeyFault::Value),
        (key_with(2, &[("x", json!(short))]), KeyFault::Value),
    ];
    for (key, expected) in table {
        let alone = Jwks::parse(json!({"keys": [key]}).to_string().as_bytes());
        let Err(JwksError::NoUsableKey(named)) = alone else { panic!("{key} was taken") };
        assert_eq!(named[0].why, expected, "{key}");
        let beside = json!({"keys": [jwks()["keys"][2], key]}).to_string();
        let beside = Jwks::parse(beside.as_bytes()).unwrap();
        assert_eq!((beside.usable(), beside.unusable().len()), (1, 1), "{key}");
        assert_eq!(beside.unusable()[0].place, 1);
        assert_eq!(beside.unusable()[0].kid.as_deref(), key["kid"].as_str());
    }
}

#[test]
fn a_document_that_is_no_key_set_is_refused() {
    let many = json!({"keys": vec![json!({}); 33]}).to_string();
    let table = [
        (String::new(), JwksError::NotAKeySet),
        ("[]".into(), JwksError::NotAKeySet),
        ("{\"keys\": {}}".into(), JwksError::NotAKeySet),
        ("-----BEGIN PUBLIC KEY-----".into(), JwksError::NotAKeySet),
        ("{\"keys\": []}".into(), JwksError::NoUsableKey(vec![])),
        (many, JwksError::TooMany(33)),
        (" ".repeat(door::JWKS_BYTES_MAX + 1), JwksError::TooLong),
    ];
    for (document, expected) in table {
        assert_eq!(Jwks::parse(document.as_bytes()).unwrap_err(), expected);
    }
}

#[test]
fn a_key_set_says_in_words_what_is_wrong_with_each_key() {
    let set =
        json!({"keys": [key_with(0, &[("use", json!("enc"))]), {"kty": "oct", "k": "c2VjcmV0"}]});
    let error = Jwks::parse(set.to_string().as_bytes()).unwrap_err();
    let expected = "it has no usable key; key 1 (\"test-rsa\"): it is not meant for signatures; \
                    key 2: it holds a secret, which has no place in a public key set";
    assert_eq!(error.to_string(), expected);
}
