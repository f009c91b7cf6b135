//! Accepted claims of the last seconds: a ring with one count a second.
//! For people to look at: nothing is ever decided by it.

use rules::TimeMs;

/// Seconds that are added up.
const SPAN_S: u64 = 10;
/// Slots: the span, the running second, and room so that the ring's size is a power of two.
const SLOTS: usize = 16;
const _: () = assert!(SLOTS as u64 > SPAN_S + 1);

/// Counts by second.
#[derive(Default)]
pub struct Rate {
    slots: [(u64, u32); SLOTS],
}

impl Rate {
    /// Counts one at `now`.
    pub fn count(&mut self, now: TimeMs) {
        let second = now.seconds();
        let slot = &mut self.slots[second as usize % SLOTS];
        if slot.0 != second {
            *slot = (second, 0);
        }
        slot.1 += 1;
    }

    /// How many in the ten full seconds before `now`.
    pub fn in_10_s(&self, now: TimeMs) -> u32 {
        let now = now.seconds();
        let within = |second: u64| second < now && second + SPAN_S >= now;
        self.slots.iter().filter(|(second, _)| within(*second)).map(|(_, count)| count).sum()
    }
}
