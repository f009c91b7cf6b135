//! Long runs of planted steps: that a failure is found in its round and told so that it can be repeated, and that
//! being told to stop leaves nothing behind. None of these runs a test of the product.

use super::*;
use std::fs;

/// A shell's script as a step of which one test has to pass; it finds the seed in `$SEED`.
fn planted(script: &str) -> impl Fn(u64) -> Vec<Job> + use<> {
    let script = script.to_owned();
    move |seed| {
        vec![Job {
            title: "planted".to_owned(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.clone()],
            environment: vec![("SEED".to_owned(), seed.to_string())],
            tests: 1,
        }]
    }
}

const OK: &str = "echo '12 requests: 12 won'; echo 'test result: ok. 1 passed; 0 failed'";

/// The outcome, what was done, and what was told; `minutes` of it, or until `stop`.
fn run(
    round: &dyn Fn(u64) -> Vec<Job>,
    until: Instant,
    stop: impl Future<Output = ()>,
) -> (Outcome, Done, String) {
    let scratch = tempfile::tempdir().unwrap();
    let long_run = LongRun { first: 7, until, scratch: scratch.path(), round };
    let (mut done, mut told) = (Done::default(), Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome =
        runtime.block_on(async { long_run.go(&mut done, pin!(stop), &mut told).await.unwrap() });
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "something is left behind");
    (outcome, done, String::from_utf8(told).unwrap())
}

fn never() -> impl Future<Output = ()> {
    std::future::pending()
}

fn an_hour() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[test]
fn each_round_has_its_seed_and_the_first_failure_ends_it_with_the_command_that_repeats_it() {
    let round = planted(&format!("{OK}; touch \"$TMPDIR/left\"; test $SEED -ne 9"));
    let (outcome, done, told) = run(&round, an_hour(), never());
    assert_eq!(done, Done { rounds: 2, tests: 2 });
    for expected in ["round 1, seed 7", "round 3, seed 9", "SEED=8", "12 requests: 12 won"] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    let (code, words) = verdict(&outcome);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    for expected in ["seed 9, planted: it failed", "12 requests", "SEED=9 sh -c", "--seed 9"] {
        assert!(words.contains(expected), "{expected} is not in {words}");
    }
}

#[test]
fn a_step_whose_tests_are_gone_fails() {
    let round = planted("echo 'test result: ok. 0 passed; 0 failed'");
    let (outcome, _, _) = run(&round, an_hour(), never());
    let why = Why::TooFew { ran: 0, named: 1 };
    assert!(matches!(&outcome, Outcome::Failed { why: found, .. } if *found == why), "{outcome:?}");
}

#[test]
fn nothing_begins_once_the_time_is_up() {
    let (outcome, done, _) = run(&planted(OK), Instant::now(), never());
    assert!(matches!(outcome, Outcome::TimeIsUp), "{outcome:?}");
    assert_eq!(done, Done::default());
}

/// The step has a child that would outlive it, as a test has its servers.
#[test]
fn being_told_to_stop_ends_a_step_and_all_that_it_started() {
    let evidence = tempfile::tempdir().unwrap();
    let pid_file = evidence.path().join("pid");
    let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", pid_file.display());
    let started = async {
        while !pid_file.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (outcome, done, _) = run(&planted(&script), an_hour(), started);
    assert!(matches!(outcome, Outcome::Interrupted), "{outcome:?}");
    assert_eq!(done, Done::default());
    let pid = fs::read_to_string(pid_file).unwrap();
    assert!(gone(pid.trim()), "process {} goes on", pid.trim());
}

/// Whether a process has ended, or does so within seconds; one that nobody has waited for yet has ended as well.
fn gone(pid: &str) -> bool {
    let begun = Instant::now();
    let lives = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    while lives() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    !lives()
}

#[test]
fn a_job_is_shown_as_it_is_typed() {
    let shown = STEPS[0].job(5).to_string();
    let expected = "TEST_SEED=5 TEST_KILLS=100 cargo test --package firstcome --test survive \
                    -- --exact kills::twenty_kills_lose_nothing --nocapture";
    assert_eq!(shown, expected);
    let script = plan::round(5).pop().unwrap();
    assert_eq!(script.to_string(), "fuzz/openapi/check 5");
    assert!(Path::new(&script.program).exists());
}

/// A test that was renamed would fail a run only after minutes.
#[test]
fn every_test_of_the_plan_is_somewhere_in_its_package() {
    for step in STEPS {
        let mut text = String::new();
        let mut folders = vec![paths::root().join("crates").join(step.package)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match entry.extension() {
                    _ if entry.is_dir() => folders.push(entry),
                    Some(end) if end == "rs" => text += &fs::read_to_string(entry).unwrap(),
                    _ => {}
                }
            }
        }
        for test in step.tests {
            let name = test.rsplit("::").next().unwrap();
            assert!(text.contains(&format!("fn {name}(")), "{}: {test}", step.package);
        }
    }
}
