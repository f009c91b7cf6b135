//! Activities are added whole or not at all, and come back as they were.
//! Nothing here may know which ledger is under test.

use crate::given::{NOW, activity, add, codes, entry, plain, ticket, with_roster};
use crate::subject::Subject;
use ledger::{AddRefused, Ledger, NewActivity, NewUnits, RosterName, StoredActivity, StoredType};
use rules::{
    Activity, ActivityNo, EventNo, Money, TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo,
    Validity, Window,
};

pub fn an_activity_comes_back_as_it_was_added(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let session = Window::new(TimeMs(NOW.0 + 1), TimeMs(NOW.0 + 2)).unwrap();
    let full = TicketType {
        id: "late".into(),
        name: "夜场".into(),
        desc: "a description".into(),
        image: "https://example.org/late.png".into(),
        price: Money::parse("9.90", "CNY").unwrap(),
        limit_per_user: 7,
        kind: UnitKind::Codes,
        window: Some(session),
        pay_within_s: 60,
        offer_within_s: 30,
        validity: Validity { from: NOW, until: Some(TimeMs(NOW.0 + 5)) },
    };
    let definition = Activity {
        id: "movie-night_1".into(),
        name: "电影之夜 \u{1f3ac}".into(),
        desc: "line\nline".into(),
        image: "https://example.org/a.png".into(),
        window: Window::new(NOW, TimeMs(NOW.0 + 9)).unwrap(),
        limit_per_user: Some(3),
        has_roster: true,
        standby: true,
        types: vec![ticket("seat", UnitKind::Plain), full],
    };
    let units = vec![NewUnits::Plain(500), codes(&["A", "B"])];
    let new = NewActivity { activity: definition.clone(), units, roster: Vec::new() };
    let no = add(&*ledger, epoch, new);
    let types = [500, 2].map(|made| StoredType { made, void: Vec::new() }).to_vec();
    let expected = StoredActivity {
        no,
        activity: definition,
        closed: false,
        paused: false,
        types,
        through: EventNo(0),
    };
    assert_eq!(ledger.activities().unwrap(), std::slice::from_ref(&expected));
    assert_eq!(ledger.activity(no).unwrap(), Some(expected.clone()));
    assert_eq!(ledger.activity(ActivityNo(no.0 + 1)).unwrap(), None);
    drop(ledger);
    assert_eq!(subject.open().activity(no).unwrap(), Some(expected));
}

/// Whatever an import could leave behind.
fn traces(ledger: &dyn Ledger) -> (Vec<StoredActivity>, UserNo, usize, bool) {
    let audit = ledger.read_audit(None, 100).unwrap().len();
    let code = ledger.find_code("NEW").unwrap().is_some();
    (ledger.activities().unwrap(), ledger.last_user().unwrap(), audit, code)
}

pub fn activities_are_added_all_or_not_at_all(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    add(&*ledger, epoch, activity("first", codes(&["OLD"])));
    let before = traces(&*ledger);
    let good = || with_roster(activity("good", codes(&["NEW"])), &["zhang", "li"]);
    let table = [
        (activity("first", NewUnits::Plain(1)), AddRefused::IdExists(1)),
        (activity("good", NewUnits::Plain(1)), AddRefused::IdExists(1)),
        (activity("other", codes(&["X", "OLD"])), AddRefused::CodeExists(1, TypeNo(0), 1)),
        (activity("other", codes(&["NEW"])), AddRefused::CodeExists(1, TypeNo(0), 0)),
        (activity("other", codes(&["X", "Y", "X"])), AddRefused::CodeExists(1, TypeNo(0), 2)),
    ];
    for (bad, expected) in table {
        let refused = ledger.add_activities(epoch, &[good(), bad], &entry("admin/act/import"));
        assert_eq!(traces(&*ledger), before, "nothing is left of {expected:?}");
        assert_eq!(refused, Err(expected));
    }
    let both = [good(), activity("other", NewUnits::Plain(1))];
    let added = ledger.add_activities(epoch, &both, &entry("admin/act/import")).unwrap();
    assert_eq!(added.iter().map(|one| one.no).collect::<Vec<_>>(), [ActivityNo(2), ActivityNo(3)]);
}

/// C8: two activities never share a code.
pub fn a_code_exists_once_in_the_ledger(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let one = add(&*ledger, epoch, activity("one", codes(&["A", "a"])));
    let two = activity("two", codes(&["A"]));
    let refused = ledger.add_activities(epoch, &[two], &entry("import"));
    assert_eq!(refused, Err(AddRefused::CodeExists(0, TypeNo(0), 0)));
    let two = add(&*ledger, epoch, activity("two", codes(&["B"])));
    let shared = ["a".to_owned(), "C".to_owned()];
    let added = ledger.add_codes(epoch, two, TypeNo(0), &shared, &entry("codes")).unwrap().unwrap();
    assert_eq!(added.duplicates, [0]);
    let found = |code| ledger.find_code(code).unwrap();
    assert_eq!(found("a"), Some((one, TypeNo(0), UnitNo(1))));
    assert_eq!(found("C"), Some((two, TypeNo(0), UnitNo(1))));
    assert_eq!(found("c"), None);
}

