//! What files are read as: activities with their defaults, types, codes and rosters, from every encoding.
//! Nothing is taken that the contract does not have.

use crate::given::{
    ACTIVITY, Folder, HOUR_MS, LIMITS, TEN_O_CLOCK, TICKET, codes_of, read_json, read_toml,
    toml_of, with_activity, with_prices, with_roster, with_ticket,
};
use ledger::{NewUnits, RosterName};
use rules::{TimeMs, UnitKind};
use sale::files::{Difference, NotChangeable, ReadActivities, Reason};

#[test]
fn the_shortest_activity_gets_its_defaults() {
    let read = read_toml(&toml_of(ACTIVITY, TICKET)).unwrap();
    let new = &read.activities[0];
    let activity = &new.activity;
    assert_eq!((activity.name.as_str(), activity.desc.as_str()), ("A", ""));
    assert_eq!(activity.window.start(), TEN_O_CLOCK);
    assert_eq!(activity.window.end(), TimeMs(TEN_O_CLOCK.0 + 2 * HOUR_MS));
    assert_eq!((activity.limit_per_user, activity.has_roster), (None, false));
    assert!(!activity.standby, "what costs nothing does not come back");
    assert!(activity.id.len() == 12 && activity.id.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_eq!(activity.id, activity.id.to_lowercase());
    let ticket = &activity.types[0];
    assert_eq!((ticket.limit_per_user, ticket.pay_within_s), (1, 900));
    assert_eq!(ticket.offer_within_s, 900);
    assert_eq!((ticket.price.minor, ticket.price.currency.as_str()), (0, "CNY"));
    assert_eq!((ticket.kind, ticket.window, ticket.image.as_str()), (UnitKind::Plain, None, ""));
    assert_eq!((ticket.validity.from, ticket.validity.until), (TEN_O_CLOCK, None));
    assert_eq!(new.units, [NewUnits::Plain(5)]);
    let again = read_toml(&toml_of(ACTIVITY, TICKET)).unwrap();
    assert_ne!(again.activities[0].activity.id, activity.id, "ids made here never repeat");
}

#[test]
fn every_key_of_the_contract_is_read() {
    let text = r#"
[[activity]]
id = "movie-night"
name = "电影之夜"
desc = "..."
image = "https://example.org/a.png"
start_time = 2026-12-01T10:00:00+08:00
end_time = 2026-12-01T12:00:00+08:00
limit_per_user = 3
standby = false
roster = ["s1", {name = "s2", display_name = "王五", department = "研发"}]
  [[activity.ticket]]
  id = "seat"
  name = "电影票"
  desc = "a\nb"
  image = "https://example.org/t.png"
  price = "9.90"
  currency = "USD"
  limit_per_user = 2
  codes = ["007", "B-2"]
  start_time = "2026-12-01T02:00:00Z"
  end_time = 1796092200
  pay_within_s = 60
  offer_within_s = 30
  valid_from = 2026-12-01T00:00:00+08:00
  valid_until = 2026-12-31T23:59:59+08:00
"#;
    let read = read_toml(text).unwrap();
    let new = &read.activities[0];
    assert_eq!(new.activity.id, "movie-night");
    assert_eq!(new.activity.limit_per_user, Some(3));
    assert_eq!(new.roster[1].display_name, "王五");
    assert_eq!((new.roster[0].name.as_str(), new.roster[0].department.as_str()), ("s1", ""));
    let ticket = &new.activity.types[0];
    let window = ticket.window.unwrap();
    assert_eq!((window.start(), window.end().0), (TEN_O_CLOCK, TEN_O_CLOCK.0 + HOUR_MS / 2));
    assert_eq!((ticket.limit_per_user, ticket.pay_within_s), (2, 60));
    assert_eq!((ticket.offer_within_s, new.activity.standby), (30, false));
    assert_eq!((ticket.price.minor, ticket.price.currency.as_str()), (990, "USD"));
    assert_eq!(ticket.image, "https://example.org/t.png");
    assert_eq!(ticket.validity.until, Some(TimeMs::from_seconds(1_798_732_799)));
    assert_eq!(codes_of(&read, 0, 0), ["007", "B-2"]);
}

/// C22: where units come back, the line is there unless the file says otherwise.
#[test]
fn what_costs_something_has_a_line_and_a_time_to_pay() {
    let read = |activity: &str, ticket: &str| {
        let (activity, ticket) = (format!("{ACTIVITY}\n{activity}"), format!("{TICKET}\n{ticket}"));
        let new = read_toml(&toml_of(&activity, &ticket)).unwrap().activities.remove(0).activity;
        let ticket = &new.types[0];
        (ticket.price.minor, new.standby, ticket.pay_within_s, ticket.offer_within_s)
    };
    let table = [
        ("", "", (0, false, 900, 900)),
        ("standby = true", "", (0, true, 900, 900)),
        ("", "price = \"9.90\"", (990, true, 900, 900)),
        ("", "price = 9", (900, true, 900, 900)),
        ("standby = false", "price = \"0.01\"", (1, false, 900, 900)),
        ("", "price = \"980\"\ncurrency = \"JPY\"", (980, true, 900, 900)),
        ("", "pay_within_s = 60", (0, false, 60, 60)),
        ("", "offer_within_s = 300", (0, false, 900, 300)),
        ("", "pay_within_s = 60\noffer_within_s = 2_592_000", (0, false, 60, 2_592_000)),
    ];
    for (activity, ticket, expected) in table {
        assert_eq!(read(activity, ticket), expected, "{activity} {ticket}");
    }
    let json = r#"{"activity": [{"name": "A", "start_time": 1796090400, "end_time": 1796097600,
        "standby": false,
        "ticket": [{"name": "T", "stock": 1, "price": "9.90", "offer_within_s": 60}]}]}"#;
    let activity = read_json(json).unwrap().activities.remove(0).activity;
    let ticket = &activity.types[0];
    assert_eq!((activity.standby, ticket.price.minor, ticket.offer_within_s), (false, 990, 60));
}

