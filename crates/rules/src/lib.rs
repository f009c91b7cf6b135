//! The rules of a sale as pure functions over plain data: windows, limits, refusals, what an activity is.
//! Nothing here reads a clock, does I/O, or takes a random number: every fact comes in as an argument.
#![no_std]
extern crate alloc;

mod activity;
mod claim;
mod event;
mod id;
mod judge;
mod limits;
mod money;
mod name;
mod order;
mod refusal;
mod window;

pub use activity::{Activity, ActivityState, TicketType, UnitKind, Validity};
pub use claim::{Claim, KeyHash, Part};
pub use event::{Event, EventKind};
pub use id::{ActivityNo, ClaimNo, Epoch, EventNo, Seq, TimeMs, TypeNo, UnitNo, UserNo};
pub use judge::{Facts, Supply, judge, standing};
pub use limits::*;
pub use money::{Money, MoneyError};
pub use name::{NameError, person_name};
pub use order::{Item, JoinNo, OrderNo, OrderState, OrderStep, PaymentState, UnitFate};
pub use refusal::Refusal;
pub use window::{Moment, Window, WindowError};
