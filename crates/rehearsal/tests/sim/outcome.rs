//! One run of a seed and the verdict on it: what the crowd saw is judged as any rehearsal is, the ledger is checked
//! as `firstcome check` does, and what only a simulation can know is looked at here.

use crate::{
    figures::{Count, Figures},
    ledger::{Calm, SimLedger},
    paid,
    scenario::Scenario,
    stock::SimStock,
    world::{ACTIVITY, PRICED, PROBE, PROBES, Planted, Told, World},
};
use ledger::{ActivityLedger, ClaimLedger, StoredActivity};
use rehearsal::{
    check::judge,
    history::{
        Change, History, OrderRow, ParticipantRow,
        paying::{PayCall, Paying},
    },
};
use rules::{Claim, Refusal, TimeMs, UnitKind};
use sale::{Clock, Meter, Sale, read_ids};
use std::{collections::BTreeSet, rc::Rc, sync::Arc, time::Duration};

/// What breaks no promise here. A storm may send everybody home, and notices are lost and late in the best of weather.
/// A place in line and "held by others" are shown as Stock knows them: they may rest on a claim or an offer that was not
/// on disk when the process died or the ledger failed.
fn is_innocent(check: &str, restarted: bool) -> bool {
    match check {
        "payers-unheard" | "paid-in-time" => true,
        "place-moved-back" | "held-by-nobody" => restarted,
        _ => false,
    }
}

/// What came of a seed.
pub struct Run {
    pub history: History,
    pub figures: Figures,
    pub digest: u64,
    /// Nothing, if every promise was kept.
    pub findings: Vec<String>,
    pub told: Vec<Told>,
    /// What payers heard.
    pub paid: Vec<PayCall>,
}

/// No time passes, and nothing is measured.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> TimeMs {
        TimeMs(crate::clock::BEGAN_MS)
    }
}

impl Meter for Still {
    fn committed(&self, _: usize, _: Duration) {}
    fn recovery(&self) {}
}

/// Simulates the sale of a seed.
pub fn run(seed: u64, planted: Planted) -> Run {
    let world = World::new(Scenario::of(seed), planted);
    let mut findings: Vec<String> = world.run().err().into_iter().collect();
    let mut history = History::default();
    if findings.is_empty() {
        history = see(&world);
        let verdict = judge(&history);
        let restarted = history.paying.as_ref().is_some_and(|paying| paying.restarted);
        let broken = verdict.findings.iter().filter(|one| !is_innocent(one.check, restarted));
        findings.extend(broken.map(|one| format!("{}: {}", one.check, one.what)));
        findings.extend(look_at(&world));
    }
    let mut figures = world.figures.take();
    figures.sales = 1;
    if let Some(paying) = &history.paying {
        count_paid(&mut figures, paying);
        paid::count(&world, &mut figures);
    }
    figures.calls = history.calls.len() as u64;
    figures.awards = history.orders.len() as u64;
    figures.virtual_ms = history.calls.last().map_or(0, |call| call.ended.0 / 1_000);
    let paid = world.payers.calls.take();
    Run { history, figures, digest: world.digest(), findings, told: world.told(), paid }
}

fn count_paid(figures: &mut Figures, paying: &Paying) {
    let priced = paying.orders.iter().filter(|row| row.price.0 > 0);
    figures.add_count(Count::Holds, priced.count());
    let late = paying.payments.iter().filter(|one| one.pays.as_ref() != Some(&one.order));
    figures.add_count(Count::LatePayments, late.filter(|one| one.pays.is_some()).count());
}

/// The history, with what the ledger exports after everything was over.
fn see(world: &Rc<World>) -> History {
    let ledger = SimLedger::beside(&world.device);
    let ids = read_ids(&ledger).expect("nothing goes wrong any more");
    let stored = stored(&ledger, ACTIVITY);
    let (mut orders, mut participants) = (Vec::new(), Vec::new());
    let visited = ledger.orders(stored.no, &mut |row| {
        let kind = &stored.activity.types[usize::from(row.claim.ticket_type.0)];
        orders.push(OrderRow {
            order: ids.claim(&row.claim).as_str().to_owned(),
            ticket: ids.ticket(&row.claim),
            user: row.user.to_owned(),
            type_id: kind.id.clone(),
            code: row.code.map(str::to_owned),
            claim_no: row.claim.claim_no.0,
        });
        true
    });
    visited.expect("nothing goes wrong any more");
    let visited = ledger.participants(stored.no, &mut |row| {
        let refusal = row.refusal.map(Refusal::name);
        let outcome = if row.won.is_some() { Some("won") } else { refusal };
        participants.push(ParticipantRow {
            user: row.user.to_owned(),
            outcome: outcome.map(str::to_owned),
            claim_no: row.won.map(|no| no.0),
        });
        true
    });
    visited.expect("nothing goes wrong any more");
    let interventions = world.interventions.take();
    let restarted = interventions.iter().any(|one| one.what == Change::Restarted);
    History {
        announced: world.announced(),
        names: world.scenario.plan.names(),
        interventions,
        calls: world.people.calls.take(),
        orders,
        participants,
        paying: world
            .scenario
            .plan
            .paying
            .as_ref()
            .map(|paying| Box::new(paid::saw(world, paying, restarted))),
    }
}

