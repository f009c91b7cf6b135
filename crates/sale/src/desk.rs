//! The operators' calls. Every change goes to the ledger first, then to Stock as an event, so that no final
//! answer rests on a change that is not on disk. All of these block and are kept off the request threads.

use crate::{Entry, Sale, comparing, files::NotChangeable, loading};
use ledger::{
    AddRefused, AddedActivity, Appended, AuditEntry, Cause, EventDraft, LedgerFault, NewActivity,
    OperatorKey,
};
use rules::{Activity, ActivityNo, Event, EventKind, TimeMs, TypeNo, UnitKind};
use std::sync::Arc;
use stock::ActivityCounts;

/// Who does something, for the audit log and for idempotency.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The operator's name, or `(command line)`.
    pub name: String,
    /// An idempotency key of the call.
    pub key: Option<OperatorKey>,
}

/// Why an operator's call did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskRefused {
    /// No activity has this id, or the activity no such type.
    NotFound,
    /// The activity is closed for good.
    Closed,
    /// The activity in this place of the list has an id that exists.
    IdExists(usize),
    /// A code is in the ledger already: the activity's place, its type, the code's place, all from 0.
    CodeExists(usize, TypeNo, usize),
    /// More than texts, image and a later end differ: each time the activity's place, from 0, and the key.
    NotChangeable(Vec<(usize, NotChangeable)>),
    /// The activity in this place, from 0, is to be changed and is closed for good.
    ClosedAt(usize),
    /// The idempotency key stands for another call.
    KeyUsed,
    /// A type with codes takes codes, a plain one takes numbers.
    WrongKind(UnitKind),
    /// Fewer units are free than were to be taken back.
    Short {
        /// How many are free.
        available: u32,
    },
    /// The type would have more units than can be counted.
    TooMany,
    /// The ledger failed.
    Fault(LedgerFault),
}

impl From<LedgerFault> for DeskRefused {
    fn from(fault: LedgerFault) -> Self {
        Self::Fault(fault)
    }
}

/// An activity was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its id.
    pub id: String,
    /// Names of its roster that registered themselves and therefore never satisfy it (C33).
    pub self_registered: Vec<String>,
}

/// Activities were changed or added by an update.
pub type Updated = Vec<Imported>;

/// Codes went in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodesAdded {
    /// How many are new.
    pub added: u32,
    /// The places, from 0, of those that exist already.
    pub duplicates: Vec<usize>,
}

/// An activity's counts beside when it opened.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The counts.
    pub counts: ActivityCounts,
    /// The start of its window, once that has come.
    pub opened_at: Option<TimeMs>,
}

/// What an update is to do.
#[derive(Default)]
struct Split {
    changes: Vec<(ActivityNo, Activity)>,
    additions: Vec<NewActivity>,
    /// The place of each addition in the request.
    places: Vec<usize>,
}

/// Differences that one refusal names, at most.
const DIFFERENCES_MAX: usize = 100;

impl Sale {
    /// Adds activities, all or nothing.
    pub fn import(
        &self,
        new: &[NewActivity],
        operator: &Operator,
    ) -> Result<Vec<Imported>, DeskRefused> {
        let _desk = self.inner.desk.lock();
        let _sound = self.inner.sound();
        self.import_locked(new, operator)
    }

