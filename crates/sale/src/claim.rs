//! A claim's way: Stock decides on arrival, the ledger commits, and only then there is an answer (promise 2).
//! A fault is never turned into a refusal here, nor a refusal into a fault (promise 8).

use crate::{Entry, Readiness, Sale, durable::Waited};
use rules::{Claim, KeyHash, Refusal, Seq, TypeNo, UserNo};
use stock::{ClaimAsk, Decision, Place, StockFault};

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
    Queued(Claim),
    /// The rules said no; everything that rests on is on disk. With `LimitReached`: what the user has.
    Refused(Refusal, Vec<Claim>),
    /// Nothing happened: too much waits, or the ledger is away.
    Busy,
    /// The decision began and the world failed.
    Failed(Effect),
}

impl Sale {
    /// Decides one claim and waits until the answer may be given.
    pub async fn claim(&self, entry: &Entry, request: Request) -> Outcome {
        let watch = self.inner.durability.watch();
        let ask = ClaimAsk {
            activity: entry.no,
            ticket_type: request.ticket_type,
            user: request.user,
            key: request.key,
            now: self.inner.clock.now(),
        };
        if self.readiness() == Readiness::Broken {
            return Outcome::Failed(Effect::Unknown);
        }
        let decided = {
            let _sound = self.inner.sound();
            self.inner.stock.claim(&ask)
        };
        match decided.get().await {
            Ok(Decision::Accepted { claim, place } | Decision::Known { claim, place }) => {
                let waited =
                    if place == Place::DURABLE { Waited::Durable } else { watch.wait(place).await };
                match waited {
                    Waited::Durable => Outcome::Won(claim),
                    Waited::Late => Outcome::Queued(claim),
                    Waited::Recovered => self.after_recovery(&claim),
                }
            }
            Ok(Decision::Refused { refusal, grounds, had }) => {
                // A final no waits for what it rests on; if that is late or lost, nothing happened (C32).
                if grounds != Place::DURABLE && watch.wait(grounds).await != Waited::Durable {
                    return Outcome::Busy;
                }
                Outcome::Refused(refusal, had)
            }
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
                Outcome::Queued(*claim)
            }
            _ => Outcome::Failed(Effect::None),
        }
    }

    fn found(&self, activity: rules::ActivityNo, seq: Seq) -> Option<Claim> {
        let recorded = self.inner.stock.claim_at(activity, seq)?;
        (recorded.place == Place::DURABLE).then_some(recorded.claim)
    }
}
