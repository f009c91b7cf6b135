//! One line of calls of one person: never two at the same time. It decides the next call and when, from the answer
//! to the last one. Whoever presses twice at once has two hands.

use super::{
    Behaviour, Origin,
    habits::{Habits, MS, SECOND},
};
use crate::{
    history::{Asked, Effect, Heard, Key, Micros, Person, Refused, TypeIndex},
    plan::Chance,
};

/// Times one thing is asked again after answers that are none, before the person gives up.
pub const TRIES_MAX: u32 = 12;
/// Times the result of one queued claim is asked for.
pub const RESULTS_MAX: u32 = 240;
/// The first wait after an answer that is none; each further one is twice as long, up to the second number.
const BACK_OFF: (u64, u64) = (50 * MS, 4 * SECOND);
/// The wait of those who were told to ask later, where they heed it: a second, and up to another.
const RETRY_AFTER: (u64, u64) = (SECOND, 2 * SECOND);
/// The wait before asking for a result, the first time and at most.
const RESULT_AFTER: (u64, u64) = (250 * MS, 2 * SECOND);
/// The wait before asking for a lost reply again.
const LOST_AFTER: (u64, u64) = (MS, 300 * MS);
/// The wait before looking at one's tickets.
const LOOK_AFTER: (u64, u64) = (100 * MS, SECOND);
/// Two clicks of one double click are this far apart at most.
const CLICKS_APART: u64 = 120 * MS;
/// Nobody begins anything new so long after the end.
const LINGER: u64 = 2 * SECOND;
/// Keys of one hand; the next hand's come after them.
const KEYS_OF_A_HAND: u32 = 10_000;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When: at once, if that is past.
    pub at: Micros,
    /// What.
    pub asked: Asked,
    /// The reply is lost on purpose: so long after asking the person hangs up, without having read anything.
    pub hang_up: Option<Micros>,
}

/// One line of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    person: Person,
    which: u32,
    behaviour: Behaviour,
    habits: Habits,
    chance: Chance,
    doing: Doing,
    /// Presses begun, answers in a row that were none, keys used, replies still to be lost.
    pressed: u32,
    tries: u32,
    keys: u32,
    losses: u32,
    repeats: u32,
    wants: TypeIndex,
}

/// What the last step was part of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    /// Nothing yet.
    Waiting,
    /// Looking at the page: so many times already.
    Looking(u32),
    /// Pressing, with this key.
    Pressing(Option<Key>),
    /// Asking for what is won once more, with this key.
    Repeating(Key),
    /// Asking what became of a claim: so many times already.
    Queued { claim: String, key: Option<Key>, asked: u32, again: bool },
    /// Looking at one's tickets: so many times already.
    LookingAfter(u32),
    /// Done.
    Done,
}

impl Hand {
    pub(super) fn new(
        person: Person,
        which: u32,
        behaviour: Behaviour,
        habits: Habits,
        mut chance: Chance,
    ) -> Self {
        let mut habits = habits;
        if which > 0 {
            // The second click of a double click looks at nothing and comes a little later.
            habits.press_at = Micros(habits.press_at.0 + chance.below(CLICKS_APART));
            (habits.looks, habits.looks_after) = (0, 0);
        }
        Self {
            person,
            which,
            behaviour,
            chance,
            doing: Doing::Waiting,
            pressed: 0,
            tries: 0,
            keys: 0,
            losses: habits.losses,
            repeats: habits.repeats,
            wants: habits.wants,
            habits,
        }
    }

    /// Whose it is.
    pub const fn person(&self) -> Person {
        self.person
    }

    /// Which of the person's hands it is, from 0.
    pub const fn which(&self) -> u32 {
        self.which
    }

    /// How the person behaves.
    pub const fn behaviour(&self) -> Behaviour {
        self.behaviour
    }

    /// Where it comes from.
    pub const fn origin(&self) -> Origin {
        self.behaviour.origin()
    }

    /// The next step, when the last one was answered with `heard` (nothing: there was none yet) and it is `now`.
    /// `None`: this hand is done, for good.
    pub fn step(&mut self, now: Micros, heard: Option<&Heard>) -> Option<Step> {
        let Some(heard) = heard else { return self.begin() };
        match std::mem::replace(&mut self.doing, Doing::Done) {
            Doing::Waiting | Doing::Done => None,
            Doing::Looking(looks) => self.looked(now, looks),
            Doing::Pressing(key) => self.pressed(now, key, heard),
            Doing::Repeating(key) => self.repeated(now, key, heard),
            Doing::Queued { claim, key, asked, again } => {
                let asking = Asking { claim, key, asked };
                if again { self.look_after(now, 0) } else { self.told(now, asking, heard) }
            }
            Doing::LookingAfter(looks) => self.look_after(now, looks),
        }
    }

