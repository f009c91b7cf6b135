//! One random plan drives the model and the stock, and after every step both say the same.
//! A failing seed joins the list beside this file.

mod model;

use super::world::{BOX, ENDS, New, ONE, OPENS, Room, SEAT, TWO, key, load_at, setup, wait};
use model::{Asked, Expected, Model};
use proptest::{
    prelude::*,
    test_runner::{FailurePersistence, FileFailurePersistence, TestRunner},
};
use rules::{
    ActivityNo, BASKET_UNITS_MAX, Claim, ClaimNo, ENDED_LINES_MAX, Epoch, Event, EventKind,
    EventNo, Item, JoinNo, Money, OrderNo, OrderState, OrderStep, Seq, TimeMs, TypeNo, UnitKind,
    UnitNo, UserNo, Window,
};
use std::ops::Range;
use stock::{
    ActivitySetup, ClaimAsk, Conflict, Decision, LINES_READ_MAX, Place, Stock, StockFault,
};

const STEPS_MAX: usize = 120;
const USERS: u32 = 6;
const CASES: u32 = 400;
/// Where the model has a thousand lines to look through.
const LONG_CASES: u32 = 50;
/// Seeds that failed once; they run first.
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/comparison.seeds");

#[derive(Clone, Debug)]
enum Step {
    Claim(Asked),
    Drain,
    /// So many of those handed over become durable.
    Confirm(usize),
    /// One of those handed over is withdrawn.
    Withdraw(usize),
    Paused(ActivityNo),
    Resumed(ActivityNo),
    Closed(ActivityNo),
    Added(ActivityNo, TypeNo, u32),
    /// An event that was applied long ago is told again, as something else.
    OldEvent(ActivityNo),
    TakeBack(ActivityNo, TypeNo, u32),
    /// The oldest take-back that is open is written, or undone.
    EndTakeBack(bool),
    TakeParts(usize),
    /// A step of some order, possible or not: of the n-th line that was decided.
    Order(ActivityNo, u32, OrderStep),
    LineUp(ActivityNo, TypeNo, UserNo),
    LeaveLine(ActivityNo, TypeNo, UserNo),
    /// What is due so many milliseconds after the opening; the first of it expires.
    Due(u64),
    Freeze,
    /// So many milliseconds after the opening.
    Load(u64),
}

fn asks() -> impl Strategy<Value = Asked> {
    let now = prop_oneof![
        160 => OPENS + 1000..OPENS + 11_000,
        20 => prop::sample::select(vec![OPENS - 1, OPENS]),
        // Time does not go back: after the end there is nothing left to compare but refusals.
        1 => prop::sample::select(vec![ENDS - 1, ENDS]),
    ];
    let item = |ticket_type, count| Item { ticket_type: TypeNo(ticket_type), count };
    // The third type exists nowhere; the second has a window of its own.
    let items = prop_oneof![
        8 => Just(vec![item(0, 1)]),
        4 => Just(vec![item(1, 1)]),
        2 => (1..4u8).prop_map(move |count| vec![item(0, count)]),
        2 => (1..3u8, 1..3u8).prop_map(move |(one, other)| vec![item(1, one), item(0, other)]),
        1 => prop::sample::select(vec![vec![item(2, 1)], vec![item(0, 1), item(2, 1)]]),
    ];
    let late = prop::bool::weighted(0.1);
    (1..=2u32, items, 1..=USERS, 0..4u128, now, late).prop_map(
        |(activity, items, user, number, now, late)| Asked {
            activity: ActivityNo(activity),
            items,
            user: UserNo(user),
            late,
            key: key(number).filter(|_| number > 0),
            now: TimeMs(now),
        },
    )
}

