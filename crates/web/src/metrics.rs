//! What the server counts, as Prometheus text. Handles are resolved once, so that counting on a hot route
//! is one addition. Nothing here ever carries a name, a token or a code.

use parking_lot::Mutex;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{array, sync::atomic::AtomicU64, time::Duration};

/// Calls that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Call {
    /// /act/list
    ActList,
    /// /act/detail
    ActDetail,
    /// /ticket/get
    TicketGet,
    /// /ticket/list
    TicketList,
    /// /ticket/detail
    TicketDetail,
    /// /ticket/result
    TicketResult,
    /// /healthz
    Healthz,
    /// /user/…
    User,
    /// /admin/…
    Admin,
    /// Everything else.
    Other,
}

const CALLS: [(Call, &str); 10] = [
    (Call::ActList, "act_list"),
    (Call::ActDetail, "act_detail"),
    (Call::TicketGet, "ticket_get"),
    (Call::TicketList, "ticket_list"),
    (Call::TicketDetail, "ticket_detail"),
    (Call::TicketResult, "ticket_result"),
    (Call::Healthz, "healthz"),
    (Call::User, "user"),
    (Call::Admin, "admin"),
    (Call::Other, "other"),
];

/// Every `ret` of the contract; the last stands for any other.
const RETS: [i16; 24] = [
    0,
    1,
    -1,
    -2,
    -3,
    -4,
    -5,
    -6,
    -7,
    -8,
    -9,
    -10,
    -11,
    -400,
    -401,
    -403,
    -404,
    -405,
    -409,
    -413,
    -415,
    -429,
    -503,
    i16::MIN,
];

type Labels = [(&'static str, String); 2];

/// The metrics of one server.
pub struct Metrics {
    registry: Mutex<Registry>,
    answers: [[Counter; RETS.len()]; CALLS.len()],
    seconds: [Histogram; CALLS.len()],
    /// Open connections.
    pub connections: Gauge,
    /// Connections ever taken.
    pub connections_taken: Counter,
    /// Connections told "busy" because too many were open.
    pub connections_refused: Counter,
    commits: Counter,
    commit_seconds: Histogram,
    committed: Counter,
    recoveries: Counter,
    pending: Gauge,
    ready: Gauge,
    memory: Gauge,
    units: Family<[(&'static str, String); 2], Gauge>,
}

/// From 50 µs to about 13 s, each bound double the one before.
fn time_buckets() -> impl Iterator<Item = f64> {
    (0..19).map(|power| 0.000_05 * f64::from(1u32 << power))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("firstcome");
        let answers = answer_counters(&mut registry);
        let seconds = call_histograms(&mut registry);
        let mut metrics = Self {
            registry: Mutex::new(Registry::default()),
            answers,
            seconds,
            connections: Gauge::default(),
            connections_taken: Counter::default(),
            connections_refused: Counter::default(),
            commits: Counter::default(),
            commit_seconds: Histogram::new(time_buckets()),
            committed: Counter::default(),
            recoveries: Counter::default(),
            pending: Gauge::default(),
            ready: Gauge::default(),
            memory: Gauge::default(),
            units: Family::default(),
        };
        metrics.register(&mut registry);
        metrics.registry = Mutex::new(registry);
        metrics
    }
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "connections_taken",
            "Connections ever taken",
            self.connections_taken.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections told busy because too many were open",
            self.connections_refused.clone(),
        );
        registry.register("ledger_commits", "Batches of claims committed", self.commits.clone());
        registry.register_with_unit(
            "ledger_commit",
            "Time a commit of claims took",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register("ledger_claims", "Claims committed", self.committed.clone());
        registry.register(
            "ledger_recoveries",
            "Times the ledger failed and was read anew",
            self.recoveries.clone(),
        );
        registry.register(
            "claims_pending",
            "Claims decided and not yet on disk",
            self.pending.clone(),
        );
        registry.register("ready", "1 while claims are decided and written", self.ready.clone());
        registry.register_with_unit(
            "resident_memory",
            "Memory of the process",
            Unit::Bytes,
            self.memory.clone(),
        );
        registry.register("units", "Units by activity and state", self.units.clone());
    }

    /// Counts an answer.
    pub fn answered(&self, call: Call, ret: i16, took: Duration) {
        let place = RETS.iter().position(|one| *one == ret).unwrap_or(RETS.len() - 1);
        self.answers[call as usize][place].inc();
        self.seconds[call as usize].observe(took.as_secs_f64());
    }

    /// The text for Prometheus, after taking in what is only looked up when somebody asks.
    pub fn text(&self, sale: &sale::Sale) -> String {
        self.pending.set(i64::try_from(sale.pending()).unwrap_or(i64::MAX));
        self.ready.set(i64::from(sale.readiness() == sale::Readiness::Serving));
        self.memory.set(resident_bytes());
        self.look_at_units(sale);
        let mut text = String::new();
        let written = encode(&mut text, &self.registry.lock());
        written.expect("a string can always be written to");
        text
    }

    fn look_at_units(&self, sale: &sale::Sale) {
        self.units.clear();
        let now = sale.now();
        let running = sale.catalog();
        let running = running.sorted().iter().filter(|entry| entry.activity.window.end() > now);
        for entry in running.take(ACTIVITIES_MAX) {
            let supply = sale.summary(entry.no).supply;
            let states =
                [("available", supply.available), ("held", supply.held), ("sold", supply.sold)];
            for (state, count) in states {
                let labels = [("activity", entry.activity.id.clone()), ("state", state.to_owned())];
                self.units.get_or_create(&labels).set(count.into());
            }
        }
    }
}

/// Activities that have gauges of their own: those that end first win nothing by being many.
const ACTIVITIES_MAX: usize = 100;

impl sale::Meter for Metrics {
    fn committed(&self, claims: usize, took: Duration) {
        self.commits.inc();
        self.committed.inc_by(claims as u64);
        self.commit_seconds.observe(took.as_secs_f64());
    }

    fn recovery(&self) {
        self.recoveries.inc();
    }
}

fn answer_counters(registry: &mut Registry) -> [[Counter; RETS.len()]; CALLS.len()] {
    let family = Family::<Labels, Counter<u64, AtomicU64>>::default();
    registry.register("answers", "Answers by call and ret", family.clone());
    array::from_fn(|call| {
        array::from_fn(|ret| {
            let name = RETS[ret];
            let name = if name == i16::MIN { "other".to_owned() } else { name.to_string() };
            family.get_or_create_owned(&[("call", CALLS[call].1.to_owned()), ("ret", name)])
        })
    })
}

fn call_histograms(registry: &mut Registry) -> [Histogram; CALLS.len()] {
    let family =
        Family::<[(&'static str, String); 1], Histogram, fn() -> Histogram>::new_with_constructor(
            || Histogram::new(time_buckets()),
        );
    registry.register_with_unit(
        "answer",
        "Time from request to answer",
        Unit::Seconds,
        family.clone(),
    );
    array::from_fn(|call| family.get_or_create_owned(&[("call", CALLS[call].1.to_owned())]))
}

/// The resident memory of this process; 0 where the system does not say.
fn resident_bytes() -> i64 {
    const PAGE_BYTES: i64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<i64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}
