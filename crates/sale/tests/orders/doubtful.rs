//! A ledger whose next batch of changes fails as a test wants: with nothing written, or so that nobody knows.
//! Everything else is the real ledger's, handed through.

use ledger::*;
use rules::{
    ActivityNo, Claim, Epoch, Event, JoinNo, OrderNo, Part, PaymentState, Seq, TimeMs, TypeNo,
    UnitNo, UserNo,
};
use std::{
    ops::Deref,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

/// What becomes of the next batch of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fate {
    Works = 0,
    /// It was written, and the call says that it does not know.
    UnknownWritten = 1,
    /// It was not written, and the call says that it does not know.
    UnknownLost = 2,
    /// It was not written, and the call says so.
    Nothing = 3,
    /// The same, for the next batch in which a late payment is confirmed.
    LateNothing = 4,
}

pub struct Doubtful {
    inner: SqliteLedger,
    fate: AtomicU8,
    doubt: AtomicBool,
}

impl Doubtful {
    pub fn new(inner: SqliteLedger) -> Self {
        Self { inner, fate: AtomicU8::new(0), doubt: AtomicBool::new(false) }
    }

    pub fn next_change(&self, fate: Fate) {
        self.fate.store(fate as u8, Ordering::SeqCst);
    }

    fn certain(&self) -> Result<(), LedgerFault> {
        let closed = LedgerFault::NothingHappened(Cause::Closed);
        if self.doubt.load(Ordering::SeqCst) { Err(closed) } else { Ok(()) }
    }
}

impl Deref for Doubtful {
    type Target = SqliteLedger;

    fn deref(&self) -> &SqliteLedger {
        &self.inner
    }
}

macro_rules! same {
    ($(fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $out:ty;)*) => {
        $(fn $name(&self, $($arg: $ty),*) -> $out {
            self.inner.$name($($arg),*)
        })*
    };
}

impl ClaimLedger for Doubtful {
    fn recover(&self) -> Result<Epoch, LedgerFault> {
        self.doubt.store(false, Ordering::SeqCst);
        self.inner.recover()
    }

    fn in_doubt(&self) -> bool {
        self.doubt.load(Ordering::SeqCst) || self.inner.in_doubt()
    }

    fn commit(
        &self,
        epoch: Epoch,
        claims: &[Claim],
        answers: &mut Vec<Written>,
    ) -> Result<(), LedgerFault> {
        self.certain()?;
        self.inner.commit(epoch, claims, answers)
    }

