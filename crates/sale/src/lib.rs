//! The use cases of a sale: open, import, claim, look up, operate, export, check.
//! It joins Stock (who gets a unit) to the ledger (what is true) and knows nothing of HTTP.

pub mod check;
pub mod export;
pub mod files;

mod catalog;
mod claim;
mod clock;
mod codes;
mod comparing;
mod definition;
mod desk;
mod durable;
mod exporting;
mod flusher;
mod ids;
mod loading;
mod lookup;
mod run;
mod settings;

pub use catalog::{Catalog, Entry};
pub use claim::{Deciding, Effect, Outcome, Request};
pub use clock::Clock;
pub use desk::{CodesAdded, DeskRefused, Imported, Operator, Stats, Updated};
pub use durable::{enter_core, this_core};
pub use exporting::{ExportStopped, read_ids, write_export};
pub use flusher::{IDLE_WAIT_MS, Next, Readiness, Writer};
pub use ids::{ClaimId, IdText, Ids, TicketId};
pub use loading::OpenError;
pub use lookup::{Owned, Position};
pub use run::{Meter, Sale};
pub use settings::SaleSettings;

// The words of the seams that callers need to speak with the sale; they use neither seam themselves.
pub use ledger::{
    AuditEntry, AuditRecord, Cause, LedgerFault, NewActivity, NewPerson, NewUnits, OperatorKey,
    Person, Role,
};
pub use rules::{
    Activity, ActivityNo, ActivityState, Claim, ClaimNo, Epoch, KEY_CHARS_MAX, KeyHash, Money,
    NameError, Refusal, Seq, Supply, TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo,
    Validity, Window, person_name, standing,
};
pub use stock::{ActivityCounts, Summary, TypeCounts};
