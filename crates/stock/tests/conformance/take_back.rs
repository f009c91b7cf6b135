//! Taking units back: decided under the lock, then written, undone if it was not; never a sold unit (C15).
//! A unit taken back is never sold again; one that was put back is.

use super::world::{New, ONE, OPENS, SEAT, Shop, ask, setup};
use rules::{EventKind, Refusal, TimeMs, UnitNo};
use std::ops::Range;

fn take(shop: &Shop, count: u32) -> Result<Box<[Range<u32>]>, u32> {
    let taken = shop.stock.take_back(ONE, SEAT, count);
    shop.balanced();
    taken
}

fn undo(shop: &Shop, units: &[Range<u32>]) {
    shop.stock.undo_take_back(ONE, SEAT, units);
    shop.balanced();
}

fn voided(units: Box<[Range<u32>]>) -> EventKind {
    EventKind::UnitsTakenBack { ticket_type: SEAT, units }
}

fn total(shop: &Shop) -> u32 {
    shop.counts().types[0].supply.total
}

pub fn free_units_are_taken_back_highest_first(new: New) {
    let mut made = setup(&[(10, 9)]);
    made.types[0].void = vec![7..8, 4..6];
    let shop = Shop::open(new, &[made]);
    shop.win(ask(1));
    assert_eq!(*take(&shop, 0).unwrap(), []);
    assert_eq!(*take(&shop, 1).unwrap(), [9..10]);
    assert_eq!(*take(&shop, 3).unwrap(), [8..9, 6..7, 3..4], "highest first, around what is void");
    assert_eq!((total(&shop), shop.supply(SEAT)), (3, (2, 1, 0)), "the total shrinks at once");
    assert_eq!(shop.win(ask(1)).0.unit, UnitNo(1));
}

pub fn units_taken_back_are_never_sold_again(new: New) {
    let shop = Shop::open(new, &[setup(&[(4, 9)])]);
    let units = take(&shop, 2).unwrap();
    let event = shop.event(voided(units.clone()));
    shop.stock.apply(&event).unwrap();
    undo(&shop, &units);
    assert_eq!((total(&shop), shop.supply(SEAT)), (2, (2, 0, 0)), "what is written is not undone");
    shop.event(EventKind::UnitsAdded { ticket_type: SEAT, units: 4..5 });
    let sold = [1, 2, 3].map(|user| shop.win(ask(user)).0.unit.0);
    assert_eq!(sold, [0, 1, 4]);
    assert_eq!(shop.no(ask(4)).0, Refusal::SoldOut);
    shop.commit();
    shop.recover();
    assert_eq!((total(&shop), shop.supply(SEAT)), (3, (0, 0, 3)));
}

/// C15: an operator cannot take back more than is free.
pub fn fewer_free_units_than_asked_for_are_left_alone(new: New) {
    let shop = Shop::open(new, &[setup(&[(5, 9)])]);
    shop.win(ask(1));
    shop.win(ask(2));
    for count in [4, 100, u32::MAX] {
        assert_eq!(take(&shop, count), Err(3));
    }
    assert_eq!((total(&shop), shop.supply(SEAT)), (5, (3, 2, 0)));
    assert_eq!(*take(&shop, 3).unwrap(), [2..5]);
    assert_eq!(take(&shop, 1), Err(0));
}

pub fn a_take_back_undone_is_on_sale_again_once(new: New) {
    let shop = Shop::open(new, &[setup(&[(5, 9)])]);
    let (high, low) = (take(&shop, 2).unwrap(), take(&shop, 1).unwrap());
    for _ in 0..2 {
        undo(&shop, &high);
        assert_eq!((total(&shop), shop.supply(SEAT)), (4, (4, 0, 0)));
    }
    undo(&shop, &low);
    let sold = [1, 2, 3, 4, 5].map(|user| shop.win(ask(user)).0.unit.0);
    assert_eq!(sold, [0, 1, 2, 3, 4]);
}

pub fn a_load_ends_a_take_back_and_undoing_it_later_changes_nothing(new: New) {
    let shop = Shop::open(new, &[setup(&[(5, 9)])]);
    let units = take(&shop, 2).unwrap();
    shop.recover();
    assert_eq!(shop.supply(SEAT), (5, 0, 0), "it was not written, so it never was");
    undo(&shop, &units);
    assert_eq!((total(&shop), shop.supply(SEAT)), (5, (5, 0, 0)));
}

pub fn a_take_back_of_another_node_is_applied_to_free_units(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9)])]);
    shop.win(ask(1));
    shop.event(voided(Box::new([7..9, 2..4])));
    assert_eq!((total(&shop), shop.supply(SEAT)), (5, (4, 1, 0)));
    let sold = [2, 3, 4, 5].map(|user| shop.win(ask(user)).0.unit.0);
    assert_eq!(sold, [1, 4, 5, 6]);
}

pub fn undoing_a_take_back_ends_the_moment_of_sold_out(new: New) {
    let shop = Shop::open(new, &[setup(&[(3, 9)])]);
    let units = take(&shop, 2).unwrap();
    shop.win(ask(1));
    assert_eq!(shop.counts().sold_out_at, Some(TimeMs(OPENS)));
    undo(&shop, &units);
    assert_eq!(shop.counts().sold_out_at, None, "units are free");
}
