//! What all seats of a crowd share: the sale, the clock, the bounds, and the word to go home.
//! It holds no state of a single person.

use super::{Stop, request::Requests, time::Clock};
use crate::history::Micros;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

/// Milliseconds to wait for an answer.
pub(super) const ANSWER_MS_MAX: u64 = 30_000;
/// How long the crowd has to hear its last answers.
pub(super) const SETTLE_MAX: Duration = Duration::from_secs(30);
/// Calls that are recorded in one rehearsal.
pub(super) const CALLS_MAX: u32 = 4_000_000;

/// The setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// The server.
    pub(super) address: SocketAddr,
    /// What is asked.
    pub(super) requests: Requests,
    /// The activity.
    pub(super) activity: String,
    /// The time.
    pub(super) clock: Clock,
    /// Asked: nobody begins anything new; queued claims are still asked after.
    pub(super) home: Stop,
    /// Calls that may still be recorded.
    calls_left: AtomicI64,
    /// When everything ends, in microseconds of the clock.
    over_at: AtomicU64,
    /// The server has been killed and does not serve yet.
    away: AtomicBool,
    /// Lines of calls that have come to their end.
    pub(super) ended: AtomicU64,
}

impl Setting {
    /// A setting that nobody has left yet.
    pub(super) fn new(
        address: SocketAddr,
        requests: Requests,
        activity: String,
        clock: Clock,
        over: Micros,
    ) -> Self {
        Self {
            address,
            requests,
            activity,
            clock,
            home: Stop::new(),
            calls_left: AtomicI64::new(CALLS_MAX.into()),
            over_at: AtomicU64::new(over.0),
            away: AtomicBool::new(false),
            ended: AtomicU64::new(0),
        }
    }

    /// When everything ends.
    pub(super) fn over(&self) -> Micros {
        Micros(self.over_at.load(Ordering::Relaxed))
    }

    /// Sends the crowd home; it has so long to hear its last answers.
    pub(super) fn send_home(&self, within: Duration) {
        let over = self.clock.now().0.saturating_add(within.as_micros() as u64);
        self.over_at.fetch_min(over, Ordering::Relaxed);
        self.home.ask();
    }

    /// Says that the server was killed, or that it serves again.
    pub(super) fn away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// Whether the server has been killed and does not serve yet.
    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Whether one more call may be recorded.
    pub(super) fn record_one(&self) -> bool {
        self.calls_left.fetch_sub(1, Ordering::Relaxed) > 0
    }

    /// How long an answer may take from now on.
    pub(super) fn patience(&self) -> Duration {
        let left = self.over().0.saturating_sub(self.clock.now().0);
        // Whoever has just asked gets a moment even at the very end.
        Duration::from_micros(left)
            .clamp(Duration::from_secs(1), Duration::from_millis(ANSWER_MS_MAX))
    }
}
