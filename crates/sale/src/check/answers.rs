//! Answers: that what was acknowledged is there, and what refusals rest on (promise 2).
//! It says only what is certain: a refusal whose grounds may have changed since is passed over.

use super::broken::AnswerBroken;
use super::finding::Promise;
use super::lines::Line;
use super::report::Report;
use ledger::{Finding, LedgerFault, StoredActivity};
use rules::{ActivityNo, BASKET_UNITS_MAX, Part, Refusal, Seq, UserNo};

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

    /// `lines` are sorted by user; `first_units` are those each type was imported with, `available` those left.
    pub fn check(
        &self,
        stored: &StoredActivity,
        (lines, first_units): (&[Line], &[u32]),
        available: &[u64],
        report: &mut Report,
    ) {
        let count = self.limit_reached.len() + self.sold_out as usize;
        report.count(Promise::AnswerKept, "refusals that rest on claims", count);
        // Who asks for more at once than anybody may have hears so too, and needs no claim for it.
        let by_claims = most_asked(stored).all(|most| most == u64::from(BASKET_UNITS_MAX));
        for user in self.limit_reached.iter().filter(|_| by_claims) {
            if lines.binary_search_by_key(user, |line| line.claim.user).is_err() {
                let broken = AnswerBroken::RefusedWithoutClaim { user: user.0 };
                report.add(stored.no, None, broken);
            }
        }
        // Where units came or went, they may have done so after the refusal. Which types a person asked for, and
        // how many, is not recorded: one type that lacks what anybody may ask for is reason enough.
        let never_changed = stored
            .types
            .iter()
            .zip(first_units)
            .all(|(kind, first)| kind.made == *first && kind.void.is_empty())
            && lines.iter().all(Line::is_live);
        let enough = available.iter().zip(most_asked(stored)).all(|(left, most)| *left >= most);
        if self.sold_out > 0 && never_changed && enough {
            let broken = AnswerBroken::RefusedWithUnits {
                people: self.sold_out,
                user: self.sold_out_user.0,
                available: available.iter().sum(),
            };
            report.add(stored.no, None, broken);
        }
    }
}

/// For each type, the most units that one request could ask for without being refused for a limit first.
fn most_asked(stored: &StoredActivity) -> impl Iterator<Item = u64> {
    let of_activity = stored.activity.limit_per_user.unwrap_or(u32::MAX);
    let most = of_activity.min(u32::from(BASKET_UNITS_MAX));
    stored.activity.types.iter().map(move |ticket| u64::from(ticket.limit_per_user.min(most)))
}

/// The sequence is 1, 2, 3, …, and orders are whole; that its end is the last one acknowledged, the ledger's audit
/// knows.
pub fn check_sequence(activity: ActivityNo, lines: &[Line], report: &mut Report) {
    report.count(Promise::AnswerKept, "claims", lines.len());
    let mut before: Option<&Line> = None;
    for line in lines {
        let (seq, expected) = (line.claim.seq.0, before.map_or(1, |line| line.claim.seq.0 + 1));
        if seq != expected {
            missing(activity, expected, report);
        } else if !follows(line, before) {
            let same = Finding::SeqGap(activity, Seq(seq));
            report.add_contradiction(same, None, AnswerBroken::OrderTorn { seq });
        }
        before = Some(line);
    }
    if let Some(last) = before.filter(|last| last.has_next()) {
        missing(activity, last.claim.seq.0 + 1, report);
    }
}

/// Whether this line stands where it may: after the one before it in its order, or after the end of another order.
fn follows(line: &Line, before: Option<&Line>) -> bool {
    match before.filter(|before| before.has_next()) {
        Some(before) => line.continues(before),
        None => line.claim.line == 0 && line.claim.lines > 0,
    }
}

fn missing(activity: ActivityNo, seq: u32, report: &mut Report) {
    let same = Finding::SeqGap(activity, Seq(seq));
    report.add_contradiction(same, None, AnswerBroken::ClaimMissing { seq });
}
