//! Token buckets in memory of a fixed size: who asks too often is told when to come back.
//! A bucket that has no room left is forgotten early, never the other way round: nobody is held back for another.
//!
//! Each slot is one word: the bucket's mark, and the moment at which it will be full again.
//!
//! ```text
//! bits 63..44 mark of the key | bits 43..0 when it is full, in 1/64 ms since the table was made; 8 years
//! ```

use rules::TimeMs;
use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

/// How much of something a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once, from a full bucket.
    pub burst: u32,
    /// A minute, in the long run. 0: no limit at all.
    pub per_minute: u32,
}

impl Rate {
    /// No limit.
    pub const OFF: Self = Self { burst: 0, per_minute: 0 };

    /// The same for a group that may do `times` as much.
    pub fn times(self, times: u32) -> Self {
        Self {
            burst: self.burst.saturating_mul(times),
            per_minute: self.per_minute.saturating_mul(times),
        }
    }

    pub(crate) fn is_off(self) -> bool {
        self.per_minute == 0
    }

    /// What one request takes, in units of time.
    fn cost(self) -> u64 {
        (UNITS_PER_MINUTE / u64::from(self.per_minute)).max(1)
    }

    /// How far ahead of now a bucket may be full again.
    fn depth(self) -> u64 {
        self.cost() * u64::from(self.burst.max(1))
    }
}

/// A bucket is empty; ask again after so many milliseconds, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty {
    /// Milliseconds until one more is allowed.
    pub retry_after_ms: u64,
}

const UNITS_PER_MS: u64 = 64;
const UNITS_PER_MINUTE: u64 = 60_000 * UNITS_PER_MS;
const TIME_BITS: u32 = 44;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// Slots in which a key may be found: one cache line.
const SET: usize = 8;

/// A table of buckets.
pub struct Buckets {
    slots: Box<[AtomicU64]>,
    /// Nobody outside can know which keys share a set.
    hash: RandomState,
    since: TimeMs,
}

impl Buckets {
    /// A table of at least `buckets` buckets of 8 bytes.
    pub fn new(buckets: u32, now: TimeMs) -> Self {
        let slots = (buckets as usize).next_power_of_two().max(SET);
        Self {
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            hash: RandomState::new(),
            since: now,
        }
    }

    /// Takes one from the bucket of `key`, if there is one in it.
    pub fn take(&self, key: impl Hash, rate: Rate, now: TimeMs) -> Result<(), Empty> {
        if rate.is_off() {
            return Ok(());
        }
        let now = self.units(now);
        let (set, mark) = self.place(key);
        loop {
            let (slot, seen) = choose(set, mark, now);
            let full_at = if seen >> TIME_BITS == mark { (seen & TIME_MASK).max(now) } else { now };
            let after = full_at + rate.cost();
            if after > now + rate.depth() {
                let wait = after - now - rate.depth();
                return Err(Empty { retry_after_ms: wait.div_ceil(UNITS_PER_MS) });
            }
            let next = mark << TIME_BITS | after.min(TIME_MASK);
            let swapped =
                slot.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed);
            if swapped.is_ok() {
                return Ok(());
            }
        }
    }

    fn units(&self, now: TimeMs) -> u64 {
        (now.0.saturating_sub(self.since.0)).saturating_mul(UNITS_PER_MS).min(TIME_MASK >> 1)
    }

    fn place(&self, key: impl Hash) -> (&[AtomicU64], u64) {
        let hash = self.hash.hash_one(key);
        let sets = self.slots.len() / SET;
        let set = (hash as usize) & (sets - 1);
        // A mark is never 0, which is what an unused slot holds.
        let mark = (hash >> TIME_BITS).max(1);
        (&self.slots[set * SET..(set + 1) * SET], mark)
    }
}

