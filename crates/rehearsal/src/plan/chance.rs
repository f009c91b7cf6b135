//! Chance under a seed: splitmix64, small enough to be read and the same on every machine.
//! Never for secrets.

/// A stream of numbers that looks random and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(u64);

impl Chance {
    /// The stream of a seed for one purpose; streams of different purposes have nothing to do with each other.
    pub const fn of(seed: u64, purpose: u64) -> Self {
        let mut start = Self(seed);
        let apart = start.next();
        let mut start = Self(apart ^ purpose);
        Self(start.next())
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let wide = self.next() as u128 * bound as u128;
        (wide >> 64) as u64
    }

    /// A number from `least` to `most`, both included.
    pub const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// True in so many of a thousand cases.
    pub const fn of_1000(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < per_mille as u64
    }
}