    fn import_locked(
        &self,
        new: &[NewActivity],
        operator: &Operator,
    ) -> Result<Vec<Imported>, DeskRefused> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = new.iter().map(|one| one.activity.id.as_str()).collect();
        let entry = self.entry_for(operator, "admin/act/import", &ids.join(" "), String::new());
        let ledger = &self.inner.ledger;
        let added =
            ledger.add_activities(self.inner.epoch(), new, &entry).map_err(
                |refused| match refused {
                    AddRefused::IdExists(at) => DeskRefused::IdExists(at),
                    AddRefused::CodeExists(at, kind, code) => {
                        DeskRefused::CodeExists(at, kind, code)
                    }
                    AddRefused::Fault(fault) => DeskRefused::Fault(fault),
                },
            )?;
        let mut entries = Vec::new();
        for one in &added {
            entries.push(Arc::new(self.open_added(one)?));
        }
        self.replace(entries);
        let report = |(one, added): (&NewActivity, AddedActivity)| Imported {
            id: one.activity.id.clone(),
            self_registered: added.self_registered,
        };
        Ok(new.iter().zip(added).map(report).collect())
    }

    /// What was written is read back, so that Stock starts from what is on disk.
    fn open_added(&self, added: &AddedActivity) -> Result<Entry, LedgerFault> {
        let ledger = &*self.inner.ledger;
        let corrupt = LedgerFault::NothingHappened(Cause::Corrupt);
        let stored = ledger.activity(added.no)?.ok_or(corrupt)?;
        let setup = loading::setup(ledger, &stored)?;
        self.inner.stock.open(&setup).map_err(|_| corrupt)?;
        loading::entry(ledger, stored)
    }

    /// Changes texts, image and a later end of activities that exist, and adds those that do not.
    /// Whatever else differs from the ledger is refused before anything changes: nothing resets a sale (C6, C15).
    pub fn update(&self, new: &[NewActivity], operator: &Operator) -> Result<Updated, DeskRefused> {
        let _desk = self.inner.desk.lock();
        let _sound = self.inner.sound();
        let Split { changes, additions, places } = self.split(new)?;
        let added = self.import_locked(&additions, operator);
        let mut reports = added.map_err(|refused| match refused {
            DeskRefused::IdExists(at) => DeskRefused::IdExists(places[at]),
            DeskRefused::CodeExists(at, kind, code) => {
                DeskRefused::CodeExists(places[at], kind, code)
            }
            other => other,
        })?;
        // An update can be repeated as it is: it needs no key, and leaves keys to the calls that do.
        let operator = &Operator { key: None, ..operator.clone() };
        for (no, activity) in changes {
            let id = activity.id.clone();
            let kind = EventKind::Changed(Box::new(activity));
            self.append(no, kind, operator, "admin/act/import?update=1", &id, String::new())?;
            reports.push(Imported { id, self_registered: Vec::new() });
        }
        Ok(reports)
    }

    /// What an update changes and what it adds, if all of it may be done.
    fn split(&self, new: &[NewActivity]) -> Result<Split, DeskRefused> {
        let catalog = self.inner.catalog.load();
        let mut split = Split::default();
        let (mut refused, mut closed) = (Vec::new(), None);
        for (place, one) in new.iter().enumerate() {
            let Some(entry) = catalog.by_id(&one.activity.id) else {
                split.additions.push(one.clone());
                split.places.push(place);
                continue;
            };
            let differences = comparing::differences(&*self.inner.ledger, entry, one)?;
            refused.extend(differences.into_iter().map(|difference| (place, difference)));
            if refused.len() >= DIFFERENCES_MAX {
                break;
            }
            if self.counts(entry.no).closed {
                closed = closed.or(Some(place));
            }
            split.changes.push((entry.no, one.activity.clone()));
        }
        refused.truncate(DIFFERENCES_MAX);
        match (refused.is_empty(), closed) {
            (false, _) => Err(DeskRefused::NotChangeable(refused)),
            (true, Some(place)) => Err(DeskRefused::ClosedAt(place)),
            (true, None) => Ok(split),
        }
    }

    /// Stops claims until resumed. Repeating it succeeds.
    pub fn pause(&self, id: &str, operator: &Operator) -> Result<(), DeskRefused> {
        self.switch(id, operator, "admin/act/pause", EventKind::Paused, |counts| counts.paused)
    }

    /// Lets claims go on. Repeating it succeeds.
    pub fn resume(&self, id: &str, operator: &Operator) -> Result<(), DeskRefused> {
        self.switch(id, operator, "admin/act/resume", EventKind::Resumed, |counts| !counts.paused)
    }

    /// Stops claims for good. Repeating it succeeds.
    pub fn close_activity(&self, id: &str, operator: &Operator) -> Result<(), DeskRefused> {
        self.switch(id, operator, "admin/act/close", EventKind::Closed, |counts| counts.closed)
    }

    fn switch(
        &self,
        id: &str,
        operator: &Operator,
        action: &str,
        kind: EventKind,
        is_so: fn(&ActivityCounts) -> bool,
    ) -> Result<(), DeskRefused> {
        let _desk = self.inner.desk.lock();
        let _sound = self.inner.sound();
        let catalog = self.inner.catalog.load();
        let entry = catalog.by_id(id).ok_or(DeskRefused::NotFound)?;
        let counts = self.counts(entry.no);
        // Nothing goes on after a close, so that "resume" must not say it does.
        if counts.closed && kind != EventKind::Closed {
            return Err(DeskRefused::Closed);
        }
        if is_so(&counts) {
            let detail = "was so already".to_owned();
            self.inner.audit(self.entry_for(operator, action, id, detail));
            return Ok(());
        }
        self.append(entry.no, kind, operator, action, id, String::new()).map(|_| ())
    }

    /// Adds `count` plain units, or takes `-count` free ones back; returns how many that is. A known key of the
    /// same refill changes nothing and hears what it did; of any other call it is refused.
    pub fn refill(
        &self,
        id: &str,
        type_id: &str,
        count: i64,
        operator: &Operator,
    ) -> Result<i64, DeskRefused> {
        let _desk = self.inner.desk.lock();
        let _sound = self.inner.sound();
        let catalog = self.inner.catalog.load();
        let entry = catalog.by_id(id).ok_or(DeskRefused::NotFound)?;
        let (kind, definition) = entry.activity.type_by_id(type_id).ok_or(DeskRefused::NotFound)?;
        if definition.kind == UnitKind::Codes {
            return Err(DeskRefused::WrongKind(UnitKind::Codes));
        }
        // What an attempt of unknown effect has written counts once Stock was loaded with it. Until then the old Stock
        // may still say "sold out" for units that a known key would promise, or set units aside a second time.
        if self.inner.state.recovering() || self.inner.ledger.in_doubt() {
            return Err(LedgerFault::NothingHappened(Cause::Closed).into());
        }
        if let Some(key) = operator.key
            && let Some(known) = self.inner.ledger.known_event(entry.no, key)?
        {
            let same = is_of_type(&known, kind) && units_changed(&known) == count;
            return if same { Ok(count) } else { Err(DeskRefused::KeyUsed) };
        }
        let detail = format!("type {type_id}, units {count:+}");
        let target = (entry.no, kind);
        let change = if count < 0 {
            self.take_back(target, count.unsigned_abs(), operator, id, detail)
        } else {
            let most = u32::try_from(count).map_err(|_| DeskRefused::TooMany)?;
            let added = EventKind::UnitsAdded { ticket_type: kind, units: 0..most };
            self.append(entry.no, added, operator, REFILL, id, detail)
        };
        change.map(|event| units_changed(&event))
    }

    /// Decided under Stock's lock, then committed, undone if it was certainly not written.
    fn take_back(
        &self,
        (no, kind): (ActivityNo, TypeNo),
        count: u64,
        operator: &Operator,
        id: &str,
        detail: String,
    ) -> Result<Event, DeskRefused> {
        let available = |counts: ActivityCounts| {
            counts.types.get(usize::from(kind.0)).map_or(0, |one| one.supply.available)
        };
        let short = |available: u32| DeskRefused::Short { available };
        let count = u32::try_from(count).map_err(|_| short(available(self.counts(no))))?;
        let stock = &self.inner.stock;
        let units = stock.take_back(no, kind, count).map_err(short)?;
        let event = EventKind::UnitsTakenBack { ticket_type: kind, units: units.clone() };
        let appended = self.append(no, event, operator, REFILL, id, detail);
        // After an unknown effect the recovery reads which it was; undoing it here could sell them twice.
        if matches!(&appended, Err(refused) if !matches!(refused, DeskRefused::Fault(LedgerFault::Unknown(_))))
        {
            stock.undo_take_back(no, kind, &units);
        }
        appended
    }

    /// Adds codes, and as many units; those that exist already are left out.
    pub fn add_codes(
        &self,
        id: &str,
        type_id: &str,
        codes: &[String],
        operator: &Operator,
    ) -> Result<CodesAdded, DeskRefused> {
        let _desk = self.inner.desk.lock();
        let _sound = self.inner.sound();
        let catalog = self.inner.catalog.load();
        let entry = catalog.by_id(id).ok_or(DeskRefused::NotFound)?;
        let (kind, definition) = entry.activity.type_by_id(type_id).ok_or(DeskRefused::NotFound)?;
        if definition.kind == UnitKind::Plain {
            return Err(DeskRefused::WrongKind(UnitKind::Plain));
        }
        let detail = format!("type {type_id}, codes {}", codes.len());
        let audit = self.entry_for(operator, "admin/codes/import", id, detail);
        let ledger = &self.inner.ledger;
        let _telling = self.inner.telling.lock();
        let added = ledger
            .add_codes(self.inner.epoch(), entry.no, kind, codes, &audit)?
            .ok_or(DeskRefused::Closed)?;
        if let Some(event) = &added.event {
            let mine = &entry.codes[usize::from(kind.0)];
            // The codes before the units: a claim may take a unit the moment Stock has it.
            ledger.codes(entry.no, kind, mine.count(), &mut |code| mine.push(code))?;
            self.tell(event)?;
        }
        let units = added.event.as_ref().map_or(0, |event| event.kind.unit_count());
        Ok(CodesAdded { added: units as u32, duplicates: added.duplicates })
    }

    /// Counts for operators.
    pub fn stats(&self, entry: &Entry) -> Stats {
        Stats { counts: self.counts(entry.no), opened_at: self.opened_at(entry) }
    }

    /// The audit entry of a call by `operator`.
    pub fn entry_for(
        &self,
        operator: &Operator,
        action: &str,
        target: &str,
        detail: String,
    ) -> AuditEntry {
        AuditEntry {
            at: self.now(),
            who: operator.name.clone(),
            action: action.to_owned(),
            target: target.to_owned(),
            detail,
        }
    }

    /// Writes an event and applies it. An event whose key is known is the one written then.
    fn append(
        &self,
        no: ActivityNo,
        kind: EventKind,
        operator: &Operator,
        action: &str,
        target: &str,
        detail: String,
    ) -> Result<Event, DeskRefused> {
        let entry = self.entry_for(operator, action, target, detail);
        let draft = EventDraft { activity: no, at: entry.at, kind, key: operator.key };
        let _telling = self.inner.telling.lock();
        match self.inner.ledger.append(self.inner.epoch(), &draft, &entry)? {
            Appended::New(event) => self.tell(&event).map(|()| event),
            Appended::Known(event) => Ok(event),
            Appended::Closed => Err(DeskRefused::Closed),
            Appended::TooMany => Err(DeskRefused::TooMany),
        }
    }

    /// Tells Stock and the catalog of an event; `telling` is held since before it was written.
    fn tell(&self, event: &Event) -> Result<(), DeskRefused> {
        let applied = self.inner.stock.apply(event);
        assert!(applied.is_ok(), "the ledger's event {} contradicts Stock: {applied:?}", event.no);
        if let EventKind::Changed(activity) = &event.kind {
            let catalog = self.inner.catalog.load();
            let old = catalog.by_no(event.activity).ok_or(DeskRefused::NotFound)?;
            let codes = Arc::clone(&old.codes);
            let entry = Entry { no: event.activity, activity: (**activity).clone(), codes };
            self.replace(vec![Arc::new(entry)]);
        }
        Ok(())
    }

    fn replace(&self, entries: Vec<Arc<Entry>>) {
        let catalog = self.inner.catalog.load().with(entries);
        self.inner.catalog.store(Arc::new(catalog));
    }
}

const REFILL: &str = "admin/act/refill";

fn is_of_type(event: &Event, kind: TypeNo) -> bool {
    match &event.kind {
        EventKind::UnitsAdded { ticket_type, .. }
        | EventKind::UnitsTakenBack { ticket_type, .. } => *ticket_type == kind,
        EventKind::Paused
        | EventKind::Resumed
        | EventKind::Closed
        | EventKind::Changed(_)
        | EventKind::Order { .. }
        | EventKind::LinedUp { .. }
        | EventKind::LeftLine { .. }
        | EventKind::Payment { .. } => false,
    }
}

/// Units an event added, or took back as a negative number.
fn units_changed(event: &Event) -> i64 {
    let count = i64::try_from(event.kind.unit_count()).expect("units are bounded");
    if matches!(event.kind, EventKind::UnitsTakenBack { .. }) { -count } else { count }
}
