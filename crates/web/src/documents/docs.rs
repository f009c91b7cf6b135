//! The page /docs.
use super::Page;
use crate::language::Language;
/// x
pub fn docs_page(_language: Language) -> Page {
    (String::new(), "default-src 'none'".into())
}
