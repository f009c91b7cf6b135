//! The table: every part in turn, in alternating slices and rotating order, at each number of connections.
//! Each slice is held against the plain no-op of the same round, never against one of another minute.

use std::collections::BTreeMap;
use std::time::Duration;

use super::checks::Checks;
use super::fault::BenchFault;
use super::load::{Expect, Pool, Script, Tokens};
use super::measure::{Measured, measure, settle};
use super::options::{Options, Part};
use super::process::Process;
use super::site::{Price, Queue, Site, people_for};

/// A full page of the list, so that the list costs what it can cost.
const SHOWN: u64 = 20;
/// The people who keep asking for what is sold out: the crowd of a large office.
const ASKERS_MAX: usize = 20_000;
/// Opens all connections and fills all caches before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// The parts of the table, in the order of its lines.
pub const PARTS: &[Part] = &[
    Part::Healthz,
    Part::Refusals,
    Part::FirstRefusals,
    Part::Claims,
    Part::Holds,
    Part::List,
    Part::Detail,
];
/// What is held in the table: longer than any run, so that nothing expires meanwhile.
const HELD: Price = Price { amount: "9.90", pay_within_s: 86_400 };

/// What is measured in a slice: the plain no-op, or a part of our server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contestant {
    /// The plain axum no-op.
    Plain,
    /// One of [`PARTS`].
    Ours(Part),
}

/// The slices of one contestant at one number of connections, a slice a round.
#[derive(Debug)]
pub struct Line {
    /// Who.
    pub contestant: Contestant,
    /// What, by round.
    pub slices: Vec<Measured>,
}

/// All lines at one number of connections.
#[derive(Debug)]
pub struct Block {
    /// The number.
    pub connections: usize,
    /// The plain no-op first.
    pub lines: Vec<Line>,
}

/// Runs slices against one server of ours and one no-op.
pub struct Table<'a> {
    options: &'a Options,
    tokens: &'a Tokens,
    noop: &'a Process,
    site: &'a Site,
    claims: Queue,
    holds: Queue,
    first_refusals: Queue,
    sold_out: String,
    accepted: BTreeMap<String, (u64, u64)>,
}

impl<'a> Table<'a> {
    /// Imports what the parts need.
    pub fn prepare(
        options: &'a Options,
        tokens: &'a Tokens,
        people: usize,
        noop: &'a Process,
        site: &'a Site,
    ) -> Result<Self, BenchFault> {
        for number in 1..=SHOWN {
            site.import(&format!("shown-{number:02}"), 500, number)?;
        }
        let askers = 1..people.min(ASKERS_MAX);
        let sold_out = Queue::sold_out("gone", askers).share(site, tokens, 1)?.id;
        let claims = Queue::open("claims", 0..people);
        let holds = Queue::open("holds", 0..people).priced(HELD);
        let first_refusals = Queue::sold_out("first", 1..people);
        let accepted = BTreeMap::new();
        Ok(Self { options, tokens, noop, site, claims, holds, first_refusals, sold_out, accepted })
    }

    /// All rounds at one number of connections.
    pub fn block(&mut self, connections: usize, checks: &mut Checks) -> Result<Block, BenchFault> {
        let mut lines: Vec<Line> = self.contestants().map(Line::new).collect();
        let mut pools = self.pools(connections)?;
        let count = lines.len();
        for round in 0..self.options.rounds as usize {
            for turn in 0..count {
                let line = &mut lines[(round + turn) % count];
                let measured = self.slice(line.contestant, &mut pools)?;
                let what = format!("{:?} at {connections}", line.contestant);
                checks.answers(&what, &measured.tally);
                line.slices.push(measured);
            }
            eprintln!("  {connections} connections: round {} done", round + 1);
        }
        Ok(Block { connections, lines })
    }

    /// Holds what the clients were told against the ledger.
    pub fn check_ledger(&self, checks: &mut Checks) -> Result<(), BenchFault> {
        for (id, (accepted, queued)) in &self.accepted {
            checks.ledger(id, self.site.given(id)?, *accepted, *queued);
        }
        let mut of_one = self.first_refusals.ids();
        of_one.push(self.sold_out.clone());
        for id in of_one {
            checks.ledger(&id, self.site.given(&id)?, 1, 0);
        }
        Ok(())
    }

