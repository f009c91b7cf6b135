//! A small shop that plays the published interface, with faults on purpose and a clock of its own. It decides claims
//! by the plainest code there is; what it decided is there for a test to compare with what the crowd saw.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;

/// One in so many claims, counted over all, ends like this; 0: none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub busy: u64,
    pub broken: u64,
    pub queued: u64,
    pub failed: u64,
    /// The server's clock is so many seconds ahead.
    pub ahead_s: u64,
    /// Milliseconds that every answer to the crowd takes.
    pub slow_ms: u64,
}

/// A claim that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    pub id: String,
    pub user: String,
    pub type_id: String,
    pub code: Option<String>,
    pub claim_no: u32,
    pub shown_from: Instant,
}

#[derive(Debug, Default)]
struct State {
    activities: HashMap<String, Activity>,
    claims: u64,
}

#[derive(Debug, Default)]
struct Activity {
    file: Value,
    sold: HashMap<String, u32>,
    added: HashMap<String, u32>,
    awards: Vec<Award>,
    keys: HashMap<(String, String), usize>,
    closed: bool,
    paused: bool,
}

/// The shop.
#[derive(Debug)]
pub struct Shop {
    faults: Faults,
    state: Mutex<State>,
    /// Where connections came from.
    pub peers: Mutex<HashSet<IpAddr>>,
    /// Claims that were in their decision at the same time for one person, at most.
    pub most_at_once: Mutex<(HashMap<String, u32>, u32)>,
}

type Reply = Result<Response<Full<Bytes>>, io::Error>;

