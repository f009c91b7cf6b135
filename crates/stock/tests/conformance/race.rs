//! Races made visible: many threads at once, what each of them saw, and the checks over all of it.
//! The tests below run the checks on toys whose guard is off, so that it is known that they can fail.

use std::{
    collections::HashSet,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a claim won.
#[derive(Clone, Copy, Debug)]
pub struct Won {
    pub unit: u32,
    pub claim_no: u32,
    pub place: u64,
}

/// One request as its thread saw it. `begun` and `ended` are readings of one counter.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub user: u32,
    pub begun: u64,
    pub ended: u64,
    pub won: Option<Won>,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// More was sold than there is.
    Oversold,
    /// One unit was sold twice.
    UnitTwice,
    /// A user has more than their limit.
    OverLimit,
    /// Place, unit and claim number do not follow each other.
    OutOfStep,
    /// Someone who came later won over someone who came earlier.
    Inversion,
}

/// Every thread puts its share of the requests, one for each user named, all beginning together.
pub fn race(shares: &[Vec<u32>], claim: &(dyn Fn(u32) -> Option<Won> + Sync)) -> Vec<Seen> {
    let (clock, start) = (AtomicU64::new(0), Barrier::new(shares.len()));
    let run = |users: &[u32]| {
        start.wait();
        let one = |user: &u32| {
            let begun = clock.fetch_add(1, Ordering::SeqCst);
            let won = claim(*user);
            let ended = clock.fetch_add(1, Ordering::SeqCst);
            Seen { user: *user, begun, ended, won }
        };
        users.iter().map(one).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares.iter().map(|users| scope.spawn(|| run(users))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Everything that is wrong with a race for `units` units, `limit` for each user, none of which came back.
pub fn broken(seen: &[Seen], units: usize, limit: usize) -> Vec<Broken> {
    let mut winners: Vec<(u32, Won)> =
        seen.iter().filter_map(|seen| Some((seen.user, seen.won?))).collect();
    winners.sort_by_key(|(_, won)| won.place);
    let mut found = Vec::new();
    let mut check = |sound: bool, broken: Broken| found.extend((!sound).then_some(broken));
    check(winners.len() <= units, Broken::Oversold);
    let different: HashSet<u32> = winners.iter().map(|(_, won)| won.unit).collect();
    check(different.len() == winners.len(), Broken::UnitTwice);
    let mut users: Vec<u32> = winners.iter().map(|(user, _)| *user).collect();
    users.sort_unstable();
    check(users.chunk_by(u32::eq).all(|of_one| of_one.len() <= limit), Broken::OverLimit);
    let in_step = |pair: &[(u32, Won)]| {
        let (one, next) = (pair[0].1, pair[1].1);
        one.place < next.place && one.unit < next.unit && one.claim_no < next.claim_no
    };
    check(winners.windows(2).all(in_step), Broken::OutOfStep);
    check(!has_inversion(seen), Broken::Inversion);
    found
}

/// Whether a request that began after another had ended stands before it; whoever won nothing stands last.
fn has_inversion(seen: &[Seen]) -> bool {
    let standing = |seen: &Seen| seen.won.map_or(u64::MAX, |won| won.place);
    let mut by_end: Vec<&Seen> = seen.iter().collect();
    by_end.sort_by_key(|seen| seen.ended);
    let mut by_begin: Vec<&Seen> = seen.iter().collect();
    by_begin.sort_by_key(|seen| seen.begun);
    let (mut ended, mut last) = (by_end.into_iter().peekable(), 0);
    by_begin.into_iter().any(|later| {
        while let Some(earlier) = ended.next_if(|earlier| earlier.ended < later.begun) {
            last = last.max(standing(earlier));
        }
        later.won.is_some_and(|won| won.place < last)
    })
}

mod tests {
    use super::*;

    const THREADS: u32 = 4;

    fn one_each() -> Vec<Vec<u32>> {
        (1..=THREADS).map(|user| vec![user]).collect()
    }

    /// The guard is off: everyone looks before anyone takes.
    #[test]
    fn taking_after_looking_without_a_lock_sells_the_last_unit_many_times() {
        let (left, next) = (AtomicU64::new(1), AtomicU64::new(0));
        let everyone_looked = Barrier::new(THREADS as usize);
        let unlocked = |_: u32| {
            let seen = left.load(Ordering::SeqCst);
            everyone_looked.wait();
            left.store(seen.checked_sub(1)?, Ordering::SeqCst);
            let place = next.fetch_add(1, Ordering::SeqCst) + 1;
            Some(Won { unit: 0, claim_no: place as u32, place })
        };
        let found = broken(&race(&one_each(), &unlocked), 1, 1);
        assert_eq!(found, [Broken::Oversold, Broken::UnitTwice, Broken::OutOfStep]);
    }

    /// C3 with the guard off: everyone counts what the user has before anyone adds to it.
    #[test]
    fn counting_before_adding_without_a_lock_exceeds_the_limit() {
        let (had, units) = (AtomicU64::new(0), AtomicU64::new(0));
        let everyone_counted = Barrier::new(THREADS as usize);
        let unlocked = |_: u32| {
            let within = had.load(Ordering::SeqCst) < 1;
            everyone_counted.wait();
            had.fetch_add(1, Ordering::SeqCst);
            let unit = units.fetch_add(1, Ordering::SeqCst);
            within.then_some(Won { unit: unit as u32, claim_no: unit as u32, place: unit + 1 })
        };
        let one_user = vec![vec![7]; THREADS as usize];
        let found = broken(&race(&one_user, &unlocked), 100, 1);
        assert_eq!(found, [Broken::OverLimit]);
    }

    /// The guard is off between the unit and the place: the second to take a unit is the first in the queue.
    #[test]
    fn deciding_and_queueing_under_different_locks_breaks_the_step() {
        let (units, places) = (AtomicU64::new(0), AtomicU64::new(0));
        let (both_took, second_queued) = (Barrier::new(2), Barrier::new(2));
        let unlocked = |_: u32| {
            let unit = units.fetch_add(1, Ordering::SeqCst);
            both_took.wait();
            if unit == 0 {
                second_queued.wait();
            }
            let place = places.fetch_add(1, Ordering::SeqCst) + 1;
            if unit == 1 {
                second_queued.wait();
            }
            Some(Won { unit: unit as u32, claim_no: unit as u32, place })
        };
        let found = broken(&race(&[vec![1], vec![2]], &unlocked), 2, 1);
        assert_eq!(found, [Broken::OutOfStep]);
    }

    #[test]
    fn whoever_comes_later_and_wins_over_an_earlier_one_is_an_inversion() {
        let won = |place| Some(Won { unit: place as u32, claim_no: place as u32, place });
        let seen = |begun, ended, won| Seen { user: begun as u32, begun, ended, won };
        let rows = [
            (vec![seen(0, 1, won(1)), seen(2, 3, won(2))], false),
            (vec![seen(0, 1, won(2)), seen(2, 3, won(1))], true),
            (vec![seen(0, 2, won(2)), seen(1, 3, won(1))], false),
            (vec![seen(0, 1, None), seen(2, 3, won(1))], true),
            (vec![seen(0, 1, won(1)), seen(2, 3, None)], false),
            (vec![seen(0, 1, None), seen(2, 3, None)], false),
        ];
        for (row, (seen, expected)) in rows.into_iter().enumerate() {
            assert_eq!(has_inversion(&seen), expected, "row {row}");
        }
    }
}
