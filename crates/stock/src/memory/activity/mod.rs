//! One activity in memory, behind one lock: what is known of it, and what is read from it.
//! Everything here happens between two instants of that lock; nothing here waits for anything.

mod apply;
mod claim;
mod line;
mod load;
mod settle;

use super::{
    givers::Givers,
    holds::Holds,
    people::People,
    rate::Rate,
    records::{Linked, Records},
    type_stock::TypeStock,
};
use crate::{ActivityCounts, ActivitySetup, Conflict, Due, Place, Recorded, Summary};
use rules::{
    Activity, ActivityNo, Epoch, EventNo, OrderNo, OrderState, OrderStep, Refusal, Seq, Supply,
    TimeMs, TypeNo, UnitFate, UnitKind, UserNo,
};
use std::{collections::VecDeque, ops::RangeInclusive};

/// The state of one activity.
pub struct ActivityStock {
    no: ActivityNo,
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
    givers: Givers,
    records: Records,
    holds: Holds,
    /// Something is free and somebody waits for it: the queue before the ledger is full, or claims are not taken.
    owes_offers: bool,
    /// Lines up to here are durable.
    confirmed: Seq,
    /// The places of the lines after `confirmed`, in order.
    places: VecDeque<Place>,
    /// No later line than this one keeps its unit.
    newest_kept: Seq,
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
            givers: Givers::default(),
            records: Records::new(setup.no),
            holds: Holds::default(),
            owes_offers: false,
            confirmed: Seq(0),
            places: VecDeque::new(),
            newest_kept: Seq(0),
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
    pub fn not_before(&mut self, moment: TimeMs) {
        self.latest = self.latest.max(moment);
    }

    /// What lists show.
    pub fn summary(&self) -> Summary {
        let supply = self.types.iter().map(TypeStock::supply).fold(Supply::default(), Supply::plus);
        Summary { supply, closed: self.closed, paused: self.paused }
    }

    /// Everything counted, at one instant.
    pub fn counts(&mut self, now: TimeMs) -> ActivityCounts {
        let refused = Refusal::ALL.into_iter().zip(self.refused).filter(|(_, people)| *people > 0);
        ActivityCounts {
            types: self.types.iter().map(TypeStock::counts).collect(),
            closed: self.closed,
            paused: self.paused,
            participants: self.participants,
            refused: refused.collect(),
            accepted_in_10_s: self.rate.in_10_s(now),
            accepted: self.accepted().into(),
            refusals: self.refusals,
            sold_out_at: self.sold_out_at(),
        }
    }

    /// Lines ever accepted.
    pub fn accepted(&self) -> u32 {
        self.records.last().0
    }

    /// With no unit free: when the last one was claimed. Made of the claims, so that it is the same after a load.
    /// What was found is remembered: however many units came back, each line is passed once.
    fn sold_out_at(&mut self) -> Option<TimeMs> {
        if self.types.iter().any(|stock| stock.free.count() > 0) {
            return None;
        }
        loop {
            let linked = self.records.get(self.newest_kept);
            if let Some(kept) = linked.filter(|linked| self.keeps_its_unit(linked)) {
                return Some(kept.claim.decided_at);
            }
            self.newest_kept.0 = self.newest_kept.0.checked_sub(1)?;
        }
    }

    /// Whether the line's unit never came back: it is theirs, or void.
    fn keeps_its_unit(&self, linked: &Linked) -> bool {
        match linked.state {
            OrderState::Held | OrderState::Paid => true,
            OrderState::Cancelled | OrderState::Expired => false,
            OrderState::RefundDue | OrderState::Refunded => {
                OrderStep::OweRefund.fate(self.kind_of(linked.claim.ticket_type)) == UnitFate::Void
            }
        }
    }

    fn kind_of(&self, ticket_type: TypeNo) -> UnitKind {
        self.activity.types[usize::from(ticket_type.0)].kind
    }

    /// Unpaid durable orders whose deadline has passed, earliest first.
    pub fn due(&self, by: TimeMs, into: &mut Vec<Due>, most: usize) {
        let durable =
            self.holds.until(by).filter(|(_, order)| self.place_of(*order) == Place::DURABLE);
        let due = |(pay_by, seq)| Due { order: OrderNo { activity: self.no, seq }, pay_by };
        into.extend(durable.take(most).map(due));
    }

    /// Whether time alone can change something here: a deadline passes, or the queue has room again.
    pub fn waits(&self) -> bool {
        self.owes_offers || !self.holds.is_empty()
    }

    /// Whether a durable order is unpaid.
    pub fn any_unpaid(&self) -> bool {
        self.holds.any_durable()
    }

