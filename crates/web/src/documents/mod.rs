//! The documents for people: the interface as OpenAPI, a page that shows it, and how to claim with curl.
//! They say what the code does; a test holds the document against the routes. No page has a script.

mod curl;
mod docs;
mod html;
mod schemas;
mod tree;

pub use curl::{curl_page, url};
pub use docs::docs_page;

/// The interface as OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("openapi.json");

/// A page and its Content-Security-Policy.
pub type Page = (String, String);
