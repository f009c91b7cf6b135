//! Recomputes promises 1 to 4 from the ledger alone, with code of its own: neither the rules' judge, nor Stock,
//! nor the loading is used, so that a mistake in those cannot hide here. It writes nothing.

mod answers;
mod broken;
mod codes;
mod finding;
mod people;
mod report;
mod units;
mod verdict;

pub use broken::{AnswerBroken, CodeBroken, LimitBroken, StockBroken};
pub use finding::{Finding, Promise, What};
pub use verdict::{Checked, FINDINGS_KEPT_MAX, PromiseVerdict, Verdict};

use answers::Refused;
use codes::Codes;
use ledger::{Ledger, LedgerFault, StoredActivity};
use people::People;
use report::Report;
use rules::{ActivityNo, Claim, UserNo};
use std::collections::BTreeSet;

/// Memory a claim takes while its activity is looked at, in bytes; the ledger's own audit comes after.
const CLAIM_BYTES_MAX: usize = 64;
const _: () = assert!(size_of::<Claim>() <= CLAIM_BYTES_MAX);

/// Looks at everything in the ledger. A fault of the ledger, or rows that cannot be read as what they should be,
/// end the check without a verdict.
///
/// This runs beside a server that goes on selling. Each reading is a state of the ledger as of its own moment, so
/// the order of the readings is what keeps it from raising a false alarm; whatever stands on something else is
/// read before it:
///
/// ```text
/// refusals     rest on claims, which are written before them
/// claims       rest on units, which are made before they are sold; a claim's unit is never taken back after
/// activity     units only grow, and more may be taken back, but none that had been claimed;
///              ends only move later; limits and starts never move
/// codes        between two readings of the activity, see `Codes::read`
/// roster       never changes after the import
/// audit        one state of its own
/// ```
///
/// Claims written after theirs were read are the next check's. An activity's claims are appended in the order of
/// their sequence, so that what was read has no gap though more may follow.
pub fn check(ledger: &dyn Ledger) -> Result<Verdict, LedgerFault> {
    let mut report = Report::new();
    let mut codes = Codes::default();
    let mut next = ActivityNo(0);
    for stored in ledger.activities()? {
        for lost in next.0..stored.no.0 {
            check_unknown(ledger, ActivityNo(lost), &mut report)?;
        }
        next = ActivityNo(stored.no.0 + 1);
        report.learn(&stored);
        check_activity(ledger, stored.no, &mut codes, &mut report)?;
    }
    codes.check_once(&mut report);
    compare_audit(ledger, &mut report)?;
    Ok(report.verdict())
}

fn check_activity(
    ledger: &dyn Ledger,
    no: ActivityNo,
    codes: &mut Codes,
    report: &mut Report,
) -> Result<(), LedgerFault> {
    let refused = Refused::read(ledger, no)?;
    let mut claims = read_claims(ledger, no)?;
    let Some(stored) = ledger.activity(no)? else { return check_unknown(ledger, no, report) };
    report.looked_at(claims.len() as u64);
    answers::check_sequence(no, &claims, report);
    let available = units::check(&stored, &claims, report);
    claims.sort_unstable_by_key(|claim| (claim.user, claim.seq));
    refused.check(&stored, &claims, &available, report);
    let roster = read_roster(ledger, &stored)?;
    People::new(&stored, roster).check(&claims, report);
    drop(claims);
    codes.read(ledger, &stored, report)
}

fn read_claims(ledger: &dyn Ledger, no: ActivityNo) -> Result<Vec<Claim>, LedgerFault> {
    let mut claims = Vec::new();
    ledger.claims(no, &mut |claim| claims.push(claim))?;
    Ok(claims)
}

fn read_roster(
    ledger: &dyn Ledger,
    stored: &StoredActivity,
) -> Result<Option<BTreeSet<UserNo>>, LedgerFault> {
    if !stored.activity.has_roster {
        return Ok(None);
    }
    let mut roster = BTreeSet::new();
    ledger.roster(stored.no, &mut |user| {
        roster.insert(user);
    })?;
    Ok(Some(roster))
}

/// Activities are numbered without gaps and never removed: claims under a number without one are of lost stock.
fn check_unknown(
    ledger: &dyn Ledger,
    no: ActivityNo,
    report: &mut Report,
) -> Result<(), LedgerFault> {
    let mut claims = 0;
    ledger.claims(no, &mut |_| claims += 1)?;
    if claims > 0 {
        report.add(no, None, StockBroken::ActivityUnknown { claims });
    }
    Ok(())
}

/// The ledger looks for contradictions with code of its own, and knows how many claims it ever acknowledged.
fn compare_audit(ledger: &dyn Ledger, report: &mut Report) -> Result<(), LedgerFault> {
    use ledger::Finding::{KeyTwice, OrdinalTwice, SeqGap, UnitTwice};
    for finding in ledger.audit()? {
        if report.knows(finding) {
            continue;
        }
        match finding {
            UnitTwice(activity, kind, unit) => {
                report.add(activity, Some(kind), StockBroken::UnitTwice { unit: unit.0 });
            }
            OrdinalTwice(activity, seq) => {
                report.add(activity, None, LimitBroken::OrdinalTwice { seq: seq.0 });
            }
            KeyTwice(activity, seq) => {
                report.add(activity, None, LimitBroken::KeyTwice { seq: seq.0 });
            }
            SeqGap(activity, seq) => {
                report.add(activity, None, AnswerBroken::TallyDiffers { seq: seq.0 });
            }
        }
    }
    Ok(())
}
