//! Every case that `docs/cases.md` lists as covered is named by at least one test.
//! A case is a list item, table row or heading that begins with its number; those under a heading
//! with "later" in it are not covered yet and need no test.

use std::collections::BTreeSet;
use std::path::Path;

use crate::assert_none;
use crate::sources::{read, rust_files};

const LIST: &str = "docs/cases.md";

/// The numbers of the cases that the list calls covered.
fn covered(list: &str) -> BTreeSet<u32> {
    let mut later_level = None;
    let mut cases = BTreeSet::new();
    for line in list.lines() {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        // A heading ends the "later" part of its own level and of deeper ones.
        if level > 0 && later_level.is_none_or(|later| level <= later) {
            later_level = line.to_lowercase().contains("later").then_some(level);
        }
        if later_level.is_none() {
            cases.extend(leading_case(line));
        }
    }
    cases
}

/// The number of the case with which a list item, table row or heading begins.
fn leading_case(line: &str) -> Option<u32> {
    let words =
        line.trim_start_matches(|sign: char| sign.is_whitespace() || "-*#|[".contains(sign));
    let began = words.len() < line.len();
    let digits = words.strip_prefix('C')?;
    let end = digits.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(digits.len());
    let followed_by_word = digits[end..].starts_with(char::is_alphanumeric);
    if !began || followed_by_word { None } else { digits[..end].parse().ok() }
}

/// The numbers of all cases that `text` names as whole words; "C1-C15" names two, not fifteen.
fn named(text: &str) -> BTreeSet<u32> {
    text.split(|sign: char| !sign.is_alphanumeric() && sign != '_')
        .filter_map(|word| word.strip_prefix('C'))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

/// What the tests name. The tests of this folder speak of cases without covering any.
fn named_by_tests() -> BTreeSet<u32> {
    rust_files()
        .iter()
        .filter(|source| !source.path.starts_with("xtask"))
        .flat_map(|source| named(&source.test_text()))
        .collect()
}

#[test]
fn every_covered_case_is_named_by_a_test() {
    let list = read(Path::new(LIST)).unwrap_or_else(|| panic!("{LIST} is missing"));
    let covered = covered(&list);
    assert!(!covered.is_empty(), "{LIST} lists no covered case");
    let named = named_by_tests();
    let missing = covered.difference(&named).map(|case| format!("C{case} is named by no test"));
    assert_none(&missing.collect::<Vec<_>>());
}

#[test]
fn a_planted_list_shows_which_cases_are_covered() {
    let list = "# Cases\nC9 in prose.\n## Deciding\n- **C1** dies.\n- C2 reply lost, as in C8.\n\
                | C3 | parallel |\n### C4 limits\n- C5x no\n## Later: money\n- C16 callback\n\
                ### C18 pay\n## Running\n- C28 kill\n";
    assert_eq!(covered(list), BTreeSet::from([1, 2, 3, 4, 28]));
}

#[test]
fn a_planted_test_names_its_cases_as_whole_words() {
    assert_eq!(named("/// C7: cleared. See C1-C15, C13, AC4, C4D, C_5."), [7, 1, 15, 13].into());
}
