//! Many holds that expire in the same second, while others go on claiming: how soon every unit is back on sale, and
//! what the claims of others wait meanwhile. Nothing is sped up for it but the grace: the deadlines are real ones.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::checks::Checks;
use super::fault::BenchFault;
use super::load::{Expect, Pool, Script, Tally};
use super::measure::settle;
use super::options::Options;
use super::site::{Base, Queue, Site, now_s, people_for};

/// Holds of a round at most.
const HOLDS_MAX: usize = 100_000;
/// Connections that make the holds.
const MAKERS: usize = 256;
/// Connections of those who claim meanwhile: enough to keep the server at work, not to fill it.
const CONNECTIONS: usize = 16;
/// Rounds at most: each takes most of a minute.
const ROUNDS_MAX: u32 = 3;
/// Seconds in which the holds are made. Each second has a ticket type of its own, and a second less to pay, so that
/// the deadlines of all fall into one second.
const MAKING_S: u64 = 25;
/// Seconds from the last second of making to the deadlines: the quiet time, which is measured too.
const QUIET_S: u64 = 8;
/// How long the units may take to come back.
const BACK_MAX: Duration = Duration::from_secs(60);
/// How long claims are measured before the deadlines, and from them on.
const SLICE: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One round.
#[derive(Debug)]
pub struct Round {
    /// Holds that were made.
    pub holds: usize,
    /// From the first deadline until every unit was free again.
    pub back: Duration,
    /// Claims of others while nothing expires.
    pub quiet: Tally,
    /// Claims of others from the first deadline on.
    pub busy: Tally,
}

/// Runs the part, on a server of its own.
pub fn run(
    options: &Options,
    base: &Base,
    people: usize,
    checks: &mut Checks,
) -> Result<Vec<Round>, BenchFault> {
    let mut setup = base.setup().clone();
    setup.environment.push(("FIRSTCOME_PAYMENTS_GRACE_MS", "0".into()));
    let site = base.copy_with("expiry", setup)?;
    let (makers, claimers) = (0..people / 2, people / 2..people);
    let mut queue = Queue::open("beside", claimers);
    let mut rounds = Vec::new();
    for number in 1..=options.rounds.min(ROUNDS_MAX) {
        let id = format!("expiring-{number}");
        let round = round(&site, base, &id, makers.clone(), &mut queue)?;
        checks.answers("claims before holds expire", &round.quiet);
        checks.answers("claims while holds expire", &round.busy);
        let left = site.given(&id)?;
        checks.that(left == 0, || format!("{left} units of {id} are not back"));
        eprintln!("  round {number} done");
        rounds.push(round);
    }
    checks.recomputed(&site.stop_and_check()?);
    Ok(rounds)
}

fn round(
    site: &Site,
    base: &Base,
    id: &str,
    makers: std::ops::Range<usize>,
    queue: &mut Queue,
) -> Result<Round, BenchFault> {
    site.import_one(activity(id, makers.len()))?;
    let begun = Instant::now();
    let holds = hold(site, base, id, makers)?;
    let due = begun + Duration::from_secs(MAKING_S + QUIET_S);
    settle(&site.process)?;
    let mut pool = Pool::connect(site.process.address, CONNECTIONS)?;
    let quiet = claims(site, base, queue, &mut pool)?;
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
    let (back, busy) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| until_back(site, id));
        let busy = claims(site, base, queue, &mut pool);
        (watching.join().expect("the watcher panicked"), busy)
    });
    Ok(Round { holds, back: back?, quiet, busy: busy? })
}

/// Holds a unit for each of as many people as have a turn, a type a second.
fn hold(
    site: &Site,
    base: &Base,
    id: &str,
    makers: std::ops::Range<usize>,
) -> Result<usize, BenchFault> {
    let mut pool = Pool::connect(site.process.address, MAKERS)?;
    let begun = Instant::now();
    let mut left = makers.start..makers.end.min(makers.start + HOLDS_MAX);
    for second in 0..MAKING_S {
        let path = format!("/ticket/get?actId={id}&typeId=t{second}");
        let next = begun + Duration::from_secs(second + 1);
        let length = next.saturating_duration_since(Instant::now());
        let script = Script::once(&path, &base.tokens, left.clone(), Expect::Accepted);
        pool.run(&script, length.saturating_sub(LOOK_EVERY))?;
        left.start += script.asked();
        if left.is_empty() {
            break;
        }
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(usize::try_from(site.given(id)?).unwrap_or(usize::MAX))
}

fn claims(
    site: &Site,
    base: &Base,
    queue: &mut Queue,
    pool: &mut Pool,
) -> Result<Tally, BenchFault> {
    let share = queue.share(site, &base.tokens, people_for(SLICE))?;
    let path = format!("/ticket/get?actId={}", share.id);
    let script = Script::once(&path, &base.tokens, share.people, Expect::Accepted);
    let tally = pool.run(&script, SLICE)?;
    queue.give_back(script.asked());
    Ok(tally)
}

fn until_back(site: &Site, id: &str) -> Result<Duration, BenchFault> {
    let started = Instant::now();
    while started.elapsed() < BACK_MAX && site.given(id)? > 0 {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(started.elapsed())
}

/// An activity without a waiting list, with a type for each second of making.
fn activity(id: &str, people: usize) -> Value {
    let now = now_s();
    let ticket = |second: u64| {
        json!({
            "id": format!("t{second}"), "name": "Seat", "price": "9.90", "currency": "CNY",
            "stock": people, "pay_within_s": MAKING_S + QUIET_S - second,
        })
    };
    let tickets: Vec<Value> = (0..MAKING_S).map(ticket).collect();
    json!({
        "id": id, "name": id, "start_time": now - 60, "end_time": now + 86_400, "standby": false,
        "ticket": tickets,
    })
}
