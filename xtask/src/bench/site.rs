//! A server with people and activities for the benchmark: a base that is made once and copied for every server.
//! All servers of a run share the base's keys, so that one set of tokens opens every one of them.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::client::Client;
use super::fault::{BenchFault, io};
use super::load::Tokens;
use super::process::{Process, Setup};

const OPERATOR: &str = "bench-operator";
/// Guards scratch servers on 127.0.0.1 that live for minutes.
const PASSWORD: &str = "bench-password-of-a-scratch-server";

/// As many as one call of the wire contract signs in.
const SIGNED_IN_AT_ONCE: usize = 10_000;

/// The base: a data directory with an operator and all people, and the people's tokens.
#[derive(Debug)]
pub struct Base {
    setup: Setup,
    scratch: PathBuf,
    data: PathBuf,
    /// Token of every person.
    pub tokens: Tokens,
}

/// A running copy of the base.
#[derive(Debug)]
pub struct Site {
    /// The server.
    pub process: Process,
    /// Its operator.
    pub operator: Client,
    setup: Setup,
    data: PathBuf,
}

impl Base {
    /// Makes the base, with `people` signed in once.
    pub fn make(setup: Setup, scratch: &Path, people: usize) -> Result<Self, BenchFault> {
        let data = scratch.join("base");
        let mut add = setup.command("user", &data);
        add.args(["add", OPERATOR, "--role", "operator", "--password-stdin"]);
        setup.run(&mut add, &format!("{PASSWORD}\n"))?;
        let site = Site::start(&setup, data.clone())?;
        let tokens = sign_in(&site.operator, people)?;
        site.process.stop()?;
        Ok(Self { setup, scratch: scratch.to_path_buf(), data, tokens })
    }

    /// Starts a copy under `name`.
    pub fn copy(&self, name: &str) -> Result<Site, BenchFault> {
        self.copy_with(name, self.setup.clone())
    }

    /// Starts a copy under `name` with other settings of the process.
    pub fn copy_with(&self, name: &str, setup: Setup) -> Result<Site, BenchFault> {
        let data = self.scratch.join(name);
        copy_folder(&self.data, &data).map_err(io("copying the base"))?;
        Site::start(&setup, data)
    }

    /// How servers of this run are started.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }
}

/// Signs `people` in, many at a time.
fn sign_in(operator: &Client, people: usize) -> Result<Tokens, BenchFault> {
    let mut tokens = Tokens::default();
    for first in (0..people).step_by(SIGNED_IN_AT_ONCE) {
        let last = people.min(first + SIGNED_IN_AT_ONCE);
        let names: Vec<String> = (first..last).map(|number| format!("u{number:07}")).collect();
        let data = operator.post("/admin/sessions", &json!({ "users": names }))?;
        for name in &names {
            let token = data["tokens"][name].as_str().ok_or(BenchFault::Missing("a token"))?;
            if !tokens.push(token) {
                return Err(BenchFault::Missing("tokens of one width"));
            }
        }
    }
    Ok(tokens)
}

impl Site {
    fn start(setup: &Setup, data: PathBuf) -> Result<Self, BenchFault> {
        let (process, _) = Process::serve(setup, &data)?;
        let mut operator = Client::new(process.address);
        operator.login(OPERATOR, PASSWORD)?;
        Ok(Self { process, operator, setup: setup.clone(), data })
    }

    /// Imports one open activity of plain units; `offset_s` orders it among the others in the list.
    pub fn import(&self, id: &str, stock: usize, offset_s: u64) -> Result<(), BenchFault> {
        self.import_priced(id, stock, offset_s, FREE)
    }

    /// The same, for a price.
    pub fn import_priced(
        &self,
        id: &str,
        stock: usize,
        offset_s: u64,
        price: Price,
    ) -> Result<(), BenchFault> {
        self.import_one(activity(id, stock, offset_s, price))
    }

    /// Imports one activity as it stands.
    pub fn import_one(&self, activity: Value) -> Result<(), BenchFault> {
        self.operator.post("/admin/act/import", &json!({ "activity": [activity] })).map(drop)
    }

    /// How many units are sold or held.
    pub fn given(&self, id: &str) -> Result<u64, BenchFault> {
        let stats = self.operator.get(&format!("/admin/act/stats?actId={id}"))?;
        let count = |name: &'static str| stats[name].as_u64().ok_or(BenchFault::Missing(name));
        Ok(count("sold")? + count("held")?)
    }

    /// Stops the server and lets `firstcome check` recompute its promises; what it printed.
    pub fn stop_and_check(self) -> Result<String, BenchFault> {
        self.process.stop()?;
        check(&self.setup, &self.data)
    }

