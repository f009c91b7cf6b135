//! A claim's way: Stock decides on arrival, the ledger commits, and only then there is an answer (promise 2).
//! A fault is never turned into a refusal here, nor a refusal into a fault (promise 8).

use crate::{Entry, IdText, Readiness, Sale, durable::Waited};
use rules::{Claim, Item, KeyHash, Refusal, TimeMs, UserNo};
use stock::{Answer, ClaimAsk, Decision, Place, Recorded, StockFault};

/// One person's request, once it is known who and what: all of it or nothing.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is wanted: each type at most once, at least one unit and `BASKET_UNITS_MAX` at most.
    pub items: &'a [Item],
    /// Who asks.
    pub user: UserNo,
    /// The hash of their idempotency key ([`crate::Ids::key`]).
    pub key: Option<KeyHash>,
}

/// What is known of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing happened.
    None,
    /// It is not known; ask again with the same key.
    Unknown,
}

/// A no of the rules, with what the person may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which rule.
    pub refusal: Refusal,
    /// With `LimitReached`: the person's live lines in this activity, oldest first. Otherwise empty.
    pub had: Vec<Recorded>,
    /// With `HeldByOthers`: when the first unit can really be back, the grace included.
    pub retry_at: Option<TimeMs>,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Theirs, on disk: now, or since an earlier request with the same key. The first line, as it stands.
    Won(Recorded),
    /// Decided, not on disk within the bound; the result can be asked for.
    Queued(IdText),
    /// The rules said no; everything that rests on is on disk.
    Refused(Refused),
    /// Nothing happened: too much waits, or the ledger is away.
    Busy,
    /// The decision began and the world failed.
    Failed(Effect),
}

/// A claim on its way: decided by Stock, or on its way there. See [`Sale::decide`].
pub struct Deciding {
    answer: Answer<Result<Decision, StockFault>>,
    /// Recoveries of the ledger before the decision.
    recoveries: u64,
    grace_ms: u64,
}

impl Deciding {
    /// The outcome, where it rests on nothing that is not on disk.
    #[expect(
        clippy::result_large_err,
        reason = "neither variant is rare, and a box would cost every winner"
    )]
    fn at_once(self) -> Result<Outcome, Self> {
        match self.answer {
            Answer::Now(Ok(Decision::Refused {
                refusal,
                grounds: Place::DURABLE,
                had,
                retry_at,
            })) => Ok(refused(refusal, had, retry_at, self.grace_ms)),
            Answer::Now(Ok(Decision::Known(found))) if found.place == Place::DURABLE => {
                Ok(Outcome::Won(found))
            }
            Answer::Now(Err(StockFault::Full | StockFault::Frozen | StockFault::Unknown)) => {
                Ok(Outcome::Busy)
            }
            answer => Err(Self { answer, ..self }),
        }
    }
}

fn refused(
    refusal: Refusal,
    had: Vec<Recorded>,
    retry_at: Option<TimeMs>,
    grace_ms: u64,
) -> Outcome {
    let retry_at = retry_at.map(|at| TimeMs(at.0.saturating_add(grace_ms)));
    Outcome::Refused(Refused { refusal, had, retry_at })
}

impl Sale {
    /// Has one claim decided. Most noes are the answer at once; whoever has to wait goes on with [`Sale::outcome`].
    #[expect(
        clippy::result_large_err,
        reason = "neither variant is rare, and a box would cost every winner"
    )]
    pub fn decide(&self, entry: &Entry, request: Request<'_>) -> Result<Outcome, Deciding> {
        let Request { items, user, key } = request;
        let now = self.inner.clock.now();
        self.ask(&ClaimAsk { activity: entry.no, items, user, late: false, key, now })
    }

    /// Has Stock decide, whoever asks and for whatever reason.
    #[expect(
        clippy::result_large_err,
        reason = "neither variant is rare, and a box would cost every winner"
    )]
    pub(crate) fn ask(&self, ask: &ClaimAsk<'_>) -> Result<Outcome, Deciding> {
        // Before the decision, because a recovery in between gives up its place and later ones go past it.
        let recoveries = self.recoveries();
        if self.readiness() == Readiness::Broken {
            return Ok(Outcome::Failed(Effect::Unknown));
        }
        let answer = {
            let _sound = self.inner.sound();
            self.inner.stock.claim(ask)
        };
        self.deciding(answer, recoveries).at_once()
    }

    fn deciding(&self, answer: Answer<Result<Decision, StockFault>>, recoveries: u64) -> Deciding {
        Deciding { answer, recoveries, grace_ms: self.inner.settings.grace_ms }
    }

    /// What an earlier claim of theirs with this key came to: for those who are turned away before anything is
    /// decided, because a known key comes first.
    pub fn known(&self, entry: &Entry, request: Request<'_>) -> Option<Result<Outcome, Deciding>> {
        let recoveries = self.recoveries();
        let key = request.key?;
        let found = self.inner.stock.known(entry.no, request.user, key)?;
        let answer = Answer::Now(Ok(Decision::Known(found)));
        Some(self.deciding(answer, recoveries).at_once())
    }

    /// Waits until the answer to a claim may be given.
    pub async fn outcome(&self, deciding: Deciding) -> Outcome {
        let Deciding { answer, recoveries, grace_ms } = deciding;
        let wait = |place| self.inner.durability.wait(place, recoveries);
        match answer.get().await {
            Ok(Decision::Accepted(found) | Decision::Known(found)) => {
                match wait(found.place).await {
                    Waited::Durable => Outcome::Won(Recorded { place: Place::DURABLE, ..found }),
                    Waited::Late => Outcome::Queued(self.claim_id(&found.claim)),
                    Waited::Recovered => self.after_recovery(&found.claim),
                }
            }
            Ok(Decision::Refused { refusal, grounds, had, retry_at }) => {
                match wait(grounds).await {
                    // A final no waits for what it rests on; if that is late or lost, nothing happened (C32).
                    Waited::Durable => refused(refusal, had, retry_at, grace_ms),
                    Waited::Late | Waited::Recovered => Outcome::Busy,
                }
            }
            Err(StockFault::Full | StockFault::Frozen | StockFault::Unknown) => Outcome::Busy,
        }
    }

    /// What became of a claim whose commit was in doubt: Stock was loaded from what is on disk.
    fn after_recovery(&self, claim: &Claim) -> Outcome {
        let found = self.inner.stock.claim_at(claim.activity, claim.seq);
        match found.filter(|found| found.claim == *claim) {
            _ if self.readiness() == Readiness::Broken => Outcome::Failed(Effect::Unknown),
            Some(found) if found.place == Place::DURABLE => Outcome::Won(found),
            // Decided by the new stock before the recovery was announced: it is on its way to the disk.
            Some(_) => Outcome::Queued(self.claim_id(claim)),
            None => Outcome::Failed(Effect::None),
        }
    }
}