impl Shop {
    /// Opens a shop on a free port.
    pub async fn open(faults: Faults) -> (Arc<Self>, SocketAddr) {
        let shop = Arc::new(Self {
            faults,
            state: Mutex::default(),
            peers: Mutex::default(),
            most_at_once: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let serving = Arc::clone(&shop);
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                serving.peers.lock().unwrap().insert(peer.ip());
                let shop = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    let shop = Arc::clone(&shop);
                    async move { shop.answer(request).await }
                });
                let serving = hyper::server::conn::http1::Builder::new()
                    .auto_date_header(false)
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { serving.await.ok() });
            }
        });
        (shop, address)
    }

    /// What it sold, over all activities whose id ends like this.
    pub fn awards(&self, activity: &str) -> Vec<Award> {
        self.state.lock().unwrap().activities[activity].awards.clone()
    }

    /// Ids of the activities, and whether each is closed.
    pub fn activities(&self) -> Vec<(String, bool)> {
        let state = self.state.lock().unwrap();
        state.activities.iter().map(|(id, one)| (id.clone(), one.closed)).collect()
    }

    fn now_ms(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_millis() as u64 + self.faults.ahead_s * 1_000
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default().to_owned();
        let param = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(one, _)| *one == name).map(|(_, value)| value.to_owned()).next()
        };
        let who = token(&head.headers);
        let person = who.strip_prefix("token-").map(str::to_owned);
        if path.starts_with("/admin") && who != "operator" {
            return self.say(403, -403, json!({}));
        }
        if person.is_some() && self.faults.slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.faults.slow_ms)).await;
        }
        let act = param("actId").unwrap_or_default();
        match path.as_str() {
            "/user/login" => self.login(&body),
            "/user/me" if who == "operator" => self.say(200, 0, json!({"role": "operator"})),
            "/user/me" if person.is_some() => self.say(200, 0, json!({"role": "buyer"})),
            "/user/me" => self.say(401, -401, json!({})),
            "/admin/sessions" => self.vouch(&body),
            "/admin/act/import" => self.import(&body),
            "/admin/act/close" => self.switch(&act, |one| one.closed = true),
            "/admin/act/pause" => self.switch(&act, |one| one.paused = true),
            "/admin/act/resume" => self.switch(&act, |one| one.paused = false),
            "/admin/act/refill" => self.refill(&act, &param("typeId").unwrap(), &body),
            "/admin/export" => self.export(&act, &param("what").unwrap()),
            "/act/list" => self.list(),
            "/act/detail" => self.detail(&act),
            "/ticket/get" => {
                let key = head.headers.get("idempotency-key");
                let key = key.map(|key| key.to_str().unwrap().to_owned());
                self.claim(&act, &param("typeId").unwrap(), person.unwrap(), key).await
            }
            "/ticket/result" => self.result(&param("claimId").unwrap(), &person.unwrap()),
            "/ticket/list" => self.tickets(&person.unwrap()),
            _ => self.say(404, -404, json!({})),
        }
    }

    fn say(&self, status: u16, ret: i32, data: Value) -> Reply {
        let body = json!({"ret": ret, "message": "said", "data": data}).to_string();
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let now = jiff::Timestamp::from_millisecond(self.now_ms() as i64).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new();
        let date = date.timestamp_to_rfc9110_string(&now).unwrap();
        response.headers_mut().insert(header::DATE, date.parse().unwrap());
        if status == 503 {
            response.headers_mut().insert(header::RETRY_AFTER, "1".parse().unwrap());
        }
        Ok(response)
    }

    fn login(&self, body: &[u8]) -> Reply {
        let body: Value = serde_json::from_slice(body).unwrap();
        match (body["name"].as_str(), body["password"].as_str()) {
            (Some("op"), Some("right")) => {
                let data = json!({"token": "operator", "user": {"role": "operator"}});
                self.say(200, 0, data)
            }
            (Some("buyer"), Some("right")) => {
                self.say(200, 0, json!({"token": "token-buyer", "user": {"role": "buyer"}}))
            }
            _ => self.say(401, -401, json!({})),
        }
    }

    fn vouch(&self, body: &[u8]) -> Reply {
        let body: Value = serde_json::from_slice(body).unwrap();
        let names = body["users"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        let tokens: HashMap<&str, String> =
            names.map(|name| (name, format!("token-{name}"))).collect();
        self.say(200, 0, json!({ "tokens": tokens }))
    }

    fn import(&self, body: &[u8]) -> Reply {
        let file: Value = serde_json::from_slice(body).unwrap();
        let one = &file["activity"][0];
        let id = one["id"].as_str().unwrap().to_owned();
        let activity = Activity { file: one.clone(), ..Activity::default() };
        self.state.lock().unwrap().activities.insert(id.clone(), activity);
        self.say(200, 0, json!({ "ids": [id] }))
    }

    fn switch(&self, act: &str, change: impl FnOnce(&mut Activity)) -> Reply {
        change(self.state.lock().unwrap().activities.get_mut(act).unwrap());
        self.say(200, 0, json!({}))
    }

    fn refill(&self, act: &str, kind: &str, body: &[u8]) -> Reply {
        let body: Value = serde_json::from_slice(body).unwrap();
        let Ok(units) = u32::try_from(body["stock"].as_i64().unwrap()) else {
            return self.say(200, -10, json!({"available": 0}));
        };
        let mut state = self.state.lock().unwrap();
        let activity = state.activities.get_mut(act).unwrap();
        *activity.added.entry(kind.to_owned()).or_default() += units;
        self.say(200, 0, json!({}))
    }

    fn export(&self, act: &str, what: &str) -> Reply {
        let awards = self.awards(act);
        let row = |award: &Award| match what {
            "orders" => json!({
                "order_id": award.id, "ticket_id": format!("{}-1", award.id), "claim_no": award.claim_no,
                "user": award.user, "type_id": award.type_id, "code": award.code, "state": "paid",
            }),
            _ => json!({"user": award.user, "outcome": "won", "claim_no": award.claim_no}),
        };
        let lines: String = awards.iter().map(|award| format!("{}\n", row(award))).collect();
        Ok(Response::new(Full::new(Bytes::from(lines))))
    }

    fn list(&self) -> Reply {
        let state = self.state.lock().unwrap();
        let row = |id: &String| json!({"id": id, "state": "open", "left": 1});
        self.say(200, 0, json!({"list": state.activities.keys().map(row).collect::<Vec<_>>()}))
    }

    fn detail(&self, act: &str) -> Reply {
        let state = self.state.lock().unwrap();
        let Some(activity) = state.activities.get(act) else {
            return self.say(404, -404, json!({}));
        };
        let types: Vec<Value> = activity.types().map(|kind| activity.shown(kind)).collect();
        let left: u64 = types.iter().map(|one| one["left"].as_u64().unwrap()).sum();
        let data = json!({
            "state": "open", "left": left, "server_time": self.now_ms(), "tickets": types,
        });
        self.say(200, 0, data)
    }

    async fn claim(&self, act: &str, kind: &str, user: String, key: Option<String>) -> Reply {
        // Long enough for the other click of a double click to come.
        let deciding = Deciding::begin(self, &user);
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(deciding);
        let faults = self.faults;
        let now = self.now_ms() / 1_000;
        let mut state = self.state.lock().unwrap();
        state.claims += 1;
        let number = state.claims;
        let every = |of: u64| of > 0 && number.is_multiple_of(of);
        if every(faults.busy) {
            return self.say(503, -503, json!({}));
        }
        if every(faults.failed) {
            return self.say(500, -3, json!({"effect": "none"}));
        }
        let decided = state.activities.get_mut(act).unwrap().decide(kind, &user, key, now);
        let (award, fresh) = match decided {
            Ok(decided) => decided,
            Err((ret, data)) => return self.say(200, ret, data),
        };
        if fresh && every(faults.broken) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if fresh && every(faults.queued) {
            let shown = state.activities.get_mut(act).unwrap().awards.last_mut().unwrap();
            shown.shown_from += Duration::from_millis(700);
            return self.say(200, 1, json!({"claim_id": award.id, "retry_after_ms": 500}));
        }
        self.say(200, 0, record(act, &award))
    }

    fn count_at_once(&self, user: &str, change: i32) {
        let mut at_once = self.most_at_once.lock().unwrap();
        let count = at_once.0.entry(user.to_owned()).or_default();
        *count = count.saturating_add_signed(change);
        let count = *count;
        at_once.1 = at_once.1.max(count);
    }

    fn result(&self, claim: &str, user: &str) -> Reply {
        let state = self.state.lock().unwrap();
        for (id, activity) in &state.activities {
            let found = activity.awards.iter().find(|one| one.id == claim && one.user == user);
            if let Some(award) = found {
                let open = award.shown_from > Instant::now();
                let ret = if open { 1 } else { 0 };
                let data = if open { json!({ "claim_id": claim }) } else { record(id, award) };
                return self.say(200, ret, data);
            }
        }
        self.say(404, -404, json!({}))
    }

    fn tickets(&self, user: &str) -> Reply {
        let state = self.state.lock().unwrap();
        let mut list = Vec::new();
        for (id, activity) in &state.activities {
            let mine = activity.awards.iter().rev().filter(|award| award.user == user);
            list.extend(mine.map(|award| record(id, award)));
        }
        self.say(200, 0, json!({ "list": list }))
    }
}

