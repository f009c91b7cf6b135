//! The files of the repository as the checks see them: path, text, and which lines are test code.
//! It reads what git holds or would hold, so that a forgotten scratch file outside git disturbs nobody.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use xtask::paths;

/// Folders that are never part of the repository, for a tree that came without git.
const NEVER_OURS: &[&str] = &[".git", "target", "firstcome-data"];

/// One Rust file.
pub struct Source {
    /// From the root of the repository.
    pub path: PathBuf,
    pub text: String,
    pub syntax: syn::File,
    /// Whether all of it is test code: under `tests/`, or a module that exists for tests only.
    pub is_test: bool,
    /// Lines (from 1) of items under `#[cfg(test)]`.
    pub test_lines: Vec<RangeInclusive<usize>>,
}

impl Source {
    /// Reads one file from its text; whether a parent module declares it for tests is not known here.
    pub fn parse(path: &Path, text: &str) -> Self {
        let syntax = syn::parse_file(text)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
        let mut finder = TestItems::default();
        finder.visit_file(&syntax);
        let is_test = path.components().any(|part| part == Component::Normal("tests".as_ref()));
        Self {
            path: path.to_path_buf(),
            text: text.to_owned(),
            syntax,
            is_test,
            test_lines: finder.lines,
        }
    }

    /// Lines that are not test code.
    pub fn product_lines(&self) -> usize {
        if self.is_test {
            return 0;
        }
        (1..=self.text.lines().count()).filter(|line| !self.is_test_line(*line)).count()
    }

    /// The test code, as text.
    pub fn test_text(&self) -> String {
        let kept = |line: usize| self.is_test || self.is_test_line(line);
        let lines = self.text.lines().enumerate().filter(|(index, _)| kept(index + 1));
        lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
    }

    fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// The files that this one declares as `#[cfg(test)] mod name;`.
    fn test_modules(&self) -> Vec<PathBuf> {
        let mut finder = TestItems::default();
        finder.visit_file(&self.syntax);
        let stem = self.path.file_stem().unwrap_or_default();
        let owns_folder = ["lib", "main", "mod"].iter().any(|name| stem == *name);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let folder = if owns_folder { folder.to_path_buf() } else { folder.join(stem) };
        finder.modules.iter().map(|name| folder.join(name)).collect()
    }
}

/// Finds items under `#[cfg(test)]`.
#[derive(Default)]
struct TestItems {
    lines: Vec<RangeInclusive<usize>>,
    modules: Vec<String>,
}

impl<'ast> Visit<'ast> for TestItems {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !attributes(item).iter().any(is_cfg_test) {
            return visit::visit_item(self, item);
        }
        let span = item.span();
        self.lines.push(span.start().line..=span.end().line);
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
        {
            self.modules.push(module.ident.to_string());
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

/// Every Rust file of the repository.
pub fn rust_files() -> Vec<Source> {
    let files = all_files();
    let rust = files.iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let mut sources: Vec<Source> =
        rust.filter_map(|path| Some(Source::parse(path, &read(path)?))).collect();
    mark_test_modules(&mut sources);
    assert!(!sources.is_empty(), "no Rust file was found");
    sources
}

/// A module declared under `#[cfg(test)]` in its parent is test code, and so is all below it.
fn mark_test_modules(sources: &mut [Source]) {
    let declared: BTreeSet<PathBuf> = sources.iter().flat_map(Source::test_modules).collect();
    for source in sources {
        let without_end = source.path.with_extension("");
        source.is_test |= without_end.ancestors().any(|path| declared.contains(path));
    }
}

/// The text of a file, unless it is not text or has just been removed.
pub fn read(path: &Path) -> Option<String> {
    fs::read_to_string(paths::root().join(path)).ok()
}

/// Every file of the repository, from its root: what git holds, and what it would take in.
pub fn all_files() -> Vec<PathBuf> {
    // The repository may belong to another user than the one that tests it.
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(paths::root())
        .output();
    match output {
        Ok(output) if output.status.success() => output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()))
            .collect(),
        _ => walk(&paths::root()),
    }
}

fn walk(root: &Path) -> Vec<PathBuf> {
    let mut waiting = vec![root.to_path_buf()];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository can be read") {
            let entry = entry.expect("an entry of a folder can be read");
            let kind = entry.file_type().expect("an entry has a kind");
            let skipped = NEVER_OURS.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !skipped {
                waiting.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
        }
    }
    found
}

#[test]
fn a_tree_without_git_is_walked_and_shows_the_same_rust_files() {
    let from_walk: BTreeSet<PathBuf> = walk(&paths::root()).into_iter().collect();
    for source in rust_files() {
        assert!(from_walk.contains(&source.path), "{} was not walked", source.path.display());
    }
}

#[test]
fn items_under_cfg_test_are_test_lines() {
    let text = "//! One.\n//! Two.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
    let source = Source::parse(Path::new("crates/x/src/lib.rs"), text);
    assert_eq!(source.product_lines(), 3);
    assert!(source.test_text().contains("fn b()"));
    assert!(!source.test_text().contains("fn a()"));
}

#[test]
fn a_module_declared_for_tests_in_its_parent_is_test_code() {
    let parent = Source::parse(Path::new("src/part.rs"), "#[cfg(test)]\nmod planted;\nmod real;\n");
    let planted = Source::parse(Path::new("src/part/planted.rs"), "fn a() {}\n");
    let below = Source::parse(Path::new("src/part/planted/deep.rs"), "fn a() {}\n");
    let real = Source::parse(Path::new("src/part/real.rs"), "fn a() {}\n");
    let mut sources = [parent, planted, below, real];
    mark_test_modules(&mut sources);
    assert_eq!(sources.map(|source| source.is_test), [false, true, true, false]);
}
