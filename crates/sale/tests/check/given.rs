//! A small sound ledger on disk, with something of everything that a check looks at.
//! It never goes through the sale: what a check is to find must not have been prevented.

use ledger::{
    ActivityLedger, AuditEntry, ClaimLedger, EventDraft, NewActivity, NewUnits, RosterName,
    SqliteLedger, SqliteSettings, Written,
};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, Epoch, EventKind, KeyHash, Money, Part, Refusal, Seq,
    TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo, Validity, Window,
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub const START: TimeMs = TimeMs(1_796_090_400_000);
pub const END: TimeMs = TimeMs(START.0 + 10_000);

/// The first key of user 2.
pub const KEY: [u8; 16] = [7; 16];

pub struct World {
    files: TempDir,
}

impl World {
    /// An empty directory.
    pub fn fresh() -> Self {
        Self { files: tempfile::tempdir().expect("a temporary directory") }
    }

    pub fn data(&self) -> PathBuf {
        self.files.path().join("data")
    }

    pub fn open(&self) -> SqliteLedger {
        SqliteLedger::open(&self.data(), SqliteSettings::default()).expect("the ledger opens")
    }

    pub fn reading(&self) -> SqliteLedger {
        SqliteLedger::open_for_reading(&self.data()).expect("the ledger opens")
    }

    /// Changes the closed ledger behind its back.
    pub fn plant(&self, sql: &str) {
        let database = rusqlite::Connection::open(self.data().join("ledger.sqlite3")).unwrap();
        database.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Three activities, sold in part, as a sale would leave them.
    ///
    /// ```text
    /// 1 movie-night  roster 1-12, 3 a person   seat: codes of units 0-9, later 10; 1 a person
    ///                                          snack: 6 units, of which 4 and 5 were taken back; 2 a person
    /// 2 open-day     for everybody             place: 3 units, all claimed; user 4 heard "sold out"
    /// 3 encore       for everybody             seat: codes of units 0-1, none claimed
    /// ```
    pub fn given() -> Self {
        let world = Self::fresh();
        let ledger = world.open();
        let epoch = ledger.own().unwrap();
        let added = ledger.add_activities(epoch, &activities(), &entry()).unwrap();
        let [movie, open_day] = [added[0].no, added[1].no];
        assert_eq!((movie, open_day), (ActivityNo(1), ActivityNo(2)));
        write(&ledger, epoch, &movie_claims(movie, epoch));
        let units = std::iter::once(4..6).collect();
        let kind = EventKind::UnitsTakenBack { ticket_type: TypeNo(1), units };
        let draft = EventDraft { activity: movie, at: START, kind, key: None };
        ledger.append(epoch, &draft, &entry()).unwrap();
        let more = [String::from("SECRET-10")];
        ledger.add_codes(epoch, movie, TypeNo(0), &more, &entry()).unwrap();
        let claims: Vec<_> = (1..=3).map(|n| claim(open_day, epoch, n, 0, n - 1, n)).collect();
        write(&ledger, epoch, &claims);
        let part = |user, refusal| Part {
            activity: open_day,
            user: UserNo(user),
            seen_at: START,
            refusal: Some(refusal),
        };
        let parts = [part(4, Refusal::SoldOut), part(1, Refusal::LimitReached)];
        ledger.record_parts(epoch, &parts).unwrap();
        world
    }
}

pub fn entry() -> AuditEntry {
    AuditEntry {
        at: START,
        who: "operator".into(),
        action: "admin/act/import".into(),
        target: String::new(),
        detail: String::new(),
    }
}

pub fn write(ledger: &SqliteLedger, epoch: Epoch, claims: &[Claim]) {
    let mut answers = Vec::new();
    ledger.commit(epoch, claims, &mut answers).unwrap();
    assert!(answers.iter().all(|answer| *answer == Written::Written), "{answers:?}");
}

/// The `seq`-th claim: that unit for that user, the first of both for them, numbered like the unit.
pub fn claim(
    activity: ActivityNo,
    epoch: Epoch,
    seq: u32,
    ticket_type: u16,
    unit: u32,
    user: u32,
) -> Claim {
    Claim {
        activity,
        seq: Seq(seq),
        epoch,
        ticket_type: TypeNo(ticket_type),
        unit: UnitNo(unit),
        user: UserNo(user),
        claim_no: ClaimNo(unit + 1),
        ordinal_in_type: 1,
        ordinal_in_activity: 1,
        decided_at: TimeMs(START.0 + u64::from(seq)),
        key: None,
    }
}

fn movie_claims(no: ActivityNo, epoch: Epoch) -> Vec<Claim> {
    let key = |byte| Some(KeyHash::from_bytes([byte; 16]));
    let claim = |seq, kind, unit, user| claim(no, epoch, seq, kind, unit, user);
    vec![
        claim(1, 0, 0, 1),
        Claim { key: key(7), ..claim(2, 0, 1, 2) },
        Claim { ordinal_in_activity: 2, ..claim(3, 1, 0, 1) },
        Claim { ordinal_in_type: 2, ordinal_in_activity: 3, ..claim(4, 1, 1, 1) },
        // A claim number that a crash left out.
        Claim { claim_no: ClaimNo(4), ..claim(5, 0, 2, 3) },
        Claim { key: key(8), ordinal_in_activity: 2, ..claim(6, 1, 2, 2) },
        Claim { claim_no: ClaimNo(5), ..claim(7, 0, 3, 4) },
    ]
}

pub fn ticket(id: &str, kind: UnitKind, limit_per_user: u32) -> TicketType {
    TicketType {
        id: id.into(),
        name: "电影票".into(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse("0", "CNY").unwrap(),
        limit_per_user,
        kind,
        window: None,
        pay_within_s: 900,
        validity: Validity { from: START, until: None },
    }
}

pub fn activity(id: &str, types: Vec<TicketType>, units: Vec<NewUnits>) -> NewActivity {
    let activity = Activity {
        id: id.into(),
        name: "电影之夜".into(),
        desc: String::new(),
        image: String::new(),
        window: Window::new(START, END).unwrap(),
        limit_per_user: None,
        has_roster: false,
        types,
    };
    NewActivity { activity, units, roster: Vec::new() }
}

fn activities() -> [NewActivity; 3] {
    let codes = |range: std::ops::Range<u32>| {
        NewUnits::Codes(range.map(|n| format!("SECRET-{n}")).collect())
    };
    let seat = ticket("seat", UnitKind::Codes, 1);
    let snack = ticket("snack", UnitKind::Plain, 2);
    let mut movie =
        activity("movie-night", vec![seat.clone(), snack], vec![codes(0..10), NewUnits::Plain(6)]);
    movie.activity.has_roster = true;
    movie.activity.limit_per_user = Some(3);
    let name = |n| RosterName {
        name: format!("PERSON-{n}"),
        display_name: format!("PERSON-{n}"),
        department: String::new(),
    };
    movie.roster = (1..=12).map(name).collect();
    let place = ticket("place", UnitKind::Plain, 1);
    let open_day = activity("open-day", vec![place], vec![NewUnits::Plain(3)]);
    [movie, open_day, activity("encore", vec![seat], vec![codes(100..102)])]
}

/// The verdict on the ledger in this directory.
pub fn check(data: &Path) -> sale::check::Verdict {
    let ledger = SqliteLedger::open_for_reading(data).expect("the ledger opens");
    sale::check::check(&ledger).expect("the ledger can be read")
}
