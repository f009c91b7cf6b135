//! A crowd of people over real HTTP, each with a will of their own: they claim, come again when the connection
//! breaks, follow a queued claim to its end. They remember everything and never judge it.

use crate::{
    history::{Asked, Heard, Lot, Question, heard},
    world::Client,
};
use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How long one person asks before the test fails: nobody may be left without an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts after "nothing happened", after "queued", and while nobody listens.
const PAUSE: Duration = Duration::from_millis(4);

/// People under way at once, where nothing is said.
pub const AT_ONCE: usize = 64;

/// Someone with a session.
#[derive(Clone)]
pub struct Person {
    /// The session.
    pub token: String,
}

/// How a person goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Asks with a key until there is an answer.
    Patient,
    /// Asks twice at the same time with the same key, then as `Patient`.
    DoubleClick,
    /// Asks without a key until there is an answer.
    Keyless,
    /// Asks with a key, and leaves for good when told that nothing happened.
    Proud,
    /// As `Patient`, and once more after winning.
    Greedy,
    /// Asks once, whatever the answer.
    Once,
}

/// One person going for one thing.
#[derive(Clone, Debug)]
pub struct Errand {
    /// An index of the people.
    pub person: usize,
    /// An index of the lots.
    pub lot: usize,
    /// How.
    pub manner: Manner,
}

/// How far the crowd is, for those who break things meanwhile.
#[derive(Default)]
pub struct Progress {
    /// Errands begun.
    pub begun: AtomicUsize,
    /// Errands ended.
    pub ended: AtomicUsize,
    /// Answers ret 0 with a ticket.
    pub won: AtomicUsize,
    /// Lots of which someone has heard "sold out".
    pub sold_out: AtomicUsize,
    /// Answers ret 1, 503 and -3.
    pub put_off: AtomicUsize,
    /// Nobody begins another errand.
    pub stop: AtomicBool,
    told: Mutex<HashSet<usize>>,
}

impl Progress {
    fn note(&self, lot: usize, heard: &Heard) {
        let counter = match heard {
            Heard::Won(_) => &self.won,
            Heard::Queued(_) | Heard::Busy | Heard::Nothing | Heard::Unknown => &self.put_off,
            Heard::Refused(-2, _) if self.told.lock().expect("no panic").insert(lot) => {
                &self.sold_out
            }
            Heard::Refused(..) | Heard::Lost => return,
        };
        counter.fetch_add(1, Ordering::AcqRel);
    }
}

/// A crowd and what it wants.
pub struct Crowd<'a> {
    /// Where the server is, or will be again.
    pub address: &'a str,
    /// Everybody.
    pub people: &'a [Person],
    /// Everything that is sold.
    pub lots: &'a [Lot],
    /// In the order in which they set out.
    pub errands: &'a [Errand],
    /// How many are under way at once.
    pub at_once: usize,
}

impl Crowd<'_> {
    /// Runs all errands to their end; everything that was said.
    pub fn run(&self, progress: &Progress) -> Vec<Asked> {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let walk = || self.walk(&next, progress);
            let walkers: Vec<_> = (0..self.at_once).map(|_| scope.spawn(walk)).collect();
            let histories = walkers.into_iter().map(|one| one.join().expect("nobody gave up"));
            histories.flatten().collect()
        })
    }

    fn walk(&self, next: &AtomicUsize, progress: &Progress) -> Vec<Asked> {
        let clients = [Client::new(self.address), Client::new(self.address)];
        let mut walker = Walker { crowd: self, progress, clients, history: Vec::new() };
        while !progress.stop.load(Ordering::Acquire) {
            let at = next.fetch_add(1, Ordering::AcqRel);
            let Some(errand) = self.errands.get(at) else { break };
            progress.begun.fetch_add(1, Ordering::AcqRel);
            walker.go(at, errand);
            progress.ended.fetch_add(1, Ordering::AcqRel);
        }
        walker.history
    }
}

/// One thread of the crowd: one connection, a second one for double clicks, and one errand at a time.
struct Walker<'a> {
    crowd: &'a Crowd<'a>,
    progress: &'a Progress,
    clients: [Client; 2],
    history: Vec<Asked>,
}

/// A request on its way.
#[derive(Clone, Copy)]
struct Sent {
    at: Instant,
    /// All of it was written; else the connection broke, and there is no answer to wait for.
    whole: bool,
}

