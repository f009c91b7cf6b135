//! Deliveries verified by a library of another author, where there is one on this machine.
//! Where there is none, the test says so aloud: `tests/foreign/README.md` tells how to get it.

use crate::receiver::{Received, Receiver};
use crate::stage::{Stage, settings, until};
use std::io::Write;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/verify.py");

/// The python that is to be used, and the folder of the library where it lies in one of its own.
fn python() -> Command {
    let named = std::env::var_os("WEBHOOKS_FOREIGN_PYTHON");
    let mut python = Command::new(named.unwrap_or_else(|| "python3".into()));
    if let Some(library) = std::env::var_os("WEBHOOKS_FOREIGN_LIBRARY") {
        python.env("PYTHONPATH", library);
    }
    python
}

fn has_library() -> bool {
    let tried = python().args(["-c", "import standardwebhooks"]).output();
    tried.is_ok_and(|output| output.status.success())
}

fn line(one: &Received, secrets: &[&str]) -> String {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> =
        names.map(|name| (name.to_owned(), one.header(name).into())).into_iter().collect();
    let body = std::str::from_utf8(&one.body).unwrap();
    serde_json::json!({"secrets": secrets, "headers": headers, "body": body}).to_string()
}

#[tokio::test]
async fn a_foreign_library_verifies_what_is_sent() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    stage.claims(activity, 5);
    running.relay.wake();
    until("five events", || receiver.count() == 5).await;
    let second = running.relay.rotate(&added.id).await.unwrap();
    let order = stage.held(activity, 3);
    stage.pay(order, "a");
    running.relay.wake();
    until("two more", || receiver.count() == 7).await;
    running.stop().await;
    if !has_library() {
        // Past the harness, which hides what passing tests print.
        let said = writeln!(
            std::io::stderr(),
            "\n!!!! NOT TESTED: no foreign library verified what is sent: {:?} cannot import standardwebhooks; see \
             crates/relay/tests/foreign/README.md !!!!",
            python().get_program()
        );
        return said.unwrap();
    }
    let all = receiver.received();
    let (first, both) = ([added.secret.as_str()], [added.secret.as_str(), second.as_str()]);
    let before = all[..5].iter().map(|one| line(one, &first));
    let lines: Vec<String> = before.chain(all[5..].iter().map(|one| line(one, &both))).collect();
    let said = verify(&lines.join("\n"));
    assert_eq!(said.trim(), "verified 9");
    println!("verified by a foreign library: 7 deliveries, 2 of them with both secrets");
}

fn verify(lines: &str) -> String {
    let mut child =
        python().arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "it did not verify");
    String::from_utf8(output.stdout).unwrap()
}
