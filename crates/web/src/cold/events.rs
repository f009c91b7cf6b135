//! GET /admin/events: what happened in an activity, numbered without gaps, as a page or as a stream of server-sent
//! events. A stream looks by itself from time to time, so that a wake that is lost delays it and loses nothing; it
//! ends with its operator's session, when the server stops, and after an hour, and readers go on by the last number.

use super::{
    Asked, At, GET, Takes,
    export::{Piece, Streamed},
    webhooks::not_done,
};
use crate::{
    App,
    body::ReplyBody,
    envelope::{Keep, Problem, Reply, begin, end, reply},
    json,
    outside::{Outside, OutsideFact, OutsideFacts},
    params::{Reason, bad},
};
use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sale::{Entry, Readiness};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, sleep},
};

/// Events of a page where nothing is said, and at most.
const MOST: u64 = 100;
const MOST_MAX: u64 = 500;
/// Bytes of a page's events, but for the last one: an event may be an order of a hundred lines.
const PAGE_BYTES: usize = 1024 * 1024;
/// Events that a stream reads at once, and the bytes of them, but for the last one: a piece of the stream.
const READ_AT_ONCE: u32 = 500;
const PIECE_BYTES: usize = 128 * 1024;
/// Streams at a time.
pub const STREAMS_MAX: usize = 64;
/// Pieces that wait for a slow reader; then its stream waits too, with one more in its hand.
const PIECES_MAX: usize = 2;
/// Between two looks of a stream that nobody wakes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two reads that found nothing, however often it is woken.
const READ_PAUSE: Duration = Duration::from_millis(20);
/// Between two signs of life of a stream in which nothing happens.
const ALIVE_EVERY: Duration = Duration::from_secs(10);
/// How long a stream lasts.
const STREAM_LIFE: Duration = Duration::from_secs(3600);
/// How a stream begins: how soon a browser comes back, in milliseconds. Whoever reads it sees that it is there.
const HELLO: &[u8] = b"retry: 1000\n\n";
/// A sign of life.
const ALIVE: &[u8] = b": alive\n\n";

/// The type of a stream.
const EVENT_STREAM: &str = "text/event-stream";

/// The routes of events.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/admin/events", at.call(GET, Takes::Little, page_or_stream))
        .route("/admin/events/stream", at.call(GET, Takes::Little, stream))
}

async fn page_or_stream(asked: Asked) -> Result<Reply, Problem> {
    let accepts = asked.parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accepts| accepts.contains(EVENT_STREAM)) {
        return stream(asked).await;
    }
    page(asked).await
}

async fn page(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let outside = asked.outside()?;
    let (after, most) = {
        let params = asked.params()?;
        let after = params.number("after", 0, u64::MAX)?.unwrap_or(0);
        (after, params.number("most", 1, MOST_MAX)?.unwrap_or(MOST))
    };
    let entry = asked.entry()?;
    asked.audit(&operator, "admin/events", &entry.activity.id, format!("after {after}"));
    let found = outside.facts(entry.no, after, most as u32, PAGE_BYTES).await;
    let OutsideFacts { facts: shown, more } = found.map_err(|fault| not_done(&asked, fault))?;
    let mut out = begin(256 + shown.iter().map(|fact| fact.body.len() + 1).sum::<usize>());
    out.push(b'{');
    json::field(&mut out, "after", &shown.last().map_or(after, |fact| fact.no));
    json::field(&mut out, "hasMore", &more);
    json::key(&mut out, "list");
    json::list(&mut out, &shown, |out, fact| out.extend_from_slice(&fact.body));
    out.push(b'}');
    Ok(reply(0, StatusCode::OK, end(out), Keep::Private))
}

async fn stream(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let outside = asked.outside()?;
    let after = match last_event_id(&asked.parts.headers)? {
        Some(after) => after,
        None => asked.params()?.number("after", 0, u64::MAX)?.unwrap_or(0),
    };
    let entry = asked.entry()?;
    let place = Arc::clone(&asked.app.event_streams).try_acquire_owned();
    let place = place.map_err(|_| Problem::Busy)?;
    let detail = format!("stream after {after}");
    asked.audit(&operator, "admin/events", &entry.activity.id, detail);
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let Asked { app, parts, control, .. } = asked;
    let headers = (!control).then_some(parts.headers);
    let watching = Watching { app, headers, outside, entry, after, _place: place };
    tokio::spawn(watching.run(sender));
    Ok(streamed(receiver))
}

