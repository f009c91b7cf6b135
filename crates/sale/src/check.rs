//! placeholder, being written.
use ledger::{Ledger, LedgerFault};
pub struct Verdict;
impl Verdict { pub fn holds(&self) -> bool { true } }
impl std::fmt::Display for Verdict { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("") } }
pub fn check(_: &dyn Ledger) -> Result<Verdict, LedgerFault> { Ok(Verdict) }
