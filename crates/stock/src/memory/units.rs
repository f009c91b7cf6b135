//! The free units of one ticket type as ranges: lowest out first, highest taken back first.
//! A unit is in here at most once; whoever puts one in that is there already has a bug, and is stopped.

use std::{collections::BTreeMap, ops::Range};

/// Free units. The lowest range stands apart because nearly every claim takes from it.
#[derive(Debug, Default)]
pub struct FreeUnits {
    lowest: Range<u32>,
    /// start → end of every other range; all above `lowest`, none touching another.
    others: BTreeMap<u32, u32>,
    count: u32,
}

impl FreeUnits {
    /// How many are free.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Takes the lowest.
    pub fn take_lowest(&mut self) -> Option<u32> {
        let unit = self.lowest.next()?;
        self.count -= 1;
        if self.lowest.is_empty() {
            self.lowest = self.others.pop_first().map_or(0..0, |(start, end)| start..end);
        }
        assert_eq!(self.count == 0, self.lowest.is_empty(), "the lowest range leads the others");
        Some(unit)
    }

    /// Puts units in that are not free.
    pub fn add(&mut self, units: Range<u32>) {
        if units.is_empty() {
            return;
        }
        self.return_lowest();
        let before = self.others.range(..units.end).next_back().map(|(&start, &end)| start..end);
        assert!(
            before.as_ref().is_none_or(|range| range.end <= units.start),
            "a unit that is free already cannot become free"
        );
        self.count += units.end - units.start;
        let mut merged = units;
        if let Some(range) = before.filter(|range| range.end == merged.start) {
            self.others.remove(&range.start);
            merged.start = range.start;
        }
        if let Some(end) = self.others.remove(&merged.end) {
            merged.end = end;
        }
        self.others.insert(merged.start, merged.end);
        self.lead();
    }

    /// Takes exactly these units out; false, and nothing changed, if one of them is not free.
    pub fn remove(&mut self, units: Range<u32>) -> bool {
        if units.is_empty() {
            return true;
        }
        self.return_lowest();
        let holder = self.others.range(..=units.start).next_back().map(|(&start, &end)| start..end);
        let found = holder.filter(|range| units.end <= range.end);
        if let Some(range) = &found {
            self.others.remove(&range.start);
            if range.start < units.start {
                self.others.insert(range.start, units.start);
            }
            if units.end < range.end {
                self.others.insert(units.end, range.end);
            }
            self.count -= units.end - units.start;
        }
        self.lead();
        found.is_some()
    }

    /// Takes `count` units, highest first, as ranges in that order; fewer free: none.
    pub fn take_highest(&mut self, count: u32) -> Option<Vec<Range<u32>>> {
        if count > self.count {
            return None;
        }
        self.return_lowest();
        let mut taken = Vec::new();
        let mut missing = count;
        while missing > 0
            && let Some((start, end)) = self.others.pop_last()
        {
            let from = start.max(end.saturating_sub(missing));
            if start < from {
                self.others.insert(start, from);
            }
            missing -= end - from;
            taken.push(from..end);
        }
        self.count -= count;
        self.lead();
        Some(taken)
    }

    fn return_lowest(&mut self) {
        if !self.lowest.is_empty() {
            self.others.insert(self.lowest.start, self.lowest.end);
            self.lowest = 0..0;
        }
    }

    fn lead(&mut self) {
        self.lowest = self.others.pop_first().map_or(0..0, |(start, end)| start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum Step {
        Lowest,
        Add(u32, u32),
        Remove(u32, u32),
        Highest(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Lowest),
            (0u32..60, 1u32..12).prop_map(|(start, len)| Step::Add(start, len)),
            (0u32..60, 1u32..6).prop_map(|(start, len)| Step::Remove(start, len)),
            (0u32..10).prop_map(Step::Highest),
        ];
        prop::collection::vec(step, 1..80)
    }

    proptest! {
        #[test]
        fn ranges_behave_as_a_plain_set_of_units(steps in steps()) {
            let (mut free, mut model) = (FreeUnits::default(), BTreeSet::<u32>::new());
            for step in steps {
                match step {
                    Step::Lowest => prop_assert_eq!(free.take_lowest(), model.pop_first()),
                    Step::Add(start, len) => {
                        if (start..start + len).all(|unit| !model.contains(&unit)) {
                            free.add(start..start + len);
                            model.extend(start..start + len);
                        }
                    }
                    Step::Remove(start, len) => {
                        let all = (start..start + len).all(|unit| model.contains(&unit));
                        prop_assert_eq!(free.remove(start..start + len), all);
                        if all {
                            (start..start + len).for_each(|unit| assert!(model.remove(&unit)));
                        }
                    }
                    Step::Highest(count) => {
                        let taken = free.take_highest(count);
                        prop_assert_eq!(taken.is_some(), count as usize <= model.len());
                        for unit in taken.into_iter().flatten().flat_map(Iterator::rev) {
                            prop_assert_eq!(Some(unit), model.pop_last());
                        }
                    }
                }
                prop_assert_eq!(free.count() as usize, model.len());
            }
        }
    }

    #[test]
    #[should_panic(expected = "free already")]
    fn a_free_unit_cannot_become_free_again() {
        let mut free = FreeUnits::default();
        free.add(0..10);
        free.add(9..11);
    }
}
