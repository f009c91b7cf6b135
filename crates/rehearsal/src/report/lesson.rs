//! What the rehearsal learnt about the machine, as sentences and as settings for a configuration file.
//! A setting that did not follow from a measurement is not in the fragment.

use super::figures::thousands;
use crate::http::{Capacity, Learnt, LimitedBy};

/// A kind of request that was measured: what people call it, its permanent name, and what came out.
pub type Measured<'a> = (&'static str, &'static str, &'a Capacity);

/// Both kinds.
pub fn measured(learnt: &Learnt) -> [Measured<'_>; 2] {
    [
        ("Looking at an activity", "detail", &learnt.detail),
        ("Claims that hear \"sold out\"", "refusals", &learnt.refusals),
    ]
}

/// Whole sentences, one for each kind.
pub fn sentences(learnt: &Learnt) -> Vec<String> {
    measured(learnt)
        .into_iter()
        .map(|(what, _, capacity)| sentence(what, capacity, learnt))
        .collect()
}

fn sentence(what: &str, capacity: &Capacity, learnt: &Learnt) -> String {
    let bound = learnt.p99_bound_ms;
    if capacity.requests_per_s == 0 && capacity.limited_by == LimitedBy::Stopped {
        return format!("{what}: nothing is known, because the rehearsal was stopped.");
    }
    if capacity.requests_per_s == 0 {
        return format!(
            "{what}: at no rate that was tried were 99 of 100 answered within {bound} ms."
        );
    }
    let rate = thousands(capacity.requests_per_s.into());
    format!(
        "{what}: {rate} a second with 99 of 100 answered within {bound} ms; {}.",
        limit(capacity)
    )
}

fn limit(capacity: &Capacity) -> &'static str {
    match capacity.limited_by {
        LimitedBy::Latency => "beyond that people wait longer",
        LimitedBy::Answers => "beyond that some were answered busy or not at all",
        LimitedBy::Throughput => "beyond that answers no longer kept up",
        LimitedBy::Nothing => "more was not tried",
        LimitedBy::Stopped => "then the rehearsal was stopped",
    }
}

/// The permanent name of what ended a climb.
pub const fn limit_name(limited_by: LimitedBy) -> &'static str {
    match limited_by {
        LimitedBy::Latency => "latency",
        LimitedBy::Answers => "answers",
        LimitedBy::Throughput => "throughput",
        LimitedBy::Nothing => "nothing",
        LimitedBy::Stopped => "stopped",
    }
}

/// Settings, as a configuration file has them.
pub fn fragment(learnt: &Learnt) -> String {
    if learnt.stopped() {
        return "# The rehearsal was stopped before it had learnt what this machine takes.\n"
            .to_owned();
    }
    let suggested = learnt.suggested;
    format!(
        "# Learnt by `firstcome rehearse` over {} connections: together this machine takes about\n\
         # {} requests a second before 1 in 100 waits longer than {} ms.\n\
         [server]\n\
         connections_max = {}\n\
         \n\
         [sale]\n\
         pending_claims_max = {}\n",
        thousands(learnt.connections.into()),
        thousands(suggested.requests_per_s.into()),
        learnt.p99_bound_ms,
        suggested.connections_max,
        suggested.pending_claims_max,
    )
}
