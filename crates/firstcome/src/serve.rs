//! `firstcome serve`: takes the ledger, loads the sale, serves until told to stop, and leaves nothing half done.
//! It never answers anybody before the ledger is its own and loaded.

use crate::{
    Place,
    clock::SteadyClock,
    commands::{Failure, Owner, open_sale, take_ledger, without_waiting},
    config::Config,
    control, demo, files,
    listen::{Inherited, Listeners},
    log,
    notify::{self, Moment},
    outside::{Delivering, WakingMeter},
    parent::{Parent, gone},
    rehearsals::OwnRehearsals,
    till::{Till, test_provider},
};
use door::Door;
use ledger::Ledger;
use sale::{Clock, Readiness, Sale};
use std::{io::Write, net::SocketAddr, path::Path, pin::pin, sync::Arc, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};
use web::{App, Bound, Metrics, Server, WebSettings};

/// Between two looks whether the sale is still sound.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long those in flight have to hear "unknown" before an unsound process goes.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The command. A server with a parent ends with it.
pub fn serve(
    place: &Place,
    config: &Config,
    demo: bool,
    listen: Option<SocketAddr>,
    parent: Option<&Parent>,
) -> Result<(), Failure> {
    let inherited = Inherited::take()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Io("a runtime", error.kind()))?;
    survive_file_limits(&runtime).map_err(|error| Failure::Io("signals", error.kind()))?;
    let ledger = take(&runtime, &place.data, config)?;
    // Bound before the load: the kernel queues those who come early.
    let connections_max = files::room_for(config.web.connections_max);
    let listen = listen.unwrap_or(config.listen);
    let Listeners { main, main_outlives_us, metrics: metrics_listener } =
        inherited.or_bind(listen, config.metrics_listen)?;
    let clock = Arc::new(SteadyClock::start());
    let metrics = Arc::new(Metrics::default());
    let meter = Arc::new(WakingMeter::new(Arc::clone(&metrics)));
    let counting: Arc<dyn sale::Meter> = meter.clone();
    let sale = Arc::new(open_sale(Arc::clone(&ledger), Arc::clone(&clock), counting, config)?);
    let secret = ledger.secret("session-tokens")?;
    // A rehearsal's own server sells for pretended money as well, and its crowd knows that server alone.
    let test_at = if parent.is_some() { "" } else { config.test_provider_at.as_str() };
    let test = (demo || parent.is_some() || config.test_provider)
        .then(|| test_provider(&place.data, test_at, &*ledger, Arc::clone(&clock)))
        .transpose()?;
    let relay_ledger = Arc::clone(&ledger);
    let door = Door::new(ledger, secret, &config.door, clock.now()).map_err(Failure::Door)?;
    let door = Arc::new(door);
    if demo {
        demo::prepare(&sale, &door, config)?;
    }
    let address = main.local_addr().map_err(|error| Failure::Io("the listener", error.kind()))?;
    let metrics_apart = metrics_listener.is_some();
    let settings =
        WebSettings { listen: address, metrics_apart, connections_max, ..config.web.clone() };
    let app = App::new(Arc::clone(&sale), Arc::clone(&door), metrics, settings);
    if let Some(test) = &test {
        app.pay_with_test_provider(Arc::clone(test));
    }
    let till = Till::start(Arc::clone(&sale), test)?;
    let delivering = Delivering::start(&sale, relay_ledger, &meter, config.relay.clone())?;
    app.deliver_by(delivering.outside());
    app.rehearse_by(Arc::new(OwnRehearsals::new(place.config.clone())));
    let control = control::listen(&place.data)
        .map_err(|error| Failure::Io("the control socket", error.kind()))?;
    let control = Some((control, web::control_routes(Arc::clone(&app))));
    let bound = Bound { main, main_outlives_us, metrics: metrics_listener, control };
    // Before anybody is let in: from then on, who is told to stop answers them first.
    let told = Told::hear(&runtime).map_err(|error| Failure::Io("signals", error.kind()))?;
    let server = Server::start(app, bound)
        .map_err(|error| Failure::Io("the server's threads", error.kind()))?;
    // Nobody has to listen: a standard output that takes nothing stops no sale.
    let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    tracing::info!(%address, data = %place.data.display(), "serving");
    notify::tell(Moment::Ready);
    wait(&runtime, &sale, watch(told, &clock, &sale, &door, parent), server, (till, delivering))
}

