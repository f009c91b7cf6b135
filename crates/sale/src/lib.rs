//! The use cases of a sale: open, import, claim, look up, operate, export, check.
//! It joins Stock (who gets a unit) to the ledger (what is true) and knows nothing of HTTP.

pub mod check;
pub mod export;
pub mod files;
pub mod pay;

mod alive;
mod catalog;
mod changing;
mod claim;
mod clock;
mod codes;
mod comparing;
mod definition;
mod desk;
mod durable;
mod exporting;
mod flusher;
mod history;
mod ids;
mod loading;
mod lookup;
mod orders;
mod paying;
mod proposals;
mod recovering;
mod run;
mod settings;
mod settling;
mod standby;
mod state;
mod till;

pub use catalog::{Catalog, Entry};
pub use claim::{Deciding, Effect, Outcome, Refused, Request};
pub use clock::Clock;
pub use desk::{CodesAdded, DeskRefused, Imported, Operator, Stats, Updated};
pub use durable::{enter_core, this_core};
pub use exporting::{ExportStopped, read_ids, write_export};
pub use flusher::{IDLE_WAIT_MS, Next, Writer};
pub use ids::{ClaimId, IdText, Ids, TicketId};
pub use loading::OpenError;
pub use lookup::{Owned, Position};
pub use orders::{OwnedOrder, Stepped};
pub use pay::{Notice, NoticeAnswer, NoticeRefused, PayStart};
pub use paying::PayRefused;
pub use proposals::{Answered, ChangeFault, Proposed};
pub use run::{Meter, Sale};
pub use settings::SaleSettings;
pub use standby::LinedUp;
pub use state::Readiness;
pub use till::PROVIDER_ANSWERS_MS;

// The words of the seams that callers need to speak with the sale; they use neither seam themselves.
pub use ledger::{
    AuditEntry, AuditRecord, Cause, Change, Changed, LedgerFault, NewActivity, NewPayment,
    NewPerson, NewUnits, OpenPayment, OperatorKey, OrderMark, PaymentNo, PaymentRecord, Person,
    Role,
};
pub use rules::{
    Activity, ActivityNo, ActivityState, BASKET_UNITS_MAX, Claim, ClaimNo, Epoch, Item, JoinNo,
    KEY_CHARS_MAX, KeyHash, Money, NameError, OrderNo, OrderState, OrderStep, PaymentState,
    Refusal, Seq, Supply, TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo, Validity, Window,
    person_name, standing,
};
pub use stock::{ActivityCounts, InLine, LINES_READ_MAX, Place, Recorded, Summary, TypeCounts};
