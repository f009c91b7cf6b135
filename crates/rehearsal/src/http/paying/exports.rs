//! What is read when the payers have gone: the exports, the feed of events, and what is left.
//! Unknown columns and fields are left alone; what is missing makes an export unreadable.

use super::money::amount;
use crate::{
    history::{
        ParticipantRow,
        paying::{
            AtRest, FeedEvent, Paying, PaymentRow, PaymentState, PricedRow, PricedTicket, State,
        },
    },
    http::{
        Doing, RehearseFault,
        operator::{Desk, Wanted},
        sale::WireParticipant,
    },
};
use serde::Deserialize;
use serde_json::Value;

/// Events of a page, and pages.
const EVENTS_AT_ONCE: u32 = 500;
const PAGES_MAX: u32 = 10_000;

/// Times the exports are read until the orders were the same before and after the payments.
const READS_MAX: u32 = 20;

/// Reads the exports, in place of what was read before, as they stand at one moment.
pub(super) async fn read(
    desk: &Desk,
    activity: &str,
    paying: &mut Paying,
) -> Result<(), RehearseFault> {
    paying.exported = desk.now();
    paying.orders = orders(desk, activity).await?;
    for _ in 0..READS_MAX {
        paying.payments = payments(desk, activity).await?;
        paying.participants = participants(desk, activity).await?;
        let after = orders(desk, activity).await?;
        if std::mem::replace(&mut paying.orders, after) == paying.orders {
            break;
        }
    }
    Ok(())
}

fn path(activity: &str, what: &str) -> String {
    format!("/admin/export?actId={activity}&format=jsonl&what={what}")
}

async fn orders(desk: &Desk, activity: &str) -> Result<Vec<PricedRow>, RehearseFault> {
    let (path, mut rows) = (path(activity, "orders"), Vec::new());
    let read = desk.lines(&path, |line| {
        rows.push(serde_json::from_slice::<WireOrder>(line).ok()?.read()?);
        Some(())
    });
    read.await?;
    Ok(rows)
}

async fn payments(desk: &Desk, activity: &str) -> Result<Vec<PaymentRow>, RehearseFault> {
    let (path, mut rows) = (path(activity, "payments"), Vec::new());
    let read = desk.lines(&path, |line| {
        rows.push(serde_json::from_slice::<WirePayment>(line).ok()?.read()?);
        Some(())
    });
    read.await?;
    Ok(rows)
}

async fn participants(desk: &Desk, activity: &str) -> Result<Vec<ParticipantRow>, RehearseFault> {
    let (path, mut rows) = (path(activity, "participants"), Vec::new());
    let read = desk.lines(&path, |line| {
        rows.push(serde_json::from_slice::<WireParticipant>(line).ok()?.into());
        Some(())
    });
    read.await?;
    Ok(rows)
}

/// The whole feed; nothing where the server has none.
pub(super) async fn events(
    desk: &Desk,
    activity: &str,
) -> Result<Option<Vec<FeedEvent>>, RehearseFault> {
    let unreadable = || RehearseFault::Unreadable(Doing::Exporting);
    let (mut events, mut after) = (Vec::new(), 0);
    for _ in 0..PAGES_MAX {
        let path = format!("/admin/events?actId={activity}&after={after}&most={EVENTS_AT_ONCE}");
        let told = match desk.must(Wanted::get(Doing::Exporting, &path)).await {
            Err(RehearseFault::Refused { status: 404, .. }) => return Ok(None),
            told => told?,
        };
        let list = told.data.get("list").and_then(Value::as_array).ok_or_else(unreadable)?;
        for one in list {
            events.push(event(one).ok_or_else(unreadable)?);
        }
        let reached = events.last().map_or(0, |last: &FeedEvent| last.no);
        if list.is_empty() || reached <= after {
            return Ok(Some(events));
        }
        after = reached;
    }
    Err(RehearseFault::TooMuch(Doing::Exporting))
}

/// Units of each type when everything is over.
pub(super) async fn at_rest(desk: &Desk, activity: &str) -> Result<Vec<AtRest>, RehearseFault> {
    let path = format!("/act/detail?actId={activity}");
    let told = desk.must(Wanted::get(Doing::Exporting, &path)).await?;
    let units = |one: &Value| {
        let number = |key: &str| u32::try_from(one.get(key)?.as_u64()?).ok();
        Some((number("total")?, number("left")?, number("held")?))
    };
    let types = told.data.get("tickets").and_then(Value::as_array);
    let types = types.map(|types| types.iter().map(units).collect::<Option<Vec<_>>>());
    types.flatten().ok_or(RehearseFault::Unreadable(Doing::Exporting))
}

/// An event in the form of CloudEvents; its type has the product's name before it.
fn event(one: &Value) -> Option<FeedEvent> {
    let data = one.get("data")?;
    let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = one.get("type")?.as_str()?;
    Some(FeedEvent {
        no: data.get("no")?.as_u64()?,
        name: kind.strip_prefix("firstcome.").unwrap_or(kind).to_owned(),
        order: text("order_id"),
        payment: data.pointer("/payment/id").and_then(Value::as_str).map(str::to_owned),
        user: text("user"),
        type_id: text("type_id"),
    })
}

/// A row of the orders' export; it has more columns.
#[derive(Deserialize)]
struct WireOrder {
    order_id: String,
    ticket_id: String,
    claim_no: u32,
    user: String,
    type_id: String,
    code: Option<String>,
    state: String,
    price: String,
    currency: String,
}

impl WireOrder {
    fn read(self) -> Option<PricedRow> {
        let Self { ticket_id: id, type_id, code, claim_no, .. } = self;
        Some(PricedRow {
            order: self.order_id,
            ticket: PricedTicket { id, type_id, code, claim_no },
            user: self.user,
            state: State::named(&self.state)?,
            price: amount(&self.price)?,
            currency: self.currency,
        })
    }
}

/// A row of the payments' export; it has more columns.
#[derive(Deserialize)]
struct WirePayment {
    payment_id: u64,
    order_id: String,
    paid_order: Option<String>,
    state: String,
    amount: String,
    currency: String,
}

impl WirePayment {
    fn read(self) -> Option<PaymentRow> {
        let state = PaymentState::named(&self.state)?;
        Some(PaymentRow {
            id: self.payment_id.to_string(),
            order: self.order_id,
            // What went back pays nothing any more.
            pays: self.paid_order.filter(|_| state == PaymentState::Confirmed),
            state,
            amount: amount(&self.amount)?,
            currency: self.currency,
        })
    }
}
