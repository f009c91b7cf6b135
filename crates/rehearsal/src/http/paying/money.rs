//! Amounts as texts and as numbers of the smallest unit. Rehearsals are in currencies with two decimals.
//! What is not written as the interface writes it is no amount.

use crate::history::paying::Minor;

/// Digits after the point.
const DECIMALS: usize = 2;

/// The text of an amount.
pub(super) fn text(amount: Minor) -> String {
    format!("{}.{:02}", amount.0 / 100, amount.0 % 100)
}

/// The amount of a text.
pub(super) fn amount(text: &str) -> Option<Minor> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > DECIMALS || !digits(whole) || !digits(part) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<DECIMALS$}").parse().ok()?;
    Some(Minor(whole.checked_mul(100)?.checked_add(part)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_cent() {
        let table = [
            ("0", Some(0)),
            ("99", Some(9_900)),
            ("9.9", Some(990)),
            ("9.90", Some(990)),
            ("280.50", Some(28_050)),
            ("9.905", None),
            ("-1", None),
            (".5", None),
            ("1.x", None),
            ("", None),
            ("99999999999999999999", None),
        ];
        for (written, expected) in table {
            assert_eq!(amount(written), expected.map(Minor), "{written}");
        }
        assert_eq!(text(Minor(28_050)), "280.50");
        assert_eq!(text(Minor(5)), "0.05");
    }
}
