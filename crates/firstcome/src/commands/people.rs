//! `firstcome user …`: people added by the command line. Passwords come from standard input or a file, never as
//! an argument, and leave here only as hashes.

use super::{Failure, Owner, take_ledger, without_waiting};
use crate::{Place, config::Config, control};
use clap::Subcommand;
use door::{Password, PasswordError, hash_all, hash_password};
use ledger::{NewPerson, PeopleLedger, Role, SqliteLedger};
use rules::{TimeMs, UserNo, person_name};
use sale::files::{FileLimits, read_people};
use serde_json::json;
use std::{
    io::{BufRead, stdin},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Names read from the ledger at a time.
const LIST_BATCH: u32 = 1_000;

/// `firstcome user …`
#[derive(Subcommand)]
pub enum UserCommand {
    /// Add one person
    Add {
        /// The name
        name: String,
        /// buyer or operator
        #[arg(long, default_value = "buyer", value_parser = ["buyer", "operator"])]
        role: String,
        /// Read the password from the first line of standard input; without, they cannot sign in by password
        #[arg(long)]
        password_stdin: bool,
    },
    /// Add people from CSV with the columns name[,display_name,role,password]: all or nothing
    Import {
        /// The file
        file: PathBuf,
    },
    /// List people
    List,
}

/// The command.
pub fn run(place: &Place, config: &Config, command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Add { name, role, password_stdin } => {
            let person = one(config, &name, &role, password_stdin)?;
            add(place, config, vec![person], &|_| String::new())
        }
        UserCommand::Import { file } => {
            let (people, lines) = from_file(config, &file)?;
            let shown = file.display();
            let place_of = |at: usize| format!("{shown}:{}: name = ", lines[at]);
            add(place, config, people, &place_of)
        }
        UserCommand::List => list(place),
    }
}

fn one(
    config: &Config,
    name: &str,
    role: &str,
    password_stdin: bool,
) -> Result<NewPerson, Failure> {
    let name =
        person_name(name).map_err(|error| no(&format!("the name cannot be used: {error:?}")))?;
    let password_hash = if password_stdin {
        let mut line = zeroize::Zeroizing::new(String::new());
        let read = stdin().lock().read_line(&mut line);
        read.map_err(|error| Failure::Io("standard input", error.kind()))?;
        let text = line.trim_end_matches(['\r', '\n']).to_owned();
        let password = Password::new(text).map_err(|error| no(&unusable(error)))?;
        let hash = hash_password(&password, &config.door.password);
        Some(hash.map_err(|_| no("the password could not be hashed"))?)
    } else {
        None
    };
    let role = Role::from_name(role).expect("the command line allows no other");
    Ok(NewPerson { name, display_name: String::new(), role, password_hash })
}

/// The people of a file, and the line of each.
fn from_file(config: &Config, file: &Path) -> Result<(Vec<NewPerson>, Vec<u32>), Failure> {
    let shown = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| no(&format!("{shown}: {}", error.kind())))?;
    let lines = read_people(&bytes, &FileLimits::DEFAULT).map_err(|problems| {
        let named = problems.into_iter().map(|mut problem| {
            problem.file = shown.as_str().into();
            problem.to_string()
        });
        Failure::No(named.collect())
    })?;
    let mut passwords = Vec::new();
    for line in &lines {
        if let Some(password) = &line.password {
            let password = Password::new(password.expose().to_owned());
            let at = line.line;
            passwords
                .push(password.map_err(|error| no(&format!("{shown}:{at}: {}", unusable(error))))?);
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let hashes = hash_all(&passwords, &config.door.password, threads);
    let mut hashes = hashes.map_err(|_| no("the passwords could not be hashed"))?.into_iter();
    let person = |line: sale::files::PersonLine| NewPerson {
        name: line.name,
        display_name: line.display_name,
        role: line.role,
        password_hash: line.password.and_then(|_| hashes.next()),
    };
    let numbers = lines.iter().map(|line| line.line).collect();
    Ok((lines.into_iter().map(person).collect(), numbers))
}

fn unusable(error: PasswordError) -> String {
    let (least, most) = (door::PASSWORD_BYTES_MIN, door::PASSWORD_BYTES_MAX);
    match error {
        PasswordError::TooShort => format!("the password has fewer than {least} bytes"),
        PasswordError::TooLong => format!("the password has more than {most} bytes"),
    }
}

fn no(line: &str) -> Failure {
    Failure::No(vec![line.to_owned()])
}

/// Adds people, all or nothing; `place_of` tells where one of them stands, for the error.
fn add(
    place: &Place,
    config: &Config,
    people: Vec<NewPerson>,
    place_of: &dyn Fn(usize) -> String,
) -> Result<(), Failure> {
    let names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    let taken = match take_ledger(&place.data, without_waiting(config.ledger))? {
        Owner::Us(ledger) => ledger.add_people(&people, now())?.err(),
        Owner::Another => add_there(place, &people)?,
    };
    match taken {
        None => println!("added {} of {}", names.len(), names.len()),
        Some(at) => {
            let (place, name) = (place_of(at), &names[at]);
            return Err(no(&format!("nothing was added: {place}{name}: has an account already")));
        }
    }
    Ok(())
}

fn add_there(place: &Place, people: &[NewPerson]) -> Result<Option<usize>, Failure> {
    let rows = people.iter().map(|person| {
        json!({
            "name": person.name, "display_name": person.display_name,
            "role": person.role.name(), "password_hash": person.password_hash,
        })
    });
    let body = serde_json::Value::Array(rows.collect()).to_string();
    let answer = control::call(&place.data, "/control/people", "application/json", body)?;
    match answer.ret {
        0 => Ok(None),
        -10 => Ok(answer.data["at"].as_u64().and_then(|at| usize::try_from(at).ok())),
        _ => Err(no(&answer.message)),
    }
}

fn list(place: &Place) -> Result<(), Failure> {
    let ledger = SqliteLedger::open_for_reading(&place.data)?;
    let mut after = UserNo(0);
    loop {
        let people = ledger.people(after, LIST_BATCH)?;
        let Some(last) = people.last() else { return Ok(()) };
        after = last.no;
        for person in people {
            println!("{}\t{}\t{}", person.name, person.role.name(), person.display_name);
        }
    }
}

fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
