//! The orders of an activity, newest first, and one order with its payments; giving its money back, after a page that
//! says what that does. What becomes of an order is decided by the sale.

use super::entry;
use crate::{
    cold::{Asked, Takes, blocking},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, personal, see_other, to, unread, with_status},
        moments::Shown,
        orders::{Order, Payment, state_text},
    },
    params::{Reason, bad},
};
use askama::Template;
use axum::Router;
use http::StatusCode;
use sale::{
    ChangeFault, Effect, Entry, OrderNo, OrderState, OwnedOrder, PaymentState, Seq, Stepped,
    UnitKind,
};

/// Orders on a page.
const ON_A_PAGE: usize = 50;
/// Orders looked at for one page: of a rare state there may be none among so many, and the next page looks further.
const LOOKED_AT_MAX: u64 = 20_000;

/// The routes of orders.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .route(&pages.path("/desk/act/{id}/orders"), pages.get(list))
        .route(&pages.path("/desk/order/{id}"), pages.get(one))
        .route(&pages.path("/desk/order/{id}/refund"), pages.form(Takes::Little, sure, refund))
}

#[derive(Template)]
#[template(path = "desk/orders.html")]
struct Orders {
    f: Frame,
    act_id: String,
    act_name: String,
    rows: Vec<Row>,
    states: Vec<(&'static str, &'static str)>,
    state: &'static str,
    /// Where the next page begins.
    before: Option<u32>,
    zone: String,
}

struct Row {
    order: Order,
    user: String,
    display_name: String,
    decided: String,
}

#[derive(Template)]
#[template(path = "desk/order.html")]
struct OnePage {
    f: Frame,
    order: Order,
    user: String,
    display_name: String,
    paid: Option<Shown>,
    ended: Option<Shown>,
    lines: Vec<Line>,
    payments: Vec<DeskPayment>,
    done: bool,
    can_refund: bool,
}

/// A ticket of the order.
struct Line {
    ticket_id: String,
    kind: String,
    claim_no: u32,
    /// Only of what is paid.
    code: Option<String>,
}

/// A payment as operators see it.
pub struct DeskPayment {
    /// As its buyer sees it.
    pub shown: Payment,
    /// The provider's own number.
    pub reference: String,
    /// The order that it pays, where that is another one.
    pub pays: Option<String>,
    /// Attempts to give it back, while that is due.
    pub attempts: u32,
    /// When the next one is made.
    pub next: Option<Shown>,
}

#[derive(Template)]
#[template(path = "desk/refund.html")]
struct Sure {
    f: Frame,
    order: Order,
    user: String,
    codes: bool,
    plain: bool,
    wrong: Option<&'static str>,
}

impl Row {
    fn new(asked: &Asked, owned: &OwnedOrder) -> Result<Self, Problem> {
        let (user, display_name) = who(asked, owned)?;
        let zone = asked.app.settings.pages.zone();
        let decided = zone.plain(owned.first().claim.decided_at);
        Ok(Self { order: Order::new(asked, owned), user, display_name, decided })
    }
}

/// Whose an order is. Blocks.
fn who(asked: &Asked, owned: &OwnedOrder) -> Result<(String, String), Problem> {
    let person = asked.app.sale.ledger().person(owned.first().claim.user).map_err(unread)?;
    Ok(person.map_or_else(Default::default, |person| (person.name, person.display_name)))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let entry = entry(&asked)?;
    let (state, before) = {
        let params = asked.params()?;
        let state = match params.get("state") {
            None | Some("") => None,
            Some(name) => Some(state(name).ok_or_else(|| bad("state", Reason::Choice))?),
        };
        (state, params.number("before", 1, u64::from(u32::MAX))?)
    };
    asked.audit(&operator, "admin/order/list", &entry.activity.id, String::new());
    blocking(move || {
        let (found, before) = orders(&asked, &entry, state, before);
        let rows = found.iter().map(|owned| Row::new(&asked, owned)).collect::<Result<_, _>>()?;
        let f = Frame::of(&asked);
        let states = OrderState::ALL.map(|state| (state.name(), state_text(state, &f)));
        let page = Orders {
            act_id: entry.activity.id.clone(),
            act_name: entry.activity.name.clone(),
            rows,
            states: states.into(),
            state: state.map_or("", OrderState::name),
            before,
            zone: asked.app.settings.pages.zone().name(),
            f,
        };
        Ok(personal(&asked, &page))
    })
    .await?
}

fn state(name: &str) -> Option<OrderState> {
    OrderState::ALL.into_iter().find(|state| state.name() == name)
}

/// A page of orders, newest first, and where the next one begins. Orders are found by their places, of which each is
/// looked at once: there is no other order of them that holds while a sale goes on.
fn orders(
    asked: &Asked,
    entry: &Entry,
    state: Option<OrderState>,
    before: Option<u64>,
) -> (Vec<OwnedOrder>, Option<u32>) {
    let sale = &asked.app.sale;
    let newest = sale.counts(entry.no).accepted;
    let from = before.map_or(newest, |before| newest.min(before - 1));
    let least = from.saturating_sub(LOOKED_AT_MAX);
    let mut found = Vec::new();
    for place in (least + 1..=from).rev() {
        if found.len() == ON_A_PAGE {
            return (found, u32::try_from(place + 1).ok());
        }
        let seq = Seq(u32::try_from(place).expect("claims are counted in 32 bits"));
        let order = sale.order_at(OrderNo { activity: entry.no, seq });
        let wanted = |order: &OwnedOrder| state.is_none_or(|state| order.state() == state);
        found.extend(order.filter(wanted));
    }
    let more = u32::try_from(least + 1).ok().filter(|_| least > 0);
    (found, more)
}

