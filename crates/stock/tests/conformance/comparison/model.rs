//! The contract of Stock once more, with vectors and searches only: slow, and obvious enough to be believed.
//! It shares no code with any stock, not even the rules' judge.

use crate::conformance::world::{Disk, Room};
use rules::{
    Claim, ClaimNo, Epoch, Event, EventKind, Moment, Part, Refusal, Seq, Supply, TimeMs, TypeNo,
    UnitNo, UserNo,
};
use std::{collections::BTreeMap, ops::Range};
use stock::{ActivityCounts, ClaimAsk, Place, Recorded, TypeCounts};

/// What becomes of a claim; an accepted one gets its place from the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Accepted(Claim),
    Known(Claim, Place),
    Refused(Refusal, Place, Vec<Claim>),
    Unknown,
    Frozen,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Free,
    Aside,
    Void,
    Sold,
}

#[derive(Clone, Copy)]
struct Entry {
    claim: Claim,
    place: Place,
    withdrawn: bool,
    since_load: bool,
}

struct Sale {
    disk: Disk,
    latest: TimeMs,
    units: Vec<Vec<Unit>>,
    claim_nos: Vec<u32>,
    entries: Vec<Entry>,
    /// Those who have tried, with their recorded refusal.
    people: BTreeMap<UserNo, Option<Refusal>>,
    refusals: u64,
}

/// The model of a stock with a ledger.
pub struct Model {
    sales: Vec<Sale>,
    parts: Vec<Part>,
    epoch: Epoch,
    frozen: bool,
    room: Room,
}

impl Sale {
    fn load(disk: Disk) -> Self {
        let mut units = Vec::new();
        for one in &disk.setup.types {
            let mut of_type = vec![Unit::Free; one.made as usize];
            one.void.iter().cloned().flatten().for_each(|unit| of_type[unit as usize] = Unit::Void);
            units.push(of_type);
        }
        let mut people: BTreeMap<UserNo, Option<Refusal>> = BTreeMap::new();
        for part in &disk.parts {
            let refusal = people.entry(part.user).or_default();
            *refusal = refusal.or(part.refusal);
        }
        let mut claim_nos = vec![0; units.len()];
        let mut entries = Vec::new();
        for claim in &disk.claims {
            let index = usize::from(claim.ticket_type.0);
            units[index][claim.unit.0 as usize] = Unit::Sold;
            claim_nos[index] = claim_nos[index].max(claim.claim_no.0);
            people.entry(claim.user).or_default();
            let place = Place::DURABLE;
            entries.push(Entry { claim: *claim, place, withdrawn: false, since_load: false });
        }
        Self { disk, latest: TimeMs(0), units, claim_nos, entries, people, refusals: 0 }
    }

