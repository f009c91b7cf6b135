//! Endpoints outside: added, tried out, given a new secret, stopped and let go on, sent things again, and the log of
//! what they answered. A secret is on the page that made it and nowhere else.

use crate::{
    cold::{Asked, Takes, not_done},
    envelope::{Problem, Reply},
    outside::{
        Attempt, AttemptOutcome, EVENT_TYPES, NOTE_BYTES_MAX, NewSecret, NewWebhook, Outside,
        OutsideFault, Reached, URL_BYTES_MAX, Webhook,
    },
    pages::{
        Pages,
        frame::{Frame, personal, see_other, to, with_status},
        moments::Shown,
    },
    params::{Params, Reason, bad},
};
use askama::Template;
use axum::Router;
use http::StatusCode;
use sale::{ActivityNo, Operator};
use std::sync::Arc;

/// Attempts on a page.
const ATTEMPTS_SHOWN: u32 = 100;
/// Activities that one can choose from; another is named by the call.
const ACTIVITIES_MAX: usize = 200;

/// The routes of endpoints.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .route(&pages.path("/desk/webhooks"), pages.form(Takes::Little, list, add))
        .route(&pages.path("/desk/webhooks/{id}"), pages.form(Takes::Little, one, change))
}

#[derive(Template)]
#[template(path = "desk/webhooks.html")]
struct List {
    f: Frame,
    /// Whether this server sends anything outside.
    on: bool,
    rows: Vec<Row>,
    activities: Vec<(String, String)>,
    types: [&'static str; 18],
    /// What was written, where it could not be added.
    given: Given,
    wrong: Option<String>,
}

#[derive(Default)]
struct Given {
    url: String,
    act_id: String,
    types: Vec<String>,
    note: String,
}

impl Given {
    fn has(&self, kind: &str) -> bool {
        self.types.iter().any(|one| one == kind)
    }

    fn read(form: &Params<'_>) -> Self {
        let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
        let chosen = |kind: &&&str| form.get(&format!("type.{kind}")) == Some("1");
        Self {
            url: text("url"),
            act_id: text("actId"),
            types: EVENT_TYPES.iter().filter(chosen).map(|kind| (*kind).to_owned()).collect(),
            note: text("note"),
        }
    }

    fn checked(&self, asked: &Asked) -> Result<NewWebhook, Problem> {
        if self.url.is_empty() || self.url.len() > URL_BYTES_MAX {
            return Err(bad("url", Reason::Form).into());
        }
        if self.note.len() > NOTE_BYTES_MAX || self.note.chars().any(char::is_control) {
            return Err(bad("note", Reason::Form).into());
        }
        let activity = match self.act_id.as_str() {
            "" => None,
            id => {
                let catalog = asked.app.sale.catalog();
                Some(catalog.by_id(id).ok_or(Problem::NotFound("actId"))?.no)
            }
        };
        let (url, types, note) = (self.url.clone(), self.types.clone(), self.note.clone());
        Ok(NewWebhook { url, activity, types, note })
    }
}

struct Row {
    id: String,
    url: String,
    note: String,
    act_name: Option<String>,
    types: Vec<String>,
    parked: bool,
    /// Failures in a row, of the activity that has most.
    failures: u32,
}

impl Row {
    fn new(asked: &Asked, one: &Webhook) -> Self {
        Self {
            id: one.id.clone(),
            url: one.set.url.clone(),
            note: one.set.note.clone(),
            act_name: one.set.activity.map(|no| named(asked, no).1),
            types: one.set.types.clone(),
            parked: one.parked,
            failures: one.reached.iter().map(|at| at.failures).max().unwrap_or(0),
        }
    }

