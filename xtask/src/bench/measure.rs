//! One slice of load against one server, and what it cost that server.
//! Work that the server puts off is charged to the slice that caused it: nothing else begins before it is done.

use std::time::{Duration, Instant};

use super::client::Client;
use super::fault::BenchFault;
use super::load::{Pool, Script, Tally};
use super::process::Process;

/// A server that uses less than this share of one core has nothing put off any more.
const IDLE_SHARE: f64 = 0.03;
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Looks in a row that must find the server idle: what is put off is done in bursts.
const IDLE_LOOKS: u32 = 3;
/// Beyond it the next slice begins anyway.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// The counter of durable commits of our server.
const COMMITS: &str = "firstcome_ledger_commits_total";

/// What one slice showed.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What was heard.
    pub tally: Tally,
    /// CPU time of the server for each answer, in microseconds, work put off included.
    pub cpu_micros: f64,
    /// Durable commits a second, where the server counts them.
    pub commits_per_second: Option<f64>,
}

/// One slice of `length`; `operator` reads the counters, where there is one.
pub fn measure(
    process: &Process,
    pool: &mut Pool,
    script: &Script<'_>,
    length: Duration,
    operator: Option<&Client>,
) -> Result<Measured, BenchFault> {
    let commits = || operator.and_then(|operator| operator.counter(COMMITS));
    let commits_before = commits();
    let cpu_before = process.cpu()?;
    let tally = pool.run(script, length)?;
    let commits_after = commits();
    settle(process)?;
    let cpu = process.cpu()?.since(&cpu_before);
    let committed = commits_before.zip(commits_after).map(|(before, after)| after - before);
    Ok(Measured {
        cpu_micros: cpu.as_secs_f64() * 1e6 / (tally.answers().max(1) as f64),
        commits_per_second: committed.map(|count| count / tally.length.as_secs_f64()),
        tally,
    })
}

/// Waits until the server has nothing left to do.
pub fn settle(process: &Process) -> Result<(), BenchFault> {
    let started = Instant::now();
    let mut idle_looks = 0;
    let mut last = process.cpu()?;
    while idle_looks < IDLE_LOOKS && started.elapsed() < SETTLE_MAX {
        std::thread::sleep(LOOK_EVERY);
        let now = process.cpu()?;
        let idle = now.since(&last).as_secs_f64() < IDLE_SHARE * LOOK_EVERY.as_secs_f64();
        idle_looks = if idle { idle_looks + 1 } else { 0 };
        last = now;
    }
    Ok(())
}
