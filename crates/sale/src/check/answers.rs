//! Answers: that what was acknowledged is there, and what refusals rest on (promise 2).
//! It says only what is certain: a refusal whose grounds may have changed since is passed over.

use super::broken::AnswerBroken;
use super::finding::Promise;
use super::report::Report;
use ledger::{Finding, LedgerFault, StoredActivity};
use rules::{ActivityNo, Claim, EventNo, Part, Refusal, Seq, UserNo};

/// The recorded refusals of an activity that rest on claims.
#[derive(Default)]
pub struct Refused {
    limit_reached: Vec<UserNo>,
    sold_out: u64,
    /// One of those who were told "sold out".
    sold_out_user: UserNo,
}

impl Refused {
    /// Those on disk now. Read before the claims: what they rest on is written before they are.
    pub fn read(ledger: &dyn ledger::Ledger, activity: ActivityNo) -> Result<Self, LedgerFault> {
        let mut refused = Self::default();
        ledger.parts(activity, &mut |part: Part| match part.refusal {
            Some(Refusal::LimitReached) => refused.limit_reached.push(part.user),
            Some(Refusal::SoldOut) => {
                refused.sold_out += 1;
                refused.sold_out_user = part.user;
            }
            Some(_) | None => {}
        })?;
        Ok(refused)
    }

    /// `claims` are sorted by user; `available` are the units left of each type.
    pub fn check(
        &self,
        stored: &StoredActivity,
        claims: &[Claim],
        available: &[u64],
        report: &mut Report,
    ) {
        let count = self.limit_reached.len() + self.sold_out as usize;
        report.count(Promise::AnswerKept, "refusals that rest on claims", count);
        for user in &self.limit_reached {
            if claims.binary_search_by_key(user, |claim| claim.user).is_err() {
                let broken = AnswerBroken::RefusedWithoutClaim { user: user.0 };
                report.add(stored.no, None, broken);
            }
        }
        // Where units came or went by an event, they may have done so after the refusal. Which type a
        // person asked for is not recorded: one that is sold out is reason enough.
        let never_changed = stored.through == EventNo(0);
        if self.sold_out > 0 && never_changed && available.iter().all(|left| *left > 0) {
            let broken = AnswerBroken::RefusedWithUnits {
                people: self.sold_out,
                user: self.sold_out_user.0,
                available: available.iter().sum(),
            };
            report.add(stored.no, None, broken);
        }
    }
}

/// The sequence is 1, 2, 3, …; that its end is the last one acknowledged, the ledger's audit knows.
pub fn check_sequence(activity: ActivityNo, claims: &[Claim], report: &mut Report) {
    report.count(Promise::AnswerKept, "claims", claims.len());
    let mut expected = 1;
    for claim in claims {
        if claim.seq.0 != expected {
            let same = Finding::SeqGap(activity, Seq(expected));
            report.add_contradiction(same, None, AnswerBroken::ClaimMissing { seq: expected });
        }
        expected = claim.seq.0.saturating_add(1);
    }
}
