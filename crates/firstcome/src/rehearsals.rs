//! Rehearsals that the desk asks for: this same program in a process of its own, with a server of its own in a scratch
//! folder. It holds the process by its standard input, so that it ends with this one however this one ends. Nothing
//! here reaches the sale that is served.

use crate::{commands::rehearse::phase_of, parent::own_program};
use ledger::{NewActivity, NewUnits, RosterName};
use parking_lot::Mutex;
use rehearsal::http::Phase;
use sale::{TicketType, UnitKind, files::to_json};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};
use web::{
    Judged, Rehearsal, RehearsalPhase, RehearsalRefused, RehearsalState, RehearsalVerdict,
    RehearsalWanted, Rehearsals,
};

/// Seconds from the first steps of the crowd to the opening.
const OPENS_AFTER_S: u32 = 5;
/// Bytes of a verdict and its report.
const REPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The last lines of a rehearsal that came to nothing which are shown.
const LINES_SHOWN: usize = 5;
/// Characters of such a line.
const LINE_CHARS_MAX: usize = 300;
/// What a process must not take for its own when it was meant for this one.
const NOT_INHERITED: [&str; 5] =
    ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC"];

/// Makes them.
pub struct OwnRehearsals {
    config: Option<PathBuf>,
    /// Held for a moment only: the cores that serve ask for it.
    latest: Mutex<Latest>,
}

/// The one that runs, or else the last.
type Latest = Option<Arc<Mutex<Run>>>;

/// One of them.
struct Run {
    shown: Rehearsal,
    /// The process ends with this.
    held: Option<ChildStdin>,
    /// It was given up.
    stopped: bool,
}

impl OwnRehearsals {
    /// With the configuration that this server was given.
    pub fn new(config: Option<PathBuf>) -> Self {
        Self { config, latest: Mutex::new(None) }
    }

    fn command(&self, wanted: &RehearsalWanted) -> std::io::Result<Command> {
        let mut command = Command::new(own_program()?);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.args(["rehearse", "--attended"]);
        for (name, value) in [
            ("--users", wanted.people),
            ("--connections", wanted.connections),
            ("--seconds", wanted.seconds),
            ("--opens-after", OPENS_AFTER_S),
        ] {
            command.args([name, &value.to_string()]);
        }
        command.arg(if wanted.learn { "--learn" } else { "--no-learn" });
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // In a group of its own, so that Ctrl-C reaches the server alone and the rehearsal ends after it.
        command.process_group(0);
        Ok(command)
    }

    /// Takes the one place there is, and says what it showed before. It is free again once the run has ended.
    fn reserve(&self, shown: Rehearsal) -> Result<(Latest, Arc<Mutex<Run>>), RehearsalRefused> {
        let run = Arc::new(Mutex::new(Run { shown, held: None, stopped: false }));
        let mut latest = self.latest.lock();
        let running =
            |run: &Arc<Mutex<Run>>| matches!(run.lock().shown.state, RehearsalState::Running(_));
        if latest.as_ref().is_some_and(running) {
            return Err(RehearsalRefused::Running);
        }
        Ok((latest.replace(Arc::clone(&run)), run))
    }

    fn begin(
        &self,
        wanted: &RehearsalWanted,
        copy: String,
        run: &Arc<Mutex<Run>>,
    ) -> std::io::Result<()> {
        let mut child = self.command(wanted)?.spawn()?;
        let held = child.stdin.take().expect("it is piped");
        let (out, told) = (child.stdout.take(), child.stderr.take());
        let watching = Watching {
            child,
            held,
            copy,
            out: out.expect("it is piped"),
            told: told.expect("it is piped"),
            run: Arc::clone(run),
        };
        let thread = std::thread::Builder::new().name("rehearsal".to_owned());
        thread.spawn(move || watching.run_to_the_end()).map(drop)
    }
}

