//! Activities with their units, codes and rosters: added all or nothing, read as they stand.
//! It never writes under an ownership that has ended.

use super::fault::Fail;
use super::numbers::{SOURCE_PASSWORD, kind};
use super::{SqliteLedger, audit_log, definition, demand_epoch, events, people};
use crate::contract::{
    ActivityLedger, AddRefused, AddedActivity, AddedCodes, Appended, AuditEntry, AuditRecord,
    Cause, EventDraft, LedgerFault, NewActivity, NewUnits, OperatorKey, RosterName, StoredActivity,
};
use rules::{
    ACTIVITIES_MAX, Activity, ActivityNo, Epoch, Event, TYPES_MAX, TimeMs, TypeNo, UNITS_MAX,
    UnitKind, UnitNo, UserNo,
};
use rusqlite::{Connection, OptionalExtension};

impl NewUnits {
    /// How many there are; more than the rules allow: `None`.
    fn count(&self) -> Option<u32> {
        let count = match self {
            Self::Plain(count) => *count,
            Self::Codes(codes) => u32::try_from(codes.len()).ok()?,
        };
        (count <= UNITS_MAX).then_some(count)
    }

    const fn kind(&self) -> UnitKind {
        match self {
            Self::Plain(_) => UnitKind::Plain,
            Self::Codes(_) => UnitKind::Codes,
        }
    }
}

fn assert_whole(new: &NewActivity) {
    let Activity { types, has_roster, .. } = &new.activity;
    assert!(!types.is_empty() && types.len() <= usize::from(TYPES_MAX), "1 to TYPES_MAX types");
    assert_eq!(new.units.len(), types.len(), "units for each type");
    for (units, ticket) in new.units.iter().zip(types) {
        assert_eq!(units.kind(), ticket.kind, "units of the kind of their type");
    }
    assert!(*has_roster || new.roster.is_empty(), "a roster where the activity has one");
}

fn add(
    connection: &Connection,
    place: usize,
    new: &NewActivity,
    at: TimeMs,
) -> Result<Result<AddedActivity, AddRefused>, Fail> {
    if exists(connection, &new.activity.id)? {
        return Ok(Err(AddRefused::IdExists(place)));
    }
    let no = definition::insert(connection, &new.activity)?;
    if no.0 > ACTIVITIES_MAX {
        return Err(Fail::Because(Cause::Full));
    }
    for (index, (units, ticket)) in new.units.iter().zip(&new.activity.types).enumerate() {
        let type_no = definition::type_no(index);
        let made = units.count().ok_or(Fail::Because(Cause::Full))?;
        definition::put_type(connection, no, type_no, ticket, made)?;
        if let NewUnits::Codes(codes) = units
            && let Some(double) = add_all_codes(connection, no, type_no, codes)?
        {
            return Ok(Err(AddRefused::CodeExists(place, type_no, double)));
        }
    }
    let self_registered = add_roster(connection, no, &new.roster, at)?;
    Ok(Ok(AddedActivity { no, self_registered }))
}

fn exists(connection: &Connection, id: &str) -> Result<bool, Fail> {
    Ok(connection.prepare_cached("SELECT 1 FROM activities WHERE id = ?")?.exists([id])?)
}

/// The place of the first code that exists already, if one does.
fn add_all_codes(
    connection: &Connection,
    activity: ActivityNo,
    ticket_type: TypeNo,
    codes: &[String],
) -> Result<Option<usize>, Fail> {
    for (unit, code) in codes.iter().enumerate() {
        if !add_code(connection, activity, ticket_type, unit as u32, code)? {
            return Ok(Some(unit));
        }
    }
    Ok(None)
}

/// Whether the code was new; if not, nothing was written.
pub(super) fn add_code(
    connection: &Connection,
    activity: ActivityNo,
    ticket_type: TypeNo,
    unit: u32,
    code: &str,
) -> Result<bool, Fail> {
    let sql = "INSERT INTO codes VALUES (?, ?, ?, ?) ON CONFLICT (code) DO NOTHING";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute((activity.0, ticket_type.0, unit, code))? == 1)
}

/// Returns the names that registered themselves.
fn add_roster(
    connection: &Connection,
    activity: ActivityNo,
    roster: &[RosterName],
    at: TimeMs,
) -> Result<Vec<String>, Fail> {
    let sql = "INSERT INTO rosters VALUES (?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut self_registered = Vec::new();
    for line in roster {
        let known = people::listed(connection, &line.name, &line.display_name, at)?;
        if known.self_registered {
            self_registered.push(line.name.clone());
        }
        statement.execute((activity.0, known.no.0, &line.display_name, &line.department))?;
    }
    Ok(self_registered)
}

