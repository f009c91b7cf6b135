//! Accounts with passwords that are made here, for organisers who have a list of names and nothing else.
//! A password is handed out once, to whoever asked for the account, and kept only as its hash.

use crate::{
    door::Door,
    outcome::IssueError,
    password::{HashFault, Password},
};
use ledger::{NewPerson, Role};
use rules::TimeMs;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// People of one call: hashing takes some 20 ms for each.
pub const ISSUED_MAX: usize = 500;

/// Characters of a made password without its dashes: 12 of 32, which is 60 bits.
const PASSWORD_CHARS: usize = 12;
/// Nothing in it is mistaken for something else when it is read from paper.
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
    /// The new account's password; `None`: there was an account already, and nothing changed.
    pub password: Option<Zeroizing<String>>,
}

impl Door {
    /// Makes buyers' accounts for the names that have none, each with a password of its own.
    /// All or nothing but for those that have one; the answers are in the order of the list.
    pub async fn issue(&self, list: Vec<Listed>, now: TimeMs) -> Result<Vec<Issued>, IssueError> {
        if list.len() > ISSUED_MAX {
            return Err(IssueError::TooMany);
        }
        let (mut people, mut passwords) = (Vec::new(), Vec::new());
        for Listed { name, display_name } in list {
            let text = make()?;
            let password = Password::new(text.to_string()).expect("made within the bounds");
            let hash = self.passwords.hash(password).await??;
            passwords.push((name.clone(), text));
            people.push(NewPerson {
                name,
                display_name,
                role: Role::Buyer,
                password_hash: Some(hash),
            });
        }
        let mut had = HashSet::new();
        while !people.is_empty() {
            match self.add_people(people.clone(), now).await? {
                Ok(_) => break,
                Err(place) => had.insert(people.remove(place).name),
            };
        }
        let issued = passwords.into_iter().map(|(name, password)| {
            let password = (!had.contains(&name)).then_some(password);
            Issued { name, password }
        });
        Ok(issued.collect())
    }
}

/// A new password: three groups of four.
fn make() -> Result<Zeroizing<String>, HashFault> {
    let mut raw = Zeroizing::new([0; PASSWORD_CHARS]);
    getrandom::fill(raw.as_mut_slice()).map_err(|_| HashFault::Exhausted)?;
    let mut text = Zeroizing::new(String::with_capacity(PASSWORD_CHARS + 2));
    for (at, byte) in raw.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_are_long_readable_and_never_the_same() {
        let made: HashSet<String> = (0..1_000).map(|_| make().unwrap().to_string()).collect();
        assert_eq!(made.len(), 1_000);
        for text in made {
            assert_eq!(text.len(), 14, "{text}");
            assert!(text.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)), "{text}");
            assert!(!text.contains(['0', 'o', '1', 'l', 'i']), "{text}");
        }
    }
}
