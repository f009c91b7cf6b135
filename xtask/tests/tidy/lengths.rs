//! The walls of length: functions of at most 70 lines, files of at most 500 without their tests.
//! Whoever must pass one is named here with the reason, and leaves the list when the reason goes.

use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::assert_none;
use crate::sources::{Source, rust_files};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 500;

/// (file, function, why it may be longer): tables and the like, never logic.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("crates/sale/tests/check/planted.rs", "stock", "a table of plants"),
    ("crates/sale/tests/check/planted.rs", "limits", "a table of plants"),
    ("crates/sale/tests/check/planted.rs", "money", "a table of plants"),
];

/// (file, why it may be longer).
const LONG_FILES: &[(&str, &str)] = &[];

#[derive(Default)]
struct Functions {
    /// Name and number of lines, from the signature to the closing brace.
    found: Vec<(String, usize)>,
}

impl Functions {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let last = block.span().end().line;
        self.found.push((signature.ident.to_string(), last - first + 1));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

fn long_functions(source: &Source) -> Vec<String> {
    let path = source.path.display();
    let excepted = |name: &str| {
        LONG_FUNCTIONS.iter().any(|(file, one, _)| source.path == Path::new(file) && *one == name)
    };
    let mut functions = Functions::default();
    functions.visit_file(&source.syntax);
    functions
        .found
        .iter()
        .filter(|(name, lines)| *lines > FUNCTION_LINES_MAX && !excepted(name))
        .map(|(name, lines)| format!("{path}: {name} has {lines} lines"))
        .collect()
}

fn long_file(source: &Source) -> Option<String> {
    let excepted = LONG_FILES.iter().any(|(file, _)| source.path == Path::new(file));
    let lines = source.product_lines();
    (lines > FILE_LINES_MAX && !excepted)
        .then(|| format!("{} has {lines} lines without its tests", source.path.display()))
}

#[test]
fn no_function_is_longer_than_seventy_lines() {
    let findings: Vec<String> = rust_files().iter().flat_map(long_functions).collect();
    assert_none(&findings);
}

#[test]
fn no_file_is_longer_than_five_hundred_lines_without_its_tests() {
    let findings: Vec<String> = rust_files().iter().filter_map(long_file).collect();
    assert_none(&findings);
}

#[test]
fn a_planted_long_function_is_found_wherever_it_stands() {
    let body = |lines: usize| "    let _ = 1;\n".repeat(lines - 2);
    let at = |lines: usize| {
        let body = body(lines);
        [
            format!("fn long() {{\n{body}}}\n"),
            format!("struct S;\nimpl S {{\nfn long() {{\n{body}}}\n}}\n"),
            format!("trait T {{\nfn long() {{\n{body}}}\n}}\n"),
            format!("mod inner {{\n#[test]\nfn long() {{\n{body}}}\n}}\n"),
        ]
    };
    let found = |text: &str| long_functions(&Source::parse(Path::new("planted.rs"), text));
    for text in at(FUNCTION_LINES_MAX) {
        assert_none(&found(&text));
    }
    for text in at(FUNCTION_LINES_MAX + 1) {
        assert_eq!(found(&text), ["planted.rs: long has 71 lines"], "{text}");
    }
}

#[test]
fn a_planted_long_file_is_found_and_its_tests_do_not_count() {
    let product = "const A: u8 = 1;\n".repeat(FILE_LINES_MAX);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{product}}}\n");
    let found = |path: &str, text: &str| long_file(&Source::parse(Path::new(path), text));
    assert_eq!(found("src/planted.rs", &product), None);
    assert_eq!(found("src/planted.rs", &format!("{product}{tests}")), None);
    assert_eq!(found("tests/planted.rs", &format!("{product}{product}")), None);
    let longer = format!("{product}const B: u8 = 1;\n");
    let words = "src/planted.rs has 501 lines without its tests".to_owned();
    assert_eq!(found("src/planted.rs", &longer), Some(words));
}
