//! Where the sale learns the time: one clock for everything, handed in from outside.

use rules::TimeMs;

/// The one clock. Never goes back.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds UTC.
    fn now(&self) -> TimeMs;
}
