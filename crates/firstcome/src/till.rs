//! The thread `till`: the work on orders and payments that nobody's request does, and the provider for trying things
//! out, where it is switched on. What becomes of an order or a payment is decided by the sale.

use crate::{clock::SteadyClock, commands::Failure};
use ledger::Ledger;
use sale::{
    Sale,
    pay::{Delivery, Notice, Provider, TEST_PROVIDER, TestProvider, TestSettings},
};
use std::{
    future::Future,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::task::JoinSet;

/// Between two rounds of a hand in which nothing was done.
const IDLE: Duration = Duration::from_millis(200);
/// Between two looks at the test provider, and at whether it is time to stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long the rounds that are under way at the end may take. A provider may take longer; it is asked again after the
/// next start.
const ENDING_MAX: Duration = Duration::from_secs(1);
/// Until the next round of a hand whose round panicked.
const PANICKED: Duration = Duration::from_secs(1);
/// Notices of the test provider that are under way at the same time.
const NOTICES_AT_ONCE: usize = 100;
/// What the test provider remembers, in the data folder: it stands for a company that does not forget when we do.
const BOOK: &str = "test-provider.jsonl";
/// The path of its page, to which `/` and an order's id are added.
const PAGE: &str = "/pay/test";
/// The merchant that its notices name.
const MERCHANT: &str = "firstcome";

/// Opens the provider for trying things out, with its page at this origin, and says so aloud.
pub fn test_provider(
    data: &Path,
    at: &str,
    ledger: &dyn Ledger,
    clock: Arc<SteadyClock>,
) -> Result<Arc<TestProvider>, Failure> {
    let settings = TestSettings {
        secret: ledger.secret("test-provider")?,
        merchant: MERCHANT.to_owned(),
        page: format!("{at}{PAGE}"),
        book: Some(data.join(BOOK)),
    };
    let provider = TestProvider::open(settings, clock)
        .map_err(|fault| Failure::No(vec![format!("the test provider's book {BOOK}: {fault}")]))?;
    tracing::warn!("the test provider is on: whoever opens its page pays with nothing");
    Ok(Arc::new(provider))
}

/// The thread at work.
pub struct Till {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Till {
    /// Begins to work.
    pub fn start(sale: Arc<Sale>, test: Option<Arc<TestProvider>>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Io("the till's thread", error.kind());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        if let Some(provider) = &test {
            sale.set_providers(vec![Arc::clone(provider) as Arc<dyn Provider>]);
        }
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("till".into()).spawn(move || {
            runtime.block_on(work(&sale, test, &stopped));
        });
        Ok(Self { stop, thread: thread.map_err(failed)? })
    }

    /// Ends after the rounds that are under way, or without them. What is not done is found again at the next start.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // A panic has said so already.
        let _ = self.thread.join();
    }
}

/// Every hand works by itself, so that none waits for a provider of another one.
async fn work(sale: &Arc<Sale>, test: Option<Arc<TestProvider>>, stop: &Arc<AtomicBool>) {
    let mut hands = JoinSet::new();
    for hand in 0..sale.till_hands() {
        let sale = Arc::clone(sale);
        let round = move || {
            let sale = Arc::clone(&sale);
            async move { sale.till_hand(hand).await }
        };
        hands.spawn(again_and_again(Arc::clone(stop), IDLE, round));
    }
    if let Some(test) = test {
        let sale = Arc::clone(sale);
        let round = move || {
            let (sale, test) = (Arc::clone(&sale), Arc::clone(&test));
            async move { deliver(&sale, &test).await }
        };
        hands.spawn(again_and_again(Arc::clone(stop), LOOK, round));
    }
    while !stop.load(Ordering::Acquire) {
        tokio::time::sleep(LOOK).await;
    }
    let ended = async { while hands.join_next().await.is_some() {} };
    if tokio::time::timeout(ENDING_MAX, ended).await.is_err() {
        tracing::info!("a provider was still being asked; it is asked again after the next start");
    }
}

/// Goes from round to round, with a pause after one in which nothing was done. A round that panics has said so, and takes
/// nothing but itself with it: there are refunds to be made by the next one.
async fn again_and_again<R>(stop: Arc<AtomicBool>, idle: Duration, round: impl Fn() -> R)
where
    R: Future<Output = usize> + Send + 'static,
{
    while !stop.load(Ordering::Acquire) {
        match tokio::spawn(round()).await {
            Ok(0) => tokio::time::sleep(idle).await,
            Ok(_) => {}
            Err(_) => tokio::time::sleep(PANICKED).await,
        }
    }
}

/// Hands over what the test provider has to say, as if it came over the network, much of it at the same time: a notice
/// waits until it is written, and one after the other they would wait for each other longer than buyers have. How much
/// that was.
async fn deliver(sale: &Arc<Sale>, test: &Arc<TestProvider>) -> usize {
    let due = test.take_due(sale.now());
    let count = due.len();
    let mut under_way = JoinSet::new();
    for delivery in due {
        if under_way.len() >= NOTICES_AT_ONCE {
            under_way.join_next().await;
        }
        let (sale, test) = (Arc::clone(sale), Arc::clone(test));
        under_way.spawn(async move { hand_over(&sale, &test, &delivery).await });
    }
    while under_way.join_next().await.is_some() {}
    count
}

async fn hand_over(sale: &Sale, test: &TestProvider, Delivery { id, headers, body }: &Delivery) {
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone())
    };
    let notice = Notice { header: &header, body };
    let answer = sale.notice(TEST_PROVIDER, &notice).await;
    test.delivered(*id, (200..300).contains(&answer.status));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_round_that_panics_takes_no_other_with_it() {
        let (stop, rounds) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
        let round = move || {
            let (stop, nth) = (Arc::clone(&stopped), counted.fetch_add(1, Ordering::AcqRel));
            async move {
                assert_ne!(nth, 0, "the first one panics");
                stop.store(nth == 2, Ordering::Release);
                nth
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(again_and_again(stop, Duration::ZERO, round));
        assert_eq!(rounds.load(Ordering::Acquire), 3);
    }
}
