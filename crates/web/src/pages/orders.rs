//! What somebody has ordered: the list, and an order with what can be done with it: pay, give back, see its tickets,
//! its payments and refunds. The page to which a provider sends people back changes nothing by itself (C21).

use super::{
    Pages,
    account::person,
    claiming::next_key,
    frame::{Frame, personal, see_other, to, unread, with_status},
    leaving::{Bound, Leaving},
    lists::begins,
    moments::Shown,
    price,
    words::{Sentence, say, stands},
};
use crate::{
    cold::{Asked, Takes, blocking},
    documents::url,
    envelope::{Problem, Reply},
};
use askama::Template;
use axum::Router;
use http::StatusCode;
use sale::{
    ChangeFault, Effect, OrderNo, OrderState, OwnedOrder, PayRefused, PaymentRecord, PaymentState,
    Position, Stepped,
};

/// Orders on a page.
const ORDERS_ON_A_PAGE: usize = 50;
/// Seconds after which a browser without scripts looks again whether the provider's word has come.
const AGAIN_AFTER_S: u32 = 4;

/// The routes of orders.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .route(&pages.path("/orders"), pages.get(list))
        .route(&pages.path("/order/{id}"), pages.get(one))
        .route(&pages.path("/order/{id}/pay"), pages.post(pay))
        .route(&pages.path("/order/{id}/cancel"), pages.form(Takes::Little, sure, cancel))
}

/// An order as its buyer sees it.
pub struct Order {
    pub id: String,
    pub act_id: String,
    pub act_name: String,
    pub state: OrderState,
    /// What it costs; nothing where it is free.
    pub price: Option<String>,
    pub created: Shown,
    /// Until when it is to be paid, while it is held.
    pub pay_by: Option<Shown>,
    /// The same for the script, in seconds; 0 where there is none.
    pub pay_by_s: u64,
    /// A unit that came back was offered to somebody in line.
    pub offered: bool,
    /// Ticket types with the number of units.
    pub kinds: Vec<(String, usize)>,
    pub tickets: Vec<String>,
}

/// What an order's state is called.
pub fn state_text(state: OrderState, f: &Frame) -> &'static str {
    let (en, zh) = match state {
        OrderState::Held => ("to be paid", "待付款"),
        OrderState::Paid => ("yours", "已完成"),
        OrderState::Cancelled => ("given back", "已放弃"),
        OrderState::Expired => ("not paid in time", "超时未付"),
        OrderState::RefundDue => ("refund on its way", "退款中"),
        OrderState::Refunded => ("refunded", "已退款"),
    };
    f.language.pick(en, zh)
}

/// What a payment's state is called.
pub fn payment_text(state: PaymentState, f: &Frame) -> &'static str {
    let (en, zh) = match state {
        PaymentState::Late => ("came late", "付款晚到"),
        PaymentState::Confirmed => ("received", "已收到"),
        PaymentState::RefundDue => ("refund on its way", "退款中"),
        PaymentState::Refunded => ("refunded", "已退款"),
    };
    f.language.pick(en, zh)
}

