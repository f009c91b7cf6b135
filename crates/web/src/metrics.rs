//! What the server counts, as Prometheus text. Counting an answer takes no lock and disturbs no other core.
//! Nothing here ever carries a name, a token or a code.

mod counting;
mod text;

#[cfg(test)]
mod tests;

use counting::{Apart, Counter, Gauge, Histogram, PerCore};
pub(crate) use counting::{Counted, bounds_ms};
use sale::{OrderState, PaymentState, pay::NoticeRefused};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use text::{Kind, Text};

/// Activities that have gauges of their own: those that end first win nothing by being many.
const ACTIVITIES_MAX: usize = 100;

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
    /// /order/…
    Order,
    /// /act/standby
    Standby,
    /// /pay/notify/…
    PayNotify,
    /// Everything else.
    Other,
}

const CALLS: [(Call, &str); 13] = [
    (Call::ActList, "act_list"),
    (Call::ActDetail, "act_detail"),
    (Call::TicketGet, "ticket_get"),
    (Call::TicketList, "ticket_list"),
    (Call::TicketDetail, "ticket_detail"),
    (Call::TicketResult, "ticket_result"),
    (Call::Healthz, "healthz"),
    (Call::User, "user"),
    (Call::Admin, "admin"),
    (Call::Order, "order"),
    (Call::Standby, "standby"),
    (Call::PayNotify, "pay_notify"),
    (Call::Other, "other"),
];

/// Every `ret` of the contract.
const RETS: [i16; 23] = [
    0, 1, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -400, -401, -403, -404, -405, -409, -413,
    -415, -429, -503,
];

/// The place after those of [`RETS`]: any other.
const OTHER: usize = RETS.len();
const RET_LEAST: i16 = -503;
const RET_MOST: i16 = 1;

/// From a `ret`, counted from the least, to its place in [`RETS`], so that nobody searches on the hot way.
const PLACES: [u8; (RET_MOST - RET_LEAST) as usize + 1] = {
    let mut places = [OTHER as u8; (RET_MOST - RET_LEAST) as usize + 1];
    let mut place = 0;
    while place < RETS.len() {
        places[(RETS[place] - RET_LEAST) as usize] = place as u8;
        place += 1;
    }
    places
};

fn place_of(ret: i16) -> usize {
    let offset = usize::try_from(i32::from(ret) - i32::from(RET_LEAST)).unwrap_or(usize::MAX);
    PLACES.get(offset).map_or(OTHER, |place| usize::from(*place))
}

/// The answers of one call on one core.
#[derive(Default)]
struct Answers {
    rets: [AtomicU64; RETS.len() + 1],
    times: Histogram,
}

/// The metrics of one server.
#[derive(Default)]
pub struct Metrics {
    // Every core reads this pointer at each answer. What follows is aligned to cache lines of its own, so that
    // counting a connection does not take the pointer's line away from everybody.
    answers: PerCore<[Answers; CALLS.len()]>,
    /// Open connections.
    pub connections: Gauge,
    /// Connections ever taken.
    pub connections_taken: Counter,
    /// Connections told "busy" because too many were open.
    pub connections_refused: Counter,
    /// Connections closed because their client took too long, or asked for nothing for long.
    pub connections_expired: Counter,
    commits: Apart<Histogram>,
    committed: Counter,
    recoveries: Counter,
    /// By the place of the state in `OrderState::ALL`.
    orders: [Counter; OrderState::ALL.len()],
    /// By the place of the state in `PaymentState::ALL`.
    payments: [Counter; PaymentState::ALL.len()],
    /// By the place of the reason in `NoticeRefused::ALL`.
    notices: [Counter; NoticeRefused::ALL.len()],
}

/// What is only looked up when somebody asks.
struct Looked {
    ready: bool,
    pending: u64,
    memory_bytes: u64,
    /// By the activity's id.
    units: Vec<(String, ActivityUnits)>,
}

