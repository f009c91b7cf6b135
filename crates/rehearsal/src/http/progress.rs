//! How far a rehearsal is, and how it is stopped.
//! Nothing here changes what is rehearsed.

use std::{fmt, sync::Arc};
use tokio::sync::watch;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The crowd is being signed in; counted in people.
    SigningIn,
    /// The activity is being made and the clocks compared; counted in steps.
    Preparing,
    /// The crowd gathers; counted in milliseconds until the opening.
    Gathering,
    /// The sale is open; counted in milliseconds until its end.
    Open,
    /// The last answers are awaited; counted in lines of calls that have ended.
    Settling,
    /// The exports are read; counted in exports.
    Exporting,
    /// The machine's limits are being learnt; counted in rungs, of which not all may be needed.
    Learning,
}

/// Hears how far a rehearsal is, several times a second and from any thread.
pub trait Progress: Sync {
    /// `done` of `of` in this phase.
    fn at(&self, phase: Phase, done: u64, of: u64);
}

impl<F: Fn(Phase, u64, u64) + Sync> Progress for F {
    fn at(&self, phase: Phase, done: u64, of: u64) {
        self(phase, done, of);
    }
}

/// Asks a rehearsal to stop; clones ask the same one. What it saw until then is still judged.
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Asks.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody has asked.
    pub fn asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends once somebody has asked.
    pub async fn wait(&self) {
        let mut heard = self.0.subscribe();
        // The sender lives as long as this does, so it cannot be gone.
        let _ = heard.wait_for(|asked| *asked).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.asked()).finish()
    }
}
