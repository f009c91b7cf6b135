//! Money: an activity's payments against its orders, each amount computed anew from the prices (promise 7).
//! Of an order whose payments changed while it was read, it says nothing: the next check does.

use super::finding::Promise;
use super::lines::Line;
use super::paid::{Paid, Payments};
use super::report::Report;
use super::verdict::Balance;
use ledger::StoredActivity;
use rules::{ActivityNo, OrderNo, OrderState, PaymentState, Seq, TicketType, UserNo};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How orders and payments contradict each other (promise 7). Orders are named by the seq of their first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyBroken {
    /// An order that costs something was given as if it were free, or the other way round.
    WronglyPriced {
        /// The order.
        order: u32,
    },
    /// A free order is in a state that only orders with a price have.
    FreeOrder {
        /// The order.
        order: u32,
        /// Its state.
        state: OrderState,
    },
    /// A paid order, or one whose money goes back, without a payment that pays it.
    NotPaidFor {
        /// The order.
        order: u32,
        /// Its state.
        state: OrderState,
    },
    /// An order that several payments pay.
    PaidTwice {
        /// The order.
        order: u32,
        /// How many.
        payments: u64,
    },
    /// Its buyer had less time to pay than was promised.
    ExpiredTooSoon {
        /// The order.
        order: u32,
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// The events of an order do not lead to the state it is in.
    StepImpossible {
        /// The order.
        order: u32,
    },
    /// A payment for an order that does not exist.
    OrderUnknown {
        /// The payment.
        payment: u64,
        /// The order.
        order: u32,
    },
    /// It pays an order, or is to, and is not the order's whole amount.
    WrongAmount {
        /// The payment.
        payment: u64,
        /// What was paid, in minor units.
        paid: u64,
        /// What the order costs.
        costs: u64,
    },
    /// It pays an order, or is to, and is not in the order's currency.
    WrongCurrency {
        /// The payment.
        payment: u64,
    },
    /// A payment and the order it pays are in states that do not go together.
    StatesDiffer {
        /// The payment.
        payment: u64,
        /// Its state.
        state: PaymentState,
        /// The order.
        order: u32,
        /// Its state.
        order_state: OrderState,
    },
    /// A confirmed payment that pays nothing, or one that pays and cannot.
    PaysNothing {
        /// The payment.
        payment: u64,
        /// Its state.
        state: PaymentState,
    },
    /// A payment pays an order of somebody else.
    PaysAnother {
        /// The payment.
        payment: u64,
        /// The order.
        order: u32,
    },
    /// A late payment for an order that is not over.
    NotLate {
        /// The payment.
        payment: u64,
        /// The order.
        order: u32,
        /// Its state.
        order_state: OrderState,
    },
    /// A provider's reference stands for two payments.
    ReferenceTwice {
        /// The later payment.
        payment: u64,
    },
}

impl fmt::Display for MoneyBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WronglyPriced { order } => {
                write!(f, "order {order} was made with no regard to what its types cost")
            }
            Self::FreeOrder { order, state } => {
                write!(f, "order {order} costs nothing and is {}", state.name())
            }
            Self::NotPaidFor { order, state } => {
                write!(f, "order {order} is {} and no payment pays it", state.name())
            }
            Self::PaidTwice { order, payments } => {
                write!(f, "order {order} is paid by {payments} payments")
            }
            Self::ExpiredTooSoon { order, by_ms } => {
                write!(f, "order {order} expired {by_ms} ms before its time to pay was over")
            }
            Self::StepImpossible { order } => {
                write!(f, "the events of order {order} do not lead to the state it is in")
            }
            Self::OrderUnknown { payment, order } => {
                write!(f, "payment {payment} is for order {order}, which does not exist")
            }
            Self::WrongAmount { payment, paid, costs } => {
                write!(f, "payment {payment} is of {paid} minor units, its order costs {costs}")
            }
            Self::WrongCurrency { payment } => {
                write!(f, "payment {payment} is in another currency than its order")
            }
            Self::StatesDiffer { payment, state, order, order_state } => {
                let (state, order_state) = (state.name(), order_state.name());
                write!(f, "payment {payment} is {state} and pays order {order}, {order_state}")
            }
            Self::PaysNothing { payment, state } => {
                write!(f, "payment {payment} is {}, which does not fit what it pays", state.name())
            }
            Self::PaysAnother { payment, order } => {
                write!(f, "payment {payment} pays order {order} of another person or activity")
            }
            Self::NotLate { payment, order, order_state } => {
                let state = order_state.name();
                write!(f, "payment {payment} is late for order {order}, which is {state}")
            }
            Self::ReferenceTwice { payment } => {
                write!(f, "payment {payment} has the provider's reference of another one")
            }
        }
    }
}