impl Order {
    pub fn new(asked: &Asked, owned: &OwnedOrder) -> Self {
        let (entry, lines, sale) = (&owned.entry, &owned.lines, &asked.app.sale);
        let activity = &entry.activity;
        let zone = asked.app.settings.pages.zone();
        let (first, cost) = (owned.first(), owned.amount());
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for line in lines {
            let name = &activity.types[usize::from(line.claim.ticket_type.0)].name;
            match kinds.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => *count += 1,
                None => kinds.push((name.clone(), 1)),
            }
        }
        let ticket = |line: &sale::Recorded| sale.ids().ticket(&line.claim);
        Self {
            id: sale.ids().claim(&first.claim).as_str().to_owned(),
            act_id: activity.id.clone(),
            act_name: activity.name.clone(),
            state: first.state,
            price: price::shown(&cost),
            created: zone.moment(first.claim.decided_at),
            pay_by: first.pay_by.map(|at| zone.moment(at)),
            pay_by_s: first.pay_by.map_or(0, |at| at.seconds()),
            offered: first.claim.offer.is_some(),
            kinds,
            tickets: lines.iter().map(ticket).collect(),
        }
    }

    pub fn is_held(&self) -> bool {
        self.state == OrderState::Held
    }

    /// Whether its tickets are good for something.
    pub fn has_tickets(&self) -> bool {
        self.state == OrderState::Paid
    }

    pub fn state_text(&self, f: &Frame) -> &'static str {
        state_text(self.state, f)
    }

    /// What was ordered, in a line.
    pub fn what(&self, f: &Frame) -> String {
        let one = |(name, count): &(String, usize)| format!("{name} × {count}");
        let all: Vec<String> = self.kinds.iter().map(one).collect();
        all.join(f.t(", ", "，"))
    }
}

/// A payment on a page.
pub struct Payment {
    pub amount: String,
    pub state: PaymentState,
    pub provider: String,
    pub at: Shown,
}

impl Payment {
    pub fn new(asked: &Asked, record: &PaymentRecord) -> Self {
        Self {
            amount: price::shown(&record.payment.amount).unwrap_or_default(),
            state: record.state,
            provider: record.payment.provider.clone(),
            at: asked.app.settings.pages.zone().moment(record.received_at),
        }
    }

    pub fn words(&self, f: &Frame) -> &'static str {
        payment_text(self.state, f)
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct Orders {
    f: Frame,
    name: String,
    orders: Vec<Order>,
    /// The id after which the next page begins.
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    f: Frame,
    order: Order,
    /// The state as the script compares it: the order's, or that its payment came late.
    standing: &'static str,
    sentence: &'static Sentence,
    /// How money stands that was another amount than the order's and goes back, while the order is still to be paid.
    money_back: Option<PaymentState>,
    paid: Option<Shown>,
    payments: Vec<Payment>,
    /// The order that a late payment got instead.
    other: Option<String>,
    /// Somebody came back from the provider, whose word is not there yet.
    waits: bool,
    over: bool,
    /// The fields of a form that asks for the same once more, where the order came to nothing.
    again: Option<Vec<(String, String)>>,
    again_after_s: u32,
}

impl OrderPage {
    fn title(&self) -> &'static str {
        self.sentence.title(self.f.language)
    }

    fn text(&self) -> &'static str {
        self.sentence.text(self.f.language)
    }

    /// What is said of the money that goes back: its tone, what happened, and what it means.
    fn money_says(&self) -> Option<[&'static str; 3]> {
        let (sentence, language) = (say(self.money_back?.name()), self.f.language);
        Some([sentence.tone, sentence.title(language), sentence.text(language)])
    }

    fn can_pay(&self) -> bool {
        self.order.is_held() && !self.over
    }

    fn is_over(&self) -> bool {
        matches!(
            self.order.state,
            OrderState::Cancelled
                | OrderState::Expired
                | OrderState::RefundDue
                | OrderState::Refunded
        )
    }
}

#[derive(Template)]
#[template(path = "order-cancel.html")]
struct Sure {
    f: Frame,
    order: Order,
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let (user, person) = person(&asked).await?;
    let sale = &asked.app.sale;
    let from = begins(&asked, |id| sale.ids().read_claim(id, user).map(Position::After))?;
    let (found, more) = sale.orders_of(user, from, ORDERS_ON_A_PAGE);
    let orders: Vec<Order> = found.iter().map(|owned| Order::new(&asked, owned)).collect();
    let more = orders.last().filter(|_| more).map(|last| last.id.clone());
    Ok(personal(&asked, &Orders { f: Frame::of(&asked), name: person.name, orders, more }))
}

