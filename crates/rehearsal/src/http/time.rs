//! The rehearsal's clock, and the server's beside it. The server's is known as an interval that is certain, never as
//! a guess: by as much as it is wide no check may be sure.

use crate::history::Micros;
use std::time::{Duration, Instant};

/// Microseconds of a millisecond and of a second.
const MS: i128 = 1_000;
const SECOND: i128 = 1_000 * MS;

/// The rehearsal's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    zero: Instant,
}

impl Clock {
    /// It begins now.
    pub(super) fn start() -> Self {
        Self { zero: Instant::now() }
    }

    /// The time now.
    pub(super) fn now(self) -> Micros {
        self.of(Instant::now())
    }

    /// The time of a moment; what was before the beginning is the beginning.
    pub(super) fn of(self, moment: Instant) -> Micros {
        let since = moment.saturating_duration_since(self.zero);
        Micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// The moment of a time.
    pub(super) fn moment(self, time: Micros) -> tokio::time::Instant {
        (self.zero + Duration::from_micros(time.0)).into()
    }
}

/// By how much the server's time (microseconds of unix time) is ahead of the rehearsal's: between these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ahead {
    least: i128,
    most: i128,
}

impl Ahead {
    /// What one answer shows that says `server_ms`, truncated: the server looked at its clock between `sent`
    /// and `ended`.
    pub(super) fn of(server_ms: u64, sent: Micros, ended: Micros) -> Self {
        let server = i128::from(server_ms) * MS;
        Self { least: server - i128::from(ended.0), most: server + MS - 1 - i128::from(sent.0) }
    }

    /// What two answers show together; where they contradict each other a clock has been moved in between, and
    /// both may be true.
    pub(super) fn and(self, other: Self) -> Self {
        let both = Self { least: self.least.max(other.least), most: self.most.min(other.most) };
        if both.least <= both.most { both } else { self.or(other) }
    }

    /// One of the two, not known which.
    pub(super) fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// The server's time in milliseconds at the rehearsal's zero, at best knowledge.
    pub(super) fn zero_ms(self) -> u64 {
        u64::try_from(self.least.midpoint(self.most) / MS).unwrap_or(0)
    }

    /// The rehearsal's time at which the server's is `unix_s`, at best knowledge; and how far off that may be.
    pub(super) fn at(self, unix_s: u64) -> (Micros, Micros) {
        let middle = self.least.midpoint(self.most);
        let time = i128::from(unix_s) * SECOND - middle;
        let off = (self.most - self.least + 1) / 2;
        (Micros(u64::try_from(time).unwrap_or(0)), Micros(u64::try_from(off).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_clock_is_known_within_what_the_answers_allow() {
        // The server is exactly 10 s ahead; it looked at 1.0005 s and 2.0009 s of the rehearsal.
        let first = Ahead::of(11_000, Micros(1_000_000), Micros(1_004_000));
        let second = Ahead::of(12_000, Micros(2_000_800), Micros(2_001_000));
        let truth = 10_000_000;
        for known in [first, second, first.and(second)] {
            assert!(known.least <= truth && truth <= known.most, "{known:?}");
        }
        let both = first.and(second);
        assert!(both.most - both.least <= second.most - second.least);
        let (opens, within) = both.at(30);
        assert!(opens.0.abs_diff(20_000_000) <= within.0, "{opens:?} {within:?}");
        assert!(within.0 < 1_000);
    }

    #[test]
    fn a_clock_that_was_moved_widens_what_is_possible() {
        let before = Ahead { least: 0, most: 10 };
        let after = Ahead { least: 100, most: 110 };
        assert_eq!(before.and(after), Ahead { least: 0, most: 110 });
    }
}
