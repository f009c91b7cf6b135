//! Stock in memory.
/// x
pub struct MemoryStock;
/// x
pub struct MemoryLimits;
