//! Activity files, as TOML and as JSON.
//! What is read and written again reads the same, and no problem shows a code.

use super::CANARY;
use sale::{
    NewActivity,
    files::{ActivityFormat, FileLimits, Problem, ReadActivities, read_activity_bytes, to_json},
};
use std::collections::BTreeSet;

/// Problems of one reading: small, so that the bound is reached.
const LIMITS: FileLimits = FileLimits { problems_max: 20, ..FileLimits::DEFAULT };
/// Bytes of one problem as it is shown: the file's name, a key and a value of 80 characters each, and a reason that
/// may name a second place. A parser's own words are in it too.
const PROBLEM_BYTES_MAX: usize = 2_048;
/// Bytes from which on a code is sure not to stand in a message by chance.
const CODE_BYTES: usize = 8;

type Read = Result<ReadActivities, Vec<Problem>>;

/// C13: whatever comes, the answer is activities or problems.
pub fn toml(data: &[u8]) {
    let read = checked(data, ActivityFormat::Toml);
    let text = std::str::from_utf8(data).ok();
    let tree = text.and_then(|text| toml::from_str::<serde_json::Value>(text).ok());
    nothing_shown(data, &read, tree);
}

/// C13: whatever comes, the answer is activities or problems.
pub fn json(data: &[u8]) {
    let read = checked(data, ActivityFormat::Json);
    nothing_shown(data, &read, serde_json::from_slice(data).ok());
}

fn checked(data: &[u8], format: ActivityFormat) -> Read {
    let read = read_activity_bytes(data, format, &LIMITS);
    let again = read_activity_bytes(data, format, &LIMITS);
    match (&read, &again) {
        (Ok(read), Ok(again)) => {
            same(&read.activities, &again.activities, Ids::MadeHere);
            let json = to_json(&read.activities);
            let back = read_activity_bytes(json.as_bytes(), ActivityFormat::Json, &LIMITS);
            let back = back.unwrap_or_else(|problems| panic!("written and refused: {problems:?}"));
            same(&read.activities, &back.activities, Ids::Written);
        }
        (Err(problems), Err(again)) => {
            assert_eq!(problems, again, "the same file twice");
            bounded(problems, &LIMITS);
        }
        _ => panic!("the same file is read once and refused once"),
    }
    read
}

/// Where ids come from: those that a file leaves out are different each time.
#[derive(PartialEq, Eq)]
enum Ids {
    MadeHere,
    Written,
}

fn same(one: &[NewActivity], other: &[NewActivity], ids: Ids) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        let (mut one, mut other) = (one.clone(), other.clone());
        if ids == Ids::MadeHere {
            for activity in [&mut one.activity, &mut other.activity] {
                activity.id.clear();
                activity.types.iter_mut().for_each(|kind| kind.id.clear());
            }
        }
        assert_eq!(one.activity, other.activity);
        assert_eq!(one.roster, other.roster);
        assert!(one.units == other.units, "the units differ");
    }
}

/// Problems are few, and short.
pub fn bounded(problems: &[Problem], limits: &FileLimits) {
    assert!(!problems.is_empty(), "refused without a reason");
    assert!(problems.len() <= limits.problems_max as usize + 1, "{} problems", problems.len());
    for text in problems.iter().flat_map(|problem| [problem.en(), problem.zh()]) {
        assert!(text.len() <= PROBLEM_BYTES_MAX, "{} bytes: {text}", text.len());
    }
}

/// No code that stands in a list of codes, and nowhere else, is in what others see. A file that is no tree at all
/// says nothing about what its bytes are, so there nothing that looks like a code may be shown.
fn nothing_shown(data: &[u8], read: &Read, tree: Option<serde_json::Value>) {
    let shown = match read {
        Ok(read) => format!("{read:?}"),
        Err(problems) => problems.iter().map(|one| format!("{one} {one:?} {}", one.zh())).collect(),
    };
    let Some(tree) = tree else {
        let has_canary = data.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        assert!(!has_canary || !shown.contains(CANARY), "a code is shown: {shown}");
        return;
    };
    let mut texts = Texts::default();
    texts.collect(&tree, false);
    for code in texts.codes {
        let elsewhere = texts.others.iter().any(|other| other.contains(&code));
        assert!(elsewhere || !shown.contains(&code), "a code is shown: {shown}");
    }
}

/// The texts of a tree: those under a key `codes`, and all others, keys included.
#[derive(Default)]
struct Texts {
    codes: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Texts {
    fn collect(&mut self, node: &serde_json::Value, codes: bool) {
        match node {
            serde_json::Value::String(text) if codes && text.len() >= CODE_BYTES => {
                self.codes.insert(text.clone());
            }
            serde_json::Value::String(text) => drop(self.others.insert(text.clone())),
            serde_json::Value::Number(number) => drop(self.others.insert(number.to_string())),
            serde_json::Value::Array(list) => list.iter().for_each(|one| self.collect(one, codes)),
            serde_json::Value::Object(entries) => {
                for (key, value) in entries {
                    self.others.insert(key.clone());
                    self.collect(value, codes || key == "codes");
                }
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
        }
    }
}
