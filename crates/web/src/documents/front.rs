//! The page /.
use super::Page;
use crate::{App, language::Language};
use sale::TimeMs;
/// x
pub fn front_page(_app: &App, _language: Language, _now: TimeMs) -> Page {
    (String::new(), "default-src 'none'".into())
}
