//! A hundred thousand holds whose time is up in the same second are back in two, and claims go on beside them.
//! What is measured is the writer at work, without a server around it.

use crate::shop::{Goods, RELEASE_MS, Shop};
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

const HOLDS: u32 = 100_000;
/// Holds that one step of the writer ends.
const BATCH: u32 = 500;
/// What a build for development works for it at most, twice what is promised of a release. It is work that is bounded
/// here and not time: a machine that is busy with something else takes longer, and works no more.
const WORK_MAX: Duration = Duration::from_secs(4);

/// How long this thread has been at work, as Linux counts it.
fn worked() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[test]
fn a_hundred_thousand_holds_that_expire_together_are_back_in_two_seconds() {
    let mut shop = Shop::open(Goods { limit: 10_000, ..Goods::plain(HOLDS) });
    let users: Vec<_> = (0..100).map(|at| shop.user(&format!("user-{at}"))).collect();
    for user in (0..).zip(users.iter().cycle().take(HOLDS as usize)) {
        shop.sale_only_hold(*user.1);
        if user.0 % 10_000 == 9_999 {
            shop.quiet();
        }
    }
    shop.quiet();
    assert_eq!(shop.supply().held, HOLDS);
    shop.clock.pass(RELEASE_MS);
    let (begun, before) = (Instant::now(), worked());
    let (mut steps, mut longest) = (0_u32, Duration::ZERO);
    while shop.supply().available < HOLDS {
        let step = Instant::now();
        shop.writer.step();
        longest = longest.max(step.elapsed());
        steps += 1;
    }
    let took = begun.elapsed();
    let work = before.and_then(|before| Some(worked()? - before));
    let disk = Duration::from_nanos(shop.meter.0.load(Ordering::SeqCst));
    println!(
        "{HOLDS} holds were back in {took:?}, {disk:?} of it in the ledger, {work:?} of work; \
         {steps} steps, the longest {longest:?}"
    );
    assert_eq!(
        (shop.supply().held, steps),
        (0, HOLDS / BATCH),
        "nothing but what is due is looked at"
    );
    assert!(work.is_none_or(|work| work < WORK_MAX), "{work:?}");
}
