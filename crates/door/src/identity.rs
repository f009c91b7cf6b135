//! The company's identity provider: whom one of its tokens (JWT, RFC 7519) names.
//! The key decides the algorithm, never the token; the time comes in as an argument.

use crate::jwks::{Jwks, Key};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use rules::{NameError, TimeMs, person_name};
use serde::Deserialize;
use zeroize::Zeroizing;

/// Bytes of a token.
pub const JWT_BYTES_MAX: usize = 8_192;
/// Bytes of the shortest secret for HS256: as many as its hash has (RFC 7518, 3.2).
pub const SECRET_BYTES_MIN: usize = 32;
/// Seconds by which the provider's clock and ours may differ.
pub const LEEWAY_S: u32 = 60;

/// The identity provider.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// Its name, as `iss` has it.
    pub issuer: String,
    /// Our name, as `aud` has it.
    pub audience: String,
    /// How its tokens are signed.
    pub keys: IdentityKeys,
}

/// How an identity provider signs.
#[derive(Clone)]
pub enum IdentityKeys {
    /// HS256 with this secret of at least `SECRET_BYTES_MIN` bytes.
    Hs256(Zeroizing<Vec<u8>>),
    /// RS256, ES256 or EdDSA with one of these keys.
    Jwks(Jwks),
}

impl std::fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hs256(_) => f.write_str("Hs256(..)"),
            Self::Jwks(jwks) => write!(f, "Jwks({} keys)", jwks.usable()),
        }
    }
}

/// Why a token names nobody here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// More than `JWT_BYTES_MAX` bytes.
    TooLong,
    /// Not a signed JWT, or one of its members is missing or of the wrong type.
    Malformed,
    /// Demands something of its reader that this one does not know (`crit`).
    Demanding,
    /// No key has its `kid` and its `alg`.
    NoKey,
    /// Signed by somebody else, or altered.
    Forged,
    /// From another issuer.
    WrongIssuer,
    /// For somebody else.
    WrongAudience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    TooEarly,
    /// Its `sub` is not a name.
    BadName(NameError),
}

/// Reads the tokens of one identity provider.
#[derive(Clone)]
pub struct Identity {
    issuer: String,
    audience: String,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

// NumericDate may have a fraction (RFC 7519, 2), hence the floating point; it is exact to the
// microsecond until 2255.
#[derive(Deserialize)]
struct Payload {
    iss: String,
    aud: Audience,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn holds(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

impl Identity {
    /// A reader with these settings, which `DoorSettings::validate` has passed.
    pub fn new(settings: &IdentitySettings) -> Self {
        let keys = match &settings.keys {
            IdentityKeys::Jwks(jwks) => jwks.keys.clone(),
            IdentityKeys::Hs256(secret) => {
                let public = DecodingKey::from_secret(secret);
                vec![Key { kid: None, algorithm: Algorithm::HS256, public }]
            }
        };
        Self { issuer: settings.issuer.clone(), audience: settings.audience.clone(), keys }
    }

    /// The name in a genuine token for us whose time it is; up to a millisecond of a core's work
    /// for each key tried.
    pub fn verify(&self, jwt: &str, now: TimeMs) -> Result<String, IdentityError> {
        if jwt.len() > JWT_BYTES_MAX {
            return Err(IdentityError::TooLong);
        }
        let payload = self.open(jwt)?;
        if payload.iss != self.issuer {
            return Err(IdentityError::WrongIssuer);
        }
        if !payload.aud.holds(&self.audience) {
            return Err(IdentityError::WrongAudience);
        }
        let (now, leeway) = (now.0 as f64 / 1000.0, f64::from(LEEWAY_S));
        if now >= payload.exp + leeway {
            return Err(IdentityError::Expired);
        }
        if payload.nbf.is_some_and(|nbf| now < nbf - leeway) {
            return Err(IdentityError::TooEarly);
        }
        person_name(&payload.sub).map_err(IdentityError::BadName)
    }

    /// The payload, once the signature has been found genuine; nothing in it is read before.
    fn open(&self, jwt: &str) -> Result<Payload, IdentityError> {
        let (message, signature) = jwt.rsplit_once('.').ok_or(IdentityError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(IdentityError::Malformed)?;
        let header: Header = read(header)?;
        if header.crit.is_some() {
            return Err(IdentityError::Demanding);
        }
        let mut keys = self.keys.iter().filter(|key| fits(key, &header)).peekable();
        keys.peek().ok_or(IdentityError::NoKey)?;
        let genuine = |key: &Key| {
            let verified =
                crypto::verify(signature, message.as_bytes(), &key.public, key.algorithm);
            matches!(verified, Ok(true))
        };
        if keys.any(genuine) { read(payload) } else { Err(IdentityError::Forged) }
    }
}

/// Whether a key may have signed a token with this header. A key without `kid` may have signed any
/// of its algorithm.
fn fits(key: &Key, header: &Header) -> bool {
    let names: &[&str] = match key.algorithm {
        Algorithm::HS256 => &["HS256"],
        Algorithm::RS256 => &["RS256"],
        Algorithm::ES256 => &["ES256"],
        Algorithm::EdDSA => &["EdDSA", "Ed25519"],
        _ => &[],
    };
    let same = match (&key.kid, &header.kid) {
        (Some(ours), Some(theirs)) => ours == theirs,
        (None, _) | (_, None) => true,
    };
    same && names.contains(&header.alg.as_str())
}

fn read<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, IdentityError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| IdentityError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| IdentityError::Malformed)
}
