//! The thread `relay`, and how the HTTP side speaks with it: facts that leave, and endpoints that are sent them.
//! Here words of one crate become words of the other; nothing is decided.

use crate::commands::Failure;
use ledger::{Delivery, DeliveryOutcome, Endpoint, Ledger, OutNo};
use parking_lot::Mutex;
use relay::{
    Added, EventBody, Events, NewWebhook as NewEndpoint, OrderIds, Parts, Relay, RelayFault,
    RelaySettings, SystemResolver, UrlRefused,
};
use rules::{ActivityNo, Claim};
use sale::{Meter, OrderState, PaymentState, Sale};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::oneshot;
use web::{
    Asking, Attempt, AttemptOutcome, Metrics, NewSecret, NewWebhook, Outside, OutsideFact,
    OutsideFacts, OutsideFault, Reached, Webhook,
};

/// What orders and tickets are called outside: the same as on the wire.
struct WireIds(Arc<Sale>);

impl OrderIds for WireIds {
    fn order(&self, first: &Claim) -> String {
        self.0.ids().claim(first).as_str().to_owned()
    }

    fn ticket(&self, line: &Claim) -> String {
        self.0.ids().ticket(line)
    }
}

/// The metrics, and a relay that is woken by what they count.
pub struct WakingMeter {
    metrics: Arc<Metrics>,
    relay: OnceLock<Relay>,
}

impl WakingMeter {
    /// Counts into `metrics`; wakes nobody yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, relay: OnceLock::new() }
    }

    fn wake(&self) {
        if let Some(relay) = self.relay.get() {
            relay.wake();
        }
    }
}

impl Meter for WakingMeter {
    fn committed(&self, claims: usize, took: Duration) {
        self.metrics.committed(claims, took);
        self.wake();
    }

    fn recovery(&self) {
        self.metrics.recovery();
    }

    fn changed(&self, changes: usize, took: Duration) {
        self.metrics.changed(changes, took);
        self.wake();
    }

    fn order_changed(&self, state: OrderState) {
        self.metrics.order_changed(state);
    }

    fn payment_changed(&self, state: PaymentState) {
        self.metrics.payment_changed(state);
    }

    fn notice_refused(&self, reason: &'static str) {
        self.metrics.notice_refused(reason);
    }
}

/// The thread that delivers.
pub struct Delivering {
    relay: Relay,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: JoinHandle<()>,
}

impl Delivering {
    /// Begins to deliver what this sale tells the outside.
    pub fn start(
        sale: &Arc<Sale>,
        ledger: Arc<dyn Ledger>,
        meter: &WakingMeter,
        settings: RelaySettings,
    ) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Io("the relay's thread", error.kind());
        let (of_epoch, of_now) = (Arc::clone(sale), Arc::clone(sale));
        let parts = Parts {
            ledger,
            ids: Arc::new(WireIds(Arc::clone(sale))),
            resolver: Arc::new(SystemResolver),
            epoch: Arc::new(move || of_epoch.epoch()),
            now: Arc::new(move || of_now.now()),
        };
        let relay = Relay::start(parts, settings)
            .map_err(|refused| Failure::No(vec![format!("webhooks: {refused}")]))?;
        let woken = meter.relay.set(relay.clone());
        assert!(woken.is_ok(), "a server delivers once");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let running = relay.clone();
        let thread = std::thread::Builder::new().name("relay".into()).spawn(move || {
            // Whoever drops the sender stops it as well.
            runtime.block_on(running.run(async { drop(stopped.await) }));
        });
        Ok(Self { relay, stop: Mutex::new(Some(stop)), thread: thread.map_err(failed)? })
    }

    /// The HTTP side's view of it.
    pub fn outside(&self) -> Arc<dyn Outside> {
        Arc::new(OverRelay(self.relay.clone()))
    }

    /// Ends, with what was delivered on disk.
    pub fn stop(self) {
        drop(self.stop.lock().take());
        // A thread that panicked has said so already.
        let _ = self.thread.join();
    }
}

struct OverRelay(Relay);

