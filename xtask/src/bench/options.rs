//! The options of `cargo xtask bench` and what follows from them.
//! Every number has bounds, so that no run is longer or larger than it says.

use clap::{Parser, ValueEnum};

/// Fewer users than this cannot fill a slice of claims.
const USERS_MIN: u64 = 20_000;
/// More would need names and tokens that fill the memory of a small machine.
const USERS_MAX: u64 = 5_000_000;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// `/healthz` of our server, through all its layers
    Healthz,
    /// Claims on a sold-out activity, by people who keep asking
    Refusals,
    /// Claims on a sold-out activity, by people who ask for the first time
    FirstRefusals,
    /// Accepted claims, each on disk before its answer
    Claims,
    /// Accepted claims of something with a price, each on disk before its answer and held from then on
    Holds,
    /// The first page of the list of activities
    List,
    /// One activity
    Detail,
    /// Memory of the server for each accepted claim
    Memory,
    /// Claims a second after many claims against after few
    Flat,
    /// From start to ready with many claims in the ledger
    Restart,
    /// Accepted claims with 5 ms added to every sync, at 2,048 connections
    SlowSync,
    /// Five times as many connections as there is room for
    Overload,
    /// Many holds that expire in the same moment, while others claim
    Expiry,
    /// Facts sent to a receiver of webhooks, alone and beside one that never answers
    Webhooks,
}

/// Measures the server against a plain axum no-op on this machine.
///
/// Both run side by side, in alternating slices, under the same load generator and with the same request shape.
/// Exits with 1 when one of its own checks fails; the numbers themselves decide nothing.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask bench", version)]
pub struct Options {
    /// Length of one slice, in seconds
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    pub seconds: f64,
    /// Rounds at each number of connections; each round measures every part once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Numbers of connections
    #[arg(long, value_delimiter = ',', default_value = "64,256,1024", value_parser = connections)]
    pub connections: Vec<usize>,
    /// People, each with one claim; also the claims of memory, flat and restart
    #[arg(long, default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(USERS_MIN..=USERS_MAX))]
    pub users: u64,
    /// Only these parts
    #[arg(long, value_delimiter = ',', value_enum)]
    pub only: Vec<Part>,
    /// A short run that shows that everything works; its numbers mean little
    #[arg(long)]
    pub quick: bool,
    /// The server to measure, instead of the release build of this repository
    #[arg(long)]
    pub server: Option<std::path::PathBuf>,
}

impl Options {
    /// Whether `part` was asked for.
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Whether one of `parts` was asked for.
    pub fn wants_any(&self, parts: &[Part]) -> bool {
        parts.iter().any(|part| self.wants(*part))
    }

    /// With `--quick` everything is small, whatever else was said.
    pub fn settled(mut self) -> Self {
        if self.quick {
            self.seconds = self.seconds.min(0.4);
            self.rounds = self.rounds.min(2);
            self.users = self.users.min(50_000);
            self.connections.truncate(2);
        }
        self
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=60.0).contains(&seconds) { Ok(seconds) } else { Err("from 0.1 to 60".to_owned()) }
}

fn connections(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| "not a whole number".to_owned())?;
    if (2..=8192).contains(&count) { Ok(count) } else { Err("from 2 to 8192".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["bench"], words].concat())
    }

    #[test]
    fn options_out_of_bounds_are_refused() {
        for words in [
            ["--seconds", "0.01"],
            ["--seconds", "x"],
            ["--rounds", "0"],
            ["--connections", "64,1"],
            ["--users", "19999"],
            ["--only", "nonsense"],
        ] {
            assert!(parse(&words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn without_only_every_part_is_wanted_and_with_it_only_those() {
        assert!(parse(&[]).unwrap().wants(Part::Flat));
        let some = parse(&["--only", "claims,slow-sync"]).unwrap();
        assert!(some.wants(Part::SlowSync) && some.wants(Part::Claims));
        assert!(!some.wants(Part::Flat));
    }

    #[test]
    fn a_quick_run_is_small() {
        let quick = parse(&["--quick", "--rounds", "9"]).unwrap().settled();
        assert_eq!((quick.rounds, quick.users, quick.connections.len()), (2, 50_000, 2));
    }
}
