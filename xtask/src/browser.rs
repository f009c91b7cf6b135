//! Makes sure that what the tests of the pages need is there: a browser with its driver, and the rules of axe-core.
//! It installs the browser only as root on a Debian machine; anywhere else it says what is missing and goes on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{compiler, paths};

/// What is installed, together, because browser and driver must be of one version; the font is for Chinese.
const PACKAGES: [&str; 3] = ["chromium", "chromium-driver", "fonts-wqy-zenhei"];
/// The version of axe-core whose rules the pages keep.
const AXE_VERSION: &str = "4.14.1";
/// The SHA-256 of its `axe.min.js`.
const AXE_SHA256: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";
/// The environment variable by which the tests find it.
pub const AXE: &str = "AXE_CORE";

/// Installs the browser where that is ours to do. Where it cannot be had, the tests themselves say that they did not
/// run, and fail under `CI=true`.
pub fn ensure() {
    if present() {
        return;
    }
    if !compiler::may_install() {
        let packages = PACKAGES.join(" ");
        eprintln!(
            "No browser for the tests of the pages: `chromium` and `chromedriver` of one version must be on the PATH \
             (Debian, as root: `apt-get install {packages}`)."
        );
        return;
    }
    println!("No browser here: installing {} with apt-get.", PACKAGES.join(", "));
    let mut install = vec!["install", "-q", "-y", "--no-install-recommends"];
    install.extend(PACKAGES);
    let installed = compiler::apt_get(&["update", "-q"])
        && (compiler::apt_get(&install)
            // In container images the packages are deleted as soon as the first of them is unpacked; where an older
            // browser is replaced, that is too soon for the others.
            || compiler::apt_get(&["install", "-q", "-y", "--fix-broken"])
                && compiler::apt_get(&install));
    if !(installed && present()) {
        eprintln!(
            "chromium and chromium-driver could not be installed; apt-get's words stand above."
        );
    }
}

/// Whether browser and driver are there and of one major version.
fn present() -> bool {
    let (browser, driver) = (version("chromium"), version("chromedriver"));
    browser.is_some() && browser == driver
}

/// The first number a program says with `--version`.
fn version(program: &str) -> Option<u32> {
    let output = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
    first_number(&String::from_utf8(output.stdout).ok()?)
}

fn first_number(text: &str) -> Option<u32> {
    text.split([' ', '.']).find_map(|word| word.parse().ok())
}

/// The file of axe-core, fetched from the npm registry if it is not there yet; nothing where it cannot be had.
pub fn axe() -> Option<PathBuf> {
    let folder = paths::root().join("target").join("axe-core").join(AXE_VERSION);
    let file = folder.join("package").join("axe.min.js");
    if !is_axe(&file) {
        let fetched = fetch_axe(&folder);
        if !(fetched && is_axe(&file)) {
            eprintln!(
                "axe-core {AXE_VERSION} could not be fetched: npm, tar, sha256sum and a network are needed."
            );
            return None;
        }
    }
    Some(file)
}

fn fetch_axe(folder: &Path) -> bool {
    let package = format!("axe-core@{AXE_VERSION}");
    let archive = format!("axe-core-{AXE_VERSION}.tgz");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    std::fs::create_dir_all(folder).is_ok()
        && run("npm", &["pack", "--silent", &package])
        && run("tar", &["-xzf", &archive, "package/axe.min.js"])
}

fn is_axe(file: &Path) -> bool {
    let output = Command::new("sha256sum").arg(file).stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.starts_with(AXE_SHA256.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        let table = [
            ("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)", Some(156)),
            ("ChromeDriver 148.0.7778.167 (a21ce95c-refs/branch-heads/7778@{#1})", Some(148)),
            ("nothing", None),
        ];
        for (text, expected) in table {
            assert_eq!(first_number(text), expected, "{text}");
        }
    }
}
