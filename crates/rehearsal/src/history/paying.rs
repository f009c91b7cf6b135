//! What the payers of a rehearsal saw: a sale with prices, every call about orders, payments and the waiting line with
//! its answer, and the exports and the feed of events afterwards. Both drivers write it; nothing here judges.

use super::{Effect, Key, Micros, ParticipantRow, Person, Refused, TypeIndex};

/// Milliseconds of unix time, by the server's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub u64);

/// The smallest unit of the sale's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub u64);

/// The sale with prices as its operator announced it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PricedSale {
    /// The activity's id.
    pub activity: String,
    /// The currency of every price.
    pub currency: String,
    /// Units a person may have in the whole activity.
    pub limit_per_person: Option<u32>,
    /// The ticket types.
    pub types: Vec<PricedType>,
    /// The server's clock at the rehearsal's zero, at best knowledge.
    pub clock_zero: UnixMs,
    /// How far that may be off. Nothing in virtual time.
    pub clock_within: Micros,
}

/// A ticket type of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PricedType {
    /// Its id.
    pub id: String,
    /// Units, from the beginning to the end.
    pub stock: u32,
    /// The codes in the order of import; empty for plain units.
    pub codes: Vec<String>,
    /// Units a person may have of this type.
    pub limit_per_person: u32,
    /// What a unit costs; nothing is free.
    pub price: Minor,
    /// Seconds a buyer has to pay.
    pub pay_within_s: u32,
}

/// What the provider for trying things out is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// The payment is told of at once.
    AtOnce,
    /// Later than it was made.
    Late,
    /// Twice.
    Twice,
    /// In the wrong order with what else there is to tell.
    OutOfOrder,
    /// It is of another amount than was asked for.
    WrongAmount,
    /// It is told of by somebody who is not the provider.
    Forged,
    /// The provider never tells of it by itself: whoever asks hears of it.
    Never,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AtOnce,
        Self::Late,
        Self::Twice,
        Self::OutOfOrder,
        Self::WrongAmount,
        Self::Forged,
        Self::Never,
    ];

    /// The name on the provider's page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Late => "late",
            Self::Twice => "twice",
            Self::OutOfOrder => "out_of_order",
            Self::WrongAmount => "wrong_amount",
            Self::Forged => "forged",
            Self::Never => "never",
        }
    }

    /// Whether the provider has money for it: some of it may have to go back.
    pub const fn is_money(self) -> bool {
        !matches!(self, Self::Forged)
    }

    /// Whether the whole amount is paid; nothing else may ever pay an order.
    pub const fn pays(self) -> bool {
        !matches!(self, Self::WrongAmount | Self::Forged)
    }
}

/// What a payer asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayAsked {
    /// So many units of these types, all or nothing.
    Claim {
        /// What.
        items: Vec<(TypeIndex, u32)>,
        /// With this key.
        key: Key,
    },
    /// What became of a queued claim.
    Result {
        /// Its id.
        claim: String,
        /// What was claimed.
        items: Vec<(TypeIndex, u32)>,
        /// With this key.
        key: Key,
    },
    /// One order.
    Order(String),
    /// The person's own orders.
    Orders,
    /// An order is given up.
    Cancel(String),
    /// Where an order is paid.
    Start(String),
    /// The provider's page: the buyer pays there, or does not.
    Pay {
        /// The order.
        order: String,
        /// How.
        how: How,
        /// Seconds until the server hears of it.
        after_s: u32,
    },
    /// A notice of a payment that the person made up.
    Forge(String),
    /// The browser comes back from the provider.
    Return(String),
    /// A place in the line for a type.
    Join(TypeIndex),
    /// It is given up.
    Leave(TypeIndex),
    /// Where the person stands in it.
    Place(TypeIndex),
}

/// An order's states, by their permanent names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Its units are set aside until a deadline.
    #[default]
    Held,
    /// Paid, or free.
    Paid,
    /// Given up by its buyer.
    Cancelled,
    /// Not paid in time.
    Expired,
    /// Was paid; the money is on its way back.
    RefundDue,
    /// The money is back.
    Refunded,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Held, Self::Paid, Self::Cancelled, Self::Expired, Self::RefundDue, Self::Refunded];

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

    /// The state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether units of such an order belong to it.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Paid)
    }

    /// Whether an order that was in this state may be in that one later, or still.
    pub const fn leads_to(self, later: Self) -> bool {
        match self {
            Self::Held => true,
            Self::Paid => matches!(later, Self::Paid | Self::RefundDue | Self::Refunded),
            Self::RefundDue => matches!(later, Self::RefundDue | Self::Refunded),
            Self::Refunded => matches!(later, Self::Refunded),
            Self::Cancelled => matches!(later, Self::Cancelled),
            Self::Expired => matches!(later, Self::Expired),
        }
    }
}

/// How a payment stands, by its permanent names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentState {
    /// Came when its order was over; nothing is decided yet.
    Late,
    /// An order is paid by it.
    #[default]
    Confirmed,
    /// The money is to go back.
    RefundDue,
    /// The money is back.
    Refunded,
}

impl PaymentState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Late, Self::Confirmed, Self::RefundDue, Self::Refunded];

    /// The permanent name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Confirmed => "confirmed",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
        }
    }

    /// The state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A ticket of an order, as somebody was shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PricedTicket {
    /// Its id.
    pub id: String,
    /// The type's id.
    pub type_id: String,
    /// The code, where it was shown.
    pub code: Option<String>,
    /// Its place among the accepted claims of its type, from 1.
    pub claim_no: u32,
}

