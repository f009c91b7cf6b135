//! The page of the pretend payment company: a button that pays, and every way in which companies misbehave. It is there
//! only where the configuration says so aloud, says itself that no money moves, and changes no order: only notices do.

use super::{
    frame::{Frame, personal, to, with_status},
    leaving::{Bound, Leaving},
    price, problem_page,
};
use crate::{
    cold::{Asked, At, Takes},
    envelope::{Keep, Problem, Reply, success},
    language::Language,
    params::{Reason, bad},
    settings::WebSettings,
};
use askama::Template;
use axum::Router;
use http::{Method, StatusCode, header};
use sale::{
    TimeMs,
    pay::{PageOrder, PageState, PayFault, Switches, TestProvider},
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Seconds by which a payment may be late.
const AFTER_S_MAX: u64 = 86_400;
/// Seconds after the deadline of one that is late, where nothing is said: after any sensible grace.
const LATE_BY_S: u64 = 30;
/// Attempts to give the money back that may fail.
const REFUND_FAILURES_MAX: u64 = 100;

/// The ways to pay: the name on the wire, and what people read.
const WAYS: [(&str, &str, &str); 8] = [
    ("at_once", "At once, as it should be", "立即到账，一切正常"),
    ("late", "Late: the money arrives when the order is over", "晚到：订单过期后款项才到"),
    ("twice", "Twice: two payments of one order", "重复支付：同一订单付两次"),
    ("wrong_amount", "Another amount than the order’s", "金额不符"),
    ("forged", "Not at all: a stranger posts a forged notice", "伪造通知：并未付款"),
    ("out_of_order", "The notices come in the wrong order", "通知乱序到达"),
    ("repeated", "Every notice comes twice", "每个通知重复一次"),
    ("never", "Paid, and the notice never comes", "已付款，但通知永远不来"),
];

/// The route of the page.
pub fn routes(at: &At) -> Router {
    const METHODS: &[Method] = &[Method::GET, Method::POST];
    Router::new().route("/pay/test/{order}", at.call(METHODS, Takes::Little, page))
}

#[derive(Template)]
#[template(path = "pay-test.html")]
struct PayPage {
    f: Frame,
    order: PageOrder,
    amount: String,
    back: String,
    ways: [(&'static str, &'static str, &'static str); 8],
    wrong: Option<&'static str>,
}

impl PayPage {
    fn is_open(&self) -> bool {
        self.order.state == PageState::Open
    }

    fn state_text(&self) -> &'static str {
        let (en, zh) = match self.order.state {
            PageState::Open => ("not paid yet", "尚未支付"),
            PageState::Paying => ("the money is on its way", "款项在途"),
            PageState::Paid => ("paid", "已支付"),
            PageState::Closed => ("closed: it cannot be paid any more", "已关闭，不能再支付"),
        };
        self.f.language.pick(en, zh)
    }
}

/// How to pay, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    how: String,
    after_s: Option<u64>,
    #[serde(default)]
    refund_failures: u64,
}

async fn page(asked: Asked) -> Result<Reply, Problem> {
    let provider = asked.app.test_provider().cloned().ok_or(Problem::NotFound("path"))?;
    let kind = asked.parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
    let json = kind.unwrap_or_default().starts_with(b"application/json");
    if asked.parts.method == Method::POST && json {
        return by_call(&asked, &provider);
    }
    let answered = by_page(&asked, &provider);
    Ok(answered.unwrap_or_else(|problem| {
        let (uri, headers) = (&asked.parts.uri, &asked.parts.headers);
        problem_page(&asked.app, uri, headers, asked.language, &problem)
    }))
}

fn order_id(asked: &Asked) -> &str {
    asked.parts.uri.path().rsplit('/').next().unwrap_or_default()
}

fn by_call(asked: &Asked, provider: &TestProvider) -> Result<Reply, Problem> {
    let way: Way = serde_json::from_slice(&asked.body)
        .map_err(|_| Problem::from(bad("body", Reason::Form)))?;
    let order = provider.order(order_id(asked)).ok_or(Problem::NotFound("orderId"))?;
    let switches = switches(&order, &way, asked.now)?;
    match provider.pay(&order.order_id, switches) {
        Ok(()) => Ok(success(&json!({}), Keep::Private)),
        Err(PayFault::Unknown) => Err(Problem::NotFound("orderId")),
        Err(PayFault::Closed) => Err(Problem::WrongState(json!({ "state": "closed" }))),
        Err(PayFault::Paid) => Err(Problem::WrongState(json!({ "state": "paid" }))),
        Err(PayFault::Book) => Err(Problem::Busy),
    }
}

fn switches(order: &PageOrder, way: &Way, now: TimeMs) -> Result<Switches, Problem> {
    if way.after_s.is_some_and(|after| after > AFTER_S_MAX) {
        return Err(bad("after_s", Reason::Number).into());
    }
    if way.refund_failures > REFUND_FAILURES_MAX {
        return Err(bad("refund_failures", Reason::Number).into());
    }
    let late_ms = way.after_s.map(|after| after * 1_000);
    let so = Switches {
        late_ms: late_ms.unwrap_or(0),
        refund_failures: way.refund_failures as u32,
        ..Switches::default()
    };
    Ok(match way.how.as_str() {
        "at_once" => so,
        "late" => {
            let over = order.pay_by.0.saturating_sub(now.0) + LATE_BY_S * 1_000;
            Switches { late_ms: late_ms.unwrap_or(over), ..so }
        }
        "twice" => Switches { twice: true, ..so },
        "wrong_amount" => Switches { wrong_amount: true, ..so },
        "forged" => Switches { forged: true, ..so },
        "out_of_order" => Switches { out_of_order: true, ..so },
        "repeated" => Switches { repeated: true, ..so },
        "never" => Switches { never: true, ..so },
        _ => return Err(bad("how", Reason::Choice).into()),
    })
}

fn by_page(asked: &Asked, provider: &TestProvider) -> Result<Reply, Problem> {
    let unknown = || Problem::NotFound("orderId");
    let order = provider.order(order_id(asked)).ok_or_else(unknown)?;
    let back = back(&order, provider.is_elsewhere(), &asked.app.settings);
    if asked.parts.method != Method::POST {
        return Ok(personal(asked, &PayPage::new(asked, order, back, None)));
    }
    let way = {
        let form = asked.form()?;
        // An empty field is one that was left alone.
        let number = |name: &str, most| match form.get(name) {
            None | Some("") => Ok(None),
            Some(_) => form.number(name, 0, most),
        };
        Way {
            how: form.get("how").unwrap_or("at_once").to_owned(),
            after_s: number("after_s", AFTER_S_MAX)?,
            refund_failures: number("refund_failures", REFUND_FAILURES_MAX)?.unwrap_or(0),
        }
    };
    let switches = switches(&order, &way, asked.now)?;
    let (en, zh) = match provider.pay(&order.order_id, switches) {
        Ok(()) => {
            let f = PayPage::frame(asked, &order);
            let (title, bound, url) = (order.title, Bound::Shop, back);
            return Ok(Leaving { f, bound, title, url, back: None }.send(asked));
        }
        Err(PayFault::Unknown) => return Err(unknown()),
        Err(PayFault::Book) => return Err(Problem::Busy),
        Err(PayFault::Closed) => ("It cannot be paid any more.", "已经不能再支付。"),
        Err(PayFault::Paid) => ("It is paid already.", "已经支付过了。"),
    };
    let order = provider.order(&order.order_id).ok_or_else(unknown)?;
    let page = PayPage::new(asked, order, back, Some((en, zh)));
    Ok(with_status(asked, StatusCode::CONFLICT, &page))
}

/// Where the buyer came from. Only a page on another host than the shop's leads to a host at all, and to none that is
/// not ours: whoever sends their own order here names the host they came from as they like.
fn back(order: &PageOrder, elsewhere: bool, settings: &WebSettings) -> String {
    let path = path_back(order);
    let origin = order.back_to.strip_suffix(&*path).unwrap_or_default();
    if elsewhere && settings.is_ours(origin) { format!("{origin}{path}") } else { path }
}

/// The path of the page that the buyer came from.
fn path_back(order: &PageOrder) -> String {
    let path = match order.back_to.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => &order.back_to,
    };
    if path.starts_with('/') && !path.starts_with("//") { path.to_owned() } else { "/".to_owned() }
}