    /// How it stands, as a class and in words.
    fn state(&self, f: &Frame) -> (&'static str, &'static str) {
        match (self.parked, self.failures) {
            (true, _) => ("ended", f.language.pick("parked", "已停用")),
            (false, 0) => ("open", f.language.pick("active", "正常")),
            (false, _) => ("paused", f.language.pick("failing, tried again", "失败，重试中")),
        }
    }
}

/// An activity's id and name.
fn named(asked: &Asked, no: ActivityNo) -> (String, String) {
    let catalog = asked.app.sale.catalog();
    let names = |entry: &Arc<sale::Entry>| (entry.activity.id.clone(), entry.activity.name.clone());
    catalog.by_no(no).map(names).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "desk/webhook.html")]
struct OnePage {
    f: Frame,
    row: Row,
    created: Shown,
    old_secret: Option<Shown>,
    reached: Vec<Reach>,
    attempts: Vec<Tried>,
    /// Shown on the answer that made it and never again.
    secret: Option<String>,
    told: Option<(bool, String)>,
    zone: String,
}

struct Reach {
    act_id: String,
    act_name: String,
    after: u64,
    failures: u32,
    next: Option<String>,
}

struct Tried {
    at: String,
    /// The activity's name and the fact's number; nothing for a test.
    fact: Option<(String, u64)>,
    good: bool,
    words: String,
    took_ms: u32,
}

impl Tried {
    fn new(asked: &Asked, f: &Frame, one: &Attempt) -> Self {
        Self {
            at: asked.app.settings.pages.zone().plain(one.at),
            fact: one.fact.map(|(no, number)| (named(asked, no).1, number)),
            good: matches!(one.outcome, AttemptOutcome::Taken(_)),
            words: outcome_text(f, one.outcome),
            took_ms: one.took_ms,
        }
    }
}

fn outcome_text(f: &Frame, outcome: AttemptOutcome) -> String {
    let (en, zh) = match outcome {
        AttemptOutcome::Taken(status) => {
            return format!("{} ({status})", f.t("taken", "已接收"));
        }
        AttemptOutcome::Status(status) => {
            return format!("{} ({status})", f.t("refused", "被拒绝"));
        }
        AttemptOutcome::TimedOut => ("no answer in time", "超时未应答"),
        AttemptOutcome::Unreachable => ("no connection", "无法连接"),
        AttemptOutcome::Forbidden => ("an address that may not be reached", "地址不允许访问"),
    };
    f.t(en, zh).to_owned()
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    asked.audit(&operator, "admin/webhooks", "", String::new());
    let page = List::of(&asked, Given::default(), None).await?;
    Ok(personal(&asked, &page))
}

impl List {
    async fn of(asked: &Asked, given: Given, wrong: Option<String>) -> Result<Self, Problem> {
        let outside = asked.app.outside();
        let found = match outside {
            Some(outside) => outside.webhooks().await.map_err(|fault| not_done(asked, fault))?,
            None => Vec::new(),
        };
        let catalog = asked.app.sale.catalog();
        let names = catalog.sorted().iter().rev().take(ACTIVITIES_MAX);
        Ok(Self {
            f: Frame::of(asked),
            on: outside.is_some(),
            rows: found.iter().map(|one| Row::new(asked, one)).collect(),
            activities: names
                .map(|one| (one.activity.id.clone(), one.activity.name.clone()))
                .collect(),
            types: EVENT_TYPES,
            given,
            wrong,
        })
    }
}

async fn add(asked: Asked) -> Result<Reply, Problem> {
    let given = Given::read(&asked.form()?);
    let operator = asked.operator().await?;
    let outside = asked.outside()?;
    let new = match given.checked(&asked) {
        Ok(new) => new,
        Err(problem) => return not_added(&asked, given, problem.message(asked.language)).await,
    };
    match outside.add(new).await {
        Ok(made) => {
            asked.audit(&operator, "admin/webhooks", "", format!("endpoint {} added", made.id));
            shown_once(&asked, &*outside, made, false).await
        }
        Err(fault) => match refused_text(fault, &asked) {
            Some(told) => not_added(&asked, given, told.to_owned()).await,
            None => Err(not_done(&asked, fault)),
        },
    }
}

