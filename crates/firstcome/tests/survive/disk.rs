//! The disk says no while a crowd claims: the sale stops saying yes, goes on saying no, and comes back by itself.
//! The faults are real ones of the kernel: a limit on the size of files, and a file system without space.

use crate::{
    crowd::{AT_ONCE, Chance, Crowd, Manner, Progress, claim_once},
    history::{Asked, Heard, Question, Ticket, heard},
    stage::{Stage, two_lots, wait_count, wait_for},
    world::{World, not_tested, now_s},
};
use serde_json::json;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    sync::atomic::Ordering,
    time::Instant,
};

/// A limit on file sizes is a failing write and not a death, whatever the program does about the signal.
const IGNORE_SIGNAL: &str = "trap '' XFSZ; exec \"$0\" \"$@\"";

/// How the disk fails.
pub trait Fault {
    /// From now on nothing more can be written.
    fn impose(&mut self, world: &World);
    /// Can be written again.
    fn lift(&mut self, world: &World);
    /// Whether it has been felt, when so many claims have been put off since.
    fn is_felt(&self, put_off: usize) -> bool {
        put_off >= AT_ONCE / 2
    }
}

/// No write succeeds beyond a byte of any file. The process keeps the right to have it lifted.
enum FileSize {
    /// Beyond the first.
    Nothing,
    /// Beyond what the log has now, and so many pages.
    LogAnd(u64),
}

impl FileSize {
    fn set(world: &World, limit: &str) {
        let pid = world.pid().to_string();
        let limit = format!("--fsize={limit}:");
        let done = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(done.expect("prlimit, of util-linux, runs").success());
    }
}

impl Fault for FileSize {
    fn impose(&mut self, world: &World) {
        let log = || std::fs::metadata(world.data().join("ledger.sqlite3-wal"));
        let bytes = match self {
            Self::Nothing => 0,
            Self::LogAnd(pages) => {
                log().expect("the log of the ledger").len() + *pages * PAGE_BYTES
            }
        };
        Self::set(world, &bytes.to_string());
    }

    fn lift(&mut self, world: &World) {
        Self::set(world, "unlimited");
    }
}

/// A small file system of its own for the ledger, and a file that takes what is left of it.
pub struct FullDisk {
    mounted: PathBuf,
}

impl FullDisk {
    const SIZE: &str = "size=24m,mode=700";

    /// Nothing, and a loud word of it, if this machine lets nobody mount.
    pub fn mount(test: &str, on: &Path) -> Option<Self> {
        std::fs::create_dir(on).expect("a scratch folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", Self::SIZE, "tmpfs"]).arg(on);
        let mounted = mount.status().is_ok_and(|status| status.success());
        if !mounted {
            not_tested(test, "this machine lets nobody mount a file system");
        }
        mounted.then(|| Self { mounted: on.to_owned() })
    }

    fn ballast(&self) -> PathBuf {
        self.mounted.join("ballast")
    }
}

