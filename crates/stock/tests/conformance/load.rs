//! Loading and freezing: soft state may vanish, and what comes back is what the ledger knows (promise 9).
//! What a load finds to contradict the rules is named, never repaired.

use super::world::{BOX, Disk, ENDS, New, ONE, OPENS, SEAT, Shop, TWO, ask, key, load, one, setup};
use rules::{
    ActivityNo, Claim, ClaimNo, Epoch, EventKind, OrderState, Part, Refusal, Seq, TimeMs, UnitNo,
};
use std::collections::HashSet;
use stock::{ActivitySetup, ClaimAsk, Conflict, Decision, Place, Recorded, StockFault};

/// C6: a decided, drained and loaded stock continues with the same units, numbers and ordinals as one that
/// was never loaded.
pub fn a_loaded_stock_goes_on_where_the_old_one_stopped(new: New) {
    let mut first = setup(&[(2000, 3), (40, 2)]);
    first.activity.limit_per_user = Some(4);
    let [kept, loaded] = [(); 2].map(|()| Shop::open(new, std::slice::from_ref(&first)));
    let asks = |from: u32, to: u32| {
        (from..to).map(|n| ClaimAsk {
            items: one(if n % 3 == 0 { BOX } else { SEAT }),
            key: if n % 4 == 0 { key(u128::from(n % 40) + 1) } else { None },
            now: TimeMs(OPENS + u64::from(n)),
            ..ask(n * 7 % 600 + 1)
        })
    };
    for shop in [&kept, &loaded] {
        let units = shop.stock.take_back(ONE, SEAT, 3).unwrap();
        shop.event(EventKind::UnitsTakenBack { ticket_type: SEAT, units });
        asks(0, 1500).for_each(|ask| drop(shop.claim(ask).unwrap()));
        shop.event(EventKind::UnitsAdded { ticket_type: BOX, units: 40..50 });
        shop.commit();
        shop.record_parts();
    }
    loaded.recover();
    assert_eq!(without_rate(&kept), without_rate(&loaded));
    let mut met = HashSet::new();
    for ask in asks(1500, 3200) {
        let [one, other] = [&kept, &loaded].map(|shop| shop.claim(ask).unwrap());
        met.insert(match &one {
            Decision::Accepted(_) => "accepted",
            Decision::Known(_) => "known",
            Decision::Refused { refusal, .. } => refusal.name(),
        });
        assert_eq!(comparable(one), comparable(other), "{ask:?}");
    }
    assert_eq!(without_rate(&kept), without_rate(&loaded));
    assert_eq!(met, HashSet::from(["accepted", "known", "limit_reached", "sold_out"]));
}

/// The rate is of these seconds, not of the ledger.
fn without_rate(shop: &Shop) -> stock::ActivityCounts {
    stock::ActivityCounts { accepted_in_10_s: 0, ..shop.counts() }
}

/// Epochs and places are of one load; all else has to be the same.
fn comparable(decision: Decision) -> Decision {
    let place = Place::DURABLE;
    let plain = |line: Recorded| {
        let claim = Claim { epoch: Epoch(0), ..line.claim };
        Recorded { claim, place, ..line }
    };
    match decision {
        Decision::Accepted(line) => Decision::Accepted(plain(line)),
        Decision::Known(line) => Decision::Known(plain(line)),
        Decision::Refused { refusal, had, retry_at, .. } => {
            let had = had.into_iter().map(plain).collect();
            Decision::Refused { refusal, grounds: place, had, retry_at }
        }
    }
}

pub fn claims_bear_the_epoch_of_the_load_they_were_decided_under(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9)])]);
    for _ in 0..3 {
        shop.win(ask(1));
        shop.commit();
        shop.recover();
        shop.win(ask(2));
        shop.commit();
    }
    let epoch_at = |seq| shop.stock.claim_at(ONE, Seq(seq)).unwrap().claim.epoch.0;
    assert_eq!([1, 2, 3, 4, 5, 6].map(epoch_at), [1, 2, 2, 3, 3, 4]);
    let claims = shop.disks.lock().unwrap()[0].claims.clone();
    let found = |claim: &Claim| shop.stock.claim_at(ONE, claim.seq).map(|one| one.claim);
    assert!(claims.iter().all(|claim| found(claim) == Some(*claim)), "claims are found as written");
}