/// The slot of this mark, or else the one whose bucket is full soonest: forgetting that one forgives the least.
fn choose(set: &[AtomicU64], mark: u64, now: u64) -> (&AtomicU64, u64) {
    let mut best = (&set[0], u64::MAX, u64::MAX);
    for slot in set {
        let seen = slot.load(Ordering::Relaxed);
        if seen >> TIME_BITS == mark {
            return (slot, seen);
        }
        let full_at = (seen & TIME_MASK).max(now);
        if full_at < best.2 {
            best = (slot, seen, full_at);
        }
    }
    (best.0, best.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: TimeMs = TimeMs(1_000_000);
    const TEN_A_SECOND: Rate = Rate { burst: 3, per_minute: 600 };

    fn at(ms: u64) -> TimeMs {
        TimeMs(START.0 + ms)
    }

    /// (milliseconds since the start, whether one more is allowed, if not: milliseconds to wait)
    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let table = Buckets::new(64, START);
        let rows = [
            (0, None),
            (0, None),
            (0, None),
            (0, Some(100)),
            (99, Some(1)),
            (100, None),
            (100, Some(100)),
            (500, None),
            (500, None),
            (500, None),
            (500, Some(100)),
        ];
        for (row, (ms, wait)) in rows.into_iter().enumerate() {
            let expected = wait.map_or(Ok(()), |retry_after_ms| Err(Empty { retry_after_ms }));
            assert_eq!(table.take(7, TEN_A_SECOND, at(ms)), expected, "row {row}");
        }
    }

    #[test]
    fn who_waits_as_long_as_told_is_let_through() {
        let table = Buckets::new(64, START);
        let rate = Rate { burst: 1, per_minute: 7 };
        let mut now = 0;
        for _ in 0..50 {
            table.take("x", rate, at(now)).unwrap();
            let Err(Empty { retry_after_ms }) = table.take("x", rate, at(now)) else {
                panic!("the bucket held one")
            };
            now += retry_after_ms;
        }
        assert!((49 * 60_000 / 7..=50 * 60_001 / 7 + 50).contains(&now), "{now}");
    }

    #[test]
    fn without_a_rate_nothing_is_counted() {
        let table = Buckets::new(8, START);
        assert!((0..1000).all(|_| table.take(1, Rate::OFF, START).is_ok()));
    }

    /// C14: a clock that goes back gives nobody more and locks nobody out for longer than the step.
    #[test]
    fn a_clock_that_steps_changes_little() {
        let table = Buckets::new(64, START);
        for _ in 0..3 {
            table.take(1, TEN_A_SECOND, at(3_600_000)).unwrap();
        }
        assert!(table.take(1, TEN_A_SECOND, START).is_err());
        assert!(table.take(2, TEN_A_SECOND, TimeMs(0)).is_ok());
        assert!(table.take(1, TEN_A_SECOND, at(3_600_100)).is_ok());
    }

    /// C24: a flood of keys that are used once each holds nobody back and takes no memory.
    #[test]
    fn more_keys_than_buckets_hold_nobody_back() {
        let table = Buckets::new(1024, START);
        assert_eq!(table.slots.len(), 1024);
        for key in 0..200_000u32 {
            assert!(table.take(key, TEN_A_SECOND, START).is_ok(), "key {key}");
        }
    }

    /// The race is over one bucket: with a plain load and store, threads give more than there is.
    #[test]
    fn threads_share_a_bucket_exactly() {
        let table = Buckets::new(8, START);
        let rate = Rate { burst: 5_000, per_minute: 1 };
        let taken: usize = std::thread::scope(|scope| {
            let taking = || {
                scope.spawn(|| (0..5_000).filter(|_| table.take(1, rate, START).is_ok()).count())
            };
            let threads: Vec<_> = (0..4).map(|_| taking()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 5_000);
    }

    proptest! {
        /// Against a plain bucket with a fraction of a token: never more, never less.
        #[test]
        fn one_key_gets_what_a_plain_bucket_gives(
            burst in 1u32..20,
            per_minute in 1u32..6000,
            pauses in prop::collection::vec(0u64..2000, 1..200),
        ) {
            let table = Buckets::new(64, START);
            let rate = Rate { burst, per_minute };
            let cost = rate.cost();
            let (mut tokens, mut now) = (u64::from(burst) * cost, 0);
            for pause in pauses {
                now += pause;
                tokens = (tokens + pause * UNITS_PER_MS).min(u64::from(burst) * cost);
                let expected = tokens >= cost;
                prop_assert_eq!(table.take(9, rate, at(now)).is_ok(), expected);
                tokens -= if expected { cost } else { 0 };
            }
        }
    }
}
