//! Gives numbers to new facts, and each endpoint a courier of its own.
//! Where nobody listens, nothing is numbered.

use crate::attempt::Target;
use crate::courier::{Courier, Ended, Told};
use crate::destination::Destination;
use crate::kind::FactKind;
use crate::pages::Pages;
use crate::shared::Shared;
use ledger::{Endpoint, EndpointNo, LedgerFault, OutNo};
use rules::{ActivityNo, TimeMs};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

/// How often facts are looked for though nobody said that there are any.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Questions that wait for couriers to end; further ones wait where they were asked.
const LATER_MAX: usize = 16;
/// Things a courier may be told before it hears.
const TOLD_MAX: usize = 64;
/// After giving numbers, nobody gives any for so many times as long as that took: claims are written meanwhile.
const NUMBERING_RESTS: u32 = 2;

/// What the supervisor is asked.
pub(crate) enum Asked {
    /// Endpoints were added, removed, parked, let go on or changed: look; tell when it is done.
    Look(oneshot::Sender<()>),
    /// An endpoint is to go on after this fact of an activity; tell when it is on disk.
    Replay(EndpointNo, ActivityNo, OutNo, oneshot::Sender<()>),
}

struct Running {
    target: Arc<Target>,
    told: mpsc::Sender<Told>,
}

/// When to look for facts again.
#[derive(Clone, Copy)]
struct Pause {
    /// Not before this moment, whatever else happens meanwhile.
    until: Instant,
    /// Then at once, without waiting for word.
    more: bool,
}

/// The activities that somebody listens to.
enum Listened {
    All,
    Some(BTreeSet<ActivityNo>),
}

impl Listened {
    fn holds(&self, activity: ActivityNo) -> bool {
        match self {
            Self::All => true,
            Self::Some(some) => some.contains(&activity),
        }
    }
}

/// The supervisor at work.
///
/// Invariant: S1 an endpoint has one courier at a time: as long as one that was let go is ending, there is no other,
/// and nobody else moves its cursors. What a courier is at may take long to end, so nobody waits for it meanwhile.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    /// Those that work; what is told to them is heard.
    couriers: HashMap<EndpointNo, Running>,
    works: JoinSet<Ended>,
    /// Those that work, and those that are ending.
    whose: HashMap<Id, EndpointNo>,
    /// Asked while a courier was ending.
    later: Vec<Asked>,
    /// The highest numbers there are; nothing is known of it until somebody listens.
    heads: Option<BTreeMap<ActivityNo, OutNo>>,
    /// Given up, and not parked on disk yet.
    to_park: BTreeSet<EndpointNo>,
}

