//! Recomputes promises 1-7 from what the clients saw and what the exports say, with code of its own.
//! It never asks the server what it thinks of itself, and counts as a breach only what nothing innocent explains.

mod again;
mod answers;
mod awards;
mod codes;
mod desk;
mod kept;
mod limits;
mod names;
mod notes;
mod order;
mod participants;
mod paying;
mod refusals;
mod seen;
mod sold_out;
mod tries;
mod units;
mod windows;

pub use names::CHECKS;

use crate::{
    history::{History, Micros},
    verdict::Verdict,
};
use notes::Notes;
use seen::Seen;

/// Windows are kept in whole milliseconds: so far an instant may be off on a clock that is known exactly.
pub const CLOCK_STEP: Micros = Micros(2_000);
/// A clock that was only measured may gain or lose one part in so many while the rehearsal runs.
pub const CLOCK_DRIFT_PART: u64 = 1_000;

/// The verdict on a history. Takes time in proportion to n log n of its calls.
pub fn judge(history: &History) -> Verdict {
    let seen = Seen::new(history, slack(history));
    let mut notes = Notes::default();
    units::check(&seen, &mut notes);
    answers::check(&seen, &mut notes);
    kept::check(&seen, &mut notes);
    sold_out::check(&seen, &mut notes);
    refusals::check(&seen, &mut notes);
    windows::check(&seen, &mut notes);
    participants::check(&seen, &mut notes);
    limits::check(&seen, &mut notes);
    codes::check(&seen, &mut notes);
    order::check(&seen, &mut notes);
    again::check(&seen, &mut notes);
    if let Some(paying) = &history.paying {
        paying::check(paying, &mut notes);
    }
    notes.verdict()
}

/// How far the server's clock may be from the rehearsal's when a window is judged. Only windows use it:
/// everything else is compared on the rehearsal's one clock.
fn slack(history: &History) -> Micros {
    let known_within = history.announced.clock_within;
    if known_within == Micros(0) {
        return CLOCK_STEP;
    }
    let lasted = history.calls.last().map_or(0, |call| call.ended.0);
    Micros(known_within.0 + CLOCK_STEP.0 + lasted / CLOCK_DRIFT_PART)
}
