//! Activities on the simulated disk, and what operators did to them.
//! What is closed stays closed, and a unit's number is given once.

use super::{
    Call, SimLedger,
    claims::demand,
    disk::{Disk, Keyed, Listed, Sold},
    people,
};
use ledger::{
    ActivityLedger, AddRefused, AddedActivity, AddedCodes, Appended, AuditEntry, AuditRecord,
    Cause, EventDraft, LedgerFault, NewActivity, NewUnits, OperatorKey, Source, StoredActivity,
    StoredType,
};
use rules::{
    ActivityNo, Epoch, Event, EventKind, EventNo, TimeMs, TypeNo, UNITS_MAX, UnitNo, UserNo,
};
use std::sync::Arc;

impl ActivityLedger for SimLedger {
    fn add_activities(
        &self,
        epoch: Epoch,
        new: &[NewActivity],
        entry: &AuditEntry,
    ) -> Result<Vec<AddedActivity>, AddRefused> {
        self.try_write(Call::Other, |disk| {
            demand(disk, epoch)?;
            let mut added = Vec::with_capacity(new.len());
            for (place, one) in new.iter().enumerate() {
                match add(disk, place, one) {
                    Ok(one) => added.push(one),
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            Arc::make_mut(&mut disk.audit).push(entry.clone());
            Ok(Ok(added))
        })?
    }

    fn append(
        &self,
        epoch: Epoch,
        draft: &EventDraft,
        entry: &AuditEntry,
    ) -> Result<Appended, LedgerFault> {
        let appended = self.try_write(Call::Change, |disk| {
            demand(disk, epoch)?;
            let appended = append(disk, draft)?;
            if appended.is_ok() {
                Arc::make_mut(&mut disk.audit).push(entry.clone());
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
        Ok(known(&*self.read()?, activity, key))
    }

    fn add_codes(
        &self,
        epoch: Epoch,
        activity: ActivityNo,
        ticket_type: TypeNo,
        codes: &[String],
        entry: &AuditEntry,
    ) -> Result<Option<AddedCodes>, LedgerFault> {
        let added = self.try_write(Call::Change, |disk| {
            demand(disk, epoch)?;
            let added = add_codes(disk, activity, ticket_type, codes, entry.at)?;
            if matches!(&added, Some(AddedCodes { event: Some(_), .. })) {
                Arc::make_mut(&mut disk.audit).push(entry.clone());
                return Ok(Ok(added));
            }
            Ok(Err(added))
        });
        added.map(|added| added.unwrap_or_else(|unchanged| unchanged))
    }

    fn activities(&self) -> Result<Vec<StoredActivity>, LedgerFault> {
        Ok(self.read()?.activities.iter().map(|sold| sold.stored.clone()).collect())
    }

    fn activity(&self, no: ActivityNo) -> Result<Option<StoredActivity>, LedgerFault> {
        Ok(self.read()?.activity(no).map(|sold| sold.stored.clone()))
    }

    fn roster(&self, no: ActivityNo, visit: &mut dyn FnMut(UserNo)) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        let listed = disk.activity(no).into_iter().flat_map(|sold| &sold.roster);
        let meant = listed.map(|listed| listed.user).filter(|user| {
            disk.name(*user).is_some_and(|name| name.person.source != Some(Source::Password))
        });
        meant.for_each(visit);
        Ok(())
    }

    fn first_units(&self, no: ActivityNo) -> Result<Vec<u32>, LedgerFault> {
        Ok(self.read()?.activity(no).map(|sold| sold.first_units.clone()).unwrap_or_default())
    }

    fn roster_names(&self, no: ActivityNo, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        let listed = disk.activity(no).into_iter().flat_map(|sold| &sold.roster);
        listed
            .filter_map(|listed| disk.name(listed.user))
            .for_each(|name| visit(&name.person.name));
        Ok(())
    }

    fn codes(
        &self,
        no: ActivityNo,
        ticket_type: TypeNo,
        from: u32,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        let of_type = disk.activity(no).and_then(|sold| sold.codes.get(usize::from(ticket_type.0)));
        of_type.into_iter().flatten().skip(from as usize).for_each(|code| visit(code));
        Ok(())
    }

    fn find_code(&self, code: &str) -> Result<Option<(ActivityNo, TypeNo, UnitNo)>, LedgerFault> {
        Ok(self.read()?.codes.get(code).copied())
    }

    fn write_audit(&self, entries: &[AuditEntry]) -> Result<(), LedgerFault> {
        self.write(Call::Other, |disk| {
            Arc::make_mut(&mut disk.audit).extend(entries.iter().cloned());
            Ok(())
        })
    }

    fn read_audit(&self, before: Option<u64>, most: u32) -> Result<Vec<AuditRecord>, LedgerFault> {
        let disk = self.read()?;
        let numbered =
            (1..).zip(disk.audit.iter()).filter(|(no, _)| before.is_none_or(|b| *no < b));
        let mut records: Vec<AuditRecord> =
            numbered.map(|(no, entry)| AuditRecord { no, entry: entry.clone() }).collect();
        records.reverse();
        records.truncate(most as usize);
        Ok(records)
    }
}

fn add(disk: &mut Disk, place: usize, new: &NewActivity) -> Result<AddedActivity, AddRefused> {
    if disk.activities.iter().any(|sold| sold.stored.activity.id == new.activity.id) {
        return Err(AddRefused::IdExists(place));
    }
    let no = ActivityNo(disk.activities.len() as u32 + 1);
    let mut sold = Sold {
        stored: StoredActivity {
            no,
            activity: new.activity.clone(),
            closed: false,
            paused: false,
            types: Vec::new(),
            through: EventNo(0),
        },
        first_units: Vec::new(),
        codes: Vec::new(),
        roster: Vec::new(),
    };
    for (kind, units) in (0..).map(TypeNo).zip(&new.units) {
        let codes = match units {
            NewUnits::Plain(_) => &Vec::new(),
            NewUnits::Codes(codes) => codes,
        };
        let made = if let NewUnits::Plain(count) = units { *count } else { codes.len() as u32 };
        for (unit, code) in (0..).map(UnitNo).zip(codes) {
            if !add_code(disk, code, (no, kind, unit)) {
                return Err(AddRefused::CodeExists(place, kind, unit.0 as usize));
            }
        }
        sold.first_units.push(made);
        sold.stored.types.push(StoredType { made, void: Vec::new() });
        sold.codes.push(codes.clone());
    }
    let mut self_registered = Vec::new();
    for line in &new.roster {
        let (user, registered) = people::listed(disk, &line.name, &line.display_name);
        self_registered.extend(registered.then(|| line.name.clone()));
        let (display_name, department) = (line.display_name.clone(), line.department.clone());
        sold.roster.push(Listed { user, display_name, department });
    }
    sold.roster.sort_by_key(|listed| listed.user);
    disk.activities.push(Arc::new(sold));
    Ok(AddedActivity { no, self_registered })
}

/// Whether the code was new.
fn add_code(disk: &mut Disk, code: &str, at: (ActivityNo, TypeNo, UnitNo)) -> bool {
    let codes = Arc::make_mut(&mut disk.codes);
    let new = !codes.contains_key(code);
    if new {
        codes.insert(code.to_owned(), at);
    }
    new
}

fn known(disk: &Disk, activity: ActivityNo, key: OperatorKey) -> Option<Event> {
    let same = |keyed: &&Keyed| keyed.event.activity == activity && keyed.key == key;
    let mut event = disk.keyed.iter().find(same)?.event.clone();
    if let EventKind::Changed(definition) = &mut event.kind {
        // Former definitions are not kept.
        **definition = disk.activity(activity)?.stored.activity.clone();
    }
    Some(event)
}

fn append(disk: &mut Disk, draft: &EventDraft) -> Result<Result<Event, Appended>, Cause> {
    if let Some(event) = draft.key.and_then(|key| known(disk, draft.activity, key)) {
        return Ok(Err(Appended::Known(event)));
    }
    let stored = &disk.activity(draft.activity).ok_or(Cause::Corrupt)?.stored;
    if stored.closed {
        return Ok(Err(Appended::Closed));
    }
    let mut kind = draft.kind.clone();
    if let EventKind::UnitsAdded { ticket_type, units } = &mut kind {
        let first = stored.types[usize::from(ticket_type.0)].made;
        let past = first.checked_add(units.end - units.start).filter(|past| *past <= UNITS_MAX);
        let Some(past) = past else { return Ok(Err(Appended::TooMany)) };
        *units = first..past;
    }
    let event = write(disk, draft.activity, draft.at, kind);
    if let Some(key) = draft.key {
        Arc::make_mut(&mut disk.keyed).push(Keyed { key, event: event.clone() });
    }
    Ok(Ok(event))
}

pub(super) fn write(disk: &mut Disk, activity: ActivityNo, at: TimeMs, kind: EventKind) -> Event {
    disk.last_event.0 += 1;
    let no = disk.last_event;
    let stored = &mut disk.activity_mut(activity).expect("it was looked at").stored;
    match &kind {
        EventKind::Paused => stored.paused = true,
        EventKind::Resumed => stored.paused = false,
        EventKind::Closed => stored.closed = true,
        EventKind::UnitsAdded { ticket_type, units } => {
            stored.types[usize::from(ticket_type.0)].made = units.end;
        }
        EventKind::UnitsTakenBack { ticket_type, units } => {
            let void = &mut stored.types[usize::from(ticket_type.0)].void;
            for range in units {
                let apart = |other: &std::ops::Range<u32>| {
                    other.end <= range.start || range.end <= other.start
                };
                assert!(void.iter().all(apart), "a unit is taken back once");
                void.push(range.clone());
            }
        }
        EventKind::Changed(definition) => stored.activity = (**definition).clone(),
        EventKind::Order { .. }
        | EventKind::LinedUp { .. }
        | EventKind::LeftLine { .. }
        | EventKind::Payment { .. } => {}
    }
    stored.through = no;
    Event { no, activity, at, kind }
}

fn add_codes(
    disk: &mut Disk,
    activity: ActivityNo,
    ticket_type: TypeNo,
    codes: &[String],
    at: TimeMs,
) -> Result<Option<AddedCodes>, Cause> {
    let kind = usize::from(ticket_type.0);
    let stored = &disk.activity(activity).ok_or(Cause::Corrupt)?.stored;
    if stored.closed {
        return Ok(None);
    }
    let first = stored.types[kind].made;
    let (mut past, mut duplicates) = (first, Vec::new());
    for (place, code) in codes.iter().enumerate() {
        if add_code(disk, code, (activity, ticket_type, UnitNo(past))) {
            past += 1;
            let sold = disk.activity_mut(activity).ok_or(Cause::Corrupt)?;
            sold.codes[kind].push(code.clone());
        } else {
            duplicates.push(place);
        }
    }
    let added = EventKind::UnitsAdded { ticket_type, units: first..past };
    let event = (past > first).then(|| write(disk, activity, at, added));
    Ok(Some(AddedCodes { event, duplicates }))
}
