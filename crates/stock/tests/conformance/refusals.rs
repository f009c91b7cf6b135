//! Refusals and their grounds: a no is final only once the claims it rests on are durable (promise 2, C32).
//! A refusal changes no unit, and it never rests on what may still come back.

use super::world::{BOX, ENDS, New, OPENS, SEAT, Shop, ask, key, one, setup};
use rules::{EventKind, Refusal, TimeMs, UserNo, Window};
use stock::{ClaimAsk, Place, StockFault};

/// A sale with a roster of users 1 to 9 in which user 1 has had the only seat of theirs.
fn nearly_over(new: New, made: u32) -> Shop {
    let mut rostered = setup(&[(made, 1)]);
    rostered.activity.has_roster = true;
    rostered.roster = (1..10).map(UserNo).collect();
    let shop = Shop::open(new, &[rostered]);
    shop.win(ask(1));
    shop.commit();
    shop
}

/// The same sale, opening later than it did.
fn put_off(shop: &Shop) {
    let mut later = setup(&[(1, 1)]).activity;
    later.has_roster = true;
    later.window = Window::new(TimeMs(OPENS + 1), TimeMs(ENDS)).unwrap();
    shop.event(EventKind::Changed(Box::new(later)));
}

/// Every refusal at least once; all rest on what is durable.
pub fn refusals_come_in_their_order_of_precedence(new: New) {
    let none: [Option<EventKind>; 2] = [None, None];
    let paused = [Some(EventKind::Paused), None];
    let closed = [Some(EventKind::Paused), Some(EventKind::Closed)];
    // (whether it was put off, the moment, who, what happened, units, the refusal)
    let rows = [
        (false, OPENS, 1, none.clone(), 1, Refusal::LimitReached),
        (false, OPENS, 2, none.clone(), 1, Refusal::SoldOut),
        (false, OPENS, 10, none.clone(), 1, Refusal::NotEligible),
        (false, OPENS, 10, none.clone(), 2, Refusal::NotEligible),
        (true, OPENS, 10, none.clone(), 2, Refusal::NotStarted),
        (true, OPENS, 1, none.clone(), 1, Refusal::NotStarted),
        (true, OPENS, 10, paused.clone(), 2, Refusal::Paused),
        (false, OPENS, 1, paused.clone(), 2, Refusal::Paused),
        (false, OPENS, 2, closed.clone(), 2, Refusal::Ended),
        (true, OPENS, 10, closed, 2, Refusal::Ended),
        (false, ENDS, 10, paused, 2, Refusal::Ended),
        (false, ENDS, 1, none, 2, Refusal::Ended),
    ];
    for (late, now, user, events, made, expected) in rows {
        let shop = nearly_over(new, made);
        if late {
            put_off(&shop);
        }
        events.into_iter().flatten().for_each(|kind| drop(shop.event(kind)));
        let (refusal, grounds, had) = shop.no(ClaimAsk { now: TimeMs(now), ..ask(user) });
        assert_eq!(refusal, expected, "user {user} at {now} of {made}, put off: {late}");
        assert_eq!(grounds, Place::DURABLE);
        assert_eq!(had.len(), usize::from(expected == Refusal::LimitReached));
    }
}

pub fn a_refusal_changes_no_unit(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    shop.win(ask(1));
    for user in [1, 2, 3] {
        shop.no(ask(user));
    }
    assert_eq!(shop.supply(SEAT), (0, 1, 0));
    assert_eq!(shop.drain().0.len(), 1);
    assert!(shop.lines_of(ask(2).activity, ask(2).user).is_empty());
}

/// C32: as long as one of the claims that took the units is not durable, so is the no.
pub fn sold_out_rests_on_the_last_unit_until_it_is_durable(new: New) {
    let shop = Shop::open(new, &[setup(&[(3, 1)])]);
    let places = [1, 2, 3].map(|user| shop.win(ask(user)).1);
    let sold_out = |grounds| (Refusal::SoldOut, grounds, Vec::new());
    assert_eq!(shop.no(ask(9)), sold_out(places[2]));
    let (claims, _) = shop.drain();
    assert_eq!(shop.no(ask(9)), sold_out(places[2]), "handed over is not durable");
    shop.write(&claims[..2], places[1]);
    assert_eq!(shop.no(ask(9)), sold_out(places[2]), "nor is most of it all of it");
    shop.write(&claims[2..], places[2]);
    assert_eq!(shop.no(ask(9)), sold_out(Place::DURABLE));
}

