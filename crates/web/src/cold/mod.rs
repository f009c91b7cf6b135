//! The calls that no crowd makes: accounts, operators, machine room, documents. They go through a router and may
//! block a worker thread, never a core.

mod admin;
mod admin_reads;
mod events;
mod export;
mod import_refused;
mod live;
mod machine;
mod orders;
mod pay;
mod payments;
mod standby;
mod user;
mod webhooks;

use crate::{
    App,
    edge::ClientAddress,
    envelope::{Problem, Reply},
    language::Language,
    pages,
    params::{Params, Reason, bad},
    service::Ret,
};
pub use admin::{COMMAND_LINE, desk_problem};
pub use admin_reads::{FOUND_MAX, found};
use axum::{
    Router,
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, any},
};
use bytes::Bytes;
pub use events::STREAMS_MAX;
use http::{HeaderMap, Method, Request, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
pub use import_refused::ImportRefused;
pub use live::Figures;
use parking_lot::Mutex;
use sale::{Operator, TimeMs};
use serde::de::DeserializeOwned;
use std::{future::Future, sync::Arc};
pub use user::{change_password, faulted, register_new, session_cookie, sign_in, sign_out};
pub use webhooks::not_done;

/// What every call here is given: the whole request, read within its bound.
pub struct Asked {
    /// The HTTP side.
    pub app: Arc<App>,
    /// Method, path and headers.
    pub parts: Parts,
    /// The body.
    pub body: Bytes,
    /// Which language to answer in.
    pub language: Language,
    /// When it came.
    pub now: TimeMs,
    /// Where it comes from; nowhere for the control socket.
    pub client: Option<ClientAddress>,
    /// Whether it came by the control socket, whose user may do everything.
    control: bool,
    /// The operator who turned out to ask, for the audit of what is refused.
    operator: Arc<Mutex<Option<Operator>>>,
}

/// Which body a call takes.
#[derive(Clone, Copy)]
pub enum Takes {
    /// A small one, by anyone.
    Little,
    /// An operator's import: who asks is known before it is read.
    Import,
}

/// The routes of the main listener.
pub fn routes(app: Arc<App>) -> Router {
    all_routes(app, false)
}

/// The routes of the control socket.
pub fn control_routes(app: Arc<App>) -> Router {
    all_routes(app, true)
}

fn all_routes(app: Arc<App>, control: bool) -> Router {
    let at = At { app, control };
    let mut router = Router::new()
        .merge(user::routes(&at))
        .merge(admin::routes(&at))
        .merge(admin_reads::routes(&at))
        .merge(live::routes(&at))
        .merge(machine::routes(&at))
        .merge(orders::routes(&at))
        .merge(standby::routes(&at))
        .merge(pay::routes(&at))
        .merge(payments::routes(&at))
        .merge(webhooks::routes(&at))
        .merge(events::routes(&at));
    router = if control {
        router.merge(user::control_routes(&at))
    } else {
        router.merge(pages::routes(&at))
    };
    router.fallback_service(at.call(&[Method::GET, Method::POST], Takes::Little, not_found))
}

async fn not_found(_: Asked) -> Result<Reply, Problem> {
    Err(Problem::NotFound("path"))
}

/// Where a router stands.
#[derive(Clone)]
pub struct At {
    app: Arc<App>,
    control: bool,
}

impl At {
    /// A route that answers these methods with `handler`, which is given the whole request.
    pub fn call<F, A>(&self, methods: &'static [Method], takes: Takes, handler: F) -> MethodRouter
    where
        F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.route_as(Look::Call, methods, takes, handler)
    }

    /// The same for a page in this language, whose problems are pages as well.
    pub fn page<F, A>(
        &self,
        language: Language,
        methods: &'static [Method],
        takes: Takes,
        handler: F,
    ) -> MethodRouter
    where
        F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.route_as(Look::Page(language), methods, takes, handler)
    }

    fn route_as<F, A>(
        &self,
        look: Look,
        methods: &'static [Method],
        takes: Takes,
        handler: F,
    ) -> MethodRouter
    where
        F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let run = move |State(at): State<At>, request: Request<Body>| {
            let handler = handler.clone();
            async move {
                let language = look.language(request.headers());
                let (uri, headers) = (request.uri().clone(), look.kept(request.headers()));
                let app = Arc::clone(&at.app);
                let operator = Arc::new(Mutex::new(None));
                let answered = match read(at, request, methods, takes, language).await {
                    Ok(asked) => handler(Asked { operator: Arc::clone(&operator), ..asked }).await,
                    Err(problem) => Err(problem),
                };
                finish(answered.unwrap_or_else(|problem| {
                    let reply = match look {
                        Look::Call => problem.reply(language),
                        Look::Page(_) => {
                            pages::problem_page(&app, &uri, &headers, language, &problem)
                        }
                    };
                    let operator = operator.lock().take();
                    audit_refused(&app, operator.as_ref(), uri.path(), reply.ret);
                    reply
                }))
            }
        };
        any(run).with_state(self.clone())
    }
}