pub fn state_and_units_are_loaded(new: New) {
    for (paused, closed, refusal) in [
        (true, false, Refusal::Paused),
        (false, true, Refusal::Ended),
        (true, true, Refusal::Ended),
    ] {
        let mut stopped = ActivitySetup { paused, closed, ..setup(&[(10, 1)]) };
        stopped.types[0].void = vec![0..2, 9..10];
        let shop = Shop::open(new, &[stopped]);
        assert_eq!(shop.no(ask(1)).0, refusal);
        assert_eq!((shop.counts().paused, shop.counts().closed), (paused, closed));
        assert_eq!(shop.counts().types[0].supply.total, 7);
    }
}

pub fn a_load_that_is_dropped_changes_nothing(new: New) {
    let shop = Shop::open(new, &[setup(&[(5, 9)])]);
    let (first, place) = shop.win(ask(1));
    let mut loading = shop.stock.load(Epoch(9));
    loading.activity(setup(&[(1, 1)])).unwrap();
    assert_eq!(shop.win(ask(2)).0.seq, Seq(2), "the old state serves until the load is finished");
    drop(loading);
    let (third, _) = shop.win(ask(3));
    assert_eq!((third.seq, third.epoch), (Seq(3), Epoch(1)));
    assert_eq!(shop.stock.claim_at(ONE, Seq(1)).unwrap().place, place);
    assert_eq!(shop.drain().0.first(), Some(&first));
}

/// C1: what was decided and not written is as if it had never been asked for.
pub fn a_load_gives_up_what_was_not_durable(new: New) {
    let shop = Shop::open(new, &[setup(&[(3, 1)])]);
    let keyed = ClaimAsk { key: key(1), ..ask(2) };
    let (first, first_place) = shop.win(ask(1));
    let handed_over = shop.drain().0;
    shop.write(&handed_over, first_place);
    let (lost, _) = shop.win(keyed);
    shop.drain();
    let (_, last) = shop.win(ask(3));
    shop.recover();
    assert_eq!((shop.stock.pending(), shop.drain().0), (0, Vec::new()));
    assert_eq!(shop.supply(SEAT), (2, 0, 1));
    assert_eq!(shop.stock.claim_at(ONE, lost.seq), None);
    assert!(!shop.stock.joined(ONE, keyed.user));
    let (again, place) = shop.win(keyed);
    assert_eq!(again, Claim { epoch: Epoch(2), ..lost }, "unit, ordinals and key are free again");
    assert!(place > last, "a place is never given twice");
    assert_eq!(shop.stock.claim_at(ONE, Seq(1)).unwrap().claim, first);
}

pub fn every_contradiction_is_found(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9), (9, 9)])]);
    for (number, user, ticket_type) in [(1, 10, SEAT), (2, 20, SEAT), (3, 10, BOX), (4, 10, SEAT)] {
        shop.win(ClaimAsk { items: one(ticket_type), key: key(number), ..ask(user) });
        shop.win(ClaimAsk { items: one(ticket_type), ..ask(user) });
    }
    shop.commit();
    let good = shop.disks.lock().unwrap()[0].claims.clone();
    type Damage = fn(&mut Claim);
    type Named = fn(Claim) -> Conflict;
    // Each row damages the last claim: user 10's sixth of the activity, fourth seat, without a key.
    let rows: [(Damage, Named); 13] = [
        (|claim| claim.activity = TWO, Conflict::Stranger),
        (|claim| claim.ticket_type.0 = 2, Conflict::Stranger),
        (|claim| claim.unit = UnitNo(9), Conflict::Stranger),
        (|claim| claim.unit = UnitNo(u32::MAX), Conflict::Stranger),
        (|claim| claim.unit = UnitNo(0), Conflict::UnitTwice),
        (|claim| claim.ordinal_in_type -= 1, Conflict::OrdinalTwice),
        (|claim| claim.ordinal_in_type += 1, Conflict::OrdinalTwice),
        (|claim| claim.ordinal_in_activity -= 1, Conflict::OrdinalTwice),
        (|claim| claim.ordinal_in_activity = u32::MAX, Conflict::OrdinalTwice),
        (|claim| claim.key = key(1), Conflict::KeyTwice),
        (|claim| claim.seq.0 -= 1, Conflict::SeqGap),
        (|claim| claim.seq.0 += 1, Conflict::SeqGap),
        (|claim| claim.seq = Seq(0), Conflict::SeqGap),
    ];
    let (last, before) = good.split_last().unwrap();
    for (row, (damage, named)) in rows.into_iter().enumerate() {
        let mut damaged = *last;
        damage(&mut damaged);
        let mut loading = shop.stock.load(Epoch(2));
        loading.activity(setup(&[(9, 9), (9, 9)])).unwrap();
        before.iter().for_each(|claim| loading.claim(*claim, OrderState::Paid, None).unwrap());
        assert_eq!(
            loading.claim(damaged, OrderState::Paid, None),
            Err(named(damaged)),
            "row {row}"
        );
    }
    let mut loading = shop.stock.load(Epoch(2));
    assert_eq!(
        loading.claim(*last, OrderState::Paid, None),
        Err(Conflict::Stranger(*last)),
        "before any activity"
    );
    let mut impossible = setup(&[(9, 9), (9, 9)]);
    impossible.types[1].void = vec![8..10];
    assert_eq!(loading.activity(impossible.clone()), Err(Conflict::Units(ONE, BOX)));
    impossible.types[1].void = vec![3..5, 4..6];
    impossible.no = TWO;
    assert_eq!(loading.activity(impossible.clone()), Err(Conflict::Units(TWO, BOX)));
    assert_eq!(shop.stock.open(&impossible), Err(Conflict::Units(TWO, BOX)));
}

