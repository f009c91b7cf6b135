//! People who pay, do not pay, pay too late and get their money back, one step at a time, for ever.
//! Whatever it writes is right, and changes orders that a check may just have read.

use crate::given::{END, START, activity, change_at, claim, entry, owed, pays, priced, write};
use ledger::{ActivityLedger, Change, Changed, EventDraft, NewUnits, PaymentNo, SqliteLedger};
use rules::{
    ActivityNo, Claim, ClaimNo, Epoch, EventKind, OrderNo, OrderStep, TimeMs, TypeNo, UnitKind,
};
use std::collections::{BTreeSet, VecDeque};

const PRICE: u64 = 990;
/// Units that are added when none is free.
const REFILL: u32 = 50;
/// When whatever is not paid may expire, and everything else happens.
const LATER: TimeMs = TimeMs(END.0 + 900_000);

pub struct Payers<'a> {
    ledger: &'a SqliteLedger,
    epoch: Epoch,
    pub no: ActivityNo,
    free: BTreeSet<u32>,
    made: u32,
    seq: u32,
    steps: u32,
    /// Order, its user and unit.
    held: VecDeque<(OrderNo, u32, u32)>,
    paid: VecDeque<OrderNo>,
    /// The payment that came too late, its user, the order made for it.
    late: Option<(PaymentNo, u32, Option<OrderNo>)>,
    due: Option<PaymentNo>,
}

impl<'a> Payers<'a> {
    pub fn new(ledger: &'a SqliteLedger, epoch: Epoch) -> Self {
        let types = vec![priced("seat", UnitKind::Plain, "9.90")];
        let new = activity("priced", types, vec![NewUnits::Plain(REFILL)]);
        let no = ledger.add_activities(epoch, &[new], &entry()).unwrap()[0].no;
        let (free, made) = ((0..REFILL).collect(), REFILL);
        let (held, paid) = (VecDeque::new(), VecDeque::new());
        let (seq, steps, late, due) = (0, 0, None, None);
        Self { ledger, epoch, no, free, made, seq, steps, held, paid, late, due }
    }

    /// Writes the next thing.
    pub fn step(&mut self) {
        self.steps += 1;
        match self.steps % 12 {
            0 | 2 | 7 => self.hold(self.steps, TimeMs(START.0 + 1)),
            1 | 8 => self.pay(),
            3 => self.expire(),
            4 => self.claim_again(),
            5 => self.confirm_late(),
            6 => self.owe_refund(),
            9 => self.pay_again(),
            10 => self.pay_wrongly(),
            _ => self.refund(),
        }
    }

    fn change(&self, change: Change) -> Changed {
        change_at(self.ledger, self.epoch, LATER, change)
    }

    fn hold(&mut self, user: u32, decided_at: TimeMs) {
        if self.free.is_empty() {
            self.refill();
        }
        let unit = self.free.pop_first().expect("it was refilled");
        self.seq += 1;
        let claim = Claim {
            claim_no: ClaimNo(self.seq),
            decided_at,
            priced: true,
            ..claim(self.no, self.epoch, self.seq, 0, unit, user)
        };
        write(self.ledger, self.epoch, &[claim]);
        self.held.push_back((claim.order(), user, unit));
    }

    fn refill(&mut self) {
        let kind = EventKind::UnitsAdded { ticket_type: TypeNo(0), units: 0..REFILL };
        let draft = EventDraft { activity: self.no, at: START, kind, key: None };
        self.ledger.append(self.epoch, &draft, &entry()).unwrap();
        self.free.extend(self.made..self.made + REFILL);
        self.made += REFILL;
    }

    fn receive(&self, order: OrderNo) -> PaymentNo {
        let received = self.change(pays(order, &format!("r{}", self.steps), PRICE));
        let Changed::Done { payment: Some(payment), .. } = received else { panic!("{received:?}") };
        payment.no
    }

    fn pay(&mut self) {
        let Some((order, ..)) = self.held.pop_front() else { return };
        self.receive(order);
        self.paid.push_back(order);
    }

    /// The oldest hold expires, its unit is sold again at once, and then its payment comes.
    fn expire(&mut self) {
        let Some((order, user, unit)) = self.held.pop_front() else { return };
        self.change(Change::Step { order, step: OrderStep::Expire });
        self.free.insert(unit);
        self.hold(self.steps + 1_000_000, TimeMs(START.0 + 1));
        self.late = Some((self.receive(order), user, None));
    }

    fn claim_again(&mut self) {
        let Some((payment, user, None)) = self.late else { return };
        self.hold(user, LATER);
        let (order, ..) = self.held.pop_back().expect("it was just made");
        self.late = Some((payment, user, Some(order)));
    }

    fn confirm_late(&mut self) {
        let Some((payment, _, Some(order))) = self.late.take() else { return };
        self.change(Change::ConfirmLate { payment, order });
        self.paid.push_back(order);
    }

    fn owe_refund(&mut self) {
        let Some(order) = self.paid.pop_front() else { return };
        let owed = self.change(Change::Step { order, step: OrderStep::OweRefund });
        let Changed::Done { payment: Some(payment), .. } = owed else { panic!("{owed:?}") };
        self.due = Some(payment.no);
    }

    fn pay_again(&mut self) {
        if let Some(order) = self.paid.back().copied() {
            self.receive(order);
        }
    }

    fn pay_wrongly(&mut self) {
        if let Some((order, ..)) = self.held.front() {
            self.change(owed(*order, &format!("r{}", self.steps)));
        }
    }

    fn refund(&mut self) {
        if let Some(payment) = self.due.take() {
            self.change(Change::RefundDone(payment));
        }
    }
}
