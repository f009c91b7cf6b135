//! Decides a claim: whether its key is known, what the rules say of each type it asks for, and its lines.
//! All or nothing: whatever can be refused is looked at before anything changes.

use super::{
    super::{
        givers::Ordinals,
        pending::{Pending, Turned},
        records::Linked,
    },
    ActivityStock, index_of,
};
use crate::{ClaimAsk, Decision, Place, Recorded, StockFault};
use rules::{
    Claim, Facts, Item, JoinNo, KeyHash, OrderState, Part, Refusal, Seq, TimeMs, TypeNo, UnitNo,
    UserNo, judge,
};

/// What the lines of an order share.
struct Draft<'a> {
    ask: &'a ClaimAsk<'a>,
    first: Seq,
    lines: u8,
    priced: bool,
    offer: Option<JoinNo>,
}

impl ActivityStock {
    /// Decides one claim.
    pub fn claim(&mut self, ask: &ClaimAsk, pending: &Pending) -> Result<Decision, StockFault> {
        // Whoever waited between the clock and this lock must not win by a time that is over.
        self.not_before(ask.now);
        let ask = &ClaimAsk { now: self.latest, ..*ask };
        // Before anything changes: failing later would leave half a claim behind.
        assert_sound(ask);
        // What was not possible when a unit came back may be by now, and those in line come first (S8).
        let offered = self.offer_owed(pending);
        self.learn(ask.user);
        if let Some(known) = ask.key.and_then(|key| self.known(ask.user, key)) {
            return Ok(Decision::Known(known));
        }
        if ask.items.iter().any(|item| usize::from(item.ticket_type.0) >= self.types.len()) {
            return Err(StockFault::Unknown);
        }
        match self.refusal(ask) {
            None => {
                // The queue may have got room since it had none for those in line: what is free is theirs still.
                offered?;
                self.take(ask, None, pending).map(Decision::Accepted)
            }
            Some((refusal, ticket_type)) => self.refuse(ask, refusal, ticket_type, pending),
        }
    }

    /// Looks up what a person has, where that is more than a chain without gaps. To be done before anything else is
    /// asked about them.
    pub fn learn(&mut self, user: UserNo) {
        let slot = self.people.get(user);
        if slot.gave_back() {
            self.givers.learn(user, self.records.chain(slot.last()));
        }
    }

    /// The order that the same user's claim with this key became.
    pub fn known(&self, user: UserNo, key: KeyHash) -> Option<Recorded> {
        let slot = self.people.get(user);
        if slot.gave_back() {
            return self.claim_at(self.givers.by_key(user, key)?);
        }
        let mut chain = self.records.chain(slot.last());
        chain.find(|linked| linked.claim.key == Some(key)).map(|found| self.recorded(&found))
    }

    /// What the rules say of every type that is wanted: nothing against it, or the refusal that comes first and the
    /// type it is about. Where one type is held by others and another sold out, waiting does not help: sold out.
    pub(super) fn refusal(&self, ask: &ClaimAsk) -> Option<(Refusal, TypeNo)> {
        let rank = |refusal| match refusal {
            Refusal::HeldByOthers => Refusal::ALL.len(),
            other => index_of(other),
        };
        let of_item = |item: &Item| {
            let refusal = judge(&self.facts(ask, *item)).err()?;
            Some((refusal, item.ticket_type))
        };
        ask.items.iter().filter_map(of_item).min_by_key(|(refusal, _)| rank(*refusal))
    }

    pub(super) fn facts(&self, ask: &ClaimAsk, item: Item) -> Facts {
        let index = usize::from(item.ticket_type.0);
        let (kind, stock) = (&self.activity.types[index], &self.types[index]);
        let slot = self.people.get(ask.user);
        Facts {
            now: ask.now,
            window: kind.window.unwrap_or(self.activity.window),
            closed: self.closed,
            paused: self.paused,
            eligible: !self.activity.has_roster || slot.eligible(),
            late: ask.late,
            want_in_type: item.count.into(),
            want_in_activity: ask.items.iter().map(|item| u32::from(item.count)).sum(),
            had_in_type: self.had_in_type(ask.user, item.ticket_type),
            limit_in_type: kind.limit_per_user,
            had_in_activity: self.had_in_activity(ask.user),
            limit_in_activity: self.activity.limit_per_user,
            ended: if slot.gave_back() { self.givers.ended(ask.user) } else { 0 },
            free: stock.free.count(),
            waiting: stock.line.len(),
            unpaid: stock.unpaid,
        }
    }

