//! Numbers that many cores add to and somebody asks for now and then.
//! Adding takes no lock, and what one core adds to lies in no cache line that another core touches.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    thread::available_parallelism,
    time::Duration,
};

/// The least bound of a histogram, in nanoseconds; each further one is double the one before.
const LEAST_BOUND_NS: u64 = 50_000;
/// Bounds of a histogram: from 50 µs to about 13 s.
pub const BOUNDS: usize = 19;

/// The bounds of a histogram, in seconds.
pub fn bounds_s() -> impl Iterator<Item = f64> {
    (0..BOUNDS).map(|power| seconds(LEAST_BOUND_NS << power))
}

/// The bounds of a histogram, in milliseconds.
pub fn bounds_ms() -> impl Iterator<Item = f64> {
    (0..BOUNDS).map(|power| (LEAST_BOUND_NS << power) as f64 / 1e6)
}

/// Nanoseconds as seconds.
pub fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// A number that only grows. Its cache lines are its own: two of them, because processors fetch pairs.
#[derive(Default)]
#[repr(align(128))]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// `more` more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls, in cache lines of its own like [`Counter`].
#[derive(Default)]
#[repr(align(128))]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// One more.
    pub fn inc(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn dec(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something took how long. The last place counts what is above every bound.
#[derive(Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS + 1],
    nanos: AtomicU64,
}

impl Histogram {
    /// Counts one that took so long.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What it has counted.
    pub fn counted(&self) -> Counted {
        let mut counted = Counted::default();
        self.add_to(&mut counted);
        counted
    }

    /// Adds what it has counted.
    pub fn add_to(&self, counted: &mut Counted) {
        for (sum, count) in counted.counts.iter_mut().zip(&self.counts) {
            *sum += count.load(Ordering::Relaxed);
        }
        counted.nanos += self.nanos.load(Ordering::Relaxed);
    }
}

/// The first place whose bound is not below `nanos`.
fn bucket(nanos: u64) -> usize {
    let doublings = u64::BITS - (nanos.saturating_sub(1) / LEAST_BOUND_NS).leading_zeros();
    BOUNDS.min(doublings as usize)
}

/// What histograms have counted, as plain numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// By the first bound that is not exceeded, and last those above every bound.
    pub counts: [u64; BOUNDS + 1],
    /// All of them together, in nanoseconds.
    pub nanos: u64,
}

impl Counted {
    /// How many there were.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The least bound, in milliseconds, within which so many thousandths of them were; nothing where there were
    /// none, or where more than the rest were above every bound.
    pub fn within_ms(&self, per_mille: u64) -> Option<f64> {
        let wanted = (self.total() * per_mille).div_ceil(1000);
        let mut until_here = 0;
        let place = self.counts.iter().position(|count| {
            until_here += count;
            until_here >= wanted
        });
        bounds_ms().nth(place.filter(|_| wanted > 0)?)
    }
}

/// A `T` in cache lines of its own, like [`Counter`].
#[derive(Default)]
#[repr(align(128))]
pub struct Apart<T>(pub T);

/// One `T` for each core: each core adds to its own, and whoever asks sums up.
pub struct PerCore<T>(Box<[Apart<T>]>);

impl<T: Default> Default for PerCore<T> {
    fn default() -> Self {
        let shards = available_parallelism().map_or(1, usize::from);
        Self((0..shards).map(|_| Apart::default()).collect())
    }
}

impl<T> PerCore<T> {
    /// That of this thread. Where a server is told to have more cores than the machine, some share one:
    /// slower then, and as exact.
    pub fn mine(&self) -> &T {
        let core = sale::this_core();
        &self.0.get(core).unwrap_or_else(|| &self.0[core % self.0.len()]).0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &shard.0)
    }
}
