//! A ledger that a sale writes to before and after every single reading: the worst that can come between two.
//! Whatever would write panics, for a check writes nothing.

use crate::seller::Seller;
use ledger::{
    ActivityLedger, AddRefused, AddedActivity, AddedCodes, Appended, AuditEntry, AuditRecord,
    Change, Changed, ClaimLedger, Cursor, Delivery, Detection, Endpoint, EndpointNo, EventDraft,
    Finding, Lateness, Ledger, LedgerFault, NameTaken, NewActivity, NewEndpoint, NewPerson,
    NoticeRecord, NoticeRow, OpenPayment, OperatorKey, OrderLedger, OrderMark, OrderRow, OutNo,
    OutRow, ParticipantRow, PaymentNo, PaymentRecord, PeopleLedger, Person, RelayLedger, Role,
    Settled, Source, SqliteLedger, StoredActivity, Written,
};
use rules::{
    ActivityNo, Claim, Epoch, Event, JoinNo, OrderNo, Part, PaymentState, Seq, TimeMs, TypeNo,
    UnitNo, UserNo,
};
use std::path::Path;
use std::sync::Mutex;

/// Steps that may come at one place: each number, in turn, so that the same reading meets every step.
const STEPS_AT_ONCE: [u32; 5] = [1, 2, 0, 3, 1];

type Fault<T> = Result<T, LedgerFault>;

pub struct Meddled<'a> {
    pub inner: &'a SqliteLedger,
    pub seller: Mutex<(Seller<'a>, usize)>,
}

impl<'a> Meddled<'a> {
    pub fn new(inner: &'a SqliteLedger, small_every: u32) -> Self {
        Self { inner, seller: Mutex::new((Seller::new(inner, small_every), 0)) }
    }

    fn between<T>(&self, read: impl FnOnce(&SqliteLedger) -> T) -> T {
        self.meddle();
        let read = read(self.inner);
        self.meddle();
        read
    }

    fn meddle(&self) {
        let mut seller = self.seller.lock().unwrap();
        let steps = STEPS_AT_ONCE[seller.1 % STEPS_AT_ONCE.len()];
        seller.1 += 1;
        (0..steps).for_each(|_| seller.0.step());
    }
}

fn written() -> ! {
    panic!("a check only reads")
}

impl ClaimLedger for Meddled<'_> {
    fn in_doubt(&self) -> bool {
        false
    }

    fn audit(&self) -> Fault<Vec<Finding>> {
        self.between(|inner| inner.audit())
    }
    fn claims(&self, activity: ActivityNo, visit: &mut dyn FnMut(Claim, OrderMark)) -> Fault<()> {
        self.between(|inner| inner.claims(activity, visit))
    }
    fn parts(&self, activity: ActivityNo, visit: &mut dyn FnMut(Part)) -> Fault<()> {
        self.between(|inner| inner.parts(activity, visit))
    }
    fn settle(&self, activity: ActivityNo, epoch: Epoch, seq: Seq) -> Fault<Settled> {
        self.between(|inner| inner.settle(activity, epoch, seq))
    }
    fn claim_of_unit(&self, no: ActivityNo, kind: TypeNo, unit: UnitNo) -> Fault<Option<Claim>> {
        self.between(|inner| inner.claim_of_unit(no, kind, unit))
    }
    fn orders(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&OrderRow<'_>) -> bool,
    ) -> Fault<()> {
        self.between(|inner| inner.orders(activity, visit))
    }
    fn participants(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&ParticipantRow<'_>) -> bool,
    ) -> Fault<()> {
        self.between(|inner| inner.participants(activity, visit))
    }
    fn detection(&self) -> Detection {
        self.inner.detection()
    }
    fn own(&self) -> Fault<Epoch> {
        written()
    }
    fn recover(&self) -> Fault<Epoch> {
        written()
    }
    fn commit(&self, _: Epoch, _: &[Claim], _: &mut Vec<Written>) -> Fault<()> {
        written()
    }
    fn record_parts(&self, _: Epoch, _: &[Part]) -> Fault<()> {
        written()
    }
}

