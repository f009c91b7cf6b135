//! What operators do with endpoints, what readers ask for, and the one call that runs everything.
//! A secret is answered once, when it is made; no call shows it again.

use crate::attempt::{Target, attempt};
use crate::body::{EventBody, trial};
use crate::connection::Dialer;
use crate::destination::{Destination, UrlRefused};
use crate::kind::FactKind;
use crate::pages::{Pages, Room};
use crate::recorder::{self, Entry, Recorder};
use crate::settings::{RelaySettings, SettingRefused};
use crate::shared::{Counts, Parts, Shared, Tallies};
use crate::signature::{FRESH_BYTES, secret_text};
use crate::supervisor::{Asked, Supervisor};
use crate::tls;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::{Cursor, DELIVERIES_KEPT_MAX, Delivery, Endpoint, LedgerFault, NewEndpoint, OutNo};
use parking_lot::Mutex;
use rules::{ActivityNo, TimeMs};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Questions to the supervisor that wait.
const ASKED_MAX: usize = 16;
/// How long a question to the supervisor may take.
const ASKED_WITHIN: Duration = Duration::from_secs(10);
/// Random bytes of an endpoint's id.
const ID_BYTES: usize = 12;
/// Bytes of an endpoint's note.
const NOTE_BYTES_MAX: usize = 1_024;
/// Events in one page for readers.
const EVENTS_MAX: u32 = 1_000;

/// An endpoint that an operator wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where to send.
    pub url: String,
    /// Only this activity's events; all: `None`.
    pub activity: Option<ActivityNo>,
    /// Only events of these types (`order.paid`); empty: all.
    pub types: Vec<String>,
    /// May be empty.
    pub note: String,
}

/// An endpoint was added.
#[derive(Clone, PartialEq, Eq)]
pub struct Added {
    /// Its id.
    pub id: String,
    /// Its secret, as text: shown this once.
    pub secret: String,
}

impl std::fmt::Debug for Added {
    // The secret never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Added").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Events for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// In order, without gaps.
    pub bodies: Vec<EventBody>,
    /// There are more after them.
    pub more: bool,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayFault {
    /// There is no such endpoint.
    Unknown,
    /// There are as many endpoints as there may be.
    Full,
    /// The endpoint's address cannot be one.
    Url(UrlRefused),
    /// A type of this place in the list is none.
    Type(usize),
    /// The note is longer than 1,024 bytes.
    Note,
    /// The endpoint does not hear of this activity.
    OtherActivity,
    /// The relay does not run, or is too busy to say; it may or may not have been done.
    Busy,
    /// The system gave no random bytes.
    Chance,
    /// The ledger failed.
    Ledger(LedgerFault),
}

impl From<LedgerFault> for RelayFault {
    fn from(fault: LedgerFault) -> Self {
        Self::Ledger(fault)
    }
}

/// Why the relay does not start.
pub type StartFault = SettingRefused;

/// What `run` takes with it.
struct Inbox {
    asked: mpsc::Receiver<Asked>,
    entries: mpsc::Receiver<Entry>,
}

/// The relay. Clones are the same one.
#[derive(Clone)]
pub struct Relay {
    shared: Arc<Shared>,
    woken: Arc<watch::Sender<u64>>,
    ask: mpsc::Sender<Asked>,
    inbox: Arc<Mutex<Option<Inbox>>>,
}

impl Relay {
    /// A relay that is ready to run.
    pub fn start(parts: Parts, settings: RelaySettings) -> Result<Self, StartFault> {
        settings.check()?;
        let tls = tls::connector(&settings.roots_pem)?;
        let dialer = Dialer::new(&settings, parts.resolver.clone(), tls);
        let readings = settings.ledger_reads_max;
        let pages = Arc::new(Pages::new(parts.clone(), settings.source.clone(), readings));
        let (recorder, entries) = Recorder::new(&settings);
        let tallies = Tallies::default();
        let shared = Arc::new(Shared { settings, parts, pages, dialer, recorder, tallies });
        let (ask, asked) = mpsc::channel(ASKED_MAX);
        let inbox = Arc::new(Mutex::new(Some(Inbox { asked, entries })));
        Ok(Self { shared, woken: Arc::new(watch::Sender::new(0)), ask, inbox })
    }

