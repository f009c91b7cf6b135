//! The life of an order as one table: which step leads from which state to which, and what becomes of its units.
//! It decides nothing about time or money: whoever proposes a step has a reason, the table says whether it is possible.

use crate::{ActivityNo, EventNo, Seq, TypeNo, UnitKind};

/// How an order stands. The numbers are permanent on disk, the names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum OrderState {
    /// Its units are set aside until a deadline.
    Held = 1,
    /// Paid, or free.
    Paid = 2,
    /// Given up by its buyer before it was paid.
    Cancelled = 3,
    /// Not paid in time.
    Expired = 4,
    /// Was paid; the money is on its way back.
    RefundDue = 5,
    /// The money is back.
    Refunded = 6,
}

/// What can happen to an order. The numbers are permanent on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum OrderStep {
    /// An authentic payment of the whole amount came.
    Pay = 1,
    /// The buyer gave it up.
    Cancel = 2,
    /// Its deadline and the grace after it passed.
    Expire = 3,
    /// The operator gives the money back.
    OweRefund = 4,
    /// The provider gave the money back.
    Refund = 5,
}

/// What becomes of a unit whose order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitFate {
    /// It stays with the order.
    Stays,
    /// It goes to whoever is next.
    Returns,
    /// It is never given out again: somebody could have seen its code (promise 4).
    Void,
}

impl OrderState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Held, Self::Paid, Self::Cancelled, Self::Expired, Self::RefundDue, Self::Refunded];

    /// The one table: the state after a step, if the step is possible in this one.
    pub const fn after(self, step: OrderStep) -> Option<Self> {
        match (self, step) {
            (Self::Held, OrderStep::Pay) => Some(Self::Paid),
            (Self::Held, OrderStep::Cancel) => Some(Self::Cancelled),
            (Self::Held, OrderStep::Expire) => Some(Self::Expired),
            (Self::Paid, OrderStep::OweRefund) => Some(Self::RefundDue),
            (Self::RefundDue, OrderStep::Refund) => Some(Self::Refunded),
            _ => None,
        }
    }

    /// Whether its units are its own: they count against limits and belong to nobody else (promise 3).
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Paid)
    }

    /// The permanent number on disk.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The state with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The permanent name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
        }
    }
}

impl OrderStep {
    /// Every step.
    pub const ALL: [Self; 5] =
        [Self::Pay, Self::Cancel, Self::Expire, Self::OweRefund, Self::Refund];

    /// The permanent number on disk.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The step with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.number() == number)
    }

    /// What this step does to a unit of this kind. A code is hidden until it is paid for, so one of an unpaid order
    /// may be given out; one of a paid order may have been seen.
    pub const fn fate(self, kind: UnitKind) -> UnitFate {
        match (self, kind) {
            (Self::Pay | Self::Refund, _) => UnitFate::Stays,
            (Self::Cancel | Self::Expire, _) | (Self::OweRefund, UnitKind::Plain) => {
                UnitFate::Returns
            }
            (Self::OweRefund, UnitKind::Codes) => UnitFate::Void,
        }
    }
}

/// An order by its place: the activity, and the seq of its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderNo {
    /// The activity.
    pub activity: ActivityNo,
    /// The seq of its first line.
    pub seq: Seq,
}

/// So many units of a type, in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The ticket type; each at most once in a request.
    pub ticket_type: TypeNo,
    /// Units, at least 1.
    pub count: u8,
}

/// A place in a waiting list: the event by which somebody joined. Earlier is nearer to the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JoinNo(pub EventNo);

/// How a payment stands. The numbers are permanent on disk, the names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PaymentState {
    /// Came when its order was over; whether a unit is free for it is not decided yet.
    Late = 1,
    /// An order is paid by it.
    Confirmed = 2,
    /// Nothing could be given for it: the money is to go back.
    RefundDue = 3,
    /// The money is back.
    Refunded = 4,
}

impl PaymentState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Late, Self::Confirmed, Self::RefundDue, Self::Refunded];

    /// Whether a payment may go from this state to that one.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Late, Self::Confirmed | Self::RefundDue)
                | (Self::Confirmed, Self::RefundDue)
                | (Self::RefundDue, Self::Refunded)
        )
    }

    /// The permanent number on disk.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The state with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The permanent name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Confirmed => "confirmed",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_lives_by_this_table_and_no_other() {
        use OrderState as S;
        use OrderStep as T;
        let possible = [
            (S::Held, T::Pay, S::Paid),
            (S::Held, T::Cancel, S::Cancelled),
            (S::Held, T::Expire, S::Expired),
            (S::Paid, T::OweRefund, S::RefundDue),
            (S::RefundDue, T::Refund, S::Refunded),
        ];
        for state in S::ALL {
            for step in T::ALL {
                let row = possible.iter().find(|(from, by, _)| (*from, *by) == (state, step));
                assert_eq!(state.after(step), row.map(|(_, _, to)| *to), "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn numbers_and_names_are_permanent() {
        let states = [
            (1, "held"),
            (2, "paid"),
            (3, "cancelled"),
            (4, "expired"),
            (5, "refund_due"),
            (6, "refunded"),
        ];
        assert_eq!(OrderState::ALL.map(|state| (state.number(), state.name())), states);
        assert_eq!(OrderStep::ALL.map(OrderStep::number), [1, 2, 3, 4, 5]);
        let payments = [(1, "late"), (2, "confirmed"), (3, "refund_due"), (4, "refunded")];
        assert_eq!(PaymentState::ALL.map(|state| (state.number(), state.name())), payments);
        assert_eq!(OrderState::from_number(7), None);
        assert_eq!(OrderStep::from_number(0), None);
    }

    /// Promise 4: a code that someone could have seen never returns to sale.
    #[test]
    fn only_a_code_nobody_could_have_seen_returns() {
        for (step, plain, codes) in [
            (OrderStep::Pay, UnitFate::Stays, UnitFate::Stays),
            (OrderStep::Cancel, UnitFate::Returns, UnitFate::Returns),
            (OrderStep::Expire, UnitFate::Returns, UnitFate::Returns),
            (OrderStep::OweRefund, UnitFate::Returns, UnitFate::Void),
            (OrderStep::Refund, UnitFate::Stays, UnitFate::Stays),
        ] {
            assert_eq!((step.fate(UnitKind::Plain), step.fate(UnitKind::Codes)), (plain, codes));
        }
    }
}
