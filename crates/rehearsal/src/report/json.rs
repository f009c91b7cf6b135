//! The report as one JSON document. Its names are permanent: what reads it today reads it tomorrow, unless
//! [`super::SCHEMA`] rose. Moments are in milliseconds after the opening of the sale.

use super::{
    Report, SCHEMA, Standing,
    figures::finite,
    lesson, name, number,
    numbers::{Latency, refusal_name},
};
use crate::{
    history::Micros,
    http::{Capacity, Learnt},
};
use serde_json::{Map, Value, json};

/// The whole document, on many lines.
pub fn json(report: &Report<'_>) -> String {
    let document = json!({
        "schema": SCHEMA,
        "verdict": report.conclusion.name(),
        "summary": report.summary(),
        "promises": report.standings.iter().map(promise).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(|finding| json!({
            "promise": number(finding.promise), "check": finding.check, "what": finding.what,
        })).collect::<Vec<_>>(),
        "findings_left_out": report.more,
        "run": run(report),
        "numbers": numbers(report),
        "over_time": over_time(report),
        "kills": report.numbers.kills.json(report.facts.kept_out),
        "ledger": report.facts.ledger.as_ref().map(|ledger| json!({
            "holds": ledger.holds, "report": ledger.report.lines().collect::<Vec<_>>(),
        })),
        "paying": report.paying.as_ref().map(super::paying::PayNumbers::json),
        "learnt": report.learnt.map(learnt),
    });
    let mut text = serde_json::to_string_pretty(&document).expect("its keys are texts");
    text.push('\n');
    text
}

fn promise(standing: &Standing) -> Value {
    let looked_at = standing.looked_at.iter();
    json!({
        "number": number(standing.promise),
        "name": name(standing.promise),
        "verdict": standing.conclusion().name(),
        "findings": standing.findings,
        "looked_at": looked_at.map(|(check, count)| ((*check).to_owned(), json!(count)))
            .collect::<Map<_, _>>(),
    })
}

fn run(report: &Report<'_>) -> Value {
    let facts = report.facts;
    let types = report.history.announced.types.iter().map(|one| {
        json!({
            "id": one.id,
            "stock": one.stock,
            "codes": !one.codes.is_empty(),
            "limit_per_person": one.limit_per_person,
        })
    });
    let mix: Map<_, _> =
        facts.mix.iter().map(|(name, share)| (name.clone(), json!(share))).collect();
    let pay_mix: Map<_, _> =
        facts.pay_mix.iter().map(|(name, share)| (name.clone(), json!(share))).collect();
    json!({
        "version": facts.version,
        "server": facts.server,
        "machine": facts.machine,
        "began_at": facts.began_at,
        "seed": facts.seed,
        "people": report.numbers.people,
        "claimants": report.claimants,
        "connections": facts.connections,
        "seconds": finite(report.numbers.seconds),
        "activity": report.history.announced.activity,
        "types": types.collect::<Vec<_>>(),
        "mix_per_mille": mix,
        "pay_mix_per_mille": pay_mix,
        "command": facts.command,
        "sent_late_ms": {
            "p50": ms(facts.late.p50), "p99": ms(facts.late.p99), "max": ms(facts.late.max),
        },
        "unsent": facts.unsent,
        "stopped": facts.stopped,
        "notes": facts.notes,
    })
}

fn numbers(report: &Report<'_>) -> Value {
    let numbers = &report.numbers;
    let troubles = &numbers.troubles;
    let refused = numbers.refused.iter();
    let strange = troubles
        .strange
        .iter()
        .map(|((status, ret), count)| json!({"status": status, "ret": ret, "count": count}));
    json!({
        "calls": numbers.calls,
        "claims": numbers.claims,
        "units": numbers.units,
        "tickets": numbers.winners.len(),
        "last_ticket_ms": numbers.last_unit_ms.map(finite),
        "claims_per_second": {
            "accepted_peak": finite(numbers.rates.accepted_peak),
            "all_peak": finite(numbers.rates.all_peak),
            "all_mean": finite(numbers.rates.all_mean),
        },
        "refused": refused.map(|(name, count)| (refusal_name(*name).to_owned(), json!(count)))
            .collect::<Map<_, _>>(),
        "queued": numbers.queued,
        "busy": {
            "count": troubles.busy, "without_retry_after": troubles.busy_without_retry_after,
        },
        "failed": {"none": troubles.failed_none, "unknown": troubles.failed_unknown},
        "lost": troubles.lost,
        "strange": strange.take(STRANGE_MAX).collect::<Vec<_>>(),
        "latency_ms": numbers.latencies.iter().map(latency).collect::<Vec<_>>(),
    })
}

/// Kinds of strange answers that are listed.
const STRANGE_MAX: usize = 100;

fn latency(row: &Latency) -> Value {
    json!({
        "call": row.kind.name(),
        "answer": row.family.name(),
        "count": row.count,
        "p50": finite(row.p50),
        "p90": finite(row.p90),
        "p99": finite(row.p99),
        "p99_9": finite(row.p99_9),
        "max": finite(row.max),
    })
}

fn over_time(report: &Report<'_>) -> Value {
    let timeline = &report.numbers.timeline;
    let bins = timeline.bins.iter();
    json!({
        "from_ms": finite(timeline.from_ms),
        "bin_ms": finite(timeline.bin_ms),
        "accepted": bins.clone().map(|bin| bin.accepted).collect::<Vec<_>>(),
        "refused": bins.clone().map(|bin| bin.refused).collect::<Vec<_>>(),
        "other": bins.clone().map(|bin| bin.other).collect::<Vec<_>>(),
        "p50_ms": bins.clone().map(|bin| bin.p50).collect::<Vec<_>>(),
        "p99_ms": bins.map(|bin| bin.p99).collect::<Vec<_>>(),
    })
}

fn learnt(learnt: &Learnt) -> Value {
    let capacities = lesson::measured(learnt).into_iter();
    json!({
        "connections": learnt.connections,
        "p99_bound_ms": learnt.p99_bound_ms,
        "capacity": capacities.map(|(_, name, one)| (name.to_owned(), capacity(one)))
            .collect::<Map<_, _>>(),
        "suggested": (!learnt.stopped()).then(|| json!({
            "connections_max": learnt.suggested.connections_max,
            "pending_claims_max": learnt.suggested.pending_claims_max,
            "requests_per_s": learnt.suggested.requests_per_s,
        })),
        "configuration": lesson::fragment(learnt),
    })
}

fn capacity(capacity: &Capacity) -> Value {
    let rungs = capacity.rungs.iter().map(|rung| {
        json!({
            "offered_per_s": rung.offered_per_s,
            "answered_per_s": rung.answered_per_s,
            "busy": rung.busy,
            "failed": rung.failed,
            "p50_ms": ms(rung.p50),
            "p99_ms": ms(rung.p99),
            "p99_9_ms": ms(rung.p999),
            "max_ms": ms(rung.max),
        })
    });
    json!({
        "requests_per_s": capacity.requests_per_s,
        "limited_by": lesson::limit_name(capacity.limited_by),
        "rungs": rungs.collect::<Vec<_>>(),
    })
}

fn ms(moment: Micros) -> f64 {
    moment.0 as f64 / 1e3
}
