//! The connections of one core, and the clock they are measured by: read once a sweep, because a quarter of a second
//! more or less does not matter here, and reading the time at every step would.

use super::{
    Addresses,
    slot::{Kind, Order, Slot},
};
use crate::App;
use hyper::server::conn::http1;
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Milliseconds between two sweeps at most, and at least.
const SWEEP_MS_MAX: u64 = 250;
const SWEEP_MS_MIN: u64 = 10;
/// Bytes that hyper keeps of what was read and not yet used, or made and not yet written, at most.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// The connections of one core.
pub struct Table {
    pub(super) app: Arc<App>,
    pub(super) routes: axum::Router,
    pub(super) http: http1::Builder,
    pub(super) addresses: Arc<Addresses>,
    sweep_ms: u64,
    begun: Instant,
    now_ms: AtomicU64,
    /// When stopping began, and 0 before.
    stopping_ms: AtomicU64,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    slots: Vec<Option<Arc<Slot>>>,
    free: Vec<usize>,
}

impl Table {
    /// Nobody is here.
    pub fn new(app: &Arc<App>, addresses: &Arc<Addresses>) -> Arc<Self> {
        let settings = &app.settings.edge;
        let mut http = http1::Builder::new();
        http.half_close(true)
            .max_header_size(settings.headers_bytes_max)
            .max_buf_size(BUFFER_BYTES_MAX.max(settings.headers_bytes_max));
        Arc::new(Self {
            app: Arc::clone(app),
            routes: app.routes(),
            http,
            addresses: Arc::clone(addresses),
            sweep_ms: (settings.shortest_ms() / 4).clamp(SWEEP_MS_MIN, SWEEP_MS_MAX),
            begun: Instant::now(),
            // 0 stands for "never".
            now_ms: AtomicU64::new(1),
            stopping_ms: AtomicU64::new(0),
            places: Mutex::default(),
        })
    }

    /// Takes a connection in; its place is given back by `leave`.
    pub(super) fn enter(self: &Arc<Self>, kind: Kind) -> (Arc<Slot>, usize) {
        let slot = Arc::new(Slot::new(Arc::clone(self), kind));
        let mut places = self.places.lock();
        let place = places.free.pop().unwrap_or(places.slots.len());
        if place == places.slots.len() {
            places.slots.push(None);
        }
        places.slots[place] = Some(Arc::clone(&slot));
        (slot, place)
    }

    /// Gives a place back.
    pub(super) fn leave(&self, place: usize) {
        let mut places = self.places.lock();
        places.slots[place] = None;
        places.free.push(place);
    }

    /// Connections that are here.
    pub fn len(&self) -> usize {
        let places = self.places.lock();
        places.slots.len() - places.free.len()
    }

    /// Milliseconds by the clock of this table, as of the last sweep.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms.load(Relaxed)
    }

    /// How often `sweep` is to be called.
    pub fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_ms)
    }

    /// From now on every answer is its connection's last, and who asks nothing is closed before long.
    pub fn stop(&self) {
        self.sweep();
        self.stopping_ms.store(self.now_ms(), Relaxed);
    }

    /// Whether the server stops.
    pub(super) fn stopping(&self) -> bool {
        self.stopping_ms.load(Relaxed) != 0
    }

    /// Moves the clock on, and tells everybody whose time is over.
    pub fn sweep(&self) {
        let now_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now_ms = now_ms.saturating_add(1);
        self.now_ms.store(now_ms, Relaxed);
        let stopping = Some(self.stopping_ms.load(Relaxed)).filter(|since| *since != 0);
        // Whoever stops the server sweeps without a pause.
        let slack_ms = if stopping.is_some() { 0 } else { self.sweep_ms };
        for slot in self.places.lock().slots.iter().flatten() {
            let order = slot.due(now_ms, slack_ms, stopping);
            if order == Order::None {
                continue;
            }
            if !matches!(order, Order::Rest | Order::End) && !self.stopping() {
                self.app.metrics.connections_expired.inc();
            }
            slot.give(order);
        }
    }
}
