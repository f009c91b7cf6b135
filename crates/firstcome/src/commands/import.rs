//! `firstcome import`: files become activities, all or nothing; through the running server where there is one.
//! It never resets what is there, and never takes a ledger that somebody else is serving.

use super::{Failure, Owner, open_sale, take_ledger, without_waiting};
use crate::{Place, clock::SteadyClock, config::Config, control};
use sale::{
    DeskRefused, Imported, NewActivity, Operator,
    files::{FileLimits, ReadActivities, read_activity_file, to_json},
};
use std::{path::PathBuf, sync::Arc};

/// The command. All files go in together, or none does.
pub fn import(
    place: &Place,
    config: &Config,
    files: &[PathBuf],
    update: bool,
) -> Result<(), Failure> {
    let mut read: Option<ReadActivities> = None;
    let mut problems = Vec::new();
    for file in files {
        match read_activity_file(file, &FileLimits::DEFAULT) {
            Ok(activities) => match &mut read {
                None => read = Some(activities),
                Some(read) => read.append(activities),
            },
            Err(found) => problems.extend(found.iter().map(ToString::to_string)),
        }
    }
    if !problems.is_empty() {
        problems.insert(0, "nothing was imported:".to_owned());
        return Err(Failure::No(problems));
    }
    let Some(read) = read else { return Ok(()) };
    match take_ledger(&place.data, without_waiting(config.ledger))? {
        Owner::Us(ledger) => {
            let meter = Arc::new(web::Metrics::default());
            let sale = open_sale(ledger, Arc::new(SteadyClock::start()), meter, config)?;
            let done = import_here(&sale, &read, update);
            sale.close();
            done
        }
        Owner::Another => import_there(place, &read, update),
    }
}

fn import_here(sale: &sale::Sale, read: &ReadActivities, update: bool) -> Result<(), Failure> {
    let operator = Operator { name: web::COMMAND_LINE.to_owned(), key: None };
    let done = if update {
        sale.update(&read.activities, &operator)
    } else {
        sale.import(&read.activities, &operator)
    };
    for Imported { id, self_registered } in done.map_err(|refused| said_no(read, refused))? {
        report(&id, read, &self_registered);
    }
    Ok(())
}

fn import_there(place: &Place, read: &ReadActivities, update: bool) -> Result<(), Failure> {
    let target = if update { "/admin/act/import?update=1" } else { "/admin/act/import" };
    let body = to_json(&read.activities);
    let answer = control::call(&place.data, target, "application/json", body)?;
    if answer.ret != 0 {
        return Err(Failure::No(vec![answer.message]));
    }
    let texts = |value: &serde_json::Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    for id in texts(&answer.data["ids"]) {
        report(&id, read, &texts(&answer.data["self_registered"][&id]));
    }
    Ok(())
}

fn report(id: &str, read: &ReadActivities, self_registered: &[String]) {
    let roster = |one: &&NewActivity| one.activity.id == id;
    let names = read.activities.iter().find(roster).map_or(0, |one| one.roster.len());
    println!(
        "imported {id}{}",
        if names > 0 { format!(" ({names} names on its roster)") } else { String::new() }
    );
    for name in self_registered {
        println!("  {name} registered themselves before the roster came and cannot claim");
    }
}

fn said_no(read: &ReadActivities, refused: DeskRefused) -> Failure {
    match refused {
        DeskRefused::IdExists(at) => Failure::No(vec![read.id_exists(at).to_string()]),
        DeskRefused::CodeExists(at, kind, code) => {
            Failure::No(vec![read.code_exists(at, kind, code).to_string()])
        }
        DeskRefused::NotChangeable(keys) => {
            Failure::No(keys.iter().map(ToString::to_string).collect())
        }
        DeskRefused::Closed => Failure::No(vec!["the activity is closed".to_owned()]),
        DeskRefused::Fault(fault) => Failure::Ledger(fault),
        DeskRefused::NotFound
        | DeskRefused::WrongKind(_)
        | DeskRefused::Short { .. }
        | DeskRefused::TooMany => Failure::No(vec![format!("{refused:?}")]),
    }
}