impl Rehearsals for OwnRehearsals {
    fn start(&self, wanted: &RehearsalWanted) -> Result<(), RehearsalRefused> {
        let copy = copy_of(wanted);
        let shown = Rehearsal {
            act_id: wanted.activity.id.clone(),
            people: wanted.people,
            connections: wanted.connections,
            began_at: wanted.now,
            state: RehearsalState::Running(RehearsalPhase::Starting),
        };
        // Whoever asks for the latest or gives it up must not wait for a process that begins: the place is taken first.
        let (before, run) = self.reserve(shown)?;
        self.begin(wanted, copy, &run).map_err(|error| {
            tracing::error!(%error, "a rehearsal could not be started");
            // It never ran, so nobody else can have taken its place.
            *self.latest.lock() = before;
            RehearsalRefused::System
        })?;
        tracing::info!(activity = %wanted.activity.id, people = wanted.people, "a rehearsal begins");
        Ok(())
    }

    fn latest(&self) -> Option<Rehearsal> {
        self.latest.lock().as_ref().map(|run| run.lock().shown.clone())
    }

    fn stop(&self) {
        if let Some(run) = &*self.latest.lock() {
            let mut run = run.lock();
            run.held = None;
            run.stopped = true;
        }
    }
}

/// The activity as the rehearsal reads it, with codes and a roster that are nobody's: what is worth money or names a
/// person does not leave this process.
fn copy_of(wanted: &RehearsalWanted) -> String {
    let activity = &wanted.activity;
    let types = activity.types.iter().zip(&wanted.units);
    let units = types.map(|(kind, count)| units_of(kind, *count)).collect();
    let nobody = || RosterName {
        name: "rehearsal".to_owned(),
        display_name: String::new(),
        department: String::new(),
    };
    let roster = activity.has_roster.then(nobody).into_iter().collect();
    to_json(&[NewActivity { activity: activity.clone(), units, roster }])
}

fn units_of(kind: &TicketType, count: u32) -> NewUnits {
    match kind.kind {
        UnitKind::Plain => NewUnits::Plain(count),
        UnitKind::Codes => {
            NewUnits::Codes((0..count).map(|at| format!("R-{}-{at}", kind.id)).collect())
        }
    }
}

/// A process, and where what becomes of it is shown.
struct Watching {
    child: Child,
    held: ChildStdin,
    /// What it rehearses, as it reads it.
    copy: String,
    out: ChildStdout,
    told: ChildStderr,
    run: Arc<Mutex<Run>>,
}

impl Watching {
    fn run_to_the_end(self) {
        let Self { mut child, held, copy, out, told, run } = self;
        let (lines, verdict) = std::thread::scope(|scope| {
            let lines = scope.spawn(|| follow(told, &run));
            scope.spawn(|| hand_over(held, copy, &run));
            let verdict = verdict_in(out);
            (lines.join().unwrap_or_default(), verdict)
        });
        // It has closed its outputs, so this is only to let the system forget it.
        let _ = child.wait();
        let mut run = run.lock();
        run.held = None;
        run.shown.state = match verdict {
            Some(verdict) => RehearsalState::Judged(verdict),
            None if run.stopped => RehearsalState::Stopped,
            None => RehearsalState::Failed(lines),
        };
        tracing::info!(activity = %run.shown.act_id, "a rehearsal has ended");
    }
}

/// Writes what it rehearses, and holds it from then on, unless it was given up meanwhile. The run is not shown as ended
/// before this is done.
fn hand_over(mut held: ChildStdin, copy: String, run: &Mutex<Run>) {
    // A process that ends before it has read this says why, and whoever follows it hears it.
    let _ = writeln!(held, "{copy}");
    let mut run = run.lock();
    if !run.stopped {
        run.held = Some(held);
    }
}

/// Shows the phases as they are told; the last other lines.
fn follow(told: ChildStderr, run: &Mutex<Run>) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(told).lines().map_while(Result::ok) {
        if let Some(phase) = phase_of(&line) {
            run.lock().shown.state = RehearsalState::Running(shown(phase));
        } else {
            lines.push(line.chars().take(LINE_CHARS_MAX).collect());
            lines.drain(..lines.len().saturating_sub(LINES_SHOWN));
        }
    }
    lines
}