fn orders() -> impl Strategy<Value = Step> {
    let act = || (1..=2u32).prop_map(ActivityNo);
    let kind = || (0..2u16).prop_map(TypeNo);
    let user = || (1..=USERS).prop_map(UserNo);
    let step = prop::sample::select(OrderStep::ALL.to_vec());
    prop_oneof![
        6 => (act(), 0..24u32, step).prop_map(|(act, nth, step)| Step::Order(act, nth, step)),
        5 => (act(), kind(), user()).prop_map(|(act, kind, user)| Step::LineUp(act, kind, user)),
        2 => (act(), kind(), user()).prop_map(|(act, kind, user)| Step::LeaveLine(act, kind, user)),
        2 => (0..15_000u64).prop_map(Step::Due),
    ]
}

fn step(withdrawals: bool) -> BoxedStrategy<Step> {
    let act = || (1..=2u32).prop_map(ActivityNo);
    let kind = || (0..2u16).prop_map(TypeNo);
    let common = prop_oneof![
        24 => asks().prop_map(Step::Claim),
        4 => Just(Step::Drain),
        6 => (0..8usize).prop_map(Step::Confirm),
        14 => orders(),
        2 => act().prop_map(Step::Paused),
        3 => act().prop_map(Step::Resumed),
        2 => (act(), kind(), 0..4u32).prop_map(|(act, kind, n)| Step::Added(act, kind, n)),
        1 => act().prop_map(Step::OldEvent),
        2 => (act(), kind(), 0..4u32).prop_map(|(act, kind, n)| Step::TakeBack(act, kind, n)),
        2 => any::<bool>().prop_map(Step::EndTakeBack),
        3 => (0..5usize).prop_map(Step::TakeParts),
    ];
    let rare = if withdrawals {
        (0..8usize).prop_map(Step::Withdraw).boxed()
    } else {
        let closed = act().prop_map(Step::Closed);
        let load = (0..12_000u64).prop_map(Step::Load);
        prop_oneof![1 => closed, 3 => Just(Step::Freeze), 6 => load].boxed()
    };
    prop_oneof![9 => common, 1 => rare].boxed()
}

/// Each kind of unit once for nothing and once at a price.
fn setups() -> [ActivitySetup; 2] {
    let price = Money::parse("9.90", "CNY").unwrap();
    let mut first = setup(&[(6, 2), (3, 3)]);
    first.activity.limit_per_user = Some(4);
    first.activity.types[0].price = price.clone();
    first.activity.types[1].kind = UnitKind::Codes;
    first.activity.types[1].window =
        Some(Window::new(TimeMs(OPENS + 1500), TimeMs(ENDS - 6000)).unwrap());
    let mut second = ActivitySetup { no: TWO, ..setup(&[(4, 1), (0, 2)]) };
    second.types[0].void.push(1..2);
    second.activity.types[0].price = price;
    second.activity.types[0].kind = UnitKind::Codes;
    second.activity.has_roster = true;
    second.roster = (2..=USERS).map(UserNo).collect();
    [first, second]
}

struct Comparison {
    stock: Box<dyn Stock>,
    model: Model,
    epoch: Epoch,
    last_event: EventNo,
    last_place: Place,
    /// Handed over, with their places, and not durable.
    taken: Vec<(Claim, Place)>,
    /// Take-backs neither written nor undone.
    aside: Vec<Aside>,
    /// Lines of activity 1 that were written before everything else.
    before: u32,
}

struct Aside {
    activity: ActivityNo,
    ticket_type: TypeNo,
    units: Box<[Range<u32>]>,
    loaded_since: bool,
}

impl Comparison {
    fn new(new: New, room: Room, before: u32) -> Self {
        let stock = new();
        let mut disks: Vec<_> = setups().into_iter().map(super::world::Disk::new).collect();
        expired(&mut disks[0], UserNo(USERS), before);
        load_at(&*stock, Epoch(1), TimeMs(0), &disks);
        Self {
            stock,
            model: Model::load(room, Epoch(1), disks),
            epoch: Epoch(1),
            last_event: EventNo(0),
            last_place: Place::DURABLE,
            taken: Vec::new(),
            aside: Vec::new(),
            before,
        }
    }

    /// The n-th line of an activity, counted from where the plan begins.
    fn nth(&self, activity: ActivityNo, nth: u32) -> Seq {
        Seq(if activity == ONE { self.before + nth } else { nth })
    }

