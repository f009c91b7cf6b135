//! The types of events outside, a closed list with permanent names.
//! Whoever receives is written against these names: none is ever given another meaning.

use ledger::OutFact;
use rules::{EventKind, OrderState, OrderStep, PaymentState};

/// What a fact is called outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FactKind {
    /// Units were set aside for an order that is to be paid.
    OrderHeld,
    /// An order is paid, or free.
    OrderPaid,
    /// A held order was given up by its buyer.
    OrderCancelled,
    /// A held order was not paid in time.
    OrderExpired,
    /// A paid order's money is to go back.
    OrderRefundDue,
    /// A paid order's money is back.
    OrderRefunded,
    /// A payment came for an order that was over.
    PaymentLate,
    /// A payment's money is to go back.
    PaymentRefundDue,
    /// A payment that was late pays an order after all.
    PaymentConfirmed,
    /// A payment's money is back.
    PaymentRefunded,
    /// Somebody lined up.
    StandbyJoined,
    /// Somebody left the line.
    StandbyLeft,
    /// Claims stopped until resumed.
    ActivityPaused,
    /// Claims go on.
    ActivityResumed,
    /// Claims stopped for good.
    ActivityClosed,
    /// Texts, image or a later end.
    ActivityChanged,
    /// Units were made.
    UnitsAdded,
    /// Free units were taken back.
    UnitsTakenBack,
}

impl FactKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::OrderHeld,
        Self::OrderPaid,
        Self::OrderCancelled,
        Self::OrderExpired,
        Self::OrderRefundDue,
        Self::OrderRefunded,
        Self::PaymentLate,
        Self::PaymentRefundDue,
        Self::PaymentConfirmed,
        Self::PaymentRefunded,
        Self::StandbyJoined,
        Self::StandbyLeft,
        Self::ActivityPaused,
        Self::ActivityResumed,
        Self::ActivityClosed,
        Self::ActivityChanged,
        Self::UnitsAdded,
        Self::UnitsTakenBack,
    ];

    /// The permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderHeld => "order.held",
            Self::OrderPaid => "order.paid",
            Self::OrderCancelled => "order.cancelled",
            Self::OrderExpired => "order.expired",
            Self::OrderRefundDue => "order.refund_due",
            Self::OrderRefunded => "order.refunded",
            Self::PaymentLate => "payment.late",
            Self::PaymentRefundDue => "payment.refund_due",
            Self::PaymentConfirmed => "payment.confirmed",
            Self::PaymentRefunded => "payment.refunded",
            Self::StandbyJoined => "standby.joined",
            Self::StandbyLeft => "standby.left",
            Self::ActivityPaused => "activity.paused",
            Self::ActivityResumed => "activity.resumed",
            Self::ActivityClosed => "activity.closed",
            Self::ActivityChanged => "activity.changed",
            Self::UnitsAdded => "units.added",
            Self::UnitsTakenBack => "units.taken_back",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a fact is called.
    pub fn of(fact: &OutFact) -> Self {
        match fact {
            OutFact::Claimed(lines) => {
                let paid = lines.first().is_some_and(|line| !line.priced);
                if paid { Self::OrderPaid } else { Self::OrderHeld }
            }
            OutFact::Order(event, _) | OutFact::Payment(event, _) | OutFact::Activity(event) => {
                Self::of_event(&event.kind)
            }
        }
    }

    fn of_event(kind: &EventKind) -> Self {
        match kind {
            EventKind::Paused => Self::ActivityPaused,
            EventKind::Resumed => Self::ActivityResumed,
            EventKind::Closed => Self::ActivityClosed,
            EventKind::Changed(_) => Self::ActivityChanged,
            EventKind::UnitsAdded { .. } => Self::UnitsAdded,
            EventKind::UnitsTakenBack { .. } => Self::UnitsTakenBack,
            EventKind::LinedUp { .. } => Self::StandbyJoined,
            EventKind::LeftLine { .. } => Self::StandbyLeft,
            EventKind::Order { step, .. } => match step {
                OrderStep::Pay => Self::OrderPaid,
                OrderStep::Cancel => Self::OrderCancelled,
                OrderStep::Expire => Self::OrderExpired,
                OrderStep::OweRefund => Self::OrderRefundDue,
                OrderStep::Refund => Self::OrderRefunded,
            },
            EventKind::Payment { state, .. } => match state {
                PaymentState::Late => Self::PaymentLate,
                PaymentState::Confirmed => Self::PaymentConfirmed,
                PaymentState::RefundDue => Self::PaymentRefundDue,
                PaymentState::Refunded => Self::PaymentRefunded,
            },
        }
    }

    /// The state in which an order is after this, where it tells of one.
    pub(crate) const fn order_state(self) -> Option<OrderState> {
        match self {
            Self::OrderHeld => Some(OrderState::Held),
            Self::OrderPaid => Some(OrderState::Paid),
            Self::OrderCancelled => Some(OrderState::Cancelled),
            Self::OrderExpired => Some(OrderState::Expired),
            Self::OrderRefundDue => Some(OrderState::RefundDue),
            Self::OrderRefunded => Some(OrderState::Refunded),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_permanent() {
        let names = "order.held order.paid order.cancelled order.expired order.refund_due \
                     order.refunded payment.late payment.refund_due payment.confirmed \
                     payment.refunded standby.joined standby.left activity.paused \
                     activity.resumed activity.closed activity.changed units.added \
                     units.taken_back";
        let here: Vec<&str> = FactKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(here, names.split_whitespace().collect::<Vec<_>>());
        for kind in FactKind::ALL {
            assert_eq!(FactKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(FactKind::from_name("order.lost"), None);
    }

    /// The names of events and the table of orders' lives say the same.
    #[test]
    fn a_step_leads_to_the_state_that_its_event_names() {
        for step in OrderStep::ALL {
            let kind = EventKind::Order { order: rules::Seq(1), step };
            let named = FactKind::of_event(&kind).order_state().unwrap();
            let led: Vec<_> =
                OrderState::ALL.into_iter().filter_map(|state| state.after(step)).collect();
            assert!(!led.is_empty() && led.iter().all(|state| *state == named), "{step:?}");
        }
    }
}
