//! A rehearsal of an activity on a copy: says what it does, starts it, shows how far it is and what it came to. The
//! sale that is served here is only read: its definition and the number of its units.

use crate::{
    Judged, Rehearsal, RehearsalPhase, RehearsalRefused, RehearsalState, RehearsalVerdict,
    RehearsalWanted, Rehearsals,
    cold::{Asked, Takes, blocking},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, html_reply, personal, see_other, to, with_status},
    },
    params::Params,
    rehearsals::{CONNECTIONS, PEOPLE, SECONDS},
};
use askama::Template;
use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use sale::{ActivityState, Entry, Operator, standing};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Milliseconds before an opening in which a rehearsal would be in its way: longer than one takes.
const IN_THE_WAY_MS: u64 = 5 * 60 * 1000;
/// Seconds after which a browser looks again while one runs.
const LOOK_AGAIN_S: u32 = 2;

/// The routes of rehearsals.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .route(&pages.path("/desk/act/{id}/rehearse"), pages.form(Takes::Little, show, act))
        .route(&pages.path("/desk/act/{id}/rehearse/report"), pages.get(report))
}

#[derive(Template)]
#[template(path = "desk/rehearse.html")]
struct Rehearse {
    f: Frame,
    act_id: String,
    act_name: String,
    /// Activities that are open or about to open.
    in_the_way: Vec<String>,
    latest: Option<Latest>,
    wrong: Option<String>,
    people: u32,
    connections: u32,
    seconds: u32,
    learn: bool,
}

/// The one that runs, or the last.
struct Latest {
    rehearsal: Rehearsal,
    /// Whether it is of this activity.
    here: bool,
    elapsed_s: u64,
}

/// The promises that a rehearsal judges, from the first.
const PROMISES: [(&str, &str); 6] = [
    ("Never more given out than there is", "绝不超发"),
    ("An answer given is kept", "答复了就算数"),
    ("One person, one limit", "每人不超过限领数量"),
    ("A code goes out once, in its order", "兑换码只发一次，按顺序发"),
    ("First come, first served", "先到先得"),
    ("Ask again, hear the same", "再问一次，答复一致"),
];

impl Rehearse {
    fn new(asked: &Asked, entry: &Entry, rehearsals: &Arc<dyn Rehearsals>) -> Self {
        let latest = rehearsals.latest().map(|rehearsal| Latest {
            here: rehearsal.act_id == entry.activity.id,
            elapsed_s: asked.now.0.saturating_sub(rehearsal.began_at.0) / 1000,
            rehearsal,
        });
        Self {
            f: Frame::of(asked),
            act_id: entry.activity.id.clone(),
            act_name: entry.activity.name.clone(),
            in_the_way: in_the_way(asked),
            latest,
            wrong: None,
            people: 1_000,
            connections: 100,
            seconds: 15,
            learn: false,
        }
    }

    fn running(&self) -> Option<RehearsalPhase> {
        match self.latest.as_ref()?.rehearsal.state {
            RehearsalState::Running(phase) => Some(phase),
            _ => None,
        }
    }

