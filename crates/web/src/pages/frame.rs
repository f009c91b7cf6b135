//! What surrounds every page: head, navigation, the policy that allows its own scripts and styles, and how long it
//! may be kept. Text that somebody wrote gets into a page only through the templates, which escape it.

use super::{Assets, ROOTS};
use crate::{
    body::ReplyBody,
    cold::Asked,
    envelope::{Problem, RETRY_AFTER_S, Reply},
    language::Language,
    params::{Params, Reason, bad},
};
use askama::Template;
use bytes::Bytes;
use door::CallError;
use http::{HeaderValue, Response, StatusCode, header};
use std::sync::Arc;

/// What a template needs of the page around it.
pub struct Frame {
    /// The language of the page.
    pub language: Language,
    /// The path below the language, of a page that can be opened, for the switch between languages.
    pub path: String,
    /// The one script, by its name among the assets.
    pub script: Option<&'static str>,
    /// Whether it belongs to the operators' desk.
    pub desk: bool,
    assets: Arc<Assets>,
}

impl Frame {
    /// A page without a script.
    pub fn of(asked: &Asked) -> Self {
        let (assets, path) = (Arc::clone(&asked.app.assets), asked.parts.uri.path());
        Self::new(assets, asked.language, path, None)
    }

    /// A page at this path.
    pub fn new(
        assets: Arc<Assets>,
        language: Language,
        path: &str,
        script: Option<&'static str>,
    ) -> Self {
        let below = ROOTS.iter().find_map(|(_, root)| path.strip_prefix(root));
        let path = readable(below.filter(|rest| rest.starts_with('/')).unwrap_or("/")).to_owned();
        let desk = path.starts_with("/desk");
        Self { language, path, script, desk, assets }
    }

    /// The same page with this script.
    pub fn with_script(self, script: &'static str) -> Self {
        Self { script: Some(script), ..self }
    }

    /// The text of the page's language.
    pub fn t<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        self.language.pick(en, zh)
    }

    /// The address of a page of the same language; `below` begins with a slash.
    pub fn to(&self, below: &str) -> String {
        to(self.language, below)
    }

    /// The address of this page in the other language.
    pub fn other(&self) -> String {
        to(self.language.pick(Language::Zh, Language::En), &self.path)
    }

    /// The mark of the link to the page one is on; it is HTML.
    pub fn current(&self, below: &str) -> &'static str {
        if self.path == below { " aria-current=\"page\"" } else { "" }
    }

    /// The address of an asset.
    pub fn asset(&self, name: &str) -> &str {
        self.assets.address(name)
    }
}

/// The address of a page; `below` begins with a slash.
pub fn to(language: Language, below: &str) -> String {
    format!("/{}{below}", language.pick("en", "zh"))
}

/// The page that a path below the language belongs to. What only takes a form cannot be opened, so no link may lead
/// there.
pub fn readable(below: &str) -> &str {
    match below {
        "/account/password" => "/account",
        "/sign-out" => "/",
        "/desk/sheet" => "/desk",
        other => form_of(other).unwrap_or(other),
    }
}

/// The page that a form belongs to: to claim or to line up in an activity, or to pay an order. The page of a place in
/// line needs to be told of which type, so it is not gone back to either.
fn form_of(below: &str) -> Option<&str> {
    [("/act/", "/claim"), ("/act/", "/line"), ("/order/", "/pay")].into_iter().find_map(
        |(root, form)| {
            let page = below.strip_suffix(form)?;
            let id = page.strip_prefix(root)?;
            (!id.is_empty() && !id.contains('/')).then_some(page)
        },
    )
}

/// The ledger could not be read for a page: whoever asked hears "busy", and the log has the fault.
pub fn unread(error: impl Into<CallError>) -> Problem {
    if let CallError::Fault(fault) = error.into() {
        tracing::warn!(%fault, "the ledger could not be read for a page");
    }
    Problem::Busy
}

/// A page for the one person who asked.
pub fn personal(asked: &Asked, page: &impl Template) -> Reply {
    with_status(asked, StatusCode::OK, page)
}

