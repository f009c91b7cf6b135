//! The server stands still for seconds under load (SIGSTOP, as a machine that swaps or is being moved) and goes on:
//! whoever waited is answered, the clock decides by the time of arrival, and nobody else takes the ledger meanwhile.

use crate::{
    crowd::{AT_ONCE, Chance, Crowd, Progress, claim_once},
    history::{Asked, Heard, Lot},
    stage::{Stage, activity, two_lots, wait_count, wait_for},
    world::{World, import, now_s},
};
use serde_json::json;
use std::{
    io::Read,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

const STANDSTILL: Duration = Duration::from_secs(3);
const PEOPLE: usize = 8_000;
const UNITS: usize = 2_000;
/// Answers of which a percentile is taken.
const ANSWERS_MIN: usize = 500;
/// What is normal again, beside ten times what was normal before: far below the standstill.
const NORMAL: Duration = Duration::from_millis(250);

/// The time within which 99 of 100 of these were answered.
fn p99<'a>(history: impl Iterator<Item = &'a Asked>) -> Duration {
    let mut took: Vec<Duration> = history.map(|asked| asked.answered - asked.sent).collect();
    assert!(took.len() >= ANSWERS_MIN, "only {} answers", took.len());
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

#[test]
fn a_standstill_under_load_loses_nobody_and_leaves_no_slowness() {
    let mut chance = Chance::of("a_standstill_under_load_loses_nobody_and_leaves_no_slowness");
    let mut stage = Stage::open(World::cheap(), PEOPLE);
    stage.sell(two_lots("act", UNITS, 1), now_s() - 1);
    let errands = Stage::errands([0, 1], 0..PEOPLE, &mut chance);
    let progress = Progress::default();
    let Stage { world, people, lots, .. } = &stage;
    let address = world.address();
    let crowd = Crowd { address, people, lots, errands: &errands, at_once: AT_ONCE };
    let (history, stopped, went_on) = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd.run(&progress));
        wait_count("the crowd wins", &progress.won, 1_000 + chance.below(500));
        world.signal("STOP");
        let stopped = Instant::now();
        std::thread::sleep(STANDSTILL);
        let (went_on, ended) = (Instant::now(), progress.ended.load(Ordering::Acquire));
        world.signal("CONT");
        assert!(ended < errands.len(), "nobody was left to feel it");
        (crowd.join().expect("everybody was answered"), stopped, went_on)
    });
    let waited: Vec<&Asked> =
        history.iter().filter(|asked| asked.sent < went_on && asked.answered > went_on).collect();
    assert!(waited.len() >= AT_ONCE / 2, "only {} waited", waited.len());
    for asked in &waited {
        let answered = matches!(
            asked.heard,
            Heard::Won(_) | Heard::Queued(_) | Heard::Refused(..) | Heard::Busy
        );
        assert!(answered, "after a standstill: {asked:?}");
    }
    let last = waited.iter().map(|asked| asked.answered).max().expect("someone waited");
    let before = p99(history.iter().filter(|asked| asked.answered < stopped));
    let after = p99(history.iter().filter(|asked| asked.sent > last));
    println!("p99 {before:?} before, {after:?} after, {} waited", waited.len());
    assert!(after <= NORMAL.max(before * 10), "p99 {before:?} before and {after:?} after");
    stage.judge(history);
}

/// C5: arrival is the entry into Stock, and time does not stand still with the server.
#[test]
fn a_sale_that_ends_or_begins_during_a_standstill_is_over_or_open_after_it() {
    let mut stage = Stage::open(World::cheap(), 2);
    let lot = |name: &str| Lot { activity: name.to_owned(), ..two_lots("any", 1, 1).remove(0) };
    let lots = [lot("ends"), lot("begins")];
    let soon = now_s() + 3;
    let mut ends = activity(&lots[..1], now_s() - 1);
    ends["end_time"] = json!(soon);
    import(&mut stage.operator, json!([ends, activity(&lots[1..], soon)]));
    let ask = |person: usize| {
        let mut client = stage.world.client().with_token(&stage.people[person].token);
        claim_once(&mut client, &lots, (person, person), "mine").heard
    };
    let early = ask(1);
    assert_eq!(early, Heard::Refused(-4, Vec::new()), "the test began too late");
    stage.world.signal("STOP");
    let heard = std::thread::scope(|scope| {
        let (ask, asked) = (&ask, Instant::now());
        let asking: Vec<_> = (0..2).map(|person| scope.spawn(move || ask(person))).collect();
        assert!(now_s() < soon, "the test asked too late");
        wait_for("the time comes", || now_s() > soon && asked.elapsed() > Duration::from_secs(1));
        stage.world.signal("CONT");
        asking.into_iter().map(|one| one.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(heard[0], Heard::Refused(-1, Vec::new()));
    assert!(matches!(heard[1], Heard::Won(_)), "{:?}", heard[1]);
}

/// An owner that stands still is an owner: a second one waits, says for whom, and gives up; the first goes on.
#[test]
fn a_second_owner_does_not_take_the_ledger_of_one_that_stands_still() {
    let mut stage = Stage::open(World::cheap(), 2);
    stage.sell(two_lots("act", 2, 1), now_s() - 1);
    let claim = |stage: &Stage, person: usize| {
        let mut client = stage.world.client().with_token(&stage.people[person].token);
        claim_once(&mut client, &stage.lots, (person, 1), "mine").heard
    };
    assert!(matches!(claim(&stage, 0), Heard::Won(_)));
    stage.world.signal("STOP");
    stage.world.change("FIRSTCOME_LEDGER_OWNER_WAIT_MS", "500");
    let mut second = stage.world.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    let mut said = String::new();
    let mut stderr = second.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut said).expect("UTF-8");
    let holder = format!("(pid {})", stage.world.pid());
    assert!(said.contains(&holder) && said.contains("waiting up to 500 ms"), "{said}");
    assert!(said.contains("served by another process"), "{said}");
    assert_eq!(second.wait().expect("it ends").code(), Some(1));
    stage.world.signal("CONT");
    assert!(matches!(claim(&stage, 1), Heard::Won(_)), "the first goes on");
    stage.world.must(&["check"], "");
    stage.world.terminate();
}