    fn live(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.withdrawn)
    }

    fn of(&self, user: UserNo) -> Vec<&Entry> {
        self.live().filter(|entry| entry.claim.user == user).collect()
    }

    fn refusal(&self, ask: &ClaimAsk) -> Option<Refusal> {
        let setup = &self.disk.setup;
        let kind = &setup.activity.types[usize::from(ask.ticket_type.0)];
        let moment = kind.window.unwrap_or(setup.activity.window).at(ask.now);
        let had = self.of(ask.user);
        let in_type = had.iter().filter(|had| had.claim.ticket_type == ask.ticket_type).count();
        let most = setup.activity.limit_per_user.unwrap_or(u32::MAX) as usize;
        let free = self.units[usize::from(ask.ticket_type.0)].contains(&Unit::Free);
        let rows = [
            (Refusal::Ended, setup.closed || moment == Moment::After),
            (Refusal::Paused, setup.paused),
            (Refusal::NotStarted, moment == Moment::Before),
            (Refusal::NotEligible, setup.activity.has_roster && !setup.roster.contains(&ask.user)),
            (Refusal::LimitReached, in_type >= kind.limit_per_user as usize || had.len() >= most),
            (Refusal::SoldOut, !free),
        ];
        rows.into_iter().find(|(_, holds)| *holds).map(|(refusal, _)| refusal)
    }

    fn grounds(&self, ask: &ClaimAsk, refusal: Refusal) -> Place {
        let last = match refusal {
            Refusal::LimitReached => self.live().rfind(|one| one.claim.user == ask.user),
            Refusal::SoldOut => self.live().rfind(|one| one.claim.ticket_type == ask.ticket_type),
            _ => None,
        };
        last.map_or(Place::DURABLE, |entry| entry.place)
    }

    fn next(&self, ask: &ClaimAsk, epoch: Epoch) -> Claim {
        let index = usize::from(ask.ticket_type.0);
        let unit = self.units[index].iter().position(|unit| *unit == Unit::Free).unwrap();
        let had = self.of(ask.user);
        let in_type = had.iter().filter(|had| had.claim.ticket_type == ask.ticket_type).count();
        Claim {
            activity: ask.activity,
            seq: Seq(self.entries.len() as u32 + 1),
            epoch,
            ticket_type: ask.ticket_type,
            unit: UnitNo(unit as u32),
            user: ask.user,
            claim_no: ClaimNo(self.claim_nos[index] + 1),
            ordinal_in_type: in_type as u32 + 1,
            ordinal_in_activity: had.len() as u32 + 1,
            decided_at: ask.now,
            key: ask.key,
        }
    }

    fn unit_mut(&mut self, claim: &Claim) -> &mut Unit {
        &mut self.units[usize::from(claim.ticket_type.0)][claim.unit.0 as usize]
    }

    fn counts(&self, now: TimeMs) -> ActivityCounts {
        let lost = |user: &UserNo| self.of(*user).is_empty();
        let people = |refusal: Refusal| {
            let such = |(user, outcome): &(&UserNo, &Option<Refusal>)| {
                **outcome == Some(refusal) && lost(user)
            };
            self.people.iter().filter(such).count() as u32
        };
        let refused = Refusal::ALL.map(|refusal| (refusal, people(refusal)));
        let second = now.0 / 1000;
        let recent = |entry: &&Entry| {
            let decided = entry.claim.decided_at.0 / 1000;
            entry.since_load && (second.saturating_sub(10)..second).contains(&decided)
        };
        let any_free = self.units.iter().flatten().any(|unit| *unit == Unit::Free);
        let newest = self.live().next_back().filter(|_| !any_free);
        ActivityCounts {
            types: (0..self.units.len()).map(|index| self.type_counts(index)).collect(),
            closed: self.disk.setup.closed,
            paused: self.disk.setup.paused,
            participants: self.people.len() as u32,
            refused: refused.into_iter().filter(|(_, people)| *people > 0).collect(),
            accepted_in_10_s: self.entries.iter().filter(recent).count() as u32,
            accepted: self.entries.len() as u64,
            refusals: self.refusals,
            sold_out_at: newest.map(|entry| entry.claim.decided_at),
        }
    }

    fn type_counts(&self, index: usize) -> TypeCounts {
        let mine = |entry: &&Entry| usize::from(entry.claim.ticket_type.0) == index;
        let claims = |durable| {
            let such = |entry: &&Entry| (entry.place == Place::DURABLE) == durable;
            self.live().filter(mine).filter(such).count() as u32
        };
        let units = |state| self.units[index].iter().filter(|unit| **unit == state).count() as u32;
        let supply = Supply {
            total: units(Unit::Free) + units(Unit::Sold),
            available: units(Unit::Free),
            held: claims(false),
            sold: claims(true),
        };
        TypeCounts { supply }
    }
}

impl Model {
    /// A model loaded under `epoch`; activity n at place n - 1.
    pub fn load(room: Room, epoch: Epoch, disks: Vec<Disk>) -> Self {
        let sales = disks.into_iter().map(Sale::load).collect();
        Self { sales, parts: Vec::new(), epoch, frozen: false, room }
    }

    /// What the ledger has.
    pub fn disks(&self) -> Vec<Disk> {
        self.sales.iter().map(|sale| sale.disk.clone()).collect()
    }

    fn sale(&mut self, activity: rules::ActivityNo) -> &mut Sale {
        &mut self.sales[activity.0 as usize - 1]
    }

