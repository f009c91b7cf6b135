//! Orders that cost something: held until an event says what became of them, by one table and once.
//! Money and stock agree: whatever is proposed twice or too late changes nothing.

use super::world::{
    BOX, Disk, ENDS, New, ONE, OPENS, PAY_MS, SEAT, Shop, ask, codes, key, load, one, priced, setup,
};
use rules::{
    Epoch, EventKind, OrderNo, OrderState, OrderStep, Refusal, Seq, TimeMs, TypeNo, UnitKind,
    UnitNo,
};
use std::time::{Duration, Instant};
use stock::{ClaimAsk, Place, Recorded, StockFault};

fn at(user: u32, ms: u64) -> ClaimAsk<'static> {
    ClaimAsk { now: TimeMs(OPENS + ms), ..ask(user) }
}

fn state(shop: &Shop, seq: u32) -> OrderState {
    shop.stock.claim_at(ONE, Seq(seq)).expect("it was decided").state
}

pub fn what_costs_something_stays_held_until_it_is_paid(new: New) {
    let shop = Shop::open(new, &[priced(&[(2, 1)])]);
    let held = shop.order(at(1, 7));
    let pay_by = Some(TimeMs(OPENS + 7 + PAY_MS));
    assert_eq!((held.state, held.pay_by, held.claim.priced), (OrderState::Held, pay_by, true));
    assert_eq!(shop.supply(SEAT), (1, 1, 0));
    shop.commit();
    assert_eq!((shop.supply(SEAT), shop.unpaid_and_waiting(SEAT)), ((1, 1, 0), (1, 0)));
    let durable = Recorded { place: Place::DURABLE, ..held };
    assert_eq!(shop.lines_of(ONE, held.claim.user), [durable]);
    shop.step(Seq(1), OrderStep::Pay);
    assert_eq!((shop.supply(SEAT), shop.unpaid_and_waiting(SEAT)), ((1, 0, 1), (0, 0)));
    let paid = Recorded { state: OrderState::Paid, pay_by: None, ..durable };
    assert_eq!(shop.stock.order(OrderNo { activity: ONE, seq: Seq(1) }), [paid]);
}

/// C18, promise 7: of two steps that exclude each other the first one wins, and stock agrees.
pub fn of_pay_and_expire_exactly_one_wins(new: New) {
    let rows = [
        (OrderStep::Pay, OrderStep::Expire, (0, 0, 1)),
        (OrderStep::Expire, OrderStep::Pay, (1, 0, 0)),
        (OrderStep::Cancel, OrderStep::Pay, (1, 0, 0)),
        (OrderStep::Pay, OrderStep::Cancel, (0, 0, 1)),
        (OrderStep::Cancel, OrderStep::Expire, (1, 0, 0)),
    ];
    for (first, second, supply) in rows {
        let shop = Shop::open(new, &[priced(&[(1, 1)])]);
        shop.win(ask(1));
        shop.impossible(Seq(1), first);
        shop.commit();
        shop.step(Seq(1), first);
        for step in [first, second] {
            shop.impossible(Seq(1), step);
        }
        assert_eq!(shop.supply(SEAT), supply, "{first:?} came before {second:?}");
        shop.recover();
        assert_eq!(shop.supply(SEAT), supply, "and a load remembers");
        shop.impossible(Seq(1), second);
    }
}

/// Every step in every state, before and after a load.
pub fn an_order_takes_only_the_steps_of_the_table(new: New) {
    use OrderStep::{Cancel, Expire, OweRefund, Pay, Refund};
    let ways: [&[OrderStep]; 6] =
        [&[], &[Pay], &[Cancel], &[Expire], &[Pay, OweRefund], &[Pay, OweRefund, Refund]];
    for (way, now) in ways.iter().zip(OrderState::ALL) {
        let shop = Shop::open(new, &[priced(&[(1, 1)])]);
        shop.win(ask(1));
        shop.commit();
        way.iter().for_each(|step| drop(shop.step(Seq(1), *step)));
        for _ in 0..2 {
            assert_eq!(state(&shop, 1), now);
            let not = OrderStep::ALL.into_iter().filter(|step| now.after(*step).is_none());
            not.for_each(|step| shop.impossible(Seq(1), step));
            shop.recover();
        }
        for unknown in [0, 2, u32::MAX] {
            shop.impossible(Seq(unknown), Expire);
        }
    }
}

