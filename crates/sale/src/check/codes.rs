//! Codes: each once in the whole ledger, and one for every unit made (promise 4).
//! The codes themselves are not kept: two keyed hashes of 64 bits stand for each, 24 bytes with its place.

use super::broken::CodeBroken;
use super::finding::Promise;
use super::report::Report;
use ledger::{Ledger, LedgerFault, StoredActivity};
use rules::{ActivityNo, TypeNo, UnitKind};
use std::hash::{BuildHasher, RandomState};

/// A code seen: what stands for it, which type (an index of `Codes::types`), its place there.
type Seen = ([u64; 2], u32, u32);

/// Every code of the ledger.
#[derive(Default)]
pub struct Codes {
    seen: Vec<Seen>,
    types: Vec<(ActivityNo, TypeNo)>,
    hashers: [RandomState; 2],
}

impl Codes {
    /// Reads the codes of one activity. `stored` was read before; codes may be added at any moment, so the
    /// ones that belong to units made since are counted apart, before all are, and the activity is read again
    /// after: whatever is missing or too much then was so all the time.
    pub fn read(
        &mut self,
        ledger: &dyn Ledger,
        stored: &StoredActivity,
        report: &mut Report,
    ) -> Result<(), LedgerFault> {
        let numbered = (0..).map(TypeNo).zip(&stored.activity.types);
        let of_codes = numbered.filter(|(_, ticket)| ticket.kind == UnitKind::Codes);
        for (no, _) in of_codes {
            let made = made(stored, no);
            let newer = count(ledger, stored.no, no, made)?;
            let all = self.read_type(ledger, stored.no, no)?;
            report.count(Promise::CodeOnce, "codes", all as usize);
            let Some(after) = ledger.activity(stored.no)? else { return Ok(()) };
            let missing = made.saturating_sub(all.saturating_sub(newer));
            if missing > 0 {
                let broken = CodeBroken::CodesMissing { units: missing.into() };
                report.add(stored.no, Some(no), broken);
            }
            let made_after = self::made(&after, no);
            let added = made_after.saturating_sub(made);
            let beyond = all.saturating_sub(made_after).max(newer.saturating_sub(added));
            if beyond > 0 {
                let broken = CodeBroken::CodesBeyond { codes: beyond.into() };
                report.add(stored.no, Some(no), broken);
            }
        }
        Ok(())
    }

    fn read_type(
        &mut self,
        ledger: &dyn Ledger,
        activity: ActivityNo,
        no: TypeNo,
    ) -> Result<u32, LedgerFault> {
        let index = u32::try_from(self.types.len()).expect("types are bounded");
        self.types.push((activity, no));
        let Self { seen, hashers, .. } = self;
        let mut place = 0;
        ledger.codes(activity, no, 0, &mut |code| {
            let mark = [hashers[0].hash_one(code), hashers[1].hash_one(code)];
            seen.push((mark, index, place));
            place += 1;
        })?;
        Ok(place)
    }

    /// Finds codes that exist twice, wherever they are.
    pub fn check_once(mut self, report: &mut Report) {
        self.seen.sort_unstable();
        for pair in self.seen.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let (_, index, place) = pair[1];
            let (activity, no) = self.types[index as usize];
            report.add(activity, Some(no), CodeBroken::CodeTwice { place });
        }
    }
}

fn made(stored: &StoredActivity, no: TypeNo) -> u32 {
    stored.types.get(usize::from(no.0)).map_or(0, |kind| kind.made)
}

fn count(
    ledger: &dyn Ledger,
    activity: ActivityNo,
    no: TypeNo,
    from: u32,
) -> Result<u32, LedgerFault> {
    let mut count = 0;
    ledger.codes(activity, no, from, &mut |_| count += 1)?;
    Ok(count)
}
