//! The button for those without scripts: a form that claims, and its answer as a page. The hidden key of the form
//! stands for the Idempotency-Key header, so that pressing twice or going back never takes a second unit.

use super::{
    Pages,
    frame::{Frame, see_other, to, unread, with_status},
    words::{Sentence, refused, say},
};
use crate::{
    cold::Asked,
    envelope::{Problem, Reply},
    hot::{is_key, ticket_type},
    params::{Reason, bad},
};
use askama::Template;
use axum::Router;
use http::{HeaderValue, StatusCode, header};
use sale::{Claim, Effect, Entry, Outcome, Refusal, Request, TypeNo};
use std::sync::Arc;

/// Seconds after which a browser without scripts asks again by itself.
const AGAIN_AFTER_S: u32 = 2;

/// The routes of the form.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .route(&pages.path("/act/{id}/claim"), pages.post(claim))
        .route(&pages.path("/claim/{id}"), pages.get(queued))
}

#[derive(Template)]
#[template(path = "answer.html")]
struct Answer {
    f: Frame,
    sentence: &'static Sentence,
    act_id: String,
    act_name: String,
    /// What the form sends once more: the type and the key.
    again: Option<(String, String)>,
    /// Seconds until the page asks again by itself.
    reload_s: Option<u32>,
    /// Tickets of this person.
    had: Vec<String>,
}

impl Answer {
    fn title(&self) -> &'static str {
        self.sentence.title(self.f.language)
    }

    fn text(&self) -> &'static str {
        self.sentence.text(self.f.language)
    }
}

async fn claim(asked: Asked) -> Result<Reply, Problem> {
    let who = asked.app.need_who(&asked.parts.headers, asked.now)?;
    let form = asked.form()?;
    let entry = entry(&asked, asked.segment(1))?;
    let (kind, key) = (ticket_type(&entry.activity, form.get("typeId"))?, form.need("key")?);
    if !is_key(key) {
        return Err(bad("key", Reason::Form).into());
    }
    let sale = &asked.app.sale;
    let user = who.session.user;
    let request =
        Request { ticket_type: kind, user, key: Some(sale.ids().key(&key_of(key, kind))) };
    let client = asked.client.map(|client| client.0);
    let allowed = client.map_or(Ok(()), |client| asked.app.limits.claim(user, client, asked.now));
    let decided = match allowed {
        Ok(()) => sale.decide(&entry, request),
        Err(empty) => sale.known(&entry, request).ok_or(empty)?,
    };
    let outcome = match decided {
        Ok(outcome) => outcome,
        Err(deciding) => sale.outcome(deciding).await,
    };
    let again = (entry.activity.types[usize::from(kind.0)].id.clone(), key.to_owned());
    Ok(answer(&asked, &entry, outcome, Some(again)))
}

/// The page of a claim that is still being written down.
async fn queued(asked: Asked) -> Result<Reply, Problem> {
    let user = asked.app.need_who(&asked.parts.headers, asked.now)?.session.user;
    let sale = &asked.app.sale;
    let unknown = Problem::NotFound("claimId");
    let id = sale.ids().read_claim(asked.segment(1), user).ok_or(unknown.clone())?;
    let entry = sale.catalog().by_no(id.activity).cloned().ok_or(unknown)?;
    let outcome = sale.result(id, user).map_err(unread)?;
    Ok(answer(&asked, &entry, outcome, None))
}

/// The key of a claim by form. The page is the same for everybody and its key for every type, but a key stands for
/// one claim of a person in an activity.
fn key_of(key: &str, kind: TypeNo) -> String {
    format!("form:{}:{key}", kind.0)
}

fn entry(asked: &Asked, id: &str) -> Result<Arc<Entry>, Problem> {
    asked.app.sale.catalog().by_id(id).cloned().ok_or(Problem::NotFound("actId"))
}

fn answer(
    asked: &Asked,
    entry: &Entry,
    outcome: Outcome,
    again: Option<(String, String)>,
) -> Reply {
    let ids = asked.app.sale.ids();
    let ticket = |claim: &Claim| ids.ticket(claim).as_str().to_owned();
    let (sentence, had, reload) = match &outcome {
        Outcome::Won(claim) => {
            let path = format!("/ticket/{}?won=1", ticket(claim));
            return see_other(&to(asked.language, &path));
        }
        Outcome::Queued(id) if again.is_some() => {
            return see_other(&to(asked.language, &format!("/claim/{}", id.as_str())));
        }
        Outcome::Queued(_) => (say("queued"), Vec::new(), Some(AGAIN_AFTER_S)),
        Outcome::Refused(refusal, had) => {
            (refused(*refusal), had.iter().map(ticket).collect(), None)
        }
        Outcome::Busy => (say("failed"), Vec::new(), None),
        Outcome::Failed(Effect::None) => (say("failed"), Vec::new(), None),
        Outcome::Failed(Effect::Unknown) => (say("unknown"), Vec::new(), None),
    };
    let status = match &outcome {
        Outcome::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    };
    let final_no = match &outcome {
        Outcome::Refused(refusal, _) => !matches!(refusal, Refusal::NotStarted | Refusal::Paused),
        _ => false,
    };
    let page = Answer {
        f: Frame::of(asked),
        sentence,
        act_id: entry.activity.id.clone(),
        act_name: entry.activity.name.clone(),
        again: again.filter(|_| !final_no),
        reload_s: reload,
        had,
    };
    let mut reply = with_status(asked, status, &page);
    if let Some(seconds) = reload {
        // Without a script this is how a page asks again.
        reply.response.headers_mut().insert(header::REFRESH, HeaderValue::from(seconds));
    }
    reply
}
