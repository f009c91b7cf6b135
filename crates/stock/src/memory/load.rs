//! A load of everything from the ledger, built aside and put in the place of what was there in one step.
//! Until `finish` the old state serves; a load that is dropped has changed nothing.

use super::{Activities, MemoryStock, State, activity::ActivityStock, place, shelved};
use crate::{ActivitySetup, Conflict, Load};
use rules::{ActivityNo, Claim, Epoch, JoinNo, OrderState, Part, TimeMs, TypeNo, UserNo};
use std::{collections::HashSet, sync::Arc};

/// An activity while its claims are coming.
struct Loading {
    no: ActivityNo,
    activity: ActivityStock,
    /// Who joined a waiting list and has not left it.
    line: Vec<(JoinNo, TypeNo, UserNo)>,
    /// The places in line that were offered a unit: a place is known by its event alone.
    offered: HashSet<JoinNo>,
}

/// A load in progress.
pub struct MemoryLoad<'a> {
    stock: &'a MemoryStock,
    epoch: Epoch,
    now: TimeMs,
    activities: Activities,
    /// The activity added last.
    latest: Option<Loading>,
}

impl<'a> MemoryLoad<'a> {
    /// Nothing loaded yet.
    pub fn new(stock: &'a MemoryStock, epoch: Epoch) -> Self {
        Self { stock, epoch, now: TimeMs(0), activities: Vec::new(), latest: None }
    }

    fn shelve(&mut self) -> Result<(), Conflict> {
        let Some(mut done) = self.latest.take() else { return Ok(()) };
        done.activity.check_whole()?;
        done.activity
            .load_line(done.line.into_iter().filter(|(join, ..)| !done.offered.contains(join)))?;
        place(&mut self.activities, done.no, shelved(done.activity));
        Ok(())
    }
}

impl Load for MemoryLoad<'_> {
    fn activity(&mut self, setup: ActivitySetup) -> Result<(), Conflict> {
        self.shelve()?;
        let activity = ActivityStock::new(self.epoch, &setup)?;
        let (no, line) = (setup.no, setup.line);
        self.latest = Some(Loading { no, activity, line, offered: HashSet::new() });
        Ok(())
    }

    fn claim(
        &mut self,
        claim: Claim,
        state: OrderState,
        pay_by: Option<TimeMs>,
    ) -> Result<(), Conflict> {
        let loading = self.latest.as_mut().ok_or(Conflict::Stranger(claim))?;
        loading.activity.load_claim(&claim, state, pay_by)?;
        loading.offered.extend(claim.offer);
        Ok(())
    }

    fn part(&mut self, part: &Part) {
        if let Some(loading) = &mut self.latest {
            loading.activity.load_part(part);
        }
    }

    fn at(&mut self, now: TimeMs) {
        self.now = now;
    }

    fn finish(mut self: Box<Self>) {
        self.shelve()
            .expect("the ledger writes an order whole, and a line only for types that are");
        let stock = self.stock;
        let _change = stock.changes.lock();
        self.replace();
        self.offer();
        self.stock.count_change();
    }
}

