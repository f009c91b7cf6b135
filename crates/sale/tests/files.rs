//! What files are read as, and what is said of files that cannot be taken: every reason at least once.
//! Codes and passwords are looked for in everything that is said, and must never be found.

use ledger::{NewUnits, Role, RosterName};
use rules::{TimeMs, UnitKind};
use sale::files::{
    ActivityFormat, CodesFormat, Difference, FileLimits, NotChangeable, Problem, ReadActivities,
    Reason, read_activity_bytes, read_activity_file, read_codes, read_people,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const LIMITS: FileLimits = FileLimits::DEFAULT;
/// 2026-12-01T10:00:00+08:00.
const TEN_O_CLOCK: TimeMs = TimeMs(1_796_090_400_000);
const HOUR_MS: u64 = 3_600_000;

/// An activity file with these lines in the activity and in its one ticket type.
fn toml_of(activity: &str, ticket: &str) -> String {
    format!("[[activity]]\n{activity}\n[[activity.ticket]]\n{ticket}\n")
}

const ACTIVITY: &str =
    "name = \"A\"\nstart_time = 2026-12-01T10:00:00+08:00\nend_time = 2026-12-01T12:00:00+08:00";
const TICKET: &str = "name = \"T\"\nstock = 5";

fn read_toml(text: &str) -> Result<ReadActivities, Vec<Problem>> {
    read_activity_bytes(text.as_bytes(), ActivityFormat::Toml, &LIMITS)
}

fn read_json(text: &str) -> Result<ReadActivities, Vec<Problem>> {
    read_activity_bytes(text.as_bytes(), ActivityFormat::Json, &LIMITS)
}

fn with_activity(extra: &str) -> Vec<Problem> {
    read_toml(&toml_of(&format!("{ACTIVITY}\n{extra}"), TICKET)).err().unwrap_or_default()
}

fn with_ticket(extra: &str) -> Vec<Problem> {
    read_toml(&toml_of(ACTIVITY, &format!("{TICKET}\n{extra}"))).err().unwrap_or_default()
}

/// Two ticket types that cost something in these currencies, with a free one of a third between them.
fn with_prices(first: &str, second: &str) -> Vec<Problem> {
    let next = "[[activity.ticket]]\nname = \"T\"\nstock = 5";
    let priced = |currency: &str| format!("price = 1\ncurrency = \"{currency}\"");
    let free = format!("{next}\ncurrency = \"EUR\"");
    let (first, second) = (priced(first), priced(second));
    with_ticket(&format!("{first}\n{free}\n{next}\n{second}"))
}

/// A ticket type with codes instead of stock.
fn with_codes(codes: &str) -> Vec<Problem> {
    read_toml(&toml_of(ACTIVITY, &format!("name = \"T\"\n{codes}"))).err().unwrap_or_default()
}

/// A folder with an activity file and one file beside it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self) -> Result<ReadActivities, Vec<Problem>> {
        read_activity_file(&self.path("a.toml"), &LIMITS)
    }
}

/// What is said of a roster file with these bytes.
fn with_roster(bytes: &[u8]) -> Result<Vec<RosterName>, Vec<Problem>> {
    let file = toml_of(&format!("{ACTIVITY}\nroster = \"r.csv\""), TICKET);
    let folder = Folder::with(&[("a.toml", file.as_bytes()), ("r.csv", bytes)]);
    folder.read().map(|read| read.activities.into_iter().next().unwrap().roster)
}

/// What is said of a file of codes with these bytes.
fn with_code_file(bytes: &[u8]) -> Result<Vec<String>, Vec<Problem>> {
    let file = toml_of(ACTIVITY, "name = \"T\"\ncodes = \"c.csv\"");
    let folder = Folder::with(&[("a.toml", file.as_bytes()), ("c.csv", bytes)]);
    folder.read().map(|read| codes_of(&read, 0, 0))
}

