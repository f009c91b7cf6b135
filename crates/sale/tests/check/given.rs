//! A small sound ledger on disk, with something of everything that a check looks at.
//! It never goes through the sale: what a check is to find must not have been prevented.

use ledger::{
    ActivityLedger, AuditEntry, Change, Changed, ClaimLedger, EventDraft, NewActivity, NewPayment,
    NewUnits, OrderLedger, PaymentNo, RosterName, SqliteLedger, SqliteSettings, Written,
};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, Epoch, EventKind, JoinNo, KeyHash, Money, OrderNo,
    OrderStep, Part, Refusal, Seq, TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo, Validity,
    Window,
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

    /// Four activities, sold in part, as a sale would leave them.
    ///
    /// ```text
    /// 1 movie-night  roster 1-12, 3 a person   seat: codes of units 0-9, later 10; 1 a person
    ///                                          snack: 6 units, of which 4 and 5 were taken back; 2 a person
    /// 2 open-day     for everybody             place: 3 units, all claimed; user 4 heard "sold out"
    /// 3 encore       for everybody             seat: codes of units 0-1, none claimed
    /// 4 concert      for everybody             floor: 9.90, units 0-3, 1 a person; box: 100.00, codes of units 0-2
    ///
    /// order  user  units            what became of it                    payments
    /// 1      1     floor 0          paid                                 1 confirmed, 6 refund due
    /// 2      2     floor 1          expired                              4 came late
    /// 3      3     floor 2, box 0   paid                                 2 confirmed
    /// 5      4     floor 3          cancelled                            5 late
    /// 6      5     floor 1          offered to the first in line, held
    /// 7      6     box 1            refunded                             3 refunded
    /// 8      2     floor 3          made after the end for payment 4     4 confirmed
    /// 9      7     box 2            held
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
        sell_concert(&ledger, epoch, added[3].no);
        world
    }
}

/// Pays, expires, cancels and gives back what the drawing of `World::given` says, in that order.
fn sell_concert(ledger: &SqliteLedger, epoch: Epoch, no: ActivityNo) {
    let held =
        |seq, kind, unit, user| Claim { priced: true, ..claim(no, epoch, seq, kind, unit, user) };
    let last = Claim { line: 1, lines: 2, ordinal_in_activity: 2, ..held(4, 1, 0, 3) };
    let basket =
        [Claim { lines: 2, ..held(3, 0, 2, 3) }, Claim { decided_at: TimeMs(START.0 + 3), ..last }];
    write(ledger, epoch, &[held(1, 0, 0, 1), held(2, 0, 1, 2)]);
    write(ledger, epoch, &basket);
    write(ledger, epoch, &[held(5, 0, 3, 4)]);
    let change = |change| change_at(ledger, epoch, TimeMs(START.0 + 900_002), change);
    let order = |seq| OrderNo { activity: no, seq: Seq(seq) };
    let step = |seq, step| Change::Step { order: order(seq), step };
    change(pays(order(1), "r1", 990));
    change(pays(order(3), "r2", 10_990));
    change(step(2, OrderStep::Expire));
    change(step(5, OrderStep::Cancel));
    let joined = change(Change::LineUp { activity: no, ticket_type: TypeNo(0), user: UserNo(5) });
    let Changed::Done { events, .. } = joined else { panic!("{joined:?}") };
    let offer = Some(JoinNo(events[0].no));
    write(ledger, epoch, &[Claim { offer, claim_no: ClaimNo(5), ..held(6, 0, 1, 5) }]);
    write(ledger, epoch, &[held(7, 1, 1, 6)]);
    change(pays(order(7), "r3", 10_000));
    change(step(7, OrderStep::OweRefund));
    change(Change::RefundDone(PaymentNo(3)));
    change(pays(order(2), "r4", 990));
    let late =
        Claim { decided_at: TimeMs(END.0 + 900_000), claim_no: ClaimNo(6), ..held(8, 0, 3, 2) };
    write(ledger, epoch, &[late]);
    change(Change::ConfirmLate { payment: PaymentNo(4), order: order(8) });
    change(pays(order(5), "r5", 990));
    change(pays(order(1), "r6", 990));
    write(ledger, epoch, &[held(9, 1, 2, 7)]);
    change(owed(order(9), "r7"));
}

/// An authentic payment.
pub fn pays(order: OrderNo, reference: &str, minor: u64) -> Change {
    let amount = Money { minor, currency: "CNY".into() };
    let (provider, reference) = ("test".into(), reference.into());
    Change::Receive(NewPayment { provider, reference, order, amount })
}

/// Money that came for an order and does not pay it: five dollars.
pub fn owed(order: OrderNo, reference: &str) -> Change {
    let amount = Money { minor: 500, currency: "USD".into() };
    let (provider, reference) = ("test".into(), reference.into());
    Change::Owe(NewPayment { provider, reference, order, amount })
}

/// One change, which has to be possible.
pub fn change_at(ledger: &SqliteLedger, epoch: Epoch, at: TimeMs, change: Change) -> Changed {
    let mut answers = Vec::new();
    ledger.change(epoch, at, std::slice::from_ref(&change), &mut answers).unwrap();
    let answer = answers.pop().expect("one change, one answer");
    assert!(matches!(answer, Changed::Done { .. }), "{change:?}: {answer:?}");
    answer
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
        line: 0,
        lines: 1,
        priced: false,
        offer: None,
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
        offer_within_s: 900,
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
        standby: true,
        types,
    };
    NewActivity { activity, units, roster: Vec::new() }
}

/// As `ticket`, at a price in CNY.
pub fn priced(id: &str, kind: UnitKind, price: &str) -> TicketType {
    TicketType { price: Money::parse(price, "CNY").unwrap(), ..ticket(id, kind, 1) }
}

fn activities() -> [NewActivity; 4] {
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
    let encore = activity("encore", vec![seat], vec![codes(100..102)]);
    let types =
        vec![priced("floor", UnitKind::Plain, "9.90"), priced("box", UnitKind::Codes, "100")];
    let units = vec![NewUnits::Plain(4), codes(200..203)];
    [movie, open_day, encore, activity("concert", types, units)]
}

/// The verdict on the ledger in this directory.
pub fn check(data: &Path) -> sale::check::Verdict {
    let ledger = SqliteLedger::open_for_reading(data).expect("the ledger opens");
    sale::check::check(&ledger).expect("the ledger can be read")
}
