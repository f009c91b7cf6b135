//! The thread `till`: the work on orders and payments that nobody's request does, and the provider for trying things
//! out, where it is switched on. What becomes of an order or a payment is decided by the sale.

use crate::{clock::SteadyClock, commands::Failure};
use ledger::Ledger;
use sale::{
    Sale,
    pay::{Delivery, Notice, Provider, TEST_PROVIDER, TestProvider, TestSettings},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Between two rounds in which nothing was done; also how late the notices of the test provider may be.
const IDLE: Duration = Duration::from_millis(50);
/// Rounds over orders and payments: one in so many looks at the test provider.
const LOOKS_A_ROUND: u32 = 4;
/// What the test provider remembers, in the data folder: it stands for a company that does not forget when we do.
const BOOK: &str = "test-provider.jsonl";
/// The path of its page, to which an order's id is added.
const PAGE: &str = "/pay/test";
/// The merchant that its notices name.
const MERCHANT: &str = "firstcome";

/// Opens the provider for trying things out, and says so aloud.
pub fn test_provider(
    data: &Path,
    ledger: &dyn Ledger,
    clock: Arc<SteadyClock>,
) -> Result<Arc<TestProvider>, Failure> {
    let settings = TestSettings {
        secret: ledger.secret("test-provider")?,
        merchant: MERCHANT.to_owned(),
        page: PAGE.to_owned(),
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
            runtime.block_on(work(&sale, test.as_deref(), &stopped));
        });
        Ok(Self { stop, thread: thread.map_err(failed)? })
    }

    /// Ends after the round that is under way. What is not done is found again at the next start.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // A round that panicked has said so already.
        let _ = self.thread.join();
    }
}

async fn work(sale: &Sale, test: Option<&TestProvider>, stop: &AtomicBool) {
    let mut looks = 0;
    while !stop.load(Ordering::Acquire) {
        let mut done = 0;
        if let Some(test) = test {
            done += deliver(sale, test).await;
        }
        if looks % LOOKS_A_ROUND == 0 {
            done += sale.till_round().await;
        }
        looks += 1;
        if done == 0 {
            tokio::time::sleep(IDLE).await;
        }
    }
}

/// Hands over what the test provider has to say, as if it came over the network; how much that was.
async fn deliver(sale: &Sale, test: &TestProvider) -> usize {
    let due = test.take_due(sale.now());
    for Delivery { id, headers, body } in &due {
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone())
        };
        let notice = Notice { header: &header, body };
        let answer = sale.notice(TEST_PROVIDER, &notice).await;
        test.delivered(*id, (200..300).contains(&answer.status));
    }
    due.len()
}
