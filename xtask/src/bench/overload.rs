//! Five times as many as there is room for: what those inside still get, how soon those outside hear "busy", and
//! whether operators and health checks get through. It talks to servers of its own on 127.0.0.1 only.
//!
//! The server has one half of the cores and everybody else the other, so that what the crowd itself costs is not
//! taken for a loss of the server's. Quiet and crowded slices alternate and are short: what the machine's other
//! guests take weighs on both alike.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::checks::Checks;
use super::client::Client;
use super::fault::BenchFault;
use super::halves::Halves;
use super::load::{Expect, Pool, Script, Tally, own_cpu};
use super::options::Options;
use super::site::{Base, Queue, Site};

/// Connections there is room for.
pub const ROOM: usize = 256;
/// As many more knock as would make five times the room, each once a second: what `Retry-After` asks for.
pub const KNOCKS_PER_S: usize = 4 * ROOM;
/// Of these, so many are knocked at least, or the crowd was none.
const KNOCKED_MIN: f64 = 0.9;
/// As many as knock at the same time.
const THREADS: usize = 16;
/// The people inside, who keep asking; all have heard their first refusal before anything counts.
const ASKERS_MAX: usize = 20_000;
const WARM_UP_MAX: Duration = Duration::from_secs(60);
/// Pairs of slices that a round is cut into, and the least length of a slice.
const PAIRS_PER_ROUND: u32 = 10;
const SLICE_MIN: Duration = Duration::from_millis(100);
/// What is asked of those inside: this part of their best.
const GOODPUT_MIN: f64 = 0.8;
/// Within this, 99 of 100 who are turned away have heard so.
const REFUSED_WITHIN: Duration = Duration::from_millis(50);
/// How long a knock may take before it counts as unheard.
const KNOCK_MAX: Duration = Duration::from_secs(5);
/// Between two looks of an operator, and of a health check.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What was found.
pub struct Overload {
    /// Each round: those inside alone, and with everybody else knocking.
    pub rounds: Vec<(Slices, Slices)>,
    /// Cores of the server, and of everybody else.
    pub cores: (u32, u32),
    /// Of those who knocked.
    pub knocks: Heard,
    /// Of operators and health checks.
    pub looks: Heard,
}

/// What those inside got in the slices of one round, and what that took.
#[derive(Default)]
pub struct Slices {
    /// What they heard.
    pub tally: Tally,
    /// CPU time of the server.
    pub server_cpu: Duration,
    /// CPU time of those who knock and look.
    pub crowd_cpu: Duration,
}

impl Slices {
    fn add(&mut self, other: &Self) {
        let length = self.tally.length + other.tally.length;
        self.tally.add(&other.tally);
        self.tally.length = length;
        self.server_cpu += other.server_cpu;
        self.crowd_cpu += other.crowd_cpu;
    }

