//! What `cargo metadata` says of the workspace, read into the few fields that the chores need.
//! It never reaches for the network unless the caller asks for that.

use std::io;
use std::process::Command;

use serde::Deserialize;

use crate::paths;

/// The answer of `cargo metadata`.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// Every package in the answer; with [`Reach::WorkspaceOnly`] those of the workspace alone.
    pub packages: Vec<Package>,
}

/// One package.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// The name in its `Cargo.toml`.
    pub name: String,
    /// The version, as written.
    pub version: String,
    /// The SPDX expression it declares, if it declares one.
    pub license: Option<String>,
    /// Where it came from; nothing for a path inside the workspace.
    pub source: Option<String>,
    /// What it declares to need, of every kind: normal, build and development.
    pub dependencies: Vec<Dependency>,
}

/// A dependency as declared, not as resolved.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    /// The name of the package that is needed.
    pub name: String,
}

/// How far a question to cargo goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The packages of the workspace; needs nothing but their files.
    WorkspaceOnly,
    /// All that the lock file names, for every platform; needs them downloaded.
    Everything,
}

/// Why cargo's answer could not be had.
#[derive(Debug)]
pub enum MetadataError {
    /// cargo did not start.
    Start(io::Error),
    /// cargo said no; its own words.
    Refused(String),
    /// cargo's answer is not of the shape expected here.
    Shape(serde_json::Error),
}

impl std::fmt::Display for MetadataError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start(error) => write!(f, "cargo metadata did not start: {error}"),
            Self::Refused(words) => write!(f, "cargo metadata said no: {words}"),
            Self::Shape(error) => write!(f, "cargo metadata has another shape: {error}"),
        }
    }
}

/// Asks cargo, offline.
pub fn read(reach: Reach) -> Result<Metadata, MetadataError> {
    let mut command = Command::new(paths::cargo());
    command.args(["metadata", "--offline", "--format-version", "1"]);
    if reach == Reach::WorkspaceOnly {
        command.arg("--no-deps");
    }
    let output = command.current_dir(paths::root()).output().map_err(MetadataError::Start)?;
    if !output.status.success() {
        return Err(MetadataError::Refused(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(MetadataError::Shape)
}
