//! /ticket/get and /ticket/result: the claim itself. What the sale answers is put into words here, nothing else.
//! It never turns a fault into a refusal, nor a refusal into a fault.

use super::{Asked, Step};
use crate::{
    App,
    envelope::{
        Keep, Problem, RESULT_AFTER_MS, Reply, begin, end, envelope, refusal_message, reply,
    },
    json,
    language::Language,
    params::{Reason, bad},
    prepared::PreparedActivity,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use sale::{
    Activity, Claim, Deciding, IdText, KEY_CHARS_MAX, KeyHash, Outcome, Refusal, Request, TypeNo,
};
use std::sync::{Arc, LazyLock};

/// A claim that waits for the disk, with what its answer needs.
pub struct Waiting {
    deciding: Deciding,
    telling: Telling,
}

/// What the answer to a claim needs.
struct Telling {
    act: Arc<PreparedActivity>,
    ticket_type: TypeNo,
    language: Language,
}

/// /ticket/get
pub fn get(asked: &Asked<'_>) -> Result<Step, Problem> {
    let user = asked.need_who()?.session.user;
    let id = asked.params.need("actId")?;
    let key = idempotency_key(asked)?;
    let prepared = asked.app.prepared();
    let act = prepared.get(id).ok_or(Problem::NotFound("actId"))?;
    let ticket_type = ticket_type(&act.entry.activity, asked.params.get("typeId"))?;
    let request = Request { ticket_type, user, key };
    let language = Language::of(&asked.parts.headers);
    let sale = &asked.app.sale;
    let decided = match asked.app.limits.claim(user, asked.client.0, asked.now) {
        Ok(()) => sale.decide(&act.entry, request),
        // A known key comes before "too many".
        Err(empty) => sale.known(&act.entry, request).ok_or(empty)?,
    };
    let telling = Telling { act: Arc::clone(act), ticket_type, language };
    match decided {
        Ok(outcome) => telling.answer(asked.app, outcome).map(Step::Done),
        Err(deciding) => Ok(Step::Waits(Waiting { deciding, telling })),
    }
}

impl Waiting {
    /// The answer, once it may be given.
    pub async fn answer(self, app: &App) -> Result<Reply, Problem> {
        let outcome = app.sale.outcome(self.deciding).await;
        self.telling.answer(app, outcome)
    }
}

/// /ticket/result
pub fn result(asked: &Asked<'_>) -> Result<Reply, Problem> {
    let user = asked.need_who()?.session.user;
    let text = asked.params.need("claimId")?;
    let sale = &asked.app.sale;
    let unknown = Problem::NotFound("claimId");
    let id = sale.ids().read_claim(text, user).ok_or(unknown.clone())?;
    let entry = sale.catalog().by_no(id.activity).cloned().ok_or(unknown.clone())?;
    let act = asked.app.prepared().get(&entry.activity.id).cloned().ok_or(unknown)?;
    let outcome = sale.result(id, user).map_err(|fault| {
        tracing::warn!(%fault, "the ledger could not say what became of a claim");
        Problem::Busy
    })?;
    let language = Language::of(&asked.parts.headers);
    Telling { act, ticket_type: id.ticket_type, language }.answer(asked.app, outcome)
}

/// The key of the request, 1 to 64 visible ASCII characters.
fn idempotency_key(asked: &Asked<'_>) -> Result<Option<KeyHash>, Problem> {
    let text = key_text(&asked.parts.headers)?;
    Ok(text.map(|text| asked.app.sale.ids().key(text)))
}

/// The text of an `Idempotency-Key` header, if there is one.
pub fn key_text(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(bad("Idempotency-Key", Reason::Twice).into());
    }
    let text = value.to_str().ok().filter(|text| is_key(text));
    text.map(Some).ok_or_else(|| bad("Idempotency-Key", Reason::Form).into())
}

