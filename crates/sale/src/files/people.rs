//! The list of people for `user import`: names, roles and passwords.
//! A password is shown nowhere and wiped from memory when it is no longer needed.

use super::FileLimits;
use super::codes::REQUEST_BODY;
use super::origin::{Listed, Origin, OriginKind};
use super::problem::{HIDDEN, Place, Problem, Problems, Reason};
use super::roster::{RowCells, refuse_repeated};
use super::source::within;
use super::table::{Row, Strangers, TableSource};
use ledger::Role;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The columns that are read; the first must be there.
const COLUMNS: [&str; 4] = ["name", "display_name", "role", "password"];
/// The names of the roles.
const ROLES: [&str; 2] = [Role::Buyer.name(), Role::Operator.name()];
/// Bytes of a password. How long one must be is the door's affair.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// A password that shows itself to nobody by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password itself, for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// One person of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLine {
    /// From 1.
    pub line: u32,
    /// NFC and trimmed; once in the list.
    pub name: String,
    /// May be empty.
    pub display_name: String,
    /// Buyer where the list does not say.
    pub role: Role,
    /// `None` where the cell is empty: no sign-in by password.
    pub password: Option<Password>,
}

/// Reads CSV with the columns `name[,display_name,role,password]`, in any order: all or nothing.
/// Problems name the bytes `request body` unless the caller renames them with its own file.
pub fn read_people(bytes: &[u8], limits: &FileLimits) -> Result<Vec<PersonLine>, Vec<Problem>> {
    let mut problems = Problems::new(limits.problems_max);
    let file: Arc<str> = REQUEST_BODY.into();
    let origin = Origin::new(Arc::clone(&file), COLUMNS[0].to_owned(), OriginKind::Lines);
    let mut listed = Listed::new(origin);
    if let Err(reason) = within(bytes, limits) {
        problems.add(Place { file, line: None, key: String::new() }, "", reason);
        return Err(problems.into_vec());
    }
    let source = TableSource {
        file: &file,
        columns: COLUMNS,
        strangers: Strangers::IgnoredUnlessMisspelt,
        limits,
    };
    source.read(bytes, &mut problems, |problems, row| {
        if let Some(person) = person(&file, &row, problems) {
            listed.push(person, Some(row.line), 0);
        }
    });
    if listed.items.is_empty() && problems.count() == 0 {
        problems.add(Place { file, line: None, key: String::new() }, "", Reason::NoRows);
    }
    refuse_repeated(&listed, |person: &PersonLine| &person.name, &mut problems);
    problems.hide(has_swallowed);
    if problems.count() == 0 { Ok(listed.items) } else { Err(problems.into_vec()) }
}

/// Whether a cell may hold those after it, and so a password: behind a quote that ends too late, commas and line
/// breaks are part of the cell. As it is shown, a line break is a replacement character.
fn has_swallowed(shown: &str) -> bool {
    shown.contains([',', char::REPLACEMENT_CHARACTER])
}

fn person(file: &Arc<str>, row: &Row<'_, 4>, problems: &mut Problems) -> Option<PersonLine> {
    let mut cells = RowCells { file, line: row.line, problems };
    let name = cells.name(COLUMNS[0], row.cells[0]);
    let display_name = cells.shown_name(COLUMNS[1], row.cells[1]);
    let role = role(&mut cells, row.cells[2]);
    let password = password(&mut cells, row.cells[3]);
    let (name, display_name, role, password) = (name?, display_name?, role?, password?);
    Some(PersonLine { line: row.line, name, display_name, role, password })
}

fn role(cells: &mut RowCells<'_>, cell: &str) -> Option<Role> {
    if cell.is_empty() {
        return Some(Role::Buyer);
    }
    match Role::from_name(cell) {
        Some(role) => Some(role),
        None => cells.refuse(COLUMNS[2], HIDDEN, Reason::NotOneOf { choices: &ROLES }),
    }
}

fn password(cells: &mut RowCells<'_>, cell: &str) -> Option<Option<Password>> {
    if cell.len() > PASSWORD_BYTES_MAX {
        let reason = Reason::TooLong { bytes_max: PASSWORD_BYTES_MAX };
        return cells.refuse(COLUMNS[3], HIDDEN, reason);
    }
    if cell.chars().any(char::is_control) {
        return cells.refuse(COLUMNS[3], HIDDEN, Reason::ControlCharacter);
    }
    let password = Password(Zeroizing::new(cell.to_owned()));
    Some((!cell.is_empty()).then_some(password))
}
