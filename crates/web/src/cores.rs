//! One single-threaded runtime for each core, one listening socket for all: a connection is taken by whoever
//! accepts, and given to the core that has the fewest. No request ever moves from one core to another.

use crate::{
    App,
    body::ReplyBody,
    envelope::{RETRY_AFTER_S, envelope},
    service,
};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    io,
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::UnixListener,
    sync::{mpsc, watch},
};

/// Milliseconds between two looks for waiters that are late.
const LATE_TICK_MS: u64 = 20;
/// Connections that may be on their way from the acceptor to one core.
const HANDOVER_MAX: usize = 1024;
/// How long accepting pauses after the system refused a connection (too many files, most likely).
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Milliseconds between two looks whether the last connection has gone.
const DRAIN_TICK_MS: u64 = 5;

/// The sockets a server listens on.
pub struct Bound {
    /// The main one.
    pub main: TcpListener,
    /// `/metrics` alone, for everybody who can reach it.
    pub metrics: Option<TcpListener>,
    /// The command line's way to a running server; who can open it may do everything.
    pub control: Option<(std::os::unix::net::UnixListener, axum::Router)>,
}

/// Tells a server to stop.
#[derive(Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// No connection is taken from now on; what is under way is finished.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// A running server.
pub struct Server {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    app: Arc<App>,
    /// Open connections by core.
    open: Box<[AtomicUsize]>,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    fn open(&self) -> usize {
        self.open.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

impl Server {
    /// Starts to serve.
    pub fn start(app: Arc<App>, bound: Bound) -> io::Result<Self> {
        let (sender, stopping) = watch::channel(false);
        let cores = app.settings.cores.max(1);
        let open = (0..cores).map(|_| AtomicUsize::new(0)).collect();
        let shared = Arc::new(Shared { app, open, stopping });
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..cores).map(|_| mpsc::channel::<TcpStream>(HANDOVER_MAX)).unzip();
        let mut front = Some(Front { bound, senders });
        let mut threads = Vec::new();
        for (core, receiver) in receivers.into_iter().enumerate() {
            let (shared, front) = (Arc::clone(&shared), front.take());
            let run = move || run_core(&shared, core, front, receiver);
            threads.push(std::thread::Builder::new().name(format!("core-{core}")).spawn(run)?);
        }
        Ok(Self { stop: Stop(sender), threads })
    }

    /// What tells it to stop.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits until it has stopped.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a core ended by a panic outside of any request");
            }
        }
    }
}

/// What the first core does beside serving: it accepts for all.
struct Front {
    bound: Bound,
    senders: Vec<mpsc::Sender<TcpStream>>,
}

fn run_core(
    shared: &Arc<Shared>,
    core: usize,
    front: Option<Front>,
    receiver: mpsc::Receiver<TcpStream>,
) {
    sale::enter_core(core);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system gives a runtime its descriptors");
    runtime.block_on(async {
        tokio::spawn(wake_waiters(Arc::clone(shared), core));
        let accepting = front.map(|front| tokio::spawn(accept_all(Arc::clone(shared), front)));
        take_connections(shared, core, receiver).await;
        drain(shared, core).await;
        // The socket closes last: its queue was open while anybody could still be answered.
        if let Some(accepting) = accepting {
            let _ = accepting.await;
        }
    });
}

async fn wake_waiters(shared: Arc<Shared>, core: usize) {
    let mut late = tokio::time::interval(Duration::from_millis(LATE_TICK_MS));
    let sale = Arc::clone(&shared.app.sale);
    let mut waiters = std::pin::pin!(sale.serve_waiters(core));
    loop {
        tokio::select! {
            never = &mut waiters => match never {},
            _ = late.tick() => sale.tick_waiters(core),
        }
    }
}

async fn take_connections(
    shared: &Arc<Shared>,
    core: usize,
    mut receiver: mpsc::Receiver<TcpStream>,
) {
    let routes = shared.app.routes();
    while let Some(stream) = receiver.recv().await {
        let open = Open { shared: Arc::clone(shared), core };
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { continue };
        let (shared, routes) = (Arc::clone(shared), routes.clone());
        tokio::spawn(async move {
            let _open = open;
            let app = Arc::clone(&shared.app);
            let service = service_fn(move |request: Request<Incoming>| {
                service::answer(&app, &routes, request)
            });
            serve_connection(stream, service, shared.stopping.clone()).await;
        });
    }
}

/// Counts a connection as open until it is dropped.
struct Open {
    shared: Arc<Shared>,
    core: usize,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.open[self.core].fetch_sub(1, Ordering::Relaxed);
        self.shared.app.metrics.connections.dec();
    }
}

