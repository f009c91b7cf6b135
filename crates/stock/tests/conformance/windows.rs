//! Windows: half-open, to the millisecond, judged by the moment of arrival (C5).
//! A type's own window counts instead of its activity's.

use super::world::{BOX, ENDS, New, OPENS, SEAT, Shop, ask, one, setup};
use rules::{EventKind, Refusal, TimeMs, Window};
use stock::{ClaimAsk, Decision, Recorded};

fn outcome(shop: &Shop, ask: ClaimAsk<'_>) -> Option<Refusal> {
    match shop.claim(ask).expect("no fault") {
        Decision::Accepted(_) => None,
        Decision::Refused { refusal, .. } => Some(refusal),
        Decision::Known(Recorded { claim, .. }) => panic!("no key was given: {claim:?}"),
    }
}

/// C5: one millisecond early or late is early or late.
pub fn windows_hold_to_the_millisecond(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9)])]);
    let rows = [
        (0, Some(Refusal::NotStarted)),
        (OPENS - 1, Some(Refusal::NotStarted)),
        (OPENS, None),
        (ENDS - 1, None),
        (ENDS, Some(Refusal::Ended)),
        (u64::MAX, Some(Refusal::Ended)),
    ];
    for (now, expected) in rows {
        assert_eq!(outcome(&shop, ClaimAsk { now: TimeMs(now), ..ask(1) }), expected, "at {now}");
    }
    assert_eq!(shop.supply(SEAT), (7, 2, 0));
}

/// C14: whoever is held up on the way to the stock does not win by a moment that is over for everybody else, and
/// nobody who was let in is followed by someone for whom it is too early.
pub fn a_claim_that_was_held_up_is_judged_by_the_latest_moment(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9)])]);
    let at = |now| ClaimAsk { now: TimeMs(now), ..ask(1) };
    let (ahead, _) = shop.win(at(OPENS + 5));
    let (held_up, _) = shop.win(at(OPENS - 1));
    assert_eq!((ahead.decided_at, held_up.decided_at), (TimeMs(OPENS + 5), TimeMs(OPENS + 5)));
    shop.commit();
    assert_eq!(outcome(&shop, at(ENDS)), Some(Refusal::Ended));
    assert_eq!(outcome(&shop, at(OPENS)), Some(Refusal::Ended));
    shop.recover();
    assert_eq!(outcome(&shop, at(OPENS)), Some(Refusal::Ended), "a load keeps it");
}

/// C5, for sessions inside an activity.
pub fn a_type_may_have_a_window_of_its_own(new: New) {
    let mut sessions = setup(&[(9, 9), (9, 9)]);
    let own = Window::new(TimeMs(OPENS + 10), TimeMs(OPENS + 20)).unwrap();
    sessions.activity.types[1].window = Some(own);
    let shop = Shop::open(new, &[sessions]);
    let rows = [
        (9, None, Some(Refusal::NotStarted)),
        (10, None, None),
        (19, None, None),
        (20, None, Some(Refusal::Ended)),
    ];
    for (ms, seat, session) in rows {
        let now = TimeMs(OPENS + ms);
        assert_eq!(outcome(&shop, ClaimAsk { now, ..ask(1) }), seat);
        assert_eq!(outcome(&shop, ClaimAsk { now, items: one(BOX), ..ask(1) }), session);
    }
}

pub fn a_later_end_counts_at_once(new: New) {
    let first = setup(&[(9, 9)]);
    let mut longer = first.activity.clone();
    longer.window = Window::new(TimeMs(OPENS), TimeMs(ENDS + 1)).unwrap();
    let shop = Shop::open(new, &[first]);
    let late = ClaimAsk { now: TimeMs(ENDS), ..ask(1) };
    assert_eq!(outcome(&shop, late), Some(Refusal::Ended));
    shop.event(EventKind::Changed(Box::new(longer)));
    assert_eq!(outcome(&shop, late), None);
    shop.commit();
    shop.recover();
    assert_eq!(outcome(&shop, late), None, "a load keeps it");
    assert_eq!(shop.no(ClaimAsk { now: TimeMs(ENDS + 1), ..ask(1) }).0, Refusal::Ended);
}
