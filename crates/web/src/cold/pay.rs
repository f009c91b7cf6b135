//! Where payment providers tell of payments. Anybody can reach it and nobody is believed: whether a notice is authentic
//! is decided by the provider's own contract, and what it changes by the sale (C16).

use super::{Asked, At, POST, Takes};
use crate::{
    body::ReplyBody,
    envelope::{Problem, Reply},
};
use axum::Router;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sale::pay::{Notice, NoticeAnswer, NoticeRefused};

/// The route of notices.
pub fn routes(at: &At) -> Router {
    Router::new().route("/pay/notify/{provider}", at.call(POST, Takes::Little, notify))
}

/// Bytes of a notice: what any provider sends is a fraction of it.
const NOTICE_BYTES_MAX: usize = 16 * 1024;

async fn notify(asked: Asked) -> Result<Reply, Problem> {
    if let Some(client) = asked.client {
        asked.app.limits.notice(client.0, asked.now)?;
    }
    let path = asked.parts.uri.path();
    let provider = path.rsplit('/').next().unwrap_or_default();
    let sale = &asked.app.sale;
    if asked.body.len() > NOTICE_BYTES_MAX {
        return Ok(told(sale.refuse_notice(provider, NoticeRefused::TooLong)));
    }
    let answering = {
        let header = |name: &str| once(&asked.parts.headers, name);
        sale.notice(provider, &Notice { header: &header, body: &asked.body })
    };
    Ok(told(answering.await))
}

/// A header that came once, and is text.
fn once(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?.to_owned();
    all.next().is_none().then_some(first)
}

/// The answer in the provider's own words: no envelope is around it.
fn told(answer: NoticeAnswer) -> Reply {
    let mut response = Response::new(ReplyBody::from(answer.body.into_bytes()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Reply { ret: if answer.status < 400 { 0 } else { -(answer.status as i16) }, response }
}
