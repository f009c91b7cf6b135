//! How often somebody may knock: claims by account, sign-ins and registrations by where they come from.
//! It only slows; who is told "too many" has lost nothing, and nothing has happened.

use crate::{
    buckets::{Buckets, Empty, Rate},
    prefixes::prefixes,
};
use rules::{TimeMs, UserNo};
use std::net::IpAddr;

/// How much of what. Rates by address are those of one IPv4 address or one IPv6 /64; wider prefixes have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Claims of one account, repetitions of a known key not counted.
    pub claims_by_account: Rate,
    /// What else of one account makes a line in the ledger or a call of a provider: giving up an order, going to pay,
    /// lining up and leaving the line.
    pub changes_by_account: Rate,
    /// Claims from one address. Off by default: an office shares one.
    pub claims_by_address: Rate,
    /// Attempts to sign in from one address, by password or by an identity provider's token.
    pub sign_ins_by_address: Rate,
    /// Registrations from one address.
    pub registrations_by_address: Rate,
    /// Buckets in each of the six tables, of 8 bytes.
    pub buckets: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            claims_by_account: Rate { burst: 1_200, per_minute: 1_200 },
            changes_by_account: Rate { burst: 60, per_minute: 60 },
            claims_by_address: Rate::OFF,
            sign_ins_by_address: Rate { burst: 600, per_minute: 600 },
            registrations_by_address: Rate { burst: 100, per_minute: 60 },
            buckets: 1 << 17,
        }
    }
}

/// Notices of payments from one address, of all providers together. A provider in a hurry sends hundreds a second from
/// one address, so this only slows whoever floods; what is refused is sent again by every provider.
const NOTICES_BY_ADDRESS: Rate = Rate { burst: 6_000, per_minute: 60_000 };

/// The tables.
pub struct Limits {
    settings: LimitSettings,
    accounts: Buckets,
    changes: Buckets,
    claims: Buckets,
    sign_ins: Buckets,
    registrations: Buckets,
    notices: Buckets,
}

impl Limits {
    /// Full buckets for everybody.
    pub fn new(settings: LimitSettings, now: TimeMs) -> Self {
        let table =
            |rate: Rate| Buckets::new(if rate.is_off() { 0 } else { settings.buckets }, now);
        Self {
            settings,
            accounts: table(settings.claims_by_account),
            changes: table(settings.changes_by_account),
            claims: table(settings.claims_by_address),
            sign_ins: table(settings.sign_ins_by_address),
            registrations: table(settings.registrations_by_address),
            notices: table(NOTICES_BY_ADDRESS),
        }
    }

    /// One claim of this account, from this address.
    pub fn claim(&self, user: UserNo, address: IpAddr, now: TimeMs) -> Result<(), Empty> {
        self.accounts.take(user.0, self.settings.claims_by_account, now)?;
        by_address(&self.claims, self.settings.claims_by_address, address, now)
    }

    /// One change of this account's orders or places in line.
    pub fn change(&self, user: UserNo, now: TimeMs) -> Result<(), Empty> {
        self.changes.take(user.0, self.settings.changes_by_account, now)
    }

    /// One attempt to sign in.
    pub fn sign_in(&self, address: IpAddr, now: TimeMs) -> Result<(), Empty> {
        by_address(&self.sign_ins, self.settings.sign_ins_by_address, address, now)
    }

    /// One registration.
    pub fn registration(&self, address: IpAddr, now: TimeMs) -> Result<(), Empty> {
        by_address(&self.registrations, self.settings.registrations_by_address, address, now)
    }

    /// One notice of a payment, before anybody has looked at it.
    pub fn notice(&self, address: IpAddr, now: TimeMs) -> Result<(), Empty> {
        by_address(&self.notices, NOTICES_BY_ADDRESS, address, now)
    }
}