    fn phase_text(&self, phase: &RehearsalPhase) -> &'static str {
        let (en, zh) = match phase {
            RehearsalPhase::Starting => ("a server for it starts", "启动演练服务器"),
            RehearsalPhase::SigningIn => ("the crowd signs in", "模拟人群登录"),
            RehearsalPhase::Preparing => ("the copy is made", "创建活动副本"),
            RehearsalPhase::Gathering => ("the crowd gathers", "人群聚集，等待开始"),
            RehearsalPhase::Open => ("the sale is open", "开抢"),
            RehearsalPhase::Settling => ("the last answers come in", "等待最后的应答"),
            RehearsalPhase::Exporting => ("the exports are read", "核对导出数据"),
            RehearsalPhase::Learning => {
                ("the machine’s limits are found out", "测量本机能承受的请求量")
            }
        };
        self.f.language.pick(en, zh)
    }

    /// The step that goes on, of so many.
    fn step(&self, phase: &RehearsalPhase) -> (usize, usize) {
        let at = RehearsalPhase::ALL.iter().position(|one| one == phase).unwrap_or(0);
        (at + 1, RehearsalPhase::ALL.len())
    }

    fn verdict_title(&self, verdict: &RehearsalVerdict) -> &'static str {
        let (en, zh) = match verdict.whole {
            Judged::Held => ("Every promise held", "所有承诺均已兑现"),
            Judged::Broken => ("A promise was broken", "有承诺未兑现"),
            Judged::NothingLookedAt => ("There was nothing to judge", "没有可供判断的数据"),
        };
        self.f.language.pick(en, zh)
    }

    /// The promises with their words.
    fn promises(&self, verdict: &RehearsalVerdict) -> Vec<(&'static str, &'static str, bool)> {
        let pick = |en, zh| self.f.language.pick(en, zh);
        let told = |((en, zh), judged): (&(&'static str, &'static str), &Judged)| {
            let word = match judged {
                Judged::Held => pick("held", "已兑现"),
                Judged::Broken => pick("broken", "未兑现"),
                Judged::NothingLookedAt => pick("nothing to look at", "无数据"),
            };
            (pick(*en, *zh), word, *judged == Judged::Held)
        };
        PROMISES.iter().zip(&verdict.promises).map(told).collect()
    }
}

/// The names of activities that a rehearsal would take processor time from.
fn in_the_way(asked: &Asked) -> Vec<String> {
    let (sale, now) = (&asked.app.sale, asked.now);
    let catalog = sale.catalog();
    let disturbed = catalog.sorted().iter().filter(|entry| {
        let (window, summary) = (entry.activity.window, sale.summary(entry.no));
        let state = standing(now, window, summary.closed, summary.paused, summary.supply);
        let soon = window.start().0.saturating_sub(now.0) < IN_THE_WAY_MS;
        state == ActivityState::Open || (state == ActivityState::Upcoming && soon)
    });
    disturbed.map(|entry| entry.activity.name.clone()).collect()
}

/// Who makes them; a server that cannot has no such page.
fn rehearsals(asked: &Asked) -> Result<Arc<dyn Rehearsals>, Problem> {
    asked.app.rehearsals().cloned().ok_or(Problem::NotFound("path"))
}

async fn show(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let (entry, rehearsals) = (super::entry(&asked)?, rehearsals(&asked)?);
    let page = Rehearse::new(&asked, &entry, &rehearsals);
    let mut reply = personal(&asked, &page);
    if page.running().is_some() {
        // Without a script this is how a page asks again.
        reply.response.headers_mut().insert(header::REFRESH, HeaderValue::from(LOOK_AGAIN_S));
    }
    Ok(reply)
}

/// What the form was filled in with; nothing where a number is out of its bounds.
fn filled(form: &Params<'_>) -> Option<(u32, u32, u32)> {
    let number = |name, (least, most): (u32, u32)| {
        let found = form.number(name, least.into(), most.into()).ok().flatten()?;
        u32::try_from(found).ok()
    };
    Some((
        number("people", PEOPLE)?,
        number("connections", CONNECTIONS)?,
        number("seconds", SECONDS)?,
    ))
}

