//! The waiting list: what comes back goes to the first in line, then to the next, and only then to the open sale (C22).
//! Nobody who asks often may get what somebody waits for.

use crate::shop::{Goods, RELEASE_MS, Shop, activity, operator};
use ledger::NewUnits;
use rules::{Item, Money, OrderState, Refusal, TypeNo, UserNo};
use sale::{LinedUp, Outcome, Recorded, Stepped};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};
use stock::Stock;

const SEAT: TypeNo = TypeNo(0);
const OFFER_RELEASE_MS: u64 = 300_000 + 15_000;

fn line_up(shop: &mut Shop, user: UserNo) -> LinedUp {
    let entry = shop.entry();
    shop.wait(async |sale| sale.line_up(&entry, SEAT, user).await).unwrap()
}

fn cancel(shop: &mut Shop, line: &Recorded) {
    let order = line.claim.order();
    let stepped = shop.wait(async |sale| sale.cancel(order).await);
    assert_eq!(stepped, Ok(Stepped::Now(OrderState::Cancelled)));
    shop.quiet();
}

fn ahead(shop: &Shop, user: UserNo) -> Option<u32> {
    shop.sale.in_line(&shop.entry(), SEAT, user).map(|place| place.ahead)
}

fn offer(shop: &Shop, user: UserNo) -> Option<Recorded> {
    shop.sale.offer_of(&shop.entry(), SEAT, user)
}

fn sold_out_with_line(names: &[&str]) -> (Shop, Recorded, Vec<UserNo>) {
    let mut shop = Shop::open(Goods { standby: true, ..Goods::plain(1) });
    let holder = shop.user("holder");
    let held = shop.hold(holder);
    let users: Vec<UserNo> = names.iter().map(|name| shop.user(name)).collect();
    for (place, user) in (0..).zip(&users) {
        let LinedUp::InLine(in_line) = line_up(&mut shop, *user) else { panic!("a place in line") };
        assert_eq!(in_line.ahead, place);
    }
    (shop, held, users)
}

/// C22: a unit that came back goes along the line, and whoever polls gets nothing while anybody waits.
#[test]
fn a_returned_unit_goes_along_the_line_in_order() {
    let (mut shop, held, users) = sold_out_with_line(&["a", "b", "c"]);
    let poller = shop.user("poller");
    cancel(&mut shop, &held);
    let first = offer(&shop, users[0]).expect("the first in line has an offer");
    assert_eq!((first.claim.unit, first.state), (held.claim.unit, OrderState::Held));
    assert_eq!(first.pay_by.unwrap().0, shop.clock_now() + 300_000);
    assert_eq!((ahead(&shop, users[1]), ahead(&shop, users[2])), (Some(0), Some(1)));
    let refused = shop.claim(poller, 1, None);
    let Outcome::Refused(no) = refused else { panic!("{refused:?}") };
    assert_eq!(no.refusal, Refusal::HeldByOthers);
    assert_eq!(no.retry_at.unwrap().0, shop.clock_now() + OFFER_RELEASE_MS);
    // The first one lets it lapse.
    shop.clock.pass(OFFER_RELEASE_MS);
    shop.quiet();
    let second = offer(&shop, users[1]).expect("then the second");
    assert_eq!((offer(&shop, users[0]), ahead(&shop, users[0])), (None, None));
    // The third leaves, and the second gives it up: the line is empty.
    let entry = shop.entry();
    let left = shop.wait(async |sale| sale.leave_line(&entry, SEAT, users[2]).await);
    assert_eq!(left, Ok(true));
    let left = shop.wait(async |sale| sale.leave_line(&entry, SEAT, users[2]).await);
    assert_eq!(left, Ok(false));
    cancel(&mut shop, &second);
    assert_eq!(offer(&shop, users[2]), None);
    assert!(matches!(shop.claim(poller, 1, None), Outcome::Won(_)), "only now the open sale");
}

/// The line outlives the process, whether or not an offer was made in it.
#[test]
fn a_place_in_line_outlives_a_restart() {
    let (mut shop, held, users) = sold_out_with_line(&["a", "b"]);
    cancel(&mut shop, &held);
    let offered = offer(&shop, users[0]).unwrap();
    let mut shop = shop.crash(1_000);
    assert_eq!(offer(&shop, users[0]).map(|line| line.claim), Some(offered.claim));
    assert_eq!(ahead(&shop, users[1]), Some(0));
    shop.clock.pass(OFFER_RELEASE_MS);
    shop.quiet();
    assert!(offer(&shop, users[1]).is_some());
}

