//! Redemption codes: a CSV column, one a line, or a list.
//! A code is worth money: no problem and no Debug output ever shows one.

use super::FileLimits;
use super::encoding::{BrokenAt, decode_table};
use super::fields::Field;
use super::origin::{Listed, Origin, OriginKind};
use super::problem::{Expected, HIDDEN, Place, Problems, Reason};
use super::source::{Reading, within};
use super::table::{Strangers, TableSource};
use super::tree::{Node, Value};
use rules::{CODE_BYTES_MAX, UNITS_MAX};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The column of a CSV file of codes.
const COLUMN: &str = "code";
/// What the bytes of a request are called in problems.
pub(super) const REQUEST_BODY: &str = "request body";

/// How a list of codes is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodesFormat {
    /// CSV whose header has the column `code`.
    Csv,
    /// One code a line.
    Plain,
}

/// A code and the line on which it stands, from 1.
#[derive(Clone, PartialEq, Eq)]
pub struct NumberedCode {
    /// From 1.
    pub line: u32,
    /// The code.
    pub code: String,
}

impl fmt::Debug for NumberedCode {
    // Codes are worth money: they never reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumberedCode(line {})", self.line)
    }
}

/// A line that holds no code, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// From 1. A fault of the whole list stands at its first line.
    pub line: u32,
    /// Why.
    pub reason: Reason,
}

/// What a list of codes holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodesRead {
    /// The good ones, in order; a code that stands twice is here twice.
    pub codes: Vec<NumberedCode>,
    /// The others, in order, up to `FileLimits::problems_max`; then one that says how many more.
    pub rejected: Vec<RejectedLine>,
}

/// Reads codes to be added to a ticket type: what is good goes in, the rest is named by its line.
/// White space around a code does not belong to it.
pub fn read_codes(bytes: &[u8], format: CodesFormat, limits: &FileLimits) -> CodesRead {
    let mut problems = Problems::new(limits.problems_max);
    let file: Arc<str> = REQUEST_BODY.into();
    let listed = match (within(bytes, limits), format) {
        (Err(reason), _) => {
            problems.add(Place { file, line: None, key: String::new() }, "", reason);
            return CodesRead { codes: Vec::new(), rejected: rejected(problems) };
        }
        (Ok(()), CodesFormat::Csv) => codes_from_csv(&file, bytes, limits, &mut problems),
        (Ok(()), CodesFormat::Plain) => codes_from_lines(&file, bytes, limits, &mut problems),
    };
    let Listed { items, origin } = listed;
    let numbered = |(index, code)| NumberedCode { line: origin.line(index), code };
    let codes = items.into_iter().enumerate().map(numbered).collect();
    CodesRead { codes, rejected: rejected(problems) }
}

fn rejected(problems: Problems) -> Vec<RejectedLine> {
    let line = |problem: super::Problem| RejectedLine {
        line: problem.line.unwrap_or(1),
        reason: problem.reason,
    };
    problems.into_vec().into_iter().map(line).collect()
}

/// The codes of a ticket type: the file of a path, or the elements of a list.
pub(super) fn codes_of(reading: &mut Reading<'_>, field: &Field<'_>) -> Option<Listed<String>> {
    match &field.node.value {
        Value::Text(path) => codes_of_file(reading, field, path),
        Value::List(nodes) => Some(codes_of_list(reading, field, nodes)),
        _ => {
            let reason = Reason::WrongType(Expected::PathOrList);
            reading.problems.add(field.place.clone(), HIDDEN, reason);
            None
        }
    }
}

fn codes_of_file(
    reading: &mut Reading<'_>,
    field: &Field<'_>,
    path: &str,
) -> Option<Listed<String>> {
    let file = reading.named_file(field, path)?;
    let before = reading.problems.count();
    let listed = codes_from_csv(&file.name, &file.bytes, reading.limits, &mut reading.problems);
    if listed.items.is_empty() && reading.problems.count() == before {
        let place = Place { file: file.name, line: None, key: COLUMN.to_owned() };
        reading.problems.add(place, "", Reason::NoRows);
    }
    Some(listed)
}

