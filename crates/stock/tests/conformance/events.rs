//! Events: what operators did reaches the stock after the ledger, in order, each number once.
//! What an event changed counts for the very next claim.

use super::world::{BOX, New, ONE, OPENS, SEAT, Shop, ask, one, setup};
use rules::{Event, EventKind, EventNo, Refusal, TimeMs, TypeNo, UnitNo, UserNo};
use stock::{ClaimAsk, Conflict, Place};

fn added(units: std::ops::Range<u32>) -> EventKind {
    EventKind::UnitsAdded { ticket_type: SEAT, units }
}

pub fn pause_and_resume_stop_claims_and_let_them_go_on(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9)])]);
    for _ in 0..2 {
        shop.event(EventKind::Paused);
        shop.event(EventKind::Paused);
        assert_eq!(shop.no(ask(1)), (Refusal::Paused, Place::DURABLE, Vec::new()));
        assert!(shop.counts().paused);
        shop.event(EventKind::Resumed);
        shop.win(ask(1));
        assert!(!shop.counts().paused);
    }
}

pub fn a_closed_activity_stays_closed(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9)])]);
    shop.win(ask(1));
    shop.event(EventKind::Closed);
    shop.event(EventKind::Resumed);
    assert_eq!(shop.no(ask(2)), (Refusal::Ended, Place::DURABLE, Vec::new()));
    assert!(shop.counts().closed);
    assert_eq!(shop.commit(), 1, "what was decided before is written and kept");
    assert_eq!(shop.supply(SEAT), (8, 0, 1));
}

/// Events are idempotent by number: a second telling, even of something else, changes nothing.
pub fn an_event_is_applied_once(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 9)])]);
    let first = shop.event(added(1..3));
    let second = shop.event(EventKind::Paused);
    for old in [&first, &second] {
        shop.stock.apply(old).unwrap();
        let other = Event { kind: EventKind::Closed, ..old.clone() };
        shop.stock.apply(&other).unwrap();
    }
    assert_eq!(shop.supply(SEAT), (3, 0, 0));
    assert_eq!((shop.counts().paused, shop.counts().closed), (true, false));
    shop.recover();
    shop.stock.apply(&first).unwrap();
    assert_eq!(shop.supply(SEAT), (3, 0, 0), "a load contains the events before it");
}

/// C7: sold out is over the moment a unit is there, for durable and for pending grounds.
pub fn units_added_clear_sold_out_at_once(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    shop.win(ask(1));
    for (made, commit) in [(1, false), (2, true)] {
        assert_eq!(shop.no(ask(9)).0, Refusal::SoldOut);
        assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS)));
        if commit {
            shop.commit();
        }
        shop.event(added(made..made + 1));
        assert_eq!(shop.counts().sold_out_at, None);
        assert_eq!(shop.win(ask(10 + made)).0.unit, UnitNo(made));
    }
    assert_eq!(shop.counts().supply().total, 3);
}

pub fn sold_out_at_is_when_the_last_unit_went(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 9), (1, 9)])]);
    let at =
        |ms, ticket_type| ClaimAsk { now: TimeMs(OPENS + ms), items: one(ticket_type), ..ask(1) };
    shop.win(at(5, BOX));
    assert_eq!(shop.counts().sold_out_at, None, "one type is left");
    shop.win(at(8, SEAT));
    assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS + 8)));
    shop.commit();
    shop.recover();
    assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS + 8)), "a load remembers");
    shop.event(added(1..2));
    assert_eq!(shop.counts().sold_out_at, None);
    shop.win(at(9, SEAT));
    assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS + 9)));
    let empty = Shop::open(new, &[setup(&[(0, 1)])]);
    assert_eq!(empty.counts().sold_out_at, None, "nothing was ever there to go");
}

pub fn events_that_contradict_the_units_are_conflicts(new: New) {
    let taken_back = |units: Vec<_>| EventKind::UnitsTakenBack {
        ticket_type: SEAT,
        units: units.into_boxed_slice(),
    };
    let rows = [
        added(2..4),
        added(4..5),
        added(0..1),
        taken_back(vec![0..1]),
        taken_back(vec![2..4]),
        taken_back(vec![7..8]),
        EventKind::UnitsAdded { ticket_type: BOX, units: 0..1 },
        EventKind::UnitsTakenBack { ticket_type: BOX, units: Box::new([0..1]) },
    ];
    for kind in rows {
        let shop = Shop::open(new, &[setup(&[(3, 9)])]);
        shop.win(ask(1));
        let event = shop.next_event(kind);
        let ticket_type = match event.kind {
            EventKind::UnitsAdded { ticket_type, .. }
            | EventKind::UnitsTakenBack { ticket_type, .. } => ticket_type,
            _ => TypeNo(u16::MAX),
        };
        let conflict = Conflict::Units(ONE, ticket_type);
        assert_eq!(shop.stock.apply(&event), Err(conflict), "{event:?}");
        shop.balanced();
    }
}

pub fn only_the_roster_may_claim(new: New) {
    let mut rostered = setup(&[(9, 1)]);
    rostered.activity.has_roster = true;
    rostered.roster = [70_000, 3, 9].map(UserNo).to_vec();
    rostered.through = EventNo(0);
    let shop = Shop::open(new, &[rostered]);
    for _ in 0..2 {
        for user in [1, 2, 4, 8, 10, 69_999, 70_001, 1_000_000] {
            assert_eq!(shop.no(ask(user)), (Refusal::NotEligible, Place::DURABLE, Vec::new()));
        }
        shop.recover();
    }
    for user in [3, 9, 70_000] {
        shop.win(ask(user));
    }
}
