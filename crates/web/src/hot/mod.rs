//! The calls that a crowd makes: the source article's five, the result of a queued claim, and the pulse.
//! Each costs a few microseconds; none waits for anything but the disk, and only a claim does that.

mod activities;
mod basket;
mod claim;
mod tickets;

pub use activities::KeptList;
pub use claim::{is_key, key_text, refused, ticket_type};

use crate::{
    App,
    body::ReplyBody,
    edge::{Arriving, ClientAddress},
    envelope::{Problem, Reply},
    metrics::Call,
    params::{Params, Reason, bad},
    service::{Changes, method_allowed},
    who::Who,
};
use basket::{GivenItem, ITEMS};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use sale::TimeMs;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use std::borrow::Cow;

/// What every call here is given.
pub struct Asked<'a> {
    app: &'a App,
    parts: &'a Parts,
    params: Params<'a>,
    /// The list of a basket, where the body has one.
    items: Option<Vec<GivenItem>>,
    who: Option<Who>,
    now: TimeMs,
    client: ClientAddress,
}

/// How far a call has come.
pub enum Step {
    /// It is answered.
    Done(Reply),
    /// A claim is decided and waits for the disk.
    Waits(claim::Waiting),
}

/// Reads the body of a call, if it may have one at all, and answers.
pub async fn read_and_answer(
    app: &App,
    call: Call,
    changes: Changes,
    request: Request<Arriving>,
    client: ClientAddress,
) -> Result<Step, Problem> {
    let (parts, body) = request.into_parts();
    // Before the body is read, and again with all others: reading is what costs.
    allowed(app, call, changes, &parts)?;
    let content = read_body(body, app.settings.body_bytes_max).await?;
    answer(app, call, changes, &parts, &content, client)
}

fn allowed(app: &App, call: Call, changes: Changes, parts: &Parts) -> Result<(), Problem> {
    method_allowed(call, &parts.method)?;
    if changes == Changes::Yes { app.may_change(&parts.method, &parts.headers) } else { Ok(()) }
}

/// Answers a call whose whole request is here.
pub fn answer(
    app: &App,
    call: Call,
    changes: Changes,
    parts: &Parts,
    content: &[u8],
    client: ClientAddress,
) -> Result<Step, Problem> {
    allowed(app, call, changes, parts)?;
    if call == Call::Healthz {
        return Ok(Step::Done(healthz()));
    }
    // This is the moment of arrival (promise 5).
    let now = app.sale.now();
    let who = app.who(&parts.headers, now).inspect_err(|_| {
        tracing::debug!(%client, "a session does not hold");
    })?;
    // Who has to be signed in hears so before anything about their parameters.
    if who.is_none() && !matches!(call, Call::ActList | Call::ActDetail) {
        return Err(Problem::SignIn);
    }
    let mut params = Params::read(parts.uri.query().unwrap_or_default())?;
    let mut items = None;
    if !content.is_empty() {
        items = add_body(&mut params, parts, content)?;
    }
    // Only a claim takes a list.
    if items.is_some() && call != Call::TicketGet {
        return Err(bad(ITEMS, Reason::Form).into());
    }
    let asked = Asked { app, parts, params, items, who, now, client };
    match call {
        Call::TicketGet => return claim::get(&asked),
        Call::TicketResult => claim::result(&asked),
        Call::ActDetail => activities::detail(asked),
        Call::ActList => activities::list(asked),
        Call::TicketList => tickets::list(asked),
        Call::TicketDetail => tickets::detail(asked),
        Call::Healthz
        | Call::User
        | Call::Admin
        | Call::Order
        | Call::Standby
        | Call::PayNotify
        | Call::Other => Err(Problem::NotFound("path")),
    }
    .map(Step::Done)
}

impl Asked<'_> {
    /// Who asks, where someone has to.
    fn need_who(&self) -> Result<Who, Problem> {
        self.who.ok_or(Problem::SignIn)
    }

    /// The size of a page and where it begins.
    fn paging(&self) -> Result<Paging, Problem> {
        let size = self.params.number("pageSize", 1, PAGE_SIZE_MAX)?.unwrap_or(PAGE_SIZE);
        let page = self.params.number("page", 1, PAGE_MAX)?;
        let last_id = self.params.get("lastId").map(str::to_owned);
        if page.is_some() && last_id.is_some() {
            return Err(bad("lastId", Reason::Together).into());
        }
        Ok(Paging { size: size as usize, page: page.unwrap_or(1) as usize, last_id })
    }
}

/// Entries of a page where nothing is said.
const PAGE_SIZE: u64 = 20;
/// Entries of a page at most.
const PAGE_SIZE_MAX: u64 = 100;
/// The number of a page at most: beyond what any list here can hold.
const PAGE_MAX: u64 = 1_000_000_000;

/// Which part of a list is wanted.
pub struct Paging {
    size: usize,
    page: usize,
    last_id: Option<String>,
}

impl Paging {
    /// Whether this is the page that is shown where nothing is said.
    fn is_first(&self) -> bool {
        self.last_id.is_none() && self.page == 1 && self.size == PAGE_SIZE as usize
    }

    /// Entries before the page, where it is asked for by number.
    fn skip(&self) -> usize {
        (self.page - 1).saturating_mul(self.size)
    }

    /// Appends the fields around a list. With `lastId` a page has no number.
    fn fields(&self, out: &mut Vec<u8>, more: bool, last_id: Option<&str>) {
        let number = self.last_id.is_none().then_some(self.page);
        crate::json::field(out, "pageNum", &number);
        crate::json::field(out, "pageSize", &self.size);
        crate::json::field(out, "hasMore", &more);
        crate::json::field(out, "lastId", &last_id);
    }
}

fn healthz() -> Reply {
    let mut response = Response::new(ReplyBody::Ready(Bytes::from_static(b"ok")));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    Reply { ret: 0, response }
}

/// The body, within its bound.
async fn read_body(body: Arriving, bytes_max: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::TooLarge),
        // The connection broke, or the chunks did: nobody will read this.
        Err(_) => Err(bad("body", Reason::Encoding).into()),
    }
}

/// Parameters may also come as a form, or as an object of texts and numbers. Returns the one list that an object may
/// have.
fn add_body<'a>(
    params: &mut Params<'a>,
    parts: &'a Parts,
    content: &'a [u8],
) -> Result<Option<Vec<GivenItem>>, Problem> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let text = std::str::from_utf8(content).map_err(|_| bad("body", Reason::Encoding))?;
        params.extend(text)?;
        return Ok(None);
    }
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::ContentType);
    }
    let Pairs(object) = serde_json::from_slice(content).map_err(|_| bad("body", Reason::Form))?;
    let mut items = None;
    for (name, value) in object {
        let value = match value {
            Given::Text(text) => text,
            Given::Number(number) => number.to_string(),
            Given::Items(list) if name == ITEMS => match items.replace(list) {
                None => continue,
                Some(_) => return Err(bad(ITEMS, Reason::Twice).into()),
            },
            Given::Items(_) | Given::Other(_) => return Err(bad(&name, Reason::Form).into()),
        };
        params.add(Cow::Owned(name), Cow::Owned(value))?;
    }
    Ok(items)
}

/// A value of a body. A list is read at once as what it has to be, because a tree of JSON forgets names that stand
/// twice.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Number(serde_json::Number),
    Items(Vec<GivenItem>),
    Other(IgnoredAny),
}

/// The pairs of a JSON object as they stand: a name that stands twice is two of them.
struct Pairs(Vec<(String, Given)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
