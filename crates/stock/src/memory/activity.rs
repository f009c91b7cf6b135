//! One activity in memory, behind one lock: decides its claims and keeps its counts.
//! Everything here happens between two instants of that lock; nothing here waits for anything.

use super::{
    pending::{Pending, Turned},
    people::People,
    rate::Rate,
    records::Records,
    type_stock::TypeStock,
};
use crate::{
    ActivityCounts, ActivitySetup, ClaimAsk, Conflict, Decision, Place, Recorded, StockFault,
    Summary, TypeCounts,
};
use rules::{
    Activity, Claim, Epoch, Event, EventKind, EventNo, Facts, Part, Refusal, Seq, Supply, TimeMs,
    TypeNo, UnitNo, UserNo, judge,
};
use std::{collections::VecDeque, ops::Range};

/// The state of one activity.
pub struct ActivityStock {
    no: rules::ActivityNo,
    activity: Activity,
    epoch: Epoch,
    through: EventNo,
    closed: bool,
    paused: bool,
    /// Set before a load: nothing is accepted by this state ever again.
    frozen: bool,
    /// The latest moment at which anything was decided here.
    latest: TimeMs,
    types: Vec<TypeStock>,
    people: People,
    records: Records,
    /// Claims up to here are durable.
    confirmed: Seq,
    /// The places of the claims after `confirmed`, in order.
    places: VecDeque<Place>,
    participants: u32,
    /// People by recorded refusal, in the order of `Refusal::ALL`; those who won are not counted.
    refused: [u32; Refusal::ALL.len()],
    /// Refusals decided, also those of earlier loads of this process.
    refusals: u64,
    rate: Rate,
}

impl ActivityStock {
    /// An activity without claims.
    pub fn new(epoch: Epoch, setup: &ActivitySetup) -> Result<Self, Conflict> {
        assert_definition(&setup.activity, setup.types.len());
        let mut types = Vec::with_capacity(setup.types.len());
        for (index, one) in setup.types.iter().enumerate() {
            let mut stock = TypeStock { made: one.made, ..TypeStock::default() };
            stock.free.add(0..one.made);
            if !one.void.iter().all(|range| stock.free.remove(range.clone())) {
                return Err(Conflict::Units(setup.no, TypeNo(index as u16)));
            }
            stock.total = stock.free.count();
            types.push(stock);
        }
        let mut people = People::default();
        for user in &setup.roster {
            people.get_mut(*user).set_eligible();
        }
        Ok(Self {
            no: setup.no,
            activity: setup.activity.clone(),
            epoch,
            through: setup.through,
            closed: setup.closed,
            paused: setup.paused,
            frozen: false,
            latest: TimeMs(0),
            types,
            people,
            records: Records::new(setup.no),
            confirmed: Seq(0),
            places: VecDeque::new(),
            participants: 0,
            refused: [0; Refusal::ALL.len()],
            refusals: 0,
            rate: Rate::default(),
        })
    }

    /// Nothing is accepted from now on.
    pub fn freeze(&mut self) {
        self.frozen = true;
    }

    /// Goes on where the state it replaces stopped, in what no ledger keeps: no moment that is over comes again,
    /// and the refusals go on being counted.
    pub fn follow(&mut self, old: &Self) {
        self.not_before(old.latest);
        self.refusals = old.refusals;
    }

    /// Decides nothing at an earlier moment than this.
    fn not_before(&mut self, moment: TimeMs) {
        self.latest = self.latest.max(moment);
    }

    /// Decides one claim.
    pub fn claim(&mut self, ask: &ClaimAsk, pending: &Pending) -> Result<Decision, StockFault> {
        // Whoever waited between the clock and this lock must not win by a time that is over.
        self.not_before(ask.now);
        let ask = &ClaimAsk { now: self.latest, ..*ask };
        // Before anything changes: failing later would leave half a claim behind.
        assert!(ask.user.0 <= rules::USERS_MAX, "user numbers are bounded");
        let slot = self.people.get(ask.user);
        if let Some(key) = ask.key {
            let known = self.records.chain(slot.last()).find(|claim| claim.key == Some(key));
            if let Some(claim) = known {
                return Ok(Decision::Known { claim, place: self.place_of(claim.seq) });
            }
        }
        let facts = self.facts(ask)?;
        match judge(&facts) {
            Ok(()) => self.accept(ask, &facts, pending),
            Err(refusal) => self.refuse(ask, refusal, pending),
        }
    }

