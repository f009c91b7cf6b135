//! `cargo xtask test`: every test of the workspace, after setting up what they need.
//! It says in its last line whether they passed, and never passes over one that failed.

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::{browser, compiler, foreign, paths};

/// Runs all tests; `more` goes to `cargo test` as it stands (`-- name` picks by name).
pub fn run(more: &[String]) -> ExitCode {
    if let Err(missing) = compiler::ensure() {
        eprintln!("{missing}");
        println!("xtask test: NOT RUN, a C compiler is missing.");
        return ExitCode::FAILURE;
    }
    browser::ensure();
    let mut command = Command::new(paths::cargo());
    if let Some(axe) = browser::axe() {
        command.env(browser::AXE, axe);
    }
    if let Some(library) = foreign::library() {
        command.env(foreign::LIBRARY, library);
    }
    let started = Instant::now();
    // The benchmark's feature is on so that its own tests run too.
    let status = command
        .args(["test", "--workspace", "--no-fail-fast", "--features", "xtask/bench"])
        .args(more)
        .current_dir(paths::root())
        .stdin(Stdio::null())
        .status();
    let seconds = started.elapsed().as_secs();
    match status {
        Ok(status) if status.success() => {
            println!("xtask test: all tests passed ({seconds} s).");
            ExitCode::SUCCESS
        }
        Ok(_) => {
            println!("xtask test: FAILED ({seconds} s); the failures stand above.");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("xtask test: NOT RUN, cargo did not start: {error}.");
            ExitCode::FAILURE
        }
    }
}
