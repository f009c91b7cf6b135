//! `firstcome rehearse`: sends a crowd at a server, has what it saw judged, and writes the reports.
//! It decides nothing about a verdict, and leaves no server and no folder behind that it started.

mod activity;
mod arguments;
mod machine;
mod port;
mod progress;
mod server;

pub use arguments::RehearseArguments;
pub use progress::phase_of;

use super::Failure;
use crate::{
    Place,
    parent::{Parent, gone},
};
use arguments::{pay_shares, shares};
use progress::Bar;
use rehearsal::{
    check,
    http::{self, LearnPlan, Learnt, Mortal, RehearseFault, Seen, Stop, Target},
    plan::Plan,
    report::{Conclusion, Facts, Report},
    verdict::Verdict,
};
use server::OwnServer;
use std::{
    io::{ErrorKind, Write},
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

/// The check that finds fault with a rehearsal in which no claim was decided.
const NOTHING_SEEN: &str = "nothing-seen";

/// The command.
pub fn rehearse(place: &Place, arguments: &RehearseArguments) -> Result<(), Failure> {
    let plan = arguments.plan()?;
    let parent = attended(arguments)?;
    if let Some(file) = &arguments.report {
        assert_writable(file)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Io("a runtime", error.kind()))?;
    // Before anything is started: from here on Ctrl-C ends the rehearsal in order.
    let mut signals = Signals::listen(&runtime)?;
    let (mut facts, target, own) = stage(place, arguments, &plan)?;
    let mortal = own.as_ref().filter(|_| plan.kills > 0).map(OwnServer::mortal);
    let bar = Bar::new();
    bar.say(&announcement(&facts, &plan, own.is_some()));
    let learn_plan = arguments.learn_plan(&plan);
    let on = On { bar: &bar, target: &target, mortal: mortal.as_ref(), plan: &plan };
    let sending = send(&mut signals, on, learn_plan);
    let done = runtime.block_on(async {
        tokio::select! {
            done = sending => done,
            () = gone(parent.as_ref()) => Err(no("whoever wanted this rehearsal is gone")),
        }
    });
    bar.finish();
    if matches!(done, Err(Failure::GivenUp(_))) && own.is_none() {
        bar.say("an activity made there may be left open; it ends at its hour");
    }
    let checked = done.is_ok().then(|| own.as_ref().map(OwnServer::stop_and_check)).flatten();
    // The folder is gone before anybody reads a verdict, whatever it is.
    drop((own, mortal));
    let Done { seen, learnt, stopped } = done?;
    facts.ledger = checked.transpose()?;
    add_seen(&mut facts, &seen, learnt.as_ref().and_then(|one| one.as_ref().err()));
    let learnt = learnt.and_then(Result::ok);
    let verdict = judged(&seen);
    let report = Report::new(&seen.history, &verdict, learnt.as_ref(), &facts);
    publish(&report, arguments)?;
    outcome(report.conclusion(), stopped)
}

/// Adds to the niceness of a rehearsal beside the server that started it, which is to be the last to notice it.
const ATTENDED_NICE: i32 = 10;

/// Whoever started this rehearsal for itself. It gets what others left of the processors, and so does its server.
fn attended(arguments: &RehearseArguments) -> Result<Option<Parent>, Failure> {
    if !arguments.attended {
        return Ok(None);
    }
    // A rehearsal as urgent as everything else is still a rehearsal.
    let _ = rustix::process::nice(ATTENDED_NICE);
    Parent::watch().map(Some)
}

/// The verdict. A crowd that was sent home may not have claimed yet, and no server is to blame for that.
fn judged(seen: &Seen) -> Verdict {
    let mut verdict = check::judge(&seen.history);
    if seen.stopped {
        verdict.findings.retain(|finding| finding.check != NOTHING_SEEN);
    }
    verdict
}

/// What the exit code says.
fn outcome(conclusion: Conclusion, stopped: bool) -> Result<(), Failure> {
    match conclusion {
        Conclusion::Broken => Err(Failure::Broken),
        Conclusion::NothingLookedAt => Err(no("nothing was looked at, so no promise is judged")),
        Conclusion::Held if stopped => Err(no("the rehearsal was stopped before its end")),
        Conclusion::Held => Ok(()),
    }
}

fn no(words: &str) -> Failure {
    Failure::No(vec![words.to_owned()])
}

/// The server that is rehearsed, what is known of the run, and the server's own guard where it was started here.
fn stage(
    place: &Place,
    arguments: &RehearseArguments,
    plan: &Plan,
) -> Result<(Facts, Target, Option<OwnServer>), Failure> {
    let (server, target, own) = match &arguments.url {
        Some(url) => {
            let target = Target::at(url, arguments.operator()?).map_err(Failure::Rehearse)?;
            (format!("http://{}", target.host), target, None)
        }
        None => {
            let own = OwnServer::start(place, plan.kills > 0)?;
            let target = Target::new(own.address, own.operator.clone());
            (format!("a server started for it ({})", own.address), target, Some(own))
        }
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let facts = Facts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        server,
        machine: machine::description(),
        began_at: since.as_secs(),
        seed: plan.seed,
        connections: plan.connections.into(),
        mix: shares(&plan.mix),
        pay_mix: plan.paying.as_ref().map(|paying| pay_shares(&paying.mix)).unwrap_or_default(),
        command: arguments.again(plan),
        ..Facts::default()
    };
    Ok((facts, target, own))
}

fn announcement(facts: &Facts, plan: &Plan, own: bool) -> String {
    let (people, seed) = (plan.users, plan.seed);
    if own {
        format!("rehearsing with {people} people at {}, seed {seed}", facts.server)
    } else {
        let server = &facts.server;
        format!(
            "rehearsing with {people} people at {server}, seed {seed}: accounts named rehearsal-{seed}-… and an \
             activity are made there; the activity is closed afterwards, and both stay"
        )
    }
}

/// What a rehearsal hands on.
struct Done {
    /// What was seen.
    seen: Seen,
    /// What the machine takes, where it was to be learnt.
    learnt: Option<Result<Learnt, RehearseFault>>,
    /// Whether anything of it was cut short.
    stopped: bool,
}

/// What a crowd is sent at, and with what.
struct On<'a> {
    bar: &'a Bar,
    target: &'a Target,
    mortal: Option<&'a Arc<dyn Mortal>>,
    plan: &'a Plan,
}