/// Orders and payments of one activity.
struct Books<'a> {
    no: ActivityNo,
    types: &'a [TicketType],
    /// In the order of seq.
    lines: &'a [Line],
    /// Orders whose payments changed while they were read.
    moving: BTreeSet<Seq>,
}

/// Looks at every order and payment. The lines come in the order of seq; the payments were read before them, and again
/// after. Returns who paid for an order that was over.
pub fn check(
    stored: &StoredActivity,
    lines: &[Line],
    (before, after): (&Payments, &Payments),
    report: &mut Report,
) -> BTreeSet<UserNo> {
    let (no, types) = (stored.no, stored.activity.types.as_slice());
    let (settled, moving) = after.list.iter().partition::<Vec<_>, _>(|paid| before.has(paid));
    let touched = moving.into_iter().flat_map(|paid: &Paid| [Some(paid.order), paid.paid_order]);
    let moving = touched.flatten().map(|order| order.seq).collect();
    let books = Books { no, types, lines, moving };
    let mut paying: BTreeMap<Seq, u64> = BTreeMap::new();
    for paid in settled {
        books.payment(paid, &after.currencies[usize::from(paid.currency)], report);
        if let Some(order) = paid.paid_order {
            *paying.entry(order.seq).or_default() += 1;
        }
    }
    let orders = books.orders(&paying, report);
    report.count(Promise::MoneyAgrees, "orders", orders);
    report.count(Promise::MoneyAgrees, "payments", after.list.len());
    balance(no, after, report);
    let late = after.list.iter().filter_map(|paid| books.first_line(paid.order));
    late.filter(|line| is_over(line.state)).map(|line| line.claim.user).collect()
}

