//! `firstcome rehearse` as a whole: a server of its own and a running one, wrong uses, Ctrl-C. What the checks and
//! the reports are worth is tested where they are; here, that the command brings them together and cleans up.

use crate::world::{PATIENCE, World};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Lines, Read},
    path::Path,
    process::{Child, ChildStderr, Command, Output},
    time::{Duration, Instant},
};

/// A crowd that is over soon.
const SMALL: [&str; 8] =
    ["--users", "300", "--connections", "40", "--seconds", "5", "--opens-after", "5"];

/// A world whose scratch folders are made below a folder of its own.
fn world() -> (World, tempfile::TempDir) {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let world = World::cheap().set("TMPDIR", &scratch.path().display().to_string());
    (world, scratch)
}

fn rehearse(world: &World, arguments: &[&str], input: &str) -> Output {
    world.run(&[&["rehearse"], &SMALL[..], arguments].concat(), input)
}

/// The exit code, standard output and standard error.
fn parts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn assert_empty(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder).expect("it is there").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_rehearsal_alone_is_green_and_leaves_nothing_behind() {
    let (world, scratch) = world();
    let page = world.file("report.html", "an earlier report");
    let page_name = page.display().to_string();
    let output = rehearse(
        &world,
        &[
            "--no-learn",
            "--seed",
            "7",
            "--stock",
            "60",
            "--codes",
            "--json",
            "--report",
            &page_name,
        ],
        "",
    );
    let (code, out, err) = parts(&output);
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert_empty(scratch.path());
    assert!(!world.data().exists(), "the folder of --data is not touched");
    let document: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!((&document["schema"], &document["verdict"]), (&1.into(), &"held".into()));
    assert_eq!(document["run"]["people"], 300);
    assert_eq!(
        (&document["numbers"]["units"], &document["numbers"]["tickets"]),
        (&60.into(), &60.into())
    );
    for promise in document["promises"].as_array().expect("a list") {
        assert_eq!(promise["verdict"], "held", "{promise}");
    }
    assert!(err.contains("the sale is open") && err.contains("report.html"), "{err}");
    let html = std::fs::read_to_string(page).expect("a report");
    assert!(html.starts_with("<!doctype html>") && html.contains("Every promise held."));
    assert!(html.trim_end().ends_with("</html>"));
}

/// C16-C20, C22 in small: payers at a server that is killed and comes back; the judge finds nothing, and neither does
/// a look at its ledger.
#[test]
fn payers_and_a_server_that_is_killed_end_green_and_the_ledger_balances() {
    let (world, scratch) = world();
    let crowd = ["--users", "150", "--connections", "30", "--seconds", "8", "--opens-after", "4"];
    let payers = ["--payers", "60", "--kills", "2", "--seed", "1", "--no-learn", "--json"];
    let (code, out, err) = parts(&world.run(&[&["rehearse"], &crowd[..], &payers].concat(), ""));
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert_empty(scratch.path());
    let document: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(document["verdict"], "held");
    // On a slow machine the sale may be over before the second.
    assert!(document["kills"]["count"].as_u64().is_some_and(|count| count > 0), "{out}");
    assert_eq!(document["paying"]["payers"], 60);
    assert_eq!(document["ledger"]["holds"], true);
    let lines = document["ledger"]["report"].as_array().expect("lines");
    let says = |words: &str| lines.iter().any(|line| line.as_str().unwrap_or("").contains(words));
    assert!(says("every promise holds") && says("received"), "{lines:?}");
    let again = document["run"]["command"].as_str().expect("a text");
    assert!(again.contains("--payers 60 --kills 2"), "{again}");
}

