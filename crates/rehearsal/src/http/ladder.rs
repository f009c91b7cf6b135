//! The ladder of a measurement: which load comes next, which one counts as kept, and what the machine takes. It
//! decides from figures alone: it sends nothing and never waits.

use super::{Capacity, LearnPlan, LimitedBy, Rung};

/// Answers out of a thousand that may be busy or wrong on a rung that counts as kept.
const WRONG_PER_MILLE_MAX: u64 = 1;
/// Answers out of a thousand requests that have to come on a rung that counts as kept. The last answers come after
/// the rung's end, by as much as the bound allows, and count against it.
const ANSWERED_PER_MILLE_MIN: u64 = 900;
/// Rungs between the last that was kept and the first that was not.
const CLOSER_RUNGS: u32 = 2;
/// How often a rung is tried before it counts as not kept: one noisy moment of the machine is no limit of it.
const TRIES_MAX: u32 = 2;

/// A climb, as far as it has come.
pub(super) struct Ladder<'a> {
    plan: &'a LearnPlan,
    /// The load of the next rung; nothing at the end.
    offered: Option<u32>,
    /// How often this load was not kept.
    missed: u32,
    /// The least load that is believed to be too much.
    too_much: Option<u32>,
    /// Rungs that were settled, each once however often it was tried.
    settled: u32,
    /// Those among them that came after `too_much` was first known.
    closer: u32,
    found: Capacity,
}

impl<'a> Ladder<'a> {
    /// At its foot.
    pub(super) fn new(plan: &'a LearnPlan) -> Self {
        let found = Capacity::default();
        let offered = Some(plan.first_per_s);
        Self { plan, offered, missed: 0, too_much: None, settled: 0, closer: 0, found }
    }

    /// Requests a second of the next rung; nothing once the climb is over.
    pub(super) const fn next(&self) -> Option<u32> {
        self.offered
    }

    /// Rungs that were settled.
    pub(super) const fn settled(&self) -> u32 {
        self.settled
    }

    /// What was found.
    pub(super) fn found(self) -> Capacity {
        self.found
    }

    /// What was found by a climb that was stopped before its end.
    pub(super) fn stopped(self) -> Capacity {
        Capacity { limited_by: LimitedBy::Stopped, ..self.found }
    }

    /// Takes what came of the load that `next` named.
    pub(super) fn saw(&mut self, rung: Rung) {
        let Some(offered) = self.offered else { return };
        debug_assert_eq!(rung.offered_per_s, offered);
        self.found.rungs.push(rung);
        match missed(self.plan, &rung) {
            None => self.found.requests_per_s = self.found.requests_per_s.max(offered),
            Some(_) if self.missed + 1 < TRIES_MAX => {
                self.missed += 1;
                return;
            }
            Some(why) => (self.too_much, self.found.limited_by) = (Some(offered), why),
        }
        (self.missed, self.settled) = (0, self.settled + 1);
        let next = self.above(offered);
        self.offered = next.filter(|_| self.settled < self.plan.rungs_max);
    }

    /// Up until a load is too much, then a little closer below it.
    fn above(&mut self, offered: u32) -> Option<u32> {
        let Some(too_much) = self.too_much else {
            let next = u64::from(offered) * u64::from(self.plan.growth_per_mille) / 1_000;
            return Some(u32::try_from(next).unwrap_or(u32::MAX));
        };
        self.closer += 1;
        let between = self.found.requests_per_s.midpoint(too_much);
        // What lies between two neighbours is the lower one, and that has been tried.
        let fresh = between > self.found.requests_per_s;
        (fresh && self.closer <= CLOSER_RUNGS).then_some(between)
    }
}

