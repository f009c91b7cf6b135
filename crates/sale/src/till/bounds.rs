//! How long a provider may take to answer: who says nothing for so long is taken for unreachable, and asked again later.
//! Time is the sale's one clock, so that this holds wherever a sale runs; no timer of a runtime is used.

use crate::{
    Clock,
    pay::{Asked, ProviderFault},
};
use parking_lot::Mutex;
use rules::TimeMs;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Milliseconds a provider has to answer.
pub const PROVIDER_ANSWERS_MS: u64 = 10_000;

/// A call by when its time is up.
type Place = (TimeMs, u64);

/// The calls under way.
#[derive(Default)]
pub struct Bounds(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    last: u64,
    waiting: BTreeMap<Place, Waker>,
}

impl Bounds {
    /// The same call, which ends within [`PROVIDER_ANSWERS_MS`].
    pub fn of<'a, T>(&'a self, clock: &'a dyn Clock, asked: Asked<'a, T>) -> Bounded<'a, T> {
        let ends = TimeMs(clock.now().0.saturating_add(PROVIDER_ANSWERS_MS));
        Bounded { asked, clock, bounds: self, ends, place: None }
    }

    /// Wakes those whose time is up; to be called every few milliseconds.
    pub fn tick(&self, now: TimeMs) {
        let mut calls = self.0.lock();
        while let Some(first) = calls.waiting.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().wake();
        }
    }

    fn wait(&self, place: Option<Place>, ends: TimeMs, waker: Waker) -> Place {
        let mut calls = self.0.lock();
        let place = place.unwrap_or_else(|| {
            calls.last += 1;
            (ends, calls.last)
        });
        calls.waiting.insert(place, waker);
        place
    }
}

/// See [`Bounds::of`].
pub struct Bounded<'a, T> {
    asked: Asked<'a, T>,
    clock: &'a dyn Clock,
    bounds: &'a Bounds,
    ends: TimeMs,
    place: Option<Place>,
}

impl<T> Future for Bounded<'_, T> {
    type Output = Result<T, ProviderFault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = self.asked.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        if self.clock.now() >= self.ends {
            return Poll::Ready(Err(ProviderFault::Unreachable));
        }
        let waker = context.waker().clone();
        self.place = Some(self.bounds.wait(self.place, self.ends, waker));
        Poll::Pending
    }
}

impl<T> Drop for Bounded<'_, T> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.bounds.0.lock().waiting.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        task::Wake,
    };

    #[derive(Default)]
    struct HandClock(AtomicU64);

    impl Clock for HandClock {
        fn now(&self) -> TimeMs {
            TimeMs(self.0.load(Ordering::SeqCst))
        }
    }

    #[derive(Default)]
    struct Woken(AtomicU64);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_says_nothing_is_unreachable_in_time_and_nobody_polls_meanwhile() {
        let (bounds, clock, woken) =
            (Bounds::default(), HandClock::default(), Arc::<Woken>::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut silent = pin!(bounds.of::<()>(&clock, Box::pin(std::future::pending())));
        assert_eq!(silent.as_mut().poll(&mut context), Poll::Pending);
        for (at, wakes, ended) in [
            (PROVIDER_ANSWERS_MS - 1, 0, Poll::Pending),
            (PROVIDER_ANSWERS_MS, 1, Poll::Ready(Err(ProviderFault::Unreachable))),
        ] {
            clock.0.store(at, Ordering::SeqCst);
            bounds.tick(clock.now());
            assert_eq!(woken.0.load(Ordering::SeqCst), wakes);
            assert_eq!(silent.as_mut().poll(&mut context), ended);
        }
    }

    #[test]
    fn an_answer_ends_a_call_and_a_call_that_was_dropped_is_forgotten() {
        let (bounds, clock) = (Bounds::default(), HandClock::default());
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut answered = pin!(bounds.of(&clock, Box::pin(std::future::ready(Ok(7)))));
            assert_eq!(answered.as_mut().poll(&mut context), Poll::Ready(Ok(7)));
            let mut dropped = pin!(bounds.of::<()>(&clock, Box::pin(std::future::pending())));
            assert_eq!(dropped.as_mut().poll(&mut context), Poll::Pending);
            assert_eq!(bounds.0.lock().waiting.len(), 1);
        }
        assert_eq!(bounds.0.lock().waiting.len(), 0);
    }
}
