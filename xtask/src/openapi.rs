//! `cargo xtask openapi`: the document of the HTTP interface, for those who generate clients from it.
//! It keeps no copy of its own: the bytes are those of the file that the server has compiled in.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::{compiler, paths};

/// The file that `web` compiles in and the server publishes as it is; a test of the whole program compares them.
pub const DOCUMENT: &str = "crates/web/src/documents/openapi.json";

/// Why the document could not be written, or does not agree.
#[derive(Debug)]
enum OpenapiFault {
    /// A file cannot be read.
    Read(PathBuf, io::Error),
    /// A file cannot be written.
    Write(PathBuf, io::Error),
    /// Standard output takes no more.
    Output(io::Error),
    /// A file is not the document, from this line on.
    Differs(PathBuf, usize),
    /// The document and the code differ, or could not be compared.
    Code,
}

impl fmt::Display for OpenapiFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Write(path, error) => write!(f, "{} cannot be written: {error}", path.display()),
            Self::Output(error) => write!(f, "standard output cannot be written: {error}"),
            Self::Differs(path, line) => write!(
                f,
                "{path} is not the document of this source: line {line} differs; \
                 `cargo xtask openapi {path}` writes it",
                path = path.display()
            ),
            Self::Code => f.write_str("the document and the code differ, or were not compared"),
        }
    }
}

/// Writes the document to `file` or standard output, or checks it.
pub fn run(check: bool, file: Option<&Path>) -> ExitCode {
    let done = match (check, file) {
        (true, None) => check_code(),
        (true, Some(file)) => check_file(file),
        (false, file) => write(file),
    };
    let Err(fault) = done else { return ExitCode::SUCCESS };
    // Standard output holds the document and nothing else.
    eprintln!("xtask openapi: {fault}.");
    ExitCode::FAILURE
}

fn read(path: &Path) -> Result<Vec<u8>, OpenapiFault> {
    std::fs::read(path).map_err(|error| OpenapiFault::Read(path.to_owned(), error))
}

fn write(file: Option<&Path>) -> Result<(), OpenapiFault> {
    let document = read(&paths::root().join(DOCUMENT))?;
    match file {
        Some(file) => std::fs::write(file, document)
            .map_err(|error| OpenapiFault::Write(file.to_owned(), error)),
        None => io::stdout().write_all(&document).map_err(OpenapiFault::Output),
    }
}

fn check_file(file: &Path) -> Result<(), OpenapiFault> {
    let document = read(&paths::root().join(DOCUMENT))?;
    match difference(&document, &read(file)?) {
        None => Ok(()),
        Some(line) => Err(OpenapiFault::Differs(file.to_owned(), line)),
    }
}

/// The first line, from 1, in which two texts differ.
fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    if one == other {
        return None;
    }
    let lines =
        |text: &[u8]| text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other): (Vec<_>, Vec<_>) = (lines(one), lines(other));
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    Some(same + 1)
}

/// Runs the tests that hold the document against the routes, numbers and bounds of the code.
fn check_code() -> Result<(), OpenapiFault> {
    if let Err(missing) = compiler::ensure() {
        eprintln!("{missing}");
        return Err(OpenapiFault::Code);
    }
    let status = Command::new(paths::cargo())
        .args(["test", "--quiet", "--package", "web", "--test", "documents"])
        .current_dir(paths::root())
        .stdin(Stdio::null())
        .status();
    let agree = status.is_ok_and(|status| status.success());
    if agree { Ok(()) } else { Err(OpenapiFault::Code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        let table: [(&str, &str, Option<usize>); 6] = [
            ("a\nb\n", "a\nb\n", None),
            ("a\nb\n", "a\nc\n", Some(2)),
            ("a\nb\n", "a\nb", Some(2)),
            ("a\n", "a\nb\n", Some(2)),
            ("a\n", "", Some(1)),
            ("a\n", "a\r\n", Some(1)),
        ];
        for (one, other, line) in table {
            assert_eq!(difference(one.as_bytes(), other.as_bytes()), line, "{one:?} {other:?}");
        }
    }
}
