//! What the pretend company's page shows, and what can be done on it.
//! Plain data: what it means is the company's affair.

use rules::{Money, TimeMs};

/// How the company is to misbehave with one payment. The default pays at once and behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// Milliseconds until the money is there, whatever was closed meanwhile; 0: at once.
    pub late_ms: u64,
    /// The buyer pays twice: two payments, each with a reference of its own.
    pub twice: bool,
    /// Each notice comes once more, although it was taken.
    pub repeated: bool,
    /// Another amount than the order's is paid.
    pub wrong_amount: bool,
    /// Nothing is paid; somebody posts a notice with a signature of their own.
    pub forged: bool,
    /// A notice of no payment comes first, and the first notice of the payment after those made later.
    pub out_of_order: bool,
    /// Paid, and no notice ever comes: only who asks hears of it.
    pub never: bool,
    /// So many attempts to give the money back fail.
    pub refund_failures: u32,
    /// The first attempt to give the money back that does not fail is only begun.
    pub refund_pending: bool,
}

/// Why a buyer could not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayFault {
    /// Nobody was sent here with this order.
    Unknown,
    /// The order was closed.
    Closed,
    /// It is paid already, or the money is on its way.
    Paid,
    /// The company cannot write its book. Nothing happened.
    Book,
}

/// How an order stands at the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// It can be paid.
    Open,
    /// The money is on its way.
    Paying,
    /// It is paid.
    Paid,
    /// It cannot be paid any more.
    Closed,
}

/// An order as the company's page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrder {
    /// Its id.
    pub order_id: String,
    /// What is sold.
    pub title: String,
    /// What is to be paid.
    pub amount: Money,
    /// Until when the buyer should pay.
    pub pay_by: TimeMs,
    /// Where the buyer's browser goes afterwards.
    pub back_to: String,
    /// How it stands.
    pub state: PageState,
    /// Payments that were made, oldest first.
    pub payments: Vec<PagePayment>,
}

/// A payment as the company sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePayment {
    /// Its number at the company.
    pub reference: String,
    /// The order it was made for.
    pub order_id: String,
    /// How much.
    pub amount: Money,
    /// When the money was there.
    pub paid_at: TimeMs,
    /// Whether it went back.
    pub refunded: bool,
}
