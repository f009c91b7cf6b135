//! Many threads at once against one stock: the limit, the order, the last unit, and recovery in the middle.
//! The checks are shown to fail on unguarded toys in `race`.

use super::{
    race::{Won, broken, race},
    world::{Disk, New, ONE, OPENS, SEAT, Shop, ask, key, load, priced, setup, wait},
};
use rules::{Claim, Epoch, OrderStep, Refusal, Seq, TimeMs, UserNo};
use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use stock::{ClaimAsk, Decision, Place, Recorded, Stock, StockFault};

const THREADS: u32 = 8;

fn try_to_win(stock: &dyn Stock, ask: &ClaimAsk<'_>) -> Option<Won> {
    match wait(stock.claim(ask)).expect("no fault") {
        Decision::Accepted(Recorded { claim, place, .. }) => {
            Some(Won { unit: claim.unit.0, claim_no: claim.claim_no.0, place: place.0 })
        }
        Decision::Refused { .. } => None,
        Decision::Known(Recorded { claim, .. }) => panic!("no key was given: {claim:?}"),
    }
}

/// C3: 1,000 parallel requests of one user take exactly the limit, and burn no unit.
pub fn parallel_requests_of_one_user_take_exactly_the_limit(new: New) {
    const REQUESTS: usize = 1000;
    for limit in [1, 7] {
        let shop = Shop::open(new, &[setup(&[(REQUESTS as u32, limit)])]);
        let shares = vec![vec![42; REQUESTS / THREADS as usize]; THREADS as usize];
        let seen = race(&shares, &|user| try_to_win(&*shop.stock, &ask(user)));
        assert_eq!(seen.len(), REQUESTS);
        assert_eq!(broken(&seen, REQUESTS, limit as usize), []);
        let won = seen.iter().filter(|seen| seen.won.is_some()).count() as u32;
        assert_eq!((won, shop.supply(SEAT)), (limit, (REQUESTS as u32 - limit, limit, 0)));
        let ordinals: Vec<u32> = shop.drain().0.iter().map(|claim| claim.ordinal_in_type).collect();
        assert_eq!(ordinals, (1..=limit).collect::<Vec<_>>());
    }
}

/// Promises 1 and 5: a crowd of four for each unit; 0 inversions, no unit twice, every unit sold.
pub fn nobody_who_came_later_wins_over_someone_who_came_earlier(new: New) {
    const UNITS: u32 = 2000;
    let shop = Shop::open(new, &[setup(&[(UNITS, 1)])]);
    let share = |thread: u32| (0..UNITS * 4 / THREADS).map(|n| n * THREADS + thread + 1).collect();
    let shares: Vec<Vec<u32>> = (0..THREADS).map(share).collect();
    let seen = race(&shares, &|user| try_to_win(&*shop.stock, &ask(user)));
    assert_eq!(broken(&seen, UNITS as usize, 1), []);
    shop.balanced();
    let (claims, _) = shop.drain();
    assert_eq!(claims.len(), UNITS as usize);
    for (index, claim) in claims.iter().enumerate() {
        let n = index as u32;
        assert_eq!((claim.unit.0, claim.claim_no.0, claim.seq.0), (n, n + 1, n + 1));
    }
    let counts = shop.counts();
    assert_eq!(counts.participants, UNITS * 4);
    assert_eq!(counts.refused, [(Refusal::SoldOut, UNITS * 3)]);
}

/// C2, C3: retries that overtake each other find one claim.
pub fn parallel_retries_with_one_key_are_one_claim(new: New) {
    let shop = Shop::open(new, &[setup(&[(5000, 5000)])]);
    let accepted = AtomicU64::new(0);
    let found = Mutex::new(HashSet::new());
    race(&vec![(1..=100).collect(); THREADS as usize], &|number| {
        let keyed = ClaimAsk { key: key(u128::from(number)), ..ask(1) };
        let claim = match wait(shop.stock.claim(&keyed)) {
            Ok(Decision::Accepted(Recorded { claim, .. })) => {
                accepted.fetch_add(1, Ordering::SeqCst);
                claim
            }
            Ok(Decision::Known(Recorded { claim, .. })) => claim,
            other => panic!("{other:?}"),
        };
        found.lock().unwrap().insert((number, claim.seq));
        None
    });
    assert_eq!((accepted.into_inner(), found.lock().unwrap().len()), (100, 100));
    assert_eq!(shop.supply(SEAT), (4900, 100, 0));
}

