//! /ticket/get and /ticket/result: the claim itself. What the sale answers is put into words here, nothing else.
//! It never turns a fault into a refusal, nor a refusal into a fault.

use super::{
    Asked, Step,
    basket::{self, Wanted},
};
use crate::{
    App,
    envelope::{
        Keep, Problem, RESULT_AFTER_MS, Reply, begin, end, envelope, refusal_message, reply,
    },
    json,
    language::Language,
    orders,
    params::{Reason, bad},
    prepared::PreparedActivity,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use sale::{
    Activity, Deciding, IdText, KEY_CHARS_MAX, KeyHash, Outcome, Place, Recorded, Refusal, Refused,
    Request, TimeMs, TypeNo,
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
    /// The type whose opening counts.
    ticket_type: TypeNo,
    /// Whether a list was asked for: then the tickets are one.
    basket: bool,
    language: Language,
}

/// /ticket/get
pub fn get(asked: &Asked<'_>) -> Result<Step, Problem> {
    let user = asked.need_who()?.session.user;
    let id = asked.params.need("actId")?;
    let key = idempotency_key(asked)?;
    basket::check(asked)?;
    let prepared = asked.app.prepared();
    let act = prepared.get(id).ok_or(Problem::NotFound("actId"))?;
    let wanted = Wanted::of(asked, &act.entry.activity)?;
    let request = Request { items: wanted.items(), user, key };
    let sale = &asked.app.sale;
    let decided = match asked.app.limits.claim(user, asked.client.0, asked.now) {
        Ok(()) => sale.decide(&act.entry, request),
        // A known key comes before "too many".
        Err(empty) => sale.known(&act.entry, request).ok_or(empty)?,
    };
    let telling = Telling {
        act: Arc::clone(act),
        ticket_type: wanted.opens_last(&act.entry.activity),
        basket: asked.items.is_some(),
        language: Language::of(&asked.parts.headers),
    };
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
    let telling = Telling { act, ticket_type: id.ticket_type, basket: false, language };
    telling.answer(asked.app, outcome)
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
            Outcome::Won(first) => Ok(won(app, &self.act, &first, self.basket)),
            Outcome::Queued(id) => Ok(queued(&id, self.language)),
            Outcome::Refused(no) => {
                Ok(refused(app, &self.act, self.ticket_type, &no, self.language))
            }
            Outcome::Busy => Err(Problem::Busy),
            Outcome::Failed(effect) => Err(Problem::Fault(effect)),
        }
    }
}

/// The answer when the rules say no. `opens` is the type whose opening counts.
pub fn refused(
    app: &App,
    act: &PreparedActivity,
    opens: TypeNo,
    no: &Refused,
    language: Language,
) -> Reply {
    let refusal = no.refusal;
    let number = i16::from(refusal.number());
    let in_detail =
        |data: Vec<u8>| Bytes::from(envelope(number, refusal_message(refusal, language), &data));
    let body = match refusal {
        Refusal::NotStarted => in_detail(opening(app, &act.entry.activity, opens)),
        Refusal::LimitReached => in_detail(had(app, act, &no.had)),
        Refusal::HeldByOthers => in_detail(coming_back(&act.entry.activity, no.retry_at)),
        Refusal::SoldOut if act.entry.activity.standby => {
            SOLD_OUT_WITH_A_LINE[language.pick(0, 1)].clone()
        }
        Refusal::Ended | Refusal::SoldOut | Refusal::NotEligible | Refusal::Paused => {
            let row = Refusal::ALL.iter().position(|one| *one == refusal);
            let row = row.expect("ALL is complete");
            SAME_FOR_ALL[row][language.pick(0, 1)].clone()
        }
    };
    reply(number, StatusCode::OK, body, Keep::Private)
}

fn opening(app: &App, activity: &Activity, kind: TypeNo) -> Vec<u8> {
    let window = activity.window_of(kind).unwrap_or(activity.window);
    let mut data = vec![b'{'];
    json::field(&mut data, "start_time", &window.start().seconds());
    json::field(&mut data, "server_time", &app.sale.now().0);
    data.push(b'}');
    data
}

fn had(app: &App, act: &PreparedActivity, had: &[Recorded]) -> Vec<u8> {
    let mut data = br#"{"tickets":"#.to_vec();
    let now = app.sale.now();
    json::list(&mut data, had, |out, line| {
        // This answer has waited for the disk, and so have the lines that it rests on.
        let line = Recorded { place: Place::DURABLE, ..*line };
        act.ticket(out, &app.sale.claim_id(&line.claim), &line, now);
    });
    data.push(b'}');
    data
}

/// When something can be back at the earliest, and the waiting list where there is one. Rounded up, so that nobody who
/// comes at that second is too early.
fn coming_back(activity: &Activity, retry_at: Option<TimeMs>) -> Vec<u8> {
    let mut data = vec![b'{'];
    json::field(&mut data, "retry_at", &retry_at.map(|at| at.0.div_ceil(1000)));
    if activity.standby {
        json::field(&mut data, "standby", &true);
    }
    data.push(b'}');
    data
}

fn won(app: &App, act: &PreparedActivity, first: &Recorded, basket: bool) -> Reply {
    let (claim, now) = (&first.claim, app.sale.now());
    let id = app.sale.claim_id(claim);
    let mut out = begin(768);
    out.push(b'{');
    let effective = act.ticket_fields(&mut out, &id, first, now);
    json::field(&mut out, "actId", &act.entry.activity.id);
    json::field(&mut out, "isEffective", &effective.0);
    json::field(&mut out, "order_id", id.as_str());
    // A single free unit, which is what a crowd claims, is told by its ticket alone.
    if claim.priced || basket || claim.lines > 1 {
        let lines = orders::lines_of(&app.sale, first);
        json::field(&mut out, "order_state", first.state.name());
        orders::cost_fields(&mut out, &act.entry, &lines);
        if basket || claim.lines > 1 {
            orders::ticket_records(&mut out, act, &id, &lines, now);
        }
    }
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

/// The same where people may line up: English and Chinese.
static SOLD_OUT_WITH_A_LINE: LazyLock<[Bytes; 2]> = LazyLock::new(|| {
    [Language::En, Language::Zh].map(|language| {
        let message = refusal_message(Refusal::SoldOut, language);
        Bytes::from(envelope(Refusal::SoldOut.number().into(), message, br#"{"standby":true}"#))
    })
});