impl Supervisor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            couriers: HashMap::new(),
            works: JoinSet::new(),
            whose: HashMap::new(),
            later: Vec::new(),
            heads: None,
            to_park: BTreeSet::new(),
        }
    }

    /// Works until `shutdown`; what was delivered until then is on disk when it returns.
    pub(crate) async fn work(
        mut self,
        asked: &mut mpsc::Receiver<Asked>,
        mut woken: watch::Receiver<u64>,
        shutdown: impl Future<Output = ()>,
    ) {
        let mut shutdown = pin!(shutdown);
        self.look_or_log().await;
        let mut pause = Pause { until: Instant::now(), more: false };
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(asked) = asked.recv(), if self.later.len() < LATER_MAX => {
                    self.answer(asked).await;
                }
                Some(ended) = self.works.join_next_with_id() => self.hear_end(ended).await,
                () = self.shared.pages.numbered() => self.tell_heads().await,
                () = new_facts(&mut woken, pause) => pause = self.number_and_tell().await,
            }
        }
        let within = Duration::from_millis(self.shared.settings.stop_within_ms.into());
        // Turns have as long to end, and the ledger has as long again to take down what they did.
        let in_time = tokio::time::timeout(within * 2, self.stop()).await;
        if in_time.is_err() {
            tracing::warn!("the last deliveries are not on record: they will be repeated");
        }
    }

    async fn answer(&mut self, asked: Asked) {
        match asked {
            Asked::Look(done) => {
                self.look_or_log().await;
                if self.is_any_ending() {
                    return self.later.push(Asked::Look(done));
                }
                let _ = done.send(());
            }
            Asked::Replay(no, activity, after, done) => {
                if self.is_ending(no) {
                    return self.later.push(Asked::Replay(no, activity, after, done));
                }
                self.tell_heads().await;
                let Some(running) = self.couriers.get(&no) else {
                    return self.replay_parked(no, activity, after, done).await;
                };
                let _ = running.told.send(Told::Replay(activity, after, done)).await;
            }
        }
    }

    fn is_ending(&self, endpoint: EndpointNo) -> bool {
        !self.couriers.contains_key(&endpoint) && self.whose.values().any(|no| *no == endpoint)
    }

    fn is_any_ending(&self) -> bool {
        self.whose.len() > self.couriers.len()
    }

    /// Nobody else moves the cursors of an endpoint without a courier (S1).
    async fn replay_parked(
        &self,
        endpoint: EndpointNo,
        activity: ActivityNo,
        after: OutNo,
        done: oneshot::Sender<()>,
    ) {
        let (failures, not_before) = (0, TimeMs(0));
        let cursor = ledger::Cursor { endpoint, activity, after, failures, not_before };
        self.shared.recorder.place(cursor, None).await;
        self.shared.recorder.settle().await;
        let _ = done.send(());
    }

    async fn look_or_log(&mut self) {
        if let Err(fault) = self.look().await {
            tracing::warn!(%fault, "the endpoints could not be read");
        }
    }

    /// Brings the couriers to where the endpoints are.
    async fn look(&mut self) -> Result<(), LedgerFault> {
        let endpoints = self.shared.pages.reading(|pages| pages.ledger().endpoints()).await?;
        let wanted: HashMap<EndpointNo, Arc<Target>> = endpoints
            .into_iter()
            .filter(|endpoint| !endpoint.parked && !self.to_park.contains(&endpoint.no))
            .filter_map(|endpoint| Some((endpoint.no, Arc::new(target(endpoint)?))))
            .collect();
        // A courier that nobody can tell anything any more ends.
        self.couriers.retain(|no, _| wanted.contains_key(no));
        self.tell_heads().await;
        for (no, target) in wanted {
            let is_ending = self.is_ending(no);
            match self.couriers.get_mut(&no) {
                Some(running) if running.target.endpoint == target.endpoint => {}
                Some(running) => {
                    running.target = target.clone();
                    let _ = running.told.send(Told::Changed(target)).await;
                }
                // It is looked for again once that has ended.
                None if is_ending => {}
                None => self.start(target).await?,
            }
        }
        Ok(())
    }

    async fn start(&mut self, target: Arc<Target>) -> Result<(), LedgerFault> {
        self.learn_heads().await?;
        let no = target.endpoint.no;
        let cursors = self.shared.pages.reading(move |pages| pages.ledger().cursors(no)).await?;
        let heads: Vec<_> = self.heads.iter().flatten().map(|(a, head)| (*a, *head)).collect();
        let courier = Courier::new(self.shared.clone(), target.clone(), cursors, &heads);
        let (told, inbox) = mpsc::channel(TOLD_MAX);
        self.whose.insert(self.works.spawn(courier.work(inbox)).id(), no);
        self.couriers.insert(no, Running { target, told });
        Ok(())
    }

    /// Once somebody listens: what has a number already.
    async fn learn_heads(&mut self) -> Result<(), LedgerFault> {
        if self.heads.is_some() {
            return Ok(());
        }
        let read = |pages: &Pages| {
            let ledger = pages.ledger();
            let mut heads = BTreeMap::new();
            for activity in ledger.activities()? {
                let head = ledger.last_fact(activity.no)?;
                if head > OutNo(0) {
                    heads.insert(activity.no, head);
                }
            }
            Ok(heads)
        };
        self.heads = Some(self.shared.pages.reading(read).await?);
        Ok(())
    }

    /// Lets all end, and waits for it.
    async fn stop(&mut self) {
        self.couriers.clear();
        while let Some(ended) = self.works.join_next_with_id().await {
            self.note_end(ended);
        }
        self.shared.recorder.settle().await;
    }

    async fn hear_end(&mut self, ended: Result<(Id, Ended), JoinError>) {
        self.note_end(ended);
        // What it did last is on disk before it is parked, and before it is ever let go on.
        self.shared.recorder.settle().await;
        self.park_on_disk().await;
        if self.is_any_ending() {
            return;
        }
        for asked in std::mem::take(&mut self.later) {
            self.answer(asked).await;
        }
    }

    fn note_end(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, gave_up) = match ended {
            Ok((id, ended)) => (id, ended == Ended::GaveUp),
            Err(error) => (error.id(), false),
        };
        let no = self.whose.remove(&id).expect("a courier that works is known");
        let running = self.couriers.remove(&no);
        if !gave_up {
            return;
        }
        if let Some(running) = running {
            let endpoint = running.target.endpoint.set.id.as_str();
            tracing::warn!(endpoint, "an endpoint is parked: it took nothing for too long");
        }
        self.shared.tallies.gave_up();
        self.to_park.insert(no);
    }

    async fn park_on_disk(&mut self) {
        for no in self.to_park.clone() {
            let epoch = (self.shared.parts.epoch)();
            let parking = move |pages: &Pages| pages.ledger().park_endpoint(epoch, no, true);
            if self.shared.pages.writing(parking).await.is_ok() {
                self.to_park.remove(&no);
            }
        }
    }

    /// Gives numbers and tells the couriers; when to look again.
    async fn number_and_tell(&mut self) -> Pause {
        let began = Instant::now();
        if !self.to_park.is_empty() {
            self.park_on_disk().await;
        }
        let more = match self.number().await {
            Ok(more) => more,
            Err(fault) => {
                tracing::warn!(%fault, "facts cannot be numbered now");
                return Pause { until: Instant::now() + LOOK_EVERY, more: true };
            }
        };
        let least = Duration::from_millis(self.shared.settings.number_every_ms.into());
        Pause { until: Instant::now() + least.max(began.elapsed() * NUMBERING_RESTS), more }
    }

    /// Whether there are more without a number.
    async fn number(&mut self) -> Result<bool, LedgerFault> {
        let Some(of) = self.listened_to() else { return Ok(false) };
        let most = self.shared.settings.number_facts_max;
        let numbering = move |pages: &Pages| {
            let mut heads = Vec::new();
            for activity in pages.ledger().unnumbered()? {
                if of.holds(activity) {
                    heads.push((activity, pages.number(activity, most)?));
                }
            }
            Ok(heads)
        };
        let heads: Vec<(ActivityNo, OutNo)> = self.shared.pages.writing(numbering).await?;
        let known = self.heads.get_or_insert_default();
        let more = heads.iter().any(|(activity, head)| {
            let before = known.get(activity).map_or(0, |before| before.0);
            head.0.saturating_sub(before) >= most.into()
        });
        self.tell_heads().await;
        Ok(more)
    }

    /// The activities that somebody listens to; nobody listens: `None`.
    fn listened_to(&self) -> Option<Listened> {
        let mut some = BTreeSet::new();
        for running in self.couriers.values() {
            match running.target.endpoint.set.activity {
                Some(activity) => _ = some.insert(activity),
                None => return Some(Listened::All),
            }
        }
        if some.is_empty() { None } else { Some(Listened::Some(some)) }
    }

    /// Tells the couriers of the numbers that were given, by whomever.
    async fn tell_heads(&mut self) {
        // Who listens first learns all of them from the ledger.
        let Some(known) = &mut self.heads else { return };
        let news: Arc<[(ActivityNo, OutNo)]> = self.shared.pages.take_untold().into();
        for (activity, head) in &*news {
            let known = known.entry(*activity).or_insert(*head);
            *known = (*known).max(*head);
        }
        if news.is_empty() {
            return;
        }
        for running in self.couriers.values() {
            // One that has just ended hears nothing; it is about to be parked.
            let _ = running.told.send(Told::Heads(news.clone())).await;
        }
    }
}

/// Waits for what is left of a rest, and then for word of new facts, or for a while.
async fn new_facts(woken: &mut watch::Receiver<u64>, pause: Pause) {
    tokio::time::sleep_until(pause.until).await;
    if !pause.more {
        let _ = tokio::time::timeout(LOOK_EVERY, woken.changed()).await;
    }
}

fn target(endpoint: Endpoint) -> Option<Target> {
    let Ok(to) = Destination::read(&endpoint.set.url) else {
        tracing::error!(endpoint = endpoint.set.id, "an endpoint has no address to send to");
        return None;
    };
    let wanted = endpoint.set.types.iter().filter_map(|name| FactKind::from_name(name)).collect();
    Some(Target { endpoint, to, wanted })
}
