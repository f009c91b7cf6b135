//! The pages people meet in a browser: the buyer's way and the operator's desk, in both languages.
//! They show what the sale and the calls say and decide nothing; a page that others may keep holds nothing of a person.

mod account;
mod act;
mod assets;
mod claiming;
mod desk;
mod frame;
mod home;
mod leaving;
mod line;
mod lists;
mod moments;
mod orders;
mod paying;
mod price;
mod problem;
mod tickets;
mod words;

use crate::{
    App,
    cold::{Asked, At, GET, POST, Takes},
    envelope::{Problem, Reply},
    language::Language,
};
pub use act::PublicPage;
pub use assets::Assets;
use axum::{Router, routing::MethodRouter};
pub use home::KeptHome;
use http::{HeaderMap, HeaderValue, Method, header};
pub use moments::Zone;
use std::{future::Future, sync::Arc};

/// The languages and where their pages are.
pub const ROOTS: [(Language, &str); 2] = [(Language::En, "/en"), (Language::Zh, "/zh")];

/// The routes of all pages.
pub fn routes(at: &At) -> Router {
    let mut router = Router::new()
        .route("/", at.call(GET, Takes::Little, choose_language))
        .route("/favicon.ico", at.call(GET, Takes::Little, assets::mark))
        .route("/assets/{file}", at.call(GET, Takes::Little, assets::serve))
        .merge(paying::routes(at));
    for (language, root) in ROOTS {
        let pages = Pages { at, language, root };
        router = router
            .merge(home::routes(&pages))
            .merge(act::routes(&pages))
            .merge(claiming::routes(&pages))
            .merge(line::routes(&pages))
            .merge(orders::routes(&pages))
            .merge(tickets::routes(&pages))
            .merge(account::routes(&pages))
            .merge(desk::routes(&pages))
            .route(&pages.path("/{*rest}"), pages.get(not_found));
    }
    router
}

/// Where the pages of one language stand.
pub struct Pages<'a> {
    at: &'a At,
    language: Language,
    root: &'static str,
}

impl Pages<'_> {
    /// The whole path of what is below the language.
    pub fn path(&self, below: &str) -> String {
        format!("{}{below}", self.root)
    }

    /// A page, which is told its language by its path; what goes wrong is a page as well.
    pub fn page<F, A>(&self, methods: &'static [Method], takes: Takes, handler: F) -> MethodRouter
    where
        F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.at.page(self.language, methods, takes, handler)
    }

    /// A page that is only read.
    pub fn get<F, A>(&self, handler: F) -> MethodRouter
    where
        F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.page(GET, Takes::Little, handler)
    }

    /// A form and what it is sent to, at one address.
    pub fn form<F, A, G, B>(&self, takes: Takes, form: F, sent: G) -> MethodRouter
    where
        F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Problem>> + Send + 'static,
        G: Fn(Asked) -> B + Clone + Send + Sync + 'static,
        B: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.page(&[Method::GET, Method::POST], takes, move |asked: Asked| {
            let (form, sent) = (form.clone(), sent.clone());
            async move {
                if asked.parts.method == Method::POST {
                    sent(asked).await
                } else {
                    form(asked).await
                }
            }
        })
    }

    /// What a form is sent to.
    pub fn post<F, A>(&self, handler: F) -> MethodRouter
    where
        F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.page(POST, Takes::Little, handler)
    }
}

async fn not_found(_: Asked) -> Result<Reply, Problem> {
    Err(Problem::NotFound("path"))
}

/// The path / has no language: whoever comes there is sent on by what their browser prefers.
async fn choose_language(asked: Asked) -> Result<Reply, Problem> {
    let mut reply = frame::see_other(&format!("/{}/", asked.language.pick("en", "zh")));
    let headers = reply.response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    Ok(reply)
}

/// Whether this path is of the operators' desk.
pub fn is_desk(path: &str) -> bool {
    ROOTS.iter().filter_map(|(_, root)| path.strip_prefix(root)).any(|rest| {
        rest.strip_prefix("/desk").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// What a problem looks like in a browser.
pub fn problem_page(
    app: &Arc<App>,
    uri: &http::Uri,
    headers: &HeaderMap,
    language: Language,
    problem: &Problem,
) -> Reply {
    problem::page(app, uri, headers, language, problem)
}
