//! The memory stock between seams: at each call somebody else may come first, or the process may die. It can also
//! be given a bug, which is how the checks are put to the test; without one it changes nothing.

use crate::{figures::Seam, grounds::Grounds, world};
use rules::{ActivityNo, Claim, Epoch, Event, Part, Refusal, Seq, TimeMs, TypeNo, UserNo};
use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};
use stock::{
    ActivityCounts, ActivitySetup, Answer, ClaimAsk, Conflict, Decision, Load, MemoryLimits,
    MemoryStock, Place, Recorded, Stock, StockFault, Summary,
};

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
            Decision::Accepted { claim, .. } if self.has(Bug::AnswersBeforeCommit) => {
                Decision::Accepted { claim, place: Place::DURABLE }
            }
            Decision::Refused { refusal, had, .. }
                if self.has(Bug::RefusesOnHope) && refusal == Refusal::SoldOut =>
            {
                Decision::Refused { refusal, grounds: Place::DURABLE, had }
            }
            decision => decision,
        })
    }
}

impl Stock for SimStock {
    fn claim(&self, ask: &ClaimAsk) -> Answer<Result<Decision, StockFault>> {
        // The clock was read before the seam: whoever stands still there comes with a moment that is over.
        world::seam(Seam::BeforeClaim);
        let decided = self.decide(*ask);
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
            rules::EventKind::UnitsTakenBack { ticket_type, units }
                if self.has(Bug::SellsWhatIsTakenBack) =>
            {
                self.inner.undo_take_back(event.activity, *ticket_type, units);
                Ok(())
            }
            _ => self.inner.apply(event),
        };
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

    fn claims_of(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        self.inner.claims_of(activity, user)
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
    latest: Option<Claim>,
}

impl Load for SimLoad<'_> {
    fn activity(&mut self, setup: ActivitySetup) -> Result<(), Conflict> {
        self.latest = None;
        self.inner.activity(setup)
    }

    fn claim(&mut self, claim: Claim) -> Result<(), Conflict> {
        if !self.stock.has(Bug::LoadsAllButOne) {
            return self.inner.claim(claim);
        }
        self.latest.replace(claim).map_or(Ok(()), |before| self.inner.claim(before))
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
