//! Endpoints that are sent what happens: added, removed, looked at, tried out. A secret is in the answer that made it
//! and nowhere else; deliveries themselves are made outside of this crate.

use super::{Asked, At, GET, POST, READ_ADD_REMOVE, Takes, user::faulted};
use crate::{
    envelope::{Keep, Problem, Reply, success},
    outside::{
        Attempt, EVENT_TYPES, NOTE_BYTES_MAX, NewWebhook, Outside, OutsideFault, Reached,
        URL_BYTES_MAX, Webhook,
    },
    params::{Reason, bad},
};
use axum::Router;
use http::Method;
use sale::{ActivityNo, Effect, Operator, Sale, TimeMs};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Attempts of a page where nothing is said, and at most.
const ATTEMPTS: u64 = 20;
const ATTEMPTS_MAX: u64 = 100;

/// The routes of endpoints.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/admin/webhooks", at.call(READ_ADD_REMOVE, Takes::Little, webhooks))
        .route("/admin/webhooks/rotate", at.call(POST, Takes::Little, rotate))
        .route("/admin/webhooks/park", at.call(POST, Takes::Little, |asked| park(asked, true)))
        .route("/admin/webhooks/resume", at.call(POST, Takes::Little, |asked| park(asked, false)))
        .route("/admin/webhooks/replay", at.call(POST, Takes::Little, replay))
        .route("/admin/webhooks/test", at.call(POST, Takes::Little, test))
        .route("/admin/webhooks/deliveries", at.call(GET, Takes::Little, deliveries))
}

impl Asked {
    /// The world outside, where this server has one.
    pub fn outside(&self) -> Result<Arc<dyn Outside>, Problem> {
        self.app.outside().cloned().ok_or(Problem::SwitchedOff)
    }
}

async fn webhooks(asked: Asked) -> Result<Reply, Problem> {
    match asked.parts.method {
        Method::POST => add(asked).await,
        Method::DELETE => remove(asked).await,
        _ => list(asked).await,
    }
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let outside = asked.outside()?;
    asked.audit(&operator, "admin/webhooks", "", String::new());
    let found = outside.webhooks().await.map_err(|fault| not_done(&asked, fault))?;
    let rows: Vec<Value> = found.iter().map(|one| row(&asked.app.sale, one)).collect();
    Ok(success(&json!({ "list": rows }), Keep::Private))
}

fn row(sale: &Sale, one: &Webhook) -> Value {
    let reached = |at: &Reached| {
        json!({
            "act_id": act_id(sale, at.activity), "after": at.after, "failures": at.failures,
            "retry_at": (at.failures > 0).then(|| at.not_before.seconds()),
        })
    };
    json!({
        "id": one.id, "url": one.set.url, "act_id": one.set.activity.map(|no| act_id(sale, no)),
        "types": one.set.types, "note": one.set.note,
        "state": if one.parked { "parked" } else { "active" },
        "created_at": one.created_at.seconds(),
        "old_secret_until": one.old_secret_until.map(TimeMs::seconds),
        "reached": one.reached.iter().map(reached).collect::<Vec<_>>(),
    })
}

fn act_id(sale: &Sale, no: ActivityNo) -> Option<String> {
    Some(sale.catalog().by_no(no)?.activity.id.clone())
}

/// An endpoint as an operator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    url: String,
    #[serde(rename = "actId")]
    act_id: Option<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    note: String,
}

impl Given {
    fn checked(self, sale: &Sale) -> Result<NewWebhook, Problem> {
        let Self { url, act_id, mut types, note } = self;
        if url.is_empty() || url.len() > URL_BYTES_MAX {
            return Err(bad("url", Reason::Form).into());
        }
        if note.len() > NOTE_BYTES_MAX || note.chars().any(char::is_control) {
            return Err(bad("note", Reason::Form).into());
        }
        if types.iter().any(|one| !EVENT_TYPES.contains(&one.as_str())) {
            return Err(bad("types", Reason::Choice).into());
        }
        types.sort_unstable();
        types.dedup();
        let activity = match act_id {
            None => None,
            Some(id) => Some(sale.catalog().by_id(&id).ok_or(Problem::NotFound("actId"))?.no),
        };
        Ok(NewWebhook { url, activity, types, note })
    }
}

async fn add(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let outside = asked.outside()?;
    let new = asked.json::<Given>()?.checked(&asked.app.sale)?;
    let made = outside.add(new).await.map_err(|fault| not_done(&asked, fault))?;
    let what = format!("endpoint {} added", made.id);
    asked.audit_change(&operator, "admin/webhooks", "", what).await?;
    Ok(success(&json!({ "id": made.id, "secret": made.secret }), Keep::Private))
}

