//! What distinguishes people: the behaviours, as numbers in one table. What follows from an answer is not here.
//! Every number comes from the plan's seed.

use super::Hours;
use crate::{
    history::{Micros, Person, TypeIndex},
    plan::{Chance, Mix, Plan},
};

/// How a person behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// Presses once, and once more for every further unit wanted.
    OnePress,
    /// Presses twice at the same time.
    DoubleClick,
    /// Presses before the start, until it opens.
    EarlyBird,
    /// Presses on whatever is heard, and does not wait when told to.
    Frantic,
    /// Hangs up before the reply and asks again with the same key.
    LostReply,
    /// Reads lists and details, and looks at the tickets afterwards.
    Reader,
    /// A program; where it comes from is its [`Origin`].
    Bot(Origin),
}

/// Where a person's connections come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The address of everybody.
    Usual,
    /// An address of the one prefix that all of these share.
    OnePrefix,
    /// An address of a prefix of its own.
    ManyPrefixes,
}

/// Microseconds of a millisecond and of a second.
pub(super) const MS: u64 = 1_000;
pub(super) const SECOND: u64 = 1_000 * MS;
/// Looks at a page before the opening.
const LOOKS_MAX: u64 = 100;
/// Of the people of the tail, so many in a thousand come too late.
const TOO_LATE_PER_MILLE: u32 = 10;
/// By at most this much.
const TOO_LATE: u64 = SECOND;
/// Of all people, so many in a thousand look at their tickets at the end.
const LOOK_AFTER_PER_MILLE: u32 = 100;
/// Of those who were queued, so many in a thousand ask once more after the final answer.
const RESULT_AGAIN_PER_MILLE: u32 = 300;

/// One person's habits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Habits {
    /// The sale's hours.
    pub hours: Hours,
    /// The first look at the page, how many there are, and the time between two.
    pub look_at: Micros,
    pub looks: u32,
    pub look_every: Micros,
    /// Whether every second look is at the list of activities.
    pub lists: bool,
    /// The first press.
    pub press_at: Micros,
    /// Which type is wanted first, and how many there are.
    pub wants: TypeIndex,
    pub types: usize,
    /// Presses whose answers are heard, at most, and the time between two.
    pub presses: u32,
    pub press_every: Micros,
    /// Presses that follow another answer than a ticket: whether there are any.
    pub stubborn: bool,
    /// Whether presses carry a key, and whether each has one of its own.
    pub keyed: bool,
    pub key_each: bool,
    /// Times a ticket that was won is asked for again with its key.
    pub repeats: u32,
    /// Replies that are lost on purpose, and how long after asking.
    pub losses: u32,
    pub hang_up: Micros,
    /// Whether "ask later" is heeded.
    pub patient: bool,
    /// Whether a final answer to a queued claim is asked for once more.
    pub result_again: bool,
    /// Looks at the person's own tickets at the end.
    pub looks_after: u32,
}

impl Behaviour {
    /// The behaviour of a person.
    pub fn of(plan: &Plan, person: Person) -> Self {
        let drawn = plan.chance(person, 0xBE4A).below(1_000);
        let mut below = 0;
        for (per_mille, behaviour) in Self::shares(&plan.mix) {
            below += u64::from(per_mille);
            if drawn < below {
                return behaviour;
            }
        }
        Self::OnePress
    }

    fn shares(mix: &Mix) -> [(u32, Self); 7] {
        [
            (mix.double_click, Self::DoubleClick),
            (mix.early_bird, Self::EarlyBird),
            (mix.frantic, Self::Frantic),
            (mix.lost_reply, Self::LostReply),
            (mix.reader, Self::Reader),
            (mix.bot_one_prefix, Self::Bot(Origin::OnePrefix)),
            (mix.bot_many_prefixes, Self::Bot(Origin::ManyPrefixes)),
        ]
    }

    /// Where such a person comes from.
    pub const fn origin(self) -> Origin {
        match self {
            Self::Bot(origin) => origin,
            _ => Origin::Usual,
        }
    }

    /// Calls of such a person that may be under way at the same time.
    pub(super) const fn hands(self) -> u32 {
        if matches!(self, Self::DoubleClick) { 2 } else { 1 }
    }
}