fn codes_of(read: &ReadActivities, activity: usize, ticket: usize) -> Vec<String> {
    match &read.activities[activity].units[ticket] {
        NewUnits::Codes(codes) => codes.clone(),
        NewUnits::Plain(count) => panic!("{count} plain units instead of codes"),
    }
}

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

#[test]
fn problems_name_file_line_key_and_value() {
    let text = "\
[[activity]]
id = \"a b\"
name = \"A\"
start_tiem = 2026-12-01T10:00:00+08:00
end_time = 2026-12-01T12:00:00

[[activity.ticket]]
name = \"T\"
stock = -1
price = \"9.901\"
";
    let problems = read_toml(text).unwrap_err();
    let seen: Vec<_> = problems
        .iter()
        .map(|one| (one.line.unwrap(), one.key.as_str(), one.value.as_str(), &one.reason))
        .collect();
    assert_eq!(
        seen,
        [
            (4, "activity[0].start_tiem", "", &Reason::UnknownKey { nearest: Some("start_time") }),
            (2, "activity[0].id", "a b", &Reason::NotAnId),
            (1, "activity[0].start_time", "", &Reason::Missing),
            (5, "activity[0].end_time", "2026-12-01T12:00:00", &Reason::TimeWithoutOffset),
            (10, "activity[0].ticket[0].price", "9.901", &Reason::Precision),
            (
                9,
                "activity[0].ticket[0].stock",
                "-1",
                &Reason::OutOfBounds { min: 0, max: rules::UNITS_MAX }
            ),
        ]
    );
    assert_eq!(
        problems[1].en(),
        "request body:2: activity[0].id = a b: an id has only letters, digits, - and _"
    );
    assert_eq!(
        problems[4].zh(),
        "request body:10: activity[0].ticket[0].price = 9.901: 小数位数超过该币种的精度"
    );
}

#[test]
fn json_problems_have_the_path_and_no_line() {
    let text = r#"{"activity": [{"name": "A", "start_time": 1796090400, "end_time": 1796097600,
        "ticket": [{"name": "T", "stock": 1}, {"name": "U", "stock": "many"}]}]}"#;
    let problems = read_json(text).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].line, problems[0].key.as_str()), (None, "activity[0].ticket[1].stock"));
    let syntax = read_json("{\"activity\":\n[}").unwrap_err();
    assert_eq!(syntax[0].line, Some(2));
}

/// The rule under which each problem of the table is found.
struct Rule {
    name: &'static str,
    problems: Vec<Problem>,
}

fn rule(name: &'static str, problems: Vec<Problem>) -> Rule {
    Rule { name, problems }
}

fn bytes_problems(bytes: &[u8], limits: &FileLimits) -> Vec<Problem> {
    read_activity_bytes(bytes, ActivityFormat::Toml, limits).err().unwrap_or_default()
}

fn people_problems(text: &str) -> Vec<Problem> {
    read_people(text.as_bytes(), &LIMITS).err().unwrap_or_default()
}

/// Problems of files as a whole and of their syntax.
fn whole_file_rules() -> Vec<Rule> {
    let small = FileLimits { file_bytes_max: 10, ..LIMITS };
    let one_problem = FileLimits { problems_max: 1, ..LIMITS };
    let missing = read_activity_file(Path::new("no-such-file.toml"), &LIMITS).unwrap_err();
    vec![
        rule("Unreadable", missing),
        rule("FileTooLarge", bytes_problems(&[b' '; 11], &small)),
        rule("UnknownExtension", read_activity_file(Path::new("a.yaml"), &LIMITS).unwrap_err()),
        rule("NotUtf8", bytes_problems(b"\n\xff", &LIMITS)),
        rule("BrokenEncoding", with_roster(b"name\n\xff\xff\n").unwrap_err()),
        rule("Binary", with_roster(b"PK\x03\x04zip").unwrap_err()),
        rule("Binary", with_roster(b"name\na\0b\n").unwrap_err()),
        rule("Syntax", bytes_problems(b"[[activity]\n", &LIMITS)),
        rule("Syntax", bytes_problems(b"a = 1\na = 2\n", &LIMITS)),
        rule("MoreProblems", bytes_problems(b"x = 1\ny = 2\n", &one_problem)),
    ]
}