/// Why nothing was done, or why nobody knows.
pub fn not_done(asked: &Asked, fault: OutsideFault) -> Problem {
    let (en, zh) = match fault {
        OutsideFault::Url => {
            ("url: not an http or https address of a host", "url：不是有效的 http 或 https 地址")
        }
        OutsideFault::Forbidden => {
            ("url: an address that may not be reached from here", "url：不允许访问的地址")
        }
        OutsideFault::OtherActivity => {
            ("actId: the webhook does not hear of this activity", "actId：该端点不接收此活动")
        }
        OutsideFault::TooMany => {
            let text = asked.language.pick("as many webhooks as there may be", "端点数量已达上限");
            return Problem::Conflict(text.to_owned());
        }
        OutsideFault::Unknown => return Problem::NotFound("id"),
        OutsideFault::Busy => return Problem::Fault(Effect::Unknown),
        OutsideFault::Ledger(fault) => return faulted(fault),
    };
    Problem::Content(asked.language.pick(en, zh).to_owned(), json!({}))
}

impl Asked {
    /// Who asks for something to be done to which endpoint.
    async fn endpoint(&self) -> Result<(Operator, Arc<dyn Outside>, String), Problem> {
        let operator = self.operator().await?;
        let outside = self.outside()?;
        let id = self.params()?.need("id")?.to_owned();
        Ok((operator, outside, id))
    }

    /// Writes down what was done to an endpoint.
    async fn done(
        &self,
        operator: &Operator,
        action: &str,
        what: String,
        done: Result<(), OutsideFault>,
    ) -> Result<Reply, Problem> {
        done.map_err(|fault| not_done(self, fault))?;
        self.audit_change(operator, action, "", what).await?;
        Ok(success(&json!({}), Keep::Private))
    }
}

async fn remove(asked: Asked) -> Result<Reply, Problem> {
    let (operator, outside, id) = asked.endpoint().await?;
    let done = outside.remove(&id).await;
    asked.done(&operator, "admin/webhooks", format!("endpoint {id} removed"), done).await
}

async fn rotate(asked: Asked) -> Result<Reply, Problem> {
    let (operator, outside, id) = asked.endpoint().await?;
    let made = outside.rotate(&id).await.map_err(|fault| not_done(&asked, fault))?;
    let what = format!("endpoint {id}");
    asked.audit_change(&operator, "admin/webhooks/rotate", "", what).await?;
    Ok(success(&json!({ "id": made.id, "secret": made.secret }), Keep::Private))
}

async fn park(asked: Asked, parked: bool) -> Result<Reply, Problem> {
    let (operator, outside, id) = asked.endpoint().await?;
    let action = if parked { "admin/webhooks/park" } else { "admin/webhooks/resume" };
    let done = outside.park(&id, parked).await;
    asked.done(&operator, action, format!("endpoint {id}"), done).await
}

async fn replay(asked: Asked) -> Result<Reply, Problem> {
    let (operator, outside, id) = asked.endpoint().await?;
    let after = {
        let params = asked.params()?;
        let after = params.number("after", 0, u64::MAX)?;
        after.ok_or_else(|| bad("after", Reason::Missing))?
    };
    let entry = asked.entry()?;
    let done = outside.replay(&id, entry.no, after).await;
    let what = format!("endpoint {id} of {} after {after}", entry.activity.id);
    asked.done(&operator, "admin/webhooks/replay", what, done).await
}

async fn test(asked: Asked) -> Result<Reply, Problem> {
    let (operator, outside, id) = asked.endpoint().await?;
    let tried = outside.test(&id).await.map_err(|fault| not_done(&asked, fault))?;
    asked.audit(&operator, "admin/webhooks/test", "", format!("endpoint {id}"));
    Ok(success(&attempt(&asked.app.sale, &tried), Keep::Private))
}

fn attempt(sale: &Sale, one: &Attempt) -> Value {
    json!({
        "at": one.at.seconds(), "act_id": one.fact.map(|(activity, _)| act_id(sale, activity)),
        "no": one.fact.map(|(_, no)| no), "outcome": one.outcome.name(),
        "status": one.outcome.status(), "took_ms": one.took_ms,
    })
}

async fn deliveries(asked: Asked) -> Result<Reply, Problem> {
    let (operator, outside, id) = asked.endpoint().await?;
    let most = asked.params()?.number("pageSize", 1, ATTEMPTS_MAX)?.unwrap_or(ATTEMPTS) as u32;
    asked.audit(&operator, "admin/webhooks/deliveries", "", format!("endpoint {id}"));
    let found = outside.attempts(&id, most).await.map_err(|fault| not_done(&asked, fault))?;
    let rows: Vec<Value> = found.iter().map(|one| attempt(&asked.app.sale, one)).collect();
    Ok(success(&json!({ "list": rows }), Keep::Private))
}
