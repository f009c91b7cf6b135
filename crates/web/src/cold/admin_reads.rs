//! What operators read: activities, statistics, orders, the audit log. Reading is in the audit log too.
//! Nothing here ever changes a sale.

use super::{Asked, At, GET, Takes, blocking, user::faulted};
use crate::{
    envelope::{Keep, Problem, Reply, success},
    json, orders,
    params::{Params, Reason, bad},
};
use axum::Router;
use sale::{
    ClaimId, Entry, Ids, LedgerFault, Recorded, Sale, TimeMs, TypeCounts, UserNo, standing,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of operators that read.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/admin/act/list", at.call(GET, Takes::Little, list))
        .route("/admin/act/stats", at.call(GET, Takes::Little, stats))
        .route("/admin/order/find", at.call(GET, Takes::Little, find))
        .route("/admin/audit", at.call(GET, Takes::Little, audit))
        .route("/admin/export", at.call(GET, Takes::Little, super::export::export))
}

/// Entries of a page where nothing is said, and at most.
const PAGE_SIZE: u64 = 20;
const PAGE_SIZE_MAX: u64 = 100;
const PAGE_MAX: u64 = 1_000_000_000;
/// Orders found by one question at most.
pub const FOUND_MAX: usize = 100;

/// A page by number or after an id.
pub struct Wanted {
    page: Option<u64>,
    /// Entries of it.
    pub size: usize,
    /// The last entry before it.
    pub last_id: Option<String>,
}

/// Which part of a list is wanted.
pub fn wanted(params: &Params<'_>) -> Result<Wanted, Problem> {
    let size = params.number("pageSize", 1, PAGE_SIZE_MAX)?.unwrap_or(PAGE_SIZE) as usize;
    let page = params.number("page", 1, PAGE_MAX)?;
    let last_id = params.get("lastId").map(str::to_owned);
    match (page, last_id) {
        (Some(_), Some(_)) => Err(bad("lastId", Reason::Together).into()),
        (page, None) => Ok(Wanted { page: Some(page.unwrap_or(1)), size, last_id: None }),
        (None, last_id) => Ok(Wanted { page: None, size, last_id }),
    }
}

impl Wanted {
    /// Entries before the page, where it is asked for by number.
    pub fn skip(&self) -> usize {
        usize::try_from(self.page.unwrap_or(1) - 1).unwrap_or(usize::MAX).saturating_mul(self.size)
    }

    /// Appends the fields around a list.
    pub fn fields(&self, out: &mut Vec<u8>, more: bool, last_id: Option<&str>) {
        json::field(out, "pageNum", &self.page);
        json::field(out, "pageSize", &self.size);
        json::field(out, "hasMore", &more);
        json::field(out, "lastId", &last_id);
    }

    /// A list with what is around it.
    pub fn data(&self, more: bool, last_id: Option<&str>, list: Vec<Value>) -> Value {
        json!({
            "pageNum": self.page, "pageSize": self.size, "hasMore": more, "lastId": last_id,
            "list": list,
        })
    }
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let params = asked.params()?;
    let wanted = wanted(&params)?;
    let sale = &asked.app.sale;
    let catalog = sale.catalog();
    let all = catalog.sorted();
    let from = match &wanted.last_id {
        None => wanted.skip(),
        Some(id) => {
            let entry = catalog.by_id(id).ok_or_else(|| bad("lastId", Reason::Choice))?;
            let key = entry.activity.sort_key();
            all.partition_point(|one| one.activity.sort_key() <= key)
        }
    };
    let page: Vec<&Arc<Entry>> = all.iter().skip(from).take(wanted.size).collect();
    let more = from.saturating_add(page.len()) < all.len();
    let last = page.last().map(|entry| entry.activity.id.as_str());
    let rows = page.iter().map(|entry| row(sale, entry, asked.now)).collect();
    asked.audit(&operator, "admin/act/list", "", String::new());
    Ok(success(&wanted.data(more, last, rows), Keep::Private))
}