/// Takes from the bucket of every prefix. A loopback address says nothing: behind a proxy on this machine that is
/// not declared as trusted, everybody in the world has it (C34).
fn by_address(table: &Buckets, rate: Rate, address: IpAddr, now: TimeMs) -> Result<(), Empty> {
    if rate.is_off() || address.to_canonical().is_loopback() {
        return Ok(());
    }
    prefixes(address).try_for_each(|(prefix, times)| table.take(prefix, rate.times(times), now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimeMs = TimeMs(5_000_000);

    fn limits(settings: LimitSettings) -> Limits {
        Limits::new(settings, NOW)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of `tries` sign-ins get through, each from the next address that `from` makes.
    fn let_in(limits: &Limits, tries: u32, from: impl Fn(u32) -> String) -> usize {
        let through = |number: &u32| limits.sign_in(address(&from(*number)), NOW).is_ok();
        (0..tries).filter(through).count()
    }

    /// C24: one person with 2^64 addresses gets what one address gets; their provider's /56 and /48 a little more.
    #[test]
    fn many_addresses_of_one_prefix_are_limited_together() {
        let settings = LimitSettings {
            sign_ins_by_address: Rate { burst: 10, per_minute: 1 },
            ..LimitSettings::default()
        };
        type From = fn(u32) -> String;
        let table: [(&str, From, usize); 7] = [
            ("one IPv4 address", |_| "192.0.2.9".into(), 10),
            ("one IPv4 network", |n| format!("192.0.2.{}", n % 256), 80),
            ("IPv4 networks", |n| format!("198.51.{}.{}", n / 256, n % 256), 160),
            ("one IPv6 network", |n| format!("2001:db8::{n:x}"), 10),
            ("one /56", |n| format!("2001:db8:0:{:x}::1", n % 256), 40),
            ("one /48", |n| format!("2001:db8:0:{:x}00::1", n % 256), 160),
            ("this machine", |_| "127.0.0.1".into(), 500),
        ];
        for (what, from, through) in table {
            assert_eq!(let_in(&limits(settings), 500, from), through, "{what}");
        }
    }

    /// C34: an office behind one address takes part whole; a single account cannot hammer.
    #[test]
    fn claims_are_limited_by_account_and_not_by_address() {
        let limits = limits(LimitSettings::default());
        let office = address("203.0.113.5");
        let everyone = (1..=20_000).filter(|user| limits.claim(UserNo(*user), office, NOW).is_ok());
        assert_eq!(everyone.count(), 20_000);
        let one = (0..5_000).filter(|_| limits.claim(UserNo(50_000), office, NOW).is_ok());
        assert_eq!(one.count(), 1_200);
    }

    #[test]
    fn claims_are_limited_by_address_where_that_is_set() {
        let rate = Rate { burst: 5, per_minute: 5 };
        let limits = limits(LimitSettings { claims_by_address: rate, ..LimitSettings::default() });
        let office = address("203.0.113.5");
        let everyone = (1..=100).filter(|user| limits.claim(UserNo(*user), office, NOW).is_ok());
        assert_eq!(everyone.count(), 5);
        assert!(limits.claim(UserNo(7), address("198.51.100.1"), NOW).is_ok());
    }

    /// Whoever holds and lets go, or lines up and leaves, as fast as they can is slowed; their claims are not.
    #[test]
    fn changes_are_limited_by_account_apart_from_claims() {
        let limits = limits(LimitSettings::default());
        let one = (0..500).filter(|_| limits.change(UserNo(1), NOW).is_ok());
        assert_eq!(one.count(), 60);
        assert_eq!(limits.change(UserNo(1), NOW), Err(Empty { retry_after_ms: 1_000 }));
        assert!(limits.change(UserNo(1), TimeMs(NOW.0 + 1_000)).is_ok());
        assert!(limits.change(UserNo(2), NOW).is_ok());
        assert!(limits.claim(UserNo(1), address("203.0.113.5"), NOW).is_ok());
    }

    #[test]
    fn notices_are_limited_by_address_and_not_by_what_they_say() {
        let limits = limits(LimitSettings::default());
        let from =
            |text: &str| (0..20_000).filter(|_| limits.notice(address(text), NOW).is_ok()).count();
        assert_eq!(from("203.0.113.5"), NOTICES_BY_ADDRESS.burst as usize);
        assert_eq!(from("198.51.100.1"), NOTICES_BY_ADDRESS.burst as usize);
    }

    #[test]
    fn registrations_and_sign_ins_have_buckets_of_their_own() {
        let rate = Rate { burst: 1, per_minute: 1 };
        let limits = limits(LimitSettings {
            sign_ins_by_address: rate,
            registrations_by_address: rate,
            ..LimitSettings::default()
        });
        let somewhere = address("203.0.113.5");
        assert!(limits.sign_in(somewhere, NOW).is_ok());
        assert!(limits.registration(somewhere, NOW).is_ok());
        assert!(limits.sign_in(somewhere, NOW).is_err());
        assert_eq!(limits.registration(somewhere, NOW), Err(Empty { retry_after_ms: 60_000 }));
    }
}