    fn facts(&self, ask: &ClaimAsk) -> Result<Facts, StockFault> {
        let index = usize::from(ask.ticket_type.0);
        let kind = self.activity.types.get(index).ok_or(StockFault::Unknown)?;
        let slot = self.people.get(ask.user);
        let newest = slot.last().and_then(|seq| self.records.get(seq));
        let newest_of_type =
            self.records.chain(slot.last()).find(|claim| claim.ticket_type == ask.ticket_type);
        Ok(Facts {
            now: ask.now,
            window: kind.window.unwrap_or(self.activity.window),
            closed: self.closed,
            paused: self.paused,
            eligible: !self.activity.has_roster || slot.eligible(),
            had_in_type: newest_of_type.map_or(0, |claim| claim.ordinal_in_type),
            limit_in_type: kind.limit_per_user,
            had_in_activity: newest.map_or(0, |linked| linked.claim.ordinal_in_activity),
            limit_in_activity: self.activity.limit_per_user,
            free: self.types[index].free.count(),
        })
    }

    fn accept(
        &mut self,
        ask: &ClaimAsk,
        facts: &Facts,
        pending: &Pending,
    ) -> Result<Decision, StockFault> {
        let seq = Seq(self.records.last().0 + 1);
        if self.frozen {
            return Err(StockFault::Frozen);
        }
        if seq.0 > rules::CLAIMS_MAX {
            return Err(StockFault::Full);
        }
        let stock = &mut self.types[usize::from(ask.ticket_type.0)];
        let before = stock.free.count();
        let ticket = pending.reserve().map_err(|Turned| StockFault::Full)?;
        let unit = stock.free.take_lowest().expect("the rules saw a free unit");
        stock.held += 1;
        stock.last_claim_no.0 += 1;
        stock.last_seq = seq;
        assert_eq!(stock.free.count() + 1, before);
        let claim = Claim {
            activity: self.no,
            seq,
            epoch: self.epoch,
            ticket_type: ask.ticket_type,
            unit: UnitNo(unit),
            user: ask.user,
            claim_no: stock.last_claim_no,
            ordinal_in_type: facts.had_in_type + 1,
            ordinal_in_activity: facts.had_in_activity + 1,
            decided_at: ask.now,
            key: ask.key,
        };
        let place = ticket.push(claim);
        self.places.push_back(place);
        self.rate.count(ask.now);
        self.note_claim(&claim);
        self.assert_balance(ask.ticket_type);
        Ok(Decision::Accepted { claim, place })
    }

    /// What an accepted claim changes beside the units; the same when it is decided and when it is loaded.
    fn note_claim(&mut self, claim: &Claim) {
        let slot = self.people.get_mut(claim.user);
        let previous = slot.last();
        slot.set_last(Some(claim.seq));
        let news = slot.set_seen();
        let refusal = slot.refusal();
        self.participants += u32::from(news);
        if let (None, Some(refusal)) = (previous, refusal) {
            self.refused[index_of(refusal)] -= 1;
        }
        self.records.push(claim, previous);
    }

