//! Order: lowest unit first, numbers and places in the order of decision, and the way to the ledger.
//! Promise 5 rests on these; with several threads, see `threads`.

use super::world::{BOX, New, ONE, OPENS, SEAT, Shop, TWO, ask, one, setup};
use rules::{ActivityNo, ClaimNo, Epoch, Seq, TimeMs, TypeNo, UnitNo};
use std::time::{Duration, Instant};
use stock::{ClaimAsk, Place, StockFault};

pub fn units_go_out_lowest_first_with_dense_numbers(new: New) {
    let shop = Shop::open(new, &[setup(&[(3000, 1)])]);
    for user in 1..=3000u32 {
        let (claim, _) = shop.win(ask(user));
        let expected = (UnitNo(user - 1), ClaimNo(user), Seq(user), Epoch(1));
        assert_eq!((claim.unit, claim.claim_no, claim.seq, claim.epoch), expected);
        assert_eq!(claim.decided_at, TimeMs(OPENS));
        if user % 500 == 0 {
            shop.commit();
        }
    }
    assert_eq!(shop.supply(SEAT), (0, 0, 3000));
}

pub fn the_lowest_free_unit_goes_out_next_wherever_it_came_from(new: New) {
    let mut made = setup(&[(6, 9)]);
    made.types[0].void.push(1..3);
    let shop = Shop::open(new, &[made]);
    let first = shop.win(ask(1)).0;
    let second = shop.win(ask(2)).0;
    assert_eq!((first.unit, second.unit), (UnitNo(0), UnitNo(3)));
    shop.drain();
    assert!(shop.stock.withdraw(&first));
    assert_eq!(shop.win(ask(3)).0.unit, UnitNo(0));
    assert_eq!(shop.win(ask(3)).0.unit, UnitNo(4));
}

pub fn places_rise_over_all_activities_and_seqs_in_each(new: New) {
    let second = stock::ActivitySetup { no: TWO, ..setup(&[(9, 9)]) };
    let shop = Shop::open(new, &[setup(&[(9, 9)]), second]);
    let mut last = Place::DURABLE;
    for (activity, seq) in [(ONE, 1), (TWO, 1), (TWO, 2), (ONE, 2), (TWO, 3)] {
        let (claim, place) = shop.win(ClaimAsk { activity, ..ask(1) });
        assert_eq!((claim.activity, claim.seq), (activity, Seq(seq)));
        assert!(place > last, "{place:?} after {last:?}");
        assert_eq!(shop.stock.claim_at(activity, Seq(seq)).unwrap().place, place);
        last = place;
    }
    assert_eq!(shop.stock.pending(), 5);
}

pub fn types_have_units_and_numbers_of_their_own(new: New) {
    let shop = Shop::open(new, &[setup(&[(2, 9), (2, 9)])]);
    let rows = [(SEAT, 0, 1), (BOX, 0, 1), (BOX, 1, 2), (SEAT, 1, 2)];
    for (ticket_type, unit, claim_no) in rows {
        let (claim, _) = shop.win(ClaimAsk { items: one(ticket_type), ..ask(1) });
        assert_eq!(claim.ticket_type, ticket_type);
        assert_eq!((claim.unit, claim.claim_no), (UnitNo(unit), ClaimNo(claim_no)));
    }
    assert_eq!((shop.supply(SEAT), shop.supply(BOX)), ((0, 2, 0), (0, 2, 0)));
}

pub fn what_waits_is_handed_over_in_the_order_of_decision(new: New) {
    let second = stock::ActivitySetup { no: TWO, ..setup(&[(9, 9)]) };
    let shop = Shop::open(new, &[setup(&[(9, 9)]), second]);
    let decided: Vec<_> = [ONE, TWO, ONE, ONE, TWO]
        .map(|activity| shop.win(ClaimAsk { activity, ..ask(1) }))
        .into_iter()
        .collect();
    let (mut taken, through) = shop.drain();
    assert_eq!(taken, decided.iter().map(|(claim, _)| *claim).collect::<Vec<_>>());
    assert_eq!(through, decided[4].1);
    let (next, place) = shop.win(ask(2));
    assert_eq!(shop.stock.take_pending(&mut taken, 0), place);
    assert_eq!((taken.len(), taken[5]), (6, next), "what is taken is added to what is there");
    assert_eq!(shop.stock.pending(), 6, "taken is not durable");
}

pub fn an_empty_queue_is_durable_and_adds_nothing(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    assert_eq!(shop.drain(), (Vec::new(), Place::DURABLE));
    shop.win(ask(1));
    shop.commit();
    assert_eq!(shop.drain(), (Vec::new(), Place::DURABLE));
    assert_eq!(shop.stock.pending(), 0);
}