impl Books<'_> {
    /// Every order against the payments that pay it; how many there are.
    fn orders(&self, paying: &BTreeMap<Seq, u64>, report: &mut Report) -> usize {
        let of_one = |one: &Line, next: &Line| next.claim.line > 0 && next.continues(one);
        let mut count = 0;
        for order in self.lines.chunk_by(of_one) {
            count += 1;
            self.order(order, paying, report);
        }
        count
    }

    fn order(&self, lines: &[Line], paying: &BTreeMap<Seq, u64>, report: &mut Report) {
        // What is torn, or of a type that is not there, was found elsewhere.
        let Some((costs, _)) = self.cost(lines).filter(|_| lines[0].claim.line == 0) else {
            return;
        };
        let Line { claim, state, .. } = lines[0];
        let order = claim.seq.0;
        if claim.priced != (costs > 0) {
            return report.add(self.no, None, MoneyBroken::WronglyPriced { order });
        }
        if !claim.priced {
            if state != OrderState::Paid {
                report.add(self.no, None, MoneyBroken::FreeOrder { order, state });
            }
            return;
        }
        self.deadline(lines, report);
        let payments = paying.get(&claim.seq).copied().unwrap_or(0);
        let needs =
            matches!(state, OrderState::Paid | OrderState::RefundDue | OrderState::Refunded);
        if self.moving.contains(&claim.seq) {
            return;
        }
        if needs && payments == 0 {
            report.add(self.no, None, MoneyBroken::NotPaidFor { order, state });
        }
        if payments > 1 {
            report.add(self.no, None, MoneyBroken::PaidTwice { order, payments });
        }
    }

    /// Deadlines are moved later and never earlier, so whoever expired had the time that the types promise.
    fn deadline(&self, lines: &[Line], report: &mut Report) {
        let Line { claim, state, ended_at } = lines[0];
        let (OrderState::Expired, Some(ended_at)) = (state, ended_at) else { return };
        let within = lines.iter().filter_map(|line| {
            let ticket = self.types.get(usize::from(line.claim.ticket_type.0))?;
            Some(if claim.offer.is_some() { ticket.offer_within_s } else { ticket.pay_within_s })
        });
        let within_ms = u64::from(within.min().unwrap_or(0)) * 1_000;
        let by_ms = (claim.decided_at.0 + within_ms).saturating_sub(ended_at.0);
        if by_ms > 0 {
            let order = claim.seq.0;
            report.add(self.no, None, MoneyBroken::ExpiredTooSoon { order, by_ms });
        }
    }

    /// A payment that did not change while it was read. Money that pays nothing may be of any amount: all of it goes
    /// back.
    fn payment(&self, paid: &Paid, currency: &str, report: &mut Report) {
        let payment = paid.no;
        let Some(own) = self.first_line(paid.order) else {
            let order = paid.order.seq.0;
            return report.add(self.no, None, MoneyBroken::OrderUnknown { payment, order });
        };
        match (paid.state, paid.paid_order) {
            (PaymentState::Late, None) => {
                self.amount(paid, paid.order.seq, currency, report);
                self.late(paid, own, report);
            }
            (PaymentState::RefundDue | PaymentState::Refunded, None) => {}
            (
                PaymentState::Confirmed | PaymentState::RefundDue | PaymentState::Refunded,
                Some(by),
            ) => {
                self.amount(paid, paid.order.seq, currency, report);
                self.pays(paid, own, by, currency, report);
            }
            (state @ (PaymentState::Confirmed | PaymentState::Late), _) => {
                report.add(self.no, None, MoneyBroken::PaysNothing { payment, state });
            }
        }
    }

    fn late(&self, paid: &Paid, own: &Line, report: &mut Report) {
        if !is_over(own.state) && !self.moving.contains(&own.claim.seq) {
            let (payment, order, order_state) = (paid.no, own.claim.seq.0, own.state);
            report.add(self.no, None, MoneyBroken::NotLate { payment, order, order_state });
        }
    }

    /// The order that a payment pays: its own, or one made for it, by the same person at the same price.
    fn pays(&self, paid: &Paid, own: &Line, pays: OrderNo, currency: &str, report: &mut Report) {
        let (payment, order) = (paid.no, pays.seq.0);
        let Some(line) = self.first_line(pays).filter(|line| line.claim.user == own.claim.user)
        else {
            return report.add(self.no, None, MoneyBroken::PaysAnother { payment, order });
        };
        if pays != paid.order {
            self.amount(paid, pays.seq, currency, report);
        }
        let fits = match paid.state {
            PaymentState::Confirmed => OrderState::Paid,
            PaymentState::RefundDue => OrderState::RefundDue,
            PaymentState::Refunded => OrderState::Refunded,
            PaymentState::Late => return,
        };
        if line.state != fits && !self.moving.contains(&pays.seq) {
            let (state, order_state) = (paid.state, line.state);
            let broken = MoneyBroken::StatesDiffer { payment, state, order, order_state };
            report.add(self.no, None, broken);
        }
    }

    fn amount(&self, paid: &Paid, order: Seq, currency: &str, report: &mut Report) {
        let Some((costs, in_currency)) = self.cost(self.lines_of(order)) else { return };
        let (payment, paid) = (paid.no, paid.minor);
        if paid != costs {
            report.add(self.no, None, MoneyBroken::WrongAmount { payment, paid, costs });
        }
        if in_currency.is_some_and(|one| one != currency) {
            report.add(self.no, None, MoneyBroken::WrongCurrency { payment });
        }
    }

    /// What these lines cost in minor units, and in which currency where they cost something.
    fn cost(&self, lines: &[Line]) -> Option<(u64, Option<&str>)> {
        let (mut minor, mut currency) = (0, None);
        for line in lines {
            let price = &self.types.get(usize::from(line.claim.ticket_type.0))?.price;
            minor += price.minor;
            if price.minor > 0 {
                currency = Some(price.currency.as_str());
            }
        }
        Some((minor, currency))
    }

    fn first_line(&self, order: OrderNo) -> Option<&Line> {
        let here = self.lines_of(order.seq).first();
        here.filter(|line| order.activity == self.no && line.claim.line == 0)
    }

    /// The lines of an order, as far as they are there.
    fn lines_of(&self, order: Seq) -> &[Line] {
        let from = self.lines.partition_point(|line| line.claim.seq < order);
        let rest = &self.lines[from..];
        let Some(first) = rest.first().filter(|line| line.claim.seq == order) else { return &[] };
        let most = usize::from(first.claim.lines).min(rest.len());
        let own = rest[..most].windows(2).take_while(|pair| pair[1].continues(&pair[0])).count();
        &rest[..=own]
    }
}

/// Whether an order was given up or not paid in time.
const fn is_over(state: OrderState) -> bool {
    matches!(state, OrderState::Cancelled | OrderState::Expired)
}

/// What came in, and where it is: every payment is in exactly one of the sums.
fn balance(no: ActivityNo, payments: &Payments, report: &mut Report) {
    for (place, currency) in (0..).zip(&payments.currencies) {
        let mut sums = Balance { currency: currency.clone(), ..Balance::default() };
        for paid in payments.list.iter().filter(|paid| paid.currency == place) {
            let minor = u128::from(paid.minor);
            sums.received += minor;
            *match paid.state {
                PaymentState::Late => &mut sums.late,
                PaymentState::Confirmed => &mut sums.confirmed,
                PaymentState::RefundDue => &mut sums.refund_due,
                PaymentState::Refunded => &mut sums.refunded,
            } += minor;
        }
        report.balance(no, sums);
    }
}
