//! What every test of the relay begins with: a ledger on disk with a sale in it, and a relay that runs.
//! Waiting is always for something that is seen, with a bound after which the test fails.

use ledger::{
    AuditEntry, Change, EventDraft, Ledger, NewActivity, NewPayment, NewUnits, Source,
    SqliteLedger, SqliteSettings, Written,
};
use parking_lot::Mutex;
use relay::{Added, NewWebhook, OrderIds, Parts, Relay, RelaySettings, Resolve, SystemResolver};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, Epoch, EventKind, Money, OrderNo, Seq, TicketType,
    TimeMs, TypeNo, UnitKind, UnitNo, UserNo, Validity, Window,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// After so long whatever is waited for will not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Milliseconds of an activity's window before and after now.
const WINDOW_MS: u64 = 3_600_000;

pub struct Ids;

impl OrderIds for Ids {
    fn order(&self, first: &Claim) -> String {
        format!("order-{}-{}", first.activity, first.seq)
    }

    fn ticket(&self, line: &Claim) -> String {
        format!("order-{}-{}-{}", line.activity, line.order().seq, line.line + 1)
    }
}

/// A ledger with sales, and a clock that can be moved.
pub struct Stage {
    pub ledger: Arc<dyn Ledger>,
    pub epoch: Epoch,
    ahead_ms: Arc<AtomicU64>,
    last_ms: Mutex<u64>,
    seqs: Mutex<Vec<(ActivityNo, u32)>>,
    _files: TempDir,
}

/// A relay that runs.
pub struct Running {
    pub relay: Relay,
    stop: Option<oneshot::Sender<()>>,
    work: JoinHandle<()>,
}

impl Running {
    /// Lets it end as the program ends.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.work.await.unwrap();
    }

    /// Adds an endpoint for everything.
    pub async fn listen(&self, url: &str) -> Added {
        let new = NewWebhook { url: url.to_owned(), ..NewWebhook::default() };
        self.relay.add(new).await.unwrap()
    }
}

/// What most tests run with: inside receivers may be reached, and nothing takes long.
pub fn settings() -> RelaySettings {
    RelaySettings {
        connect_within_ms: 1_000,
        answer_within_ms: 2_000,
        retry_first_ms: 5,
        retry_longest_ms: 50,
        attempts_max: 1_000,
        record_every_ms: 10,
        number_every_ms: 1,
        stop_within_ms: 5_000,
        reachable: vec!["127.0.0.0/8".parse().unwrap()],
        ..RelaySettings::default()
    }
}