/// Why a rung does not count; nothing where it does.
fn missed(plan: &LearnPlan, rung: &Rung) -> Option<LimitedBy> {
    let bound = u64::from(plan.p99_bound_ms) * 1_000;
    let asked = u64::from(rung.offered_per_s) * u64::from(plan.rung_ms) / 1_000;
    let answered = u64::from(rung.answered_per_s) * 1_000;
    if (rung.busy + rung.failed) * 1_000 > asked * WRONG_PER_MILLE_MAX {
        Some(LimitedBy::Answers)
    } else if rung.p99.0 > bound {
        Some(LimitedBy::Latency)
    } else if answered < u64::from(rung.offered_per_s) * ANSWERED_PER_MILLE_MIN {
        Some(LimitedBy::Throughput)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Micros;

    const PLAN: LearnPlan = LearnPlan {
        connections: 1,
        p99_bound_ms: 100,
        first_per_s: 1_000,
        growth_per_mille: 2_000,
        rung_ms: 1_000,
        rungs_max: 12,
        users: 2,
        seed: 1,
    };

    /// Climbs a machine that takes so much, and has a noisy moment on the tries with these numbers.
    fn climb(plan: &LearnPlan, takes: u32, noisy: &[usize]) -> (Capacity, Vec<u32>) {
        let mut ladder = Ladder::new(plan);
        let mut offered = Vec::new();
        while let Some(load) = ladder.next() {
            let bad = load > takes || noisy.contains(&offered.len());
            let p99 = Micros(if bad { 400_000 } else { 5_000 });
            let rung = Rung { offered_per_s: load, answered_per_s: load, p99, ..Rung::default() };
            offered.push(load);
            ladder.saw(rung);
            assert!(offered.len() <= 1_000, "it ends");
        }
        let found = ladder.found();
        assert_eq!(found.rungs.len(), offered.len(), "every try is in the report");
        (found, offered)
    }

    #[test]
    fn a_climb_doubles_until_a_load_is_too_much_and_then_looks_closer() {
        let (found, offered) = climb(&PLAN, 6_500, &[]);
        assert_eq!(offered, [1_000, 2_000, 4_000, 8_000, 8_000, 6_000, 7_000, 7_000]);
        assert_eq!((found.requests_per_s, found.limited_by), (6_000, LimitedBy::Latency));
    }

    /// The number of the noisy try, and what the machine that takes 6,500 is said to take.
    #[test]
    fn one_noisy_moment_changes_nothing_and_two_in_a_row_are_believed() {
        let (quiet, _) = climb(&PLAN, 6_500, &[]);
        for noisy in 0..8 {
            let (found, offered) = climb(&PLAN, 6_500, &[noisy]);
            assert_eq!(found.requests_per_s, quiet.requests_per_s, "{noisy}: {offered:?}");
            assert_eq!(found.limited_by, quiet.limited_by);
        }
        let (found, offered) = climb(&PLAN, 6_500, &[1, 2]);
        assert_eq!(offered, [1_000, 2_000, 2_000, 1_500, 1_750]);
        assert_eq!((found.requests_per_s, found.limited_by), (1_750, LimitedBy::Latency));
    }

    #[test]
    fn repeats_do_not_use_up_the_rungs() {
        let plan = LearnPlan { rungs_max: 3, ..PLAN };
        for noisy in [&[][..], &[0], &[0, 2, 4]] {
            let (found, offered) = climb(&plan, u32::MAX, noisy);
            assert_eq!((found.requests_per_s, found.limited_by), (4_000, LimitedBy::Nothing));
            assert_eq!(offered.len(), 3 + noisy.len(), "{offered:?}");
        }
    }

    #[test]
    fn a_machine_that_takes_nothing_is_said_to_take_nothing() {
        let (found, offered) = climb(&PLAN, 0, &[]);
        assert_eq!((found.requests_per_s, found.limited_by), (0, LimitedBy::Latency));
        assert_eq!(offered, [1_000, 1_000, 500, 500, 250, 250]);
        let one = LearnPlan { first_per_s: 1, ..PLAN };
        assert_eq!(climb(&one, 0, &[]).1, [1, 1], "nothing lies between nothing and one");
        assert_eq!(climb(&one, 1, &[]).1, [1, 2, 2], "nor between one and two");
    }

    #[test]
    fn a_stopped_climb_keeps_what_it_found() {
        let mut ladder = Ladder::new(&PLAN);
        ladder.saw(Rung { offered_per_s: 1_000, answered_per_s: 1_000, ..Rung::default() });
        assert_eq!((ladder.next(), ladder.settled()), (Some(2_000), 1));
        let found = ladder.stopped();
        assert_eq!((found.requests_per_s, found.limited_by), (1_000, LimitedBy::Stopped));
    }

    #[test]
    fn each_way_to_miss_a_rung_has_its_name_and_its_edge() {
        let kept = Rung { offered_per_s: 1_000, answered_per_s: 1_000, ..Rung::default() };
        let table = [
            (kept, None),
            (Rung { busy: 1, ..kept }, None),
            (Rung { busy: 1, failed: 1, ..kept }, Some(LimitedBy::Answers)),
            (Rung { p99: Micros(100_000), ..kept }, None),
            (Rung { p99: Micros(100_001), ..kept }, Some(LimitedBy::Latency)),
            (Rung { answered_per_s: 900, ..kept }, None),
            (Rung { answered_per_s: 899, ..kept }, Some(LimitedBy::Throughput)),
        ];
        for (rung, why) in table {
            assert_eq!(missed(&PLAN, &rung), why, "{rung:?}");
        }
    }
}