/// Serves one connection until it closes or, when the server stops, until its present request is answered.
async fn serve_connection<I, S, B>(io: I, service: S, mut stopping: watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: hyper::service::Service<Request<Incoming>, Response = http::Response<B>, Error = Infallible>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut connection = std::pin::pin!(
        http1::Builder::new().half_close(true).serve_connection(TokioIo::new(io), service)
    );
    tokio::select! {
        // Whatever broke the connection, there is nobody left to tell.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn drain(shared: &Shared, core: usize) {
    let bound = tokio::time::Instant::now() + Duration::from_millis(shared.app.settings.drain_ms);
    while shared.open[core].load(Ordering::Relaxed) > 0 {
        if tokio::time::Instant::now() >= bound {
            let open = shared.open[core].load(Ordering::Relaxed);
            tracing::warn!(core, open, "connections did not end in time and are closed");
            return;
        }
        tokio::time::sleep(Duration::from_millis(DRAIN_TICK_MS)).await;
    }
}

/// Takes connections until told to stop, then keeps the socket open until the last one has gone.
async fn accept_all(shared: Arc<Shared>, front: Front) {
    let Front { bound, senders } = front;
    let Bound { main, metrics, control } = bound;
    let mut others = Vec::new();
    if let Some(listener) = metrics {
        others.push(tokio::spawn(serve_metrics(Arc::clone(&shared), listener)));
    }
    if let Some((listener, routes)) = control {
        others.push(tokio::spawn(serve_control(Arc::clone(&shared), listener, routes)));
    }
    let main = tokio::net::TcpListener::from_std(main).expect("the listener is non-blocking");
    let mut stopping = shared.stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = main.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, _)) => give(&shared, &senders, stream).await,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(senders);
    for other in others {
        let _ = other.await;
    }
    while shared.open() > 0 {
        tokio::time::sleep(Duration::from_millis(DRAIN_TICK_MS)).await;
    }
}

async fn give(
    shared: &Arc<Shared>,
    senders: &[mpsc::Sender<TcpStream>],
    stream: tokio::net::TcpStream,
) {
    let metrics = &shared.app.metrics;
    metrics.connections_taken.inc();
    if shared.open() >= shared.app.settings.connections_max {
        metrics.connections_refused.inc();
        return refuse(stream).await;
    }
    let _ = stream.set_nodelay(true);
    let Ok(stream) = stream.into_std() else { return };
    let open = |core: &usize| shared.open[*core].load(Ordering::Relaxed);
    let core = (0..senders.len()).min_by_key(open).expect("there is at least one core");
    shared.open[core].fetch_add(1, Ordering::Relaxed);
    metrics.connections.inc();
    if senders[core].send(stream).await.is_err() {
        shared.open[core].fetch_sub(1, Ordering::Relaxed);
        metrics.connections.dec();
    }
}

/// Says "busy" without reading anything: there is no room to wait for a request.
async fn refuse(mut stream: tokio::net::TcpStream) {
    let body = envelope(-503, "busy, nothing happened; ask again", b"{}");
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: {RETRY_AFTER_S}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

async fn serve_metrics(shared: Arc<Shared>, listener: TcpListener) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is non-blocking");
    let mut stopping = shared.stopping.clone();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = stream else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let app = Arc::clone(&shared.app);
            let service = service_fn(move |request: Request<Incoming>| {
                let app = Arc::clone(&app);
                async move { Ok::<_, Infallible>(metrics_alone(&app, &request)) }
            });
            serve_connection(stream, service, shared.stopping.clone()).await;
        });
    }
}

fn metrics_alone(app: &App, request: &Request<Incoming>) -> http::Response<ReplyBody> {
    let found = request.uri().path() == "/metrics";
    let text = if found { app.metrics.text(&app.sale) } else { String::new() };
    let mut response = http::Response::new(ReplyBody::from(text.into_bytes()));
    if !found {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    let kind = HeaderValue::from_static(METRICS_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The type of Prometheus text in the form that the metrics are written in.
pub const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn serve_control(
    shared: Arc<Shared>,
    listener: std::os::unix::net::UnixListener,
    routes: axum::Router,
) {
    let listener = UnixListener::from_std(listener).expect("the listener is non-blocking");
    let mut stopping = shared.stopping.clone();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = stream else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (routes, stopping) = (routes.clone(), shared.stopping.clone());
        tokio::spawn(async move {
            let service = hyper_util::service::TowerToHyperService::new(routes);
            serve_connection(stream, service, stopping).await;
        });
    }
}
