//! What an update may change and what it names as not changeable, key by key.
//! The table changes one thing at a time, so that no rule hides behind another.

use rules::{Activity, Money, TicketType, TimeMs, UnitKind, Validity, Window};
use sale::files::{Difference, NotChangeable, diff_for_update};

fn window(start: u64, end: u64) -> Window {
    Window::new(TimeMs(start), TimeMs(end)).unwrap()
}

fn activity() -> Activity {
    let ticket = TicketType {
        id: "t".into(),
        name: "T".into(),
        desc: String::new(),
        image: String::new(),
        price: Money { minor: 0, currency: "CNY".into() },
        limit_per_user: 1,
        kind: UnitKind::Plain,
        window: Some(window(1_000, 2_000)),
        pay_within_s: 900,
        offer_within_s: 900,
        validity: Validity { from: TimeMs(1_000), until: Some(TimeMs(9_000)) },
    };
    Activity {
        id: "a".into(),
        name: "A".into(),
        desc: String::new(),
        image: String::new(),
        window: window(1_000, 5_000),
        limit_per_user: None,
        has_roster: false,
        standby: false,
        types: vec![ticket],
    }
}

type Change = fn(&mut Activity);

#[test]
fn texts_pictures_and_a_later_end_may_change() {
    let table: [(&str, Change); 9] = [
        ("nothing", |_| {}),
        ("name", |a| a.name = "B".into()),
        ("desc", |a| a.desc = "B".into()),
        ("image", |a| a.image = "B".into()),
        ("later end", |a| a.window = window(1_000, 5_001)),
        ("type's name", |a| a.types[0].name = "B".into()),
        ("type's desc", |a| a.types[0].desc = "B".into()),
        ("type's image", |a| a.types[0].image = "B".into()),
        ("type's later end", |a| a.types[0].window = Some(window(1_000, 2_001))),
    ];
    for (what, change) in table {
        let mut new = activity();
        change(&mut new);
        assert_eq!(diff_for_update(&activity(), &new), Ok(new.clone()), "{what}");
    }
}

#[test]
fn every_other_difference_is_named_by_its_key() {
    let table: [(&str, Change); 20] = [
        ("id", |a| a.id = "b".into()),
        ("start_time", |a| a.window = window(999, 5_000)),
        ("end_time", |a| a.window = window(1_000, 4_999)),
        ("limit_per_user", |a| a.limit_per_user = Some(1)),
        ("roster", |a| a.has_roster = true),
        ("standby", |a| a.standby = true),
        ("ticket", |a| a.types.push(a.types[0].clone())),
        ("ticket[0].id", |a| a.types[0].id = "u".into()),
        ("ticket[0].price", |a| a.types[0].price.minor = 1),
        ("ticket[0].currency", |a| a.types[0].price.currency = "USD".into()),
        ("ticket[0].limit_per_user", |a| a.types[0].limit_per_user = 2),
        ("ticket[0].codes", |a| a.types[0].kind = UnitKind::Codes),
        ("ticket[0].start_time", |a| a.types[0].window = Some(window(1_001, 2_000))),
        ("ticket[0].start_time", |a| a.types[0].window = None),
        ("ticket[0].end_time", |a| a.types[0].window = Some(window(1_000, 1_999))),
        ("ticket[0].pay_within_s", |a| a.types[0].pay_within_s = 60),
        ("ticket[0].offer_within_s", |a| a.types[0].offer_within_s = 60),
        ("ticket[0].valid_from", |a| a.types[0].validity.from = TimeMs(999)),
        ("ticket[0].valid_until", |a| a.types[0].validity.until = Some(TimeMs(9_001))),
        ("ticket[0].valid_until", |a| a.types[0].validity.until = None),
    ];
    for (key, change) in table {
        let mut new = activity();
        change(&mut new);
        let named: Vec<_> = diff_for_update(&activity(), &new).unwrap_err();
        let paths: Vec<String> = named.iter().map(NotChangeable::path).collect();
        assert_eq!(paths, [key]);
        assert_eq!(named[0].difference, Difference::Value);
    }
}
