//! `cargo xtask soak` as first started: builds itself with what long runs need, and becomes that.
//! It does not stay beside it, for then Ctrl-C would end this one and leave the other talking to nobody.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::{compiler, paths};

/// Becomes the long run with `options`; comes back only if it could not.
pub fn run(options: &[String]) -> ExitCode {
    if let Err(missing) = compiler::ensure() {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    let mut command = Command::new(paths::cargo());
    command.args(["run", "--quiet", "--package", "xtask", "--features", "soak", "--", "soak"]);
    let error = command.args(options).current_dir(paths::root()).exec();
    println!("xtask soak: NOT RUN, cargo did not start: {error}.");
    ExitCode::FAILURE
}
