//! The small world in which the suite plays: a shop is a stock beside a ledger of a few vectors.
//! It never looks inside a stock: everything goes through the contract.

use rules::{
    Activity, ActivityNo, Claim, Epoch, Event, EventKind, EventNo, Item, JoinNo, KeyHash, Money,
    OrderState, OrderStep, Part, Refusal, Seq, Supply, TicketType, TimeMs, TypeNo, UnitKind,
    UserNo, Validity, Window,
};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};
use stock::{
    ActivityCounts, ActivitySetup, Answer, ClaimAsk, Conflict, Decision, Due, InLine,
    LINES_READ_MAX, Load, Place, Recorded, Stock, StockFault, Summary, TypeSetup,
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
/// How long a claim is held here.
pub const PAY_MS: u64 = 5000;
/// How long an offer is.
pub const OFFER_MS: u64 = 3000;
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
        standby: true,
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
        line: Vec::new(),
    }
}

/// The same, at a price: held for `PAY_MS`, offered for `OFFER_MS`.
pub fn priced(types: &[(u32, u32)]) -> ActivitySetup {
    let mut setup = setup(types);
    let price = Money::parse("9.90", "CNY").unwrap();
    setup.activity.types.iter_mut().for_each(|kind| kind.price = price.clone());
    setup
}

/// The same, with codes.
pub fn codes(mut setup: ActivitySetup) -> ActivitySetup {
    setup.activity.types.iter_mut().for_each(|kind| kind.kind = UnitKind::Codes);
    setup
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
        pay_within_s: (PAY_MS / 1000) as u32,
        offer_within_s: (OFFER_MS / 1000) as u32,
        validity: Validity { from: TimeMs(0), until: None },
    }
}

/// One unit of a type.
pub fn one(ticket_type: TypeNo) -> &'static [Item] {
    const fn of(number: u16) -> [Item; 1] {
        [Item { ticket_type: TypeNo(number), count: 1 }]
    }
    static ONES: [[Item; 1]; 3] = [of(0), of(1), of(2)];
    static LAST: [Item; 1] = of(u16::MAX);
    ONES.get(usize::from(ticket_type.0)).unwrap_or(&LAST)
}

/// The user's request for a seat at the first moment, without a key.
pub fn ask(user: u32) -> ClaimAsk<'static> {
    let (user, now) = (UserNo(user), TimeMs(OPENS));
    ClaimAsk { activity: ONE, items: one(SEAT), user, late: false, key: None, now }
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
    /// Durable lines, in the order of seq.
    pub claims: Vec<Claim>,
    /// The orders to which something has happened.
    pub states: BTreeMap<Seq, OrderState>,
    /// Recorded parts.
    pub parts: Vec<Part>,
}

impl Disk {
    /// Nothing but the definition.
    pub fn new(setup: ActivitySetup) -> Self {
        Self { setup, claims: Vec::new(), states: BTreeMap::new(), parts: Vec::new() }
    }

    /// How a line's order stands.
    pub fn state(&self, claim: &Claim) -> OrderState {
        self.states.get(&claim.order().seq).copied().unwrap_or(claim.first_state())
    }

    /// Until when a line's order is to be paid, while it is held.
    pub fn pay_by(&self, claim: &Claim) -> Option<TimeMs> {
        let lines = self.claims.iter().filter(|line| line.order() == claim.order());
        let kinds = lines.map(|line| line.ticket_type);
        let offered = claim.offer.is_some();
        let held = self.state(claim) == OrderState::Held;
        held.then(|| self.setup.activity.pay_by(kinds, offered, claim.decided_at))
    }

    /// Whether the ledger sees the user waiting: they joined, have not left, and no offer of theirs is written.
    pub fn waits(&self, ticket_type: TypeNo, user: UserNo) -> bool {
        let offered = |join| self.claims.iter().any(|claim| claim.offer == Some(join));
        let mut line = self.setup.line.iter();
        line.any(|(join, kind, who)| (*kind, *who) == (ticket_type, user) && !offered(*join))
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
            EventKind::Order { order, step } => {
                let claim = self.claims.iter().find(|claim| claim.seq == *order);
                let claim = claim.expect("an event is about an order that is written");
                let next = self.state(claim).after(*step).expect("the ledger knows the table");
                self.states.insert(*order, next);
            }
            EventKind::LinedUp { ticket_type, user } => {
                setup.line.push((JoinNo(event.no), *ticket_type, *user));
            }
            EventKind::LeftLine { join, .. } => setup.line.retain(|one| one.0 != *join),
            EventKind::Payment { .. } => {}
        }
    }
}

/// Loads a stock from what is on disk, at no particular moment.
pub fn load(stock: &dyn Stock, epoch: Epoch, disks: &[Disk]) {
    load_at(stock, epoch, TimeMs(0), disks);
}

/// Loads a stock from what is on disk.
pub fn load_at(stock: &dyn Stock, epoch: Epoch, now: TimeMs, disks: &[Disk]) {
    let mut load = stock.load(epoch);
    load.at(now);
    disks.iter().for_each(|disk| add(&mut *load, disk));
    load.finish();
}

