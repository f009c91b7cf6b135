//! What a history comes to in numbers: latencies by call and answer, refusals by name, units, rates over time.
//! It counts and never judges; codes and tokens are nowhere in it.

use super::{
    kills::Kills,
    timeline::Timeline,
    winners::{Winner, winners},
};
use crate::history::{Asked, Call, Change, Effect, Heard, History, Micros, Refused};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};

/// Significant digits of a latency.
const DIGITS: u8 = 3;
/// The longest latency that is told apart, in microseconds: an hour. Longer ones count as this.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// What was asked, without its particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One unit.
    Claim,
    /// What became of a queued claim.
    Result,
    /// The list of activities.
    List,
    /// The activity.
    Detail,
    /// The person's own tickets.
    Tickets,
}

impl Kind {
    /// The permanent name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Result => "result",
            Self::List => "list",
            Self::Detail => "detail",
            Self::Tickets => "tickets",
        }
    }

    /// Of a call.
    pub const fn of(asked: &Asked) -> Self {
        match asked {
            Asked::Claim { .. } => Self::Claim,
            Asked::Result { .. } => Self::Result,
            Asked::List => Self::List,
            Asked::Detail => Self::Detail,
            Asked::Tickets => Self::Tickets,
        }
    }
}

/// What was answered, without its particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A ticket.
    Won,
    /// Decided, not yet on disk.
    Queued,
    /// The rules said no.
    Refused,
    /// Something to read.
    Shown,
    /// Busy, nothing happened.
    Busy,
    /// A fault.
    Failed,
    /// No whole answer.
    Lost,
    /// An answer that the contract does not have.
    Strange,
    /// Whatever it was: the server had been killed meanwhile.
    OverKill,
}

impl Family {
    /// The permanent name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Queued => "queued",
            Self::Refused => "refused",
            Self::Shown => "shown",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Strange => "strange",
            Self::OverKill => "over_kill",
        }
    }

    /// Of an answer.
    pub const fn of(heard: &Heard) -> Self {
        match heard {
            Heard::Won(_) => Self::Won,
            Heard::Queued { .. } => Self::Queued,
            Heard::Refused(..) => Self::Refused,
            Heard::Shown(_) | Heard::Tickets(_) => Self::Shown,
            Heard::Busy { .. } => Self::Busy,
            Heard::Failed(_) => Self::Failed,
            Heard::Lost => Self::Lost,
            Heard::Strange { .. } => Self::Strange,
        }
    }
}

/// The permanent name of a refusal, as the wire has it.
pub const fn refusal_name(refused: Refused) -> &'static str {
    match refused {
        Refused::Ended => "ended",
        Refused::SoldOut => "sold_out",
        Refused::NotStarted => "not_started",
        Refused::LimitReached => "limit_reached",
        Refused::NotEligible => "not_eligible",
        Refused::Paused => "paused",
    }
}

/// How long the calls of one kind with one family of answers took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// What was asked.
    pub kind: Kind,
    /// What was answered.
    pub family: Family,
    /// How many.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

/// Answers that are neither a ticket nor a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Busy, nothing happened.
    pub busy: u64,
    /// Those of them that did not say when to ask again.
    pub busy_without_retry_after: u64,
    /// Faults without effect.
    pub failed_none: u64,
    /// Faults whose effect is not known.
    pub failed_unknown: u64,
    /// No whole answer came.
    pub lost: u64,
    /// Answers that the contract does not have, by status and `ret`.
    pub strange: BTreeMap<(u16, Option<i32>), u64>,
}

/// Claims a second, in answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Accepted ones, in the busiest bin of the timeline.
    pub accepted_peak: f64,
    /// All, in the busiest bin.
    pub all_peak: f64,
    /// All, from the first sent to the last answered.
    pub all_mean: f64,
}

/// Everything that is counted.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// People of the crowd.
    pub people: u64,
    /// Calls of every kind.
    pub calls: u64,
    /// Claims, repeated ones included.
    pub claims: u64,
    /// From the first call sent to the last one ended, in seconds.
    pub seconds: f64,
    /// By call and answer, in that order.
    pub latencies: Vec<Latency>,
    /// Refusals of claims by name.
    pub refused: BTreeMap<Refused, u64>,
    /// Claims that were answered "queued".
    pub queued: u64,
    /// What else was answered, to any call.
    pub troubles: Troubles,
    /// Units there were, with what operators added and took back.
    pub units: u64,
    /// When the first ticket type opened, in the rehearsal's time.
    pub opening: Micros,
    /// Each ticket that somebody heard of.
    pub winners: Vec<Winner>,
    /// Milliseconds after the opening at which the last ticket was heard of by its own claim.
    pub last_unit_ms: Option<f64>,
    /// Claims a second.
    pub rates: Rates,
    /// Claims and their latencies over time.
    pub timeline: Timeline,
    /// When the server had been killed.
    pub kills: Kills,
}

