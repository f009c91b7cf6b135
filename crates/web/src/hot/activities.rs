//! /act/list and /act/detail: what is on sale and how it stands.
//! Nothing here changes anything, and nothing of a person reaches an answer that others may keep.

use super::{Asked, Paging};
use crate::{
    envelope::{Keep, Problem, Reply, begin, end, reply},
    json,
    params::{Reason, bad},
    prepared::{Prepared, PreparedActivity},
};
use bytes::Bytes;
use http::StatusCode;
use sale::{ActivityState, Summary, TimeMs, standing};
use std::sync::Arc;

/// Which states a list holds.
enum Wanted {
    AllButEnded,
    Only(ActivityState),
}

impl Wanted {
    fn holds(&self, state: ActivityState) -> bool {
        match self {
            Self::AllButEnded => state != ActivityState::Ended,
            Self::Only(wanted) => *wanted == state,
        }
    }
}

/// How public answers may be kept: those of someone signed in are theirs alone.
fn keep(asked: &Asked<'_>) -> Keep {
    if asked.who.is_some() { Keep::Private } else { Keep::Check }
}

/// The first page of the list as it was made last: the one that everybody loads. Holds while nothing in it changed.
pub struct KeptList {
    prepared: u64,
    changes: u64,
    from: TimeMs,
    until: TimeMs,
    body: Bytes,
}

impl KeptList {
    fn holds(&self, prepared: &Prepared, changes: u64, now: TimeMs) -> bool {
        self.prepared == prepared.version
            && self.changes == changes
            && (self.from..self.until).contains(&now)
    }
}

/// /act/list
pub fn list(asked: Asked<'_>) -> Result<Reply, Problem> {
    let paging = asked.paging()?;
    let wanted = match asked.params.get("state") {
        None => Wanted::AllButEnded,
        Some(name) => ActivityState::from_name(name)
            .map(Wanted::Only)
            .ok_or_else(|| bad("state", Reason::Choice))?,
    };
    let Asked { app, now, .. } = asked;
    let prepared = app.prepared();
    if !(paging.is_first() && matches!(wanted, Wanted::AllButEnded)) {
        let body = Bytes::from(render_list(&asked, &prepared, &paging, &wanted)?);
        return Ok(reply(0, StatusCode::OK, body, keep(&asked)));
    }
    // Before anything is read: a change that comes between makes what is kept stale at once.
    let changes = app.sale.changes();
    if let Some(kept) = &*app.first_list.load()
        && kept.holds(&prepared, changes, now)
    {
        return Ok(reply(0, StatusCode::OK, kept.body.clone(), keep(&asked)));
    }
    let body = Bytes::from(render_list(&asked, &prepared, &paging, &wanted)?);
    if app.sale.changes() == changes {
        let (from, until) = (now, prepared.next_boundary(now));
        let kept =
            KeptList { prepared: prepared.version, changes, from, until, body: body.clone() };
        app.first_list.store(Some(Arc::new(kept)));
    }
    Ok(reply(0, StatusCode::OK, body, keep(&asked)))
}

fn render_list(
    asked: &Asked<'_>,
    prepared: &Prepared,
    paging: &Paging,
    wanted: &Wanted,
) -> Result<Vec<u8>, Problem> {
    let after = match &paging.last_id {
        None => 0,
        Some(id) => {
            let act = prepared.get(id).ok_or_else(|| bad("lastId", Reason::Choice))?;
            let key = act.entry.activity.sort_key();
            prepared.sorted.partition_point(|one| one.entry.activity.sort_key() <= key)
        }
    };
    let skip = if paging.last_id.is_some() { 0 } else { paging.skip() };
    let mut found = prepared.sorted[after..]
        .iter()
        .map(|act| (act, stands(asked, act)))
        .filter(|(_, (state, _))| wanted.holds(*state))
        .skip(skip);
    let shown: Vec<_> = found.by_ref().take(paging.size).collect();
    let more = found.next().is_some();
    let mut out = begin(512 + shown.len() * 512);
    out.push(b'{');
    let last = shown.last().map(|(act, _)| act.entry.activity.id.as_str());
    paging.fields(&mut out, more, last);
    json::key(&mut out, "list");
    json::list(&mut out, &shown, |out, (act, (state, summary))| {
        act.begin(out);
        json::field(out, "state", state.name());
        json::field(out, "left", &summary.supply.available);
        out.push(b'}');
    });
    out.push(b'}');
    Ok(end(out))
}

fn stands(asked: &Asked<'_>, act: &PreparedActivity) -> (ActivityState, Summary) {
    let summary = asked.app.sale.summary(act.entry.no);
    let window = act.entry.activity.window;
    let state = standing(asked.now, window, summary.closed, summary.paused, summary.supply);
    (state, summary)
}

/// /act/detail
pub fn detail(asked: Asked<'_>) -> Result<Reply, Problem> {
    let id = asked.params.need("actId")?;
    let prepared = asked.app.prepared();
    let act = prepared.get(id).ok_or(Problem::NotFound("actId"))?;
    let sale = &asked.app.sale;
    let counts = sale.counts(act.entry.no);
    let supply = counts.supply();
    let window = act.entry.activity.window;
    let state = standing(asked.now, window, counts.closed, counts.paused, supply);
    let mut out = begin(1024);
    act.begin(&mut out);
    json::field(&mut out, "state", state.name());
    json::field(&mut out, "left", &supply.available);
    json::field(&mut out, "server_time", &asked.now.0);
    json::key(&mut out, "tickets");
    json::list(&mut out, counts.types.iter().enumerate(), |out, (index, counts)| {
        act.ticket_type(out, index, counts);
    });
    if let Some(who) = asked.who {
        let user = who.session.user;
        json::field(&mut out, "joined", &sale.joined(act.entry.no, user));
        json::key(&mut out, "my_tickets");
        let lines = sale.live_in(act.entry.no, user);
        let newest_first = lines.iter().rev();
        json::list(&mut out, newest_first, |out, line| {
            json::value(out, &sale.ids().ticket(&line.claim))
        });
    }
    out.push(b'}');
    Ok(reply(0, StatusCode::OK, end(out), keep(&asked)))
}