/// What is told of an activity.
struct ActivityUnits {
    supply: sale::Supply,
    /// Units that unpaid orders hold.
    unpaid: u32,
    /// People in the waiting lists.
    waiting: u32,
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, call: Call, ret: i16, took: Duration) {
        let answers = &self.answers.mine()[call as usize];
        answers.rets[place_of(ret)].fetch_add(1, Ordering::Relaxed);
        answers.times.observe(took);
    }

    /// The text for Prometheus, with what is only looked up when somebody asks.
    pub fn text(&self, sale: &sale::Sale) -> String {
        self.write(&Looked::at(sale))
    }

    /// How long the answers to claims took since the start, those to refused ones included.
    pub(crate) fn claim_times(&self) -> Counted {
        self.times(Call::TicketGet)
    }

    fn write(&self, looked: &Looked) -> String {
        let mut text = Text::default();
        self.write_answers(&mut text);
        self.write_connections(&mut text);
        self.write_ledger(&mut text);
        self.write_orders(&mut text);
        looked.write(&mut text);
        text.finish()
    }

    fn write_answers(&self, text: &mut Text) {
        let mut answers =
            text.metric(Kind::Counter, "firstcome_answers_total", "Answers by call and ret");
        for (call, call_name) in CALLS {
            for (place, count) in self.rets(call).into_iter().enumerate() {
                let ret = RETS.get(place).map_or("other".to_owned(), i16::to_string);
                answers.value(&[("call", call_name), ("ret", &ret)], count);
            }
        }
        let name = "firstcome_answer_seconds";
        let mut times = text.metric(Kind::Histogram, name, "Time from request to answer");
        for (call, call_name) in CALLS {
            times.histogram(&[("call", call_name)], &self.times(call));
        }
    }

    fn rets(&self, call: Call) -> [u64; RETS.len() + 1] {
        let mut sums = [0; RETS.len() + 1];
        for core in self.answers.iter() {
            for (sum, count) in sums.iter_mut().zip(&core[call as usize].rets) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        sums
    }

    fn times(&self, call: Call) -> Counted {
        let mut sums = Counted::default();
        for core in self.answers.iter() {
            core[call as usize].times.add_to(&mut sums);
        }
        sums
    }

    fn write_connections(&self, text: &mut Text) {
        text.metric(Kind::Gauge, "firstcome_connections", "Open connections")
            .value(&[], self.connections.get());
        text.metric(Kind::Counter, "firstcome_connections_taken_total", "Connections ever taken")
            .value(&[], self.connections_taken.get());
        let name = "firstcome_connections_refused_total";
        let help = "Connections told busy because too many were open";
        text.metric(Kind::Counter, name, help).value(&[], self.connections_refused.get());
        let name = "firstcome_connections_expired_total";
        let help = "Connections closed for being slow or without a request";
        text.metric(Kind::Counter, name, help).value(&[], self.connections_expired.get());
    }

    fn write_ledger(&self, text: &mut Text) {
        let commits = self.commits.0.counted();
        let name = "firstcome_ledger_commits_total";
        text.metric(Kind::Counter, name, "Batches of claims committed").value(&[], commits.total());
        let name = "firstcome_ledger_commit_seconds";
        text.metric(Kind::Histogram, name, "Time a commit of claims took").histogram(&[], &commits);
        text.metric(Kind::Counter, "firstcome_ledger_claims_total", "Claims committed")
            .value(&[], self.committed.get());
        let name = "firstcome_ledger_recoveries_total";
        text.metric(Kind::Counter, name, "Times the ledger failed and was read anew")
            .value(&[], self.recoveries.get());
    }

    fn write_orders(&self, text: &mut Text) {
        let name = "firstcome_order_changes_total";
        let mut changes = text.metric(Kind::Counter, name, "Orders by the state they came to");
        for (state, count) in OrderState::ALL.iter().zip(&self.orders) {
            changes.value(&[("state", state.name())], count.get());
        }
        let name = "firstcome_payments_total";
        let mut payments = text.metric(Kind::Counter, name, "Payments by the state they came to");
        for (state, count) in PaymentState::ALL.iter().zip(&self.payments) {
            payments.value(&[("state", state.name())], count.get());
        }
        let name = "firstcome_notices_refused_total";
        let help = "Notices of payment providers that changed nothing, by reason";
        let mut notices = text.metric(Kind::Counter, name, help);
        for (reason, count) in NoticeRefused::ALL.iter().zip(&self.notices) {
            notices.value(&[("reason", reason.name())], count.get());
        }
    }
}

