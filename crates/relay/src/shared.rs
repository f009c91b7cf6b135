//! What every part of the relay is handed: the ledger, the clock, the ownership, names of orders, settings.
//! Nothing here changes while it runs, but counts.

use crate::body::OrderIds;
use crate::connection::Dialer;
use crate::pages::Pages;
use crate::recorder::Recorder;
use crate::resolver::Resolve;
use crate::settings::RelaySettings;
use ledger::Ledger;
use rules::{Epoch, TimeMs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the relay is made of; the rest of the program gives it.
#[derive(Clone)]
pub struct Parts {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// What orders and tickets are called outside.
    pub ids: Arc<dyn OrderIds>,
    /// How names become addresses.
    pub resolver: Arc<dyn Resolve>,
    /// The ownership under which the ledger is written now.
    pub epoch: Arc<dyn Fn() -> Epoch + Send + Sync>,
    /// The time now.
    pub now: Arc<dyn Fn() -> TimeMs + Send + Sync>,
}

/// What the relay has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that were taken.
    pub taken: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Endpoints that were given up.
    pub given_up: u64,
}

#[derive(Default)]
pub(crate) struct Tallies {
    taken: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
}

impl Tallies {
    pub(crate) fn attempt(&self, taken: bool) {
        let tally = if taken { &self.taken } else { &self.failed };
        tally.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn gave_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |tally: &AtomicU64| tally.load(Ordering::Relaxed);
        Counts {
            taken: read(&self.taken),
            failed: read(&self.failed),
            given_up: read(&self.given_up),
        }
    }
}

/// What couriers and their shifts share.
pub(crate) struct Shared {
    pub(crate) settings: RelaySettings,
    pub(crate) parts: Parts,
    pub(crate) pages: Arc<Pages>,
    pub(crate) dialer: Dialer,
    pub(crate) recorder: Recorder,
    pub(crate) tallies: Tallies,
}

impl Shared {
    pub(crate) fn now(&self) -> TimeMs {
        (self.parts.now)()
    }
}