/// C19 with a line: the return is on disk, the process dies before the offer is made, and it is made after the start.
#[test]
fn a_return_that_nobody_heard_of_is_offered_after_the_restart() {
    let (shop, held, users) = sold_out_with_line(&["a"]);
    let mut answers = Vec::new();
    let change = ledger::Change::Step { order: held.claim.order(), step: rules::OrderStep::Cancel };
    let at = shop.sale.now();
    ledger::OrderLedger::change(&*shop.ledger, held.claim.epoch, at, &[change], &mut answers)
        .unwrap();
    let mut shop = shop.crash(500);
    shop.quiet();
    assert_eq!(offer(&shop, users[0]).unwrap().claim.unit, held.claim.unit);
    assert_eq!(shop.supply().available, 0);
}

#[test]
fn lining_up_says_what_else_can_be_done() {
    let mut shop = Shop::open(Goods { standby: true, ..Goods::plain(1) });
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    assert_eq!(line_up(&mut shop, alice), LinedUp::Free);
    let held = shop.hold(alice);
    let LinedUp::Refused(no) = line_up(&mut shop, alice) else { panic!("alice has her unit") };
    assert_eq!(no.refusal, Refusal::LimitReached);
    assert_eq!(no.had.len(), 1);
    let LinedUp::InLine(place) = line_up(&mut shop, bob) else { panic!("bob waits") };
    assert_eq!(line_up(&mut shop, bob), LinedUp::InLine(place), "and keeps his place");
    cancel(&mut shop, &held);
    let offered = offer(&shop, bob).unwrap();
    assert_eq!(line_up(&mut shop, bob), LinedUp::Offered(offered.claim.order()));

    let mut shop = Shop::open(Goods::plain(1));
    let alice = shop.user("alice");
    assert_eq!(line_up(&mut shop, alice), LinedUp::Off);
    shop.clock.pass(RELEASE_MS);
}

/// What comes out of the line for nothing is a ticket at once: whoever is served in the moment of lining up hears so,
/// and may line up for one more.
#[test]
fn a_free_unit_out_of_the_line_is_a_ticket_and_no_bar() {
    let gift = TypeNo(1);
    let mut goods = activity(Goods { standby: true, limit: 2, ..Goods::plain(1) });
    goods.activity.id = "mixed".into();
    let mut free = goods.activity.types[0].clone();
    (free.id, free.price) = ("gift".into(), Money::parse("0", "CNY").unwrap());
    goods.activity.types.push(free);
    goods.units.push(NewUnits::Plain(1));
    let mut shop = Shop::open(Goods::plain(1));
    shop.sale.import(&[goods], &operator()).unwrap();
    let (alice, bob) = (shop.user("alice"), shop.user("bob"));
    let both = [SEAT, gift].map(|ticket_type| Item { ticket_type, count: 1 });
    let Outcome::Won(hers) = shop.claim_of("mixed", alice, &both) else { panic!("free") };
    let entry = Arc::clone(shop.sale.catalog().by_id("mixed").unwrap());
    // Both are written together: the unit comes back, and then somebody is in line.
    let lined_up = shop.wait(async |sale| {
        let mut cancel = pin!(sale.cancel(hers.claim.order()));
        assert!(poll_fn(|context| Poll::Ready(cancel.as_mut().poll(context).is_pending())).await);
        sale.line_up(&entry, gift, bob).await
    });
    let ticket = shop.stock.offer_of(entry.no, gift, bob).expect("it was for bob");
    assert_eq!(lined_up, Ok(LinedUp::Offered(ticket.claim.order())));
    shop.quiet();
    assert_eq!(shop.sale.offer_of(&entry, gift, bob).unwrap().state, OrderState::Paid);
    let again = shop.wait(async |sale| sale.line_up(&entry, gift, bob).await);
    assert!(matches!(again, Ok(LinedUp::InLine(_))), "{again:?}");
    assert_eq!(shop.sale.offer_of(&entry, gift, bob), None, "while he waits for another");
}