    fn contestants(&self) -> impl Iterator<Item = Contestant> {
        let wanted = PARTS.iter().copied().filter(|part| self.options.wants(*part));
        std::iter::once(Contestant::Plain).chain(wanted.map(Contestant::Ours))
    }

    fn pools(&self, connections: usize) -> Result<Pools, BenchFault> {
        let mut pools = Pools {
            noop: Pool::connect(self.noop.address, connections)?,
            ours: Pool::connect(self.site.process.address, connections)?,
        };
        let warm_up = Script::around("/healthz", self.tokens, 0..self.tokens.count(), Expect::Ok);
        pools.noop.run(&warm_up, WARM_UP)?;
        pools.ours.run(&warm_up, WARM_UP)?;
        settle(&self.site.process)?;
        Ok(pools)
    }

    fn slice(&mut self, who: Contestant, pools: &mut Pools) -> Result<Measured, BenchFault> {
        let part = match who {
            Contestant::Plain => return self.plain(pools),
            Contestant::Ours(part) => part,
        };
        match part {
            Part::Claims => self.claims(false, pools),
            Part::Holds => self.claims(true, pools),
            Part::FirstRefusals => self.first_refusals(pools),
            Part::Refusals => {
                let path = format!("/ticket/get?actId={}", self.sold_out);
                self.around(&path, Expect::Ret(-2), pools)
            }
            Part::List => self.around("/act/list?page=1", Expect::Ret(0), pools),
            Part::Detail => self.around("/act/detail?actId=shown-01", Expect::Ret(0), pools),
            Part::Healthz
            | Part::Memory
            | Part::Flat
            | Part::Restart
            | Part::SlowSync
            | Part::Overload
            | Part::Expiry
            | Part::Webhooks => self.around("/healthz", Expect::Ok, pools),
        }
    }

    fn plain(&self, pools: &mut Pools) -> Result<Measured, BenchFault> {
        let script = Script::around("/healthz", self.tokens, self.askers(), Expect::Ok);
        measure(self.noop, &mut pools.noop, &script, self.length(), None)
    }

    fn around(
        &self,
        path: &str,
        expect: Expect,
        pools: &mut Pools,
    ) -> Result<Measured, BenchFault> {
        let script = Script::around(path, self.tokens, self.askers(), expect);
        self.ours(&script, pools)
    }

    fn claims(&mut self, held: bool, pools: &mut Pools) -> Result<Measured, BenchFault> {
        let wanted = people_for(self.length());
        let queue = if held { &mut self.holds } else { &mut self.claims };
        let share = queue.share(self.site, self.tokens, wanted)?;
        let path = format!("/ticket/get?actId={}", share.id);
        let script = Script::once(&path, self.tokens, share.people, Expect::Accepted);
        let measured = self.ours(&script, pools)?;
        let queue = if held { &mut self.holds } else { &mut self.claims };
        queue.give_back(script.asked());
        let (accepted, queued) = self.accepted.entry(share.id).or_default();
        *accepted += measured.tally.expected;
        *queued += measured.tally.queued;
        Ok(measured)
    }

    fn first_refusals(&mut self, pools: &mut Pools) -> Result<Measured, BenchFault> {
        let share = self.first_refusals.share(self.site, self.tokens, people_for(self.length()))?;
        let path = format!("/ticket/get?actId={}", share.id);
        let script = Script::once(&path, self.tokens, share.people, Expect::Ret(-2));
        let measured = self.ours(&script, pools)?;
        self.first_refusals.give_back(script.asked());
        Ok(measured)
    }

    fn ours(&self, script: &Script<'_>, pools: &mut Pools) -> Result<Measured, BenchFault> {
        let operator = Some(&self.site.operator);
        measure(&self.site.process, &mut pools.ours, script, self.length(), operator)
    }

    fn askers(&self) -> std::ops::Range<usize> {
        1..self.tokens.count().min(ASKERS_MAX)
    }

    fn length(&self) -> Duration {
        Duration::from_secs_f64(self.options.seconds)
    }
}

impl Line {
    fn new(contestant: Contestant) -> Self {
        Self { contestant, slices: Vec::new() }
    }
}

/// The connections to both servers.
struct Pools {
    noop: Pool,
    ours: Pool,
}
