//! The section `[limits]`: how often somebody may knock.
//! What each limit does is the door's affair; here are only names and bounds.

use super::Wrongs;
use door::{LimitSettings, Rate};
use serde::Deserialize;

/// As it is written.
#[derive(Deserialize)]
pub struct Limits {
    claims_by_account_per_min: u64,
    claims_by_account_burst: u64,
    changes_by_account_per_min: u64,
    changes_by_account_burst: u64,
    claims_by_address_per_min: u64,
    claims_by_address_burst: u64,
    sign_ins_by_address_per_min: u64,
    sign_ins_by_address_burst: u64,
    registrations_by_address_per_min: u64,
    registrations_by_address_burst: u64,
    buckets: u64,
}

/// Makes settings of it, and complains of what cannot be.
pub fn settings(limits: &Limits, wrongs: &mut Wrongs) -> LimitSettings {
    let mut rate = |name: &str, per_minute: u64, burst: u64| Rate {
        per_minute: wrongs.number(&format!("limits.{name}_per_min"), per_minute, 0..=1_000_000),
        burst: wrongs.number(&format!("limits.{name}_burst"), burst, 1..=1_000_000),
    };
    let claims_by_account =
        rate("claims_by_account", limits.claims_by_account_per_min, limits.claims_by_account_burst);
    let changes_by_account = rate(
        "changes_by_account",
        limits.changes_by_account_per_min,
        limits.changes_by_account_burst,
    );
    let claims_by_address =
        rate("claims_by_address", limits.claims_by_address_per_min, limits.claims_by_address_burst);
    let sign_ins_by_address = rate(
        "sign_ins_by_address",
        limits.sign_ins_by_address_per_min,
        limits.sign_ins_by_address_burst,
    );
    let registrations_by_address = rate(
        "registrations_by_address",
        limits.registrations_by_address_per_min,
        limits.registrations_by_address_burst,
    );
    LimitSettings {
        claims_by_account,
        changes_by_account,
        claims_by_address,
        sign_ins_by_address,
        registrations_by_address,
        buckets: wrongs.number("limits.buckets", limits.buckets, 1_024..=16_777_216),
    }
}