#[test]
fn what_costs_something_is_in_one_currency() {
    assert_eq!(with_prices("CNY", "CNY"), []);
    let problems = with_prices("CNY", "USD");
    let told: Vec<_> = problems.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    assert_eq!(told, [("activity[0].ticket[2].currency", "USD")]);
    let Reason::OtherCurrency { first } = &problems[0].reason else { panic!("{problems:?}") };
    assert_eq!(first.key, "activity[0].ticket[0].currency");
    let free = with_ticket("price = 0\ncurrency = \"EUR\"");
    assert_eq!(free, [], "what is free has no say");
}

#[test]
fn a_slip_in_a_new_key_finds_it() {
    for (problems, meant) in [
        (with_activity("standbye = true"), "standby"),
        (with_activity("stand_by = true"), "standby"),
        (with_ticket("offer_withins = 1"), "offer_within_s"),
        (with_ticket("pay_in_s = 1"), "pay_within_s"),
    ] {
        assert_eq!(problems[0].reason, Reason::UnknownKey { nearest: Some(meant) });
    }
}

#[test]
fn one_end_of_a_session_is_enough() {
    let file = toml_of(ACTIVITY, &format!("{TICKET}\nend_time = 2026-12-01T11:00:00+08:00"));
    let window = read_toml(&file).unwrap().activities[0].activity.types[0].window.unwrap();
    assert_eq!((window.start(), window.end().0), (TEN_O_CLOCK, TEN_O_CLOCK.0 + HOUR_MS));
}

/// The real thing: 500 codes exact and in order, a roster of 20,000.
#[test]
fn a_company_giveaway_is_read_from_its_folder() {
    let codes: Vec<String> = (0..500).map(|no| format!("{no:03}-MN-{:04X}", no * 97)).collect();
    let staff: Vec<String> = (0..20_000).map(|no| format!("s{no:05},徐伟静,人事")).collect();
    let code_file = format!("code\n{}\n", codes.join("\n"));
    let staff_file = format!("name,display_name,department\n{}\n", staff.join("\n"));
    let text = toml_of(
        &format!("id = \"movie-night\"\n{ACTIVITY}\nroster = \"staff.csv\""),
        "name = \"T\"\ncodes = \"codes.csv\"",
    );
    let folder = Folder::with(&[
        ("a.toml", text.as_bytes()),
        ("codes.csv", code_file.as_bytes()),
        ("staff.csv", staff_file.as_bytes()),
    ]);
    let read = folder.read().unwrap();
    assert_eq!(codes_of(&read, 0, 0), codes);
    let roster = &read.activities[0].roster;
    assert_eq!(roster.len(), 20_000);
    let last = &roster[19_999];
    assert_eq!(
        (last.name.as_str(), last.display_name.as_str(), last.department.as_str()),
        ("s19999", "徐伟静", "人事")
    );
    let there = read.code_exists(0, rules::TypeNo(0), 41);
    assert_eq!((there.line, there.reason), (Some(43), Reason::CodeExists));
    assert!(there.file.ends_with("codes.csv"));
    let there = read.id_exists(0);
    assert_eq!((there.line, there.key.as_str()), (Some(2), "activity[0].id"));
    assert_eq!((there.value.as_str(), there.reason), ("movie-night", Reason::IdExists));
}

