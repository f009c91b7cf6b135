//! Who waits for a unit of one ticket type, in the order of joining.
//! Somebody's place is counted by a tree over all arrivals, so that a long line is never walked.

use rules::{JoinNo, UserNo};
use std::collections::{BTreeMap, HashMap};

/// Fewer arrivals than this are never swept.
const SWEEP_MIN: usize = 64;

/// A waiting line.
#[derive(Default)]
pub struct Line {
    /// Arrivals in order; some have gone since.
    joins: Vec<JoinNo>,
    /// A Fenwick tree over `joins`: entry n - 1 counts those still waiting among the arrivals that end with the n-th.
    tree: Vec<u32>,
    /// Who waits.
    places: HashMap<UserNo, JoinNo>,
    /// Those to whom a unit may be offered. Whom the rules refused one is not in it until something changes for them:
    /// they keep their place and cost nothing.
    ready: BTreeMap<JoinNo, UserNo>,
}

const fn lowest_bit(n: usize) -> usize {
    n & n.wrapping_neg()
}

impl Line {
    /// How many wait.
    pub fn len(&self) -> u32 {
        self.places.len() as u32
    }

    /// Whether a unit may be offered to somebody.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Who is to be offered the next unit.
    pub fn first(&self) -> Option<(JoinNo, UserNo)> {
        self.ready.first_key_value().map(|(join, user)| (*join, *user))
    }

    /// Somebody takes their place; who waits already keeps the one they have.
    pub fn join(&mut self, join: JoinNo, user: UserNo) {
        if self.places.contains_key(&user) {
            return;
        }
        match self.joins.binary_search(&join) {
            Ok(index) => self.count(index, 1),
            Err(index) if index == self.joins.len() => self.append(join),
            Err(_) => {
                self.places.insert(user, join);
                self.sweep();
            }
        }
        self.places.insert(user, join);
        self.ready.insert(join, user);
    }

    /// Somebody gives up the place they have by this joining; whether they had it.
    pub fn leave(&mut self, join: JoinNo, user: UserNo) -> bool {
        if self.places.get(&user) != Some(&join) {
            return false;
        }
        self.places.remove(&user);
        self.ready.remove(&join);
        let index = self.joins.binary_search(&join).expect("who waits has arrived");
        self.count(index, -1);
        if self.joins.len() >= SWEEP_MIN && self.places.len() * 2 < self.joins.len() {
            self.sweep();
        }
        true
    }

    /// The rules refuse this one a unit until something changes for them.
    pub fn pass_over(&mut self, join: JoinNo) {
        self.ready.remove(&join);
    }

    /// Something changed for this person.
    pub fn reconsider(&mut self, user: UserNo) {
        if let Some(join) = self.places.get(&user) {
            self.ready.insert(*join, user);
        }
    }

    /// Something changed for everybody.
    pub fn reconsider_all(&mut self) {
        self.ready.extend(self.places.iter().map(|(user, join)| (*join, *user)));
    }

    /// By which event somebody joined, and how many wait before them.
    pub fn place(&self, user: UserNo) -> Option<(JoinNo, u32)> {
        let join = *self.places.get(&user)?;
        let mut end = self.joins.binary_search(&join).expect("who waits has arrived");
        let mut ahead = 0;
        while end > 0 {
            ahead += self.tree[end - 1];
            end -= lowest_bit(end);
        }
        Some((join, ahead))
    }

    fn append(&mut self, join: JoinNo) {
        self.joins.push(join);
        let end = self.joins.len();
        let (mut part, mut waiting) = (end - 1, 1);
        while part > end - lowest_bit(end) {
            waiting += self.tree[part - 1];
            part -= lowest_bit(part);
        }
        self.tree.push(waiting);
    }

    fn count(&mut self, index: usize, change: i32) {
        let mut end = index + 1;
        while end <= self.tree.len() {
            let entry = &mut self.tree[end - 1];
            *entry = entry.checked_add_signed(change).expect("nobody leaves twice");
            end += lowest_bit(end);
        }
    }

