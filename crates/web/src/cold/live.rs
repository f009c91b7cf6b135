//! GET /admin/act/live: what the live screen of an activity asks for every second. Its numbers only grow, so that
//! whoever asks makes paces of two answers and nothing here remembers who asked last.
//! It is the one call of operators that is not in the audit log: a screen left open would fill the log with itself,
//! and nothing but counts is in the answer. Opening the screen is in the log.

use super::{
    Asked, At, GET, Takes,
    admin_reads::{unpaid, waiting},
};
use crate::{
    App,
    envelope::{Keep, Problem, Reply, success},
    metrics::{Counted, bounds_ms},
};
use axum::Router;
use sale::{ActivityState, Entry, Stats, TimeMs, standing};
use serde_json::{Map, Value, json};

/// The route.
pub fn routes(at: &At) -> Router {
    Router::new().route("/admin/act/live", at.call(GET, Takes::Little, live))
}

async fn live(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let entry = asked.entry()?;
    Ok(success(&Figures::of(&asked.app, &entry).data(&entry), Keep::Private))
}

/// How a sale goes at one moment.
pub struct Figures {
    /// The moment.
    pub now: TimeMs,
    /// How it stands.
    pub state: ActivityState,
    /// Units and people.
    pub stats: Stats,
    /// How long the answers to claims took since the server started, of all activities together.
    pub times: Counted,
}

impl Figures {
    /// Those of an activity, now.
    pub fn of(app: &App, entry: &Entry) -> Self {
        let (now, stats) = (app.sale.now(), app.sale.stats(entry));
        let counts = &stats.counts;
        let window = entry.activity.window;
        let state = standing(now, window, counts.closed, counts.paused, counts.supply());
        Self { now, state, stats, times: app.metrics.claim_times() }
    }

    fn data(&self, entry: &Entry) -> Value {
        let (activity, counts) = (&entry.activity, &self.stats.counts);
        let types = activity.types.iter().zip(&counts.types).map(|(kind, one)| {
            json!({
                "id": kind.id, "total": one.supply.total, "available": one.supply.available,
                "held": one.supply.held, "sold": one.supply.sold, "unpaid": one.unpaid,
                "waiting": one.waiting,
            })
        });
        let refused = counts.refused.iter();
        let refused = refused.map(|(refusal, people)| (refusal.name().to_owned(), json!(people)));
        json!({
            "server_time": self.now.0, "state": self.state.name(), "closed": counts.closed,
            "paused": counts.paused, "start_time": activity.window.start().seconds(),
            "end_time": activity.window.end().seconds(),
            "types": types.collect::<Vec<_>>(), "unpaid": unpaid(&counts.types),
            "waiting": waiting(&counts.types), "accepted": counts.accepted,
            "refusals": counts.refusals, "participants": counts.participants,
            "refused": refused.collect::<Map<_, _>>(),
            "opened_at": self.stats.opened_at.map(TimeMs::seconds),
            "sold_out_at": counts.sold_out_at.map(TimeMs::seconds),
            "latency": { "bounds_ms": bounds_ms().collect::<Vec<_>>(), "counts": self.times.counts },
        })
    }
}
