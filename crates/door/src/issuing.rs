//! Accounts with passwords that are made here, for organisers who have a list of names and nothing else.
//! A password is handed out once, to whoever asked for the account, and kept only as its hash.

use crate::{door::Door, outcome::IssueError, password::Password};
use hmac::{Hmac, KeyInit, Mac};
use ledger::{LedgerFault, NewPerson, Role};
use rules::TimeMs;
use sha2::Sha256;
use zeroize::Zeroizing;

/// People of one call: hashing takes some 20 ms for each.
pub const ISSUED_MAX: usize = 500;

/// Characters of a made password without its dashes: 12 of 32, nearly 60 bits.
const PASSWORD_CHARS: usize = 12;
/// Nothing in it is mistaken for something else when it is read from paper. 31 signs are left; x stands twice, so that
/// every byte finds its sign.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";

/// A name on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// NFC and trimmed.
    pub name: String,
    /// May be empty.
    pub display_name: String,
}

/// What became of a name.
pub struct Issued {
    /// The name.
    pub name: String,
    /// The password that was made for this list; `None`: there was an account already, and nothing changed.
    pub password: Option<Zeroizing<String>>,
}

/// What made passwords are made from.
pub(crate) struct IssuingKey(Hmac<Sha256>);

impl IssuingKey {
    /// From the secret of the tokens, and of no use for them.
    pub(crate) fn of(token_secret: &[u8; 32]) -> Self {
        let mut mac = new_mac(token_secret);
        mac.update(b"firstcome: passwords of lists");
        Self(new_mac(&mac.finalize().into_bytes()))
    }

    /// The password of a name on the list that `batch` stands for: three groups of four.
    fn password(&self, batch: &str, name: &str) -> Zeroizing<String> {
        let mut mac = self.0.clone();
        mac.update(&(batch.len() as u64).to_le_bytes());
        mac.update(batch.as_bytes());
        mac.update(name.as_bytes());
        let drawn = mac.finalize().into_bytes();
        let mut text = Zeroizing::new(String::with_capacity(PASSWORD_CHARS + 2));
        for (at, byte) in drawn.iter().take(PASSWORD_CHARS).enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(byte % 32)]));
        }
        text
    }
}

fn new_mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a MAC takes keys of any length")
}

impl Door {
    /// Makes buyers' accounts for the names that have none, each with a password of its own.
    /// `batch` stands for this one list: whoever sends it again hears the same passwords again. All or nothing but
    /// for names that have an account; the answers are in the order of the list.
    pub async fn issue(
        &self,
        list: Vec<Listed>,
        batch: &str,
        now: TimeMs,
    ) -> Result<Vec<Issued>, IssueError> {
        if list.len() > ISSUED_MAX {
            return Err(IssueError::TooMany);
        }
        let names: Vec<String> = list.iter().map(|one| one.name.clone()).collect();
        let known = self.call(move |inside| {
            let hash = |name: &String| {
                let found = inside.people.person_by_name(name)?;
                Ok(found.and_then(|(_, hash)| hash))
            };
            names.iter().map(hash).collect::<Result<Vec<_>, LedgerFault>>()
        });
        let known = known.await??;
        let (mut people, mut issued) = (Vec::new(), Vec::with_capacity(list.len()));
        for (Listed { name, display_name }, hash) in list.into_iter().zip(known) {
            let text = self.issuing.password(batch, &name);
            let password = Password::new(text.to_string()).expect("made within the bounds");
            let given = if hash.is_some() {
                self.passwords.verify(password, hash).await??
            } else {
                let hash = Some(self.passwords.hash(password).await??);
                let (name, role) = (name.clone(), Role::Buyer);
                people.push(NewPerson { name, display_name, role, password_hash: hash });
                true
            };
            issued.push(Issued { name, password: given.then_some(text) });
        }
        // Who got an account meanwhile, or has one without a password, keeps it as it is.
        while !people.is_empty() {
            match self.add_people(people.clone(), now).await? {
                Ok(_) => break,
                Err(place) => {
                    let had = people.remove(place).name;
                    issued
                        .iter_mut()
                        .filter(|one| one.name == had)
                        .for_each(|one| one.password = None);
                }
            }
        }
        Ok(issued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn made_passwords_are_long_readable_and_differ_by_name_list_and_secret() {
        let (one, other) = (IssuingKey::of(&[1; 32]), IssuingKey::of(&[2; 32]));
        let mut made = HashSet::new();
        for key in [&one, &other] {
            for batch in ["a", "b"] {
                made.extend((0..250).map(|no| key.password(batch, &no.to_string()).to_string()));
            }
        }
        assert_eq!(made.len(), 1_000);
        assert_eq!(*one.password("a", "7"), *IssuingKey::of(&[1; 32]).password("a", "7"));
        for text in made {
            assert_eq!(text.len(), 14, "{text}");
            assert!(text.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)), "{text}");
            assert!(!text.contains(['0', 'o', '1', 'l', 'i']), "{text}");
        }
    }
}
