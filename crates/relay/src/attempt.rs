//! One attempt to hand over one event: a signed request, one answer, nothing followed.
//! The body, the address and the secrets never reach a log.

use crate::backoff::retry_after_ms;
use crate::connection::{Connection, NoAnswer};
use crate::destination::Destination;
use crate::shared::Shared;
use crate::signature::sign;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use ledger::{DeliveryOutcome, Endpoint};
use rules::TimeMs;
use std::time::Duration;
use tokio::time::Instant;

const CONTENT: HeaderValue =
    HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("firstcome/", env!("CARGO_PKG_VERSION")));

/// An endpoint with its address read.
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    pub(crate) to: Destination,
    pub(crate) wanted: Vec<crate::kind::FactKind>,
}

/// How an attempt went.
pub(crate) struct Attempt {
    pub(crate) outcome: DeliveryOutcome,
    pub(crate) began: TimeMs,
    pub(crate) took_ms: u32,
    /// Milliseconds that the receiver wants to be left alone.
    pub(crate) retry_after_ms: Option<u64>,
}

impl Target {
    /// The secrets that sign now, the one in force first.
    fn secrets(&self, now: TimeMs) -> Vec<&[u8]> {
        let old = self.endpoint.old_secret.as_ref().filter(|(_, until)| now < *until);
        let in_force = self.endpoint.set.secret.as_slice();
        [Some(in_force), old.map(|(secret, _)| secret.as_slice())].into_iter().flatten().collect()
    }

    fn request(&self, id: &str, body: &Bytes, now: TimeMs) -> Request<Full<Bytes>> {
        let seconds = now.seconds();
        let signature = sign(&self.secrets(now), id, seconds, body);
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.to.path.clone().into();
        let headers = request.headers_mut();
        headers.insert(HOST, self.to.authority.clone());
        headers.insert(USER_AGENT, AGENT);
        headers.insert(CONTENT_TYPE, CONTENT);
        let text = |text: &str| HeaderValue::from_str(text).expect("ids and base64 are visible");
        headers.insert("webhook-id", text(id));
        headers.insert("webhook-timestamp", seconds.into());
        headers.insert("webhook-signature", text(&signature));
        request
    }
}

/// Hands one event over, over `connection` if it is still good; leaves a good one there for the next.
pub(crate) async fn attempt(
    shared: &Shared,
    target: &Target,
    connection: &mut Option<Connection>,
    id: &str,
    body: &Bytes,
) -> Attempt {
    let (began, started) = (shared.now(), Instant::now());
    let within = Duration::from_millis(shared.settings.answer_within_ms.into());
    let deadline = started + within;
    let exchanged = exchange(shared, target, connection, id, body, deadline).await;
    let took_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let (outcome, retry_after_ms) = match exchanged {
        Ok((status @ 200..=299, _)) => (DeliveryOutcome::Taken(status), None),
        Ok((status, wait)) => (DeliveryOutcome::Status(status), wait),
        Err(NoAnswer::Forbidden) => (DeliveryOutcome::Forbidden, None),
        Err(NoAnswer::Unreachable) => (DeliveryOutcome::Unreachable, None),
        Err(NoAnswer::TimedOut) => (DeliveryOutcome::TimedOut, None),
    };
    shared.tallies.attempt(matches!(outcome, DeliveryOutcome::Taken(_)));
    Attempt { outcome, began, took_ms, retry_after_ms }
}

/// The answer's status, and how long the receiver wants to be left alone.
async fn exchange(
    shared: &Shared,
    target: &Target,
    kept: &mut Option<Connection>,
    id: &str,
    body: &Bytes,
    deadline: Instant,
) -> Result<(u16, Option<u64>), NoAnswer> {
    let usable = kept.take().filter(|connection| connection.is_usable(&shared.settings));
    let asked = ask(shared, target, usable, id, body);
    let in_time = tokio::time::timeout_at(deadline, asked).await;
    let (connection, answer) = in_time.unwrap_or(Err(NoAnswer::TimedOut))?;
    let status = answer.status().as_u16();
    let wait = wish(answer.headers(), shared.settings.retry_after_max_ms);
    // The answer is known: what is left of its time only decides whether the connection is kept.
    let finishing = tokio::time::timeout_at(deadline, connection.finish(answer.into_body()));
    *kept = finishing.await.ok().flatten();
    Ok((status, wait))
}

async fn ask(
    shared: &Shared,
    target: &Target,
    usable: Option<Connection>,
    id: &str,
    body: &Bytes,
) -> Result<(Connection, Response<Incoming>), NoAnswer> {
    if let Some(mut connection) = usable {
        let was_proven = connection.proven;
        let answer = connection.send(target.request(id, body, shared.now())).await;
        match answer {
            Ok(answer) => return Ok((connection, answer)),
            // The receiver closed it for want of work, at this very moment: that is no failure of the event.
            Err(_) if was_proven => {}
            Err(no_answer) => return Err(no_answer),
        }
    }
    let mut connection = shared.dialer.connect(&target.to).await?;
    let answer = connection.send(target.request(id, body, shared.now())).await?;
    Ok((connection, answer))
}

fn wish(headers: &HeaderMap, max_ms: u32) -> Option<u64> {
    retry_after_ms(headers.get(RETRY_AFTER)?.to_str().ok()?, max_ms)
}