impl Outside for OverRelay {
    fn facts(
        &self,
        activity: ActivityNo,
        after: u64,
        most: u32,
        bytes_max: usize,
    ) -> Asking<'_, OutsideFacts> {
        Box::pin(async move {
            let asked = self.0.events(activity, OutNo(after), most, bytes_max);
            let Events { bodies, more } = asked.await.map_err(fault)?;
            let fact = |EventBody { no, kind, json, .. }| OutsideFact {
                no: no.0,
                kind: kind.name(),
                body: json,
            };
            Ok(OutsideFacts { facts: bodies.into_iter().map(fact).collect(), more })
        })
    }

    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut woken = self.0.woken();
        Box::pin(async move { drop(woken.changed().await) })
    }

    fn webhooks(&self) -> Asking<'_, Vec<Webhook>> {
        Box::pin(async move {
            let mut webhooks = Vec::new();
            for endpoint in self.0.endpoints().await.map_err(fault)? {
                let cursors = self.0.cursors(&endpoint.set.id).await.map_err(fault)?;
                let reached = cursors.iter().map(|cursor| Reached {
                    activity: cursor.activity,
                    after: cursor.after.0,
                    failures: cursor.failures,
                    not_before: cursor.not_before,
                });
                webhooks.push(webhook(endpoint, reached.collect()));
            }
            Ok(webhooks)
        })
    }

    fn add(&self, new: NewWebhook) -> Asking<'_, NewSecret> {
        Box::pin(async move {
            let NewWebhook { url, activity, types, note } = new;
            let new = NewEndpoint { url, activity, types, note };
            let Added { id, secret } = self.0.add(new).await.map_err(fault)?;
            Ok(NewSecret { id, secret })
        })
    }

    fn remove<'a>(&'a self, id: &'a str) -> Asking<'a, ()> {
        Box::pin(async move { self.0.remove(id).await.map_err(fault) })
    }

    fn rotate<'a>(&'a self, id: &'a str) -> Asking<'a, NewSecret> {
        Box::pin(async move {
            let secret = self.0.rotate(id).await.map_err(fault)?;
            Ok(NewSecret { id: id.to_owned(), secret })
        })
    }

    fn park<'a>(&'a self, id: &'a str, parked: bool) -> Asking<'a, ()> {
        Box::pin(async move {
            let done = if parked { self.0.park(id).await } else { self.0.resume(id).await };
            done.map_err(fault)
        })
    }

    fn replay<'a>(&'a self, id: &'a str, activity: ActivityNo, after: u64) -> Asking<'a, ()> {
        let from = OutNo(after.saturating_add(1));
        Box::pin(async move { self.0.replay(id, activity, from).await.map_err(fault) })
    }

    fn test<'a>(&'a self, id: &'a str) -> Asking<'a, Attempt> {
        Box::pin(async move {
            let delivery = self.0.test(id).await.map_err(fault)?;
            Ok(Attempt { fact: None, ..attempt(&delivery) })
        })
    }

    fn attempts<'a>(&'a self, id: &'a str, most: u32) -> Asking<'a, Vec<Attempt>> {
        Box::pin(async move {
            let deliveries = self.0.deliveries(id, most).await.map_err(fault)?;
            Ok(deliveries.iter().map(attempt).collect())
        })
    }
}

fn webhook(endpoint: Endpoint, reached: Vec<Reached>) -> Webhook {
    let set = endpoint.set;
    Webhook {
        id: set.id,
        set: NewWebhook { url: set.url, activity: set.activity, types: set.types, note: set.note },
        parked: endpoint.parked,
        created_at: endpoint.created_at,
        old_secret_until: endpoint.old_secret.map(|(_, until)| until),
        reached,
    }
}

fn attempt(delivery: &Delivery) -> Attempt {
    Attempt {
        at: delivery.at,
        fact: Some((delivery.activity, delivery.no.0)),
        outcome: match delivery.outcome {
            DeliveryOutcome::Taken(status) => AttemptOutcome::Taken(status),
            DeliveryOutcome::Status(status) => AttemptOutcome::Status(status),
            DeliveryOutcome::TimedOut => AttemptOutcome::TimedOut,
            DeliveryOutcome::Unreachable => AttemptOutcome::Unreachable,
            DeliveryOutcome::Forbidden => AttemptOutcome::Forbidden,
        },
        took_ms: delivery.took_ms,
    }
}

fn fault(fault: RelayFault) -> OutsideFault {
    match fault {
        RelayFault::Unknown => OutsideFault::Unknown,
        RelayFault::Full => OutsideFault::TooMany,
        RelayFault::Url(UrlRefused::Address) => OutsideFault::Forbidden,
        // The types and the length of the note are known to whoever asks here: what is left is the address.
        RelayFault::Url(_) | RelayFault::Type(_) | RelayFault::Note => OutsideFault::Url,
        RelayFault::OtherActivity => OutsideFault::OtherActivity,
        RelayFault::Busy | RelayFault::Chance => OutsideFault::Busy,
        RelayFault::Ledger(fault) => OutsideFault::Ledger(fault),
    }
}
