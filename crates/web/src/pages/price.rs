//! Amounts as people read them: with the currency's sign where it has one that everybody knows. Nothing is ever
//! calculated with these texts.

use sale::Money;

/// Signs of currencies that stand before the amount.
const SIGNS: [(&str, &str); 9] = [
    ("CNY", "¥"),
    ("USD", "$"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "JP¥"),
    ("HKD", "HK$"),
    ("TWD", "NT$"),
    ("SGD", "S$"),
    ("KRW", "₩"),
];

/// The sign of a currency, or its name and a space.
pub fn sign(currency: &str) -> String {
    let known = SIGNS.iter().find(|(name, _)| *name == currency);
    known.map_or_else(|| format!("{currency} "), |(_, sign)| (*sign).to_owned())
}

/// An amount such as `¥9.90`; nothing for what is free.
pub fn shown(money: &Money) -> Option<String> {
    (!money.is_free()).then(|| format!("{}{}", sign(&money.currency), money.amount()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_carries_its_sign_or_its_currency() {
        for (amount, currency, expected) in [
            ("9.90", "CNY", Some("¥9.90")),
            ("100", "JPY", Some("JP¥100")),
            ("5", "CHF", Some("CHF 5.00")),
            ("0", "CNY", None),
        ] {
            let money = Money::parse(amount, currency).expect("an amount");
            assert_eq!(shown(&money).as_deref(), expected);
        }
    }
}
