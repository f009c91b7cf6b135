//! What simulated sales have found, told slowly: an operator repeats a call whose effect is not known, while the ledger
//! is still being recovered. Nothing here is drawn.

use crate::{
    clock::{OneClock, Time},
    ledger::{Call, Device, Fate, SimLedger, Weather},
    outcome::Still,
    world::plain_activity,
};
use ledger::{Cause, LedgerFault};
use parking_lot::Mutex;
use rules::{Item, Refusal, TypeNo, UserNo};
use sale::{
    DeskRefused, Next, Operator, OperatorKey, Outcome, Readiness, Refused, Request, Sale,
    SaleSettings, Writer,
};
use std::{collections::VecDeque, sync::Arc};
use stock::{MemoryLimits, MemoryStock};

const UNITS: u32 = 5;

/// Fates in their order; each waits for its call, and everything else works.
struct Script(Mutex<VecDeque<(Call, Fate)>>);

impl Weather for Script {
    fn begin(&self, call: Call) -> Fate {
        let mut fates = self.0.lock();
        let due = fates.front().is_some_and(|(of, _)| *of == call);
        if due { fates.pop_front().map_or(Fate::Works, |(_, fate)| fate) } else { Fate::Works }
    }

    fn end(&self, _: Call) {}
}

struct Shop {
    sale: Sale,
    writer: Writer,
    keys: u32,
}

impl Shop {
    fn open(fates: &[(Call, Fate)]) -> Self {
        let script = Arc::new(Script(Mutex::new(fates.iter().copied().collect())));
        let ledger = SimLedger::open(&Device::new(None), script).expect("it has no owner");
        let stock = Arc::new(MemoryStock::new(MemoryLimits::default()));
        let clock = Arc::new(OneClock::start(&Arc::new(Time::default())));
        let settings = SaleSettings::default();
        let opened = Sale::open_stepped(Arc::new(ledger), stock, clock, Arc::new(Still), settings);
        let (sale, writer) = opened.expect("an empty ledger opens");
        let operator = Operator { name: "operator".to_owned(), key: None };
        sale.import(&[plain_activity("act", UNITS)], &operator).expect("it is new");
        Self { sale, writer, keys: 0 }
    }

    /// The same refill again, by its key.
    fn refill(&self, units: i64) -> Result<i64, DeskRefused> {
        let key = self.sale.ids().key(&format!("refill-{}", self.keys));
        let key = Some(OperatorKey { operator: UserNo(1), key });
        let operator = Operator { name: "operator".to_owned(), key };
        self.sale.refill("act", "act", units, &operator)
    }

    fn hears_paused(&self, user: u32) {
        let entry = Arc::clone(self.sale.catalog().by_id("act").expect("it was imported"));
        let items = [Item { ticket_type: TypeNo(0), count: 1 }];
        let request = Request { items: &items, user: UserNo(user), key: None };
        let heard = self.sale.decide(&entry, request).ok();
        let refused = Refused { refusal: Refusal::Paused, had: Vec::new(), retry_at: None };
        assert_eq!(heard, Some(Outcome::Refused(refused)));
    }

    fn total(&self) -> u32 {
        let no = self.sale.catalog().by_id("act").expect("it was imported").no;
        self.sale.counts(no).supply().total
    }
}

const UNKNOWN: Result<i64, DeskRefused> = Err(DeskRefused::Fault(LedgerFault::Unknown(Cause::Io)));
const LATER: Result<i64, DeskRefused> =
    Err(DeskRefused::Fault(LedgerFault::NothingHappened(Cause::Closed)));

/// C15, C31: otherwise the old stock goes on saying "sold out" for units that were promised.
#[test]
fn a_repeated_refill_is_done_once_the_stock_has_it() {
    let written = Fate::Unknown { written: true };
    let lost = Fate::Unknown { written: false };
    let mut shop = Shop::open(&[(Call::Change, written), (Call::Recover, lost)]);
    assert_eq!(shop.refill(3), UNKNOWN);
    assert_eq!(shop.refill(3), LATER);
    assert!(matches!(shop.writer.step(), Next::Retry(pause) if !pause.is_zero()));
    // The event is on disk and can be read, and the stock has still not been loaded with it.
    assert_eq!(shop.refill(3), LATER);
    assert_eq!(shop.total(), UNITS);
    assert_eq!(shop.writer.step(), Next::Idle);
    assert_eq!(shop.total(), UNITS + 3);
    assert_eq!(shop.refill(3), Ok(3));
    assert_eq!(shop.total(), UNITS + 3);
}

/// C15, C31: a server that drains says only that, and what it does not know is no less in doubt.
#[test]
fn a_recovery_is_waited_for_while_the_server_drains() {
    let written = Fate::Unknown { written: true };
    let fails = Fate::NothingHappened(Cause::Io);
    // The ledger is sure again, and the stock cannot be loaded from it yet.
    let mut shop =
        Shop::open(&[(Call::Change, written), (Call::Recover, Fate::Works), (Call::Read, fails)]);
    shop.sale.drain();
    assert_eq!(shop.refill(3), UNKNOWN);
    assert!(matches!(shop.writer.step(), Next::Retry(pause) if !pause.is_zero()));
    assert_eq!(shop.sale.readiness(), Readiness::Draining);
    assert_eq!(shop.refill(3), LATER);
    assert_eq!(shop.writer.step(), Next::Idle);
    assert_eq!((shop.sale.readiness(), shop.total()), (Readiness::Draining, UNITS + 3));
    assert_eq!(shop.refill(3), Ok(3));
}

/// C15: the units of one call are set aside once, however often it is repeated.
#[test]
fn a_repeated_take_back_sets_nothing_more_aside() {
    let lost = Fate::Unknown { written: false };
    let mut shop = Shop::open(&[(Call::Change, lost)]);
    assert_eq!(shop.refill(-1), UNKNOWN);
    assert_eq!(shop.total(), UNITS - 1, "nobody knows yet");
    for _ in 0..3 {
        assert_eq!(shop.refill(-1), LATER);
    }
    assert_eq!(shop.total(), UNITS - 1);
    assert_eq!(shop.writer.step(), Next::Idle);
    assert_eq!(shop.total(), UNITS, "it was not written");
    assert_eq!(shop.refill(-1), Ok(-1));
    shop.keys += 1;
    assert_eq!(shop.refill(-1), Ok(-1));
    assert_eq!(shop.total(), UNITS - 2);
}

/// C31: who is refused just before a failure, or while it lasts, has taken part all the same.
#[test]
fn people_refused_around_a_failure_have_taken_part() {
    let lost = Fate::Unknown { written: false };
    let fails = Fate::NothingHappened(Cause::Io);
    let mut shop =
        Shop::open(&[(Call::Change, Fate::Works), (Call::Change, lost), (Call::Recover, fails)]);
    let operator = Operator { name: "operator".to_owned(), key: None };
    shop.sale.pause("act", &operator).expect("it is open");
    assert_eq!(shop.refill(1), UNKNOWN);
    shop.hears_paused(8);
    assert!(matches!(shop.writer.step(), Next::Retry(_)), "it cannot be recovered yet");
    assert_eq!(shop.sale.readiness(), Readiness::Recovering);
    shop.hears_paused(9);
    assert_eq!(shop.writer.step(), Next::Idle);
    let no = shop.sale.catalog().by_id("act").expect("it was imported").no;
    let counts = shop.sale.counts(no);
    assert_eq!((counts.participants, counts.refused), (2, vec![(Refusal::Paused, 2)]));
}
