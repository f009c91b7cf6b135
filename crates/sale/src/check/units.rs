//! Units: replays an activity's claims in the order of decision over plain sets (promises 1 and 4).
//! It never uses the stock's own structures: a mistake in those must not hide here.

use super::broken::{CodeBroken, StockBroken};
use super::finding::Promise;
use super::report::Report;
use ledger::{Finding, StoredActivity, StoredType};
use rules::{ActivityNo, Claim, TypeNo, UnitKind, UnitNo};
use std::collections::BTreeSet;
use std::ops::Range;

/// One type during the replay.
///
/// When a unit was taken back cannot be read, and so it may have been free or not at any moment: only units
/// never taken back prove that a lower one was free. Unit numbers are given in the order in which units are
/// made, so whatever lies below a unit was made before it.
struct Units {
    place: (ActivityNo, TypeNo),
    made: u32,
    /// Taken back: ascending, without overlap, all below `made`.
    void: Vec<Range<u32>>,
    /// Every unit below this is claimed or was taken back.
    lowest: u32,
    /// Claimed, and not told by `lowest`: above it, taken back, or never made.
    others: BTreeSet<u32>,
    /// The unit last reported as passed over, so that it is reported once.
    passed_over: Option<u32>,
    /// Different units claimed that were made and not taken back.
    units_sold: u64,
    claims: u64,
    last_claim_no: u32,
}

/// Replays the claims, which come in the order of seq. Returns the units left of each type.
pub fn check(stored: &StoredActivity, claims: &[Claim], report: &mut Report) -> Vec<u64> {
    let numbered = (0..).map(TypeNo).zip(&stored.types);
    let mut types: Vec<_> =
        numbered.map(|(no, kind)| Units::new((stored.no, no), kind, report)).collect();
    for claim in claims {
        match types.get_mut(usize::from(claim.ticket_type.0)) {
            Some(units) => units.claim(claim, report),
            None => {
                let (seq, ticket_type) = (claim.seq.0, claim.ticket_type.0);
                report.add(claim.activity, None, StockBroken::TypeUnknown { seq, ticket_type });
            }
        }
    }
    for (units, ticket) in types.iter().zip(&stored.activity.types) {
        units.balance(report);
        if ticket.kind == UnitKind::Codes && units.void_count() > 0 {
            let broken = CodeBroken::CodesTakenBack { units: units.void_count() };
            report.add(units.place.0, Some(units.place.1), broken);
        }
    }
    report.count(Promise::NeverOversold, "claims", claims.len());
    report.count(Promise::CodeOnce, "claims", claims.len());
    types.iter().map(Units::available).collect()
}

impl Units {
    fn new(place: (ActivityNo, TypeNo), kind: &StoredType, report: &mut Report) -> Self {
        report.count(Promise::NeverOversold, "units", kind.made as usize);
        let mut units = Self {
            place,
            made: kind.made,
            void: void(place, kind, report),
            lowest: 0,
            others: BTreeSet::new(),
            passed_over: None,
            units_sold: 0,
            claims: 0,
            last_claim_no: 0,
        };
        units.advance();
        units
    }

    fn claim(&mut self, claim: &Claim, report: &mut Report) {
        self.claims += 1;
        self.number(claim, report);
        let (activity, kind) = (self.place.0, Some(self.place.1));
        let (seq, unit, made) = (claim.seq.0, claim.unit.0, self.made);
        let on_sale = unit < made && !self.is_void(unit);
        if unit >= made {
            report.add(activity, kind, StockBroken::UnitNeverMade { seq, unit, made });
        } else if !on_sale {
            report.add(activity, kind, StockBroken::UnitTakenBack { seq, unit });
        }
        let told = on_sale && unit < self.lowest;
        if told || !self.others.insert(unit) {
            let same = Finding::UnitTwice(activity, self.place.1, UnitNo(unit));
            report.add_contradiction(same, kind, StockBroken::UnitTwice { unit });
            return;
        }
        if on_sale {
            self.units_sold += 1;
            self.order(claim, report);
            self.advance();
        }
    }

    /// Claim numbers rise; gaps are what crashes leave.
    fn number(&mut self, claim: &Claim, report: &mut Report) {
        let (seq, claim_no, before) = (claim.seq.0, claim.claim_no.0, self.last_claim_no);
        if claim_no <= before {
            let broken = CodeBroken::ClaimNoNotAbove { seq, claim_no, before };
            report.add(self.place.0, Some(self.place.1), broken);
        }
        self.last_claim_no = claim_no;
    }

    /// The unit claimed is the lowest that was free, or a finding.
    fn order(&mut self, claim: &Claim, report: &mut Report) {
        let (seq, unit, lowest) = (claim.seq.0, claim.unit.0, self.lowest);
        if unit > lowest && self.passed_over != Some(lowest) {
            self.passed_over = Some(lowest);
            let broken = CodeBroken::PassedOver { seq, unit, lowest };
            report.add(self.place.0, Some(self.place.1), broken);
        }
    }

    /// Moves `lowest` to the first unit that is neither claimed nor taken back.
    fn advance(&mut self) {
        loop {
            if let Some(void) = self.void_at(self.lowest) {
                self.lowest = void.end;
            } else if self.others.remove(&self.lowest) {
                self.lowest += 1;
            } else {
                return;
            }
        }
    }

    fn void_at(&self, unit: u32) -> Option<&Range<u32>> {
        let place = self.void.partition_point(|range| range.end <= unit);
        self.void.get(place).filter(|range| range.start <= unit)
    }

    fn is_void(&self, unit: u32) -> bool {
        self.void_at(unit).is_some()
    }

    fn void_count(&self) -> u64 {
        self.void.iter().map(|range| u64::from(range.end - range.start)).sum()
    }

    fn total(&self) -> u64 {
        u64::from(self.made) - self.void_count()
    }

    fn available(&self) -> u64 {
        self.total() - self.units_sold
    }

    /// Stock = available + held + sold, where without prices nothing durable is held.
    fn balance(&self, report: &mut Report) {
        let (total, available, sold) = (self.total(), self.available(), self.claims);
        if sold > total {
            report.add(self.place.0, Some(self.place.1), StockBroken::Oversold { total, sold });
        } else if total != available + sold {
            let broken = StockBroken::Unbalanced { total, available, sold };
            report.add(self.place.0, Some(self.place.1), broken);
        }
    }
}

/// What was taken back, without overlap and within what was made; what is beyond either is reported.
fn void(place: (ActivityNo, TypeNo), kind: &StoredType, report: &mut Report) -> Vec<Range<u32>> {
    let made = kind.made;
    let mut sorted = kind.void.clone();
    sorted.sort_unstable_by_key(|range| (range.start, range.end));
    let mut void: Vec<Range<u32>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        let (activity, ticket_type) = (place.0, Some(place.1));
        if range.end > made {
            let past = range.end;
            report.add(activity, ticket_type, StockBroken::TakenBackNeverMade { past, made });
        }
        let covered = void.last().map_or(0, |last| last.end);
        if range.start < covered {
            let unit = range.start;
            report.add(activity, ticket_type, StockBroken::TakenBackTwice { unit });
        }
        let range = range.start.max(covered)..range.end.min(made);
        if !range.is_empty() {
            void.push(range);
        }
    }
    void
}