impl ActivityLedger for Meddled<'_> {
    fn activities(&self) -> Fault<Vec<StoredActivity>> {
        self.between(|inner| inner.activities())
    }
    fn activity(&self, no: ActivityNo) -> Fault<Option<StoredActivity>> {
        self.between(|inner| inner.activity(no))
    }
    fn roster(&self, no: ActivityNo, visit: &mut dyn FnMut(UserNo)) -> Fault<()> {
        self.between(|inner| inner.roster(no, visit))
    }
    fn codes(
        &self,
        no: ActivityNo,
        kind: TypeNo,
        from: u32,
        visit: &mut dyn FnMut(&str),
    ) -> Fault<()> {
        self.between(|inner| inner.codes(no, kind, from, visit))
    }
    fn first_units(&self, no: ActivityNo) -> Fault<Vec<u32>> {
        self.between(|inner| inner.first_units(no))
    }
    fn roster_names(&self, no: ActivityNo, visit: &mut dyn FnMut(&str)) -> Fault<()> {
        self.between(|inner| inner.roster_names(no, visit))
    }
    fn find_code(&self, code: &str) -> Fault<Option<(ActivityNo, TypeNo, UnitNo)>> {
        self.between(|inner| inner.find_code(code))
    }
    fn known_event(&self, activity: ActivityNo, key: OperatorKey) -> Fault<Option<Event>> {
        self.between(|inner| inner.known_event(activity, key))
    }
    fn read_audit(&self, before: Option<u64>, most: u32) -> Fault<Vec<AuditRecord>> {
        self.between(|inner| inner.read_audit(before, most))
    }
    fn add_activities(
        &self,
        _: Epoch,
        _: &[NewActivity],
        _: &AuditEntry,
    ) -> Result<Vec<AddedActivity>, AddRefused> {
        written()
    }
    fn append(&self, _: Epoch, _: &EventDraft, _: &AuditEntry) -> Fault<Appended> {
        written()
    }
    fn add_codes(
        &self,
        _: Epoch,
        _: ActivityNo,
        _: TypeNo,
        _: &[String],
        _: &AuditEntry,
    ) -> Fault<Option<AddedCodes>> {
        written()
    }
    fn write_audit(&self, _: &[AuditEntry]) -> Fault<()> {
        written()
    }
}

impl PeopleLedger for Meddled<'_> {
    fn person_by_name(&self, name: &str) -> Fault<Option<(Person, Option<String>)>> {
        self.between(|inner| inner.person_by_name(name))
    }
    fn person(&self, no: UserNo) -> Fault<Option<Person>> {
        self.between(|inner| inner.person(no))
    }
    fn standings(&self, visit: &mut dyn FnMut(UserNo, Role, u32)) -> Fault<()> {
        self.between(|inner| inner.standings(visit))
    }
    fn people(&self, after: UserNo, most: u32) -> Fault<Vec<Person>> {
        self.between(|inner| inner.people(after, most))
    }
    fn last_user(&self) -> Fault<UserNo> {
        self.between(|inner| inner.last_user())
    }
    fn register(&self, _: &str, _: &str, _: TimeMs) -> Fault<Result<Person, NameTaken>> {
        written()
    }
    fn adopt(&self, _: &[String], _: Source, _: TimeMs) -> Fault<Vec<Result<Person, NameTaken>>> {
        written()
    }
    fn add_people(&self, _: &[NewPerson], _: TimeMs) -> Fault<Result<Vec<UserNo>, usize>> {
        written()
    }
    fn set_password(&self, _: UserNo, _: &str) -> Fault<u32> {
        written()
    }
    fn end_sessions(&self, _: UserNo) -> Fault<u32> {
        written()
    }
    fn revoke(&self, _: UserNo, _: [u8; 16], _: TimeMs) -> Fault<()> {
        written()
    }
    fn revoked(&self, _: TimeMs, _: &mut dyn FnMut(UserNo, [u8; 16], TimeMs)) -> Fault<()> {
        written()
    }
}

