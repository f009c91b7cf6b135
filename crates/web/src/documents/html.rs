//! Pieces of HTML: escaping, prose, and the frame of every page with the policy that allows its one style.
//! Text that somebody wrote only ever gets into a page through [`Text`] or [`prose`].

use super::Page;
use crate::language::Language;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::{
    fmt::{self, Display, Formatter, Write},
    sync::LazyLock,
};

/// The style of every page.
const STYLE: &str = include_str!("style.css");

/// Nothing but the one style, by its hash: no script, no form, no frame, no other host.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
});

/// A text that stays a text, in elements and in quoted attributes alike.
pub struct Text<'a>(pub &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            f.write_str(match special.as_bytes()[0] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &special[1..];
        }
        f.write_str(rest)
    }
}

/// Appends to a page in the making.
pub fn add(out: &mut String, piece: fmt::Arguments<'_>) {
    out.write_fmt(piece).expect("a string takes every text");
}

/// Paragraphs, divided by empty lines, in which backticks mark code.
pub fn prose(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        add(&mut out, format_args!("<p>{}</p>", line(paragraph)));
    }
    out
}

/// One line in which backticks mark code; a backtick without its partner is only a backtick.
pub fn line(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, code, after)) = first_code(rest) {
        add(&mut out, format_args!("{}<code>{}</code>", Text(before), Text(code)));
        rest = after;
    }
    add(&mut out, format_args!("{}", Text(rest)));
    out
}

fn first_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    Some((before, code, after))
}

/// A whole page around `body`, which is HTML, and its policy.
pub fn page(language: Language, title: &str, body: &str) -> Page {
    let lang = language.pick("en", "zh-CN");
    let html = format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n",
        Text(title),
    );
    (html, POLICY.clone())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Asserts what every page promises: one style, allowed by its hash, and nothing that could run or reach out.
    pub fn assert_strict((html, policy): &Page) {
        let (_, rest) = html.split_once("<style>").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
        let kept =
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        for directive in kept.split("; ").chain(["img-src 'self'"]) {
            assert!(policy.split("; ").any(|one| one == directive), "{directive} in {policy}");
        }
        assert!(http::HeaderValue::from_str(policy).is_ok());
        for tag in rest.split('<').skip(1) {
            assert_harmless(tag.split_once('>').unwrap().0);
        }
    }

    /// Asserts that the inside of a tag is of a kind that neither runs nor loads, with harmless attributes.
    fn assert_harmless(tag: &str) {
        const TAGS: &str = "a article b body br code dd details div dl dt footer h1 h2 h3 head header html li \
                            main nav p pre section small span summary table tbody td th thead time tr ul";
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let known = TAGS.split_whitespace().any(|one| one == name.trim_start_matches('/'));
        assert!(known, "<{tag}>");
        while let Some((attribute, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap();
            match attribute.trim() {
                "href" => assert!(value.starts_with(['/', '#']), "<{tag}>"),
                attribute => assert!(["class", "datetime", "id"].contains(&attribute), "<{tag}>"),
            }
            rest = after;
        }
        assert_eq!(rest, "", "<{tag}>");
    }

    #[test]
    fn no_text_breaks_out_of_its_element_or_attribute() {
        let table = [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\" onclick=\"x", "&quot; onclick=&quot;x"),
            ("' onclick='x", "&#39; onclick=&#39;x"),
            ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
            ("抢<抢", "抢&lt;抢"),
            ("</style>", "&lt;/style&gt;"),
            ("", ""),
            ("<", "&lt;"),
            ("plain", "plain"),
        ];
        for (text, expected) in table {
            assert_eq!(Text(text).to_string(), expected);
        }
    }

    #[test]
    fn prose_knows_paragraphs_and_code_and_escapes_both() {
        assert_eq!(prose("a `b<c` d\n\ne"), "<p>a <code>b&lt;c</code> d</p><p>e</p>");
        assert_eq!(line("one ` alone <i>"), "one ` alone &lt;i&gt;");
        assert_eq!(prose(""), "");
    }

    #[test]
    fn a_page_allows_its_own_style_and_nothing_else() {
        let evil = page(Language::Zh, "</title><script>", "<p>x</p>");
        assert_strict(&evil);
        assert!(evil.0.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"));
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("</"));
    }
}
