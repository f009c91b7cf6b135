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
        let _change = self.stock.changes.lock();
        self.stock.freeze_all();
        self.stock.pending.abandon();
        self.stock.waiting.lock().clear();
        let activities = std::mem::take(&mut self.activities);
        let before = self.stock.state.load();
        for (loaded, old) in activities.iter().zip(&before.activities) {
            if let (Some(loaded), Some(old)) = (loaded, old) {
                loaded.lock().stock.follow(&old.lock().stock);
            }
        }
        let state = State { epoch: self.epoch, frozen: false, activities };
        self.stock.state.store(Arc::new(state));
        self.offer();
        self.stock.count_change();
    }
}

impl MemoryLoad<'_> {
    /// Offers what is free to those who wait. Whoever claims in the meantime does so for those in line first.
    fn offer(&self) {
        for index in 0..self.stock.state.load().activities.len() {
            self.stock.with(ActivityNo(index as u32), |activity, pending| {
                activity.not_before(self.now);
                let _ = activity.offer_all(pending);
            });
        }
    }
}
