//! `firstcome import`: files become activities, all or nothing; through the running server where there is one.
//! It never resets what is there, and never takes a ledger that somebody else is serving.

use super::{Failure, Owner, open_sale, take_ledger, without_waiting};
use crate::{Place, clock::SteadyClock, config::Config, control};
use sale::{
    DeskRefused, Imported, NewActivity, Operator,
    files::{FileLimits, Problem, ReadActivities, read_activity_file, to_json},
};
use std::{path::PathBuf, sync::Arc};

/// The command. All files go in together, or none does.
pub fn import(
    place: &Place,
    config: &Config,
    files: &[PathBuf],
    update: bool,
) -> Result<(), Failure> {
    let read = read(files)?;
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

/// Everything that can be known without a ledger is found here, whoever has the ledger.
fn read(files: &[PathBuf]) -> Result<ReadActivities, Failure> {
    let limits = FileLimits::DEFAULT;
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match read_activity_file(file, &limits) {
            Ok(activities) => read.push(activities),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(nothing_imported(&problems));
    }
    ReadActivities::joined(read, &limits).map_err(|problems| nothing_imported(&problems))
}

fn nothing_imported(problems: &[Problem]) -> Failure {
    let told = problems.iter().map(ToString::to_string);
    Failure::No(std::iter::once("nothing was imported:".to_owned()).chain(told).collect())
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
        // The server has seen none of our files: it tells places, and the words are made here.
        let refused = serde_json::from_value::<web::ImportRefused>(answer.data);
        return Err(refused.map_or_else(
            |_| Failure::No(vec![answer.message]),
            |refused| said_no(read, refused.into()),
        ));
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
        DeskRefused::IdExists(at) => nothing_imported(&[read.id_exists(at)]),
        DeskRefused::CodeExists(at, kind, code) => {
            nothing_imported(&[read.code_exists(at, kind, code)])
        }
        DeskRefused::NotChangeable(keys) => {
            let told = keys.iter().map(|(activity, key)| read.not_changeable(*activity, key));
            nothing_imported(&told.collect::<Vec<_>>())
        }
        DeskRefused::ClosedAt(at) => nothing_imported(&[read.closed(at)]),
        DeskRefused::Fault(fault) => Failure::Ledger(fault),
        DeskRefused::NotFound
        | DeskRefused::Closed
        | DeskRefused::KeyUsed
        | DeskRefused::WrongKind(_)
        | DeskRefused::Short { .. }
        | DeskRefused::TooMany => Failure::No(vec![format!("{refused:?}")]),
    }
}