/// The same with another status. One that is no success is counted as such, and "busy" says when to ask again.
pub fn with_status(asked: &Asked, status: StatusCode, page: &impl Template) -> Reply {
    let html = Bytes::from(render(page));
    let mut reply = html_reply(status, html, asked.app.assets.policy());
    let private = HeaderValue::from_static("private, no-store");
    let headers = reply.response.headers_mut();
    headers.insert(header::CACHE_CONTROL, private);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    }
    if !status.is_success() {
        reply.ret = -(status.as_u16() as i16);
    }
    reply
}

/// The HTML of a page.
pub fn render(page: &impl Template) -> String {
    page.render().expect("templates only write into memory")
}

/// An answer with this HTML. Who may keep it is still to be said.
pub fn html_reply(status: StatusCode, html: Bytes, policy: HeaderValue) -> Reply {
    let mut response = Response::new(ReplyBody::Ready(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Reply { ret: 0, response }
}

/// Sends a browser on to another page, which it asks for by GET.
pub fn see_other(path: &str) -> Reply {
    let mut response = Response::new(ReplyBody::Ready(Bytes::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    let place = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, place);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Reply { ret: 0, response }
}

impl Asked {
    /// The part of the path between two slashes, counted from 0 after the language.
    pub fn segment(&self, index: usize) -> &str {
        self.parts.uri.path().split('/').nth(index + 2).unwrap_or_default()
    }

    /// The fields of a form. Only our own pages may send one.
    pub fn form(&self) -> Result<Params<'_>, Problem> {
        Ok(Params::read(self.form_text()?)?)
    }

    /// The fields of a form, still to be taken apart. Only our own pages may send one.
    pub fn form_text(&self) -> Result<&str, Problem> {
        if !self.app.own_page(&self.parts.headers) {
            return Err(Problem::Origin);
        }
        let kind = self.parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        let kind = kind.unwrap_or_default();
        if !kind.starts_with(b"application/x-www-form-urlencoded") {
            return Err(Problem::ContentType);
        }
        Ok(std::str::from_utf8(&self.body).map_err(|_| bad("body", Reason::Encoding))?)
    }

    /// Where a form wants to go afterwards: a page of ours and nothing else.
    pub fn next(&self, text: Option<&str>) -> Option<String> {
        text.filter(|path| is_own_path(path)).map(str::to_owned)
    }
}

/// Whether this is a path on this server: two slashes or a backslash would be another host.
fn is_own_path(path: &str) -> bool {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let own = ROOTS.iter().any(|(_, root)| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    plain && own && !path.contains("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_that_can_be_opened() {
        let table = [
            ("/act/movie/claim", "/act/movie"),
            ("/act/claim/claim", "/act/claim"),
            ("/act/claim", "/act/claim"),
            ("/act//claim", "/act//claim"),
            ("/act/movie/x/claim", "/act/movie/x/claim"),
            ("/claim/1-2", "/claim/1-2"),
            ("/order/1/pay", "/order/1"),
            ("/act/movie/line", "/act/movie"),
            ("/order/pay", "/order/pay"),
            ("/order/1/cancel", "/order/1/cancel"),
            ("/account/password", "/account"),
            ("/account", "/account"),
            ("/sign-out", "/"),
            ("/sign-in", "/sign-in"),
            ("/desk/sheet", "/desk"),
            ("/desk/act/movie/pause", "/desk/act/movie/pause"),
            ("/desk/act/claim", "/desk/act/claim"),
            ("/", "/"),
        ];
        for (below, expected) in table {
            assert_eq!(readable(below), expected, "{below}");
        }
    }

    #[test]
    fn only_our_own_pages_are_gone_on_to() {
        let table = [
            ("/zh/act/movie", true),
            ("/en/", true),
            ("/en", true),
            ("/en/tickets?x=1", true),
            ("/english", false),
            ("//evil.example/zh/", false),
            ("/zh//evil.example", false),
            ("/zh/\\evil.example", false),
            ("https://evil.example/", false),
            ("/zh/ x", false),
            ("/zh/\r\nSet-Cookie: a=b", false),
            ("", false),
        ];
        for (path, expected) in table {
            assert_eq!(is_own_path(path), expected, "{path:?}");
        }
    }
}