/// C19, C20: a unit comes back once, whatever is told again and however often everything is read anew.
pub fn units_return_exactly_once(new: New) {
    for step in [OrderStep::Cancel, OrderStep::Expire] {
        let shop = Shop::open(new, &[priced(&[(1, 1)])]);
        for user in 1..=5 {
            let held = shop.order(ask(user));
            assert_eq!(held.claim.unit, UnitNo(0));
            assert_eq!(shop.held_by_others(ask(9)), held.pay_by.unwrap());
            shop.commit();
            let event = shop.step(held.claim.seq, step);
            shop.stock.apply(&event).unwrap();
            assert_eq!(shop.supply(SEAT), (1, 0, 0));
            if user % 2 == 0 {
                shop.recover();
                shop.stock.apply(&event).unwrap();
                assert_eq!(shop.supply(SEAT), (1, 0, 0));
            }
        }
        assert_eq!(shop.counts().accepted, 5);
    }
}

/// C7: whoever asks while enough are free is not refused, wherever the units came from.
pub fn nobody_is_refused_while_enough_are_free(new: New) {
    let shop = Shop::open(new, &[priced(&[(3, 3)])]);
    let three = [rules::Item { ticket_type: SEAT, count: 3 }];
    let all = |user| ClaimAsk { items: &three, ..ask(user) };
    for user in 1..=3 {
        shop.win(ask(user));
    }
    shop.commit();
    for seq in 1..=3 {
        shop.held_by_others(all(9));
        shop.step(Seq(seq), if seq == 2 { OrderStep::Expire } else { OrderStep::Cancel });
    }
    assert_eq!(shop.win(all(9)).0.lines, 3);
    assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS)));
}

/// While something may come back "sold out" is not said; afterwards it is.
pub fn sold_out_is_said_only_where_nothing_is_unpaid(new: New) {
    let shop = Shop::open(new, &[priced(&[(2, 1)])]);
    let (late, early) = (shop.order(at(1, 20)), shop.order(at(2, 30)));
    assert_eq!(shop.held_by_others(at(9, 31)), late.pay_by.unwrap(), "the earliest of them");
    shop.commit();
    shop.step(late.claim.seq, OrderStep::Pay);
    assert_eq!(shop.held_by_others(at(9, 31)), early.pay_by.unwrap());
    shop.step(early.claim.seq, OrderStep::Pay);
    assert_eq!(shop.no(at(9, 31)), (Refusal::SoldOut, Place::DURABLE, Vec::new()));
    assert_eq!(shop.counts().refused, [(Refusal::HeldByOthers, 1)], "the first no stays");
    assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS + 30)));
}

/// C10: what is held by others is said while frozen too: nobody takes it for the last word.
pub fn held_by_others_rests_on_nothing(new: New) {
    let shop = Shop::open(new, &[priced(&[(1, 1)])]);
    let pay_by = shop.order(ask(1)).pay_by.unwrap();
    shop.stock.freeze();
    assert_eq!(shop.held_by_others(ask(2)), pay_by);
    assert_eq!(shop.claim(ask(1)), Err(StockFault::Frozen), "a limit that may vanish");
}

/// Promise 4, C8: a code of an unpaid order goes out again, one of a paid order never does.
pub fn a_code_that_was_shown_never_returns(new: New) {
    let shop = Shop::open(new, &[codes(priced(&[(3, 1)]))]);
    let hidden = shop.win(ask(1)).0;
    shop.win(ask(2));
    shop.commit();
    shop.step(hidden.seq, OrderStep::Expire);
    assert_eq!(shop.win(ask(3)).0.unit, hidden.unit, "nobody has seen it");
    shop.commit();
    shop.step(Seq(2), OrderStep::Pay);
    shop.step(Seq(2), OrderStep::OweRefund);
    for _ in 0..2 {
        assert_eq!(shop.supply(SEAT), (1, 1, 0));
        assert_eq!(shop.counts().types[0].supply.total, 2, "the total shrinks");
        shop.impossible(Seq(2), OrderStep::OweRefund);
        shop.recover();
    }
    shop.step(Seq(2), OrderStep::Refund);
    assert_eq!(shop.win(ask(4)).0.unit, UnitNo(2));
    shop.held_by_others(ask(5));
    shop.commit();
    shop.recover();
    assert_eq!(shop.supply(SEAT), (0, 2, 0));
    assert_eq!(shop.stock.order(OrderNo { activity: ONE, seq: Seq(2) })[0].claim.unit, UnitNo(1));
    assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS)));
}

/// A refunded plain unit has no code that anybody could have seen.
pub fn a_refunded_plain_unit_is_sold_again(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    for user in 1..=3 {
        let claim = shop.win(ask(user)).0;
        assert_eq!(claim.unit, UnitNo(0));
        assert_eq!(shop.no(ask(9)).0, Refusal::SoldOut);
        shop.commit();
        shop.step(claim.seq, OrderStep::OweRefund);
        assert_eq!((shop.supply(SEAT), shop.counts().sold_out_at), ((1, 0, 0), None));
        shop.recover();
        shop.step(claim.seq, OrderStep::Refund);
        assert_eq!(shop.supply(SEAT), (1, 0, 0));
    }
}

