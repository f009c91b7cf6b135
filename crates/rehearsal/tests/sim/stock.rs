//! The memory stock between seams: at each call somebody else may come first, or the process may die. It can also
//! be given a bug, which is how the checks are put to the test; without one it changes nothing.

use crate::{figures::Seam, grounds::Grounds, world};
use rules::{
    ActivityNo, Claim, Epoch, Event, EventKind, KeyHash, OrderNo, OrderState, OrderStep, Part,
    Refusal, Seq, TimeMs, TypeNo, UserNo,
};
use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};
use stock::{
    ActivityCounts, ActivitySetup, Answer, ClaimAsk, Conflict, Decision, Due, InLine, Load,
    MemoryLimits, MemoryStock, Place, Recorded, Stock, StockFault, Summary,
};

/// People of a simulated sale, the payers and the prober among them: fewer than this.
const PEOPLE_MAX: u32 = 150;

/// What a stock, or a sale over it, could do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A claim counts as durable as soon as it is decided.
    AnswersBeforeCommit,
    /// A refusal does not wait for the claims it rests on (C32).
    RefusesOnHope,
    /// The last claim of an activity is not loaded.
    LoadsAllButOne,
    /// Refusals that rest on lost claims are recorded all the same.
    RecordsLostRefusals,
    /// A key is forgotten (C2).
    ForgetsKeys,
    /// A claim is decided for a time two seconds later (C5).
    RunsAhead,
    /// Units that were to be taken back stay on sale (C15).
    SellsWhatIsTakenBack,
    /// A hold is over before the moment that its buyer was shown.
    ExpiresEarly,
    /// The unit of an order that was given up does not come back (C20).
    LeaksUnits,
    /// Who lined up last is served first, once everything was loaded anew (C22).
    LoadsLineBackwards,
    /// Who waits in line is forgotten when everything is loaded anew (C22).
    LosesLine,
    /// Codes can be seen before they are paid for. The answers' own bug: the stock has no part in it.
    ShowsCodes,
    /// Whoever comes back from the provider has paid (C21). The answers' own bug as well.
    BelievesTheWayBack,
}

pub struct SimStock {
    inner: MemoryStock,
    bug: Option<Bug>,
    /// For `Bug::RecordsLostRefusals`: parts are held back until the load is finished.
    held: AtomicBool,
}

impl SimStock {
    pub fn new(limits: MemoryLimits, bug: Option<Bug>) -> Self {
        world::grounds(Grounds::lost);
        Self { inner: MemoryStock::new(limits), bug, held: AtomicBool::new(false) }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn decide(&self, mut ask: ClaimAsk) -> Result<Decision, StockFault> {
        ask.key = ask.key.filter(|_| !self.has(Bug::ForgetsKeys));
        ask.now.0 += if self.has(Bug::RunsAhead) { 2_000 } else { 0 };
        let Answer::Now(decided) = self.inner.claim(&ask) else {
            unreachable!("memory answers at once")
        };
        if let Ok(Decision::Refused { refusal: Refusal::SoldOut, grounds, .. }) = &decided {
            world::grounds(|kept| kept.refused((ask.activity, ask.user), *grounds));
        }
        decided.map(|decision| match decision {
            Decision::Accepted(found) if self.has(Bug::AnswersBeforeCommit) => {
                Decision::Accepted(Recorded { place: Place::DURABLE, ..found })
            }
            Decision::Refused { refusal, had, retry_at, .. }
                if self.has(Bug::RefusesOnHope) && refusal == Refusal::SoldOut =>
            {
                Decision::Refused { refusal, grounds: Place::DURABLE, had, retry_at }
            }
            decision => decision,
        })
    }

    /// Promise 1, at every instant: whatever was done last, each unit is in one place (S1).
    fn demand_balance(&self, activity: ActivityNo) {
        let Some(counts) = self.inner.counts(activity, TimeMs(0)) else { return };
        for (kind, one) in counts.types.iter().enumerate() {
            let unpaid = one.unpaid <= one.supply.held;
            assert!(one.supply.balances() && unpaid, "type {kind} does not balance: {one:?}");
        }
    }

    /// Promise 5 in a waiting line, at every instant: whoever is given a unit took it from nobody who waits for one and
    /// may have it (S8, C22). A late payment that is given one while the line stands still leaves one for everybody in it.
    fn demand_line(&self, ask: &ClaimAsk) {
        let Some(counts) = self.inner.counts(ask.activity, TimeMs(0)) else { return };
        let kinds = ask.items.iter().map(|item| item.ticket_type);
        for kind in kinds.filter(|kind| counts.types[usize::from(kind.0)].waiting > 0) {
            for user in (1..=PEOPLE_MAX).map(UserNo) {
                if self.inner.in_line(ask.activity, kind, user).is_none() {
                    continue;
                }
                let one = &counts.types[usize::from(kind.0)];
                let served = match self.inner.may_line_up(ask.activity, kind, user, ask.now) {
                    Err(Some(Refusal::Paused | Refusal::NotStarted)) => {
                        one.supply.available >= one.waiting
                    }
                    may => matches!(may, Err(Some(_))),
                };
                assert!(served, "user {user} waits for type {}, and {} has it", kind.0, ask.user);
            }
        }
    }

    /// Whether a bug keeps the stock from hearing of this event.
    fn is_deaf_to(&self, kind: &EventKind) -> bool {
        match kind {
            EventKind::Order { step: OrderStep::Cancel, .. } => self.has(Bug::LeaksUnits),
            _ => false,
        }
    }
}

impl Stock for SimStock {
    fn claim(&self, ask: &ClaimAsk) -> Answer<Result<Decision, StockFault>> {
        // The clock was read before the seam: whoever stands still there comes with a moment that is over.
        world::seam(Seam::BeforeClaim);
        let decided = self.decide(*ask);
        self.demand_balance(ask.activity);
        if let Ok(Decision::Accepted(_)) = &decided {
            self.demand_line(ask);
        }
        world::seam(Seam::AfterClaim);
        Answer::Now(decided)
    }

