//! Facts about tokens: nothing but the text that was given out lets anyone in, and only in its
//! time.

use super::*;

const NOW: TimeMs = TimeMs(1_800_000_000_250);
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn tokens() -> Tokens {
    Tokens::new([7; 32])
}

/// A token with this body and a genuine MAC.
fn sealed(tokens: &Tokens, body: [u8; BODY_BYTES]) -> String {
    let mac = tokens.keyed.clone().chain_update(body).finalize().into_bytes();
    URL_SAFE_NO_PAD.encode([&body[..], &mac[..MAC_BYTES]].concat())
}

#[test]
fn a_token_says_what_it_was_made_for() {
    let (token, made) = tokens().mint(UserNo(4_000_000_001), 3, NOW, 86_400);
    assert_eq!(token.as_str().len(), TOKEN_BYTES);
    let read = tokens().check(token.as_str().as_bytes(), NOW).unwrap();
    assert_eq!(read, made);
    assert_eq!((read.user, read.generation), (UserNo(4_000_000_001), 3));
    assert_eq!(read.expires, TimeMs::from_seconds(1_800_086_400));
}

/// C26: every token is its own; neither one token for everybody nor any non-empty token passes.
#[test]
fn no_token_stands_for_two_sign_ins_and_no_text_passes_unsigned() {
    let tokens = tokens();
    let mut seen = std::collections::HashSet::new();
    for user in [1, 1, 1, 2, 3] {
        let (token, bearer) = tokens.mint(UserNo(user), 0, NOW, 60);
        assert!(seen.insert(token.as_str().to_owned()), "two sign-ins in one second differ");
        assert!(seen.insert(format!("{:?}", bearer.mark)), "and one of them can be ended alone");
        assert_eq!(tokens.check(token.as_str().as_bytes(), NOW).unwrap().user, UserNo(user));
    }
    let table: [(&str, SessionError); 5] = [
        ("", SessionError::Malformed),
        ("x", SessionError::Malformed),
        ("token", SessionError::Malformed),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", SessionError::Forged),
        ("AQAAAAEAAAAA_____wAAAAAAAAAAAAAAAAAAAAAAAAAA", SessionError::Forged),
    ];
    for (text, expected) in table {
        assert_eq!(tokens.check(text.as_bytes(), NOW), Err(expected), "{text:?}");
    }
}

#[test]
fn any_flipped_bit_is_refused() {
    let (token, _) = tokens().mint(UserNo(1), 0, NOW, 60);
    let raw = URL_SAFE_NO_PAD.decode(token.as_str()).unwrap();
    for bit in 0..raw.len() * 8 {
        let mut altered = raw.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let text = URL_SAFE_NO_PAD.encode(altered);
        assert_eq!(tokens().check(text.as_bytes(), NOW), Err(SessionError::Forged), "bit {bit}");
    }
}

#[test]
fn any_other_character_in_any_place_is_refused() {
    let (token, _) = tokens().mint(UserNo(1), 0, NOW, 60);
    let text = token.as_str().as_bytes();
    for place in 0..text.len() {
        for other in 0..=u8::MAX {
            let mut altered = text.to_vec();
            altered[place] = other;
            let expected = match other {
                same if same == text[place] => continue,
                other if ALPHABET.contains(&other) => SessionError::Forged,
                _ => SessionError::Malformed,
            };
            assert_eq!(tokens().check(&altered, NOW), Err(expected), "{other} at {place}");
        }
    }
}

#[test]
fn any_other_length_is_refused() {
    let (token, _) = tokens().mint(UserNo(1), 0, NOW, 60);
    for length in 0..TOKEN_BYTES {
        let cut = &token.as_str().as_bytes()[..length];
        assert_eq!(tokens().check(cut, NOW), Err(SessionError::Malformed), "{length} bytes");
    }
    for longer in [format!("{}=", token.as_str()), format!("{}AAAA", token.as_str())] {
        assert_eq!(tokens().check(longer.as_bytes(), NOW), Err(SessionError::Malformed));
    }
}

#[test]
fn the_text_of_a_token_has_no_second_spelling() {
    // A body and MAC that use both characters in which the two alphabets of base64 differ.
    let body = (0..).map(|n: u32| {
        let mut body = [0xfb; BODY_BYTES];
        body[0] = FORMAT;
        body[13..].copy_from_slice(&n.to_be_bytes());
        sealed(&tokens(), body)
    });
    let text = body.into_iter().find(|text| text.contains('-') && text.contains('_')).unwrap();
    assert!(tokens().check(text.as_bytes(), NOW).is_ok());
    let standard = text.replace('-', "+").replace('_', "/");
    assert_eq!(tokens().check(standard.as_bytes(), NOW), Err(SessionError::Malformed));
}

#[test]
fn another_secret_refuses() {
    let (token, _) = tokens().mint(UserNo(1), 0, NOW, 60);
    let mut secret = [7; 32];
    secret[31] ^= 1;
    let check = Tokens::new(secret).check(token.as_str().as_bytes(), NOW);
    assert_eq!(check, Err(SessionError::Forged));
}

#[test]
fn another_format_is_refused_even_with_a_genuine_mac() {
    let mut body = [0xff; BODY_BYTES];
    for format in [0, 2, 255] {
        body[0] = format;
        let text = sealed(&tokens(), body);
        assert_eq!(tokens().check(text.as_bytes(), NOW), Err(SessionError::Forged));
    }
}

#[test]
fn a_token_ends_on_the_millisecond() {
    let (token, bearer) = tokens().mint(UserNo(1), 0, NOW, 60);
    let end = 1_800_000_060_000;
    assert_eq!(bearer.expires, TimeMs(end));
    let table = [
        (0, true),
        (NOW.0, true),
        (end - 1, true),
        (end, false),
        (end + 1, false),
        (u64::MAX, false),
    ];
    for (now, good) in table {
        let check = tokens().check(token.as_str().as_bytes(), TimeMs(now));
        let expected = if good { Ok(bearer) } else { Err(SessionError::Expired) };
        assert_eq!(check, expected, "at {now}");
    }
}

#[test]
fn a_token_is_not_shown_by_debug() {
    let (token, _) = tokens().mint(UserNo(1), 0, NOW, 60);
    assert_eq!(format!("{token:?}"), "Token(..)");
}
