//! `cargo xtask bench`: what the server does beside a plain axum no-op, on this machine, checked by itself.
//! It starts its own servers on 127.0.0.1 in a scratch folder and leaves nothing of them behind.

mod checks;
mod client;
mod expiry;
mod fault;
mod halves;
mod hooks;
mod load;
mod many_claims;
mod measure;
mod noop;
mod options;
mod overload;
mod process;
mod report;
mod site;
mod slow_sync;
mod table;
mod webhooks;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::paths;
use checks::Checks;
use fault::{BenchFault, io};
use many_claims::People;
use options::{Options, Part};
use process::{Process, Setup};
use site::Base;
use table::Table;

pub use noop::noop_server;

/// Runs what `options` ask for and prints it as Markdown; progress goes to the error output.
pub fn run(options: &[String]) -> ExitCode {
    let name = std::iter::once("cargo xtask bench");
    let options = Options::parse_from(name.chain(options.iter().map(String::as_str))).settled();
    match run_all(&options) {
        Ok(checks) => {
            println!("{}", report::verdict(&checks));
            let clean = checks.failed.is_empty() && checks.held > 0;
            if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(fault) => {
            println!("\nxtask bench: NOT FINISHED: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run_all(options: &Options) -> Result<Checks, BenchFault> {
    open_many_files();
    let scratch = tempfile::Builder::new().prefix("firstcome-bench-").tempdir();
    let scratch = scratch.map_err(io("making a scratch folder"))?;
    let program = options.server.clone().unwrap_or_else(release_build);
    let setup = Setup { program, environment: Vec::new() };
    let people = people(options);

    eprintln!("Signing in {} people.", people.measured.end);
    let base = Base::make(setup, scratch.path(), people.measured.end)?;
    let noop = Process::noop(scratch.path())?;
    println!("{}", report::machine(options));
    let mut checks = Checks::default();
    if options.wants_any(table::PARTS) {
        tables(options, &base, &people, &noop, &mut checks)?;
    }
    if options.wants_any(&[Part::Memory, Part::Flat, Part::Restart]) {
        eprintln!("Many claims.");
        let found = many_claims::run(options, &base, &people, &mut checks)?;
        println!("{}", report::many_claims(&found, options));
    }
    if options.wants(Part::SlowSync) {
        slow(options, &base, &people, &noop, scratch.path(), &mut checks)?;
    }
    if options.wants(Part::Expiry) {
        eprintln!("Many holds that expire.");
        let found = expiry::run(options, &base, people.filling.end, &mut checks)?;
        println!("{}", report::expiry(&found));
    }
    if options.wants(Part::Webhooks) {
        eprintln!("Facts on their way to a receiver.");
        let found = webhooks::run(options, &base, &mut checks)?;
        println!("{}", report::webhooks(&found));
    }
    if options.wants(Part::Overload) {
        eprintln!("Five times as many as there is room for.");
        let found = overload::run(options, &base, people.filling.end, &mut checks)?;
        println!("{}", report::overload(&found));
    }
    Ok(checks)
}

fn tables(
    options: &Options,
    base: &Base,
    people: &People,
    noop: &Process,
    checks: &mut Checks,
) -> Result<(), BenchFault> {
    eprintln!("The table.");
    let site = base.copy("table")?;
    let mut table = Table::prepare(options, &base.tokens, people.filling.end, noop, &site)?;
    let mut blocks = Vec::new();
    for connections in &options.connections {
        let block = table.block(*connections, checks)?;
        println!("{}", report::block(&block));
        blocks.push(block);
    }
    println!("{}", report::tables(&blocks));
    table.check_ledger(checks)?;
    checks.recomputed(&site.stop_and_check()?);
    Ok(())
}

fn slow(
    options: &Options,
    base: &Base,
    people: &People,
    noop: &Process,
    scratch: &Path,
    checks: &mut Checks,
) -> Result<(), BenchFault> {
    eprintln!("A slow disk.");
    let found = slow_sync::run(options, base, people.filling.end, noop, scratch, checks)?;
    if let Some(found) = found {
        println!("{}", report::slow_sync(&found));
    }
    Ok(())
}

/// A quarter more than asked for, who claim once the ledger is full of the others.
fn people(options: &Options) -> People {
    let users = usize::try_from(options.users).expect("bounded by the options");
    People { filling: 0..users, measured: users..users + users / 4 }
}

fn release_build() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| paths::root().join("target")).join("release/firstcome")
}

/// As many open files as we may have: 2,048 connections are more than many systems give at first.
/// Servers started here inherit it. A refusal shows by itself when connections cannot be opened.
fn open_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
