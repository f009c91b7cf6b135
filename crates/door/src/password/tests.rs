//! Facts about passwords: bounds, hashes, and that nothing shows them.
//! They never need a fast machine: only the order of costs is looked at, never a time.

use super::*;

/// As cheap as argon2 allows: these tests are about what is hashed, not about how long it takes.
const CHEAP: PasswordSettings =
    PasswordSettings { threads: 1, queue_max: 1, memory_kib: 8, passes: 1, lanes: 1 };

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

#[test]
fn a_password_has_bounds_in_bytes() {
    let table = [
        (String::new(), Some(PasswordError::TooShort)),
        ("1234567".into(), Some(PasswordError::TooShort)),
        ("12345678".into(), None),
        ("密码密".into(), None),
        ("x".repeat(256), None),
        ("x".repeat(257), Some(PasswordError::TooLong)),
    ];
    for (text, expected) in table {
        assert_eq!(Password::new(text.clone()).err(), expected, "{text:?}");
    }
}

#[test]
fn a_password_is_not_shown_by_debug() {
    assert_eq!(format!("{:?}", password("a secret word")), "Password(..)");
}

#[test]
fn only_the_password_itself_verifies() {
    let hasher = PasswordHasher::new(&CHEAP).unwrap();
    let hash = hasher.hash(&password("correct horse")).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "a PHC string");
    let table = [("correct horse", true), ("correct Horse", false), ("correct horse ", false)];
    for (text, expected) in table {
        assert_eq!(hasher.verify(&password(text), Some(&hash)), Ok(expected), "{text:?}");
        assert_eq!(hasher.verify(&password(text), None), Ok(false), "without a hash nobody");
    }
}

#[test]
fn one_password_has_a_new_hash_each_time() {
    let hasher = PasswordHasher::new(&CHEAP).unwrap();
    let hash = || hasher.hash(&password("correct horse")).unwrap();
    assert_ne!(hash(), hash());
}

#[test]
fn a_hash_made_with_other_costs_still_verifies() {
    let other = PasswordSettings { memory_kib: 64, passes: 3, lanes: 2, ..CHEAP };
    let hash = hash_password(&password("correct horse"), &other).unwrap();
    let hasher = PasswordHasher::new(&CHEAP).unwrap();
    assert_eq!(hasher.verify(&password("correct horse"), Some(&hash)), Ok(true));
}

#[test]
fn a_damaged_hash_is_a_fault_and_never_a_yes() {
    let hasher = PasswordHasher::new(&CHEAP).unwrap();
    let table = [
        "",
        "correct horse",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=4000000000,t=1,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng",
        "$scrypt$ln=1,r=1,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng",
    ];
    for hash in table {
        let verdict = hasher.verify(&password("correct horse"), Some(hash));
        assert_eq!(verdict, Err(HashFault::Corrupt), "{hash}");
    }
}

#[test]
fn many_hashes_come_in_the_order_of_their_passwords() {
    let passwords: Vec<_> = (0..50).map(|n| password(&format!("password {n}"))).collect();
    let hashes = hash_all(&passwords, &CHEAP, 3).unwrap();
    assert_eq!(hashes.len(), passwords.len());
    let hasher = PasswordHasher::new(&CHEAP).unwrap();
    for (password, hash) in passwords.iter().zip(&hashes) {
        assert_eq!(hasher.verify(password, Some(hash)), Ok(true));
    }
}

#[test]
fn settings_that_argon2_does_not_take_are_a_fault() {
    let settings = PasswordSettings { lanes: 0, ..CHEAP };
    assert_eq!(hash_password(&password("12345678"), &settings), Err(HashFault::Settings));
}

#[test]
fn the_hash_of_nobody_costs_what_everybody_s_costs() {
    let settings = PasswordSettings { memory_kib: 64, passes: 3, lanes: 2, ..CHEAP };
    let hasher = PasswordHasher::new(&settings).unwrap();
    let hash = hasher.hash(&password("correct horse")).unwrap();
    let costs = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
    assert_eq!(costs(&hasher.nobody), costs(&hash));
    assert_eq!(hasher.nobody.len(), hash.len());
}
