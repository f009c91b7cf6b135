//! Browsers that a test has left, for the next one: to start one takes longer than most tests do in it. Whoever gets
//! one finds nothing of the test before: no cookie, no storage, no cache, no page, no download and no complaint.

use super::{
    driver::{Driver, Refused, command},
    session::Look,
    stage::visit,
};
use crate::world::Client;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Browsers that wait for a test at most: each is several processes.
const KEPT_MAX: usize = 4;
/// What a browser notes for those who drive it: what its pages complained of, and what they asked the server.
pub const LOGS: [&str; 2] = ["browser", "performance"];

static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

/// What cannot be changed once a browser runs: its language, and whether commands wait for pages.
type Kind = (&'static str, bool);

/// A running browser that nobody drives.
pub struct Kept {
    pub client: Client,
    pub session: String,
    /// Its profile and its downloads are below.
    pub folder: PathBuf,
    kind: Kind,
}

impl Kept {
    /// One that looks at pages like this: one that was left, or else a new one.
    pub fn take(driver: &Driver, look: Look) -> Self {
        let kind = (look.language, look.waits);
        let mut kept = KEPT.lock().expect("nobody panics with it");
        let place = kept.iter().rposition(|one| one.kind == kind);
        let one = place.map(|place| kept.remove(place));
        drop(kept);
        one.unwrap_or_else(|| Self::start(driver, kind))
    }

    fn start(driver: &Driver, kind: Kind) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = driver.folder.join(number.to_string());
        let mut client = driver.connect();
        let answer = command(&mut client, "POST", "/session", &wanted(driver, kind, &folder));
        let answer = answer.unwrap_or_else(|why| panic!("no browser: {why}"));
        let session = answer["sessionId"].as_str().expect("a session has a name").to_owned();
        Self { client, session, folder, kind }
    }

    /// Where downloads arrive.
    pub fn downloads(&self) -> PathBuf {
        self.folder.join("downloads")
    }

    /// A command to this browser.
    pub fn command(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, Refused> {
        command(&mut self.client, method, &format!("/session/{}{path}", self.session), body)
    }

    /// Keeps it for another test, as if it were new, or ends it. `origin` is what its pages came from.
    pub fn leave(mut self, origin: &str) {
        if std::thread::panicking() || self.forget(origin).is_err() {
            return self.end();
        }
        let mut kept = KEPT.lock().expect("nobody panics with it");
        kept.push(self);
        let too_many = (kept.len() > KEPT_MAX).then(|| kept.remove(0));
        drop(kept);
        if let Some(one) = too_many {
            one.end();
        }
    }

    /// A window of its own takes the place of every other one; what windows share is emptied.
    fn forget(&mut self, origin: &str) -> Result<(), Refused> {
        let new = self.command("POST", "/window/new", &json!({"type": "tab"}))?["handle"].clone();
        let all = self.command("GET", "/window/handles", &Value::Null)?;
        for old in all.as_array().expect("a list").iter().filter(|handle| **handle != new) {
            self.command("POST", "/window", &json!({"handle": old}))?;
            self.command("DELETE", "/window", &Value::Null)?;
        }
        self.command("POST", "/window", &json!({"handle": new}))?;
        for (name, parameters) in [
            ("Network.clearBrowserCookies", json!({})),
            ("Network.clearBrowserCache", json!({})),
            ("Storage.clearDataForOrigin", json!({"origin": origin, "storageTypes": "all"})),
        ] {
            let body = json!({"cmd": name, "params": parameters});
            self.command("POST", "/goog/cdp/execute", &body)?;
        }
        for kind in LOGS {
            self.command("POST", "/se/log", &json!({"type": kind}))?;
        }
        let downloads = self.downloads();
        std::fs::remove_dir_all(&downloads).expect("it is there");
        std::fs::create_dir(&downloads).expect("a folder for downloads");
        Ok(())
    }

    /// Its folder goes with the driver's.
    fn end(mut self) {
        let _ = self.command("DELETE", "", &Value::Null);
    }
}

/// What is asked of chromedriver for a new browser.
fn wanted(driver: &Driver, (language, waits): Kind, folder: &Path) -> Value {
    let downloads = folder.join("downloads");
    std::fs::create_dir_all(&downloads).expect("a folder for downloads");
    let arguments = [
        "--headless=new".to_owned(),
        // The tests also run as root and in containers, where its own sandbox and /dev/shm are not to be had.
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        format!("--user-data-dir={}", folder.join("profile").display()),
        format!("--lang={language}"),
    ];
    let options = json!({
        "binary": driver.browser,
        "args": arguments,
        "prefs": {
            "intl.accept_languages": language,
            "download.default_directory": downloads,
        },
    });
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "pageLoadStrategy": if waits { "normal" } else { "none" },
        "goog:loggingPrefs": {LOGS[0]: "ALL", LOGS[1]: "ALL"},
        "goog:chromeOptions": options,
    }}})
}

/// A page that leaves a mark wherever a page can.
const MARK: &str = "document.cookie = 'mark=1; max-age=600'; localStorage.mark = 1; \
    sessionStorage.mark = 1; globalThis.mark = 1; console.error('mark');";
/// What is left of the mark.
const MARKED: &str = "return [document.cookie, localStorage.mark ?? null, \
    sessionStorage.mark ?? null, globalThis.mark ?? null, history.length, \
    performance.getEntriesByType('resource')\
      .filter((one) => one.name.endsWith('.css') && one.transferSize === 0).length]";

#[test]
fn a_browser_that_a_test_has_left_remembers_nothing_of_it() {
    visit(Look::PHONE, |stage, _| {
        for round in 0..3 {
            // Each is left to the next one, or to another test, at the end of its turn.
            let mut browser = stage.browser(Look { dark: round == 0, ..Look::PHONE });
            assert_eq!(browser.asked().len(), 0);
            browser.go("/zh/sign-in");
            assert_eq!(browser.js(MARKED), json!(["", null, null, null, 2, 0]), "round {round}");
            let wide_or_dark =
                "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
            assert_eq!(browser.js(wide_or_dark), json!([390, round == 0]));
            browser.js(MARK);
            assert_eq!(std::fs::read_dir(browser.downloads()).expect("a folder").count(), 0);
            std::fs::write(browser.downloads().join("mark"), "").expect("a file");
            browser.look_like(Look { scripts: false, ..Look::DESK });
        }
        assert_eq!(stage.browser(Look::PHONE).complaints(), Vec::<String>::new());
    });
}
