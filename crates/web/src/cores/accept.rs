//! Takes the connections of the main listener for all cores, until told to stop. Who finds no room hears so at
//! once; nobody waits unheard. Turning a crowd away must not take from those inside.

use super::{Bound, DRAIN_TICK_MS, Open, Shared, Taken, apart, leaving::Leaving};
use crate::edge::{Conversation, Kind, Knock, Place, Short, Table};
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Semaphore, mpsc},
    time::timeout,
};

/// How long accepting pauses after the system refused a connection (too many files, most likely).
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Between two lines of the log about that.
const ACCEPT_LOG_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at the door while people are turned away: those who come meanwhile are dealt with together,
/// their requests are there by then, and the cores are interrupted this often at most.
const CROWD_PAUSE: Duration = Duration::from_millis(4);
/// Connections that are taken in one turn; then those who are being served by this thread have theirs.
const ACCEPTS_MAX: usize = 256;
/// Bytes that are looked at of somebody for whom there is no room.
const KNOCK_BYTES_MAX: usize = 4096;
/// How long those who are refused at the very end are given to read why.
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
        let mut door = Door::new(&shared, &table, self.senders);
        door.attend(&main).await;
        door.senders.clear();
        table.stop();
        for other in others {
            let _ = other.await;
        }
        while shared.open() > 0 {
            tokio::time::sleep(Duration::from_millis(DRAIN_TICK_MS)).await;
        }
        if !main_outlives_us {
            refuse_queued(&main).await;
        }
    }
}

/// The main listener's door, and those who stand at it.
struct Door {
    shared: Arc<Shared>,
    table: Arc<Table>,
    senders: Vec<mpsc::Sender<Taken>>,
    reserve: Arc<Semaphore>,
    leaving: Leaving,
    complaints: Complaints,
}

/// Somebody who came.
type Accepted = io::Result<(TcpStream, SocketAddr)>;

/// How a turn at the door ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Nobody is left, and all found room.
    Quiet,
    /// Somebody was turned away, and others will be.
    Crowd,
    /// More may be waiting.
    More,
    /// The system gives no connections.
    Failed,
}

impl Door {
    fn new(shared: &Arc<Shared>, table: &Arc<Table>, senders: Vec<mpsc::Sender<Taken>>) -> Self {
        Self {
            shared: Arc::clone(shared),
            table: Arc::clone(table),
            senders,
            reserve: Arc::new(Semaphore::new(RESERVED_MAX)),
            leaving: Leaving::default(),
            complaints: Complaints::default(),
        }
    }

    /// Takes connections until told to stop.
    async fn attend(&mut self, main: &TcpListener) {
        let mut stopping = self.shared.stopping.clone();
        let mut turn = Turn::Quiet;
        loop {
            let first = tokio::select! {
                first = self.pause(main, turn) => first,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            turn = self.take(main, first).await;
        }
    }

    /// Waits for the next turn; perhaps it begins with somebody.
    async fn pause(&self, main: &TcpListener, turn: Turn) -> Option<Accepted> {
        match turn {
            Turn::Crowd => tokio::time::sleep(CROWD_PAUSE).await,
            Turn::More => tokio::task::yield_now().await,
            Turn::Failed => tokio::time::sleep(ACCEPT_PAUSE).await,
            Turn::Quiet => {
                return match self.leaving.next_at() {
                    None => Some(somebody(main).await),
                    Some(at) => tokio::time::timeout_at(at.into(), somebody(main)).await.ok(),
                };
            }
        }
        None
    }

    /// Deals with those who wait.
    async fn take(&mut self, main: &TcpListener, mut first: Option<Accepted>) -> Turn {
        let now = Instant::now();
        self.leaving.end_late(now);
        let mut crowd = false;
        for _ in 0..ACCEPTS_MAX {
            match first.take().unwrap_or_else(|| main.accept()) {
                Ok((stream, from)) => crowd |= !self.welcome(stream, from, now).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return if crowd { Turn::Crowd } else { Turn::Quiet };
                }
                Err(error) => {
                    self.complaints.log(&error);
                    return Turn::Failed;
                }
            }
        }
        if crowd { Turn::Crowd } else { Turn::More }
    }

    /// Whether there was room for this one.
    async fn welcome(&mut self, stream: TcpStream, from: SocketAddr, now: Instant) -> bool {
        if stream.set_nonblocking(true).is_err() {
            return true;
        }
        match admit(&self.shared, from) {
            Ok(place) => give(&self.shared, &self.senders, stream, from.ip(), place).await,
            Err(Short::Busy) => {
                self.turn_away(stream, from.ip(), now);
                return false;
            }
            Err(words) => {
                self.leaving.part(stream, words.bytes(), now);
                return false;
            }
        }
        true
    }

    /// Whoever asks for what anybody may ask for hears "busy" here and now. Others are read first, as far as there
    /// are places for that: they may be operators or health checks.
    fn turn_away(&mut self, stream: TcpStream, address: IpAddr, now: Instant) {
        let mut bytes = [0; KNOCK_BYTES_MAX];
        let seen = stream.peek(&mut bytes).unwrap_or(0);
        let words = match Knock::of(&bytes[..seen]) {
            Knock::Plain(language) => Short::busy(language),
            Knock::Unclear => match Arc::clone(&self.reserve).try_acquire_owned() {
                Ok(permit) => {
                    let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
                    let (kind, guards) = (Kind::Reserved, Box::new(permit));
                    let read = Conversation::new(&self.table, kind, stream, address, None, guards);
                    tokio::spawn(read);
                    return;
                }
                Err(_) => Short::Busy.bytes(),
            },
        };
        self.leaving.part(stream, words, now);
    }
}

/// Waits until somebody comes. The listener is watched only meanwhile: otherwise everybody who comes while nobody
/// looks would wake this thread all the same.
async fn somebody(main: &TcpListener) -> Accepted {
    let watched = tokio::net::TcpListener::from_std(main.try_clone()?)?;
    let (stream, from) = watched.accept().await?;
    Ok((stream.into_std()?, from))
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
    let open = |core: &usize| shared.open[*core].load(std::sync::atomic::Ordering::Relaxed);
    let core = (0..senders.len()).min_by_key(open).expect("there is at least one core");
    let open = Open::new(shared, core);
    let _ = senders[core].send(Taken { stream, address, place, open }).await;
}

/// Says the last words, and ends the connection so that they are not lost to a reset.
async fn part(mut stream: tokio::net::TcpStream, words: Short) {
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
        if let Ok(stream) = unblocked.and_then(|()| tokio::net::TcpStream::from_std(stream)) {
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