    /// A user's live lines of a type. Without gaps the newest one's ordinal says it.
    pub(super) fn had_in_type(&self, user: UserNo, ticket_type: TypeNo) -> u32 {
        let slot = self.people.get(user);
        if slot.gave_back() {
            return self.givers.had_in_type(user, ticket_type);
        }
        let of_type = |linked: &Linked| linked.claim.ticket_type == ticket_type;
        let newest = self.records.chain(slot.last()).find(of_type);
        newest.map_or(0, |linked| linked.claim.ordinal_in_type)
    }

    /// A user's live lines, likewise.
    pub(super) fn had_in_activity(&self, user: UserNo) -> u32 {
        let slot = self.people.get(user);
        if slot.gave_back() {
            return self.givers.had(user);
        }
        let newest = slot.last().and_then(|seq| self.records.get(seq));
        newest.map_or(0, |linked| linked.claim.ordinal_in_activity)
    }

    /// Takes the units that the rules have granted; the order's first line.
    pub(super) fn take(
        &mut self,
        ask: &ClaimAsk,
        offer: Option<JoinNo>,
        pending: &Pending,
    ) -> Result<Recorded, StockFault> {
        if self.frozen {
            return Err(StockFault::Frozen);
        }
        let lines: u8 = ask.items.iter().map(|item| item.count).sum();
        let first = Seq(self.records.last().0 + 1);
        if self.records.last().0 + u32::from(lines) > rules::CLAIMS_MAX {
            return Err(StockFault::Full);
        }
        let mut turn = pending.reserve(lines.into()).map_err(|Turned| StockFault::Full)?;
        let draft = Draft { ask, first, lines, priced: self.is_priced(ask.items), offer };
        let mut ordinals = self.ordinals(ask.user, None);
        let (mut head, mut place) = (None, Place::DURABLE);
        for item in ask.items {
            let mut ordinals_in_type = self.ordinals(ask.user, Some(item.ticket_type));
            for _ in 0..item.count {
                let pair = (ordinals_in_type.next(), ordinals.next());
                let claim = self.next_line(&draft, item.ticket_type, pair);
                place = turn.push(claim);
                self.places.push_back(place);
                self.rate.count(ask.now);
                self.note_claim(&claim, claim.first_state());
                head = head.or(Some(claim));
            }
            self.assert_balance(item.ticket_type);
        }
        turn.end();
        let pay_by = draft.priced.then(|| self.hold(&draft));
        let claim = head.expect("an order has a line");
        Ok(Recorded { claim, place, state: claim.first_state(), pay_by })
    }

    fn is_priced(&self, items: &[Item]) -> bool {
        let kind = |item: &Item| &self.activity.types[usize::from(item.ticket_type.0)];
        items.iter().any(|item| !kind(item).price.is_free())
    }

    /// A user's next ordinals, of one type or of the activity.
    fn ordinals(&self, user: UserNo, ticket_type: Option<TypeNo>) -> Ordinals {
        let gave_back = self.people.get(user).gave_back();
        match ticket_type {
            Some(ticket_type) if gave_back => self.givers.ordinals_in(user, ticket_type),
            None if gave_back => self.givers.ordinals(user),
            Some(ticket_type) => Ordinals::after(self.had_in_type(user, ticket_type)),
            None => Ordinals::after(self.had_in_activity(user)),
        }
    }

    fn next_line(
        &mut self,
        draft: &Draft<'_>,
        ticket_type: TypeNo,
        (ordinal_in_type, ordinal_in_activity): (u32, u32),
    ) -> Claim {
        let seq = Seq(self.records.last().0 + 1);
        let line = (seq.0 - draft.first.0) as u8;
        let stock = &mut self.types[usize::from(ticket_type.0)];
        let before = stock.free.count();
        let unit = stock.free.take_lowest().expect("the rules saw a free unit");
        stock.held += 1;
        stock.unpaid += u32::from(draft.priced);
        stock.last_claim_no.0 += 1;
        stock.last_seq = seq;
        assert_eq!(stock.free.count() + 1, before);
        Claim {
            activity: self.no,
            seq,
            epoch: self.epoch,
            ticket_type,
            unit: UnitNo(unit),
            user: draft.ask.user,
            claim_no: stock.last_claim_no,
            ordinal_in_type,
            ordinal_in_activity,
            decided_at: draft.ask.now,
            key: draft.ask.key.filter(|_| line == 0),
            line,
            lines: draft.lines,
            priced: draft.priced,
            offer: draft.offer,
        }
    }