/// Whether a text can be a key: 1 to 64 visible ASCII characters.
pub fn is_key(text: &str) -> bool {
    (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The type that a claim names; it may name none where there is one.
pub fn ticket_type(activity: &Activity, id: Option<&str>) -> Result<TypeNo, Problem> {
    match id {
        None if activity.types.len() == 1 => Ok(TypeNo(0)),
        None => Err(bad("typeId", Reason::Missing).into()),
        Some(id) => match activity.type_by_id(id) {
            Some((number, _)) => Ok(number),
            None => Err(Problem::NotFound("typeId")),
        },
    }
}

impl Telling {
    fn answer(&self, app: &App, outcome: Outcome) -> Result<Reply, Problem> {
        match outcome {
            Outcome::Won(claim) => Ok(won(app, &self.act, &claim)),
            Outcome::Queued(id) => Ok(queued(&id, self.language)),
            Outcome::Refused(refusal, had) => Ok(self.refused(app, refusal, &had)),
            Outcome::Busy => Err(Problem::Busy),
            Outcome::Failed(effect) => Err(Problem::Fault(effect)),
        }
    }

    fn refused(&self, app: &App, refusal: Refusal, had: &[Claim]) -> Reply {
        let number = i16::from(refusal.number());
        let message = refusal_message(refusal, self.language);
        let body = match refusal {
            Refusal::NotStarted => {
                let activity = &self.act.entry.activity;
                let window = activity.window_of(self.ticket_type).unwrap_or(activity.window);
                let mut data = vec![b'{'];
                json::field(&mut data, "start_time", &window.start().seconds());
                json::field(&mut data, "server_time", &app.sale.now().0);
                data.push(b'}');
                Bytes::from(envelope(number, message, &data))
            }
            Refusal::LimitReached => {
                let mut data = br#"{"tickets":"#.to_vec();
                let (ids, now) = (app.sale.ids(), app.sale.now());
                json::list(&mut data, had, |out, claim| self.act.ticket(out, ids, claim, now));
                data.push(b'}');
                Bytes::from(envelope(number, message, &data))
            }
            Refusal::Ended | Refusal::SoldOut | Refusal::NotEligible | Refusal::Paused => {
                let row = Refusal::ALL.iter().position(|one| *one == refusal);
                let row = row.expect("ALL is complete");
                SAME_FOR_ALL[row][self.language.pick(0, 1)].clone()
            }
        };
        reply(number, StatusCode::OK, body, Keep::Private)
    }
}

fn won(app: &App, act: &PreparedActivity, claim: &Claim) -> Reply {
    let id = app.sale.ids().claim(claim);
    let mut out = begin(768);
    out.push(b'{');
    let effective = act.ticket_fields(&mut out, &id, claim, app.sale.now());
    json::field(&mut out, "actId", &act.entry.activity.id);
    json::field(&mut out, "isEffective", &effective.0);
    json::field(&mut out, "order_id", id.as_str());
    out.push(b'}');
    reply(0, StatusCode::OK, end(out), Keep::Private)
}

fn queued(id: &IdText, language: Language) -> Reply {
    let mut data = vec![b'{'];
    json::field(&mut data, "claim_id", id.as_str());
    json::field(&mut data, "retry_after_ms", &RESULT_AFTER_MS);
    data.push(b'}');
    let body = envelope(1, language.pick("queued", "排队中"), &data);
    reply(1, StatusCode::OK, body, Keep::Private)
}

/// The answers of refusals that say the same to everyone, made once: by refusal, English and Chinese.
static SAME_FOR_ALL: LazyLock<[[Bytes; 2]; Refusal::ALL.len()]> = LazyLock::new(|| {
    Refusal::ALL.map(|refusal| {
        [Language::En, Language::Zh].map(|language| {
            let message = refusal_message(refusal, language);
            Bytes::from(envelope(refusal.number().into(), message, b"{}"))
        })
    })
});
