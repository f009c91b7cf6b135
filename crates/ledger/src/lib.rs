//! The ledger confirms: the durable truth about claims, codes, people and what operators did.
//! What it says was written is on disk; it never says so of anything that is not.

mod contract;
mod sqlite;

pub use contract::*;
pub use sqlite::{SqliteLedger, SqliteSettings};
