//! A second server on a ledger that has one: whoever started it is told at once what it waits for.
//! That it serves only once the first has gone is shown where crowds are.

use super::stage::Stage;
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Read},
    process::Child,
};

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// The first line it says on standard error, and the rest of it, to be read once it ends.
fn first_line(second: &mut Child) -> (String, impl Read + use<>) {
    let mut stderr = BufReader::new(second.stderr.take().expect("it is piped"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("UTF-8");
    (line, stderr)
}

#[test]
fn a_second_server_says_at_once_what_it_waits_for_and_takes_over() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    stage.world.change("FIRSTCOME_LEDGER_OWNER_WAIT_MS", "60000");
    let mut second = stage.world.spawn(&SERVE);
    // It comes while the first one has the ledger, or this would never end.
    let (line, _rest) = first_line(&mut second);
    let (data, pid) = (stage.world.data(), stage.world.pid());
    for part in [data.display().to_string(), format!("(pid {pid})"), "60 s".to_owned()] {
        assert!(line.contains(&part), "{part} is not in: {line}");
    }
    assert!(second.try_wait().expect("its status can be asked").is_none(), "it goes on waiting");
    stage.world.terminate();
    let mut listens = String::new();
    let mut stdout = BufReader::new(second.stdout.take().expect("it is piped"));
    stdout.read_line(&mut listens).expect("UTF-8");
    assert!(listens.starts_with("listening on "), "{listens}");
    second.kill().expect("it runs");
    second.wait().expect("it ends");
}

#[test]
fn a_second_server_that_has_waited_in_vain_says_so_and_ends() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    stage.world.change("FIRSTCOME_LEDGER_OWNER_WAIT_MS", "50");
    let mut second = stage.world.spawn(&SERVE);
    let (line, mut rest) = first_line(&mut second);
    assert!(line.contains("waiting up to 50 ms"), "{line}");
    let mut said = String::new();
    rest.read_to_string(&mut said).expect("UTF-8");
    assert!(said.contains("served by another process"), "{said}");
    assert_eq!(second.wait().expect("it ends").code(), Some(1));
    stage.world.terminate();
}

#[test]
fn a_second_server_that_may_not_wait_does_not_say_that_it_does() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    stage.world.change("FIRSTCOME_LEDGER_OWNER_WAIT_MS", "0");
    let refused = stage.world.run(&SERVE, "");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("served by another process") && !said.contains("waiting"), "{said}");
    stage.world.terminate();
}