    /// Notes the deadline of an order that was just decided.
    fn hold(&mut self, draft: &Draft<'_>) -> TimeMs {
        let kinds = draft.ask.items.iter().map(|item| item.ticket_type);
        let pay_by = self.activity.pay_by(kinds.clone(), draft.offer.is_some(), draft.ask.now);
        self.holds.add(draft.first, pay_by);
        for kind in kinds {
            self.types[usize::from(kind.0)].deadlines.insert((pay_by, draft.first));
        }
        pay_by
    }

    /// What an accepted line changes beside the units; the same when it is decided and when it is loaded.
    pub(super) fn note_claim(&mut self, claim: &Claim, state: OrderState) {
        let slot = self.people.get_mut(claim.user);
        let previous = slot.last();
        slot.set_last(Some(claim.seq));
        let news = slot.set_seen();
        let (refusal, gave_back) = (slot.refusal(), slot.gave_back());
        self.participants += u32::from(news);
        if let (None, Some(refusal)) = (previous, refusal) {
            self.refused[index_of(refusal)] -= 1;
        }
        self.records.push(claim, state, previous);
        self.newest_kept = claim.seq;
        if gave_back {
            self.givers.add(&Linked { claim: *claim, state, previous });
        }
    }

    fn refuse(
        &mut self,
        ask: &ClaimAsk,
        refusal: Refusal,
        ticket_type: TypeNo,
        pending: &Pending,
    ) -> Result<Decision, StockFault> {
        let stock = &self.types[usize::from(ticket_type.0)];
        let limit = refusal == Refusal::LimitReached;
        let had = if limit { self.live_of(ask.user) } else { Vec::new() };
        let grounds = match refusal {
            Refusal::LimitReached => had.last().map_or(Place::DURABLE, |newest| newest.place),
            Refusal::SoldOut => self.place_of(stock.last_seq),
            // Nobody takes it for the last word: what is held may come back.
            Refusal::HeldByOthers => Place::DURABLE,
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
        let held = refusal == Refusal::HeldByOthers;
        let retry_at = if held { self.retry_at(ask) } else { None };
        self.note_refusal(ask, refusal, pending);
        self.refusals += 1;
        Ok(Decision::Refused { refusal, grounds, had, retry_at })
    }

    /// The earliest deadline of an unpaid order that holds units of what is lacking.
    fn retry_at(&self, ask: &ClaimAsk) -> Option<TimeMs> {
        let stock = |item: &Item| &self.types[usize::from(item.ticket_type.0)];
        let lacks = |item: &Item| self.facts(ask, *item).free_to_it() < item.count.into();
        let lacking = ask.items.iter().filter(|item| lacks(item));
        lacking.filter_map(|item| stock(item).deadlines.first()).map(|(pay_by, _)| *pay_by).min()
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

    pub(super) fn note_part(&mut self, part: &Part) {
        let slot = self.people.get_mut(part.user);
        self.participants += u32::from(slot.set_seen());
        if let (Some(refusal), None) = (part.refusal, slot.refusal()) {
            slot.set_refusal(refusal);
            self.refused[index_of(refusal)] += u32::from(slot.last().is_none());
        }
    }
}

/// What a caller has checked before.
fn assert_sound(ask: &ClaimAsk) {
    assert!(ask.user.0 <= rules::USERS_MAX, "user numbers are bounded");
    let units: u32 = ask.items.iter().map(|item| u32::from(item.count)).sum();
    let counted = ask.items.iter().all(|item| item.count > 0);
    assert!(counted && (1..=u32::from(rules::BASKET_UNITS_MAX)).contains(&units), "{ask:?}");
    let twice = |(index, item): (usize, &Item)| {
        ask.items[..index].iter().any(|other| other.ticket_type == item.ticket_type)
    };
    assert!(!ask.items.iter().enumerate().any(twice), "each type at most once: {ask:?}");
}