    fn run(&mut self, step: &Step) {
        let summaries = |stock: &dyn Stock| [ONE, TWO].map(|activity| stock.summary(activity));
        let (before, changes) = (summaries(&*self.stock), self.stock.changes());
        self.take(step);
        self.learn();
        let known = self.stock.changes() != changes || summaries(&*self.stock) == before;
        assert!(known, "a summary changed under the same number");
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Claim(ask) => self.claim(ask),
            Step::Drain => self.drain(),
            Step::Confirm(count) => self.confirm(*count),
            Step::Withdraw(index) => self.withdraw(*index),
            Step::Paused(activity) => self.event(*activity, EventKind::Paused),
            Step::Resumed(activity) => self.event(*activity, EventKind::Resumed),
            Step::Closed(activity) => self.event(*activity, EventKind::Closed),
            Step::Added(activity, ticket_type, count) => {
                let made = self.model.made(*activity, *ticket_type);
                let (ticket_type, units) = (*ticket_type, made..made + count);
                self.event(*activity, EventKind::UnitsAdded { ticket_type, units });
            }
            Step::OldEvent(activity) => self.old_event(*activity),
            Step::TakeBack(activity, ticket_type, count) => {
                self.take_back(*activity, *ticket_type, *count);
            }
            Step::EndTakeBack(written) => self.end_take_back(*written),
            Step::TakeParts(most) => {
                let mut parts = Vec::new();
                self.stock.take_parts(&mut parts, *most);
                assert_eq!(parts, self.model.take_parts(*most));
            }
            Step::Freeze => {
                self.stock.freeze();
                self.model.freeze();
            }
            Step::Order(activity, nth, step) => self.order(*activity, *nth, *step),
            Step::LineUp(activity, ticket_type, user) => {
                self.line_up(*activity, *ticket_type, *user);
            }
            Step::LeaveLine(activity, ticket_type, user) => {
                self.leave_line(*activity, *ticket_type, *user);
            }
            Step::Due(ms) => self.due(TimeMs(OPENS + ms)),
            Step::Load(ms) => self.load(TimeMs(OPENS + ms)),
        }
    }

    /// Asks the stock where the lines stand that the model has decided: there, as decided, and behind all others.
    fn learn(&mut self) {
        let mut news = self.model.news();
        let found = |claim: &Claim| self.stock.claim_at(claim.activity, claim.seq);
        for (claim, place) in &mut news {
            let recorded = found(claim).unwrap_or_else(|| panic!("{claim:?} was not decided"));
            assert_eq!(recorded.claim, *claim);
            assert!(recorded.place > self.last_place, "places rise");
            **place = Some(recorded.place);
        }
        let last = news.iter().filter_map(|(_, place)| **place).max();
        self.last_place = last.unwrap_or(self.last_place);
    }

    fn claim(&mut self, ask: &Asked) {
        let Asked { activity, user, late, key, now, .. } = *ask;
        let put = ClaimAsk { activity, items: &ask.items, user, late, key, now };
        let decided = wait(self.stock.claim(&put));
        self.model.arrive(ask);
        self.learn();
        let expected = self.model.claim(ask);
        self.learn();
        let seen = match decided {
            Ok(Decision::Accepted(line)) => {
                assert_eq!(self.model.claim_at(activity, line.claim.seq), Some(line));
                Expected::Accepted(line.claim)
            }
            Ok(Decision::Known(line)) => Expected::Known(line),
            Ok(Decision::Refused { refusal, grounds, had, retry_at }) => {
                Expected::Refused(refusal, grounds, had, retry_at)
            }
            Err(StockFault::Unknown) => Expected::Unknown,
            Err(StockFault::Frozen) => Expected::Frozen,
            Err(StockFault::Full) => Expected::Full,
        };
        assert_eq!(seen, expected);
    }

    fn drain(&mut self) {
        let mut claims = Vec::new();
        let through = self.stock.take_pending(&mut claims, 0);
        for claim in &claims {
            let recorded = self.model.claim_at(claim.activity, claim.seq).expect("it is decided");
            assert_eq!(recorded.claim, *claim);
            let in_order = |(before, place): &(Claim, Place)| {
                let together = before.order() == claim.order() && before.line + 1 == claim.line;
                if claim.line > 0 { together } else { *place < recorded.place }
            };
            assert!(self.taken.last().is_none_or(in_order), "S4: {claim:?}");
            self.taken.push((*claim, recorded.place));
        }
        let last = self.taken.last().filter(|_| !claims.is_empty());
        assert_eq!(through, last.map_or(Place::DURABLE, |(_, place)| *place));
    }

    /// Orders become durable whole.
    fn confirm(&mut self, count: usize) {
        let orders = self.taken.chunk_by(|(one, _), (next, _)| one.order() == next.order());
        let count: usize = orders.take(count).map(<[_]>::len).sum();
        let done: Vec<_> = self.taken.drain(..count).collect();
        let claims: Vec<Claim> = done.iter().map(|(claim, _)| *claim).collect();
        let through = done.last().map_or(Place::DURABLE, |(_, place)| *place);
        self.stock.confirm(&claims, through);
        self.model.confirm(&claims);
    }

    fn withdraw(&mut self, index: usize) {
        let Some((claim, _)) = self.taken.get(index).copied() else { return };
        let withdrawn = self.stock.withdraw(&claim);
        assert_eq!(withdrawn, self.model.withdraw(&claim));
        if withdrawn {
            self.taken.retain(|(line, _)| line.order() != claim.order());
            assert!(!self.stock.withdraw(&claim), "once");
        }
    }

    fn event(&mut self, activity: ActivityNo, kind: EventKind) {
        self.last_event.0 += 1;
        let at = TimeMs(OPENS + self.last_event.0 % 40 * 100);
        let event = Event { no: self.last_event, activity, at, kind };
        assert_eq!(self.stock.apply(&event), Ok(()));
        self.model.apply(&event);
    }

    fn order(&mut self, activity: ActivityNo, nth: u32, step: OrderStep) {
        let (no, order) = (EventNo(self.last_event.0 + 1), self.nth(activity, nth));
        let kind = EventKind::Order { order, step };
        let event = Event { no, activity, at: TimeMs(OPENS), kind };
        if self.model.possible(&event) {
            self.event(activity, event.kind);
        } else {
            let conflict = Conflict::Step(OrderNo { activity, seq: order });
            assert_eq!(self.stock.apply(&event), Err(conflict));
        }
    }

    /// Whom the ledger sees waiting does not line up again.
    fn line_up(&mut self, activity: ActivityNo, ticket_type: TypeNo, user: UserNo) {
        if !self.model.disks()[activity.0 as usize - 1].waits(ticket_type, user) {
            self.event(activity, EventKind::LinedUp { ticket_type, user });
        }
    }

    /// Whom the ledger sees waiting may leave, even if the stock has made them an offer.
    fn leave_line(&mut self, activity: ActivityNo, ticket_type: TypeNo, user: UserNo) {
        let disk = &self.model.disks()[activity.0 as usize - 1];
        let mine = |one: &&(JoinNo, TypeNo, UserNo)| (one.1, one.2) == (ticket_type, user);
        let newest = disk.setup.line.iter().rfind(mine).filter(|_| disk.waits(ticket_type, user));
        if let Some((join, ..)) = newest {
            let join = *join;
            self.event(activity, EventKind::LeftLine { ticket_type, user, join });
        }
    }

    /// What is due is found, whatever is asked for at once; the earliest expires.
    fn due(&mut self, by: TimeMs) {
        let mut due = Vec::new();
        self.stock.due(by, &mut due, usize::MAX);
        let mut expected = self.model.due(by);
        let of = |activity| due.iter().filter(move |one| one.order.activity == activity);
        assert!([ONE, TWO].iter().all(|no| of(*no).is_sorted_by_key(|one| one.pay_by)));
        let first = due.first().copied();
        due.sort_by_key(|one| one.order);
        expected.sort_by_key(|one| one.order);
        assert_eq!(due, expected);
        let mut some = Vec::new();
        self.stock.due(by, &mut some, 2);
        assert_eq!(some.len(), due.len().min(2));
        self.learn();
        if let Some(one) = first {
            let (order, step) = (one.order.seq, OrderStep::Expire);
            self.event(one.order.activity, EventKind::Order { order, step });
        }
    }

    fn old_event(&mut self, activity: ActivityNo) {
        let through = self.model.disks()[activity.0 as usize - 1].setup.through;
        let event = Event { no: through, activity, at: TimeMs(OPENS), kind: EventKind::Closed };
        assert_eq!(self.stock.apply(&event), Ok(()));
    }

    fn take_back(&mut self, activity: ActivityNo, ticket_type: TypeNo, count: u32) {
        let taken = self.stock.take_back(activity, ticket_type, count);
        let units = taken.clone().map(|units| units.iter().cloned().flat_map(Range::rev).collect());
        assert_eq!(units, self.model.take_back(activity, ticket_type, count));
        if let Ok(units) = taken {
            self.aside.push(Aside { activity, ticket_type, units, loaded_since: false });
        }
    }

    fn end_take_back(&mut self, written: bool) {
        if self.aside.is_empty() {
            return;
        }
        let Aside { activity, ticket_type, units, loaded_since } = self.aside.remove(0);
        if loaded_since {
            // The load has ended it. Units that are set aside anew under the same numbers are another's.
            if self.aside.is_empty() {
                self.stock.undo_take_back(activity, ticket_type, &units);
                self.model.offer(activity);
            }
        } else if written {
            self.event(activity, EventKind::UnitsTakenBack { ticket_type, units });
        } else {
            self.stock.undo_take_back(activity, ticket_type, &units);
            self.model.undo(activity, ticket_type, &units);
        }
    }

    fn load(&mut self, now: TimeMs) {
        assert!(!self.model.has_gap(), "plans with loads withdraw nothing");
        self.epoch.0 += 1;
        let disks = self.model.disks();
        load_at(&*self.stock, self.epoch, now, &disks);
        self.model = self.model.reload(self.epoch, now, disks);
        self.taken.clear();
        self.aside.iter_mut().for_each(|aside| aside.loaded_since = true);
    }

    fn compare(&mut self) {
        let now = TimeMs(OPENS + 11_000);
        for activity in [ONE, TWO] {
            let counts = self.stock.counts(activity, now).expect("it is loaded");
            assert!(
                [SEAT, BOX]
                    .iter()
                    .all(|kind| { counts.types[usize::from(kind.0)].supply.balances() })
            );
            assert_eq!(counts, self.model.counts(activity, now));
            for user in (0..=USERS + 1).map(UserNo) {
                self.compare_lines_of(activity, user);
                let joined = self.model.joined(activity, user);
                assert_eq!(self.stock.joined(activity, user), joined);
            }
            for nth in 0..60 {
                let seq = self.nth(activity, nth);
                let claim = self.model.claim_at(activity, seq);
                assert_eq!(self.stock.claim_at(activity, seq), claim);
                let order = self.model.order(activity, seq);
                assert_eq!(self.stock.order(OrderNo { activity, seq }), order);
            }
            self.compare_lines(activity);
        }
        assert_eq!(self.stock.any_unpaid(), self.model.any_unpaid());
        if !self.model.has_gap() {
            assert_eq!(self.stock.pending(), self.model.pending());
        }
    }

    /// Whatever may be asked about somebody's lines, in pages of two.
    fn compare_lines_of(&mut self, activity: ActivityNo, user: UserNo) {
        let claims = self.model.claims_of(activity, user);
        let newest = self.stock.claims_of(activity, user, None, LINES_READ_MAX);
        assert_eq!(newest, claims[..claims.len().min(LINES_READ_MAX)]);
        for nth in 0..9 {
            let before = self.nth(activity, nth * nth);
            let earlier = claims.iter().filter(|one| one.claim.seq < before).take(2);
            let page = self.stock.claims_of(activity, user, Some(before), 2);
            assert_eq!(page, earlier.copied().collect::<Vec<_>>(), "before {before:?}");
        }
        let live = self.model.live_of(activity, user);
        assert_eq!(self.stock.live_of(activity, user), live);
        for ticket_type in [SEAT, BOX] {
            let offer = self.model.offer_of(activity, ticket_type, user);
            assert_eq!(self.stock.offer_of(activity, ticket_type, user), offer);
        }
        for key in (1..4).filter_map(key) {
            let known = self.model.known(activity, user, key);
            assert_eq!(self.stock.known(activity, user, key), known);
        }
    }

    fn compare_lines(&mut self, activity: ActivityNo) {
        for ticket_type in [SEAT, BOX] {
            for user in (1..=USERS).map(UserNo) {
                let place = self.model.in_line(activity, ticket_type, user);
                assert_eq!(self.stock.in_line(activity, ticket_type, user), place);
                let now = TimeMs(OPENS + 5000);
                let may = self.model.may_line_up(activity, ticket_type, user, now);
                assert_eq!(self.stock.may_line_up(activity, ticket_type, user, now), may);
            }
        }
    }
}