    /// Forgets those who have gone.
    fn sweep(&mut self) {
        let mut waiting: Vec<JoinNo> = self.places.values().copied().collect();
        waiting.sort_unstable();
        self.joins.clear();
        self.tree.clear();
        waiting.into_iter().for_each(|join| self.append(join));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rules::EventNo;

    #[derive(Clone, Debug)]
    enum Step {
        Join(u32),
        Leave(u32),
        /// Comes back to the place given up last.
        Return,
        PassOver,
        Reconsider(u32),
        ReconsiderAll,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0..200u32).prop_map(Step::Join),
            4 => (0..200u32).prop_map(Step::Leave),
            1 => Just(Step::Return),
            2 => Just(Step::PassOver),
            1 => (0..200u32).prop_map(Step::Reconsider),
            1 => Just(Step::ReconsiderAll),
        ];
        prop::collection::vec(step, 1..600)
    }

    #[derive(Default)]
    struct Model {
        /// In order; whether a unit may be offered to them.
        waiting: Vec<(JoinNo, UserNo, bool)>,
        gone: Option<(JoinNo, UserNo)>,
    }

    impl Model {
        fn take(&mut self, line: &mut Line, number: u64, step: &Step) {
            match *step {
                Step::Join(user) => self.join(line, JoinNo(EventNo(number)), UserNo(user)),
                Step::Leave(user) => {
                    let place = self.waiting.iter().position(|one| one.1 == UserNo(user));
                    let Some(place) = place else { return };
                    let (join, user, _) = self.waiting.remove(place);
                    assert!(!line.leave(JoinNo(EventNo(u64::MAX)), user), "another place");
                    assert!(line.leave(join, user));
                    assert!(!line.leave(join, user), "once");
                    self.gone = Some((join, user));
                }
                Step::Return => {
                    if let Some((join, user)) = self.gone.take() {
                        self.join(line, join, user);
                    }
                }
                Step::PassOver => {
                    let first = self.waiting.iter_mut().find(|one| one.2);
                    if let Some(first) = first {
                        first.2 = false;
                        line.pass_over(first.0);
                    }
                }
                Step::Reconsider(user) => {
                    let of_user = self.waiting.iter_mut().filter(|one| one.1 == UserNo(user));
                    of_user.for_each(|one| one.2 = true);
                    line.reconsider(UserNo(user));
                }
                Step::ReconsiderAll => {
                    self.waiting.iter_mut().for_each(|one| one.2 = true);
                    line.reconsider_all();
                }
            }
        }

        fn join(&mut self, line: &mut Line, join: JoinNo, user: UserNo) {
            line.join(join, user);
            if self.waiting.iter().all(|one| one.1 != user) {
                self.waiting.push((join, user, true));
                self.waiting.sort();
            }
        }
    }

    /// What lining up and leaving costs is given back, whoever does it how often, and however long the line is.
    #[test]
    fn coming_and_going_takes_no_room() {
        for waiting in [0u32, 1, 10, 1_000] {
            let mut line = Line::default();
            (1..=waiting).for_each(|user| line.join(JoinNo(EventNo(user.into())), UserNo(user)));
            for turn in 0..20_000u64 {
                let (join, user) = (JoinNo(EventNo(10_000 + turn)), UserNo(5_000));
                line.join(join, user);
                assert_eq!(line.place(user), Some((join, waiting)));
                assert!(line.leave(join, user));
            }
            let most = SWEEP_MIN + 2 * (waiting as usize + 1);
            assert!(line.joins.len() <= most && line.tree.len() == line.joins.len());
            let room = [line.joins.capacity(), line.tree.capacity(), line.places.capacity()];
            assert!(room.iter().all(|room| *room <= 4 * most), "{room:?} for {waiting}");
            assert_eq!((line.len(), line.ready.len()), (waiting, waiting as usize));
        }
    }

    proptest! {
        #[test]
        fn a_line_behaves_as_a_plain_list_of_people(steps in steps()) {
            let (mut line, mut model) = (Line::default(), Model::default());
            for (number, step) in steps.iter().enumerate() {
                model.take(&mut line, number as u64 + 1, step);
                prop_assert_eq!(line.len() as usize, model.waiting.len());
                let first = model.waiting.iter().find(|one| one.2);
                prop_assert_eq!(line.first(), first.map(|one| (one.0, one.1)));
                prop_assert_eq!(line.has_ready(), first.is_some());
                for (ahead, (join, user, _)) in model.waiting.iter().enumerate() {
                    prop_assert_eq!(line.place(*user), Some((*join, ahead as u32)));
                }
            }
        }
    }
}