    /// Answers for each second of the server's CPU time.
    pub fn per_server_cpu(&self) -> f64 {
        self.tally.answers() as f64 / self.server_cpu.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Cores that this CPU time kept busy.
    pub fn busy(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() / self.tally.length.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// What came of knocking or looking.
pub struct Heard {
    /// How long it took, in microseconds.
    pub micros: Histogram<u64>,
    cpu: Duration,
    /// Answers that were none, or not what is promised, and one of them.
    wrong: u64,
    example: String,
}

impl Heard {
    fn new() -> Self {
        let micros = Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are constant");
        Self { micros, cpu: Duration::ZERO, wrong: 0, example: String::new() }
    }

    fn note(&mut self, took: Duration, wrong: Option<String>) {
        self.micros.saturating_record(took.as_micros() as u64);
        if let Some(example) = wrong {
            self.wrong += 1;
            self.example = example;
        }
    }

    fn add(&mut self, other: Self) {
        self.micros.add(&other.micros).expect("all have the same bounds");
        self.cpu += other.cpu;
        self.wrong += other.wrong;
        if !other.example.is_empty() {
            self.example = other.example;
        }
    }
}

/// Runs the part.
pub fn run(
    options: &Options,
    base: &Base,
    people: usize,
    checks: &mut Checks,
) -> Result<Overload, BenchFault> {
    let halves = Halves::find()?;
    let mut setup = base.setup().clone();
    setup.environment.push(("FIRSTCOME_SERVER_CONNECTIONS_MAX", PathBuf::from(ROOM.to_string())));
    let site = halves.serve(|| base.copy_with("overload", setup))?;
    let askers = 1..people.min(ASKERS_MAX);
    let share = Queue::sold_out("overload", askers).share(&site, &base.tokens, 1)?;
    let path = format!("/ticket/get?actId={}", share.id);
    let (path, expect) = (path.as_str(), Expect::Ret(-2));
    let mut pool = Pool::connect(site.process.address, ROOM)?;
    let first = Script::once(path, &base.tokens, share.people.clone(), expect);
    pool.run(&first, WARM_UP_MAX)?;

    let script = Script::around(path, &base.tokens, share.people, expect);
    let length = Duration::from_secs_f64(options.seconds) / PAIRS_PER_ROUND;
    let length = length.max(SLICE_MIN);
    let mut found = Overload {
        rounds: Vec::new(),
        cores: halves.sizes(),
        knocks: Heard::new(),
        looks: Heard::new(),
    };
    for _ in 0..options.rounds {
        let mut round = (Slices::default(), Slices::default());
        for pair in 0..PAIRS_PER_ROUND {
            let (best, crowded) = found.pair(pair % 2 == 0, &site, &mut pool, &script, length)?;
            round.0.add(&best);
            round.1.add(&crowded);
        }
        checks.answers("overload, alone", &round.0.tally);
        checks.answers("overload", &round.1.tally);
        found.rounds.push(round);
    }
    drop(pool);
    judge(&found, checks);
    checks.recomputed(&site.stop_and_check()?);
    Ok(found)
}

impl Overload {
    /// One more pair of slices.
    fn pair(
        &mut self,
        quiet_first: bool,
        site: &Site,
        pool: &mut Pool,
        script: &Script<'_>,
        length: Duration,
    ) -> Result<(Slices, Slices), BenchFault> {
        let mut slices = [None, None];
        for with_crowd in [!quiet_first, quiet_first] {
            slices[usize::from(with_crowd)] = Some(if with_crowd {
                let (crowded, knocks, looks) = crowded(site, pool, script, length)?;
                self.knocks.add(knocks);
                self.looks.add(looks);
                crowded
            } else {
                quiet(site, pool, script, length)?
            });
        }
        let [best, crowded] = slices.map(|slice| slice.expect("each is made once"));
        Ok((best, crowded))
    }

    /// Knocks a second, as they really were.
    pub fn knocked_per_s(&self) -> f64 {
        let crowded: Duration = self.rounds.iter().map(|(_, crowded)| crowded.tally.length).sum();
        self.knocks.micros.len() as f64 / crowded.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

fn judge(found: &Overload, checks: &mut Checks) {
    for (what, heard) in [
        ("knocks were not told \"busy\"", &found.knocks),
        ("looks were not answered", &found.looks),
    ] {
        checks.that(heard.wrong == 0, || {
            format!("overload: {} {what}: {}", heard.wrong, heard.example)
        });
    }
    let shares =
        found.rounds.iter().map(|(best, crowded)| crowded.tally.rate() / best.tally.rate());
    let mut shares: Vec<f64> = shares.collect();
    shares.sort_by(f64::total_cmp);
    let share = shares[shares.len() / 2];
    checks.that(share >= GOODPUT_MIN, || {
        format!("overload: those inside got {share:.2} of their best, less than {GOODPUT_MIN}")
    });
    let p99 = Duration::from_micros(found.knocks.micros.value_at_quantile(0.99));
    checks.that(p99 < REFUSED_WITHIN, || {
        format!("overload: a refusal took {p99:?} (p99), more than {REFUSED_WITHIN:?}")
    });
    let knocked = found.knocked_per_s();
    checks.that(
        knocked >= KNOCKED_MIN * KNOCKS_PER_S as f64 && !found.looks.micros.is_empty(),
        || format!("overload: only {knocked:.0} knocks a second, or nobody looked"),
    );
}

/// A slice of those inside alone.
fn quiet(
    site: &Site,
    pool: &mut Pool,
    script: &Script<'_>,
    length: Duration,
) -> Result<Slices, BenchFault> {
    let before = site.process.cpu()?;
    let tally = pool.run(script, length)?;
    let server_cpu = site.process.cpu()?.since(&before);
    Ok(Slices { tally, server_cpu, crowd_cpu: Duration::ZERO })
}

/// A slice with everybody else at the door.
fn crowded(
    site: &Site,
    pool: &mut Pool,
    script: &Script<'_>,
    length: Duration,
) -> Result<(Slices, Heard, Heard), BenchFault> {
    let over = AtomicBool::new(false);
    let address = site.process.address;
    std::thread::scope(|scope| {
        let over = &over;
        let knock = |number| scope.spawn(move || knocking(address, number, over));
        let knockers: Vec<_> = (0..THREADS).map(knock).collect();
        let looker = scope.spawn(|| looking(&site.operator, over));
        let measured = quiet(site, pool, script, length);
        over.store(true, Ordering::Release);
        let mut knocks = Heard::new();
        for knocker in knockers {
            knocks.add(knocker.join().expect("a knocker panicked"));
        }
        let looks = looker.join().expect("a looker panicked");
        let crowd_cpu = knocks.cpu + looks.cpu;
        Ok((Slices { crowd_cpu, ..measured? }, knocks, looks))
    })
}

/// Knocks at an even pace, in turn with the others, until it is over. Whoever is late knocks at once.
fn knocking(address: SocketAddr, number: usize, over: &AtomicBool) -> Heard {
    let turn = Duration::from_secs(1) / KNOCKS_PER_S as u32;
    let mut heard = Heard::new();
    let mut next = Instant::now() + turn * number as u32;
    loop {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        if over.load(Ordering::Acquire) {
            break;
        }
        next += turn * THREADS as u32;
        let begun = Instant::now();
        let wrong = match knock(address) {
            Ok(answer) if is_busy(&answer) => None,
            Ok(answer) => Some(answer),
            Err(error) => Some(error.to_string()),
        };
        heard.note(begun.elapsed(), wrong);
    }
    heard.cpu = own_cpu();
    heard
}

fn is_busy(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 503 ") && answer.to_ascii_lowercase().contains("\r\nretry-after: ")
}

fn knock(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, KNOCK_MAX)?;
    stream.set_read_timeout(Some(KNOCK_MAX))?;
    stream.write_all(b"GET /act/list HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 2048];
    // The answer has a body of a few bytes; what matters is in the first look.
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut chunk)? {
            0 => break,
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An operator who looks at the activities, and a health check, each on connections of their own.
fn looking(operator: &Client, over: &AtomicBool) -> Heard {
    let mut heard = Heard::new();
    while !over.load(Ordering::Acquire) {
        for path in ["/admin/act/list", "/healthz"] {
            let begun = Instant::now();
            let status = operator.status(path);
            let wrong = match status {
                Ok(200) => None,
                Ok(status) => Some(format!("{path} answered {status}")),
                Err(error) => Some(format!("{path}: {error}")),
            };
            heard.note(begun.elapsed(), wrong);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    heard.cpu = own_cpu();
    heard
}