/// C6: no claim is accepted by a state that a load has given up, however the two meet.
pub fn nothing_is_decided_for_a_state_that_was_given_up(new: New) {
    const LOADS: u32 = 3000;
    let stock = new();
    let disk = Disk::new(setup(&[(rules::UNITS_MAX, 1)]));
    load(&*stock, Epoch(1), std::slice::from_ref(&disk));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (stock, over) = (&*stock, &over);
            scope.spawn(move || {
                for n in (0..).take_while(|_| !over.load(Ordering::SeqCst)) {
                    let decided = wait(stock.claim(&ask((2 * n + thread) % 100_000 + 1)));
                    let accepted = matches!(decided, Ok(Decision::Accepted(_)));
                    assert!(accepted || nothing_happened(&decided), "{decided:?}");
                }
            });
        }
        let _end = End(&over);
        let mut pending = Vec::new();
        for epoch in (2..LOADS).map(Epoch) {
            load(&*stock, epoch, std::slice::from_ref(&disk));
            pending.clear();
            stock.take_pending(&mut pending, 0);
            let stray = pending.iter().find(|claim: &&Claim| claim.epoch != epoch);
            assert_eq!(stray, None, "decided before epoch {epoch}, and never given up");
        }
    });
}

/// What buyers may meet beside a win: their own earlier one, a full queue, or the moment of a load.
fn nothing_happened(decided: &Result<Decision, StockFault>) -> bool {
    match decided {
        Ok(Decision::Refused { refusal, .. }) => *refusal == Refusal::LimitReached,
        Ok(_) => false,
        Err(fault) => matches!(fault, StockFault::Frozen | StockFault::Full),
    }
}

const TORTURE_UNITS: u32 = 3000;
const TORTURE_USERS: u32 = 4000;

/// Buyers claim without pause while the ledger writes, fails and is read anew, over and over (C1, C6, C32).
/// What is durable is dense, nothing in it is there twice, and no final no is ever proved wrong.
pub fn sales_that_fail_and_recover_keep_every_promise(new: New) {
    let stock = new();
    let disk = Mutex::new(Disk::new(setup(&[(TORTURE_UNITS, 1)])));
    load(&*stock, Epoch(1), &[disk.lock().unwrap().clone()]);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (stock, disk, over) = (&*stock, &disk, &over);
            scope.spawn(move || buy(stock, disk, thread, over));
        }
        let _end = End(&over);
        write_and_fail(&*stock, &disk);
    });
    let claims = &disk.lock().unwrap().claims;
    assert_eq!(claims.len(), TORTURE_UNITS as usize);
    let of = |part: fn(&Claim) -> u32| claims.iter().map(part).collect::<HashSet<_>>().len();
    assert_eq!(of(|claim| claim.unit.0), claims.len(), "no unit twice");
    assert_eq!(of(|claim| claim.user.0), claims.len(), "nobody over the limit");
    assert_eq!(of(|claim| claim.claim_no.0), claims.len(), "no number twice");
    assert!(claims.iter().enumerate().all(|(index, claim)| claim.seq == Seq(index as u32 + 1)));
    assert!(claims.windows(2).all(|pair| pair[0].epoch <= pair[1].epoch));
}

/// Ends the buying, also when the writer fails: otherwise its failure would never be heard of.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn buy(stock: &dyn Stock, disk: &Mutex<Disk>, thread: u32, over: &AtomicBool) {
    let mut user = thread;
    while !over.load(Ordering::SeqCst) {
        user = (user + 4) % TORTURE_USERS;
        let ask = ClaimAsk { key: key(u128::from(user) + 1), ..ask(user + 1) };
        match wait(stock.claim(&ask)) {
            Ok(Decision::Refused { refusal, grounds: Place::DURABLE, .. }) => {
                assert_eq!(refusal, Refusal::SoldOut);
                let sold = disk.lock().unwrap().claims.len();
                assert_eq!(sold, TORTURE_UNITS as usize, "a final no, and units are left (C32)");
            }
            Ok(Decision::Known(Recorded { claim, place: Place::DURABLE, .. })) => {
                let written = disk.lock().unwrap().claims[claim.seq.0 as usize - 1];
                assert_eq!(written, claim, "what is called durable is written");
            }
            Ok(_) => {}
            Err(fault) => assert_eq!(fault, StockFault::Frozen),
        }
    }
}

