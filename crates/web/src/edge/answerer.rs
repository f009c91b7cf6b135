//! What a connection's requests are answered by: refuses those that two readers could read in two ways, hands the
//! others on, and notes when a request and its answer are whole.

use super::{
    ClientAddress,
    slot::{Kind, Peer, Slot},
};
use crate::{
    body::ReplyBody,
    envelope::Problem,
    language::Language,
    service::{self, Answering},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// Answers the requests of one connection.
pub struct Answerer {
    slot: Arc<Slot>,
}

impl Answerer {
    /// Of this connection.
    pub fn new(slot: Arc<Slot>) -> Self {
        Self { slot }
    }
}

impl hyper::service::Service<Request<Incoming>> for Answerer {
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Answered;

    fn call(&self, request: Request<Incoming>) -> Answered {
        let slot = &self.slot;
        let whole = request.body().is_end_stream();
        slot.asked(whole);
        let app = &slot.table.app;
        let answering = match slot.kind {
            Kind::Metrics => Answering::Now(Some(service::metrics_alone(app, &request))),
            Kind::Main | Kind::Reserved => {
                let reserved = slot.kind == Kind::Reserved;
                if reserved {
                    slot.end_after_this();
                }
                // Where chunks end is not followed, so nothing may stand behind them.
                let chunked = !whole && request.headers().contains_key(header::TRANSFER_ENCODING);
                if chunked {
                    slot.end_after_this();
                }
                match refusal(&request, chunked && slot.doubled()) {
                    None if reserved && !service::is_vital(request.uri().path()) => {
                        service::refuse(app, &request, Problem::Busy)
                    }
                    None => service::answer(app, &slot.table.routes, request, Caller(slot)),
                    Some(problem) => {
                        slot.end_after_this();
                        service::refuse(app, &request, problem)
                    }
                }
            }
        };
        Answered { answering, slot: Arc::clone(slot) }
    }
}

/// Who sends a request.
#[derive(Clone, Copy)]
pub struct Caller<'a>(&'a Arc<Slot>);

impl Caller<'_> {
    /// Where it comes from. Costs nothing unless a trusted proxy sends it.
    pub fn address(self, headers: &HeaderMap) -> ClientAddress {
        let nowhere = Peer { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), trusted: false };
        let peer = self.0.peer().unwrap_or(nowhere);
        if !peer.trusted {
            return ClientAddress(peer.address);
        }
        let edge = &self.0.table.app.settings.edge;
        let trusts = |address| edge.trusts(address);
        ClientAddress(edge.forwarded_header.client(headers, peer.address, trusts))
    }

    /// The body, watched until it is read.
    pub fn watch(self, body: Incoming) -> Arriving {
        Arriving { body, slot: Arc::clone(self.0) }
    }
}

/// Why a request is refused before anybody looks at what it asks for.
fn refusal(request: &Request<Incoming>, doubled: bool) -> Option<Problem> {
    let language = Language::of(request.headers());
    let (en, zh) = match host_fault(request) {
        Some(fault) => fault,
        None if doubled => {
            ("Content-Length and Transfer-Encoding exclude each other", "请求长度的声明自相矛盾")
        }
        None => return None,
    };
    Some(Problem::Content(language.pick(en, zh).to_owned(), serde_json::json!({})))
}

/// What is wrong with the name of the server: a proxy in front and we must not read two different ones.
fn host_fault<B>(request: &Request<B>) -> Option<(&'static str, &'static str)> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        let absent = !request.headers().contains_key(header::HOST);
        return match (absent, request.version()) {
            (true, Version::HTTP_10) => None,
            (true, _) => Some(("Host: missing", "Host：缺失")),
            (false, _) => Some(("Host: given twice", "Host：重复")),
        };
    };
    let host = host.as_bytes();
    let strange = |byte: &u8| !byte.is_ascii_graphic() || b",/@?#\\\"<>".contains(byte);
    if host.is_empty() || host.iter().any(strange) {
        return Some(("Host: not the name of a server", "Host：不是有效的服务器名"));
    }
    let named = request.uri().authority()?;
    (!named.as_str().as_bytes().eq_ignore_ascii_case(host))
        .then_some(("Host: not the server of the request line", "Host：与请求行不一致"))
}

/// The answer to one request on its way.
pub struct Answered {
    answering: Answering,
    slot: Arc<Slot>,
}

impl Future for Answered {
    type Output = Result<Response<ReplyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answering).poll(context));
        let Ok(mut response) = response;
        if self.slot.is_last() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let response = match response.body() {
            ReplyBody::Ready(_) => {
                self.slot.answered(true);
                response
            }
            ReplyBody::Stream(_) => {
                self.slot.answered(false);
                let slot = Arc::clone(&self.slot);
                response
                    .map(|body| ReplyBody::Stream(axum::body::Body::new(Leaving { body, slot })))
            }
        };
        Poll::Ready(Ok(response))
    }
}

/// The body of a request, watched until it is read, or until nobody wants more of it.
pub struct Arriving {
    body: Incoming,
    slot: Arc<Slot>,
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.slot.body_read();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.slot.body_read();
    }
}

/// The body of an answer, watched until all of it is made.
struct Leaving {
    body: ReplyBody,
    slot: Arc<Slot>,
}

impl Body for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.slot.streamed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(uri: &str, version: Version, hosts: &[&[u8]]) -> Option<&'static str> {
        let mut request = Request::builder().uri(uri).version(version).body(()).unwrap();
        for host in hosts {
            let host = HeaderValue::from_bytes(host).unwrap();
            request.headers_mut().append(header::HOST, host);
        }
        host_fault(&request).map(|(en, _)| en)
    }

    #[test]
    fn a_request_names_one_server_and_no_other() {
        let (missing, twice) = (Some("Host: missing"), Some("Host: given twice"));
        let strange = Some("Host: not the name of a server");
        let other = Some("Host: not the server of the request line");
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        type Row = (&'static str, Version, &'static [&'static [u8]], Option<&'static str>);
        let table: [Row; 16] = [
            ("/", new, &[b"shop.example"], None),
            ("/", new, &[b"127.0.0.1:3000"], None),
            ("/", new, &[b"[::1]:3000"], None),
            ("/", new, &[], missing),
            ("/", old, &[], None),
            ("/", new, &[b"a", b"b"], twice),
            ("/", new, &[b"a", b"a"], twice),
            ("/", old, &[b"a", b"a"], twice),
            ("/", new, &[b""], strange),
            ("/", new, &[b"a, b"], strange),
            ("/", new, &[b"a b"], strange),
            ("/", new, &[b"user@a"], strange),
            ("/", new, &[b"a/b"], strange),
            ("http://a/x", new, &[b"a"], None),
            ("http://A:80/x", new, &[b"a:80"], None),
            ("http://a/x", new, &[b"b"], other),
        ];
        for (uri, version, hosts, expected) in table {
            assert_eq!(fault(uri, version, hosts), expected, "{uri} {version:?} {hosts:?}");
        }
    }
}
