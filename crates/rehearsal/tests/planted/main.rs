//! The judge on trial: good sales that it must find nothing in, and planted bugs that it must find and name.
//! A check that no planted bug hits is not a check.

mod bugs;
mod chance;
mod kills;
mod paying;
mod sale;
mod server;
mod till;

use bugs::{Bug, all};
use chance::Chance;
use rehearsal::{
    check::{CHECKS, judge},
    history::{Asked, Heard, History},
    verdict::{FINDINGS_MAX, Promise},
};
use sale::{Wishes, sale};
use std::{collections::BTreeSet, time::Instant};

/// Seeds of good sales that are judged.
const GOOD_SEEDS: u64 = 600;
/// Seeds that are tried for each planted bug.
const BUG_SEEDS: u64 = 400;
/// Sales in which each bug must have been planted and found.
const BUG_SALES: u32 = 8;

/// A good sale of each kind: one that is free, and one with payers.
fn good(seed: u64) -> History {
    History { paying: Some(Box::new(paying::good(seed))), ..sale::good(seed) }
}

/// C1, C2, C3, C5, C7, C9, C11, C15-C22 and C32 as they look when all is well: nothing to find.
#[test]
fn a_good_sale_has_a_good_verdict() {
    for seed in 0..GOOD_SEEDS {
        let verdict = judge(&good(seed));
        assert!(verdict.holds(), "seed {seed}: {:#?}", verdict.findings);
    }
}

#[test]
fn good_sales_have_in_them_what_the_checks_are_about() {
    let mut seen: Vec<(&str, u64)> = CHECKS.iter().map(|(name, ..)| (*name, 0)).collect();
    for seed in 0..GOOD_SEEDS {
        for (one, (name, looked_at)) in seen.iter_mut().zip(judge(&good(seed)).looked_at) {
            assert_eq!(one.0, name, "looked_at is in the order of the table");
            one.1 += looked_at;
        }
    }
    let never: Vec<_> = seen.iter().filter(|(_, looked_at)| *looked_at == 0).collect();
    assert!(never.is_empty(), "looked at nothing: {never:?}");
}

/// C2, C3, C5, C7, C8, C9, C10, C11, C16-C22 and C32, each as the bug that it once was.
#[test]
fn every_planted_bug_is_found_by_the_check_that_owns_it() {
    for bug in all() {
        let planted = (0..BUG_SEEDS).filter(|seed| is_found(bug, *seed)).take(BUG_SALES as usize);
        assert_eq!(planted.count(), BUG_SALES as usize, "{}: seldom possible", bug.what);
    }
}

/// Plants a bug in a good sale, if it can be planted there, and looks for it.
fn is_found(bug: &Bug, seed: u64) -> bool {
    let mut history = good(seed);
    if (bug.plant)(&mut history, &mut Chance::new(seed)).is_none() {
        return false;
    }
    let verdict = judge(&history);
    let found = verdict.findings.iter().find(|finding| finding.check == bug.check);
    let Some(found) = found else {
        panic!("{}, seed {seed}: {} found nothing: {:#?}", bug.what, bug.check, verdict.findings)
    };
    assert!(!verdict.holds() && !verdict.keeps(found.promise));
    true
}

#[test]
fn every_check_is_hit_by_a_planted_bug_and_has_its_own_name() {
    let names: BTreeSet<&str> = CHECKS.iter().map(|(name, ..)| *name).collect();
    let hit: BTreeSet<&str> = all().map(|bug| bug.check).collect();
    assert_eq!(names.len(), CHECKS.len(), "a name is there twice");
    assert_eq!(names, hit);
    let promises: BTreeSet<Promise> = CHECKS.iter().map(|(_, promise, _)| *promise).collect();
    assert_eq!(promises, Promise::ALL.into(), "every promise has a check");
}

#[test]
fn a_rehearsal_without_anybody_is_not_green() {
    let verdict = judge(&History::default());
    assert!(!verdict.holds());
    assert!(verdict.looked_at.iter().all(|(_, looked_at)| *looked_at == 0));
}

#[test]
fn the_same_history_has_the_same_verdict() {
    for bug in all() {
        let seed = (0..BUG_SEEDS)
            .find(|seed| (bug.plant)(&mut good(*seed), &mut Chance::new(*seed)).is_some());
        let mut history = good(seed.expect("possible in some sale"));
        (bug.plant)(&mut history, &mut Chance::new(seed.unwrap_or_default()));
        assert_eq!(judge(&history), judge(&history), "{}", bug.what);
    }
}

#[test]
fn no_finding_holds_a_code() {
    for bug in all() {
        for seed in 0..BUG_SEEDS / 10 {
            let mut history = good(seed);
            if (bug.plant)(&mut history, &mut Chance::new(seed)).is_none() {
                continue;
            }
            let paying = history.paying.iter().flat_map(|one| &one.sale.types);
            let codes = history.announced.types.iter().flat_map(|one| &one.codes);
            let codes = codes.chain(paying.flat_map(|one| &one.codes));
            let codes: Vec<&str> = codes.map(String::as_str).collect();
            for finding in judge(&history).findings {
                assert!(codes.iter().all(|code| !finding.what.contains(code)), "{}", bug.what);
            }
        }
    }
}

#[test]
fn findings_beyond_the_bound_are_counted() {
    let mut history = good(1);
    let mut strange = 0;
    for call in history.calls.iter_mut().filter(|call| matches!(call.asked, Asked::Claim { .. })) {
        call.heard = Heard::Strange { status: 418, ret: None };
        strange += 1;
    }
    let verdict = judge(&history);
    let kept = verdict.findings.iter().filter(|one| one.check == "strange-answer").count();
    assert_eq!(kept, FINDINGS_MAX);
    let beyond = strange - FINDINGS_MAX as u64;
    assert!(verdict.more.contains(&("strange-answer", beyond)), "{:?}", verdict.more);
}

/// The bound is generous: it is there to find a check that compares everything with everything.
#[test]
fn half_a_million_calls_are_judged_in_seconds() {
    let wishes = Wishes { people: 90_000, crash: false, overload: false };
    let history = sale(3, &wishes);
    let calls = history.calls.len();
    assert!(calls >= 500_000, "only {calls} calls");
    let begun = Instant::now();
    let verdict = judge(&history);
    let took = begun.elapsed();
    println!("{calls} calls judged in {took:?}");
    assert!(verdict.holds(), "{:#?}", verdict.findings);
    assert!(took.as_secs() < 20, "{calls} calls took {took:?}");
}

/// The same sales with a clock that is said to be exact: somebody was early or late by what it is really off.
#[test]
fn a_clock_explains_no_more_than_it_is_off() {
    let exact = |seed: u64| {
        let mut history = good(seed);
        history.announced.clock_within.0 = 0;
        let mut checks = judge(&history).findings.into_iter().map(|finding| finding.check);
        checks.any(|check| check == "won-before-start" || check == "not-started-too-late")
    };
    assert!((0..GOOD_SEEDS).any(exact));
}