/// C10, C31: no claim is accepted, and what is certain is still said.
pub fn a_frozen_stock_accepts_nothing_and_still_refuses(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1), (9, 9)])]);
    let (claim, _) = shop.win(ask(1));
    shop.commit();
    shop.stock.freeze();
    let other = |user| ClaimAsk { items: one(BOX), ..ask(user) };
    for user in [1, 2] {
        assert_eq!(shop.claim(other(user)), Err(StockFault::Frozen));
    }
    assert_eq!(shop.no(ask(1)), (Refusal::LimitReached, Place::DURABLE, vec![claim]));
    assert_eq!(shop.no(ask(2)), (Refusal::SoldOut, Place::DURABLE, Vec::new()));
    assert_eq!((shop.stock.pending(), shop.supply(BOX)), (0, (9, 0, 0)));
    shop.recover();
    shop.win(other(2));
    shop.commit();
    shop.stock.freeze();
    assert_eq!(shop.no(ClaimAsk { now: TimeMs(ENDS), ..other(3) }).0, Refusal::Ended);
}

/// C32: what was pending at a freeze may be gone after the load, and so would be the grounds of a no.
pub fn a_frozen_stock_refuses_nothing_on_grounds_that_may_vanish(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    let keyed = ClaimAsk { key: key(1), ..ask(1) };
    let won = shop.win(keyed);
    shop.stock.freeze();
    for user in [1, 2] {
        assert_eq!(shop.claim(ask(user)), Err(StockFault::Frozen));
    }
    assert_eq!(shop.known(keyed), won, "a known claim is not denied: it carries its place");
    shop.recover();
    shop.win(ask(2));
    assert_eq!(shop.no(keyed).0, Refusal::SoldOut);
}

pub fn an_activity_opened_while_frozen_waits_for_the_load(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    let second = ActivitySetup { no: TWO, ..setup(&[(1, 1)]) };
    let ask = ClaimAsk { activity: TWO, ..ask(1) };
    shop.stock.freeze();
    shop.stock.open(&second).unwrap();
    assert_eq!(shop.claim(ask), Err(StockFault::Frozen));
    shop.disks.lock().unwrap().push(Disk::new(second));
    shop.recover();
    shop.win(ask);
}

pub fn an_opened_activity_stands_beside_the_others(new: New) {
    let shop = Shop::open(new, &[setup(&[(3, 1)])]);
    let (first, _) = shop.win(ask(1));
    for no in [300, 2] {
        let added = ActivitySetup { no: ActivityNo(no), ..setup(&[(1, 1)]) };
        shop.stock.open(&added).unwrap();
        let (claim, _) = shop.win(ClaimAsk { activity: ActivityNo(no), ..ask(1) });
        assert_eq!((claim.seq, claim.claim_no, claim.epoch), (Seq(1), ClaimNo(1), Epoch(1)));
    }
    assert_eq!(shop.lines_of(ONE, first.user)[0].claim, first);
    assert_eq!(shop.drain().0.len(), 3);
}

/// C10: before the load, nothing is known: that is a fault, and never a refusal.
pub fn a_stock_that_was_never_loaded_knows_nothing(new: New) {
    let stock = new();
    assert_eq!(super::world::wait(stock.claim(&ask(1))), Err(StockFault::Frozen));
    assert_eq!((stock.pending(), stock.counts(ONE, TimeMs(OPENS))), (0, None));
    let seen = Part { activity: ONE, user: ask(5).user, seen_at: TimeMs(OPENS), refusal: None };
    let mut disk = Disk::new(setup(&[(1, 1)]));
    disk.parts.push(seen);
    load(&*stock, Epoch(1), &[disk]);
    assert!(stock.joined(ONE, seen.user));
}
