//! The body of an event: CloudEvents 1.0 in JSON, with the fact as its data.
//! A redemption code is never part of it, for it goes to whoever listens.

use crate::kind::FactKind;
use bytes::Bytes;
use jiff::Timestamp;
use ledger::{Ledger, LedgerFault, OutFact, OutNo, OutRow, PaymentRecord};
use rules::{Activity, Claim, Event, EventKind, Money, OrderNo, PaymentState, TimeMs, TypeNo};
use serde::Serialize;

/// What orders and tickets are called outside.
pub trait OrderIds: Send + Sync {
    /// The id of the order whose first line this is.
    fn order(&self, first: &Claim) -> String;
    /// The id of the ticket that this line is.
    fn ticket(&self, line: &Claim) -> String;
}

/// An event as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBody {
    /// Its number in its activity.
    pub no: OutNo,
    /// What it is called.
    pub kind: FactKind,
    /// Its id, the same whenever it is sent: `<activity id>/<number>`.
    pub id: String,
    /// When it happened.
    pub at: TimeMs,
    /// The whole event.
    pub json: Bytes,
}

/// An event of CloudEvents 1.0, in its structured form.
#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: String,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    /// The extension of that name: texts that sort as the numbers do.
    sequence: String,
    data: Data<'a>,
}

#[derive(Default, Serialize)]
struct Data<'a> {
    activity_id: &'a str,
    no: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tickets: Vec<Ticket<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Payment<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    units: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Ticket<'a> {
    id: String,
    type_id: &'a str,
    claim_no: u32,
    unit: u32,
}

#[derive(Serialize)]
struct Payment<'a> {
    id: String,
    provider: &'a str,
    reference: &'a str,
    amount: String,
    currency: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_order_id: Option<String>,
}

/// Makes bodies; blocks where it asks the ledger.
pub(crate) struct Writer<'a> {
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) ids: &'a dyn OrderIds,
    pub(crate) source: &'a str,
    pub(crate) activity: &'a Activity,
}