/// Problems of keys and values.
fn value_rules() -> Vec<Rule> {
    let long = "x".repeat(257);
    let json_twice = r#"{"activity": [{"name": "A", "name": "B", "start_time": 1796090400,
        "end_time": 1796097600, "ticket": [{"name": "T", "stock": 1}]}]}"#;
    vec![
        rule("UnknownKey", with_activity("colour = 1")),
        rule("UnknownKey", with_activity("roster = [{name = \"a\", mail = \"b\"}]")),
        rule("KeyTwice", read_json(json_twice).unwrap_err()),
        rule("Missing", read_toml("").unwrap_err()),
        rule("Missing", with_activity("roster = [{display_name = \"a\"}]")),
        rule("WrongType", with_activity("desc = 5")),
        rule("WrongType", with_activity("limit_per_user = \"1\"")),
        rule("WrongType", with_ticket("price = 9.9")),
        rule("WrongType", with_ticket("valid_from = true")),
        rule("WrongType", with_activity("roster = 1")),
        rule("WrongType", with_activity("roster = [1]")),
        rule("WrongType", with_codes("codes = 1")),
        rule("WrongType", with_codes("codes = [1]")),
        rule("WrongType", read_toml("activity = 1").unwrap_err()),
        rule("WrongType", read_json("[]").unwrap_err()),
        rule("Empty", read_toml("activity = []").unwrap_err()),
        rule("Empty", with_activity("roster = [\" \"]")),
        rule("Empty", with_activity("id = \"\"")),
        rule("Empty", with_codes("codes = [\"\"]")),
        rule("TooLong", with_activity(&format!("roster = [\"{long}\"]"))),
        rule("TooLong", with_activity(&format!("id = \"{long}\""))),
        rule("TooLong", with_codes(&format!("codes = [\"{long}\"]"))),
        rule("TooLong", with_activity(&format!("image = \"{}\"", "x".repeat(2_049)))),
        rule("ControlCharacter", with_activity("image = \"a\\u0007\"")),
        rule("ControlCharacter", with_codes("codes = [\"a\\tb\"]")),
        rule("NotAnId", with_ticket("id = \"票\"")),
        rule("OutOfBounds", with_activity("limit_per_user = 0")),
        rule("OutOfBounds", with_activity("limit_per_user = 10_001")),
        rule("OutOfBounds", with_ticket("pay_within_s = 0")),
        rule("OutOfBounds", with_ticket("limit_per_user = 99999999999")),
        rule("Currency", with_ticket("currency = \"yuan\"")),
        rule("Amount", with_ticket("price = \"nine\"")),
        rule("Amount", with_ticket("price = -1")),
        rule("Precision", with_ticket("price = \"0.001\"")),
        rule("OutOfBounds", with_ticket("offer_within_s = 0")),
        rule("OutOfBounds", with_ticket("offer_within_s = 2_592_001")),
        rule("WrongType", with_activity("standby = 1")),
        rule("WrongType", with_activity("standby = \"true\"")),
        rule("OtherCurrency", with_prices("CNY", "USD")),
        rule("StockAndCodes", with_ticket("codes = [\"a\"]")),
        rule("StockOrCodes", with_codes("")),
        rule("PathNotAllowed", with_codes("codes = \"codes.csv\"")),
        rule("PathNotAllowed", with_activity("roster = \"staff.csv\"")),
        rule("NoRows", with_activity("roster = []")),
    ]
}

