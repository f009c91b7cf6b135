//! The one clock: monotonic, and slewed towards the system's by at most 0.1 %, so that a step of the system's
//! clock opens or closes no sale (C14). It never goes back.

use parking_lot::Mutex;
use rules::TimeMs;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A difference from the system's clock that is a step and not drift.
const STEP: Duration = Duration::from_secs(5);
/// The fastest this clock is moved: one part in a thousand.
const SLEW_DIVISOR: i128 = 1000;
/// Between two looks at the system's clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The clock of a server.
pub struct SteadyClock {
    started: Instant,
    /// Microseconds since 1970 at `started`, as slewed so far.
    origin_us: AtomicU64,
    /// The latest time handed out: slewing back must not be seen.
    last_ms: AtomicU64,
    slewed: Mutex<Slewed>,
}

struct Slewed {
    looked: Duration,
    alarmed: bool,
}

/// What a look at the system's clock found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Together, or drifting no more than can be slewed.
    Near,
    /// Apart by more than a step: milliseconds by which the system's clock is ahead.
    Stepped(i64),
}

impl SteadyClock {
    /// A clock that begins with the system's time.
    pub fn start() -> Self {
        Self::begin(system_us())
    }

    fn begin(origin_us: u64) -> Self {
        Self {
            started: Instant::now(),
            origin_us: AtomicU64::new(origin_us),
            last_ms: AtomicU64::new(0),
            slewed: Mutex::new(Slewed { looked: Duration::ZERO, alarmed: false }),
        }
    }

    /// Moves this clock a little towards the system's and alarms about a step; to be called every second.
    pub fn look(&self) {
        if let Look::Stepped(ahead_ms) = self.slew(self.started.elapsed(), system_us()) {
            let mut slewed = self.slewed.lock();
            if !slewed.alarmed {
                tracing::error!(
                    ahead_ms,
                    "the system's clock was stepped; sales go on by the time they began with"
                );
            }
            slewed.alarmed = true;
        } else {
            self.slewed.lock().alarmed = false;
        }
    }

    fn slew(&self, elapsed: Duration, system_us: u64) -> Look {
        let mut slewed = self.slewed.lock();
        let since_look = elapsed.saturating_sub(slewed.looked);
        slewed.looked = elapsed;
        let origin = self.origin_us.load(Ordering::Relaxed);
        let ours = i128::from(origin) + elapsed.as_micros() as i128;
        let ahead = i128::from(system_us) - ours;
        let most = since_look.as_micros() as i128 / SLEW_DIVISOR;
        let moved = i128::from(origin) + ahead.clamp(-most, most);
        self.origin_us.store(u64::try_from(moved).unwrap_or(origin), Ordering::Relaxed);
        if ahead.unsigned_abs() > STEP.as_micros() {
            Look::Stepped(i64::try_from(ahead / 1000).unwrap_or(i64::MAX))
        } else {
            Look::Near
        }
    }

    fn at(&self, elapsed: Duration) -> TimeMs {
        let us = self.origin_us.load(Ordering::Relaxed) + elapsed.as_micros() as u64;
        let (now, last) = (us / 1000, self.last_ms.load(Ordering::Relaxed));
        if now > last {
            TimeMs(now.max(self.last_ms.fetch_max(now, Ordering::Relaxed)))
        } else {
            TimeMs(last)
        }
    }

    /// Between two calls of [`SteadyClock::look`].
    pub const fn look_every() -> Duration {
        LOOK_EVERY
    }
}

impl sale::Clock for SteadyClock {
    fn now(&self) -> TimeMs {
        self.at(self.started.elapsed())
    }
}

/// The system's time in microseconds since 1970; 0 for a clock before that.
fn system_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN_US: u64 = 1_800_000_000_000_000;
    const HOUR_US: i64 = 3_600_000_000;

    /// C14: the system's clock steps by an hour either way, and this one goes on at its own pace.
    #[test]
    fn a_step_of_an_hour_moves_this_clock_by_a_thousandth_at_most() {
        for step in [HOUR_US, -HOUR_US] {
            let clock = SteadyClock::begin(BEGAN_US);
            let mut last = clock.at(Duration::ZERO);
            for second in 1..=600u64 {
                let elapsed = Duration::from_secs(second);
                let system = BEGAN_US.saturating_add_signed(step) + second * 1_000_000;
                let look = clock.slew(elapsed, system);
                assert!(matches!(look, Look::Stepped(ahead) if ahead.signum() == step.signum()));
                let now = clock.at(elapsed);
                assert!((999..=1001).contains(&(now.0 - last.0)), "second {second}");
                last = now;
            }
            let true_ms = (BEGAN_US + 600_000_000) / 1000;
            assert!(last.0.abs_diff(true_ms) <= 600, "0.1 % of ten minutes");
        }
    }

    #[test]
    fn drift_is_slewed_away() {
        let clock = SteadyClock::begin(BEGAN_US);
        let drifted = |second: u64| BEGAN_US + second * 1_000_000 + second * 100;
        for second in 1..=100 {
            let look = clock.slew(Duration::from_secs(second), drifted(second));
            assert_eq!(look, Look::Near);
        }
        let ours = clock.at(Duration::from_secs(100)).0;
        assert!(ours.abs_diff(drifted(100) / 1000) <= 1);
    }

    #[test]
    fn it_never_goes_back_while_it_is_slewed_back() {
        let clock = SteadyClock::begin(BEGAN_US);
        let mut last = TimeMs(0);
        for tick in 0..200_000u64 {
            let elapsed = Duration::from_micros(tick * 100);
            if tick % 10_000 == 0 {
                clock.slew(elapsed, BEGAN_US - 4_000_000);
            }
            let now = clock.at(elapsed);
            assert!(now >= last, "tick {tick}");
            last = now;
        }
    }
}