fn row(sale: &Sale, entry: &Entry, now: TimeMs) -> Value {
    let activity = &entry.activity;
    let counts = sale.counts(entry.no);
    let supply = counts.supply();
    let state = standing(now, activity.window, counts.closed, counts.paused, supply);
    let kinds = activity.types.iter().zip(&counts.types).map(|(kind, counts)| {
        json!({
            "id": kind.id, "name": kind.name, "total": counts.supply.total,
            "left": counts.supply.available, "held": counts.supply.held, "sold": counts.supply.sold,
        })
    });
    json!({
        "id": activity.id, "name": activity.name, "desc": activity.desc, "image": activity.image,
        "start_time": activity.window.start().seconds(), "end_time": activity.window.end().seconds(),
        "state": state.name(), "left": supply.available, "held": supply.held, "sold": supply.sold,
        "total": supply.total, "closed": counts.closed, "paused": counts.paused,
        "roster": activity.has_roster, "limit_per_user": activity.limit_per_user,
        "tickets": kinds.collect::<Vec<_>>(),
    })
}

impl Asked {
    /// The activity that `actId` names.
    pub fn entry(&self) -> Result<Arc<Entry>, Problem> {
        let params = self.params()?;
        let id = params.need("actId")?;
        self.app.sale.catalog().by_id(id).cloned().ok_or(Problem::NotFound("actId"))
    }
}

async fn stats(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let entry = asked.entry()?;
    let stats = asked.app.sale.stats(&entry);
    let supply = stats.counts.supply();
    let refused = stats
        .counts
        .refused
        .iter()
        .map(|(refusal, people)| (refusal.name().to_owned(), json!(people)));
    asked.audit(&operator, "admin/act/stats", &entry.activity.id, String::new());
    let data = json!({
        "total": supply.total, "available": supply.available, "held": supply.held,
        "sold": supply.sold, "unpaid": unpaid(&stats.counts.types),
        "waiting": waiting(&stats.counts.types), "participants": stats.counts.participants,
        "refused": refused.collect::<serde_json::Map<_, _>>(),
        "claims_per_second": f64::from(stats.counts.accepted_in_10_s) / 10.0,
        "opened_at": stats.opened_at.map(TimeMs::seconds),
        "sold_out_at": stats.counts.sold_out_at.map(TimeMs::seconds),
    });
    Ok(success(&data, Keep::Private))
}

/// Units that unpaid orders hold, of all types together.
pub fn unpaid(types: &[TypeCounts]) -> u32 {
    types.iter().map(|one| one.unpaid).sum()
}

/// People in the waiting lists of all types together.
pub fn waiting(types: &[TypeCounts]) -> u32 {
    types.iter().map(|one| one.waiting).sum()
}

/// Orders by order id, ticket id, code or the name of a person.
async fn find(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let params = asked.params()?;
    let question = params.need("q")?.trim().to_owned();
    // What was asked may be a code, so it is not in the log.
    asked.audit(&operator, "admin/order/find", "", String::new());
    blocking(move || {
        let sale = &asked.app.sale;
        let lines = found(sale, &question).map_err(faulted)?;
        let mut rows = Vec::new();
        for line in lines.iter().take(FOUND_MAX) {
            rows.extend(row_of_line(sale, line).map_err(faulted)?);
        }
        Ok(success(&json!({ "list": rows, "hasMore": lines.len() > FOUND_MAX }), Keep::Private))
    })
    .await?
}

/// The tickets of the orders that a question means, by an order's id, a ticket's, a code or a person's name: one more
/// than [`FOUND_MAX`] where there are more. Blocks.
pub fn found(sale: &Sale, question: &str) -> Result<Vec<Recorded>, LedgerFault> {
    if let Some(lines) = by_id(sale, question) {
        return Ok(lines);
    }
    if let Some((activity, kind, unit)) = sale.ledger().find_code(question)? {
        let claim = sale.ledger().claim_of_unit(activity, kind, unit)?;
        let order = claim.and_then(|claim| sale.any_order(ClaimId::from(&claim)));
        let lines = order.map(|order| order.lines).unwrap_or_default().into_iter();
        return Ok(lines.filter(|line| Some(line.claim) == claim).collect());
    }
    match sale.ledger().person_by_name(question)? {
        Some((person, _)) => Ok(lines_of(sale, person.no)),
        None => Ok(Vec::new()),
    }
}

