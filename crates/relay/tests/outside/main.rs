//! The relay against receivers on real sockets: what they are sent, in which order, and what a bad one costs.
//! Every test has a ledger on disk and receivers of its own.

mod addresses;
mod bodies;
mod endpoints;
mod failing;
mod foreign;
mod killed;
mod order;
mod receiver;
mod speed;
mod stage;
