//! The payment companies outside: they outlive every crash of the process, misbehave by the seed, and their notices are
//! lost, doubled and late. The till that asks it is stepped from here too. Nothing here decides about an order.

use super::{
    Event, World,
    tasks::{Done, Task},
    wire::{Reached, Wire},
};
use crate::{
    clock::{BEGAN_MS, Time},
    figures::Count,
};
use rehearsal::history::paying::{How, PayHeard};
use rules::TimeMs;
use sale::{
    Notice, NoticeAnswer,
    pay::{
        Delivery, PagePayment, PayFault, Provider, Switches, TEST_PROVIDER, TestProvider,
        TestSettings,
    },
};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

/// Microseconds from one round of the till to the next: while payers are there, and when they have gone.
const TILL_US: (u64, u64) = (200_000, 2_000_000);
/// The same for the company's post.
const POST_US: (u64, u64) = (60_000, 1_000_000);
/// Microseconds that a notice is on its way at most.
const WAY_US: u64 = 2_500_000;
/// Notices that are lost, that come twice, and that are told again much later, in thousandths.
const LOST: u32 = 200;
const DOUBLED: u32 = 150;
const AGAIN: u32 = 40;

/// The true time, which is the company's.
struct TrueTime(Arc<Time>);

impl sale::Clock for TrueTime {
    fn now(&self) -> TimeMs {
        TimeMs(BEGAN_MS + self.0.now() / 1_000)
    }
}

/// The name of the second company, which is there in some sales.
pub const OTHER: &str = "other";

/// The companies, and what is on its way from them.
pub struct Outside {
    time: Arc<Time>,
    companies: Vec<Arc<TestProvider>>,
    wire: Wire,
    /// Until when each of them hangs.
    hangs: RefCell<Vec<u64>>,
    /// What they sent, each with the place of its company.
    letters: RefCell<Vec<(usize, Delivery)>>,
    /// The number of the round that is planned.
    till: Cell<u64>,
}

impl Outside {
    pub fn new(time: &Arc<Time>, companies: usize) -> Self {
        let open = |_| {
            let settings = TestSettings {
                secret: [0x77; 32],
                merchant: "firstcome".to_owned(),
                page: "/pay/test".to_owned(),
                book: None,
            };
            let company = TestProvider::open(settings, Arc::new(TrueTime(Arc::clone(time))));
            Arc::new(company.unwrap_or_else(|_| unreachable!("it has no book to read")))
        };
        Self {
            time: Arc::clone(time),
            companies: (0..companies).map(open).collect(),
            wire: Wire::default(),
            hangs: RefCell::new(vec![0; companies]),
            letters: RefCell::default(),
            till: Cell::new(0),
        }
    }

    pub fn set_reachable(&self, reachable: bool) {
        self.companies.iter().for_each(|company| company.set_reachable(reachable));
    }

    /// Every payment that was made, with the name of the company at which it was.
    pub fn payments(&self) -> Vec<(&'static str, PagePayment)> {
        let of = |(place, company): (usize, &Arc<TestProvider>)| {
            company.payments().into_iter().map(move |one| (name(place), one))
        };
        self.companies.iter().enumerate().flat_map(of).collect()
    }

    /// For whom something has come on the wire.
    pub fn wake(&self) {
        self.wire.wake(self.time.now());
    }
}

/// The name of the company at this place.
const fn name(place: usize) -> &'static str {
    if place == 0 { TEST_PROVIDER } else { OTHER }
}

impl World {
    /// The companies, for a process that starts.
    pub(super) fn providers(&self) -> Vec<Arc<dyn Provider>> {
        let reached = |(place, company): (usize, &Arc<TestProvider>)| -> Arc<dyn Provider> {
            let (company, time) = (Arc::clone(company), Arc::clone(&self.outside.time));
            let wire = self.outside.wire.clone();
            Arc::new(Reached { place, name: name(place), company, time, wire })
        };
        self.outside.companies.iter().enumerate().map(reached).collect()
    }

    /// One of the companies says nothing for so many microseconds.
    pub(super) fn hang(&self, us: u64) {
        let place = self.below(self.outside.companies.len() as u64) as usize;
        self.outside.hangs.borrow_mut()[place] = self.now() + us;
    }

    /// Until when the company at this place says nothing.
    pub(super) fn hangs_until(&self, place: usize) -> u64 {
        if self.healed.get() { 0 } else { self.outside.hangs.borrow()[place] }
    }

    /// Whether what a company is asked while it hangs reaches it only after that.
    pub(super) fn is_asked_late(&self) -> bool {
        self.of_1000(500)
    }