impl Numbers {
    /// Counts.
    pub fn of(history: &History) -> Self {
        let calls = &history.calls;
        let opening = history.announced.types.iter().map(|one| one.opens).min();
        let opening = opening.unwrap_or_default();
        let claims: Vec<&Call> = calls.iter().filter(|call| is_claim(call)).collect();
        let kills = Kills::of(history, opening);
        let timeline = Timeline::of(&claims, opening, &kills);
        let winners = winners(history);
        // Who only heard of a ticket by asking again had it for a time that is not known.
        let at_once = winners.iter().filter(|winner| !winner.again);
        let last = at_once.map(|winner| winner.heard).max();
        Self {
            people: history.names.len() as u64,
            calls: calls.len() as u64,
            claims: claims.len() as u64,
            seconds: seconds(calls.iter()),
            latencies: latencies(calls, &kills),
            refused: refused(calls),
            queued: count(calls, |call| matches!(call.heard, Heard::Queued { .. })),
            troubles: troubles(calls, &kills),
            units: units(history),
            opening,
            last_unit_ms: last.map(|last| after_ms(last, opening)),
            winners,
            rates: rates(&claims, &timeline),
            timeline,
            kills,
        }
    }

    /// Whether every unit that there was went to somebody.
    pub fn all_gone(&self) -> bool {
        self.units > 0 && self.winners.len() as u64 >= self.units
    }

    /// People who claimed.
    pub fn claimants(history: &History) -> u64 {
        let people: BTreeSet<_> =
            history.calls.iter().filter(|call| is_claim(call)).map(|call| call.person).collect();
        people.len() as u64
    }
}

/// Milliseconds from one moment to another, below zero where it comes before.
pub fn after_ms(moment: Micros, from: Micros) -> f64 {
    (moment.0 as f64 - from.0 as f64) / 1e3
}

fn is_claim(call: &Call) -> bool {
    matches!(call.asked, Asked::Claim { .. })
}

fn count(calls: &[Call], which: impl Fn(&Call) -> bool) -> u64 {
    calls.iter().filter(|call| which(call)).count() as u64
}

fn seconds<'a>(calls: impl Iterator<Item = &'a Call> + Clone) -> f64 {
    let first = calls.clone().map(|call| call.sent).min().unwrap_or_default();
    let last = calls.map(|call| call.ended).max().unwrap_or_default();
    last.0.saturating_sub(first.0) as f64 / 1e6
}

fn latencies(calls: &[Call], kills: &Kills) -> Vec<Latency> {
    let mut groups: BTreeMap<(Kind, Family), Took> = BTreeMap::new();
    for call in calls {
        let family = if kills.cut(call) { Family::OverKill } else { Family::of(&call.heard) };
        let group = (Kind::of(&call.asked), family);
        groups.entry(group).or_insert_with(Took::none).add(call);
    }
    groups.into_iter().map(|((kind, family), took)| took.latency(kind, family)).collect()
}

/// How long calls took.
struct Took {
    histogram: Histogram<u64>,
    /// The histogram knows its own maximum only to its digits.
    longest: u64,
}

impl Took {
    fn none() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS);
        Self { histogram: histogram.expect("the bounds are constants that fit"), longest: 0 }
    }

    fn add(&mut self, call: &Call) {
        let took = call.ended.0.saturating_sub(call.sent.0);
        self.histogram.saturating_record(took);
        self.longest = self.longest.max(took);
    }

    fn latency(&self, kind: Kind, family: Family) -> Latency {
        // A bucket is named by its upper end, which may lie above the longest that was seen.
        let at =
            |quantile| self.histogram.value_at_quantile(quantile).min(self.longest) as f64 / 1e3;
        Latency {
            kind,
            family,
            count: self.histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: self.longest as f64 / 1e3,
        }
    }
}

fn refused(calls: &[Call]) -> BTreeMap<Refused, u64> {
    let mut by_name = BTreeMap::new();
    for call in calls {
        if let Heard::Refused(refused, _) = call.heard {
            *by_name.entry(refused).or_insert(0) += 1;
        }
    }
    by_name
}

/// Over a kill there is no server whose trouble it could be.
fn troubles(calls: &[Call], kills: &Kills) -> Troubles {
    let mut troubles = Troubles::default();
    for call in calls {
        match call.heard {
            Heard::Busy { retry_after } => {
                troubles.busy += 1;
                troubles.busy_without_retry_after += u64::from(!retry_after);
            }
            Heard::Failed(Effect::None) => troubles.failed_none += 1,
            Heard::Failed(Effect::Unknown) => troubles.failed_unknown += 1,
            Heard::Lost => troubles.lost += u64::from(!kills.cut(call)),
            Heard::Strange { status, ret } => {
                *troubles.strange.entry((status, ret)).or_insert(0) += 1;
            }
            Heard::Won(_)
            | Heard::Queued { .. }
            | Heard::Refused(..)
            | Heard::Shown(_)
            | Heard::Tickets(_) => {}
        }
    }
    troubles
}

fn units(history: &History) -> u64 {
    let announced: u64 = history.announced.types.iter().map(|one| u64::from(one.stock)).sum();
    let done = history.interventions.iter().filter(|one| one.heard.is_some());
    done.fold(announced, |units, one| match one.what {
        Change::Added(_, more) => units + u64::from(more),
        Change::TakenBack(_, fewer) => units.saturating_sub(u64::from(fewer)),
        Change::Paused | Change::Resumed | Change::Closed | Change::Restarted => units,
    })
}

fn rates(claims: &[&Call], timeline: &Timeline) -> Rates {
    let peak = |answers: &dyn Fn(&super::timeline::Bin) -> u32| {
        let most = timeline.bins.iter().map(answers).max().unwrap_or(0);
        timeline.per_second(most)
    };
    let seconds = seconds(claims.iter().copied());
    Rates {
        accepted_peak: peak(&|bin| bin.accepted),
        all_peak: peak(&|bin| bin.accepted + bin.refused + bin.other),
        all_mean: if seconds > 0.0 { claims.len() as f64 / seconds } else { 0.0 },
    }
}
