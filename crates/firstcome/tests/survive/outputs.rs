//! What is beside the ledger fails: nobody reads the log, nobody takes the standard output, the disk that an export
//! or a backup goes to is full. None of it stops a sale, and no part of a file is taken for the whole.

use crate::{
    crowd::{Chance, Crowd, Progress, claim_once},
    disk::{Fault, FullDisk},
    history::Heard,
    stage::{Stage, two_lots, wait_for},
    world::{Client, World, export, now_s},
};
use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    rc::Rc,
};

/// Standard error is a pipe that is full and that nobody ever reads, though somebody could.
const FULL_PIPE: &str = "pipe=$(mktemp -u); mkfifo \"$pipe\"; exec 3<>\"$pipe\"; rm \"$pipe\"; \
     dd if=/dev/zero of=/dev/fd/3 oflag=nonblock bs=512 count=100000 2>/dev/null; exec \"$0\" \"$@\" 2>&3";

fn talkative() -> World {
    let mut world = World::cheap().set("FIRSTCOME_LOG_LEVEL", "trace");
    world.wrap(FULL_PIPE);
    world
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let mut chance = Chance::of("a_log_that_nobody_reads_stops_nothing");
    let mut stage = Stage::open(talkative(), 300);
    stage.sell(two_lots("act", 100, 1), now_s() - 1);
    let errands = Stage::errands([0, 1], 0..300, &mut chance);
    let Stage { world, people, lots, .. } = &stage;
    let address = world.address();
    let crowd = Crowd { address, people, lots, errands: &errands, at_once: 16 };
    let history = crowd.run(&Progress::default());
    stage.judge(history);
    stage.world.terminate();
}

/// Its last words nobody hears, but it goes, so that whoever watches it starts the next one.
#[test]
fn a_broken_server_ends_though_nobody_reads_its_last_words() {
    let mut stage = Stage::open(talkative(), 1);
    stage.sell(two_lots("act", 1, 1), now_s() - 1);
    let database = rusqlite::Connection::open(stage.world.data().join("ledger.sqlite3"));
    let raised = database.expect("the ledger").execute("UPDATE owner SET epoch = epoch + 1", []);
    assert_eq!(raised, Ok(1));
    let mut client = stage.world.client().with_token(&stage.people[0].token);
    let heard = claim_once(&mut client, &stage.lots, (0, 0), "mine").heard;
    assert!(matches!(heard, Heard::Unknown | Heard::Lost), "{heard:?}");
    assert_eq!(stage.world.wait_end(), Some(1));
}

/// Whoever starts it need not care for what it prints.
#[test]
fn a_standard_output_that_takes_nothing_stops_nothing() {
    let mut world = World::cheap();
    world.must(&["user", "add", "p"], "");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let address = free.expect("a free port").to_string();
    world.wrap("exec \"$0\" \"$@\" >/dev/full");
    let mut server = world.spawn_wrapped(&["serve", "--listen", &address]);
    wait_for("it serves", || {
        assert_eq!(server.try_wait().expect("its status can be asked"), None, "it ended");
        let mut client = Client::new(&address);
        client.connect().is_ok() && client.get("/readyz").status == 200
    });
    server.kill().expect("it runs");
    server.wait().expect("it ends");
}

/// Everything that only reads goes on beside a full disk; what has to write says that it could not.
#[test]
fn a_full_disk_hinders_no_reading_and_leaves_no_half_a_file() {
    let test = "a_full_disk_hinders_no_reading_and_leaves_no_half_a_file";
    let sold = 200;
    let world = World::cheap();
    let Some(disk) = FullDisk::mount(test, &world.data()) else { return };
    let mut disk = Rc::new(disk);
    let elsewhere = world.data().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("there is space still");
    // Where a spreadsheet is put together.
    let world = world
        .set("TMPDIR", elsewhere.to_str().expect("plain names"))
        .set("FIRSTCOME_SALE_SETTLE_WITHIN_MS", "1000");
    let mut stage = Stage::open(world, sold);
    stage.sell(two_lots("act", sold, 1), now_s() - 1);
    for (person, who) in stage.people.iter().enumerate() {
        let mut client = stage.world.client().with_token(&who.token);
        let heard = claim_once(&mut client, &stage.lots, (person, 1), "mine").heard;
        assert!(matches!(heard, Heard::Won(_)), "{heard:?}");
    }
    let whole = |stage: &mut Stage| {
        let lines = stage.world.must(&["export", "act", "--format", "jsonl"], "");
        assert_eq!(lines.lines().count(), sold);
        stage.world.must(&["check"], "");
    };
    disk.impose(&stage.world);
    whole(&mut stage);
    let onto = |name: &str| elsewhere.join(name).to_str().expect("plain names").to_owned();
    let targets = [onto("copy"), onto("orders.jsonl"), onto("orders.xlsx")];
    let [copy, lines, sheet] = &targets;
    let commands: [&[&str]; 4] = [
        &["backup", copy],
        &["export", "act", "--format", "jsonl", "-o", lines],
        &["export", "act", "--format", "xlsx", "-o", sheet],
        &["export", "act", "--format", "xlsx"],
    ];
    for command in commands {
        let Output { status, stderr, .. } = stage.world.run(command, "");
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains("space") || said.contains("full"), "{command:?}: {said}");
    }
    assert!(targets.iter().all(|target| !Path::new(target).exists()), "half a file");
    // Over HTTP an export waits for what was decided before it, or says that it cannot; a spreadsheet breaks off.
    // Neither ever looks whole and is not.
    let answer = |stage: &Stage, format: &str| {
        let target = format!("/admin/export?actId=act&format={format}");
        stage.operator.again().send("GET", &target, &[], b"")
    };
    let lines = answer(&stage, "jsonl").expect("an answer");
    let count = lines.body.iter().filter(|byte| **byte == b'\n').count();
    assert!(lines.status == 503 || (lines.status, count) == (200, sold), "{}", lines.status);
    let sheet = answer(&stage, "xlsx").map(|answer| answer.status);
    assert!(matches!(sheet, Err(_) | Ok(500..)), "{sheet:?}");
    disk.lift(&stage.world);
    whole(&mut stage);
    wait_for("it is ready", || stage.world.client().get("/readyz").status == 200);
    assert_eq!(export(&mut stage.operator, "act", "orders").len(), sold);
    for command in commands {
        let done = stage.world.run(command, "").status;
        assert!(done.success(), "{command:?} after the disk has space again");
    }
    stage.world.kill();
    drop(disk);
}

/// So that the test above tests something: a write to this pipe would wait for ever.
#[test]
fn the_pipe_that_nobody_reads_is_full() {
    let mut command = Command::new("/bin/sh");
    // A shell in the server's place says a line on its standard error, and has no time to wait for ever.
    command.args(["-c", FULL_PIPE, "timeout", "1", "sh", "-c", "echo one line >&2"]);
    let status = command.stdin(Stdio::null()).status().expect("a shell");
    assert_eq!(status.code(), Some(124), "timeout's own code for what it had to end");
}
