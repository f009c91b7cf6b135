//! The section `[webhooks]`: how facts are sent outside.
//! What a bound is for is known to the relay; here are only names and limits.

use super::Wrongs;
use relay::{AddressRange, RelaySettings};
use serde::Deserialize;

/// As it is written.
#[derive(Deserialize)]
pub struct Webhooks {
    source: String,
    reachable: Vec<String>,
    connect_within_ms: u64,
    answer_within_ms: u64,
    retry_first_ms: u64,
    retry_longest_ms: u64,
    attempts_max: u64,
    endpoints_max: u64,
    per_endpoint_max: u64,
}

/// Makes settings of it, and complains of what cannot be.
pub fn settings(webhooks: Webhooks, wrongs: &mut Wrongs) -> RelaySettings {
    const DAY_MS: u64 = 86_400_000;
    let reachable = reachable(&webhooks.reachable, wrongs);
    let mut number = |name: &str, value: u64, most: u64| {
        wrongs.number(&format!("webhooks.{name}"), value, 1..=most)
    };
    let settings = RelaySettings {
        connect_within_ms: number("connect_within_ms", webhooks.connect_within_ms, 60_000),
        answer_within_ms: number("answer_within_ms", webhooks.answer_within_ms, 600_000),
        retry_first_ms: number("retry_first_ms", webhooks.retry_first_ms, 3_600_000),
        retry_longest_ms: number("retry_longest_ms", webhooks.retry_longest_ms, 7 * DAY_MS),
        attempts_max: number("attempts_max", webhooks.attempts_max, 1_000),
        endpoints_max: number("endpoints_max", webhooks.endpoints_max, 10_000),
        per_endpoint_max: number("per_endpoint_max", webhooks.per_endpoint_max, 64),
        source: webhooks.source,
        reachable,
        ..RelaySettings::default()
    };
    // The relay knows what may not be together.
    if let Err(refused) = settings.check() {
        wrongs.add("webhooks", "", refused.to_string());
    }
    settings
}

fn reachable(texts: &[String], wrongs: &mut Wrongs) -> Vec<AddressRange> {
    let mut ranges = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(range) => ranges.push(range),
            Err(_) => {
                wrongs.add("webhooks.reachable", text, "must be a network such as 10.1.0.0/16");
            }
        }
    }
    ranges
}