/// An order as somebody was shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub state: State,
    /// What it costs, all together.
    pub price: Minor,
    /// The currency.
    pub currency: String,
    /// Until when it is to be paid, where that is shown.
    pub pay_by: Option<UnixMs>,
    /// Its tickets, where they are shown.
    pub tickets: Vec<PricedTicket>,
    /// Its payments, where they are shown.
    pub payments: Vec<Payment>,
}

/// A payment, as somebody was shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub state: PaymentState,
    /// How much.
    pub amount: Minor,
}

/// What a payer was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayHeard {
    /// An order: claimed now or by the same key before, or asked for, or given up just now.
    Order(Order),
    /// The person's own orders of this activity, without tickets.
    Orders(Vec<Order>),
    /// Decided, not yet on disk.
    Queued {
        /// The id to ask after.
        claim: String,
    },
    /// A refusal that other sales have too.
    Refused(Refused),
    /// -7: nothing is free, but what others have not paid may come back.
    HeldByOthers,
    /// -10: not in this state.
    WrongState(String),
    /// Where to pay.
    PayAt(String),
    /// The provider did as it was told.
    Told,
    /// Whatever somebody got who is no provider, or came back from one.
    Whatever {
        /// The HTTP status.
        status: u16,
    },
    /// In the line: how many are ahead.
    InLine {
        /// How many.
        ahead: u32,
    },
    /// Not in the line; an order that was made for the person, where there is one.
    NotInLine {
        /// Its id.
        offer: Option<String>,
    },
    /// The line was left: whether the person had been in it.
    Left(bool),
    /// 503 or 429: nothing happened.
    Busy {
        /// Whether the answer said when to ask again.
        retry_after: bool,
    },
    /// -3.
    Failed(Effect),
    /// No whole answer came. It may have taken effect.
    Lost,
    /// An answer that the contract does not have here.
    Strange {
        /// The HTTP status.
        status: u16,
        /// The envelope's number, if there was an envelope.
        ret: Option<i32>,
    },
}

/// One call of one payer and what came of it; the instants are those of [`super::Call`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayCall {
    /// Who.
    pub person: Person,
    /// What was asked.
    pub asked: PayAsked,
    /// Just before the request was complete on its way.
    pub sent: Micros,
    /// When the answer, or the end of the connection, was there.
    pub ended: Micros,
    /// The answer.
    pub heard: PayHeard,
}

/// A row of the orders' export: one ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PricedRow {
    /// The order's id.
    pub order: String,
    /// The ticket.
    pub ticket: PricedTicket,
    /// The user's name.
    pub user: String,
    /// How the order stands.
    pub state: State,
    /// What the unit costs.
    pub price: Minor,
    /// The currency.
    pub currency: String,
}

/// A row of the payments' export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentRow {
    /// Its id.
    pub id: String,
    /// The order it was made for.
    pub order: String,
    /// The order it pays, where it is confirmed.
    pub pays: Option<String>,
    /// How it stands.
    pub state: PaymentState,
    /// How much.
    pub amount: Minor,
    /// The currency.
    pub currency: String,
}

/// An event of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its number in the activity, from 1.
    pub no: u64,
    /// Its permanent name.
    pub name: String,
    /// The order it tells of.
    pub order: Option<String>,
    /// The payment it tells of.
    pub payment: Option<String>,
    /// The name of the person it is about.
    pub user: Option<String>,
    /// The ticket type it is about.
    pub type_id: Option<String>,
}

/// A type's units when everything was over: total, left, held.
pub type AtRest = (u32, u32, u32);

/// A time in which there was no server: it was killed, and started again on what was on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outage {
    /// Just before it was killed: it lived until here.
    pub killed: Micros,
    /// It was certainly dead: whatever was answered of what was asked before, the one before had answered.
    pub dead: Micros,
    /// Just before it was started again: it did not live until here.
    pub started: Micros,
    /// It said that it serves again.
    pub back: Micros,
}

/// Everything that the payers of a rehearsal saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paying {
    /// The sale.
    pub sale: PricedSale,
    /// The names of the payers, by [`Person`].
    pub names: Vec<String>,
    /// The calls, in the order in which they ended.
    pub calls: Vec<PayCall>,
    /// The server was killed, or lost its ledger, nobody wrote down when: what was not on disk then is gone.
    pub restarted: bool,
    /// The times at which it was killed, in their order, as far as they were written down.
    pub outages: Vec<Outage>,
    /// When the exports were asked for, after everything was over.
    pub exported: Micros,
    /// The orders' export.
    pub orders: Vec<PricedRow>,
    /// The payments' export.
    pub payments: Vec<PaymentRow>,
    /// The participants' export.
    pub participants: Vec<ParticipantRow>,
    /// The feed of events; nothing where it was not read.
    pub events: Option<Vec<FeedEvent>>,
    /// Each type's units by the activity's detail, after the exports; nothing where it was not read.
    pub at_rest: Vec<AtRest>,
}

impl Paying {
    /// Whether anybody was ever answered with an order.
    pub fn has_orders(&self) -> bool {
        self.calls.iter().any(|call| matches!(call.heard, PayHeard::Order(_)))
    }
}
