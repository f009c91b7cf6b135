//! Bounds: a full queue turns away the newest and drops nothing that it took (C12).
//! Run with `Room::NARROW`.

use super::world::{BOX, New, ONE, OPENS, Room, SEAT, Shop, ask, key, one, setup};
use rules::{Refusal, TimeMs};
use stock::{ClaimAsk, Place, StockFault};

const ROOM: u32 = Room::NARROW.claims as u32;

/// C12, C10: the newest hears of a fault, not of a refusal, and may come again.
pub fn a_full_queue_turns_away_the_newest(new: New) {
    let shop = Shop::open(new, &[setup(&[(100, 9)])]);
    let won: Vec<_> = (1..=ROOM).map(|user| shop.win(ask(user))).collect();
    for _ in 0..2 {
        assert_eq!(shop.claim(ask(50)), Err(StockFault::Full));
    }
    let (claims, _) = shop.drain();
    assert_eq!(claims, won.iter().map(|(claim, _)| *claim).collect::<Vec<_>>(), "none is dropped");
    assert_eq!(shop.claim(ask(50)), Err(StockFault::Full), "taken is not durable");
    assert!(!shop.stock.joined(ONE, ask(50).user), "nothing happened");
    assert_eq!(shop.supply(SEAT), (100 - ROOM, ROOM, 0));
    shop.write(&claims[..1], won[0].1);
    let (next, _) = shop.win(ask(50));
    assert_eq!(next.claim_no.0, ROOM + 1, "no number was lost");
    assert_eq!(shop.claim(ask(51)), Err(StockFault::Full));
    assert_eq!(shop.stock.pending(), u64::from(ROOM));
}

pub fn a_full_queue_still_refuses_and_still_knows_its_claims(new: New) {
    let shop = Shop::open(new, &[setup(&[(ROOM, 1), (9, 9)])]);
    let keyed = ClaimAsk { key: key(1), ..ask(1) };
    let first = shop.win(keyed);
    let places: Vec<Place> = (2..=ROOM).map(|user| shop.win(ask(user)).1).collect();
    assert_eq!(shop.claim(ClaimAsk { items: one(BOX), ..ask(1) }), Err(StockFault::Full));
    assert_eq!(shop.known(keyed), first);
    assert_eq!(shop.no(ask(1)).0, Refusal::LimitReached);
    assert_eq!(shop.no(ask(99)), (Refusal::SoldOut, *places.last().unwrap(), Vec::new()));
}

pub fn a_load_makes_room(new: New) {
    let shop = Shop::open(new, &[setup(&[(100, 9)])]);
    for _ in 0..3 {
        for user in 1..=ROOM {
            shop.win(ask(user));
        }
        assert_eq!(shop.claim(ask(50)), Err(StockFault::Full));
        shop.recover();
        assert_eq!(shop.stock.pending(), 0);
    }
}

pub fn with_no_room_for_a_part_the_next_try_is_recorded(new: New) {
    let shop = Shop::open(new, &[setup(&[(0, 1)])]);
    let room = Room::NARROW.parts as u32;
    for user in 1..=room + 1 {
        assert_eq!(shop.no(ask(user)), (Refusal::SoldOut, Place::DURABLE, Vec::new()));
    }
    let late = ClaimAsk { now: TimeMs(OPENS + 7), ..ask(room + 1) };
    assert!(!shop.stock.joined(ONE, late.user));
    assert_eq!(shop.counts().participants, room);
    assert_eq!(shop.record_parts().len(), Room::NARROW.parts);
    shop.no(late);
    let parts = shop.record_parts();
    assert_eq!((parts.len(), parts[0].user, parts[0].seen_at), (1, late.user, late.now));
    assert!(shop.stock.joined(ONE, late.user));
    assert_eq!(shop.counts().participants, room + 1);
}
