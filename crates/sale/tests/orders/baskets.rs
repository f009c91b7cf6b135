//! Several units in one request: all or nothing, one order, many tickets; and how people find them again.
//! Nothing of a refused basket may ever be left behind.

use crate::shop::{Goods, RELEASE_MS, Shop, activity, operator};
use ledger::NewUnits;
use rules::{Item, Money, OrderState, Refusal, TypeNo};
use sale::{Outcome, Owned, OwnedOrder, Position, TicketId};

fn tickets(page: &[Owned]) -> Vec<TicketId> {
    page.iter().map(|owned| TicketId::from(&owned.line.claim)).collect()
}

fn numbers(page: &[OwnedOrder]) -> Vec<u32> {
    page.iter().map(|order| order.no().seq.0).collect()
}

/// C7: a basket is never refused while enough is free, and never granted in part.
#[test]
fn a_basket_is_all_or_nothing() {
    let mut shop = Shop::open(Goods { limit: 4, ..Goods::plain(5) });
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let Outcome::Won(first) = shop.claim(alice, 3, None) else { panic!("three of five") };
    assert_eq!((first.claim.line, first.claim.lines), (0, 3));
    let Outcome::Refused(no) = shop.claim(bob, 3, None) else { panic!("two are free") };
    assert_eq!(no.refusal, Refusal::HeldByOthers);
    assert!(matches!(shop.claim(bob, 2, None), Outcome::Won(_)), "and two can be had");
    let Outcome::Refused(no) = shop.claim(alice, 2, None) else { panic!("four are the limit") };
    assert_eq!((no.refusal, no.had.len()), (Refusal::LimitReached, 3));
    let order = shop.order(&first);
    assert_eq!(order.amount(), Money::parse("29.70", "CNY").unwrap());
    assert_eq!(order.lines.len(), 3);
    // They come back together as well.
    shop.clock.pass(RELEASE_MS);
    shop.quiet();
    let supply = shop.supply();
    assert_eq!((supply.available, supply.held), (5, 0));
}

/// C2: a repetition hears of the same order, as it stands now.
#[test]
fn a_known_key_finds_the_whole_order() {
    let mut shop = Shop::open(Goods { limit: 4, ..Goods::plain(5) });
    let alice = shop.user("alice");
    let key = Some(shop.sale.ids().key("once"));
    let Outcome::Won(first) = shop.claim(alice, 2, key) else { panic!("free") };
    let Outcome::Won(again) = shop.claim(alice, 2, key) else { panic!("known") };
    assert_eq!((again.claim, again.state), (first.claim, OrderState::Held));
    let order = first.claim.order();
    shop.wait(async |sale| sale.cancel(order).await).unwrap();
    let Outcome::Won(after) = shop.claim(alice, 2, key) else { panic!("for ever") };
    assert_eq!((after.claim, after.state), (first.claim, OrderState::Cancelled));
    assert_eq!(shop.sale.result((&first.claim).into(), alice), Ok(Outcome::Won(after)));
}

/// C23: tickets and orders are found by their ids, by their owner alone, and page by page.
#[test]
fn orders_and_tickets_are_found_line_by_line() {
    let mut shop = Shop::open(Goods { limit: 100, ..Goods::plain(100) });
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    for (user, count) in [(alice, 2), (bob, 1), (alice, 3), (alice, 1)] {
        assert!(matches!(shop.claim(user, count, None), Outcome::Won(_)));
        shop.clock.pass(1);
    }
    let catalog = shop.sale.catalog();
    let (orders, more) = shop.sale.orders_of(alice, Position::Skip(0), 10);
    assert_eq!((numbers(&orders), more), (vec![7, 4, 1], false));
    let (page, more) = shop.sale.orders_of(alice, Position::Skip(0), 1);
    assert_eq!((numbers(&page), more), (vec![7], true));
    let after = Position::After((&page[0].first().claim).into());
    assert_eq!(numbers(&shop.sale.orders_of(alice, after, 10).0), [4, 1]);

    let (all, more) = shop.sale.tickets_of(alice, Position::Skip(0), 10);
    let places: Vec<u32> = tickets(&all).iter().map(|ticket| ticket.place).collect();
    assert_eq!((places, more), (vec![1, 1, 2, 3, 1, 2], false));
    for (index, ticket) in tickets(&all).into_iter().enumerate() {
        let (rest, _) = shop.sale.tickets_of(alice, Position::AfterTicket(ticket), 10);
        assert_eq!(tickets(&rest), tickets(&all)[index + 1..]);
        let text = shop.sale.ids().ticket(&all[index].line.claim);
        assert_eq!(shop.sale.ids().read_ticket(&text, alice), Some(ticket));
        let found = shop.sale.ticket(&catalog, ticket, alice).unwrap();
        assert_eq!(found.line, all[index].line);
        assert!(shop.sale.ticket(&catalog, ticket, bob).is_none());
        assert!(shop.sale.order(&catalog, ticket.claim, bob).is_none());
        let order = shop.sale.order(&catalog, ticket.claim, alice).unwrap();
        assert!(order.lines.contains(&all[index].line));
        let beyond = TicketId { place: 4, ..ticket };
        assert!(shop.sale.ticket(&catalog, beyond, alice).is_none());
    }
    // What is over has no tickets, and is an order still.
    let order = orders[1].no();
    shop.wait(async |sale| sale.cancel(order).await).unwrap();
    assert_eq!(shop.sale.tickets_of(alice, Position::Skip(0), 10).0.len(), 3);
    assert_eq!(
        shop.sale.orders_of(alice, Position::Skip(0), 10).0[1].state(),
        OrderState::Cancelled
    );
}

/// Free and priced units together are one held order; free ones alone are paid at once, as ever.
#[test]
fn a_basket_with_anything_priced_is_held_as_a_whole() {
    let mut shop = Shop::open(Goods::plain(5));
    let mut new = activity(Goods::plain(5));
    new.activity.id = "mixed".into();
    let mut gift = new.activity.types[0].clone();
    gift.id = "gift".into();
    gift.price = Money::parse("0", "CNY").unwrap();
    new.activity.types.push(gift);
    new.units.push(NewUnits::Plain(5));
    shop.sale.import(&[new], &operator()).unwrap();
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let item = |kind| Item { ticket_type: TypeNo(kind), count: 1 };
    let Outcome::Won(free) = shop.claim_of("mixed", alice, &[item(1)]) else { panic!("free") };
    assert_eq!((free.state, free.pay_by), (OrderState::Paid, None));
    let Outcome::Won(both) = shop.claim_of("mixed", bob, &[item(0), item(1)]) else { panic!() };
    assert_eq!(both.state, OrderState::Held);
    let order = shop.order(&both);
    assert_eq!(order.amount(), Money::parse("9.90", "CNY").unwrap());
    assert_eq!(order.lines.len(), 2);
    let order = shop.order(&free);
    assert!(matches!(shop.send(&order), Err(sale::PayRefused::WrongState(OrderState::Paid))));
}
