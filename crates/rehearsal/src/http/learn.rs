//! How many requests a second a machine takes: rising load, open loop. Each request has its moment, and its time
//! counts from then, so that a slow answer never hides those which should have been sent meanwhile.

use super::{
    Capacity, Doing, LearnPlan, Learnt, Phase, Progress, RehearseFault, Stop, Suggested, Target,
    ladder::Ladder,
    operator::Desk,
    request::{Requests, bearer},
    rung::{Climb, climb},
    sale::{Making, Sale, vouch},
    time::Clock,
};
use crate::{
    history::{Asked, Heard, Refused, TypeIndex},
    plan::{CONNECTIONS_MAX, Plan, PlanFault, PlannedType, USERS_MAX, within},
};
use ::http::HeaderValue;
use std::sync::Arc;

/// Seconds for which the activity on which refusals are measured stays open, unless it is closed before.
const OPEN_S: u64 = 3_600;
/// It began so long ago, whatever a Date leaves out.
const OPEN_SINCE_S: i64 = 60;
/// The bounds of a plan: of the bound itself and the first rung,
const P99_BOUND_MS_MAX: u32 = 10_000;
const FIRST_PER_S_MAX: u32 = 1_000_000;
/// of the growth and the length of rungs, at least and at most,
const GROWTH_PER_MILLE: (u32, u32) = (1_050, 10_000);
const RUNG_MS: (u32, u32) = (100, 60_000);
/// and of their number.
const RUNGS_MAX: u32 = 100;
/// Settings are suggested in thousands.
const ROUND: u32 = 1_000;
/// Seconds that a reply waits for the disk, by the default configuration.
const ANSWER_WITHIN_S: u32 = 2;
/// Fewer waiting claims would turn people away for a hiccup of the disk.
const PENDING_MIN: u32 = 10_000;

/// Measures how many requests a second the server takes before the 99th percentile passes the bound: looks at an
/// activity, then claims that hear "sold out". Makes an activity of its own and closes it.
///
/// # Errors
/// What kept it from measuring; a server that takes nothing is a result, not an error.
pub async fn learn(
    target: &Target,
    plan: &LearnPlan,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<Learnt, RehearseFault> {
    plan.validate()?;
    let (desk, told) = Desk::open(target, Clock::start()).await?;
    let people = Plan { seed: plan.seed, users: plan.users, ..Plan::default() };
    let tokens = vouch(&desk, &people.names(), progress).await?;
    let who = tokens.iter().map(|token| bearer(token)).collect::<Option<Vec<_>>>();
    let who = who.ok_or(RehearseFault::Unreadable(Doing::Vouching))?;
    let one = [PlannedType { id: "seat".to_owned(), stock: 1, codes: false, limit_per_person: 1 }];
    let making = Making {
        suffix: "-limits",
        seed: plan.seed,
        opens_after_s: -OPEN_SINCE_S,
        seconds: OPEN_S,
        types: &one,
        limit_per_person: None,
        roster: None,
    };
    let sale = Sale::make(&desk, &told, &making).await?;
    let learner = Learner { target, plan, progress, stop, sale: &sale };
    let learnt = learner.measure(who).await;
    sale.close(&desk).await?;
    learnt
}

struct Learner<'a> {
    target: &'a Target,
    plan: &'a LearnPlan,
    progress: &'a dyn Progress,
    stop: &'a Stop,
    sale: &'a Sale,
}

const CLAIM: Asked = Asked::Claim { ticket_type: TypeIndex(0), key: None };

impl Learner<'_> {
    async fn measure(&self, mut who: Vec<HeaderValue>) -> Result<Learnt, RehearseFault> {
        let host = &self.target.host;
        let requests = Requests::new(host, &self.sale.id, ["seat"]);
        let requests = requests.ok_or_else(|| RehearseFault::Address(host.clone()))?;
        let buyer = who.pop().ok_or(RehearseFault::Unreadable(Doing::Vouching))?;
        // Whoever asks alone still has to hear "sold out", so the one who bought asks no more.
        let mut climb = Climb {
            address: self.target.address,
            requests: Arc::new(requests),
            activity: self.sale.id.as_str().into(),
            who: who.into(),
            connections: self.plan.connections as usize,
            asked: Asked::Detail,
        };
        climb.buy(&buyer).await?;
        let detail = self.capacity(&climb, 0).await?;
        climb.asked = CLAIM;
        let refusals = self.capacity(&climb, self.plan.rungs_max).await?;
        let suggested = self.suggested(&detail, &refusals);
        let LearnPlan { connections, p99_bound_ms, .. } = *self.plan;
        Ok(Learnt { connections, p99_bound_ms, detail, refusals, suggested })
    }

    /// Climbs until the ladder ends, or somebody asks to stop.
    async fn capacity(&self, on: &Climb, before: u32) -> Result<Capacity, RehearseFault> {
        let mut ladder = Ladder::new(self.plan);
        while let Some(offered) = ladder.next() {
            let (done, of) = (before + ladder.settled(), 2 * self.plan.rungs_max);
            self.progress.at(Phase::Learning, done.into(), of.into());
            if self.stop.asked() {
                return Ok(ladder.stopped());
            }
            ladder.saw(climb(on, offered, self.plan.rung_ms).await?);
        }
        Ok(ladder.found())
    }

    fn suggested(&self, detail: &Capacity, refusals: &Capacity) -> Suggested {
        let rounded = |number: u32| number.max(1).next_multiple_of(ROUND);
        let requests_per_s = detail.requests_per_s.min(refusals.requests_per_s);
        let at_once = requests_per_s.saturating_mul(ANSWER_WITHIN_S);
        let claims = refusals.requests_per_s.saturating_mul(ANSWER_WITHIN_S);
        Suggested {
            connections_max: rounded(at_once.max(self.plan.users.saturating_mul(2))),
            pending_claims_max: rounded(claims.max(PENDING_MIN)),
            requests_per_s,
        }
    }
}

impl Climb {
    /// Takes the one unit there is.
    async fn buy(&self, buyer: &HeaderValue) -> Result<(), RehearseFault> {
        let heard = self.ask_once(&CLAIM, buyer).await?;
        let bought = matches!(heard, Heard::Won(_) | Heard::Queued { .. });
        let gone = matches!(heard, Heard::Refused(Refused::SoldOut | Refused::LimitReached, _));
        if bought || gone { Ok(()) } else { Err(RehearseFault::Busy(Doing::SellingOut)) }
    }
}

impl LearnPlan {
    /// Whether it can be measured.
    ///
    /// # Errors
    /// The first number that is out of its bounds.
    pub fn validate(&self) -> Result<(), PlanFault> {
        let (growth_least, growth_most) = GROWTH_PER_MILLE;
        let (rung_least, rung_most) = RUNG_MS;
        within("connections", self.connections, 1, CONNECTIONS_MAX)?;
        within("p99_bound_ms", self.p99_bound_ms, 1, P99_BOUND_MS_MAX)?;
        within("first_per_s", self.first_per_s, 1, FIRST_PER_S_MAX)?;
        within("growth_per_mille", self.growth_per_mille, growth_least.into(), growth_most)?;
        within("rung_ms", self.rung_ms, rung_least.into(), rung_most)?;
        within("rungs_max", self.rungs_max, 1, RUNGS_MAX)?;
        // One of them buys the only unit and asks no more.
        within("users", self.users, 2, USERS_MAX)
    }
}