/// Writes so many seats that one person held and let go, in orders of a hundred at most.
fn expired(disk: &mut super::world::Disk, user: UserNo, count: u32) {
    for seq in 1..=count {
        let line = ((seq - 1) % u32::from(BASKET_UNITS_MAX)) as u8;
        let lines = (count - (seq - 1 - u32::from(line))).min(BASKET_UNITS_MAX.into()) as u8;
        if line == 0 {
            disk.states.insert(Seq(seq), OrderState::Expired);
        }
        let ordinal = u32::from(line) + 1;
        disk.claims.push(Claim {
            activity: ONE,
            seq: Seq(seq),
            epoch: Epoch(1),
            ticket_type: SEAT,
            unit: UnitNo(0),
            user,
            claim_no: ClaimNo(seq),
            ordinal_in_type: ordinal,
            ordinal_in_activity: ordinal,
            decided_at: TimeMs(OPENS),
            key: None,
            line,
            lines,
            priced: true,
            offer: None,
        });
    }
}

fn compare(new: New, room: Room, withdrawals: bool) {
    compare_after(new, room, withdrawals, 0, CASES);
}

fn compare_after(new: New, room: Room, withdrawals: bool, before: u32, cases: u32) {
    let plans = prop::collection::vec(step(withdrawals), 1..STEPS_MAX);
    let seeds = Box::new(FileFailurePersistence::Direct(SEEDS));
    let failure_persistence: Option<Box<dyn FailurePersistence>> = Some(seeds);
    let default = ProptestConfig::default();
    // A long run asks for more by PROPTEST_CASES, which the default has read.
    let config = ProptestConfig { cases: default.cases.max(cases), failure_persistence, ..default };
    let run = |plan: Vec<Step>| {
        let mut comparison = Comparison::new(new, room, before);
        for step in &plan {
            comparison.run(step);
            comparison.compare();
        }
        Ok(())
    };
    if let Err(failure) = TestRunner::new(config).run(&plans, run) {
        panic!("{failure}");
    }
}

/// Claims, events, take-backs and withdrawals, with room for everything.
pub fn random_plans_with_withdrawals_agree_with_the_model(new: New) {
    compare(new, Room::WIDE, true);
}

/// Claims, events, take-backs, freezes and loads, with little room: run with `Room::NARROW`.
pub fn random_plans_with_loads_agree_with_the_model(new: New) {
    compare(new, Room::NARROW, false);
}

/// The same where somebody has given back nearly as much as one person may.
pub fn random_plans_of_somebody_with_a_long_history_agree_with_the_model(new: New) {
    compare_after(new, Room::WIDE, false, ENDED_LINES_MAX - 2, LONG_CASES);
}
