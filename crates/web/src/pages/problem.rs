//! What goes wrong, as a page: what happened, in a sentence, and the next step. Who has to sign in is sent there.
//! It says no more than the call's own answer does.

use super::frame::{Frame, html_reply, readable, render, see_other, to};
use crate::{
    App,
    envelope::{Problem, Reply},
    language::Language,
};
use askama::Template;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    f: Frame,
    title: &'static str,
    text: String,
    /// Where the same can be asked once more.
    again: Option<String>,
}

/// The page for a problem.
pub fn page(
    app: &Arc<App>,
    uri: &Uri,
    headers: &HeaderMap,
    language: Language,
    problem: &Problem,
) -> Reply {
    let api = problem.reply(language);
    if matches!(problem, Problem::SignIn) {
        return signing_in(app, uri, headers, language, api);
    }
    let (en, zh) = match problem {
        Problem::NotFound(_) => ("There is nothing here", "这里什么也没有"),
        Problem::Busy | Problem::TooMany { .. } => ("One moment, please", "请稍候"),
        Problem::Operators => ("For organisers only", "仅限主办方"),
        Problem::Fault(_) => ("Something went wrong", "出错了"),
        _ => ("This did not work", "没有成功"),
    };
    let text = match problem {
        Problem::NotFound(_) => language
            .pick("The address may be old or mistyped.", "地址可能已失效或输入有误。")
            .to_owned(),
        other => other.message(language),
    };
    let f = Frame::new(Arc::clone(&app.assets), language, uri.path(), None);
    let again = matches!(problem, Problem::Busy | Problem::TooMany { .. }).then(|| again(&f, uri));
    let shown = ProblemPage { f, title: language.pick(en, zh), text, again };
    let html = Bytes::from(render(&shown));
    let mut reply = html_reply(api.response.status(), html, app.assets.policy());
    reply.ret = api.ret;
    let headers = reply.response.headers_mut();
    for name in [header::RETRY_AFTER, header::ALLOW, header::CACHE_CONTROL] {
        if let Some(value) = api.response.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    reply
}

/// The same page once more with its question; for what only takes a form, the page that has the form.
fn again(f: &Frame, uri: &Uri) -> String {
    let page = f.to(&f.path);
    match uri.query().filter(|_| page == uri.path()) {
        Some(query) => format!("{page}?{query}"),
        None => page,
    }
}

/// To the page where one signs in, and back again. A session that does not hold any more is forgotten by the browser,
/// or it would be refused there too.
fn signing_in(
    app: &Arc<App>,
    uri: &Uri,
    headers: &HeaderMap,
    language: Language,
    api: Reply,
) -> Reply {
    let root = to(language, "");
    let below = uri.path().strip_prefix(&root).unwrap_or("/");
    // What only takes a form is not gone back to.
    let back = to(language, readable(below));
    let mut reply = see_other(&to(language, &format!("/sign-in?next={back}")));
    reply.ret = api.ret;
    if headers.contains_key(header::COOKIE) {
        let gone = crate::cold::session_cookie("", 0, app.settings.cookie_secure);
        reply.response.headers_mut().insert(header::SET_COOKIE, HeaderValue::clone(&gone));
    }
    reply
}
