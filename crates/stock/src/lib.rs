//! Stock decides: who gets a unit, in the order in which they came. Hot, soft and rebuildable from the ledger.
//! It never answers anyone by itself: what it decided counts only once the ledger has it (promise 2).

mod contract;
mod memory;

pub use contract::{
    ActivityCounts, ActivitySetup, Answer, ClaimAsk, Conflict, Decision, Due, InLine,
    LINES_READ_MAX, Load, Place, Recorded, Stock, StockFault, Summary, TypeCounts, TypeSetup,
};
pub use memory::{MemoryLimits, MemoryStock};
