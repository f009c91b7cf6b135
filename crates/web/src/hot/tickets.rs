//! /ticket/list and /ticket/detail: what a person has. Somebody else's ticket does not exist (C23).
//! A claim that is not on disk is never shown, and what was cancelled or expired is no ticket.

use super::Asked;
use crate::{
    envelope::{Keep, Problem, Reply, begin, end, reply},
    json,
    params::{Reason, bad},
};
use http::StatusCode;
use sale::{Owned, Position};

/// /ticket/list
pub fn list(asked: Asked<'_>) -> Result<Reply, Problem> {
    let user = asked.need_who()?.session.user;
    let paging = asked.paging()?;
    let sale = &asked.app.sale;
    let from = match &paging.last_id {
        None => Position::Skip(paging.skip()),
        Some(text) => {
            let id = sale.ids().read_ticket(text, user);
            Position::AfterTicket(id.ok_or_else(|| bad("lastId", Reason::Choice))?)
        }
    };
    let (found, more) = sale.tickets_of(user, from, paging.size);
    let mut out = begin(512 + found.len() * 512);
    out.push(b'{');
    let last = found.last().map(|owned| sale.ids().ticket(&owned.line.claim));
    paging.fields(&mut out, more, last.as_deref());
    json::key(&mut out, "list");
    let prepared = asked.app.prepared();
    json::list(&mut out, &found, |out, Owned { entry, line }| {
        match prepared.get(&entry.activity.id) {
            Some(act) => act.ticket(out, &sale.claim_id(&line.claim), line, asked.now),
            None => out.extend_from_slice(b"null"),
        }
    });
    out.push(b'}');
    Ok(reply(0, StatusCode::OK, end(out), Keep::Private))
}

/// /ticket/detail
pub fn detail(asked: Asked<'_>) -> Result<Reply, Problem> {
    let user = asked.need_who()?.session.user;
    let text = asked.params.need("ticketId")?;
    let sale = &asked.app.sale;
    let unknown = || Problem::NotFound("ticketId");
    let id = sale.ids().read_ticket(text, user).ok_or_else(unknown)?;
    let catalog = sale.catalog();
    let Owned { entry, line } = sale.ticket(&catalog, id, user).ok_or_else(unknown)?;
    let prepared = asked.app.prepared();
    let act = prepared.get(&entry.activity.id).ok_or_else(unknown)?;
    let mut out = begin(512);
    act.ticket(&mut out, &sale.claim_id(&line.claim), &line, asked.now);
    Ok(reply(0, StatusCode::OK, end(out), Keep::Private))
}
