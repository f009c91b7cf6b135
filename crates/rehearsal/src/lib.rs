//! A crowd of simulated people, sent at a sale over HTTP or in virtual time, and the verdict on what they saw.
//! It judges from the outside: nothing here decides a claim, and no check trusts what a server says of itself.

pub mod check;
pub mod crowd;
pub mod history;
pub mod http;
pub mod plan;
pub mod report;
pub mod verdict;
