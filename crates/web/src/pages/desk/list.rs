//! All activities, those that are over too: how each stands, and the way to its live screen.
//! It only shows; whatever changes something is a page of its own.

use crate::{
    cold::Asked,
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, personal},
        home::state_text,
        moments::Shown,
    },
};
use askama::Template;
use axum::Router;
use sale::{ActivityState, Entry, Supply, standing};
use std::sync::Arc;

/// Activities on one page.
const ON_A_PAGE: usize = 60;
/// Pages, at most: beyond it one finds an activity by its address.
const PAGES_MAX: u64 = 10_000;
/// Activities that one import may have made, as the page says it; the file's own bound is far lower.
const MADE_MAX: u64 = 1_000_000;

/// The routes of the list.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk"), pages.get(list))
}

#[derive(Template)]
#[template(path = "desk/list.html")]
struct List {
    f: Frame,
    going: Vec<Row>,
    over: Vec<Row>,
    /// Whether there is any activity at all, on this page or another.
    some: bool,
    /// The number of the page before and of the next, where there are.
    earlier: Option<u64>,
    later: Option<u64>,
    /// How many activities a file has just made.
    made: Option<u64>,
}

struct Row {
    id: String,
    name: String,
    state: ActivityState,
    closed: bool,
    has_codes: bool,
    start: Shown,
    end: Shown,
    supply: Supply,
}

impl Row {
    fn new(asked: &Asked, entry: &Entry) -> Self {
        let (activity, summary) = (&entry.activity, asked.app.sale.summary(entry.no));
        let (start, end) = asked.app.settings.pages.zone().window(activity.window);
        Self {
            id: activity.id.clone(),
            name: activity.name.clone(),
            state: state_of(asked, entry),
            closed: summary.closed,
            has_codes: activity.types.iter().any(|kind| kind.kind == sale::UnitKind::Codes),
            start,
            end,
            supply: summary.supply,
        }
    }

    fn state_text(&self, f: &Frame) -> &'static str {
        if self.closed { f.t("closed", "已关闭") } else { state_text(self.state, f.language) }
    }

    /// What `<progress>` needs; a bar of nothing has no length.
    fn total(&self) -> u32 {
        self.supply.total.max(1)
    }
}

/// How an activity stands now.
fn state_of(asked: &Asked, entry: &Entry) -> ActivityState {
    let summary = asked.app.sale.summary(entry.no);
    let window = entry.activity.window;
    standing(asked.now, window, summary.closed, summary.paused, summary.supply)
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let params = asked.params()?;
    let page = params.number("page", 1, PAGES_MAX)?.unwrap_or(1);
    let made = params.number("made", 1, MADE_MAX)?;
    let catalog = Arc::clone(&asked.app.sale.catalog());
    let is_over = |entry: &&Arc<Entry>| state_of(&asked, entry) == ActivityState::Ended;
    // What needs attention comes first: soonest first while it goes on, latest first once it is over.
    let (mut over, going): (Vec<&Arc<Entry>>, Vec<&Arc<Entry>>) =
        catalog.sorted().iter().partition(is_over);
    over.sort_by_key(|entry| std::cmp::Reverse(entry.activity.window.end()));
    let count = going.len() + over.len();
    let first = (page as usize - 1).saturating_mul(ON_A_PAGE);
    let rows = |entries: &[&Arc<Entry>], from: usize, most: usize| -> Vec<Row> {
        entries.iter().skip(from).take(most).map(|entry| Row::new(&asked, entry)).collect()
    };
    let shown = rows(&going, first, ON_A_PAGE);
    let rest = ON_A_PAGE - shown.len();
    let over = rows(&over, first.saturating_sub(going.len()), rest);
    let page = List {
        f: Frame::of(&asked),
        going: shown,
        over,
        some: count > 0,
        earlier: (page > 1).then(|| page - 1),
        later: (first.saturating_add(ON_A_PAGE) < count).then(|| page + 1),
        made,
    };
    Ok(personal(&asked, &page))
}
