//! What a person has, page by page over several activities: nothing is left out, nothing is shown twice, whatever
//! happens between two pages. How little is read for a page is tested where it is read.

use crate::shop::{Goods, Shop, activity, operator};
use rules::{Item, OrderState, TypeNo, UserNo};
use sale::{ClaimId, Outcome, Position, TicketId};

const NAMES: [&str; 3] = ["movie-night", "second", "third"];

/// Three activities, in which alice has 60 orders of one to three lines, and bob has some in between.
fn busy() -> (Shop, UserNo, UserNo) {
    let goods = || Goods { limit: 500, ..Goods::plain(500) };
    let mut shop = Shop::open(goods());
    for name in &NAMES[1..] {
        let mut more = activity(goods());
        more.activity.id = (*name).into();
        shop.sale.import(&[more], &operator()).unwrap();
    }
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    for turn in 0..60usize {
        let items = [Item { ticket_type: TypeNo(0), count: 1 + (turn % 3) as u8 }];
        // Several fall into one millisecond, in one activity and in different ones.
        let of = NAMES[turn * turn % 7 % 3];
        let Outcome::Won(first) = shop.claim_of(of, alice, &items) else { panic!("free") };
        if turn % 4 == 0 {
            shop.claim_of(of, bob, &items);
            shop.clock.pass(1);
        }
        if turn % 5 == 0 {
            cancel(&mut shop, ClaimId::from(&first.claim));
        }
    }
    (shop, alice, bob)
}

fn cancel(shop: &mut Shop, order: ClaimId) {
    shop.wait(async |sale| sale.cancel(order.order()).await).unwrap();
    shop.quiet();
}

fn orders(shop: &Shop, user: UserNo, from: Position, most: usize) -> (Vec<ClaimId>, bool) {
    let (page, more) = shop.sale.orders_of(user, from, most);
    (page.iter().map(|order| ClaimId::from(&order.first().claim)).collect(), more)
}

fn tickets(shop: &Shop, user: UserNo, from: Position, most: usize) -> (Vec<TicketId>, bool) {
    let (page, more) = shop.sale.tickets_of(user, from, most);
    (page.iter().map(|owned| TicketId::from(&owned.line.claim)).collect(), more)
}

/// Everything, by pages that begin after what the last one ended with; each also counted from the front.
fn page_through<T: Copy + PartialEq + std::fmt::Debug>(
    size: usize,
    after: impl Fn(T) -> Position,
    read: impl Fn(Position, usize) -> (Vec<T>, bool),
) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    let mut from = Position::Skip(0);
    loop {
        let (page, more) = read(from, size);
        assert_eq!((page.clone(), more), read(Position::Skip(all.len()), size));
        all.extend(&page);
        let Some(last) = page.last().filter(|_| more) else { return all };
        assert_eq!(page.len(), size);
        from = after(*last);
    }
}

#[test]
fn pages_over_several_activities_are_the_whole_list_in_pieces() {
    let (shop, alice, _) = busy();
    let (whole, more) = shop.sale.orders_of(alice, Position::Skip(0), 1_000);
    assert_eq!((whole.len(), more), (60, false));
    let age = |at: usize| (whole[at].first().claim.decided_at, whole[at].no());
    assert!((1..60).all(|at| age(at) < age(at - 1)), "newest first");
    let (all_orders, _) = orders(&shop, alice, Position::Skip(0), 1_000);
    let (all_tickets, _) = tickets(&shop, alice, Position::Skip(0), 1_000);
    let live = whole.iter().filter(|order| order.state() == OrderState::Held);
    let lines = live.flat_map(|order| &order.lines).map(|line| TicketId::from(&line.claim));
    assert_eq!(all_tickets, lines.collect::<Vec<_>>());
    for size in [1, 2, 7, 59, 60, 61] {
        let read = |from, most| orders(&shop, alice, from, most);
        assert_eq!(page_through(size, Position::After, read), all_orders);
        let read = |from, most| tickets(&shop, alice, from, most);
        assert_eq!(page_through(size, Position::AfterTicket, read), all_tickets);
    }
}

/// What a page ended with may be over when the next one is asked for: it goes on behind its place.
#[test]
fn a_page_goes_on_behind_what_is_over_by_now() {
    let (mut shop, alice, bob) = busy();
    let (all, _) = tickets(&shop, alice, Position::Skip(0), 1_000);
    let (page, _) = tickets(&shop, alice, Position::Skip(0), 5);
    let last = page[4];
    cancel(&mut shop, last.claim);
    let rest: Vec<TicketId> =
        all[5..].iter().filter(|ticket| ticket.claim != last.claim).copied().collect();
    assert_eq!(tickets(&shop, alice, Position::AfterTicket(last), 1_000).0, rest);
    assert_eq!(tickets(&shop, alice, Position::After(last.claim), 1_000).0, rest);
    // C23: somebody else's is not there, nor is what never was.
    let strange = TicketId { claim: ClaimId { seq: rules::Seq(9_999), ..last.claim }, ..last };
    for (user, after) in [(bob, last), (alice, strange)] {
        assert_eq!(tickets(&shop, user, Position::AfterTicket(after), 9), (Vec::new(), false));
        assert_eq!(orders(&shop, user, Position::After(after.claim), 9), (Vec::new(), false));
    }
}