    fn refuse(
        &mut self,
        ask: &ClaimAsk,
        refusal: Refusal,
        pending: &Pending,
    ) -> Result<Decision, StockFault> {
        let stock = &self.types[usize::from(ask.ticket_type.0)];
        let newest = self.people.get(ask.user).last();
        let grounds = match refusal {
            Refusal::LimitReached => newest.map_or(Place::DURABLE, |seq| self.place_of(seq)),
            Refusal::SoldOut => self.place_of(stock.last_seq),
            Refusal::Ended | Refusal::NotStarted | Refusal::NotEligible | Refusal::Paused => {
                Place::DURABLE
            }
        };
        // Grounds that were not durable at the freeze may be gone with the load, and units that are set
        // aside may come back: either way the no could be proved wrong (C32).
        let unsettled = refusal == Refusal::SoldOut && !stock.leaving.is_empty();
        if unsettled || (self.frozen && grounds != Place::DURABLE) {
            return Err(StockFault::Frozen);
        }
        let mut had = Vec::new();
        if refusal == Refusal::LimitReached {
            had.extend(self.records.chain(newest));
            had.reverse();
        }
        self.note_refusal(ask, refusal, pending);
        self.refusals += 1;
        Ok(Decision::Refused { refusal, grounds, had })
    }

    /// Records that someone tried and, once, why not. If the queue of parts is full nothing is marked,
    /// so that the person's next try is recorded instead.
    fn note_refusal(&mut self, ask: &ClaimAsk, refusal: Refusal, pending: &Pending) {
        let slot = self.people.get(ask.user);
        let outcome = (refusal != Refusal::NotStarted).then_some(refusal);
        let settled = slot.last().is_some() || slot.refusal().is_some();
        if settled || (outcome.is_none() && slot.seen()) {
            return;
        }
        let part = Part { activity: self.no, user: ask.user, seen_at: ask.now, refusal: outcome };
        if pending.push_part(part) {
            self.note_part(&part);
        }
    }

    fn note_part(&mut self, part: &Part) {
        let slot = self.people.get_mut(part.user);
        self.participants += u32::from(slot.set_seen());
        if let (Some(refusal), None) = (part.refusal, slot.refusal()) {
            slot.set_refusal(refusal);
            self.refused[index_of(refusal)] += u32::from(slot.last().is_none());
        }
    }

    /// Where a claim stands in the order of commits.
    fn place_of(&self, seq: Seq) -> Place {
        match seq.0.checked_sub(self.confirmed.0 + 1) {
            None => Place::DURABLE,
            Some(after) => self.places[after as usize],
        }
    }

    /// The claim is durable. Withdrawn ones before it never will be, and are passed over.
    pub fn confirm(&mut self, claim: &Claim) {
        while self.confirmed.0 + 1 < claim.seq.0 && !self.is_live(Seq(self.confirmed.0 + 1)) {
            self.confirmed.0 += 1;
            self.places.pop_front().expect("what was not durable had a place");
        }
        assert_eq!(claim.seq.0, self.confirmed.0 + 1, "claims become durable in their order");
        self.confirmed = claim.seq;
        self.places.pop_front().expect("what was not durable had a place");
        if let Some(linked) = self.records.get(claim.seq) {
            assert_eq!(linked.claim, *claim, "what becomes durable is what was decided");
            let stock = &mut self.types[usize::from(claim.ticket_type.0)];
            stock.held -= 1;
            stock.sold += 1;
            self.assert_balance(claim.ticket_type);
        }
    }

    /// Takes back a claim that never became durable.
    pub fn withdraw(&mut self, claim: &Claim) -> bool {
        let found = self.records.get(claim.seq);
        let Some(linked) = found.filter(|linked| linked.claim == *claim) else { return false };
        let slot = self.people.get_mut(claim.user);
        if slot.last() != Some(claim.seq) || claim.seq <= self.confirmed {
            return false;
        }
        slot.set_last(linked.previous);
        if let (None, Some(refusal)) = (linked.previous, slot.refusal()) {
            self.refused[index_of(refusal)] += 1;
        }
        self.records.withdraw(claim.seq);
        let newest = self.newest_of_type(claim.ticket_type);
        let stock = &mut self.types[usize::from(claim.ticket_type.0)];
        stock.last_seq = newest;
        stock.held -= 1;
        stock.free.add(claim.unit.0..claim.unit.0 + 1);
        self.assert_balance(claim.ticket_type);
        true
    }

