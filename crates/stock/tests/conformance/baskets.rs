//! Baskets: several units and types of one activity in one order, all or nothing.
//! The lines of an order stand together, from the decision to the ledger and back.

use super::world::{BOX, New, ONE, OPENS, Room, SEAT, Shop, ask, key, load, priced, setup};
use rules::{
    Claim, Epoch, Item, Money, OrderNo, OrderState, OrderStep, Refusal, Seq, TimeMs, TypeNo, UnitNo,
};
use stock::{ClaimAsk, Conflict, Place, StockFault};

const fn of(ticket_type: TypeNo, count: u8) -> Item {
    Item { ticket_type, count }
}

static FAMILY: [Item; 2] = [of(SEAT, 3), of(BOX, 2)];

fn family(user: u32) -> ClaimAsk<'static> {
    ClaimAsk { items: &FAMILY, key: key(7), ..ask(user) }
}

pub fn an_order_of_many_lines_is_decided_and_handed_over_together(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9), (9, 9)])]);
    shop.win(ask(9));
    let first = shop.order(family(1));
    shop.win(ask(9));
    let (claims, through) = shop.drain();
    let lines = &claims[1..6];
    let of_line = |claim: &Claim| (claim.seq.0, claim.line, claim.lines, claim.ticket_type.0);
    let expected = [(2, 0, 5, 0), (3, 1, 5, 0), (4, 2, 5, 0), (5, 3, 5, 1), (6, 4, 5, 1)];
    assert_eq!(lines.iter().map(of_line).collect::<Vec<_>>(), expected);
    let numbers = |claim: &Claim| {
        (claim.unit.0, claim.claim_no.0, claim.ordinal_in_type, claim.ordinal_in_activity)
    };
    let expected = [(1, 2, 1, 1), (2, 3, 2, 2), (3, 4, 3, 3), (0, 1, 1, 4), (1, 2, 2, 5)];
    assert_eq!(lines.iter().map(numbers).collect::<Vec<_>>(), expected);
    assert!(lines.iter().all(|line| line.key.is_some() == (line.line == 0)), "on the first only");
    assert_eq!((lines[0], shop.known(family(1)).0), (first.claim, first.claim));
    let order = shop.stock.order(OrderNo { activity: ONE, seq: Seq(2) });
    assert!(order.iter().all(|line| line.place == first.place), "where the last line stands");
    assert!(shop.stock.order(OrderNo { activity: ONE, seq: Seq(3) }).is_empty(), "no first line");
    shop.write(&claims, through);
    shop.recover();
    assert_eq!((shop.supply(SEAT), shop.supply(BOX)), ((4, 0, 5), (7, 0, 2)));
    assert_eq!(shop.known(family(1)), (first.claim, Place::DURABLE));
}

pub fn a_basket_is_all_or_nothing(new: New) {
    // (units, limits, the refusal)
    let rows = [
        ([(3, 9), (2, 9)], None),
        ([(2, 9), (2, 9)], Some(Refusal::SoldOut)),
        ([(3, 9), (1, 9)], Some(Refusal::SoldOut)),
        ([(3, 2), (2, 9)], Some(Refusal::LimitReached)),
        ([(3, 9), (2, 1)], Some(Refusal::LimitReached)),
        ([(2, 9), (2, 1)], Some(Refusal::LimitReached)),
    ];
    for (types, expected) in rows {
        let shop = Shop::open(new, &[setup(&types)]);
        let before = (shop.supply(SEAT), shop.supply(BOX));
        match expected {
            None => assert_eq!(shop.win(family(1)).0.lines, 5),
            Some(refusal) => {
                assert_eq!(shop.no(family(1)).0, refusal, "{types:?}");
                assert_eq!((shop.supply(SEAT), shop.supply(BOX)), before);
                assert_eq!((shop.drain().0, shop.counts().accepted), (Vec::new(), 0));
            }
        }
    }
    let mut limited = setup(&[(9, 9), (9, 9)]);
    limited.activity.limit_per_user = Some(6);
    let shop = Shop::open(new, &[limited]);
    shop.win(ask(1));
    shop.win(ask(1));
    assert_eq!(shop.no(family(1)).0, Refusal::LimitReached, "over all types together");
    assert_eq!(
        shop.claim(ClaimAsk { items: &[of(SEAT, 1), of(TypeNo(2), 1)], ..ask(2) }),
        Err(StockFault::Unknown)
    );
    assert_eq!(shop.supply(SEAT), (7, 2, 0));
}

/// C12: there is room for all lines, or for none. Run with `Room::NARROW`.
pub fn a_basket_that_the_queue_has_no_room_for_is_turned_away_whole(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9), (9, 9)])]);
    let three = ClaimAsk { items: &FAMILY[..1], ..ask(1) };
    shop.win(three);
    assert_eq!(shop.claim(three), Err(StockFault::Full));
    assert_eq!((shop.supply(SEAT), shop.stock.pending()), ((6, 3, 0), 3));
    assert_eq!(Room::NARROW.claims, 4);
    shop.win(ask(1));
    assert_eq!(shop.claim(ask(1)), Err(StockFault::Full));
}