impl Habits {
    /// The habits of a person.
    pub fn of(plan: &Plan, hours: Hours, person: Person, behaviour: Behaviour) -> Self {
        let mut chance = plan.chance(person, 0x4AB1);
        let mut habits = Self::plain(plan, hours, &mut chance);
        habits.look_before(plan, behaviour, &mut chance);
        match behaviour {
            Behaviour::OnePress => {}
            Behaviour::DoubleClick => habits.keyed = chance.of_1000(500),
            Behaviour::EarlyBird => habits.early(&mut chance),
            Behaviour::Frantic => habits.frantic(&mut chance),
            Behaviour::LostReply => habits.losing(&mut chance),
            Behaviour::Reader => habits.looks_after = 2,
            Behaviour::Bot(_) => habits.bot(&mut chance),
        }
        habits
    }

    fn plain(plan: &Plan, hours: Hours, chance: &mut Chance) -> Self {
        let types = plan.types.len();
        let wants = TypeIndex(chance.below(types as u64) as usize);
        let limit = plan.types[wants.0].limit_per_person;
        let limit = plan.limit_per_person.map_or(limit, |all| all.min(limit));
        // Where several units may be had, some people want one more than they may have.
        let wanted = if limit > 1 { chance.between(1, u64::from(limit) + 1) } else { 1 };
        Self {
            hours,
            look_at: hours.opens,
            looks: 0,
            look_every: Micros(0),
            lists: false,
            press_at: press_at(plan, hours, chance),
            wants,
            types,
            presses: wanted as u32,
            press_every: Micros(chance.between(300, 1_500) * MS),
            stubborn: false,
            keyed: chance.of_1000(700),
            key_each: true,
            repeats: 0,
            losses: 0,
            hang_up: Micros(0),
            patient: true,
            result_again: chance.of_1000(RESULT_AGAIN_PER_MILLE),
            looks_after: u32::from(chance.of_1000(LOOK_AFTER_PER_MILLE)),
        }
    }

    /// The looks at the page in the last minute before; readers all look, programs do not.
    fn look_before(&mut self, plan: &Plan, behaviour: Behaviour, chance: &mut Chance) {
        let arrivals = plan.arrivals;
        let looks = match behaviour {
            Behaviour::Reader => true,
            Behaviour::Bot(_) => false,
            _ => chance.of_1000(arrivals.refresh_per_mille),
        };
        let span = u64::from(arrivals.refresh_s.min(plan.opens_after_s)) * SECOND;
        let every = u64::from(arrivals.refresh_every_ms) * MS;
        if !looks || span == 0 {
            return;
        }
        let before = chance.below(span.min(self.hours.opens.0));
        self.look_at = Micros(self.hours.opens.0 - before);
        self.looks = (before / every + 1).min(LOOKS_MAX) as u32;
        self.look_every = Micros(every);
        self.lists = matches!(behaviour, Behaviour::Reader);
    }

    fn early(&mut self, chance: &mut Chance) {
        let before = chance.between(20, 3_000) * MS;
        self.press_at = Micros(self.hours.opens.0.saturating_sub(before));
        self.press_every = Micros(chance.between(50, 400) * MS);
        self.presses = 100;
        self.key_each = chance.of_1000(500);
    }

    fn frantic(&mut self, chance: &mut Chance) {
        self.presses = chance.between(5, 25) as u32;
        self.press_every = Micros(chance.between(40, 250) * MS);
        self.stubborn = true;
        self.key_each = chance.of_1000(500);
        self.patient = false;
    }

    fn losing(&mut self, chance: &mut Chance) {
        self.keyed = true;
        self.losses = chance.between(1, 3) as u32;
        self.hang_up = Micros(chance.between(0, 40) * MS);
        self.repeats = chance.between(1, 3) as u32;
        self.looks_after = 1;
    }

    fn bot(&mut self, chance: &mut Chance) {
        let before = chance.between(0, 1_000) * MS;
        self.press_at = Micros(self.hours.opens.0.saturating_sub(before));
        self.press_every = Micros(chance.between(5, 30) * MS);
        self.presses = chance.between(60, 120) as u32;
        self.stubborn = true;
        self.keyed = false;
        self.patient = false;
        self.looks_after = 0;
    }
}

/// When somebody presses first, by the arrival curve.
fn press_at(plan: &Plan, hours: Hours, chance: &mut Chance) -> Micros {
    let spike = u64::from(plan.arrivals.spike_ms) * MS;
    let open = hours.ends.0 - hours.opens.0;
    let after = if chance.of_1000(plan.arrivals.spike_per_mille) {
        // The least of two draws: more people at the beginning of the spike than at its end.
        chance.below(spike).min(chance.below(spike)).min(open)
    } else if chance.of_1000(TOO_LATE_PER_MILLE) {
        open + chance.below(TOO_LATE)
    } else {
        chance.below(open)
    };
    Micros(hours.opens.0 + after)
}
