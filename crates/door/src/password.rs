//! Passwords: their bounds, their hashes (argon2id as PHC strings) and nothing else.
//! A password is wiped from memory after use and shown by no `Debug`, error or log line.

use crate::settings::PasswordSettings;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier, Version,
    password_hash::Error,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use zeroize::Zeroizing;

/// Bytes of the shortest password an account may have.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Bytes of the longest, so that nobody sends megabytes to be hashed.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// KiB of memory a stored hash may ask for; more was not written by this program.
const STORED_MEMORY_KIB_MAX: u32 = 1 << 20;

/// A password in the clear, within its bounds; wiped when dropped.
pub struct Password(Zeroizing<String>);

/// Why a text is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// Fewer than `PASSWORD_BYTES_MIN` bytes.
    TooShort,
    /// More than `PASSWORD_BYTES_MAX` bytes.
    TooLong,
}

impl Password {
    /// The text as a password; it is wiped from memory in either case.
    pub fn new(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        match text.len() {
            0..PASSWORD_BYTES_MIN => Err(PasswordError::TooShort),
            PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX => Ok(Self(text)),
            _ => Err(PasswordError::TooLong),
        }
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Why a password could be neither hashed nor checked. It says nothing of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFault {
    /// The settings are outside what argon2 takes.
    Settings,
    /// No memory, or no random salt, just now.
    Exhausted,
    /// The stored hash is not one that this program writes.
    Corrupt,
}

/// Hashes and checks passwords on the caller's thread, some 20 ms at a time with the default
/// settings.
#[derive(Clone)]
pub struct PasswordHasher {
    argon2: Argon2<'static>,
    nobody: String,
}

impl PasswordHasher {
    /// A hasher with these costs. It hashes once, for people who do not exist.
    pub fn new(settings: &PasswordSettings) -> Result<Self, HashFault> {
        let argon2 = argon2id(settings)?;
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut_slice()).map_err(|_| HashFault::Exhausted)?;
        let nobody = phc(&argon2, random.as_slice())?;
        Ok(Self { argon2, nobody })
    }

    /// The password's hash under a new random salt, as a PHC string.
    pub fn hash(&self, password: &Password) -> Result<String, HashFault> {
        phc(&self.argon2, password.0.as_bytes())
    }

    /// Whether this is the password of `hash`. `None`: there is none, which takes as long to say.
    pub fn verify(&self, password: &Password, hash: Option<&str>) -> Result<bool, HashFault> {
        let stored = PasswordHash::new(hash.unwrap_or(&self.nobody));
        let stored = stored.map_err(|_| HashFault::Corrupt)?;
        let memory_kib = Params::try_from(&stored).map_err(|_| HashFault::Corrupt)?.m_cost();
        if stored.hash.is_none() || memory_kib > STORED_MEMORY_KIB_MAX {
            return Err(HashFault::Corrupt);
        }
        match self.argon2.verify_password(password.0.as_bytes(), &stored) {
            Ok(()) => Ok(hash.is_some()),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(Error::OutOfMemory) => Err(HashFault::Exhausted),
            Err(_) => Err(HashFault::Corrupt),
        }
    }
}

/// One password's hash, for the command line.
pub fn hash_password(
    password: &Password,
    settings: &PasswordSettings,
) -> Result<String, HashFault> {
    phc(&argon2id(settings)?, password.0.as_bytes())
}

/// The hashes of many passwords, in their order, on `threads` threads; the calling thread waits.
pub fn hash_all(
    passwords: &[Password],
    settings: &PasswordSettings,
    threads: usize,
) -> Result<Vec<String>, HashFault> {
    let argon2 = &argon2id(settings)?;
    let next = &AtomicUsize::new(0);
    let work = move || {
        let mut done = Vec::new();
        while let Some((place, password)) = take(next, passwords) {
            done.push((place, phc(argon2, password.0.as_bytes())?));
        }
        Ok::<_, HashFault>(done)
    };
    let parts = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().expect("hashing does not panic")).collect()
    });
    let parts: Result<Vec<_>, HashFault> = parts;
    let mut hashes: Vec<_> = parts?.into_iter().flatten().collect();
    hashes.sort_unstable_by_key(|(place, _)| *place);
    Ok(hashes.into_iter().map(|(_, hash)| hash).collect())
}

/// The next password that no thread has taken, and its place.
fn take<'a>(next: &AtomicUsize, passwords: &'a [Password]) -> Option<(usize, &'a Password)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    passwords.get(place).map(|password| (place, password))
}

fn argon2id(settings: &PasswordSettings) -> Result<Argon2<'static>, HashFault> {
    let params = Params::new(settings.memory_kib, settings.passes, settings.lanes, None);
    let params = params.map_err(|_| HashFault::Settings)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn phc(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, HashFault> {
    match argon2.hash_password(password) {
        Ok(hash) => Ok(hash.to_string()),
        Err(Error::OutOfMemory | Error::RngFailure) => Err(HashFault::Exhausted),
        Err(_) => Err(HashFault::Settings),
    }
}

#[cfg(test)]
mod tests;
