//! Limits: one person, one limit, per type and over all types of an activity (promise 3).
//! With several threads, see `threads`.

use super::world::{BOX, New, ONE, SEAT, Shop, TWO, ask, key, one, priced, setup};
use rules::{
    BASKET_UNITS_MAX, Claim, ENDED_LINES_MAX, Item, LIMIT_PER_USER_MAX, OrderStep, Refusal, Seq,
    TypeNo, UserNo,
};
use stock::{ActivitySetup, ClaimAsk, LINES_READ_MAX, Place};

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
        shop.lines_of(seat.activity, seat.user).iter().map(|one| one.claim.seq.0).collect();
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

/// A basket of seats of the greatest size.
const MANY: [Item; 1] = [Item { ticket_type: SEAT, count: BASKET_UNITS_MAX }];

/// Holds a basket of seats and has these steps done to it.
fn hold_and(shop: &Shop, user: u32, count: u8, steps: &[OrderStep]) {
    let items = [Item { count, ..MANY[0] }];
    let (claim, _) = shop.win(ClaimAsk { items: &items, ..ask(user) });
    shop.commit();
    steps.iter().for_each(|step| drop(shop.step(claim.seq, *step)));
}

/// Whoever holds and lets go without end is stopped: each line is kept for ever. It is the same after a load.
pub fn what_was_cancelled_or_expired_is_bounded(new: New) {
    use OrderStep::{Cancel, Expire};
    let shop = Shop::open(new, &[priced(&[(200, 100)])]);
    let one_less = (ENDED_LINES_MAX - 1) % u32::from(BASKET_UNITS_MAX);
    for turn in 0..ENDED_LINES_MAX / u32::from(BASKET_UNITS_MAX) {
        let count = if turn == 0 { one_less as u8 } else { BASKET_UNITS_MAX };
        hold_and(&shop, 1, count, &[if turn % 2 == 0 { Cancel } else { Expire }]);
    }
    hold_and(&shop, 1, BASKET_UNITS_MAX, &[]);
    shop.step(Seq(ENDED_LINES_MAX), Cancel);
    for loaded in [false, true] {
        let refused = (Refusal::LimitReached, Place::DURABLE, Vec::new());
        assert_eq!(shop.no(ask(1)), refused, "loaded: {loaded}");
        let may = shop.stock.may_line_up(ONE, SEAT, UserNo(1), ask(1).now);
        assert_eq!(may, Err(Some(Refusal::LimitReached)));
        shop.recover();
    }
    shop.win(ask(2));
    let late = ClaimAsk { late: true, key: key(1), ..ask(1) };
    assert_eq!(shop.win(late).0.ordinal_in_activity, 1, "who has paid is no new attempt");
    assert_eq!(shop.lines_of(ONE, UserNo(1)).len() as u32, ENDED_LINES_MAX + 100);
}

/// In line they keep their place, and others are offered what they may not have.
pub fn who_gave_back_too_much_is_passed_over_in_line(new: New) {
    let shop = Shop::open(new, &[priced(&[(100, 100)])]);
    for _ in 0..ENDED_LINES_MAX / u32::from(BASKET_UNITS_MAX) {
        hold_and(&shop, 1, BASKET_UNITS_MAX, &[OrderStep::Expire]);
    }
    let join = shop.line_up(1);
    hold_and(&shop, 2, BASKET_UNITS_MAX, &[]);
    let last = shop.stock.live_of(ONE, UserNo(2))[0].claim.seq;
    shop.line_up(3);
    shop.step(last, OrderStep::Cancel);
    let (offers, _) = shop.drain();
    assert_eq!(offers.iter().map(|claim| claim.user).collect::<Vec<_>>(), [UserNo(3)]);
    assert_eq!(shop.in_line(1).map(|place| place.join), Some(join));
}

/// What was refunded had been theirs, and what was withdrawn never was: neither counts.
pub fn what_was_refunded_or_withdrawn_is_no_attempt(new: New) {
    use OrderStep::{OweRefund, Pay, Refund};
    let shop = Shop::open(new, &[priced(&[(200, 100)])]);
    for turn in 0..11 {
        let steps: &[OrderStep] =
            if turn % 2 == 0 { &[Pay, OweRefund] } else { &[Pay, OweRefund, Refund] };
        hold_and(&shop, 1, BASKET_UNITS_MAX, steps);
    }
    shop.recover();
    for _ in 0..11 {
        let (claim, _) = shop.win(ClaimAsk { items: &MANY, ..ask(1) });
        assert!(shop.stock.withdraw(&claim));
    }
    shop.win(ClaimAsk { items: &MANY, ..ask(1) });
}

/// Where an activity sets no limit there is one all the same: that of the numbers it is counted in.
pub fn many_types_without_a_limit_together_have_the_greatest(new: New) {
    let shop = Shop::open(new, &[setup(&[(2_000, LIMIT_PER_USER_MAX); 7])]);
    let most = LIMIT_PER_USER_MAX / u32::from(BASKET_UNITS_MAX);
    let basket = |turn: u32| [Item { ticket_type: TypeNo((turn % 7) as u16), ..MANY[0] }];
    for turn in 0..most {
        shop.win(ClaimAsk { items: &basket(turn), ..ask(1) });
    }
    shop.commit();
    for ticket_type in (0..7).map(TypeNo) {
        let items = [Item { ticket_type, count: 1 }];
        let (refusal, grounds, had) = shop.no(ClaimAsk { items: &items, ..ask(1) });
        assert_eq!((refusal, grounds), (Refusal::LimitReached, Place::DURABLE));
        assert_eq!(had.len() as u32, LIMIT_PER_USER_MAX);
    }
    shop.recover();
    assert_eq!(shop.no(ask(1)).0, Refusal::LimitReached);
    shop.win(ask(2));
}

/// A long history is read in pages, from the newest line, and each page goes on where the last one ended.
pub fn lines_are_read_in_pages(new: New) {
    let shop = Shop::open(new, &[priced(&[(600, 600)])]);
    for turn in 0..5 {
        hold_and(&shop, 1, BASKET_UNITS_MAX, if turn < 3 { &[OrderStep::Cancel] } else { &[] });
        shop.win(ask(2));
    }
    let page = |before, most| shop.stock.claims_of(ONE, UserNo(1), before, most);
    let seqs = |before: Option<u32>, most| -> Vec<u32> {
        page(before.map(Seq), most).iter().map(|line| line.claim.seq.0).collect()
    };
    // Orders 1 to 100, 102 to 201, 203 to 302, 304 to 403 and 405 to 504; between them stands somebody else's line.
    let rows: [(Option<u32>, usize, &[u32]); 7] = [
        (None, 0, &[]),
        (None, 3, &[504, 503, 502]),
        (Some(502), 2, &[501, 500]),
        (Some(405), 2, &[403, 402]),
        (Some(404), 2, &[403, 402]),
        (Some(3), 9, &[2, 1]),
        (Some(1), 9, &[]),
    ];
    for (before, most, expected) in rows {
        assert_eq!(seqs(before, most), expected, "{most} before {before:?}");
    }
    assert_eq!(page(None, LINES_READ_MAX).len(), LINES_READ_MAX);
    assert_eq!(shop.lines_of(ONE, UserNo(1)).len(), 500);
    assert_eq!(shop.stock.live_of(ONE, UserNo(1)).len(), 200);
    assert_eq!(shop.stock.live_of(ONE, UserNo(2)).len(), 5);
}
