//! A claim's way: Stock decides on arrival, the ledger commits, and only then there is an answer (promise 2).
//! A fault is never turned into a refusal here, nor a refusal into a fault (promise 8).

use crate::{Entry, IdText, Readiness, Sale, durable::Waited};
use rules::{Claim, KeyHash, Refusal, Seq, TypeNo, UserNo};
use stock::{Answer, ClaimAsk, Decision, Place, Recorded, StockFault};

/// One person's request, once it is known who and what.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The ticket type.
    pub ticket_type: TypeNo,
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

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Theirs, on disk: now, or since an earlier request with the same key.
    Won(Claim),
    /// Decided, not on disk within the bound; the result can be asked for.
    Queued(IdText),
    /// The rules said no; everything that rests on is on disk. With `LimitReached`: what the user has.
    Refused(Refusal, Vec<Claim>),
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
}

impl Deciding {
    /// The outcome, where it rests on nothing that is not on disk.
    fn at_once(self) -> Result<Outcome, Self> {
        match self.answer {
            Answer::Now(Ok(Decision::Refused { refusal, grounds: Place::DURABLE, had })) => {
                Ok(Outcome::Refused(refusal, had))
            }
            Answer::Now(Ok(Decision::Known { claim, place: Place::DURABLE })) => {
                Ok(Outcome::Won(claim))
            }
            Answer::Now(Err(StockFault::Full | StockFault::Frozen | StockFault::Unknown)) => {
                Ok(Outcome::Busy)
            }
            answer => Err(Self { answer, ..self }),
        }
    }
}

impl Sale {
    /// Has one claim decided. Most noes are the answer at once; whoever has to wait goes on with [`Sale::outcome`].
    pub fn decide(&self, entry: &Entry, request: Request) -> Result<Outcome, Deciding> {
        // Before the decision, because a recovery in between gives up its place and later ones go past it.
        let recoveries = self.recoveries();
        if self.readiness() == Readiness::Broken {
            return Ok(Outcome::Failed(Effect::Unknown));
        }
        let ask = ClaimAsk {
            activity: entry.no,
            ticket_type: request.ticket_type,
            user: request.user,
            key: request.key,
            now: self.inner.clock.now(),
        };
        let answer = {
            let _sound = self.inner.sound();
            self.inner.stock.claim(&ask)
        };
        Deciding { answer, recoveries }.at_once()
    }

    /// What an earlier claim of theirs with this key came to: for those who are turned away before anything is
    /// decided, because a known key comes first.
    pub fn known(&self, entry: &Entry, request: Request) -> Option<Result<Outcome, Deciding>> {
        let recoveries = self.recoveries();
        let key = request.key?;
        let theirs = self.inner.stock.claims_of(entry.no, request.user);
        let Recorded { claim, place } =
            theirs.into_iter().find(|recorded| recorded.claim.key == Some(key))?;
        let answer = Answer::Now(Ok(Decision::Known { claim, place }));
        Some(Deciding { answer, recoveries }.at_once())
    }

    /// Waits until the answer to a claim may be given.
    pub async fn outcome(&self, deciding: Deciding) -> Outcome {
        let Deciding { answer, recoveries } = deciding;
        let wait = |place| self.inner.durability.wait(place, recoveries);
        match answer.get().await {
            Ok(Decision::Accepted { claim, place } | Decision::Known { claim, place }) => {
                match wait(place).await {
                    Waited::Durable => Outcome::Won(claim),
                    Waited::Late => Outcome::Queued(self.claim_id(&claim)),
                    Waited::Recovered => self.after_recovery(&claim),
                }
            }
            Ok(Decision::Refused { refusal, grounds, had }) => match wait(grounds).await {
                // A final no waits for what it rests on; if that is late or lost, nothing happened (C32).
                Waited::Durable => Outcome::Refused(refusal, had),
                Waited::Late | Waited::Recovered => Outcome::Busy,
            },
            Err(StockFault::Full | StockFault::Frozen | StockFault::Unknown) => Outcome::Busy,
        }
    }

    /// What became of a claim whose commit was in doubt: Stock was loaded from what is on disk.
    fn after_recovery(&self, claim: &Claim) -> Outcome {
        match self.found(claim.activity, claim.seq) {
            _ if self.readiness() == Readiness::Broken => Outcome::Failed(Effect::Unknown),
            Some(found) if found == *claim => Outcome::Won(*claim),
            // Decided by the new stock before the recovery was announced: it is on its way to the disk.
            None if self
                .inner
                .stock
                .claim_at(claim.activity, claim.seq)
                .is_some_and(|one| one.claim == *claim) =>
            {
                Outcome::Queued(self.claim_id(claim))
            }
            _ => Outcome::Failed(Effect::None),
        }
    }

    fn found(&self, activity: rules::ActivityNo, seq: Seq) -> Option<Claim> {
        let recorded = self.inner.stock.claim_at(activity, seq)?;
        (recorded.place == Place::DURABLE).then_some(recorded.claim)
    }
}
