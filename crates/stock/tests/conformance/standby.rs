//! The waiting line: a unit that comes back is offered to the first in line, and only an empty line gives it to
//! the open sale (C22). An offer is a claim like any other.

use super::world::{
    BOX, ENDS, New, OFFER_MS, ONE, OPENS, PAY_MS, Room, SEAT, Shop, ask, load_at, one, priced,
    setup,
};
use rules::{
    Claim, Epoch, EventKind, JoinNo, OrderState, OrderStep, Refusal, Seq, TimeMs, TypeNo, UnitNo,
    UserNo,
};
use stock::{ClaimAsk, InLine, Place, StockFault};

/// So many units, all held by users from 101 on, durably: order n is that of user 100 + n.
fn all_held(new: New, units: u32) -> Shop {
    let shop = Shop::open(new, &[priced(&[(units, 2)])]);
    for user in 101..=100 + units {
        shop.win(ask(user));
        shop.commit();
    }
    shop
}

/// Who was offered what, in the order of the queue.
fn offers(shop: &Shop) -> Vec<(u32, u32)> {
    let (claims, through) = shop.drain();
    assert!(claims.iter().all(|claim| claim.offer.is_some() && claim.lines == 1));
    shop.write(&claims, through);
    claims.iter().map(|claim: &Claim| (claim.user.0, claim.unit.0)).collect()
}

/// C22: it goes to the first in line, as a hold of their own time, and never to whoever asks fastest.
pub fn a_returned_unit_goes_to_the_first_in_line(new: New) {
    let shop = all_held(new, 1);
    let joins = [1, 2].map(|user| shop.line_up(user));
    let place = |user| shop.in_line(user).map(|place| (place.join, place.ahead));
    assert_eq!([1, 2, 3].map(place), [Some((joins[0], 0)), Some((joins[1], 1)), None]);
    let kind = EventKind::Order { order: Seq(1), step: OrderStep::Expire };
    shop.event_at(OPENS + 50, kind);
    shop.held_by_others(ask(9));
    let offer = shop.stock.claim_at(ONE, Seq(2)).unwrap();
    assert_eq!((offer.claim.user, offer.claim.offer), (UserNo(1), Some(joins[0])));
    assert_eq!(offer.claim.decided_at, TimeMs(OPENS + 50), "not before its unit came back");
    assert_eq!(offer.pay_by, Some(TimeMs(OPENS + 50 + OFFER_MS)), "and held for its own time");
    assert_eq!((place(1), place(2)), (None, Some((joins[1], 0))));
    assert_eq!(shop.unpaid_and_waiting(SEAT), (1, 1));
    assert_eq!(offers(&shop), [(1, 0)]);
    assert_eq!(shop.due(OPENS + 50 + OFFER_MS).len(), 1);
    shop.step(Seq(2), OrderStep::Expire);
    assert_eq!(offers(&shop), [(2, 0)], "then to the next");
    shop.step(Seq(3), OrderStep::Cancel);
    assert_eq!((offers(&shop), shop.supply(SEAT)), (Vec::new(), (1, 0, 0)));
    assert_eq!(shop.win(ask(9)).0.unit, UnitNo(0), "an empty line: the open sale");
}

/// C22: several returns, offers and people who leave, all at once.
pub fn returns_offers_and_leavers_keep_the_order(new: New) {
    let shop = all_held(new, 6);
    let joins: Vec<JoinNo> = (1..=9).map(|user| shop.line_up(user)).collect();
    shop.leave_line(2, joins[1]);
    shop.step(Seq(4), OrderStep::Cancel);
    shop.leave_line(4, joins[3]);
    shop.leave_line(1, joins[0]);
    shop.step(Seq(6), OrderStep::Expire);
    shop.step(Seq(1), OrderStep::Cancel);
    assert_eq!(offers(&shop), [(1, 3), (3, 5), (5, 0)]);
    assert_eq!(shop.in_line(6), Some(InLine { join: joins[5], ahead: 0 }));
    let again = shop.line_up(2);
    assert_eq!(shop.line_up(7), JoinNo(rules::EventNo(again.0.0 + 1)));
    assert_eq!(shop.in_line(7).unwrap().join, joins[6], "who waits keeps their place");
    assert_eq!(shop.in_line(2), Some(InLine { join: again, ahead: 4 }), "who left is last");
    for seq in [2, 3, 5, 7, 8] {
        shop.step(Seq(seq), OrderStep::Expire);
    }
    assert_eq!(offers(&shop).iter().map(|(user, _)| *user).collect::<Vec<_>>(), [6, 7, 8, 9, 2]);
    assert_eq!(shop.unpaid_and_waiting(SEAT), (6, 0));
}

