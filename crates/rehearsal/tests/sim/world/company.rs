//! The payment company outside: it outlives every crash of the process, misbehaves by the seed, and its notices are
//! lost, doubled and late. The till that asks it is stepped from here too. Nothing here decides about an order.

use super::{
    Event, World, here,
    tasks::{Done, Task},
};
use crate::{
    clock::{BEGAN_MS, Time},
    figures::{Count, Seam},
    world,
};
use rehearsal::history::paying::{How, PayHeard};
use rules::TimeMs;
use sale::{
    Notice, NoticeAnswer, NoticeRefused, PayStart,
    pay::{
        Asked, Closed, Delivery, NoticeVerdict, PagePayment, PayAsk, PayFault, Provider,
        ProviderFault, ProviderNotice, RefundAsk, Refunded, Switches, TEST_PROVIDER, TestProvider,
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

/// The company, and what is on its way from it.
pub struct Outside {
    company: Arc<TestProvider>,
    letters: RefCell<Vec<Delivery>>,
    /// The number of the round that is planned.
    till: Cell<u64>,
}

impl Outside {
    pub fn new(time: &Arc<Time>) -> Self {
        let settings = TestSettings {
            secret: [0x77; 32],
            merchant: "firstcome".to_owned(),
            page: "/pay/test".to_owned(),
            book: None,
        };
        let company = TestProvider::open(settings, Arc::new(TrueTime(Arc::clone(time))));
        let company = Arc::new(company.unwrap_or_else(|_| unreachable!("it has no book to read")));
        Self { company, letters: RefCell::default(), till: Cell::new(0) }
    }

    pub fn set_reachable(&self, reachable: bool) {
        self.company.set_reachable(reachable);
    }

    /// Every payment that was made.
    pub fn payments(&self) -> Vec<PagePayment> {
        self.company.payments()
    }
}

/// The company as the process reaches it: over a line on which answers are lost.
struct Line(Arc<TestProvider>);

impl Line {
    /// The company has done what it was asked; whether its answer comes is another question.
    fn answer<'a, T: Send + 'a>(&self, asked: Asked<'a, T>) -> Asked<'a, T> {
        world::seam(Seam::AfterAsking);
        if here().is_some_and(|world| world.is_cut_off()) {
            return Box::pin(std::future::ready(Err(ProviderFault::Unreachable)));
        }
        asked
    }
}

impl Provider for Line {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn start<'a>(&'a self, ask: &'a PayAsk<'a>) -> Asked<'a, PayStart> {
        world::seam(Seam::BeforeAsking);
        self.answer(self.0.start(ask))
    }

    fn read_notice(&self, notice: &Notice<'_>) -> Result<ProviderNotice, NoticeRefused> {
        self.0.read_notice(notice)
    }

    fn answer(&self, verdict: NoticeVerdict) -> NoticeAnswer {
        self.0.answer(verdict)
    }

    fn close<'a>(&'a self, order_id: &'a str) -> Asked<'a, Closed> {
        world::seam(Seam::BeforeAsking);
        self.answer(self.0.close(order_id))
    }

    fn query<'a>(&'a self, order_id: &'a str) -> Asked<'a, Option<ProviderNotice>> {
        world::seam(Seam::BeforeAsking);
        self.answer(self.0.query(order_id))
    }

    fn refund<'a>(&'a self, ask: &'a RefundAsk<'a>) -> Asked<'a, Refunded> {
        world::seam(Seam::BeforeAsking);
        self.answer(self.0.refund(ask))
    }
}

impl World {
    /// The company, for a process that starts.
    pub(super) fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Line(Arc::clone(&self.outside.company)))
    }

    /// Whether an answer of the company's is lost.
    fn is_cut_off(&self) -> bool {
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
        match self.outside.company.pay(order, switches) {
            Ok(()) => PayHeard::Told,
            Err(PayFault::Closed) => PayHeard::WrongState("closed".to_owned()),
            Err(PayFault::Paid) => PayHeard::WrongState("paid".to_owned()),
            Err(PayFault::Unknown) => PayHeard::Strange { status: 404, ret: Some(-404) },
            Err(PayFault::Book) => unreachable!("there is no book"),
        }
    }

    /// The first post of a sale with prices.
    pub(super) fn plan_post(&self) {
        self.plan(self.now() + POST_US.0, Event::Post);
    }

    /// The company sends what is due.
    pub(super) fn post(&self) {
        let now = TimeMs(BEGAN_MS + self.now() / 1_000);
        for delivery in self.outside.company.take_due(now) {
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

    fn plan_letter(&self, delivery: Delivery) {
        let mut letters = self.outside.letters.borrow_mut();
        letters.push(delivery);
        let way = if self.of_1000(300) { self.below(WAY_US) } else { self.between(50, 5_000) };
        self.plan(self.now() + way, Event::Letter(letters.len() - 1));
    }

    /// A notice comes in; where nobody takes it, it comes again later.
    pub(super) fn letter(&self, id: usize) {
        let Some(running) = self.server.running().filter(|_| self.server.takes()) else { return };
        let Delivery { headers, body, .. } = self.outside.letters.borrow()[id].clone();
        self.tell("letter", id as u64);
        let task = Task::Notice(id);
        self.takes_up(task);
        let sale = Arc::clone(&running.sale);
        let waiting = async move {
            let header = |name: &str| {
                let name = name.to_lowercase();
                headers.iter().find(|(one, _)| *one == name).map(|(_, value)| value.clone())
            };
            let notice = Notice { header: &header, body: &body };
            let answer = sale.notice(TEST_PROVIDER, &notice);
            Done::Notice(answer.await)
        };
        self.wait(task, Box::pin(waiting));
    }

    /// What the server says to a notice is on its way back.
    pub(super) fn answer_notice(&self, id: usize, answer: &NoticeAnswer) {
        let lost = self.is_cut_off();
        if self.put_down(Task::Notice(id)) && !lost {
            let number = self.outside.letters.borrow()[id].id;
            self.outside.company.delivered(number, answer.status == 200);
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

    /// A round begins, unless the last one is under way.
    pub(super) fn till(&self, planned: u64) {
        let running = self.server.running();
        let Some(running) = running.filter(|_| planned == self.outside.till.get()) else { return };
        if !self.is_waiting(Task::Till) {
            let sale = Arc::clone(&running.sale);
            let round = async move {
                sale.till_round().await;
                Done::Till
            };
            self.wait(Task::Till, Box::pin(round));
        }
        let every = if self.payers.all_done() { TILL_US.1 } else { TILL_US.0 };
        self.plan(self.now() + every, Event::Till(planned));
    }
}
