//! A receiver on a real socket: it keeps what it was sent and answers as a test tells it to.
//! It knows nothing of the relay; what it checks, it checks as any receiver could.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What it was sent.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub path: String,
    pub body: Bytes,
    /// How it answered; 0: not at all.
    pub answered: u16,
    pub at: std::time::Instant,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The activity's id and the number.
    pub fn number(&self) -> (String, u64) {
        let (activity, no) = self.header("webhook-id").split_once('/').unwrap();
        (activity.to_owned(), no.parse().unwrap())
    }

    /// Whether it is signed with this secret, as text.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let bytes = relay::secret_bytes(secret).unwrap();
        let seconds = self.header("webhook-timestamp").parse().unwrap();
        let expected = relay::sign(&[&bytes], self.header("webhook-id"), seconds, &self.body);
        self.header("webhook-signature").split(' ').any(|one| one == expected)
    }
}

/// How it answers.
pub enum Answer {
    Status(u16),
    With(u16, &'static str, String),
    /// Never, with the connection open.
    Never,
}

type Script = dyn Fn(&Received, usize) -> Answer + Send + Sync;

pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    script: Box<Script>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Receiver {
    /// One that takes everything.
    pub async fn willing() -> Self {
        Self::scripted(|_, _| Answer::Status(204)).await
    }

    /// One that answers as told: the request, and how many came before it.
    pub async fn scripted(
        script: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::at(listener, None, script)
    }

    /// One behind TLS.
    pub async fn secure(acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::at(listener, Some(acceptor), |_, _| Answer::Status(200))
    }

    pub fn at(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            received: Mutex::default(),
            connections: AtomicUsize::new(0),
            script: Box::new(script),
        });
        let accepting = tokio::spawn(accept(listener, tls, state.clone()));
        Self { address, state, accepting }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().clone()
    }

    pub fn count(&self) -> usize {
        self.state.received.lock().len()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// The numbers of an activity that were taken, in their order.
    pub fn taken(&self, activity: &str) -> Vec<u64> {
        let received = self.state.received.lock();
        let taken = received.iter().filter(|one| (200..300).contains(&one.answered));
        let numbers = taken.map(Received::number).filter(|(of, _)| of == activity);
        numbers.map(|(_, no)| no).collect()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::Relaxed);
        stream.set_nodelay(true).unwrap();
        let (tls, state) = (tls.clone(), state.clone());
        connections.spawn(async move {
            match tls {
                None => serve(stream, state).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, state).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, state: Arc<State>) {
    let service = service_fn(|request| answer(request, state.clone()));
    // A sender that goes away is no failure of a receiver.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (headers, path) = (head.headers, head.uri.to_string());
    let at = std::time::Instant::now();
    let mut one = Received { headers, path, body, answered: 0, at };
    let answer = {
        let mut received = state.received.lock();
        let answer = (state.script)(&one, received.len());
        one.answered = match &answer {
            Answer::Status(status) | Answer::With(status, _, _) => *status,
            Answer::Never => 0,
        };
        received.push(one);
        answer
    };
    let plain = |status: u16| Response::builder().status(status);
    let response = match answer {
        Answer::Status(status) => plain(status).body(Full::default()),
        Answer::With(status, name, value) => {
            plain(status).header(name, value).body(Full::default())
        }
        Answer::Never => std::future::pending().await,
    };
    Ok(response.unwrap())
}
