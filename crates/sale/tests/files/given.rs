//! Activity files, rosters and lists of codes as a test writes them down, and what is said when they are read.
//! Nothing here asserts what a test is about.

use ledger::{NewUnits, RosterName};
use rules::TimeMs;
use sale::files::{
    ActivityFormat, FileLimits, Problem, ReadActivities, Reason, read_activity_bytes,
    read_activity_file, read_people,
};
use std::path::PathBuf;

pub const LIMITS: FileLimits = FileLimits::DEFAULT;
/// 2026-12-01T10:00:00+08:00.
pub const TEN_O_CLOCK: TimeMs = TimeMs(1_796_090_400_000);
pub const HOUR_MS: u64 = 3_600_000;

/// An activity file with these lines in the activity and in its one ticket type.
pub fn toml_of(activity: &str, ticket: &str) -> String {
    format!("[[activity]]\n{activity}\n[[activity.ticket]]\n{ticket}\n")
}

pub const ACTIVITY: &str =
    "name = \"A\"\nstart_time = 2026-12-01T10:00:00+08:00\nend_time = 2026-12-01T12:00:00+08:00";
pub const TICKET: &str = "name = \"T\"\nstock = 5";

pub fn read_toml(text: &str) -> Result<ReadActivities, Vec<Problem>> {
    read_activity_bytes(text.as_bytes(), ActivityFormat::Toml, &LIMITS)
}

pub fn read_json(text: &str) -> Result<ReadActivities, Vec<Problem>> {
    read_activity_bytes(text.as_bytes(), ActivityFormat::Json, &LIMITS)
}

pub fn with_activity(extra: &str) -> Vec<Problem> {
    read_toml(&toml_of(&format!("{ACTIVITY}\n{extra}"), TICKET)).err().unwrap_or_default()
}

pub fn with_ticket(extra: &str) -> Vec<Problem> {
    read_toml(&toml_of(ACTIVITY, &format!("{TICKET}\n{extra}"))).err().unwrap_or_default()
}

/// Two ticket types that cost something in these currencies, with a free one of a third between them.
pub fn with_prices(first: &str, second: &str) -> Vec<Problem> {
    let next = "[[activity.ticket]]\nname = \"T\"\nstock = 5";
    let priced = |currency: &str| format!("price = 1\ncurrency = \"{currency}\"");
    let free = format!("{next}\ncurrency = \"EUR\"");
    let (first, second) = (priced(first), priced(second));
    with_ticket(&format!("{first}\n{free}\n{next}\n{second}"))
}

/// A ticket type with codes instead of stock.
pub fn with_codes(codes: &str) -> Vec<Problem> {
    read_toml(&toml_of(ACTIVITY, &format!("name = \"T\"\n{codes}"))).err().unwrap_or_default()
}

/// A folder with an activity file and one file beside it.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self) -> Result<ReadActivities, Vec<Problem>> {
        read_activity_file(&self.path("a.toml"), &LIMITS)
    }
}

/// What is said of a roster file with these bytes.
pub fn with_roster(bytes: &[u8]) -> Result<Vec<RosterName>, Vec<Problem>> {
    let file = toml_of(&format!("{ACTIVITY}\nroster = \"r.csv\""), TICKET);
    let folder = Folder::with(&[("a.toml", file.as_bytes()), ("r.csv", bytes)]);
    folder.read().map(|read| read.activities.into_iter().next().unwrap().roster)
}

/// What is said of a file of codes with these bytes.
pub fn with_code_file(bytes: &[u8]) -> Result<Vec<String>, Vec<Problem>> {
    let file = toml_of(ACTIVITY, "name = \"T\"\ncodes = \"c.csv\"");
    let folder = Folder::with(&[("a.toml", file.as_bytes()), ("c.csv", bytes)]);
    folder.read().map(|read| codes_of(&read, 0, 0))
}

pub fn codes_of(read: &ReadActivities, activity: usize, ticket: usize) -> Vec<String> {
    match &read.activities[activity].units[ticket] {
        NewUnits::Codes(codes) => codes.clone(),
        NewUnits::Plain(count) => panic!("{count} plain units instead of codes"),
    }
}

pub fn bytes_problems(bytes: &[u8], limits: &FileLimits) -> Vec<Problem> {
    read_activity_bytes(bytes, ActivityFormat::Toml, limits).err().unwrap_or_default()
}

pub fn people_problems(text: &str) -> Vec<Problem> {
    read_people(text.as_bytes(), &LIMITS).err().unwrap_or_default()
}

pub fn name_of(reason: &Reason) -> String {
    format!("{reason:?}").chars().take_while(|one| one.is_alphanumeric()).collect()
}
