//! What a durable claim costs in memory: a million users with one claim each, measured as the process grows.
//! Alone in its program, so that no other test's memory is counted.
#![cfg(target_os = "linux")]

use rules::{
    Activity, ActivityNo, Claim, Epoch, EventNo, Item, KeyHash, Money, TicketType, TimeMs, TypeNo,
    UnitKind, UserNo, Validity, Window,
};
use stock::{
    ActivitySetup, Answer, ClaimAsk, Decision, MemoryLimits, MemoryStock, Stock, TypeSetup,
};

const CLAIMS: u32 = 1_000_000;
/// As many as wait for the ledger at once.
const BATCH: u32 = 1_000;
/// 48 for the record, 8 for the person, the rest for tables and the allocator.
const BYTES_PER_CLAIM_MAX: u64 = 64;
/// Less than this was not measured but missed.
const BYTES_PER_CLAIM_MIN: u64 = 40;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

fn setup() -> ActivitySetup {
    let window = Window::new(TimeMs(0), TimeMs(u64::MAX)).unwrap();
    let kind = TicketType {
        id: "seat".into(),
        name: "Seat".into(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse("0", "CNY").unwrap(),
        limit_per_user: 1,
        kind: UnitKind::Plain,
        window: None,
        pay_within_s: 900,
        offer_within_s: 900,
        validity: Validity { from: TimeMs(0), until: None },
    };
    let activity = Activity {
        id: "sale".into(),
        name: "Sale".into(),
        desc: String::new(),
        image: String::new(),
        window,
        limit_per_user: Some(1),
        has_roster: false,
        standby: false,
        types: vec![kind],
    };
    ActivitySetup {
        no: ActivityNo(1),
        activity,
        through: EventNo(0),
        closed: false,
        paused: false,
        types: vec![TypeSetup { made: CLAIMS, void: Vec::new() }],
        roster: Vec::new(),
        line: Vec::new(),
    }
}

fn win(stock: &MemoryStock, user: u32) {
    let ask = ClaimAsk {
        activity: ActivityNo(1),
        items: &[Item { ticket_type: TypeNo(0), count: 1 }],
        late: false,
        user: UserNo(user),
        key: Some(KeyHash::from_bytes((u128::from(user) << 64).to_be_bytes())),
        now: TimeMs(u64::from(user)),
    };
    let Answer::Now(decision) = stock.claim(&ask) else { panic!("memory answers at once") };
    assert!(matches!(decision, Ok(Decision::Accepted(_))), "{decision:?}");
}

#[test]
fn a_durable_claim_takes_at_most_64_bytes() {
    let stock = MemoryStock::new(MemoryLimits::default());
    let mut load = stock.load(Epoch(1));
    load.activity(setup()).unwrap();
    load.finish();
    let mut batch: Vec<Claim> = Vec::new();
    let before = resident_bytes();
    for user in 1..=CLAIMS {
        win(&stock, user);
        if user % BATCH == 0 {
            batch.clear();
            let through = stock.take_pending(&mut batch, 0);
            stock.confirm(&batch, through);
        }
    }
    assert_eq!(stock.pending(), 0);
    let per_claim = (resident_bytes() - before) / u64::from(CLAIMS);
    println!("{per_claim} bytes for each of {CLAIMS} claims");
    assert!((BYTES_PER_CLAIM_MIN..=BYTES_PER_CLAIM_MAX).contains(&per_claim), "{per_claim} bytes");
}
