//! The ledger of simulated sales as a subject of the suite: what it proves rests on its being one.
//! It has no files but those that backups make.

#[path = "../../../rehearsal/tests/sim/ledger/mod.rs"]
#[allow(dead_code, reason = "the suite makes nothing fail")]
mod sim_ledger;

use crate::subject::Subject;
use ledger::{Ledger, LedgerFault};
use rules::{ActivityNo, Seq};
use sim_ledger::{Calm, Device, SimLedger, restored};
use std::{path::Path, sync::Arc};
use tempfile::TempDir;

pub struct Simulated {
    device: Arc<Device>,
    files: TempDir,
}

impl Simulated {
    pub fn fresh() -> Self {
        Self::on(Device::new(None))
    }

    fn on(device: Arc<Device>) -> Self {
        let files = tempfile::tempdir().expect("a temporary directory");
        // Beside the backups there are the data, of which the suite knows.
        std::fs::write(files.path().join("data"), "").expect("a file");
        Self { device, files }
    }
}

impl Subject for Simulated {
    fn try_open(&self) -> Result<Box<dyn Ledger>, LedgerFault> {
        Ok(Box::new(SimLedger::open(&self.device, Arc::new(Calm))?))
    }

    fn open_for_reading(&self) -> Box<dyn Ledger> {
        Box::new(SimLedger::beside(&self.device))
    }

    fn restored(&self, backup: &Path) -> Box<dyn Subject> {
        Box::new(Self::on(restored(backup)))
    }

    fn another(&self) -> Box<dyn Subject> {
        Box::new(Self::fresh())
    }

    fn files(&self) -> &Path {
        self.files.path()
    }

    fn lose(&self, activity: ActivityNo, seq: Seq) {
        assert!(self.device.lose(activity, seq), "the claim was there");
    }
}
