//! One browser with a profile of its own: goes to pages, presses, types, looks, and collects what the pages complain
//! of. It waits for what it expects with a deadline and never for a while.

use super::{
    driver::{Driver, Refused, Seat, driver},
    kept::{Kept, LOGS},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a page may take to show what is expected of it.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The code points that stand for keys without a sign.
pub const TAB: &str = "\u{e004}";
pub const ENTER: &str = "\u{e007}";
/// Only its end takes the browser away.
const OPEN: &str = "it is open";
/// The folder for pictures, if anybody wants to look at them.
const SCREENSHOTS: &str = "SCREENSHOTS";

/// How a browser looks at the pages.
#[derive(Clone, Copy)]
pub struct Look {
    /// CSS pixels.
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    /// Asks for reduced motion.
    pub calm: bool,
    /// Accept-Language.
    pub language: &'static str,
    /// Whether scripts run.
    pub scripts: bool,
    /// Whether commands wait until a page that is being loaded is there; without it a server can be held meanwhile.
    pub waits: bool,
}

impl Look {
    /// A phone, in Chinese.
    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
        dark: false,
        calm: true,
        language: "zh-CN",
        scripts: true,
        waits: true,
    };
    /// A desk, in English.
    pub const DESK: Self = Self { width: 1280, height: 800, language: "en-GB", ..Self::PHONE };

    /// What pictures of it are called.
    fn name(&self) -> String {
        format!("{}-{}", self.width, if self.dark { "dark" } else { "light" })
    }
}

/// A request that a page made.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Its Idempotency-Key.
    pub key: Option<String>,
}

/// An open browser.
pub struct Browser {
    /// Left for another test at the end.
    kept: Option<Kept>,
    base: String,
    look: Look,
    asked: Vec<Asked>,
    expected: Vec<&'static str>,
    _seat: Option<Seat>,
}

impl Browser {
    /// Opens one that goes to this server; nothing where there is none on this machine.
    pub fn open(address: &str, look: Look) -> Option<Self> {
        let driver = driver()?;
        Some(Self::start(driver, address, look, Some(Seat::take())))
    }

    /// Opens another beside the one a test has. It needs no seat: two tests that wait for a second one would wait for
    /// each other.
    pub fn beside(address: &str, look: Look) -> Self {
        Self::start(driver().expect("the first one was opened"), address, look, None)
    }

    fn start(driver: &Driver, address: &str, look: Look, seat: Option<Seat>) -> Self {
        let kept = Some(Kept::take(driver, look));
        let base = format!("http://{address}");
        let (asked, expected) = (Vec::new(), Vec::new());
        let mut browser = Self { kept, base, look, asked, expected, _seat: seat };
        browser.show_screen();
        browser.show_reader();
        browser.show_scripts();
        browser
    }

    /// Changes what the pages are told about the screen and the reader.
    pub fn look_like(&mut self, look: Look) {
        let before = std::mem::replace(&mut self.look, look);
        // Each of these costs a layout, and most looks differ in one of them only.
        if (look.width, look.height) != (before.width, before.height) {
            self.show_screen();
        }
        if (look.dark, look.calm) != (before.dark, before.calm) {
            self.show_reader();
        }
        if look.scripts != before.scripts {
            self.show_scripts();
        }
    }

    fn show_screen(&mut self) {
        let Look { width, height, .. } = self.look;
        let phone = width < 600;
        let screen = json!({
            "width": width, "height": height, "mobile": phone,
            "deviceScaleFactor": if phone { 2 } else { 1 },
        });
        self.cdp("Emulation.setDeviceMetricsOverride", &screen);
    }

