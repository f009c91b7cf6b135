//! Time in which nobody could have paid is given back: deadlines move by it, as the ledger says (`Lateness`).
//! It never takes time away: a clock that went back, or a pause too short to count, moves nothing.

use ledger::{Lateness, Ledger, LedgerFault};
use rules::TimeMs;

/// A downtime of so many milliseconds or less is what a buyer does not notice.
pub const DOWNTIME_MIN_MS: u64 = 2_000;
/// A running writer that stood still for so many milliseconds or less goes on as if nothing had been: the grace after
/// every deadline covers it, and a load would cost everybody more.
pub const STANDSTILL_MIN_MS: u64 = 5_000;
/// Milliseconds between two notes that the owner is alive, while an order is unpaid.
pub const HEARTBEAT_MS: u64 = 1_000;

/// By how much deadlines have been moved, and are to be now.
pub struct Deadlines {
    /// In the order of `from`.
    moved: Vec<Lateness>,
    /// The sum of all movings from this place to the end.
    sums: Vec<u64>,
    /// Time was lost before this load: to be written if an order is held that it concerns.
    lost: Option<Lateness>,
}

impl Deadlines {
    /// What the ledger says, and what was lost between `alive`, the last good moment that is known, and `now`.
    pub fn read(
        ledger: &dyn Ledger,
        alive: Option<TimeMs>,
        now: TimeMs,
        downtime_max_ms: u64,
    ) -> Result<Self, LedgerFault> {
        let mut moved = ledger.extensions()?;
        let alive = match alive {
            Some(alive) => alive,
            None => ledger.last_alive()?,
        };
        let lost = lost(&moved, alive, now, downtime_max_ms);
        moved.extend(lost);
        Ok(Self::new(moved, lost))
    }

    fn new(mut moved: Vec<Lateness>, lost: Option<Lateness>) -> Self {
        moved.sort_by_key(|one| one.from);
        let mut sums = vec![0; moved.len() + 1];
        for (place, one) in moved.iter().enumerate().rev() {
            sums[place] = sums[place + 1] + one.by_ms;
        }
        Self { moved, sums, lost }
    }

    /// When an order decided at `decided_at` is to be paid that was to be paid by `pay_by` at first.
    pub fn of(&self, decided_at: TimeMs, pay_by: TimeMs) -> TimeMs {
        let first = self.moved.partition_point(|one| one.from < decided_at);
        TimeMs(pay_by.0.saturating_add(self.sums[first]))
    }

    /// The moving that is not written yet, if it concerns an order of this moment.
    pub fn lost(&self, decided_at: TimeMs) -> Option<Lateness> {
        self.lost.filter(|lost| lost.from >= decided_at)
    }
}

fn lost(moved: &[Lateness], alive: TimeMs, now: TimeMs, downtime_max_ms: u64) -> Option<Lateness> {
    // What an attempt to start has given back already counts as lived through.
    let given_back = moved.iter().map(|one| TimeMs(one.from.0 + one.by_ms)).max();
    let from = alive.max(given_back.unwrap_or_default());
    let gone_ms = now.0.saturating_sub(from.0);
    let by_ms = gone_ms.min(downtime_max_ms);
    (gone_ms > DOWNTIME_MIN_MS).then_some(Lateness { from, by_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_move_by_what_was_lost_after_the_decision_and_by_nothing_else() {
        let moved = |from, by_ms| Lateness { from: TimeMs(from), by_ms };
        let deadlines = Deadlines::new(vec![moved(5_000, 30), moved(1_000, 7)], None);
        for (decided_at, expected) in
            [(0, 137), (1_000, 137), (1_001, 130), (5_000, 130), (5_001, 100)]
        {
            assert_eq!(deadlines.of(TimeMs(decided_at), TimeMs(100)), TimeMs(expected));
        }
    }

    /// C14: a clock that steps, in either direction, across a restart takes nothing from anybody.
    #[test]
    fn a_downtime_is_given_back_once_capped_and_never_negative() {
        let lateness = |from, by_ms| Some(Lateness { from: TimeMs(from), by_ms });
        let day = 86_400_000;
        for (moved, alive, now, expected) in [
            (None, 10_000, 10_000, None),
            (None, 10_000, 12_000, None),
            (None, 10_000, 12_001, lateness(10_000, 2_001)),
            (None, 10_000, 1, None),
            (None, 10_000, 10_000 + 3 * day, lateness(10_000, day)),
            (lateness(10_000, 50_000), 10_000, 61_000, None),
            (lateness(10_000, 50_000), 10_000, 65_000, lateness(60_000, 5_000)),
        ] {
            let moved: Vec<Lateness> = moved.into_iter().collect();
            assert_eq!(lost(&moved, TimeMs(alive), TimeMs(now), day), expected, "at {now}");
        }
    }
}
