//! Orders as JSON: what they cost, how they stand, and the tickets they are made of. One way of writing them for
//! every call. Nothing here looks at who asks: whoever hands an order over has made sure of that.

use crate::{App, envelope::Problem, json, prepared::PreparedActivity};
use sale::{
    ClaimId, Entry, IdText, Ids, LedgerFault, OrderNo, OrderState, OwnedOrder, Recorded, Sale,
    TimeMs,
};

/// Appends what an order costs, and until when it is to be paid. `pay_by` is rounded down: nobody is shown a later
/// end than there is.
pub fn cost_fields(out: &mut Vec<u8>, entry: &Entry, lines: &[Recorded]) {
    let price = entry.amount_of(lines);
    json::field(out, "price", &price.amount());
    json::field(out, "currency", &price.currency);
    let pay_by = lines.first().and_then(|first| first.pay_by);
    json::field(out, "pay_by", &pay_by.map(TimeMs::seconds));
}

/// Appends `"tickets":[…]`: the record of each line.
pub fn ticket_records(
    out: &mut Vec<u8>,
    act: &PreparedActivity,
    order: &IdText,
    lines: &[Recorded],
    now: TimeMs,
) {
    json::key(out, "tickets");
    json::list(out, lines, |out, line| act.ticket(out, order, line, now));
}

/// Every line of the order that this line belongs to; the line alone where the order is not on disk.
pub fn lines_of(sale: &Sale, line: &Recorded) -> Vec<Recorded> {
    if line.claim.lines == 1 {
        return vec![*line];
    }
    sale.any_order(ClaimId::from(&line.claim)).map_or_else(|| vec![*line], |order| order.lines)
}

/// The order in this place; `None`: there is none. Blocks.
pub fn order_at(sale: &Sale, order: OrderNo) -> Result<Option<OwnedOrder>, LedgerFault> {
    let lines = sale.ledger().lines(order.activity, order.seq)?;
    Ok(lines.first().and_then(|first| sale.any_order(ClaimId::from(first))))
}

/// When an order was paid; a free one when it was decided. Asks the ledger only about those that were paid for:
/// it blocks then.
pub fn paid_at(sale: &Sale, line: &Recorded) -> Result<Option<TimeMs>, LedgerFault> {
    if !line.claim.priced {
        return Ok(Some(line.claim.decided_at));
    }
    match line.state {
        OrderState::Held | OrderState::Cancelled | OrderState::Expired => Ok(None),
        OrderState::Paid | OrderState::RefundDue | OrderState::Refunded => {
            Ok(sale.mark(line.claim.order())?.and_then(|mark| mark.paid_at))
        }
    }
}

/// An order that is about to be written down.
pub struct Telling<'a> {
    /// The order.
    pub order: &'a OwnedOrder,
    /// Its id.
    pub id: IdText,
    /// When it was paid.
    pub paid_at: Option<TimeMs>,
}

impl<'a> Telling<'a> {
    /// Looks up what the order itself does not say; may block.
    pub fn of(app: &App, order: &'a OwnedOrder) -> Result<Self, LedgerFault> {
        let first = order.first();
        let (id, paid_at) = (app.sale.claim_id(&first.claim), paid_at(&app.sale, first)?);
        Ok(Self { order, id, paid_at })
    }

    /// Appends the record without its tickets and the brace at its end.
    pub fn begin(&self, out: &mut Vec<u8>) {
        let (entry, first) = (&self.order.entry, self.order.first());
        let activity = &entry.activity;
        out.push(b'{');
        json::field(out, "order_id", self.id.as_str());
        json::field(out, "act_id", &activity.id);
        json::field(out, "name", &activity.name);
        json::field(out, "state", first.state.name());
        cost_fields(out, entry, &self.order.lines);
        json::field(out, "created_at", &first.claim.decided_at.seconds());
        json::field(out, "paid_at", &self.paid_at.map(TimeMs::seconds));
    }

    /// Appends the record as lists have it: with the ids of its tickets.
    pub fn short(&self, out: &mut Vec<u8>, ids: &Ids) {
        self.begin(out);
        json::key(out, "tickets");
        json::list(out, &self.order.lines, |out, line| {
            json::value(out, &ids.ticket(&line.claim));
        });
        out.push(b'}');
    }

    /// Appends the tickets whole.
    pub fn tickets(&self, out: &mut Vec<u8>, app: &App, now: TimeMs) -> Result<(), Problem> {
        let prepared = app.prepared();
        let act = prepared.get(&self.order.entry.activity.id);
        let act = act.ok_or(Problem::NotFound("orderId"))?;
        ticket_records(out, act, &self.id, &self.order.lines, now);
        Ok(())
    }
}
