//! The repository's style as tests: arrows between crates, lengths, opening lines, names, words, cases.
//! Each check also has a test that plants what it looks for, so that none can pass by being blind.

mod arrows;
mod cases;
mod lengths;
mod names;
mod openings;
mod sources;
mod words;

/// Fails with one finding a line.
#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n  {}", findings.len(), findings.join("\n  "));
}
