//! `cargo xtask`: the chores of this repository as one command; `cargo xtask --help` lists them.
//! Only the command line is read here; each chore lives in its own module.

use std::path::PathBuf;
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
    /// Kill, stop and starve the server again and again, with new seeds each round (see `soak --help`)
    #[command(disable_help_flag = true)]
    Soak {
        /// Options of the long run
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Write the OpenAPI document, byte for byte as a server publishes it at /openapi.json
    Openapi {
        /// Write nothing: compare FILE with the document or, without FILE, the document with the code
        #[arg(long)]
        check: bool,
        /// Where to; standard output if left out
        file: Option<PathBuf>,
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
        #[cfg(not(feature = "soak"))]
        Chore::Soak { more } => xtask::soak_build::run(&more),
        #[cfg(feature = "soak")]
        Chore::Soak { more } => xtask::soak::run(&more),
        Chore::Openapi { check, file } => xtask::openapi::run(check, file.as_deref()),
        Chore::Licences => xtask::licences::run(),
        #[cfg(not(feature = "bench"))]
        Chore::Bench { more } => xtask::bench_build::run(&more),
        #[cfg(feature = "bench")]
        Chore::Bench { more } => xtask::bench::run(&more),
        #[cfg(feature = "bench")]
        Chore::BenchNoopServer => xtask::bench::noop_server(),
    }
}