    fn take_pending(&self, into: &mut Vec<Claim>, wait_ms: u32) -> Place {
        assert_eq!(wait_ms, 0, "a step does not wait");
        world::seam(Seam::BeforeTaking);
        let through = self.inner.take_pending(into, 0);
        world::seam(Seam::AfterTaking);
        through
    }

    fn confirm(&self, claims: &[Claim], through: Place) {
        world::seam(Seam::BeforeConfirm);
        self.inner.confirm(claims, through);
        world::grounds(|kept| kept.confirmed(through));
        world::seam(Seam::AfterConfirm);
    }

    fn withdraw(&self, claim: &Claim) -> bool {
        self.inner.withdraw(claim)
    }

    fn take_parts(&self, into: &mut Vec<Part>, most: usize) {
        world::seam(Seam::BeforeParts);
        if !self.held.load(Ordering::Relaxed) {
            self.inner.take_parts(into, most);
        }
        world::seam(Seam::AfterParts);
    }

    fn apply(&self, event: &Event) -> Result<(), Conflict> {
        world::seam(Seam::BeforeApply);
        let applied = match &event.kind {
            kind if self.is_deaf_to(kind) => Ok(()),
            EventKind::UnitsTakenBack { ticket_type, units }
                if self.has(Bug::SellsWhatIsTakenBack) =>
            {
                self.inner.undo_take_back(event.activity, *ticket_type, units);
                Ok(())
            }
            _ => self.inner.apply(event),
        };
        self.demand_balance(event.activity);
        world::seam(Seam::AfterApply);
        applied
    }

    fn take_back(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        count: u32,
    ) -> Result<Box<[Range<u32>]>, u32> {
        let taken = self.inner.take_back(activity, ticket_type, count);
        world::seam(Seam::AfterTakeBack);
        taken
    }

    fn undo_take_back(&self, activity: ActivityNo, ticket_type: TypeNo, units: &[Range<u32>]) {
        world::seam(Seam::BeforeUndo);
        self.inner.undo_take_back(activity, ticket_type, units);
    }

    fn open(&self, setup: &ActivitySetup) -> Result<(), Conflict> {
        self.inner.open(setup)
    }

    fn freeze(&self) {
        self.inner.freeze();
        self.held.store(self.has(Bug::RecordsLostRefusals), Ordering::Relaxed);
        world::seam(Seam::AfterFreeze);
    }