/// What the ledger finds out later still names the line, and never a code.
#[test]
fn a_key_that_may_not_change_is_named_where_it_stands() {
    let text = "\
[[activity]]
id = \"a\"
name = \"A\"
start_time = 1796090400
end_time = 1796097600
  [[activity.ticket]]
  name = \"T\"
  stock = 5
  [[activity.ticket]]
  name = \"U\"
  codes = [
    \"SECRET-1\",
    \"SECRET-2\",
  ]
";
    let read = read_toml(text).unwrap();
    let stock = Difference::Stock { imported: 3, total: 4 };
    let count = Difference::CodeCount { given: 2, imported: 1, total: 1 };
    let (path, list) = ("activity[0].", "activity[0].ticket[1].codes");
    let table = [
        (None, "end_time", Difference::Value, 5, format!("{path}end_time"), "1796097600"),
        (None, "roster", Difference::Value, 1, format!("{path}roster"), ""),
        (Some(0), "stock", stock, 8, format!("{path}ticket[0].stock"), "5"),
        (Some(1), "codes", count, 11, list.to_owned(), "…"),
        (Some(1), "codes", Difference::CodeAt { row: 2 }, 13, format!("{list}[1]"), "…"),
    ];
    for (ticket, key, difference, line, path, value) in table {
        let differs = NotChangeable { ticket, key: key.to_owned(), difference };
        let told = read.not_changeable(0, &differs);
        assert_eq!((told.line, &told.key, told.value.as_str()), (Some(line), &path, value));
        assert!(told.en().contains("activity a:") && told.zh().contains("活动 a："));
        assert!(!format!("{told:?}{}", told.en()).contains("SECRET"), "{told}");
    }
}

/// What each file alone cannot know: the second place is named, with the first beside it.
#[test]
fn an_id_or_a_code_stands_once_in_all_files_together() {
    let file = |id: &str, codes: &str| {
        let ticket = format!("name = \"T\"\ncodes = [{codes}]");
        read_toml(&toml_of(&format!("id = \"{id}\"\n{ACTIVITY}"), &ticket)).unwrap()
    };
    let joined = |files: Vec<ReadActivities>| ReadActivities::joined(files, &LIMITS);
    let told = |files| {
        let problems = joined(files).unwrap_err();
        assert_eq!(problems.len(), 1);
        let Reason::Repeated { first } = &problems[0].reason else { panic!("{}", problems[0]) };
        assert!(!problems[0].en().contains("SECRET"));
        (problems[0].key.clone(), first.key.clone())
    };
    let (id, code) = ("activity[0].id", "activity[0].ticket[0].codes[1]");
    assert_eq!(told(vec![file("a", "\"x\""), file("a", "\"y\"")]), (id.into(), id.into()));
    let [one, other] = ["\"x\", \"SECRET\"", "\"y\", \"SECRET\""];
    assert_eq!(told(vec![file("a", one), file("b", other)]), (code.into(), code.into()));
    let all = joined(vec![file("a", one), file("b", "\"y\""), file("c", "\"z\"")]).unwrap();
    let ids: Vec<&str> = all.activities.iter().map(|one| one.activity.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(all.code_exists(0, rules::TypeNo(0), 1).key, code);
    assert_eq!(all.code_exists(2, rules::TypeNo(0), 0).key, "activity[0].ticket[0].codes[0]");
    assert!(joined(Vec::new()).unwrap().activities.is_empty());
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let order = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect()
}

#[test]
fn rosters_are_read_in_every_encoding_that_spreadsheets_save() {
    let text =
        "department, Name ,mail,DISPLAY_NAME\r\n研发,s1,x,\"王,五\"\r\n\r\n,s2,,\r\n,,,\r\n人事,s3";
    let (gbk, _, lossy) = encoding_rs::GBK.encode(text);
    assert!(!lossy);
    let table: [(&str, Vec<u8>); 6] = [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with mark", format!("\u{feff}{text}").into_bytes()),
        ("GBK", gbk.into_owned()),
        ("UTF-16LE", utf16(text, true)),
        ("UTF-16BE", utf16(text, false)),
        ("old Mac line ends", text.replace("\r\n", "\r").into_bytes()),
    ];
    let row = |name: &str, display_name: &str, department: &str| RosterName {
        name: name.into(),
        display_name: display_name.into(),
        department: department.into(),
    };
    let expected = [row("s1", "王,五", "研发"), row("s2", "", ""), row("s3", "", "人事")];
    for (encoding, bytes) in table {
        assert_eq!(with_roster(&bytes).unwrap(), expected, "{encoding}");
    }
}

#[test]
fn a_utf8_file_with_one_broken_byte_is_not_taken_for_gbk() {
    let mut bytes = "name,display_name\ns1,徐伟静\ns2,高洋国\ns3,杨杰建\n".as_bytes().to_vec();
    let broken = bytes.iter().rposition(|byte| *byte == b's').unwrap() + 4;
    bytes[broken] = 0xff;
    let problems = with_roster(&bytes).unwrap_err();
    assert_eq!((problems[0].line, &problems[0].reason), (Some(4), &Reason::BrokenEncoding));
}
