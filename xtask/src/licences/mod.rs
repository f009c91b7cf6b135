//! `cargo xtask licences`: every package of the build has a licence we accept, a source we accept, one version.
//! It reads the lock file through cargo, offline; what is allowed stands in `policy.rs` alone.

mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode, Stdio};

use crate::metadata::{self, MetadataError, Package, Reach};
use crate::paths;

/// One thing that is not as the policy wants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// The package names no licence, or none that can be read as SPDX.
    NoLicence(String),
    /// No branch of its licence expression is on the list.
    Licence(String, String),
    /// It comes from somewhere else than the registry.
    Source(String, String),
    /// It is on the list of those that may not come in.
    Banned(String, &'static str),
    /// It is there in several incompatible versions without being named for that.
    SeveralVersions(String, Vec<String>),
    /// It is named as having several versions and has not.
    Stale(&'static str),
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoLicence(package) => write!(f, "{package} names no licence that SPDX knows"),
            Self::Licence(package, licence) => write!(f, "{package} is under {licence}"),
            Self::Source(package, source) => write!(f, "{package} comes from {source}"),
            Self::Banned(package, why) => write!(f, "{package} may not come in: {why}"),
            Self::SeveralVersions(name, versions) => {
                write!(f, "{name} is there in several versions: {}", versions.join(", "))
            }
            Self::Stale(name) => {
                write!(f, "{name} no longer has several versions: take it off the list")
            }
        }
    }
}

/// What is allowed; the real one is [`Policy::ours`], tests bring their own.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    licences: &'static [&'static str],
    source: &'static str,
    banned: &'static [(&'static str, &'static str)],
    several_versions: &'static [&'static str],
}

impl Policy {
    /// The policy of this repository.
    pub const fn ours() -> Self {
        Self {
            licences: policy::LICENCES,
            source: policy::SOURCE,
            banned: policy::BANNED,
            several_versions: policy::SEVERAL_VERSIONS,
        }
    }
}

/// Reads the workspace, judges it, prints what was found.
pub fn run() -> ExitCode {
    let packages = match read() {
        Ok(metadata) => metadata.packages,
        Err(error) => {
            eprintln!("xtask licences: NOT RUN: {error}");
            return ExitCode::FAILURE;
        }
    };
    let findings = judge(&packages, Policy::ours());
    for finding in &findings {
        println!("  {finding}");
    }
    if findings.is_empty() {
        println!("xtask licences: {} packages, all as the policy has it.", packages.len());
        return ExitCode::SUCCESS;
    }
    println!("xtask licences: FAILED, {} findings.", findings.len());
    ExitCode::FAILURE
}

/// On a machine that has built for one platform only, the packages of the others are not there yet:
/// then they are fetched once, by the lock file, and the question is asked again.
fn read() -> Result<metadata::Metadata, MetadataError> {
    metadata::read(Reach::Everything).or_else(|_| {
        Command::new(paths::cargo())
            .args(["fetch", "--locked", "--quiet"])
            .current_dir(paths::root())
            .stdin(Stdio::null())
            .status()
            .map_err(MetadataError::Start)?;
        metadata::read(Reach::Everything)
    })
}

/// Everything about `packages` that is not as `policy` wants it, sorted.
pub fn judge(packages: &[Package], policy: Policy) -> Vec<Finding> {
    let mut findings = BTreeSet::new();
    for package in packages.iter().filter(|package| package.source.is_some()) {
        findings.extend(licence_finding(package, policy));
        findings.extend(source_finding(package, policy));
    }
    for package in packages {
        let banned = policy.banned.iter().find(|(name, _)| *name == package.name);
        findings.extend(banned.map(|(_, why)| Finding::Banned(label(package), why)));
    }
    findings.extend(version_findings(packages, policy));
    findings.into_iter().collect()
}

fn label(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

fn licence_finding(package: &Package, policy: Policy) -> Option<Finding> {
    let written = package.license.as_deref().unwrap_or_default();
    // Lax, because old packages write "MIT/Apache-2.0" where SPDX wants "OR".
    let Ok(expression) = spdx::Expression::parse_mode(written, spdx::ParseMode::LAX) else {
        return Some(Finding::NoLicence(label(package)));
    };
    // An exception ("WITH ...") only adds permissions, so the licence under it decides.
    let accepted = expression
        .evaluate(|asked| asked.license.id().is_some_and(|id| policy.licences.contains(&id.name)));
    (!accepted).then(|| Finding::Licence(label(package), written.to_owned()))
}

fn source_finding(package: &Package, policy: Policy) -> Option<Finding> {
    let source = package.source.as_deref()?;
    (source != policy.source).then(|| Finding::Source(label(package), source.to_owned()))
}

fn version_findings(packages: &[Package], policy: Policy) -> Vec<Finding> {
    let mut by_name: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        by_name.entry(&package.name).or_default().insert(compatible_range(&package.version));
    }
    let several = |name: &str| by_name.get(name).is_some_and(|ranges| ranges.len() > 1);
    let unnamed = by_name
        .iter()
        .filter(|(name, _)| several(name) && !policy.several_versions.contains(name))
        .map(|(name, ranges)| {
            Finding::SeveralVersions((*name).to_owned(), ranges.iter().cloned().collect())
        });
    let stale = policy.several_versions.iter().filter(|name| !several(name));
    unnamed.chain(stale.map(|name| Finding::Stale(name))).collect()
}

