//! `cargo xtask openapi` as it is called: what it writes, and that its check can say no.
//! That the server publishes the same bytes is compared where a server runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xtask::{openapi::DOCUMENT, paths};

fn openapi(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("openapi").args(arguments).output().expect("it starts")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn document() -> Vec<u8> {
    std::fs::read(paths::root().join(DOCUMENT)).expect("the document is there")
}

#[test]
fn standard_output_is_the_document_and_nothing_else() {
    let output = openapi(&[]);
    assert!(output.status.success());
    assert_eq!(output.stdout, document());
}

#[test]
fn a_file_that_was_written_passes_the_check_until_it_is_changed() {
    let file = scratch("openapi-written.json");
    let name = file.to_str().expect("a plain path");
    assert!(openapi(&[name]).status.success());
    assert_eq!(std::fs::read(&file).expect("it is there"), document());
    assert!(openapi(&["--check", name]).status.success());
    let changed = [&document()[..], b"\n"].concat();
    std::fs::write(&file, changed).expect("a scratch file");
    let refused = openapi(&["--check", name]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("differs"));
    let missing = scratch("openapi-never-written.json");
    let missing = openapi(&["--check", missing.to_str().expect("a plain path")]);
    assert_eq!(missing.status.code(), Some(1));
}
