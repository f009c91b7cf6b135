//! What the tests in a browser share: a server with its operator, something on sale, people, and what the server says
//! they have. It knows nothing of pages.

use super::session::{Browser, Look};
use crate::world::{Client, World, import, now_s, open_activity, tokens};
use serde_json::{Value, json};

/// A running server and a client that is signed in as its operator.
pub struct Stage {
    pub world: World,
    pub op: Client,
}

/// Runs a test against a server of its own, if there is a browser on this machine. At its end the browser may have
/// complained of nothing.
#[track_caller]
pub fn visit(look: Look, test: impl FnOnce(&mut Stage, &mut Browser)) {
    visit_world(World::cheap(), look, test);
}

/// The same on this world.
#[track_caller]
pub fn visit_world(mut world: World, look: Look, test: impl FnOnce(&mut Stage, &mut Browser)) {
    if super::driver::driver().is_none() {
        return;
    }
    let op = world.serve_with_operator();
    let mut stage = Stage { world, op };
    let Some(mut browser) = Browser::open(stage.world.address(), look) else { return };
    test(&mut stage, &mut browser);
    browser.content();
}

impl Stage {
    /// One more browser.
    pub fn browser(&self, look: Look) -> Browser {
        Browser::beside(self.world.address(), look)
    }

    /// Puts an activity of one type `seat` on sale: open since a minute, unless `changes` say otherwise.
    pub fn sell(&mut self, id: &str, ticket: Value, changes: Value) {
        let mut activity = open_activity(id, json!({"name": "电影票 Seat"}));
        activity["name"] = json!("电影之夜 Movie night");
        activity["desc"] = json!("今晚八点，一号厅。\nTonight at eight, hall one.");
        let add = |to: &mut Value, more: Value| {
            let Value::Object(more) = more else { panic!("not an object: {more}") };
            to.as_object_mut().expect("an object").extend(more);
        };
        add(&mut activity["ticket"][0], ticket);
        add(&mut activity, changes);
        import(&mut self.op, json!([activity]));
    }

    /// Puts one on sale that has these codes.
    pub fn sell_codes(&mut self, id: &str, codes: &[&str]) {
        self.sell(id, json!({ "codes": codes }), json!({}));
    }

    /// A token of somebody whom the operator vouches for.
    pub fn token(&mut self, name: &str) -> String {
        tokens(&mut self.op, &[name.to_owned()]).remove(0)
    }

    /// Somebody signed in, in this browser.
    pub fn enters(&mut self, browser: &mut Browser, name: &str) -> Client {
        let token = self.token(name);
        browser.sign_in(&token);
        self.op.with_token(&token)
    }

    /// An operator's POST with parameters only; must succeed.
    pub fn desk(&mut self, target: &str) {
        let answer = self.op.send("POST", target, &[], b"").expect("an answer");
        assert_eq!(answer.ret(), 0, "{}", answer.json());
    }

    /// An activity's statistics.
    pub fn stats(&mut self, id: &str) -> Value {
        self.op.get(&format!("/admin/act/stats?actId={id}")).data()
    }

    /// Ends the server as kill -9 does and starts it again at the same address.
    pub fn kill_and_start(&mut self) {
        self.world.kill();
        self.world.serve();
    }
}

/// The tickets of somebody.
pub fn tickets(person: &mut Client) -> Vec<Value> {
    let data = person.get("/ticket/list?page=1").data();
    data["list"].as_array().expect("a list").clone()
}

/// The only ticket of somebody who must have one and no more.
#[track_caller]
pub fn only_ticket(person: &mut Client) -> Value {
    let mut tickets = tickets(person);
    assert_eq!(tickets.len(), 1, "{tickets:?}");
    tickets.remove(0)
}

/// So many seconds from now, as an activity's start and end around it.
pub fn window(from_s: i64, until_s: i64) -> Value {
    let at = |s: i64| now_s().checked_add_signed(s).expect("in this century");
    json!({"start_time": at(from_s), "end_time": at(until_s)})
}