fn codes_of_list(reading: &mut Reading<'_>, field: &Field<'_>, nodes: &[Node]) -> Listed<String> {
    let Place { file, key, .. } = field.place.clone();
    let mut listed = Listed::new(Origin::new(file, key, OriginKind::Elements));
    let max = codes_max(reading.limits);
    for (place, node) in (0..).zip(nodes) {
        let element = field.element(node, place as usize);
        let judged = match &node.value {
            _ if place >= max => Err(Reason::TooMany { max }),
            Value::Text(text) => judge_code(text),
            _ => Err(Reason::WrongType(Expected::Text)),
        };
        match judged {
            Ok(code) => listed.push(code.to_owned(), node.line, place),
            Err(reason) => reading.problems.add(element.place, HIDDEN, reason),
        }
        if place >= max {
            break;
        }
    }
    listed
}

fn codes_from_csv(
    file: &Arc<str>,
    bytes: &[u8],
    limits: &FileLimits,
    problems: &mut Problems,
) -> Listed<String> {
    let limits = FileLimits { rows_max: codes_max(limits), ..*limits };
    let mut codes = CodeLines::new(file);
    let source =
        TableSource { file, columns: [COLUMN], strangers: Strangers::Ignored, limits: &limits };
    source.read(bytes, problems, |problems, row| codes.take(row.line, row.cells[0], problems));
    codes.listed
}

fn codes_from_lines(
    file: &Arc<str>,
    bytes: &[u8],
    limits: &FileLimits,
    problems: &mut Problems,
) -> Listed<String> {
    let mut codes = CodeLines::new(file);
    let text = match decode_table(bytes) {
        Ok(text) => text,
        Err(BrokenAt { line, reason }) => {
            problems.add(codes.place(line), "", reason);
            return codes.listed;
        }
    };
    let max = codes_max(limits);
    for (line, cell) in (1..).zip(text.lines()).filter(|(_, cell)| !cell.trim().is_empty()) {
        if codes.count == max {
            problems.add(codes.place(Some(line)), "", Reason::TooMany { max });
            break;
        }
        codes.take(line, cell, problems);
    }
    codes.listed
}

/// The lines of a file of codes, good and bad.
struct CodeLines {
    file: Arc<str>,
    listed: Listed<String>,
    count: u32,
}

impl CodeLines {
    fn new(file: &Arc<str>) -> Self {
        let origin = Origin::new(Arc::clone(file), COLUMN.to_owned(), OriginKind::Lines);
        Self { file: Arc::clone(file), listed: Listed::new(origin), count: 0 }
    }

    fn take(&mut self, line: u32, cell: &str, problems: &mut Problems) {
        self.count += 1;
        match judge_code(cell) {
            Ok(code) => self.listed.push(code.to_owned(), Some(line), 0),
            Err(reason) => problems.add(self.place(Some(line)), HIDDEN, reason),
        }
    }

    fn place(&self, line: Option<u32>) -> Place {
        Place { file: Arc::clone(&self.file), line, key: COLUMN.to_owned() }
    }
}

/// The code that a cell or line holds.
fn judge_code(text: &str) -> Result<&str, Reason> {
    let code = text.trim();
    if code.is_empty() {
        return Err(Reason::Empty);
    }
    if code.len() > CODE_BYTES_MAX {
        return Err(Reason::TooLong { bytes_max: CODE_BYTES_MAX });
    }
    if code.chars().any(char::is_control) { Err(Reason::ControlCharacter) } else { Ok(code) }
}

fn codes_max(limits: &FileLimits) -> u32 {
    limits.rows_max.min(UNITS_MAX)
}

/// The number of a list of codes within one reading, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CodesNo(pub(super) usize);

/// Every code of one reading: none may stand twice, in whichever list.
#[derive(Default)]
pub(super) struct SeenCodes {
    origins: Vec<Origin>,
    /// For each code its list and its place in it.
    seen: HashMap<Box<str>, (u32, u32)>,
}

impl SeenCodes {
    /// Takes a list, reports what stands a second time, and gives the codes back with the list's number.
    pub(super) fn add(
        &mut self,
        listed: Listed<String>,
        problems: &mut Problems,
    ) -> (Vec<String>, CodesNo) {
        let no = CodesNo(self.origins.len());
        self.origins.push(listed.origin);
        for (place, code) in (0u32..).zip(&listed.items) {
            if let Some((list, first)) = self.seen.get(code.as_str()) {
                let first = self.origins[*list as usize].place(*first as usize);
                let place = self.origins[no.0].place(place as usize);
                problems.add(place, HIDDEN, Reason::Repeated { first });
            } else {
                self.seen.insert(code.as_str().into(), (no.0 as u32, place));
            }
        }
        (listed.items, no)
    }

    /// Where the codes of each list stand, by its number.
    pub(super) fn into_origins(self) -> Vec<Origin> {
        self.origins
    }
}
