//! Names and accounts: a name has one number for ever and belongs to the source that made its account.
//! Nothing here may know which ledger is under test.

use crate::given::{NOW, activity, add, entry, with_roster};
use crate::subject::Subject;
use ledger::{Ledger, NameTaken, NewPerson, NewUnits, Person, Role, Source};
use rules::{ActivityNo, TimeMs, UserNo};

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

fn adopt(ledger: &dyn Ledger, name: &str, source: Source) -> Result<Person, NameTaken> {
    ledger.adopt(&names(&[name]), source, NOW).unwrap().remove(0)
}

fn new_person(name: &str, role: Role) -> NewPerson {
    let display_name = format!("{name} of the import");
    NewPerson { name: name.into(), display_name, role, password_hash: Some("hash".into()) }
}

fn add_person(ledger: &dyn Ledger, name: &str, role: Role) -> UserNo {
    ledger.add_people(&[new_person(name, role)], NOW).unwrap().unwrap()[0]
}

/// An activity whose roster has these names.
fn roster_of(ledger: &dyn Ledger, id: &str, names: &[&str]) -> ActivityNo {
    let epoch = ledger.own().unwrap();
    add(ledger, epoch, with_roster(activity(id, NewUnits::Plain(1)), names))
}

fn found(ledger: &dyn Ledger, name: &str) -> Option<Person> {
    ledger.person_by_name(name).unwrap().map(|(person, _)| person)
}

pub fn numbers_of_names_are_dense(subject: &dyn Subject) {
    let ledger = subject.open();
    assert_eq!(ledger.last_user().unwrap(), UserNo(0));
    assert_eq!(ledger.register("a", "hash", NOW).unwrap().unwrap().no, UserNo(1));
    roster_of(&*ledger, "one", &["b", "a", "c"]);
    assert_eq!(ledger.register("a", "hash", NOW).unwrap(), Err(NameTaken));
    assert_eq!(adopt(&*ledger, "d", Source::Issuer).unwrap().no, UserNo(4));
    let double = [new_person("e", Role::Buyer), new_person("a", Role::Buyer)];
    assert_eq!(ledger.add_people(&double, NOW).unwrap(), Err(1));
    assert_eq!(add_person(&*ledger, "f", Role::Buyer), UserNo(5), "a refusal uses no number up");
    drop(ledger);
    let ledger = subject.open();
    assert_eq!(ledger.last_user().unwrap(), UserNo(5));
    let all = ledger.people(UserNo(0), 100).unwrap();
    let all: Vec<_> = all.iter().map(|person| (person.no.0, person.name.as_str())).collect();
    assert_eq!(all, [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "f")]);
}

pub fn a_registered_name_is_taken(subject: &dyn Subject) {
    let ledger = subject.open();
    let person = ledger.register("zhang", "hash of zhang", NOW).unwrap().unwrap();
    let expected = Person {
        no: UserNo(1),
        name: "zhang".into(),
        display_name: String::new(),
        role: Role::Buyer,
        source: Some(Source::Password),
        generation: 0,
    };
    assert_eq!(person, expected);
    assert_eq!(ledger.register("zhang", "another", NOW).unwrap(), Err(NameTaken));
    let read = ledger.person_by_name("zhang").unwrap();
    assert_eq!(read, Some((expected.clone(), Some("hash of zhang".into()))));
    assert_eq!(ledger.person(UserNo(1)).unwrap(), Some(expected));
    assert_eq!(ledger.person(UserNo(2)).unwrap(), None);
    assert_eq!(ledger.person_by_name("Zhang").unwrap(), None, "names are case-sensitive");
}

/// C33: nobody registers under a colleague's name once a roster has it.
pub fn a_name_on_a_roster_cannot_register_itself(subject: &dyn Subject) {
    let ledger = subject.open();
    roster_of(&*ledger, "one", &["zhang"]);
    assert_eq!(ledger.register("zhang", "hash", NOW).unwrap(), Err(NameTaken));
    assert_eq!(found(&*ledger, "zhang").unwrap().source, None);
}

/// C33: nor before the roster is imported.
pub fn a_name_that_registered_itself_never_satisfies_a_roster(subject: &dyn Subject) {
    let ledger = subject.open();
    ledger.register("zhang", "hash", NOW).unwrap().unwrap();
    let epoch = ledger.own().unwrap();
    let new = with_roster(activity("one", NewUnits::Plain(1)), &["li", "zhang"]);
    let added = ledger.add_activities(epoch, &[new], &entry("import")).unwrap();
    assert_eq!(added[0].self_registered, ["zhang"]);
    let mut roster = Vec::new();
    ledger.roster(added[0].no, &mut |no| roster.push(no)).unwrap();
    assert_eq!(roster, [found(&*ledger, "li").unwrap().no]);
    assert_eq!(found(&*ledger, "zhang").unwrap().display_name, "", "the roster's is not theirs");
}

