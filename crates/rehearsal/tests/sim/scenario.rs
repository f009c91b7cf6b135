//! What a seed stands for: a crowd, a sale, a machine and its troubles. The same seed is the same scenario, always.
//! All of it is drawn before anything happens; what is drawn while it happens is the world's.

use rehearsal::{
    history::{Change, Micros, TypeIndex},
    plan::{Arrivals, Chance, Mix, Plan, PlannedChange, PlannedPaying, PlannedPriced, PlannedType},
};
use sale::SaleSettings;
use stock::MemoryLimits;

const MS: u64 = 1_000;
const SECOND: u64 = 1_000 * MS;
const HOUR: i64 = 3_600_000_000;

/// How often what goes wrong, in thousandths of the calls, while the storm lasts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Storm {
    /// Commits, changes and records whose effect is not known.
    pub unknown: u32,
    /// Those that certainly did nothing.
    pub nothing: u32,
    /// Attempts to recover or to take ownership that fail.
    pub recovery: u32,
    /// Readings that fail while everything is loaded anew.
    pub reading: u32,
    /// Writing calls that take long.
    pub slow: u32,
    /// Answers and questions that are lost on their way.
    pub lost: u32,
    /// Seams between two steps at which something else happens first.
    pub interleaved: u32,
    /// Questions to the provider that are not answered, although it may have done what it was asked.
    pub outside: u32,
    /// Payments whose money goes back only after some attempts, or is only begun by the first.
    pub stubborn: u32,
}

/// A trouble at a set time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The process dies between two events.
    Crash,
    /// The process dies in the middle of what it does, so many seams later.
    CrashAfter(u32),
    /// The process stands still for so many microseconds.
    Freeze(u64),
    /// The system's clock is set: so many microseconds ahead of the truth.
    StepClock(i64),
    /// The process is told to end, finishes what it has begun, and another takes over.
    Stop,
    /// The payment providers cannot be reached for so many microseconds.
    CutOff(u64),
    /// One of them says nothing for so many.
    Hang(u64),
}

/// What operators do in the sale with prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidChange {
    Pause,
    Resume,
    Close,
    /// The money of somebody's paid order goes back.
    Refund,
}

/// A simulated sale before it begins.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub seed: u64,
    pub plan: Plan,
    /// Payment providers.
    pub companies: usize,
    pub opens: u64,
    pub storm: Storm,
    /// In the order of time.
    pub troubles: Vec<(u64, Trouble)>,
    /// What operators do where something is paid for, in the order of time.
    pub paid_changes: Vec<(u64, PaidChange)>,
    /// When nothing goes wrong any more.
    pub heals: u64,
    pub settings: SaleSettings,
    pub limits: MemoryLimits,
    /// How far from the truth the server's clock may be.
    pub clock_within: u64,
    /// It ends with a crash, instead of a stop.
    pub crash_at_end: bool,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn of(seed: u64) -> Self {
        let chance = &mut Chance::of(seed, 0x51A1);
        let plan = plan(seed, chance);
        let opens = u64::from(plan.opens_after_s) * SECOND;
        let ends = opens + u64::from(plan.seconds) * SECOND;
        // Where something is to be paid, what comes after the end is as interesting as what comes before it.
        let after = if plan.paying.is_some() { 8 } else { 3 };
        let heals = ends + chance.between(0, after * SECOND);
        let calm = chance.of_1000(if plan.paying.is_some() { 150 } else { 80 });
        let storm =
            if calm { Storm { interleaved: 20, ..Storm::default() } } else { storm(chance) };
        let most = if plan.paying.is_some() { 22 } else { 40 };
        let mut troubles = if calm { Vec::new() } else { troubles(chance, opens, heals, most) };
        let clock_within = if calm { 0 } else { clock(chance, &mut troubles, heals) };
        // Drawn apart from everything else.
        let apart = &mut Chance::of(seed, 0x51A2);
        let companies = 1 + usize::from(apart.of_1000(400));
        if plan.paying.is_some() && !calm {
            troubles.extend(hangs(apart, opens, heals));
        }
        troubles.sort_by_key(|(at, _)| *at);
        let settings = SaleSettings {
            cores: 1,
            commit_interval_us: pick(chance, &[0, 500, 1_000, 5_000]),
            answer_within_ms: pick(chance, &[10, 50, 200, 2_000]),
            parts_interval_ms: pick(chance, &[0, 10, 100]),
            parts_batch_max: pick(chance, &[1, 3, 500]) as usize,
            audit_queue_max: pick(chance, &[1, 1_000]) as usize,
            settle_within_ms: 1_000,
            grace_ms: pick(chance, &[0, 300, 1_000, 3_000]),
            expire_batch_max: pick(chance, &[1, 3, 500]) as usize,
            changes_queue_max: pick(chance, &[1, 4, 10_000, 10_000]) as usize,
            downtime_max_ms: pick(chance, &[3_000, 24 * 3_600_000, 24 * 3_600_000]),
            ask_after_ms: pick(chance, &[1_000, 1_000, 5_000]),
            refund_retry_ms: pick(chance, &[50, 1_000]),
        };
        let limits = MemoryLimits {
            pending_claims_max: pick(chance, &[1, 5, 100_000, 100_000]),
            pending_parts_max: pick(chance, &[2, 1_000_000, 1_000_000]) as usize,
        };
        let crash_at_end = !calm && chance.of_1000(300);
        let paid_changes = paid_changes(chance, opens, ends);
        Self {
            seed,
            plan,
            companies,
            opens,
            storm,
            troubles,
            paid_changes,
            heals,
            settings,
            limits,
            clock_within,
            crash_at_end,
        }
    }

    /// When the sale ends, in microseconds.
    pub fn ends(&self) -> u64 {
        self.opens + u64::from(self.plan.seconds) * SECOND
    }
}