    /// Applies an event, unless it is contained already.
    pub fn apply(&mut self, event: &Event) -> Result<(), Conflict> {
        if event.no <= self.through {
            return Ok(());
        }
        match &event.kind {
            EventKind::Paused => self.paused = true,
            EventKind::Resumed => self.paused = false,
            EventKind::Closed => self.closed = true,
            EventKind::Changed(activity) => {
                assert_definition(activity, self.types.len());
                self.activity = (**activity).clone();
            }
            EventKind::UnitsAdded { ticket_type, units } => self.add(*ticket_type, units)?,
            EventKind::UnitsTakenBack { ticket_type, units } => self.void(*ticket_type, units)?,
        }
        self.through = event.no;
        Ok(())
    }

    fn add(&mut self, ticket_type: TypeNo, units: &Range<u32>) -> Result<(), Conflict> {
        let conflict = Conflict::Units(self.no, ticket_type);
        let stock = self.types.get_mut(usize::from(ticket_type.0)).ok_or(conflict)?;
        if units.start != stock.made || units.end < units.start {
            return Err(conflict);
        }
        stock.made = units.end;
        stock.total += units.end - units.start;
        stock.free.add(units.clone());
        self.assert_balance(ticket_type);
        Ok(())
    }

    fn void(&mut self, ticket_type: TypeNo, units: &[Range<u32>]) -> Result<(), Conflict> {
        let conflict = Conflict::Units(self.no, ticket_type);
        let stock = self.types.get_mut(usize::from(ticket_type.0)).ok_or(conflict)?;
        for range in units {
            if let Some(place) = stock.leaving.iter().position(|leaving| leaving == range) {
                stock.leaving.swap_remove(place);
            } else if range.start <= range.end && stock.free.remove(range.clone()) {
                stock.total -= range.end - range.start;
            } else {
                return Err(conflict);
            }
        }
        self.assert_balance(ticket_type);
        Ok(())
    }

    /// Sets free units aside, highest first; fewer free: how many are.
    pub fn take_back(&mut self, ticket_type: TypeNo, count: u32) -> Result<Box<[Range<u32>]>, u32> {
        let stock = self.types.get_mut(usize::from(ticket_type.0)).ok_or(0u32)?;
        let taken = stock.free.take_highest(count).ok_or(stock.free.count())?;
        stock.total -= count;
        stock.leaving.extend(taken.iter().cloned());
        self.assert_balance(ticket_type);
        Ok(taken.into())
    }

    /// Puts units that were set aside back on sale. A load in between has done so already.
    pub fn undo_take_back(&mut self, ticket_type: TypeNo, units: &[Range<u32>]) {
        let Some(stock) = self.types.get_mut(usize::from(ticket_type.0)) else { return };
        for range in units {
            let place = stock.leaving.iter().position(|leaving| leaving == range);
            let Some(place) = place else { continue };
            stock.leaving.swap_remove(place);
            stock.total += range.end - range.start;
            stock.free.add(range.clone());
        }
        self.assert_balance(ticket_type);
    }

    /// Adds a durable claim while loading, and checks it against everything loaded before.
    pub fn load_claim(&mut self, claim: &Claim) -> Result<(), Conflict> {
        let index = usize::from(claim.ticket_type.0);
        let stranger = self.types.get(index).is_none_or(|stock| claim.unit.0 >= stock.made);
        if stranger || claim.activity != self.no {
            return Err(Conflict::Stranger(*claim));
        }
        if claim.seq.0 != self.records.last().0 + 1 {
            return Err(Conflict::SeqGap(*claim));
        }
        let newest = self.people.get(claim.user).last();
        let had = self.records.chain(newest).next().map_or(0, |last| last.ordinal_in_activity);
        let had_in_type = self
            .records
            .chain(newest)
            .find(|last| last.ticket_type == claim.ticket_type)
            .map_or(0, |last| last.ordinal_in_type);
        if (claim.ordinal_in_activity, claim.ordinal_in_type) != (had + 1, had_in_type + 1) {
            return Err(Conflict::OrdinalTwice(*claim));
        }
        if claim.key.is_some() && self.records.chain(newest).any(|last| last.key == claim.key) {
            return Err(Conflict::KeyTwice(*claim));
        }
        let stock = &mut self.types[index];
        if !stock.free.remove(claim.unit.0..claim.unit.0 + 1) {
            return Err(Conflict::UnitTwice(*claim));
        }
        stock.sold += 1;
        stock.last_seq = claim.seq;
        stock.last_claim_no = stock.last_claim_no.max(claim.claim_no);
        self.confirmed = claim.seq;
        self.note_claim(claim);
        Ok(())
    }

