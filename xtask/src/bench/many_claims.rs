//! What many prior claims cost: memory for each, claims a second beside a fresh ledger, and the next start.
//! One server takes all the claims; the fresh ones beside it live for one slice each.

use std::ops::Range;
use std::time::Duration;

use super::checks::Checks;
use super::fault::BenchFault;
use super::load::{Expect, Pool, Script, Tally};
use super::measure::{measure, settle};
use super::options::{Options, Part};
use super::site::{Base, Site};

/// Connections over which all of this runs.
const CONNECTIONS: usize = 256;
/// "Few" prior claims.
const FEW: usize = 1_000;
/// A bound for taking all the claims; a server that needs longer has other trouble.
const FILL_MAX: Duration = Duration::from_secs(600);
const FLAT_SLICE_MAX: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(1);
/// The activity that takes all the claims.
const ACTIVITY: &str = "flood";

/// What was found.
#[derive(Debug, Default)]
pub struct ManyClaims {
    /// Claims that were accepted before anything else was measured.
    pub claims: u64,
    /// The memory for each of them, in bytes.
    pub memory: Option<Memory>,
    /// Claims a second with many prior claims and with few, by round.
    pub flat: Vec<(f64, f64)>,
    /// From start to ready, and how the server had ended before.
    pub restarts: Vec<(&'static str, Duration)>,
}

/// Resident bytes of the server.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// With all people known and all connections used, before the activity exists.
    pub before: u64,
    /// After its import.
    pub imported: u64,
    /// After the claims and all that they left to be done.
    pub after: u64,
}

/// The people of a run: those who fill the ledger, and those who claim while it is measured.
#[derive(Clone, Debug)]
pub struct People {
    /// One claim each before anything is measured.
    pub filling: Range<usize>,
    /// One claim each while it is.
    pub measured: Range<usize>,
}

/// Runs the parts that were asked for.
pub fn run(
    options: &Options,
    base: &Base,
    people: &People,
    checks: &mut Checks,
) -> Result<ManyClaims, BenchFault> {
    let mut found = ManyClaims::default();
    let mut site = base.copy("many")?;
    let mut accepted = fill(base, people, &site, &mut found, checks)?;
    if options.wants(Part::Flat) {
        accepted += flat(options, base, people, &site, &mut found, checks)?;
    }
    checks.ledger("with many claims", site.given(ACTIVITY)?, accepted, 0);
    if options.wants(Part::Restart) {
        for (how, kill) in [("SIGTERM", false), ("kill -9", true), ("SIGTERM", false)] {
            let (restarted, took) = site.restart(kill)?;
            site = restarted;
            found.restarts.push((how, took));
        }
        checks.ledger("after restarts", site.given(ACTIVITY)?, accepted, 0);
    }
    checks.recomputed(&site.stop_and_check()?);
    Ok(found)
}

/// Takes one claim from each of the filling people; how many were accepted.
fn fill(
    base: &Base,
    people: &People,
    site: &Site,
    found: &mut ManyClaims,
    checks: &mut Checks,
) -> Result<u64, BenchFault> {
    let mut pool = Pool::connect(site.process.address, CONNECTIONS)?;
    let warm_up = Script::around("/healthz", &base.tokens, people.filling.clone(), Expect::Ok);
    pool.run(&warm_up, WARM_UP)?;
    settle(&site.process)?;
    let before = site.process.memory()?;
    site.import(ACTIVITY, base.tokens.count(), 0)?;
    let imported = site.process.memory()?;
    let tally = claim(base, people.filling.clone(), &mut pool, FILL_MAX)?;
    settle(&site.process)?;
    let after = site.process.memory()?;
    checks.answers("filling the ledger", &tally);
    let wanted = people.filling.len() as u64;
    checks.that(tally.expected == wanted, || {
        format!("filling the ledger: {} of {wanted} were accepted", tally.expected)
    });
    found.claims = tally.expected;
    found.memory = Some(Memory { before, imported, after });
    Ok(tally.expected)
}

fn claim(
    base: &Base,
    people: Range<usize>,
    pool: &mut Pool,
    bound: Duration,
) -> Result<Tally, BenchFault> {
    let path = format!("/ticket/get?actId={ACTIVITY}");
    pool.run(&Script::once(&path, &base.tokens, people, Expect::Ret(0)), bound)
}

/// Slices with many and with few prior claims, in turn, by the same people. The server with few is a fresh
/// copy every round, for its own slice would soon make it one with many.
fn flat(
    options: &Options,
    base: &Base,
    people: &People,
    many: &Site,
    found: &mut ManyClaims,
    checks: &mut Checks,
) -> Result<u64, BenchFault> {
    let rounds = options.rounds as usize;
    let each = people.measured.len() / rounds;
    let mut accepted = 0;
    for round in 0..rounds {
        let first = people.measured.start + round * each;
        let slice = first..first + each;
        let few = base.copy("few")?;
        few.import(ACTIVITY, base.tokens.count(), 0)?;
        let mut few_pool = Pool::connect(few.process.address, CONNECTIONS)?;
        claim(base, people.filling.start..people.filling.start + FEW, &mut few_pool, FILL_MAX)?;
        settle(&few.process)?;
        let mut many_pool = Pool::connect(many.process.address, CONNECTIONS)?;
        // A fresh server with cold connections would make the old one look fast.
        let warm_up = Script::around("/healthz", &base.tokens, slice.clone(), Expect::Ok);
        few_pool.run(&warm_up, WARM_UP)?;
        many_pool.run(&warm_up, WARM_UP)?;
        let mut rate = |site: &Site, pool: &mut Pool| -> Result<(f64, u64), BenchFault> {
            let path = format!("/ticket/get?actId={ACTIVITY}");
            let script = Script::once(&path, &base.tokens, slice.clone(), Expect::Ret(0));
            let measured = measure(&site.process, pool, &script, FLAT_SLICE_MAX, None)?;
            checks.answers("flat", &measured.tally);
            Ok((measured.tally.rate(), measured.tally.expected))
        };
        // Who goes first changes, so that neither always has the warmer machine.
        let (with_many, with_few) = if round % 2 == 0 {
            (rate(many, &mut many_pool)?, rate(&few, &mut few_pool)?)
        } else {
            let with_few = rate(&few, &mut few_pool)?;
            (rate(many, &mut many_pool)?, with_few)
        };
        accepted += with_many.1;
        found.flat.push((with_many.0, with_few.0));
        few.discard()?;
    }
    Ok(accepted)
}