fn pick(chance: &mut Chance, from: &[u64]) -> u64 {
    from[chance.below(from.len() as u64) as usize]
}

/// Sales with prices among all, in thousandths.
const PAYING_PER_MILLE: u32 = 350;

fn plan(seed: u64, chance: &mut Chance) -> Plan {
    let paying = chance.of_1000(PAYING_PER_MILLE).then(|| planned_paying(chance));
    let types = (0..chance.between(1, 3)).map(|place| planned_type(chance, place)).collect();
    let mut plan = Plan {
        seed,
        // A sale with prices is about the payers, and takes longer: time has to run out for some of them.
        users: chance.between(10, if paying.is_some() { 25 } else { 90 }) as u32,
        connections: 1,
        opens_after_s: chance.between(1, 2) as u32,
        seconds: if paying.is_some() { chance.between(3, 10) } else { chance.between(1, 4) } as u32,
        arrivals: Arrivals {
            spike_per_mille: chance.between(200, 1_000) as u32,
            spike_ms: chance.between(20, 1_500) as u32,
            refresh_per_mille: chance.below(400) as u32,
            refresh_s: 2,
            refresh_every_ms: chance.between(200, 2_000) as u32,
        },
        mix: Mix {
            double_click: chance.below(250) as u32,
            early_bird: chance.below(100) as u32,
            frantic: chance.below(100) as u32,
            lost_reply: chance.below(250) as u32,
            reader: chance.below(150) as u32,
            bot_one_prefix: chance.below(20) as u32,
            bot_many_prefixes: 0,
        },
        types,
        limit_per_person: pick_limit(chance),
        roster_per_mille: chance.of_1000(250).then(|| chance.between(300, 1_000) as u32),
        changes: Vec::new(),
        paying,
        kills: 0,
    };
    if let Some(paying) = &mut plan.paying {
        paying.payers = paying.payers.min(plan.users);
    }
    plan.changes = changes(chance, &plan);
    plan.validate().expect("a simulated plan is a valid one");
    plan
}

fn pick_limit(chance: &mut Chance) -> Option<u32> {
    [None, Some(1), Some(2)][chance.below(3) as usize]
}

fn planned_type(chance: &mut Chance, place: u64) -> PlannedType {
    let codes = chance.of_1000(500);
    PlannedType {
        id: format!("type-{place}"),
        stock: chance.between(u64::from(codes), 45) as u32,
        codes,
        limit_per_person: chance.between(1, 3) as u32,
    }
}

/// Few units and many who want them, with little time to pay, so that units come back while the sale is open.
fn planned_paying(chance: &mut Chance) -> PlannedPaying {
    let types = chance.between(1, 3);
    PlannedPaying {
        payers: chance.between(4, 30) as u32,
        connections: 1,
        currency: "CNY".to_owned(),
        limit_per_person: [None, Some(1), Some(3)][chance.below(3) as usize],
        late_s: (1, chance.between(2, 12) as u32),
        types: (0..types).map(|place| planned_priced(chance, place)).collect(),
        ..PlannedPaying::default()
    }
}

fn planned_priced(chance: &mut Chance, place: u64) -> PlannedPriced {
    let free = place > 0 && chance.of_1000(400);
    PlannedPriced {
        id: format!("priced-{place}"),
        stock: chance.between(1, 7) as u32,
        codes: chance.of_1000(500),
        limit_per_person: chance.between(1, 3) as u32,
        price: if free { 0 } else { chance.between(1, 30_000) },
        pay_within_s: chance.between(1, 3) as u32,
        offer_within_s: chance.between(1, 2) as u32,
    }
}

