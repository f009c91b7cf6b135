//! Withdrawing a claim that the ledger does not have and never will: it is as if it had not been decided.
//! Unit, ordinals and key come back together, and nothing else of the order changes.

use super::world::{BOX, New, ONE, SEAT, Shop, ask, key, one, setup};
use rules::{EventKind, Refusal, UnitNo};
use stock::{ClaimAsk, Place};

pub fn unit_ordinals_and_key_come_back_together(new: New) {
    let mut limited = setup(&[(5, 2)]);
    limited.activity.limit_per_user = Some(2);
    let shop = Shop::open(new, &[limited]);
    let keyed = ClaimAsk { key: key(1), ..ask(1) };
    let (first, _) = shop.win(ask(1));
    let (second, _) = shop.win(keyed);
    shop.drain();
    assert!(shop.stock.withdraw(&second));
    shop.balanced();
    assert_eq!(shop.supply(SEAT), (4, 1, 0));
    assert_eq!(shop.stock.claim_at(ONE, second.seq), None);
    let had: Vec<_> = shop.lines_of(ONE, first.user).iter().map(|one| one.claim).collect();
    assert_eq!(had, [first]);
    let (again, _) = shop.win(keyed);
    let of = |claim: rules::Claim| (claim.unit, claim.ordinal_in_type, claim.ordinal_in_activity);
    assert_eq!(of(again), of(second));
    assert!(again.seq > second.seq, "a place in the order is not given twice");
    assert_eq!(shop.known(keyed).0, again);
}

pub fn only_the_newest_undurable_claim_of_a_user_can_be_withdrawn(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9), (9, 9)])]);
    let (older, place) = shop.win(ask(1));
    let (newer, _) = shop.win(ClaimAsk { items: one(BOX), ..ask(1) });
    let (other, _) = shop.win(ask(2));
    let (claims, _) = shop.drain();
    assert!(!shop.stock.withdraw(&older), "a newer claim of the user counts on it");
    assert!(!shop.stock.withdraw(&rules::Claim { unit: UnitNo(8), ..newer }), "another claim");
    assert!(!shop.stock.withdraw(&rules::Claim { seq: rules::Seq(9), ..newer }), "never decided");
    assert_eq!((shop.supply(SEAT), shop.supply(BOX)), ((7, 2, 0), (8, 1, 0)));
    shop.write(&claims[..1], place);
    assert!(shop.stock.withdraw(&newer));
    assert!(!shop.stock.withdraw(&newer), "only once");
    assert!(!shop.stock.withdraw(&older), "what is durable stays");
    assert!(shop.stock.withdraw(&other));
    assert_eq!((shop.supply(SEAT), shop.supply(BOX)), ((8, 0, 1), (9, 0, 0)));
}

pub fn later_claims_become_durable_past_a_withdrawn_one(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 1)])]);
    let won = [1, 2, 3, 4].map(|user| shop.win(ask(user)));
    let (claims, through) = shop.drain();
    assert!(shop.stock.withdraw(&claims[0]));
    assert!(shop.stock.withdraw(&claims[2]));
    shop.stock.confirm(&[claims[1], claims[3]], through);
    shop.balanced();
    assert_eq!((shop.supply(SEAT), shop.stock.pending()), ((7, 0, 2), 0));
    for (claim, _) in [won[1], won[3]] {
        let found = shop.stock.claim_at(ONE, claim.seq).unwrap();
        assert_eq!((found.claim, found.place), (claim, Place::DURABLE));
    }
    let (next, place) = shop.win(ask(1));
    assert_eq!(shop.stock.claim_at(ONE, next.seq).unwrap().place, place);
}

/// C7.
pub fn a_withdrawn_last_unit_clears_sold_out_at_once(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    let (last, _) = shop.win(ask(1));
    shop.drain();
    assert_eq!(shop.no(ask(2)).0, Refusal::SoldOut);
    assert!(shop.counts().sold_out_at.is_some());
    assert!(shop.stock.withdraw(&last));
    assert_eq!(shop.counts().sold_out_at, None);
    assert_eq!(shop.win(ask(2)).0.unit, UnitNo(0));
    assert_eq!(shop.no(ask(1)).0, Refusal::SoldOut);
}

/// C32: a later no rests on the claims that still stand, not on the one that was withdrawn.
pub fn a_withdrawn_claim_is_no_ground(new: New) {
    let shop = Shop::open(new, &[setup(&[(3, 1)])]);
    let (_, place) = shop.win(ask(1));
    shop.win(ask(2));
    let (claims, _) = shop.drain();
    assert!(shop.stock.withdraw(&claims[1]));
    let units = shop.stock.take_back(ONE, SEAT, 2).unwrap();
    shop.event(EventKind::UnitsTakenBack { ticket_type: SEAT, units });
    assert_eq!(shop.no(ask(3)), (Refusal::SoldOut, place, Vec::new()));
    shop.write(&claims[..1], place);
    assert_eq!(shop.no(ask(3)).1, Place::DURABLE);
}
