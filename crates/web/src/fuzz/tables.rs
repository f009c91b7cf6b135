//! Files of lines: codes, rosters, and people with passwords, in every encoding that is read.
//! What was read is the same in another encoding and when written again, and no problem shows a code or a password.

use super::{CANARY, activities::bounded};
use sale::files::{ActivityFormat, read_activity_bytes};
use sale::files::{
    CodesFormat, CodesRead, FileLimits, PersonLine, Problem, read_activity_file, read_codes,
    read_people, to_json,
};
use std::path::PathBuf;
use std::sync::LazyLock;

/// Problems of one reading: small, so that the bound is reached.
const LIMITS: FileLimits = FileLimits { problems_max: 20, ..FileLimits::DEFAULT };
/// A mark at the beginning that says UTF-8.
const MARK: &str = "\u{feff}";
/// The columns of people in the order in which the seeds have them.
const PEOPLE_COLUMNS: &str = "name,display_name,role,password";
/// Commas before the password in a line of these columns.
const COMMAS_BEFORE_PASSWORD: usize = 3;

/// C13: whatever comes, the answer is codes or rejected lines.
pub fn codes(data: &[u8]) {
    for format in [CodesFormat::Csv, CodesFormat::Plain] {
        let read = read_codes(data, format, &LIMITS);
        assert!(read == read_codes(data, format, &LIMITS), "the same file twice");
        sound(&read);
        for other in in_other_encodings(data) {
            assert!(read == read_codes(&other, format, &LIMITS), "another encoding of {format:?}");
        }
    }
}

fn sound(read: &CodesRead) {
    assert!(read.rejected.len() <= LIMITS.problems_max as usize + 1);
    // Nothing of a file of codes may ever be shown: it may be a code.
    let reasons = read.rejected.iter().map(|line| format!("{line:?} {}", line.reason.en()));
    let shown = format!("{read:?} {}", reasons.collect::<String>());
    assert!(!shown.contains(CANARY), "a code is shown: {shown}");
    let codes: Vec<&str> = read.codes.iter().map(|one| one.code.as_str()).collect();
    for code in &codes {
        assert!(!code.is_empty() && code.trim() == *code && !code.contains(char::is_control));
    }
    assert!(read.codes.is_sorted_by(|one, other| one.line < other.line), "lines count up");
    let plain = format!("{MARK}{}", codes.join("\n"));
    let csv = table(&["code"], codes.iter().map(|code| [*code]));
    let again = [(plain, CodesFormat::Plain), (csv, CodesFormat::Csv)];
    for (text, format) in again {
        let again = read_codes(text.as_bytes(), format, &LIMITS);
        assert!(again.codes.iter().map(|one| &one.code).eq(&codes), "written as {format:?}");
    }
}

/// The same text as UTF-8 with a mark and as UTF-16 in both orders, where it has none yet.
fn in_other_encodings(data: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(data).ok();
    let Some(text) = text.filter(|text| !text.starts_with(MARK) && !text.starts_with("PK")) else {
        return Vec::new();
    };
    let marked = format!("{MARK}{text}");
    let units = || marked.encode_utf16();
    vec![
        marked.clone().into_bytes(),
        units().flat_map(u16::to_le_bytes).collect(),
        units().flat_map(u16::to_be_bytes).collect(),
    ]
}

/// A table with every cell quoted.
fn table<'a, const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [&'a str; N]>,
) -> String {
    let cell = |text: &&str| format!("\"{}\"", text.replace('"', "\"\""));
    let row = |cells: &[&str]| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
    let rows: String = rows.map(|cells| row(&cells)).collect();
    format!("{MARK}{}{rows}", row(header))
}

/// The folder of an activity file that names a roster: rosters are read from files only.
struct RosterFolder(tempfile::TempDir);

static ROSTER: LazyLock<RosterFolder> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for the roster");
    let text = r#"{"activity": [{"id": "a", "name": "a", "start_time": 1900000000, "end_time": 1900000001,
        "roster": "roster.csv", "ticket": [{"id": "t", "name": "t", "stock": 1}]}]}"#;
    std::fs::write(folder.path().join("activity.json"), text).expect("a file in that folder");
    RosterFolder(folder)
});

impl RosterFolder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// C13. One at a time: the file has one name.
pub fn roster(data: &[u8]) {
    let read = |data: &[u8]| {
        std::fs::write(ROSTER.path("roster.csv"), data).expect("the roster can be written");
        read_activity_file(&ROSTER.path("activity.json"), &LIMITS).map(|mut read| {
            assert_eq!(read.activities.len(), 1);
            read.activities.remove(0)
        })
    };
    let first = read(data);
    for other in in_other_encodings(data) {
        match (&first, &read(&other)) {
            (Ok(one), Ok(other)) => assert_eq!(one.roster, other.roster, "in another encoding"),
            (Err(one), Err(other)) => assert_eq!(one, other, "in another encoding"),
            (one, other) => panic!("another encoding: {other:?} instead of {one:?}"),
        }
    }
    let new = match first {
        Ok(new) => new,
        Err(problems) => return bounded(&problems, &LIMITS),
    };
    assert!(!new.roster.is_empty(), "nobody may come");
    let json = to_json(std::slice::from_ref(&new));
    let back = read_activity_bytes(json.as_bytes(), ActivityFormat::Json, &LIMITS);
    assert_eq!(back.expect("written, and read").activities[0].roster, new.roster);
    let rows = new.roster.iter();
    let rows = rows.map(|row| [&*row.name, &*row.display_name, &*row.department]);
    let text = table(&["name", "display_name", "department"], rows);
    assert_eq!(read(text.as_bytes()).expect("written, and read").roster, new.roster);
}

/// C13: whatever comes, the answer is people or problems.
pub fn people(data: &[u8]) {
    let read = read_people(data, &LIMITS);
    assert_eq!(read, read_people(data, &LIMITS), "the same file twice");
    for other in in_other_encodings(data) {
        assert_eq!(read, read_people(&other, &LIMITS), "in another encoding");
    }
    match &read {
        Ok(people) => written_again(people),
        Err(problems) => {
            bounded(problems, &LIMITS);
            no_password_shown(data, problems);
        }
    }
}

fn written_again(people: &[PersonLine]) {
    let row = |person: &PersonLine| {
        let password = person.password.as_ref().map_or("", |password| password.expose()).to_owned();
        [person.name.clone(), person.display_name.clone(), person.role.name().to_owned(), password]
    };
    let rows: Vec<[String; 4]> = people.iter().map(row).collect();
    let header = ["name", "display_name", "role", "password"];
    let text = table(&header, rows.iter().map(|row| row.each_ref().map(String::as_str)));
    let again = read_people(text.as_bytes(), &LIMITS).expect("written, and read");
    assert!(again.iter().map(row).eq(rows), "the same people");
}

/// Where every password stands where its column is, no problem shows one, whatever else is wrong.
fn no_password_shown(data: &[u8], problems: &[Problem]) {
    let text = String::from_utf8_lossy(data);
    let in_place = |line: &str| match line.find(CANARY) {
        Some(at) => line[..at].matches(',').count() == COMMAS_BEFORE_PASSWORD,
        None => true,
    };
    if text.starts_with(PEOPLE_COLUMNS) && text.split(['\n', '\r']).all(in_place) {
        let shown: String =
            problems.iter().map(|one| format!("{one} {one:?} {}", one.zh())).collect();
        assert!(!shown.contains(CANARY), "a password is shown: {shown}");
    }
}