/// Problems of times.
fn time_rules() -> Vec<Rule> {
    let backward = "name = \"A\"\nstart_time = 1796090400\nend_time = 1796090400";
    vec![
        rule("TimeWithoutOffset", with_ticket("valid_from = 2026-12-01T10:00:00")),
        rule("TimeWithoutOffset", with_ticket("valid_from = 2026-12-01")),
        rule("TimeWithoutOffset", with_ticket("valid_from = \"2026-12-01 10:00\"")),
        rule("NotATime", with_ticket("valid_from = 10:00:00")),
        rule("NotATime", with_ticket("valid_from = \"tomorrow\"")),
        rule("TimeOutOfRange", with_ticket("valid_from = 946684799")),
        rule("TimeOutOfRange", with_ticket("valid_from = 2200-01-01T00:00:00Z")),
        rule("TimeOutOfRange", with_ticket("valid_from = 1796090400000")),
        rule("TimeOutOfRange", with_ticket("valid_from = 9223372036854775807")),
        rule("NotAfter", read_toml(&toml_of(backward, TICKET)).unwrap_err()),
        rule("NotAfter", with_ticket("valid_until = 2026-12-01T10:00:00+08:00")),
        rule("NotAfter", with_ticket("end_time = 2026-12-01T10:00:00+08:00")),
        rule("OutsideActivity", with_ticket("start_time = 2026-12-01T09:59:59+08:00")),
        rule("OutsideActivity", with_ticket("end_time = 2026-12-01T12:00:01+08:00")),
    ]
}

/// Problems of what stands twice, and of lists and tables.
fn table_rules() -> Vec<Rule> {
    let twice = format!(
        "{}{}",
        toml_of(&format!("id = \"a\"\n{ACTIVITY}"), TICKET),
        toml_of(&format!("id = \"a\"\n{ACTIVITY}"), TICKET)
    );
    let types =
        format!("{TICKET}\nid = \"t\"\n[[activity.ticket]]\nid = \"t\"\nname = \"U\"\nstock = 1");
    let many = "[[activity.ticket]]\nname = \"T\"\nstock = 1\n".repeat(101);
    let read = read_toml(&toml_of(ACTIVITY, "name = \"T\"\ncodes = [\"a\"]")).unwrap();
    let differs = |ticket, key: &str, difference| {
        vec![read.not_changeable(0, &NotChangeable { ticket, key: key.to_owned(), difference })]
    };
    vec![
        rule("NotChangeable", differs(None, "limit_per_user", Difference::Value)),
        rule(
            "NotChangeable",
            differs(Some(0), "stock", Difference::Stock { imported: 1, total: 2 }),
        ),
        rule("NotChangeable", differs(Some(0), "codes", Difference::CodeAt { row: 1 })),
        rule(
            "NotChangeable",
            differs(Some(0), "codes", Difference::CodeCount { given: 3, imported: 1, total: 2 }),
        ),
        rule("NotChangeable", differs(None, "roster", Difference::Roster { added: 1, missing: 2 })),
        rule("ActivityClosed", vec![read.closed(0)]),
        rule("Repeated", read_toml(&twice).unwrap_err()),
        rule("Repeated", read_toml(&toml_of(ACTIVITY, &types)).unwrap_err()),
        rule("Repeated", with_roster("name\nré\ns2\nre\u{301}\n".as_bytes()).unwrap_err()),
        rule("Repeated", people_problems("name\na\na\n")),
        rule("TooMany", read_toml(&format!("[[activity]]\n{ACTIVITY}\n{many}")).unwrap_err()),
        rule("IdExists", vec![read.id_exists(0)]),
        rule("CodeExists", vec![read.code_exists(0, rules::TypeNo(0), 0)]),
        rule("MissingColumn", with_roster(b"").unwrap_err()),
        rule("MissingColumn", with_code_file(b"codes\na\n").unwrap_err()),
        rule("ColumnTwice", with_roster(b"name,NAME\na,b\n").unwrap_err()),
        rule("UnknownColumn", people_problems("name,pasword\na,b\n")),
        rule("RowTooLong", with_code_file(b"code\na\nb,c\n").unwrap_err()),
        rule("QuoteNotClosed", with_code_file(b"code\na\n\"b\nc\n").unwrap_err()),
        rule("NoRows", with_code_file(b"code\n").unwrap_err()),
        rule("NoRows", with_roster(b"name\n\n , \n").unwrap_err()),
        rule("NoRows", people_problems("name\n")),
        rule("NotOneOf", people_problems("name,role\na,king\n")),
    ]
}

