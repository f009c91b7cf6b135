//! Amounts in minor units with their currency: whole numbers, never floats.
//! It never rounds: a text with more digits than its currency has is refused.

use alloc::string::String;

/// Currencies with a number of decimals other than two (ISO 4217).
const DECIMALS: [(&str, u32); 21] = [
    ("BHD", 3),
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("VND", 0),
    ("XAF", 0),
    ("XOF", 0),
];

/// Digits before the point an amount may have.
const WHOLE_DIGITS_MAX: usize = 12;

/// What one unit costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// In the currency's smallest unit: 9.90 CNY is 990.
    pub minor: u64,
    /// ISO 4217: three capital letters.
    pub currency: String,
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// The currency is not three capital letters.
    Currency,
    /// Not digits with at most one point, or longer than 12 digits before it.
    Amount,
    /// More digits after the point than the currency has.
    Precision,
}

impl Money {
    /// Reads a decimal text such as `9.90`; units: the currency's own.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, MoneyError> {
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(MoneyError::Currency);
        }
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let shaped = !whole.is_empty() && whole.len() <= WHOLE_DIGITS_MAX && digits(whole);
        if !shaped || !digits(fraction) || (amount.contains('.') && fraction.is_empty()) {
            return Err(MoneyError::Amount);
        }
        let decimals = decimals_of(currency);
        if fraction.len() > decimals as usize {
            return Err(MoneyError::Precision);
        }
        let text =
            |part: &str| part.bytes().fold(0u64, |sum, byte| sum * 10 + u64::from(byte - b'0'));
        let scale = 10u64.pow(decimals - fraction.len() as u32);
        let minor = text(whole) * 10u64.pow(decimals) + text(fraction) * scale;
        Ok(Self { minor, currency: String::from(currency) })
    }

    /// Whether nothing is to be paid.
    pub fn is_free(&self) -> bool {
        self.minor == 0
    }

    /// The decimal text: `9.90`, and `0` for nothing.
    pub fn amount(&self) -> String {
        let decimals = decimals_of(&self.currency);
        if self.minor == 0 || decimals == 0 {
            return alloc::format!("{}", self.minor);
        }
        let scale = 10u64.pow(decimals);
        let width = decimals as usize;
        alloc::format!("{}.{:0width$}", self.minor / scale, self.minor % scale)
    }
}

fn decimals_of(currency: &str) -> u32 {
    DECIMALS.iter().find(|(name, _)| *name == currency).map_or(2, |(_, decimals)| *decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        let table = [
            ("0", "CNY", Ok((0, "0"))),
            ("9.90", "CNY", Ok((990, "9.90"))),
            ("9.9", "CNY", Ok((990, "9.90"))),
            ("100", "JPY", Ok((100, "100"))),
            ("1.234", "KWD", Ok((1234, "1.234"))),
            ("999999999999.99", "CNY", Ok((99_999_999_999_999, "999999999999.99"))),
            ("9.901", "CNY", Err(MoneyError::Precision)),
            ("1.5", "JPY", Err(MoneyError::Precision)),
            ("", "CNY", Err(MoneyError::Amount)),
            ("-1", "CNY", Err(MoneyError::Amount)),
            ("1.", "CNY", Err(MoneyError::Amount)),
            (".5", "CNY", Err(MoneyError::Amount)),
            ("1e3", "CNY", Err(MoneyError::Amount)),
            ("１", "CNY", Err(MoneyError::Amount)),
            ("1000000000000", "CNY", Err(MoneyError::Amount)),
            ("1", "cny", Err(MoneyError::Currency)),
            ("1", "YUAN", Err(MoneyError::Currency)),
        ];
        for (amount, currency, expected) in table {
            let read = Money::parse(amount, currency);
            let seen =
                read.as_ref().map(|money| (money.minor, money.amount())).map_err(|error| *error);
            assert_eq!(
                seen,
                expected.map(|(minor, text)| (minor, String::from(text))),
                "{amount} {currency}"
            );
        }
    }
}
