//! Writes and syncs of the ledger's files fail under a crowd, one kind after the other, for a while and then no more:
//! yes stops, no goes on, nobody hears a lie, and the sale comes back by itself (C31).

use crate::{
    crowd::AT_ONCE,
    disk::{Fault, Then, endure, hasty},
    shim::{Call, Error, Part, Shim},
    world::World,
};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};

/// One kind of fault, by the shim.
struct Bad {
    shim: Rc<Shim>,
    call: Call,
    error: Error,
    part: Part,
    /// So many calls fail; none given: all, until it is lifted.
    times: Option<u32>,
    /// It lasts at least so long.
    lasts: Duration,
    imposed: Instant,
    struck: u32,
}

impl Bad {
    fn new(shim: &Rc<Shim>, call: Call, error: Error) -> Self {
        let (shim, imposed, struck) = (Rc::clone(shim), Instant::now(), 0);
        let (part, times, lasts) = (Part::All, None, Duration::ZERO);
        Self { shim, call, error, part, times, lasts, imposed, struck }
    }
}

impl Fault for Bad {
    fn impose(&mut self, _: &World) {
        self.struck = self.shim.struck();
        self.imposed = Instant::now();
        self.shim.fail(self.call, self.error, self.part, self.times);
    }

    fn lift(&mut self, _: &World) {
        std::thread::sleep(self.lasts.saturating_sub(self.imposed.elapsed()));
        self.shim.lift();
    }

    fn is_felt(&self, put_off: usize) -> bool {
        let calls = self.shim.struck() - self.struck;
        match (self.part, self.times) {
            // Commits do not need the database: nobody may be put off, and the log keeps what cannot be moved.
            (Part::Database, _) => calls >= 3,
            (_, Some(times)) => calls >= times,
            (_, None) => put_off >= AT_ONCE / 2,
        }
    }
}

fn world(shim: &Shim) -> World {
    let mut world = hasty();
    shim.attach(&mut world);
    world
}

/// C10, C11, C31: while every write or sync fails, nobody is told yes, and everybody hears the noes that are true.
#[test]
fn writes_and_syncs_that_fail_stop_yes_and_not_no_and_it_comes_back() {
    let test = "writes_and_syncs_that_fail_stop_yes_and_not_no_and_it_comes_back";
    let Some(shim) = Shim::build(test).map(Rc::new) else { return };
    let bad = |call, error| Bad::new(&shim, call, error);
    let for_long = Bad { lasts: Duration::from_secs(2), ..bad(Call::Sync, Error::Io) };
    let faults = [
        (bad(Call::Write, Error::Io), Then::Recovers),
        (bad(Call::Write, Error::NoSpace), Then::Recovers),
        (bad(Call::Sync, Error::Io), Then::Dies),
        (for_long, Then::Recovers),
        (bad(Call::Sync, Error::NoSpace), Then::Recovers),
    ];
    endure(world(&shim), faults.map(|(bad, then)| (boxed(bad), true, then)).into());
}

/// One call fails and the next ones do not, in commits and in moving the log: each time what was in flight hears
/// the truth. While only the database cannot be written or synced, claims go on being accepted.
#[test]
fn a_single_failure_and_a_log_that_cannot_be_moved_lose_nothing() {
    let test = "a_single_failure_and_a_log_that_cannot_be_moved_lose_nothing";
    let Some(shim) = Shim::build(test).map(Rc::new) else { return };
    let bad = |call, error, part, times| Bad { part, times, ..Bad::new(&shim, call, error) };
    let faults = [
        bad(Call::Sync, Error::NoSpace, Part::All, Some(1)),
        bad(Call::Write, Error::Io, Part::Log, Some(1)),
        bad(Call::Write, Error::NoSpace, Part::Log, Some(1)),
        bad(Call::Sync, Error::Io, Part::Log, Some(3)),
        bad(Call::Write, Error::Io, Part::Database, None),
        bad(Call::Sync, Error::Io, Part::Database, None),
    ];
    let world = world(&shim).set("FIRSTCOME_LEDGER_CHECKPOINT_PAGES", "16");
    endure(world, faults.map(|bad| (boxed(bad), false, Then::Recovers)).into());
}

fn boxed(bad: Bad) -> Box<dyn Fault> {
    Box::new(bad)
}
