//! `serve --demo`: sample activities and people, so that a first look needs nothing else. The passwords are made
//! anew at every start and printed once, to the terminal only.

use crate::{commands::Failure, config::Config};
use door::{Door, Password, hash_password};
use ledger::{NewPerson, Role};
use sale::{DeskRefused, Operator, Sale, files::FileLimits};
use std::sync::Arc;

/// The people of the demonstration.
const PEOPLE: [(&str, Role); 4] = [
    ("demo-operator", Role::Operator),
    ("alice", Role::Buyer),
    ("bob", Role::Buyer),
    ("carol", Role::Buyer),
];
/// Codes of the sample giveaway.
const CODES: usize = 100;
/// Seconds in a day and an hour.
const DAY_S: u64 = 86_400;
const HOUR_S: u64 = 3_600;

/// Adds what is missing and prints how to begin.
pub fn prepare(sale: &Arc<Sale>, door: &Arc<Door>, config: &Config) -> Result<(), Failure> {
    import(sale)?;
    println!("Sample people (new passwords at every start with --demo):");
    for (name, role) in PEOPLE {
        let text = password()?;
        match set_password(sale, config, name, role, &text)? {
            true => println!("  {name:14} {text}   ({})", role.name()),
            false => println!("  {name:14} has another kind of account here and was left alone"),
        }
    }
    door.reload(sale.now()).map_err(Failure::Ledger)
}

/// Today's sample activities, unless they are there.
fn import(sale: &Sale) -> Result<(), Failure> {
    let now = sale.now().seconds();
    let text = activities(now)?;
    let read = sale::files::read_activity_bytes(
        text.as_bytes(),
        sale::files::ActivityFormat::Toml,
        &FileLimits::DEFAULT,
    );
    let read =
        read.map_err(|problems| Failure::No(problems.iter().map(ToString::to_string).collect()))?;
    let operator = Operator { name: web::COMMAND_LINE.to_owned(), key: None };
    match sale.import(&read.activities, &operator) {
        Ok(_) | Err(DeskRefused::IdExists(_)) => Ok(()),
        Err(DeskRefused::Fault(fault)) => Err(Failure::Ledger(fault)),
        Err(refused) => Err(Failure::No(vec![format!("the sample activities: {refused:?}")])),
    }
}

fn activities(now: u64) -> Result<String, Failure> {
    let day = now / DAY_S;
    let mut codes = String::new();
    for _ in 0..CODES {
        codes.push_str(&format!("\"DEMO-{}\",", random(5)?.to_uppercase()));
    }
    let (end, later, later_end) = (now + 7 * DAY_S, now + HOUR_S, now + 8 * DAY_S);
    Ok(format!(
        r#"
[[activity]]
id = "movie-{day}"
name = "电影之夜 Movie night"
desc = "前 {CODES} 名每人一张电影票兑换码，先到先得。 A cinema ticket for each of the first {CODES}."
start_time = {now}
end_time = {end}
  [[activity.ticket]]
  id = "seat"
  name = "电影票 Cinema ticket"
  desc = "任意影厅可用。 Good for any hall."
  codes = [{codes}]

[[activity]]
id = "mask-{day}"
name = "口罩预约 Masks"
desc = "两个场次，每人限领两份。 Two sessions, two packs a person over both."
start_time = {now}
end_time = {later_end}
limit_per_user = 2
  [[activity.ticket]]
  id = "morning"
  name = "上午场 Morning"
  stock = 500
  limit_per_user = 2
  [[activity.ticket]]
  id = "afternoon"
  name = "下午场 Afternoon"
  stock = 500
  limit_per_user = 2
  start_time = {later}
  end_time = {later_end}
"#
    ))
}

fn set_password(
    sale: &Sale,
    config: &Config,
    name: &str,
    role: Role,
    text: &str,
) -> Result<bool, Failure> {
    let failed = |_| Failure::No(vec!["a password could not be hashed".to_owned()]);
    let password = Password::new(text.to_owned()).expect("sample passwords are within the bounds");
    let hash = hash_password(&password, &config.door.password).map_err(failed)?;
    let ledger = sale.ledger();
    match ledger.person_by_name(name)? {
        Some((person, _)) if person.source == Some(ledger::Source::CommandLine) => {
            ledger.set_password(person.no, &hash)?;
            Ok(person.role == role)
        }
        Some((person, _)) if person.source.is_some() => Ok(false),
        _ => {
            let person = NewPerson {
                name: name.to_owned(),
                display_name: String::new(),
                role,
                password_hash: Some(hash),
            };
            Ok(ledger.add_people(&[person], sale.now())?.is_ok())
        }
    }
}

fn password() -> Result<String, Failure> {
    random(6)
}

/// `bytes` random bytes as hexadecimal digits.
fn random(bytes: usize) -> Result<String, Failure> {
    let mut raw = vec![0; bytes];
    getrandom::fill(&mut raw)
        .map_err(|_| Failure::Io("random numbers", std::io::ErrorKind::Other))?;
    Ok(raw.iter().map(|byte| format!("{byte:02x}")).collect())
}
