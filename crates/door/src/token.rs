//! Session tokens: what is inside them, how they are made and checked.
//! Checking reads nothing but the token and the secret, and allocates nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rules::{TimeMs, UserNo};
use sha2::Sha256;
use zeroize::Zeroize;

// A token, 33 bytes, numbers with their highest byte first:
//
//   0        1          5            9           13          17                  33
//   +--------+----------+------------+-----------+-----------+-------------------+
//   | format | user no. | generation | expires,  | mark, 4   | MAC: HMAC-SHA256  |
//   | = 1    | 4 bytes  | 4 bytes    | unix s, 4 | random    | of 0..17, 16 left |
//   +--------+----------+------------+-----------+-----------+-------------------+
//
// In base64url, 33 bytes are 44 characters exactly: there is no padding and no unused bit, so that
// no two texts stand for one token.

/// The only format there is.
const FORMAT: u8 = 1;
/// Bytes under the MAC.
const BODY_BYTES: usize = 17;
/// Bytes kept of the MAC: nobody guesses 128 bits online.
const MAC_BYTES: usize = 16;
const RAW_BYTES: usize = BODY_BYTES + MAC_BYTES;
/// Bytes of a token's text; all of them ASCII letters, digits, `-` and `_`.
pub const TOKEN_BYTES: usize = 44;

const _: () = assert!(RAW_BYTES.is_multiple_of(3) && RAW_BYTES / 3 * 4 == TOKEN_BYTES);

/// A token's text. It is a secret: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The text, for the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Tells one session from every other: generation, expiry and random mark, as the ledger keeps
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark(pub [u8; 16]);

/// What a genuine token says. Whether its session has been ended is for `Standings` to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Whose session it is.
    pub user: UserNo,
    /// The generation of the user's sessions at sign-in.
    pub generation: u32,
    /// The first moment at which it is void.
    pub expires: TimeMs,
    /// The session itself.
    pub mark: Mark,
}

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// Not a token by its shape.
    Malformed,
    /// Not made with this secret, or altered.
    Forged,
    /// Its time is over.
    Expired,
    /// Its session was ended: signed out, or the password changed.
    Ended,
}

/// Makes and checks tokens under one secret.
pub struct Tokens {
    // The key is already mixed in, so that a check pays for two blocks of SHA-256 and not four.
    keyed: Hmac<Sha256>,
}

impl Tokens {
    /// Tokens under this secret.
    pub fn new(mut secret: [u8; 32]) -> Self {
        let keyed = Hmac::new_from_slice(&secret).expect("HMAC takes keys of any length");
        secret.zeroize();
        Self { keyed }
    }

    /// A new token of `user`, good for `life_s` seconds or a fraction less, and what it says.
    pub fn mint(&self, user: UserNo, generation: u32, now: TimeMs, life_s: u32) -> (Token, Bearer) {
        // Format 1 ends in 2106, where its four bytes of seconds do.
        let expires_s =
            u32::try_from(now.seconds().saturating_add(u64::from(life_s))).unwrap_or(u32::MAX);
        // Random and not counted: a counter would tell everyone how many sign in.
        let random = getrandom::u32().expect("the system gives random numbers");
        let mut raw = [0; RAW_BYTES];
        raw[0] = FORMAT;
        raw[1..5].copy_from_slice(&user.0.to_be_bytes());
        raw[5..9].copy_from_slice(&generation.to_be_bytes());
        raw[9..13].copy_from_slice(&expires_s.to_be_bytes());
        raw[13..17].copy_from_slice(&random.to_be_bytes());
        let mac = self.keyed.clone().chain_update(&raw[..BODY_BYTES]).finalize().into_bytes();
        raw[BODY_BYTES..].copy_from_slice(&mac[..MAC_BYTES]);
        (Token(URL_SAFE_NO_PAD.encode(raw)), read(&raw))
    }

    /// What a token says, if it is genuine and its time is not over at `now`.
    pub fn check(&self, text: &[u8], now: TimeMs) -> Result<Bearer, SessionError> {
        if text.len() != TOKEN_BYTES {
            return Err(SessionError::Malformed);
        }
        let mut raw = [0; RAW_BYTES];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut raw) {
            Ok(RAW_BYTES) => {}
            Ok(_) | Err(_) => return Err(SessionError::Malformed),
        }
        // The comparison inside takes the same time wherever the first difference is.
        let keyed = self.keyed.clone().chain_update(&raw[..BODY_BYTES]);
        if raw[0] != FORMAT || keyed.verify_truncated_left(&raw[BODY_BYTES..]).is_err() {
            return Err(SessionError::Forged);
        }
        let bearer = read(&raw);
        if now < bearer.expires { Ok(bearer) } else { Err(SessionError::Expired) }
    }
}

fn read(raw: &[u8; RAW_BYTES]) -> Bearer {
    let number = |at: usize| u32::from_be_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]]);
    let mut mark = [0; 16];
    mark[..12].copy_from_slice(&raw[5..17]);
    Bearer {
        user: UserNo(number(1)),
        generation: number(5),
        expires: TimeMs::from_seconds(u64::from(number(9))),
        mark: Mark(mark),
    }
}

#[cfg(test)]
mod tests;
