//! Names and accounts. A name gets its number once, whoever names it first; its account belongs to one source.
//! It never gives a number twice and never makes an operator of somebody who came from outside.

use super::SqliteLedger;
use super::fault::Fail;
use super::numbers::{
    SOURCE_PASSWORD, named, role_number, role_of, source_number, source_of, stored, time,
};
use crate::contract::{
    Cause, LedgerFault, NameTaken, NewPerson, PeopleLedger, Person, Role, Source,
};
use rules::{TimeMs, USERS_MAX, UserNo};
use rusqlite::{Connection, Error, OptionalExtension, Row};

const COLUMNS: &str = "no, name, display_name, role, source, generation";

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    let source: Option<i64> = row.get(4)?;
    let source =
        source.map(|number| source_of(number).ok_or(Error::IntegralValueOutOfRange(4, number)));
    Ok(Person {
        no: UserNo(row.get(0)?),
        name: row.get(1)?,
        display_name: row.get(2)?,
        role: named(row, 3, role_of)?,
        source: source.transpose()?,
        generation: row.get(5)?,
    })
}

fn by_name(connection: &Connection, name: &str) -> Result<Option<Person>, Fail> {
    let sql = format!("SELECT {COLUMNS} FROM names WHERE name = ?");
    Ok(connection.prepare_cached(&sql)?.query_row([name], person).optional()?)
}

/// A name to be given a number.
struct NewName<'a> {
    name: &'a str,
    display_name: &'a str,
    role: Role,
    source: Option<Source>,
    password_hash: Option<&'a str>,
    at: TimeMs,
}

fn insert(connection: &Connection, new: &NewName<'_>) -> Result<UserNo, Fail> {
    let sql = "INSERT INTO names
                   (name, display_name, role, source, password_hash, generation, created_at)
               VALUES (?, ?, ?, ?, ?, 0, ?) RETURNING no";
    let row = (
        new.name,
        new.display_name,
        role_number(new.role),
        new.source.map(source_number),
        new.password_hash,
        stored(new.at),
    );
    let no = connection.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
    if no > USERS_MAX { Err(Fail::Because(Cause::Full)) } else { Ok(UserNo(no)) }
}

/// A name on a roster.
pub(super) struct Listed {
    pub(super) no: UserNo,
    pub(super) self_registered: bool,
}

/// The number of a roster's name, given now if need be. One without an account takes the roster's display name.
pub(super) fn listed(
    connection: &Connection,
    name: &str,
    display_name: &str,
    at: TimeMs,
) -> Result<Listed, Fail> {
    let mut find = connection.prepare_cached("SELECT no, source FROM names WHERE name = ?")?;
    let found: Option<(u32, Option<i64>)> =
        find.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((no, source)) = found else {
        let (role, source, password_hash) = (Role::Buyer, None, None);
        let new = NewName { name, display_name, role, source, password_hash, at };
        return Ok(Listed { no: insert(connection, &new)?, self_registered: false });
    };
    if source.is_none() && !display_name.is_empty() {
        let sql = "UPDATE names SET display_name = ? WHERE no = ?";
        connection.prepare_cached(sql)?.execute((display_name, no))?;
    }
    Ok(Listed { no: UserNo(no), self_registered: source == Some(SOURCE_PASSWORD) })
}

fn register(
    connection: &Connection,
    name: &str,
    password_hash: &str,
    at: TimeMs,
) -> Result<Result<Person, NameTaken>, Fail> {
    // A name that is only on rosters has a row too, and waits for whoever it was meant for.
    if by_name(connection, name)?.is_some() {
        return Ok(Err(NameTaken));
    }
    let (source, password_hash) = (Some(Source::Password), Some(password_hash));
    let new = NewName { name, display_name: "", role: Role::Buyer, source, password_hash, at };
    insert(connection, &new)?;
    Ok(Ok(by_name(connection, name)?.ok_or(Fail::Because(Cause::Corrupt))?))
}

/// How a name stands for a source that adopts it.
enum Adoption {
    Settled(Result<Person, NameTaken>),
    Unclaimed(Person),
    Unknown,
}