async fn not_added(asked: &Asked, given: Given, wrong: String) -> Result<Reply, Problem> {
    let page = List::of(asked, given, Some(wrong)).await?;
    Ok(with_status(asked, StatusCode::BAD_REQUEST, &page))
}

/// What the operator can do something about.
fn refused_text(fault: OutsideFault, asked: &Asked) -> Option<&'static str> {
    let (en, zh) = match fault {
        OutsideFault::Url => {
            ("This is no http or https address of a host.", "不是有效的 http 或 https 地址。")
        }
        OutsideFault::Forbidden => (
            "This is an address of an inner network, which the configuration does not allow.",
            "这是内网地址，配置未允许访问。",
        ),
        OutsideFault::TooMany => {
            ("There are as many endpoints as there may be.", "端点数量已达上限。")
        }
        _ => return None,
    };
    Some(asked.language.pick(en, zh))
}

/// The page with a secret on it: it is the answer to the form itself, because it can be shown this once only.
async fn shown_once(
    asked: &Asked,
    outside: &dyn Outside,
    made: NewSecret,
    rotated: bool,
) -> Result<Reply, Problem> {
    let (en, zh) = match rotated {
        true => (
            "There is a new secret. For a while the old one signs too.",
            "已生成新密钥。旧密钥在一段时间内仍然有效。",
        ),
        false => (
            "The endpoint is added. It hears of what happens from now on.",
            "已添加端点，从现在起发生的事件会推送给它。",
        ),
    };
    let told = Some((true, asked.language.pick(en, zh).to_owned()));
    let page = OnePage::of(asked, outside, &made.id).await?;
    let page = OnePage { secret: Some(made.secret), told, ..page };
    Ok(personal(asked, &page))
}

async fn one(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let outside = asked.outside()?;
    let id = asked.segment(2).to_owned();
    let told = done(&asked)?;
    asked.audit(&operator, "admin/webhooks/deliveries", "", format!("endpoint {id}"));
    let page = OnePage::of(&asked, &*outside, &id).await?;
    Ok(personal(&asked, &OnePage { told, ..page }))
}

/// What was just done, by the name in the address.
fn done(asked: &Asked) -> Result<Option<(bool, String)>, Problem> {
    let params = asked.params()?;
    let (en, zh) = match params.get("done") {
        None => return Ok(None),
        Some("park") => (
            "Nothing is sent to it any more; what happens is kept for it.",
            "已停止推送，期间的事件会保留。",
        ),
        Some("resume") => {
            ("It is sent everything that it has missed.", "已恢复，错过的事件会陆续推送。")
        }
        Some("replay") => {
            ("Everything after this number is sent again.", "该编号之后的事件会重新推送。")
        }
        Some(_) => return Err(bad("done", Reason::Choice).into()),
    };
    Ok(Some((true, asked.language.pick(en, zh).to_owned())))
}

impl OnePage {
    async fn of(asked: &Asked, outside: &dyn Outside, id: &str) -> Result<Self, Problem> {
        let failed = |fault| not_done(asked, fault);
        let found = outside.webhooks().await.map_err(failed)?;
        let webhook = found.iter().find(|one| one.id == id).ok_or(Problem::NotFound("id"))?;
        let attempts = outside.attempts(id, ATTEMPTS_SHOWN).await.map_err(failed)?;
        let (f, zone) = (Frame::of(asked), asked.app.settings.pages.zone());
        let reach = |at: &Reached| {
            let (act_id, act_name) = named(asked, at.activity);
            let next = (at.failures > 0).then(|| zone.plain(at.not_before));
            Reach { act_id, act_name, after: at.after, failures: at.failures, next }
        };
        Ok(Self {
            row: Row::new(asked, webhook),
            created: zone.moment(webhook.created_at),
            old_secret: webhook.old_secret_until.map(|at| zone.moment(at)),
            reached: webhook.reached.iter().map(reach).collect(),
            attempts: attempts.iter().map(|one| Tried::new(asked, &f, one)).collect(),
            secret: None,
            told: None,
            zone: zone.name(),
            f,
        })
    }
}