#[test]
fn a_running_server_is_rehearsed_by_password_and_by_token() {
    let (mut world, scratch) = world();
    let mut operator = world.serve_with_operator();
    let url = format!("http://{}", world.address());
    let output =
        rehearse(&world, &[&url, "--operator", "op", "--password-stdin"], "operator-pass\n");
    let (code, out, err) = parts(&output);
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert!(out.starts_with("EVERY PROMISE HELD."), "{out}");
    assert_eq!(out.matches("PASS").count(), 6, "{out}");
    assert!(
        !out.contains("What this machine takes"),
        "a running server is not pushed to its limits"
    );
    assert!(err.contains("are made there"), "{err}");
    let token = operator.token.clone().expect("signed in");
    let file = world.file("token", format!("{token}\n")).display().to_string();
    let output = rehearse(&world, &[&url, "--token-file", &file], "");
    let (code, out, err) = parts(&output);
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert!(!format!("{out}{err}").contains(&token));
    assert_empty(scratch.path());
    let list = operator.get("/admin/act/list").data();
    let states: Vec<&str> = list["list"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|activity| activity["state"].as_str().expect("a state"))
        .collect();
    // Of each rehearsal its sale, and the unit with which it looked whether anybody takes money here.
    assert_eq!(states, ["ended"; 4], "{list}");
}

#[test]
fn a_rehearsal_used_wrongly_exits_with_two_and_one_that_cannot_be_made_with_one() {
    let (mut world, scratch) = world();
    world.serve_with_operator();
    let url = format!("http://{}", world.address());
    let table: [(&[&str], i32, &str); 11] = [
        (&["--users", "0"], 2, "users"),
        (&["--mix", "lazy=3"], 2, "lazy"),
        (&["--mix", "reader=900,frantic=900"], 2, "1000"),
        (&["--operator", "op", "--password-stdin"], 2, "URL"),
        (&[&url, "--kills", "1", "--operator", "op", "--password-stdin"], 2, "--kills"),
        (&["--kills", "40"], 2, "kills"),
        (&[&url], 2, "--operator"),
        (&["https://127.0.0.1:1", "--operator", "op", "--password-stdin"], 2, "http://"),
        (&["--report", "/no/such/folder/report.html"], 2, "report.html"),
        (&[&url, "--operator", "op", "--password-stdin"], 1, "name and password"),
        (&["http://127.0.0.1:1", "--operator", "op", "--password-stdin"], 1, "running"),
    ];
    for (arguments, expected, word) in table {
        let output = world.run(&[&["rehearse"], arguments].concat(), "not-the-password\n");
        let (code, out, err) = parts(&output);
        assert_eq!(code, Some(expected), "{arguments:?}: {out}\n{err}");
        assert!(err.contains(word), "{arguments:?}: {word} is not in {err}");
        assert_empty(scratch.path());
    }
}

/// A rehearsal that is under way, with the server that it started.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    server: u32,
}

impl Running {
    /// Starts one and waits until it says these words.
    fn until(world: &World, arguments: &[&str], words: &str) -> Self {
        let mut child = world.spawn(&[&["rehearse"], arguments].concat());
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        hear(&mut lines, words);
        let children = children_of(child.id());
        let [server] = children[..] else { panic!("one server was started: {children:?}") };
        Self { child, lines, server }
    }

    fn interrupt(&self) {
        signal("-INT", self.child.id());
    }

    /// The exit code, standard output and what was still said.
    fn end(mut self) -> (Option<i32>, String, Vec<String>) {
        let rest: Vec<String> = self.lines.map_while(Result::ok).collect();
        let mut out = String::new();
        self.child.stdout.take().expect("it is piped").read_to_string(&mut out).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), out, rest)
    }
}

#[track_caller]
fn hear(lines: &mut Lines<BufReader<ChildStderr>>, words: &str) {
    let mut heard = Vec::new();
    while !heard.last().is_some_and(|line: &String| line.contains(words)) {
        match lines.next() {
            Some(Ok(line)) => heard.push(line),
            _ => panic!("{words:?} was not said: {heard:?}"),
        }
    }
}

fn signal(name: &str, pid: u32) {
    let pid = pid.to_string();
    assert!(Command::new("kill").args([name, &pid]).status().expect("kill runs").success());
}

/// State and parent of a process; nothing once it is gone.
fn state_of(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("it is there").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| state_of(*pid).is_some_and(|(_, of)| of == parent)).collect()
}

