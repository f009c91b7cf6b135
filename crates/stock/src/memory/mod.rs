//! Stock in memory: every activity behind a lock of its own, held for microseconds.
//! One process owns it and its ledger; it dies with the process and is loaded anew at the next start.

mod activity;
mod pending;
mod people;
mod rate;
mod records;
mod type_stock;
mod units;

use crate::{
    ActivityCounts, ActivitySetup, Answer, ClaimAsk, Conflict, Decision, Load, Place, Recorded,
    Stock, StockFault, Summary,
};
use activity::ActivityStock;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use pending::Pending;
use rules::{ActivityNo, Claim, Epoch, Event, Part, Seq, TimeMs, TypeNo, UserNo};
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The bounds of the queues before the ledger.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLimits {
    /// Claims decided and not durable; one more is turned away.
    pub pending_claims_max: u64,
    /// Changes of people's parts not yet recorded; one more is recorded at the person's next try.
    pub pending_parts_max: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self { pending_claims_max: 100_000, pending_parts_max: 1_000_000 }
    }
}

/// Activities by number; place 0 is never used.
type Activities = Vec<Option<Arc<Mutex<ActivityStock>>>>;

struct State {
    epoch: Epoch,
    /// Not loaded yet, or between a freeze and the load that ends it.
    frozen: bool,
    activities: Activities,
}

/// Stock in memory.
///
/// Locks are taken in this order: `changes`, an activity, the queue of claims, the queue of parts.
pub struct MemoryStock {
    state: ArcSwap<State>,
    /// Whoever replaces `state` holds this, so that an activity opened beside a freeze or a load is not
    /// left accepting claims for a state that is given up.
    changes: Mutex<()>,
    /// See [`Stock::changes`]. Counted after each change and before the call that made it returns.
    changed: AtomicU64,
    pending: Pending,
}

impl MemoryStock {
    /// Nothing loaded.
    pub fn new(limits: MemoryLimits) -> Self {
        let state = State { epoch: Epoch(0), frozen: true, activities: Vec::new() };
        Self {
            state: ArcSwap::from_pointee(state),
            changes: Mutex::new(()),
            changed: AtomicU64::new(0),
            pending: Pending::new(limits.pending_claims_max, limits.pending_parts_max),
        }
    }

    fn with<T>(
        &self,
        no: ActivityNo,
        act: impl FnOnce(&mut ActivityStock, &Pending) -> T,
    ) -> Option<T> {
        let state = self.state.load();
        let activity = state.activities.get(no.0 as usize)?.as_ref()?;
        let mut activity = activity.lock();
        Some(act(&mut activity, &self.pending))
    }

    fn count_change(&self) {
        self.changed.fetch_add(1, Ordering::Release);
    }

    /// Replaces the state by a frozen one with the same activities, and stops each of them.
    fn freeze_all(&self) {
        let state = self.state.load_full();
        let activities = state.activities.clone();
        self.state.store(Arc::new(State { epoch: state.epoch, frozen: true, activities }));
        // Taking each lock also waits for the decisions that are under way in it.
        for activity in state.activities.iter().flatten() {
            activity.lock().freeze();
        }
    }
}

impl Stock for MemoryStock {
    fn claim(&self, ask: &ClaimAsk) -> Answer<Result<Decision, StockFault>> {
        let decided = self.with(ask.activity, |activity, pending| activity.claim(ask, pending));
        if matches!(decided, Some(Ok(Decision::Accepted { .. }))) {
            self.count_change();
        }
        Answer::Now(decided.unwrap_or_else(|| {
            // What is not loaded yet is not unknown.
            let frozen = self.state.load().frozen;
            Err(if frozen { StockFault::Frozen } else { StockFault::Unknown })
        }))
    }

    fn take_pending(&self, into: &mut Vec<Claim>, wait_ms: u32) -> Place {
        self.pending.take(into, Duration::from_millis(wait_ms.into()))
    }

    fn confirm(&self, claims: &[Claim], through: Place) {
        for run in claims.chunk_by(|one, next| one.activity == next.activity) {
            let confirmed = self.with(run[0].activity, |activity, _| {
                run.iter().for_each(|claim| activity.confirm(claim));
            });
            confirmed.expect("a claim's activity stays loaded");
        }
        self.count_change();
        self.pending.settle(through);
    }

    fn withdraw(&self, claim: &Claim) -> bool {
        let found = self.with(claim.activity, |activity, _| activity.withdraw(claim));
        self.count_change();
        found.unwrap_or(false)
    }

    fn take_parts(&self, into: &mut Vec<Part>, most: usize) {
        self.pending.take_parts(into, most);
    }

