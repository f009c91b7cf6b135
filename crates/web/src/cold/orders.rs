//! Orders of a person: what they are, giving them up, going to pay. Somebody else's order does not exist (C23), and
//! nothing here says that an order is paid: only a provider's notice does.

use super::{Asked, At, GET, POST, Takes, blocking, user::faulted};
use crate::{
    documents::url,
    envelope::{Keep, Problem, Reply, begin, end, reply, success},
    json,
    orders::Telling,
    params::{Params, Reason, bad},
};
use axum::Router;
use http::StatusCode;
use sale::{
    ChangeFault, Effect, OrderState, OwnedOrder, PayRefused, PaymentRecord, Position, Sale,
    Stepped, UserNo, pay::ProviderFault,
};
use serde_json::{Value, json};

/// The routes of orders.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/order/list", at.call(GET, Takes::Little, list))
        .route("/order/detail", at.call(GET, Takes::Little, detail))
        .route("/order/cancel", at.call(POST, Takes::Little, cancel))
        .route("/order/pay", at.call(POST, Takes::Little, pay))
}

impl Asked {
    /// Who asks to change something of their own: with the cookie, from a page of this site.
    pub fn changer(&self) -> Result<UserNo, Problem> {
        self.app.may_change(&self.parts.method, &self.parts.headers)?;
        self.reader()
    }

    /// Who asks for something of their own.
    pub fn reader(&self) -> Result<UserNo, Problem> {
        Ok(self.app.need_who(&self.parts.headers, self.now)?.session.user)
    }

    /// One more change of their orders or places in line, unless this account has made too many.
    pub fn spend_change(&self, user: UserNo) -> Result<(), Problem> {
        match self.client {
            Some(_) => Ok(self.app.limits.change(user, self.now)?),
            None => Ok(()),
        }
    }

    /// The order that `orderId` names, if it is this person's.
    pub fn own_order(&self, user: UserNo) -> Result<OwnedOrder, Problem> {
        let params = self.params()?;
        let text = params.need("orderId")?;
        let sale = &self.app.sale;
        let id = sale.ids().read_claim(text, user).ok_or(Problem::NotFound("orderId"))?;
        sale.order(&sale.catalog(), id, user).ok_or(Problem::NotFound("orderId"))
    }
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let user = asked.reader()?;
    let params = asked.params()?;
    let wanted = super::admin_reads::wanted(&params)?;
    let sale = &asked.app.sale;
    let from = match &wanted.last_id {
        None => Position::Skip(wanted.skip()),
        Some(text) => {
            let id = sale.ids().read_claim(text, user);
            Position::After(id.ok_or_else(|| bad("lastId", Reason::Choice))?)
        }
    };
    let (found, more) = sale.orders_of(user, from, wanted.size);
    drop(params);
    blocking(move || {
        let told = found.iter().map(|order| Telling::of(&asked.app, order));
        let told: Vec<Telling<'_>> = told.collect::<Result<_, _>>().map_err(faulted)?;
        let mut out = begin(512 + told.len() * 512);
        out.push(b'{');
        wanted.fields(&mut out, more, told.last().map(|last| last.id.as_str()));
        json::key(&mut out, "list");
        json::list(&mut out, &told, |out, one| one.short(out, asked.app.sale.ids()));
        out.push(b'}');
        Ok(reply(0, StatusCode::OK, end(out), Keep::Private))
    })
    .await?
}

async fn detail(asked: Asked) -> Result<Reply, Problem> {
    let user = asked.reader()?;
    let order = asked.own_order(user)?;
    blocking(move || {
        let app = &asked.app;
        let told = Telling::of(app, &order).map_err(faulted)?;
        let payments = app.sale.ledger().payments_of(order.no());
        let mut out = begin(1024);
        told.begin(&mut out);
        json::field(&mut out, "server_time", &app.sale.now().0);
        told.tickets(&mut out, app, app.sale.now())?;
        json::key(&mut out, "payments");
        let payments = payments.map_err(faulted)?;
        json::list(&mut out, &payments, |out, one| json::value(out, &payment(one)));
        out.push(b'}');
        Ok(reply(0, StatusCode::OK, end(out), Keep::Private))
    })
    .await?
}

