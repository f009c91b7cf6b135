//! How long a repetition waits: a moment drawn by chance below a bound that doubles, so that receivers that come
//! back are not met by everybody at once. Chance comes in as an argument.

/// Milliseconds before the next attempt, after so many failures in a row (at least 1). `chance` is spread evenly
/// over its whole range; a receiver's Retry-After (ms) is the least there is, up to its bound.
pub(crate) fn wait_ms(
    failures: u32,
    first_ms: u32,
    longest_ms: u32,
    retry_after_ms: Option<u64>,
    chance: u64,
) -> u64 {
    assert!(failures >= 1, "only what failed is repeated");
    let doubled = u64::from(first_ms).checked_shl(failures - 1).filter(|_| failures <= 32);
    let bound = doubled.unwrap_or(u64::MAX).min(longest_ms.into());
    let drawn = (u128::from(chance) * u128::from(bound + 1)) >> 64;
    (drawn as u64).max(retry_after_ms.unwrap_or(0))
}

/// A Retry-After in seconds, as milliseconds, bounded. The form with a date is not listened to.
pub(crate) fn retry_after_ms(text: &str, max_ms: u32) -> Option<u64> {
    let seconds: u64 = text.trim().parse().ok()?;
    Some(seconds.saturating_mul(1_000).min(max_ms.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_drawn_below_a_bound_that_doubles() {
        let hours = 6 * 3_600_000;
        let table = [
            (1, u64::MAX, 1_000),
            (1, 0, 0),
            (2, u64::MAX, 2_000),
            (2, u64::MAX / 2, 1_000),
            (5, u64::MAX, 16_000),
            (15, u64::MAX, 16_384_000),
            (16, u64::MAX, 21_600_000),
            (33, u64::MAX, 21_600_000),
            (u32::MAX, u64::MAX, 21_600_000),
        ];
        for (failures, chance, expected) in table {
            assert_eq!(wait_ms(failures, 1_000, hours, None, chance), expected, "{failures}");
        }
    }

    #[test]
    fn a_receivers_wish_is_the_least_there_is_and_bounded() {
        let table = [
            ("120", Some(120_000)),
            (" 5 ", Some(5_000)),
            ("99999999999999999999", None),
            ("18446744073709551615", Some(3_600_000)),
            ("86400", Some(3_600_000)),
            ("-1", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ];
        for (text, expected) in table {
            assert_eq!(retry_after_ms(text, 3_600_000), expected, "{text}");
        }
        assert_eq!(wait_ms(1, 1_000, 60_000, Some(30_000), 0), 30_000);
        assert_eq!(wait_ms(9, 1_000, 600_000, Some(1_000), u64::MAX), 256_000);
    }
}
