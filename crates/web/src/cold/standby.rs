//! The waiting list: joining it, leaving it, and one's place in it. Who gets a unit that comes back is decided by the
//! stock in the order of joining, never here (C22).

use super::{Asked, At, READ_ADD_REMOVE, Takes, orders::changing};
use crate::{
    App,
    envelope::{Keep, Problem, Reply, success},
    hot::{refused, ticket_type},
};
use axum::Router;
use http::Method;
use sale::{Entry, InLine, LinedUp, TypeNo, UserNo};
use serde_json::json;
use std::sync::Arc;

/// The route of the waiting list.
pub fn routes(at: &At) -> Router {
    Router::new().route("/act/standby", at.call(READ_ADD_REMOVE, Takes::Little, standby))
}

async fn standby(asked: Asked) -> Result<Reply, Problem> {
    match asked.parts.method {
        Method::POST => join(asked).await,
        Method::DELETE => leave(asked).await,
        _ => look(&asked),
    }
}

/// A line, and who asks about it.
struct Line {
    user: UserNo,
    entry: Arc<Entry>,
    kind: TypeNo,
}

impl Line {
    fn of(asked: &Asked, user: UserNo) -> Result<Self, Problem> {
        let params = asked.params()?;
        let entry = asked.entry()?;
        let kind = ticket_type(&entry.activity, params.get("typeId"))?;
        Ok(Self { user, entry, kind })
    }

    /// People in it.
    fn waiting(&self, app: &App) -> u32 {
        let counts = app.sale.counts(self.entry.no);
        counts.types.get(usize::from(self.kind.0)).map_or(0, |one| one.waiting)
    }

    /// The order that was made for this person out of the line, while it is theirs.
    fn offer(&self, app: &App) -> Option<String> {
        let offered = app.sale.offer_of(&self.entry, self.kind, self.user);
        offered.map(|line| app.sale.claim_id(&line.claim).as_str().to_owned())
    }
}

fn look(asked: &Asked) -> Result<Reply, Problem> {
    let line = Line::of(asked, asked.reader()?)?;
    let app = &asked.app;
    let place = app.sale.in_line(&line.entry, line.kind, line.user);
    let data = json!({
        "type_id": line.entry.activity.types[usize::from(line.kind.0)].id,
        "position": place.map(position), "ahead": place.map(|place| place.ahead),
        "waiting": line.waiting(app), "offer": line.offer(app),
    });
    Ok(success(&data, Keep::Private))
}

/// A place counted from 1.
fn position(place: InLine) -> u32 {
    place.ahead + 1
}

async fn join(asked: Asked) -> Result<Reply, Problem> {
    let line = Line::of(&asked, asked.changer()?)?;
    let app = &asked.app;
    asked.spend_change(line.user)?;
    if let Some(client) = asked.client {
        // Asking for a place is asking for a unit, so one bound holds both.
        app.limits.claim(line.user, client.0, asked.now)?;
    }
    let joined = app.sale.line_up(&line.entry, line.kind, line.user).await.map_err(changing)?;
    let state = match joined {
        LinedUp::InLine(place) => {
            let data = json!({
                "position": position(place), "ahead": place.ahead, "waiting": line.waiting(app),
            });
            return Ok(success(&data, Keep::Private));
        }
        LinedUp::Refused(no) => {
            let prepared = app.prepared();
            let act = prepared.get(&line.entry.activity.id).ok_or(Problem::NotFound("actId"))?;
            return Ok(refused(app, act, line.kind, &no, asked.language));
        }
        LinedUp::Free => json!({ "state": "free" }),
        LinedUp::Off => json!({ "state": "off" }),
        LinedUp::Offered(_) => json!({ "state": "offered", "order_id": line.offer(app) }),
    };
    Err(Problem::WrongState(state))
}

async fn leave(asked: Asked) -> Result<Reply, Problem> {
    let line = Line::of(&asked, asked.changer()?)?;
    asked.spend_change(line.user)?;
    let left = asked.app.sale.leave_line(&line.entry, line.kind, line.user).await;
    Ok(success(&json!({ "left": left.map_err(changing)? }), Keep::Private))
}