/// C32, C2: a holder hears of the limit with every claim of theirs, once all of these are durable.
pub fn limit_reached_rests_on_the_users_newest_claim(new: New) {
    let shop = Shop::open(new, &[setup(&[(2, 2)])]);
    let (first, place) = shop.win(ask(1));
    let (second, last) = shop.win(ask(1));
    let limit = |grounds| (Refusal::LimitReached, grounds, vec![first, second]);
    assert_eq!(shop.no(ask(1)), limit(last), "and not sold out, though it is");
    let (claims, _) = shop.drain();
    shop.write(&claims[..1], place);
    assert_eq!(shop.no(ask(1)), limit(last));
    shop.write(&claims[1..], last);
    assert_eq!(shop.no(ask(1)), limit(Place::DURABLE));
}

pub fn a_pending_claim_of_another_type_delays_no_sold_out(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1), (5, 5)])]);
    shop.win(ask(1));
    shop.commit();
    let (_, place) = shop.win(ClaimAsk { items: one(BOX), ..ask(2) });
    assert_ne!(place, Place::DURABLE);
    assert_eq!(shop.no(ask(3)), (Refusal::SoldOut, Place::DURABLE, Vec::new()));
}

pub fn a_pending_claim_of_another_user_delays_no_limit(new: New) {
    let shop = Shop::open(new, &[setup(&[(5, 1)])]);
    let (claim, _) = shop.win(ask(1));
    shop.commit();
    shop.win(ask(2));
    assert_eq!(shop.no(ask(1)), (Refusal::LimitReached, Place::DURABLE, vec![claim]));
}

/// C32, C10: while the last free units are set aside and that is not written, "sold out" could be proved
/// wrong and "here you are" could be too: nothing happens until it is settled.
pub fn sold_out_never_rests_on_a_take_back_that_is_not_written(new: New) {
    let shop = Shop::open(new, &[setup(&[(2, 1)])]);
    shop.win(ask(1));
    shop.commit();
    let units = shop.stock.take_back(ask(1).activity, SEAT, 1).unwrap();
    assert_eq!(shop.claim(ask(2)), Err(StockFault::Frozen));
    assert_eq!(shop.no(ask(1)).0, Refusal::LimitReached, "other refusals do not rest on it");
    shop.stock.undo_take_back(ask(1).activity, SEAT, &units);
    shop.win(ask(2));

    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    let units = shop.stock.take_back(ask(1).activity, SEAT, 1).unwrap();
    assert_eq!(shop.claim(ask(2)), Err(StockFault::Frozen));
    shop.event(EventKind::UnitsTakenBack { ticket_type: SEAT, units });
    assert_eq!(shop.no(ask(2)), (Refusal::SoldOut, Place::DURABLE, Vec::new()));
}

/// The paces that operators see are made of these two.
pub fn refusals_and_accepted_claims_are_counted_apart_and_survive_a_load(new: New) {
    let shop = Shop::open(new, &[setup(&[(2, 1)])]);
    let counted = || (shop.counts().accepted, shop.counts().refusals);
    assert_eq!(counted(), (0, 0));
    shop.no(ClaimAsk { now: TimeMs(OPENS - 1), ..ask(9) });
    let (lost, _) = shop.win(ClaimAsk { key: key(1), ..ask(1) });
    shop.known(ClaimAsk { key: key(1), ..ask(1) });
    assert_eq!(counted(), (1, 1), "a known key is neither");
    for _ in 0..3 {
        shop.no(ask(1));
    }
    assert!(shop.stock.withdraw(&lost));
    shop.win(ask(2));
    shop.win(ask(3));
    shop.no(ask(4));
    assert_eq!(counted(), (3, 5), "each no counts, and what was withdrawn was accepted");
    let units = 2..4;
    shop.event(EventKind::UnitsAdded { ticket_type: SEAT, units });
    let units = shop.stock.take_back(ask(4).activity, SEAT, 2).unwrap();
    assert_eq!(shop.claim(ask(4)), Err(StockFault::Frozen));
    shop.event(EventKind::UnitsTakenBack { ticket_type: SEAT, units });
    assert_eq!(counted(), (3, 5), "neither a fault nor a change of the units is an answer");
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    shop.win(ask(1));
    shop.no(ask(2));
    shop.commit();
    shop.recover();
    shop.no(ask(2));
    assert_eq!((shop.counts().accepted, shop.counts().refusals), (1, 2));
}
