//! An activity as the model of what is rehearsed: its ticket types, units and limits. Its codes and the names of its
//! roster are never used: the rehearsal makes its own.

use crate::commands::Failure;
use rehearsal::plan::{Plan, PlannedType};
use sale::{
    NewActivity,
    files::{ActivityFormat, FileLimits, Problem, read_activity_bytes, read_activity_file},
};
use std::{
    io::{BufRead, Read, stdin},
    path::Path,
};

/// Of a thousand people, those on the roster where there is one: the others are to be turned away.
const ROSTER_PER_MILLE: u32 = 900;
/// Bytes of an activity on standard input: many times the longest list of codes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The one activity of a file.
pub fn in_file(file: &Path) -> Result<NewActivity, Failure> {
    let read = read_activity_file(file, &FileLimits::DEFAULT).map_err(problems)?;
    only(read.activities)
}

/// The one activity of a line of JSON.
pub fn on_standard_input() -> Result<NewActivity, Failure> {
    let mut line = Vec::new();
    let read = stdin().lock().take(BYTES_MAX).read_until(b'\n', &mut line);
    read.map_err(|error| Failure::Io("standard input", error.kind()))?;
    let read = read_activity_bytes(&line, ActivityFormat::Json, &FileLimits::DEFAULT);
    only(read.map_err(problems)?.activities)
}

fn problems(problems: Vec<Problem>) -> Failure {
    Failure::Usage(problems.iter().map(Problem::en).collect::<Vec<_>>().join("; "))
}

fn only(mut activities: Vec<NewActivity>) -> Result<NewActivity, Failure> {
    match (activities.pop(), activities.len()) {
        (Some(only), 0) => Ok(only),
        (_, more) => {
            let several = format!("a rehearsal is of one activity, and there are {}", more + 1);
            Err(Failure::Usage(several))
        }
    }
}

/// The plan with what this activity sells, to whom.
pub fn planned(new: &NewActivity, plan: Plan) -> Plan {
    let activity = &new.activity;
    let types = activity.types.iter().zip(&new.units).map(|(kind, units)| PlannedType {
        id: kind.id.clone(),
        stock: match units {
            ledger::NewUnits::Plain(count) => *count,
            ledger::NewUnits::Codes(codes) => u32::try_from(codes.len()).unwrap_or(u32::MAX),
        },
        codes: kind.kind == sale::UnitKind::Codes,
        limit_per_person: kind.limit_per_user,
    });
    Plan {
        types: types.collect(),
        limit_per_person: activity.limit_per_user,
        roster_per_mille: activity.has_roster.then_some(ROSTER_PER_MILLE),
        ..plan
    }
}
