//! Whether the whole program survives: a crowd over real HTTP while the server is killed, stopped, replaced or
//! loses its disk, and a judge over everything the crowd was told. Nothing here looks inside the process.

#[path = "survive/crowd.rs"]
mod crowd;
#[path = "survive/disk.rs"]
mod disk;
#[path = "survive/doctored.rs"]
mod doctored;
#[path = "survive/faults.rs"]
mod faults;
#[path = "survive/frozen.rs"]
mod frozen;
#[path = "survive/history.rs"]
mod history;
#[path = "survive/judge.rs"]
mod judge;
#[path = "survive/kills.rs"]
mod kills;
#[path = "survive/million.rs"]
mod million;
#[path = "survive/movie_night.rs"]
mod movie_night;
#[path = "survive/outputs.rs"]
mod outputs;
#[path = "survive/platter.rs"]
mod platter;
#[path = "survive/power.rs"]
mod power;
#[path = "world/receiver.rs"]
mod receiver;
#[path = "survive/shim.rs"]
mod shim;
#[path = "survive/stage.rs"]
mod stage;
#[path = "survive/stopping.rs"]
mod stopping;
#[path = "survive/webhooks.rs"]
mod webhooks;
#[path = "world/mod.rs"]
mod world;
