//! The one way in for every request: the calls that a crowd makes are answered here, everything else goes to
//! the router. A panic in one request is that request's answer and nobody else's.

use crate::{
    App,
    body::ReplyBody,
    edge::{Arriving, Caller, ClientAddress},
    envelope::{Problem, Reply},
    hot::{self, Step},
    language::Language,
    metrics::Call,
    pages::is_desk,
};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::{Body, Incoming};
use sale::Effect;
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tower::ServiceExt;

/// A call that is answered without the router.
type Hot = (Call, Changes);

/// Whether a call changes something, so that the cookie alone does not allow it by GET.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// It does.
    Yes,
    /// It only reads.
    No,
}

fn hot_call(path: &str) -> Option<Hot> {
    Some(match path {
        "/ticket/get" => (Call::TicketGet, Changes::Yes),
        "/act/detail" => (Call::ActDetail, Changes::No),
        "/act/list" => (Call::ActList, Changes::No),
        "/ticket/result" => (Call::TicketResult, Changes::No),
        "/ticket/list" => (Call::TicketList, Changes::No),
        "/ticket/detail" => (Call::TicketDetail, Changes::No),
        "/healthz" => (Call::Healthz, Changes::No),
        _ => return None,
    })
}

/// Answers one request of the main listener. What waits for nothing is answered here and now; only a claim that
/// waits for the disk, a body that is still to be read, and the slower routes become a task's own future.
pub fn answer(
    app: &Arc<App>,
    routes: &axum::Router,
    request: Request<Incoming>,
    caller: Caller<'_>,
) -> Answering {
    let begun = Instant::now();
    let language = Language::of(request.headers());
    let client = caller.address(request.headers());
    let path = request.uri().path();
    let Some((call, changes)) = hot_call(path) else {
        let heard = Heard { call: cold_call(path), language, begun };
        let request = request.map(|body| caller.watch(body));
        return heard.later(app, cold_answer(routes.clone(), request, client));
    };
    let heard = Heard { call, language, begun };
    if !request.body().is_end_stream() {
        let to_read = Arc::clone(app);
        let request = request.map(|body| caller.watch(body));
        return heard.later(app, async move {
            match hot::read_and_answer(&to_read, call, changes, request, client).await? {
                Step::Done(reply) => Ok(reply),
                Step::Waits(waiting) => waiting.answer(&to_read).await,
            }
        });
    }
    let (parts, _) = request.into_parts();
    let answer = || hot::answer(app, call, changes, &parts, &[], client);
    match catch_unwind(AssertUnwindSafe(answer)) {
        Ok(Ok(Step::Waits(waiting))) => {
            let to_wait = Arc::clone(app);
            heard.later(app, async move { waiting.answer(&to_wait).await })
        }
        Ok(Ok(Step::Done(reply))) => heard.now(app, Ok(reply)),
        Ok(Err(problem)) => heard.now(app, Err(problem)),
        Err(_) => heard.now(app, Err(panicked())),
    }
}

/// Answers a request that is refused whatever it asks for.
pub fn refuse(app: &App, request: &Request<Incoming>, problem: Problem) -> Answering {
    let path = request.uri().path();
    let call = hot_call(path).map_or_else(|| cold_call(path), |(call, _)| call);
    let language = Language::of(request.headers());
    Heard { call, language, begun: Instant::now() }.now(app, Err(problem))
}

/// What the listener that has `/metrics` alone answers.
pub fn metrics_alone(app: &App, request: &Request<Incoming>) -> Response<ReplyBody> {
    let found = request.uri().path() == "/metrics";
    if found && let Err(problem) = read_only(request.method()) {
        return problem.reply(Language::of(request.headers())).response;
    }
    let text = if found { app.metrics.text(&app.sale) } else { String::new() };
    let mut response = Response::new(ReplyBody::from(text.into_bytes()));
    if !found {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    let kind = HeaderValue::from_static(METRICS_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The type of Prometheus text in the form that the metrics are written in.
pub const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is kept of a request for its answer: which call, in which language, since when.
#[derive(Clone, Copy)]
struct Heard {
    call: Call,
    language: Language,
    begun: Instant,
}

impl Heard {
    fn finish(self, app: &App, answered: Result<Reply, Problem>) -> Response<ReplyBody> {
        let reply = answered.unwrap_or_else(|problem| problem.reply(self.language));
        app.metrics.answered(self.call, reply.ret, self.begun.elapsed());
        reply.response
    }

    fn now(self, app: &App, answered: Result<Reply, Problem>) -> Answering {
        Answering::Now(Some(self.finish(app, answered)))
    }

    fn later<F>(self, app: &Arc<App>, answer: F) -> Answering
    where
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let app = Arc::clone(app);
        Answering::Later(Box::pin(async move {
            let answered = unpanicked(answer).await.unwrap_or_else(|| Err(panicked()));
            self.finish(&app, answered)
        }))
    }
}

/// The answer to one request. Small, because it is moved several times on its way.
pub enum Answering {
    /// It is there; taken out when it is asked for.
    Now(Option<Response<ReplyBody>>),
    /// It waits for something.
    Later(Pin<Box<dyn Future<Output = Response<ReplyBody>> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response<ReplyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Now(response) => {
                Poll::Ready(Ok(response.take().expect("an answer is asked for once")))
            }
            Self::Later(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

/// Whether a call is answered where there is room for no other: operators and health checks.
pub fn is_vital(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics") || cold_call(path) == Call::Admin
}

fn cold_call(path: &str) -> Call {
    if path.starts_with("/admin/") || is_desk(path) {
        Call::Admin
    } else if path.starts_with("/user/") {
        Call::User
    } else if path.starts_with("/order/") {
        Call::Order
    } else if path == "/act/standby" {
        Call::Standby
    } else if path.starts_with("/pay/notify/") {
        Call::PayNotify
    } else {
        Call::Other
    }
}

/// The answer of the router; its `ret` comes along as an extension, as the client's address went there.
async fn cold_answer(
    routes: axum::Router,
    mut request: Request<Arriving>,
    client: ClientAddress,
) -> Result<Reply, Problem> {
    request.extensions_mut().insert(client);
    let response = match routes.oneshot(request.map(axum::body::Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let ret = response.extensions().get::<Ret>().map_or(0, |ret| ret.0);
    Ok(Reply { ret, response: response.map(ReplyBody::Stream) })
}

/// The `ret` of an answer of the router.
#[derive(Clone, Copy)]
pub struct Ret(pub i16);

fn panicked() -> Problem {
    tracing::error!("a request panicked; it hears that its effect is unknown");
    Problem::Fault(Effect::Unknown)
}

/// What the future gives, or nothing if it panicked.
async fn unpanicked<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// Whether a hot call answers this method.
pub fn method_allowed(call: Call, method: &Method) -> Result<(), Problem> {
    if call == Call::Healthz {
        return read_only(method);
    }
    let reads = matches!(call, Call::ActList | Call::ActDetail);
    match *method {
        Method::GET | Method::POST => Ok(()),
        Method::HEAD if reads => Ok(()),
        _ if reads => Err(Problem::Method("GET, HEAD, POST")),
        _ => Err(Problem::Method("GET, POST")),
    }
}

fn read_only(method: &Method) -> Result<(), Problem> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Problem::Method("GET, HEAD")),
    }
}
