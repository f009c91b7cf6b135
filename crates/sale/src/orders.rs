//! Orders by their ids, and what their buyers and operators may do to them. Only durable orders are shown.
//! Every step is proposed to the writer; nothing here changes an order by itself.

use crate::{Catalog, ChangeFault, ClaimId, Entry, Position, Sale};
use ledger::{Change, Changed, LedgerFault, OrderMark};
use rules::{Money, OrderNo, OrderState, OrderStep, TimeMs, UserNo};
use std::sync::Arc;
use stock::{Place, Recorded};

/// A durable order beside its activity.
#[derive(Clone)]
pub struct OwnedOrder {
    /// The activity.
    pub entry: Arc<Entry>,
    /// Its lines, first to last; at least one.
    pub lines: Vec<Recorded>,
}

impl OwnedOrder {
    /// The first line, which stands for the order.
    pub fn first(&self) -> &Recorded {
        self.lines.first().expect("an order has a line")
    }

    /// Its place.
    pub fn no(&self) -> OrderNo {
        self.first().claim.order()
    }

    /// How it stood when it was looked up.
    pub fn state(&self) -> OrderState {
        self.first().state
    }

    /// What it costs.
    pub fn amount(&self) -> Money {
        self.entry.amount_of(&self.lines)
    }

    /// While it is held: until when it is to be paid.
    pub fn pay_by(&self) -> Option<TimeMs> {
        self.first().pay_by
    }
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// It is in this state now.
    Now(OrderState),
    /// It was in this state already.
    Already(OrderState),
    /// Not possible in this state.
    WrongState(OrderState),
    /// There is no such order.
    Unknown,
}

impl Sale {
    /// The user's durable order with this id.
    pub fn order(&self, catalog: &Catalog, id: ClaimId, user: UserNo) -> Option<OwnedOrder> {
        self.order_of(catalog, id).filter(|order| order.first().claim.user == user)
    }

    /// The durable order with this id, whosever it is: for operators.
    pub fn any_order(&self, id: ClaimId) -> Option<OwnedOrder> {
        self.order_of(&self.catalog(), id)
    }

    fn order_of(&self, catalog: &Catalog, id: ClaimId) -> Option<OwnedOrder> {
        let lines = self.lines(id.order());
        let same = ClaimId::from(&lines.first()?.claim) == id;
        let entry = Arc::clone(catalog.by_no(id.activity)?);
        same.then_some(OwnedOrder { entry, lines })
    }

    /// The durable order whose first line has this place, whosever it is: for operators, and for what names places.
    pub fn order_at(&self, order: OrderNo) -> Option<OwnedOrder> {
        let (lines, catalog) = (self.lines(order), self.catalog());
        let entry = Arc::clone(catalog.by_no(order.activity)?);
        (!lines.is_empty()).then_some(OwnedOrder { entry, lines })
    }

    /// The lines of a durable order; none: there is no such order.
    pub(crate) fn lines(&self, order: OrderNo) -> Vec<Recorded> {
        let mut lines = self.inner.stock.order(order);
        if lines.iter().any(|line| line.place != Place::DURABLE) {
            lines.clear();
        }
        lines
    }

    /// A page of the user's durable orders, newest first and in every state, and whether more follow.
    pub fn orders_of(&self, user: UserNo, from: Position, most: usize) -> (Vec<OwnedOrder>, bool) {
        let catalog = self.catalog();
        let Some(start) = self.start(user, from) else { return (Vec::new(), false) };
        let mut orders = self.history(&catalog, user, start.order.first()).skip(start.skip);
        let owned = |lines: Vec<Recorded>| {
            let entry = Arc::clone(catalog.by_no(lines.first()?.claim.activity)?);
            Some(OwnedOrder { entry, lines })
        };
        let page = orders.by_ref().take(most).filter_map(owned).collect();
        (page, orders.next().is_some())
    }

    /// The buyer gives a held order up.
    pub async fn cancel(&self, order: OrderNo) -> Result<Stepped, ChangeFault> {
        let stepped = self.take_step(order, OrderStep::Cancel).await?;
        if matches!(stepped, Stepped::Now(_)) {
            // Nobody is to pay for what is gone: closed at the provider in the next round.
            self.inner.till.hasten(order, self.now());
        }
        Ok(stepped)
    }

    /// The operator gives the money of a paid order back; the till sees to it that it gets there.
    pub async fn refund(&self, order: OrderNo) -> Result<Stepped, ChangeFault> {
        self.take_step(order, OrderStep::OweRefund).await
    }

    async fn take_step(&self, order: OrderNo, step: OrderStep) -> Result<Stepped, ChangeFault> {
        let before = match step {
            OrderStep::OweRefund => OrderState::Paid,
            _ => OrderState::Held,
        };
        let after = before.after(step).expect("the table has this step");
        Ok(match self.propose(Change::Step { order, step }).await? {
            Changed::Done { .. } => Stepped::Now(after),
            Changed::Already { state, .. } => Stepped::Already(state.unwrap_or(after)),
            Changed::WrongState(state) => Stepped::WrongState(state),
            Changed::WrongPayment(_) | Changed::Closed | Changed::Unknown => Stepped::Unknown,
        })
    }

    /// How an order stands and since when, from the ledger; blocks. `None`: there is none.
    pub fn mark(&self, order: OrderNo) -> Result<Option<OrderMark>, LedgerFault> {
        self.inner.ledger.order_mark(order)
    }
}
