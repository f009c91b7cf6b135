//! The contract of the ledger, the second of the two seams; `tests/conformance` runs over every implementation.
//! Every call blocks until it is done: callers keep it off the threads that answer requests.

mod activities;
mod claims;
mod fault;
mod orders;
mod people;
mod relay;

pub use activities::{
    ActivityLedger, AddRefused, AddedActivity, AddedCodes, Appended, AuditEntry, AuditRecord,
    EventDraft, NewActivity, NewUnits, OperatorKey, RosterName, StoredActivity, StoredType,
};
pub use claims::{ClaimLedger, Detection, Finding, OrderRow, ParticipantRow, Settled, Written};
pub use fault::{Cause, LedgerFault};
pub use orders::{
    Change, Changed, Lateness, NOTICES_KEPT_MAX, NewPayment, NoticeRecord, NoticeRow, OpenPayment,
    OrderLedger, OrderMark, PaymentNo, PaymentRecord,
};
pub use people::{NameTaken, NewPerson, PeopleLedger, Person, Role, Source};
pub use relay::{
    Cursor, DELIVERIES_KEPT_MAX, Delivery, DeliveryOutcome, Endpoint, EndpointNo, NewEndpoint,
    OutFact, OutNo, OutRow, RelayLedger,
};

use std::path::Path;

/// The whole ledger.
pub trait Ledger: ClaimLedger + ActivityLedger + OrderLedger + PeopleLedger + RelayLedger {
    /// A secret of 32 random bytes kept under `name`, made at the first call and the same for ever after.
    fn secret(&self, name: &'static str) -> Result<[u8; 32], LedgerFault>;

    /// Writes a consistent copy to `to`, which must not exist, while everything goes on.
    fn backup(&self, to: &Path) -> Result<(), LedgerFault>;
}