/// A payment as its buyer sees it.
fn payment(one: &PaymentRecord) -> Value {
    json!({
        "payment_id": one.no.0.to_string(), "provider": one.payment.provider,
        "amount": one.payment.amount.amount(), "currency": one.payment.amount.currency,
        "state": one.state.name(), "received_at": one.received_at.seconds(),
    })
}

async fn cancel(asked: Asked) -> Result<Reply, Problem> {
    let user = asked.changer()?;
    let order = asked.own_order(user)?;
    asked.spend_change(user)?;
    stepped(asked.app.sale.cancel(order.no()).await)?;
    let order = asked.own_order(user)?;
    record(asked, order).await
}

/// The record of an order as the answer.
pub async fn record(asked: Asked, order: OwnedOrder) -> Result<Reply, Problem> {
    blocking(move || {
        let told = Telling::of(&asked.app, &order).map_err(faulted)?;
        let mut out = begin(1024);
        told.short(&mut out, asked.app.sale.ids());
        Ok(reply(0, StatusCode::OK, end(out), Keep::Private))
    })
    .await?
}

/// What a step of an order that was asked for came to.
pub fn stepped(done: Result<Stepped, ChangeFault>) -> Result<(), Problem> {
    match done.map_err(changing)? {
        Stepped::Now(_) | Stepped::Already(_) => Ok(()),
        Stepped::WrongState(state) => Err(wrong_state(state)),
        Stepped::Unknown => Err(Problem::NotFound("orderId")),
    }
}

/// What a change that failed is on the wire: only what is known of its effect.
pub fn changing(fault: ChangeFault) -> Problem {
    match fault {
        ChangeFault::Busy => Problem::Busy,
        ChangeFault::Unknown => Problem::Fault(Effect::Unknown),
    }
}

fn wrong_state(state: OrderState) -> Problem {
    Problem::WrongState(json!({ "state": state.name() }))
}

async fn pay(asked: Asked) -> Result<Reply, Problem> {
    let user = asked.changer()?;
    let params = asked.params()?;
    let provider = provider(&asked.app.sale, &params)?;
    let order = asked.own_order(user)?;
    asked.spend_change(user)?;
    let id = asked.app.sale.claim_id(&order.first().claim);
    // Where the browser comes back to shows the order and changes nothing (C21).
    let here = url(&asked.parts.headers, &asked.app.settings);
    let back_to = format!("{here}/{}/order/{}", asked.language.pick("en", "zh"), id.as_str());
    let started = asked.app.sale.pay(&order, provider, &back_to).await;
    let start = started.map_err(pay_refused)?;
    Ok(success(&json!({ "pay_url": start.pay_url }), Keep::Private))
}

fn pay_refused(refused: PayRefused) -> Problem {
    match refused {
        PayRefused::WrongState(state) => wrong_state(state),
        // It is still held, and to its buyer it is over.
        PayRefused::TooLate => wrong_state(OrderState::Expired),
        PayRefused::NoOrder => Problem::NotFound("orderId"),
        PayRefused::NoProvider => Problem::SwitchedOff,
        // Nothing happened to the order, whatever happened there, and every call there may be repeated.
        PayRefused::Provider(ProviderFault::Unreachable | ProviderFault::Refused) => Problem::Busy,
        PayRefused::Change(fault) => changing(fault),
    }
}

/// The provider that was named; none: the sale's own choice.
fn provider<'a>(sale: &Sale, params: &'a Params<'_>) -> Result<Option<&'a str>, Problem> {
    let named = params.get("provider");
    match named {
        Some(name) if !sale.provider_names().contains(&name) => {
            Err(bad("provider", Reason::Choice).into())
        }
        named => Ok(named),
    }
}