impl Writer<'_> {
    /// The body of a fact.
    pub(crate) fn body(&self, row: &OutRow) -> Result<EventBody, LedgerFault> {
        let kind = FactKind::of(&row.fact);
        let id = format!("{}/{}", self.activity.id, row.no.0);
        let order_id = match &row.fact {
            OutFact::Claimed(lines) | OutFact::Order(_, lines) => {
                lines.first().map(|first| self.ids.order(first))
            }
            OutFact::Payment(_, payment) => self.order_id(payment.payment.order)?,
            OutFact::Activity(_) => None,
        };
        let mut data = self.data(row, kind)?;
        data.order_id = order_id.as_deref();
        let envelope = Envelope {
            specversion: "1.0",
            id: &id,
            source: self.source,
            kind: format!("firstcome.{}", kind.name()),
            subject: order_id.as_deref().unwrap_or(&self.activity.id),
            time: rfc3339(row.at),
            datacontenttype: "application/json",
            sequence: format!("{:020}", row.no.0),
            data,
        };
        let json = serde_json::to_vec(&envelope).expect("plain data can be written as JSON");
        Ok(EventBody { no: row.no, kind, at: row.at, json: json.into(), id })
    }

    fn data<'a>(&'a self, row: &'a OutRow, kind: FactKind) -> Result<Data<'a>, LedgerFault> {
        let mut data = Data {
            activity_id: &self.activity.id,
            no: row.no.0,
            user: &row.user,
            state: kind.order_state().map(|state| state.name()),
            ..Data::default()
        };
        match &row.fact {
            OutFact::Claimed(lines) => self.tell_order(&mut data, lines, kind),
            OutFact::Order(_, lines) => self.tell_order(&mut data, lines, kind),
            OutFact::Payment(event, payment) => {
                data.payment = Some(self.payment(event, payment)?);
            }
            OutFact::Activity(event) => self.tell_activity(&mut data, event),
        }
        Ok(data)
    }

    fn tell_order<'a>(&'a self, data: &mut Data<'a>, lines: &[Claim], kind: FactKind) {
        let types = lines.iter().map(|line| line.ticket_type);
        let Money { currency, .. } = self.put_price(data, types.clone());
        data.currency = Some(currency);
        if let (FactKind::OrderHeld, Some(first)) = (kind, lines.first()) {
            // Deadlines are only ever moved later: this is the earliest that it can be.
            let pay_by = self.activity.pay_by(types, first.offer.is_some(), first.decided_at);
            data.pay_by = Some(pay_by.seconds());
        }
        data.tickets = lines.iter().map(|line| self.ticket(line)).collect();
    }

    fn put_price(&self, data: &mut Data<'_>, types: impl Iterator<Item = TypeNo> + Clone) -> Money {
        let price = self.activity.amount_of(types);
        data.price = Some(price.amount());
        price
    }

    fn ticket(&self, line: &Claim) -> Ticket<'_> {
        let (type_id, claim_no) = (self.type_id(line.ticket_type), line.claim_no.0);
        Ticket { id: self.ids.ticket(line), type_id, claim_no, unit: line.unit.0 }
    }

    fn payment<'a>(
        &self,
        event: &Event,
        payment: &'a PaymentRecord,
    ) -> Result<Payment<'a>, LedgerFault> {
        // How it stood then, not how it stands now.
        let state = match event.kind {
            EventKind::Payment { state, .. } => state,
            _ => payment.state,
        };
        let confirmed = state == PaymentState::Confirmed;
        let paid = payment.paid_order.filter(|_| confirmed);
        Ok(Payment {
            id: payment.no.0.to_string(),
            provider: &payment.payment.provider,
            reference: &payment.payment.reference,
            amount: payment.payment.amount.amount(),
            currency: &payment.payment.amount.currency,
            state: state.name(),
            paid_order_id: paid.map(|order| self.order_id(order)).transpose()?.flatten(),
        })
    }

    fn tell_activity<'a>(&'a self, data: &mut Data<'a>, event: &'a Event) {
        match &event.kind {
            EventKind::UnitsAdded { ticket_type, .. }
            | EventKind::UnitsTakenBack { ticket_type, .. } => {
                data.type_id = Some(self.type_id(*ticket_type));
                data.units = Some(event.kind.unit_count());
            }
            EventKind::LinedUp { ticket_type, .. } | EventKind::LeftLine { ticket_type, .. } => {
                data.type_id = Some(self.type_id(*ticket_type));
            }
            EventKind::Changed(definition) => data.name = Some(&definition.name),
            EventKind::Paused
            | EventKind::Resumed
            | EventKind::Closed
            | EventKind::Order { .. }
            | EventKind::Payment { .. } => {}
        }
    }

    fn type_id(&self, ticket_type: TypeNo) -> &str {
        &self.activity.types[usize::from(ticket_type.0)].id
    }

    fn order_id(&self, order: OrderNo) -> Result<Option<String>, LedgerFault> {
        let lines = self.ledger.lines(order.activity, order.seq)?;
        Ok(lines.first().map(|first| self.ids.order(first)))
    }
}

/// The body by which an operator tries an endpoint: it belongs to no activity and has no number.
pub(crate) fn trial(id: String, endpoint: &str, source: &str, at: TimeMs) -> (String, Bytes) {
    let json = serde_json::json!({
        "specversion": "1.0",
        "id": &id,
        "source": source,
        "type": "firstcome.test",
        "subject": endpoint,
        "time": rfc3339(at),
        "datacontenttype": "application/json",
        "data": {},
    });
    (id, json.to_string().into())
}

/// A moment as RFC 3339 has it; beyond what can be written it stands still.
fn rfc3339(at: TimeMs) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    let whole = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    format!("{whole:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_with_their_milliseconds() {
        assert_eq!(rfc3339(TimeMs(1_796_090_400_007)), "2026-12-01T02:00:00.007Z");
        assert_eq!(rfc3339(TimeMs(0)), "1970-01-01T00:00:00.000Z");
        assert!(rfc3339(TimeMs(u64::MAX)).starts_with("9999-12-30T"));
    }
}
