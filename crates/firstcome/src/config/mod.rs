//! The configuration: defaults that are compiled in, a file, the environment; validated whole before anything starts.
//! An error names key, value and reason; the value of a secret is never shown.

mod limits;
mod overlay;
mod pages;
mod payments;
mod server;
mod tables;
mod webhooks;

#[cfg(test)]
mod tests;

use door::DoorSettings;
use ledger::SqliteSettings;
use relay::RelaySettings;
use sale::SaleSettings;
use std::{fmt, net::SocketAddr, ops::RangeInclusive, path::Path};
use stock::MemoryLimits;
use tables::File;
use toml::{Table, Value};
use web::WebSettings;

/// The documented defaults.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// Everything that can be set.
#[derive(Clone)]
pub struct Config {
    /// Where people reach the server.
    pub listen: SocketAddr,
    /// Where `/metrics` is alone.
    pub metrics_listen: Option<SocketAddr>,
    /// The use cases.
    pub sale: SaleSettings,
    /// Stock's queues.
    pub memory: MemoryLimits,
    /// The ledger.
    pub ledger: SqliteSettings,
    /// The door.
    pub door: DoorSettings,
    /// The HTTP side.
    pub web: WebSettings,
    /// Whether the provider for trying things out is there.
    pub test_provider: bool,
    /// The origin of its page, where that is not this server's.
    pub test_provider_at: String,
    /// What leaves for the outside.
    pub relay: RelaySettings,
    /// What is logged: a level, or a filter.
    pub log_level: String,
}

/// What is wrong with a setting.
#[derive(Debug)]
pub struct Wrong {
    key: String,
    value: String,
    reason: String,
}

/// What is wrong with the configuration: everything that was found.
#[derive(Debug)]
pub struct ConfigError(Vec<Wrong>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used")?;
        for Wrong { key, value, reason } in &self.0 {
            write!(f, "\n  {key}")?;
            if !value.is_empty() {
                write!(f, " = {value}")?;
            }
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads defaults, file and environment, and validates all of it.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_parts(file, std::env::vars())
    }

    fn from_parts(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut wrongs = Wrongs(Vec::new());
        let mut table: Table = DEFAULTS.parse().expect("the defaults are TOML: a test reads them");
        if let Some(path) = file {
            overlay::file(&mut table, path, &mut wrongs);
        }
        for (name, text) in variables {
            overlay::variable(&mut table, &name, text, &mut wrongs);
        }
        let file: Option<File> = match Value::Table(table).try_into() {
            Ok(file) => Some(file),
            Err(error) => {
                wrongs.add("", "", error.message());
                None
            }
        };
        let config = file.map(|file| tables::build(file, &mut wrongs));
        match config {
            Some(config) if wrongs.0.is_empty() => Ok(config),
            _ => Err(ConfigError(wrongs.0)),
        }
    }
}

/// Wrong settings as they are found.
struct Wrongs(Vec<Wrong>);

impl Wrongs {
    fn add(&mut self, key: &str, value: &str, reason: impl Into<String>) {
        let secret = key.ends_with("_secret");
        let value = if secret && !value.is_empty() { "…" } else { value };
        self.0.push(Wrong { key: key.to_owned(), value: value.to_owned(), reason: reason.into() });
    }

    /// A number within its bounds, else the lower bound beside a complaint.
    fn number<N: TryFrom<u64>>(&mut self, key: &str, value: u64, bounds: RangeInclusive<u64>) -> N {
        let number = Some(value).filter(|value| bounds.contains(value)).unwrap_or_else(|| {
            let reason = format!("must be from {} to {}", bounds.start(), bounds.end());
            self.add(key, &value.to_string(), reason);
            *bounds.start()
        });
        N::try_from(number).unwrap_or_else(|_| unreachable!("bounds of settings fit their types"))
    }

    fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            self.add(key, text, "must be an address and a port, as in 127.0.0.1:3000");
        }
        address
    }
}
