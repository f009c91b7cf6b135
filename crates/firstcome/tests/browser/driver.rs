//! The chromedriver that all tests of this binary share, and the plain JSON that it speaks. It ends with the process
//! of the tests, however that ends, and never more than a few browsers are open at a time.

use crate::world::{Client, not_tested};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Condvar, Mutex, OnceLock},
};

/// Browsers open at a time: each is several processes.
const BROWSERS_MAX: usize = 2;
/// What chromedriver prints before its port, once it listens.
const LISTENS: &str = "was started successfully on port ";
/// Runs until its standard input closes, which happens when the tests are over or were killed; then chromedriver's
/// process group, in which the browsers are as well, ends, and their folder goes. What dies may still be writing at
/// the first attempt.
const UNTIL_WE_END: &str = "setsid chromedriver --port=0 & cat >/dev/null; kill -KILL -$!; \
    for attempt in 1 2 3 4 5; do rm -rf \"$0\" && break; sleep 0.2; done 2>/dev/null";

/// A running chromedriver.
pub struct Driver {
    /// The browser to be driven.
    pub browser: PathBuf,
    /// Below it the browsers keep what is theirs.
    pub folder: PathBuf,
    address: String,
    _child: Child,
    /// Kept, because a write to a closed pipe would end it.
    _output: BufReader<ChildStdout>,
}

/// Why a command was not carried out: WebDriver's name of the error, and its own words.
#[derive(Debug)]
pub struct Refused {
    error: String,
    message: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error, self.message)
    }
}

/// The driver of this process; nothing where no browser is installed, which is said once and loudly.
pub fn driver() -> Option<&'static Driver> {
    static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
    let driver = DRIVER.get_or_init(|| match missing() {
        None => Some(Driver::start()),
        Some(why) => {
            not_tested("the pages in a browser", &why);
            None
        }
    });
    // On a machine that decides about changes, a test that did not run must not look like one that passed.
    let must = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(driver.is_some() || !must, "the pages were not tested in a browser");
    driver.as_ref()
}

/// What is not here, in words.
fn missing() -> Option<String> {
    let (Some(browser), Some(driver)) = (version("chromium"), version("chromedriver")) else {
        return Some(
            "chromium or chromedriver is not on the PATH (Debian: \
             `apt-get install chromium chromium-driver`)"
                .to_owned(),
        );
    };
    (browser != driver).then(|| {
        format!("chromium is version {browser} and chromedriver {driver}: they must agree")
    })
}

/// The major version of a program on the PATH, the first number it says with `--version`.
fn version(program: &str) -> Option<u32> {
    let output = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split([' ', '.']).find_map(|word| word.parse().ok())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|file| file.exists())
}

impl Driver {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder").keep();
        let mut child = Command::new("/bin/sh")
            .args(["-c", UNTIL_WE_END])
            .arg(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            let read = output.read_line(&mut line).expect("it can be read");
            assert!(read > 0, "chromedriver ended at its start");
            if let Some((_, port)) = line.split_once(LISTENS) {
                break port.trim_end().trim_end_matches('.').to_owned();
            }
        };
        let browser = on_path("chromium").expect("it said its version");
        let address = format!("127.0.0.1:{port}");
        Self { browser, folder, address, _child: child, _output: output }
    }

    /// A connection of its own.
    pub fn connect(&self) -> Client {
        Client::new(&self.address)
    }
}

/// Sends a command; the value of its answer.
pub fn command(
    client: &mut Client,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<Value, Refused> {
    let body = if method == "POST" { body.to_string() } else { String::new() };
    let headers = [("content-type", "application/json")];
    let answer = client
        .send(method, path, &headers, body.as_bytes())
        .unwrap_or_else(|error| panic!("chromedriver does not answer {method} {path}: {error}"));
    let value = answer.json()["value"].clone();
    if answer.status == 200 {
        return Ok(value);
    }
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Err(Refused { error: text("error"), message: text("message") })
}

/// The right to have a browser open.
pub struct Seat(());

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

impl Seat {
    /// Waits until there is one.
    pub fn take() -> Self {
        let taken = TAKEN.lock().expect("nobody panics with it");
        let mut taken =
            FREED.wait_while(taken, |taken| *taken >= BROWSERS_MAX).expect("nobody panics with it");
        *taken += 1;
        Self(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *TAKEN.lock().expect("nobody panics with it") -= 1;
        FREED.notify_one();
    }
}
