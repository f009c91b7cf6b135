//! The key set of an identity provider (RFC 7517): public keys for RS256, ES256 and EdDSA.
//! A key's algorithm is fixed when it is read, never by a token; a secret in a public set is never
//! a key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::Deserialize;
use std::ops::RangeInclusive;

/// Bytes of a key set's document.
pub const JWKS_BYTES_MAX: usize = 262_144;
/// Keys in one set, so that a token without `kid` is tried against few.
pub const JWKS_KEYS_MAX: usize = 32;
/// Bits of an RSA modulus: what RFC 7518 asks for, and what the verifier takes.
const RSA_BITS: RangeInclusive<usize> = 2048..=4096;
/// Bytes of an RSA exponent.
const RSA_EXPONENT_BYTES_MAX: usize = 4;
/// Bytes of a coordinate of P-256, and of an Ed25519 key.
const POINT_BYTES: usize = 32;

/// The keys of a set that can be used, and the names of those that cannot.
#[derive(Clone, Debug)]
pub struct Jwks {
    pub(crate) keys: Vec<Key>,
    unusable: Vec<UnusableKey>,
}

/// One public key with its one algorithm.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) public: DecodingKey,
}

/// A key of the set that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableKey {
    /// Its place in the document, from 0.
    pub place: usize,
    /// Its `kid`, where it has one.
    pub kid: Option<String>,
    /// Why.
    pub why: KeyFault,
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// Not an object with a `kty` and members of the right types.
    Shape,
    /// A type, curve or algorithm that is not RS256, ES256 or EdDSA (Ed25519).
    Unsupported,
    /// Meant for something other than signatures.
    NotForSigning,
    /// Holds a secret: a symmetric or a private key, which has no place in a public set.
    Secret,
    /// A number or point is missing, badly encoded, of the wrong length or not on its curve.
    Value,
    /// An RSA key of fewer than 2048 or more than 4096 bits, or with an unusable exponent.
    RsaSize,
}

/// Why a document is no key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksError {
    /// More than `JWKS_BYTES_MAX` bytes.
    TooLong,
    /// Not JSON, or not an object with a list `keys`.
    NotAKeySet,
    /// More than `JWKS_KEYS_MAX` keys.
    TooMany(usize),
    /// No key can be used; the reason for each.
    NoUsableKey(Vec<UnusableKey>),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

// The members of RFC 7517 and 7518 that matter here. `d` and `k` are only looked for, never kept.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<serde::de::IgnoredAny>,
    k: Option<serde::de::IgnoredAny>,
}

impl Jwks {
    /// Reads a key set. It needs one usable key; others are named by `unusable`, for a warning.
    pub fn parse(document: &[u8]) -> Result<Self, JwksError> {
        if document.len() > JWKS_BYTES_MAX {
            return Err(JwksError::TooLong);
        }
        let document: Document =
            serde_json::from_slice(document).map_err(|_| JwksError::NotAKeySet)?;
        if document.keys.len() > JWKS_KEYS_MAX {
            return Err(JwksError::TooMany(document.keys.len()));
        }
        let (mut keys, mut unusable) = (Vec::new(), Vec::new());
        for (place, value) in document.keys.into_iter().enumerate() {
            let kid = value.get("kid").and_then(|kid| kid.as_str()).map(str::to_owned);
            match serde_json::from_value(value).map_err(|_| KeyFault::Shape).and_then(read) {
                Ok(key) => keys.push(key),
                Err(why) => unusable.push(UnusableKey { place, kid, why }),
            }
        }
        if keys.is_empty() {
            return Err(JwksError::NoUsableKey(unusable));
        }
        Ok(Self { keys, unusable })
    }

    /// How many keys can be used; at least one.
    pub fn usable(&self) -> usize {
        self.keys.len()
    }

    /// The keys that were left out.
    pub fn unusable(&self) -> &[UnusableKey] {
        &self.unusable
    }
}

