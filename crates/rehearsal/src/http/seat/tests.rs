//! Who sits where.
//! What people do on their seats is tested with a server.

use super::*;
use crate::{
    crowd::{Hours, crowd},
    http::request::bearer,
    plan::{Mix, Plan},
};
use std::collections::HashSet;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn crowd_of(mix: Mix) -> Vec<Seated> {
    let plan = Plan { users: 400, mix, ..Plan::default() };
    let who = bearer("t").unwrap();
    let hands = crowd(&plan, Hours::of(&plan, Micros(10_000_000)));
    hands.into_iter().map(|hand| Seated { hand, who: who.clone() }).collect()
}

#[test]
fn nobody_is_left_standing_and_no_seat_is_too_many() {
    for connections in [1, 2, 3, 4, 5, 7, 50, 399, 5_000] {
        for mix in [Mix::default(), Mix::PLAIN, Mix { bot_one_prefix: 1_000, ..Mix::PLAIN }] {
            let hands = crowd_of(mix);
            let count = hands.len();
            let seats = seats(hands, connections, HERE);
            assert!(seats.len() <= connections, "{} of {connections}", seats.len());
            assert_eq!(seats.iter().map(|seat| seat.hands.len()).sum::<usize>(), count);
            assert!(seats.iter().all(|seat| !seat.hands.is_empty()));
        }
    }
}

#[test]
fn both_hands_of_a_double_click_sit_apart() {
    let seats = seats(crowd_of(Mix { double_click: 1_000, ..Mix::PLAIN }), 50, HERE);
    for seat in seats {
        let people: HashSet<u32> = seat.hands.iter().map(|one| one.hand.person().0).collect();
        assert_eq!(people.len(), seat.hands.len());
    }
}

#[test]
fn bots_come_from_addresses_of_their_own_where_that_can_be() {
    let mix = Mix { bot_one_prefix: 300, bot_many_prefixes: 300, ..Mix::PLAIN };
    let seats_at = |server: IpAddr| seats(crowd_of(mix), 100, server);
    for seat in seats_at(HERE) {
        for seated in &seat.hands {
            match (seated.hand.origin(), seat.source.map(|source| source.octets())) {
                (Origin::Usual, None) | (Origin::OnePrefix, Some([127, 66, 0, _])) => {}
                (Origin::ManyPrefixes, Some([127, 70..=249, _, 1])) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    let many = seats_at(HERE).into_iter().filter_map(|seat| seat.source);
    let prefixes: HashSet<[u8; 2]> = many.map(|ip| [ip.octets()[0], ip.octets()[1]]).collect();
    assert!(prefixes.len() > 20, "{}", prefixes.len());
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    assert!(seats_at(elsewhere).iter().all(|seat| seat.source.is_none()));
}