pub fn new_units_and_units_that_were_set_aside_are_offered_too(new: New) {
    let shop = Shop::open(new, &[setup(&[(2, 1)])]);
    shop.win(ask(101));
    shop.commit();
    let aside = shop.stock.take_back(ONE, SEAT, 1).unwrap();
    for user in [1, 2, 3] {
        shop.line_up(user);
    }
    shop.stock.undo_take_back(ONE, SEAT, &aside);
    assert_eq!(offers(&shop), [(1, 1)]);
    shop.event(EventKind::UnitsAdded { ticket_type: SEAT, units: 2..3 });
    assert_eq!(offers(&shop), [(2, 2)]);
    assert_eq!(shop.supply(SEAT), (0, 0, 3), "what is free needs no payment");
    shop.step(Seq(1), OrderStep::OweRefund);
    assert_eq!(offers(&shop), [(3, 0)]);
}

pub fn somebody_who_lines_up_while_a_unit_is_free_is_offered_it(new: New) {
    let shop = Shop::open(new, &[priced(&[(1, 1)])]);
    shop.line_up(1);
    assert_eq!((offers(&shop), shop.in_line(1)), (vec![(1, 0)], None));
}

/// Whom the rules refuse a unit keeps their place, and is offered one when they may have it.
pub fn whom_the_limit_refuses_is_passed_over(new: New) {
    let mut limited = priced(&[(3, 9), (9, 9)]);
    limited.activity.limit_per_user = Some(1);
    let shop = Shop::open(new, &[limited.clone()]);
    for user in [101, 102, 103] {
        shop.win(ask(user));
    }
    let other = shop.win(ClaimAsk { items: one(BOX), ..ask(1) }).0;
    shop.commit();
    for user in [1, 2, 3] {
        shop.line_up(user);
    }
    shop.step(Seq(1), OrderStep::Cancel);
    assert_eq!(offers(&shop), [(2, 0)]);
    assert_eq!(shop.in_line(1).unwrap().ahead, 0);
    assert_eq!(shop.in_line(3).unwrap().ahead, 1, "who was passed over is still before them");
    shop.step(other.seq, OrderStep::Cancel);
    assert_eq!(offers(&shop), [], "nothing is free");
    shop.step(Seq(2), OrderStep::Cancel);
    assert_eq!(offers(&shop), [(1, 1)]);
    shop.win(ClaimAsk { items: one(BOX), ..ask(3) });
    shop.commit();
    shop.step(Seq(3), OrderStep::Cancel);
    assert_eq!(shop.supply(SEAT), (1, 2, 0), "the rules refuse it to everybody who waits");
    limited.activity.limit_per_user = Some(2);
    shop.event(EventKind::Changed(Box::new(limited.activity)));
    assert_eq!(offers(&shop), [(3, 2)], "another limit is another question");
}

/// While claims are not taken nothing is offered; when they are again, those in line come before anybody else.
pub fn nothing_is_offered_while_claims_are_not_taken(new: New) {
    let shop = all_held(new, 3);
    for user in [1, 2, 3] {
        shop.line_up(user);
    }
    shop.event(EventKind::Paused);
    shop.step(Seq(1), OrderStep::Expire);
    assert_eq!((offers(&shop), shop.supply(SEAT)), (Vec::new(), (1, 2, 0)));
    assert_eq!(shop.no(ask(9)).0, Refusal::Paused);
    shop.event(EventKind::Resumed);
    assert_eq!(offers(&shop), [(1, 0)]);
    shop.event_at(ENDS, EventKind::Order { order: Seq(2), step: OrderStep::Expire });
    assert_eq!((offers(&shop), shop.supply(SEAT)), (Vec::new(), (1, 2, 0)), "it is over");
    let mut longer = priced(&[(3, 2)]).activity;
    longer.window = rules::Window::new(TimeMs(OPENS), TimeMs(ENDS + 9)).unwrap();
    shop.event(EventKind::Changed(Box::new(longer)));
    assert_eq!(offers(&shop), [(2, 1)]);
    shop.event(EventKind::Closed);
    shop.step(Seq(3), OrderStep::Expire);
    assert_eq!(offers(&shop), [], "closed for good");
}

/// A claim brings the moment at which the line may be served: it is served before that claim.
pub fn a_claim_never_overtakes_those_in_line(new: New) {
    let mut disk = super::world::Disk::new(priced(&[(1, 1)]));
    disk.setup.line.push((JoinNo(rules::EventNo(5)), SEAT, UserNo(1)));
    disk.setup.through = rules::EventNo(5);
    let stock = new();
    super::world::load(&*stock, Epoch(1), &[disk]);
    let counts = || stock.counts(ONE, TimeMs(ENDS)).unwrap().types[0];
    assert_eq!((counts().supply.available, counts().waiting), (1, 1), "no moment is known yet");
    let decided = super::world::wait(stock.claim(&ask(9)));
    let refused = Refusal::HeldByOthers;
    assert!(
        matches!(decided, Ok(stock::Decision::Refused { refusal, .. }) if refusal == refused),
        "{decided:?}"
    );
    assert_eq!(stock.claim_at(ONE, Seq(1)).unwrap().claim.user, UserNo(1));
}