impl Walker<'_> {
    fn go(&mut self, at: usize, errand: &Errand) {
        let set_out = Instant::now();
        let token = &self.crowd.people[errand.person].token;
        self.clients.iter_mut().for_each(|client| client.token = Some(token.clone()));
        let key = (errand.manner != Manner::Keyless).then(|| format!("errand-{at}"));
        if errand.manner == Manner::DoubleClick {
            self.double_click(errand, key.as_deref());
        }
        loop {
            assert!(set_out.elapsed() < PATIENCE, "{errand:?} was never answered");
            let Some(heard) = self.claim(errand, key.as_deref()) else { continue };
            let again = match heard {
                Heard::Won(_) => {
                    if errand.manner == Manner::Greedy {
                        let _ = self.claim(errand, key.as_deref());
                    }
                    false
                }
                Heard::Queued(claim) => self.follow(errand, &claim, set_out),
                Heard::Refused(ret, _) => ret == -4,
                Heard::Busy | Heard::Nothing => errand.manner != Manner::Proud,
                Heard::Unknown | Heard::Lost => true,
            };
            if !again || errand.manner == Manner::Once {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// One claim; nothing if nobody listens.
    fn claim(&mut self, errand: &Errand, key: Option<&str>) -> Option<Heard> {
        let question = Question::Claim(key.map(str::to_owned));
        self.ask(errand, question, 0)
    }

    fn ask(&mut self, errand: &Errand, question: Question, client: usize) -> Option<Heard> {
        let sent = self.send(errand, &question, client)?;
        Some(self.receive(errand, question, client, sent))
    }

    fn double_click(&mut self, errand: &Errand, key: Option<&str>) {
        let question = Question::Claim(key.map(str::to_owned));
        let sent = [0, 1].map(|client| self.send(errand, &question, client));
        for (client, sent) in sent.into_iter().enumerate() {
            if let Some(sent) = sent {
                let heard = self.receive(errand, question.clone(), client, sent);
                if let Heard::Queued(claim) = heard {
                    self.follow(errand, &claim, Instant::now());
                }
            }
        }
    }

    /// Asks for the result of a queued claim until it is final; whether to claim again.
    fn follow(&mut self, errand: &Errand, claim: &str, set_out: Instant) -> bool {
        loop {
            let last = self.history.last().map(|asked| &asked.heard);
            assert!(set_out.elapsed() < PATIENCE, "{errand:?} stayed queued: {claim}, {last:?}");
            match self.ask(errand, Question::Result(claim.to_owned()), 0) {
                Some(Heard::Won(_)) => {
                    // C11: readable any number of times.
                    let _ = self.ask(errand, Question::Result(claim.to_owned()), 0);
                    return false;
                }
                Some(Heard::Nothing) => return errand.manner != Manner::Proud,
                Some(Heard::Refused(ret, _)) => panic!("a queued claim ended as {ret}"),
                None | Some(Heard::Queued(_) | Heard::Busy | Heard::Unknown | Heard::Lost) => {
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    /// When the request was sent; nothing if nobody listens.
    fn send(&mut self, errand: &Errand, question: &Question, client: usize) -> Option<Sent> {
        let client = &mut self.clients[client];
        if client.connect().is_err() {
            std::thread::sleep(PAUSE);
            return None;
        }
        let lot = &self.crowd.lots[errand.lot];
        let target = match question {
            Question::Claim(_) => {
                format!("/ticket/get?actId={}&typeId={}", lot.activity, lot.ticket_type)
            }
            Question::Result(claim) => format!("/ticket/result?claimId={claim}"),
        };
        let key = match question {
            Question::Claim(Some(key)) => Some(("idempotency-key", key.as_str())),
            _ => None,
        };
        let at = Instant::now();
        let whole = client.begin("POST", &target, key.as_slice()).is_ok();
        Some(Sent { at, whole })
    }

    fn receive(&mut self, errand: &Errand, question: Question, client: usize, sent: Sent) -> Heard {
        let answer = sent.whole.then(|| self.clients[client].receive());
        let answered = Instant::now();
        let heard = match answer {
            Some(Ok(answer)) => heard(answer.status, &answer.json()),
            Some(Err(_)) | None => Heard::Lost,
        };
        self.progress.note(errand.lot, &heard);
        self.history.push(Asked {
            person: errand.person,
            lot: errand.lot,
            question,
            sent: sent.at,
            answered,
            heard: heard.clone(),
        });
        heard
    }
}

/// One claim on a connection of its own, of a server that listens.
pub fn claim_once(
    client: &mut Client,
    lots: &[Lot],
    (person, lot): (usize, usize),
    key: &str,
) -> Asked {
    let what = &lots[lot];
    let target = format!("/ticket/get?actId={}&typeId={}", what.activity, what.ticket_type);
    client.connect().expect("the server listens");
    let sent = Instant::now();
    let answer = client.send("POST", &target, &[("idempotency-key", key)], b"");
    let answered = Instant::now();
    let heard = answer.map_or(Heard::Lost, |answer| heard(answer.status, &answer.json()));
    let question = Question::Claim(Some(key.to_owned()));
    Asked { person, lot, question, sent, answered, heard }
}

/// Numbers that follow from a seed, so that a failing run can be told again.
pub struct Chance(u64);

impl Chance {
    /// From `TEST_SEED`, else from the clock; it is printed.
    pub fn of(test: &str) -> Self {
        let given = std::env::var("TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        let seed = given.unwrap_or(clock.as_micros() as u64);
        println!("{test}: TEST_SEED={seed}");
        Self(seed)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    /// In another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }

    /// A manner; most people are patient.
    pub fn manner(&mut self) -> Manner {
        match self.below(20) {
            0..3 => Manner::DoubleClick,
            3..6 => Manner::Keyless,
            6..8 => Manner::Proud,
            8..10 => Manner::Greedy,
            _ => Manner::Patient,
        }
    }
}