fn add(load: &mut dyn Load, disk: &Disk) {
    load.activity(disk.setup.clone()).expect("the disk is sound");
    for claim in &disk.claims {
        let (state, pay_by) = (disk.state(claim), disk.pay_by(claim));
        load.claim(*claim, state, pay_by).expect("the disk is sound");
    }
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
    pub fn claim(&self, ask: ClaimAsk<'_>) -> Result<Decision, StockFault> {
        let decision = wait(self.stock.claim(&ask));
        self.balanced();
        decision
    }

    /// A claim that has to be accepted: the first line of its order, as it stands.
    pub fn order(&self, ask: ClaimAsk<'_>) -> Recorded {
        match self.claim(ask) {
            Ok(Decision::Accepted(line)) => line,
            other => panic!("{ask:?} was not accepted: {other:?}"),
        }
    }

    /// A claim that has to be accepted.
    pub fn win(&self, ask: ClaimAsk<'_>) -> (Claim, Place) {
        let Recorded { claim, place, .. } = self.order(ask);
        (claim, place)
    }

    /// A claim that has to be found by its key.
    pub fn known(&self, ask: ClaimAsk<'_>) -> (Claim, Place) {
        match self.claim(ask) {
            Ok(Decision::Known(Recorded { claim, place, .. })) => (claim, place),
            other => panic!("{ask:?} was not known: {other:?}"),
        }
    }

    /// A claim that has to be refused: the refusal, its grounds and the user's live lines.
    pub fn no(&self, ask: ClaimAsk<'_>) -> (Refusal, Place, Vec<Claim>) {
        match self.claim(ask) {
            Ok(Decision::Refused { refusal, grounds, had, retry_at }) => {
                assert_eq!(retry_at.is_some(), refusal == Refusal::HeldByOthers);
                (refusal, grounds, had.iter().map(|line| line.claim).collect())
            }
            other => panic!("{ask:?} was not refused: {other:?}"),
        }
    }

    /// A claim that has to be refused because others have not paid yet: when to come again.
    pub fn held_by_others(&self, ask: ClaimAsk<'_>) -> TimeMs {
        match self.claim(ask) {
            Ok(Decision::Refused {
                refusal: Refusal::HeldByOthers,
                grounds: Place::DURABLE,
                retry_at: Some(retry_at),
                ..
            }) => retry_at,
            other => panic!("{ask:?} was not held by others: {other:?}"),
        }
    }

    /// A step of an order of activity 1, written and applied.
    pub fn step(&self, order: Seq, step: OrderStep) -> Event {
        self.event(EventKind::Order { order, step })
    }

    /// A step of an order that has to be impossible: nothing changes.
    pub fn impossible(&self, order: Seq, step: OrderStep) {
        let before = self.counts();
        let event = self.next_event(EventKind::Order { order, step });
        let no = rules::OrderNo { activity: ONE, seq: order };
        assert_eq!(self.stock.apply(&event), Err(Conflict::Step(no)), "{step:?}");
        assert_eq!(self.counts(), before);
    }

    /// Somebody lines up for a seat of activity 1.
    pub fn line_up(&self, user: u32) -> JoinNo {
        let (ticket_type, user) = (SEAT, UserNo(user));
        JoinNo(self.event(EventKind::LinedUp { ticket_type, user }).no)
    }

    /// Somebody leaves the line for seats.
    pub fn leave_line(&self, user: u32, join: JoinNo) {
        let (ticket_type, user) = (SEAT, UserNo(user));
        self.event(EventKind::LeftLine { ticket_type, user, join });
    }

    /// Somebody's place in the line for seats.
    pub fn in_line(&self, user: u32) -> Option<InLine> {
        self.stock.in_line(ONE, SEAT, UserNo(user))
    }

    /// A user's lines in an activity, newest first: all of them, page by page.
    pub fn lines_of(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        let mut lines: Vec<Recorded> = Vec::new();
        loop {
            let before = lines.last().map(|line| line.claim.seq);
            let page = self.stock.claims_of(activity, user, before, LINES_READ_MAX);
            if page.is_empty() {
                return lines;
            }
            lines.extend(page);
        }
    }

    /// The orders that are due at this moment, all of them.
    pub fn due(&self, by: u64) -> Vec<Due> {
        let mut due = Vec::new();
        self.stock.due(TimeMs(by), &mut due, usize::MAX);
        self.balanced();
        due
    }

    /// Held units of unpaid orders, and people in line, of a type of activity 1.
    pub fn unpaid_and_waiting(&self, ticket_type: TypeNo) -> (u32, u32) {
        let counts = self.counts().types[usize::from(ticket_type.0)];
        (counts.unpaid, counts.waiting)
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
        self.event_at(OPENS, kind)
    }

    /// Writes an event of activity 1 at this moment and applies it.
    pub fn event_at(&self, at: u64, kind: EventKind) -> Event {
        let event = Event { at: TimeMs(at), ..self.next_event(kind) };
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
