//! The section `[payments]`: how long unpaid orders last, and the provider for trying things out.
//! What a provider does is its own affair; here are only names and bounds.

use super::{Wrongs, server::is_origin};
use sale::SaleSettings;
use serde::Deserialize;

/// As it is written.
#[derive(Deserialize)]
pub struct Payments {
    pub test_provider: bool,
    pub test_provider_at: String,
    grace_ms: u64,
    ask_after_ms: u64,
    refund_retry_ms: u64,
    downtime_max_ms: u64,
}

/// Puts what is written into the settings, and complains of what cannot be.
pub fn apply(payments: &Payments, sale: SaleSettings, wrongs: &mut Wrongs) -> SaleSettings {
    const DAY_MS: u64 = 86_400_000;
    let at = &payments.test_provider_at;
    if !at.is_empty() && !is_origin(at) {
        let reason = "must be like https://pay.example, or empty";
        wrongs.add("payments.test_provider_at", at, reason);
    }
    let mut number = |name: &str, value: u64, least: u64, most: u64| {
        wrongs.number(&format!("payments.{name}"), value, least..=most)
    };
    SaleSettings {
        grace_ms: number("grace_ms", payments.grace_ms, 0, DAY_MS),
        ask_after_ms: number("ask_after_ms", payments.ask_after_ms, 100, DAY_MS),
        refund_retry_ms: number("refund_retry_ms", payments.refund_retry_ms, 100, 3_600_000),
        downtime_max_ms: number("downtime_max_ms", payments.downtime_max_ms, 0, 30 * DAY_MS),
        ..sale
    }
}
