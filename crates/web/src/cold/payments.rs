//! Money at the operators' desk: payments, refused notices, giving back. Every call is in the audit log, and none of
//! them changes a payment by itself: the sale and the ledger do.

use super::{
    Asked, At, GET, POST, Takes,
    admin_reads::wanted,
    blocking,
    orders::{record, stepped},
    user::faulted,
};
use crate::{
    envelope::{Keep, Problem, Reply, success},
    orders::order_at,
    params::{Reason, bad},
};
use axum::Router;
use sale::{LedgerFault, OrderNo, PaymentNo, PaymentRecord, PaymentState, Sale};
use serde_json::{Value, json};

/// The routes of money.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/admin/payments", at.call(GET, Takes::Little, payments))
        .route("/admin/notices", at.call(GET, Takes::Little, notices))
        .route("/admin/order/refund", at.call(POST, Takes::Little, refund))
}

/// Payments, newest first. They are numbered with gaps in every state, so there are no pages by number.
async fn payments(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let params = asked.params()?;
    let wanted = wanted(&params)?;
    if params.get("page").is_some_and(|page| page != "1") {
        return Err(bad("page", Reason::Number).into());
    }
    let before = params.number("lastId", 1, u64::MAX)?.map(PaymentNo);
    let state = match params.get("state") {
        None => None,
        Some(name) => Some(state(name).ok_or_else(|| bad("state", Reason::Choice))?),
    };
    drop(params);
    asked.audit(&operator, "admin/payments", "", String::new());
    blocking(move || {
        let sale = &asked.app.sale;
        let found = sale.ledger().payments(before, state, wanted.size as u32 + 1);
        let found = found.map_err(faulted)?;
        let shown = &found[..found.len().min(wanted.size)];
        let rows = shown.iter().map(|one| row(sale, one)).collect::<Result<_, _>>();
        let last = shown.last().map(|one| one.no.0.to_string());
        let more = found.len() > shown.len();
        let rows = rows.map_err(faulted)?;
        Ok(success(&wanted.data(more, last.as_deref(), rows), Keep::Private))
    })
    .await?
}

fn state(name: &str) -> Option<PaymentState> {
    PaymentState::ALL.into_iter().find(|state| state.name() == name)
}

/// A payment as operators see it. Blocks.
pub fn row(sale: &Sale, one: &PaymentRecord) -> Result<Value, LedgerFault> {
    let order = order_at(sale, one.payment.order)?;
    let user = match order.as_ref().map(|order| order.first()) {
        Some(first) => sale.ledger().person(first.claim.user)?.map(|person| person.name),
        None => None,
    };
    let id = order.as_ref().map(|order| sale.claim_id(&order.first().claim).as_str().to_owned());
    Ok(json!({
        "payment_id": one.no.0.to_string(), "act_id": order.map(|order| order.entry.activity.id.clone()),
        "order_id": id, "paid_order_id": order_id(sale, one.paid_order)?, "user": user,
        "provider": one.payment.provider, "reference": one.payment.reference,
        "amount": one.payment.amount.amount(), "currency": one.payment.amount.currency,
        "state": one.state.name(), "received_at": one.received_at.seconds(),
        "changed_at": one.changed_at.seconds(), "refund_attempts": one.refund_attempts,
        "refund_after": (one.state == PaymentState::RefundDue).then(|| one.refund_after.seconds()),
    }))
}

/// The id of the order in this place, if there is one.
fn order_id(sale: &Sale, order: Option<OrderNo>) -> Result<Option<String>, LedgerFault> {
    let Some(order) = order else { return Ok(None) };
    let order = order_at(sale, order)?;
    Ok(order.map(|order| sale.claim_id(&order.first().claim).as_str().to_owned()))
}

/// Refused notices, newest first: the newest of what is kept. Strays alone where asked: authentic, and of no order.
async fn notices(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let params = asked.params()?;
    let wanted = wanted(&params)?;
    if wanted.last_id.is_some() {
        return Err(bad("lastId", Reason::Form).into());
    }
    let strays_only = match params.get("strays") {
        None | Some("0" | "false") => false,
        Some("1" | "true") => true,
        Some(_) => return Err(bad("strays", Reason::Choice).into()),
    };
    drop(params);
    asked.audit(&operator, "admin/notices", "", String::new());
    blocking(move || {
        let sale = &asked.app.sale;
        let most = wanted.skip().saturating_add(wanted.size).saturating_add(1);
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let found = sale.ledger().notices(strays_only, most).map_err(faulted)?;
        let mut left = found.into_iter().skip(wanted.skip());
        let rows = left.by_ref().take(wanted.size).map(|(at, provider, reason, order)| {
            let order = order_id(sale, order)?;
            Ok(json!({
                "at": at.seconds(), "provider": provider, "reason": reason, "order_id": order,
            }))
        });
        let rows = rows.collect::<Result<_, _>>().map_err(faulted)?;
        let more = left.next().is_some();
        Ok(success(&wanted.data(more, None, rows), Keep::Private))
    })
    .await?
}

/// Gives the money of a paid order back.
async fn refund(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let sale = &asked.app.sale;
    let (id, text) = {
        let params = asked.params()?;
        let text = params.need("orderId")?;
        let id = sale.ids().read_any_claim(text).ok_or(Problem::NotFound("orderId"))?;
        (id, text.to_owned())
    };
    let unknown = || Problem::NotFound("orderId");
    let order = sale.any_order(id).ok_or_else(unknown)?;
    let first = order.first().claim;
    if sale.claim_id(&first).as_str() != text {
        return Err(unknown());
    }
    stepped(sale.refund(first.order()).await)?;
    let target = order.entry.activity.id.clone();
    let what = format!("order {text}");
    asked.audit_change(&operator, "admin/order/refund", &target, what).await?;
    let order = sale.any_order(id).ok_or_else(unknown)?;
    record(asked, order).await
}