/// The order of a path `/order/ID/...` that belongs to whoever asks: somebody else's does not exist (C23).
fn owned(asked: &Asked) -> Result<OwnedOrder, Problem> {
    let user = asked.app.need_who(&asked.parts.headers, asked.now)?.session.user;
    let sale = &asked.app.sale;
    let unknown = || Problem::NotFound("orderId");
    let id = sale.ids().read_claim(asked.segment(1), user).ok_or_else(unknown)?;
    sale.order(&sale.catalog(), id, user).ok_or_else(unknown)
}

async fn one(asked: Asked) -> Result<Reply, Problem> {
    let owned = owned(&asked)?;
    let back = asked.params()?.get("back") == Some("1");
    blocking(move || page(&asked, &owned, back, None)).await?
}

/// The page of an order; `told` stands in the place of what its state says.
fn page(
    asked: &Asked,
    owned: &OwnedOrder,
    back: bool,
    told: Option<(StatusCode, &'static Sentence)>,
) -> Result<Reply, Problem> {
    let (sale, no) = (&asked.app.sale, owned.no());
    let records = sale.ledger().payments_of(no).map_err(unread)?;
    let mark = sale.mark(no).map_err(unread)?;
    let order = Order::new(asked, owned);
    let over = owned.pay_by().is_some_and(|by| by <= asked.now);
    let money_back = money_back(&order, &records);
    // The word that is waited for has come: it was of another amount.
    let back = back && money_back.is_none();
    let sentence = sentence(&order, &records, no, back, over);
    let late = records.iter().any(|one| one.state == PaymentState::Late);
    let waits = order.is_held() && (back || over) || late;
    let standing = if late { "late" } else { order.state.name() };
    let zone = asked.app.settings.pages.zone();
    let other = other(asked, &records, no);
    let has_other = other.is_some();
    let page = OrderPage {
        f: Frame::of(asked).with_script("order.js"),
        standing,
        sentence: told.map_or(sentence, |(_, told)| told),
        money_back,
        paid: mark.and_then(|mark| mark.paid_at).map(|at| zone.moment(at)),
        payments: records.iter().map(|one| Payment::new(asked, one)).collect(),
        other,
        waits,
        over,
        again: again(asked, owned, &order).filter(|_| !has_other),
        again_after_s: AGAIN_AFTER_S,
        order,
    };
    Ok(with_status(asked, told.map_or(StatusCode::OK, |(status, _)| status), &page))
}

/// The same once more, with a key that nothing had before: the one on the activity's page finds this order for ever.
fn again(asked: &Asked, owned: &OwnedOrder, order: &Order) -> Option<Vec<(String, String)>> {
    let entry = &owned.entry;
    let gone = matches!(order.state, OrderState::Cancelled | OrderState::Expired);
    if !gone || asked.now >= entry.activity.window.end() {
        return None;
    }
    let units = |at: usize| {
        owned.lines.iter().filter(|line| usize::from(line.claim.ticket_type.0) == at).count()
    };
    let kinds = entry.activity.types.iter().enumerate();
    let kinds = kinds.map(|(at, kind)| (format!("qty.{}", kind.id), units(at)));
    let mut fields: Vec<(String, String)> = kinds
        .filter(|(_, units)| *units > 0)
        .map(|(name, units)| (name, units.to_string()))
        .collect();
    fields.push(("key".to_owned(), next_key(&asked.app.sale, owned.first())));
    Some(fields)
}

/// The order that a late payment paid instead of this one.
fn other(asked: &Asked, records: &[PaymentRecord], no: OrderNo) -> Option<String> {
    let paid = records.iter().find_map(|one| one.paid_order.filter(|paid| *paid != no))?;
    let sale = &asked.app.sale;
    Some(sale.ids().claim(&sale.order_at(paid)?.first().claim).as_str().to_owned())
}

/// How the money of payments stands that left the order held, because they were of another amount.
fn money_back(order: &Order, records: &[PaymentRecord]) -> Option<PaymentState> {
    let mut going = [PaymentState::RefundDue, PaymentState::Refunded].into_iter();
    going.find(|state| order.is_held() && records.iter().any(|one| one.state == *state))
}

/// What there is to say of an order. Money that is on its way somewhere comes before the state of the order.
fn sentence(
    order: &Order,
    records: &[PaymentRecord],
    no: OrderNo,
    back: bool,
    over: bool,
) -> &'static Sentence {
    let any = |state| records.iter().any(|one: &PaymentRecord| one.state == state);
    let elsewhere = records.iter().any(|one| one.paid_order.is_some_and(|paid| paid != no));
    match order.state {
        OrderState::Held if over => say("time_up"),
        OrderState::Held if back => say("on_its_way"),
        OrderState::Held if order.offered => say("offered"),
        OrderState::Paid if order.price.is_none() => say("won"),
        OrderState::Cancelled | OrderState::Expired if any(PaymentState::Late) => say("late"),
        OrderState::Cancelled | OrderState::Expired if elsewhere => say("late_won"),
        OrderState::Cancelled | OrderState::Expired if any(PaymentState::RefundDue) => {
            say("refund_due")
        }
        OrderState::Cancelled | OrderState::Expired if any(PaymentState::Refunded) => {
            say("refunded")
        }
        state => stands(state),
    }
}