/// Promise 3: held and paid units count, others do not; a new line gets the lowest ordinal that is free.
pub fn limits_count_what_is_live(new: New) {
    let mut limited = priced(&[(9, 3), (9, 3)]);
    limited.activity.limit_per_user = Some(4);
    let shop = Shop::open(new, &[limited]);
    let take = |kind: TypeNo| {
        let claim = shop.win(ClaimAsk { items: one(kind), ..ask(1) }).0;
        shop.commit();
        (claim.ordinal_in_type, claim.ordinal_in_activity)
    };
    assert_eq!([SEAT, BOX, SEAT, SEAT].map(take), [(1, 1), (1, 2), (2, 3), (3, 4)]);
    let (refusal, _, had) = shop.no(ask(1));
    assert_eq!((refusal, had.len()), (Refusal::LimitReached, 4));
    shop.step(Seq(1), OrderStep::Cancel);
    shop.step(Seq(3), OrderStep::Pay);
    shop.recover();
    assert_eq!(take(SEAT), (1, 1), "the lowest that is not in use");
    let (refusal, _, had) = shop.no(ask(1));
    let seqs: Vec<u32> = had.iter().map(|claim| claim.seq.0).collect();
    assert_eq!((refusal, seqs), (Refusal::LimitReached, vec![2, 3, 4, 5]), "live ones only");
    shop.step(Seq(2), OrderStep::Expire);
    shop.step(Seq(3), OrderStep::OweRefund);
    assert_eq!([BOX, BOX].map(take), [(1, 2), (2, 3)]);
    assert_eq!(shop.no(ask(1)).0, Refusal::LimitReached);
    shop.recover();
    let all: Vec<u32> =
        shop.lines_of(ONE, ask(1).user).iter().map(|line| line.claim.seq.0).collect();
    assert_eq!(all, [7, 6, 5, 4, 3, 2, 1], "whatever became of them");
}

/// Promise 6: the key of an order that is over still finds it, as it stands.
pub fn a_key_finds_its_order_whatever_became_of_it(new: New) {
    let shop = Shop::open(new, &[priced(&[(9, 1)])]);
    let keyed = |number| ClaimAsk { key: key(number), ..ask(1) };
    for number in 1..=20 {
        let (claim, _) = shop.win(keyed(number));
        shop.commit();
        shop.step(claim.seq, OrderStep::Cancel);
        assert_eq!(shop.known(keyed(number)).0, claim);
        assert_eq!(shop.known(keyed(1)).0.seq, Seq(1));
        if number % 7 == 0 {
            shop.recover();
        }
    }
    assert_eq!(shop.supply(SEAT), (9, 0, 0));
}

/// A payment that came too late asks past window and pause, and past nothing else.
pub fn a_late_payment_may_have_its_units_after_the_end(new: New) {
    let shop = Shop::open(new, &[priced(&[(1, 1)])]);
    let late = |user| ClaimAsk { late: true, now: TimeMs(ENDS + 5), key: key(9), ..ask(user) };
    shop.event(EventKind::Paused);
    let order = shop.order(late(1));
    assert_eq!(order.pay_by, Some(TimeMs(ENDS + 5 + PAY_MS)));
    assert_eq!(shop.known(late(1)).0, order.claim);
    assert_eq!(shop.no(ask(2)).0, Refusal::Ended);
    shop.held_by_others(late(2));
    shop.event(EventKind::Closed);
    assert_eq!(shop.no(late(2)).0, Refusal::Ended);
}

pub fn what_is_due_is_durable_and_comes_earliest_first(new: New) {
    let shop = Shop::open(new, &[priced(&[(9, 9)])]);
    let deadline = |ms: u64| OPENS + ms + PAY_MS;
    let orders: Vec<_> = [10, 20, 20, 40].map(|ms| shop.order(at(1, ms)).claim.order()).into();
    assert_eq!((shop.due(u64::MAX), shop.stock.any_unpaid()), (Vec::new(), false), "all pending");
    shop.commit();
    assert!(shop.stock.any_unpaid());
    shop.win(at(1, 41));
    let due = |by| shop.due(by).iter().map(|due| due.order).collect::<Vec<_>>();
    let rows = [(deadline(9), 0), (deadline(10), 1), (deadline(39), 3), (u64::MAX, 4)];
    for (by, count) in rows {
        assert_eq!(due(by), orders[..count], "by {by}");
    }
    let mut first = shop.due(deadline(10));
    shop.stock.due(TimeMs(u64::MAX), &mut first, 2);
    assert_eq!(first.len(), 3, "two more, to what was there");
    assert_eq!(first[0].pay_by, TimeMs(deadline(10)));
    shop.step(Seq(1), OrderStep::Pay);
    shop.step(Seq(2), OrderStep::Cancel);
    assert_eq!(due(u64::MAX), orders[2..]);
    shop.recover();
    assert_eq!(due(u64::MAX), orders[2..], "deadlines survive");
    for order in &orders[2..] {
        shop.step(order.seq, OrderStep::Expire);
    }
    assert_eq!((due(u64::MAX), shop.stock.any_unpaid()), (Vec::new(), false));
}

