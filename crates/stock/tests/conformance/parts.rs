//! Parts: who came, and what became of them, recorded once each and counted under the same lock.
//! Whoever wins is known by the claim; a part is only for those who have won nothing yet.

use super::world::{ENDS, New, ONE, OPENS, SEAT, Shop, ask, setup};
use rules::{EventKind, Part, Refusal, TimeMs};
use stock::ClaimAsk;

fn part(user: u32, seen_at: u64, refusal: Option<Refusal>) -> Part {
    Part { activity: ONE, user: ask(user).user, seen_at: TimeMs(seen_at), refusal }
}

fn at(user: u32, now: u64) -> ClaimAsk<'static> {
    ClaimAsk { now: TimeMs(now), ..ask(user) }
}

pub fn the_first_refusal_other_than_not_started_is_recorded_once(new: New) {
    let shop = Shop::open(new, &[setup(&[(0, 1)])]);
    assert_eq!(shop.no(at(1, OPENS + 5)).0, Refusal::SoldOut);
    assert_eq!(shop.no(at(1, OPENS + 6)).0, Refusal::SoldOut);
    assert_eq!(shop.no(at(1, ENDS)).0, Refusal::Ended);
    assert_eq!(shop.record_parts(), [part(1, OPENS + 5, Some(Refusal::SoldOut))]);
    shop.no(at(1, ENDS));
    assert_eq!(shop.record_parts(), [], "the first one stays");
    assert_eq!(shop.counts().refused, [(Refusal::SoldOut, 1)]);
    assert_eq!(shop.stock.pending(), 0, "parts are no claims");
}

pub fn whoever_came_too_early_is_seen_once_and_may_be_refused_later(new: New) {
    let shop = Shop::open(new, &[setup(&[(0, 1)])]);
    assert!(!shop.stock.joined(ONE, ask(1).user));
    shop.no(at(1, OPENS - 2));
    shop.no(at(1, OPENS - 1));
    assert!(shop.stock.joined(ONE, ask(1).user));
    assert_eq!((shop.counts().participants, shop.counts().refused), (1, Vec::new()));
    shop.no(at(1, OPENS));
    let parts = [part(1, OPENS - 2, None), part(1, OPENS, Some(Refusal::SoldOut))];
    assert_eq!(shop.record_parts(), parts);
    let counts = shop.counts();
    assert_eq!((counts.participants, counts.refused), (1, vec![(Refusal::SoldOut, 1)]));
}

pub fn winners_have_joined_and_need_no_part(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    shop.win(ask(1));
    assert!(shop.stock.joined(ONE, ask(1).user));
    assert_eq!(shop.no(ask(1)).0, Refusal::LimitReached);
    assert_eq!(shop.record_parts(), []);
    let counts = shop.counts();
    assert_eq!((counts.participants, counts.refused), (1, Vec::new()));
    assert!(!shop.stock.joined(ONE, ask(2).user));
}

pub fn everyone_counts_once_by_outcome(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    shop.no(at(5, OPENS - 1));
    shop.win(ask(1));
    for user in [2, 3] {
        shop.no(ask(user));
    }
    shop.event(EventKind::Paused);
    for user in [2, 4] {
        shop.no(ask(user));
    }
    shop.event(EventKind::Resumed);
    let counts = shop.counts();
    let refused = vec![(Refusal::Paused, 1), (Refusal::SoldOut, 2)];
    assert_eq!((counts.participants, counts.refused), (5, refused));
    shop.event(EventKind::UnitsAdded { ticket_type: SEAT, units: 1..2 });
    let (second, _) = shop.win(ask(2));
    assert_eq!(shop.counts().refused, [(Refusal::Paused, 1), (Refusal::SoldOut, 1)]);
    shop.drain();
    assert!(shop.stock.withdraw(&second));
    assert_eq!(shop.counts().refused, [(Refusal::Paused, 1), (Refusal::SoldOut, 2)]);
    assert_eq!(shop.counts().participants, 5);
}

pub fn parts_are_taken_oldest_first(new: New) {
    let shop = Shop::open(new, &[setup(&[(0, 1)])]);
    for user in 1..=5 {
        shop.no(ask(user));
    }
    let mut taken = vec![part(9, 0, None)];
    for (most, expected) in [(0, 1), (2, 3), (2, 5), (2, 6), (2, 6)] {
        shop.stock.take_parts(&mut taken, most);
        assert_eq!(taken.len(), expected);
    }
    let users: Vec<u32> = taken.iter().map(|part| part.user.0).collect();
    assert_eq!(users, [9, 1, 2, 3, 4, 5], "what is taken is added to what is there");
}

pub fn parts_are_loaded(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    shop.no(at(1, OPENS - 1));
    shop.win(ask(2));
    for user in [1, 3, 4] {
        shop.no(ask(user));
    }
    shop.event(EventKind::UnitsAdded { ticket_type: SEAT, units: 1..2 });
    shop.win(ask(3));
    shop.commit();
    shop.record_parts();
    let before = shop.counts();
    shop.recover();
    let after = shop.counts();
    assert_eq!((after.participants, &after.refused), (before.participants, &before.refused));
    assert_eq!((after.participants, after.refused), (4, vec![(Refusal::SoldOut, 2)]));
    for user in [1, 4] {
        shop.no(at(user, ENDS));
    }
    assert_eq!(shop.record_parts(), [], "what is recorded is not recorded again");
    assert!((1..=4).all(|user| shop.stock.joined(ONE, ask(user).user)));
}