/// The names of the reasons as the source declares them, so that a new one cannot be forgotten here.
fn declared_reasons() -> BTreeSet<String> {
    let source = include_str!("../src/files/problem.rs");
    let (_, body) = source.split_once("pub enum Reason {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let name = |line: &str| -> Option<String> {
        let line = line.strip_prefix("    ")?;
        let is_variant = line.starts_with(|one: char| one.is_ascii_uppercase());
        is_variant.then(|| line.chars().take_while(|one| one.is_alphanumeric()).collect())
    };
    body.lines().filter_map(name).collect()
}

fn name_of(reason: &Reason) -> String {
    format!("{reason:?}").chars().take_while(|one| one.is_alphanumeric()).collect()
}

#[test]
fn every_reason_is_given_where_it_applies_and_told_in_both_languages() {
    let rules =
        [whole_file_rules(), value_rules(), time_rules(), table_rules()].into_iter().flatten();
    let mut seen = BTreeSet::new();
    for rule in rules {
        let last = rule.problems.last().unwrap_or_else(|| panic!("{}: was taken", rule.name));
        assert_eq!(name_of(&last.reason), rule.name, "{:?}", rule.problems);
        let most = if rule.name == "MoreProblems" { 2 } else { 1 };
        assert!(rule.problems.len() <= most, "{}: {:?}", rule.name, rule.problems);
        assert!(!last.reason.en().is_empty() && last.reason.en().is_ascii(), "{}", rule.name);
        assert!(!last.reason.zh().is_ascii(), "{}", rule.name);
        seen.insert(rule.name.to_owned());
    }
    assert_eq!(seen, declared_reasons());
}

