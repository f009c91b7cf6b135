//! What is said of files that cannot be taken: every reason at least once, with its place, in both languages.
//! A reason that the source declares and nothing here gives fails the tests.

use crate::given::{
    ACTIVITY, LIMITS, TICKET, bytes_problems, name_of, people_problems, read_json, read_toml,
    toml_of, with_activity, with_code_file, with_codes, with_prices, with_roster, with_ticket,
};
use sale::files::{Difference, FileLimits, NotChangeable, Problem, Reason, read_activity_file};
use std::collections::BTreeSet;
use std::path::Path;

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
    let source = include_str!("../../src/files/problem.rs");
    let (_, body) = source.split_once("pub enum Reason {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let name = |line: &str| -> Option<String> {
        let line = line.strip_prefix("    ")?;
        let is_variant = line.starts_with(|one: char| one.is_ascii_uppercase());
        is_variant.then(|| line.chars().take_while(|one| one.is_alphanumeric()).collect())
    };
    body.lines().filter_map(name).collect()
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
