//! Stock in memory: every activity behind a lock of its own, held for microseconds.
//! One process owns it and its ledger; it dies with the process and is loaded anew at the next start.

mod activity;
mod givers;
mod holds;
mod line;
mod load;
mod pending;
mod people;
mod rate;
mod records;
mod type_stock;
mod units;
mod waiting;

use crate::{
    ActivityCounts, ActivitySetup, Answer, ClaimAsk, Conflict, Decision, Due, InLine,
    LINES_READ_MAX, Load, Place, Recorded, Stock, StockFault, Summary,
};
use activity::ActivityStock;
use arc_swap::ArcSwap;
use load::MemoryLoad;
use parking_lot::Mutex;
use pending::Pending;
use rules::{
    ActivityNo, Claim, Epoch, Event, KeyHash, OrderNo, Part, Refusal, Seq, TimeMs, TypeNo, UserNo,
};
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use waiting::Waiting;

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

/// An activity, and whether it is in the list of those that wait for time to pass.
struct Shelved {
    stock: ActivityStock,
    listed: bool,
}

/// Activities by number; place 0 is never used.
type Activities = Vec<Option<Arc<Mutex<Shelved>>>>;

struct State {
    epoch: Epoch,
    /// Not loaded yet, or between a freeze and the load that ends it.
    frozen: bool,
    activities: Activities,
}

/// Stock in memory.
///
/// Locks are taken in this order: `changes`, an activity, the queue of claims, the queue of parts, `waiting`.
pub struct MemoryStock {
    state: ArcSwap<State>,
    /// Whoever replaces `state` holds this, so that an activity opened beside a freeze or a load is not
    /// left accepting claims for a state that is given up.
    changes: Mutex<()>,
    /// See [`Stock::changes`]. Counted after each change and before the call that made it returns.
    changed: AtomicU64,
    pending: Pending,
    /// The activities in which something is unpaid or owed: whoever asks what is due looks at no others.
    waiting: Mutex<Waiting>,
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
            waiting: Mutex::default(),
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
        let done = act(&mut activity.stock, &self.pending);
        if activity.stock.waits() != activity.listed {
            activity.listed = !activity.listed;
            self.waiting.lock().list(no, activity.listed);
        }
        Some(done)
    }

    /// Looks at what somebody has.
    fn with_person<T>(
        &self,
        no: ActivityNo,
        user: UserNo,
        look: impl FnOnce(&ActivityStock) -> T,
    ) -> Option<T> {
        self.with(no, |activity, _| {
            activity.learn(user);
            look(activity)
        })
    }

    /// Does what may offer units, and counts the change if it did.
    fn with_offers<T>(
        &self,
        no: ActivityNo,
        act: impl FnOnce(&mut ActivityStock, &Pending) -> T,
    ) -> Option<T> {
        let (done, changed) = self.with(no, |activity, pending| {
            let before = activity.accepted();
            let done = act(activity, pending);
            (done, activity.accepted() != before)
        })?;
        if changed {
            self.count_change();
        }
        Some(done)
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
            activity.lock().stock.freeze();
        }
    }
}

impl Stock for MemoryStock {
    fn claim(&self, ask: &ClaimAsk) -> Answer<Result<Decision, StockFault>> {
        let decided =
            self.with_offers(ask.activity, |activity, pending| activity.claim(ask, pending));
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
        let found = self.with(claim.activity, |activity, pending| {
            let found = activity.withdraw(claim);
            let _ = activity.offer_all(pending);
            found
        });
        self.count_change();
        found.unwrap_or(false)
    }

    fn take_parts(&self, into: &mut Vec<Part>, most: usize) {
        self.pending.take_parts(into, most);
    }

    fn apply(&self, event: &Event) -> Result<(), Conflict> {
        let applied = self.with(event.activity, |activity, pending| activity.apply(event, pending));
        self.count_change();
        applied.unwrap_or(Ok(()))
    }

