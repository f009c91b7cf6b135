//! What the checks found, promise by promise. It says what was seen and where, so that a finding can be looked up;
//! it never softens one: a promise with a finding is broken.

/// The promises that a rehearsal can judge, by the numbers of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// 1 never oversold.
    NeverOversold,
    /// 2 an answer given is kept, a final refusal too.
    AnswersKept,
    /// 3 one person, one limit.
    OneLimit,
    /// 4 a code goes out once, in the order of import.
    CodesOnce,
    /// 5 first come, first served.
    InOrder,
    /// 6 ask again, hear the same; every queued claim ends.
    AskAgain,
    /// 7 time decides once; money and stock agree.
    TimeDecidesOnce,
}

impl Promise {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::NeverOversold,
        Self::AnswersKept,
        Self::OneLimit,
        Self::CodesOnce,
        Self::InOrder,
        Self::AskAgain,
        Self::TimeDecidesOnce,
    ];
}

/// One thing that contradicts a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The promise.
    pub promise: Promise,
    /// The permanent name of the check that found it, such as `lost-award`.
    pub check: &'static str,
    /// A sentence: who, what, when. Codes are never in it.
    pub what: String,
}

/// The verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Every finding, at most [`FINDINGS_MAX`] of each check.
    pub findings: Vec<Finding>,
    /// How many there were of each check beyond those.
    pub more: Vec<(&'static str, u64)>,
    /// What the verdict rests on, for each check: its name and how many things it looked at.
    pub looked_at: Vec<(&'static str, u64)>,
}

/// Findings of one check that are kept.
pub const FINDINGS_MAX: usize = 20;

impl Verdict {
    /// Whether every promise holds.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether one promise holds.
    pub fn keeps(&self, promise: Promise) -> bool {
        self.findings.iter().all(|finding| finding.promise != promise)
    }
}