impl PayPage {
    fn new(
        asked: &Asked,
        order: PageOrder,
        back: String,
        wrong: Option<(&'static str, &'static str)>,
    ) -> Self {
        let f = Self::frame(asked, &order);
        let amount = price::shown(&order.amount).unwrap_or_default();
        let wrong = wrong.map(|(en, zh)| f.language.pick(en, zh));
        Self { f, order, amount, back, ways: WAYS, wrong }
    }

    /// In the language of the page that the buyer came from.
    fn frame(asked: &Asked, order: &PageOrder) -> Frame {
        let language = match path_back(order).get(..4) {
            Some("/zh/") => Language::Zh,
            Some("/en/") => Language::En,
            _ => asked.language,
        };
        // It stands outside of the languages; whoever changes theirs goes to their orders.
        let path = to(language, "/orders");
        Frame::new(Arc::clone(&asked.app.assets), language, &path, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sale::Money;

    fn order(back_to: &str) -> PageOrder {
        PageOrder {
            order_id: "o".to_owned(),
            title: "t".to_owned(),
            amount: Money::parse("9.90", "CNY").expect("an amount"),
            pay_by: TimeMs(60_000),
            back_to: back_to.to_owned(),
            state: PageState::Open,
            payments: Vec::new(),
        }
    }

    fn shop() -> WebSettings {
        let origins = vec!["https://tickets.example".to_owned()];
        WebSettings { origins, ..WebSettings::default() }
    }

    #[test]
    fn the_way_back_leads_to_this_server_and_nowhere_else() {
        for (back_to, expected) in [
            ("/zh/order/1?back=1", "/zh/order/1?back=1"),
            ("https://tickets.example/en/order/1?back=1", "/en/order/1?back=1"),
            ("https://tickets.example", "/"),
            ("https://tickets.example//evil.example/", "/"),
            ("//evil.example/", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(back(&order(back_to), false, &shop()), expected, "{back_to}");
        }
    }

    #[test]
    fn from_a_page_on_another_host_the_way_back_leads_to_the_shop_and_to_no_other_host() {
        for (back_to, expected) in [
            (
                "https://tickets.example/en/order/1?back=1",
                "https://tickets.example/en/order/1?back=1",
            ),
            ("http://localhost:3000/zh/order/1", "http://localhost:3000/zh/order/1"),
            ("/zh/order/1?back=1", "/zh/order/1?back=1"),
            ("http://evil.example/zh/order/1?back=1", "/zh/order/1?back=1"),
            ("https://tickets.example@evil.example/en/order/1", "/en/order/1"),
            ("https://tickets.example.evil.example/en/order/1", "/en/order/1"),
            ("https://evil.example?https://tickets.example/en/", "/"),
            ("https://tickets.example//evil.example/", "/"),
            ("//evil.example/", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(back(&order(back_to), true, &shop()), expected, "{back_to}");
        }
    }

    #[test]
    fn every_way_on_the_page_is_one_that_can_be_asked_for() {
        for (how, ..) in WAYS {
            let way = Way { how: how.to_owned(), after_s: None, refund_failures: 2 };
            let switches = switches(&order("/"), &way, TimeMs(1_000)).expect("a way");
            assert_eq!(switches.late_ms, if how == "late" { 89_000 } else { 0 });
            assert_eq!(switches.refund_failures, 2);
        }
        let strange = Way { how: "with_shells".to_owned(), after_s: None, refund_failures: 0 };
        assert!(switches(&order("/"), &strange, TimeMs(0)).is_err());
    }
}
