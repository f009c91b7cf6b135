//! `sale::check`: the untouched ledger holds, every planted violation is caught under its promise, and a sale
//! that goes on meanwhile raises no false alarm.

mod exported;
mod given;
mod meddled;
mod payers;
mod planted;
mod running;
mod seller;
