//! What people ask, as requests. Everything that is the same for many is made once.
//! Names, texts and keys come from the plan, so nothing has to be escaped.

use crate::history::{Asked, Key};
use ::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use http_body_util::Full;

/// A request; most have no body.
pub(super) type Question = Request<Full<Bytes>>;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The requests of one activity at one server.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    host: HeaderValue,
    claims: Vec<Uri>,
    list: Uri,
    detail: Uri,
    tickets: Uri,
}

impl Requests {
    /// Nothing where `host` cannot stand in a header, or `activity` and `types` not in an address.
    pub(super) fn new<'a>(
        host: &str,
        activity: &str,
        types: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        let claims = types
            .into_iter()
            .map(|id| format!("/ticket/get?actId={activity}&typeId={id}").parse().ok())
            .collect::<Option<Vec<Uri>>>()?;
        Some(Self {
            host: HeaderValue::from_str(host).ok()?,
            claims,
            list: Uri::from_static("/act/list?page=1&pageSize=100"),
            detail: format!("/act/detail?actId={activity}").parse().ok()?,
            tickets: Uri::from_static("/ticket/list?page=1&pageSize=100"),
        })
    }

    /// What `asked` is as a request of whoever has this authorization; without one, of somebody unknown.
    /// Nothing for a claim's id that is none.
    pub(super) fn of(&self, asked: &Asked, who: Option<&HeaderValue>) -> Option<Question> {
        let (uri, key) = match asked {
            Asked::Claim { ticket_type, key } => (self.claims.get(ticket_type.0)?.clone(), *key),
            Asked::Result { claim, .. } => (result(claim)?, None),
            Asked::List => (self.list.clone(), None),
            Asked::Detail => (self.detail.clone(), None),
            Asked::Tickets => (self.tickets.clone(), None),
        };
        let mut request = Request::new(Full::default());
        (*request.method_mut(), *request.uri_mut()) = (Method::GET, uri);
        let headers = request.headers_mut();
        headers.reserve(5);
        headers.insert(header::HOST, self.host.clone());
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        if let Some(who) = who {
            headers.insert(header::AUTHORIZATION, who.clone());
        }
        if let Some(Key(number)) = key {
            let text = format!("rehearsal-{number}");
            headers.insert(KEY, HeaderValue::from_str(&text).ok()?);
        }
        Some(request)
    }
}

fn result(claim: &str) -> Option<Uri> {
    let plain = claim.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    plain.then(|| format!("/ticket/result?claimId={claim}").parse().ok())?
}

/// The authorization of a token; it is never shown. Nothing where a token cannot stand in a header.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