impl Looked {
    fn at(sale: &sale::Sale) -> Self {
        let now = sale.now();
        let catalog = sale.catalog();
        let running = catalog.sorted().iter().filter(|entry| entry.activity.window.end() > now);
        let units = running
            .take(ACTIVITIES_MAX)
            .map(|entry| (entry.activity.id.clone(), ActivityUnits::of(&sale.counts(entry.no))))
            .collect();
        Self {
            ready: sale.readiness() == sale::Readiness::Serving,
            pending: sale.pending(),
            memory_bytes: resident_bytes(),
            units,
        }
    }

    fn write(&self, text: &mut Text) {
        let name = "firstcome_claims_pending";
        text.metric(Kind::Gauge, name, "Claims decided and not yet on disk")
            .value(&[], self.pending);
        text.metric(Kind::Gauge, "firstcome_ready", "1 while claims are decided and written")
            .value(&[], u8::from(self.ready));
        text.metric(Kind::Gauge, "firstcome_resident_memory_bytes", "Memory of the process")
            .value(&[], self.memory_bytes);
        let mut units = text.metric(Kind::Gauge, "firstcome_units", "Units by activity and state");
        for (id, ActivityUnits { supply, .. }) in &self.units {
            for (state, count) in
                [("available", supply.available), ("held", supply.held), ("sold", supply.sold)]
            {
                units.value(&[("activity", id), ("state", state)], count);
            }
        }
        let name = "firstcome_units_unpaid";
        let help = "Units that unpaid orders hold, by activity";
        let mut unpaid = text.metric(Kind::Gauge, name, help);
        for (id, units) in &self.units {
            unpaid.value(&[("activity", id)], units.unpaid);
        }
        let name = "firstcome_people_waiting";
        let mut waiting = text.metric(Kind::Gauge, name, "People in waiting lists, by activity");
        for (id, units) in &self.units {
            waiting.value(&[("activity", id)], units.waiting);
        }
    }
}

impl ActivityUnits {
    fn of(counts: &sale::ActivityCounts) -> Self {
        let unpaid = counts.types.iter().map(|one| one.unpaid).sum();
        let waiting = counts.types.iter().map(|one| one.waiting).sum();
        Self { supply: counts.supply(), unpaid, waiting }
    }
}

impl sale::Meter for Metrics {
    fn committed(&self, claims: usize, took: Duration) {
        self.committed.add(claims as u64);
        self.commits.0.observe(took);
    }

    fn recovery(&self) {
        self.recoveries.inc();
    }

    fn order_changed(&self, state: OrderState) {
        let place = OrderState::ALL.iter().position(|one| *one == state);
        self.orders[place.expect("ALL is complete")].inc();
    }

    fn payment_changed(&self, state: PaymentState) {
        let place = PaymentState::ALL.iter().position(|one| *one == state);
        self.payments[place.expect("ALL is complete")].inc();
    }

    fn notice_refused(&self, reason: &'static str) {
        let place = NoticeRefused::ALL.iter().position(|one| one.name() == reason);
        self.notices[place.expect("reasons are named as they are")].inc();
    }
}

/// The resident memory of this process; 0 where the system does not say.
fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}
