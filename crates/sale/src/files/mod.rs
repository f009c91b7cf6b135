//! The borders where operators' files come in: activity files, rosters, codes and lists of people.
//! What is read here is either whole and within every bound, or refused with all its problems;
//! no code and no password ever appears in a problem.

mod activity;
mod codes;
mod encoding;
mod fields;
mod json;
mod nearest;
mod origin;
mod people;
mod problem;
mod roster;
mod source;
mod table;
mod ticket;
mod tree;
mod update;

pub use activity::{ActivityFormat, ReadActivities, read_activity_bytes, read_activity_file};
pub use codes::{CodesFormat, CodesRead, NumberedCode, RejectedLine, read_codes};
pub use json::to_json;
pub use people::{Password, PersonLine, read_people};
pub use problem::{Expected, Place, Problem, Reason};
pub(crate) use update::unit_key;
pub use update::{Difference, NotChangeable, diff_for_update};

/// How much one file may hold. They protect memory; what a ledger may hold is in `rules`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// Bytes of one file or request body.
    pub file_bytes_max: u64,
    /// Rows of one CSV file, or elements of one list of codes or names.
    pub rows_max: u32,
    /// Activities in one activity file.
    pub activities_max: u32,
    /// Problems reported of one reading; the last one then says how many more there are.
    pub problems_max: u32,
}

impl FileLimits {
    /// The bounds where nothing else is configured: 256 MiB, 10,000,000 rows, 1,000 activities, 100 problems.
    pub const DEFAULT: Self = Self {
        file_bytes_max: 256 * 1024 * 1024,
        rows_max: 10_000_000,
        activities_max: 1_000,
        problems_max: 100,
    };
}

impl Default for FileLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
