//! kill -9 at random moments of a sale under load, again and again; the crowd goes on through all of it.
//! The moments follow from a printed seed and from the crowd's progress, never from the speed of the machine.

use crate::{
    crowd::{AT_ONCE, Chance, Crowd, Errand, Manner, Progress},
    history::Heard,
    stage::{Stage, two_lots, wait_count, wait_for},
    world::{World, now_s},
};
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

const ACTIVITIES: usize = 20;
const UNITS: usize = 75;
const PEOPLE_EACH: usize = 300;
/// Those who come before the last sale opens.
const EARLY: usize = 40;
const EARLY_BY_S: u64 = 2;

/// Microseconds between commits, and milliseconds after which a reply no longer waits for one: as configured
/// by default, and with so wide a gap between deciding and writing that a kill loses many decisions.
const PACES: [(&str, &str); 3] = [("500", "2000"), ("20000", "10"), ("5000", "10")];

fn kills() -> usize {
    std::env::var("TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

/// C1, C6, C11, C28, C32
#[test]
fn twenty_kills_lose_nothing() {
    let mut chance = Chance::of("twenty_kills_lose_nothing");
    let mut stage = Stage::open(World::cheap(), ACTIVITIES * PEOPLE_EACH);
    let mut errands = Vec::new();
    for at in 0..ACTIVITIES {
        let late = if at + 1 == ACTIVITIES { EARLY_BY_S } else { 0 };
        stage.sell(two_lots(&format!("act-{at:02}"), UNITS, 1 + at % 2), now_s() - 1 + late);
        let people = at * PEOPLE_EACH..(at + 1) * PEOPLE_EACH;
        errands.extend(Stage::errands([2 * at, 2 * at + 1], people, &mut chance));
    }
    let last = (ACTIVITIES - 1) * PEOPLE_EACH;
    let early = |person| Errand { person, lot: 2 * ACTIVITIES - 1, manner: Manner::Once };
    errands.splice(0..0, (last..last + EARLY).map(early));

    let progress = Progress::default();
    let address = stage.world.address().to_owned();
    let Stage { world, people, lots, .. } = &mut stage;
    let crowd = Crowd { address: &address, people, lots, errands: &errands, at_once: AT_ONCE };
    let history = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd.run(&progress));
        let step = errands.len() / (kills() + 1);
        for kill in 0..kills() {
            let from = kill * step + chance.below(step.max(1));
            wait_count("the crowd goes on", &progress.begun, from);
            if kill % 2 == 0 {
                just_sold_out(&progress, from + step);
            }
            spin(Duration::from_micros(chance.below(5_000) as u64));
            world.kill();
            let (commit_us, answer_ms) = PACES[chance.below(PACES.len())];
            world.change("FIRSTCOME_SALE_COMMIT_INTERVAL_US", commit_us);
            world.change("FIRSTCOME_SALE_ANSWER_WITHIN_MS", answer_ms);
            world.serve();
        }
        crowd.join().expect("everybody was answered")
    });
    assert!(history.iter().any(|asked| asked.heard == Heard::Lost), "no kill hit anybody");
    stage.judge(history);
}

/// Waits until someone has just been told "sold out" of another lot: what that rests on must be on disk (C32).
fn just_sold_out(progress: &Progress, at_most: usize) {
    let before = progress.sold_out.load(Ordering::Acquire);
    wait_for("the next lot sells out, or the crowd is further", || {
        progress.sold_out.load(Ordering::Acquire) > before
            || progress.begun.load(Ordering::Acquire) >= at_most
    });
}

/// Shorter than a sleep can be.
fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}