/// Starts one, or gives up the one that runs.
async fn act(asked: Asked) -> Result<Reply, Problem> {
    asked.form()?;
    let operator = asked.operator().await?;
    let (entry, rehearsals) = (super::entry(&asked)?, rehearsals(&asked)?);
    let id = entry.activity.id.clone();
    let again = see_other(&to(asked.language, &format!("/desk/act/{id}/rehearse")));
    let form = asked.form()?;
    if form.get("stop") == Some("1") {
        asked.audit(&operator, "admin/rehearse/stop", &id, String::new());
        rehearsals.stop();
        return Ok(again);
    }
    let page = Rehearse::new(&asked, &entry, &rehearsals);
    let pick = |en: &str, zh: &str| asked.language.pick(en, zh).to_owned();
    let Some((people, connections, seconds)) = filled(&form) else {
        let text = pick("One of the numbers is out of its bounds.", "有数字超出允许范围。");
        return Ok(refused(&asked, &operator, page, StatusCode::BAD_REQUEST, text));
    };
    let learn = form.get("learn") == Some("1");
    let page = Rehearse { people, connections, seconds, learn, ..page };
    if !page.in_the_way.is_empty() && form.get("anyway") != Some("1") {
        let text = pick(
            "Not now: an activity is open or about to open, and a rehearsal would take processor time from it. Tick the box to do it anyway.",
            "暂不演练：有活动正在进行或即将开始，演练会占用本机的处理能力。如确需演练，请勾选确认框。",
        );
        return Ok(refused(&asked, &operator, page, StatusCode::CONFLICT, text));
    }
    let counts = asked.app.sale.counts(entry.no);
    let wanted = RehearsalWanted {
        activity: entry.activity.clone(),
        units: counts.types.iter().map(|one| one.supply.total).collect(),
        people,
        connections,
        seconds,
        learn,
        now: asked.now,
    };
    blocking(move || {
        let text = match rehearsals.start(&wanted) {
            Ok(()) => {
                let detail = format!("people {people}, connections {connections}");
                asked.audit(&operator, "admin/rehearse", &id, detail);
                return Ok(again);
            }
            Err(RehearsalRefused::Running) => ("One is running already.", "已有演练正在进行。"),
            Err(RehearsalRefused::System) => (
                "The machine did not let it start; the server’s log says why.",
                "无法启动演练，原因见服务器日志。",
            ),
        };
        let text = asked.language.pick(text.0, text.1).to_owned();
        Ok(refused(&asked, &operator, page, StatusCode::CONFLICT, text))
    })
    .await?
}

/// The form once more. What was refused is in the audit log as it is for the calls.
fn refused(
    asked: &Asked,
    operator: &Operator,
    page: Rehearse,
    status: StatusCode,
    text: String,
) -> Reply {
    let page = Rehearse { wrong: Some(text), ..page };
    let reply = with_status(asked, status, &page);
    asked.audit(operator, "admin/rehearse", &page.act_id, format!("ret {}", reply.ret));
    reply
}

/// The whole report. It was written for a file, with its style inside: that one style is allowed by its hash, and
/// nothing else is.
async fn report(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let (entry, rehearsals) = (super::entry(&asked)?, rehearsals(&asked)?);
    let missing = || Problem::NotFound("path");
    let latest = rehearsals.latest().filter(|one| one.act_id == entry.activity.id);
    let RehearsalState::Judged(verdict) = latest.ok_or_else(missing)?.state else {
        return Err(missing());
    };
    let policy = HeaderValue::try_from(report_policy(&verdict.page)).map_err(|_| missing())?;
    let mut reply = html_reply(StatusCode::OK, verdict.page, policy);
    let headers = reply.response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if asked.params()?.get("download") == Some("1") {
        let name = format!("attachment; filename=\"rehearsal-{}.html\"", entry.activity.id);
        let name = HeaderValue::try_from(name).map_err(|_| missing())?;
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(reply)
}

fn report_policy(page: &[u8]) -> String {
    let style = style_in(page).unwrap_or_default();
    let hash = STANDARD.encode(Sha256::digest(style));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; sandbox"
    )
}

/// The content of the first style. Whatever somebody wrote comes later and is escaped.
fn style_in(page: &[u8]) -> Option<&[u8]> {
    let from = memchr::memmem::find(page, b"<style>")? + b"<style>".len();
    let rest = &page[from..];
    Some(&rest[..memchr::memmem::find(rest, b"</style>")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_may_show_its_own_style_and_nothing_else() {
        let policy = report_policy(b"<html><style>p{}</style><style>q{}</style>");
        let hash = STANDARD.encode(Sha256::digest(b"p{}"));
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        assert_eq!(style_in(b"<style>never ended"), None);
    }
}
