//! The first page: what is on sale. The same for everybody, and made anew only when something in it changes.
//! It shows no count: the activity's own page does.

use super::{
    Pages,
    act::PublicPage,
    frame::{Frame, render},
    moments::Shown,
};
use crate::{
    App,
    cold::Asked,
    envelope::{Problem, Reply},
    language::Language,
};
use askama::Template;
use axum::Router;
use sale::{ActivityState, TimeMs, standing};
use std::sync::Arc;

/// Activities on the page; the rest is reached by its list.
const ACTIVITIES_MAX: usize = 200;
/// Seconds for which anybody may keep the page.
const KEEP_S: u32 = 5;
/// Milliseconds by which a state on the page may be late.
const STALE_MS_MAX: u64 = 1_000;

/// The routes of the first page.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/"), pages.get(home))
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    f: Frame,
    activities: Vec<Card>,
    more: bool,
}

struct Card {
    id: String,
    name: String,
    desc: String,
    state: ActivityState,
    start: Shown,
}

/// What the state is called.
pub fn state_text(state: ActivityState, language: Language) -> &'static str {
    let (en, zh) = match state {
        ActivityState::Upcoming => ("upcoming", "未开始"),
        ActivityState::Open => ("open", "进行中"),
        ActivityState::SoldOut => ("sold out", "已抢光"),
        ActivityState::Paused => ("paused", "已暂停"),
        ActivityState::Ended => ("ended", "已结束"),
    };
    language.pick(en, zh)
}

impl Card {
    fn state_text(&self, f: &Frame) -> &'static str {
        state_text(self.state, f.language)
    }

    /// The first line of the description.
    fn lead(&self) -> &str {
        self.desc.lines().next().unwrap_or_default()
    }
}

/// The first page as it was made last.
pub struct KeptHome {
    version: u64,
    from: TimeMs,
    until: TimeMs,
    page: PublicPage,
}

async fn home(asked: Asked) -> Result<Reply, Problem> {
    let app = &asked.app;
    let slot = &app.homes[asked.language.pick(0, 1)];
    let version = app.prepared().version;
    if let Some(kept) = &*slot.load()
        && kept.version == version
        && (kept.from..kept.until).contains(&asked.now)
    {
        return Ok(kept.page.reply(&asked.parts.headers, app.assets.policy()));
    }
    let page = PublicPage::new(render(&make(app, asked.language, asked.now)), KEEP_S);
    let reply = page.reply(&asked.parts.headers, app.assets.policy());
    // Each claim may change a state; making the page anew for each would cost more than the claim.
    let soon = TimeMs(asked.now.0 + STALE_MS_MAX);
    let until = app.prepared().next_boundary(asked.now).min(soon);
    slot.store(Some(Arc::new(KeptHome { version, from: asked.now, until, page })));
    Ok(reply)
}

fn make(app: &Arc<App>, language: Language, now: TimeMs) -> Home {
    let prepared = app.prepared();
    let mut going = prepared.sorted.iter().filter_map(|act| {
        let (entry, summary) = (&act.entry, app.sale.summary(act.entry.no));
        let window = entry.activity.window;
        let state = standing(now, window, summary.closed, summary.paused, summary.supply);
        (state != ActivityState::Ended).then(|| Card {
            id: entry.activity.id.clone(),
            name: entry.activity.name.clone(),
            desc: entry.activity.desc.clone(),
            state,
            start: app.settings.pages.zone().moment(window.start()),
        })
    });
    let activities = going.by_ref().take(ACTIVITIES_MAX).collect();
    let more = going.next().is_some();
    let root = language.pick("/en/", "/zh/");
    let f = Frame::new(Arc::clone(&app.assets), language, root, None);
    Home { f, activities, more }
}
