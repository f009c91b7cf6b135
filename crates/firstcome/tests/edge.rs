//! The edge of a real server over real sockets: slow clients, requests that two readers could read in two ways,
//! proxies, many idle connections, and restarts under load. Nothing here looks inside the program.

#[path = "edge/idle.rs"]
mod idle;
#[path = "edge/proxies.rs"]
mod proxies;
#[path = "edge/raw.rs"]
mod raw;
#[path = "edge/requests.rs"]
mod requests;
#[path = "edge/restart.rs"]
mod restart;
#[path = "edge/slow.rs"]
mod slow;
#[path = "edge/stopping.rs"]
mod stopping;
#[path = "world/mod.rs"]
mod world;
