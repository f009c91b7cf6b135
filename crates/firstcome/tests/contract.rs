//! The wire contract, line by line, against a real server over a real socket. Each test has a server of its own;
//! nothing here looks inside the program, and nothing depends on how fast this machine is.

#[path = "world/receiver.rs"]
mod receiver;
#[path = "world/mod.rs"]
mod world;

mod contract {
    mod activities;
    mod claims;
    mod codes;
    mod commands;
    mod demo;
    mod desk;
    mod desk_live;
    mod desk_pages;
    mod desk_update;
    mod documents;
    mod durability;
    mod events;
    mod export;
    mod forms;
    mod limits;
    mod machine;
    mod names;
    mod order_pages;
    mod orders;
    mod payments;
    mod plain_pages;
    mod queued;
    mod rehearse;
    mod restored;
    mod robustness;
    mod second;
    mod sessions;
    mod stage;
    mod standby;
    mod tickets;
    mod too_many;
    mod webhooks;
    mod windows;
}