#[test]
fn a_code_stands_once_in_a_file_and_is_never_shown() {
    let text = "\
[[activity]]
name = \"A\"
start_time = 1796090400
end_time = 1796097600
  [[activity.ticket]]
  name = \"T\"
  codes = \"c.csv\"
  [[activity.ticket]]
  name = \"U\"
  codes = [
    \"OTHER-SECRET\",
    \"SECRET-2\",
    \"\\u0007SECRET-3\",
  ]
";
    let codes = b"code\r\nSECRET-1\r\n\r\nSECRET-2\r\nSECRET-1\r\nSECRET-4,SECRET-5\r\n";
    let folder = Folder::with(&[("a.toml", text.as_bytes()), ("c.csv", codes)]);
    let problems = folder.read().unwrap_err();
    let seen: Vec<_> = problems
        .iter()
        .map(|one| (one.line.unwrap(), one.key.as_str(), name_of(&one.reason)))
        .collect();
    assert_eq!(
        seen,
        [
            (6, "", "RowTooLong".to_owned()),
            (5, "code", "Repeated".to_owned()),
            (13, "activity[0].ticket[1].codes[2]", "ControlCharacter".to_owned()),
            (12, "activity[0].ticket[1].codes[1]", "Repeated".to_owned()),
        ]
    );
    let Reason::Repeated { first } = &problems[3].reason else { panic!("not repeated") };
    assert!(first.file.ends_with("c.csv"), "the first place is named: {first}");
    assert_eq!((first.line, first.key.as_str()), (Some(4), "code"));
    for problem in &problems {
        let told = format!("{problem:?} {} {}", problem.en(), problem.zh());
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[test]
fn a_code_in_the_wrong_place_is_not_shown_either() {
    let rules = [
        with_codes("codes = \"SECRET-1\""),
        with_codes("codes = {SECRET = 1}"),
        with_codes("stock = 1\ncode = \"SECRET-1\""),
        with_code_file(b"SECRET-1\nSECRET-2\n").unwrap_err(),
        with_code_file(b"code\n\"SECRET-1\nSECRET-2\n").unwrap_err(),
        read_toml("codes = SECRET-1\n").unwrap_err(),
        read_json(r#"{"activity": [SECRET]}"#).unwrap_err(),
    ];
    for problems in rules {
        assert!(!format!("{problems:?}").contains("SECRET"), "{problems:?}");
    }
}

#[test]
fn two_lines_of_one_name_are_both_named() {
    let problems = with_roster(b"name\ns1\n\ns2\ns1\n").unwrap_err();
    let Reason::Repeated { first } = &problems[0].reason else { panic!("{problems:?}") };
    assert_eq!((problems[0].line, first.line), (Some(5), Some(2)));
    assert_eq!(problems[0].value, "s1");
}

#[test]
fn lines_are_those_of_the_file_whatever_stands_between() {
    let table: [(&[u8], u32); 6] = [
        (b"name\n\x07\n", 2),
        (b"\n\nname\n\n\n\x07\n", 6),
        (b"name\r\n\r\n\r\n\x07\r\n", 4),
        (b"name\r\r\x07", 3),
        (b"name,x\na,\"1\n2\n3\"\n\x07,\n", 5),
        (b"name,x\n\"b\na\",1\n", 2),
    ];
    for (bytes, line) in table {
        let problems = with_roster(bytes).unwrap_err();
        assert_eq!(problems[0].line, Some(line), "{:?}", String::from_utf8_lossy(bytes));
        assert_eq!(problems[0].reason, Reason::ControlCharacter);
    }
}

#[test]
fn problems_are_bounded_and_the_rest_is_counted() {
    let limits = FileLimits { problems_max: 3, ..LIMITS };
    let text = (0..10).map(|no| format!("k{no} = 1\n")).collect::<String>();
    let problems = bytes_problems(text.as_bytes(), &limits);
    assert_eq!(problems.len(), 4);
    assert_eq!(problems[3].reason, Reason::MoreProblems { count: 8 }, "7 keys and no activity");
    let long = with_activity(&format!("desc = \"{}\"", "长".repeat(6_000)));
    assert_eq!(long[0].value.chars().count(), 81, "a value is cut");
}

#[test]
fn rows_and_activities_are_bounded() {
    let limits = FileLimits { rows_max: 2, activities_max: 1, ..LIMITS };
    let plain = read_codes(b"a\nb\nc\nd\n", CodesFormat::Plain, &limits);
    assert_eq!(plain.codes.len(), 2);
    assert_eq!(
        (plain.rejected[0].line, &plain.rejected[0].reason),
        (3, &Reason::TooMany { max: 2 })
    );
    let csv = read_codes(b"code\na\nb\nc\nd\n", CodesFormat::Csv, &limits);
    assert_eq!((csv.codes.len(), csv.rejected[0].line, csv.rejected.len()), (2, 4, 1));
    let list = toml_of(ACTIVITY, "name = \"T\"\ncodes = [\"a\", \"b\", \"c\"]");
    assert_eq!(bytes_problems(list.as_bytes(), &limits)[0].reason, Reason::TooMany { max: 2 });
    let two = toml_of(ACTIVITY, TICKET).repeat(2);
    assert_eq!(bytes_problems(two.as_bytes(), &limits)[0].reason, Reason::TooMany { max: 1 });
}

#[test]
fn good_codes_go_in_and_bad_lines_are_named() {
    let long = "x".repeat(257);
    let csv = format!("note,Code\n1,007\n2,\n3,{long}\n4,\"a\tb\"\n5, B-2 \n6,007\n");
    let read = read_codes(csv.as_bytes(), CodesFormat::Csv, &LIMITS);
    let codes: Vec<_> = read.codes.iter().map(|one| (one.line, one.code.as_str())).collect();
    assert_eq!(codes, [(2, "007"), (6, "B-2"), (7, "007")]);
    let rejected: Vec<_> =
        read.rejected.iter().map(|one| (one.line, name_of(&one.reason))).collect();
    assert_eq!(
        rejected,
        [(3, "Empty".into()), (4, "TooLong".into()), (5, "ControlCharacter".into())]
    );
    assert!(!format!("{read:?}").contains("007"), "codes reach no log: {read:?}");

    let plain = read_codes(b"\xef\xbb\xbfa,1\r\n\r\n\"b\"\r\n", CodesFormat::Plain, &LIMITS);
    let codes: Vec<_> = plain.codes.iter().map(|one| (one.line, one.code.as_str())).collect();
    assert_eq!(codes, [(1, "a,1"), (3, "\"b\"")], "a plain line is taken as it is");
    assert!(plain.rejected.is_empty());
}

#[test]
fn people_are_read_with_roles_and_passwords_that_show_nowhere() {
    let text =
        "password,name,role,display_name,department\nhunter2,s1,operator,王五,研发\n,s2,,,\n";
    let people = read_people(text.as_bytes(), &LIMITS).unwrap();
    assert_eq!((people[0].name.as_str(), people[0].role), ("s1", Role::Operator));
    assert_eq!(people[0].password.as_ref().map(|one| one.expose()), Some("hunter2"));
    assert_eq!((people[1].line, people[1].role), (3, Role::Buyer));
    assert_eq!(people[1].password, None);
    assert!(!format!("{people:?}").contains("hunter2"));

    let wrong = "name,password,role\ns1,hunter2\tx,buyer\ns2,ok,hunter2\nhunter2";
    let problems = people_problems(wrong);
    let keys: Vec<_> = problems.iter().map(|one| (one.line, one.key.as_str())).collect();
    assert_eq!(keys, [(Some(2), "password"), (Some(3), "role")]);
    assert!(!format!("{problems:?}").contains("hunter2"));
}

/// A quote that ends a line too late makes the cells after it, the password among them, part of a name.
#[test]
fn a_password_behind_a_quote_that_ends_too_late_is_not_shown() {
    let header = "name,display_name,role,password\n";
    let long = "x".repeat(300);
    let table = [
        "s1,\"A,buyer,hunter2\ns2\",buyer,y\n".to_owned(),
        "\"s1,A,buyer,hunter2\ns2\",x,buyer,y\n".to_owned(),
        format!("s1,\"A,buyer,hunter2,{long}\"\n"),
        "\"s1,A,buyer,hunter2\"\n\"s1,A,buyer,hunter2\"\n".to_owned(),
    ];
    for rows in table {
        let problems = people_problems(&format!("{header}{rows}"));
        assert_eq!(problems.len(), 1, "{rows}");
        assert_eq!(problems[0].value, "…", "{rows}");
    }
    let told = people_problems(&format!("{header}s1,A\u{1b}B,buyer,hunter2\n,A,,\ns2,,,\ns2,,,\n"));
    let values: Vec<_> = told.iter().map(|one| one.value.as_str()).collect();
    assert_eq!(values, ["…", "", "s2"]);
}

/// A syntax error at every byte costs no more than reading the text.
#[test]
fn a_file_full_of_errors_is_refused_at_once() {
    let begun = std::time::Instant::now();
    for bytes in [60_000, 8_000_000] {
        let problems = bytes_problems("=\n".repeat(bytes / 2).as_bytes(), &LIMITS);
        assert!((1..=101).contains(&problems.len()), "{}", problems.len());
        assert_eq!(problems[0].line, Some(1));
    }
    // Looking for the line of each error from the beginning of the text took minutes.
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// C27: a name may look like a formula; it is taken as it is, and only exports guard it.
#[test]
fn a_name_like_a_formula_is_taken_as_it_is() {
    let roster = with_roster(b"name\n=1+1\n@x\n").unwrap();
    assert_eq!(roster[0].name, "=1+1");
    assert_eq!(roster[1].name, "@x");
}