impl Fault for Rc<FullDisk> {
    fn impose(&mut self, _: &World) {
        let mut ballast = std::fs::File::create(self.ballast()).expect("a file");
        for size in [1 << 20, 4096] {
            while ballast.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn lift(&mut self, _: &World) {
        std::fs::remove_file(self.ballast()).expect("it is there");
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // Lazily: after a failed test a server may still have files in it.
        let _ = Command::new("umount").arg("-l").arg(&self.mounted).status();
    }
}

const PAGE_BYTES: u64 = 4096;
const SMALL: usize = 20;
const LARGE: usize = 1_500;
const PEOPLE: usize = 6_000;
/// People who are not of the crowd: some for the small sale, some for the moments of a fault.
const SMALL_CROWD: usize = 100;
const BYSTANDERS: usize = 200;
/// Tickets of the large sale after which the next fault comes, and of which the crowd is sure to be in the middle.
const STEP: usize = 300;

/// Two sales: a small one that is sold out already, and a large one that a crowd is going to want.
fn open(world: World) -> (Stage, Vec<Asked>) {
    let everybody = PEOPLE + SMALL_CROWD + BYSTANDERS;
    let mut stage = Stage::open(world, everybody);
    stage.sell(two_lots("small", SMALL, 1), now_s() - 1);
    stage.sell(two_lots("large", LARGE, 1), now_s() - 1);
    let mut chance = Chance::of("the small sale");
    let small = PEOPLE..PEOPLE + SMALL_CROWD;
    let mut errands = Stage::errands([0, 1], small, &mut chance);
    errands.iter_mut().for_each(|errand| errand.manner = Manner::Patient);
    let Stage { world, people, lots, .. } = &stage;
    let address = world.address();
    let crowd = Crowd { address, people, lots, errands: &errands, at_once: 4 };
    let history = crowd.run(&Progress::default());
    (stage, history)
}

/// What every call says during a fault: whoever can be told something true hears it, and nobody hears a lie.
struct Bystander {
    /// Someone who has a ticket of the small sale, with the key it came by.
    winner: (usize, String, Ticket),
    /// The next person who has not asked yet.
    next: usize,
    /// Claims that were queued and have to end: who and which.
    queued: Vec<(usize, String)>,
    history: Vec<Asked>,
}

impl Bystander {
    fn new(history: Vec<Asked>) -> Self {
        let won = history.iter().find_map(|asked| match (&asked.question, &asked.heard) {
            (Question::Claim(Some(key)), Heard::Won(ticket)) => {
                Some((asked.person, key.clone(), ticket.clone()))
            }
            _ => None,
        });
        let winner = won.expect("someone won");
        Self { winner, next: PEOPLE + SMALL_CROWD, queued: Vec::new(), history }
    }

    fn claim(&mut self, stage: &Stage, (person, lot): (usize, usize), key: &str) -> Heard {
        let mut client = stage.world.client().with_token(&stage.people[person].token);
        let asked = claim_once(&mut client, &stage.lots, (person, lot), key);
        let heard = asked.heard.clone();
        if let Heard::Queued(claim) = &heard {
            self.queued.push((person, claim.clone()));
        }
        self.history.push(asked);
        heard
    }

    /// C10: nobody is told that what is there is sold out, and nobody is promised what cannot be written.
    fn look(&mut self, stage: &Stage) {
        let fresh = self.next;
        self.next += 1;
        let heard = self.claim(stage, (fresh, 2 + fresh % 2), "in-the-fault");
        let honest =
            matches!(heard, Heard::Busy | Heard::Nothing | Heard::Unknown | Heard::Queued(_));
        assert!(honest, "a fresh claim heard {heard:?}");
        // What rests on durable claims is said as ever.
        let heard = self.claim(stage, (fresh, fresh % 2), "in-the-fault");
        assert_eq!(heard, Heard::Refused(-2, Vec::new()));
        let (winner, key, ticket) = self.winner.clone();
        let lot = usize::from(ticket.code.is_some());
        assert_eq!(self.claim(stage, (winner, lot), &key), Heard::Won(ticket.clone()));
        let had = Heard::Refused(-5, vec![ticket.ticket_id.clone()]);
        assert_eq!(self.claim(stage, (winner, lot), "another"), had);
        let mut client = stage.world.client().with_token(&stage.people[winner].token);
        for target in ["/act/list", "/act/detail?actId=large", "/ticket/list"] {
            assert_eq!(client.get(target).ret(), 0, "{target}");
        }
        let detail = client.get(&format!("/ticket/detail?ticketId={}", ticket.ticket_id));
        assert_eq!(detail.data()["id"], json!(ticket.ticket_id));
        assert_eq!(client.get("/healthz").body, b"ok");
        assert!(!ready(stage), "it is not ready to take claims");
    }

    /// C11: what was queued in a fault ends when the fault does.
    fn follow(&mut self, stage: &Stage) {
        for (person, claim) in std::mem::take(&mut self.queued) {
            let mut client = stage.world.client().with_token(&stage.people[person].token);
            wait_for("a claim queued in a fault ends", || {
                let sent = Instant::now();
                let answer = client.get(&format!("/ticket/result?claimId={claim}"));
                let heard = heard(answer.status, &answer.json());
                let (lot, answered) = (2 + person % 2, Instant::now());
                let question = Question::Result(claim.clone());
                let ended = matches!(heard, Heard::Won(_) | Heard::Nothing);
                self.history.push(Asked { person, lot, question, sent, answered, heard });
                ended
            });
        }
    }
}

fn ready(stage: &Stage) -> bool {
    stage.world.client().get("/readyz").status == 200
}

/// What comes after a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The disk is well again.
    Recovers,
    /// The server is killed before it is, and another one starts.
    Dies,
}

/// Fails and comes back several times under a crowd; then the judge. A firm fault fails every write, so that
/// what is said meanwhile is certain; another may let a few through. The server goes on.
pub fn endure(world: World, faults: Vec<(Box<dyn Fault>, bool, Then)>) -> World {
    let (mut stage, history) = open(world);
    let mut chance = Chance::of("endure");
    let errands = Stage::errands([2, 3], 0..PEOPLE, &mut chance);
    let progress = Progress::default();
    let address = stage.world.address().to_owned();
    let (people, lots) = (stage.people.clone(), stage.lots.clone());
    let (at_once, errands) = (AT_ONCE, errands.as_slice());
    let crowd = Crowd { address: &address, people: &people, lots: &lots, errands, at_once };
    let mut bystander = Bystander::new(history);
    let heard = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd.run(&progress));
        for (at, (mut fault, firm, then)) in faults.into_iter().enumerate() {
            wait_count("the crowd wins", &progress.won, (at + 1) * STEP);
            let before = progress.put_off.load(Ordering::Acquire);
            fault.impose(&stage.world);
            // A log that has just been moved is written over from its beginning, in blocks that it has already: on a
            // full disk that may do for all that the crowd still wants.
            wait_for("the fault is felt", || {
                let felt = fault.is_felt(progress.put_off.load(Ordering::Acquire) - before);
                felt || (!firm && crowd.is_finished())
            });
            if firm {
                wait_for("it is not ready", || !ready(&stage));
                (0..10).for_each(|_| bystander.look(&stage));
            }
            fault.lift(&stage.world);
            if then == Then::Dies {
                stage.world.kill();
                stage.world.serve();
            }
            wait_for("it is ready again", || ready(&stage));
            bystander.follow(&stage);
        }
        crowd.join().expect("everybody was answered")
    });
    let mut history = bystander.history;
    history.extend(heard);
    stage.judge(history);
    stage.world
}

