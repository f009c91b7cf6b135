//! Changes of activities: numbered in the order of commit, checked where they are written, never undone.
//! Nothing here may know which ledger is under test.

use crate::given::{NOW, activity, add, codes, draft, entry, key, plain, window};
use crate::subject::Subject;
use ledger::{AddedCodes, Appended, Cause, Ledger, LedgerFault, NewUnits, OperatorKey};
use rules::{
    Activity, ActivityNo, Epoch, Event, EventKind, EventNo, TimeMs, TypeNo, UNITS_MAX, UserNo,
    Window,
};
use std::ops::Range;

fn append(ledger: &dyn Ledger, epoch: Epoch, activity: ActivityNo, kind: EventKind) -> Appended {
    ledger.append(epoch, &draft(activity, kind), &entry("change")).unwrap()
}

fn new(ledger: &dyn Ledger, epoch: Epoch, activity: ActivityNo, kind: EventKind) -> Event {
    match append(ledger, epoch, activity, kind) {
        Appended::New(event) => event,
        other => panic!("{other:?} instead of a new event"),
    }
}

fn added(units: Range<u32>) -> EventKind {
    EventKind::UnitsAdded { ticket_type: TypeNo(0), units }
}

fn taken_back(units: impl IntoIterator<Item = Range<u32>>) -> EventKind {
    EventKind::UnitsTakenBack { ticket_type: TypeNo(0), units: units.into_iter().collect() }
}

pub fn pausing_resuming_and_closing_are_remembered(subject: &dyn Subject) {
    let mut ledger = subject.open();
    let (mut epoch, activity) = plain(&*ledger);
    let table = [
        (EventKind::Paused, (true, false)),
        (EventKind::Resumed, (false, false)),
        (EventKind::Paused, (true, false)),
        (EventKind::Closed, (true, true)),
    ];
    for (place, (kind, expected)) in table.into_iter().enumerate() {
        let no = EventNo(place as u64 + 1);
        let event = new(&*ledger, epoch, activity, kind.clone());
        assert_eq!(event, Event { no, activity, at: NOW, kind });
        drop(ledger);
        ledger = subject.open();
        epoch = ledger.own().unwrap();
        let stored = ledger.activity(activity).unwrap().unwrap();
        assert_eq!(((stored.paused, stored.closed), stored.through), (expected, no));
    }
}

pub fn what_is_closed_stays_closed(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let no = add(&*ledger, epoch, activity("plain", NewUnits::Plain(9)));
    let with_codes = add(&*ledger, epoch, activity("codes", codes(&["A"])));
    for activity in [no, with_codes] {
        new(&*ledger, epoch, activity, EventKind::Closed);
    }
    let before = (ledger.activities().unwrap(), ledger.read_audit(None, 100).unwrap());
    let definition = before.0[0].activity.clone();
    let kinds = [
        EventKind::Paused,
        EventKind::Resumed,
        EventKind::Closed,
        added(0..1),
        taken_back(Some(0..1)),
        EventKind::Changed(Box::new(definition)),
    ];
    for kind in kinds {
        assert_eq!(append(&*ledger, epoch, no, kind), Appended::Closed);
    }
    let more = ["B".to_owned()];
    let refused = ledger.add_codes(epoch, with_codes, TypeNo(0), &more, &entry("codes"));
    assert_eq!(refused, Ok(None));
    assert_eq!(ledger.find_code("B").unwrap(), None);
    let after = (ledger.activities().unwrap(), ledger.read_audit(None, 100).unwrap());
    assert_eq!(after, before);
}

pub fn added_units_follow_the_last_one_ever_made(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    for (asked, given) in [(0..10, 1000..1010), (0..5, 1010..1015), (7..8, 1015..1016)] {
        assert_eq!(new(&*ledger, epoch, activity, added(asked)).kind, added(given));
    }
    new(&*ledger, epoch, activity, taken_back(Some(1010..1016)));
    let event = new(&*ledger, epoch, activity, added(0..1));
    assert_eq!(event.kind, added(1016..1017), "numbers taken back are never used again");
    assert_eq!(ledger.activity(activity).unwrap().unwrap().types[0].made, 1017);
}

