//! One random plan drives the model and the stock, and after every step both say the same.
//! A failing seed joins the list beside this file.

mod model;

use super::world::{BOX, ENDS, New, ONE, OPENS, Room, SEAT, TWO, ask, key, load, setup, wait};
use model::{Expected, Model};
use proptest::{
    prelude::*,
    test_runner::{FailurePersistence, FileFailurePersistence, TestRunner},
};
use rules::{
    ActivityNo, Claim, Epoch, Event, EventKind, EventNo, Seq, TimeMs, TypeNo, UserNo, Window,
};
use std::ops::Range;
use stock::{ActivitySetup, ClaimAsk, Decision, Place, Stock, StockFault};

const STEPS_MAX: usize = 120;
const USERS: u32 = 6;
const CASES: u32 = 400;
/// Seeds that failed once; they run first.
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/comparison.seeds");

#[derive(Clone, Debug)]
enum Step {
    Claim(ClaimAsk),
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
    Freeze,
    Load,
}

fn asks() -> impl Strategy<Value = ClaimAsk> {
    let now = prop_oneof![
        160 => OPENS + 1000..OPENS + 11_000,
        20 => prop::sample::select(vec![OPENS - 1, OPENS]),
        // Time does not go back: after the end there is nothing left to compare but refusals.
        1 => prop::sample::select(vec![ENDS - 1, ENDS]),
    ];
    // The third type exists nowhere; the second has a window of its own.
    let ticket_type = prop_oneof![8 => 0..1u16, 4 => 1..2u16, 1 => 2..3u16];
    (1..=2u32, ticket_type, 1..=USERS, 0..4u128, now).prop_map(
        |(activity, ticket_type, user, number, now)| ClaimAsk {
            activity: ActivityNo(activity),
            ticket_type: TypeNo(ticket_type),
            key: key(number).filter(|_| number > 0),
            now: TimeMs(now),
            ..ask(user)
        },
    )
}

fn step(withdrawals: bool) -> BoxedStrategy<Step> {
    let act = || (1..=2u32).prop_map(ActivityNo);
    let kind = || (0..2u16).prop_map(TypeNo);
    let common = prop_oneof![
        24 => asks().prop_map(Step::Claim),
        4 => Just(Step::Drain),
        6 => (0..8usize).prop_map(Step::Confirm),
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
        prop_oneof![1 => closed, 3 => Just(Step::Freeze), 6 => Just(Step::Load)].boxed()
    };
    prop_oneof![9 => common, 1 => rare].boxed()
}

fn setups() -> [ActivitySetup; 2] {
    let mut first = setup(&[(6, 2), (3, 3)]);
    first.activity.limit_per_user = Some(4);
    first.activity.types[1].window =
        Some(Window::new(TimeMs(OPENS + 1500), TimeMs(ENDS - 6000)).unwrap());
    let mut second = ActivitySetup { no: TWO, ..setup(&[(4, 1), (0, 2)]) };
    second.types[0].void.push(1..2);
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
}

struct Aside {
    activity: ActivityNo,
    ticket_type: TypeNo,
    units: Box<[Range<u32>]>,
    loaded_since: bool,
}

impl Comparison {
    fn new(new: New, room: Room) -> Self {
        let stock = new();
        let disks: Vec<_> = setups().into_iter().map(super::world::Disk::new).collect();
        load(&*stock, Epoch(1), &disks);
        Self {
            stock,
            model: Model::load(room, Epoch(1), disks),
            epoch: Epoch(1),
            last_event: EventNo(0),
            last_place: Place::DURABLE,
            taken: Vec::new(),
            aside: Vec::new(),
        }
    }

    fn run(&mut self, step: &Step) {
        let summaries = |stock: &dyn Stock| [ONE, TWO].map(|activity| stock.summary(activity));
        let (before, changes) = (summaries(&*self.stock), self.stock.changes());
        self.take(step);
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
            Step::Load => self.load(),
        }
    }

    fn claim(&mut self, ask: &ClaimAsk) {
        let expected = self.model.claim(ask);
        let seen = match wait(self.stock.claim(ask)) {
            Ok(Decision::Accepted { claim, place }) => {
                assert!(place > self.last_place, "places rise");
                self.last_place = place;
                self.model.accepted(claim, place);
                Expected::Accepted(claim)
            }
            Ok(Decision::Known { claim, place }) => Expected::Known(claim, place),
            Ok(Decision::Refused { refusal, grounds, had }) => {
                Expected::Refused(refusal, grounds, had)
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
            assert!(self.taken.last().is_none_or(|(_, place)| *place < recorded.place));
            self.taken.push((*claim, recorded.place));
        }
        let last = self.taken.last().filter(|_| !claims.is_empty());
        assert_eq!(through, last.map_or(Place::DURABLE, |(_, place)| *place));
    }

    fn confirm(&mut self, count: usize) {
        let done: Vec<_> = self.taken.drain(..count.min(self.taken.len())).collect();
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
            self.taken.remove(index);
            assert!(!self.stock.withdraw(&claim), "once");
        }
    }

    fn event(&mut self, activity: ActivityNo, kind: EventKind) {
        self.last_event.0 += 1;
        let event = Event { no: self.last_event, activity, at: TimeMs(OPENS), kind };
        assert_eq!(self.stock.apply(&event), Ok(()));
        self.model.apply(&event);
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
            }
        } else if written {
            self.event(activity, EventKind::UnitsTakenBack { ticket_type, units });
        } else {
            self.stock.undo_take_back(activity, ticket_type, &units);
            self.model.undo(activity, ticket_type, &units);
        }
    }

    fn load(&mut self) {
        assert!(!self.model.has_gap(), "plans with loads withdraw nothing");
        self.epoch.0 += 1;
        let disks = self.model.disks();
        load(&*self.stock, self.epoch, &disks);
        self.model = self.model.reload(self.epoch, disks);
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
                let claims = self.model.claims_of(activity, user);
                assert_eq!(self.stock.claims_of(activity, user), claims);
                let joined = self.model.joined(activity, user);
                assert_eq!(self.stock.joined(activity, user), joined);
            }
            for seq in (0..40).map(Seq) {
                let claim = self.model.claim_at(activity, seq);
                assert_eq!(self.stock.claim_at(activity, seq), claim);
            }
        }
        if !self.model.has_gap() {
            assert_eq!(self.stock.pending(), self.model.pending());
        }
    }
}

fn compare(new: New, room: Room, withdrawals: bool) {
    let plans = prop::collection::vec(step(withdrawals), 1..STEPS_MAX);
    let seeds = Box::new(FileFailurePersistence::Direct(SEEDS));
    let failure_persistence: Option<Box<dyn FailurePersistence>> = Some(seeds);
    let default = ProptestConfig::default();
    // A long run asks for more by PROPTEST_CASES, which the default has read.
    let config = ProptestConfig { cases: default.cases.max(CASES), failure_persistence, ..default };
    let run = |plan: Vec<Step>| {
        let mut comparison = Comparison::new(new, room);
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