/// A server that soon says "queued", and commits seldom enough for many to wait.
pub fn hasty() -> World {
    World::cheap()
        .set("FIRSTCOME_SALE_ANSWER_WITHIN_MS", "20")
        .set("FIRSTCOME_SALE_COMMIT_INTERVAL_US", "2000")
}

fn world() -> World {
    let mut world = hasty();
    world.wrap(IGNORE_SIGNAL);
    world
}

/// C10, C11: no file can be written at all, three times; the third time the server dies of it.
#[test]
fn a_disk_that_fails_stops_yes_goes_on_saying_no_and_comes_back() {
    let fault = |then| (Box::new(FileSize::Nothing) as Box<dyn Fault>, true, then);
    endure(world(), vec![fault(Then::Recovers), fault(Then::Recovers), fault(Then::Dies)]);
}

/// Some writes succeed and others do not: the log has room for a little after each recovery.
#[test]
fn a_disk_that_fails_now_and_then_loses_nothing() {
    let log_and = |pages| Box::new(FileSize::LogAnd(pages)) as Box<dyn Fault>;
    endure(world(), [0, 1, 2, 4, 8].map(|pages| (log_and(pages), false, Then::Recovers)).into());
}

/// A file system without space. Where nobody may mount one, this says so and shows nothing.
#[test]
fn a_full_disk_loses_nothing() {
    let world = world();
    let Some(disk) = FullDisk::mount("a_full_disk_loses_nothing", &world.data()) else { return };
    let disk = Rc::new(disk);
    let fault = |then| (Box::new(Rc::clone(&disk)) as Box<dyn Fault>, false, then);
    let faults = vec![fault(Then::Recovers), fault(Then::Dies), fault(Then::Recovers)];
    let mut world = endure(world, faults);
    // The scratch folder can only be removed once nothing is mounted in it.
    world.kill();
    drop(disk);
}