    /// Decides a claim. An accepted one is to be followed by `accepted`.
    pub fn claim(&mut self, ask: &ClaimAsk) -> Expected {
        let sale = self.sale(ask.activity);
        sale.latest = sale.latest.max(ask.now);
        let ask = &ClaimAsk { now: sale.latest, ..*ask };
        let sale = &self.sales[ask.activity.0 as usize - 1];
        let known = sale.live().find(|one| {
            one.claim.user == ask.user && ask.key.is_some() && one.claim.key == ask.key
        });
        if let Some(entry) = known {
            return Expected::Known(entry.claim, entry.place);
        }
        if usize::from(ask.ticket_type.0) >= sale.units.len() {
            return Expected::Unknown;
        }
        let Some(refusal) = sale.refusal(ask) else {
            return match (self.frozen, self.pending() >= self.room.claims) {
                (true, _) => Expected::Frozen,
                (false, true) => Expected::Full,
                (false, false) => Expected::Accepted(sale.next(ask, self.epoch)),
            };
        };
        let grounds = sale.grounds(ask, refusal);
        let aside = sale.units[usize::from(ask.ticket_type.0)].contains(&Unit::Aside);
        if (refusal == Refusal::SoldOut && aside) || (self.frozen && grounds != Place::DURABLE) {
            return Expected::Frozen;
        }
        let limit = refusal == Refusal::LimitReached;
        let had = sale.of(ask.user).into_iter().filter(|_| limit).map(|one| one.claim).collect();
        self.note(ask, refusal);
        self.sale(ask.activity).refusals += 1;
        Expected::Refused(refusal, grounds, had)
    }

    fn note(&mut self, ask: &ClaimAsk, refusal: Refusal) {
        let full = self.parts.len() >= self.room.parts;
        let sale = self.sale(ask.activity);
        let before = sale.people.get(&ask.user).copied();
        let outcome = (refusal != Refusal::NotStarted).then_some(refusal);
        let settled = !sale.of(ask.user).is_empty() || before.flatten().is_some();
        let news = !settled && (before.is_none() || outcome.is_some());
        if news && !full {
            sale.people.insert(ask.user, outcome);
            let (activity, user, seen_at) = (ask.activity, ask.user, ask.now);
            self.parts.push(Part { activity, user, seen_at, refusal: outcome });
        }
    }

    /// The claim got this place.
    pub fn accepted(&mut self, claim: Claim, place: Place) {
        let sale = self.sale(claim.activity);
        *sale.unit_mut(&claim) = Unit::Sold;
        sale.claim_nos[usize::from(claim.ticket_type.0)] = claim.claim_no.0;
        sale.people.entry(claim.user).or_default();
        sale.entries.push(Entry { claim, place, withdrawn: false, since_load: true });
    }

    /// These claims are durable.
    pub fn confirm(&mut self, claims: &[Claim]) {
        for claim in claims {
            let sale = self.sale(claim.activity);
            sale.entries[claim.seq.0 as usize - 1].place = Place::DURABLE;
            sale.disk.claims.push(*claim);
        }
    }

    /// Takes a claim back; whether it was there and its user's newest.
    pub fn withdraw(&mut self, claim: &Claim) -> bool {
        let sale = self.sale(claim.activity);
        let newest = sale.of(claim.user).last().map(|entry| (entry.claim, entry.place));
        let possible = newest.is_some_and(|(one, place)| one == *claim && place != Place::DURABLE);
        if possible {
            sale.entries[claim.seq.0 as usize - 1].withdrawn = true;
            *sale.unit_mut(claim) = Unit::Free;
        }
        possible
    }

    /// Whether the ledger would have a gap: then there is nothing sound to be loaded.
    pub fn has_gap(&self) -> bool {
        self.sales.iter().flat_map(|sale| &sale.entries).any(|entry| entry.withdrawn)
    }