fn adoption(connection: &Connection, name: &str, source: Source) -> Result<Adoption, Fail> {
    Ok(match by_name(connection, name)? {
        None => Adoption::Unknown,
        Some(person) if person.role == Role::Operator => Adoption::Settled(Err(NameTaken)),
        Some(person) if person.source.is_none() => Adoption::Unclaimed(person),
        Some(person) if person.source == Some(source) => Adoption::Settled(Ok(person)),
        Some(_) => Adoption::Settled(Err(NameTaken)),
    })
}

fn adopt(
    connection: &Connection,
    name: &str,
    source: Source,
    at: TimeMs,
) -> Result<Result<Person, NameTaken>, Fail> {
    match adoption(connection, name, source)? {
        Adoption::Settled(settled) => Ok(settled),
        Adoption::Unclaimed(person) => {
            let sql = "UPDATE names SET source = ? WHERE no = ?";
            let row = (source_number(source), person.no.0);
            connection.prepare_cached(sql)?.execute(row)?;
            Ok(Ok(Person { source: Some(source), ..person }))
        }
        Adoption::Unknown => {
            let role = Role::Buyer;
            let some = Some(source);
            let new =
                NewName { name, display_name: "", role, source: some, password_hash: None, at };
            let no = insert(connection, &new)?;
            let (name, display_name) = (name.to_owned(), String::new());
            Ok(Ok(Person { no, name, display_name, role, source: some, generation: 0 }))
        }
    }
}

/// The answers, if nothing has to be written for them.
fn all_settled(
    connection: &Connection,
    names: &[String],
    source: Source,
) -> Result<Option<Vec<Result<Person, NameTaken>>>, Fail> {
    // One transaction: taking and giving back SQLite's lock costs more than finding a name.
    let reading = connection.unchecked_transaction()?;
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        let Adoption::Settled(settled) = adoption(&reading, name, source)? else {
            return Ok(None);
        };
        answers.push(settled);
    }
    Ok(Some(answers))
}

/// `None`: the name has an account already.
fn add(connection: &Connection, new: &NewPerson, at: TimeMs) -> Result<Option<UserNo>, Fail> {
    let NewPerson { name, display_name, role, password_hash } = new;
    let (role, source) = (*role, Some(Source::CommandLine));
    let password_hash = password_hash.as_deref();
    let Some(person) = by_name(connection, name)? else {
        let new = NewName { name, display_name, role, source, password_hash, at };
        return Ok(Some(insert(connection, &new)?));
    };
    if person.source.is_some() {
        return Ok(None);
    }
    let sql = "UPDATE names SET role = ?, source = ?, password_hash = ?,
                   display_name = coalesce(nullif(?, ''), display_name) WHERE no = ?";
    let source = source.map(source_number);
    let row = (role_number(role), source, password_hash, display_name, person.no.0);
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(Some(person.no))
}

fn visit_standings(
    connection: &Connection,
    visit: &mut dyn FnMut(UserNo, Role, u32),
) -> Result<(), Fail> {
    let sql = "SELECT no, role, generation FROM names WHERE role <> ? OR generation > 0";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([role_number(Role::Buyer)])?;
    while let Some(row) = rows.next()? {
        visit(UserNo(row.get(0)?), named(row, 1, role_of)?, row.get(2)?);
    }
    Ok(())
}

fn visit_revoked(
    connection: &Connection,
    now: TimeMs,
    visit: &mut dyn FnMut(UserNo, [u8; 16], TimeMs),
) -> Result<(), Fail> {
    let sql = "SELECT user_no, mark, until FROM revoked_sessions WHERE until >= ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([stored(now)])?;
    while let Some(row) = rows.next()? {
        visit(UserNo(row.get(0)?), row.get(1)?, time(row, 2)?);
    }
    Ok(())
}

impl PeopleLedger for SqliteLedger {
    fn register(
        &self,
        name: &str,
        password_hash: &str,
        at: TimeMs,
    ) -> Result<Result<Person, NameTaken>, LedgerFault> {
        self.try_write("registering a name", |connection| {
            register(connection, name, password_hash, at)
        })
    }

    fn adopt(
        &self,
        names: &[String],
        source: Source,
        at: TimeMs,
    ) -> Result<Vec<Result<Person, NameTaken>>, LedgerFault> {
        assert!(matches!(source, Source::Issuer | Source::Vouching), "only these adopt");
        // Most names have been here before; those who claim must not wait for them.
        let settled =
            self.read("adopting names", |connection| all_settled(connection, names, source))?;
        if let Some(answers) = settled {
            return Ok(answers);
        }
        self.write("adopting names", |connection| {
            names.iter().map(|name| adopt(connection, name, source, at)).collect()
        })
    }

