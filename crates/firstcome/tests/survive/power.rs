//! The power goes in the middle of a sale: the server is killed between two calls to the kernel, and its files are
//! set to what a disk may have had then. Everything that somebody was told is still true.

use crate::{
    crowd::{AT_ONCE, Chance, Crowd, Errand, Progress, claim_once},
    history::Heard,
    judge::{Broken, judge},
    platter::{Loss, Platter, put_back},
    shim::{Call, Error, Part, Shim},
    stage::{Stage, two_lots, wait_count, wait_for},
    world::{World, now_s},
};
use std::sync::atomic::Ordering;

const UNITS: usize = 60;
const PEOPLE_EACH: usize = 240;
/// Calls to the kernel within which the power goes: a commit takes about six, moving a log a few dozen.
const CALLS: usize = 60;
/// The same of the database alone, while the log is moved into it after a failure.
const MOVED: usize = 12;
/// Failed calls after which the ledger is sure to be in recovery.
const FAILED: u32 = 3;

/// `TEST_CUTS`, else few enough for every run of the tests.
fn cuts() -> usize {
    std::env::var("TEST_CUTS").ok().and_then(|cuts| cuts.parse().ok()).unwrap_or(10)
}

/// A log that is moved and started over all the time, so that the power often goes in the middle of that.
fn world() -> World {
    World::cheap()
        .set("FIRSTCOME_LEDGER_CHECKPOINT_PAGES", "16")
        .set("FIRSTCOME_LEDGER_WAL_PAGES_MAX", "64")
        .set("FIRSTCOME_SALE_COMMIT_INTERVAL_US", "2000")
        .set("FIRSTCOME_SALE_ANSWER_WITHIN_MS", "50")
}

/// A server under the shim, and its disk as it was when that server started.
struct Powered<'a> {
    shim: &'a Shim,
    platter: Option<Platter>,
}

impl<'a> Powered<'a> {
    /// Starts the server of a world where none runs.
    fn on(shim: &'a Shim, world: &mut World) -> Self {
        let mut powered = Self { shim, platter: None };
        powered.start(world);
        powered
    }

    fn start(&mut self, world: &mut World) {
        self.shim.forget();
        self.platter = Some(Platter::of(&world.data()));
        world.serve();
    }

    /// The power goes, at once for an idle server, and the files become what is left. Nothing runs afterwards.
    fn goes(&mut self, world: &mut World, loss: Loss, chance: &mut Chance) {
        world.kill();
        let mut platter = self.platter.take().expect("a server was started");
        platter.replay(&self.shim.journal(), loss, chance);
        assert!(platter.is_seen_in(&world.data()), "not all that was written was written down");
        put_back(&world.data(), &platter.cut(loss, chance));
        self.shim.lift();
    }
}

/// Activities one after the other, and people for each.
fn open(activities: usize, chance: &mut Chance) -> (Stage, Vec<Errand>) {
    let mut stage = Stage::open(world(), activities * PEOPLE_EACH);
    let mut errands = Vec::new();
    for at in 0..activities {
        stage.sell(two_lots(&format!("act-{at:02}"), UNITS, 1 + at % 2), now_s() - 1);
        let people = at * PEOPLE_EACH..(at + 1) * PEOPLE_EACH;
        errands.extend(Stage::errands([2 * at, 2 * at + 1], people, chance));
    }
    stage.world.terminate();
    (stage, errands)
}

/// A crowd through several losses of power; `meanwhile` happens before each, and says in how many calls for which
/// files it comes.
fn survive(
    test: &str,
    cuts: usize,
    mut meanwhile: impl FnMut(&Shim, &Progress, &mut Chance) -> (Part, usize),
) {
    let Some(shim) = Shim::build(test) else { return };
    let mut chance = Chance::of(test);
    let (mut stage, errands) = open(cuts + 1, &mut chance);
    shim.attach(&mut stage.world);
    let mut powered = Powered::on(&shim, &mut stage.world);
    let progress = Progress::default();
    let address = stage.world.address().to_owned();
    let Stage { world, people, lots, .. } = &mut stage;
    let crowd = Crowd { address: &address, people, lots, errands: &errands, at_once: AT_ONCE };
    let history = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd.run(&progress));
        for cut in 0..cuts {
            let from = cut * PEOPLE_EACH + chance.below(PEOPLE_EACH / 2);
            wait_count("the crowd goes on", &progress.begun, from);
            let (part, calls) = meanwhile(&shim, &progress, &mut chance);
            shim.cut_in(part, calls);
            shim.lift();
            wait_for("the power goes", || shim.was_cut());
            let loss = Loss::any(&mut chance);
            println!("cut {cut}: {loss:?}");
            powered.goes(world, loss, &mut chance);
            powered.start(world);
        }
        crowd.join().expect("everybody was answered")
    });
    assert!(history.iter().any(|asked| asked.heard == Heard::Lost), "nobody was hit");
    stage.judge(history);
}

/// C28, C32: between any two calls, and with any part of what was not synced.
#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let test = "a_power_cut_loses_nothing_that_was_acknowledged";
    survive(test, cuts(), |_, _, chance| (Part::All, 1 + chance.below(CALLS)));
}

/// C31: syncs fail, what they left out is not on the disk whatever later syncs say, and the power goes while the
/// ledger recovers from that, or just after.
#[test]
fn a_power_cut_in_a_recovery_loses_nothing_that_was_acknowledged() {
    let test = "a_power_cut_in_a_recovery_loses_nothing_that_was_acknowledged";
    // Most cuts miss the few calls that matter.
    survive(test, 2 * cuts(), |shim, progress, chance| {
        let (struck, put_off) = (shim.struck(), progress.put_off.load(Ordering::Acquire));
        let part = [Part::All, Part::Log][chance.below(2)];
        shim.fail(Call::Sync, Error::Io, part, None);
        let felt = || shim.struck() >= struck + FAILED;
        wait_for("the ledger recovers in vain", felt);
        wait_count("claims are put off", &progress.put_off, put_off + 1);
        match chance.below(3) {
            0 => (Part::All, 1 + chance.below(CALLS)),
            _ => (Part::Database, 1 + chance.below(MOVED)),
        }
    });
}

/// A disk that says it has synced and has not is the one that no program survives: if these tests did not notice,
/// they would notice nothing. With an honest disk the same cut breaks nothing.
#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    let test = "a_disk_that_lies_about_syncs_is_found_out";
    for lies in [false, true] {
        let Some(shim) = Shim::build(test) else { return };
        let mut chance = Chance::of(test);
        let people = 20;
        let mut stage = Stage::open(world(), people);
        stage.sell(two_lots("act", people, 1), now_s() - 1);
        stage.world.terminate();
        shim.attach(&mut stage.world);
        if lies {
            shim.lie();
        }
        let mut powered = Powered::on(&shim, &mut stage.world);
        let claim = |person: usize| {
            let mut client = stage.world.client().with_token(&stage.people[person].token);
            claim_once(&mut client, &stage.lots, (person, person % 2), "mine")
        };
        let history: Vec<_> = (0..people).map(claim).collect();
        assert!(history.iter().all(|asked| matches!(asked.heard, Heard::Won(_))), "{history:?}");
        powered.goes(&mut stage.world, Loss::Everything, &mut chance);
        powered.start(&mut stage.world);
        let broken = judge(&stage.record(history));
        let lost = broken.iter().filter(|one| matches!(one, Broken::AcknowledgedLost(_))).count();
        assert_eq!(lost, if lies { people } else { 0 }, "{broken:?}");
    }
}