/// What a form of the page of an endpoint asks for.
enum Wanted {
    Test,
    Rotate,
    Park(bool),
    Remove,
    /// An activity, and the number after which everything is sent again.
    Replay(ActivityNo, u64),
}

impl Wanted {
    fn read(asked: &Asked) -> Result<Self, Problem> {
        let form = asked.form()?;
        Ok(match form.need("do")? {
            "test" => Self::Test,
            "rotate" => Self::Rotate,
            "park" => Self::Park(true),
            "resume" => Self::Park(false),
            "remove" => {
                if form.get("sure") != Some("1") {
                    return Err(bad("sure", Reason::Missing).into());
                }
                Self::Remove
            }
            "replay" => {
                let catalog = asked.app.sale.catalog();
                let entry = catalog.by_id(form.need("actId")?).ok_or(Problem::NotFound("actId"))?;
                let after = form.number("after", 0, u64::MAX)?;
                Self::Replay(entry.no, after.ok_or_else(|| bad("after", Reason::Missing))?)
            }
            _ => return Err(bad("do", Reason::Choice).into()),
        })
    }
}

async fn change(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let wanted = Wanted::read(&asked)?;
    let outside = asked.outside()?;
    let id = asked.segment(2).to_owned();
    match wanted {
        Wanted::Test => tested(&asked, &operator, &*outside, &id).await,
        Wanted::Rotate => rotated(&asked, &operator, &*outside, &id).await,
        other => changed(&asked, &operator, &*outside, &id, other).await,
    }
}

async fn tested(
    asked: &Asked,
    operator: &Operator,
    outside: &dyn Outside,
    id: &str,
) -> Result<Reply, Problem> {
    let tried = outside.test(id).await.map_err(|fault| not_done(asked, fault))?;
    asked.audit(operator, "admin/webhooks/test", "", format!("endpoint {id}"));
    let page = OnePage::of(asked, outside, id).await?;
    let said = Tried::new(asked, &page.f, &tried);
    let words = format!("{} {}", page.f.t("The test:", "测试结果："), said.words);
    Ok(personal(asked, &OnePage { told: Some((said.good, words)), ..page }))
}

async fn rotated(
    asked: &Asked,
    operator: &Operator,
    outside: &dyn Outside,
    id: &str,
) -> Result<Reply, Problem> {
    let made = outside.rotate(id).await.map_err(|fault| not_done(asked, fault))?;
    asked.audit(operator, "admin/webhooks/rotate", "", format!("endpoint {id}"));
    shown_once(asked, outside, made, true).await
}

/// What ends with a way back to a page that says so.
async fn changed(
    asked: &Asked,
    operator: &Operator,
    outside: &dyn Outside,
    id: &str,
    wanted: Wanted,
) -> Result<Reply, Problem> {
    let endpoint = format!("endpoint {id}");
    let (done, action, detail) = match wanted {
        Wanted::Park(true) => (outside.park(id, true).await, "/park", endpoint),
        Wanted::Park(false) => (outside.park(id, false).await, "/resume", endpoint),
        Wanted::Replay(activity, after) => {
            let detail = format!("{endpoint} of {} after {after}", named(asked, activity).0);
            (outside.replay(id, activity, after).await, "/replay", detail)
        }
        Wanted::Test | Wanted::Rotate => unreachable!("these answer with a page of their own"),
        Wanted::Remove => (outside.remove(id).await, "", format!("{endpoint} removed")),
    };
    done.map_err(|fault| not_done(asked, fault))?;
    asked.audit(operator, &format!("admin/webhooks{action}"), "", detail);
    let path = match action.strip_prefix('/') {
        Some(name) => format!("/desk/webhooks/{id}?done={name}"),
        None => "/desk/webhooks".to_owned(),
    };
    Ok(see_other(&to(asked.language, &path)))
}