fn read(jwk: Jwk) -> Result<Key, KeyFault> {
    if jwk.kty == "oct" || jwk.k.is_some() || jwk.d.is_some() {
        return Err(KeyFault::Secret);
    }
    let verifies = |operations: &Vec<String>| operations.iter().any(|one| one == "verify");
    let signing = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
    if !signing || !jwk.key_ops.as_ref().is_none_or(verifies) {
        return Err(KeyFault::NotForSigning);
    }
    let curve = jwk.crv.as_deref();
    let (algorithm, public) = match (jwk.kty.as_str(), curve, jwk.alg.as_deref()) {
        ("RSA", None, None | Some("RS256")) => (Algorithm::RS256, rsa(&jwk)?),
        ("EC", Some("P-256"), None | Some("ES256")) => (Algorithm::ES256, p256(&jwk)?),
        // RFC 9864 renames EdDSA on this curve to Ed25519; providers use both.
        ("OKP", Some("Ed25519"), None | Some("EdDSA" | "Ed25519")) => {
            (Algorithm::EdDSA, ed25519(&jwk)?)
        }
        _ => return Err(KeyFault::Unsupported),
    };
    // A signature of nothing is checked so that a key that would fail every token is named now.
    match crypto::verify("", b"", &public, algorithm) {
        Ok(false) => Ok(Key { kid: jwk.kid, algorithm, public }),
        Ok(true) | Err(_) => Err(KeyFault::Value),
    }
}

fn rsa(jwk: &Jwk) -> Result<DecodingKey, KeyFault> {
    let modulus = bytes(jwk.n.as_deref())?;
    let exponent = bytes(jwk.e.as_deref())?;
    let leading_zeros = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let odd = exponent.last().is_some_and(|byte| byte % 2 == 1) && exponent != [1];
    let size = RSA_BITS.contains(&(modulus.len() * 8 - leading_zeros));
    if !size || !odd || exponent.len() > RSA_EXPONENT_BYTES_MAX {
        return Err(KeyFault::RsaSize);
    }
    Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn p256(jwk: &Jwk) -> Result<DecodingKey, KeyFault> {
    // SEC 1's uncompressed point, which is what the verifier takes.
    let (x, y) = (point(jwk.x.as_deref())?, point(jwk.y.as_deref())?);
    Ok(DecodingKey::from_ec_der(&[&[4], x.as_slice(), &y].concat()))
}

fn ed25519(jwk: &Jwk) -> Result<DecodingKey, KeyFault> {
    Ok(DecodingKey::from_ed_der(&point(jwk.x.as_deref())?))
}

fn point(text: Option<&str>) -> Result<[u8; POINT_BYTES], KeyFault> {
    bytes(text)?.try_into().map_err(|_| KeyFault::Value)
}

fn bytes(text: Option<&str>) -> Result<Vec<u8>, KeyFault> {
    URL_SAFE_NO_PAD.decode(text.ok_or(KeyFault::Value)?).map_err(|_| KeyFault::Value)
}

impl std::fmt::Display for KeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shape => "it is not an object with a kty and members of the right types",
            Self::Unsupported => "it is not for RS256, ES256 or EdDSA with Ed25519",
            Self::NotForSigning => "it is not meant for signatures",
            Self::Secret => "it holds a secret, which has no place in a public key set",
            Self::Value => "a number or point is missing, badly encoded or not on its curve",
            Self::RsaSize => "an RSA key needs 2048 to 4096 bits and a small odd exponent",
        })
    }
}

impl std::fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "key {} ({kid:?}): {}", self.place + 1, self.why),
            None => write!(f, "key {}: {}", self.place + 1, self.why),
        }
    }
}

impl std::fmt::Display for JwksError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => write!(f, "it has more than {JWKS_BYTES_MAX} bytes"),
            Self::NotAKeySet => f.write_str("it is not a JSON object with a list named keys"),
            Self::TooMany(keys) => write!(f, "it has {keys} keys, more than {JWKS_KEYS_MAX}"),
            Self::NoUsableKey(unusable) => {
                f.write_str("it has no usable key")?;
                unusable.iter().try_for_each(|key| write!(f, "; {key}"))
            }
        }
    }
}

impl std::error::Error for JwksError {}
