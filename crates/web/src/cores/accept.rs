//! Takes the connections of the main listener for all cores, until told to stop. Who finds no room hears so at
//! once; nobody waits unheard.

use super::{Bound, DRAIN_TICK_MS, Open, Shared, Taken, apart};
use crate::edge::{Conversation, Kind, Place, Short, Table};
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, mpsc},
    time::timeout,
};

/// How long accepting pauses after the system refused a connection (too many files, most likely).
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Between two lines of the log about that.
const ACCEPT_LOG_EVERY: Duration = Duration::from_secs(1);
/// Refused connections that are given the time to read why; the others find out by being closed.
const REFUSED_MAX: usize = 256;
/// How long they are given.
const REFUSED_WITHIN: Duration = Duration::from_millis(500);
/// Connections beyond `connections_max` that are read, in case they are an operator's or a health check's.
const RESERVED_MAX: usize = 64;
/// Connections that are taken out of the queue of a closing listener, to be refused.
const QUEUED_MAX: usize = 4096;

/// What has a thread of its own: it accepts for all cores, so that whoever is turned away hears so however much the
/// cores have to do, and serves what must always be served.
pub struct Front {
    /// The sockets.
    pub bound: Bound,
    /// The ways to the cores.
    pub senders: Vec<mpsc::Sender<Taken>>,
}

impl Front {
    /// Takes connections until told to stop, then keeps the socket open until the last one has gone.
    pub async fn accept_all(self, shared: Arc<Shared>, table: Arc<Table>) {
        let Bound { main, main_outlives_us, metrics, control } = self.bound;
        let mut others = Vec::new();
        if let Some(listener) = metrics {
            let (shared, table) = (Arc::clone(&shared), Arc::clone(&table));
            others.push(tokio::spawn(apart::serve_metrics(shared, table, listener)));
        }
        if let Some((listener, routes)) = control {
            others.push(tokio::spawn(apart::serve_control(Arc::clone(&shared), listener, routes)));
        }
        let main = tokio::net::TcpListener::from_std(main).expect("the listener is non-blocking");
        accept_until_stopped(&shared, &table, &main, &self.senders).await;
        drop(self.senders);
        table.stop();
        for other in others {
            let _ = other.await;
        }
        while shared.open() > 0 {
            tokio::time::sleep(Duration::from_millis(DRAIN_TICK_MS)).await;
        }
        if !main_outlives_us && let Ok(main) = main.into_std() {
            refuse_queued(&main).await;
        }
    }
}

async fn accept_until_stopped(
    shared: &Arc<Shared>,
    table: &Arc<Table>,
    main: &tokio::net::TcpListener,
    senders: &[mpsc::Sender<Taken>],
) {
    let mut stopping = shared.stopping.clone();
    let refused = Arc::new(Semaphore::new(REFUSED_MAX));
    let reserve = Arc::new(Semaphore::new(RESERVED_MAX));
    let mut complaints = Complaints::default();
    loop {
        let accepted = tokio::select! {
            accepted = main.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, from)) => match admit(shared, from) {
                Ok(place) => give(shared, senders, stream, from.ip(), place).await,
                Err(words) => match Arc::clone(&reserve).try_acquire_owned() {
                    Ok(permit) if words == Short::Busy => {
                        let (kind, guards) = (Kind::Reserved, Box::new(permit));
                        let address = from.ip();
                        tokio::spawn(Conversation::new(table, kind, stream, address, None, guards));
                    }
                    _ => refuse(stream, words, &refused),
                },
            },
            Err(error) => {
                complaints.log(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The same complaint over and over would fill the disk that the ledger needs.
#[derive(Default)]
struct Complaints(Option<Instant>);

impl Complaints {
    fn log(&mut self, error: &io::Error) {
        if self.0.is_none_or(|last| last.elapsed() >= ACCEPT_LOG_EVERY) {
            self.0 = Some(Instant::now());
            tracing::warn!(%error, "connections cannot be accepted");
        }
    }
}

/// Whether there is room for one more; if there is, perhaps a place among those of its address.
fn admit(shared: &Shared, from: SocketAddr) -> Result<Option<Place>, Short> {
    let (metrics, settings) = (&shared.app.metrics, &shared.app.settings);
    metrics.connections_taken.inc();
    let busy = shared.open() >= settings.connections_max;
    let address = from.ip().to_canonical();
    let place = match busy {
        true => Err(Short::Busy),
        // Behind one proxy are many people.
        false if settings.edge.trusts(address) => Ok(None),
        false => shared.addresses.enter(address).map_err(|_| Short::TooMany),
    };
    place.inspect_err(|_| metrics.connections_refused.inc())
}

async fn give(
    shared: &Arc<Shared>,
    senders: &[mpsc::Sender<Taken>],
    stream: TcpStream,
    address: IpAddr,
    place: Option<Place>,
) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = stream.into_std() else { return };
    let open = |core: &usize| shared.open[*core].load(std::sync::atomic::Ordering::Relaxed);
    let core = (0..senders.len()).min_by_key(open).expect("there is at least one core");
    let open = Open::new(shared, core);
    let _ = senders[core].send(Taken { stream, address, place, open }).await;
}

/// Says so without reading anything: there is no room to wait for a request. The words stay readable for a while,
/// unless there are too many to be told.
fn refuse(stream: TcpStream, words: Short, refused: &Arc<Semaphore>) {
    if let Ok(permit) = Arc::clone(refused).try_acquire_owned() {
        tokio::spawn(async move {
            let _permit = permit;
            part(stream, words).await;
        });
    } else if let Ok(mut stream) = stream.into_std() {
        let _ = io::Write::write(&mut stream, words.bytes());
    }
}

/// Says the last words, and ends the connection so that they are not lost to a reset.
async fn part(mut stream: TcpStream, words: Short) {
    let until_end = async {
        stream.write_all(words.bytes()).await?;
        stream.shutdown().await?;
        let mut bytes = [0; 1024];
        while stream.read(&mut bytes).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(REFUSED_WITHIN, until_end).await;
}

/// Those whom the system connected and nobody served: they hear that nothing happened, rather than a reset.
async fn refuse_queued(main: &TcpListener) {
    let mut parting = Vec::new();
    while let Ok((stream, _)) = main.accept() {
        let unblocked = stream.set_nonblocking(true);
        if let Ok(stream) = unblocked.and_then(|()| TcpStream::from_std(stream)) {
            parting.push(tokio::spawn(part(stream, Short::Busy)));
        }
        if parting.len() == QUEUED_MAX {
            break;
        }
    }
    for one in parting {
        let _ = one.await;
    }
}
