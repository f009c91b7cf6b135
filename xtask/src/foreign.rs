//! Makes sure that what the tests of the webhooks need is there: a library of another author that verifies them.
//! It installs nothing outside of `target/`; where the library cannot be had, it says so and goes on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::paths;

const PACKAGE: &str = "standardwebhooks";
const VERSION: &str = "1.1.0";
/// The SHA-256 of its only file, which holds no program that runs when it is installed.
const SHA256: &str = "9a88d48a1f198be61517fc7ad328cf58ba02b73f0fbd8941d4213e9c0b6c2a61";
/// Seconds that pip waits for an answer; without a network it is not to hold up the tests.
const ANSWER_WITHIN_S: &str = "10";
/// The environment variable by which whoever has the library tells the tests of a python that can import it.
const PYTHON: &str = "WEBHOOKS_FOREIGN_PYTHON";
/// The environment variable by which the tests find the folder of the library.
pub const LIBRARY: &str = "WEBHOOKS_FOREIGN_LIBRARY";

/// The folder of the library, installed if it is not there yet; nothing where it cannot be had, or where another one
/// is chosen.
pub fn library() -> Option<PathBuf> {
    if std::env::var_os(PYTHON).is_some() {
        return None;
    }
    let folder = paths::root().join("target").join(PACKAGE).join(VERSION);
    if is_there(&folder) || (install(&folder) && is_there(&folder)) {
        return Some(folder);
    }
    eprintln!(
        "\n!!!! NOT TESTED: webhooks are not verified by the library {PACKAGE} {VERSION}: it could not be installed; \
         python3 with pip and a network are needed. !!!!\n"
    );
    None
}

fn is_there(folder: &Path) -> bool {
    let program = format!("import {PACKAGE}; assert {PACKAGE}.__version__ == '{VERSION}'");
    let mut python = Command::new("python3");
    succeeds(python.args(["-c", &program]).env("PYTHONPATH", folder))
}

fn install(folder: &Path) -> bool {
    // Only a list of requirements can name the hash of a file.
    let list = folder.join("requirements.txt");
    let wanted = format!("{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n");
    if std::fs::create_dir_all(folder).is_err() || std::fs::write(&list, wanted).is_err() {
        return false;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--timeout", ANSWER_WITHIN_S, "--retries", "1"]);
    pip.args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "--upgrade"]);
    succeeds(pip.arg("--target").arg(folder).arg("-r").arg(list))
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
