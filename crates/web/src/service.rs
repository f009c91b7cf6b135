//! The one way in for every request: the calls that a crowd makes are answered here, everything else goes to
//! the router. A panic in one request is that request's answer and nobody else's.

use crate::{
    App,
    body::ReplyBody,
    envelope::{Problem, Reply},
    hot,
    language::Language,
    metrics::Call,
};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use sale::Effect;
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
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

/// Answers one request of the main listener.
pub async fn answer(
    app: Arc<App>,
    routes: axum::Router,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let begun = Instant::now();
    let language = Language::of(request.headers());
    let (call, answered) = match hot_call(request.uri().path()) {
        Some((call, changes)) => {
            (call, unpanicked(hot::answer(&app, call, changes, request)).await)
        }
        None => {
            let call = cold_call(request.uri().path());
            (call, unpanicked(Box::pin(cold_answer(routes, request))).await)
        }
    };
    let answered = answered.unwrap_or(Err(Problem::Fault(Effect::Unknown)));
    let reply = answered.unwrap_or_else(|problem| problem.reply(language));
    app.metrics.answered(call, reply.ret, begun.elapsed());
    reply.response
}

fn cold_call(path: &str) -> Call {
    if path.starts_with("/admin/") {
        Call::Admin
    } else if path.starts_with("/user/") {
        Call::User
    } else {
        Call::Other
    }
}

/// The answer of the router; its `ret` comes along as an extension.
async fn cold_answer(routes: axum::Router, request: Request<Incoming>) -> Result<Reply, Problem> {
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

/// What the future gives, or nothing if it panicked.
async fn unpanicked<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => {
            tracing::error!("a request panicked; it hears that its effect is unknown");
            Poll::Ready(None)
        }
    })
    .await
}

/// Whether a hot call answers this method.
pub fn method_allowed(call: Call, method: &Method) -> Result<(), Problem> {
    let reads = matches!(call, Call::Healthz | Call::ActList | Call::ActDetail);
    match *method {
        Method::GET | Method::POST => Ok(()),
        Method::HEAD if reads => Ok(()),
        _ if reads => Err(Problem::Method("GET, HEAD, POST")),
        _ => Err(Problem::Method("GET, POST")),
    }
}