    fn add_people(
        &self,
        people: &[NewPerson],
        at: TimeMs,
    ) -> Result<Result<Vec<UserNo>, usize>, LedgerFault> {
        self.try_write("adding people", |connection| {
            let mut numbers = Vec::with_capacity(people.len());
            for (place, new) in people.iter().enumerate() {
                match add(connection, new, at)? {
                    Some(no) => numbers.push(no),
                    None => return Ok(Err(place)),
                }
            }
            Ok(Ok(numbers))
        })
    }

    fn person_by_name(&self, name: &str) -> Result<Option<(Person, Option<String>)>, LedgerFault> {
        let sql = format!("SELECT {COLUMNS}, password_hash FROM names WHERE name = ?");
        self.read("looking for a name", |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_row([name], |row| Ok((person(row)?, row.get(6)?)));
            Ok(found.optional()?)
        })
    }

    fn person(&self, no: UserNo) -> Result<Option<Person>, LedgerFault> {
        let sql = format!("SELECT {COLUMNS} FROM names WHERE no = ?");
        self.read("looking for a person", |connection| {
            Ok(connection.prepare_cached(&sql)?.query_row([no.0], person).optional()?)
        })
    }

    fn set_password(&self, no: UserNo, password_hash: &str) -> Result<u32, LedgerFault> {
        let sql = "UPDATE names SET password_hash = ?, generation = generation + 1
                   WHERE no = ? RETURNING generation";
        self.write("setting a password", |connection| {
            Ok(connection.query_row(sql, (password_hash, no.0), |row| row.get(0))?)
        })
    }

    fn end_sessions(&self, no: UserNo) -> Result<u32, LedgerFault> {
        let sql = "UPDATE names SET generation = generation + 1 WHERE no = ? RETURNING generation";
        self.write("ending sessions", |connection| {
            Ok(connection.query_row(sql, [no.0], |row| row.get(0))?)
        })
    }

    fn revoke(&self, no: UserNo, mark: [u8; 16], until: TimeMs) -> Result<(), LedgerFault> {
        let sql = "INSERT INTO revoked_sessions VALUES (?, ?, ?)
                   ON CONFLICT DO UPDATE SET until = max(until, excluded.until)";
        self.write("ending a session", |connection| {
            connection.prepare_cached(sql)?.execute((no.0, mark, stored(until)))?;
            Ok(())
        })
    }

    fn revoked(
        &self,
        now: TimeMs,
        visit: &mut dyn FnMut(UserNo, [u8; 16], TimeMs),
    ) -> Result<(), LedgerFault> {
        let forgotten = self.write("forgetting sessions", |connection| {
            let sql = "DELETE FROM revoked_sessions WHERE until < ?";
            connection.prepare_cached(sql)?.execute([stored(now)])?;
            Ok(())
        });
        match forgotten {
            // Whoever only reads leaves the forgetting to the owner.
            Ok(()) | Err(LedgerFault::NothingHappened(Cause::Closed)) => {}
            Err(fault) => return Err(fault),
        }
        self.read("reading ended sessions", |connection| visit_revoked(connection, now, visit))
    }

    fn standings(&self, visit: &mut dyn FnMut(UserNo, Role, u32)) -> Result<(), LedgerFault> {
        self.read("reading standings", |connection| visit_standings(connection, visit))
    }

    fn people(&self, after: UserNo, most: u32) -> Result<Vec<Person>, LedgerFault> {
        let sql = format!("SELECT {COLUMNS} FROM names WHERE no > ? ORDER BY no LIMIT ?");
        self.read("reading people", |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let people = statement.query_map((after.0, most), person)?;
            Ok(people.collect::<Result<_, _>>()?)
        })
    }

    fn last_user(&self) -> Result<UserNo, LedgerFault> {
        self.read("reading the last name", |connection| {
            let sql = "SELECT coalesce(max(no), 0) FROM names";
            Ok(UserNo(connection.query_row(sql, [], |row| row.get(0))?))
        })
    }
}