    fn show_reader(&mut self) {
        let Look { dark, calm, .. } = self.look;
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }},
            {"name": "prefers-reduced-motion", "value": if calm { "reduce" } else { "" }},
        ]});
        self.cdp("Emulation.setEmulatedMedia", &media);
    }

    fn show_scripts(&mut self) {
        let value = !self.look.scripts;
        self.cdp("Emulation.setScriptExecutionDisabled", &json!({ "value": value }));
    }

    /// Where downloads arrive.
    pub fn downloads(&self) -> PathBuf {
        self.kept.as_ref().expect(OPEN).downloads()
    }

    /// How it looks at the pages now.
    pub fn look(&self) -> Look {
        self.look
    }

    fn try_command(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, Refused> {
        self.kept.as_mut().expect(OPEN).command(method, path, body)
    }

    #[track_caller]
    fn command(&mut self, method: &str, path: &str, body: &Value) -> Value {
        self.try_command(method, path, body).unwrap_or_else(|why| panic!("{path}: {why}"))
    }

    /// A command of the browser's own protocol.
    #[track_caller]
    pub fn cdp(&mut self, name: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": name, "params": parameters});
        self.command("POST", "/goog/cdp/execute", &body)
    }

    /// Goes to a path on the server, or to a whole address.
    #[track_caller]
    pub fn go(&mut self, path: &str) {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.into() };
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Loads the page again.
    #[track_caller]
    pub fn reload(&mut self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// Goes back as with the browser's own button.
    #[track_caller]
    pub fn back(&mut self) {
        self.command("POST", "/back", &json!({}));
    }

    /// The path of the page, with its query.
    #[track_caller]
    pub fn path(&mut self) -> String {
        let url = self.command("GET", "/url", &Value::Null);
        let url = url.as_str().expect("an address");
        url.strip_prefix(self.base.as_str()).unwrap_or(url).to_owned()
    }

    /// The value of a script's `return`; nothing while the page is changing.
    pub fn try_js(&mut self, script: &str, arguments: &Value) -> Result<Value, Refused> {
        self.try_command("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// The value of a script's `return`.
    #[track_caller]
    pub fn js(&mut self, script: &str) -> Value {
        self.try_js(script, &json!([])).unwrap_or_else(|why| panic!("{script}: {why}"))
    }

    /// What a script hands to the function that is its last argument.
    #[track_caller]
    pub fn js_later(&mut self, script: &str) -> Value {
        self.command("POST", "/execute/async", &json!({"script": script, "args": []}))
    }

    /// The text of what is shown at a selector; nothing where nothing is shown.
    pub fn text(&mut self, selector: &str) -> Option<String> {
        let script = "const found = [...document.querySelectorAll(arguments[0])].find(\
            one => one.checkVisibility()); return found ? found.innerText ?? '' : null;";
        self.try_js(script, &json!([selector])).ok()?.as_str().map(str::to_owned)
    }

    /// Whether something is shown at a selector.
    pub fn shows(&mut self, selector: &str) -> bool {
        self.text(selector).is_some()
    }

    /// Looks until there is something.
    #[track_caller]
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            if begun.elapsed() > SHOWN_WITHIN {
                let (path, page) = (self.path(), self.text("body").unwrap_or_default());
                self.shot("failed");
                panic!("never came: {what}\nat {path}:\n{page}\n{:?}", self.complaints());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Waits until the text at a selector holds these words.
    #[track_caller]
    pub fn until_says(&mut self, selector: &str, words: &str) -> String {
        let what = format!("{selector} says {words:?}");
        self.until(&what, |browser| browser.text(selector).filter(|text| text.contains(words)))
    }

    /// Waits until something is shown at a selector.
    #[track_caller]
    pub fn until_shows(&mut self, selector: &str) -> String {
        self.until(&format!("{selector} is shown"), |browser| browser.text(selector))
    }

    /// Waits until the path begins so; the path.
    #[track_caller]
    pub fn until_at(&mut self, start: &str) -> String {
        let what = format!("the page {start}");
        self.until(&what, |browser| Some(browser.path()).filter(|path| path.starts_with(start)))
    }

    #[track_caller]
    fn element(&mut self, selector: &str) -> String {
        self.until(&format!("{selector} is there"), |browser| {
            let wanted = json!({"using": "css selector", "value": selector});
            let found = browser.try_command("POST", "/element", &wanted).ok()?;
            Some(found[ELEMENT].as_str().expect("an element has a name").to_owned())
        })
    }

    /// Clicks where the first such thing is, once it is there.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let element = self.element(selector);
        self.command("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Clicks twice, so many milliseconds apart.
    #[track_caller]
    pub fn double_click(&mut self, selector: &str, apart_ms: u32) {
        let element = self.element(selector);
        let origin = json!({ ELEMENT: element });
        let actions = [
            json!({"type": "pointerMove", "x": 0, "y": 0, "origin": origin}),
            json!({"type": "pointerDown", "button": 0}),
            json!({"type": "pointerUp", "button": 0}),
            json!({"type": "pause", "duration": apart_ms}),
            json!({"type": "pointerDown", "button": 0}),
            json!({"type": "pointerUp", "button": 0}),
        ];
        let pointer = json!({"type": "pointer", "id": "mouse", "actions": actions});
        self.command("POST", "/actions", &json!({"actions": [pointer]}));
    }

    /// Types into a field in place of what stands there.
    #[track_caller]
    pub fn fill(&mut self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.command("POST", &format!("/element/{element}/clear"), &json!({}));
        self.command("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Pastes a text, at once and whatever its length, into a field.
    #[track_caller]
    pub fn paste(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.cdp("Input.insertText", &json!({ "text": text }));
    }

    /// Sets a field whose typing differs from country to country, such as a time.
    #[track_caller]
    pub fn set(&mut self, selector: &str, value: &str) {
        self.element(selector);
        let script = format!(
            "const one = document.querySelector({}); one.value = {}; \
             one.dispatchEvent(new Event('input', {{bubbles: true}}));",
            json!(selector),
            json!(value)
        );
        self.js(&script);
    }

    /// Gives a field of files a file.
    #[track_caller]
    pub fn choose_file(&mut self, selector: &str, file: &Path) {
        let element = self.element(selector);
        let text = file.to_str().expect("scratch folders have plain names");
        self.command("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Presses keys one after another, wherever the focus is; WebDriver's code points stand for those without a sign.
    #[track_caller]
    pub fn keys(&mut self, keys: &str) {
        let press = |key: char| {
            let key = key.to_string();
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        };
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.command("POST", "/actions", &json!({"actions": [keyboard]}));
    }

    /// Signs somebody in by the token that the server gave them.
    pub fn sign_in(&mut self, token: &str) {
        let cookie = json!({"name": "firstcome_session", "value": token, "url": self.base,
            "httpOnly": true, "sameSite": "Lax"});
        self.cdp("Network.setCookie", &cookie);
    }

    /// Loses the sign-in, as if the browser had forgotten it.
    pub fn forget_sign_in(&mut self) {
        let cookie = json!({"name": "firstcome_session", "url": self.base});
        self.cdp("Network.deleteCookies", &cookie);
    }

    /// Cuts the network, or puts it back.
    pub fn offline(&mut self, cut: bool) {
        let speed = json!({"offline": cut, "latency": 0, "downloadThroughput": -1,
            "uploadThroughput": -1});
        self.cdp("Network.enable", &json!({}));
        self.cdp("Network.emulateNetworkConditions", &speed);
    }

    /// Makes the device's clock wrong by so many milliseconds in every page loaded from now on.
    pub fn clock_is_wrong_by(&mut self, ms: i64) {
        let source = format!(
            "{{ const Right = Date; class Wrong extends Right {{ \
               constructor(...all) {{ all.length ? super(...all) : super(Right.now() + {ms}); }} \
               static now() {{ return Right.now() + {ms}; }} }} globalThis.Date = Wrong; }}"
        );
        self.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": source }));
    }

    /// What the pages asked the server since the browser was opened.
    pub fn asked(&mut self) -> &[Asked] {
        let base = self.base.clone();
        for entry in self.log(LOGS[1]) {
            let text = entry["message"].as_str().unwrap_or_default();
            let Ok(message) = serde_json::from_str::<Value>(text) else { continue };
            let message = &message["message"];
            if message["method"] == "Network.requestWillBeSent" {
                self.asked.extend(request(&base, &message["params"]["request"]));
            }
        }
        &self.asked
    }

    /// The keys under which the pages claimed, in the order of asking; each request must have had one.
    pub fn claims(&mut self) -> Vec<String> {
        let claims = self.asked().iter().filter(|one| one.path.starts_with("/ticket/get?"));
        let claims = claims.filter(|one| one.method == "POST");
        claims.map(|one| one.key.clone().expect("every claim has its key")).collect()
    }

    fn log(&mut self, kind: &str) -> Vec<Value> {
        let entries = self.command("POST", "/se/log", &json!({ "type": kind }));
        entries.as_array().cloned().unwrap_or_default()
    }

    /// What the browser complains of from now on is expected where it holds these words.
    pub fn expect_complaint(&mut self, words: &'static str) {
        self.expected.push(words);
    }

    /// What the pages' scripts and policies complained of since it was asked last.
    pub fn complaints(&mut self) -> Vec<String> {
        let entries = self.log(LOGS[0]);
        let loud = entries
            .iter()
            .filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        let words = loud.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        words.filter(|text| !self.expected.iter().any(|known| text.contains(known))).collect()
    }

    /// The end of a test: nothing may have been complained of.
    #[track_caller]
    pub fn content(&mut self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    }

    /// A picture of the whole page, if somebody wants to look at it.
    pub fn shot(&mut self, name: &str) {
        let Some(folder) = std::env::var_os(SCREENSHOTS).map(PathBuf::from) else { return };
        let height = self.js("return document.documentElement.scrollHeight").as_u64();
        let clip = json!({"x": 0, "y": 0, "width": self.look.width, "scale": 1,
            "height": height.unwrap_or(0).max(self.look.height.into())});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.cdp("Page.captureScreenshot", &wanted);
        let picture = STANDARD.decode(picture["data"].as_str().expect("a picture"));
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        let path = folder.join(format!("{name}-{}.png", self.look.name()));
        std::fs::write(path, picture.expect("base64")).expect("a picture can be written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            kept.leave(&self.base);
        }
    }
}

fn request(base: &str, request: &Value) -> Option<Asked> {
    let path = request["url"].as_str()?.strip_prefix(base)?.to_owned();
    let headers = request["headers"].as_object()?;
    let key = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"));
    Some(Asked {
        method: request["method"].as_str()?.to_owned(),
        path,
        key: key.and_then(|(_, value)| value.as_str()).map(str::to_owned),
    })
}
