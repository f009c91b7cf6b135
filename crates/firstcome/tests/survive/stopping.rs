//! The server ends in order, hands over to another, or finds itself broken: whoever was accepted is answered,
//! and whoever never heard finds what happened by asking again.

use crate::{
    crowd::{AT_ONCE, Chance, Crowd, Progress, claim_once},
    history::{Asked, Heard},
    stage::{Stage, two_lots, wait_count, wait_for},
    world::{World, now_s},
};
use serde_json::Value;
use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read},
    sync::mpsc,
    time::{Duration, Instant},
};

/// C30: three times in the middle of a sale the server is told to stop.
#[test]
fn a_stop_under_load_answers_everyone_it_accepted() {
    let mut chance = Chance::of("a_stop_under_load_answers_everyone_it_accepted");
    // Wide gaps between commits, so that many wait for one when the signal comes.
    let world = World::cheap().set("FIRSTCOME_SALE_COMMIT_INTERVAL_US", "30000");
    let mut stage = Stage::open(world, 4_000);
    stage.sell(two_lots("act", 1_000, 1), now_s() - 1);
    let errands = Stage::errands([0, 1], 0..4_000, &mut chance);
    let progress = Progress::default();
    let address = stage.world.address().to_owned();
    let Stage { world, people, lots, .. } = &mut stage;
    let crowd = Crowd { address: &address, people, lots, errands: &errands, at_once: AT_ONCE };
    let mut stops: Vec<(Instant, HashSet<String>)> = Vec::new();
    let history = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd.run(&progress));
        for stop in 1..=3 {
            wait_count("the crowd wins", &progress.won, stop * 400 + chance.below(200));
            world.signal_terminate();
            assert_eq!(world.wait_end(), Some(0), "{}", world.log());
            let written = world.must(&["export", "act", "--format", "jsonl"], "");
            let order = |line: &str| -> String {
                let row: Value = serde_json::from_str(line).expect("a JSON line");
                row["order_id"].as_str().expect("an id").to_owned()
            };
            stops.push((Instant::now(), written.lines().map(order).collect()));
            world.serve();
        }
        crowd.join().expect("everybody was answered")
    });
    for (stopped, written) in stops {
        assert_eq!(unheard(&history, stopped, &written), HashSet::new());
    }
    stage.judge(history);
}

/// Orders that were on disk when the server had stopped, and of which nobody had heard by then.
fn unheard(history: &[Asked], stopped: Instant, written: &HashSet<String>) -> HashSet<String> {
    let before = history.iter().filter(|asked| asked.answered < stopped);
    let heard: HashSet<String> = before
        .filter_map(|asked| match &asked.heard {
            Heard::Won(ticket) => Some(ticket.order_id.clone()),
            Heard::Queued(claim) => Some(claim.clone()),
            _ => None,
        })
        .collect();
    written.difference(&heard).cloned().collect()
}

/// C2, C30: the reply is never read, the server stops; after the restart the key finds the ticket.
#[test]
fn a_winner_who_never_heard_finds_the_ticket_after_a_stop() {
    let winners = 30;
    let mut stage = Stage::open(World::cheap(), winners);
    stage.sell(two_lots("act", winners, 1), now_s() - 1);
    let headers = [("idempotency-key", "mine")];
    let target = "/ticket/get?actId=act&typeId=coded";
    let mut silent = Vec::new();
    for person in &stage.people {
        let mut client = stage.world.client().with_token(&person.token);
        client.begin("POST", target, &headers).expect("it listens");
        silent.push(client);
    }
    let operator = &mut stage.operator;
    wait_for("all claims are accepted", || {
        let stats = operator.get("/admin/act/stats?actId=act").data();
        stats["available"].as_u64() == Some(winners as u64)
    });
    stage.world.terminate();
    stage.world.serve();
    let mut numbers = Vec::new();
    for (person, who) in stage.people.iter().enumerate() {
        for _ in 0..2 {
            let mut client = stage.world.client().with_token(&who.token);
            let asked = claim_once(&mut client, &stage.lots, (person, 1), "mine");
            let Heard::Won(ticket) = asked.heard else { panic!("{asked:?}") };
            numbers.push(ticket.claim_no);
        }
    }
    numbers.sort_unstable();
    let twice = (1..=winners as u64).flat_map(|no| [no, no]);
    assert_eq!(numbers, twice.collect::<Vec<_>>());
}

