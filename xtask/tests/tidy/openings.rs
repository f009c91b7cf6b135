//! Every Rust file opens with at least two lines that say what it is for and what it must never do.
//! What they say is for a reader to judge; that they are there is judged here.

use crate::assert_none;
use crate::sources::rust_files;

/// Fewer are a title, not an opening.
const LINES_MIN: usize = 2;

fn opening_lines(text: &str) -> usize {
    let is_prose = |line: &&str| {
        let says = line.strip_prefix("//!").or_else(|| {
            // Three slashes would document the next item, not the file.
            line.strip_prefix("//").filter(|rest| !rest.starts_with('/'))
        });
        says.is_some_and(|words| !words.trim().is_empty())
    };
    text.lines().take_while(is_prose).count()
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let findings: Vec<String> = rust_files()
        .iter()
        .filter(|source| opening_lines(&source.text) < LINES_MIN)
        .map(|source| format!("{} does not open with {LINES_MIN} lines", source.path.display()))
        .collect();
    assert_none(&findings);
}

#[test]
fn planted_openings_are_told_apart() {
    let table = [
        ("//! What it is for.\n//! What it never does.\nfn a() {}\n", 2),
        ("// What it is for.\n// What it never does.\nfn main() {}\n", 2),
        ("//! Only a title.\n\nfn a() {}\n", 1),
        ("//! Only a title.\n//!\nfn a() {}\n", 1),
        ("/// Of the function.\n/// Not of the file.\nfn a() {}\n", 0),
        ("fn a() {}\n", 0),
        ("", 0),
    ];
    for (text, lines) in table {
        assert_eq!(opening_lines(text), lines, "{text:?}");
    }
}