/// C10: a change by an operator fails in doubt while nobody claims, or nobody can: the ledger is read anew all the
/// same, and then everyone hears what is true.
#[test]
fn a_change_in_doubt_is_cleared_up_without_a_claim() {
    let units = 5;
    let mut stage = Stage::open(world(), 20);
    stage.sell(two_lots("act", units, 2), now_s() - 1);
    FileSize::Nothing.impose(&stage.world);
    let back = stage.operator.send(
        "POST",
        "/admin/act/refill?actId=act&typeId=plain",
        &[("content-type", "application/json")],
        json!({"stock": -5}).to_string().as_bytes(),
    );
    let back = back.expect("an answer").status;
    assert!(matches!(back, 500 | 503), "it cannot be written: {back}");
    FileSize::Nothing.lift(&stage.world);
    let mut bystander = stage.world.client().with_token(&stage.people[0].token);
    let mut told = Heard::Busy;
    wait_for("a claim is answered for good", || {
        told = claim_once(&mut bystander, &stage.lots, (0, 0), "mine").heard;
        !matches!(told, Heard::Busy | Heard::Nothing | Heard::Unknown | Heard::Queued(_))
    });
    let stats = stage.operator.get("/admin/act/stats?actId=act").data();
    // It may have been written or not: either is true, but not both.
    match told {
        Heard::Won(_) => assert_eq!(stats["total"], json!(2 * units)),
        Heard::Refused(-2, _) => assert_eq!(stats["total"], json!(units)),
        other => panic!("{other:?}"),
    }
    stage.world.must(&["check"], "");
}

/// An account made in doubt, in a house that sells nothing: the next ones are made again.
#[test]
fn an_account_in_doubt_does_not_close_the_door_for_ever() {
    let mut stage = Stage::open(world(), 1);
    let vouch = |operator: &mut crate::world::Client, name: &str| {
        operator.post_json("/admin/sessions", &json!({ "users": [name] })).status
    };
    FileSize::Nothing.impose(&stage.world);
    let status = vouch(&mut stage.operator, "in doubt");
    assert!(matches!(status, 500 | 503), "it cannot be written: {status}");
    FileSize::Nothing.lift(&stage.world);
    wait_for("accounts are made again", || vouch(&mut stage.operator, "later") == 200);
    assert_eq!(vouch(&mut stage.operator, "in doubt"), 200);
}

/// A limit on file sizes set by whoever runs the program is a full disk to it, and not its death.
#[test]
fn a_limit_on_file_sizes_does_not_end_the_process() {
    let mut stage = Stage::open(World::cheap(), 2);
    stage.sell(two_lots("act", 1, 2), now_s() - 1);
    FileSize::Nothing.impose(&stage.world);
    let mut client = stage.world.client().with_token(&stage.people[0].token);
    let heard = claim_once(&mut client, &stage.lots, (0, 0), "mine").heard;
    assert!(matches!(heard, Heard::Busy | Heard::Nothing | Heard::Queued(_)), "{heard:?}");
    FileSize::Nothing.lift(&stage.world);
    wait_for("a claim is answered", || {
        matches!(claim_once(&mut client, &stage.lots, (0, 0), "mine").heard, Heard::Won(_))
    });
}
