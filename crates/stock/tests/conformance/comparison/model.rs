//! The contract of Stock once more, with vectors and searches only: slow, and obvious enough to be believed.
//! It shares no code with any stock, not even the rules' judge.

use crate::conformance::world::{Disk, OFFER_MS, PAY_MS, Room};
use rules::{
    ActivityNo, Claim, ClaimNo, ENDED_LINES_MAX, Epoch, Event, EventKind, Item, JoinNo, KeyHash,
    LIMIT_PER_USER_MAX, Moment, OrderState, OrderStep, Part, Refusal, Seq, Supply, TimeMs, TypeNo,
    UnitKind, UnitNo, UserNo,
};
use std::{collections::BTreeMap, ops::Range};
use stock::{ActivityCounts, Due, InLine, Place, Recorded, TypeCounts};

/// A request for units.
#[derive(Clone, Debug)]
pub struct Asked {
    pub activity: ActivityNo,
    pub items: Vec<Item>,
    pub user: UserNo,
    pub late: bool,
    pub key: Option<KeyHash>,
    pub now: TimeMs,
}

/// What becomes of a claim. The places of accepted lines are learnt from the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Accepted(Claim),
    Known(Recorded),
    Refused(Refusal, Place, Vec<Recorded>, Option<TimeMs>),
    Unknown,
    Frozen,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Free,
    Aside,
    Void,
    Taken,
}

#[derive(Clone, Copy)]
struct Entry {
    claim: Claim,
    /// Not learnt yet: `None`.
    place: Option<Place>,
    state: OrderState,
    withdrawn: bool,
    since_load: bool,
    pay_by: TimeMs,
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
    /// Who waits, in order.
    line: Vec<(JoinNo, TypeNo, UserNo)>,
}

/// The model of a stock with a ledger.
pub struct Model {
    sales: Vec<Sale>,
    parts: Vec<Part>,
    epoch: Epoch,
    frozen: bool,
    room: Room,
}

impl Entry {
    fn held(&self) -> bool {
        self.state == OrderState::Held
    }

    fn durable(&self) -> bool {
        self.place == Some(Place::DURABLE)
    }

    fn recorded(&self) -> Recorded {
        let pay_by = self.held().then_some(self.pay_by);
        let place = self.place.expect("places are learnt at once");
        Recorded { claim: self.claim, place, state: self.state, pay_by }
    }
}