/// Sends the crowd. The first signal sends it home early, a second one gives up.
async fn send(
    signals: &mut Signals,
    on: On<'_>,
    learn: Option<LearnPlan>,
) -> Result<Done, Failure> {
    let On { bar, target, mortal, plan } = on;
    let stop = Stop::new();
    let work = async {
        let seen = http::run(target, mortal, plan, bar, &stop).await.map_err(Failure::Rehearse)?;
        let learnt = match learn {
            Some(learn) if !stop.asked() => Some(http::learn(target, &learn, bar, &stop).await),
            _ => None,
        };
        Ok(Done { seen, learnt, stopped: stop.asked() })
    };
    let given_up = async {
        signals.next().await;
        stop.ask();
        bar.say("stopping: what was seen until now is judged; once more to give up");
        signals.next().await
    };
    tokio::select! {
        done = work => done,
        signal = given_up => Err(Failure::GivenUp(signal)),
    }
}

/// The signals that end a rehearsal.
struct Signals([Signal; 3]);

impl Signals {
    fn listen(runtime: &Runtime) -> Result<Self, Failure> {
        let _inside = runtime.enter();
        let of = |kind| signal(kind).map_err(|error| Failure::Io("signals", error.kind()));
        Ok(Self([
            of(SignalKind::interrupt())?,
            of(SignalKind::terminate())?,
            of(SignalKind::hangup())?,
        ]))
    }

    /// The number of the next one.
    async fn next(&mut self) -> u8 {
        let [interrupt, terminate, hangup] = &mut self.0;
        let of = |kind: SignalKind| u8::try_from(kind.as_raw_value()).unwrap_or_default();
        tokio::select! {
            _ = interrupt.recv() => of(SignalKind::interrupt()),
            _ = terminate.recv() => of(SignalKind::terminate()),
            _ = hangup.recv() => of(SignalKind::hangup()),
        }
    }
}

fn add_seen(facts: &mut Facts, seen: &Seen, not_learnt: Option<&RehearseFault>) {
    facts.late = seen.late;
    facts.unsent = seen.unsent;
    facts.kept_out = seen.kept_out;
    facts.stopped = seen.stopped;
    facts.notes = seen.notes.iter().map(ToString::to_string).collect();
    facts
        .notes
        .extend(not_learnt.map(|fault| format!("What the machine takes was not learnt: {fault}")));
}

