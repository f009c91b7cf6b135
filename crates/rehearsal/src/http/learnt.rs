//! What a machine can take, as it was measured, and what follows from it for the settings.
//! Numbers only: how they are written into a configuration is the reporter's affair.

use crate::history::Micros;

/// How to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnPlan {
    /// Connections that share the load.
    pub connections: u32,
    /// The bound on the 99th percentile of the time from the intended request to the whole answer.
    pub p99_bound_ms: u32,
    /// Requests a second of the first rung.
    pub first_per_s: u32,
    /// Each rung offers so many thousandths of the one before; above 1,000.
    pub growth_per_mille: u32,
    /// Milliseconds of each rung.
    pub rung_ms: u32,
    /// Rungs at most, of each kind. One that is tried again counts once.
    pub rungs_max: u32,
    /// People who ask.
    pub users: u32,
    /// Which part of the names they have; the same as the plan's, so that the server knows them already.
    pub seed: u64,
}

impl Default for LearnPlan {
    fn default() -> Self {
        Self {
            connections: 256,
            p99_bound_ms: 100,
            first_per_s: 1_000,
            growth_per_mille: 2_000,
            rung_ms: 1_500,
            rungs_max: 12,
            users: 1_000,
            seed: 1,
        }
    }
}

/// What was learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Connections over which it was measured.
    pub connections: u32,
    /// The bound that the numbers keep.
    pub p99_bound_ms: u32,
    /// Looking at an activity.
    pub detail: Capacity,
    /// Claims that hear "sold out".
    pub refusals: Capacity,
    /// What follows for the settings; nothing where it was stopped.
    pub suggested: Suggested,
}

impl Learnt {
    /// Whether somebody stopped it before its end. Then the capacities are at least what they say, and nothing
    /// follows for the settings.
    pub fn stopped(&self) -> bool {
        [&self.detail, &self.refusals].iter().any(|one| one.limited_by == LimitedBy::Stopped)
    }
}

/// How much of one kind the machine takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Requests a second of the highest rung that kept the bound; 0 where none did.
    pub requests_per_s: u32,
    /// Why there is no higher one.
    pub limited_by: LimitedBy,
    /// The rungs, in their order. One that was not kept was tried again, so a load may be in it twice.
    pub rungs: Vec<Rung>,
}

/// Why a climb ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitedBy {
    /// The 99th percentile passed the bound.
    Latency,
    /// Requests were answered busy, not as expected, or not at all.
    Answers,
    /// Fewer answers came back than were asked for.
    Throughput,
    /// Nothing: the last rung was still kept.
    #[default]
    Nothing,
    /// Somebody asked it to stop.
    Stopped,
}

/// One step of rising load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rung {
    /// Requests a second that were meant.
    pub offered_per_s: u32,
    /// Answers a second that came, as they should be.
    pub answered_per_s: u32,
    /// Answers that said "busy".
    pub busy: u64,
    /// Answers that were none, or not what was expected.
    pub failed: u64,
    /// Time from the intended request to the whole answer: half of them within this.
    pub p50: Micros,
    /// 99 in a hundred.
    pub p99: Micros,
    /// 999 in a thousand.
    pub p999: Micros,
    /// All.
    pub max: Micros,
}

/// Settings that fit what was learnt; the names are those of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggested {
    /// `server.connections_max`: so many that all of them pressing at once are answered in the time a reply may
    /// wait, and never fewer than two for each of the crowd.
    pub connections_max: u32,
    /// `sale.pending_claims_max`: as many claims as this machine takes in the time a reply waits for the disk.
    pub pending_claims_max: u32,
    /// Requests a second, of all kinds together, beyond which people wait longer than the bound.
    pub requests_per_s: u32,
}