    fn load(&self, epoch: Epoch) -> Box<dyn Load + '_> {
        Box::new(SimLoad { stock: self, inner: self.inner.load(epoch), latest: None })
    }

    fn changes(&self) -> u64 {
        self.inner.changes()
    }

    fn summary(&self, activity: ActivityNo) -> Option<Summary> {
        self.inner.summary(activity)
    }

    fn counts(&self, activity: ActivityNo, now: TimeMs) -> Option<ActivityCounts> {
        self.inner.counts(activity, now)
    }

    fn due(&self, by: TimeMs, into: &mut Vec<Due>, most: usize) {
        let early = if self.has(Bug::ExpiresEarly) { 3_500 } else { 0 };
        self.inner.due(TimeMs(by.0 + early), into, most);
    }

    fn any_unpaid(&self) -> bool {
        self.inner.any_unpaid()
    }

    fn order(&self, order: OrderNo) -> Vec<Recorded> {
        self.inner.order(order)
    }

    fn in_line(&self, activity: ActivityNo, ticket_type: TypeNo, user: UserNo) -> Option<InLine> {
        self.inner.in_line(activity, ticket_type, user)
    }

    fn may_line_up(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
        now: TimeMs,
    ) -> Result<(), Option<Refusal>> {
        self.inner.may_line_up(activity, ticket_type, user, now)
    }

    fn claims_of(
        &self,
        activity: ActivityNo,
        user: UserNo,
        before: Option<Seq>,
        most: usize,
    ) -> Vec<Recorded> {
        self.inner.claims_of(activity, user, before, most)
    }

    fn live_of(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        self.inner.live_of(activity, user)
    }

    fn offer_of(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Option<Recorded> {
        self.inner.offer_of(activity, ticket_type, user)
    }

    fn known(&self, activity: ActivityNo, user: UserNo, key: KeyHash) -> Option<Recorded> {
        self.inner.known(activity, user, key)
    }

    fn claim_at(&self, activity: ActivityNo, seq: Seq) -> Option<Recorded> {
        self.inner.claim_at(activity, seq)
    }

    fn joined(&self, activity: ActivityNo, user: UserNo) -> bool {
        self.inner.joined(activity, user)
    }

    fn pending(&self) -> u64 {
        self.inner.pending()
    }
}

struct SimLoad<'a> {
    stock: &'a SimStock,
    inner: Box<dyn Load + 'a>,
    /// For `Bug::LoadsAllButOne`: the claim that came last.
    latest: Option<Loaded>,
}

/// A line with the state of its order, as it is loaded.
type Loaded = (Claim, OrderState, Option<TimeMs>);

impl Load for SimLoad<'_> {
    fn activity(&mut self, mut setup: ActivitySetup) -> Result<(), Conflict> {
        self.latest = None;
        if self.stock.has(Bug::LoadsLineBackwards) {
            backwards(&mut setup);
        }
        if self.stock.has(Bug::LosesLine) {
            setup.line.clear();
        }
        self.inner.activity(setup)
    }

    fn claim(
        &mut self,
        claim: Claim,
        state: OrderState,
        pay_by: Option<TimeMs>,
    ) -> Result<(), Conflict> {
        if !self.stock.has(Bug::LoadsAllButOne) {
            return self.inner.claim(claim, state, pay_by);
        }
        let before = self.latest.replace((claim, state, pay_by));
        before.map_or(Ok(()), |(claim, state, pay_by)| self.inner.claim(claim, state, pay_by))
    }

    fn at(&mut self, now: TimeMs) {
        self.inner.at(now);
    }

    fn part(&mut self, part: &Part) {
        self.inner.part(part);
    }

    fn finish(self: Box<Self>) {
        world::seam(Seam::BeforeLoad);
        self.inner.finish();
        world::grounds(Grounds::lost);
        self.stock.held.store(false, Ordering::Relaxed);
        world::seam(Seam::AfterLoad);
    }
}

/// The same people in the same places, the other way round.
fn backwards(setup: &mut ActivitySetup) {
    let people: Vec<_> = setup.line.iter().rev().map(|(_, kind, user)| (*kind, *user)).collect();
    for (place, (kind, user)) in setup.line.iter_mut().zip(people) {
        (place.1, place.2) = (kind, user);
    }
}
