//! A sale on a real ledger in a directory of its own, with time and the writer in the test's hand.
//! Nothing here asserts what a test is about.

use crate::doubtful::Doubtful;
use crate::other::Other;
use ledger::{NewActivity, NewUnits, SqliteLedger, SqliteSettings};
use rules::{
    Activity, ActivityNo, Item, KeyHash, Money, TicketType, TimeMs, TypeNo, UnitKind, UserNo,
    Validity, Window,
};
use sale::{
    Clock, Entry, Meter, Next, Operator, Outcome, OwnedOrder, Recorded, Request, Sale,
    SaleSettings, Writer,
    pay::{Provider, TestProvider},
};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use stock::{MemoryLimits, MemoryStock, Stock};
use tempfile::TempDir;

/// The moment at which every test begins.
pub const NOW: u64 = 1_796_090_400_000;
/// Seconds a buyer has to pay.
pub const PAY_WITHIN_S: u32 = 900;
/// Milliseconds from a hold to its release.
pub const RELEASE_MS: u64 = PAY_WITHIN_S as u64 * 1_000 + 15_000;
const STEPS_MAX: u32 = 100_000;

pub struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> TimeMs {
        TimeMs(self.0.load(Ordering::SeqCst))
    }
}

impl HandClock {
    pub fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

/// Nanoseconds that changes of orders took on their way to the disk.
#[derive(Default)]
pub struct ChangesMeter(pub AtomicU64);

impl Meter for ChangesMeter {
    fn committed(&self, _: usize, _: Duration) {}
    fn recovery(&self) {}
    fn changed(&self, _: usize, took: Duration) {
        self.0.fetch_add(took.as_nanos() as u64, Ordering::SeqCst);
    }
}

/// What is sold.
pub struct Goods {
    pub units: NewUnits,
    pub standby: bool,
    pub limit: u32,
}

impl Goods {
    pub fn plain(count: u32) -> Self {
        Self { units: NewUnits::Plain(count), standby: false, limit: 1 }
    }
}

pub fn activity(goods: Goods) -> NewActivity {
    let kind =
        if matches!(goods.units, NewUnits::Plain(_)) { UnitKind::Plain } else { UnitKind::Codes };
    let seat = TicketType {
        id: "seat".into(),
        name: "电影票".into(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse("9.90", "CNY").unwrap(),
        limit_per_user: goods.limit,
        kind,
        window: None,
        pay_within_s: PAY_WITHIN_S,
        offer_within_s: 300,
        validity: Validity { from: TimeMs(NOW), until: None },
    };
    let activity = Activity {
        id: "movie-night".into(),
        name: "电影之夜".into(),
        desc: String::new(),
        image: String::new(),
        window: Window::new(TimeMs(NOW - 1_000), TimeMs(NOW + 90 * 86_400_000)).unwrap(),
        limit_per_user: None,
        has_roster: false,
        standby: goods.standby,
        types: vec![seat],
    };
    NewActivity { activity, units: vec![goods.units], roster: Vec::new() }
}

pub struct Shop {
    pub clock: Arc<HandClock>,
    pub ledger: Arc<Doubtful>,
    pub stock: Arc<MemoryStock>,
    pub sale: Sale,
    pub writer: Writer,
    pub test: Arc<TestProvider>,
    pub other: Arc<Other>,
    pub meter: Arc<ChangesMeter>,
    pub dir: TempDir,
}

pub fn operator() -> Operator {
    Operator { name: "operator".into(), key: None }
}

impl Shop {
    /// A new ledger with one activity of one type that costs 9.90.
    pub fn open(goods: Goods) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shop = Self::start(dir, Arc::new(HandClock(AtomicU64::new(NOW))), settings());
        shop.sale.import(&[activity(goods)], &operator()).unwrap();
        shop
    }

    pub fn start(dir: TempDir, clock: Arc<HandClock>, settings: SaleSettings) -> Self {
        let ledger = SqliteLedger::open(dir.path(), SqliteSettings::default()).unwrap();
        let ledger = Arc::new(Doubtful::new(ledger));
        let limits = MemoryLimits { pending_claims_max: 1_000_000, ..MemoryLimits::default() };
        let stock = Arc::new(MemoryStock::new(limits));
        let meter = Arc::new(ChangesMeter::default());
        let (sale, writer) = Sale::open_stepped(
            Arc::clone(&ledger) as _,
            Arc::clone(&stock) as _,
            Arc::clone(&clock) as _,
            Arc::clone(&meter) as _,
            settings,
        )
        .unwrap();
        let test = crate::provider::open(&dir.path().join("test-provider.jsonl"), &clock);
        let other = Other::open(dir.path(), &clock);
        let providers: Vec<Arc<dyn Provider>> =
            vec![Arc::clone(&test) as _, Arc::clone(&other) as _];
        sale.set_providers(providers);
        Self { clock, ledger, stock, sale, writer, test, other, meter, dir }
    }

    /// The process dies here, and another one starts `down_ms` later on the same disk.
    pub fn crash(self, down_ms: u64) -> Self {
        let Self { clock, ledger, stock, sale, writer, test, other, dir, .. } = self;
        drop((sale, writer, stock, test, other));
        drop(Arc::into_inner(ledger).expect("nobody else has the ledger"));
        clock.pass(down_ms);
        Self::start(dir, clock, settings())
    }

    pub fn entry(&self) -> Arc<Entry> {
        Arc::clone(self.sale.catalog().by_id("movie-night").unwrap())
    }

    pub fn no(&self) -> ActivityNo {
        self.entry().no
    }

    /// An account; they are numbered in the order in which they were made.
    pub fn user(&self, name: &str) -> UserNo {
        let person = self.sale.ledger().register(name, "-", self.sale.now()).unwrap();
        person.unwrap().no
    }

    /// Steps the writer until it has nothing to do at this moment.
    pub fn quiet(&mut self) {
        for _ in 0..STEPS_MAX {
            if self.writer.step() == Next::Idle {
                return;
            }
        }
        panic!("the writer never rests");
    }

    /// Waits for something, stepping the writer meanwhile.
    pub fn wait<T>(&mut self, step: impl AsyncFnOnce(&Sale) -> T) -> T {
        let mut future = pin!(step(&self.sale));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..STEPS_MAX {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            self.writer.step();
            self.sale.tick_waiters(0);
        }
        panic!("it never ends");
    }

    pub fn claim(&mut self, user: UserNo, count: u8, key: Option<KeyHash>) -> Outcome {
        let items = [Item { ticket_type: TypeNo(0), count }];
        let entry = self.entry();
        self.ask(&entry, Request { items: &items, user, key })
    }

    pub fn claim_of(&mut self, activity: &str, user: UserNo, items: &[Item]) -> Outcome {
        let entry = Arc::clone(self.sale.catalog().by_id(activity).unwrap());
        self.ask(&entry, Request { items, user, key: None })
    }

    fn ask(&mut self, entry: &Entry, request: Request<'_>) -> Outcome {
        self.wait(async |sale| match sale.decide(entry, request) {
            Ok(outcome) => outcome,
            Err(deciding) => sale.outcome(deciding).await,
        })
    }

    /// A hold of one unit, durable.
    pub fn hold(&mut self, user: UserNo) -> Recorded {
        match self.claim(user, 1, None) {
            Outcome::Won(line) => line,
            other => panic!("{other:?}"),
        }
    }

    /// The order of a line, as it stands.
    pub fn order(&self, line: &Recorded) -> OwnedOrder {
        self.sale.any_order((&line.claim).into()).unwrap()
    }

    pub fn supply(&self) -> rules::Supply {
        let supply = self.sale.counts(self.no()).supply();
        assert!(supply.balances(), "{supply:?}");
        supply
    }

    pub fn till(&mut self) -> usize {
        self.wait(async |sale| sale.till_round().await)
    }
}

pub fn settings() -> SaleSettings {
    SaleSettings::default()
}

/// What waits for the writer is told before it is asked: a step takes all of it.
pub fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl Shop {
    /// A hold that is decided and not durable yet: the next step writes it.
    pub fn sale_only_hold(&self, user: UserNo) -> Recorded {
        let items = &[Item { ticket_type: TypeNo(0), count: 1 }];
        let ask = stock::ClaimAsk {
            activity: self.no(),
            items,
            user,
            late: false,
            key: None,
            now: self.sale.now(),
        };
        let stock::Answer::Now(Ok(stock::Decision::Accepted(line))) = self.stock.claim(&ask) else {
            panic!("a unit is free")
        };
        line
    }
}