impl MemoryLoad<'_> {
    /// Puts what was loaded in its place. From here on people claim, and whoever is the first in an activity offers what
    /// it owes to those in line.
    fn replace(&mut self) {
        self.stock.freeze_all();
        self.stock.pending.abandon();
        self.stock.waiting.lock().clear();
        let activities = std::mem::take(&mut self.activities);
        let before = self.stock.state.load();
        for (index, loaded) in activities.iter().enumerate() {
            let Some(loaded) = loaded else { continue };
            let mut loaded = loaded.lock();
            loaded.stock.not_before(self.now);
            if let Some(Some(old)) = before.activities.get(index) {
                loaded.stock.follow(&old.lock().stock);
            }
        }
        let state = State { epoch: self.epoch, frozen: false, activities };
        self.stock.state.store(Arc::new(state));
    }

    /// Offers what is free to those who wait.
    fn offer(&self) {
        for index in 0..self.stock.state.load().activities.len() {
            self.stock.with(ActivityNo(index as u32), |activity, pending| {
                let _ = activity.offer_all(pending);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Answer, ClaimAsk, Decision, Due, MemoryLimits, StockFault, TypeSetup, memory::Stock,
    };
    use rules::{
        Activity, Event, EventKind, EventNo, Item, Money, Refusal, Seq, TicketType, UnitKind,
        Validity, Window,
    };

    const NO: ActivityNo = ActivityNo(1);
    const WAITS: UserNo = UserNo(7);
    const NOW: TimeMs = TimeMs(500);

    /// One unit that is free, and somebody who waits for it.
    fn setup() -> ActivitySetup {
        let kind = TicketType {
            id: "seat".into(),
            name: "Seat".into(),
            desc: String::new(),
            image: String::new(),
            price: Money::parse("1", "CNY").unwrap(),
            limit_per_user: 1,
            kind: UnitKind::Plain,
            window: None,
            pay_within_s: 900,
            offer_within_s: 900,
            validity: Validity { from: TimeMs(0), until: None },
        };
        let activity = Activity {
            id: "sale".into(),
            name: "Sale".into(),
            desc: String::new(),
            image: String::new(),
            window: Window::new(TimeMs(0), TimeMs(1000)).unwrap(),
            limit_per_user: None,
            has_roster: false,
            standby: true,
            types: vec![kind],
        };
        ActivitySetup {
            no: NO,
            activity,
            through: EventNo(5),
            closed: false,
            paused: false,
            types: vec![TypeSetup { made: 1, void: Vec::new() }],
            roster: Vec::new(),
            line: vec![(JoinNo(EventNo(5)), TypeNo(0), WAITS)],
        }
    }

    fn claim(stock: &MemoryStock, user: u32) -> Result<Decision, StockFault> {
        let items = &[Item { ticket_type: TypeNo(0), count: 1 }];
        // The clock was read before the load was put in its place.
        let (user, now) = (UserNo(user), TimeMs(NOW.0 - 100));
        let ask = ClaimAsk { activity: NO, items, user, late: false, key: None, now };
        let Answer::Now(decided) = stock.claim(&ask) else { panic!("memory answers at once") };
        decided
    }

    /// S8, C22: whatever comes between a load that is in its place and its turn to offer what is free does that itself.
    #[test]
    fn nobody_overtakes_the_line_before_a_loaded_activity_has_had_its_turn() {
        type Between = fn(&MemoryStock);
        let betweens: [(&str, Between); 4] = [
            ("a claim", |stock| {
                let refused = Refusal::HeldByOthers;
                let decided = claim(stock, 9);
                assert!(
                    matches!(decided, Ok(Decision::Refused { refusal, .. }) if refusal == refused),
                    "{decided:?}"
                );
            }),
            ("a take-back", |stock| assert_eq!(stock.take_back(NO, TypeNo(0), 1), Err(0))),
            ("an event", |stock| {
                let (no, at) = (EventNo(6), TimeMs(0));
                stock.apply(&Event { no, activity: NO, at, kind: EventKind::Resumed }).unwrap();
            }),
            ("nothing", |_| {}),
        ];
        for (what, between) in betweens {
            let stock = MemoryStock::new(MemoryLimits::default());
            let mut load = MemoryLoad::new(&stock, Epoch(1));
            load.activity(setup()).unwrap();
            load.at(NOW);
            load.shelve().unwrap();
            load.replace();
            between(&stock);
            load.offer();
            let offered = stock.claim_at(NO, Seq(1)).expect("it was offered").claim;
            assert_eq!((offered.user, offered.decided_at), (WAITS, NOW), "{what} came between");
            let mut due: Vec<Due> = Vec::new();
            stock.confirm(&[offered], crate::Place(1));
            stock.due(TimeMs(u64::MAX), &mut due, 1);
            assert_eq!(due.len(), 1, "and it is listed among what waits for time to pass");
        }
    }
}
