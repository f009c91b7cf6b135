//! People kept in memory, as faithful to the ledger's contract as the door's tests need.
//! It can be told to fail, and counts what was written.

use ledger::{LedgerFault, NameTaken, NewPerson, PeopleLedger, Person, Role, Source};
use parking_lot::Mutex;
use rules::{TimeMs, UserNo};

#[derive(Default)]
pub struct MemoryPeople {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    people: Vec<(Person, Option<String>)>,
    revoked: Vec<(UserNo, [u8; 16], TimeMs)>,
    fault: Option<LedgerFault>,
    writes: u32,
}

impl State {
    fn place(&self, name: &str) -> Option<usize> {
        self.people.iter().position(|(person, _)| person.name == name)
    }

    fn add(
        &mut self,
        name: &str,
        role: Role,
        source: Option<Source>,
        hash: Option<&str>,
    ) -> Person {
        let no = UserNo(self.people.len() as u32 + 1);
        let (name, display_name) = (name.to_owned(), String::new());
        let person = Person { no, name, display_name, role, source, generation: 0 };
        self.people.push((person.clone(), hash.map(str::to_owned)));
        person
    }

    fn raise(&mut self, no: UserNo) -> u32 {
        let generation = &mut self.people[no.0 as usize - 1].0.generation;
        *generation += 1;
        *generation
    }
}

impl MemoryPeople {
    /// Every call fails like this from now on, until told otherwise.
    pub fn fail(&self, fault: Option<LedgerFault>) {
        self.state.lock().fault = fault;
    }

    /// Puts names on a roster.
    pub fn list(&self, names: &[&str]) {
        let mut state = self.state.lock();
        for name in names {
            if state.place(name).is_none() {
                state.add(name, Role::Buyer, None, None);
            }
        }
    }

    /// Every call waits until what this returns is dropped.
    pub fn hold(&self) -> impl Sized + '_ {
        self.state.lock()
    }

    /// The calls that changed something.
    pub fn writes(&self) -> u32 {
        self.state.lock().writes
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, LedgerFault> {
        let state = self.state.lock();
        state.fault.map_or_else(|| Ok(read(&state)), Err)
    }

    fn write<T>(&self, write: impl FnOnce(&mut State) -> T) -> Result<T, LedgerFault> {
        let mut state = self.state.lock();
        if let Some(fault) = state.fault {
            return Err(fault);
        }
        state.writes += 1;
        Ok(write(&mut state))
    }
}

impl PeopleLedger for MemoryPeople {
    fn register(
        &self,
        name: &str,
        password_hash: &str,
        _: TimeMs,
    ) -> Result<Result<Person, NameTaken>, LedgerFault> {
        self.write(|state| match state.place(name) {
            Some(_) => Err(NameTaken),
            None => Ok(state.add(name, Role::Buyer, Some(Source::Password), Some(password_hash))),
        })
    }

    fn adopt(
        &self,
        names: &[String],
        source: Source,
        _: TimeMs,
    ) -> Result<Vec<Result<Person, NameTaken>>, LedgerFault> {
        let adopt_one = |state: &mut State, name: &String| {
            let Some(place) = state.place(name) else {
                return Ok(state.add(name, Role::Buyer, Some(source), None));
            };
            let person = &mut state.people[place].0;
            let own = *person.source.get_or_insert(source) == source;
            if own && person.role == Role::Buyer { Ok(person.clone()) } else { Err(NameTaken) }
        };
        self.write(|state| names.iter().map(|name| adopt_one(state, name)).collect())
    }

    fn add_people(
        &self,
        people: &[NewPerson],
        _: TimeMs,
    ) -> Result<Result<Vec<UserNo>, usize>, LedgerFault> {
        self.write(|state| {
            if let Some(place) = people.iter().position(|new| state.place(&new.name).is_some()) {
                return Err(place);
            }
            let source = Some(Source::CommandLine);
            let add = |new: &NewPerson| {
                state.add(&new.name, new.role, source, new.password_hash.as_deref()).no
            };
            Ok(people.iter().map(add).collect())
        })
    }

    fn person_by_name(&self, name: &str) -> Result<Option<(Person, Option<String>)>, LedgerFault> {
        self.read(|state| state.place(name).map(|place| state.people[place].clone()))
    }

    fn person(&self, no: UserNo) -> Result<Option<Person>, LedgerFault> {
        self.read(|state| {
            state.people.iter().map(|(person, _)| person).find(|person| person.no == no).cloned()
        })
    }

    fn set_password(&self, no: UserNo, password_hash: &str) -> Result<u32, LedgerFault> {
        self.write(|state| {
            state.people[no.0 as usize - 1].1 = Some(password_hash.to_owned());
            state.raise(no)
        })
    }

    fn end_sessions(&self, no: UserNo) -> Result<u32, LedgerFault> {
        self.write(|state| state.raise(no))
    }

    fn revoke(&self, no: UserNo, mark: [u8; 16], until: TimeMs) -> Result<(), LedgerFault> {
        self.write(|state| state.revoked.push((no, mark, until)))
    }

    fn revoked(
        &self,
        now: TimeMs,
        visit: &mut dyn FnMut(UserNo, [u8; 16], TimeMs),
    ) -> Result<(), LedgerFault> {
        self.write(|state| {
            state.revoked.retain(|(_, _, until)| now <= *until);
            state.revoked.iter().for_each(|(no, mark, until)| visit(*no, *mark, *until));
        })
    }

    fn standings(&self, visit: &mut dyn FnMut(UserNo, Role, u32)) -> Result<(), LedgerFault> {
        self.read(|state| {
            for (person, _) in &state.people {
                if person.role != Role::Buyer || person.generation != 0 {
                    visit(person.no, person.role, person.generation);
                }
            }
        })
    }

    fn people(&self, after: UserNo, most: u32) -> Result<Vec<Person>, LedgerFault> {
        self.read(|state| {
            let people = state.people.iter().map(|(person, _)| person.clone());
            people.filter(|person| person.no > after).take(most as usize).collect()
        })
    }

    fn last_user(&self) -> Result<UserNo, LedgerFault> {
        self.read(|state| UserNo(state.people.len() as u32))
    }
}