/// C8: unit n carries code n of the import.
pub fn codes_keep_their_order(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let list: Vec<String> = (0..1_500u32).map(|n| format!("{:08x}", n.reverse_bits())).collect();
    let no = add(&*ledger, epoch, activity("one", NewUnits::Codes(list.clone())));
    let read = |from| {
        let mut read = Vec::new();
        ledger.codes(no, TypeNo(0), from, &mut |code| read.push(code.to_owned())).unwrap();
        read
    };
    assert_eq!(read(0), list);
    assert_eq!(read(1_400), list[1_400..]);
    assert_eq!(read(1_500), [""; 0]);
    assert_eq!(ledger.find_code(&list[700]).unwrap(), Some((no, TypeNo(0), UnitNo(700))));
}

pub fn a_roster_is_who_may_claim(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    let one = with_roster(activity("one", NewUnits::Plain(1)), &["zhang", "li"]);
    let two = with_roster(activity("two", NewUnits::Plain(1)), &["li", "wang"]);
    let added = ledger.add_activities(epoch, &[one, two], &entry("import")).unwrap();
    assert!(added.iter().all(|one| one.self_registered.is_empty()));
    let roster = |place: usize| {
        let mut names = Vec::new();
        ledger.roster(added[place].no, &mut |no| names.push(no)).unwrap();
        names.sort_unstable();
        names.iter().map(|no| ledger.person(*no).unwrap().unwrap().name).collect::<Vec<_>>()
    };
    assert_eq!(roster(0), ["zhang", "li"]);
    assert_eq!(roster(1), ["li", "wang"]);
    let li = ledger.person_by_name("li").unwrap().unwrap().0;
    assert_eq!((li.source, li.display_name.as_str()), (None, "li of the roster"));

    // A roster without display names takes none away.
    let mut third = with_roster(activity("three", NewUnits::Plain(1)), &[]);
    let (display_name, department) = (String::new(), String::new());
    third.roster.push(RosterName { name: "li".into(), display_name, department });
    add(&*ledger, epoch, third);
    assert_eq!(ledger.person(li.no).unwrap(), Some(li));
}

/// C33: whoever registered a colleague's name first may not claim, and stands on the roster all the same.
pub fn a_rosters_names_are_all_of_them(subject: &dyn Subject) {
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    ledger.register("early", "hash", NOW).unwrap().unwrap();
    let one = with_roster(activity("one", NewUnits::Plain(1)), &["zhang", "early", "李"]);
    let two = with_roster(activity("two", NewUnits::Plain(1)), &["zhang"]);
    let three = activity("three", NewUnits::Plain(1));
    let added = ledger.add_activities(epoch, &[one, two, three], &entry("import")).unwrap();
    assert_eq!(added[0].self_registered, ["early"]);
    let names = |no: ActivityNo| {
        let mut names = Vec::new();
        ledger.roster_names(no, &mut |name| names.push(name.to_owned())).unwrap();
        names.sort_unstable();
        names
    };
    assert_eq!(names(added[0].no), ["early", "zhang", "李"]);
    assert_eq!(names(added[1].no), ["zhang"]);
    assert_eq!(names(added[2].no), [""; 0]);
    assert_eq!(names(ActivityNo(added[2].no.0 + 1)), [""; 0]);
}

pub fn the_audit_log_is_numbered_and_read_backwards(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let calls = ["admin/codes/import", "admin/sessions"].map(entry);
    ledger.write_audit(&calls).unwrap();
    let pause = crate::given::draft(activity, rules::EventKind::Paused);
    ledger.append(epoch, &pause, &entry("admin/act/pause")).unwrap();
    let read = |before, most| {
        let records = ledger.read_audit(before, most).unwrap();
        records.into_iter().map(|record| (record.no, record.entry.action)).collect::<Vec<_>>()
    };
    let all = [
        (4, "admin/act/pause".to_owned()),
        (3, "admin/sessions".to_owned()),
        (2, "admin/codes/import".to_owned()),
        (1, "admin/act/import".to_owned()),
    ];
    assert_eq!(read(None, 100), all);
    assert_eq!(read(None, 2), all[..2]);
    assert_eq!(read(Some(3), 100), all[2..]);
    assert_eq!(ledger.read_audit(Some(4), 1).unwrap()[0].entry, entry("admin/sessions"));
}