    /// Sends what there is to send until `shutdown`; what was delivered until then is on disk when it returns.
    /// It runs once, on the runtime that calls it; a second call returns at once.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let Some(Inbox { mut asked, entries }) = self.inbox.lock().take() else { return };
        let shared = &self.shared;
        let (settings, epoch) = (shared.settings.clone(), shared.parts.epoch.clone());
        let recording = tokio::spawn(recorder::run(entries, shared.pages.clone(), settings, epoch));
        let supervisor = Supervisor::new(shared.clone());
        supervisor.work(&mut asked, self.woken.subscribe(), shutdown).await;
        // Everything it had was settled by the supervisor; nobody sends any more.
        recording.abort();
    }

    /// Something was committed. Costs next to nothing, and may be called as often as there are commits.
    pub fn wake(&self) {
        self.woken.send_modify(|times| *times += 1);
    }

    /// Changes whenever there may be new facts: for whoever reads `events` as a stream.
    pub fn woken(&self) -> watch::Receiver<u64> {
        self.woken.subscribe()
    }

    /// What was done since the start.
    pub fn counts(&self) -> Counts {
        self.shared.tallies.counts()
    }

    /// An activity's events after number `after`, in order, at most `most` (and at most 1,000), and none after the one
    /// with which their bodies come to `bytes_max`. Facts without a number get one now.
    pub async fn events(
        &self,
        activity: ActivityNo,
        after: OutNo,
        most: u32,
        bytes_max: usize,
    ) -> Result<Events, RelayFault> {
        let room = Room { facts: most.min(EVENTS_MAX), bytes: bytes_max };
        let step = self.shared.settings.number_facts_max;
        let read = move |pages: &Pages| {
            // One more, so that it is known whether there are more.
            pages.number_for(activity, after, room.facts + 1, step)?;
            let page = pages.page(activity, after, room, &[])?;
            let more = page.is_full && pages.ledger().last_fact(activity)? > page.through;
            Ok(Events { bodies: page.bodies, more })
        };
        self.shared.pages.reading(read).await
    }

