//! Money at a glance: payments, what is still to be given back, and notices that were refused. It only shows; refunds
//! that are due are made and repeated by the sale until they are done.

use super::orders::DeskPayment;
use crate::{
    cold::{Asked, blocking},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, personal, unread},
        orders::payment_text,
    },
    params::{Reason, bad},
};
use askama::Template;
use axum::Router;
use sale::{OrderNo, PaymentNo, PaymentRecord, PaymentState};

/// Payments on a page.
const ON_A_PAGE: u32 = 50;
/// Refused notices of each of both sorts on the page, the newest.
const NOTICES_SHOWN: u32 = 20;

/// The routes of money.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/payments"), pages.get(list))
}

#[derive(Template)]
#[template(path = "desk/payments.html")]
struct Payments {
    f: Frame,
    /// Not all of them shown: refunds that are due and payments that came late, until they are done.
    open: Vec<Row>,
    rows: Vec<Row>,
    states: Vec<(&'static str, &'static str)>,
    state: &'static str,
    /// The number before which the next page is.
    before: Option<u64>,
    /// Money that came for nothing that is sold here.
    strays: Vec<Notice>,
    notices: Vec<Notice>,
    zone: String,
    /// Whether people can pay with nothing here.
    pretend: bool,
}

struct Row {
    payment: DeskPayment,
    at: String,
    order_id: Option<String>,
    act_name: String,
    user: String,
}

struct Notice {
    at: String,
    provider: String,
    reason: &'static str,
    order_id: Option<String>,
}

/// Why a notice was refused, in words; a reason that is not known here is shown by its name.
fn reason_text(reason: &str, f: &Frame) -> &'static str {
    let (en, zh) = match reason {
        "unknown_provider" => ("of a provider that is not there", "支付平台不存在"),
        "too_long" => ("too long", "内容过长"),
        "bad_signature" => ("not signed by the provider", "签名不正确"),
        "stale" => ("too old", "已过期"),
        "malformed" => ("cannot be read", "无法解析"),
        "wrong_merchant" => ("for another merchant", "商户不符"),
        "not_a_payment" => ("of no payment", "不是付款通知"),
        "unknown_order" => ("of an order that is not there", "订单不存在"),
        _ => ("refused", "已拒绝"),
    };
    f.language.pick(en, zh)
}

impl Row {
    fn new(asked: &Asked, record: &PaymentRecord) -> Result<Self, Problem> {
        let sale = &asked.app.sale;
        let owned = sale.order_at(record.payment.order);
        let first = owned.as_ref().map(|owned| owned.first());
        let person = match first {
            Some(first) => sale.ledger().person(first.claim.user).map_err(unread)?,
            None => None,
        };
        Ok(Self {
            payment: DeskPayment::new(asked, record),
            at: asked.app.settings.pages.zone().plain(record.received_at),
            order_id: first.map(|first| sale.claim_id(&first.claim).as_str().to_owned()),
            act_name: owned.map(|owned| owned.entry.activity.name.clone()).unwrap_or_default(),
            user: person.map(|person| person.name).unwrap_or_default(),
        })
    }
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let (state, before) = {
        let params = asked.params()?;
        let state = match params.get("state") {
            None | Some("") => None,
            Some(name) => Some(state(name).ok_or_else(|| bad("state", Reason::Choice))?),
        };
        (state, params.number("before", 1, u64::MAX)?.map(PaymentNo))
    };
    asked.audit(&operator, "admin/payments", "", String::new());
    blocking(move || Ok(personal(&asked, &Payments::of(&asked, state, before)?))).await?
}

fn state(name: &str) -> Option<PaymentState> {
    PaymentState::ALL.into_iter().find(|state| state.name() == name)
}

impl Payments {
    fn of(
        asked: &Asked,
        state: Option<PaymentState>,
        before: Option<PaymentNo>,
    ) -> Result<Self, Problem> {
        let ledger = asked.app.sale.ledger();
        let rows = |records: &[PaymentRecord]| -> Result<Vec<Row>, Problem> {
            records.iter().map(|record| Row::new(asked, record)).collect()
        };
        let mut found = ledger.payments(before, state, ON_A_PAGE + 1).map_err(unread)?;
        let more = found.len() > ON_A_PAGE as usize;
        found.truncate(ON_A_PAGE as usize);
        let mut open = Vec::new();
        for state in [PaymentState::Late, PaymentState::RefundDue] {
            open.extend(ledger.payments(None, Some(state), ON_A_PAGE).map_err(unread)?);
        }
        let f = Frame::of(asked);
        let states = PaymentState::ALL.map(|state| (state.name(), payment_text(state, &f)));
        let zone = asked.app.settings.pages.zone();
        let notice = |(at, provider, reason, order): (_, _, String, Option<OrderNo>)| {
            let owned = order.and_then(|order| asked.app.sale.order_at(order));
            let id = owned.map(|owned| asked.app.sale.claim_id(&owned.first().claim));
            Notice {
                at: zone.plain(at),
                provider,
                reason: reason_text(&reason, &f),
                order_id: id.map(|id| id.as_str().to_owned()),
            }
        };
        let notices = |strays_only| -> Result<Vec<Notice>, Problem> {
            let found = ledger.notices(strays_only, NOTICES_SHOWN).map_err(unread)?;
            Ok(found.into_iter().map(notice).collect())
        };
        Ok(Self {
            open: rows(&open)?,
            rows: rows(&found)?,
            states: states.into(),
            state: state.map_or("", PaymentState::name),
            before: found.last().filter(|_| more).map(|last| last.no.0),
            strays: notices(true)?,
            notices: notices(false)?,
            zone: zone.name(),
            pretend: asked.app.test_provider().is_some(),
            f,
        })
    }
}
