//! Units: an activity's lines in the order of decision over plain lists (promises 1 and 4).
//! It never uses the stock's own structures: a mistake in those must not hide here.

use super::broken::{CodeBroken, StockBroken};
use super::finding::Promise;
use super::lines::Line;
use super::report::Report;
use ledger::{Finding, StoredActivity, StoredType};
use rules::{ActivityNo, OrderState, TypeNo, UnitKind, UnitNo};
use std::collections::BTreeSet;
use std::ops::Range;

/// One type during the replay.
///
/// When a unit was taken back or came back cannot be told from its line, and so it may have been free or not at any
/// moment: only units that nobody had before, and that were never taken back, prove that a lower one was free. Unit
/// numbers are given in the order in which units are made, so whatever lies below a unit was made before it.
struct Units {
    place: (ActivityNo, TypeNo),
    kind: UnitKind,
    made: u32,
    /// Taken back: ascending, without overlap, all below `made`.
    void: Vec<Range<u32>>,
    /// Every unit below this was claimed before or was taken back.
    lowest: u32,
    /// Claimed before, and not told by `lowest`: above it.
    others: BTreeSet<u32>,
    /// The unit last reported as passed over, so that it is reported once.
    passed_over: Option<u32>,
    /// Unit, place in the list of lines; every line.
    lines: Vec<(u32, u32)>,
    held: u64,
    sold: u64,
    last_claim_no: u32,
}

/// Replays the lines, which come in the order of seq. Returns the units left of each type.
pub fn check(stored: &StoredActivity, lines: &[Line], report: &mut Report) -> Vec<u64> {
    let numbered = (0..).map(TypeNo).zip(stored.types.iter().zip(&stored.activity.types));
    let mut types: Vec<_> = numbered
        .map(|(no, (kind, ticket))| Units::new((stored.no, no), ticket.kind, kind, report))
        .collect();
    for (place, line) in (0..).zip(lines) {
        match types.get_mut(usize::from(line.claim.ticket_type.0)) {
            Some(units) => units.line(line, place, report),
            None => {
                let (seq, ticket_type) = (line.claim.seq.0, line.claim.ticket_type.0);
                report.add(stored.no, None, StockBroken::TypeUnknown { seq, ticket_type });
            }
        }
    }
    report.count(Promise::NeverOversold, "claims", lines.len());
    report.count(Promise::CodeOnce, "claims", lines.len());
    types.into_iter().map(|units| units.balance(lines, report)).collect()
}

impl Units {
    fn new(
        place: (ActivityNo, TypeNo),
        kind: UnitKind,
        stored: &StoredType,
        report: &mut Report,
    ) -> Self {
        report.count(Promise::NeverOversold, "units", stored.made as usize);
        let mut units = Self {
            place,
            kind,
            made: stored.made,
            void: void(place, stored, report),
            lowest: 0,
            others: BTreeSet::new(),
            passed_over: None,
            lines: Vec::new(),
            held: 0,
            sold: 0,
            last_claim_no: 0,
        };
        units.advance();
        units
    }

    fn line(&mut self, line: &Line, place: u32, report: &mut Report) {
        self.held += u64::from(line.state == OrderState::Held);
        self.sold += u64::from(line.state == OrderState::Paid);
        self.number(line, report);
        let (activity, kind) = (self.place.0, Some(self.place.1));
        let (seq, unit, made) = (line.claim.seq.0, line.claim.unit.0, self.made);
        self.lines.push((unit, place));
        if unit >= made {
            report.add(activity, kind, StockBroken::UnitNeverMade { seq, unit, made });
        } else if self.is_void(unit) {
            // One that came back may have been taken back then.
            if line.keeps_unit(self.kind) {
                report.add(activity, kind, StockBroken::UnitTakenBack { seq, unit });
            }
        } else {
            self.order(seq, unit, report);
        }
    }

    /// Claim numbers rise; gaps are what crashes leave.
    fn number(&mut self, line: &Line, report: &mut Report) {
        let (seq, claim_no) = (line.claim.seq.0, line.claim.claim_no.0);
        let before = self.last_claim_no;
        if claim_no <= before {
            let broken = CodeBroken::ClaimNoNotAbove { seq, claim_no, before };
            report.add(self.place.0, Some(self.place.1), broken);
        }
        self.last_claim_no = claim_no;
    }

    /// No unit that nobody had before lies below the one claimed, or it is a finding.
    fn order(&mut self, seq: u32, unit: u32, report: &mut Report) {
        let lowest = self.lowest;
        if unit > lowest && !self.others.contains(&unit) && self.passed_over != Some(lowest) {
            self.passed_over = Some(lowest);
            let broken = CodeBroken::PassedOver { seq, unit, lowest };
            report.add(self.place.0, Some(self.place.1), broken);
        }
        if unit >= lowest {
            self.others.insert(unit);
            self.advance();
        }
    }

    /// Moves `lowest` to the first unit that was neither claimed nor taken back.
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

    /// Stock = available + held + sold, each unit counted once; returns what is available.
    fn balance(mut self, lines: &[Line], report: &mut Report) -> u64 {
        let (taken, shown) = self.count_units(lines, report);
        let total = u64::from(self.made) - self.void_count() - shown;
        let (available, held, sold) = (total - taken, self.held, self.sold);
        let (activity, kind) = (self.place.0, Some(self.place.1));
        if held + sold > total {
            report.add(activity, kind, StockBroken::Oversold { total, held, sold });
        } else if total != available + held + sold {
            let broken = StockBroken::Unbalanced { total, available, held, sold };
            report.add(activity, kind, broken);
        }
        if self.kind == UnitKind::Codes && self.void_count() > 0 {
            let broken = CodeBroken::CodesTakenBack { units: self.void_count() };
            report.add(activity, kind, broken);
        }
        available
    }

    /// Different units on sale that live lines have; and those that only lines have whose codes were shown.
    fn count_units(&mut self, lines: &[Line], report: &mut Report) -> (u64, u64) {
        let mut claimed = std::mem::take(&mut self.lines);
        claimed.sort_unstable();
        let (mut taken, mut shown) = (0, 0);
        for same in claimed.chunk_by(|one, next| one.0 == next.0) {
            let unit = same[0].0;
            let of_unit = || same.iter().map(|(_, place)| &lines[*place as usize]);
            self.once(unit, of_unit(), report);
            if unit >= self.made || self.is_void(unit) {
                continue;
            }
            if of_unit().any(Line::is_live) {
                taken += 1;
            } else if of_unit().any(|line| line.keeps_unit(self.kind)) {
                shown += 1;
            }
        }
        (taken, shown)
    }

    /// Nobody got a unit that an earlier line keeps. Its lines come in the order of seq; one finding for each unit.
    fn once<'l>(&self, unit: u32, lines: impl Iterator<Item = &'l Line>, report: &mut Report) {
        let mut kept: Option<&Line> = None;
        for line in lines {
            let Some(before) = kept else {
                kept = line.keeps_unit(self.kind).then_some(line);
                continue;
            };
            let (activity, kind, seq) = (self.place.0, self.place.1, line.claim.seq.0);
            let same = Finding::UnitTwice(activity, kind, UnitNo(unit));
            if before.is_live() {
                report.add_contradiction(same, Some(kind), StockBroken::UnitTwice { unit });
            } else {
                let broken = CodeBroken::ShownBefore { seq, unit };
                report.add_contradiction(same, Some(kind), broken);
            }
            return;
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
