//! Orders from hold to refund, on the real memory stock and a real ledger: what is held, paid, expired, given back.
//! Time, crashes and the writer's steps are the tests' own; nothing here sleeps for luck.

mod baskets;
mod crashes;
mod doubtful;
mod expiring;
mod lanes;
mod line;
mod money;
mod other;
mod paging;
mod provider;
mod races;
mod shop;
mod threads;
mod till;
mod time;
mod unguarded;
