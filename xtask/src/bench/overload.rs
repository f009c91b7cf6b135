//! Five times as many as there is room for: what those inside still get, how soon those outside hear "busy", and
//! whether operators and health checks get through. It talks to servers of its own on 127.0.0.1 only.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::checks::Checks;
use super::client::Client;
use super::fault::BenchFault;
use super::load::{Expect, Pool, Script, Tally};
use super::options::Options;
use super::site::{Base, Queue, Site, people_for};

/// Connections there is room for.
pub const ROOM: usize = 256;
/// As many more knock as would make five times the room, each once a second: what `Retry-After` asks for.
pub const KNOCKS_PER_S: usize = 4 * ROOM;
const THREADS: usize = 16;
const WARM_UP: Duration = Duration::from_millis(500);
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
    pub rounds: Vec<(Tally, Tally)>,
    /// How long knocks took, in microseconds.
    pub knocks: Histogram<u64>,
    /// How long operators and health checks took, in microseconds.
    pub looks: Histogram<u64>,
}

/// What came of knocking or looking.
struct Heard {
    micros: Histogram<u64>,
    /// Answers that were none, or not what is promised, and one of them.
    wrong: u64,
    example: String,
}

impl Heard {
    fn new() -> Self {
        let micros = Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are constant");
        Self { micros, wrong: 0, example: String::new() }
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
    let mut setup = base.setup().clone();
    setup.environment.push(("FIRSTCOME_SERVER_CONNECTIONS_MAX", PathBuf::from(ROOM.to_string())));
    let site = base.copy_with("overload", setup)?;
    let mut queue = Queue::sold_out("overload", 1..people);
    let length = Duration::from_secs_f64(options.seconds);
    let share = queue.share(&site, &base.tokens, people_for(length))?;
    let path = format!("/ticket/get?actId={}", share.id);
    let script = Script::around(&path, &base.tokens, share.people, Expect::Ret(-2));
    let mut pool = Pool::connect(site.process.address, ROOM)?;
    pool.run(&script, WARM_UP)?;

    let mut found =
        Overload { rounds: Vec::new(), knocks: Heard::new().micros, looks: Heard::new().micros };
    for _ in 0..options.rounds {
        let best = pool.run(&script, length)?;
        let (crowded, knocks, looks) = crowded(&site, &mut pool, &script, length)?;
        for tally in [&best, &crowded] {
            checks.answers("overload", tally);
        }
        checks.that(knocks.wrong == 0, || {
            format!("overload: {} knocks were not told \"busy\": {}", knocks.wrong, knocks.example)
        });
        checks.that(looks.wrong == 0, || {
            format!("overload: {} looks were not answered: {}", looks.wrong, looks.example)
        });
        found.knocks.add(&knocks.micros).expect("all have the same bounds");
        found.looks.add(&looks.micros).expect("all have the same bounds");
        found.rounds.push((best, crowded));
    }
    drop(pool);
    judge(&found, checks);
    checks.recomputed(&site.stop_and_check()?);
    Ok(found)
}

fn judge(found: &Overload, checks: &mut Checks) {
    let mut shares: Vec<f64> =
        found.rounds.iter().map(|(best, crowded)| crowded.rate() / best.rate()).collect();
    shares.sort_by(f64::total_cmp);
    let share = shares[shares.len() / 2];
    checks.that(share >= GOODPUT_MIN, || {
        format!("overload: those inside got {share:.2} of their best, less than {GOODPUT_MIN}")
    });
    let p99 = Duration::from_micros(found.knocks.value_at_quantile(0.99));
    checks.that(p99 < REFUSED_WITHIN, || {
        format!("overload: a refusal took {p99:?} (p99), more than {REFUSED_WITHIN:?}")
    });
    checks.that(!found.knocks.is_empty() && !found.looks.is_empty(), || {
        "overload: nobody knocked, or nobody looked".to_owned()
    });
}

/// A slice with everybody else at the door.
fn crowded(
    site: &Site,
    pool: &mut Pool,
    script: &Script<'_>,
    length: Duration,
) -> Result<(Tally, Heard, Heard), BenchFault> {
    let over = AtomicBool::new(false);
    let address = site.process.address;
    std::thread::scope(|scope| {
        let knock = |_| scope.spawn(|| knocking(address, &over));
        let knockers: Vec<_> = (0..THREADS).map(knock).collect();
        let looker = scope.spawn(|| looking(&site.operator, &over));
        let measured = pool.run(script, length);
        over.store(true, Ordering::Release);
        let mut knocks = Heard::new();
        for knocker in knockers {
            knocks.add(knocker.join().expect("a knocker panicked"));
        }
        let looks = looker.join().expect("a looker panicked");
        Ok((measured?, knocks, looks))
    })
}

/// Knocks at an even pace until it is over.
fn knocking(address: SocketAddr, over: &AtomicBool) -> Heard {
    let every = Duration::from_secs(1) * THREADS as u32 / KNOCKS_PER_S as u32;
    let mut heard = Heard::new();
    let mut next = Instant::now();
    while !over.load(Ordering::Acquire) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next = (next + every).max(Instant::now());
        let begun = Instant::now();
        let wrong = match knock(address) {
            Ok(answer) if is_busy(&answer) => None,
            Ok(answer) => Some(answer),
            Err(error) => Some(error.to_string()),
        };
        heard.note(begun.elapsed(), wrong);
    }
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
    heard
}
