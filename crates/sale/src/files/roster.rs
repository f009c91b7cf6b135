//! Rosters: who may claim, as a CSV file or a list.
//! A name stands once, in one spelling; two lines of one name are a problem that names both.

use super::fields::{Field, Section, TextRule, judge_text};
use super::origin::{Listed, Origin, OriginKind};
use super::problem::{Expected, Place, Problems, Reason};
use super::source::Reading;
use super::table::{Row, Strangers, TableSource};
use super::tree::{Node, Value};
use ledger::RosterName;
use rules::{NAME_BYTES_MAX, NameError, person_name};
use std::collections::HashMap;
use std::sync::Arc;

/// The columns of a roster that are read; the first must be there.
const COLUMNS: [&str; 3] = ["name", "display_name", "department"];

/// What a display name or a department may be.
pub(super) const SHOWN_NAME: TextRule =
    TextRule { bytes_max: NAME_BYTES_MAX, may_be_empty: true, may_have_lines: false };

/// The roster of an activity: the file of a path, or the elements of a list; never empty.
pub(super) fn roster_of(reading: &mut Reading<'_>, field: &Field<'_>) -> Option<Vec<RosterName>> {
    let before = reading.problems.count();
    let listed = match &field.node.value {
        Value::Text(path) => roster_of_file(reading, field, path)?,
        Value::List(nodes) => roster_of_list(reading, field, nodes),
        _ => {
            let reason = Reason::WrongType(Expected::PathOrList);
            return field.refuse(reason, &mut reading.problems);
        }
    };
    if listed.items.is_empty() && reading.problems.count() == before {
        return field.refuse(Reason::NoRows, &mut reading.problems);
    }
    refuse_repeated(&listed, |row| &row.name, &mut reading.problems);
    Some(listed.items)
}

fn roster_of_file(
    reading: &mut Reading<'_>,
    field: &Field<'_>,
    path: &str,
) -> Option<Listed<RosterName>> {
    let file = reading.named_file(field, path)?;
    let origin = Origin::new(Arc::clone(&file.name), COLUMNS[0].to_owned(), OriginKind::Lines);
    let mut listed = Listed::new(origin);
    let source = TableSource {
        file: &file.name,
        columns: COLUMNS,
        strangers: Strangers::Ignored,
        limits: reading.limits,
    };
    source.read(&file.bytes, &mut reading.problems, |problems, row| {
        if let Some(name) = roster_row(&file.name, &row, problems) {
            listed.push(name, Some(row.line), 0);
        }
    });
    Some(listed)
}

fn roster_row(file: &Arc<str>, row: &Row<'_, 3>, problems: &mut Problems) -> Option<RosterName> {
    let mut cells = RowCells { file, line: row.line, problems };
    let name = cells.name(COLUMNS[0], row.cells[0]);
    let display_name = cells.shown_name(COLUMNS[1], row.cells[1]);
    let department = cells.shown_name(COLUMNS[2], row.cells[2]);
    Some(RosterName { name: name?, display_name: display_name?, department: department? })
}

fn roster_of_list(
    reading: &mut Reading<'_>,
    field: &Field<'_>,
    nodes: &[Node],
) -> Listed<RosterName> {
    let Place { file, key, .. } = field.place.clone();
    let mut listed = Listed::new(Origin::new(file, key, OriginKind::Elements));
    let max = reading.limits.rows_max;
    for (place, node) in (0..).zip(nodes) {
        let element = field.element(node, place as usize);
        if place >= max {
            reading.problems.add(element.place, "", Reason::TooMany { max });
            break;
        }
        if let Some(name) = roster_element(&element, &mut reading.problems) {
            listed.push(name, node.line, place);
        }
    }
    listed
}

fn roster_element(element: &Field<'_>, problems: &mut Problems) -> Option<RosterName> {
    if let Value::Text(text) = &element.node.value {
        let name = checked_name(element, text, problems)?;
        return Some(RosterName { name, display_name: String::new(), department: String::new() });
    }
    let section = Section::open(element, Expected::NameOrTable, &COLUMNS, problems)?;
    let name = match section.field(COLUMNS[0]) {
        Some(field) => field.text(problems).and_then(|text| checked_name(&field, text, problems)),
        None => {
            section.refuse(COLUMNS[0], Reason::Missing, problems);
            None
        }
    };
    let display_name = section.text(COLUMNS[1], SHOWN_NAME, Some(""), problems);
    let department = section.text(COLUMNS[2], SHOWN_NAME, Some(""), problems);
    Some(RosterName { name: name?, display_name: display_name?, department: department? })
}

fn checked_name(field: &Field<'_>, text: &str, problems: &mut Problems) -> Option<String> {
    match person_name(text) {
        Ok(name) => Some(name),
        Err(error) => field.refuse(name_reason(error), problems),
    }
}

/// The cells of one row of people, judged.
pub(super) struct RowCells<'c> {
    pub(super) file: &'c Arc<str>,
    pub(super) line: u32,
    pub(super) problems: &'c mut Problems,
}

impl RowCells<'_> {
    /// A person's name.
    pub(super) fn name(&mut self, column: &str, cell: &str) -> Option<String> {
        match person_name(cell) {
            Ok(name) => Some(name),
            Err(error) => self.refuse(column, cell, name_reason(error)),
        }
    }

    /// A name that is only shown; may be empty.
    pub(super) fn shown_name(&mut self, column: &str, cell: &str) -> Option<String> {
        match judge_text(cell, SHOWN_NAME) {
            Ok(()) => Some(cell.to_owned()),
            Err(reason) => self.refuse(column, cell, reason),
        }
    }

    /// Reports a problem and gives nothing.
    pub(super) fn refuse<T>(&mut self, column: &str, shown: &str, reason: Reason) -> Option<T> {
        let file = Arc::clone(self.file);
        let place = Place { file, line: Some(self.line), key: column.to_owned() };
        self.problems.add(place, shown, reason);
        None
    }
}

/// Why a text is no name, in the words of a file.
fn name_reason(error: NameError) -> Reason {
    match error {
        NameError::Empty => Reason::Empty,
        NameError::TooLong => Reason::TooLong { bytes_max: NAME_BYTES_MAX },
        NameError::Control => Reason::ControlCharacter,
    }
}

/// Reports every name that stands a second time, with the place of the first.
pub(super) fn refuse_repeated<T>(
    listed: &Listed<T>,
    name_of: impl Fn(&T) -> &str,
    problems: &mut Problems,
) {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(listed.items.len());
    for (index, item) in listed.items.iter().enumerate() {
        let name = name_of(item);
        if let Some(first) = seen.get(name) {
            let first = listed.origin.place(*first);
            problems.add(listed.origin.place(index), name, Reason::Repeated { first });
        } else {
            seen.insert(name, index);
        }
    }
}
