//! Looking things up: a person's claims, the result of a queued one, counts. Only durable claims are shown.
//! Nothing here ever changes anything.

use crate::{Catalog, ClaimId, Entry, Sale, claim::Effect, claim::Outcome};
use ledger::{LedgerFault, Settled};
use rules::{ActivityNo, Claim, TimeMs, UserNo};
use std::sync::Arc;
use stock::{ActivityCounts, Place, Summary};

/// A durable claim beside the activity it belongs to.
#[derive(Clone)]
pub struct Owned {
    /// The activity.
    pub entry: Arc<Entry>,
    /// The claim.
    pub claim: Claim,
}

/// Where a page of a person's claims begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// After so many.
    Skip(usize),
    /// After this one.
    After(ClaimId),
}

impl Sale {
    /// While this number stays the same, so does every [`Self::summary`] read after it.
    pub fn changes(&self) -> u64 {
        self.inner.stock.changes()
    }

    /// What lists show of an activity.
    pub fn summary(&self, activity: ActivityNo) -> Summary {
        self.inner.stock.summary(activity).unwrap_or_default()
    }

    /// The counts of an activity, all at one instant.
    pub fn counts(&self, activity: ActivityNo) -> ActivityCounts {
        self.inner.stock.counts(activity, self.now()).unwrap_or_default()
    }

    /// Whether the user has tried for something in this activity, won or not.
    pub fn joined(&self, activity: ActivityNo, user: UserNo) -> bool {
        self.inner.stock.joined(activity, user)
    }

    /// The user's durable claims in an activity, newest first.
    pub fn claims_in(&self, activity: ActivityNo, user: UserNo) -> Vec<Claim> {
        let found = self.inner.stock.claims_of(activity, user).into_iter();
        found.filter(|one| one.place == Place::DURABLE).map(|one| one.claim).collect()
    }

    /// A page of the user's durable claims, newest first, and whether more follow.
    pub fn claims_of(&self, user: UserNo, from: Position, most: usize) -> (Vec<Owned>, bool) {
        let catalog = self.catalog();
        let mut all: Vec<Owned> = Vec::new();
        for entry in catalog.sorted() {
            let claims = self.claims_in(entry.no, user).into_iter();
            all.extend(claims.map(|claim| Owned { entry: Arc::clone(entry), claim }));
        }
        let newest_first = |owned: &Owned| {
            std::cmp::Reverse((owned.claim.decided_at, owned.claim.activity, owned.claim.seq))
        };
        all.sort_by_key(newest_first);
        let skip = match from {
            Position::Skip(count) => count,
            Position::After(id) => all
                .iter()
                .position(|owned| ClaimId::from(&owned.claim) == id)
                .map_or(all.len(), |at| at + 1),
        };
        let page: Vec<Owned> = all.iter().skip(skip).take(most).cloned().collect();
        let more = skip.saturating_add(page.len()) < all.len();
        (page, more)
    }

    /// The user's durable claim with this id.
    pub fn claim_by_id(&self, catalog: &Catalog, id: ClaimId, user: UserNo) -> Option<Owned> {
        let recorded = self.inner.stock.claim_at(id.activity, id.seq)?;
        let theirs = recorded.claim.user == user && ClaimId::from(&recorded.claim) == id;
        let entry = Arc::clone(catalog.by_no(id.activity)?);
        (theirs && recorded.place == Place::DURABLE)
            .then_some(Owned { entry, claim: recorded.claim })
    }

    /// The durable claim at this place, whosever it is: for operators.
    pub fn any_claim(&self, id: ClaimId) -> Option<Claim> {
        let recorded = self.inner.stock.claim_at(id.activity, id.seq)?;
        let same = ClaimId::from(&recorded.claim) == id && recorded.place == Place::DURABLE;
        same.then_some(recorded.claim)
    }

    /// The answer to a claim whose id was really given to `user`: queued while it is open, then the same for ever.
    pub fn result(&self, id: ClaimId, user: UserNo) -> Result<Outcome, LedgerFault> {
        let queued = Outcome::Queued(self.inner.ids.text(&id, user));
        if let Some(recorded) = self.inner.stock.claim_at(id.activity, id.seq)
            && ClaimId::from(&recorded.claim) == id
            && recorded.claim.user == user
        {
            let durable = recorded.place == Place::DURABLE;
            return Ok(if durable { Outcome::Won(recorded.claim) } else { queued });
        }
        match self.inner.ledger.settle(id.activity, id.epoch, id.seq)? {
            Settled::Written(claim) if claim.user == user => Ok(Outcome::Won(claim)),
            Settled::Written(_) | Settled::Never => Ok(Outcome::Failed(Effect::None)),
            Settled::Open => Ok(queued),
        }
    }

    /// When an activity opened: the start of its window, once that has come.
    pub fn opened_at(&self, entry: &Entry) -> Option<TimeMs> {
        let start = entry.activity.window.start();
        (start <= self.now()).then_some(start)
    }
}
