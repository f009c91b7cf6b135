//! What payers ask, as requests. Names, ids and keys come from the plan or from answers that were looked at, so
//! nothing has to be escaped.

use crate::{
    history::{Key, TypeIndex, paying::PayAsked},
    http::request::Question,
};
use ::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The requests of one activity at one server.
#[derive(Clone, Debug)]
pub(super) struct PayRequests {
    host: HeaderValue,
    activity: String,
    types: Vec<String>,
}

/// One request before it is one.
struct Draft {
    method: Method,
    path: String,
    body: Option<Value>,
    key: Option<Key>,
}

impl Draft {
    fn new(method: Method, path: String) -> Self {
        Self { method, path, body: None, key: None }
    }
}

impl PayRequests {
    /// Nothing where `host` cannot stand in a header.
    pub(super) fn new<'a>(
        host: &str,
        activity: &str,
        types: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let types = types.map(str::to_owned).collect();
        Some(Self { host: HeaderValue::from_str(host).ok()?, activity: activity.to_owned(), types })
    }

    /// What `asked` is as a request of whoever has this authorization; nothing for an id that is none.
    pub(super) fn of(&self, asked: &PayAsked, who: &HeaderValue) -> Option<Question> {
        let Draft { method, path, body, key } = self.draft(asked)?;
        let uri: Uri = path.parse().ok()?;
        let with_body = body.is_some();
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        headers.insert(header::AUTHORIZATION, who.clone());
        if with_body {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        if let Some(Key(number)) = key {
            headers.insert(KEY, HeaderValue::from_str(&format!("rehearsal-{number}")).ok()?);
        }
        Some(request)
    }

    fn draft(&self, asked: &PayAsked) -> Option<Draft> {
        let of_order = |method, path: &str, order: &str| {
            plain(order).then(|| Draft::new(method, format!("{path}{order}")))
        };
        Some(match asked {
            PayAsked::Claim { items, key } => self.claim(items, *key)?,
            PayAsked::Result { claim, .. } => {
                of_order(Method::GET, "/ticket/result?claimId=", claim)?
            }
            PayAsked::Order(id) => of_order(Method::GET, "/order/detail?orderId=", id)?,
            PayAsked::Orders => {
                Draft::new(Method::GET, "/order/list?page=1&pageSize=100".to_owned())
            }
            PayAsked::Cancel(id) => of_order(Method::POST, "/order/cancel?orderId=", id)?,
            PayAsked::Start(id) => of_order(Method::POST, "/order/pay?provider=test&orderId=", id)?,
            PayAsked::Pay { order, how, after_s } => {
                let failures = refund_failures(order);
                let mut body = json!({ "how": how.name(), "refund_failures": failures });
                if *after_s > 0 {
                    body["after_s"] = json!(after_s);
                }
                Draft { body: Some(body), ..of_order(Method::POST, "/pay/test/", order)? }
            }
            PayAsked::Forge(id) => {
                // What somebody would post who has seen such notices and has not the provider's key.
                let body = json!({
                    "order_id": id, "merchant": "firstcome", "event": "payment.paid", "state": "paid",
                    "amount": "0.01", "currency": "CNY", "reference": format!("forged-{id}"),
                });
                let draft = Draft::new(Method::POST, "/pay/notify/test".to_owned());
                Draft { body: Some(body), ..draft }
            }
            PayAsked::Return(id) => {
                plain(id).then(|| Draft::new(Method::GET, format!("/en/order/{id}?state=paid")))?
            }
            PayAsked::Join(of) => self.standby(Method::POST, *of)?,
            PayAsked::Leave(of) => self.standby(Method::DELETE, *of)?,
            PayAsked::Place(of) => self.standby(Method::GET, *of)?,
        })
    }

    /// One unit is asked for as everybody does, more of them as a basket.
    fn claim(&self, items: &[(TypeIndex, u32)], key: Key) -> Option<Draft> {
        let draft = match items {
            [(TypeIndex(of), 1)] => {
                let (activity, type_id) = (&self.activity, self.types.get(*of)?);
                let path = format!("/ticket/get?actId={activity}&typeId={type_id}");
                Draft::new(Method::POST, path)
            }
            _ => {
                let item = |(TypeIndex(of), count): &(TypeIndex, u32)| {
                    Some(json!({ "type_id": self.types.get(*of)?, "qty": count }))
                };
                let items: Vec<Value> = items.iter().map(item).collect::<Option<_>>()?;
                let body = json!({ "actId": self.activity, "items": items });
                let draft = Draft::new(Method::POST, "/ticket/get".to_owned());
                Draft { body: Some(body), ..draft }
            }
        };
        Some(Draft { key: Some(key), ..draft })
    }

    fn standby(&self, method: Method, TypeIndex(of): TypeIndex) -> Option<Draft> {
        let (activity, type_id) = (&self.activity, self.types.get(of)?);
        Some(Draft::new(method, format!("/act/standby?actId={activity}&typeId={type_id}")))
    }
}

/// How often the provider fails to give the money of this order back, if it ever has to: most often never, and as often
/// whenever the same order is paid again.
fn refund_failures(order: &str) -> u32 {
    let sum: u32 = order.bytes().map(u32::from).sum();
    [0, 0, 0, 1, 2][(sum % 5) as usize]
}

/// Whether an id can stand in an address as it is.
fn plain(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}