/// C33: a foreign token names an operator.
pub fn adoption_never_makes_or_takes_an_operator(subject: &dyn Subject) {
    let ledger = subject.open();
    add_person(&*ledger, "boss", Role::Operator);
    for source in [Source::Issuer, Source::Vouching] {
        assert_eq!(adopt(&*ledger, "boss", source), Err(NameTaken));
        let name = format!("{source:?}");
        assert_eq!(adopt(&*ledger, &name, source).unwrap().role, Role::Buyer);
    }
    let boss = found(&*ledger, "boss").unwrap();
    assert_eq!((boss.role, boss.source), (Role::Operator, Some(Source::CommandLine)));
}

pub fn a_name_belongs_to_the_source_that_made_it(subject: &dyn Subject) {
    let ledger = subject.open();
    ledger.register("password", "hash", NOW).unwrap().unwrap();
    add_person(&*ledger, "command line", Role::Buyer);
    roster_of(&*ledger, "one", &["listed for the issuer", "listed for the shop"]);
    let (issuer, vouching) = (Source::Issuer, Source::Vouching);
    let table = [
        ("issued", issuer, true),
        ("issued", issuer, true),
        ("issued", vouching, false),
        ("vouched", vouching, true),
        ("vouched", issuer, false),
        ("password", issuer, false),
        ("password", vouching, false),
        ("command line", issuer, false),
        ("command line", vouching, false),
        ("listed for the issuer", issuer, true),
        ("listed for the issuer", vouching, false),
        ("listed for the shop", vouching, true),
        ("listed for the shop", issuer, false),
    ];
    for (name, source, theirs) in table {
        let adopted = adopt(&*ledger, name, source);
        assert_eq!(adopted.is_ok(), theirs, "{name} for {source:?}");
        if let Ok(person) = adopted {
            assert_eq!(Some(&person), found(&*ledger, name).as_ref());
            assert_eq!((person.source, person.generation), (Some(source), 0));
        }
    }
    let listed = found(&*ledger, "listed for the shop").unwrap();
    assert_eq!(listed.display_name, "listed for the shop of the roster");
    assert_eq!(ledger.register("issued", "hash", NOW).unwrap(), Err(NameTaken));
}

pub fn ten_thousand_names_are_adopted_at_once(subject: &dyn Subject) {
    let ledger = subject.open();
    ledger.register("mine", "hash", NOW).unwrap().unwrap();
    let mut all: Vec<String> = (0..9_998).map(|n| format!("name {n}")).collect();
    all.insert(5_000, "mine".into());
    all.push("name 0".into());
    let adopted = ledger.adopt(&all, Source::Vouching, NOW).unwrap();
    assert_eq!(adopted.len(), all.len());
    for (name, adopted) in all.iter().zip(&adopted) {
        let adopted = adopted.as_ref().map(|person| &person.name);
        assert_eq!(adopted, if name == "mine" { Err(&NameTaken) } else { Ok(name) });
    }
    assert_eq!(adopted[0], adopted[9_999], "a name given twice is one person");
    assert_eq!(ledger.last_user().unwrap(), UserNo(9_999));
    assert_eq!(ledger.adopt(&all, Source::Vouching, NOW).unwrap(), adopted);
}

pub fn people_are_added_all_or_not_at_all(subject: &dyn Subject) {
    let ledger = subject.open();
    add_person(&*ledger, "zhang", Role::Buyer);
    adopt(&*ledger, "li", Source::Issuer).unwrap();
    let fresh = || new_person("wang", Role::Buyer);
    for taken in ["zhang", "li", "wang"] {
        let people = [fresh(), new_person(taken, Role::Buyer)];
        assert_eq!(ledger.add_people(&people, NOW).unwrap(), Err(1));
        assert_eq!(found(&*ledger, "wang"), None);
    }
    let people = [fresh(), new_person("boss", Role::Operator)];
    assert_eq!(ledger.add_people(&people, NOW).unwrap(), Ok(vec![UserNo(3), UserNo(4)]));
    let (boss, hash) = ledger.person_by_name("boss").unwrap().unwrap();
    assert_eq!(hash.as_deref(), Some("hash"));
    assert_eq!(boss.display_name, "boss of the import");
    assert_eq!((boss.role, boss.source), (Role::Operator, Some(Source::CommandLine)));
}

