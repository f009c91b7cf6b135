//! Words that may stand nowhere in the repository: absolute paths of one machine, hosts of package registries.
//! A path that begins elsewhere and only passes through such a word is left alone.

use std::path::Path;

use crate::assert_none;
use crate::sources::{all_files, read};

/// Folders in which people and machines build. They are put together here so that this file is clean itself.
const BUILD_FOLDERS: &[&str] =
    &[concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/"), concat!("/", "Users/")];

const REGISTRY_HOSTS: &[&str] = &[
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("proxy.", "golang.org"),
];

fn findings(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let folders = BUILD_FOLDERS.iter().filter(|word| begins_a_path(line, word));
        let hosts = REGISTRY_HOSTS.iter().filter(|word| line.contains(*word));
        found.extend(
            folders.chain(hosts).map(|word| format!("{}:{}: {word}", path.display(), index + 1)),
        );
    }
    found
}

/// Whether `word` stands in `line` with nothing of a path before it.
fn begins_a_path(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|sign| sign.is_alphanumeric() || "._-~*}/".contains(sign))
    })
}

#[test]
fn no_file_names_a_build_machine_or_a_registry() {
    let files = all_files();
    assert!(files.iter().any(|path| path.ends_with("Cargo.lock")), "the list of files is wrong");
    let found: Vec<String> = files
        .iter()
        .filter_map(|path| Some((path, read(path)?)))
        .flat_map(|(path, text)| findings(path, &text))
        .collect();
    assert_none(&found);
}

#[test]
fn planted_words_are_found_and_relative_paths_are_not() {
    let table = [
        (concat!("cd /", "work/main"), 1),
        (concat!("\"/", "root/.cargo\""), 1),
        (concat!("(/", "home/someone/x)"), 1),
        (concat!("https://static.", "crates.io/x"), 1),
        (concat!("frame/", "work/x"), 0),
        (concat!("../", "root/x"), 0),
        ("https://crates.io/crates/x", 0),
    ];
    for (line, count) in table {
        assert_eq!(findings(Path::new("planted"), line).len(), count, "{line}");
    }
}