/// The ledger waits again before each claim; were it not woken, one of its waits would last to the end.
pub fn a_waiting_ledger_is_woken_by_the_next_claim(new: New) {
    const ROUNDS: u32 = 200;
    const FAR: Duration = Duration::from_secs(20);
    let shop = Shop::open(new, &[setup(&[(ROUNDS, 1)])]);
    let (told, hear) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let (stock, told) = (&*shop.stock, told);
        scope.spawn(move || {
            for _ in 0..ROUNDS {
                let (begun, mut claims) = (Instant::now(), Vec::new());
                let through = stock.take_pending(&mut claims, FAR.as_millis() as u32);
                let waited = begun.elapsed();
                told.send((claims, through, waited)).unwrap();
                if waited >= FAR {
                    return;
                }
            }
        });
        for user in 1..=ROUNDS {
            let (claim, place) = shop.win(ask(user));
            let (claims, through, waited) = hear.recv().unwrap();
            assert_eq!((claims, through), (vec![claim], place));
            assert!(waited < FAR, "nobody woke the ledger");
        }
    });
    let begun = Instant::now();
    assert_eq!(shop.stock.take_pending(&mut Vec::new(), 20), Place::DURABLE);
    assert!(begun.elapsed() >= Duration::from_millis(20), "it waits while there is nothing");
}

pub fn held_becomes_sold_when_it_is_durable(new: New) {
    let shop = Shop::open(new, &[setup(&[(5, 9)])]);
    let places = [1, 2, 3].map(|user| shop.win(ask(user)).1);
    let (claims, _) = shop.drain();
    assert_eq!(shop.supply(SEAT), (2, 3, 0));
    shop.write(&claims[..2], places[1]);
    assert_eq!(shop.supply(SEAT), (2, 1, 2));
    assert_eq!(shop.stock.pending(), 1);
    let place_at = |seq| shop.stock.claim_at(ONE, Seq(seq)).unwrap().place;
    assert_eq!([1, 2, 3].map(place_at), [Place::DURABLE, Place::DURABLE, places[2]]);
    shop.write(&claims[2..], places[2]);
    assert_eq!(shop.supply(SEAT), (2, 0, 3));
}

/// C13: what does not exist is a fault, never a refusal.
pub fn what_is_not_loaded_is_unknown(new: New) {
    let shop = Shop::open(new, &[setup(&[(1, 1)])]);
    for activity in [0, 2, 1_000_000, u32::MAX].map(ActivityNo) {
        assert_eq!(shop.claim(ClaimAsk { activity, ..ask(1) }), Err(StockFault::Unknown));
        assert_eq!(shop.stock.counts(activity, TimeMs(OPENS)), None);
        assert_eq!(shop.stock.summary(activity), None);
        assert_eq!(shop.stock.claim_at(activity, Seq(1)), None);
        assert!(shop.lines_of(activity, ask(1).user).is_empty());
        assert!(!shop.stock.joined(activity, ask(1).user));
        assert_eq!(shop.stock.take_back(activity, SEAT, 1), Err(0));
    }
    for ticket_type in [1, u16::MAX].map(TypeNo) {
        assert_eq!(
            shop.claim(ClaimAsk { items: one(ticket_type), ..ask(1) }),
            Err(StockFault::Unknown)
        );
        assert_eq!(shop.stock.take_back(ONE, ticket_type, 1), Err(0));
    }
    for seq in [0, 1, u32::MAX] {
        assert_eq!(shop.stock.claim_at(ONE, Seq(seq)), None);
    }
    assert_eq!(shop.supply(SEAT), (1, 0, 0));
}

pub fn the_rate_counts_ten_full_seconds(new: New) {
    let shop = Shop::open(new, &[setup(&[(9, 9)])]);
    for ms in [0, 999, 1000, 3500] {
        shop.win(ClaimAsk { now: TimeMs(OPENS + ms), ..ask(1) });
    }
    // (milliseconds after the opening, accepted in the ten full seconds before)
    let rows = [(0, 0), (999, 0), (1000, 2), (2000, 3), (4000, 4), (10_999, 4), (11_000, 2)];
    for (ms, accepted) in rows.into_iter().chain([(12_000, 1), (14_000, 0), (3_600_000, 0)]) {
        let counts = shop.stock.counts(ONE, TimeMs(OPENS + ms)).unwrap();
        assert_eq!(counts.accepted_in_10_s, accepted, "{ms} ms after the opening");
    }
}
