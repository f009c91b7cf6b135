//! The ledger in one SQLite file.
/// Placeholder.
pub struct SqliteLedger;
/// Placeholder.
pub struct SqliteSettings;