const fn shown(phase: Phase) -> RehearsalPhase {
    match phase {
        Phase::SigningIn => RehearsalPhase::SigningIn,
        Phase::Preparing => RehearsalPhase::Preparing,
        Phase::Gathering => RehearsalPhase::Gathering,
        Phase::Open => RehearsalPhase::Open,
        Phase::Settling => RehearsalPhase::Settling,
        Phase::Exporting => RehearsalPhase::Exporting,
        Phase::Learning => RehearsalPhase::Learning,
    }
}

/// What is written to the end of standard output, if it is a verdict.
fn verdict_in(out: ChildStdout) -> Option<RehearsalVerdict> {
    let mut text = Vec::new();
    out.take(REPORT_BYTES_MAX).read_to_end(&mut text).ok()?;
    let mut both: Value = serde_json::from_slice(&text).ok()?;
    let Value::String(page) = both["page"].take() else { return None };
    verdict_of(&both["report"], page)
}

fn verdict_of(report: &Value, page: String) -> Option<RehearsalVerdict> {
    let numbers = &report["numbers"];
    let promises = report["promises"].as_array()?;
    let of_winners = |row: &&Value| row["call"] == "claim" && row["answer"] == "won";
    let latencies = numbers["latency_ms"].as_array()?;
    Some(RehearsalVerdict {
        whole: judged(&report["verdict"])?,
        promises: promises.iter().map(|one| judged(&one["verdict"])).collect::<Option<_>>()?,
        claims: numbers["claims"].as_u64()?,
        tickets: numbers["tickets"].as_u64()?,
        peak_per_s: numbers["claims_per_second"]["all_peak"].as_f64()?,
        winners_p99_ms: latencies.iter().find(of_winners).and_then(|row| row["p99"].as_f64()),
        takes_per_s: report["learnt"]["capacity"]["refusals"]["requests_per_s"].as_u64(),
        page: page.into_bytes().into(),
    })
}

fn judged(name: &Value) -> Option<Judged> {
    match name.as_str()? {
        "held" => Some(Judged::Held),
        "broken" => Some(Judged::Broken),
        "nothing_looked_at" => Some(Judged::NothingLookedAt),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sale::TimeMs;

    fn starting(act_id: &str) -> Rehearsal {
        let state = RehearsalState::Running(RehearsalPhase::Starting);
        let (act_id, began_at) = (act_id.to_owned(), TimeMs(1));
        Rehearsal { act_id, people: 1, connections: 1, began_at, state }
    }

    #[test]
    fn the_one_place_is_taken_from_the_reservation_to_the_end() {
        let rehearsals = OwnRehearsals::new(None);
        let (before, run) = rehearsals.reserve(starting("a")).ok().unwrap();
        assert!(before.is_none());
        let refused = rehearsals.reserve(starting("b")).err();
        assert!(matches!(refused, Some(RehearsalRefused::Running)));
        rehearsals.stop();
        assert!(rehearsals.reserve(starting("b")).is_err(), "given up, and not yet ended");
        assert_eq!(rehearsals.latest().unwrap().act_id, "a");
        run.lock().shown.state = RehearsalState::Stopped;
        let (before, _) = rehearsals.reserve(starting("b")).ok().unwrap();
        assert_eq!(before.unwrap().lock().shown.act_id, "a");
        assert_eq!(rehearsals.latest().unwrap().act_id, "b");
    }

    #[test]
    fn a_process_given_up_before_it_has_read_everything_is_not_held() {
        for stopped in [false, true] {
            let mut child = Command::new("cat");
            let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            let mut child = child.unwrap();
            let run = Mutex::new(Run { shown: starting("a"), held: None, stopped });
            hand_over(child.stdin.take().unwrap(), "all of it".to_owned(), &run);
            assert_eq!(run.lock().held.take().is_some(), !stopped);
            assert_eq!(child.wait_with_output().unwrap().stdout, b"all of it\n");
        }
    }
}
