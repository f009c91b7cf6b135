//! What an operator may set at the door, with bounds. Checked whole, before anything starts.
//! It never shows a secret: an error names the key and the bound.

use crate::identity::{IdentityKeys, IdentitySettings, SECRET_BYTES_MIN};
use std::ops::RangeInclusive;

/// The door's settings.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Seconds a session lives.
    pub token_life_s: u32,
    /// Whether people may register themselves.
    pub registration_open: bool,
    /// Calls on the ledger that may be under way at once; one more is `Busy`.
    pub calls_max: u32,
    /// How passwords are hashed.
    pub password: PasswordSettings,
    /// The company's identity provider, if there is one.
    pub identity: Option<IdentitySettings>,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            token_life_s: 86_400,
            registration_open: true,
            calls_max: 1024,
            password: PasswordSettings::default(),
            identity: None,
        }
    }
}

/// How passwords are hashed: argon2id, by default with costs that OWASP recommends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Threads that hash.
    pub threads: u32,
    /// Sign-ins that may wait for one of them; one more is `Busy`.
    pub queue_max: u32,
    /// KiB of memory for one hash.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes of argon2; all of them run on one thread here.
    pub lanes: u32,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { threads: 2, queue_max: 256, memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

const TOKEN_LIFE_S: RangeInclusive<u32> = 60..=31_622_400;
const CALLS_MAX: RangeInclusive<u32> = 1..=65_536;
const THREADS: RangeInclusive<u32> = 1..=256;
const QUEUE_MAX: RangeInclusive<u32> = 1..=65_536;
const MEMORY_KIB: RangeInclusive<u32> = 7_168..=1_048_576;
const PASSES: RangeInclusive<u32> = 1..=64;
const LANES: RangeInclusive<u32> = 1..=16;

/// A setting that does not do. No secret is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingFault {
    /// `token_life_s`.
    TokenLife(u32),
    /// `calls_max`.
    Calls(u32),
    /// `password.threads`.
    Threads(u32),
    /// `password.queue_max`.
    Queue(u32),
    /// `password.memory_kib`.
    Memory(u32),
    /// `password.passes`.
    Passes(u32),
    /// `password.lanes`.
    Lanes(u32),
    /// `identity.issuer` is empty.
    NoIssuer,
    /// `identity.audience` is empty.
    NoAudience,
    /// `identity.hs256_secret`: how many bytes it has.
    ShortSecret(usize),
}

impl SettingFault {
    /// The key, below the door's own table.
    pub const fn key(self) -> &'static str {
        match self {
            Self::TokenLife(_) => "token_life_s",
            Self::Calls(_) => "calls_max",
            Self::Threads(_) => "password.threads",
            Self::Queue(_) => "password.queue_max",
            Self::Memory(_) => "password.memory_kib",
            Self::Passes(_) => "password.passes",
            Self::Lanes(_) => "password.lanes",
            Self::NoIssuer => "identity.issuer",
            Self::NoAudience => "identity.audience",
            Self::ShortSecret(_) => "identity.hs256_secret",
        }
    }

    /// The value, for people; of a secret only its length.
    pub fn value(self) -> String {
        match self {
            Self::TokenLife(n)
            | Self::Calls(n)
            | Self::Threads(n)
            | Self::Queue(n)
            | Self::Memory(n)
            | Self::Passes(n)
            | Self::Lanes(n) => n.to_string(),
            Self::NoIssuer | Self::NoAudience => String::from("\"\""),
            Self::ShortSecret(bytes) => format!("a secret of {bytes} bytes"),
        }
    }

    /// Why it does not do, for people.
    pub fn reason(self) -> String {
        let between = |bounds: RangeInclusive<u32>, unit: &str| {
            format!("must be from {} to {}{unit}", bounds.start(), bounds.end())
        };
        match self {
            Self::TokenLife(_) => between(TOKEN_LIFE_S, " seconds"),
            Self::Calls(_) => between(CALLS_MAX, ""),
            Self::Threads(_) => between(THREADS, ""),
            Self::Queue(_) => between(QUEUE_MAX, ""),
            Self::Memory(_) => between(MEMORY_KIB, " KiB"),
            Self::Passes(_) => between(PASSES, ""),
            Self::Lanes(_) => between(LANES, ""),
            Self::NoIssuer | Self::NoAudience => String::from("must not be empty"),
            Self::ShortSecret(_) => format!("must have at least {SECRET_BYTES_MIN} bytes"),
        }
    }
}

impl DoorSettings {
    /// Every setting that does not do.
    pub fn validate(&self) -> Result<(), Vec<SettingFault>> {
        let mut faults = Vec::new();
        let mut check =
            |value: u32, bounds: RangeInclusive<u32>, fault: fn(u32) -> SettingFault| {
                if !bounds.contains(&value) {
                    faults.push(fault(value));
                }
            };
        check(self.token_life_s, TOKEN_LIFE_S, SettingFault::TokenLife);
        check(self.calls_max, CALLS_MAX, SettingFault::Calls);
        check(self.password.threads, THREADS, SettingFault::Threads);
        check(self.password.queue_max, QUEUE_MAX, SettingFault::Queue);
        check(self.password.memory_kib, MEMORY_KIB, SettingFault::Memory);
        check(self.password.passes, PASSES, SettingFault::Passes);
        check(self.password.lanes, LANES, SettingFault::Lanes);
        faults.extend(self.identity.iter().flat_map(identity_faults));
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

fn identity_faults(identity: &IdentitySettings) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    if identity.issuer.is_empty() {
        faults.push(SettingFault::NoIssuer);
    }
    if identity.audience.is_empty() {
        faults.push(SettingFault::NoAudience);
    }
    match &identity.keys {
        IdentityKeys::Hs256(secret) if secret.len() < SECRET_BYTES_MIN => {
            faults.push(SettingFault::ShortSecret(secret.len()));
        }
        IdentityKeys::Hs256(_) | IdentityKeys::Jwks(_) => {}
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[test]
    fn the_defaults_do() {
        assert_eq!(DoorSettings::default().validate(), Ok(()));
    }

    #[test]
    fn every_setting_out_of_bounds_is_named() {
        let password =
            PasswordSettings { threads: 0, queue_max: 0, memory_kib: 8, passes: 0, lanes: 17 };
        let identity = IdentitySettings {
            issuer: String::new(),
            audience: String::new(),
            keys: IdentityKeys::Hs256(Zeroizing::new(b"unguessable".to_vec())),
        };
        let settings = DoorSettings {
            token_life_s: 59,
            calls_max: 0,
            password,
            identity: Some(identity),
            ..DoorSettings::default()
        };
        assert!(!format!("{settings:?}").contains("unguessable"));
        let faults = settings.validate().unwrap_err();
        let keys: Vec<_> = faults.iter().map(|fault| fault.key()).collect();
        let expected = [
            "token_life_s",
            "calls_max",
            "password.threads",
            "password.queue_max",
            "password.memory_kib",
            "password.passes",
            "password.lanes",
            "identity.issuer",
            "identity.audience",
            "identity.hs256_secret",
        ];
        assert_eq!(keys, expected);
        let line = |at: usize| format!("{}: {}", faults[at].value(), faults[at].reason());
        assert_eq!(line(0), "59: must be from 60 to 31622400 seconds");
        assert_eq!(line(7), "\"\": must not be empty");
        assert_eq!(line(9), "a secret of 11 bytes: must have at least 32 bytes");
    }
}
