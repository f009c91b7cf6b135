//! How the relay behaves: every bound with its unit, and what may not be set together.
//! Nothing here reads a file; the configuration hands the values over.

use crate::address::AddressRange;

/// How the relay behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaySettings {
    /// The `source` of every event: the address of this shop, or a name.
    pub source: String,
    /// Milliseconds to find an address, connect to it and agree on TLS.
    pub connect_within_ms: u32,
    /// Milliseconds for a whole attempt, connecting included.
    pub answer_within_ms: u32,
    /// Milliseconds that the first repetition waits at most; each one after it waits up to twice as long.
    pub retry_first_ms: u32,
    /// Milliseconds that a repetition waits at most.
    pub retry_longest_ms: u32,
    /// Milliseconds that a receiver's Retry-After is listened to at most.
    pub retry_after_max_ms: u32,
    /// Failures in a row of one event after which its endpoint is parked.
    pub attempts_max: u32,
    /// Endpoints there may be.
    pub endpoints_max: u32,
    /// Activities of which an endpoint is told at the same time: so many connections.
    pub per_endpoint_max: u32,
    /// Facts that are read at a time, for one endpoint and activity.
    pub page_facts_max: u32,
    /// Facts that get their numbers in one transaction.
    pub number_facts_max: u32,
    /// Milliseconds between two rounds of giving numbers.
    pub number_every_ms: u32,
    /// Milliseconds after which attempts are recorded.
    pub record_every_ms: u32,
    /// Attempts after which they are recorded at once.
    pub record_deliveries_max: u32,
    /// Readings of the ledger at the same time.
    pub ledger_reads_max: u32,
    /// Milliseconds for which the secret before signs too, after a rotation.
    pub old_secret_ms: u64,
    /// Milliseconds that a connection is kept without work.
    pub keep_alive_ms: u32,
    /// Milliseconds after which a connection is made anew, so that a name that moved is followed.
    pub connection_age_max_ms: u32,
    /// Milliseconds for which stopping waits for attempts that have begun.
    pub stop_within_ms: u32,
    /// Addresses that may be reached though they are not public.
    pub reachable: Vec<AddressRange>,
    /// Certificates trusted besides the system's, as PEM; may be empty.
    pub roots_pem: Vec<u8>,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            source: "firstcome".to_owned(),
            connect_within_ms: 5_000,
            answer_within_ms: 15_000,
            retry_first_ms: 1_000,
            retry_longest_ms: 6 * 3_600_000,
            retry_after_max_ms: 3_600_000,
            attempts_max: 30,
            endpoints_max: 100,
            per_endpoint_max: 4,
            page_facts_max: 100,
            number_facts_max: 500,
            number_every_ms: 20,
            record_every_ms: 100,
            record_deliveries_max: 500,
            ledger_reads_max: 2,
            old_secret_ms: 24 * 3_600_000,
            keep_alive_ms: 30_000,
            connection_age_max_ms: 300_000,
            stop_within_ms: 2_000,
            reachable: Vec::new(),
            roots_pem: Vec::new(),
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingRefused {
    /// This one is zero.
    Zero(&'static str),
    /// The first one is larger than the second.
    Larger(&'static str, &'static str),
    /// `source` is empty, or holds what no address does.
    Source,
    /// `roots_pem` holds no certificate, or one that cannot be read.
    Roots,
}

impl std::fmt::Display for SettingRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Zero(key) => write!(f, "{key} must be at least 1"),
            Self::Larger(one, other) => write!(f, "{one} must not be larger than {other}"),
            Self::Source => f.write_str("source must be an address or a name, without spaces"),
            Self::Roots => f.write_str("the additional certificates cannot be read as PEM"),
        }
    }
}

impl std::error::Error for SettingRefused {}

impl RelaySettings {
    /// Whether these can be; the roots are looked at when TLS is set up.
    pub fn check(&self) -> Result<(), SettingRefused> {
        let counts = [
            ("connect_within_ms", self.connect_within_ms),
            ("retry_first_ms", self.retry_first_ms),
            ("attempts_max", self.attempts_max),
            ("endpoints_max", self.endpoints_max),
            ("per_endpoint_max", self.per_endpoint_max),
            ("page_facts_max", self.page_facts_max),
            ("number_facts_max", self.number_facts_max),
            ("number_every_ms", self.number_every_ms),
            ("record_every_ms", self.record_every_ms),
            ("record_deliveries_max", self.record_deliveries_max),
            ("ledger_reads_max", self.ledger_reads_max),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, value)| *value == 0) {
            return Err(SettingRefused::Zero(key));
        }
        if self.connect_within_ms > self.answer_within_ms {
            return Err(SettingRefused::Larger("connect_within_ms", "answer_within_ms"));
        }
        if self.retry_first_ms > self.retry_longest_ms {
            return Err(SettingRefused::Larger("retry_first_ms", "retry_longest_ms"));
        }
        let visible = self.source.chars().all(|sign| !sign.is_whitespace() && !sign.is_control());
        if self.source.is_empty() || !visible {
            return Err(SettingRefused::Source);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_checked_whole() {
        assert_eq!(RelaySettings::default().check(), Ok(()));
        let with = |change: fn(&mut RelaySettings)| {
            let mut settings = RelaySettings::default();
            change(&mut settings);
            settings.check().unwrap_err()
        };
        let zero = SettingRefused::Zero("per_endpoint_max");
        assert_eq!(with(|settings| settings.per_endpoint_max = 0), zero);
        let larger = SettingRefused::Larger("connect_within_ms", "answer_within_ms");
        assert_eq!(with(|settings| settings.answer_within_ms = 1), larger);
        let larger = SettingRefused::Larger("retry_first_ms", "retry_longest_ms");
        assert_eq!(with(|settings| settings.retry_longest_ms = 1), larger);
        assert_eq!(with(|settings| settings.source.clear()), SettingRefused::Source);
        assert_eq!(with(|settings| settings.source = "a b".into()), SettingRefused::Source);
    }
}
