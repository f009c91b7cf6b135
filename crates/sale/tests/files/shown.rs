//! What is never shown of a file, and what bounds what is said: codes, passwords, lines, rows and problems.
//! Codes and passwords are looked for in everything that is said, and must never be found.

use crate::given::{
    ACTIVITY, Folder, LIMITS, TICKET, bytes_problems, name_of, people_problems, read_json,
    read_toml, toml_of, with_activity, with_code_file, with_codes, with_roster,
};
use ledger::Role;
use sale::files::{CodesFormat, FileLimits, Reason, read_codes, read_people};

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
