//! One single-threaded runtime for each core, one listening socket for all: a connection is taken by a thread that
//! does little else, and given to the core that has the fewest. No request ever moves from one core to another.

mod accept;
mod apart;
mod leaving;

use crate::{
    App,
    edge::{Addresses, Conversation, Kind, Place, Table},
};
use accept::Front;
use std::{
    io,
    net::{IpAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::MissedTickBehavior,
};

/// Milliseconds between two looks for waiters that are late.
const LATE_TICK_MS: u64 = 20;
/// Connections that may be on their way from the acceptor to one core.
const HANDOVER_MAX: usize = 1024;
/// Milliseconds between two looks whether the last connection has gone.
const DRAIN_TICK_MS: u64 = 5;

/// The sockets a server listens on.
pub struct Bound {
    /// The main one.
    pub main: TcpListener,
    /// Whether the main one was handed to us and stays open when we go: then who is still in its queue is our
    /// successor's, and otherwise hears "busy" from us.
    pub main_outlives_us: bool,
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
    /// Open connections of the main listener, by core.
    open: Box<[AtomicUsize]>,
    addresses: Arc<Addresses>,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    fn open(&self) -> usize {
        self.open.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// A connection on its way from the acceptor to its core.
struct Taken {
    stream: TcpStream,
    address: IpAddr,
    /// Its place among those of its address, where that is counted.
    place: Option<Place>,
    open: Open,
}

/// Counts a connection as open until it is dropped.
struct Open {
    shared: Arc<Shared>,
    core: usize,
}

impl Open {
    fn new(shared: &Arc<Shared>, core: usize) -> Self {
        shared.open[core].fetch_add(1, Ordering::Relaxed);
        shared.app.metrics.connections.inc();
        Self { shared: Arc::clone(shared), core }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.open[self.core].fetch_sub(1, Ordering::Relaxed);
        self.shared.app.metrics.connections.dec();
    }
}

impl Server {
    /// Starts to serve.
    pub fn start(app: Arc<App>, bound: Bound) -> io::Result<Self> {
        let (sender, stopping) = watch::channel(false);
        let cores = app.settings.cores.max(1);
        let open = (0..cores).map(|_| AtomicUsize::new(0)).collect();
        let addresses = Addresses::new(app.settings.edge.connections_per_address_max);
        let shared = Arc::new(Shared { app, open, addresses, stopping });
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..cores).map(|_| mpsc::channel::<Taken>(HANDOVER_MAX)).unzip();
        let mut threads = Vec::new();
        for (core, receiver) in receivers.into_iter().enumerate() {
            let shared = Arc::clone(&shared);
            let run = move || run_core(&shared, core, receiver);
            threads.push(std::thread::Builder::new().name(format!("core-{core}")).spawn(run)?);
        }
        let run = move || run_front(&shared, Front { bound, senders });
        threads.push(std::thread::Builder::new().name("front".into()).spawn(run)?);
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

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the system gives a runtime its descriptors")
}

/// The socket closes last: its queue was open while anybody could still be answered.
fn run_front(shared: &Arc<Shared>, front: Front) {
    runtime().block_on(async {
        let table = Table::new(&shared.app, &shared.addresses);
        tokio::spawn(sweep(Arc::clone(&table)));
        front.accept_all(Arc::clone(shared), Arc::clone(&table)).await;
        drain(shared, "front", &table).await;
    });
}

fn run_core(shared: &Arc<Shared>, core: usize, receiver: mpsc::Receiver<Taken>) {
    sale::enter_core(core);
    runtime().block_on(async {
        let table = Table::new(&shared.app, &shared.addresses);
        tokio::spawn(wake_waiters(Arc::clone(shared), core));
        tokio::spawn(sweep(Arc::clone(&table)));
        take_connections(&table, receiver).await;
        drain(shared, "core", &table).await;
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

/// One timer for all connections of a core.
async fn sweep(table: Arc<Table>) {
    let mut tick = tokio::time::interval(table.sweep_every());
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        table.sweep();
    }
}

async fn take_connections(table: &Arc<Table>, mut receiver: mpsc::Receiver<Taken>) {
    while let Some(Taken { stream, address, place, open }) = receiver.recv().await {
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { continue };
        let guards = Box::new(open);
        tokio::spawn(Conversation::new(table, Kind::Main, stream, address, place, guards));
    }
}

/// Lets everybody finish, within the bound.
async fn drain(shared: &Shared, whose: &str, table: &Table) {
    table.stop();
    let bound = tokio::time::Instant::now() + Duration::from_millis(shared.app.settings.drain_ms);
    while table.len() > 0 {
        if tokio::time::Instant::now() >= bound {
            let open = table.len();
            tracing::warn!(whose, open, "connections did not end in time and are closed");
            return;
        }
        tokio::time::sleep(Duration::from_millis(DRAIN_TICK_MS)).await;
        table.sweep();
    }
}
