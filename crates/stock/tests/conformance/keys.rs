//! Keys: a retried claim finds its own first success, for ever (promise 6).
//! Idempotency comes before every rule: a known key is never refused.

use super::world::{BOX, ENDS, New, OPENS, SEAT, Shop, TWO, ask, key, one, setup};
use rules::{EventKind, Refusal, TimeMs};
use stock::{ActivitySetup, ClaimAsk, Place};

/// C2: the winner's retries hear of the winner's claim, 100 times out of 100, before and after it is durable.
pub fn a_retry_finds_its_first_success_every_time(new: New) {
    let shop = Shop::open(new, &[setup(&[(5, 1)])]);
    let keyed = ClaimAsk { key: key(1), ..ask(1) };
    let first = shop.win(keyed);
    for _ in 0..100 {
        assert_eq!(shop.known(keyed), first);
    }
    assert_eq!(shop.no(ask(1)).2, [first.0], "without the key: the limit, with the claim in it");
    shop.commit();
    for _ in 0..100 {
        assert_eq!(shop.known(keyed), (first.0, Place::DURABLE));
    }
    assert_eq!(shop.supply(SEAT), (4, 0, 1));
    assert_eq!(shop.stock.pending(), 0, "nothing more waits for the ledger");
}

/// C9, C2: sold out by the very claim, limit reached, too late, too early again, paused, closed.
pub fn a_known_key_finds_its_claim_whatever_has_changed(new: New) {
    let keyed = ClaimAsk { key: key(u128::MAX), ..ask(1) };
    let at = |ms| ClaimAsk { now: TimeMs(ms), ..keyed };
    let rows: [(ClaimAsk<'_>, Option<EventKind>); 7] = [
        (keyed, None),
        (at(ENDS), None),
        (at(u64::MAX), None),
        (at(OPENS - 1), None),
        (keyed, Some(EventKind::Paused)),
        (keyed, Some(EventKind::Closed)),
        (ClaimAsk { items: one(BOX), ..keyed }, None),
    ];
    for (retry, event) in rows {
        let shop = Shop::open(new, &[setup(&[(1, 1), (1, 1)])]);
        let first = shop.win(keyed);
        event.into_iter().for_each(|kind| drop(shop.event(kind)));
        assert_eq!(shop.known(retry), first, "{retry:?}");
        shop.commit();
        assert_eq!(shop.known(retry), (first.0, Place::DURABLE), "{retry:?}");
        shop.stock.freeze();
        assert_eq!(shop.known(retry), (first.0, Place::DURABLE), "{retry:?} while frozen");
    }
}

pub fn a_key_belongs_to_one_user_and_one_activity(new: New) {
    let second = ActivitySetup { no: TWO, ..setup(&[(9, 9)]) };
    let shop = Shop::open(new, &[setup(&[(9, 9)]), second]);
    let keyed = ClaimAsk { key: key(1), ..ask(1) };
    let others = [
        ClaimAsk { user: ask(2).user, ..keyed },
        ClaimAsk { activity: TWO, ..keyed },
        ClaimAsk { key: key(2), ..keyed },
        ClaimAsk { key: None, ..keyed },
    ];
    let first = shop.win(keyed);
    let won = others.map(|other| shop.win(other));
    assert_eq!(shop.known(keyed), first, "an older claim is found behind newer ones");
    for (other, first) in others.iter().zip(won).filter(|(other, _)| other.key.is_some()) {
        assert_eq!(shop.known(*other), first);
    }
}

pub fn after_a_refusal_the_key_decides_anew(new: New) {
    let shop = Shop::open(new, &[setup(&[(0, 1)])]);
    let keyed = ClaimAsk { key: key(1), ..ask(1) };
    let early = ClaimAsk { now: TimeMs(OPENS - 1), ..keyed };
    assert_eq!(shop.no(early).0, Refusal::NotStarted);
    assert_eq!(shop.no(keyed).0, Refusal::SoldOut);
    shop.event(EventKind::UnitsAdded { ticket_type: SEAT, units: 0..1 });
    let first = shop.win(keyed);
    assert_eq!(shop.known(early), first);
}

pub fn keys_survive_a_load(new: New) {
    let shop = Shop::open(new, &[setup(&[(2, 2)])]);
    let keyed = [key(1), key(2)].map(|key| ClaimAsk { key, ..ask(1) });
    let won = keyed.map(|ask| shop.win(ask).0);
    shop.commit();
    shop.recover();
    for (ask, claim) in keyed.iter().zip(won) {
        assert_eq!(shop.known(*ask), (claim, Place::DURABLE));
    }
}
