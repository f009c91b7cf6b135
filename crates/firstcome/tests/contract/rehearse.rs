//! `firstcome rehearse` as a whole: a server of its own and a running one, wrong uses, Ctrl-C. What the checks and
//! the reports are worth is tested where they are; here, that the command brings them together and cleans up.

use crate::world::World;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output},
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
    assert_eq!(states, ["ended", "ended"], "{list}");
}

#[test]
fn a_rehearsal_used_wrongly_exits_with_two_and_one_that_cannot_be_made_with_one() {
    let (mut world, scratch) = world();
    world.serve_with_operator();
    let url = format!("http://{}", world.address());
    let table: [(&[&str], i32, &str); 9] = [
        (&["--users", "0"], 2, "users"),
        (&["--mix", "lazy=3"], 2, "lazy"),
        (&["--mix", "reader=900,frantic=900"], 2, "1000"),
        (&["--operator", "op", "--password-stdin"], 2, "URL"),
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

/// Ctrl-C sends the crowd home; server and folder are gone when the command has ended.
#[test]
fn an_interrupted_rehearsal_cleans_up() {
    let (world, scratch) = world();
    let mut child = world.spawn(&["rehearse", "--users", "200", "--seconds", "600", "--no-learn"]);
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let open = lines.by_ref().map_while(Result::ok).find(|line| line.contains("the sale is open"));
    assert!(open.is_some());
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let mut out = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut out).expect("UTF-8");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "{out}\n{rest:?}");
    assert!(out.contains("before the end of the sale"), "{out}\n{rest:?}");
    assert_empty(scratch.path());
}
