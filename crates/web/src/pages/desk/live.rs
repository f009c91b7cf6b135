//! One activity while it is sold, on one screen: state, units, people, paces, and the way to every switch. The page has
//! the figures of its moment; the script has newer ones every second. It changes nothing.

use super::switches::DONE;
use crate::{
    cold::{Asked, Figures},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, personal},
        home::state_text,
        moments::Shown,
    },
    params::{Params, Reason, bad},
};
use askama::Template;
use axum::Router;
use sale::{ActivityState, Entry, Refusal, Supply, UnitKind};

/// Units that one refill can have changed, as the page repeats it; the rules have a lower bound.
const UNITS_MAX: u64 = 4_000_000_000;

/// The routes of the screen.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/act/{id}"), pages.get(live))
}

#[derive(Template)]
#[template(path = "desk/live.html")]
struct Live {
    f: Frame,
    id: String,
    name: String,
    state: ActivityState,
    closed: bool,
    paused: bool,
    over: bool,
    now_ms: u64,
    start_s: u64,
    end_s: u64,
    start: Shown,
    end: Shown,
    at: Shown,
    supply: Supply,
    /// Units that unpaid orders hold.
    unpaid: u32,
    /// People in line.
    waiting: u32,
    priced: bool,
    standby: bool,
    kinds: Vec<Kind>,
    participants: u32,
    refused: Vec<(&'static str, &'static str, u32)>,
    claims_per_s: String,
    refusals: u64,
    p99_ms: Option<f64>,
    opened: Option<Shown>,
    sold_out: Option<Shown>,
    /// What was just done here.
    news: Option<String>,
    can_rehearse: bool,
}

/// A ticket type on it.
struct Kind {
    id: String,
    name: String,
    codes: bool,
    supply: Supply,
    unpaid: u32,
    waiting: u32,
}

impl Live {
    fn new(asked: &Asked, entry: &Entry) -> Self {
        let (app, activity) = (&asked.app, &entry.activity);
        let Figures { now, state, stats, times } = Figures::of(app, entry);
        let zone = app.settings.pages.zone();
        let (start, end) = zone.window(activity.window);
        let counts = &stats.counts;
        let kinds = activity.types.iter().zip(&counts.types).map(|(kind, one)| Kind {
            id: kind.id.clone(),
            name: kind.name.clone(),
            codes: kind.kind == UnitKind::Codes,
            supply: one.supply,
            unpaid: one.unpaid,
            waiting: one.waiting,
        });
        let people = |wanted: Refusal| {
            let found = counts.refused.iter().find(|(refusal, _)| *refusal == wanted);
            found.map_or(0, |(_, people)| *people)
        };
        let f = Frame::of(asked).with_script("desk.js");
        Self {
            id: activity.id.clone(),
            name: activity.name.clone(),
            state,
            closed: counts.closed,
            paused: counts.paused,
            over: now >= activity.window.end(),
            now_ms: now.0,
            start_s: activity.window.start().seconds(),
            end_s: activity.window.end().seconds(),
            start,
            end,
            at: zone.moment(now),
            supply: counts.supply(),
            unpaid: counts.types.iter().map(|one| one.unpaid).sum(),
            waiting: counts.types.iter().map(|one| one.waiting).sum(),
            priced: activity.types.iter().any(|kind| !kind.price.is_free()),
            standby: activity.standby,
            kinds: kinds.collect(),
            participants: counts.participants,
            refused: refusal_words(&f)
                .map(|(refusal, words)| (refusal.name(), words, people(refusal)))
                .into(),
            claims_per_s: format!("{:.1}", f64::from(counts.accepted_in_10_s) / 10.0),
            refusals: counts.refusals,
            p99_ms: times.within_ms(990),
            opened: stats.opened_at.map(|at| zone.moment(at)),
            sold_out: counts.sold_out_at.map(|at| zone.moment(at)),
            news: None,
            can_rehearse: app.rehearsals().is_some(),
            f,
        }
    }

    fn state_text(&self) -> &'static str {
        if self.closed {
            self.f.t("closed", "已关闭")
        } else {
            state_text(self.state, self.f.language)
        }
    }

    /// Whether there is a type that a number can be added to.
    fn has_plain(&self) -> bool {
        self.kinds.iter().any(|kind| !kind.codes)
    }

    fn has_codes(&self) -> bool {
        self.kinds.iter().any(|kind| kind.codes)
    }
}

/// Why somebody who has won nothing was refused first: who was only too early is not counted, and who has reached a
/// limit has won.
fn refusal_words(f: &Frame) -> [(Refusal, &'static str); 5] {
    let t = |en, zh| f.language.pick(en, zh);
    [
        (Refusal::SoldOut, t("when it was sold out", "已抢光")),
        (Refusal::HeldByOthers, t("while others held all", "被他人占用时")),
        (Refusal::NotEligible, t("not on the list", "不在名单中")),
        (Refusal::Paused, t("during a pause", "暂停期间")),
        (Refusal::Ended, t("after the end", "结束之后")),
    ]
}

async fn live(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let entry = super::entry(&asked)?;
    let news = news(&asked)?;
    asked.audit(&operator, "admin/act/live", &entry.activity.id, String::new());
    Ok(personal(&asked, &Live { news, ..Live::new(&asked, &entry) }))
}

/// What a switch sent its operator back with.
fn news(asked: &Asked) -> Result<Option<String>, Problem> {
    let params = asked.params()?;
    let Some(done) = params.get("done") else { return Ok(None) };
    let (_, en, zh) =
        DONE.iter().find(|(name, ..)| *name == done).ok_or_else(|| bad("done", Reason::Choice))?;
    let units = units(&params)?;
    Ok(Some(asked.language.pick(en, zh).replace("{n}", &units)))
}

fn units(params: &Params<'_>) -> Result<String, Problem> {
    Ok(params.number("units", 0, UNITS_MAX)?.unwrap_or(0).to_string())
}
