//! The clocks of a simulated machine: the true time, the system's clock that may be stepped, and the one clock that
//! each start of the server makes of both, as slow to follow a step as the real one (C14).

use rules::TimeMs;
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

/// The true time at the beginning of every simulated sale, in milliseconds since 1970.
pub const BEGAN_MS: u64 = 1_800_000_000_000;
/// The one clock follows the system's by one part in so many.
const SLEW_DIVISOR: i64 = 1_000;

/// The time of one simulated machine.
#[derive(Default)]
pub struct Time {
    /// Microseconds since the beginning.
    us: AtomicU64,
    /// Microseconds by which the system's clock is ahead of the truth.
    ahead_us: AtomicI64,
}

impl Time {
    /// Microseconds since the beginning.
    pub fn now(&self) -> u64 {
        self.us.load(Ordering::Relaxed)
    }

    /// Lets time pass until `at`; it never goes back.
    pub fn pass(&self, at: u64) {
        self.us.fetch_max(at, Ordering::Relaxed);
    }

    /// The system's clock is set.
    pub fn step(&self, ahead_us: i64) {
        self.ahead_us.store(ahead_us, Ordering::Relaxed);
    }

    fn system(&self) -> i64 {
        self.now() as i64 + self.ahead_us.load(Ordering::Relaxed)
    }
}

/// The one clock of one start of the server.
pub struct OneClock {
    time: Arc<Time>,
    started: u64,
    /// What the system's clock said then.
    origin: i64,
    last_ms: AtomicU64,
}

impl OneClock {
    /// A clock that begins with the system's time.
    pub fn start(time: &Arc<Time>) -> Self {
        let (started, origin) = (time.now(), time.system());
        Self { time: Arc::clone(time), started, origin, last_ms: AtomicU64::new(0) }
    }
}

impl sale::Clock for OneClock {
    fn now(&self) -> TimeMs {
        let elapsed = (self.time.now() - self.started) as i64;
        let ours = self.origin + elapsed;
        let most = elapsed / SLEW_DIVISOR;
        let us = ours + (self.time.system() - ours).clamp(-most, most);
        let ms = BEGAN_MS.saturating_add_signed(us.div_euclid(1_000));
        TimeMs(ms.max(self.last_ms.fetch_max(ms, Ordering::Relaxed)))
    }
}
