//! Where the sale learns the time: one clock for everything, handed in from outside.
//! Nothing in this crate ever asks the system for the time of day.

use rules::TimeMs;

/// The one clock. Never goes back.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds UTC.
    fn now(&self) -> TimeMs;
}