/// Takes the ledger. Where somebody else has it, this says what it waits for before it waits: silence for half a
/// minute looks like a program that hangs.
fn take(
    runtime: &tokio::runtime::Runtime,
    data: &Path,
    config: &Config,
) -> Result<Arc<dyn Ledger>, Failure> {
    let mut owner = take_ledger(data, without_waiting(config.ledger))?;
    let wait_ms = config.ledger.owner_wait_ms;
    if matches!(owner, Owner::Another) && wait_ms > 0 {
        let pid = runtime.block_on(control::holder(data));
        log::say(&format!("firstcome: {}", waiting_text(data, pid, wait_ms)));
        owner = take_ledger(data, config.ledger)?;
    }
    match owner {
        Owner::Us(ledger) => Ok(ledger),
        Owner::Another => {
            Err(Failure::No(vec![format!("{} is served by another process", data.display())]))
        }
    }
}

fn waiting_text(data: &Path, pid: Option<i32>, wait_ms: u32) -> String {
    let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    let wait = match wait_ms {
        ms if ms % 1000 == 0 => format!("{} s", ms / 1000),
        ms => format!("{ms} ms"),
    };
    let data = data.display();
    format!("{data} is held by another process{pid}; waiting up to {wait} for it to end")
}

/// A limit on the size of files is to be an error of the write and not the end of the process: once the signal
/// has a handler the write fails as on a full disk.
fn survive_file_limits(runtime: &tokio::runtime::Runtime) -> std::io::Result<()> {
    /// SIGXFSZ on Linux.
    const FILE_SIZE_EXCEEDED: i32 = 25;
    let _inside = runtime.enter();
    signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED)).map(drop)
}

/// Serves until it is time to go, then ends in order.
fn wait(
    runtime: &tokio::runtime::Runtime,
    sale: &Arc<Sale>,
    watching: impl Future<Output = bool>,
    server: Server,
    (till, delivering): (Till, Delivering),
) -> Result<(), Failure> {
    if !runtime.block_on(watching) {
        std::thread::sleep(LAST_WORDS);
        return Err(Failure::Unsound);
    }
    tracing::info!("draining");
    notify::tell(Moment::Stopping);
    sale.drain();
    // Before the cores: what the till waits for is woken by one of them.
    till.stop();
    server.stopper().stop();
    server.join();
    delivering.stop();
    sale.close();
    tracing::info!("everything decided is written; goodbye");
    Ok(())
}

/// The signals by which the server is told to stop; from when they are heard, they do not end the process by themselves.
struct Told {
    terminate: Signal,
    interrupt: Signal,
}

impl Told {
    fn hear(runtime: &tokio::runtime::Runtime) -> std::io::Result<Self> {
        let _inside = runtime.enter();
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }
}

/// Until a signal, the end of the parent or a broken invariant; false for the last.
async fn watch(
    Told { mut terminate, mut interrupt }: Told,
    clock: &Arc<SteadyClock>,
    sale: &Arc<Sale>,
    door: &Arc<Door>,
    parent: Option<&Parent>,
) -> bool {
    let mut second = tokio::time::interval(SteadyClock::look_every());
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut recoveries = sale.recoveries();
    let mut orphaned = pin!(gone(parent));
    loop {
        tokio::select! {
            _ = terminate.recv() => return true,
            _ = interrupt.recv() => return true,
            () = &mut orphaned => return true,
            _ = second.tick() => clock.look(),
            _ = look.tick() => {
                if sale.readiness() == Readiness::Broken {
                    return false;
                }
                if recoveries != sale.recoveries() {
                    recoveries = sale.recoveries();
                    reload(door, clock).await;
                }
            }
        }
    }
}

/// What the door knows of people may have been in doubt as well.
async fn reload(door: &Arc<Door>, clock: &Arc<SteadyClock>) {
    let (door, now) = (Arc::clone(door), clock.now());
    let done = tokio::task::spawn_blocking(move || door.reload(now)).await;
    if !matches!(done, Ok(Ok(()))) {
        tracing::error!("roles and ended sessions could not be read anew after a recovery");
    }
}