    same! {
        fn own() -> Result<Epoch, LedgerFault>;
        fn detection() -> Detection;
        fn audit() -> Result<Vec<Finding>, LedgerFault>;
        fn settle(activity: ActivityNo, epoch: Epoch, seq: Seq) -> Result<Settled, LedgerFault>;
        fn record_parts(epoch: Epoch, parts: &[Part]) -> Result<(), LedgerFault>;
        fn claims(activity: ActivityNo, visit: &mut dyn FnMut(Claim, OrderMark)) -> Result<(), LedgerFault>;
        fn parts(activity: ActivityNo, visit: &mut dyn FnMut(Part)) -> Result<(), LedgerFault>;
        fn claim_of_unit(activity: ActivityNo, ticket_type: TypeNo, unit: UnitNo) -> Result<Option<Claim>, LedgerFault>;
        fn orders(activity: ActivityNo, visit: &mut dyn FnMut(&OrderRow<'_>) -> bool, ) -> Result<(), LedgerFault>;
        fn participants(activity: ActivityNo, visit: &mut dyn FnMut(&ParticipantRow<'_>) -> bool, ) -> Result<(), LedgerFault>;
    }
}

impl ActivityLedger for Doubtful {
    same! {
        fn add_activities(epoch: Epoch, new: &[NewActivity], entry: &AuditEntry) -> Result<Vec<AddedActivity>, AddRefused>;
        fn append(epoch: Epoch, draft: &EventDraft, entry: &AuditEntry) -> Result<Appended, LedgerFault>;
        fn known_event(activity: ActivityNo, key: OperatorKey) -> Result<Option<Event>, LedgerFault>;
        fn add_codes(epoch: Epoch, activity: ActivityNo, ticket_type: TypeNo, codes: &[String], entry: &AuditEntry) -> Result<Option<AddedCodes>, LedgerFault>;
        fn activities() -> Result<Vec<StoredActivity>, LedgerFault>;
        fn activity(no: ActivityNo) -> Result<Option<StoredActivity>, LedgerFault>;
        fn roster(no: ActivityNo, visit: &mut dyn FnMut(UserNo)) -> Result<(), LedgerFault>;
        fn first_units(no: ActivityNo) -> Result<Vec<u32>, LedgerFault>;
        fn roster_names(no: ActivityNo, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerFault>;
        fn codes(no: ActivityNo, ticket_type: TypeNo, from: u32, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerFault>;
        fn find_code(code: &str) -> Result<Option<(ActivityNo, TypeNo, rules::UnitNo)>, LedgerFault>;
        fn write_audit(entries: &[AuditEntry]) -> Result<(), LedgerFault>;
        fn read_audit(before: Option<u64>, most: u32) -> Result<Vec<AuditRecord>, LedgerFault>;
    }
}

impl OrderLedger for Doubtful {
    fn change(
        &self,
        epoch: Epoch,
        at: TimeMs,
        changes: &[Change],
        answers: &mut Vec<Changed>,
    ) -> Result<(), LedgerFault> {
        self.certain()?;
        let late = changes.iter().any(|change| matches!(change, Change::ConfirmLate { .. }));
        if self.fate.load(Ordering::SeqCst) == Fate::LateNothing as u8 && !late {
            return self.inner.change(epoch, at, changes, answers);
        }
        let fate = self.fate.swap(Fate::Works as u8, Ordering::SeqCst);
        if fate == Fate::Nothing as u8 || fate == Fate::LateNothing as u8 {
            return Err(LedgerFault::NothingHappened(Cause::Busy));
        }
        if fate != Fate::UnknownLost as u8 {
            self.inner.change(epoch, at, changes, answers)?;
        }
        if fate == Fate::Works as u8 {
            return Ok(());
        }
        answers.clear();
        self.doubt.store(true, Ordering::SeqCst);
        Err(LedgerFault::Unknown(Cause::Io))
    }

    fn heartbeat(&self, epoch: Epoch, at: TimeMs) -> Result<(), LedgerFault> {
        self.certain()?;
        self.inner.heartbeat(epoch, at)
    }

    same! {
        fn order_mark(order: OrderNo) -> Result<Option<OrderMark>, LedgerFault>;
        fn payments_of(order: OrderNo) -> Result<Vec<PaymentRecord>, LedgerFault>;
        fn payments(before: Option<PaymentNo>, state: Option<PaymentState>, most: u32) -> Result<Vec<PaymentRecord>, LedgerFault>;
        fn payments_in(activity: ActivityNo, visit: &mut dyn FnMut(&PaymentRecord) -> bool, ) -> Result<(), LedgerFault>;
        fn payments_waiting(state: PaymentState, provider: Option<&str>, now: TimeMs, most: u32) -> Result<Vec<PaymentRecord>, LedgerFault>;
        fn open_payments(after: Option<(OrderNo, String)>, most: u32) -> Result<Vec<OpenPayment>, LedgerFault>;
        fn record_notices(notices: &[NoticeRecord]) -> Result<(), LedgerFault>;
        fn notices(strays_only: bool, most: u32) -> Result<Vec<(TimeMs, String, String, Option<OrderNo>)>, LedgerFault>;
        fn line(activity: ActivityNo, visit: &mut dyn FnMut(JoinNo, TypeNo, UserNo)) -> Result<(), LedgerFault>;
        fn last_alive() -> Result<TimeMs, LedgerFault>;
        fn extend(epoch: Epoch, lateness: Lateness) -> Result<(), LedgerFault>;
        fn extensions() -> Result<Vec<Lateness>, LedgerFault>;
    }
}

impl PeopleLedger for Doubtful {
    same! {
        fn register(name: &str, password_hash: &str, at: TimeMs) -> Result<Result<Person, NameTaken>, LedgerFault>;
        fn adopt(names: &[String], source: Source, at: TimeMs) -> Result<Vec<Result<Person, NameTaken>>, LedgerFault>;
        fn add_people(people: &[NewPerson], at: TimeMs) -> Result<Result<Vec<UserNo>, usize>, LedgerFault>;
        fn person_by_name(name: &str) -> Result<Option<(Person, Option<String>)>, LedgerFault>;
        fn person(no: UserNo) -> Result<Option<Person>, LedgerFault>;
        fn set_password(no: UserNo, password_hash: &str) -> Result<u32, LedgerFault>;
        fn end_sessions(no: UserNo) -> Result<u32, LedgerFault>;
        fn revoke(no: UserNo, mark: [u8; 16], until: TimeMs) -> Result<(), LedgerFault>;
        fn revoked(now: TimeMs, visit: &mut dyn FnMut(UserNo, [u8; 16], TimeMs)) -> Result<(), LedgerFault>;
        fn standings(visit: &mut dyn FnMut(UserNo, Role, u32)) -> Result<(), LedgerFault>;
        fn people(after: UserNo, most: u32) -> Result<Vec<Person>, LedgerFault>;
        fn last_user() -> Result<UserNo, LedgerFault>;
    }
}

impl RelayLedger for Doubtful {
    same! {
        fn number_facts(epoch: Epoch, activity: ActivityNo, most: u32) -> Result<OutNo, LedgerFault>;
        fn unnumbered() -> Result<Vec<ActivityNo>, LedgerFault>;
        fn facts(activity: ActivityNo, after: OutNo, most: u32) -> Result<Vec<OutRow>, LedgerFault>;
        fn last_fact(activity: ActivityNo) -> Result<OutNo, LedgerFault>;
        fn add_endpoint(epoch: Epoch, new: &NewEndpoint, at: TimeMs) -> Result<Option<EndpointNo>, LedgerFault>;
        fn endpoints() -> Result<Vec<Endpoint>, LedgerFault>;
        fn remove_endpoint(epoch: Epoch, no: EndpointNo) -> Result<bool, LedgerFault>;
        fn rotate_secret(epoch: Epoch, no: EndpointNo, secret: &[u8], old_until: TimeMs) -> Result<bool, LedgerFault>;
        fn park_endpoint(epoch: Epoch, no: EndpointNo, parked: bool) -> Result<bool, LedgerFault>;
        fn cursors(no: EndpointNo) -> Result<Vec<Cursor>, LedgerFault>;
        fn record_deliveries(epoch: Epoch, cursors: &[Cursor], deliveries: &[Delivery]) -> Result<(), LedgerFault>;
        fn deliveries(no: EndpointNo, most: u32) -> Result<Vec<Delivery>, LedgerFault>;
        fn lines(activity: ActivityNo, order: Seq) -> Result<Vec<Claim>, LedgerFault>;
    }
}

impl Ledger for Doubtful {
    same! {
        fn secret(name: &'static str) -> Result<[u8; 32], LedgerFault>;
        fn backup(to: &Path) -> Result<(), LedgerFault>;
    }
}