pub fn the_command_line_takes_over_a_name_that_only_rosters_have(subject: &dyn Subject) {
    let ledger = subject.open();
    let no = roster_of(&*ledger, "one", &["zhang", "li"]);
    let zhang = found(&*ledger, "zhang").unwrap();
    assert_eq!(add_person(&*ledger, "zhang", Role::Operator), zhang.no);
    let silent = NewPerson { display_name: String::new(), ..new_person("li", Role::Buyer) };
    ledger.add_people(&[silent], NOW).unwrap().unwrap();
    let (zhang, hash) = ledger.person_by_name("zhang").unwrap().unwrap();
    assert_eq!((zhang.role, zhang.source), (Role::Operator, Some(Source::CommandLine)));
    assert_eq!(hash.as_deref(), Some("hash"));
    assert_eq!(zhang.display_name, "zhang of the import");
    assert_eq!(found(&*ledger, "li").unwrap().display_name, "li of the roster");
    let mut roster = 0;
    ledger.roster(no, &mut |_| roster += 1).unwrap();
    assert_eq!(roster, 2, "they are still whom the roster meant");
}

pub fn a_new_password_ends_all_sessions(subject: &dyn Subject) {
    let ledger = subject.open();
    let person = ledger.register("zhang", "old", NOW).unwrap().unwrap();
    let other = ledger.register("li", "hers", NOW).unwrap().unwrap();
    assert_eq!(ledger.set_password(person.no, "new").unwrap(), 1);
    assert_eq!(ledger.end_sessions(person.no).unwrap(), 2);
    drop(ledger);
    let ledger = subject.open();
    let (zhang, hash) = ledger.person_by_name("zhang").unwrap().unwrap();
    assert_eq!((zhang.generation, hash.as_deref()), (2, Some("new")));
    let (li, hash) = ledger.person_by_name("li").unwrap().unwrap();
    assert_eq!((li, hash.as_deref()), (other, Some("hers")));
}

pub fn an_ended_session_is_remembered_until_its_time(subject: &dyn Subject) {
    let ledger = subject.open();
    let (one, two, until) = ([1; 16], [2; 16], TimeMs(NOW.0 + 10));
    ledger.revoke(UserNo(1), one, until).unwrap();
    ledger.revoke(UserNo(1), one, until).unwrap();
    ledger.revoke(UserNo(2), two, TimeMs(NOW.0 + 20)).unwrap();
    drop(ledger);
    let ledger = subject.open();
    let revoked = |now| {
        let mut all = Vec::new();
        let mut visit = |no, mark, until| all.push((no, mark, until));
        ledger.revoked(TimeMs(now), &mut visit).unwrap();
        all.sort();
        all
    };
    let (first, second) = ((UserNo(1), one, until), (UserNo(2), two, TimeMs(NOW.0 + 20)));
    assert_eq!(revoked(NOW.0), [first, second]);
    assert_eq!(revoked(until.0), [first, second]);
    assert_eq!(revoked(until.0 + 1), [second]);
    assert_eq!(revoked(NOW.0), [second], "what is over is forgotten");
}

pub fn standings_are_of_those_who_differ_from_everybody(subject: &dyn Subject) {
    let ledger = subject.open();
    ledger.register("buyer", "hash", NOW).unwrap().unwrap();
    let boss = add_person(&*ledger, "boss", Role::Operator);
    let ended = add_person(&*ledger, "ended", Role::Buyer);
    ledger.end_sessions(ended).unwrap();
    roster_of(&*ledger, "one", &["listed"]);
    let mut standings = Vec::new();
    let mut visit = |no, role, generation| standings.push((no, role, generation));
    ledger.standings(&mut visit).unwrap();
    standings.sort_by_key(|standing| standing.0);
    assert_eq!(standings, [(boss, Role::Operator, 0), (ended, Role::Buyer, 1)]);
}

pub fn people_are_listed_in_pages(subject: &dyn Subject) {
    let ledger = subject.open();
    let people = ["a", "b", "c", "d", "e"].map(|name| new_person(name, Role::Buyer));
    let numbers = ledger.add_people(&people, NOW).unwrap().unwrap();
    let page = |after, most| {
        let page = ledger.people(after, most).unwrap();
        page.into_iter().map(|person| person.name).collect::<Vec<_>>()
    };
    assert_eq!(page(UserNo(0), 2), ["a", "b"]);
    assert_eq!(page(numbers[1], 2), ["c", "d"]);
    assert_eq!(page(numbers[3], 2), ["e"]);
    assert_eq!(page(numbers[4], 2), [""; 0]);
}

pub fn a_secret_is_made_once(subject: &dyn Subject) {
    let ledger = subject.open();
    let one = ledger.secret("one").unwrap();
    let two = ledger.secret("two").unwrap();
    assert_ne!(one, two);
    assert_ne!(one, [0; 32]);
    assert_eq!(ledger.secret("one").unwrap(), one);
    drop(ledger);
    assert_eq!(subject.open().secret("one").unwrap(), one);
}
