//! Changing an activity that exists: texts, pictures, a later end. Everything else is shown with the reason why it stays.
//! It goes the way of an import with `update=1`, which compares with the ledger and never resets a sale.

use super::{
    draft::{Draft, time_value, type_field},
    entry,
    fields::Fields,
    writing::{Preview, told},
};
use crate::{
    cold::{Asked, Takes, blocking, desk_problem},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, see_other, to, with_status},
        moments::{Shown, span},
        price,
    },
};
use askama::Template;
use axum::Router;
use http::StatusCode;
use sale::{Entry, Operator, TicketType, UnitKind, Window, files::to_json};
use serde_json::Value;
use std::sync::Arc;

/// The routes of changes.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/act/{id}/edit"), pages.form(Takes::Import, form, sent))
}

#[derive(Template)]
#[template(path = "desk/edit.html")]
struct Edit {
    f: Frame,
    d: Draft,
    zone: String,
    id: String,
    start: Shown,
    limit: Option<u32>,
    roster: bool,
    closed: bool,
    standby: bool,
    kinds: Vec<Kind>,
    preview: Option<Preview>,
    saved: bool,
}

/// A ticket type: the names of its fields, and what stays as it is.
struct Kind {
    number: usize,
    name: String,
    desc: String,
    image: String,
    end: Option<String>,
    start: Option<Shown>,
    limit: u32,
    codes: bool,
    from: Shown,
    until: Option<Shown>,
    /// The price, the time to pay, and that of those in line; nothing where it is free.
    price: Option<(String, String, String)>,
}

async fn form(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let entry = entry(&asked)?;
    let saved = asked.params()?.get("saved") == Some("1");
    let draft = draft(&asked, standing(&asked, &entry), &entry);
    Ok(page(&asked, &entry, StatusCode::OK, draft, None, saved))
}

/// The fields as the activity has them.
fn standing(asked: &Asked, entry: &Entry) -> Fields {
    let (zone, activity) = (asked.app.settings.pages.zone(), &entry.activity);
    let mut fields = Fields::default();
    fields.set("name", &*activity.name);
    fields.set("desc", &*activity.desc);
    fields.set("image", &*activity.image);
    fields.set("end_time", zone.field(activity.window.end()));
    for (at, kind) in activity.types.iter().enumerate() {
        fields.set(&type_field(at, "name"), &*kind.name);
        fields.set(&type_field(at, "desc"), &*kind.desc);
        fields.set(&type_field(at, "image"), &*kind.image);
        if let Some(window) = kind.window {
            fields.set(&type_field(at, "end_time"), zone.field(window.end()));
        }
    }
    fields
}

fn draft(asked: &Asked, mut fields: Fields, entry: &Entry) -> Draft {
    fields.set("types", entry.activity.types.len().to_string());
    let id = entry.activity.id.clone();
    Draft::new(fields, asked.app.settings.pages.zone(), asked.language, id)
}

async fn sent(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let entry = entry(&asked)?;
    blocking(move || {
        let fields = Fields::of(&asked)?;
        let preview = fields.get("do") == "preview";
        let draft = draft(&asked, fields, &entry);
        sent_now(&asked, &operator, &entry, draft, preview)
    })
    .await?
}

fn sent_now(
    asked: &Asked,
    operator: &Operator,
    entry: &Arc<Entry>,
    mut draft: Draft,
    preview: bool,
) -> Result<Reply, Problem> {
    let table = changed(asked, entry, &draft)?;
    let Some(read) = draft.read_table(table) else {
        return Ok(page(asked, entry, StatusCode::BAD_REQUEST, draft, None, false));
    };
    if preview {
        let preview = Preview::new(asked, &read.activities[0]);
        return Ok(page(asked, entry, StatusCode::OK, draft, Some(preview), false));
    }
    match asked.app.sale.update(&read.activities, operator) {
        Ok(_) => {
            let path = format!("/desk/act/{}/edit?saved=1", entry.activity.id);
            Ok(see_other(&to(asked.language, &path)))
        }
        Err(refused) => {
            let action = "admin/act/import?update=1";
            let status = told(asked, operator, &mut draft, &read, refused, action);
            Ok(page(asked, entry, status, draft, None, false))
        }
    }
}

/// The activity as an import of it would be, with what the form changes.
fn changed(asked: &Asked, entry: &Entry, draft: &Draft) -> Result<Value, Problem> {
    let definition = asked.app.sale.definition(entry);
    let definition = definition.map_err(|fault| desk_problem(asked, fault.into()))?;
    let mut file: Value = serde_json::from_str(&to_json(&[definition])).expect("it was just made");
    let mut table = file["activity"][0].take();
    let zone = asked.app.settings.pages.zone();
    let end = |value: &mut Value, window: Window, name: &str| {
        let text = draft.value(name).trim();
        // A field shows whole seconds; one that was left alone changes nothing.
        if text != zone.field(window.end()) {
            *value = time_value(zone, text);
        }
    };
    for key in ["name", "desc", "image"] {
        table[key] = draft.value(key).trim().into();
    }
    end(&mut table["end_time"], entry.activity.window, "end_time");
    for (at, kind) in entry.activity.types.iter().enumerate() {
        let ticket = &mut table["ticket"][at];
        for key in ["name", "desc", "image"] {
            ticket[key] = draft.value(&type_field(at, key)).trim().into();
        }
        if let Some(window) = kind.window {
            end(&mut ticket["end_time"], window, &type_field(at, "end_time"));
        }
    }
    Ok(table)
}

fn page(
    asked: &Asked,
    entry: &Entry,
    status: StatusCode,
    d: Draft,
    preview: Option<Preview>,
    saved: bool,
) -> Reply {
    let (zone, activity) = (asked.app.settings.pages.zone(), &entry.activity);
    let kind = |(at, kind): (usize, &TicketType)| Kind {
        number: at + 1,
        name: type_field(at, "name"),
        desc: type_field(at, "desc"),
        image: type_field(at, "image"),
        end: kind.window.map(|_| type_field(at, "end_time")),
        start: kind.window.map(|window| zone.moment(window.start())),
        limit: kind.limit_per_user,
        codes: kind.kind == UnitKind::Codes,
        from: zone.moment(kind.validity.from),
        until: kind.validity.until.map(|until| zone.moment(until)),
        price: price::shown(&kind.price).map(|price| {
            let within = |seconds| span(seconds, asked.language);
            (price, within(kind.pay_within_s), within(kind.offer_within_s))
        }),
    };
    let page = Edit {
        f: Frame::of(asked),
        d,
        zone: zone.name(),
        id: activity.id.clone(),
        start: zone.moment(activity.window.start()),
        limit: activity.limit_per_user,
        roster: activity.has_roster,
        closed: asked.app.sale.summary(entry.no).closed,
        standby: activity.standby,
        kinds: activity.types.iter().enumerate().map(kind).collect(),
        preview,
        saved,
    };
    let mut reply = with_status(asked, status, &page);
    if status != StatusCode::OK {
        reply.ret = -(status.as_u16() as i16);
    }
    reply
}
