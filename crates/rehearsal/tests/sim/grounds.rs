//! What refusals rest on: whoever is recorded as having heard "sold out" must have been refused on claims that
//! became durable (C32). The stock's seams report to it; it changes nothing.

use rules::{ActivityNo, UserNo};
use std::{cell::RefCell, collections::BTreeSet};
use stock::Place;

/// A person's part in an activity.
pub type Whose = (ActivityNo, UserNo);

/// Who was refused for want of units, and on what.
#[derive(Default)]
pub struct Grounds {
    waiting: RefCell<Vec<(Place, Whose)>>,
    durable: RefCell<BTreeSet<Whose>>,
}

impl Grounds {
    /// Somebody was told that nothing is left, on the strength of everything up to `place`.
    pub fn refused(&self, whose: Whose, place: Place) {
        if place == Place::DURABLE {
            self.durable.borrow_mut().insert(whose);
        } else {
            self.waiting.borrow_mut().push((place, whose));
        }
    }

    /// Everything up to there is on disk.
    pub fn confirmed(&self, through: Place) {
        let mut durable = self.durable.borrow_mut();
        self.waiting.borrow_mut().retain(|(place, whose)| {
            let there = *place <= through;
            durable.extend(there.then_some(*whose));
            !there
        });
    }

    /// What was not on disk is given up.
    pub fn lost(&self) {
        self.waiting.borrow_mut().clear();
    }

    /// Whether the refusal may be recorded.
    pub fn hold(&self, whose: Whose) -> bool {
        self.durable.borrow().contains(&whose)
    }
}