    /// The lines of an order, first to last.
    pub fn order(&self, first: Seq) -> Vec<Recorded> {
        let found = self.records.get(first).filter(|linked| linked.claim.line == 0);
        let Some(linked) = found else { return Vec::new() };
        lines_of(&linked).filter_map(|seq| self.claim_at(Seq(seq))).collect()
    }

    /// A user's lines before `before`, newest first.
    pub fn claims_of(&self, user: UserNo, before: Option<Seq>, most: usize) -> Vec<Recorded> {
        let newest = self.people.get(user).last();
        let before = before.unwrap_or(Seq(u32::MAX));
        // From a line of theirs the way on is known; from anything else it is looked for.
        let known = self.records.get(before).filter(|linked| linked.claim.user == user);
        let chain = self.records.chain(known.map_or(newest, |linked| linked.previous));
        let page = chain.skip_while(|linked| linked.claim.seq >= before).take(most);
        page.map(|linked| self.recorded(&linked)).collect()
    }

    /// A user's live lines, oldest first.
    pub fn live_of(&self, user: UserNo) -> Vec<Recorded> {
        let slot = self.people.get(user);
        if slot.gave_back() {
            return self.givers.live(user).filter_map(|seq| self.claim_at(seq)).collect();
        }
        let chain = self.records.chain(slot.last());
        let mut had: Vec<Recorded> = chain.map(|linked| self.recorded(&linked)).collect();
        had.reverse();
        had
    }

    /// The newest line of a type that was offered to a user and is theirs: to be paid, or free.
    pub fn offer_of(&self, ticket_type: TypeNo, user: UserNo) -> Option<Recorded> {
        let slot = self.people.get(user);
        let is_offer = |linked: &Linked| {
            let claim = &linked.claim;
            let open = linked.state == OrderState::Held || !claim.priced;
            claim.ticket_type == ticket_type && claim.offer.is_some() && open
        };
        let found = if slot.gave_back() {
            let mut live = self.givers.live(user).rev().filter_map(|seq| self.records.get(seq));
            live.find(is_offer)
        } else {
            self.records.chain(slot.last()).find(is_offer)
        };
        found.map(|linked| self.recorded(&linked))
    }

    /// The line with this seq.
    pub fn claim_at(&self, seq: Seq) -> Option<Recorded> {
        self.records.get(seq).map(|linked| self.recorded(&linked))
    }

    fn recorded(&self, linked: &Linked) -> Recorded {
        let (claim, state) = (linked.claim, linked.state);
        let held = state == OrderState::Held;
        let pay_by = if held { self.holds.pay_by(claim.order().seq) } else { None };
        Recorded { claim, place: self.place_of(claim.seq), state, pay_by }
    }

    /// Whether the user has tried.
    pub fn joined(&self, user: UserNo) -> bool {
        self.people.get(user).seen()
    }

    /// Where the order of a line stands in the order of commits: its last line's place.
    fn place_of(&self, seq: Seq) -> Place {
        if seq.0 + u32::from(rules::BASKET_UNITS_MAX) <= self.confirmed.0 {
            return Place::DURABLE;
        }
        let last = self.records.get(seq).map_or(seq.0, |linked| *lines_of(&linked).end());
        match last.checked_sub(self.confirmed.0 + 1) {
            None => Place::DURABLE,
            Some(after) => self.places[after as usize],
        }
    }

    fn assert_balance(&self, ticket_type: TypeNo) {
        let stock = &self.types[usize::from(ticket_type.0)];
        let supply = stock.supply();
        assert!(supply.balances(), "S1 is broken: {supply:?}");
        assert!(stock.unpaid <= stock.held, "what is unpaid is held");
    }
}

/// The seqs of a line's order.
fn lines_of(linked: &Linked) -> RangeInclusive<u32> {
    let first = linked.claim.order().seq.0;
    first..=first + u32::from(linked.claim.lines) - 1
}

/// What later look-ups and records rely on, checked before any claim can meet it.
fn assert_definition(activity: &Activity, types: usize) {
    assert_eq!(activity.types.len(), types, "every type of the definition has its units");
    assert!(types <= usize::from(rules::TYPES_MAX), "types are bounded");
    let limits = activity.types.iter().map(|kind| kind.limit_per_user);
    let highest = limits.chain(activity.limit_per_user).max();
    assert!(highest <= Some(rules::LIMIT_PER_USER_MAX), "limits per user are bounded");
}

fn index_of(refusal: Refusal) -> usize {
    Refusal::ALL.iter().position(|one| *one == refusal).expect("ALL is complete")
}