    fn take_back(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        count: u32,
    ) -> Result<Box<[Range<u32>]>, u32> {
        let taken = self.with(activity, |activity, pending| {
            // What is owed to those in line is not there to be taken back.
            let _ = activity.offer_owed(pending);
            activity.take_back(ticket_type, count)
        });
        self.count_change();
        taken.unwrap_or(Err(0))
    }

    fn undo_take_back(&self, activity: ActivityNo, ticket_type: TypeNo, units: &[Range<u32>]) {
        self.with(activity, |activity, pending| {
            activity.undo_take_back(ticket_type, units);
            let _ = activity.offer_all(pending);
        });
        self.count_change();
    }

    fn open(&self, setup: &ActivitySetup) -> Result<(), Conflict> {
        let _change = self.changes.lock();
        let state = self.state.load_full();
        let mut added = ActivityStock::new(state.epoch, setup)?;
        added.load_line(setup.line.iter().copied())?;
        if state.frozen {
            added.freeze();
        }
        let mut activities = state.activities.clone();
        place(&mut activities, setup.no, shelved(added));
        self.state.store(Arc::new(State { epoch: state.epoch, frozen: state.frozen, activities }));
        self.count_change();
        Ok(())
    }

    fn freeze(&self) {
        let _change = self.changes.lock();
        self.freeze_all();
    }

    fn load(&self, epoch: Epoch) -> Box<dyn Load + '_> {
        Box::new(MemoryLoad::new(self, epoch))
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

    fn due(&self, by: TimeMs, into: &mut Vec<Due>, most: usize) {
        let start = into.len();
        let order = self.waiting.lock().order();
        for no in order {
            let left = most - (into.len() - start);
            if left == 0 {
                // Next time it is the others' turn.
                self.waiting.lock().begin_with(no);
                return;
            }
            self.with_offers(no, |activity, pending| {
                let _ = activity.offer_owed(pending);
                activity.due(by, into, left);
            });
        }
    }

    fn any_unpaid(&self) -> bool {
        let order = self.waiting.lock().order();
        order.into_iter().any(|no| self.with(no, |activity, _| activity.any_unpaid()) == Some(true))
    }

    fn order(&self, order: OrderNo) -> Vec<Recorded> {
        self.with(order.activity, |activity, _| activity.order(order.seq)).unwrap_or_default()
    }

    fn in_line(&self, activity: ActivityNo, ticket_type: TypeNo, user: UserNo) -> Option<InLine> {
        self.with(activity, |activity, _| activity.in_line(ticket_type, user))?
    }

    fn may_line_up(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
        now: TimeMs,
    ) -> Result<(), Option<Refusal>> {
        self.with(activity, |activity, _| activity.may_line_up(ticket_type, user, now))
            .unwrap_or(Err(None))
    }

    fn claims_of(
        &self,
        activity: ActivityNo,
        user: UserNo,
        before: Option<Seq>,
        most: usize,
    ) -> Vec<Recorded> {
        assert!(most <= LINES_READ_MAX, "nobody reads more at once: {most}");
        self.with(activity, |activity, _| activity.claims_of(user, before, most))
            .unwrap_or_default()
    }

    fn live_of(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        self.with_person(activity, user, |activity| activity.live_of(user)).unwrap_or_default()
    }

    fn offer_of(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Option<Recorded> {
        self.with_person(activity, user, |activity| activity.offer_of(ticket_type, user))?
    }

    fn known(&self, activity: ActivityNo, user: UserNo, key: KeyHash) -> Option<Recorded> {
        self.with_person(activity, user, |activity| activity.known(user, key))?
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

fn shelved(stock: ActivityStock) -> Arc<Mutex<Shelved>> {
    Arc::new(Mutex::new(Shelved { stock, listed: false }))
}

fn place(activities: &mut Activities, no: ActivityNo, added: Arc<Mutex<Shelved>>) {
    assert!(no.0 > 0 && no.0 <= rules::ACTIVITIES_MAX, "activity numbers are bounded");
    let index = no.0 as usize;
    if activities.len() <= index {
        activities.resize(index + 1, None);
    }
    assert!(activities[index].is_none(), "an activity is opened once: nothing resets it (C6)");
    activities[index] = Some(added);
}
