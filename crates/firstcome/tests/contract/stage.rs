//! What the tests of the contract share: a server with its operator, people of their own, and looks at an answer.
//! It knows the envelope and nothing of what an answer should hold.

use crate::world::{Answer, Client, PATIENCE, World, import, open_activity, tokens};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Between two questions about something that comes by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A running server and a client that is signed in as its operator.
pub struct Stage {
    pub world: World,
    pub op: Client,
}

impl Stage {
    /// A server with the defaults, but for the cost of passwords.
    pub fn new() -> Self {
        Self::on(World::cheap())
    }

    /// A server on this world.
    pub fn on(mut world: World) -> Self {
        let op = world.serve_with_operator();
        Self { world, op }
    }

    /// A server with one open activity `a` of one type `seat` with these keys.
    pub fn selling(ticket: Value) -> Self {
        let mut stage = Self::new();
        stage.open("a", ticket);
        stage
    }

    /// Adds an activity that is open.
    pub fn open(&mut self, id: &str, ticket: Value) {
        import(&mut self.op, json!([open_activity(id, ticket)]));
    }

    /// Someone signed in, on a connection of their own.
    pub fn person(&mut self, name: &str) -> Client {
        self.people(&[name]).remove(0)
    }

    /// Some people signed in, each on a connection of their own.
    pub fn people(&mut self, names: &[&str]) -> Vec<Client> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let tokens = tokens(&mut self.op, &names);
        tokens.iter().map(|token| self.op.with_token(token)).collect()
    }

    /// Somebody whom nobody knows.
    pub fn stranger(&self) -> Client {
        self.world.client()
    }

    /// Ends the server as kill -9 does and starts it again; the operator stays signed in.
    pub fn restart(&mut self) {
        self.world.restart();
        let op = self.world.client().with_token(self.op.token.as_deref().expect("signed in"));
        self.op = op;
    }

    /// The same person after a restart.
    pub fn follow(&self, client: &Client) -> Client {
        self.world.client().with_token(client.token.as_deref().expect("signed in"))
    }

    /// An operator's POST with parameters only.
    pub fn desk(&mut self, target: &str) -> Answer {
        self.op.send("POST", target, &[], b"").expect("an answer")
    }

    /// Adds units to the only type of an activity, or takes them back.
    pub fn refill(&mut self, activity: &str, stock: i64) -> Answer {
        let target = format!("/admin/act/refill?actId={activity}");
        self.op.post_json(&target, &json!({ "stock": stock }))
    }

    /// Imports codes, one a line.
    pub fn codes(&mut self, activity: &str, codes: &str) -> Answer {
        let target = format!("/admin/codes/import?actId={activity}&typeId=seat");
        let headers = [("content-type", "text/plain")];
        self.op.send("POST", &target, &headers, codes.as_bytes()).expect("an answer")
    }

    /// An activity's statistics.
    pub fn stats(&mut self, activity: &str) -> Value {
        data(&self.op.get(&format!("/admin/act/stats?actId={activity}")))
    }
}

/// A claim for the only type of an activity, without a key.
pub fn claim(client: &mut Client, activity: &str) -> Answer {
    client.get(&format!("/ticket/get?actId={activity}"))
}

/// A claim with an Idempotency-Key.
pub fn claim_with(client: &mut Client, activity: &str, key: &str) -> Answer {
    client.get_with(&format!("/ticket/get?actId={activity}"), &[("idempotency-key", key)])
}

/// The data of a success.
#[track_caller]
pub fn data(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.ret()), (200, 0), "{}", answer.json());
    assert_eq!(answer.json()["message"], "success");
    answer.data()
}

/// The data of a refusal: HTTP 200 with this `ret`.
#[track_caller]
pub fn refused(answer: &Answer, ret: i64) -> Value {
    assert_eq!((answer.status, answer.ret()), (200, ret), "{}", answer.json());
    assert_ne!(answer.json()["message"], "success");
    answer.data()
}

/// The message of an answer in which the rules were not asked: this status, and `ret` minus that.
#[track_caller]
pub fn fails(answer: &Answer, status: u16) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "{body}");
    assert_eq!(answer.ret(), -i64::from(status), "{body}");
    let message = answer.json()["message"].as_str().expect("a message").to_owned();
    assert!(!message.is_empty() && message != "success", "{body}");
    message
}

/// A value with what differs from run to run replaced by `…`, wherever these keys stand.
pub fn masked(value: &Value, keys: &[&str]) -> Value {
    match value {
        Value::Object(object) => {
            let one = |(key, value): (&String, &Value)| {
                let hide = keys.contains(&key.as_str()) && !value.is_null();
                (key.clone(), if hide { json!("…") } else { masked(value, keys) })
            };
            Value::Object(object.iter().map(one).collect())
        }
        Value::Array(list) => list.iter().map(|value| masked(value, keys)).collect(),
        other => other.clone(),
    }
}

/// A text of the JSON.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// The texts under `key` of a list of objects.
#[track_caller]
pub fn texts<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap_or_else(|| panic!("not a list: {list}"));
    list.iter().map(|one| text(&one[key])).collect()
}

/// Asks until there is something; `what` is said if nothing comes.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never happened: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}
