//! The small world in which the suite plays: a shop is a stock beside a ledger of a few vectors.
//! It never looks inside a stock: everything goes through the contract.

use rules::{
    Activity, ActivityNo, Claim, Epoch, Event, EventKind, EventNo, KeyHash, Money, Part, Refusal,
    Supply, TicketType, TimeMs, TypeNo, UnitKind, UserNo, Validity, Window,
};
use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};
use stock::{
    ActivityCounts, ActivitySetup, Answer, ClaimAsk, Decision, Load, Place, Stock, StockFault,
    Summary, TypeSetup,
};

/// Makes an empty stock of the implementation under test.
pub type New<'a> = &'a dyn Fn() -> Box<dyn Stock>;

/// Bounds of the queues a stock is made with.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Claims decided and not durable.
    pub claims: u64,
    /// Parts not recorded.
    pub parts: usize,
}

impl Room {
    /// More than any test here fills.
    pub const WIDE: Self = Self { claims: 100_000, parts: 100_000 };
    /// Soon full.
    pub const NARROW: Self = Self { claims: 4, parts: 3 };
}

/// When the sales here open, in milliseconds.
pub const OPENS: u64 = 1_000_000;
/// When they end; near enough for every second between to count in the same span.
pub const ENDS: u64 = OPENS + 15_000;
/// The activity of tests that need one.
pub const ONE: ActivityNo = ActivityNo(1);
/// Another.
pub const TWO: ActivityNo = ActivityNo(2);
/// The first type.
pub const SEAT: TypeNo = TypeNo(0);
/// The second.
pub const BOX: TypeNo = TypeNo(1);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer, whether it is there at once or has to travel.
pub fn wait<T>(answer: Answer<T>) -> T {
    let mut answer = pin!(answer.get());
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(value) = answer.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}

/// Activity 1 with a type for each pair of units made and limit per user.
pub fn setup(types: &[(u32, u32)]) -> ActivitySetup {
    let window = Window::new(TimeMs(OPENS), TimeMs(ENDS)).unwrap();
    let activity = Activity {
        id: "sale".into(),
        name: "Sale".into(),
        desc: String::new(),
        image: String::new(),
        window,
        limit_per_user: None,
        has_roster: false,
        types: types.iter().enumerate().map(|(index, (_, limit))| kind(index, *limit)).collect(),
    };
    let types = types.iter().map(|(made, _)| TypeSetup { made: *made, void: Vec::new() });
    ActivitySetup {
        no: ONE,
        activity,
        through: EventNo(0),
        closed: false,
        paused: false,
        types: types.collect(),
        roster: Vec::new(),
    }
}