    /// Every endpoint, in the order in which they were added.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, RelayFault> {
        Ok(self.shared.pages.reading(|pages| pages.ledger().endpoints()).await?)
    }

    /// How far an endpoint has heard.
    pub async fn cursors(&self, id: &str) -> Result<Vec<Cursor>, RelayFault> {
        let no = self.find(id).await?.no;
        Ok(self.shared.pages.reading(move |pages| pages.ledger().cursors(no)).await?)
    }

    /// Adds an endpoint. It hears of what happens from now on; `replay` tells it of what was before.
    pub async fn add(&self, new: NewWebhook) -> Result<Added, RelayFault> {
        let to = Destination::read(&new.url).map_err(RelayFault::Url)?;
        to.demand_reachable(&self.shared.settings.reachable).map_err(RelayFault::Url)?;
        if let Some(place) = new.types.iter().position(|name| FactKind::from_name(name).is_none()) {
            return Err(RelayFault::Type(place));
        }
        if new.note.len() > NOTE_BYTES_MAX {
            return Err(RelayFault::Note);
        }
        if self.endpoints().await?.len() >= self.shared.settings.endpoints_max as usize {
            return Err(RelayFault::Full);
        }
        let id = format!("wh_{}", URL_SAFE_NO_PAD.encode(random::<ID_BYTES>()?));
        let secret = random::<FRESH_BYTES>()?.to_vec();
        let added = Added { id: id.clone(), secret: secret_text(&secret) };
        let NewWebhook { url, activity, types, note } = new;
        let endpoint = NewEndpoint { id, url, secret, activity, types, note };
        let step = self.shared.settings.number_facts_max;
        self.shared.pages.writing(move |pages: &Pages| pages.number_all(step)).await?;
        let (epoch, now) = ((self.shared.parts.epoch)(), self.shared.now());
        let adding = move |pages: &Pages| pages.ledger().add_endpoint(epoch, &endpoint, now);
        // An id of so many random bytes is never there before.
        self.shared.pages.writing(adding).await?.ok_or(RelayFault::Chance)?;
        self.look().await?;
        Ok(added)
    }

    /// Removes an endpoint with all that is known of it.
    pub async fn remove(&self, id: &str) -> Result<(), RelayFault> {
        let (no, epoch) = (self.find(id).await?.no, (self.shared.parts.epoch)());
        let removing = move |pages: &Pages| pages.ledger().remove_endpoint(epoch, no);
        let removed = self.shared.pages.writing(removing).await?;
        self.look().await?;
        if removed { Ok(()) } else { Err(RelayFault::Unknown) }
    }

    /// Gives an endpoint a new secret, which is answered as text; the old one signs too for a while.
    pub async fn rotate(&self, id: &str) -> Result<String, RelayFault> {
        let (no, epoch) = (self.find(id).await?.no, (self.shared.parts.epoch)());
        let secret = random::<FRESH_BYTES>()?;
        let until = TimeMs(self.shared.now().0.saturating_add(self.shared.settings.old_secret_ms));
        let rotating = move |pages: &Pages| pages.ledger().rotate_secret(epoch, no, &secret, until);
        let rotated = self.shared.pages.writing(rotating).await?;
        self.look().await?;
        if rotated { Ok(secret_text(&secret)) } else { Err(RelayFault::Unknown) }
    }

    /// Stops sending to an endpoint; what it misses waits for it.
    pub async fn park(&self, id: &str) -> Result<(), RelayFault> {
        self.set_parked(id, true).await
    }

    /// Sends to an endpoint again, at once, whatever it failed before.
    pub async fn resume(&self, id: &str) -> Result<(), RelayFault> {
        self.set_parked(id, false).await
    }

    async fn set_parked(&self, id: &str, parked: bool) -> Result<(), RelayFault> {
        let (no, epoch) = (self.find(id).await?.no, (self.shared.parts.epoch)());
        let parking = move |pages: &Pages| pages.ledger().park_endpoint(epoch, no, parked);
        let found = self.shared.pages.writing(parking).await?;
        self.look().await?;
        if found { Ok(()) } else { Err(RelayFault::Unknown) }
    }

    /// Sends an activity's facts to an endpoint again, from number `from` on. One beyond the last is the next one
    /// there will be: so a fact that is never taken can be passed over.
    pub async fn replay(
        &self,
        id: &str,
        activity: ActivityNo,
        from: OutNo,
    ) -> Result<(), RelayFault> {
        let endpoint = self.find(id).await?;
        if endpoint.set.activity.is_some_and(|of| of != activity) {
            return Err(RelayFault::OtherActivity);
        }
        let last = move |pages: &Pages| pages.ledger().last_fact(activity);
        let last = self.shared.pages.reading(last).await?;
        let after = OutNo(from.0.saturating_sub(1).min(last.0));
        self.ask(|done| Asked::Replay(endpoint.no, activity, after, done)).await
    }

    /// Sends an endpoint an event of the type `firstcome.test`, now, and tells how it went. It is in no log.
    pub async fn test(&self, id: &str) -> Result<Delivery, RelayFault> {
        let endpoint = self.find(id).await?;
        let to = Destination::read(&endpoint.set.url).map_err(RelayFault::Url)?;
        let event = format!("test/{}", URL_SAFE_NO_PAD.encode(random::<ID_BYTES>()?));
        let (source, now) = (&self.shared.settings.source, self.shared.now());
        let (event, body) = trial(event, &endpoint.set.id, source, now);
        let no = endpoint.no;
        let target = Target { endpoint, to, wanted: Vec::new() };
        let done = attempt(&self.shared, &target, &mut None, &event, &body).await;
        Ok(Delivery {
            at: done.began,
            endpoint: no,
            activity: ActivityNo(0),
            no: OutNo(0),
            outcome: done.outcome,
            took_ms: done.took_ms,
        })
    }

    /// An endpoint's attempts, newest first, at most `most`.
    pub async fn deliveries(&self, id: &str, most: u32) -> Result<Vec<Delivery>, RelayFault> {
        let (no, most) = (self.find(id).await?.no, most.min(DELIVERIES_KEPT_MAX));
        Ok(self.shared.pages.reading(move |pages| pages.ledger().deliveries(no, most)).await?)
    }

    /// The endpoint with this id.
    pub async fn find(&self, id: &str) -> Result<Endpoint, RelayFault> {
        let found = self.endpoints().await?.into_iter().find(|endpoint| endpoint.set.id == id);
        found.ok_or(RelayFault::Unknown)
    }

    /// Lets the supervisor see what was changed. Where it does not run, it will see it when it does.
    async fn look(&self) -> Result<(), RelayFault> {
        if self.inbox.lock().is_some() {
            return Ok(());
        }
        self.ask(Asked::Look).await
    }

    async fn ask(
        &self,
        question: impl FnOnce(oneshot::Sender<()>) -> Asked,
    ) -> Result<(), RelayFault> {
        let (done, answer) = oneshot::channel();
        let asking = async {
            self.ask.send(question(done)).await.map_err(|_| RelayFault::Busy)?;
            answer.await.map_err(|_| RelayFault::Busy)
        };
        tokio::time::timeout(ASKED_WITHIN, asking).await.unwrap_or(Err(RelayFault::Busy))
    }
}

fn random<const N: usize>() -> Result<[u8; N], RelayFault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| RelayFault::Chance)?;
    Ok(bytes)
}
