//! Makes sure that a C compiler is there: the bundled SQLite is the one part of the build that is not Rust.
//! It installs one only as root on a Debian machine; anywhere else it says what is missing.

use std::path::Path;
use std::process::{Command, Stdio};

/// Why there is no C compiler.
#[derive(Debug, PartialEq, Eq)]
pub enum NoCompiler {
    /// It is absent and this is not a place where we may install it.
    Missing,
    /// The package manager was asked and did not manage.
    InstallFailed,
}

impl std::fmt::Display for NoCompiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Self::Missing => {
                "no C compiler: `cc` is not on the PATH, and the bundled SQLite is built with it. \
                 Install one (Debian and Ubuntu: `apt-get install build-essential`; Fedora: \
                 `dnf install gcc`; macOS: `xcode-select --install`) and start again."
            }
            Self::InstallFailed => {
                "no C compiler: `cc` is not on the PATH, and `apt-get install build-essential` \
                 failed; its words stand above."
            }
        };
        f.write_str(text)
    }
}

/// Answers once `cc` can be run; installs it where that is ours to do.
pub fn ensure() -> Result<(), NoCompiler> {
    if present() {
        return Ok(());
    }
    if !may_install() {
        return Err(NoCompiler::Missing);
    }
    println!("No C compiler here: installing build-essential with apt-get.");
    let installed = apt_get(&["update", "-q"])
        && apt_get(&["install", "-q", "-y", "--no-install-recommends", "build-essential"]);
    if installed && present() { Ok(()) } else { Err(NoCompiler::InstallFailed) }
}

/// Whether `cc` can be run.
pub fn present() -> bool {
    Command::new("cc")
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub(crate) fn may_install() -> bool {
    Path::new("/etc/debian_version").exists() && is_root()
}

fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output();
    answer.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

pub(crate) fn apt_get(arguments: &[&str]) -> bool {
    Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
