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
    params::{Params, Reason, bad},
};
use askama::Template;
use axum::Router;
use http::{HeaderValue, StatusCode, header};
use sale::{
    Activity, BASKET_UNITS_MAX, Effect, Entry, Item, OrderState, Outcome, Recorded, Refusal,
    Request, Sale, TypeNo,
};
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
    /// What the form sends once more: names and values.
    again: Option<Vec<(String, String)>>,
    /// The type for which one may line up.
    line: Option<String>,
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

    fn line_text(&self) -> &'static str {
        say("line_open").text(self.f.language)
    }
}

async fn claim(asked: Asked) -> Result<Reply, Problem> {
    let who = asked.app.need_who(&asked.parts.headers, asked.now)?;
    let form = asked.form()?;
    let entry = entry(&asked, asked.segment(1))?;
    let (items, key) = (items(&entry.activity, &form)?, form.need("key")?);
    if !is_key(key) {
        return Err(bad("key", Reason::Form).into());
    }
    let sale = &asked.app.sale;
    let user = who.session.user;
    let key_hash = Some(sale.ids().key(&key_of(key, &items)));
    let request = Request { items: &items, user, key: key_hash };
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
    let asks =
        Asks { again: Some(fields(&entry.activity, &items, key)), kind: items[0].ticket_type };
    Ok(answer(&asked, &entry, outcome, asks))
}

/// What the form asks for: the numbers that were chosen, or else one of the chosen type.
fn items(activity: &Activity, form: &Params<'_>) -> Result<Vec<Item>, Problem> {
    let mut items = Vec::new();
    let mut units = 0u64;
    for (at, kind) in activity.types.iter().enumerate() {
        let name = format!("qty.{}", kind.id);
        let count = form.number(&name, 0, u64::from(BASKET_UNITS_MAX))?.unwrap_or(0);
        units += count;
        if units > u64::from(BASKET_UNITS_MAX) {
            return Err(bad(&name, Reason::Number).into());
        }
        if count > 0 {
            items.push(Item { ticket_type: TypeNo(at as u16), count: count as u8 });
        }
    }
    if items.is_empty() {
        items.push(Item { ticket_type: ticket_type(activity, form.get("typeId"))?, count: 1 });
    }
    Ok(items)
}

/// The form once more, as fields.
fn fields(activity: &Activity, items: &[Item], key: &str) -> Vec<(String, String)> {
    let count = |item: &Item| {
        let kind = &activity.types[usize::from(item.ticket_type.0)];
        (format!("qty.{}", kind.id), item.count.to_string())
    };
    let key = ("key".to_owned(), key.to_owned());
    items.iter().map(count).chain([key]).collect()
}

/// What an answer needs of the question.
struct Asks {
    /// The form once more, where it may be sent again.
    again: Option<Vec<(String, String)>>,
    /// The first type.
    kind: TypeNo,
}

/// The page of a claim that is still being written down.
async fn queued(asked: Asked) -> Result<Reply, Problem> {
    let user = asked.app.need_who(&asked.parts.headers, asked.now)?.session.user;
    let sale = &asked.app.sale;
    let unknown = Problem::NotFound("claimId");
    let id = sale.ids().read_claim(asked.segment(1), user).ok_or(unknown.clone())?;
    let entry = sale.catalog().by_no(id.activity).cloned().ok_or(unknown)?;
    let outcome = sale.result(id, user).map_err(unread)?;
    // Of a basket nobody knows here what was in it; its first type is as good as any to line up for.
    let known = usize::from(id.ticket_type.0) < entry.activity.types.len();
    let kind = if known { id.ticket_type } else { TypeNo(0) };
    Ok(answer(&asked, &entry, outcome, Asks { again: None, kind }))
}

/// The key of one more claim of the type of this line: it comes after whatever the person ever had of it, so that
/// pressing twice is the same claim, and what was given back or expired is not found again.
pub fn next_key(sale: &Sale, line: &Recorded) -> String {
    let claim = &line.claim;
    let newest = sale.newest_of(claim.activity, claim.ticket_type, claim.user);
    let newest = newest.map_or(claim.claim_no, |newest| newest.claim.claim_no);
    format!("form-{}", newest.0 + 1)
}

/// The key of a claim by form. The page is the same for everybody and its key for everything on it, but a key stands
/// for one claim of a person in an activity.
fn key_of(key: &str, items: &[Item]) -> String {
    let one = |item: &Item| match item.count {
        1 => item.ticket_type.0.to_string(),
        count => format!("{}x{count}", item.ticket_type.0),
    };
    let items: Vec<String> = items.iter().map(one).collect();
    format!("form:{}:{key}", items.join(","))
}

fn entry(asked: &Asked, id: &str) -> Result<Arc<Entry>, Problem> {
    asked.app.sale.catalog().by_id(id).cloned().ok_or(Problem::NotFound("actId"))
}

fn answer(asked: &Asked, entry: &Entry, outcome: Outcome, asks: Asks) -> Reply {
    let ids = asked.app.sale.ids();
    let ticket = |one: &Recorded| ids.ticket(&one.claim);
    let (sentence, had, reload) = match &outcome {
        Outcome::Won(first) => return see_other(&won(asked, first)),
        Outcome::Queued(id) if asks.again.is_some() => {
            return see_other(&to(asked.language, &format!("/claim/{}", id.as_str())));
        }
        Outcome::Queued(_) => (say("queued"), Vec::new(), Some(AGAIN_AFTER_S)),
        Outcome::Refused(no) => (refused(no.refusal), no.had.iter().map(ticket).collect(), None),
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
        Outcome::Refused(no) => {
            !matches!(no.refusal, Refusal::NotStarted | Refusal::Paused | Refusal::HeldByOthers)
        }
        _ => false,
    };
    let nothing_free = matches!(
        &outcome,
        Outcome::Refused(no) if matches!(no.refusal, Refusal::HeldByOthers | Refusal::SoldOut)
    );
    let line = (nothing_free && entry.activity.standby)
        .then(|| entry.activity.types[usize::from(asks.kind.0)].id.clone());
    let page = Answer {
        f: Frame::of(asked),
        sentence,
        act_id: entry.activity.id.clone(),
        act_name: entry.activity.name.clone(),
        again: asks.again.filter(|_| !final_no),
        line,
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

/// Where somebody goes who got something: to the ticket, or where it is not theirs yet, or there are several, to the
/// order.
fn won(asked: &Asked, first: &Recorded) -> String {
    let ids = asked.app.sale.ids();
    let path = if first.state == OrderState::Paid && first.claim.lines == 1 {
        format!("/ticket/{}?won=1", ids.ticket(&first.claim))
    } else {
        format!("/order/{}", ids.claim(&first.claim).as_str())
    };
    to(asked.language, &path)
}