fn kind(index: usize, limit_per_user: u32) -> TicketType {
    TicketType {
        id: format!("type-{index}"),
        name: "Ticket".into(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse("0", "CNY").unwrap(),
        limit_per_user,
        kind: UnitKind::Plain,
        window: None,
        pay_within_s: 900,
        validity: Validity { from: TimeMs(0), until: None },
    }
}

/// The user's request for a seat at the first moment, without a key.
pub fn ask(user: u32) -> ClaimAsk {
    ClaimAsk { activity: ONE, ticket_type: SEAT, user: UserNo(user), key: None, now: TimeMs(OPENS) }
}

/// The key with this number.
pub fn key(number: u128) -> Option<KeyHash> {
    Some(KeyHash::from_bytes(number.to_be_bytes()))
}

/// What a ledger would have of an activity.
#[derive(Clone)]
pub struct Disk {
    /// The definition, units and state.
    pub setup: ActivitySetup,
    /// Durable claims, in the order of seq.
    pub claims: Vec<Claim>,
    /// Recorded parts.
    pub parts: Vec<Part>,
}

impl Disk {
    /// Nothing but the definition.
    pub fn new(setup: ActivitySetup) -> Self {
        Self { setup, claims: Vec::new(), parts: Vec::new() }
    }

    /// Writes an event.
    pub fn write(&mut self, event: &Event) {
        let setup = &mut self.setup;
        setup.through = event.no;
        match &event.kind {
            EventKind::Paused => setup.paused = true,
            EventKind::Resumed => setup.paused = false,
            EventKind::Closed => setup.closed = true,
            EventKind::Changed(activity) => setup.activity = (**activity).clone(),
            EventKind::UnitsAdded { ticket_type, units } => {
                setup.types[usize::from(ticket_type.0)].made = units.end;
            }
            EventKind::UnitsTakenBack { ticket_type, units } => {
                setup.types[usize::from(ticket_type.0)].void.extend(units.iter().cloned());
            }
        }
    }
}

/// Loads a stock from what is on disk.
pub fn load(stock: &dyn Stock, epoch: Epoch, disks: &[Disk]) {
    let mut load = stock.load(epoch);
    disks.iter().for_each(|disk| add(&mut *load, disk));
    load.finish();
}

fn add(load: &mut dyn Load, disk: &Disk) {
    load.activity(disk.setup.clone()).expect("the disk is sound");
    disk.claims.iter().for_each(|claim| load.claim(*claim).expect("the disk is sound"));
    disk.parts.iter().for_each(|part| load.part(part));
}

/// A stock and its ledger.
pub struct Shop {
    /// The stock under test.
    pub stock: Box<dyn Stock>,
    /// What is durable; activity n at place n - 1.
    pub disks: Mutex<Vec<Disk>>,
    epoch: Mutex<Epoch>,
    last_event: Mutex<EventNo>,
}

impl Shop {
    /// A shop loaded under epoch 1 with these activities, numbered 1, 2, ….
    pub fn open(new: New, setups: &[ActivitySetup]) -> Self {
        let disks = setups.iter().cloned().map(Disk::new).collect();
        let shop = Self {
            stock: new(),
            disks: Mutex::new(disks),
            epoch: Mutex::new(Epoch(0)),
            last_event: Mutex::new(EventNo(0)),
        };
        shop.recover();
        shop
    }

    /// Loads the stock from the ledger under the next epoch.
    pub fn recover(&self) -> Epoch {
        let mut epoch = self.epoch.lock().unwrap();
        epoch.0 += 1;
        load(&*self.stock, *epoch, &self.disks.lock().unwrap());
        *epoch
    }

    /// Puts a claim to the stock. S1 holds afterwards.
    pub fn claim(&self, ask: ClaimAsk) -> Result<Decision, StockFault> {
        let decision = wait(self.stock.claim(&ask));
        self.balanced();
        decision
    }

    /// A claim that has to be accepted.
    pub fn win(&self, ask: ClaimAsk) -> (Claim, Place) {
        match self.claim(ask) {
            Ok(Decision::Accepted { claim, place }) => (claim, place),
            other => panic!("{ask:?} was not accepted: {other:?}"),
        }
    }

    /// A claim that has to be found by its key.
    pub fn known(&self, ask: ClaimAsk) -> (Claim, Place) {
        match self.claim(ask) {
            Ok(Decision::Known { claim, place }) => (claim, place),
            other => panic!("{ask:?} was not known: {other:?}"),
        }
    }

    /// A claim that has to be refused: the refusal, its grounds and the user's claims.
    pub fn no(&self, ask: ClaimAsk) -> (Refusal, Place, Vec<Claim>) {
        match self.claim(ask) {
            Ok(Decision::Refused { refusal, grounds, had }) => (refusal, grounds, had),
            other => panic!("{ask:?} was not refused: {other:?}"),
        }
    }

    /// Takes what waits for the ledger, without waiting for more.
    pub fn drain(&self) -> (Vec<Claim>, Place) {
        let mut claims = Vec::new();
        let through = self.stock.take_pending(&mut claims, 0);
        (claims, through)
    }

    /// Writes these claims and tells the stock.
    pub fn write(&self, claims: &[Claim], through: Place) {
        let mut disks = self.disks.lock().unwrap();
        for claim in claims {
            disks[claim.activity.0 as usize - 1].claims.push(*claim);
        }
        drop(disks);
        self.stock.confirm(claims, through);
        self.balanced();
    }

    /// Makes everything decided durable; how many claims that were.
    pub fn commit(&self) -> usize {
        let (claims, through) = self.drain();
        self.write(&claims, through);
        claims.len()
    }

    /// Records everyone's part.
    pub fn record_parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        self.stock.take_parts(&mut parts, usize::MAX);
        let mut disks = self.disks.lock().unwrap();
        parts.iter().for_each(|part| disks[part.activity.0 as usize - 1].parts.push(*part));
        parts
    }

    /// Writes an event of activity 1 and applies it.
    pub fn event(&self, kind: EventKind) -> Event {
        let event = self.next_event(kind);
        self.disks.lock().unwrap()[0].write(&event);
        self.stock.apply(&event).expect("the event is sound");
        self.balanced();
        event
    }

    /// The event that would come next, neither written nor applied.
    pub fn next_event(&self, kind: EventKind) -> Event {
        let mut last = self.last_event.lock().unwrap();
        last.0 += 1;
        Event { no: *last, activity: ONE, at: TimeMs(OPENS), kind }
    }

    /// The counts of activity 1 as the last millisecond ends.
    pub fn counts(&self) -> ActivityCounts {
        self.stock.counts(ONE, TimeMs(ENDS)).expect("activity 1 is loaded")
    }

    /// Available, held and sold units of a type of activity 1.
    pub fn supply(&self, ticket_type: TypeNo) -> (u32, u32, u32) {
        let Supply { available, held, sold, .. } =
            self.counts().types[usize::from(ticket_type.0)].supply;
        (available, held, sold)
    }

    /// S1: total = available + held + sold, for every type.
    pub fn balanced(&self) {
        for disk in self.disks.lock().unwrap().iter() {
            let Some(counts) = self.stock.counts(disk.setup.no, TimeMs(ENDS)) else { continue };
            assert!(counts.types.iter().all(|one| one.supply.balances()), "S1: {counts:?}");
            let summary = self.stock.summary(disk.setup.no).expect("it is loaded");
            let Summary { supply, closed, paused } = summary;
            assert_eq!((supply, closed, paused), (counts.supply(), counts.closed, counts.paused));
        }
    }
}
