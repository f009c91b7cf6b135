//! What every request needs: the sale, the door, the metrics, and the parts of answers made in advance.
//! It holds no state of a sale: losing it loses nothing.

use crate::{
    Metrics, WebSettings, cold,
    hot::KeptList,
    outside::Outside,
    pages::{Assets, KeptHome},
    prepared::Prepared,
    rehearsals::Rehearsals,
};
use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use door::{Door, Limits};
use parking_lot::Mutex;
use sale::{Sale, pay::TestProvider};
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// The HTTP side of one server.
pub struct App {
    /// Decides.
    pub sale: Arc<Sale>,
    /// Knows who asks.
    pub door: Arc<Door>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Bounds.
    pub settings: WebSettings,
    /// Who knocks too often is told to wait.
    pub limits: Limits,
    prepared: ArcSwap<Prepared>,
    remaking: Mutex<()>,
    /// What /act/list answers while nothing in it changes.
    pub(crate) first_list: ArcSwapOption<KeptList>,
    /// The first page in both languages while nothing in it changes: English, then Chinese.
    pub(crate) homes: [ArcSwapOption<KeptHome>; 2],
    /// Styles and scripts.
    pub(crate) assets: Arc<Assets>,
    rehearsals: OnceLock<Arc<dyn Rehearsals>>,
    outside: OnceLock<Arc<dyn Outside>>,
    test_provider: OnceLock<Arc<TestProvider>>,
    /// Places of readers of events as they happen.
    pub(crate) event_streams: Arc<Semaphore>,
}

impl App {
    /// The HTTP side of this sale.
    pub fn new(
        sale: Arc<Sale>,
        door: Arc<Door>,
        metrics: Arc<Metrics>,
        settings: WebSettings,
    ) -> Arc<Self> {
        let prepared = ArcSwap::from_pointee(Prepared::new(&sale.catalog()));
        let (remaking, first_list) = (Mutex::new(()), ArcSwapOption::empty());
        let limits = Limits::new(settings.limits, sale.now());
        let assets = Arc::new(Assets::new(&settings.pages.asset_base));
        let homes = [ArcSwapOption::empty(), ArcSwapOption::empty()];
        Arc::new(Self {
            sale,
            door,
            metrics,
            settings,
            limits,
            prepared,
            remaking,
            first_list,
            homes,
            assets,
            rehearsals: OnceLock::new(),
            outside: OnceLock::new(),
            test_provider: OnceLock::new(),
            event_streams: Arc::new(Semaphore::new(cold::STREAMS_MAX)),
        })
    }

    /// From now on the desk can have rehearsals made; said once, by whoever can make them.
    pub fn rehearse_by(&self, rehearsals: Arc<dyn Rehearsals>) {
        let said = self.rehearsals.set(rehearsals);
        assert!(said.is_ok(), "rehearsals are made by one");
    }

    /// Who makes rehearsals, if anybody does.
    pub(crate) fn rehearsals(&self) -> Option<&Arc<dyn Rehearsals>> {
        self.rehearsals.get()
    }

    /// From now on operators can read what leaves and say where it is sent; said once, by whoever takes it there.
    pub fn deliver_by(&self, outside: Arc<dyn Outside>) {
        let said = self.outside.set(outside);
        assert!(said.is_ok(), "what leaves is taken there by one");
    }

    /// The world outside, if this server has one.
    pub(crate) fn outside(&self) -> Option<&Arc<dyn Outside>> {
        self.outside.get()
    }

    /// From now on the provider for trying things out has its page; said once, where the configuration says so aloud.
    pub fn pay_with_test_provider(&self, provider: Arc<TestProvider>) {
        let said = self.test_provider.set(provider);
        assert!(said.is_ok(), "there is one provider for trying things out");
    }

    /// The provider for trying things out, where it is switched on.
    pub(crate) fn test_provider(&self) -> Option<&Arc<TestProvider>> {
        self.test_provider.get()
    }

    /// The slower routes, for people who reach this server by its main listener.
    pub(crate) fn routes(self: &Arc<Self>) -> axum::Router {
        cold::routes(Arc::clone(self))
    }

    /// The parts of answers that only change with a definition, made anew if one did.
    pub(crate) fn prepared(&self) -> Guard<Arc<Prepared>> {
        let prepared = self.prepared.load();
        if prepared.version == self.sale.catalog().version {
            return prepared;
        }
        drop(prepared);
        let _one = self.remaking.lock();
        let catalog = self.sale.catalog();
        if self.prepared.load().version != catalog.version {
            self.prepared.store(Arc::new(Prepared::new(&catalog)));
        }
        self.prepared.load()
    }
}