/// Writes batches until all is sold; every third write fails, and then all is read anew.
fn write_and_fail(stock: &dyn Stock, disk: &Mutex<Disk>) {
    const BATCH: usize = 40;
    const IDLE_MAX: u32 = 60;
    let (mut epoch, mut batch, mut writes, mut idle) = (Epoch(1), Vec::new(), 0u32, 0);
    while disk.lock().unwrap().claims.len() < TORTURE_UNITS as usize {
        batch.clear();
        let through = stock.take_pending(&mut batch, 1000);
        assert!(
            batch.iter().all(|claim| claim.epoch == epoch),
            "nothing of an ended epoch is left"
        );
        idle = if batch.is_empty() { idle + 1 } else { 0 };
        assert!(idle < IDLE_MAX, "units are left, and nobody gets them");
        writes += 1;
        let written = if writes % 3 == 0 { batch.len().min(BATCH) } else { batch.len() };
        disk.lock().unwrap().claims.extend(&batch[..written]);
        if writes % 3 != 0 {
            stock.confirm(&batch, through);
        } else {
            if writes % 2 == 0 {
                stock.freeze();
            }
            epoch.0 += 1;
            load(stock, epoch, &[disk.lock().unwrap().clone()]);
        }
        let counts = stock.counts(ONE, TimeMs(OPENS)).unwrap();
        assert!(counts.types[0].supply.balances(), "S1: {counts:?}");
        assert!(stock.claims_of(ONE, UserNo(1), None, 2).len() <= 1);
    }
}

const RETURNED_UNITS: u32 = 40;
const IN_LINE: u32 = 300;

/// C22, C7, promise 1: many claim without pause while orders expire and are paid. Those in line get what comes back,
/// in their order, and nobody else gets any of it while somebody waits.
pub fn nobody_overtakes_the_line_while_units_come_back(new: New) {
    let shop = Shop::open(new, &[priced(&[(RETURNED_UNITS, 1)])]);
    for user in 1..=RETURNED_UNITS {
        shop.win(ask(user));
    }
    shop.commit();
    let first_in_line = 1001;
    for user in first_in_line..first_in_line + IN_LINE {
        shop.line_up(user);
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..THREADS / 2 {
            let (stock, over) = (&*shop.stock, &over);
            scope.spawn(move || {
                for n in (0..).take_while(|_| !over.load(Ordering::SeqCst)) {
                    let user = 10_000 + thread * 1000 + n % 1000;
                    let decided = wait(stock.claim(&ask(user)));
                    let Ok(Decision::Refused { refusal, .. }) = decided else {
                        panic!("user {user} came before those in line: {decided:?}");
                    };
                    assert!(matches!(refusal, Refusal::HeldByOthers | Refusal::SoldOut));
                }
            });
        }
        let _end = End(&over);
        let offered = expire_and_pay(&shop);
        assert!(offered.iter().copied().eq(first_in_line..first_in_line + IN_LINE), "{offered:?}");
    });
    assert_eq!(shop.unpaid_and_waiting(SEAT).1, 0);
}

/// Ends what is held, every tenth order paid and given back by the operator, until nobody waits: who was offered a
/// unit, in the order of the queue.
fn expire_and_pay(shop: &Shop) -> Vec<u32> {
    let (mut offered, mut seq) = (Vec::new(), 0);
    while offered.len() < IN_LINE as usize {
        seq += 1;
        if seq % 10 == 0 {
            shop.step(Seq(seq), OrderStep::Pay);
            shop.step(Seq(seq), OrderStep::OweRefund);
        } else {
            shop.step(Seq(seq), OrderStep::Expire);
        }
        let (claims, through) = shop.drain();
        offered.extend(claims.iter().map(|claim| claim.user.0));
        shop.write(&claims, through);
    }
    offered
}
