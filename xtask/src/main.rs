//! `cargo xtask`: the chores of this repository as one command; `cargo xtask --help` lists them.
//! Only the command line is read here; each chore lives in its own module.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The repeatable chores of this repository", version)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run all tests of the workspace, setting up what they need
    Test {
        /// Passed on to `cargo test`, for example `-- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Check the licence, source and version of every package in the build, offline
    Licences,
    /// Measure the server against a plain axum no-op on this machine (see `bench --help`)
    #[command(disable_help_flag = true)]
    Bench {
        /// Options of the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// The no-op server that the benchmark starts beside ours
    #[cfg(feature = "bench")]
    #[command(hide = true)]
    BenchNoopServer,
}

fn main() -> ExitCode {
    match Arguments::parse().chore {
        Chore::Test { more } => xtask::tests_run::run(&more),
        Chore::Licences => xtask::licences::run(),
        #[cfg(not(feature = "bench"))]
        Chore::Bench { more } => xtask::bench_build::run(&more),
        #[cfg(feature = "bench")]
        Chore::Bench { more } => xtask::bench::run(&more),
        #[cfg(feature = "bench")]
        Chore::BenchNoopServer => xtask::bench::noop_server(),
    }
}
