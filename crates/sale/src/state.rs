//! Whether the sale serves, recovers, drains, or is broken: one answer for every thread that asks.
//! A later stage is never left for an earlier one.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What `/readyz` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Readiness {
    /// Claims are decided and written.
    Serving = 0,
    /// The ledger failed and is being read anew: no claim is accepted.
    Recovering = 1,
    /// No new connections; what is under way is finished.
    Draining = 2,
    /// An invariant was found broken: nobody can be told anything for sure, and the process has to go.
    Broken = 3,
}

/// Readiness that threads share. Whether the ledger is being recovered is kept beside it, for a server that drains
/// says so first, and may recover all the same.
pub struct State {
    /// `Draining`, `Broken`, or `Serving` for neither.
    stage: AtomicU8,
    recovering: AtomicBool,
}

impl State {
    /// Serving.
    pub fn new() -> Self {
        let stage = AtomicU8::new(Readiness::Serving as u8);
        Self { stage, recovering: AtomicBool::new(false) }
    }

    /// What it is now.
    pub fn get(&self) -> Readiness {
        match self.stage.load(Ordering::Acquire) {
            stage if stage == Readiness::Broken as u8 => Readiness::Broken,
            stage if stage == Readiness::Draining as u8 => Readiness::Draining,
            _ if self.recovering() => Readiness::Recovering,
            _ => Readiness::Serving,
        }
    }

    /// Whether the ledger failed and is not recovered yet, whatever else is so.
    pub fn recovering(&self) -> bool {
        self.recovering.load(Ordering::Acquire)
    }

    /// A recovery begins or is over.
    pub fn set_recovering(&self, recovering: bool) {
        self.recovering.store(recovering, Ordering::Release);
    }

    /// Draining from now on.
    pub fn drain(&self) {
        self.reach(Readiness::Draining);
    }

    /// Broken from now on.
    pub fn broken(&self) {
        self.reach(Readiness::Broken);
    }

    /// A later stage is never left for an earlier one.
    fn reach(&self, stage: Readiness) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }
}