fn stored(ledger: &SimLedger, id: &str) -> StoredActivity {
    let all = ledger.activities().expect("nothing goes wrong any more");
    all.into_iter().find(|one| one.activity.id == id).expect("it was imported")
}

fn claims(ledger: &SimLedger, stored: &StoredActivity) -> Vec<Claim> {
    let mut claims = Vec::new();
    ledger
        .claims(stored.no, &mut |claim, _| claims.push(claim))
        .expect("nothing goes wrong any more");
    claims
}

/// What is wrong with what is left, whatever anybody saw.
fn look_at(world: &World) -> Vec<String> {
    let ledger = SimLedger::beside(&world.device);
    let mut findings = Vec::new();
    let verdict = sale::check::check(&ledger).expect("nothing goes wrong any more");
    if !verdict.holds() {
        findings.push(format!("the check of the ledger: {verdict}"));
    }
    let mut stored = vec![stored(&ledger, ACTIVITY), stored(&ledger, PROBE)];
    if world.scenario.plan.paying.is_some() {
        stored.push(self::stored(&ledger, PRICED));
        findings.extend(paid::look_at(world));
    }
    findings.extend(in_order(&ledger, &stored[0]));
    findings.extend(probes(world, &ledger, &stored[1]));
    findings.extend(lost_grounds(world, &ledger, &stored[0]));
    findings.extend(loads(world, &ledger, &stored).err());
    findings
}

/// Codes go out from the first without a gap, for what is lost is always the end of what was decided (C8).
fn in_order(ledger: &SimLedger, stored: &StoredActivity) -> Option<String> {
    let mut next = vec![0; stored.types.len()];
    for claim in claims(ledger, stored) {
        let kind = usize::from(claim.ticket_type.0);
        let of_codes = stored.activity.types[kind].kind == UnitKind::Codes;
        if of_codes && (claim.unit.0, claim.claim_no.0) != (next[kind], next[kind] + 1) {
            return Some(format!("claim {} has unit {}", claim.claim_no, claim.unit));
        }
        next[kind] += 1;
    }
    None
}

/// Every probe won once, and what it was told is what is written.
fn probes(world: &World, ledger: &SimLedger, stored: &StoredActivity) -> Option<String> {
    let ids = read_ids(ledger).expect("nothing goes wrong any more");
    let claims = claims(ledger, stored);
    let written: BTreeSet<(String, u32)> =
        claims.iter().map(|one| (ids.claim(one).as_str().to_owned(), one.claim_no.0)).collect();
    let told = world.people.acknowledged.borrow();
    let lost = told.iter().find(|won| !written.contains(&(won.order.clone(), won.claim_no)));
    if let Some(lost) = lost {
        return Some(format!("probe {} won, and its claim is lost", lost.probe));
    }
    (claims.len() != PROBES).then(|| format!("{} claims of {PROBES} probes", claims.len()))
}

/// Nobody is recorded with a refusal whose grounds never became durable (C32).
fn lost_grounds(world: &World, ledger: &SimLedger, stored: &StoredActivity) -> Option<String> {
    let mut found = None;
    let visited = ledger.parts(stored.no, &mut |part| {
        let lost =
            part.refusal == Some(Refusal::SoldOut) && !world.grounds.hold((stored.no, part.user));
        found = found.or(lost.then_some(part.user));
    });
    visited.expect("nothing goes wrong any more");
    found.map(|user| format!("user {user} is recorded with sold out, on claims that were lost"))
}

/// The next server finds exactly what is in the ledger.
fn loads(world: &World, ledger: &SimLedger, stored: &[StoredActivity]) -> Result<(), String> {
    let owned =
        SimLedger::open(&world.device, Arc::new(Calm)).map_err(|fault| fault.to_string())?;
    let stock = Arc::new(SimStock::new(world.scenario.limits, None));
    let settings = world.scenario.settings;
    let opened =
        Sale::open_stepped(Arc::new(owned), stock, Arc::new(Still), Arc::new(Still), settings);
    let (sale, _writer) = opened.map_err(|error| format!("the next server: {error}"))?;
    for one in stored {
        let counts = sale.counts(one.no);
        let units = paid::units(ledger, one);
        for (kind, (expected, loaded)) in units.iter().zip(&counts.types).enumerate() {
            let supply = loaded.supply;
            if (supply.total, supply.sold, supply.held) != *expected || !supply.balances() {
                let id = &one.activity.id;
                return Err(format!(
                    "{id}, type {kind}: {supply:?}, in the ledger (total, sold, held) {expected:?}"
                ));
            }
        }
    }
    Ok(())
}
