//! A second provider beside the test provider: the same company under another name, which says nothing where a test
//! wants it to, and tells what a test puts into its mouth. Nothing here asserts what a test is about.

use crate::shop::{HandClock, Shop};
use parking_lot::Mutex;
use rules::TimeMs;
use sale::pay::{
    Asked, Closed, Notice, NoticeAnswer, NoticeRefused, NoticeVerdict, PayAsk, PayStart, Provider,
    ProviderNotice, RefundAsk, Refunded, TestProvider,
};
use std::{collections::BTreeSet, future::poll_fn, path::Path, sync::Arc, task::Poll};

/// Its name.
pub const OTHER: &str = "other";

/// What it can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Start,
    Close,
    Query,
    Refund,
}

pub struct Other {
    pub company: Arc<TestProvider>,
    silent: Mutex<BTreeSet<Call>>,
    asked: Mutex<Vec<Call>>,
    /// What it answers to questions, instead of the truth.
    pub tells: Mutex<Option<ProviderNotice>>,
}

impl Other {
    pub fn open(dir: &Path, clock: &Arc<HandClock>) -> Arc<Self> {
        let company = crate::provider::open(&dir.join("other-provider.jsonl"), clock);
        let (silent, asked, tells) = Default::default();
        Arc::new(Self { company, silent, asked, tells })
    }

    /// From now on it says nothing to such a call, and does nothing.
    pub fn falls_silent(&self, call: Call) {
        self.silent.lock().insert(call);
    }

    /// It does what it was asked, and answers.
    pub fn speaks(&self) {
        self.silent.lock().clear();
    }

    /// How often it was asked for this.
    pub fn asked(&self, call: Call) -> usize {
        self.asked.lock().iter().filter(|one| **one == call).count()
    }

    fn hears<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        ask: impl FnOnce() -> Asked<'a, T> + Send + 'a,
    ) -> Asked<'a, T> {
        self.asked.lock().push(call);
        Box::pin(async move {
            let says =
                || if self.silent.lock().contains(&call) { Poll::Pending } else { Poll::Ready(()) };
            poll_fn(|_| says()).await;
            ask().await
        })
    }
}

impl Provider for Other {
    fn name(&self) -> &str {
        OTHER
    }

    fn start<'a>(&'a self, ask: &'a PayAsk<'a>) -> Asked<'a, PayStart> {
        self.hears(Call::Start, || self.company.start(ask))
    }

    fn read_notice(&self, notice: &Notice<'_>) -> Result<ProviderNotice, NoticeRefused> {
        self.company.read_notice(notice)
    }

    fn answer(&self, verdict: NoticeVerdict) -> NoticeAnswer {
        self.company.answer(verdict)
    }

    fn close<'a>(&'a self, order_id: &'a str) -> Asked<'a, Closed> {
        self.hears(Call::Close, || self.company.close(order_id))
    }

    fn query<'a>(&'a self, order_id: &'a str) -> Asked<'a, Option<ProviderNotice>> {
        self.hears(Call::Query, || match self.tells.lock().clone() {
            Some(told) => Box::pin(std::future::ready(Ok(Some(told)))),
            None => self.company.query(order_id),
        })
    }

    fn refund<'a>(&'a self, ask: &'a RefundAsk<'a>) -> Asked<'a, Refunded> {
        // Whatever it told of without having it, it gives back without having it.
        let is_invented = self.tells.lock().is_some();
        self.hears(Call::Refund, move || match is_invented {
            true => Box::pin(std::future::ready(Ok(Refunded::Done))),
            false => self.company.refund(ask),
        })
    }
}

impl Shop {
    /// The notices that are due at the other one are posted.
    pub fn deliver_other(&mut self) {
        for delivery in self.other.company.take_due(TimeMs(self.clock_now())) {
            let answer =
                self.wait(async |sale| crate::provider::post_to(sale, OTHER, &delivery).await);
            self.other.company.delivered(delivery.id, answer.status == 200);
        }
    }
}
