//! Collects what the checks looked at and found, within the verdict's bounds. It decides nothing.
//! What is beyond the bounds is counted, never dropped silently.

use super::names::CHECKS;
use crate::verdict::{FINDINGS_MAX, Finding, Verdict};

/// A check of the table, by place: looked up while compiling, because it is used once for every call.
#[derive(Clone, Copy)]
pub struct Check(usize);

impl Check {
    /// The check with this name; without one the build fails.
    pub const fn named(name: &str) -> Self {
        let mut place = 0;
        while !same(CHECKS[place].0.as_bytes(), name.as_bytes()) {
            place += 1;
        }
        Self(place)
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// One check's tally, in the order of [`CHECKS`].
#[derive(Clone, Copy, Default)]
struct Tally {
    looked_at: u64,
    found: u64,
}

/// What the checks have to say so far.
pub struct Notes {
    tallies: Vec<Tally>,
    findings: Vec<Finding>,
}

impl Default for Notes {
    fn default() -> Self {
        Self { tallies: vec![Tally::default(); CHECKS.len()], findings: Vec::new() }
    }
}

impl Notes {
    /// The check looked at so many things more.
    pub fn looked(&mut self, check: Check, things: usize) {
        self.tallies[check.0].looked_at += things as u64;
    }

    /// The check looked at one thing; `finding` is what is wrong with it, if anything is.
    pub fn one(&mut self, check: Check, wrong: bool, finding: impl FnOnce() -> String) {
        self.tallies[check.0].looked_at += 1;
        if wrong {
            self.found(check, finding);
        }
    }

    /// The check found something.
    pub fn found(&mut self, check: Check, finding: impl FnOnce() -> String) {
        let tally = &mut self.tallies[check.0];
        tally.found += 1;
        if tally.found <= FINDINGS_MAX as u64 {
            let (check, promise, _) = CHECKS[check.0];
            self.findings.push(Finding { promise, check, what: finding() });
        }
    }

    /// Everything, in the order of [`CHECKS`].
    pub fn verdict(mut self) -> Verdict {
        let place = |name| CHECKS.iter().position(|(one, ..)| *one == name);
        self.findings.sort_by_key(|finding| place(finding.check));
        let named = || CHECKS.iter().map(|(name, ..)| *name).zip(&self.tallies);
        let most = FINDINGS_MAX as u64;
        let beyond = named().filter(|(_, tally)| tally.found > most);
        Verdict {
            more: beyond.map(|(name, tally)| (name, tally.found - most)).collect(),
            looked_at: named().map(|(name, tally)| (name, tally.looked_at)).collect(),
            findings: self.findings,
        }
    }
}
