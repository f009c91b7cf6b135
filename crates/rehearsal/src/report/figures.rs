//! Figures as people read them. Every number that reaches a report's text or a plot goes through here, so that
//! nothing in it can be infinite, or longer than its column.

/// 12,345.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with about three digits that say something: 0.04, 1.23, 12.3, 123, 1,230.
pub fn short(number: f64) -> String {
    let number = finite(number);
    match number.abs() {
        less if less >= 99.95 => {
            let sign = if number < 0.0 { "-" } else { "" };
            format!("{sign}{}", thousands(number.abs().round() as u64))
        }
        less if less >= 9.995 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// Milliseconds as a length of time: "0.41 ms", "12.3 ms", "1.24 s", "3 min 20 s".
pub fn duration(ms: f64) -> String {
    let ms = finite(ms);
    if ms.abs() < 999.5 {
        return format!("{} ms", short(ms));
    }
    let seconds = ms / 1e3;
    if seconds.abs() < 120.0 {
        return format!("{} s", short(seconds));
    }
    let whole = seconds.abs().round() as u64;
    let sign = if seconds < 0.0 { "-" } else { "" };
    format!("{sign}{} min {} s", thousands(whole / 60), whole % 60)
}

/// A count with its noun.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// The number, or zero where it is none.
pub fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_never_infinite() {
        let table = [
            (0.0, "0.00"),
            (0.042, "0.04"),
            (9.99, "9.99"),
            (9.996, "10.0"),
            (99.94, "99.9"),
            (99.96, "100"),
            (1234.5, "1,235"),
            (-1234.4, "-1,234"),
            (f64::NAN, "0.00"),
            (f64::INFINITY, "0.00"),
        ];
        for (number, expected) in table {
            assert_eq!(short(number), expected, "{number}");
        }
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(duration(412.0), "412 ms");
        assert_eq!(duration(1240.0), "1.24 s");
        assert_eq!(duration(200_000.0), "3 min 20 s");
    }
}