    /// Stops the server by SIGTERM, or by SIGKILL, and starts it again; how long until it was ready.
    pub fn restart(self, kill: bool) -> Result<(Self, Duration), BenchFault> {
        if kill {
            self.process.kill()?;
        } else {
            self.process.stop()?;
        }
        let (process, took) = Process::serve(&self.setup, &self.data)?;
        let mut operator = Client::new(process.address);
        operator.login(OPERATOR, PASSWORD)?;
        Ok((Self { process, operator, setup: self.setup, data: self.data }, took))
    }

    /// Removes what the server wrote, so that many copies need the room of one.
    pub fn discard(self) -> Result<(), BenchFault> {
        self.process.kill()?;
        fs::remove_dir_all(&self.data).map_err(io("removing a scratch folder"))
    }
}

fn check(setup: &Setup, data: &Path) -> Result<String, BenchFault> {
    setup.run(&mut setup.command("check", data), "")
}

/// What a unit costs, and how long there is to pay.
#[derive(Clone, Copy, Debug)]
pub struct Price {
    /// Decimal text.
    pub amount: &'static str,
    /// Seconds.
    pub pay_within_s: u64,
}

/// Nothing is to be paid.
pub const FREE: Price = Price { amount: "0", pay_within_s: 900 };

fn activity(id: &str, stock: usize, offset_s: u64, price: Price) -> Value {
    let now = now_s();
    json!({
        "id": id,
        "name": format!("电影之夜 {id}"),
        "desc": "五百张电影票，先到先得。One ticket a person, first come, first served.",
        "image": "https://example.org/movie-night.jpg",
        "start_time": now - 7200 + offset_s,
        "end_time": now + 86_400,
        "ticket": [{
            "id": "seat", "name": "电影票", "price": price.amount, "currency": "CNY",
            "pay_within_s": price.pay_within_s,
            "limit_per_user": 1, "stock": stock,
            "valid_from": now - 7200, "valid_until": now + 864_000,
        }],
    })
}

/// Unix seconds.
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// How many people a slice of claims may need: more than any machine for which this is meant can answer.
pub fn people_for(length: Duration) -> usize {
    const CLAIMS_PER_SECOND_MAX: f64 = 150_000.0;
    (length.as_secs_f64() * CLAIMS_PER_SECOND_MAX) as usize
}

/// People who have not been asked for one activity yet, handed out a slice at a time.
#[derive(Debug)]
pub struct Queue {
    prefix: &'static str,
    made: u32,
    left: Range<usize>,
    people: Range<usize>,
    stock: usize,
    sold_out: bool,
    price: Price,
}

/// One slice's share of a [`Queue`].
#[derive(Clone, Debug)]
pub struct Share {
    /// The activity.
    pub id: String,
    /// Who may ask; give back with [`Queue::give_back`] who was not asked.
    pub people: Range<usize>,
}

impl Queue {
    /// Activities with a unit for everybody.
    pub fn open(prefix: &'static str, people: Range<usize>) -> Self {
        let stock = people.len();
        let left = people.end..people.end;
        Self { prefix, made: 0, left, people, stock, sold_out: false, price: FREE }
    }

    /// The same, for a price.
    pub fn priced(self, price: Price) -> Self {
        Self { price, ..self }
    }

    /// Activities with one unit, which the person before `people` has.
    pub fn sold_out(prefix: &'static str, people: Range<usize>) -> Self {
        assert!(people.start > 0, "somebody must take the last unit");
        Self { stock: 1, sold_out: true, ..Self::open(prefix, people) }
    }

    /// At least `wanted` people who have not asked yet, or all there are in a new activity.
    pub fn share(
        &mut self,
        site: &Site,
        tokens: &Tokens,
        wanted: usize,
    ) -> Result<Share, BenchFault> {
        if self.left.len() < wanted.min(self.people.len()) {
            self.made += 1;
            site.import_priced(&self.id(), self.stock, 3_600, self.price)?;
            self.left = self.people.clone();
            if self.sold_out {
                sell_out(site, &self.id(), tokens.get(self.people.start - 1))?;
            }
        }
        Ok(Share { id: self.id(), people: self.left.clone() })
    }

    /// The first `asked` of the share have had their turn.
    pub fn give_back(&mut self, asked: usize) {
        self.left.start += asked;
    }

    /// Every activity made so far.
    pub fn ids(&self) -> Vec<String> {
        (1..=self.made).map(|number| format!("{}-{number}", self.prefix)).collect()
    }

    fn id(&self) -> String {
        format!("{}-{}", self.prefix, self.made)
    }
}

/// Takes the one unit of `id` with `token`.
fn sell_out(site: &Site, id: &str, token: &[u8]) -> Result<(), BenchFault> {
    let token = std::str::from_utf8(token).map_err(|_| BenchFault::Missing("a readable token"))?;
    let buyer = Client::with_token(site.process.address, token);
    buyer.get(&format!("/ticket/get?actId={id}")).map(drop)
}
