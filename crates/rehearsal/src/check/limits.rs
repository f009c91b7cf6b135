//! Promise 3: what each person has, by type and all together.
//! A ticket counts whether an answer or the export knows it.

use super::{
    notes::{Check, Notes},
    seen::Seen,
};
use std::collections::BTreeMap;

const LIMIT_OF_TYPE: Check = Check::named("limit-of-type");
const LIMIT_OF_ACTIVITY: Check = Check::named("limit-of-activity");

/// Looks at every person who has anything.
pub fn check(seen: &Seen<'_>, notes: &mut Notes) {
    let announced = &seen.history.announced;
    for (person, places) in &seen.of_person {
        let mut had: BTreeMap<usize, u32> = BTreeMap::new();
        for of in places.iter().filter_map(|place| seen.award(*place).of) {
            *had.entry(of).or_default() += 1;
        }
        for (of, had) in had {
            let limit = announced.types[of].limit_per_person;
            notes.one(LIMIT_OF_TYPE, had > limit, || {
                let (who, name) = (seen.who(*person), seen.type_name(of));
                format!("{who} has {had} of type {name}, of {limit} allowed")
            });
        }
        let Some(limit) = announced.limit_per_person else { continue };
        notes.one(LIMIT_OF_ACTIVITY, places.len() as u64 > u64::from(limit), || {
            format!("{} has {} tickets, of {limit} allowed", seen.who(*person), places.len())
        });
    }
}
