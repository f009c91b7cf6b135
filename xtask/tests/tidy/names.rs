//! Names that say nothing (`util`, `common`, `helpers`), and macros that mean "not finished".
//! Words inside comments and texts are left alone: only real modules and real calls count.

use proc_macro2::{TokenStream, TokenTree};

use crate::assert_none;
use crate::sources::{Source, rust_files};

const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "misc", "shared_stuff"];
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg"];

/// Modules by their files and folders, and modules written in place.
fn empty_names(source: &Source) -> Vec<String> {
    let path = source.path.display();
    let without_end = source.path.with_extension("");
    let from_path = without_end
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .filter(|part| EMPTY_NAMES.contains(&part.as_str()));
    let in_place = source.syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    from_path
        .chain(in_place.filter(|name| EMPTY_NAMES.contains(&name.as_str())))
        .map(|name| format!("{path}: the name {name} says nothing"))
        .collect()
}

/// Every call of a macro that means "not finished", however deep inside other macros.
fn unfinished(source: &Source) -> Vec<String> {
    let tokens: TokenStream = source.text.parse().expect("a file that parses has tokens");
    let mut found = Vec::new();
    collect_unfinished(tokens, &mut found);
    let path = source.path.display();
    found.iter().map(|(name, line)| format!("{path}:{line}: {name}! is left over")).collect()
}

fn collect_unfinished(tokens: TokenStream, found: &mut Vec<(String, usize)>) {
    let mut last: Option<proc_macro2::Ident> = None;
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_unfinished(group.stream(), found),
            TokenTree::Punct(sign) if sign.as_char() == '!' => {
                if let Some(name) = last.take()
                    && UNFINISHED.iter().any(|word| name == word)
                {
                    found.push((name.to_string(), name.span().start().line));
                }
            }
            TokenTree::Ident(name) => {
                last = Some(name);
                continue;
            }
            _ => {}
        }
        last = None;
    }
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    assert_none(&rust_files().iter().flat_map(empty_names).collect::<Vec<_>>());
}

#[test]
fn nothing_unfinished_is_left_over() {
    assert_none(&rust_files().iter().flat_map(unfinished).collect::<Vec<_>>());
}

#[test]
fn planted_empty_names_are_found() {
    let found = |path: &str, text: &str| empty_names(&Source::parse(path.as_ref(), text)).len();
    assert_eq!(found("crates/x/src/utils.rs", ""), 1);
    assert_eq!(found("crates/x/tests/common/mod.rs", ""), 1);
    assert_eq!(found("crates/x/src/lib.rs", "mod helpers { }"), 1);
    assert_eq!(found("crates/x/src/utility_bill.rs", "mod common_sense { }"), 0);
}

#[test]
fn planted_unfinished_macros_are_found_and_words_are_not() {
    let text = "fn a() {\n    let b = vec![todo!()];\n    core::unimplemented!(\"x\");\n}\n\
                // dbg!(1) in a comment\nconst C: &str = \"todo!()\";\nfn todo() {}\n";
    let source = Source::parse("planted.rs".as_ref(), text);
    assert_eq!(
        unfinished(&source),
        ["planted.rs:2: todo! is left over", "planted.rs:3: unimplemented! is left over"]
    );
}