/// C15: what came or went later is told apart from what was imported.
pub fn first_units_are_those_the_activity_was_added_with(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, one) = plain(&*ledger);
    let mut two_types = activity("two", codes(&["A", "B"]));
    two_types.activity.types.push(crate::given::ticket("sofa", rules::UnitKind::Plain));
    two_types.units.push(NewUnits::Plain(7));
    let two = add(&*ledger, epoch, two_types);
    let none = add(&*ledger, epoch, activity("none", NewUnits::Plain(0)));
    let first = |ledger: &dyn Ledger| {
        let of = |no: ActivityNo| ledger.first_units(no).unwrap();
        [of(one), of(two), of(none), of(ActivityNo(none.0 + 1))]
    };
    let expected = [vec![1000], vec![2, 7], vec![0], vec![]];
    assert_eq!(first(&*ledger), expected);
    new(&*ledger, epoch, one, taken_back(Some(990..1000)));
    assert_eq!(first(&*ledger), expected);
    for (activity, count) in [(one, 0), (one, 5), (one, 3), (none, 4)] {
        new(&*ledger, epoch, activity, added(0..count));
    }
    ledger.add_codes(epoch, two, TypeNo(0), &["C".to_owned()], &entry("codes")).unwrap();
    assert_eq!(first(&*ledger), expected);
    drop(ledger);
    assert_eq!(first(&*subject.open()), expected);
}

/// C15: the operator takes back what is free, and its numbers with it.
pub fn units_taken_back_stay_void(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let first = taken_back([998..1000, 900..901]);
    assert_eq!(new(&*ledger, epoch, activity, first.clone()).kind, first);
    new(&*ledger, epoch, activity, taken_back(Some(990..998)));
    drop(ledger);
    let ledger = subject.open();
    let stored = ledger.activity(activity).unwrap().unwrap();
    let mut void = stored.types[0].void.clone();
    void.sort_by_key(|range| range.start);
    assert_eq!(void, [900..901, 990..998, 998..1000]);
    assert_eq!((stored.types[0].made, stored.through), (1000, EventNo(2)));
}

pub fn more_units_than_the_rules_allow_are_refused(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let room = UNITS_MAX - 1000;
    let before = ledger.activity(activity).unwrap();
    assert_eq!(append(&*ledger, epoch, activity, added(0..room + 1)), Appended::TooMany);
    assert_eq!(append(&*ledger, epoch, activity, added(0..u32::MAX)), Appended::TooMany);
    assert_eq!(ledger.activity(activity).unwrap(), before);
    assert_eq!(new(&*ledger, epoch, activity, added(0..room)).kind, added(1000..UNITS_MAX));
    assert_eq!(append(&*ledger, epoch, activity, added(0..1)), Appended::TooMany);
}

pub fn added_codes_follow_and_known_ones_are_left_out(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let no = add(&*ledger, epoch, activity("one", codes(&["A", "B"])));
    let list = ["C", "A", "D", "C", "E"].map(str::to_owned);
    let added_codes = ledger.add_codes(epoch, no, TypeNo(0), &list, &entry("codes")).unwrap();
    let kind = added(2..5);
    let event = Some(Event { no: EventNo(1), activity: no, at: NOW, kind });
    assert_eq!(added_codes, Some(AddedCodes { event, duplicates: vec![1, 3] }));
    let again = ledger.add_codes(epoch, no, TypeNo(0), &list, &entry("codes")).unwrap();
    assert_eq!(again, Some(AddedCodes { event: None, duplicates: vec![0, 1, 2, 3, 4] }));
    let mut read = Vec::new();
    ledger.codes(no, TypeNo(0), 0, &mut |code| read.push(code.to_owned())).unwrap();
    assert_eq!(read, ["A", "B", "C", "D", "E"]);
    let stored = ledger.activity(no).unwrap().unwrap();
    assert_eq!((stored.types[0].made, stored.through), (5, EventNo(1)));
    assert_eq!(ledger.read_audit(None, 9).unwrap().len(), 2, "one import and one that added");
}