    /// Adds a recorded part while loading.
    pub fn load_part(&mut self, part: &Part) {
        self.note_part(part);
    }

    /// What lists show.
    pub fn summary(&self) -> Summary {
        let supply = self.types.iter().map(TypeStock::supply).fold(Supply::default(), Supply::plus);
        Summary { supply, closed: self.closed, paused: self.paused }
    }

    /// Everything counted, at one instant.
    pub fn counts(&self, now: TimeMs) -> ActivityCounts {
        let refused = Refusal::ALL.into_iter().zip(self.refused).filter(|(_, people)| *people > 0);
        ActivityCounts {
            types: self.types.iter().map(|stock| TypeCounts { supply: stock.supply() }).collect(),
            closed: self.closed,
            paused: self.paused,
            participants: self.participants,
            refused: refused.collect(),
            accepted_in_10_s: self.rate.in_10_s(now),
            accepted: self.records.last().0.into(),
            refusals: self.refusals,
            sold_out_at: self.sold_out_at(),
        }
    }

    /// With no unit free: when the last one was claimed. Computed, so that it is the same after a load.
    fn sold_out_at(&self) -> Option<TimeMs> {
        if self.types.iter().any(|stock| stock.free.count() > 0) {
            return None;
        }
        let newest =
            (1..=self.records.last().0).rev().find_map(|seq| self.records.get(Seq(seq)))?;
        Some(newest.claim.decided_at)
    }

    /// A user's claims, newest first.
    pub fn claims_of(&self, user: UserNo) -> Vec<Recorded> {
        let newest = self.people.get(user).last();
        let recorded = |claim: Claim| Recorded { claim, place: self.place_of(claim.seq) };
        self.records.chain(newest).map(recorded).collect()
    }

    /// The claim with this seq.
    pub fn claim_at(&self, seq: Seq) -> Option<Recorded> {
        let claim = self.records.get(seq)?.claim;
        Some(Recorded { claim, place: self.place_of(seq) })
    }

    /// Whether the user has tried.
    pub fn joined(&self, user: UserNo) -> bool {
        self.people.get(user).seen()
    }

    /// The type's newest claim that is not durable; if there is none, one that is.
    fn newest_of_type(&self, ticket_type: TypeNo) -> Seq {
        let undurable = (self.confirmed.0 + 1..=self.records.last().0).map(Seq);
        let of_type = |seq: &Seq| {
            self.records.get(*seq).is_some_and(|linked| linked.claim.ticket_type == ticket_type)
        };
        undurable.rev().find(of_type).unwrap_or(self.confirmed)
    }

    fn is_live(&self, seq: Seq) -> bool {
        self.records.get(seq).is_some()
    }

    fn assert_balance(&self, ticket_type: TypeNo) {
        let supply = self.types[usize::from(ticket_type.0)].supply();
        assert!(supply.balances(), "S1 is broken: {supply:?}");
    }
}

/// What later look-ups and records rely on, checked before any claim can meet it.
fn assert_definition(activity: &Activity, types: usize) {
    assert_eq!(activity.types.len(), types, "every type of the definition has its units");
    let limits = activity.types.iter().map(|kind| kind.limit_per_user);
    let highest = limits.chain(activity.limit_per_user).max();
    assert!(highest <= Some(rules::LIMIT_PER_USER_MAX), "limits per user are bounded");
}

fn index_of(refusal: Refusal) -> usize {
    Refusal::ALL.iter().position(|one| *one == refusal).expect("ALL is complete")
}
