//! Facts on their way to a receiver on this machine, strictly one after the other within an activity: how many a
//! second, of one activity and of several, and beside an endpoint that never answers. They wait without a number
//! until the clock starts, so that giving numbers is measured with them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::checks::Checks;
use super::fault::BenchFault;
use super::hooks::{Dead, Receiver};
use super::load::{Expect, Pool, Script};
use super::measure::settle;
use super::options::Options;
use super::site::{Base, Site};

/// Facts of a slice.
pub const EVENTS: usize = 12_000;
/// Activities of a slice of several.
pub const SEVERAL: usize = 4;
/// Connections that make the facts.
const MAKERS: usize = 64;
const MAKING_MAX: Duration = Duration::from_secs(60);
const ARRIVE_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a slice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// One activity, one endpoint.
    One,
    /// The same, beside an endpoint that takes requests and never answers.
    BesideDead,
    /// [`SEVERAL`] activities, one endpoint.
    Several,
}

/// In the order of the report.
pub const CASES: [Case; 3] = [Case::One, Case::BesideDead, Case::Several];

/// One slice.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// Facts that arrived, a second.
    pub rate: f64,
    /// CPU time of the server for each, in microseconds.
    pub cpu_micros: f64,
}

/// Every slice, a round each, in the order of [`CASES`].
pub type Found = Vec<[Slice; CASES.len()]>;

/// Runs the part, on a server of its own.
pub fn run(options: &Options, base: &Base, checks: &mut Checks) -> Result<Found, BenchFault> {
    let mut setup = base.setup().clone();
    setup.environment.push(("FIRSTCOME_WEBHOOKS_REACHABLE", "127.0.0.0/8".into()));
    let site = base.copy_with("webhooks", setup)?;
    let dead = Dead::listen()?;
    let mut rounds = Vec::new();
    for round in 0..options.rounds as usize {
        let mut slices = [Slice { rate: 0.0, cpu_micros: 0.0 }; CASES.len()];
        for turn in 0..CASES.len() {
            let at = (round + turn) % CASES.len();
            slices[at] = slice(&site, base, CASES[at], round, &dead, checks)?;
        }
        eprintln!("  round {} done", round + 1);
        rounds.push(slices);
    }
    checks.recomputed(&site.stop_and_check()?);
    Ok(rounds)
}

fn slice(
    site: &Site,
    base: &Base,
    case: Case,
    round: usize,
    dead: &Dead,
    checks: &mut Checks,
) -> Result<Slice, BenchFault> {
    let activities = if case == Case::Several { SEVERAL } else { 1 };
    let ids: Vec<String> = (0..activities).map(|n| format!("{case:?}-{round}-{n}")).collect();
    let receiver = Receiver::listen()?;
    let silent = if case == Case::BesideDead { Some(add(site, &dead.url())?) } else { None };
    let listening = add(site, &receiver.url())?;
    for id in &ids {
        site.import(id, EVENTS, 0)?;
        claim_all(site, base, id, EVENTS / activities)?;
    }
    settle(&site.process)?;
    let cpu = site.process.cpu()?;
    let began = Instant::now();
    for id in [Some(&listening), silent.as_ref()].into_iter().flatten() {
        call(site, "resume", id)?;
    }
    let arrived = until_all(&receiver)?;
    let rate = EVENTS as f64 / arrived.duration_since(began).as_secs_f64();
    settle(&site.process)?;
    let cpu = site.process.cpu()?.since(&cpu);
    for id in [Some(listening), silent].iter().flatten() {
        call(site, "park", id)?;
    }
    let heard = receiver.heard();
    checks.that(heard.skipped == 0, || format!("{case:?}: {} facts left out", heard.skipped));
    Ok(Slice { rate, cpu_micros: cpu.as_secs_f64() * 1e6 / EVENTS as f64 })
}

/// Adds an endpoint for everything that happens from now on, which hears of nothing as yet.
fn add(site: &Site, url: &str) -> Result<String, BenchFault> {
    let made = site.operator.post("/admin/webhooks", &json!({ "url": url }))?;
    let id = made["id"].as_str().ok_or(BenchFault::Missing("an endpoint's id"))?.to_owned();
    call(site, "park", &id)?;
    Ok(id)
}

fn call(site: &Site, what: &str, id: &str) -> Result<(), BenchFault> {
    site.operator.post(&format!("/admin/webhooks/{what}?id={id}"), &Value::Null).map(drop)
}

fn claim_all(site: &Site, base: &Base, id: &str, people: usize) -> Result<(), BenchFault> {
    let mut pool = Pool::connect(site.process.address, MAKERS)?;
    let path = format!("/ticket/get?actId={id}");
    let script = Script::once(&path, &base.tokens, 0..people, Expect::Accepted);
    pool.run(&script, MAKING_MAX)?;
    Ok(())
}

/// Waits until every fact has arrived; when the last one did.
fn until_all(receiver: &Receiver) -> Result<Instant, BenchFault> {
    let started = Instant::now();
    while started.elapsed() < ARRIVE_MAX {
        let heard = receiver.heard();
        if heard.facts >= EVENTS {
            return Ok(heard.last);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(BenchFault::TooLate("the facts of a slice did not all arrive"))
}
