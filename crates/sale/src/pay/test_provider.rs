//! A small pretend payment company inside the process, which misbehaves as it is told: for demos, rehearsals and tests.
//! It gives goods away for no money, so it never runs unless the configuration says so aloud.

mod book;
mod company;
mod page;
mod signing;

pub use book::BookFault;
pub use page::{PageOrder, PagePayment, PageState, PayFault, Switches};

use super::{
    Asked, Closed, Notice, NoticeAnswer, NoticeRefused, NoticeVerdict, PayAsk, PayStart, Provider,
    ProviderFault, ProviderNotice, RefundAsk, Refunded,
};
use crate::Clock;
use company::{Company, Letter};
use parking_lot::Mutex;
use rules::TimeMs;
use signing::{Signer, Told};
use std::path::PathBuf;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Its permanent name.
pub const TEST_PROVIDER: &str = "test";

/// What the pretend company knows of its one merchant.
#[derive(Clone)]
pub struct TestSettings {
    /// With which its notices are signed.
    pub secret: [u8; 32],
    /// The merchant, as its notices name it.
    pub merchant: String,
    /// The address of its page, to which `/` and the order's id are added: absolute, or a path of this server.
    pub page: String,
    /// Its book. Without one it forgets everything with the process, which is right in a simulation only.
    pub book: Option<PathBuf>,
}

impl std::fmt::Debug for TestSettings {
    // The secret never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestSettings").field("merchant", &self.merchant).finish_non_exhaustive()
    }
}

/// A notice that somebody has to post to `/pay/notify/test`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What `TestProvider::delivered` is told of.
    pub id: u64,
    /// Names in lower case, and values.
    pub headers: [(&'static str, String); 3],
    /// The body.
    pub body: Vec<u8>,
}

/// The pretend company.
pub struct TestProvider {
    signer: Signer,
    /// Signs what is forged: some other key.
    forger: Signer,
    merchant: String,
    page: String,
    clock: Arc<dyn Clock>,
    reachable: AtomicBool,
    company: Mutex<Company>,
}

impl TestProvider {
    /// Opens its book, or begins one. A last line that was not written to its end is left out.
    pub fn open(settings: TestSettings, clock: Arc<dyn Clock>) -> Result<Self, BookFault> {
        let mut other = settings.secret;
        other[0] ^= 1;
        let company = Company::open(settings.book.as_deref(), clock.now())?;
        Ok(Self {
            signer: Signer::new(&settings.secret),
            forger: Signer::new(&other),
            merchant: settings.merchant,
            page: settings.page,
            clock,
            reachable: AtomicBool::new(true),
            company: Mutex::new(company),
        })
    }

    /// A buyer pays an order on the company's page, and the company misbehaves like this.
    pub fn pay(&self, order_id: &str, switches: Switches) -> Result<(), PayFault> {
        self.company.lock().pay(order_id, switches, self.clock.now())
    }

    /// Notices that are due, oldest first, at most `LETTERS_AT_ONCE_MAX`. Each comes again, later and later, until
    /// `delivered` says that it was taken.
    pub fn take_due(&self, now: TimeMs) -> Vec<Delivery> {
        if !self.is_reachable() {
            return Vec::new();
        }
        let mut company = self.company.lock();
        let due = company.take_due(now);
        due.into_iter().map(|id| self.delivery(id, company.letter(id), now)).collect()
    }

    /// A notice was posted: whether the answer said that it was taken.
    pub fn delivered(&self, id: u64, ok: bool) {
        self.company.lock().answered(id, ok);
    }

    /// An order as its page shows it; `None`: nobody was sent here with it.
    pub fn order(&self, order_id: &str) -> Option<PageOrder> {
        self.company.lock().page(order_id, self.clock.now())
    }

    /// Every payment that was made until now, in the order in which buyers paid.
    pub fn payments(&self) -> Vec<PagePayment> {
        self.company.lock().payments(self.clock.now())
    }

    /// Whether its page is on another host than the shop.
    pub fn is_elsewhere(&self) -> bool {
        !self.page.starts_with('/')
    }

    /// Cuts the company off, or brings it back: while it is away, every question fails and no notice comes.
    pub fn set_reachable(&self, reachable: bool) {
        self.reachable.store(reachable, Ordering::Release);
    }

    fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Acquire)
    }

    fn delivery(&self, id: u64, letter: &Letter, now: TimeMs) -> Delivery {
        let body = signing::body(&self.merchant, letter);
        let signer = if letter.is_forged() { &self.forger } else { &self.signer };
        Delivery { id, headers: signer.headers(now, &body), body }
    }

    /// Asks the company, if it can be reached.
    fn ask<'a, T: Send + 'a>(
        &self,
        ask: impl FnOnce(&mut Company, TimeMs) -> Result<T, ProviderFault>,
    ) -> Asked<'a, T> {
        let answer = match self.is_reachable() {
            true => ask(&mut self.company.lock(), self.clock.now()),
            false => Err(ProviderFault::Unreachable),
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Provider for TestProvider {
    fn name(&self) -> &str {
        TEST_PROVIDER
    }

    fn start<'a>(&'a self, ask: &'a PayAsk<'a>) -> Asked<'a, PayStart> {
        self.ask(|company, _| {
            company.start(ask)?;
            Ok(PayStart { pay_url: format!("{}/{}", self.page, ask.order_id) })
        })
    }

    fn read_notice(&self, notice: &Notice<'_>) -> Result<ProviderNotice, NoticeRefused> {
        self.signer.verify(notice, self.clock.now())?;
        let Told { merchant, paid } = signing::read_body(notice.body)?;
        if merchant != self.merchant {
            return Err(NoticeRefused::WrongMerchant);
        }
        paid.ok_or(NoticeRefused::NotAPayment)?.notice()
    }

    fn answer(&self, verdict: NoticeVerdict) -> NoticeAnswer {
        let (status, body) = match verdict {
            NoticeVerdict::Taken => (200, "ok"),
            NoticeVerdict::Refused => (400, "refused"),
            NoticeVerdict::Later => (503, "later"),
        };
        NoticeAnswer { status, body: body.into(), content_type: "text/plain; charset=utf-8" }
    }

    fn close<'a>(&'a self, order_id: &'a str) -> Asked<'a, Closed> {
        self.ask(|company, now| company.close(order_id, now))
    }

    fn query<'a>(&'a self, order_id: &'a str) -> Asked<'a, Option<ProviderNotice>> {
        self.ask(|company, now| Ok(company.query(order_id, now)))
    }

    fn refund<'a>(&'a self, ask: &'a RefundAsk<'a>) -> Asked<'a, Refunded> {
        self.ask(|company, now| company.refund(ask, now))
    }
}

#[cfg(test)]
mod tests;