/// One thing in it costs something: the whole order is held.
pub fn a_basket_of_free_and_priced_units_is_one_held_order(new: New) {
    let mut mixed = setup(&[(3, 9), (2, 9)]);
    mixed.activity.types[1].price = Money::parse("5", "CNY").unwrap();
    mixed.activity.types[1].pay_within_s = 2;
    let shop = Shop::open(new, &[mixed]);
    let order = shop.order(family(1));
    let pay_by = TimeMs(OPENS + 2000);
    assert_eq!((order.state, order.pay_by), (OrderState::Held, Some(pay_by)), "the shortest time");
    assert_eq!(shop.held_by_others(ask(2)), pay_by);
    shop.commit();
    assert_eq!((shop.supply(SEAT), shop.supply(BOX)), ((0, 3, 0), (0, 2, 0)));
    shop.impossible(Seq(2), OrderStep::Pay);
    assert_eq!(shop.due(pay_by.0).len(), 1, "one order, one deadline");
    shop.recover();
    assert_eq!(shop.due(pay_by.0).len(), 1);
    shop.step(Seq(1), OrderStep::Expire);
    assert_eq!((shop.supply(SEAT), shop.supply(BOX)), ((3, 0, 0), (2, 0, 0)));
    let lines = shop.stock.order(order.claim.order());
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| line.state == OrderState::Expired && line.pay_by.is_none()));
    assert_eq!(shop.win(ClaimAsk { key: None, ..family(1) }).0.ordinal_in_activity, 1);
}

/// Of two types that lack units, one sold out and one held by others, the first says more.
pub fn sold_out_comes_before_held_by_others(new: New) {
    let mut mixed = setup(&[(1, 9), (1, 9)]);
    mixed.activity.types[0].price = Money::parse("5", "CNY").unwrap();
    let shop = Shop::open(new, &[mixed]);
    shop.win(ask(1));
    let both = ClaimAsk { items: &[of(SEAT, 1), of(BOX, 1)], ..ask(2) };
    shop.held_by_others(both);
    let (_, place) = shop.win(ClaimAsk { items: &[of(BOX, 1)], ..ask(1) });
    assert_eq!(shop.no(both), (Refusal::SoldOut, place, Vec::new()));
}

pub fn a_basket_is_withdrawn_whole(new: New) {
    let shop = Shop::open(new, &[priced(&[(5, 9), (5, 9)])]);
    let (before, _) = shop.win(ask(1));
    let (first, _) = shop.win(family(1));
    let (claims, _) = shop.drain();
    assert!(!shop.stock.withdraw(&before), "a newer order of the user counts on it");
    assert!(!shop.stock.withdraw(&claims[2]), "not its first line");
    assert!(shop.stock.withdraw(&first));
    assert!(!shop.stock.withdraw(&first), "once");
    shop.balanced();
    assert_eq!((shop.supply(SEAT), shop.supply(BOX)), ((4, 1, 0), (5, 0, 0)));
    assert_eq!(shop.unpaid_and_waiting(BOX), (0, 0));
    let (again, place) = shop.win(family(1));
    assert_eq!((again.seq, again.unit, again.ordinal_in_type), (Seq(7), UnitNo(1), 2));
    let (rest, _) = shop.drain();
    shop.stock.confirm(&[&claims[..1], &rest].concat(), place);
    shop.balanced();
    assert_eq!(shop.due(u64::MAX).len(), 2);
}

/// A basket that is torn, or whose lines do not agree, is named.
pub fn a_torn_order_is_found(new: New) {
    let shop = Shop::open(new, &[priced(&[(9, 9), (9, 9)])]);
    shop.win(family(1));
    shop.win(ask(2));
    shop.commit();
    let good = shop.disks.lock().unwrap()[0].clone();
    type Damage = fn(&mut Claim, &mut OrderState, &mut Option<TimeMs>);
    // Each row damages the line at this place.
    let rows: [(usize, Damage); 12] = [
        (0, |claim, _, _| claim.line = 1),
        (2, |claim, _, _| claim.line = 0),
        (2, |claim, _, _| claim.lines = 4),
        (2, |claim, _, _| claim.key = key(3)),
        (2, |claim, _, _| claim.user.0 = 5),
        (2, |claim, _, _| claim.decided_at.0 += 1),
        (2, |_, state, pay_by| (*state, *pay_by) = (OrderState::Paid, None)),
        (2, |_, _, pay_by| *pay_by = Some(TimeMs(1))),
        (2, |_, _, pay_by| *pay_by = None),
        (2, |claim, _, _| claim.priced = false),
        (5, |claim, _, _| claim.lines = 0),
        (5, |claim, _, _| claim.lines = 101),
    ];
    for (row, (place, damage)) in rows.into_iter().enumerate() {
        let mut loading = shop.stock.load(Epoch(2));
        loading.activity(good.setup.clone()).unwrap();
        for (index, claim) in good.claims.iter().enumerate().take(place + 1) {
            let (mut claim, mut state, mut pay_by) =
                (*claim, good.state(claim), good.pay_by(claim));
            if index == place {
                damage(&mut claim, &mut state, &mut pay_by);
            }
            let loaded = loading.claim(claim, state, pay_by);
            let expected = if index == place { Err(Conflict::Torn(claim)) } else { Ok(()) };
            assert_eq!(loaded, expected, "row {row}, line {index}");
        }
    }
    let mut loading = shop.stock.load(Epoch(2));
    loading.activity(good.setup.clone()).unwrap();
    let last = good.claims[3];
    for claim in &good.claims[..=3] {
        loading.claim(*claim, good.state(claim), good.pay_by(claim)).unwrap();
    }
    let next = stock::ActivitySetup { no: super::world::TWO, ..good.setup.clone() };
    assert_eq!(loading.activity(next), Err(Conflict::Torn(last)), "it ends in the middle");
    drop(loading);
    load(&*shop.stock, Epoch(2), &[good]);
}
