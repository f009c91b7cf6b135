//! What a person's name is: one spelling for each, so that two people never look alike by encoding alone.
//! It never repairs what a person wrote beyond white space and Unicode form.

use crate::NAME_BYTES_MAX;
use alloc::string::String;
use unicode_normalization::UnicodeNormalization;

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing but white space.
    Empty,
    /// More than `NAME_BYTES_MAX` bytes of UTF-8.
    TooLong,
    /// Holds a control character.
    Control,
}

/// The name a text stands for: NFC, trimmed, case-sensitive.
pub fn person_name(text: &str) -> Result<String, NameError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    let name: String = text.nfc().collect();
    if name.len() > NAME_BYTES_MAX { Err(NameError::TooLong) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        assert_eq!(person_name("  re\u{301}mi "), person_name("rémi"));
        assert_ne!(person_name("Rémi"), person_name("rémi"), "names are case-sensitive");
        assert_eq!(person_name(" \u{3000} "), Err(NameError::Empty));
        assert_eq!(person_name("a\nb"), Err(NameError::Control));
        assert_eq!(person_name(&"x".repeat(257)), Err(NameError::TooLong));
    }
}