    /// Writes and applies an event.
    pub fn apply(&mut self, event: &Event) {
        let sale = self.sale(event.activity);
        sale.disk.write(event);
        match &event.kind {
            EventKind::UnitsAdded { ticket_type, units } => {
                let of_type = &mut sale.units[usize::from(ticket_type.0)];
                of_type.extend(units.clone().map(|_| Unit::Free));
            }
            EventKind::UnitsTakenBack { ticket_type, units } => {
                sale.turn(*ticket_type, units, Unit::Void);
            }
            _ => {}
        }
    }

    /// Units ever made of a type.
    pub fn made(&mut self, activity: rules::ActivityNo, ticket_type: TypeNo) -> u32 {
        self.sale(activity).units[usize::from(ticket_type.0)].len() as u32
    }

    /// Sets free units aside: their numbers, highest first.
    pub fn take_back(
        &mut self,
        activity: rules::ActivityNo,
        ticket_type: TypeNo,
        count: u32,
    ) -> Result<Vec<u32>, u32> {
        let of_type = &mut self.sale(activity).units[usize::from(ticket_type.0)];
        let free = (0..of_type.len()).rev().filter(|unit| of_type[*unit] == Unit::Free);
        let free: Vec<usize> = free.collect();
        let taken = free.get(..count as usize).ok_or(free.len() as u32)?;
        taken.iter().for_each(|unit| of_type[*unit] = Unit::Aside);
        Ok(taken.iter().map(|unit| *unit as u32).collect())
    }

    /// Puts units that were set aside back on sale.
    pub fn undo(&mut self, activity: rules::ActivityNo, ticket_type: TypeNo, units: &[Range<u32>]) {
        self.sale(activity).turn(ticket_type, units, Unit::Free);
    }

    /// The world after a load: everything is as on disk, but parts that wait go on waiting.
    pub fn reload(&mut self, epoch: Epoch, disks: Vec<Disk>) -> Self {
        let parts = std::mem::take(&mut self.parts);
        let mut loaded = Self { parts, ..Self::load(self.room, epoch, disks) };
        for (sale, old) in loaded.sales.iter_mut().zip(&self.sales) {
            sale.latest = old.latest;
            sale.refusals = old.refusals;
        }
        loaded
    }

    /// Nothing is accepted any more.
    pub fn freeze(&mut self) {
        self.frozen = true;
    }

    /// Takes parts, and records them in the ledger.
    pub fn take_parts(&mut self, most: usize) -> Vec<Part> {
        let taken: Vec<Part> = self.parts.drain(..most.min(self.parts.len())).collect();
        taken.iter().for_each(|part| self.sale(part.activity).disk.parts.push(*part));
        taken
    }

    /// The counts of an activity.
    pub fn counts(&self, activity: rules::ActivityNo, now: TimeMs) -> ActivityCounts {
        self.sales[activity.0 as usize - 1].counts(now)
    }

    /// A user's claims, newest first.
    pub fn claims_of(&mut self, activity: rules::ActivityNo, user: UserNo) -> Vec<Recorded> {
        let recorded = |entry: &Entry| Recorded { claim: entry.claim, place: entry.place };
        self.sale(activity).of(user).into_iter().rev().map(recorded).collect()
    }

    /// The claim with this seq.
    pub fn claim_at(&mut self, activity: rules::ActivityNo, seq: Seq) -> Option<Recorded> {
        let entry = *self.sale(activity).live().find(|entry| entry.claim.seq == seq)?;
        Some(Recorded { claim: entry.claim, place: entry.place })
    }

    /// Whether the user has tried.
    pub fn joined(&mut self, activity: rules::ActivityNo, user: UserNo) -> bool {
        self.sale(activity).people.contains_key(&user)
    }

    /// Claims decided and not durable.
    pub fn pending(&self) -> u64 {
        let entries = self.sales.iter().flat_map(Sale::live);
        entries.filter(|entry| entry.place != Place::DURABLE).count() as u64
    }
}

impl Sale {
    fn turn(&mut self, ticket_type: TypeNo, units: &[Range<u32>], state: Unit) {
        let of_type = &mut self.units[usize::from(ticket_type.0)];
        for unit in units.iter().cloned().flatten() {
            assert!(of_type[unit as usize] != Unit::Sold, "the plan takes back what is free");
            of_type[unit as usize] = state;
        }
    }
}