/// Pauses that end, refunds, and now and then a close, over the time of the sale and a little longer.
fn paid_changes(chance: &mut Chance, opens: u64, ends: u64) -> Vec<(u64, PaidChange)> {
    let mut changes = Vec::new();
    for _ in 0..chance.below(3) {
        let at = chance.between(opens, ends);
        changes.push((at, PaidChange::Pause));
        changes.push((at + chance.between(MS, 900 * MS), PaidChange::Resume));
    }
    for _ in 0..chance.below(5) {
        changes.push((chance.between(opens, ends + 6 * SECOND), PaidChange::Refund));
    }
    if chance.of_1000(100) {
        changes.push((chance.between(opens, ends + 3 * SECOND), PaidChange::Close));
    }
    changes.sort_by_key(|(at, _)| *at);
    changes
}

/// What operators do. A pause is followed by a resume, and nothing by anything after a close.
fn changes(chance: &mut Chance, plan: &Plan) -> Vec<PlannedChange> {
    let open = u64::from(plan.seconds) * SECOND;
    let mut times: Vec<u64> = (0..chance.below(7)).map(|_| chance.below(open)).collect();
    times.sort_unstable();
    let mut paused = false;
    let mut changes = Vec::new();
    for at in times {
        let what = if paused { Change::Resumed } else { change(chance, plan) };
        paused = what == Change::Paused;
        changes.push(PlannedChange { after_opening: Micros(at), what });
        if what == Change::Closed {
            break;
        }
    }
    if paused {
        let what = Change::Resumed;
        changes.push(PlannedChange { after_opening: Micros(open - 1), what });
    }
    changes
}

fn change(chance: &mut Chance, plan: &Plan) -> Change {
    let of = TypeIndex(chance.below(plan.types.len() as u64) as usize);
    let units = chance.between(1, 12) as u32;
    match chance.below(10) {
        0..=2 => Change::Paused,
        3 if chance.of_1000(400) => Change::Closed,
        _ if plan.types[of.0].codes => Change::Paused,
        4..=6 => Change::Added(of, units),
        _ => Change::TakenBack(of, units),
    }
}

fn storm(chance: &mut Chance) -> Storm {
    let mut up_to = |most: u64| if chance.of_1000(400) { 0 } else { chance.below(most) as u32 };
    Storm {
        unknown: up_to(120),
        nothing: up_to(80),
        recovery: up_to(600),
        reading: up_to(60),
        slow: up_to(200),
        lost: up_to(60),
        interleaved: up_to(150) + 5,
        outside: up_to(250),
        stubborn: up_to(500),
    }
}

/// Crashes, freezes and stops, most of them while the sale is open.
fn troubles(chance: &mut Chance, opens: u64, heals: u64, most: u64) -> Vec<(u64, Trouble)> {
    let from = opens.saturating_sub(300 * MS);
    let mut troubles = Vec::new();
    for _ in 0..chance.between(6, most) {
        let what = match chance.below(17) {
            0..=3 => Trouble::Crash,
            4 => Trouble::Freeze(chance.between(MS, 3 * SECOND)),
            5 => Trouble::Stop,
            6 => Trouble::CutOff(chance.between(MS, 6 * SECOND)),
            _ => Trouble::CrashAfter(chance.below(40) as u32),
        };
        troubles.push((chance.between(from, heals), what));
    }
    troubles
}

/// Providers that say nothing for a while, now and then for longer than anybody waits.
fn hangs(chance: &mut Chance, opens: u64, heals: u64) -> Vec<(u64, Trouble)> {
    let count = if chance.of_1000(500) { 0 } else { chance.between(1, 5) };
    let hang = |_| (chance.between(opens, heals), Trouble::Hang(chance.between(MS, 15 * SECOND)));
    (0..count).map(hang).collect()
}

/// In some scenarios the system's clock is stepped; how far the server's may be off at most.
fn clock(chance: &mut Chance, troubles: &mut Vec<(u64, Trouble)>, heals: u64) -> u64 {
    if !chance.of_1000(250) {
        return 0;
    }
    let most = if chance.of_1000(250) { HOUR } else { chance.between(50 * MS, 3 * SECOND) as i64 };
    for _ in 0..chance.between(1, 4) {
        let ahead = match chance.below(3) {
            0 => most,
            1 => -most,
            _ => chance.between(0, most.unsigned_abs()) as i64,
        };
        troubles.push((chance.below(heals), Trouble::StepClock(ahead)));
    }
    // A slewed clock follows by a thousandth of the time; the run ends long before this much has come together.
    most.unsigned_abs() + SECOND
}
