//! An activity as it was imported, read back from the ledger: what an update of its texts is compared with, and what
//! a second import of the same is known by. It changes nothing; codes in it are for the sale and never for a log.

use crate::{Entry, Sale};
use ledger::{LedgerFault, NewActivity, NewUnits, RosterName, Source};
use rules::{TypeNo, UnitKind};
use std::collections::HashSet;

impl Sale {
    /// The definition as it stands with the units it was imported with. What is shown beside names is left out.
    pub fn definition(&self, entry: &Entry) -> Result<NewActivity, LedgerFault> {
        let ledger = &self.inner.ledger;
        let first = ledger.first_units(entry.no)?;
        let mut units = Vec::with_capacity(first.len());
        for (index, (kind, first)) in entry.activity.types.iter().zip(first).enumerate() {
            units.push(match kind.kind {
                UnitKind::Plain => NewUnits::Plain(first),
                UnitKind::Codes => NewUnits::Codes(self.first_codes(entry, index, first)?),
            });
        }
        let roster = self.roster_names(entry)?.into_iter().map(|name| {
            let (display_name, department) = (String::new(), String::new());
            RosterName { name, display_name, department }
        });
        Ok(NewActivity { activity: entry.activity.clone(), units, roster: roster.collect() })
    }

    /// Whether this is the very definition that an activity was imported with: the same import, sent again.
    pub fn is_same(&self, entry: &Entry, new: &NewActivity) -> Result<bool, LedgerFault> {
        if entry.activity != new.activity {
            return Ok(false);
        }
        let standing = self.definition(entry)?;
        let names = |one: &NewActivity| -> HashSet<String> {
            one.roster.iter().map(|line| line.name.clone()).collect()
        };
        Ok(standing.units == new.units && names(&standing) == names(new))
    }

    /// How many names an activity's roster has, and those, up to `most`, that registered themselves and therefore
    /// never satisfy it (C33).
    pub fn roster_report(
        &self,
        entry: &Entry,
        most: usize,
    ) -> Result<(usize, Vec<String>), LedgerFault> {
        let ledger = &self.inner.ledger;
        let names = self.roster_names(entry)?;
        let (count, mut sound) = (names.len(), 0);
        if entry.activity.has_roster {
            ledger.roster(entry.no, &mut |_| sound += 1)?;
        }
        let mut never = Vec::new();
        for name in names {
            if never.len() == most.min(count - sound) {
                break;
            }
            let person = ledger.person_by_name(&name)?;
            if person.is_some_and(|(person, _)| person.source == Some(Source::Password)) {
                never.push(name);
            }
        }
        Ok((count, never))
    }

    fn first_codes(
        &self,
        entry: &Entry,
        index: usize,
        first: u32,
    ) -> Result<Vec<String>, LedgerFault> {
        let kind = TypeNo(u16::try_from(index).expect("types are bounded"));
        let mut codes = Vec::new();
        self.inner.ledger.codes(entry.no, kind, 0, &mut |code| {
            if codes.len() < first as usize {
                codes.push(code.to_owned());
            }
        })?;
        Ok(codes)
    }

    fn roster_names(&self, entry: &Entry) -> Result<Vec<String>, LedgerFault> {
        let mut names = Vec::new();
        if entry.activity.has_roster {
            let visit = &mut |name: &str| names.push(name.to_owned());
            self.inner.ledger.roster_names(entry.no, visit)?;
        }
        Ok(names)
    }
}
