//! Recomputes promises 1 to 4 and the money of promise 7 from the ledger alone, with code of its own: neither the
//! rules' judge, nor Stock, nor the loading is used, so that a mistake in those cannot hide here. It writes nothing.

mod answers;
mod broken;
mod codes;
mod finding;
mod lines;
mod money;
mod paid;
mod people;
mod report;
mod units;
mod verdict;

pub use broken::{AnswerBroken, CodeBroken, LimitBroken, StockBroken};
pub use finding::{Finding, Promise, What};
pub use money::MoneyBroken;
pub use verdict::{
    BALANCES_KEPT_MAX, Balance, Checked, FINDINGS_KEPT_MAX, PromiseVerdict, Verdict,
};

use answers::Refused;
use codes::Codes;
use ledger::{Ledger, LedgerFault, StoredActivity};
use lines::Line;
use paid::{Payments, References};
use people::People;
use report::Report;
use rules::{ActivityNo, UserNo};
use std::collections::BTreeSet;

/// Memory a line takes while its activity is looked at, in bytes; the ledger's own audit comes after.
const LINE_BYTES_MAX: usize = 112;
const _: () = assert!(size_of::<Line>() <= LINE_BYTES_MAX);

/// Looks at everything in the ledger. A fault of the ledger, or rows that cannot be read as what they should be,
/// end the check without a verdict.
///
/// This runs beside a server that goes on selling. Each reading is a state of the ledger as of its own moment, so
/// the order of the readings is what keeps it from raising a false alarm; whatever stands on something else is
/// read before it:
///
/// ```text
/// refusals     rest on claims, which are written before them
/// payments     twice, before the claims and after: what changed in between says nothing of its orders yet
/// claims       rest on units, which are made before they are sold; a claim's unit is never taken back after;
///              each with the state of its order, all as of one moment
/// payments     again
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
    let mut references = References::default();
    let mut next = ActivityNo(0);
    for stored in ledger.activities()? {
        for lost in next.0..stored.no.0 {
            check_unknown(ledger, ActivityNo(lost), &mut report)?;
        }
        next = ActivityNo(stored.no.0 + 1);
        report.learn(&stored);
        check_activity(ledger, stored.no, (&mut codes, &mut references), &mut report)?;
    }
    codes.check_once(&mut report);
    references.check_once(&mut report);
    compare_audit(ledger, &mut report)?;
    Ok(report.verdict())
}

fn check_activity(
    ledger: &dyn Ledger,
    no: ActivityNo,
    (codes, references): (&mut Codes, &mut References),
    report: &mut Report,
) -> Result<(), LedgerFault> {
    let refused = Refused::read(ledger, no)?;
    let before = Payments::read(ledger, no, references)?;
    let mut lines = read_lines(ledger, no)?;
    let after = Payments::read(ledger, no, references)?;
    let Some(stored) = ledger.activity(no)? else { return check_unknown(ledger, no, report) };
    report.looked_at(lines.len() as u64);
    answers::check_sequence(no, &lines, report);
    let available = units::check(&stored, &lines, report);
    references.add(no, &after);
    let late_payers = money::check(&stored, &lines, (&before, &after), report);
    drop((before, after));
    let first_units = ledger.first_units(no)?;
    lines.sort_unstable_by_key(|line| (line.claim.user, line.claim.seq));
    refused.check(&stored, (&lines, &first_units), &available, report);
    let roster = read_roster(ledger, &stored)?;
    People::new(&stored, roster, late_payers).check(&lines, report);
    drop(lines);
    codes.read(ledger, &stored, report)
}

fn read_lines(ledger: &dyn Ledger, no: ActivityNo) -> Result<Vec<Line>, LedgerFault> {
    let mut lines = Vec::new();
    ledger.claims(no, &mut |claim, mark| lines.push(Line::new(claim, mark)))?;
    Ok(lines)
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
    ledger.claims(no, &mut |_, _| claims += 1)?;
    if claims > 0 {
        report.add(no, None, StockBroken::ActivityUnknown { claims });
    }
    Ok(())
}

/// The ledger looks for contradictions with code of its own, and knows how many claims it ever acknowledged.
fn compare_audit(ledger: &dyn Ledger, report: &mut Report) -> Result<(), LedgerFault> {
    use ledger::Finding::{KeyTwice, OfferTwice, OrdinalTwice, SeqGap, StepImpossible, UnitTwice};
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
            OfferTwice(activity, seq) => {
                report.add(activity, None, LimitBroken::OfferTwice { seq: seq.0 });
            }
            StepImpossible(activity, seq) => {
                report.add(activity, None, MoneyBroken::StepImpossible { order: seq.0 });
            }
        }
    }
    Ok(())
}
