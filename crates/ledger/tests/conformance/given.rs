//! What the tests begin with: activities, claims and people that differ only in what a test is about.
//! Nothing here asserts anything.

use ledger::{
    AuditEntry, Change, Changed, EventDraft, Ledger, NewActivity, NewPayment, NewUnits, OrderMark,
    PaymentRecord, RosterName, Written,
};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, Epoch, Event, EventKind, KeyHash, Money, OrderNo, Seq,
    TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo, Validity, Window,
};

/// The moment at which everything happens unless a test says otherwise.
pub const NOW: TimeMs = TimeMs(1_796_090_400_000);

pub fn key(seed: u8) -> KeyHash {
    KeyHash::from_bytes([seed; 16])
}

pub fn entry(action: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        who: "operator".into(),
        action: action.into(),
        target: "movie-night".into(),
        detail: String::new(),
    }
}

pub fn window() -> Window {
    Window::new(TimeMs(NOW.0 - 1000), TimeMs(NOW.0 + 1000)).unwrap()
}

pub fn ticket(id: &str, kind: UnitKind) -> TicketType {
    TicketType {
        id: id.into(),
        name: "电影票".into(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse("0", "CNY").unwrap(),
        limit_per_user: 1,
        kind,
        window: None,
        pay_within_s: 900,
        offer_within_s: 300,
        validity: Validity { from: NOW, until: None },
    }
}

/// An activity with a type `seat` that has these units, without a roster.
pub fn activity(id: &str, units: NewUnits) -> NewActivity {
    let kind = if matches!(units, NewUnits::Plain(_)) { UnitKind::Plain } else { UnitKind::Codes };
    let activity = Activity {
        id: id.into(),
        name: "电影之夜".into(),
        desc: String::new(),
        image: String::new(),
        window: window(),
        limit_per_user: None,
        has_roster: false,
        standby: false,
        types: vec![ticket("seat", kind)],
    };
    NewActivity { activity, units: vec![units], roster: Vec::new() }
}

pub fn codes(of: &[&str]) -> NewUnits {
    NewUnits::Codes(of.iter().map(|code| (*code).to_owned()).collect())
}

/// The same with a roster of these names, each with a display name and a department.
pub fn with_roster(mut activity: NewActivity, names: &[&str]) -> NewActivity {
    activity.activity.has_roster = true;
    activity.roster = names
        .iter()
        .map(|name| RosterName {
            name: (*name).to_owned(),
            display_name: format!("{name} of the roster"),
            department: format!("{name}'s department"),
        })
        .collect();
    activity
}

pub fn draft(activity: ActivityNo, kind: EventKind) -> EventDraft {
    EventDraft { activity, at: NOW, kind, key: None }
}

/// An owned ledger with one activity of 1,000 plain units.
pub fn plain(ledger: &dyn Ledger) -> (Epoch, ActivityNo) {
    let epoch = ledger.own().unwrap();
    (epoch, add(ledger, epoch, activity("movie-night", NewUnits::Plain(1000))))
}

pub fn add(ledger: &dyn Ledger, epoch: Epoch, new: NewActivity) -> ActivityNo {
    let added = ledger.add_activities(epoch, &[new], &entry("admin/act/import")).unwrap();
    assert_eq!(added.len(), 1);
    added[0].no
}

/// The n-th claim of an activity as a stock would decide it: unit n - 1 for user n, one each.
pub fn claim(activity: ActivityNo, epoch: Epoch, n: u32) -> Claim {
    Claim {
        activity,
        seq: Seq(n),
        epoch,
        ticket_type: TypeNo(0),
        unit: UnitNo(n - 1),
        user: UserNo(n),
        claim_no: ClaimNo(n),
        ordinal_in_type: 1,
        ordinal_in_activity: 1,
        decided_at: TimeMs(NOW.0 + u64::from(n)),
        key: None,
        line: 0,
        lines: 1,
        priced: false,
        offer: None,
    }
}

/// The same of an order that costs something.
pub fn held(activity: ActivityNo, epoch: Epoch, n: u32) -> Claim {
    Claim { priced: true, ..claim(activity, epoch, n) }
}

/// An order of several lines: the n-th claims of an activity from `n`, all of user `n`.
pub fn basket(activity: ActivityNo, epoch: Epoch, n: u32, lines: u8) -> Vec<Claim> {
    let line = |line: u8| Claim {
        user: UserNo(n),
        ordinal_in_type: u32::from(line) + 1,
        ordinal_in_activity: u32::from(line) + 1,
        decided_at: TimeMs(NOW.0 + u64::from(n)),
        line,
        lines,
        ..held(activity, epoch, n + u32::from(line))
    };
    (0..lines).map(line).collect()
}

pub fn claims(activity: ActivityNo, epoch: Epoch, count: u32) -> Vec<Claim> {
    (1..=count).map(|n| claim(activity, epoch, n)).collect()
}

/// Commits, and returns the answers.
pub fn commit(ledger: &dyn Ledger, epoch: Epoch, claims: &[Claim]) -> Vec<Written> {
    // What is in the list before must not survive.
    let mut answers = vec![Written::Tombstoned];
    ledger.commit(epoch, claims, &mut answers).unwrap();
    assert_eq!(answers.len(), claims.len(), "one answer for each claim");
    answers
}

/// Commits claims that must all be written.
pub fn write(ledger: &dyn Ledger, epoch: Epoch, claims: &[Claim]) {
    let answers = commit(ledger, epoch, claims);
    assert!(answers.iter().all(|answer| *answer == Written::Written), "{answers:?}");
}

pub fn written(ledger: &dyn Ledger, activity: ActivityNo) -> Vec<Claim> {
    marked(ledger, activity).into_iter().map(|(claim, _)| claim).collect()
}

/// An activity's lines with how their orders stand.
pub fn marked(ledger: &dyn Ledger, activity: ActivityNo) -> Vec<(Claim, OrderMark)> {
    let mut all = Vec::new();
    ledger.claims(activity, &mut |claim, mark| all.push((claim, mark))).unwrap();
    all
}

/// Proposes changes in one batch, and returns the answers.
pub fn change(ledger: &dyn Ledger, epoch: Epoch, at: TimeMs, changes: &[Change]) -> Vec<Changed> {
    // What is in the list before must not survive.
    let mut answers = vec![Changed::Closed];
    ledger.change(epoch, at, changes, &mut answers).unwrap();
    assert_eq!(answers.len(), changes.len(), "one answer for each change");
    answers
}

/// Proposes one change, which has to be written; its events and its payment.
pub fn done(
    ledger: &dyn Ledger,
    epoch: Epoch,
    at: TimeMs,
    one: Change,
) -> (Vec<Event>, Option<PaymentRecord>) {
    match change(ledger, epoch, at, std::slice::from_ref(&one)).pop() {
        Some(Changed::Done { events, payment }) => (events, payment),
        other => panic!("{one:?} was not written: {other:?}"),
    }
}

pub fn order(activity: ActivityNo, seq: u32) -> OrderNo {
    OrderNo { activity, seq: Seq(seq) }
}

/// A payment for an order under this reference.
pub fn payment(order: OrderNo, reference: &str) -> NewPayment {
    NewPayment {
        provider: "test".into(),
        reference: reference.into(),
        order,
        amount: Money::parse("9.90", "CNY").unwrap(),
    }
}