/// The lowest numbers from 1 that are not among these.
fn gaps(used: &[u32], count: usize) -> Vec<u32> {
    (1..).filter(|number| !used.contains(number)).take(count).collect()
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
        let line = disk.setup.line.clone();
        let (latest, claim_nos, entries) = (TimeMs(0), vec![0; units.len()], Vec::new());
        let mut sale = Self { disk, latest, units, claim_nos, entries, people, refusals: 0, line };
        for claim in sale.disk.claims.clone() {
            sale.load_claim(claim);
        }
        sale
    }

    fn load_claim(&mut self, claim: Claim) {
        let (state, pay_by) = (self.disk.state(&claim), self.disk.pay_by(&claim));
        let index = usize::from(claim.ticket_type.0);
        let refunded = matches!(state, OrderState::RefundDue | OrderState::Refunded);
        if state.is_live() {
            *self.unit_mut(&claim) = Unit::Taken;
        } else if refunded && self.codes(claim.ticket_type) {
            *self.unit_mut(&claim) = Unit::Void;
        }
        self.claim_nos[index] = self.claim_nos[index].max(claim.claim_no.0);
        self.people.entry(claim.user).or_default();
        self.line.retain(|one| Some(one.0) != claim.offer);
        self.entries.push(Entry {
            claim,
            place: Some(Place::DURABLE),
            state,
            withdrawn: false,
            since_load: false,
            pay_by: pay_by.unwrap_or_default(),
        });
    }

    fn codes(&self, ticket_type: TypeNo) -> bool {
        self.disk.setup.activity.types[usize::from(ticket_type.0)].kind == UnitKind::Codes
    }

    /// Everything that was not withdrawn.
    fn decided(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.withdrawn)
    }

    fn live(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.decided().filter(|entry| entry.state.is_live())
    }

    fn of(&self, user: UserNo) -> Vec<&Entry> {
        self.decided().filter(|entry| entry.claim.user == user).collect()
    }

    fn live_of(&self, user: UserNo) -> Vec<&Entry> {
        self.live().filter(|entry| entry.claim.user == user).collect()
    }

    fn free(&self, ticket_type: TypeNo) -> usize {
        let of_type = &self.units[usize::from(ticket_type.0)];
        of_type.iter().filter(|unit| **unit == Unit::Free).count()
    }

    /// Lines of a user that were cancelled or expired.
    fn ended(&self, user: UserNo) -> usize {
        let ended =
            |one: &&&Entry| matches!(one.state, OrderState::Cancelled | OrderState::Expired);
        self.of(user).iter().filter(ended).count()
    }

    /// Free units that a claim may take: a late one comes behind a line that stands still and may go on.
    fn free_to(&self, ask: &Asked, ticket_type: TypeNo, moment: Moment) -> usize {
        let stands_still = match moment {
            Moment::Before => true,
            Moment::Within => self.disk.setup.paused,
            Moment::After => false,
        };
        let waiting = self.line.iter().filter(|one| one.1 == ticket_type).count();
        let theirs = if ask.late && stands_still { waiting } else { 0 };
        self.free(ticket_type).saturating_sub(theirs)
    }

    /// Orders that are held, of those with units of a type.
    fn unpaid(&self, ticket_type: TypeNo) -> impl Iterator<Item = &Entry> {
        self.live().filter(move |one| one.held() && one.claim.ticket_type == ticket_type)
    }

    fn refusals_of_item(&self, ask: &Asked, item: Item) -> Option<Refusal> {
        let setup = &self.disk.setup;
        let kind = &setup.activity.types[usize::from(item.ticket_type.0)];
        let moment = kind.window.unwrap_or(setup.activity.window).at(ask.now);
        let had = self.live_of(ask.user);
        let in_type = had.iter().filter(|had| had.claim.ticket_type == item.ticket_type).count();
        let want: usize = ask.items.iter().map(|item| usize::from(item.count)).sum();
        let most = setup.activity.limit_per_user.unwrap_or(LIMIT_PER_USER_MAX) as usize;
        let beyond = in_type + usize::from(item.count) > kind.limit_per_user as usize
            || had.len() + want > most
            || (self.ended(ask.user) >= ENDED_LINES_MAX as usize && !ask.late);
        let lacking = self.free_to(ask, item.ticket_type, moment) < usize::from(item.count);
        let unpaid = self.unpaid(item.ticket_type).count() > 0;
        let rows = [
            (Refusal::Ended, setup.closed || (!ask.late && moment == Moment::After)),
            (Refusal::Paused, setup.paused && !ask.late),
            (Refusal::NotStarted, !ask.late && moment == Moment::Before),
            (Refusal::NotEligible, setup.activity.has_roster && !setup.roster.contains(&ask.user)),
            (Refusal::LimitReached, beyond),
            (Refusal::HeldByOthers, lacking && unpaid),
            (Refusal::SoldOut, lacking),
        ];
        rows.into_iter().find(|(_, holds)| *holds).map(|(refusal, _)| refusal)
    }

    /// The refusal that comes first over all types, and the first type it is about. A type that is sold out
    /// comes before one that others hold.
    fn refusal(&self, ask: &Asked) -> Option<(Refusal, TypeNo)> {
        let order = [
            Refusal::Ended,
            Refusal::Paused,
            Refusal::NotStarted,
            Refusal::NotEligible,
            Refusal::LimitReached,
            Refusal::SoldOut,
            Refusal::HeldByOthers,
        ];
        order.into_iter().find_map(|refusal| {
            let of = |item: &&Item| self.refusals_of_item(ask, **item) == Some(refusal);
            ask.items.iter().find(of).map(|item| (refusal, item.ticket_type))
        })
    }

    fn grounds(&self, ask: &Asked, refusal: Refusal, ticket_type: TypeNo) -> Place {
        let last = match refusal {
            Refusal::LimitReached => self.live().rfind(|one| one.claim.user == ask.user),
            Refusal::SoldOut => self.decided().rfind(|one| one.claim.ticket_type == ticket_type),
            _ => None,
        };
        last.map_or(Place::DURABLE, |entry| entry.place.expect("it is known"))
    }

    fn retry_at(&self, ask: &Asked) -> Option<TimeMs> {
        let window = |item: &Item| self.disk.setup.activity.window_of(item.ticket_type).unwrap();
        let lacking = |item: &&Item| {
            let free = self.free_to(ask, item.ticket_type, window(item).at(ask.now));
            free < usize::from(item.count)
        };
        let items = ask.items.iter().filter(lacking);
        items.flat_map(|item| self.unpaid(item.ticket_type)).map(|one| one.pay_by).min()
    }

    /// Decides the lines of an order; the first.
    fn accept(&mut self, ask: &Asked, offer: Option<JoinNo>, epoch: Epoch) -> Claim {
        let setup = &self.disk.setup;
        let kind = |item: &Item| &setup.activity.types[usize::from(item.ticket_type.0)];
        let priced = ask.items.iter().any(|item| kind(item).price.minor > 0);
        let lines: u8 = ask.items.iter().map(|item| item.count).sum();
        let had = self.live_of(ask.user);
        let used: Vec<u32> = had.iter().map(|one| one.claim.ordinal_in_activity).collect();
        let in_type = |ticket_type: TypeNo| -> Vec<u32> {
            let of_type = had.iter().filter(|one| one.claim.ticket_type == ticket_type);
            of_type.map(|one| one.claim.ordinal_in_type).collect()
        };
        let mut of_lines = Vec::new();
        for item in &ask.items {
            let ordinals = gaps(&in_type(item.ticket_type), item.count.into());
            of_lines.extend(ordinals.into_iter().map(|ordinal| (item.ticket_type, ordinal)));
        }
        let ordinals = gaps(&used, lines.into());
        let pay_by = TimeMs(ask.now.0 + if offer.is_some() { OFFER_MS } else { PAY_MS });
        let first = self.entries.len();
        for (line, (ticket_type, ordinal_in_type)) in of_lines.into_iter().enumerate() {
            let index = usize::from(ticket_type.0);
            let unit = self.units[index].iter().position(|unit| *unit == Unit::Free).unwrap();
            self.units[index][unit] = Unit::Taken;
            self.claim_nos[index] += 1;
            let claim = Claim {
                activity: ask.activity,
                seq: Seq(self.entries.len() as u32 + 1),
                epoch,
                ticket_type,
                unit: UnitNo(unit as u32),
                user: ask.user,
                claim_no: ClaimNo(self.claim_nos[index]),
                ordinal_in_type,
                ordinal_in_activity: ordinals[line],
                decided_at: ask.now,
                key: ask.key.filter(|_| line == 0),
                line: line as u8,
                lines,
                priced,
                offer,
            };
            let state = if priced { OrderState::Held } else { OrderState::Paid };
            let (place, withdrawn, since_load) = (None, false, true);
            self.entries.push(Entry { claim, place, state, withdrawn, since_load, pay_by });
        }
        self.people.entry(ask.user).or_default();
        self.entries[first].claim
    }

    fn unit_mut(&mut self, claim: &Claim) -> &mut Unit {
        &mut self.units[usize::from(claim.ticket_type.0)][claim.unit.0 as usize]
    }

    /// The entries of an order, if this is the seq of a first line.
    fn order(&self, order: Seq) -> Vec<usize> {
        let first = self.decided().find(|one| one.claim.seq == order && one.claim.line == 0);
        let Some(first) = first else { return Vec::new() };
        let start = order.0 as usize - 1;
        (start..start + usize::from(first.claim.lines)).collect()
    }

    /// What a step does, if it is possible.
    fn step(&mut self, order: Seq, step: OrderStep) {
        for index in self.order(order) {
            let Entry { claim, state, .. } = self.entries[index];
            let (next, unit) = match (state, step) {
                (OrderState::Held, OrderStep::Pay) => (OrderState::Paid, Unit::Taken),
                (OrderState::Held, OrderStep::Cancel) => (OrderState::Cancelled, Unit::Free),
                (OrderState::Held, OrderStep::Expire) => (OrderState::Expired, Unit::Free),
                (OrderState::Paid, OrderStep::OweRefund) if self.codes(claim.ticket_type) => {
                    (OrderState::RefundDue, Unit::Void)
                }
                (OrderState::Paid, OrderStep::OweRefund) => (OrderState::RefundDue, Unit::Free),
                (OrderState::RefundDue, OrderStep::Refund) => {
                    self.entries[index].state = OrderState::Refunded;
                    continue;
                }
                other => panic!("{other:?} is not possible"),
            };
            self.entries[index].state = next;
            *self.unit_mut(&claim) = unit;
        }
    }

    fn kept(&self, entry: &Entry) -> bool {
        let refunded = matches!(entry.state, OrderState::RefundDue | OrderState::Refunded);
        entry.state.is_live() || (refunded && self.codes(entry.claim.ticket_type))
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
        let newest = self.decided().rfind(|entry| self.kept(entry)).filter(|_| !any_free);
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
        let ticket_type = TypeNo(index as u16);
        let mine = |entry: &&Entry| entry.claim.ticket_type == ticket_type;
        let settled = |entry: &&Entry| entry.durable() && entry.state == OrderState::Paid;
        let sold = self.live().filter(mine).filter(settled).count() as u32;
        let units = |state| self.units[index].iter().filter(|unit| **unit == state).count() as u32;
        let supply = Supply {
            total: units(Unit::Free) + units(Unit::Taken),
            available: units(Unit::Free),
            held: self.live().filter(mine).count() as u32 - sold,
            sold,
        };
        let unpaid = self.unpaid(ticket_type).count() as u32;
        let waiting = self.line.iter().filter(|one| one.1 == ticket_type).count() as u32;
        TypeCounts { supply, unpaid, waiting }
    }

    fn turn(&mut self, ticket_type: TypeNo, units: &[Range<u32>], state: Unit) {
        let of_type = &mut self.units[usize::from(ticket_type.0)];
        for unit in units.iter().cloned().flatten() {
            assert!(of_type[unit as usize] != Unit::Taken, "the plan takes back what is free");
            of_type[unit as usize] = state;
        }
    }

    fn asks_for_one(&self, ticket_type: TypeNo, user: UserNo, now: TimeMs) -> Asked {
        let items = vec![Item { ticket_type, count: 1 }];
        Asked { activity: self.disk.setup.no, items, user, late: false, key: None, now }
    }

    fn join_line(&mut self, join: JoinNo, ticket_type: TypeNo, user: UserNo) {
        if !self.line.iter().any(|one| (one.1, one.2) == (ticket_type, user)) {
            self.line.push((join, ticket_type, user));
            self.line.sort();
        }
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

    fn sale(&mut self, activity: ActivityNo) -> &mut Sale {
        &mut self.sales[activity.0 as usize - 1]
    }

    /// Offers every free unit to the first in line whom the rules do not refuse it (S8).
    pub fn offer(&mut self, activity: ActivityNo) {
        for ticket_type in [TypeNo(0), TypeNo(1)] {
            while let Some((join, user)) = self.next_in_line(activity, ticket_type) {
                let (epoch, full) = (self.epoch, self.pending() >= self.room.claims);
                if self.frozen || full {
                    break;
                }
                let sale = self.sale(activity);
                let ask = sale.asks_for_one(ticket_type, user, sale.latest);
                sale.accept(&ask, Some(join), epoch);
                sale.line.retain(|one| one.0 != join);
            }
        }
    }

    fn next_in_line(
        &mut self,
        activity: ActivityNo,
        ticket_type: TypeNo,
    ) -> Option<(JoinNo, UserNo)> {
        let sale = self.sale(activity);
        let granted =
            |user| sale.refusal(&sale.asks_for_one(ticket_type, user, sale.latest)).is_none();
        let mut of_type = sale.line.iter().filter(|one| one.1 == ticket_type);
        of_type.find(|one| granted(one.2)).map(|(join, _, user)| (*join, *user))
    }

    /// A claim comes, and with it a later moment: those in line come first.
    pub fn arrive(&mut self, ask: &Asked) {
        let sale = self.sale(ask.activity);
        sale.latest = sale.latest.max(ask.now);
        self.offer(ask.activity);
    }

    /// Decides a claim that has arrived.
    pub fn claim(&mut self, ask: &Asked) -> Expected {
        let epoch = self.epoch;
        let ask = &Asked { now: self.sale(ask.activity).latest, ..ask.clone() };
        let sale = &self.sales[ask.activity.0 as usize - 1];
        let known = sale.decided().find(|one| {
            one.claim.user == ask.user && ask.key.is_some() && one.claim.key == ask.key
        });
        if let Some(entry) = known {
            return Expected::Known(entry.recorded());
        }
        if ask.items.iter().any(|item| usize::from(item.ticket_type.0) >= sale.units.len()) {
            return Expected::Unknown;
        }
        let Some((refusal, ticket_type)) = sale.refusal(ask) else {
            let lines: u64 = ask.items.iter().map(|item| u64::from(item.count)).sum();
            return match (self.frozen, self.pending() + lines > self.room.claims) {
                (true, _) => Expected::Frozen,
                (false, true) => Expected::Full,
                (false, false) => {
                    Expected::Accepted(self.sale(ask.activity).accept(ask, None, epoch))
                }
            };
        };
        let grounds = sale.grounds(ask, refusal, ticket_type);
        let aside = sale.units[usize::from(ticket_type.0)].contains(&Unit::Aside);
        if (refusal == Refusal::SoldOut && aside) || (self.frozen && grounds != Place::DURABLE) {
            return Expected::Frozen;
        }
        let limit = refusal == Refusal::LimitReached;
        let had = sale.live_of(ask.user).into_iter().filter(|_| limit).map(Entry::recorded);
        let had = had.collect();
        let held = refusal == Refusal::HeldByOthers;
        let retry_at = if held { sale.retry_at(ask) } else { None };
        self.note(ask, refusal);
        self.sale(ask.activity).refusals += 1;
        Expected::Refused(refusal, grounds, had, retry_at)
    }

    fn note(&mut self, ask: &Asked, refusal: Refusal) {
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

    /// Lines that were decided since the last time, in order: where each stands is to be learnt.
    pub fn news(&mut self) -> Vec<(Claim, &mut Option<Place>)> {
        let entries = self.sales.iter_mut().flat_map(|sale| &mut sale.entries);
        let news = entries.filter(|entry| entry.place.is_none());
        news.map(|entry| (entry.claim, &mut entry.place)).collect()
    }

    /// These lines are durable.
    pub fn confirm(&mut self, claims: &[Claim]) {
        for claim in claims {
            let sale = self.sale(claim.activity);
            sale.entries[claim.seq.0 as usize - 1].place = Some(Place::DURABLE);
            sale.disk.claims.push(*claim);
        }
    }

    /// Takes an order back; whether it was there and its user's newest.
    pub fn withdraw(&mut self, claim: &Claim) -> bool {
        let sale = self.sale(claim.activity);
        let newest = sale.of(claim.user).last().copied().copied();
        let possible = claim.line == 0
            && newest.is_some_and(|one| one.claim.order() == claim.order() && !one.durable());
        if possible {
            for index in sale.order(claim.seq) {
                let line = sale.entries[index].claim;
                sale.entries[index].withdrawn = true;
                *sale.unit_mut(&line) = Unit::Free;
            }
            if let Some(join) = claim.offer {
                sale.join_line(join, claim.ticket_type, claim.user);
            }
            self.offer(claim.activity);
        }
        possible
    }

    /// Whether the ledger would have a gap: then there is nothing sound to be loaded.
    pub fn has_gap(&self) -> bool {
        self.sales.iter().flat_map(|sale| &sale.entries).any(|entry| entry.withdrawn)
    }

    /// Whether an event can be true: steps of orders that are durable and in a state for it, and people who are not
    /// in line, or are.
    pub fn possible(&mut self, event: &Event) -> bool {
        let sale = self.sale(event.activity);
        match event.kind {
            EventKind::Order { order, step } => {
                let lines = sale.order(order);
                let durable = lines.iter().all(|index| sale.entries[*index].durable());
                let first = lines.first().map(|index| sale.entries[*index].state);
                durable && first.is_some_and(|state| state.after(step).is_some())
            }
            _ => true,
        }
    }

    /// Writes and applies an event.
    pub fn apply(&mut self, event: &Event) {
        let sale = self.sale(event.activity);
        match &event.kind {
            EventKind::UnitsAdded { ticket_type, units } => {
                let of_type = &mut sale.units[usize::from(ticket_type.0)];
                of_type.extend(units.clone().map(|_| Unit::Free));
            }
            EventKind::UnitsTakenBack { ticket_type, units } => {
                sale.turn(*ticket_type, units, Unit::Void);
            }
            EventKind::Order { order, step } => sale.step(*order, *step),
            EventKind::LinedUp { ticket_type, user } => {
                sale.join_line(JoinNo(event.no), *ticket_type, *user);
            }
            EventKind::LeftLine { join, .. } => sale.line.retain(|one| one.0 != *join),
            _ => {}
        }
        sale.disk.write(event);
        sale.latest = sale.latest.max(event.at);
        self.offer(event.activity);
    }

    /// Units ever made of a type.
    pub fn made(&mut self, activity: ActivityNo, ticket_type: TypeNo) -> u32 {
        self.sale(activity).units[usize::from(ticket_type.0)].len() as u32
    }

    /// Sets free units aside: their numbers, highest first.
    pub fn take_back(
        &mut self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        count: u32,
    ) -> Result<Vec<u32>, u32> {
        self.offer(activity);
        let of_type = &mut self.sale(activity).units[usize::from(ticket_type.0)];
        let free = (0..of_type.len()).rev().filter(|unit| of_type[*unit] == Unit::Free);
        let free: Vec<usize> = free.collect();
        let taken = free.get(..count as usize).ok_or(free.len() as u32)?;
        taken.iter().for_each(|unit| of_type[*unit] = Unit::Aside);
        Ok(taken.iter().map(|unit| *unit as u32).collect())
    }

    /// Puts units that were set aside back on sale.
    pub fn undo(&mut self, activity: ActivityNo, ticket_type: TypeNo, units: &[Range<u32>]) {
        self.sale(activity).turn(ticket_type, units, Unit::Free);
        self.offer(activity);
    }

    /// The world after a load: everything is as on disk, but parts that wait go on waiting.
    pub fn reload(&mut self, epoch: Epoch, now: TimeMs, disks: Vec<Disk>) -> Self {
        let parts = std::mem::take(&mut self.parts);
        let mut loaded = Self { parts, ..Self::load(self.room, epoch, disks) };
        for (sale, old) in loaded.sales.iter_mut().zip(&self.sales) {
            sale.latest = old.latest.max(now);
            sale.refusals = old.refusals;
        }
        for activity in (1..=loaded.sales.len() as u32).map(ActivityNo) {
            loaded.offer(activity);
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

    /// Durable orders that are due, in any order, after what is owed to those in line was offered.
    pub fn due(&mut self, by: TimeMs) -> Vec<Due> {
        for activity in (1..=self.sales.len() as u32).map(ActivityNo) {
            self.offer(activity);
        }
        let lines = self.sales.iter().flat_map(Sale::live).filter(|one| one.claim.line == 0);
        let due = lines.filter(|one| one.held() && one.durable() && one.pay_by <= by);
        due.map(|one| Due { order: one.claim.order(), pay_by: one.pay_by }).collect()
    }

    /// Whether a durable order is unpaid.
    pub fn any_unpaid(&self) -> bool {
        self.sales.iter().flat_map(Sale::live).any(|one| one.held() && one.durable())
    }

    /// The lines of an order.
    pub fn order(&mut self, activity: ActivityNo, order: Seq) -> Vec<Recorded> {
        let sale = self.sale(activity);
        sale.order(order).into_iter().map(|index| sale.entries[index].recorded()).collect()
    }

    /// The counts of an activity.
    pub fn counts(&self, activity: ActivityNo, now: TimeMs) -> ActivityCounts {
        self.sales[activity.0 as usize - 1].counts(now)
    }

    /// A user's lines, newest first.
    pub fn claims_of(&mut self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        self.sale(activity).of(user).into_iter().rev().map(Entry::recorded).collect()
    }

    /// A user's live lines, oldest first.
    pub fn live_of(&mut self, activity: ActivityNo, user: UserNo) -> Vec<Recorded> {
        self.sale(activity).live_of(user).into_iter().map(Entry::recorded).collect()
    }

    /// The newest live line of a type that came out of the line and is to be paid, or free.
    pub fn offer_of(
        &mut self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Option<Recorded> {
        let live = self.live_of(activity, user).into_iter();
        let mut offers = live.filter(|one| {
            let open = one.state == OrderState::Held || !one.claim.priced;
            one.claim.ticket_type == ticket_type && one.claim.offer.is_some() && open
        });
        offers.next_back()
    }

    /// The line with this key.
    pub fn known(&mut self, activity: ActivityNo, user: UserNo, key: KeyHash) -> Option<Recorded> {
        self.claims_of(activity, user).into_iter().find(|one| one.claim.key == Some(key))
    }

    /// The line with this seq.
    pub fn claim_at(&mut self, activity: ActivityNo, seq: Seq) -> Option<Recorded> {
        let entry = *self.sale(activity).decided().find(|entry| entry.claim.seq == seq)?;
        Some(entry.recorded())
    }

    /// Whether the user has tried.
    pub fn joined(&mut self, activity: ActivityNo, user: UserNo) -> bool {
        self.sale(activity).people.contains_key(&user)
    }

    /// Somebody's place in line.
    pub fn in_line(
        &mut self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
    ) -> Option<InLine> {
        let mut of_type = self.sale(activity).line.iter().filter(|one| one.1 == ticket_type);
        let place = of_type.clone().position(|one| one.2 == user)?;
        let (join, ..) = *of_type.nth(place)?;
        Some(InLine { join, ahead: place as u32 })
    }

    /// Whether somebody may line up at this moment.
    pub fn may_line_up(
        &mut self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
        now: TimeMs,
    ) -> Result<(), Option<Refusal>> {
        let sale = self.sale(activity);
        let now = now.max(sale.latest);
        let refusal = sale.refusal(&sale.asks_for_one(ticket_type, user, now));
        let nothing_free = [Refusal::SoldOut, Refusal::HeldByOthers];
        if let Some((refusal, _)) = refusal.filter(|(one, _)| !nothing_free.contains(one)) {
            return Err(Some(refusal));
        }
        let personal = [Refusal::LimitReached, Refusal::NotEligible];
        let owed = sale.line.iter().filter(|one| one.1 == ticket_type).any(|one| {
            let ask = sale.asks_for_one(ticket_type, one.2, sale.latest);
            sale.refusal(&ask).is_none_or(|(refusal, _)| !personal.contains(&refusal))
        });
        if sale.free(ticket_type) > 0 && !owed { Err(None) } else { Ok(()) }
    }

    /// Lines decided and not durable.
    pub fn pending(&self) -> u64 {
        let entries = self.sales.iter().flat_map(Sale::decided);
        entries.filter(|entry| !entry.durable()).count() as u64
    }
}