/// The order of a path `/desk/order/ID`, whosever it is.
fn any(asked: &Asked) -> Result<OwnedOrder, Problem> {
    let (sale, text) = (&asked.app.sale, asked.segment(2));
    let unknown = || Problem::NotFound("orderId");
    let id = sale.ids().read_any_claim(text).ok_or_else(unknown)?;
    let order = sale.any_order(id).ok_or_else(unknown)?;
    // The MAC in the id counts here too: a look-alike finds nothing.
    let same = sale.claim_id(&order.first().claim).as_str() == text;
    same.then_some(order).ok_or_else(unknown)
}

async fn one(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let owned = any(&asked)?;
    let done = asked.params()?.get("done") == Some("1");
    asked.audit(&operator, "admin/order/find", &owned.entry.activity.id, String::new());
    blocking(move || {
        let page = OnePage::new(&asked, &owned, done)?;
        Ok(personal(&asked, &page))
    })
    .await?
}

impl OnePage {
    fn new(asked: &Asked, owned: &OwnedOrder, done: bool) -> Result<Self, Problem> {
        let (sale, no) = (&asked.app.sale, owned.no());
        let zone = asked.app.settings.pages.zone();
        let (user, display_name) = who(asked, owned)?;
        let mark = sale.mark(no).map_err(unread)?;
        let records = sale.ledger().payments_of(no).map_err(unread)?;
        let first = owned.first();
        Ok(Self {
            f: Frame::of(asked),
            order: Order::new(asked, owned),
            user,
            display_name,
            paid: mark.and_then(|mark| mark.paid_at).map(|at| zone.moment(at)),
            ended: mark.and_then(|mark| mark.ended_at).map(|at| zone.moment(at)),
            lines: lines(asked, owned),
            payments: records.iter().map(|one| DeskPayment::new(asked, one)).collect(),
            done,
            can_refund: first.state == OrderState::Paid && first.claim.priced,
        })
    }
}

fn lines(asked: &Asked, owned: &OwnedOrder) -> Vec<Line> {
    let entry = &owned.entry;
    let line = |one: &sale::Recorded| {
        let claim = &one.claim;
        let kind = &entry.activity.types[usize::from(claim.ticket_type.0)];
        Line {
            ticket_id: asked.app.sale.ids().ticket(claim),
            kind: kind.name.clone(),
            claim_no: claim.claim_no.0,
            code: entry.with_code(one, str::to_owned),
        }
    };
    owned.lines.iter().map(line).collect()
}

impl DeskPayment {
    /// A payment; blocks.
    pub fn new(asked: &Asked, record: &sale::PaymentRecord) -> Self {
        let sale = &asked.app.sale;
        let elsewhere = record.paid_order.filter(|paid| *paid != record.payment.order);
        let pays = elsewhere.and_then(|paid| sale.order_at(paid));
        let due = record.state == PaymentState::RefundDue;
        let zone = asked.app.settings.pages.zone();
        Self {
            shown: Payment::new(asked, record),
            reference: record.payment.reference.clone(),
            pays: pays.map(|owned| sale.claim_id(&owned.first().claim).as_str().to_owned()),
            attempts: record.refund_attempts,
            next: (due && record.refund_attempts > 0).then(|| zone.moment(record.refund_after)),
        }
    }
}

async fn sure(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let owned = any(&asked)?;
    blocking(move || Ok(personal(&asked, &Sure::new(&asked, &owned, None)?))).await?
}

impl Sure {
    fn new(
        asked: &Asked,
        owned: &OwnedOrder,
        wrong: Option<&'static str>,
    ) -> Result<Self, Problem> {
        let any = |kind: UnitKind| {
            let types = &owned.entry.activity.types;
            owned.lines.iter().any(|one| types[usize::from(one.claim.ticket_type.0)].kind == kind)
        };
        let (codes, plain) = (any(UnitKind::Codes), any(UnitKind::Plain));
        let (user, _) = who(asked, owned)?;
        Ok(Self { f: Frame::of(asked), order: Order::new(asked, owned), user, codes, plain, wrong })
    }
}

/// Gives the money of an order back. Sent twice, it is done once.
async fn refund(asked: Asked) -> Result<Reply, Problem> {
    let sure = asked.form()?.get("sure") == Some("1");
    let operator = asked.operator().await?;
    let owned = any(&asked)?;
    let id = asked.segment(2).to_owned();
    if !sure {
        let wrong = Some(asked.language.pick("Tick the box first.", "请先勾选确认框。"));
        return blocking(move || {
            let page = Sure::new(&asked, &owned, wrong)?;
            Ok(with_status(&asked, StatusCode::BAD_REQUEST, &page))
        })
        .await?;
    }
    let (stepped, act) = (asked.app.sale.refund(owned.no()).await, &owned.entry.activity.id);
    match stepped {
        Ok(Stepped::Now(_) | Stepped::Already(_)) => {
            asked.audit(&operator, "admin/order/refund", act, format!("order {id}"));
            Ok(see_other(&to(asked.language, &format!("/desk/order/{id}?done=1"))))
        }
        Ok(Stepped::WrongState(_)) => {
            asked.audit(&operator, "admin/order/refund", act, "ret -10".to_owned());
            Ok(see_other(&to(asked.language, &format!("/desk/order/{id}"))))
        }
        Ok(Stepped::Unknown) => Err(Problem::NotFound("orderId")),
        Err(ChangeFault::Busy) => Err(Problem::Busy),
        Err(ChangeFault::Unknown) => Err(Problem::Fault(Effect::Unknown)),
    }
}
