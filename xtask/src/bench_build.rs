//! `cargo xtask bench` as started in a development build: builds server and benchmark in release, then hands over.
//! It measures nothing itself: numbers of a development build would mean nothing.

use std::process::{Command, ExitCode, Stdio};

use crate::{compiler, paths};

/// Builds both and runs the benchmark with `options`; its exit code is ours.
pub fn run(options: &[String]) -> ExitCode {
    if let Err(missing) = compiler::ensure() {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    let server = ["build", "--release", "--package", "firstcome"];
    let bench = ["run", "--release", "--quiet", "--package", "xtask", "--features", "bench"];
    // Help needs no server.
    let wants_help = options.iter().any(|option| option == "--help" || option == "-h");
    if !wants_help && !succeeds(&mut cargo(&server)) {
        println!("xtask bench: NOT RUN, the server does not build.");
        return ExitCode::FAILURE;
    }
    let mut command = cargo(&bench);
    command.args(["--", "bench"]).args(options);
    if succeeds(&mut command) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(paths::cargo());
    command.args(arguments).current_dir(paths::root()).stdin(Stdio::null());
    command
}

fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}
