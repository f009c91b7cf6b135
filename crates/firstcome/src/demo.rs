//! `serve --demo`: sample activities and people, so that a first look needs nothing else. The passwords are made
//! anew at every start and printed once, to the terminal only. A sample that is there is never reset.

use crate::{commands::Failure, config::Config};
use door::{Door, Password, hash_password};
use jiff::Timestamp;
use ledger::{NewPerson, Role};
use sale::{
    ActivityState, DeskRefused, Entry, Operator, Sale, Supply, TimeMs, files::FileLimits, standing,
};
use std::sync::Arc;

/// The people of the demonstration.
const PEOPLE: [(&str, Role); 4] = [
    ("demo-operator", Role::Operator),
    ("alice", Role::Buyer),
    ("bob", Role::Buyer),
    ("carol", Role::Buyer),
];
/// The ids of the samples: short, and none that somebody's own first activity is likely to have.
const SAMPLES: [&str; 3] = ["movie", "concert", "masks"];
/// Codes of the sample giveaway, and of the hall of the concert.
const CODES: usize = 100;
/// Seats in the front row of the concert: so few that the next has to line up.
const FRONT_SEATS: usize = 1;
/// Seconds to pay for a sample that costs something: short enough to watch an order expire.
const PAY_WITHIN_S: u64 = 60;
/// Seconds after the first start at which the last sample opens: time to see how it looks before.
const OPENS_AFTER_S: u64 = 300;
/// Seconds after its opening at which the second session of the last sample opens.
const SESSION_AFTER_S: u64 = 3_600;
/// Seconds the samples stay open: whoever comes back to a folder after months still finds them so.
const OPEN_FOR_S: u64 = 365 * 86_400;

/// Adds what is missing and prints how to begin.
pub fn prepare(sale: &Arc<Sale>, door: &Arc<Door>, config: &Config) -> Result<(), Failure> {
    import(sale)?;
    println!("Sample activities:");
    for id in SAMPLES {
        if let Some(entry) = sale.catalog().by_id(id) {
            println!("  {id:14} {}", told(sale, entry));
        }
    }
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

/// The samples that are not there yet. One that is there goes on as it stands, whatever became of it (C6).
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
    let mut missing = read.activities;
    missing.retain(|one| sale.catalog().by_id(&one.activity.id).is_none());
    let operator = Operator { name: web::COMMAND_LINE.to_owned(), key: None };
    match sale.import(&missing, &operator) {
        Ok(_) => Ok(()),
        Err(DeskRefused::Fault(fault)) => Err(Failure::Ledger(fault)),
        Err(refused) => Err(Failure::No(vec![format!("the sample activities: {refused:?}")])),
    }
}

/// How a sample stands, and what to do where it is over.
fn told(sale: &Sale, entry: &Entry) -> String {
    /// Another folder, not this one emptied: what was handed out here stays handed out.
    const AFRESH: &str = "it is never reset; another folder (--data DIR) begins afresh";
    let window = entry.activity.window;
    let summary = sale.summary(entry.no);
    let state = standing(sale.now(), window, summary.closed, summary.paused, summary.supply);
    let Supply { available, total, .. } = summary.supply;
    match state {
        ActivityState::Upcoming => format!("opens at {}, {total} units", utc(window.start())),
        ActivityState::Open => {
            format!("open until {}, {available} of {total} units left", utc(window.end()))
        }
        ActivityState::Paused => format!("paused, {available} of {total} units left"),
        ActivityState::SoldOut => format!("sold out; {AFRESH}"),
        ActivityState::Ended => format!("has ended; {AFRESH}"),
    }
}

/// A moment as people write it; one beyond the calendar is shown as its end.
fn utc(time: TimeMs) -> String {
    let moment = i64::try_from(time.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn activities(now: u64) -> Result<String, Failure> {
    let codes = some_codes("DEMO", CODES)?;
    let [front, hall] = [some_codes("FRONT", FRONT_SEATS)?, some_codes("HALL", CODES)?];
    let [movie, concert, masks] = SAMPLES;
    let opens = now + OPENS_AFTER_S;
    let (end, later) = (now + OPEN_FOR_S, opens + SESSION_AFTER_S);
    Ok(format!(
        r#"
[[activity]]
id = "{movie}"
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
id = "{concert}"
name = "屋顶音乐会 Rooftop concert"
desc = "前排只有 {FRONT_SEATS} 个座位，{PAY_WITHIN_S} 秒内付款；没付款的座位按顺序给候补的人。 One seat in the front row, {PAY_WITHIN_S} seconds to pay; a seat nobody pays for goes to the first in line."
start_time = {now}
end_time = {end}
standby = true
  [[activity.ticket]]
  id = "front"
  name = "前排 Front row"
  price = "19.80"
  currency = "CNY"
  codes = [{front}]
  pay_within_s = {PAY_WITHIN_S}
  [[activity.ticket]]
  id = "hall"
  name = "普通座 Hall"
  price = "9.90"
  currency = "CNY"
  codes = [{hall}]
  limit_per_user = 4
  pay_within_s = {PAY_WITHIN_S}

[[activity]]
id = "{masks}"
name = "口罩预约 Masks"
desc = "两个场次，每人限领两份。 Two sessions, two packs a person over both."
start_time = {opens}
end_time = {end}
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
  end_time = {end}
"#
    ))
}

/// So many codes, as the value of a key of the file.
fn some_codes(prefix: &str, count: usize) -> Result<String, Failure> {
    let codes: Result<Vec<String>, Failure> =
        (0..count).map(|_| Ok(format!("\"{prefix}-{}\"", random(5)?.to_uppercase()))).collect();
    Ok(codes?.join(","))
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
