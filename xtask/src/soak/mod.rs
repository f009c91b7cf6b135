//! `cargo xtask soak`: rounds of the tests that chance has a part in, each with a seed of its own, for as long as
//! wanted. It stops at the first failure, says how to repeat it, and never goes on past one.

mod plan;
mod step;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::{self, Write};
use std::path::Path;
use std::pin::{Pin, pin};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{compiler, paths};
use plan::{Job, STEPS};
use step::{Ended, Figures, Why};

/// Minutes of the longest run: a week.
const MINUTES_MAX: i64 = 7 * 24 * 60;

/// Runs the tests with kills, stops, failing disks, races and random plans again and again.
///
/// Each round has a seed of its own, which is printed beside what the round told, and is harder than an ordinary
/// run: 100 kills for 20, 10,000 random plans for 400. The first failure ends it with the seed and the command that
/// repeats it. Leave the sources alone meanwhile: each step builds what has changed. Ctrl-C ends it at once.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask soak", version)]
struct Options {
    /// No step begins after so many minutes; the build does not count
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=MINUTES_MAX))]
    minutes: u32,
    /// The seed of the first round; the next rounds count on from it. From the clock if left out
    #[arg(long)]
    seed: Option<u64>,
}

/// How a long run ended.
#[derive(Debug)]
enum Outcome {
    /// By the clock.
    TimeIsUp,
    /// By Ctrl-C or a request to end.
    Interrupted,
    /// By a failure, and what its step printed.
    Failed { seed: u64, job: Job, why: Why, printed: String },
}

/// What was done until the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Done {
    /// Whole rounds.
    rounds: u64,
    /// Tests that passed.
    tests: u64,
}

/// Runs what `options` ask for.
pub fn run(options: &[String]) -> ExitCode {
    let name = std::iter::once("cargo xtask soak");
    let options = Options::parse_from(name.chain(options.iter().map(String::as_str)));
    if let Err(missing) = compiler::ensure() {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    if !build() {
        println!("xtask soak: NOT RUN, the tests do not build.");
        return ExitCode::FAILURE;
    }
    match run_all(&options) {
        Ok(code) => code,
        Err(error) => {
            println!("xtask soak: NOT FINISHED: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// As each step will ask for it, for cargo builds anew what is asked for in another way.
fn build() -> bool {
    STEPS.iter().all(|step| {
        let mut command = Command::new(paths::cargo());
        command.args(step.cargo_arguments()).args(["--no-run", "--quiet"]);
        let status = command.current_dir(paths::root()).stdin(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    })
}

fn run_all(options: &Options) -> io::Result<ExitCode> {
    let scratch = tempfile::Builder::new().prefix("firstcome-soak-").tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begun = Instant::now();
    let until = begun + Duration::from_secs(60 * u64::from(options.minutes));
    let first = options.seed.unwrap_or_else(seed_of_the_clock);
    let mut done = Done::default();
    let outcome = runtime.block_on(async {
        let mut stop = pin!(told_to_stop()?);
        let long_run = LongRun { first, until, scratch: scratch.path(), round: &plan::round };
        long_run.go(&mut done, stop.as_mut(), &mut io::stdout()).await
    })?;
    let (code, words) = verdict(&outcome);
    let Done { rounds, tests } = done;
    let minutes = begun.elapsed().as_secs() / 60;
    println!(
        "xtask soak: {rounds} whole rounds from seed {first}, {tests} tests passed, {minutes} min; {words}"
    );
    Ok(code)
}

fn seed_of_the_clock() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}

/// Comes with Ctrl-C, or when the system wants this process to end.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// The exit code, and the last words.
fn verdict(outcome: &Outcome) -> (ExitCode, String) {
    match outcome {
        Outcome::TimeIsUp => (ExitCode::SUCCESS, "nothing failed.".to_owned()),
        Outcome::Interrupted => (ExitCode::SUCCESS, "interrupted; nothing had failed.".to_owned()),
        Outcome::Failed { seed, job, why, printed } => {
            let words = format!(
                "FAILED with seed {seed}, {}: {why}.\n{printed}\nAgain:\n  {job}\n  \
                 cargo xtask soak --seed {seed}",
                job.title
            );
            (ExitCode::FAILURE, words)
        }
    }
}

/// A run, before it begins.
struct LongRun<'a> {
    first: u64,
    until: Instant,
    scratch: &'a Path,
    /// The steps of a round with this seed.
    round: &'a dyn Fn(u64) -> Vec<Job>,
}

impl LongRun<'_> {
    async fn go<S: Future<Output = ()>>(
        &self,
        done: &mut Done,
        mut stop: Pin<&mut S>,
        out: &mut impl Write,
    ) -> io::Result<Outcome> {
        loop {
            let seed = self.first.wrapping_add(done.rounds);
            writeln!(out, "round {}, seed {seed}", done.rounds + 1)?;
            for job in (self.round)(seed) {
                if Instant::now() >= self.until {
                    return Ok(Outcome::TimeIsUp);
                }
                match step::run(&job, self.scratch, stop.as_mut()).await? {
                    Ended::Passed(figures) => {
                        done.tests += u64::from(figures.tests);
                        tell(out, &job, &figures)?;
                    }
                    Ended::Failed(why, printed) => {
                        return Ok(Outcome::Failed { seed, job, why, printed });
                    }
                    Ended::Interrupted => return Ok(Outcome::Interrupted),
                }
            }
            done.rounds += 1;
        }
    }
}

/// What a step told, a line each.
fn tell(out: &mut impl Write, job: &Job, figures: &Figures) -> io::Result<()> {
    let Figures { tests, crowds, seconds } = figures;
    let with: Vec<String> =
        job.environment.iter().map(|(name, value)| format!(", {name}={value}")).collect();
    writeln!(out, "  {}: {tests} passed in {seconds} s{}", job.title, with.concat())?;
    crowds.iter().try_for_each(|crowd| writeln!(out, "    {crowd}"))?;
    out.flush()
}