    fn begin(&mut self) -> Option<Step> {
        if self.doing != Doing::Waiting {
            return None;
        }
        // Whoever presses before the first look has seen enough.
        let looks = self.habits.looks > 0 && self.habits.look_at < self.habits.press_at;
        if looks { self.look(self.habits.look_at, 1) } else { self.first_press() }
    }

    fn look(&mut self, at: Micros, looks: u32) -> Option<Step> {
        self.doing = Doing::Looking(looks);
        let list = self.habits.lists && looks % 2 == 1;
        let asked = if list { Asked::List } else { Asked::Detail };
        Some(Step { at, asked, hang_up: None })
    }

    fn looked(&mut self, now: Micros, looks: u32) -> Option<Step> {
        let next = Micros(now.0 + self.habits.look_every.0);
        let more = looks < self.habits.looks && next < self.habits.press_at;
        if more { self.look(next, looks + 1) } else { self.first_press() }
    }

    fn first_press(&mut self) -> Option<Step> {
        let at = self.habits.press_at;
        let key = self.habits.keyed.then(|| self.new_key());
        self.press(at, key)
    }

    /// A press that counts as one.
    fn press(&mut self, at: Micros, key: Option<Key>) -> Option<Step> {
        self.pressed += 1;
        self.ask(at, key)
    }

    fn ask(&mut self, at: Micros, key: Option<Key>) -> Option<Step> {
        self.doing = Doing::Pressing(key);
        let asked = Asked::Claim { ticket_type: self.wants, key };
        let lost = self.losses > 0;
        self.losses = self.losses.saturating_sub(1);
        Some(Step { at, asked, hang_up: lost.then_some(self.habits.hang_up) })
    }

    /// Both hands of a double click begin with the same key: their page gave it to the button.
    fn new_key(&mut self) -> Key {
        let first = if self.keys == 0 { 0 } else { self.which * KEYS_OF_A_HAND };
        self.keys += 1;
        Key(first + self.keys)
    }

    fn pressed(&mut self, now: Micros, key: Option<Key>, heard: &Heard) -> Option<Step> {
        match heard {
            Heard::Won(_) => self.won(now, key),
            Heard::Queued { claim } => {
                self.tries = 0;
                let claim = claim.clone();
                self.ask_result(now, Asking { claim, key, asked: 0 }, false)
            }
            Heard::Refused(refusal, _) => self.refused(now, key, *refusal),
            Heard::Failed(Effect::None | Effect::Unknown)
            | Heard::Busy { .. }
            | Heard::Lost
            | Heard::Strange { .. }
            | Heard::Shown(_)
            | Heard::Tickets(_) => self.ask_again(now, key, heard),
        }
    }

    /// The same once more, for the answer was none.
    fn ask_again(&mut self, now: Micros, key: Option<Key>, heard: &Heard) -> Option<Step> {
        let at = self.back_off(now, heard)?;
        self.ask(at, key)
    }

    fn won(&mut self, now: Micros, key: Option<Key>) -> Option<Step> {
        self.tries = 0;
        if let Some(key) = key
            && self.repeats > 0
        {
            self.repeats -= 1;
            let at = self.soon(now);
            return self.repeat(at, key);
        }
        if self.pressed < self.habits.presses && self.goes_on_after_winning() {
            return self.press_again(now, key);
        }
        self.look_after(now, 0)
    }

    /// Early birds have what they came for; others want as many as they planned for.
    fn goes_on_after_winning(&self) -> bool {
        !matches!(self.behaviour, Behaviour::EarlyBird)
    }

    fn repeat(&mut self, at: Micros, key: Key) -> Option<Step> {
        self.doing = Doing::Repeating(key);
        let asked = Asked::Claim { ticket_type: self.wants, key: Some(key) };
        Some(Step { at, asked, hang_up: None })
    }

    fn repeated(&mut self, now: Micros, key: Key, heard: &Heard) -> Option<Step> {
        match heard {
            Heard::Won(_) | Heard::Refused(..) => self.won(now, Some(key)),
            Heard::Queued { claim } => {
                let claim = claim.clone();
                self.ask_result(now, Asking { claim, key: Some(key), asked: 0 }, false)
            }
            _ => {
                let at = self.back_off(now, heard)?;
                self.repeat(at, key)
            }
        }
    }

    fn refused(&mut self, now: Micros, key: Option<Key>, refusal: Refused) -> Option<Step> {
        self.tries = 0;
        let more = self.pressed < self.habits.presses;
        match refusal {
            // Whoever came too early comes again, when it opens at the latest.
            Refused::NotStarted => {
                let opening = self.habits.hours.opens.max(now);
                let opening = Micros(opening.0 + self.chance.below(200 * MS));
                let soon = self.after(now, self.habits.press_every);
                let at = if more { soon } else { soon.max(opening) };
                self.within_hours(at).and_then(|at| self.press(at, key))
            }
            // Once it is over there is nothing more to be had.
            Refused::Ended => self.look_after(now, 0),
            Refused::Paused if more || !self.habits.stubborn => {
                let at = Micros(now.0 + self.chance.between(200 * MS, SECOND));
                self.within_hours(at).and_then(|at| self.press(at, key))
            }
            Refused::SoldOut if self.habits.types > 1 && self.tries_another_type() => {
                self.wants = TypeIndex((self.wants.0 + 1) % self.habits.types);
                self.press_again(now, key)
            }
            _ if more && self.habits.stubborn => self.press_again(now, key),
            _ => self.look_after(now, 0),
        }
    }

