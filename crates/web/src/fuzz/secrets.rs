//! Texts that only we, or the identity provider, can make: session tokens, ids of claims and tickets, JWT.
//! Whatever is accepted was made by the right hand; no altered text ever is.

use super::{altered, number};
use door::{Identity, IdentityKeys, IdentitySettings, Jwks, SessionError, Tokens};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use sale::{
    ActivityNo, BASKET_UNITS_MAX, ClaimId, Epoch, Ids, Seq, TicketId, TimeMs, TypeNo, UserNo,
};
use std::sync::LazyLock;

const NOW: TimeMs = TimeMs::from_seconds(1_800_000_000);
const SECRET: &[u8; 32] = b"a secret of 32 bytes for testing";

/// Tokens that were made under `SECRET`, good until 2106.
const GOOD_TOKENS: [&[u8]; 2] = [
    include_bytes!("../../../../fuzz/seeds/session_token/first"),
    include_bytes!("../../../../fuzz/seeds/session_token/second"),
];

/// Tokens of the identity provider that were signed for us, good at `NOW`: by secret, by the keys of the set.
const GOOD_JWTS: [&str; 4] = [
    include_str!("../../../../fuzz/seeds/jwt/hs256"),
    include_str!("../../../../fuzz/seeds/jwt/rs256"),
    include_str!("../../../../fuzz/seeds/jwt/es256"),
    include_str!("../../../../fuzz/seeds/jwt/eddsa"),
];

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| Tokens::new(*SECRET));
static IDS: LazyLock<Ids> = LazyLock::new(|| Ids::new(SECRET, &[7; 32]));
static IDENTITIES: LazyLock<[Identity; 2]> = LazyLock::new(|| {
    let jwks = Jwks::parse(include_bytes!("../../../door/tests/keys/jwks.json"));
    let keys = [
        IdentityKeys::Hs256(SECRET.to_vec().into()),
        IdentityKeys::Jwks(jwks.expect("these keys are good")),
    ];
    keys.map(|keys| {
        let (issuer, audience) = ("https://id.example".to_owned(), "firstcome".to_owned());
        Identity::new(&IdentitySettings { issuer, audience, keys })
    })
});

/// C26: no text passes as a token that is none.
pub fn session_token(data: &[u8]) {
    let heard = TOKENS.check(data, NOW);
    assert_eq!(heard, TOKENS.check(data, NOW), "the same token twice");
    assert_eq!(heard.is_ok(), GOOD_TOKENS.contains(&data), "{heard:?}");

    let (user, rest) = number(data);
    let (generation, rest) = number(rest);
    let (now_s, rest) = number(rest);
    let (life_s, rest) = number(rest);
    let now = TimeMs::from_seconds(u64::from(now_s));
    let (token, made) = TOKENS.mint(UserNo(user), generation, now, life_s);
    let expected = if now < made.expires { Ok(made) } else { Err(SessionError::Expired) };
    assert_eq!(TOKENS.check(token.as_str().as_bytes(), now), expected);
    assert_eq!((made.user, made.generation), (UserNo(user), generation));
    let (at, rest) = number(rest);
    let other = altered(token.as_str(), at, number(rest).0);
    let heard = TOKENS.check(&other, now);
    assert!(
        matches!(heard, Err(SessionError::Malformed | SessionError::Forged)),
        "an altered token: {heard:?}"
    );
}

/// C23: no id can be guessed.
pub fn claim_id(data: &[u8]) {
    let (user, rest) = number(data);
    let user = UserNo(user);
    if let Ok(text) = std::str::from_utf8(rest) {
        foreign_id(text, user);
    }
    let (activity, rest) = number(rest);
    let (seq, rest) = number(rest);
    let (epoch, rest) = number(rest);
    let (ticket_type, rest) = number(rest);
    let id = ClaimId {
        activity: ActivityNo(activity),
        seq: Seq(seq),
        epoch: Epoch(epoch),
        ticket_type: TypeNo((ticket_type >> 16) as u16),
    };
    let text = IDS.text(&id, user);
    let text = text.as_str();
    assert_eq!(IDS.read_claim(text, user), Some(id));
    assert_eq!(IDS.read_any_claim(text), Some(id));
    let ticket = format!("{text}-1");
    assert_eq!(IDS.read_ticket(&ticket, user), Some(TicketId { claim: id, place: 1 }));
    assert_eq!(IDS.read_claim(text, UserNo(user.0 ^ 1)), None, "in other hands");
    let (at, rest) = number(rest);
    let other = number(rest).0;
    if let Ok(other) = String::from_utf8(altered(&ticket, at, other)) {
        // Another line of the same order is its owner's to ask for; whether there is one, the sale knows.
        let line = (1..=u32::from(BASKET_UNITS_MAX)).find(|line| format!("{text}-{line}") == other);
        let expected = line.map(|place| TicketId { claim: id, place });
        assert_eq!(IDS.read_ticket(&other, user), expected, "{other:?} instead of {ticket:?}");
    }
}

/// Whatever is read as an id is the one text of that id.
fn foreign_id(text: &str, user: UserNo) {
    let claim = IDS.read_claim(text, user);
    assert_eq!(claim, IDS.read_claim(text, user), "the same id twice");
    if let Some(id) = claim {
        assert_eq!(IDS.text(&id, user).as_str(), text, "a second spelling");
    }
    if let Some(ticket) = IDS.read_ticket(text, user) {
        assert_eq!(format!("{}-{}", IDS.text(&ticket.claim, user).as_str(), ticket.place), text);
    }
    let _ = IDS.read_any_claim(text);
}

/// C33: no token that was not signed for us names anyone.
pub fn jwt(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        for identity in &*IDENTITIES {
            let heard = identity.verify(text, NOW);
            assert_eq!(heard, identity.verify(text, NOW), "the same token twice");
            assert!(heard.is_err() || GOOD_JWTS.contains(&text), "{heard:?}");
        }
    }
    signed_jwt(data);
}

/// A genuine signature over any payload: what is behind the signature is read with the same care.
fn signed_jwt(payload: &[u8]) {
    let (at, rest) = number(payload);
    let key = EncodingKey::from_secret(SECRET);
    let part = |bytes: &[u8]| {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
    };
    for payload in [payload, rest] {
        let message = format!("{}.{}", part(br#"{"alg":"HS256"}"#), part(payload));
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
        let text = format!("{message}.{}", signature.expect("a secret signs everything"));
        let heard = IDENTITIES[0].verify(&text, NOW);
        assert_eq!(heard, IDENTITIES[0].verify(&text, NOW), "the same token twice");
        if let Ok(name) = heard {
            assert!(!name.trim().is_empty() && !name.contains(char::is_control), "{name:?}");
        }
        assert!(IDENTITIES[1].verify(&text, NOW).is_err(), "the keys of the set are public");
        if let Ok(other) = String::from_utf8(altered(&text, at, number(rest).0)) {
            let heard = IDENTITIES[0].verify(&other, NOW);
            assert!(heard.is_err(), "an altered token names {heard:?}");
        }
    }
}
