//! Which crate may use which: the arrows of the design, kept over `cargo metadata`.
//! Dependencies of every kind count, for tests that reach past a wall soon become code that does.

use xtask::metadata::{self, Package, Reach};

use crate::assert_none;

/// Every crate of the workspace and those of the workspace that it may use.
/// A crate may be absent, for some come later; a crate that is not named here may not be there.
const ARROWS: &[(&str, &[&str])] = &[
    ("firstcome", &["web", "sale", "stock", "ledger", "door", "relay", "rehearsal", "rules"]),
    ("web", &["sale", "door"]),
    ("sale", &["stock", "ledger", "rules"]),
    ("door", &["ledger", "rules"]),
    ("relay", &["ledger", "rules"]),
    ("stock", &["rules"]),
    ("ledger", &["rules"]),
    ("rehearsal", &["sale", "stock", "ledger", "rules"]),
    ("rules", &[]),
    ("xtask", &[]),
];

fn findings(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(|package| findings_of(package, packages)).collect()
}

fn findings_of(package: &Package, packages: &[Package]) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!("{} is not a crate of the design", package.name)];
    };
    let in_workspace = |name: &str| packages.iter().any(|other| other.name == name);
    package
        .dependencies
        .iter()
        .map(|dependency| dependency.name.as_str())
        .filter(|name| in_workspace(name) && !allowed.contains(name))
        .map(|name| format!("{} may not use {name}", package.name))
        .collect()
}

#[test]
fn crates_use_only_what_the_design_allows() {
    let metadata = metadata::read(Reach::WorkspaceOnly).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for expected in ["firstcome", "rules", "xtask"] {
        assert!(names.contains(&expected), "{expected} is not in {names:?}");
    }
    assert_none(&findings(&metadata.packages));
}

#[test]
fn a_planted_arrow_and_a_planted_crate_are_found() {
    let package = |name: &str, uses: &[&str]| Package {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        license: None,
        source: None,
        dependencies: uses
            .iter()
            .map(|name| metadata::Dependency { name: (*name).to_owned() })
            .collect(),
    };
    let packages = [
        package("rules", &["stock", "outside"]),
        package("stock", &["rules"]),
        package("extra", &[]),
    ];
    assert_eq!(
        findings(&packages),
        ["rules may not use stock", "extra is not a crate of the design"]
    );
}
