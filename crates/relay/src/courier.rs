//! One endpoint's courier: it knows how far the endpoint has heard of each activity and gives out turns.
//! Whatever its endpoint does, no other courier waits for it. In memory it has a few numbers for each activity.

use crate::attempt::Target;
use crate::connection::Connection;
use crate::shared::Shared;
use crate::shift::{Next, READ_AGAIN_MS, Shift, ShiftEnd};
use ledger::{Cursor, OutNo};
use rules::{ActivityNo, TimeMs};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

/// How often one endpoint's failures are spoken of; every one of them is in the log of deliveries.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// What a courier is told.
pub(crate) enum Told {
    /// Activities have facts up to these.
    Heads(Arc<[(ActivityNo, OutNo)]>),
    /// The endpoint was changed: another secret.
    Changed(Arc<Target>),
    /// Go on after this fact, whatever was sent before; tell when it is on disk.
    Replay(ActivityNo, OutNo, oneshot::Sender<()>),
}

/// Why a courier ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to, or nobody is left to tell it anything.
    Stopped,
    /// Its endpoint is to be parked.
    GaveUp,
}

/// How far the endpoint has heard of an activity.
struct Lane {
    cursor: Cursor,
    head: OutNo,
    state: State,
    /// To be gone on after this fact, once the turn that runs has ended.
    replay: Option<(OutNo, oneshot::Sender<()>)>,
}

enum State {
    /// Nothing to tell, or waiting in `ready`.
    Still,
    Queued,
    Waiting(TimeMs),
    Running(AbortHandle),
}

/// A courier at work.
///
/// Invariants: C1 one turn of an activity runs at a time. C2 an activity is in `ready`, in `waiting` or running,
/// or everything up to its head was told.
pub(crate) struct Courier {
    shared: Arc<Shared>,
    target: Arc<Target>,
    lanes: HashMap<ActivityNo, Lane>,
    ready: VecDeque<ActivityNo>,
    waiting: BTreeSet<(TimeMs, ActivityNo)>,
    turns: JoinSet<ShiftEnd>,
    running: HashMap<Id, ActivityNo>,
    kept: Vec<Connection>,
    stopping: Arc<AtomicBool>,
    /// When a failure was last spoken of.
    warned: Option<Instant>,
}

impl Courier {
    pub(crate) fn new(
        shared: Arc<Shared>,
        target: Arc<Target>,
        cursors: Vec<Cursor>,
        heads: &[(ActivityNo, OutNo)],
    ) -> Self {
        let lane = |cursor: Cursor| {
            let (head, state) = (cursor.after, State::Still);
            (cursor.activity, Lane { cursor, head, state, replay: None })
        };
        let mut courier = Self {
            shared,
            target,
            lanes: cursors.into_iter().map(lane).collect(),
            ready: VecDeque::new(),
            waiting: BTreeSet::new(),
            turns: JoinSet::new(),
            running: HashMap::new(),
            kept: Vec::new(),
            stopping: Arc::default(),
            warned: None,
        };
        courier.heads(heads);
        courier
    }

    /// Works until nobody can tell it anything any more, or its endpoint is given up.
    pub(crate) async fn work(mut self, mut inbox: mpsc::Receiver<Told>) -> Ended {
        loop {
            self.give_out_turns();
            let due = self.waiting.first().map(|(at, _)| *at);
            let wait = due.map_or(0, |at| at.0.saturating_sub(self.shared.now().0));
            let keep = self.shared.settings.keep_alive_ms.into();
            tokio::select! {
                told = inbox.recv() => match told {
                    Some(told) => self.hear(told).await,
                    None => break,
                },
                Some(ended) = self.turns.join_next_with_id() => {
                    if self.settle(ended).await {
                        self.turns.shutdown().await;
                        return Ended::GaveUp;
                    }
                }
                () = tokio::time::sleep(Duration::from_millis(wait)), if due.is_some() => {
                    self.wake_waiting();
                }
                () = tokio::time::sleep(Duration::from_millis(keep)), if !self.kept.is_empty() => {
                    let settings = &self.shared.settings;
                    self.kept.retain(|connection| connection.is_usable(settings));
                }
            }
        }
        self.stop().await;
        Ended::Stopped
    }

    /// Turns that run may end what they are at, for a while.
    async fn stop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        let within = Duration::from_millis(self.shared.settings.stop_within_ms.into());
        let ending = async { while self.turns.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(within, ending).await;
        self.turns.shutdown().await;
    }

    async fn hear(&mut self, told: Told) {
        match told {
            Told::Heads(heads) => self.heads(&heads),
            Told::Changed(target) => {
                self.target = target;
                self.kept.clear();
            }
            Told::Replay(activity, after, done) => self.replay(activity, after, done).await,
        }
    }

    fn heads(&mut self, heads: &[(ActivityNo, OutNo)]) {
        let of = self.target.endpoint.set.activity;
        for (activity, head) in heads {
            if of.is_some_and(|of| of != *activity) {
                continue;
            }
            let lane = self.lane(*activity);
            lane.head = lane.head.max(*head);
            self.queue(*activity);
        }
    }

