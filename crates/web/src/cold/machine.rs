//! The machine room: readiness, metrics, and the document of the interface.
//! Nothing here tells a stranger more than whether the server is alive and ready.

use super::{Asked, At, GET, Takes};
use crate::{
    body::ReplyBody,
    documents,
    envelope::{Problem, Reply},
    service::METRICS_TYPE,
};
use axum::Router;
use http::{HeaderValue, Response, StatusCode, header};
use sale::Readiness;

/// The routes of the machine room.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/readyz", at.call(GET, Takes::Little, readyz))
        .route("/metrics", at.call(GET, Takes::Little, metrics))
        .route("/openapi.json", at.call(GET, Takes::Little, openapi))
        .route("/docs", at.call(GET, Takes::Little, docs))
        .route("/docs/curl", at.call(GET, Takes::Little, curl))
}

async fn readyz(asked: Asked) -> Result<Reply, Problem> {
    match asked.app.sale.readiness() {
        Readiness::Serving => {
            Ok(text(StatusCode::OK, "text/plain; charset=utf-8", "ok".to_owned()))
        }
        Readiness::Recovering | Readiness::Draining | Readiness::Broken => Err(Problem::Busy),
    }
}

/// On the main listener only with an operator's token: a proxy on the same host makes everybody look local.
async fn metrics(asked: Asked) -> Result<Reply, Problem> {
    if asked.app.settings.metrics_apart && !asked.control {
        return Err(Problem::NotFound("path"));
    }
    asked.operator().await?;
    Ok(text(StatusCode::OK, METRICS_TYPE, asked.app.metrics.text(&asked.app.sale)))
}

async fn openapi(_: Asked) -> Result<Reply, Problem> {
    Ok(text(StatusCode::OK, "application/json", documents::OPENAPI.to_owned()))
}

async fn docs(asked: Asked) -> Result<Reply, Problem> {
    Ok(page(documents::docs_page(asked.language)))
}

async fn curl(asked: Asked) -> Result<Reply, Problem> {
    let Asked { app, parts, language, now, .. } = &asked;
    let mut reply = page(documents::curl_page(app, &parts.headers, *language, *now));
    // The page repeats the Host it was asked by, so no cache may show it to those who came by another name.
    let headers = reply.response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language, host"));
    Ok(reply)
}

fn text(status: StatusCode, kind: &'static str, text: String) -> Reply {
    let mut response = Response::new(ReplyBody::from(text.into_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Reply { ret: 0, response }
}

/// A page without any script; its one style is allowed by its hash.
fn page((html, policy): (String, String)) -> Reply {
    let mut reply = text(StatusCode::OK, "text/html; charset=utf-8", html);
    let headers = reply.response.headers_mut();
    let policy = HeaderValue::from_str(&policy).expect("a policy is plain ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    reply
}