/// How a route answers when something goes wrong.
#[derive(Clone, Copy)]
enum Look {
    /// As the contract has it.
    Call,
    /// As a page.
    Page(Language),
}

impl Look {
    fn language(self, headers: &HeaderMap) -> Language {
        match self {
            Self::Call => Language::of(headers),
            Self::Page(language) => language,
        }
    }

    /// What a problem's page needs of the headers: whether there is a cookie to forget.
    fn kept(self, headers: &HeaderMap) -> HeaderMap {
        let cookie = headers.get(header::COOKIE).filter(|_| matches!(self, Self::Page(_)));
        cookie.map(|cookie| (header::COOKIE, cookie.clone())).into_iter().collect()
    }
}

/// A call of an operator that was refused or failed is in the audit log as well.
fn audit_refused(app: &App, operator: Option<&Operator>, path: &str, ret: i16) {
    let Some(operator) = operator else { return };
    let action = path.trim_start_matches('/');
    app.sale.audit(app.sale.entry_for(operator, action, "", format!("ret {ret}")));
}

fn finish(reply: Reply) -> Response {
    let mut response = reply.response.map(Body::new);
    response.extensions_mut().insert(Ret(reply.ret));
    response
}

async fn read(
    at: At,
    request: Request<Body>,
    methods: &[Method],
    takes: Takes,
    language: Language,
) -> Result<Asked, Problem> {
    let (parts, body) = request.into_parts();
    let read_only = methods == GET && parts.method == Method::HEAD;
    if !methods.contains(&parts.method) && !read_only {
        return Err(Problem::Method(allowed(methods)));
    }
    let app = at.app;
    // A form that is only looked at brings nothing.
    let takes = if parts.method == Method::POST { takes } else { Takes::Little };
    let bytes_max = match takes {
        Takes::Little => app.settings.body_bytes_max,
        Takes::Import => {
            // Nobody makes us read 64 MB before we know that an operator sent them.
            if !at.control {
                let who = app.need_who(&parts.headers, app.sale.now())?;
                app.may_change(&parts.method, &parts.headers)?;
                if !who.session.operator {
                    return Err(Problem::Operators);
                }
            }
            app.settings.import_bytes_max
        }
    };
    let body = match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Problem::TooLarge),
        Err(_) => return Err(bad("body", Reason::Encoding).into()),
    };
    let now = app.sale.now();
    let client = parts.extensions.get().copied();
    let operator = Arc::default();
    Ok(Asked { app, parts, body, language, now, client, control: at.control, operator })
}

/// The methods of calls that only read.
pub const GET: &[Method] = &[Method::GET];
/// The methods of calls that change something.
pub const POST: &[Method] = &[Method::POST];
/// The methods of what can be looked at, added to and taken from under one address.
pub const READ_ADD_REMOVE: &[Method] = &[Method::GET, Method::POST, Method::DELETE];

fn allowed(methods: &[Method]) -> &'static str {
    match methods {
        [Method::GET] => "GET, HEAD",
        [Method::POST] => "POST",
        [Method::GET, Method::POST, Method::DELETE] => "GET, POST, DELETE",
        _ => "GET, POST",
    }
}

impl Asked {
    /// The parameters of the query.
    pub fn params(&self) -> Result<Params<'_>, Problem> {
        Ok(Params::read(self.parts.uri.query().unwrap_or_default())?)
    }

    /// The body as this type of object; what is wrong with it is named.
    fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let kind = self.parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::ContentType);
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            // Where, not what: the body may hold a password.
            let place = format!("body: line {} column {}", error.line(), error.column());
            let reason = self.language.pick("not the JSON this call takes", "JSON 格式不正确");
            Problem::Content(format!("{place}: {reason}"), serde_json::json!({}))
        })
    }
}

/// Runs blocking work off the cores. If it panicked, nobody knows what it did.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::Fault(sale::Effect::Unknown))
}