    fn apply(&self, event: &Event) -> Result<(), Conflict> {
        let applied = self.with(event.activity, |activity, _| activity.apply(event));
        self.count_change();
        applied.unwrap_or(Ok(()))
    }

    fn take_back(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        count: u32,
    ) -> Result<Box<[Range<u32>]>, u32> {
        let taken = self.with(activity, |activity, _| activity.take_back(ticket_type, count));
        self.count_change();
        taken.unwrap_or(Err(0))
    }

    fn undo_take_back(&self, activity: ActivityNo, ticket_type: TypeNo, units: &[Range<u32>]) {
        self.with(activity, |activity, _| activity.undo_take_back(ticket_type, units));
        self.count_change();
    }

    fn open(&self, setup: &ActivitySetup) -> Result<(), Conflict> {
        let _change = self.changes.lock();
        let state = self.state.load_full();
        let mut added = ActivityStock::new(state.epoch, setup)?;
        if state.frozen {
            added.freeze();
        }
        let mut activities = state.activities.clone();
        place(&mut activities, setup.no, Arc::new(Mutex::new(added)));
        self.state.store(Arc::new(State { epoch: state.epoch, frozen: state.frozen, activities }));
        self.count_change();
        Ok(())
    }

    fn freeze(&self) {
        let _change = self.changes.lock();
        self.freeze_all();
    }

    fn load(&self, epoch: Epoch) -> Box<dyn Load + '_> {
        Box::new(MemoryLoad { stock: self, epoch, activities: Vec::new(), latest: None })
    }

    fn changes(&self) -> u64 {
        self.changed.load(Ordering::Acquire)
    }

    fn summary(&self, activity: ActivityNo) -> Option<Summary> {
        self.with(activity, |activity, _| activity.summary())
    }

    fn counts(&self, activity: ActivityNo, now: TimeMs) -> Option<ActivityCounts> {
        self.with(activity, |activity, _| activity.counts(now))
    }

    fn claims_of(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        self.with(activity, |activity, _| activity.claims_of(user)).unwrap_or_default()
    }

    fn claim_at(&self, activity: ActivityNo, seq: Seq) -> Option<Recorded> {
        self.with(activity, |activity, _| activity.claim_at(seq))?
    }

    fn joined(&self, activity: ActivityNo, user: UserNo) -> bool {
        self.with(activity, |activity, _| activity.joined(user)).unwrap_or(false)
    }

    fn pending(&self) -> u64 {
        self.pending.depth()
    }
}

fn place(activities: &mut Activities, no: ActivityNo, added: Arc<Mutex<ActivityStock>>) {
    assert!(no.0 > 0 && no.0 <= rules::ACTIVITIES_MAX, "activity numbers are bounded");
    let index = no.0 as usize;
    if activities.len() <= index {
        activities.resize(index + 1, None);
    }
    assert!(activities[index].is_none(), "an activity is opened once: nothing resets it (C6)");
    activities[index] = Some(added);
}

struct MemoryLoad<'a> {
    stock: &'a MemoryStock,
    epoch: Epoch,
    activities: Activities,
    /// The activity added last: its claims are coming.
    latest: Option<(ActivityNo, ActivityStock)>,
}

impl MemoryLoad<'_> {
    fn shelve(&mut self) {
        if let Some((no, activity)) = self.latest.take() {
            place(&mut self.activities, no, Arc::new(Mutex::new(activity)));
        }
    }
}

impl Load for MemoryLoad<'_> {
    fn activity(&mut self, setup: ActivitySetup) -> Result<(), Conflict> {
        self.shelve();
        self.latest = Some((setup.no, ActivityStock::new(self.epoch, &setup)?));
        Ok(())
    }

    fn claim(&mut self, claim: Claim) -> Result<(), Conflict> {
        let (_, activity) = self.latest.as_mut().ok_or(Conflict::Stranger(claim))?;
        activity.load_claim(&claim)
    }

    fn part(&mut self, part: &Part) {
        if let Some((_, activity)) = &mut self.latest {
            activity.load_part(part);
        }
    }

    fn finish(mut self: Box<Self>) {
        self.shelve();
        let _change = self.stock.changes.lock();
        self.stock.freeze_all();
        self.stock.pending.abandon();
        let activities = std::mem::take(&mut self.activities);
        let before = self.stock.state.load();
        for (loaded, old) in activities.iter().zip(&before.activities) {
            if let (Some(loaded), Some(old)) = (loaded, old) {
                loaded.lock().follow(&old.lock());
            }
        }
        let state = State { epoch: self.epoch, frozen: false, activities };
        self.stock.state.store(Arc::new(state));
        self.stock.count_change();
    }
}