fn visit_codes(
    connection: &Connection,
    no: ActivityNo,
    ticket_type: TypeNo,
    from: u32,
    visit: &mut dyn FnMut(&str),
) -> Result<(), Fail> {
    let sql = "SELECT code FROM codes WHERE activity = ? AND ticket_type = ? AND unit >= ?
               ORDER BY unit";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((no.0, ticket_type.0, from))?;
    while let Some(row) = rows.next()? {
        visit(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
    }
    Ok(())
}

fn visit_roster(
    connection: &Connection,
    no: ActivityNo,
    visit: &mut dyn FnMut(UserNo),
) -> Result<(), Fail> {
    let sql = format!(
        "SELECT user_no FROM rosters JOIN names ON names.no = user_no
         WHERE activity = ? AND source IS NOT {SOURCE_PASSWORD} ORDER BY user_no"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([no.0])?;
    while let Some(row) = rows.next()? {
        visit(UserNo(row.get(0)?));
    }
    Ok(())
}

fn visit_roster_names(
    connection: &Connection,
    no: ActivityNo,
    visit: &mut dyn FnMut(&str),
) -> Result<(), Fail> {
    let sql = "SELECT name FROM rosters JOIN names ON names.no = user_no WHERE activity = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([no.0])?;
    while let Some(row) = rows.next()? {
        visit(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
    }
    Ok(())
}

/// Units that came later follow the first ones, so the first event that added some says where these end.
fn first_units(connection: &Connection, no: ActivityNo) -> Result<Vec<u32>, Fail> {
    let sql = "SELECT coalesce(
                   (SELECT min(first_unit) FROM events
                    WHERE activity = ?1 AND ticket_type = ticket_types.no AND kind = ?2),
                   made)
               FROM ticket_types WHERE activity = ?1 ORDER BY no";
    let mut statement = connection.prepare_cached(sql)?;
    let units = statement.query_map((no.0, kind::UNITS_ADDED), |row| row.get(0))?;
    Ok(units.collect::<Result<_, _>>()?)
}

impl ActivityLedger for SqliteLedger {
    fn add_activities(
        &self,
        epoch: Epoch,
        new: &[NewActivity],
        entry: &AuditEntry,
    ) -> Result<Vec<AddedActivity>, AddRefused> {
        new.iter().for_each(assert_whole);
        self.try_write("adding activities", |connection| {
            demand_epoch(connection, epoch)?;
            let mut added = Vec::with_capacity(new.len());
            for (place, one) in new.iter().enumerate() {
                match add(connection, place, one, entry.at)? {
                    Ok(one) => added.push(one),
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            audit_log::add(connection, entry)?;
            Ok(Ok(added))
        })?
    }

    fn append(
        &self,
        epoch: Epoch,
        draft: &EventDraft,
        entry: &AuditEntry,
    ) -> Result<Appended, LedgerFault> {
        let appended = self.try_write("writing a change", |connection| {
            demand_epoch(connection, epoch)?;
            let appended = events::append(connection, draft)?;
            if appended.is_ok() {
                audit_log::add(connection, entry)?;
            }
            Ok(appended)
        });
        appended.map(|appended| appended.map_or_else(|unchanged| unchanged, Appended::New))
    }

    fn known_event(
        &self,
        activity: ActivityNo,
        key: OperatorKey,
    ) -> Result<Option<Event>, LedgerFault> {
        self.read("looking for a key", |connection| events::known(connection, activity, key))
    }

    fn add_codes(
        &self,
        epoch: Epoch,
        activity: ActivityNo,
        ticket_type: TypeNo,
        codes: &[String],
        entry: &AuditEntry,
    ) -> Result<Option<AddedCodes>, LedgerFault> {
        let added = self.try_write("adding codes", |connection| {
            demand_epoch(connection, epoch)?;
            let added = events::add_codes(connection, activity, ticket_type, codes, entry.at)?;
            if matches!(&added, Some(AddedCodes { event: Some(_), .. })) {
                audit_log::add(connection, entry)?;
                return Ok(Ok(added));
            }
            Ok(Err(added))
        });
        added.map(|added| added.unwrap_or_else(|unchanged| unchanged))
    }

    fn activities(&self) -> Result<Vec<StoredActivity>, LedgerFault> {
        self.read("reading activities", |connection| definition::read(connection, 0..=u32::MAX))
    }

    fn activity(&self, no: ActivityNo) -> Result<Option<StoredActivity>, LedgerFault> {
        self.read("reading an activity", |connection| {
            Ok(definition::read(connection, no.0..=no.0)?.pop())
        })
    }

    fn roster(&self, no: ActivityNo, visit: &mut dyn FnMut(UserNo)) -> Result<(), LedgerFault> {
        self.read("reading a roster", |connection| visit_roster(connection, no, visit))
    }

    fn first_units(&self, no: ActivityNo) -> Result<Vec<u32>, LedgerFault> {
        self.read("reading the first units", |connection| first_units(connection, no))
    }

    fn roster_names(&self, no: ActivityNo, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerFault> {
        self.read("reading a roster's names", |connection| {
            visit_roster_names(connection, no, visit)
        })
    }

    fn codes(
        &self,
        no: ActivityNo,
        ticket_type: TypeNo,
        from: u32,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), LedgerFault> {
        self.read("reading codes", |connection| {
            visit_codes(connection, no, ticket_type, from, visit)
        })
    }

    fn find_code(&self, code: &str) -> Result<Option<(ActivityNo, TypeNo, UnitNo)>, LedgerFault> {
        let sql = "SELECT activity, ticket_type, unit FROM codes WHERE code = ?";
        self.read("looking for a code", |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let unit = statement.query_row([code], |row| {
                Ok((ActivityNo(row.get(0)?), TypeNo(row.get(1)?), UnitNo(row.get(2)?)))
            });
            Ok(unit.optional()?)
        })
    }

    fn write_audit(&self, entries: &[AuditEntry]) -> Result<(), LedgerFault> {
        self.write("writing the audit log", |connection| {
            entries.iter().try_for_each(|entry| audit_log::add(connection, entry))
        })
    }

    fn read_audit(&self, before: Option<u64>, most: u32) -> Result<Vec<AuditRecord>, LedgerFault> {
        self.read("reading the audit log", |connection| audit_log::read(connection, before, most))
    }
}