/// The number after which a reader who comes back goes on; it knows better than its address.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| bad("Last-Event-ID", Reason::Number).into())
}

fn streamed(receiver: mpsc::Receiver<Piece>) -> Reply {
    let mut response = Response::new(ReplyBody::Stream(Body::new(Streamed(receiver))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A proxy that collects an answer before it passes it on would never pass this one on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Reply { ret: 0, response }
}

/// A stream on its way.
struct Watching {
    app: Arc<App>,
    /// What its reader showed; nothing for the control socket.
    headers: Option<HeaderMap>,
    outside: Arc<dyn Outside>,
    entry: Arc<Entry>,
    after: u64,
    _place: OwnedSemaphorePermit,
}

impl Watching {
    async fn run(mut self, sender: mpsc::Sender<Piece>) {
        let ends = Instant::now() + STREAM_LIFE;
        let mut said = Instant::now();
        if sender.send(Ok(Bytes::from_static(HELLO))).await.is_err() {
            return;
        }
        while Instant::now() < ends && self.may_go_on() {
            // Before the look, so that what happens during it wakes.
            let moved = self.outside.moved();
            // A fault ends the stream: its reader comes back with the last number that it has.
            let (no, after) = (self.entry.no, self.after);
            let found = self.outside.facts(no, after, READ_AT_ONCE, PIECE_BYTES).await;
            let Ok(OutsideFacts { facts, .. }) = found else { return };
            let nothing = facts.is_empty();
            let piece = match facts.last() {
                Some(last) => {
                    self.after = last.no;
                    Some(Bytes::from(written(&facts)))
                }
                None => (said.elapsed() >= ALIVE_EVERY).then(|| Bytes::from_static(ALIVE)),
            };
            // Whoever waits for a slow reader holds one piece, and not its events as well.
            drop(facts);
            if let Some(piece) = piece {
                said = Instant::now();
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            if nothing && !rest(moved, &sender).await {
                return;
            }
        }
    }

    /// Whether the server serves, and its reader is still an operator who is signed in.
    fn may_go_on(&self) -> bool {
        let sale = &self.app.sale;
        let serves = matches!(sale.readiness(), Readiness::Serving | Readiness::Recovering);
        let signed_in = self.headers.as_ref().is_none_or(|headers| {
            let who = self.app.need_who(headers, sale.now());
            who.is_ok_and(|who| who.session.operator)
        });
        serves && signed_in
    }
}

/// Waits until there may be more; false: nobody reads any more.
async fn rest(moved: impl Future<Output = ()>, sender: &mpsc::Sender<Piece>) -> bool {
    tokio::select! {
        () = sender.closed() => return false,
        () = moved => sleep(READ_PAUSE).await,
        () = sleep(LOOK_EVERY) => {}
    }
    true
}

/// Events as a stream has them. A body is one line, as JSON without line breaks is.
fn written(facts: &[OutsideFact]) -> Vec<u8> {
    let mut out = Vec::with_capacity(facts.iter().map(|fact| fact.body.len() + 64).sum());
    for OutsideFact { no, kind, body } in facts {
        out.extend_from_slice(format!("id: {no}\nevent: {kind}\ndata: ").as_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(b"\n\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_a_stream_has_its_number_its_type_and_its_body() {
        let fact = |no, kind, body: &str| OutsideFact {
            no,
            kind,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        let facts = [fact(7, "order.held", "{\"a\":1}"), fact(8, "units.added", "{}")];
        let expected = "id: 7\nevent: order.held\ndata: {\"a\":1}\n\n\
                        id: 8\nevent: units.added\ndata: {}\n\n";
        assert_eq!(String::from_utf8(written(&facts)).unwrap(), expected);
    }

    #[test]
    fn a_reader_who_comes_back_goes_on_by_the_last_number() {
        let table: [(Option<&str>, Option<Option<u64>>); 5] = [
            (None, Some(None)),
            (Some("0"), Some(Some(0))),
            (Some("41"), Some(Some(41))),
            (Some("x"), None),
            (Some("-1"), None),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert("last-event-id", value.parse().unwrap());
            }
            assert_eq!(last_event_id(&headers).ok(), expected, "{value:?}");
        }
    }
}