/// Sends the buyer to the provider.
async fn pay(asked: Asked) -> Result<Reply, Problem> {
    let provider = asked.form()?.get("provider").map(str::to_owned);
    let owned = owned(&asked)?;
    asked.spend_change(owned.first().claim.user)?;
    let id = asked.segment(1).to_owned();
    let order = format!("/order/{id}");
    // Providers are told a whole address, or their page would not know where the buyer came from.
    let here = url(&asked.parts.headers, &asked.app.settings);
    let back = format!("{here}{}?back=1", to(asked.language, &order));
    match asked.app.sale.pay(&owned, provider.as_deref(), &back).await {
        Ok(start) => {
            let title = owned.entry.activity.name.clone();
            let (f, bound, url) = (Frame::of(&asked), Bound::Provider, start.pay_url);
            Ok(Leaving { f, bound, title, url, back: Some(back) }.send(&asked))
        }
        Err(PayRefused::WrongState(_) | PayRefused::TooLate | PayRefused::NoOrder) => {
            Ok(see_other(&to(asked.language, &order)))
        }
        Err(PayRefused::Change(ChangeFault::Busy)) => Err(Problem::Busy),
        Err(PayRefused::Change(ChangeFault::Unknown)) => Err(Problem::Fault(Effect::Unknown)),
        Err(PayRefused::NoProvider | PayRefused::Provider(_)) => {
            let told = Some((StatusCode::SERVICE_UNAVAILABLE, say("no_pay")));
            blocking(move || page(&asked, &owned, false, told)).await?
        }
    }
}

async fn sure(asked: Asked) -> Result<Reply, Problem> {
    let owned = owned(&asked)?;
    let order = Order::new(&asked, &owned);
    if !order.is_held() {
        return Ok(see_other(&to(asked.language, &format!("/order/{}", order.id))));
    }
    Ok(personal(&asked, &Sure { f: Frame::of(&asked), order }))
}

/// Gives an order back. Sent twice, or too late, it changes nothing: the order's page says how it stands.
async fn cancel(asked: Asked) -> Result<Reply, Problem> {
    asked.form()?;
    let owned = owned(&asked)?;
    asked.spend_change(owned.first().claim.user)?;
    let stepped = asked.app.sale.cancel(owned.no()).await;
    match stepped {
        Ok(Stepped::Now(_) | Stepped::Already(_) | Stepped::WrongState(_)) => {
            Ok(see_other(&to(asked.language, &format!("/order/{}", asked.segment(1)))))
        }
        Ok(Stepped::Unknown) => Err(Problem::NotFound("orderId")),
        Err(ChangeFault::Busy) => Err(Problem::Busy),
        Err(ChangeFault::Unknown) => Err(Problem::Fault(Effect::Unknown)),
    }
}