/// Two processes on one ledger: the second serves only once the first has gone, and says so if it may not wait.
#[test]
fn a_second_owner_waits_for_the_first() {
    let mut stage = Stage::open(World::cheap(), 2);
    stage.sell(two_lots("act", 2, 1), now_s() - 1);
    let mut first = stage.world.client().with_token(&stage.people[0].token);
    let before = claim_once(&mut first, &stage.lots, (0, 1), "mine");
    assert!(matches!(before.heard, Heard::Won(_)), "{before:?}");

    stage.world.change("FIRSTCOME_LEDGER_OWNER_WAIT_MS", "0");
    let refused = stage.world.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    let refused = refused.wait_with_output().expect("it ends");
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&refused.stderr);
    assert!(reason.contains("served by another process"), "{reason}");

    stage.world.change("FIRSTCOME_LEDGER_OWNER_WAIT_MS", "20000");
    let mut second = stage.world.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    let (sender, listening) = mpsc::channel();
    let mut stdout = BufReader::new(second.stdout.take().expect("it is piped"));
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = stdout.read_line(&mut line);
        let _ = sender.send(line);
    });
    let mut other = stage.world.client().with_token(&stage.people[1].token);
    let other = claim_once(&mut other, &stage.lots, (1, 1), "mine");
    assert!(matches!(other.heard, Heard::Won(_)), "the first goes on: {other:?}");
    let early = listening.recv_timeout(Duration::from_millis(300));
    assert_eq!(early, Err(mpsc::RecvTimeoutError::Timeout), "two serve one ledger");

    stage.world.terminate();
    let line = listening.recv_timeout(Duration::from_secs(30)).expect("the second takes over");
    let address = line.trim().strip_prefix("listening on http://").expect("its address");
    let mut client = crate::world::Client::new(address).with_token(&stage.people[0].token);
    let after = claim_once(&mut client, &stage.lots, (0, 1), "mine");
    assert_eq!(after.heard, before.heard);
    // Kill: that it ends in order is shown elsewhere.
    second.kill().expect("it runs");
    second.wait().expect("it ends");
    let mut rest = String::new();
    let mut stderr = second.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut rest).expect("UTF-8");
    assert!(!rest.contains("ERROR"), "{rest}");
}

/// Somebody else takes the ledger over behind the server's back: nothing it has decided can be written, and what
/// is true only its successor can say.
#[test]
fn a_broken_invariant_answers_unknown_and_ends_the_process() {
    let people = 64;
    let mut stage = Stage::open(World::cheap(), people);
    stage.sell(two_lots("act", people / 2, 1), now_s() - 1);
    let mut history: Vec<Asked> =
        (0..4).map(|person| claim_together(&stage, person..person + 1).remove(0)).collect();
    let database = rusqlite::Connection::open(stage.world.data().join("ledger.sqlite3"));
    let database = database.expect("the ledger is there");
    let raised = database.execute("UPDATE owner SET epoch = epoch + 1", []);
    assert_eq!(raised, Ok(1));
    drop(database);
    let unsure = claim_together(&stage, 4..people);
    for asked in &unsure {
        assert!(matches!(asked.heard, Heard::Unknown | Heard::Lost), "{asked:?}");
    }
    assert!(unsure.iter().any(|asked| asked.heard == Heard::Unknown), "nobody was told");
    assert_eq!(stage.world.wait_end(), Some(1));
    history.extend(unsure);
    stage.world.serve();
    history.extend(claim_together(&stage, 0..people));
    let record = stage.record(history);
    assert_eq!(crate::judge::judge(&record), Default::default());
    assert_eq!(record.orders.len(), people);
    stage.world.must(&["check"], "");
}

/// Everybody at once, each with a key of their own.
fn claim_together(stage: &Stage, people: std::ops::Range<usize>) -> Vec<Asked> {
    let ready = std::sync::Barrier::new(people.len());
    let claim = |person: usize| {
        let mut client = stage.world.client().with_token(&stage.people[person].token);
        client.connect().expect("it listens");
        ready.wait();
        claim_once(&mut client, &stage.lots, (person, person % 2), "mine")
    };
    std::thread::scope(|scope| {
        let claim = &claim;
        let claims: Vec<_> = people.map(|person| scope.spawn(move || claim(person))).collect();
        claims.into_iter().map(|claim| claim.join().expect("no panic")).collect()
    })
}
