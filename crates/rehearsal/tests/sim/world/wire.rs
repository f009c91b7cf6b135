//! The wire between the process and a payment company: what is asked may arrive late, and what is answered may come late
//! or never. The company knows nothing of it.

use super::here;
use crate::{
    clock::Time,
    figures::{Count, Seam},
    world,
};
use parking_lot::Mutex;
use sale::{
    Notice, NoticeAnswer, NoticeRefused, PayStart,
    pay::{
        Asked, Closed, NoticeVerdict, PayAsk, Provider, ProviderFault, ProviderNotice, RefundAsk,
        Refunded, TestProvider,
    },
};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Those who wait for something on the wire, and until when.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<Vec<(u64, Waker)>>>);

impl Wire {
    /// Wakes those for whom something has come.
    pub fn wake(&self, now: u64) {
        self.0.lock().retain(|(until, waker)| {
            let waits = *until > now;
            if !waits {
                waker.wake_by_ref();
            }
            waits
        });
    }
}

/// A company as the process reaches it, under a name of its own.
pub struct Reached {
    pub place: usize,
    pub name: &'static str,
    pub company: Arc<TestProvider>,
    pub time: Arc<Time>,
    pub wire: Wire,
}

impl Reached {
    /// What is asked, and what becomes of the answer: where the company hangs, it may do what it was asked at once or
    /// only later, whether or not anybody still waits.
    fn ask<'a, T: Send + 'a>(
        &self,
        ask: impl FnOnce() -> Asked<'a, T> + Send + 'a,
    ) -> Asked<'a, T> {
        world::seam(Seam::BeforeAsking);
        let Some(world) = here() else { return ask() };
        let until = world.hangs_until(self.place);
        if until > self.time.now() {
            world.count(Count::SlowAnswers);
            if world.is_asked_late() {
                return self.later(until, Due::Ask(Box::new(ask)));
            }
        }
        let asked = ask();
        world::seam(Seam::AfterAsking);
        match () {
            () if world.is_cut_off() => {
                Box::pin(std::future::ready(Err(ProviderFault::Unreachable)))
            }
            () if until > self.time.now() => self.later(until, Due::Answer(asked)),
            () => asked,
        }
    }

    fn later<'a, T: Send + 'a>(&self, until: u64, due: Due<'a, T>) -> Asked<'a, T> {
        let (time, wire) = (Arc::clone(&self.time), self.wire.clone());
        Box::pin(Late { until, due: Some(due), time, wire })
    }
}

/// What is on the wire.
enum Due<'a, T> {
    Ask(Box<dyn FnOnce() -> Asked<'a, T> + Send + 'a>),
    Answer(Asked<'a, T>),
}

/// Something that comes at a moment.
struct Late<'a, T> {
    until: u64,
    due: Option<Due<'a, T>>,
    time: Arc<Time>,
    wire: Wire,
}

impl<T> Future for Late<'_, T> {
    type Output = Result<T, ProviderFault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.time.now() < self.until {
            self.wire.0.lock().push((self.until, context.waker().clone()));
            return Poll::Pending;
        }
        let mut answer = match self.due.take().expect("it is polled until it has come") {
            Due::Ask(ask) => ask(),
            Due::Answer(answer) => answer,
        };
        let polled = answer.as_mut().poll(context);
        self.due = polled.is_pending().then_some(Due::Answer(answer));
        polled
    }
}

impl<T> Drop for Late<'_, T> {
    fn drop(&mut self) {
        // Whoever gives up waiting does not take back what was asked.
        if let Some(Due::Ask(ask)) = self.due.take() {
            drop(ask());
        }
    }
}

impl Provider for Reached {
    fn name(&self) -> &str {
        self.name
    }

    fn start<'a>(&'a self, ask: &'a PayAsk<'a>) -> Asked<'a, PayStart> {
        self.ask(|| self.company.start(ask))
    }

    fn read_notice(&self, notice: &Notice<'_>) -> Result<ProviderNotice, NoticeRefused> {
        self.company.read_notice(notice)
    }

    fn answer(&self, verdict: NoticeVerdict) -> NoticeAnswer {
        self.company.answer(verdict)
    }

    fn close<'a>(&'a self, order_id: &'a str) -> Asked<'a, Closed> {
        self.ask(|| self.company.close(order_id))
    }

    fn query<'a>(&'a self, order_id: &'a str) -> Asked<'a, Option<ProviderNotice>> {
        self.ask(|| self.company.query(order_id))
    }

    fn refund<'a>(&'a self, ask: &'a RefundAsk<'a>) -> Asked<'a, Refunded> {
        self.ask(|| self.company.refund(ask))
    }
}