    /// The companies at which a buyer is about to pay: one of them, or one after the other.
    pub(super) fn chosen(&self) -> Vec<&'static str> {
        let count = self.outside.companies.len();
        let first = self.below(count as u64) as usize;
        let both = count > 1 && self.of_1000(400);
        let other = both.then(|| name(1 - first));
        std::iter::once(name(first)).chain(other).collect()
    }

    /// Whether an answer of the company's is lost.
    pub(super) fn is_cut_off(&self) -> bool {
        !self.healed.get() && self.of_1000(self.scenario.storm.outside)
    }

    /// A buyer is on the company's page.
    pub(super) fn pays(&self, order: &str, how: How, after_s: u32) -> PayHeard {
        let stubborn = self.of_1000(self.scenario.storm.stubborn);
        let switches = Switches {
            late_ms: u64::from(after_s) * 1_000,
            twice: how == How::Twice,
            repeated: self.of_1000(DOUBLED),
            wrong_amount: how == How::WrongAmount,
            forged: how == How::Forged,
            out_of_order: how == How::OutOfOrder,
            never: how == How::Never,
            refund_failures: if stubborn { self.below(4) as u32 } else { 0 },
            refund_pending: stubborn && self.of_1000(500),
        };
        let count = self.outside.companies.len();
        let first = self.below(count as u64) as usize;
        let paid = self.pays_at(first, order, switches);
        if paid.is_ok() && how == How::WrongAmount {
            self.count(Count::WrongAmounts);
        }
        if count == 1 || (paid.is_ok() && !self.of_1000(300)) {
            return told(paid);
        }
        // It is open elsewhere, or there as well.
        let also = self.pays_at(1 - first, order, switches);
        if paid.is_ok() && also.is_ok() {
            self.count(Count::PaidAtBoth);
        }
        told(if also == Err(PayFault::Unknown) { paid } else { paid.or(also) })
    }

    fn pays_at(&self, place: usize, order: &str, switches: Switches) -> Result<(), PayFault> {
        self.outside.companies[place].pay(order, switches)
    }

    /// The first post of a sale with prices.
    pub(super) fn plan_post(&self) {
        self.plan(self.now() + POST_US.0, Event::Post);
    }

    /// The company sends what is due.
    pub(super) fn post(&self) {
        let now = TimeMs(BEGAN_MS + self.now() / 1_000);
        let due = |(place, company): (usize, &Arc<TestProvider>)| {
            company.take_due(now).into_iter().map(move |delivery| (place, delivery))
        };
        let due: Vec<_> = self.outside.companies.iter().enumerate().flat_map(due).collect();
        for delivery in due {
            self.count(Count::Letters);
            if !self.healed.get() && self.of_1000(LOST) {
                self.count(Count::LostLetters);
                continue;
            }
            let copies = 1 + u32::from(self.of_1000(DOUBLED));
            for _ in 0..copies {
                self.plan_letter(delivery.clone());
            }
        }
        if self.of_1000(AGAIN) {
            self.post_again();
        }
        let every = if self.payers.all_done() { POST_US.1 } else { POST_US.0 };
        self.plan(self.now() + every / 2 + self.below(every), Event::Post);
    }

    /// Somebody sends a notice of any time once more.
    fn post_again(&self) {
        let sent = self.outside.letters.borrow().len() as u64;
        if sent > 0 {
            let old = self.outside.letters.borrow()[self.below(sent) as usize].clone();
            self.plan_letter(old);
        }
    }

    fn plan_letter(&self, delivery: (usize, Delivery)) {
        let mut letters = self.outside.letters.borrow_mut();
        letters.push(delivery);
        let way = if self.of_1000(300) { self.below(WAY_US) } else { self.between(50, 5_000) };
        self.plan(self.now() + way, Event::Letter(letters.len() - 1));
    }

    /// A notice comes in; where nobody takes it, it comes again later.
    pub(super) fn letter(&self, id: usize) {
        let Some(running) = self.server.running().filter(|_| self.server.takes()) else { return };
        let (from, Delivery { headers, body, .. }) = self.outside.letters.borrow()[id].clone();
        self.tell("letter", id as u64);
        let task = Task::Notice(id);
        self.takes_up(task);
        let sale = Arc::clone(&running.sale);
        let waiting = async move {
            let header = |wanted: &str| {
                let wanted = wanted.to_lowercase();
                headers.iter().find(|(one, _)| *one == wanted).map(|(_, value)| value.clone())
            };
            let notice = Notice { header: &header, body: &body };
            let answer = sale.notice(name(from), &notice);
            Done::Notice(answer.await)
        };
        self.wait(task, Box::pin(waiting));
    }

    /// What the server says to a notice is on its way back.
    pub(super) fn answer_notice(&self, id: usize, answer: &NoticeAnswer) {
        let lost = self.is_cut_off();
        if self.put_down(Task::Notice(id)) && !lost {
            let (from, Delivery { id: number, .. }) = self.outside.letters.borrow()[id].clone();
            self.outside.companies[from].delivered(number, answer.status == 200);
        }
    }

    /// The rounds of a process that has started.
    pub(super) fn plan_till(&self) {
        if self.scenario.plan.paying.is_some() {
            self.outside.till.set(self.outside.till.get() + 1);
            let at = self.now() + self.below(TILL_US.0);
            self.plan(at, Event::Till(self.outside.till.get()));
        }
    }

    /// A round of each hand begins, unless its last one is under way.
    pub(super) fn till(&self, planned: u64) {
        let running = self.server.running();
        let Some(running) = running.filter(|_| planned == self.outside.till.get()) else { return };
        for hand in
            (0..running.sale.till_hands()).filter(|hand| !self.is_waiting(Task::Till(*hand)))
        {
            let sale = Arc::clone(&running.sale);
            let round = async move {
                sale.till_hand(hand).await;
                Done::Till
            };
            self.wait(Task::Till(hand), Box::pin(round));
        }
        let every = if self.payers.all_done() { TILL_US.1 } else { TILL_US.0 };
        self.plan(self.now() + every, Event::Till(planned));
    }
}

fn told(paid: Result<(), PayFault>) -> PayHeard {
    match paid {
        Ok(()) => PayHeard::Told,
        Err(PayFault::Closed) => PayHeard::WrongState("closed".to_owned()),
        Err(PayFault::Paid) => PayHeard::WrongState("paid".to_owned()),
        Err(PayFault::Unknown) => PayHeard::Strange { status: 404, ret: Some(-404) },
        Err(PayFault::Book) => unreachable!("there is no book"),
    }
}