/// A report that cannot be written is worth knowing before the rehearsal and not after it.
fn assert_writable(file: &Path) -> Result<(), Failure> {
    let opened = std::fs::File::options().append(true).create(true).open(file);
    opened.map(drop).map_err(|error| unwritable(file, error.kind()))
}

fn unwritable(file: &Path, kind: ErrorKind) -> Failure {
    Failure::Usage(format!("{} cannot be written: {kind}", file.display()))
}

fn publish(report: &Report<'_>, arguments: &RehearseArguments) -> Result<(), Failure> {
    let text = match (arguments.attended, arguments.json) {
        (true, _) => both(report),
        (false, true) => report.json(),
        (false, false) => report.text(),
    };
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Some(file) = &arguments.report {
        std::fs::write(file, report.html()).map_err(|error| unwritable(file, error.kind()))?;
        eprintln!("wrote {}", file.display());
    }
    match written {
        // Whoever reads only the first lines of a report has read the verdict.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Io("standard output", error.kind()))
        }
        _ => Ok(()),
    }
}

/// The JSON document and the page in one: whoever attends needs no file, which nobody might be left to remove.
fn both(report: &Report<'_>) -> String {
    let document: serde_json::Value =
        serde_json::from_str(&report.json()).expect("a report is JSON");
    serde_json::json!({ "report": document, "page": report.html() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal::history::{
        Announced, AnnouncedType, Asked, Call, Heard, History, Micros, Person, Ticket, TypeIndex,
    };

    /// Two people who were both shown the only unit there was.
    fn oversold() -> History {
        let seat = AnnouncedType {
            id: "seat".to_owned(),
            stock: 1,
            limit_per_person: 1,
            ends: Micros(60_000_000),
            ..AnnouncedType::default()
        };
        let won = |person: u32| Call {
            person: Person(person),
            asked: Asked::Claim { ticket_type: TypeIndex(0), key: None },
            sent: Micros(1_000_000),
            ended: Micros(1_001_000),
            heard: Heard::Won(Ticket {
                order: Some(format!("o{person}")),
                id: format!("t{person}"),
                type_id: "seat".to_owned(),
                code: None,
                claim_no: person + 1,
            }),
        };
        History {
            announced: Announced { types: vec![seat], ..Announced::default() },
            names: vec!["a".to_owned(), "b".to_owned()],
            calls: vec![won(0), won(1)],
            ..History::default()
        }
    }

    #[test]
    fn a_broken_promise_ends_in_exit_code_one() {
        let (history, facts) = (oversold(), Facts::default());
        let verdict = check::judge(&history);
        let report = Report::new(&history, &verdict, None, &facts);
        assert_eq!(report.conclusion(), Conclusion::Broken);
        let failure = outcome(report.conclusion(), false).unwrap_err();
        assert!(matches!(failure, Failure::Broken));
        assert_eq!(failure.exit_code(), std::process::ExitCode::FAILURE);
    }

    #[test]
    fn a_crowd_sent_home_before_its_first_claim_breaks_no_promise() {
        assert!(check::CHECKS.iter().any(|(name, ..)| *name == NOTHING_SEEN));
        for (stopped, expected) in
            [(true, Conclusion::NothingLookedAt), (false, Conclusion::Broken)]
        {
            let seen = Seen { stopped, ..Seen::default() };
            let (verdict, facts) = (judged(&seen), Facts::default());
            let report = Report::new(&seen.history, &verdict, None, &facts);
            assert_eq!(report.conclusion(), expected);
        }
        let seen = Seen { history: oversold(), stopped: true, ..Seen::default() };
        assert!(!judged(&seen).holds(), "a stop excuses nothing else");
    }

    #[test]
    fn only_a_whole_rehearsal_whose_promises_held_is_a_success() {
        assert!(outcome(Conclusion::Held, false).is_ok());
        assert!(outcome(Conclusion::Held, true).is_err());
        assert!(outcome(Conclusion::NothingLookedAt, false).is_err());
        assert!(outcome(Conclusion::Broken, true).is_err());
    }
}