/// Promise 9: the line is read anew, offers that were written are in it no more, others are made again.
pub fn the_line_survives_a_load(new: New) {
    let shop = all_held(new, 3);
    let joins = [1, 2, 3, 4].map(|user| shop.line_up(user));
    shop.step(Seq(1), OrderStep::Expire);
    assert_eq!(offers(&shop), [(1, 0)]);
    shop.step(Seq(2), OrderStep::Expire);
    assert_eq!(shop.in_line(2), None);
    // The offer to user 2 is not written, and the stock forgets it.
    let disks = shop.disks.lock().unwrap().clone();
    let now = TimeMs(OPENS + 9000);
    load_at(&*shop.stock, Epoch(2), now, &disks);
    let again = shop.stock.claim_at(ONE, Seq(5)).unwrap();
    assert_eq!((again.claim.user, again.claim.offer), (UserNo(2), Some(joins[1])));
    assert_eq!(again.pay_by, Some(TimeMs(now.0 + OFFER_MS)), "it has its whole time");
    assert_eq!(again.claim.epoch, Epoch(2));
    assert_eq!([3, 4].map(|user| shop.in_line(user).unwrap().ahead), [0, 1]);
    assert_eq!(offers(&shop), [(2, 1)]);
    shop.step(Seq(3), OrderStep::Cancel);
    assert_eq!(offers(&shop), [(3, 2)]);
    // Whoever was offered a unit may join anew; an old place is not offered again.
    let anew = shop.line_up(1);
    shop.recover();
    assert_eq!(shop.in_line(1), Some(InLine { join: anew, ahead: 1 }));
}

/// C12: a full queue keeps the unit for the line until there is room. Run with `Room::NARROW`.
pub fn a_full_queue_offers_later(new: New) {
    let shop = all_held(new, 6);
    for user in [1, 2, 3, 4, 5] {
        shop.line_up(user);
    }
    for seq in 1..=5 {
        shop.step(Seq(seq), OrderStep::Expire);
    }
    assert_eq!((shop.stock.pending(), shop.supply(SEAT)), (Room::NARROW.claims, (1, 5, 0)));
    assert_eq!(shop.claim(ask(9)), Err(StockFault::Full), "what is free is theirs");
    assert_eq!(shop.in_line(5).unwrap().ahead, 0);
    assert_eq!(shop.due(0), []);
    assert_eq!(shop.stock.pending(), Room::NARROW.claims, "there is still no room");
    assert_eq!(offers(&shop).len(), 4);
    assert_eq!(shop.due(0), []);
    assert_eq!(offers(&shop), [(5, 4)]);
}

pub fn an_offer_that_is_withdrawn_is_made_again(new: New) {
    let shop = all_held(new, 1);
    let join = shop.line_up(1);
    shop.line_up(2);
    shop.step(Seq(1), OrderStep::Expire);
    let (claims, _) = shop.drain();
    assert!(shop.stock.withdraw(&claims[0]));
    shop.balanced();
    let (again, _) = shop.drain();
    assert_eq!((again[0].user, again[0].offer, again[0].seq), (UserNo(1), Some(join), Seq(3)));
    assert_eq!(shop.in_line(2).unwrap().ahead, 0);
}

pub fn who_may_line_up(new: New) {
    let mut mixed = priced(&[(1, 1), (1, 1)]);
    mixed.activity.has_roster = true;
    mixed.roster = (1..100).map(UserNo).collect();
    let shop = Shop::open(new, &[mixed.clone()]);
    let may_at = |user, now| shop.stock.may_line_up(ONE, SEAT, UserNo(user), TimeMs(now));
    assert_eq!(may_at(1, OPENS), Err(None), "a unit is free: claim it");
    shop.win(ask(1));
    shop.commit();
    let rows = [
        (1, OPENS, Err(Some(Refusal::LimitReached))),
        (2, OPENS, Ok(())),
        (2, OPENS - 1, Ok(())),
        (100, OPENS, Err(Some(Refusal::NotEligible))),
        (2, ENDS, Err(Some(Refusal::Ended))),
    ];
    for (user, now, expected) in rows {
        assert_eq!(may_at(user, now), expected, "user {user} at {now}");
    }
    assert_eq!(shop.stock.may_line_up(ONE, TypeNo(2), UserNo(2), TimeMs(OPENS)), Err(None));
    shop.event(EventKind::Paused);
    assert_eq!(may_at(2, OPENS), Err(Some(Refusal::Paused)));
    shop.line_up(2);
    shop.step(Seq(1), OrderStep::Cancel);
    assert_eq!(may_at(2, OPENS), Err(Some(Refusal::Paused)));
    shop.event(EventKind::Resumed);
    assert_eq!(may_at(1, OPENS), Ok(()), "they gave it back");
    mixed.activity.standby = false;
    shop.event(EventKind::Changed(Box::new(mixed.activity)));
    assert_eq!(may_at(3, OPENS), Err(None), "nobody may");
}

