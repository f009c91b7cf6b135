//! The crowd: each person's next step, from what they heard last and the time. No I/O, no clock and no chance but
//! the plan's, so that both drivers send the same people.

mod habits;
mod hand;
mod payer;

pub use habits::{Behaviour, Origin};
pub use hand::{Hand, Step};
pub use payer::{PayHabit, PayStep, Payer, payers};

use crate::{
    history::{Micros, Person},
    plan::Plan,
};
use habits::Habits;

/// When the sale of a rehearsal opens and ends, in the rehearsal's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first moment at which claims are taken.
    pub opens: Micros,
    /// The first at which they are no more.
    pub ends: Micros,
}

impl Hours {
    /// The hours of a plan whose sale opens at `opens`.
    pub fn of(plan: &Plan, opens: Micros) -> Self {
        Self { opens, ends: Micros(opens.0 + u64::from(plan.seconds) * 1_000_000) }
    }
}

/// All hands of the crowd, people in order: one a person, two where somebody presses twice at the same time.
pub fn crowd(plan: &Plan, hours: Hours) -> Vec<Hand> {
    (0..plan.users).flat_map(|number| hands_of(plan, hours, Person(number))).collect()
}

fn hands_of(plan: &Plan, hours: Hours, person: Person) -> impl Iterator<Item = Hand> {
    let behaviour = Behaviour::of(plan, person);
    let habits = Habits::of(plan, hours, person, behaviour);
    (0..behaviour.hands()).map(move |which| {
        let chance = plan.chance(person, 0x4A4D + which);
        Hand::new(person, which, behaviour, habits.clone(), chance)
    })
}

#[cfg(test)]
mod tests;
