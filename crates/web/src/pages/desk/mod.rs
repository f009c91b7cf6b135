//! The operators' desk: everything an organiser does, from a spreadsheet to the export, without reading anything first.
//! Whoever is no operator sees nothing of it; every change goes the way of the calls and is in the audit log.

mod audit;
mod codes;
mod draft;
mod edit;
mod fields;
mod file;
mod find;
mod list;
mod live;
mod made;
mod orders;
mod pasted;
mod payments;
mod people;
mod rehearse;
mod sheet;
mod switches;
mod telling;
mod webhooks;
mod writing;

use super::Pages;
use crate::{cold::Asked, envelope::Problem};
use axum::Router;
use sale::Entry;
use std::sync::Arc;

/// The routes of the desk.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .merge(list::routes(pages))
        .merge(writing::routes(pages))
        .merge(file::routes(pages))
        .merge(sheet::routes(pages))
        .merge(made::routes(pages))
        .merge(edit::routes(pages))
        .merge(codes::routes(pages))
        .merge(people::routes(pages))
        .merge(live::routes(pages))
        .merge(switches::routes(pages))
        .merge(find::routes(pages))
        .merge(audit::routes(pages))
        .merge(rehearse::routes(pages))
        .merge(orders::routes(pages))
        .merge(payments::routes(pages))
        .merge(webhooks::routes(pages))
}

/// The activity of a path `/desk/act/ID/...`.
fn entry(asked: &Asked) -> Result<Arc<Entry>, Problem> {
    asked.app.sale.catalog().by_id(asked.segment(2)).cloned().ok_or(Problem::NotFound("actId"))
}
