//! Limits: one person, one limit, per type and over all types of an activity (promise 3).
//! With several threads, see `threads`.

use super::world::{BOX, New, SEAT, Shop, TWO, ask, one, setup};
use rules::{Claim, Refusal};
use stock::{ActivitySetup, ClaimAsk};

pub fn a_user_gets_the_limit_of_a_type_and_no_more(new: New) {
    for limit in [1, 2, 5] {
        let shop = Shop::open(new, &[setup(&[(100, limit)])]);
        let won: Vec<Claim> = (0..limit).map(|_| shop.win(ask(7)).0).collect();
        for _ in 0..3 {
            let (refusal, _, had) = shop.no(ask(7));
            assert_eq!((refusal, had), (Refusal::LimitReached, won.clone()), "oldest first");
        }
        assert_eq!(shop.supply(SEAT), (100 - limit, limit, 0));
        shop.commit();
        assert_eq!(shop.no(ask(7)).0, Refusal::LimitReached, "sold units count as well");
        shop.win(ask(8));
    }
}

pub fn a_user_gets_the_limit_of_the_activity_over_all_types(new: New) {
    let mut limited = setup(&[(9, 2), (9, 9)]);
    limited.activity.limit_per_user = Some(3);
    let shop = Shop::open(new, &[limited]);
    let seat = ask(1);
    let other = ClaimAsk { items: one(BOX), ..ask(1) };
    shop.win(seat);
    shop.win(other);
    shop.win(seat);
    for more in [seat, other] {
        let (refusal, _, had) = shop.no(more);
        assert_eq!((refusal, had.len()), (Refusal::LimitReached, 3));
    }
    let newest_first: Vec<_> =
        shop.stock.claims_of(seat.activity, seat.user).iter().map(|one| one.claim.seq.0).collect();
    assert_eq!(newest_first, [3, 2, 1]);
}

pub fn ordinals_count_by_type_and_by_activity(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9), (9, 9)])]);
    // (type, n-th of the type, n-th of the activity)
    for (ticket_type, in_type, in_activity) in
        [(SEAT, 1, 1), (SEAT, 2, 2), (BOX, 1, 3), (SEAT, 3, 4), (BOX, 2, 5)]
    {
        let (claim, _) = shop.win(ClaimAsk { items: one(ticket_type), ..ask(1) });
        assert_eq!((claim.ordinal_in_type, claim.ordinal_in_activity), (in_type, in_activity));
        shop.win(ClaimAsk {
            items: one(ticket_type),
            ..ask(u32::from(ticket_type.0) * 100 + in_activity + 10)
        });
    }
}

pub fn one_activity_does_not_limit_another(new: New) {
    let mut limited = setup(&[(9, 1)]);
    limited.activity.limit_per_user = Some(1);
    let second = ActivitySetup { no: TWO, ..limited.clone() };
    let shop = Shop::open(new, &[limited, second]);
    shop.win(ask(1));
    let (claim, _) = shop.win(ClaimAsk { activity: TWO, ..ask(1) });
    assert_eq!((claim.ordinal_in_type, claim.ordinal_in_activity), (1, 1));
    assert_eq!(shop.no(ask(1)).2.len(), 1, "only what the user has in this activity");
}