    /// One in three people takes what is left when the wanted type is sold out, and does so once.
    fn tries_another_type(&mut self) -> bool {
        self.wants == self.habits.wants && self.chance.of_1000(333)
    }

    fn press_again(&mut self, now: Micros, key: Option<Key>) -> Option<Step> {
        let at = self.after(now, self.habits.press_every);
        let Some(at) = self.within_hours(at) else { return self.look_after(now, 0) };
        let each = self.habits.key_each && key.is_some();
        let key = if each { Some(self.new_key()) } else { key };
        self.press(at, key)
    }

    fn ask_result(&mut self, now: Micros, asking: Asking, again: bool) -> Option<Step> {
        let Asking { claim, key, asked } = asking;
        let (first, most) = RESULT_AFTER;
        let wait = first.saturating_mul(1 << asked.min(8)).min(most);
        let at = Micros(now.0 + wait / 2 + self.chance.below(wait));
        let ticket_type = self.wants;
        let step = Asked::Result { claim: claim.clone(), ticket_type, key };
        self.doing = Doing::Queued { claim, key, asked: asked + 1, again };
        Some(Step { at, asked: step, hang_up: None })
    }

    /// The result of a queued claim: only its end is an end, for whoever gave up would never know.
    fn told(&mut self, now: Micros, asking: Asking, heard: &Heard) -> Option<Step> {
        let open =
            !matches!(heard, Heard::Won(_) | Heard::Refused(..) | Heard::Failed(Effect::None));
        if open {
            let more = asking.asked < RESULTS_MAX;
            return if more {
                self.ask_result(now, asking, false)
            } else {
                self.look_after(now, 0)
            };
        }
        if self.habits.result_again {
            self.habits.result_again = false;
            return self.ask_result(now, asking, true);
        }
        match heard {
            Heard::Won(_) => self.won(now, asking.key),
            Heard::Refused(refusal, _) => self.refused(now, asking.key, *refusal),
            _ => self.ask_again(now, asking.key, heard),
        }
    }

    fn look_after(&mut self, now: Micros, looks: u32) -> Option<Step> {
        let over = now.0 > self.habits.hours.ends.0 + LINGER;
        if looks >= self.habits.looks_after || over {
            self.doing = Doing::Done;
            return None;
        }
        self.doing = Doing::LookingAfter(looks + 1);
        let (least, most) = LOOK_AFTER;
        let at = Micros(now.0 + self.chance.between(least, most));
        let reads = matches!(self.behaviour, Behaviour::Reader) && looks == 1;
        let asked = if reads { Asked::Detail } else { Asked::Tickets };
        Some(Step { at, asked, hang_up: None })
    }

    /// When to ask again after an answer that was none; nothing once the person gives up.
    fn back_off(&mut self, now: Micros, heard: &Heard) -> Option<Micros> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            self.doing = Doing::Done;
            return None;
        }
        let told_later = matches!(heard, Heard::Busy { retry_after: true });
        let wait = if !self.habits.patient {
            self.habits.press_every.0
        } else if told_later {
            self.chance.between(RETRY_AFTER.0, RETRY_AFTER.1)
        } else if matches!(heard, Heard::Lost) && self.tries <= self.habits.losses {
            self.chance.between(LOST_AFTER.0, LOST_AFTER.1)
        } else {
            let (first, most) = BACK_OFF;
            let wait = first.saturating_mul(1 << self.tries.min(16)).min(most);
            wait / 2 + self.chance.below(wait / 2 + 1)
        };
        Some(Micros(now.0 + wait))
    }

    /// A human time after `now`: the given one, a quarter more or less.
    fn after(&mut self, now: Micros, wait: Micros) -> Micros {
        let quarter = wait.0 / 4;
        Micros(now.0 + wait.0 - quarter + self.chance.below(2 * quarter + 1))
    }

    fn soon(&mut self, now: Micros) -> Micros {
        Micros(now.0 + self.chance.between(LOST_AFTER.0, LOST_AFTER.1))
    }

    /// The time, unless the sale is over by then.
    fn within_hours(&mut self, at: Micros) -> Option<Micros> {
        (at.0 <= self.habits.hours.ends.0 + LINGER).then_some(at)
    }
}

/// A queued claim that is asked after.
struct Asking {
    claim: String,
    key: Option<Key>,
    asked: u32,
}