/// A place is counted, not walked to: with a long line it is known as quickly as with a short one.
pub fn a_long_line_is_served_in_order_without_a_scan(new: New) {
    const PEOPLE: u32 = 20_000;
    let shop = all_held(new, 1);
    let begun = std::time::Instant::now();
    let join = |user| {
        let kind = EventKind::LinedUp { ticket_type: SEAT, user: UserNo(user) };
        let event = shop.next_event(kind);
        shop.stock.apply(&event).unwrap();
        JoinNo(event.no)
    };
    let joins: Vec<JoinNo> = (1..=PEOPLE).map(join).collect();
    for user in (1..=PEOPLE).step_by(2) {
        let ticket_type = SEAT;
        let (user, join) = (UserNo(user), joins[user as usize - 1]);
        shop.stock
            .apply(&shop.next_event(EventKind::LeftLine { ticket_type, user, join }))
            .unwrap();
    }
    for user in (2..=PEOPLE).step_by(2) {
        assert_eq!(shop.in_line(user).unwrap().ahead, user / 2 - 1);
    }
    for turn in 1..=PEOPLE / 2 {
        let kind = EventKind::Order { order: Seq(turn), step: OrderStep::Expire };
        shop.stock.apply(&shop.next_event(kind)).unwrap();
        let (claims, through) = shop.drain();
        assert_eq!(claims[0].user, UserNo(turn * 2), "the first who is left");
        shop.stock.confirm(&claims, through);
    }
    assert_eq!(shop.unpaid_and_waiting(SEAT), (1, 0));
    let took = begun.elapsed();
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}

pub fn an_offer_ends_like_any_other_order(new: New) {
    let shop = all_held(new, 1);
    shop.line_up(1);
    shop.step(Seq(1), OrderStep::Cancel);
    assert_eq!(offers(&shop), [(1, 0)]);
    shop.step(Seq(2), OrderStep::Pay);
    assert_eq!(shop.supply(SEAT), (0, 0, 1));
    let line = shop.lines_of(ONE, UserNo(1))[0];
    assert_eq!((line.state, line.place), (OrderState::Paid, Place::DURABLE));
    const { assert!(OFFER_MS < PAY_MS) };
    assert_eq!(shop.no(ask(9)).0, Refusal::SoldOut);
}

/// C17, C22: a late payment comes behind those in line. While a pause keeps them waiting, what is free is theirs.
pub fn a_late_payment_comes_behind_those_in_line(new: New) {
    let shop = all_held(new, 3);
    shop.event(EventKind::Paused);
    let joins = [1, 2].map(|user| shop.line_up(user));
    shop.step(Seq(1), OrderStep::Expire);
    let late = |user, ms| ClaimAsk { late: true, now: TimeMs(OPENS + ms), ..ask(user) };
    shop.held_by_others(late(9, 5));
    shop.step(Seq(2), OrderStep::Expire);
    shop.held_by_others(late(9, 5));
    shop.step(Seq(3), OrderStep::Expire);
    assert_eq!(shop.supply(SEAT), (3, 0, 0), "one more than those who wait");
    assert_eq!(shop.win(late(9, 5)).0.user, UserNo(9));
    shop.held_by_others(late(8, 5));
    shop.recover();
    shop.leave_line(1, joins[0]);
    assert_eq!(shop.supply(SEAT), (3, 0, 0), "what was not written is forgotten");
    assert_eq!(shop.win(late(9, 5)).0.user, UserNo(9));
    shop.event(EventKind::Resumed);
    assert_eq!(shop.in_line(2), None, "their unit was kept for them");
}

/// A line that is over keeps nothing from anybody: nobody in it is offered anything any more.
pub fn a_late_payment_does_not_wait_for_a_line_that_is_over(new: New) {
    let shop = all_held(new, 1);
    shop.event(EventKind::Paused);
    shop.line_up(1);
    shop.step(Seq(1), OrderStep::Expire);
    let late = |now| ClaimAsk { late: true, now: TimeMs(now), ..ask(9) };
    assert_eq!(shop.no(late(ENDS - 1)).0, Refusal::SoldOut);
    shop.win(late(ENDS));
}