/// The part of a version that cargo holds incompatible when it differs: "2" of 2.5.1, "0.4" of 0.4.7, all of 0.0.3.
fn compatible_range(version: &str) -> String {
    let numbers: Vec<&str> = version.split(['.', '-', '+']).take(3).collect();
    match numbers.as_slice() {
        ["0", "0", patch] => format!("0.0.{patch}"),
        ["0", minor, ..] => format!("0.{minor}"),
        [major, ..] => (*major).to_owned(),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST_POLICY: Policy = Policy {
        licences: &["MIT", "Apache-2.0", "BSD-3-Clause"],
        source: "registry+good",
        banned: &[("openssl-sys", "rustls instead")],
        several_versions: &["twice"],
    };

    fn package(name: &str, version: &str, license: &str, source: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: (!license.is_empty()).then(|| license.to_owned()),
            source: (!source.is_empty()).then(|| source.to_owned()),
            dependencies: Vec::new(),
        }
    }

    /// The two versions that keep the policy's own list from being stale.
    fn twice() -> Vec<Package> {
        vec![
            package("twice", "0.1.9", "MIT", "registry+good"),
            package("twice", "0.2.0", "MIT", "registry+good"),
        ]
    }

    fn findings_with(more: &[Package]) -> Vec<Finding> {
        let mut packages = twice();
        packages.extend_from_slice(more);
        judge(&packages, TEST_POLICY)
    }

    #[test]
    fn a_licence_expression_is_accepted_when_one_of_its_branches_is() {
        let table = [
            ("MIT", true),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/Apache-2.0", true),
            ("(MIT OR Apache-2.0) AND BSD-3-Clause", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("GPL-3.0-only", false),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR Apache-2.0) AND MPL-2.0", false),
        ];
        for (expression, accepted) in table {
            let found = findings_with(&[package("one", "1.0.0", expression, "registry+good")]);
            assert_eq!(found.is_empty(), accepted, "{expression}: {found:?}");
        }
    }

    #[test]
    fn a_package_without_a_readable_licence_is_found() {
        for licence in ["", "see the file"] {
            let found = findings_with(&[package("one", "1.0.0", licence, "registry+good")]);
            assert_eq!(found, [Finding::NoLicence("one 1.0.0".into())], "{licence:?}");
        }
    }

    #[test]
    fn a_package_from_git_or_from_another_registry_is_found() {
        for source in ["git+https://example.org/one#abc", "registry+other"] {
            let found = findings_with(&[package("one", "1.0.0", "MIT", source)]);
            assert_eq!(found, [Finding::Source("one 1.0.0".into(), source.into())]);
        }
    }

    #[test]
    fn a_banned_package_is_found() {
        let found = findings_with(&[package("openssl-sys", "0.9.1", "MIT", "registry+good")]);
        assert_eq!(found, [Finding::Banned("openssl-sys 0.9.1".into(), "rustls instead")]);
    }

    #[test]
    fn several_versions_are_found_only_when_cargo_holds_them_incompatible() {
        let table = [("1.0.0", "1.9.0", false), ("1.0.0", "2.0.0", true), ("0.1.0", "0.2.0", true)];
        for (one, other, found) in table {
            let packages = [
                package("pair", one, "MIT", "registry+good"),
                package("pair", other, "MIT", "registry+good"),
            ];
            assert_eq!(!findings_with(&packages).is_empty(), found, "{one} and {other}");
        }
    }

    #[test]
    fn a_name_on_the_list_of_several_versions_that_has_one_is_found() {
        assert_eq!(judge(&twice()[..1], TEST_POLICY), [Finding::Stale("twice")]);
    }

    #[test]
    fn packages_of_the_workspace_need_no_source() {
        assert_eq!(findings_with(&[package("ours", "0.1.0", "Apache-2.0", "")]), []);
    }
}
