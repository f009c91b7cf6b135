//! What every request needs: the sale, the door, the metrics, and the parts of answers made in advance.
//! It holds no state of a sale: losing it loses nothing.

use crate::{Metrics, WebSettings, cold, hot::KeptList, pages::Pages};
use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use door::{Door, Limits};
use parking_lot::Mutex;
use sale::Sale;
use std::sync::Arc;

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
    pages: ArcSwap<Pages>,
    remaking: Mutex<()>,
    /// What /act/list answers while nothing in it changes.
    pub(crate) first_list: ArcSwapOption<KeptList>,
}

impl App {
    /// The HTTP side of this sale.
    pub fn new(
        sale: Arc<Sale>,
        door: Arc<Door>,
        metrics: Arc<Metrics>,
        settings: WebSettings,
    ) -> Arc<Self> {
        let pages = ArcSwap::from_pointee(Pages::new(&sale.catalog()));
        let (remaking, first_list) = (Mutex::new(()), ArcSwapOption::empty());
        let limits = Limits::new(settings.limits, sale.now());
        Arc::new(Self { sale, door, metrics, settings, limits, pages, remaking, first_list })
    }

    /// The slower routes, for people who reach this server by its main listener.
    pub(crate) fn routes(self: &Arc<Self>) -> axum::Router {
        cold::routes(Arc::clone(self))
    }

    /// The parts of answers that only change with a definition, made anew if one did.
    pub(crate) fn pages(&self) -> Guard<Arc<Pages>> {
        let pages = self.pages.load();
        if pages.version == self.sale.catalog().version {
            return pages;
        }
        drop(pages);
        let _one = self.remaking.lock();
        let catalog = self.sale.catalog();
        if self.pages.load().version != catalog.version {
            self.pages.store(Arc::new(Pages::new(&catalog)));
        }
        self.pages.load()
    }
}