/// Deadlines are what the load says: it knows by how much they were moved.
pub fn a_load_moves_deadlines(new: New) {
    let shop = Shop::open(new, &[priced(&[(1, 1)])]);
    let claim = shop.win(ask(1)).0;
    shop.commit();
    let moved = TimeMs(OPENS + PAY_MS + 60_000);
    let mut loading = shop.stock.load(Epoch(2));
    loading.activity(priced(&[(1, 1)])).unwrap();
    loading.claim(claim, OrderState::Held, Some(moved)).unwrap();
    loading.finish();
    assert_eq!(shop.due(moved.0 - 1), []);
    assert_eq!(shop.due(moved.0)[0].pay_by, moved);
    assert_eq!(shop.held_by_others(ask(2)), moved);
}

/// Every activity gets its turn, however many holds another one has.
pub fn no_activity_keeps_another_from_what_is_due(new: New) {
    let many = priced(&[(50, 50)]);
    let few = stock::ActivitySetup { no: super::world::TWO, ..many.clone() };
    let shop = Shop::open(new, &[many, few]);
    for _ in 0..50 {
        shop.win(ask(1));
    }
    shop.win(ClaimAsk { activity: super::world::TWO, ..ask(1) });
    shop.commit();
    let mut seen = Vec::new();
    for _ in 0..3 {
        shop.stock.due(TimeMs(u64::MAX), &mut seen, 10);
    }
    assert!(seen.iter().any(|due| due.order.activity == super::world::TWO), "{seen:?}");
}

/// What is released in one second is back in one second: nothing here looks at all holds for each of them.
pub fn a_hundred_thousand_holds_expire_quickly(new: New) {
    const HOLDS: u32 = 100_000;
    let mut disk = Disk::new(priced(&[(HOLDS, 1)]));
    let shop = Shop::open(new, &[disk.setup.clone()]);
    let mut batch = Vec::new();
    for user in 1..=HOLDS {
        super::world::wait(shop.stock.claim(&ask(user))).unwrap();
        if user % 1000 == 0 {
            batch.clear();
            let through = shop.stock.take_pending(&mut batch, 0);
            shop.stock.confirm(&batch, through);
            disk.claims.extend(&batch);
        }
    }
    let begun = Instant::now();
    let (mut due, mut rounds) = (Vec::new(), 0);
    loop {
        due.clear();
        shop.stock.due(TimeMs(ENDS), &mut due, 500);
        if due.is_empty() {
            break;
        }
        rounds += 1;
        for one in &due {
            let kind = EventKind::Order { order: one.order.seq, step: OrderStep::Expire };
            shop.stock.apply(&shop.next_event(kind)).unwrap();
        }
        assert_eq!(shop.counts().types[0].supply.available, rounds * 500);
    }
    let took = begun.elapsed();
    assert_eq!((rounds, shop.supply(SEAT)), (HOLDS / 500, (HOLDS, 0, 0)));
    // With a scan it would take minutes; without one it is some 0.1 s where nothing is optimised.
    assert!(took < Duration::from_secs(10), "{took:?}");
    disk.states = (1..=HOLDS).map(|seq| (Seq(seq), OrderState::Expired)).collect();
    load(&*shop.stock, Epoch(2), &[disk]);
    assert_eq!(shop.supply(SEAT), (HOLDS, 0, 0));
}

/// The kinds are those of the contract: a free order is paid at once.
pub fn a_free_order_is_paid_at_once(new: New) {
    for kind in [UnitKind::Plain, UnitKind::Codes] {
        let mut free = setup(&[(1, 1)]);
        free.activity.types[0].kind = kind;
        let shop = Shop::open(new, &[free]);
        let order = shop.order(ask(1));
        assert_eq!((order.state, order.pay_by), (OrderState::Paid, None));
        shop.commit();
        assert_eq!(shop.unpaid_and_waiting(SEAT), (0, 0));
        for step in [OrderStep::Pay, OrderStep::Cancel, OrderStep::Expire, OrderStep::Refund] {
            shop.impossible(Seq(1), step);
        }
    }
}
