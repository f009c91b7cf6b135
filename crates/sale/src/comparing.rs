//! What a definition that is imported again would change of an activity, against what is in the ledger.
//! It only reads, and holds no more than the definition itself: codes and names go by one at a time.

use crate::{
    Entry,
    files::{Difference, NotChangeable, diff_for_update, unit_key},
};
use ledger::{Cause, Ledger, LedgerFault, NewActivity, NewUnits, RosterName, StoredType};
use rules::{ActivityNo, TypeNo};
use std::collections::HashSet;

/// Everything that differs and may not; empty: the definition can take the place of the one that stands.
///
/// Stock and codes are the same if they are what was imported, whatever came later, or what is there now:
/// neither the file that was imported nor one that was kept up to date asks for a change.
pub fn differences(
    ledger: &dyn Ledger,
    entry: &Entry,
    new: &NewActivity,
) -> Result<Vec<NotChangeable>, LedgerFault> {
    let mut found = diff_for_update(&entry.activity, &new.activity).err().unwrap_or_default();
    let stored = ledger.activity(entry.no)?;
    let stored = stored.ok_or(LedgerFault::NothingHappened(Cause::Corrupt))?;
    let first = ledger.first_units(entry.no)?;
    for (index, (standing, units)) in stored.types.iter().zip(&new.units).enumerate() {
        let (old, new) = (&entry.activity.types[index], &new.activity.types[index]);
        // Of another type nothing is compared: that it is another one has been said.
        if old.id != new.id || old.kind != new.kind {
            continue;
        }
        let place = (entry.no, TypeNo(index as u16));
        let difference = match units {
            NewUnits::Plain(given) => stock_difference(*given, first[index], standing),
            NewUnits::Codes(codes) => codes_difference(ledger, place, codes, first[index])?,
        };
        let key = unit_key(new.kind).to_owned();
        let named = |difference| NotChangeable { ticket: Some(index), key, difference };
        found.extend(difference.map(named));
    }
    if entry.activity.has_roster && new.activity.has_roster {
        let difference = roster_difference(ledger, entry.no, &new.roster)?;
        let named = |difference| NotChangeable { ticket: None, key: "roster".into(), difference };
        found.extend(difference.map(named));
    }
    Ok(found)
}

fn stock_difference(given: u32, imported: u32, standing: &StoredType) -> Option<Difference> {
    let void: u32 = standing.void.iter().map(|range| range.end - range.start).sum();
    let total = standing.made - void;
    (given != imported && given != total).then_some(Difference::Stock { imported, total })
}

/// Row by row: the order of codes is the order in which they go out.
fn codes_difference(
    ledger: &dyn Ledger,
    (no, kind): (ActivityNo, TypeNo),
    codes: &[String],
    imported: u32,
) -> Result<Option<Difference>, LedgerFault> {
    let (mut total, mut other) = (0u32, None);
    ledger.codes(no, kind, 0, &mut |code| {
        let is_other = codes.get(total as usize).is_some_and(|given| given != code);
        total += 1;
        if is_other {
            other = other.or(Some(total));
        }
    })?;
    if let Some(row) = other {
        return Ok(Some(Difference::CodeAt { row }));
    }
    let given = u32::try_from(codes.len()).expect("a list has at most UNITS_MAX codes");
    let differs = given != imported && given != total;
    Ok(differs.then_some(Difference::CodeCount { given, imported, total }))
}

/// Names alone: what is shown beside them may differ, and stays as it was imported.
fn roster_difference(
    ledger: &dyn Ledger,
    no: ActivityNo,
    roster: &[RosterName],
) -> Result<Option<Difference>, LedgerFault> {
    let given: HashSet<&str> = roster.iter().map(|line| line.name.as_str()).collect();
    let (mut kept, mut missing) = (0u32, 0u32);
    ledger.roster_names(no, &mut |name| match given.contains(name) {
        true => kept += 1,
        false => missing += 1,
    })?;
    let added = u32::try_from(given.len()).expect("a roster has at most rows_max names") - kept;
    Ok((added + missing > 0).then_some(Difference::Roster { added, missing }))
}