impl Stage {
    pub fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let opened = SqliteLedger::open(files.path(), SqliteSettings::default()).unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(opened);
        let epoch = ledger.own().unwrap();
        let names: Vec<String> = (1..=9).map(|n| format!("person-{n}")).collect();
        ledger.adopt(&names, Source::Vouching, now()).unwrap();
        let (ahead_ms, last_ms, seqs) = (Arc::default(), Mutex::default(), Mutex::default());
        Self { ledger, epoch, ahead_ms, last_ms, seqs, _files: files }
    }

    pub fn parts(&self, resolver: impl Resolve + 'static) -> Parts {
        let (epoch, ahead) = (self.epoch, self.ahead_ms.clone());
        Parts {
            ledger: self.ledger.clone(),
            ids: Arc::new(Ids),
            resolver: Arc::new(resolver),
            epoch: Arc::new(move || epoch),
            now: Arc::new(move || TimeMs(now().0 + ahead.load(Ordering::Relaxed))),
        }
    }

    /// Adds an endpoint for everything, though no relay runs yet.
    pub async fn listen(&self, url: &str) -> Added {
        let relay = Relay::start(self.parts(SystemResolver), settings()).unwrap();
        let new = NewWebhook { url: url.to_owned(), ..NewWebhook::default() };
        relay.add(new).await.unwrap()
    }

    /// Moves the relay's clock.
    pub fn pass(&self, ms: u64) {
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn run(&self, settings: RelaySettings) -> Running {
        self.run_with(settings, SystemResolver)
    }

    pub fn run_with(&self, settings: RelaySettings, resolver: impl Resolve + 'static) -> Running {
        let relay = Relay::start(self.parts(resolver), settings).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = relay.clone();
        let work = tokio::spawn(async move {
            running
                .run(async {
                    let _ = stopped.await;
                })
                .await;
        });
        Running { relay, stop: Some(stop), work }
    }

    /// Adds an activity with plain units: `seat` at 9.90 and `sofa` for nothing.
    pub fn activity(&self, id: &str) -> ActivityNo {
        let kinds = [("seat", "9.90"), ("sofa", "0")];
        let types = kinds.map(|(id, price)| ticket(id, price)).to_vec();
        let (start, end) = (TimeMs(now().0 - WINDOW_MS), TimeMs(now().0 + WINDOW_MS));
        let activity = Activity {
            id: id.to_owned(),
            name: "电影之夜".into(),
            desc: String::new(),
            image: String::new(),
            window: Window::new(start, end).unwrap(),
            limit_per_user: None,
            has_roster: false,
            standby: true,
            types,
        };
        let units = vec![NewUnits::Plain(1_000_000), NewUnits::Plain(1_000_000)];
        let new = NewActivity { activity, units, roster: Vec::new() };
        self.ledger.add_activities(self.epoch, &[new], &entry()).unwrap()[0].no
    }

    /// Free orders of one line, decided now and written.
    pub fn claims(&self, activity: ActivityNo, count: u32) {
        let lines: Vec<Claim> = (0..count).map(|_| self.line(activity, 1, false)).collect();
        self.write(&lines);
    }

    /// A held order of so many lines; its first seq.
    pub fn held(&self, activity: ActivityNo, lines: u8) -> OrderNo {
        let mut all: Vec<Claim> = (0..lines).map(|_| self.line(activity, lines, true)).collect();
        for (place, line) in all.iter_mut().enumerate() {
            line.line = place as u8;
        }
        self.write(&all);
        all[0].order()
    }

    /// A moment later than every one before: what happened first is told first.
    fn moment(&self) -> TimeMs {
        let mut last = self.last_ms.lock();
        *last = now().0.max(*last + 1);
        TimeMs(*last)
    }

    fn line(&self, activity: ActivityNo, lines: u8, priced: bool) -> Claim {
        let seq = self.next_seq(activity);
        Claim {
            activity,
            seq: Seq(seq),
            epoch: self.epoch,
            ticket_type: TypeNo(u16::from(!priced)),
            unit: UnitNo(seq - 1),
            user: UserNo(3),
            claim_no: ClaimNo(seq),
            ordinal_in_type: seq,
            ordinal_in_activity: seq,
            decided_at: TimeMs(0),
            key: None,
            line: 0,
            lines,
            priced,
            offer: None,
        }
    }

    fn next_seq(&self, activity: ActivityNo) -> u32 {
        let mut seqs = self.seqs.lock();
        let place = seqs.iter().position(|(no, _)| *no == activity).unwrap_or_else(|| {
            seqs.push((activity, 0));
            seqs.len() - 1
        });
        seqs[place].1 += 1;
        seqs[place].1
    }

    fn write(&self, lines: &[Claim]) {
        let decided_at = self.moment();
        let lines: Vec<Claim> = lines.iter().map(|line| Claim { decided_at, ..*line }).collect();
        let mut answers = Vec::new();
        self.ledger.commit(self.epoch, &lines, &mut answers).unwrap();
        assert!(answers.iter().all(|answer| *answer == Written::Written), "{answers:?}");
    }

    pub fn happen(&self, activity: ActivityNo, kind: EventKind) {
        let draft = EventDraft { activity, at: self.moment(), kind, key: None };
        self.ledger.append(self.epoch, &draft, &entry()).unwrap();
    }

    pub fn change(&self, change: Change) {
        let mut answers = Vec::new();
        self.ledger.change(self.epoch, self.moment(), &[change], &mut answers).unwrap();
        assert!(matches!(answers[0], ledger::Changed::Done { .. }), "{answers:?}");
    }

    pub fn pay(&self, order: OrderNo, reference: &str) {
        self.change(Change::Receive(NewPayment {
            provider: "test".into(),
            reference: reference.into(),
            order,
            amount: Money::parse("9.90", "CNY").unwrap(),
        }));
    }
}

fn ticket(id: &str, price: &str) -> TicketType {
    TicketType {
        id: id.into(),
        name: id.into(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse(price, "CNY").unwrap(),
        limit_per_user: 10_000,
        kind: UnitKind::Plain,
        window: None,
        pay_within_s: 900,
        offer_within_s: 300,
        validity: Validity { from: TimeMs(0), until: None },
    }
}

fn entry() -> AuditEntry {
    AuditEntry {
        at: now(),
        who: "operator".into(),
        action: "change".into(),
        target: String::new(),
        detail: String::new(),
    }
}

pub fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    TimeMs(u64::try_from(since.as_millis()).unwrap())
}

/// Waits until it is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until what is asked of the relay is so.
pub async fn until_asked<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !so().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Numbers from 1 to `last`.
pub fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}
