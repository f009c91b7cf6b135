//! The times in which the server was killed and not yet back, for reports: what came of a call over one of them is no
//! answer of the server's, and how long it took says nothing about it.

use super::{
    figures::{counted, duration, finite, thousands},
    numbers::after_ms,
};
use crate::history::{Call, Change, History, Micros};
use serde_json::{Value, json};

/// All of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kills {
    /// From the kill until the server served again, in their order.
    spans: Vec<(Micros, Micros)>,
    /// The same in milliseconds after the opening.
    pub spans_ms: Vec<(f64, f64)>,
    /// Calls that were cut off, or waited, because of one.
    pub calls: u64,
}

impl Kills {
    /// Of a history.
    pub fn of(history: &History, opening: Micros) -> Self {
        let kills = history.interventions.iter().filter(|one| one.what == Change::Restarted);
        let spans: Vec<_> = kills.filter_map(|one| Some((one.sent, one.heard?))).collect();
        let ms = |(from, to): &(Micros, Micros)| (after_ms(*from, opening), after_ms(*to, opening));
        let mut kills = Self { spans_ms: spans.iter().map(ms).collect(), spans, calls: 0 };
        kills.calls = history.calls.iter().filter(|call| kills.cut(call)).count() as u64;
        kills
    }

    /// Whether a call was under way while there was no server.
    pub fn cut(&self, call: &Call) -> bool {
        let after = self.spans.partition_point(|(_, back)| *back < call.sent);
        self.spans.get(after).is_some_and(|(killed, _)| *killed <= call.ended)
    }

    /// What is to be said of them; nothing where there were none.
    pub fn words(&self, kept_out: u64) -> Option<String> {
        let longest = self.spans_ms.iter().map(|(from, to)| to - from).fold(0.0, f64::max);
        let all: f64 = self.spans_ms.iter().map(|(from, to)| to - from).sum();
        (!self.spans.is_empty()).then(|| {
            let times = counted(self.spans.len() as u64, "time", "times");
            let (all, longest) = (duration(all), duration(longest));
            let cut = counted(self.calls, "call", "calls");
            let kept_out = thousands(kept_out);
            format!(
                "{times}, away for {all} in all and {longest} at most; {cut} cut off or kept waiting, {kept_out} put off"
            )
        })
    }

    /// The part of the JSON document.
    pub fn json(&self, kept_out: u64) -> Value {
        let spans = self.spans_ms.iter();
        let spans = spans.map(|(from, to)| json!({"from_ms": finite(*from), "to_ms": finite(*to)}));
        json!({
            "count": self.spans.len(),
            "away": spans.collect::<Vec<_>>(),
            "calls_cut": self.calls,
            "requests_put_off": kept_out,
        })
    }
}