impl OrderLedger for Meddled<'_> {
    fn payments_in(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&PaymentRecord) -> bool,
    ) -> Fault<()> {
        self.between(|inner| inner.payments_in(activity, visit))
    }
    fn order_mark(&self, order: OrderNo) -> Fault<Option<OrderMark>> {
        self.between(|inner| inner.order_mark(order))
    }
    fn payments_of(&self, order: OrderNo) -> Fault<Vec<PaymentRecord>> {
        self.between(|inner| inner.payments_of(order))
    }
    fn payments(
        &self,
        before: Option<PaymentNo>,
        state: Option<PaymentState>,
        most: u32,
    ) -> Fault<Vec<PaymentRecord>> {
        self.between(|inner| inner.payments(before, state, most))
    }
    fn payments_waiting(
        &self,
        state: PaymentState,
        provider: Option<&str>,
        now: TimeMs,
        most: u32,
    ) -> Fault<Vec<PaymentRecord>> {
        self.between(|inner| inner.payments_waiting(state, provider, now, most))
    }
    fn open_payments(
        &self,
        after: Option<(OrderNo, String)>,
        most: u32,
    ) -> Fault<Vec<OpenPayment>> {
        self.between(|inner| inner.open_payments(after, most))
    }
    fn notices(&self, strays_only: bool, most: u32) -> Fault<Vec<NoticeRow>> {
        self.between(|inner| inner.notices(strays_only, most))
    }
    fn line(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(JoinNo, TypeNo, UserNo),
    ) -> Fault<()> {
        self.between(|inner| inner.line(activity, visit))
    }
    fn last_alive(&self) -> Fault<TimeMs> {
        self.between(|inner| inner.last_alive())
    }
    fn extensions(&self) -> Fault<Vec<Lateness>> {
        self.between(|inner| inner.extensions())
    }
    fn change(&self, _: Epoch, _: TimeMs, _: &[Change], _: &mut Vec<Changed>) -> Fault<()> {
        written()
    }
    fn record_notices(&self, _: &[NoticeRecord]) -> Fault<()> {
        written()
    }
    fn heartbeat(&self, _: Epoch, _: TimeMs) -> Fault<()> {
        written()
    }
    fn extend(&self, _: Epoch, _: Lateness) -> Fault<()> {
        written()
    }
}

impl RelayLedger for Meddled<'_> {
    fn unnumbered(&self) -> Fault<Vec<ActivityNo>> {
        self.between(|inner| inner.unnumbered())
    }
    fn facts(&self, activity: ActivityNo, after: OutNo, most: u32) -> Fault<Vec<OutRow>> {
        self.between(|inner| inner.facts(activity, after, most))
    }
    fn last_fact(&self, activity: ActivityNo) -> Fault<OutNo> {
        self.between(|inner| inner.last_fact(activity))
    }
    fn endpoints(&self) -> Fault<Vec<Endpoint>> {
        self.between(|inner| inner.endpoints())
    }
    fn cursors(&self, no: EndpointNo) -> Fault<Vec<Cursor>> {
        self.between(|inner| inner.cursors(no))
    }
    fn deliveries(&self, no: EndpointNo, most: u32) -> Fault<Vec<Delivery>> {
        self.between(|inner| inner.deliveries(no, most))
    }
    fn lines(&self, activity: ActivityNo, order: Seq) -> Fault<Vec<Claim>> {
        self.between(|inner| inner.lines(activity, order))
    }
    fn number_facts(&self, _: Epoch, _: ActivityNo, _: u32) -> Fault<OutNo> {
        written()
    }
    fn add_endpoint(&self, _: Epoch, _: &NewEndpoint, _: TimeMs) -> Fault<Option<EndpointNo>> {
        written()
    }
    fn remove_endpoint(&self, _: Epoch, _: EndpointNo) -> Fault<bool> {
        written()
    }
    fn rotate_secret(&self, _: Epoch, _: EndpointNo, _: &[u8], _: TimeMs) -> Fault<bool> {
        written()
    }
    fn park_endpoint(&self, _: Epoch, _: EndpointNo, _: bool) -> Fault<bool> {
        written()
    }
    fn record_deliveries(&self, _: Epoch, _: &[Cursor], _: &[Delivery]) -> Fault<()> {
        written()
    }
}

impl Ledger for Meddled<'_> {
    fn secret(&self, _: &'static str) -> Fault<[u8; 32]> {
        written()
    }
    fn backup(&self, _: &Path) -> Fault<()> {
        written()
    }
}