pub fn a_key_of_an_operator_is_known_for_ever(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let other = add(&*ledger, epoch, crate::given::activity("other", NewUnits::Plain(9)));
    let keyed = |activity, operator, seed, kind| {
        let key = Some(OperatorKey { operator: UserNo(operator), key: key(seed) });
        ledger::EventDraft { key, ..draft(activity, kind) }
    };
    let drafts = [
        keyed(activity, 1, 1, added(0..10)),
        keyed(activity, 1, 2, taken_back([999..1000, 5..7])),
        keyed(activity, 1, 3, EventKind::Paused),
        keyed(activity, 2, 1, EventKind::Resumed),
        keyed(other, 1, 1, EventKind::Paused),
        keyed(activity, 1, 4, EventKind::Closed),
    ];
    let send =
        |ledger: &dyn Ledger, epoch, draft| ledger.append(epoch, draft, &entry("refill")).unwrap();
    let events = drafts.each_ref().map(|draft| match send(&*ledger, epoch, draft) {
        Appended::New(event) => event,
        other => panic!("{other:?} instead of a new event"),
    });
    drop(ledger);
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let before = (ledger.activities().unwrap(), ledger.read_audit(None, 100).unwrap());
    let known = |activity, operator, seed| {
        let key = OperatorKey { operator: UserNo(operator), key: key(seed) };
        ledger.known_event(activity, key).unwrap()
    };
    for (draft, event) in drafts.iter().zip(&events) {
        let found = ledger.known_event(draft.activity, draft.key.unwrap()).unwrap();
        assert_eq!(found.as_ref(), Some(event));
    }
    for (activity, operator, seed) in [(activity, 1, 5), (activity, 3, 1), (other, 1, 2)] {
        assert_eq!(known(activity, operator, seed), None);
    }
    for (draft, event) in drafts.iter().zip(events) {
        assert_eq!(send(&*ledger, epoch, draft), Appended::Known(event));
    }
    let after = (ledger.activities().unwrap(), ledger.read_audit(None, 100).unwrap());
    assert_eq!(after, before);
}

/// C15: a running sale is never reset by a later import.
pub fn a_change_replaces_the_definition_and_nothing_else(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    new(&*ledger, epoch, no, EventKind::Paused);
    new(&*ledger, epoch, no, taken_back(Some(9..10)));
    let before = ledger.activity(no).unwrap().unwrap();
    let end = TimeMs(window().end().0 + 60_000);
    let mut definition = Activity {
        name: "又一夜".into(),
        desc: "new".into(),
        image: "https://example.org/new.png".into(),
        standby: true,
        window: Window::new(window().start(), end).unwrap(),
        ..before.activity.clone()
    };
    definition.types[0].name = "Seat".into();
    definition.types[0].offer_within_s = 77;
    definition.types[0].validity.until = Some(end);
    let changed = EventKind::Changed(Box::new(definition.clone()));
    let event = new(&*ledger, epoch, no, changed.clone());
    assert_eq!(event.kind, changed);
    let after = ledger.activity(no).unwrap().unwrap();
    assert_eq!(after.activity, definition);
    assert_eq!((after.paused, after.closed, after.types), (true, false, before.types));
    assert_eq!(after.through, event.no);
}

pub fn an_ended_owner_changes_nothing(subject: &dyn Subject) {
    let ledger = subject.open();
    let ended = ledger.own().unwrap();
    let no = add(&*ledger, ended, activity("one", codes(&["A"])));
    let running = ledger.own().unwrap();
    let before = (ledger.activities().unwrap(), ledger.read_audit(None, 100).unwrap());
    let stale = LedgerFault::NothingHappened(Cause::StaleEpoch);
    let entry = entry("late");
    let two = [activity("two", NewUnits::Plain(1))];
    assert_eq!(ledger.add_activities(ended, &two, &entry), Err(stale.into()));
    let pause = draft(no, EventKind::Paused);
    assert_eq!(ledger.append(ended, &pause, &entry), Err(stale));
    let more = ["B".to_owned()];
    assert_eq!(ledger.add_codes(ended, no, TypeNo(0), &more, &entry), Err(stale));
    let part = rules::Part { activity: no, user: UserNo(1), seen_at: NOW, refusal: None };
    assert_eq!(ledger.record_parts(ended, &[part]), Err(stale));
    let after = (ledger.activities().unwrap(), ledger.read_audit(None, 100).unwrap());
    assert_eq!(after, before);
    let mut parts = 0;
    ledger.parts(no, &mut |_| parts += 1).unwrap();
    assert_eq!(parts, 0);
    new(&*ledger, running, no, EventKind::Paused);
}