/// Whether it runs. What has ended and was not yet waited for does not.
fn runs(pid: u32) -> bool {
    state_of(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// A sale that would go on for long.
const LONG: [&str; 5] = ["--users", "200", "--seconds", "600", "--no-learn"];

/// Ctrl-C sends the crowd home; server and folder are gone when the command has ended.
#[test]
fn an_interrupted_rehearsal_cleans_up() {
    let (world, scratch) = world();
    let running = Running::until(&world, &LONG, "the sale is open");
    running.interrupt();
    let server = running.server;
    let (code, out, rest) = running.end();
    assert_eq!(code, Some(1), "{out}\n{rest:?}");
    assert!(out.contains("before the end of the sale"), "{out}\n{rest:?}");
    assert!(!runs(server));
    assert_empty(scratch.path());
}

/// Nobody has asked for anything by then, so nothing is judged and nothing is said to be broken.
#[test]
fn a_rehearsal_interrupted_before_the_opening_blames_nobody() {
    let (world, scratch) = world();
    let arguments = ["--users", "100", "--opens-after", "60", "--mix", "reader=1000"];
    let running = Running::until(&world, &arguments, "the crowd gathers");
    running.interrupt();
    let server = running.server;
    let (code, out, rest) = running.end();
    assert_eq!(code, Some(1), "{out}\n{rest:?}");
    assert!(out.starts_with("NOTHING WAS LOOKED AT.") && !out.contains("FAIL"), "{out}");
    assert!(!runs(server));
    assert_empty(scratch.path());
}

/// The sale was judged whole by then, and what was measured is told for what it is.
#[test]
fn a_rehearsal_interrupted_while_it_measures_still_tells_its_verdict() {
    let (world, scratch) = world();
    let arguments = [&SMALL[..], &["--learn"]].concat();
    let running = Running::until(&world, &arguments, "learning what this machine takes");
    running.interrupt();
    let server = running.server;
    let (code, out, rest) = running.end();
    assert_eq!(code, Some(1), "{out}\n{rest:?}");
    assert!(out.starts_with("EVERY PROMISE HELD."), "{out}\n{rest:?}");
    assert!(out.contains("stopped before it had learnt"), "{out}\n{rest:?}");
    assert!(!out.contains("connections_max"), "a setting that follows from nothing: {out}");
    assert!(!runs(server));
    assert_empty(scratch.path());
}

/// Even of a server that answers nothing any more: the first Ctrl-C would wait for it.
#[test]
fn a_second_interrupt_gives_a_rehearsal_up_at_once() {
    let (world, scratch) = world();
    let mut running = Running::until(&world, &LONG, "the sale is open");
    signal("-STOP", running.server);
    running.interrupt();
    hear(&mut running.lines, "once more to give up");
    running.interrupt();
    let server = running.server;
    let (code, out, rest) = running.end();
    assert_eq!((code, out.as_str()), (Some(130), ""), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("given up")), "{rest:?}");
    assert!(!runs(server));
    assert_empty(scratch.path());
}

/// Nobody is left to stop the server and to remove its folder, so it does both.
#[test]
fn a_killed_rehearsal_leaves_nothing_behind() {
    let (world, scratch) = world();
    let mut running = Running::until(&world, &LONG, "the sale is open");
    let server = running.server;
    assert!(runs(server) && std::fs::read_dir(&scratch).expect("it is there").next().is_some());
    running.child.kill().expect("it can be killed");
    running.child.wait().expect("it ends");
    let begun = Instant::now();
    while runs(server) {
        assert!(begun.elapsed() < PATIENCE, "the server lives on: {server}");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_empty(scratch.path());
}

/// The way in which a rehearsal starts its server removes folders, so it is for no other folder.
#[test]
fn only_a_scratch_folder_can_be_served_as_one() {
    let (world, scratch) = world();
    world.must(&["user", "add", "ann", "--password-stdin"], "ann-password\n");
    let (code, out, err) = parts(&world.run(&["serve", "--scratch"], ""));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("scratch folder"), "{err}");
    assert!(world.must(&["user", "list"], "").contains("ann"), "the ledger is still there");
    assert!(!world.must(&["serve", "--help"], "").contains("scratch"));
    assert_empty(scratch.path());
}