/// A claim in its decision; it ends too when the client hangs up and the rest of it is never run.
struct Deciding<'a> {
    shop: &'a Shop,
    user: &'a str,
}

impl<'a> Deciding<'a> {
    fn begin(shop: &'a Shop, user: &'a str) -> Self {
        shop.count_at_once(user, 1);
        Self { shop, user }
    }
}

impl Drop for Deciding<'_> {
    fn drop(&mut self) {
        self.shop.count_at_once(self.user, -1);
    }
}

type No = (i32, Value);

impl Activity {
    fn types(&self) -> impl Iterator<Item = &str> {
        self.file["ticket"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap())
    }

    fn kind(&self, id: &str) -> &Value {
        let types = self.file["ticket"].as_array().unwrap();
        types.iter().find(|one| one["id"] == id).unwrap()
    }

    fn total(&self, id: &str) -> u32 {
        let kind = self.kind(id);
        let codes = kind["codes"].as_array().map(|codes| codes.len() as u64);
        let units = codes.or(kind["stock"].as_u64()).unwrap() as u32;
        units + self.added.get(id).copied().unwrap_or(0)
    }

    fn shown(&self, id: &str) -> Value {
        let (total, sold) = (self.total(id), self.sold.get(id).copied().unwrap_or(0));
        json!({"total": total, "left": total - sold, "held": 0})
    }

    /// The award, and whether it is a new one.
    fn decide(
        &mut self,
        kind: &str,
        user: &str,
        key: Option<String>,
        now_s: u64,
    ) -> Result<(Award, bool), No> {
        let key = key.map(|key| (user.to_owned(), key));
        if let Some(at) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return Ok((self.awards[*at].clone(), false));
        }
        let time = |name: &str| self.file[name].as_u64().unwrap();
        let on_roster = self.file["roster"].as_array().is_none_or(|all| all.contains(&json!(user)));
        let had: Vec<&Award> = self.awards.iter().filter(|award| award.user == user).collect();
        let no = |ret| Err((ret, json!({})));
        if self.closed || now_s >= time("end_time") {
            return no(-1);
        } else if self.paused {
            return no(-11);
        } else if now_s < time("start_time") {
            return no(-4);
        } else if !on_roster {
            return no(-6);
        } else if !had.is_empty() {
            let had: Vec<Value> = had.into_iter().map(|award| record("", award)).collect();
            return Err((-5, json!({ "tickets": had })));
        }
        let claim_no = self.sold.get(kind).copied().unwrap_or(0) + 1;
        if claim_no > self.total(kind) {
            return no(-2);
        }
        self.sold.insert(kind.to_owned(), claim_no);
        let code = self.kind(kind)["codes"][claim_no as usize - 1].as_str().map(str::to_owned);
        let award = Award {
            id: format!("{kind}-{claim_no}"),
            user: user.to_owned(),
            type_id: kind.to_owned(),
            code,
            claim_no,
            shown_from: Instant::now(),
        };
        if let Some(key) = key {
            self.keys.insert(key, self.awards.len());
        }
        self.awards.push(award.clone());
        Ok((award, true))
    }
}

fn record(act: &str, award: &Award) -> Value {
    json!({
        "id": format!("{}-1", award.id), "order_id": award.id, "type_id": award.type_id,
        "code": award.code, "claim_no": award.claim_no, "act_id": act, "actId": act,
    })
}

fn token(headers: &HeaderMap) -> String {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned()
}
