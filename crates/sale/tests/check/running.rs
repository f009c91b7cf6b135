//! Checks beside a sale that goes on: never a false alarm, however the readings and the sale's writing fall.
//! They never rely on luck: one of them steps the sale between any two readings.

use crate::given::World;
use crate::meddled::Meddled;
use crate::seller::Seller;
use ledger::{ActivityLedger, ClaimLedger, OrderLedger};
use rules::{OrderState, PaymentState, Refusal, Seq};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Checks with a step of the sale at every place between two readings.
const MEDDLED_CHECKS: u32 = 20;
/// Rounds of the sale between two steps with small activities.
const SMALL_EVERY: u32 = 9;
/// Readings in the wrong order.
const WRONG_READINGS: u32 = 40;
/// Checks while another thread sells.
const HAMMERED_CHECKS: u32 = 30;
/// Claims the other thread has to have written meanwhile, so that the checks had something to disturb them.
const HAMMERED_CLAIMS_MIN: u32 = 1_000;

/// Tells the other thread to stop when dropped.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The race is there: whoever reads an activity before its claims sees claims that nothing explains, and whoever reads
/// payments once sees some that do not fit their orders.
#[test]
fn readings_in_the_wrong_order_do_raise_a_false_alarm() {
    let world = World::fresh();
    let ledger = world.open();
    let meddled = Meddled::new(&ledger, 1);
    let no = meddled.seller.lock().unwrap().0.activity();
    let priced = meddled.seller.lock().unwrap().0.priced();
    let (mut never_made, mut too_late, mut refused_too_soon, mut unpaid) = (0, 0, 0, 0);
    for _ in 0..WRONG_READINGS {
        let stored = meddled.activity(no).unwrap().unwrap();
        let end = stored.activity.window.end();
        meddled
            .claims(no, &mut |claim, _| {
                let made = stored.types[usize::from(claim.ticket_type.0)].made;
                never_made += u32::from(claim.unit.0 >= made);
                too_late += u32::from(claim.decided_at >= end);
            })
            .unwrap();
        let mut paid_orders = BTreeSet::new();
        meddled
            .claims(priced, &mut |claim, mark| {
                if mark.state == OrderState::Paid {
                    paid_orders.insert(claim.order());
                }
            })
            .unwrap();
        meddled
            .payments_in(priced, &mut |payment| {
                let confirmed = payment.state == PaymentState::Confirmed;
                let order = payment.paid_order.filter(|_| confirmed);
                unpaid += u32::from(order.is_some_and(|order| !paid_orders.contains(&order)));
                true
            })
            .unwrap();
        let newest = ledger.activities().unwrap().pop().unwrap().no;
        let mut claims = 0;
        meddled.claims(newest, &mut |_, _| claims += 1).unwrap();
        meddled
            .parts(newest, &mut |part| {
                let sold_out = part.refusal == Some(Refusal::SoldOut);
                refused_too_soon += u32::from(sold_out && claims == 0);
            })
            .unwrap();
    }
    let seen = [never_made, too_late, refused_too_soon, unpaid];
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn a_sale_that_writes_between_any_two_readings_raises_no_alarm() {
    let world = World::fresh();
    let ledger = world.open();
    let meddled = Meddled::new(&ledger, SMALL_EVERY);
    for _ in 0..MEDDLED_CHECKS {
        let verdict = sale::check::check(&meddled).unwrap();
        assert!(verdict.holds(), "{verdict}");
    }
    let sold = meddled.seller.lock().unwrap().0.claims();
    assert!(sold > MEDDLED_CHECKS, "the sale went on");
}

#[test]
fn a_sale_that_goes_on_in_another_thread_raises_no_alarm() {
    let world = World::fresh();
    let ledger = world.open();
    let mut seller = Seller::new(&ledger, SMALL_EVERY);
    let (claims, done) = (AtomicU32::new(0), AtomicBool::new(false));
    let reading = world.reading();
    std::thread::scope(|scope| {
        let selling = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                seller.step();
                claims.store(seller.claims(), Ordering::Relaxed);
            }
        });
        // However the checks end, the other thread does too.
        let _stop = Stop(&done);
        let mut checks = 0;
        while checks < HAMMERED_CHECKS || claims.load(Ordering::Relaxed) < HAMMERED_CLAIMS_MIN {
            checks += 1;
            let verdict = sale::check::check(&reading).unwrap();
            assert!(verdict.holds(), "{verdict}");
            assert!(!selling.is_finished(), "the sale goes on until it is told to stop");
        }
    });
}

/// A check that looks beside a running server still sees what is wrong.
#[test]
fn a_violation_is_found_while_the_sale_goes_on() {
    let world = World::fresh();
    let ledger = world.open();
    let meddled = Meddled::new(&ledger, SMALL_EVERY);
    assert!(sale::check::check(&meddled).unwrap().holds());
    let no = meddled.seller.lock().unwrap().0.activity();
    let mut first = None;
    ledger.claims(no, &mut |claim, _| first = first.or(Some(claim))).unwrap();
    assert_eq!(first.map(|claim| claim.seq), Some(Seq(1)), "the first claim is there");
    world.plant(&format!("UPDATE claims SET claim_no = 0 WHERE place = ({no} << 32 | 1)"));
    let verdict = sale::check::check(&meddled).unwrap();
    assert!(!verdict.promise(sale::check::Promise::CodeOnce).holds(), "{verdict}");
    assert_eq!(verdict.promises.iter().filter(|promise| !promise.holds()).count(), 1, "{verdict}");
}
