//! What simulated sales have been through, counted, so that the figures can be told and their absence be noticed.
//! Nothing here has a part in what happens.

use std::{collections::BTreeMap, fmt};

/// Places at which a step can be left: between two of them nothing else can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seam {
    BetweenEvents,
    BeforeClaim,
    AfterClaim,
    BeforeTaking,
    AfterTaking,
    BeforeParts,
    AfterParts,
    BeforeConfirm,
    AfterConfirm,
    BeforeCommit,
    AfterCommit,
    BeforeRecord,
    AfterRecord,
    BeforeChange,
    AfterChange,
    BeforeApply,
    AfterApply,
    AfterTakeBack,
    BeforeUndo,
    AfterFreeze,
    BeforeOwning,
    AfterOwning,
    BeforeRecovery,
    AfterRecovery,
    BeforeLoad,
    AfterLoad,
    BeforeWriting,
    AfterWriting,
    Reading,
    BeforeOrders,
    AfterOrders,
    BeforeAsking,
    AfterAsking,
}

/// The figures of one or many simulated sales.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub sales: u64,
    pub calls: u64,
    pub awards: u64,
    pub crashes: BTreeMap<Seam, u64>,
    pub counts: BTreeMap<Count, u64>,
    /// Milliseconds of virtual time.
    pub virtual_ms: u64,
}

/// Things that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Count {
    Commits,
    UnknownWritten,
    UnknownNotWritten,
    NothingHappened,
    SlowCalls,
    Recoveries,
    FailedRecoveries,
    FailedReadings,
    FailedStarts,
    Freezes,
    ClockSteps,
    Stops,
    OperatorCalls,
    OperatorRepeats,
    Interleavings,
    Queued,
    Busy,
    Lost,
    Probes,
    PayCalls,
    Holds,
    Paid,
    Expired,
    Cancelled,
    Offers,
    LatePayments,
    Refunds,
    Letters,
    LostLetters,
    RefusedNotices,
    Extensions,
    SlowAnswers,
    PaidAtBoth,
    WrongAmounts,
    CameBack,
}

impl Count {
    pub const ALL: [(Self, &'static str); 35] = [
        (Self::Commits, "commits"),
        (Self::UnknownWritten, "of unknown effect and written"),
        (Self::UnknownNotWritten, "of unknown effect and not written"),
        (Self::NothingHappened, "failed without effect"),
        (Self::SlowCalls, "slow"),
        (Self::Recoveries, "recoveries"),
        (Self::FailedRecoveries, "failed recoveries"),
        (Self::FailedReadings, "failed readings"),
        (Self::FailedStarts, "failed starts"),
        (Self::Freezes, "freezes"),
        (Self::ClockSteps, "clock steps"),
        (Self::Stops, "stops"),
        (Self::OperatorCalls, "operators' calls"),
        (Self::OperatorRepeats, "repeated by operators"),
        (Self::Interleavings, "interleavings"),
        (Self::Queued, "heard queued"),
        (Self::Busy, "heard busy"),
        (Self::Lost, "heard nothing"),
        (Self::Probes, "probes"),
        (Self::PayCalls, "payers' calls"),
        (Self::Holds, "orders that cost something"),
        (Self::Paid, "paid orders"),
        (Self::Expired, "expired"),
        (Self::Cancelled, "cancelled"),
        (Self::Offers, "offered to somebody in line"),
        (Self::LatePayments, "paid by late payments"),
        (Self::Refunds, "refunds"),
        (Self::Letters, "notices"),
        (Self::LostLetters, "lost notices"),
        (Self::RefusedNotices, "refused notices"),
        (Self::Extensions, "extensions"),
        (Self::SlowAnswers, "slow answers of providers"),
        (Self::PaidAtBoth, "paid at two providers"),
        (Self::WrongAmounts, "of a wrong amount"),
        (Self::CameBack, "that came back from the provider"),
    ];
}

impl Figures {
    pub fn count(&mut self, what: Count) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn add_count(&mut self, what: Count, many: usize) {
        *self.counts.entry(what).or_default() += many as u64;
    }

    pub fn of(&self, what: Count) -> u64 {
        self.counts.get(&what).copied().unwrap_or(0)
    }

    pub fn crashes(&self) -> u64 {
        self.crashes.values().sum()
    }

    pub fn add(&mut self, other: &Self) {
        self.sales += other.sales;
        self.calls += other.calls;
        self.awards += other.awards;
        self.virtual_ms += other.virtual_ms;
        for (seam, count) in &other.crashes {
            *self.crashes.entry(*seam).or_default() += count;
        }
        for (what, count) in &other.counts {
            *self.counts.entry(*what).or_default() += count;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (crashes, minutes) = (self.crashes(), self.virtual_ms / 60_000);
        write!(f, "{} simulated sales, {crashes} crashes, ", self.sales)?;
        write!(
            f,
            "{} requests: {} awards, {minutes} min of virtual time",
            self.calls, self.awards
        )?;
        for (what, name) in Count::ALL {
            write!(f, ", {} {name}", self.of(what))?;
        }
        Ok(())
    }
}
