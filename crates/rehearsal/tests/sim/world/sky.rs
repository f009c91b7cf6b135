//! When calls to the ledger fail and how long they take, by the seed.
//! While the simulation is set up, and once all has healed, they work.

use super::{World, here};
use crate::{
    figures::{Count, Seam},
    ledger::{Call, Fate, Weather},
};
use ledger::Cause;

/// The weather of the world in which this thread runs.
pub struct Sky;

impl Weather for Sky {
    fn begin(&self, call: Call) -> Fate {
        here().map_or(Fate::Works, |world| world.call_begins(call))
    }

    fn end(&self, call: Call) {
        if let Some(world) = here() {
            world.at_seam(seams(call).1);
        }
    }
}

/// Before and after a call.
const fn seams(call: Call) -> (Seam, Seam) {
    match call {
        Call::Own => (Seam::BeforeOwning, Seam::AfterOwning),
        Call::Recover => (Seam::BeforeRecovery, Seam::AfterRecovery),
        Call::Commit => (Seam::BeforeCommit, Seam::AfterCommit),
        Call::Parts => (Seam::BeforeRecord, Seam::AfterRecord),
        Call::Change => (Seam::BeforeChange, Seam::AfterChange),
        Call::Orders => (Seam::BeforeOrders, Seam::AfterOrders),
        Call::Other => (Seam::BeforeWriting, Seam::AfterWriting),
        Call::Read => (Seam::Reading, Seam::Reading),
    }
}

impl World {
    fn call_begins(&self, call: Call) -> Fate {
        if !self.server.lives() {
            return Fate::Works;
        }
        match call {
            Call::Recover => self.server.reloads(),
            // From here on events are told in their order, and an operator's change would wait for that.
            Call::Orders => self.server.tells(),
            _ => {}
        }
        self.at_seam(seams(call).0);
        if call == Call::Read {
            return self.reading();
        }
        if call == Call::Commit {
            self.count(Count::Commits);
        }
        self.meanwhile(self.now() + self.latency());
        let fate = if self.troubled() { self.fate(call) } else { Fate::Works };
        self.tell("ledger", call as u64 * 10 + fate_no(fate));
        if fate != Fate::Works {
            self.restarted();
        }
        fate
    }

    /// Whether anything may go wrong now.
    fn troubled(&self) -> bool {
        !self.healed.get() && !self.server.is_calm()
    }

    fn latency(&self) -> u64 {
        if !self.troubled() || !self.of_1000(self.scenario.storm.slow) {
            return self.between(10, 500);
        }
        self.count(Count::SlowCalls);
        let most = if self.of_1000(200) { 4_000_000 } else { 200_000 };
        self.between(1_000, most)
    }

    fn reading(&self) -> Fate {
        if !self.troubled() || !self.of_1000(self.scenario.storm.reading) {
            return Fate::Works;
        }
        self.count(Count::FailedReadings);
        Fate::NothingHappened(Cause::Io)
    }

    fn fate(&self, call: Call) -> Fate {
        let storm = &self.scenario.storm;
        let owning = matches!(call, Call::Own | Call::Recover);
        let fails = if owning { storm.recovery } else { storm.unknown + storm.nothing };
        if !self.of_1000(fails) {
            return Fate::Works;
        }
        if owning {
            self.count(Count::FailedRecoveries);
        }
        let nothing = if owning { 500 } else { storm.nothing * 1_000 / fails };
        if self.of_1000(nothing) {
            self.count(Count::NothingHappened);
            let full = self.of_1000(500);
            return Fate::NothingHappened(if full { Cause::DiskFull } else { Cause::Busy });
        }
        let written = self.of_1000(500);
        self.count(if written { Count::UnknownWritten } else { Count::UnknownNotWritten });
        Fate::Unknown { written }
    }
}

const fn fate_no(fate: Fate) -> u64 {
    match fate {
        Fate::Works => 0,
        Fate::NothingHappened(_) => 1,
        Fate::Unknown { written: false } => 2,
        Fate::Unknown { written: true } => 3,
    }
}