/// The lines of the order, or the one of the ticket, that has this id.
fn by_id(sale: &Sale, question: &str) -> Option<Vec<Recorded>> {
    let ticket = Ids::split_ticket(question);
    let id = ticket.map_or(question, |(order, _)| order);
    let order = sale.any_order(sale.ids().read_any_claim(id)?)?;
    // The MAC in the id counts here too: a look-alike of somebody's id finds nothing.
    if sale.claim_id(&order.first().claim).as_str() != id {
        return None;
    }
    let mut lines = order.lines;
    if let Some((_, place)) = ticket {
        lines.retain(|line| u32::from(line.claim.line) + 1 == place);
    }
    Some(lines)
}

fn lines_of(sale: &Sale, user: UserNo) -> Vec<Recorded> {
    let from = sale::Position::Skip(0);
    let (found, _) = sale.orders_of(user, from, FOUND_MAX + 1);
    found.into_iter().flat_map(|order| order.lines).take(FOUND_MAX + 1).collect()
}

fn row_of_line(sale: &Sale, line: &Recorded) -> Result<Option<Value>, LedgerFault> {
    let catalog = sale.catalog();
    let claim = &line.claim;
    let Some(entry) = catalog.by_no(claim.activity) else { return Ok(None) };
    let kind = &entry.activity.types[usize::from(claim.ticket_type.0)];
    let person = sale.ledger().person(claim.user)?;
    let code = entry.with_code(line, str::to_owned);
    Ok(Some(json!({
        "order_id": sale.claim_id(claim).as_str(), "ticket_id": sale.ids().ticket(claim),
        "claim_no": claim.claim_no.0, "act_id": entry.activity.id, "type_id": kind.id,
        "user": person.as_ref().map(|person| &person.name),
        "display_name": person.as_ref().map(|person| &person.display_name),
        "code": code, "state": line.state.name(), "price": kind.price.amount(),
        "currency": kind.price.currency, "decided_at": claim.decided_at.seconds(),
        "paid_at": orders::paid_at(sale, line)?.map(TimeMs::seconds),
        "pay_by": line.pay_by.map(TimeMs::seconds), "redeemed_at": null,
    })))
}

/// The audit log, newest first.
async fn audit(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let params = asked.params()?;
    let size = params.number("pageSize", 1, PAGE_SIZE_MAX)?.unwrap_or(PAGE_SIZE) as u32;
    let page = params.number("page", 1, PAGE_MAX)?;
    let before = params.number("lastId", 1, u64::MAX)?;
    if page.is_some() && before.is_some() {
        return Err(bad("lastId", Reason::Together).into());
    }
    asked.audit(&operator, "admin/audit", "", String::new());
    blocking(move || {
        let wanted = Wanted {
            page: before.is_none().then_some(page.unwrap_or(1)),
            size: size as usize,
            last_id: before.map(|id| id.to_string()),
        };
        let ledger = asked.app.sale.ledger();
        // Numbers have no gaps, so a page's first entry is found by counting back from the newest.
        let before = match before {
            Some(number) => Some(number),
            None => {
                let newest = ledger.read_audit(None, 1).map_err(faulted)?;
                let newest = newest.first().map_or(0, |record| record.no);
                Some((newest + 1).saturating_sub(wanted.skip() as u64))
            }
        };
        let records = ledger.read_audit(before, size + 1).map_err(faulted)?;
        let more = records.len() > size as usize;
        let shown = &records[..records.len().min(size as usize)];
        let last = shown.last().map(|record| record.no.to_string());
        let rows = shown.iter().map(|record| {
            let entry = &record.entry;
            json!({
                "id": record.no.to_string(), "at": entry.at.seconds(), "who": entry.who,
                "action": entry.action, "target": entry.target, "detail": entry.detail,
            })
        });
        Ok(success(&wanted.data(more, last.as_deref(), rows.collect()), Keep::Private))
    })
    .await?
}