    fn lane(&mut self, activity: ActivityNo) -> &mut Lane {
        let endpoint = self.target.endpoint.no;
        self.lanes.entry(activity).or_insert_with(|| {
            let (after, not_before) = (OutNo(0), TimeMs(0));
            let cursor = Cursor { endpoint, activity, after, failures: 0, not_before };
            Lane { cursor, head: after, state: State::Still, replay: None }
        })
    }

    /// Puts a lane that stands still where it belongs (C2).
    fn queue(&mut self, activity: ActivityNo) {
        let now = self.shared.now();
        let lane = self.lane(activity);
        if !matches!(lane.state, State::Still) || lane.head <= lane.cursor.after {
            return;
        }
        let not_before = lane.cursor.not_before;
        if not_before > now {
            lane.state = State::Waiting(not_before);
            self.waiting.insert((not_before, activity));
        } else {
            lane.state = State::Queued;
            self.ready.push_back(activity);
        }
    }

    fn wake_waiting(&mut self) {
        let now = self.shared.now();
        while let Some((at, activity)) = self.waiting.first().copied().filter(|(at, _)| *at <= now)
        {
            self.waiting.remove(&(at, activity));
            self.lane(activity).state = State::Queued;
            self.ready.push_back(activity);
        }
    }

    fn give_out_turns(&mut self) {
        let most = self.shared.settings.per_endpoint_max as usize;
        while self.turns.len() < most {
            let Some(activity) = self.ready.pop_front() else { return };
            let (shared, target) = (self.shared.clone(), self.target.clone());
            let connection = self.kept.pop();
            let cursor = self.lane(activity).cursor;
            assert!(!matches!(self.lane(activity).state, State::Running(_)), "C1");
            let stopping = self.stopping.clone();
            let turn = Shift { shared, target, cursor, connection, stopping };
            let handle = self.turns.spawn(turn.work());
            self.running.insert(handle.id(), activity);
            self.lane(activity).state = State::Running(handle);
        }
    }

    /// Takes a turn's end; whether the endpoint is given up.
    async fn settle(&mut self, ended: Result<(Id, ShiftEnd), JoinError>) -> bool {
        let (id, end) = match ended {
            Ok((id, end)) => (id, Some(end)),
            Err(error) => (error.id(), None),
        };
        let activity = self.running.remove(&id).expect("a turn that runs is known");
        let replay = self.lane(activity).replay.take();
        self.lane(activity).state = State::Still;
        let given_up = match end {
            Some(end) => self.settle_end(end),
            None => {
                // Taken away for a replay, or broken: then the same place is tried again, later.
                let later = TimeMs(self.shared.now().0 + READ_AGAIN_MS);
                self.lane(activity).cursor.not_before = later;
                false
            }
        };
        if let Some((after, done)) = replay {
            self.go_on_after(activity, after, done).await;
        } else if given_up {
            return true;
        }
        self.queue(activity);
        false
    }

    fn settle_end(&mut self, end: ShiftEnd) -> bool {
        let lane = self.lane(end.cursor.activity);
        if end.next == Next::Soon && end.cursor.after == lane.cursor.after {
            // There was nothing, whatever was said of it: looking again would find the same.
            lane.head = lane.cursor.after;
        }
        lane.cursor = end.cursor;
        if let Next::NotBefore(at) = end.next {
            // Where facts could not be read, only this courier waits: on disk the cursor does not.
            lane.cursor.not_before = at;
        }
        self.kept.extend(end.connection);
        if end.cursor.failures > 0 {
            self.warn();
        }
        end.next == Next::GiveUp
    }

    fn warn(&mut self) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) {
            self.warned = Some(Instant::now());
            let endpoint = self.target.endpoint.set.id.as_str();
            tracing::warn!(endpoint, "an endpoint does not take an event; it is tried again");
        }
    }

    async fn replay(&mut self, activity: ActivityNo, after: OutNo, done: oneshot::Sender<()>) {
        let lane = self.lane(activity);
        match &lane.state {
            State::Running(handle) => {
                handle.abort();
                lane.replay = Some((after, done));
            }
            State::Waiting(at) => {
                let at = *at;
                lane.state = State::Still;
                self.waiting.remove(&(at, activity));
                self.go_on_after(activity, after, done).await;
                self.queue(activity);
            }
            State::Still | State::Queued => {
                self.go_on_after(activity, after, done).await;
                self.queue(activity);
            }
        }
    }

    async fn go_on_after(&mut self, activity: ActivityNo, after: OutNo, done: oneshot::Sender<()>) {
        let lane = self.lane(activity);
        lane.cursor.after = after;
        lane.cursor.failures = 0;
        lane.cursor.not_before = TimeMs(0);
        let (cursor, recorder) = (lane.cursor, self.shared.recorder.clone());
        recorder.place(cursor, None).await;
        // Whoever asked waits for the disk; the courier does not.
        tokio::spawn(async move {
            recorder.settle().await;
            let _ = done.send(());
        });
    }
}
