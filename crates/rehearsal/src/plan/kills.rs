//! When the server is killed, and for how long it stays away: drawn from the plan's seed, spread over the open sale.
//! Nothing here kills anything.

use super::{Chance, Plan};
use crate::history::Micros;

/// Kills in one rehearsal.
pub const KILLS_MAX: u32 = 100;
/// Seconds of the sale for each of them: less would leave no server to sell anything.
const SECONDS_EACH: u32 = 2;
/// The purpose of their chance, apart from every person's.
const PURPOSE: u64 = 0x6B11_0000_0000_0000;
/// Milliseconds for which the server stays away, by far the most of the time.
const SHORT_MS: (u64, u64) = (0, 400);
/// Of a thousand kills, so many keep it away for longer than buyers are asked to bear, so that deadlines must move.
const LONG_PER_MILLE: u32 = 400;
/// Milliseconds for which it does then.
const LONG_MS: (u64, u64) = (2_600, 3_600);
/// Of a thousand kills, so many are followed by one of the start, or of what has just started.
const AGAIN_PER_MILLE: u32 = 250;
/// Milliseconds after the start within which that one comes.
const AGAIN_MS: u64 = 400;

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedKill {
    /// When, counted from the opening.
    pub after_opening: Micros,
    /// How long nobody starts it again.
    pub away: Micros,
    /// It is killed once more so long after it was started again, which may be before it serves.
    pub again: Option<Micros>,
}

/// How many kills a sale of so many seconds takes.
pub(super) const fn most(seconds: u32) -> u32 {
    let most = seconds / SECONDS_EACH;
    if most < KILLS_MAX { most } else { KILLS_MAX }
}

impl Plan {
    /// The kills, in the order of time: one in each of as many equal parts of the sale.
    pub fn planned_kills(&self) -> Vec<PlannedKill> {
        let mut chance = Chance::of(self.seed, PURPOSE);
        let part = u64::from(self.seconds) * 1_000_000 / u64::from(self.kills.max(1));
        let one = |at: u32| {
            let after_opening = Micros(u64::from(at) * part + chance.below(part));
            let (least, most) = if chance.of_1000(LONG_PER_MILLE) { LONG_MS } else { SHORT_MS };
            let away = Micros(chance.between(least, most) * 1_000);
            let after = Micros(chance.below(AGAIN_MS) * 1_000);
            let again = chance.of_1000(AGAIN_PER_MILLE).then_some(after);
            PlannedKill { after_opening, away, again }
        };
        (0..self.kills).map(one).collect()
    }
}
