//! Names and accounts on the simulated disk. A name gets its number once and belongs to one source.
//! Simulated crowds use little of it; the contract has it all.

use super::{
    Call, SimLedger,
    disk::{Disk, Name},
};
use ledger::{Cause, LedgerFault, NameTaken, NewPerson, PeopleLedger, Person, Role, Source};
use rules::{TimeMs, UserNo};
use std::sync::Arc;

impl PeopleLedger for SimLedger {
    fn register(
        &self,
        name: &str,
        password_hash: &str,
        _at: TimeMs,
    ) -> Result<Result<Person, NameTaken>, LedgerFault> {
        self.try_write(Call::Other, |disk| {
            if disk.by_name(name).is_some() {
                return Ok(Err(NameTaken));
            }
            let person = person(name, "", Role::Buyer, Some(Source::Password));
            Ok(Ok(insert(disk, person, Some(password_hash))))
        })
    }

    fn adopt(
        &self,
        names: &[String],
        source: Source,
        _at: TimeMs,
    ) -> Result<Vec<Result<Person, NameTaken>>, LedgerFault> {
        assert!(matches!(source, Source::Issuer | Source::Vouching), "only these adopt");
        self.write(Call::Other, |disk| {
            Ok(names.iter().map(|name| adopt(disk, name, source)).collect())
        })
    }

    fn add_people(
        &self,
        people: &[NewPerson],
        _at: TimeMs,
    ) -> Result<Result<Vec<UserNo>, usize>, LedgerFault> {
        self.try_write(Call::Other, |disk| {
            let mut numbers = Vec::with_capacity(people.len());
            for (place, new) in people.iter().enumerate() {
                match add(disk, new) {
                    Some(no) => numbers.push(no),
                    None => return Ok(Err(place)),
                }
            }
            Ok(Ok(numbers))
        })
    }

    fn person_by_name(&self, name: &str) -> Result<Option<(Person, Option<String>)>, LedgerFault> {
        let disk = self.read()?;
        Ok(disk.by_name(name).map(|name| (name.person.clone(), name.password_hash.clone())))
    }

    fn person(&self, no: UserNo) -> Result<Option<Person>, LedgerFault> {
        Ok(self.read()?.name(no).map(|name| name.person.clone()))
    }

    fn set_password(&self, no: UserNo, password_hash: &str) -> Result<u32, LedgerFault> {
        self.write(Call::Other, |disk| {
            let name = disk.name_mut(no).ok_or(Cause::Corrupt)?;
            name.password_hash = Some(password_hash.to_owned());
            name.person.generation += 1;
            Ok(name.person.generation)
        })
    }

    fn end_sessions(&self, no: UserNo) -> Result<u32, LedgerFault> {
        self.write(Call::Other, |disk| {
            let name = disk.name_mut(no).ok_or(Cause::Corrupt)?;
            name.person.generation += 1;
            Ok(name.person.generation)
        })
    }

    fn revoke(&self, no: UserNo, mark: [u8; 16], until: TimeMs) -> Result<(), LedgerFault> {
        self.write(Call::Other, |disk| {
            let revoked = Arc::make_mut(&mut disk.revoked);
            let kept = revoked.entry((no, mark)).or_insert(until);
            *kept = until.max(*kept);
            Ok(())
        })
    }

    fn revoked(
        &self,
        now: TimeMs,
        visit: &mut dyn FnMut(UserNo, [u8; 16], TimeMs),
    ) -> Result<(), LedgerFault> {
        if self.owner {
            self.write(Call::Other, |disk| {
                Arc::make_mut(&mut disk.revoked).retain(|_, until| *until >= now);
                Ok(())
            })?;
        }
        let disk = self.read()?;
        disk.revoked.iter().for_each(|((no, mark), until)| visit(*no, *mark, *until));
        Ok(())
    }

    fn standings(&self, visit: &mut dyn FnMut(UserNo, Role, u32)) -> Result<(), LedgerFault> {
        for Name { person, .. } in self.read()?.names.iter() {
            if person.role != Role::Buyer || person.generation > 0 {
                visit(person.no, person.role, person.generation);
            }
        }
        Ok(())
    }

    fn people(&self, after: UserNo, most: u32) -> Result<Vec<Person>, LedgerFault> {
        let disk = self.read()?;
        let later = disk.names.iter().map(|name| &name.person).filter(|person| person.no > after);
        Ok(later.take(most as usize).cloned().collect())
    }

    fn last_user(&self) -> Result<UserNo, LedgerFault> {
        Ok(UserNo(self.read()?.names.len() as u32))
    }
}

fn person(name: &str, display_name: &str, role: Role, source: Option<Source>) -> Person {
    let (no, generation) = (UserNo(0), 0);
    let (name, display_name) = (name.to_owned(), display_name.to_owned());
    Person { no, name, display_name, role, source, generation }
}

/// Gives the person a number.
fn insert(disk: &mut Disk, mut person: Person, password_hash: Option<&str>) -> Person {
    person.no = UserNo(disk.names.len() as u32 + 1);
    Arc::make_mut(&mut disk.by_name).insert(person.name.clone(), person.no);
    let name = Name { person: person.clone(), password_hash: password_hash.map(str::to_owned) };
    Arc::make_mut(&mut disk.names).push(name);
    person
}

/// The number of a roster's name, and whether it registered itself.
pub fn listed(disk: &mut Disk, name: &str, display_name: &str) -> (UserNo, bool) {
    let Some(found) = disk.by_name(name).map(|name| name.person.clone()) else {
        return (insert(disk, person(name, display_name, Role::Buyer, None), None).no, false);
    };
    if found.source.is_none() && !display_name.is_empty() {
        let name = disk.name_mut(found.no).expect("it was found");
        name.person.display_name = display_name.to_owned();
    }
    (found.no, found.source == Some(Source::Password))
}

fn adopt(disk: &mut Disk, name: &str, source: Source) -> Result<Person, NameTaken> {
    let Some(found) = disk.by_name(name).map(|name| name.person.clone()) else {
        return Ok(insert(disk, person(name, "", Role::Buyer, Some(source)), None));
    };
    match found.source {
        _ if found.role == Role::Operator => Err(NameTaken),
        None => {
            let name = disk.name_mut(found.no).expect("it was found");
            name.person.source = Some(source);
            Ok(name.person.clone())
        }
        Some(theirs) if theirs == source => Ok(found),
        Some(_) => Err(NameTaken),
    }
}

/// `None`: the name has an account already.
fn add(disk: &mut Disk, new: &NewPerson) -> Option<UserNo> {
    let NewPerson { name, display_name, role, password_hash } = new;
    let source = Some(Source::CommandLine);
    let Some(found) = disk.by_name(name).map(|name| name.person.clone()) else {
        let person = person(name, display_name, *role, source);
        return Some(insert(disk, person, password_hash.as_deref()).no);
    };
    if found.source.is_some() {
        return None;
    }
    let name = disk.name_mut(found.no).expect("it was found");
    name.person.role = *role;
    name.person.source = source;
    name.password_hash.clone_from(password_hash);
    if !display_name.is_empty() {
        name.person.display_name.clone_from(display_name);
    }
    Some(found.no)
}
