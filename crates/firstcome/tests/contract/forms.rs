//! Somebody at a browser without scripts: what it sends with a form, and looks at the page that comes back.
//! It knows how forms are sent and nothing of what a page should say.

use super::stage::Stage;
use crate::world::{Answer, Client};

pub const FORM: &str = "application/x-www-form-urlencoded";

/// Names and values of a form.
pub type Fields<'a> = [(&'a str, &'a str)];

/// Somebody at a browser: the session is in the cookie, and forms say which page sent them.
pub struct Browser {
    pub client: Client,
    pub cookie: String,
    pub origin: String,
}

impl Browser {
    pub fn of(stage: &Stage, client: &Client) -> Self {
        let token = client.token.as_deref().expect("signed in");
        let cookie = format!("firstcome_session={token}");
        let origin = format!("http://{}", stage.world.address());
        Self { client: stage.stranger(), cookie, origin }
    }

    pub fn operator(stage: &Stage) -> Self {
        Self::of(stage, &stage.op)
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.client.get_with(path, &[("cookie", &self.cookie)])
    }

    pub fn post(&mut self, path: &str, fields: &Fields<'_>) -> Answer {
        let headers =
            [("cookie", &*self.cookie), ("origin", &*self.origin), ("content-type", FORM)];
        self.client.send("POST", path, &headers, encoded(fields).as_bytes()).expect("an answer")
    }
}

pub fn encoded(fields: &Fields<'_>) -> String {
    let text = |text: &str| -> String {
        // As a browser sends it: lines of a text area end with CR LF.
        text.replace('\n', "\r\n").bytes().map(|byte| format!("%{byte:02X}")).collect()
    };
    let pair = |(name, value): &(&str, &str)| format!("{}={}", text(name), text(value));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[track_caller]
pub fn page(answer: &Answer, status: u16) -> String {
    let html = String::from_utf8(answer.body.clone()).expect("UTF-8");
    assert_eq!(answer.status, status, "{html}");
    assert!(answer.header("cache-control").is_some_and(|keep| keep.contains("no-store")));
    assert!(answer.header("content-security-policy").is_some_and(|csp| !csp.contains("unsafe")));
    html
}

#[track_caller]
pub fn gone_to(answer: &Answer) -> String {
    let html = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 303, "{html}");
    answer.header("location").expect("a place").to_owned()
}
