//! A payer: holds, pays, or does not, and stands in line. One line of calls, never two at the same time; it decides the
//! next call and when, from the answer to the last one, the time, and the plan's chance.

use super::{
    Hours,
    habits::{MS, SECOND},
};
use crate::{
    history::{
        Effect, Key, Micros, Person, Refused, TypeIndex,
        paying::{How, Order, PayAsked, PayHeard, Payment, PaymentState, State},
    },
    plan::{Chance, PayMix, Plan, PlannedPaying},
};

/// Times one thing is asked again after answers that are none.
const TRIES_MAX: u32 = 12;
/// Claims of one payer.
const CLAIMS_MAX: u32 = 4;
/// Times one order is looked at.
const LOOKS_MAX: u32 = 400;
/// Claims of one payer that come before the opening: whose clock is so far off gives up.
const EARLY_MAX: u32 = 50;
/// The wait before paying, for those who pay at once.
const THINKS: (u64, u64) = (50 * MS, 900 * MS);
/// The wait before asking for a result.
const RESULT_AFTER: (u64, u64) = (200 * MS, 600 * MS);
/// The first wait after an answer that is none; each further one is twice as long, up to the second number.
const BACK_OFF: (u64, u64) = (50 * MS, 2 * SECOND);
/// Nobody begins anything new so long after the end.
const LINGER: u64 = SECOND;
/// Nobody waits longer after the end for an order to come to its own.
const WATCHES: u64 = 60 * SECOND;
/// The purpose of a payer's chance.
const PURPOSE: u32 = 0x9A7E;

/// What a payer does with an order that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PayHabit {
    /// Pays at the provider, which does as it is told.
    Pays(How),
    /// Does nothing, and sees it expire.
    Neglects,
    /// Goes to the provider and comes back without having paid.
    Returns,
    /// Makes a notice of a payment up and posts it.
    Forges,
    /// Gives it up.
    Cancels,
    /// Pays, and gives it up at the same time.
    PaysAndCancels,
}

/// Habits with their thousandths of the payers.
fn shares(mix: &PayMix) -> [(u32, PayHabit); 12] {
    [
        (1_000_u32.saturating_sub(mix.sum()), PayHabit::Pays(How::AtOnce)),
        (mix.out_of_order, PayHabit::Pays(How::OutOfOrder)),
        (mix.twice, PayHabit::Pays(How::Twice)),
        (mix.never, PayHabit::Pays(How::Never)),
        (mix.late, PayHabit::Pays(How::Late)),
        (mix.wrong_amount, PayHabit::Pays(How::WrongAmount)),
        (mix.forged, PayHabit::Pays(How::Forged)),
        (mix.forges, PayHabit::Forges),
        (mix.neglects, PayHabit::Neglects),
        (mix.returns, PayHabit::Returns),
        (mix.cancels, PayHabit::Cancels),
        (mix.pays_and_cancels, PayHabit::PaysAndCancels),
    ]
}

impl PayHabit {
    fn of(mix: &PayMix, chance: &mut Chance) -> Self {
        let drawn = chance.below(1_000);
        let mut below = 0;
        for (per_mille, habit) in shares(mix) {
            below += u64::from(per_mille);
            if drawn < below {
                return habit;
            }
        }
        Self::Pays(How::AtOnce)
    }

    /// The permanent name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pays(how) => how.name(),
            Self::Neglects => "neglects",
            Self::Returns => "returns",
            Self::Forges => "forges",
            Self::Cancels => "cancels",
            Self::PaysAndCancels => "pays_and_cancels",
        }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayStep {
    /// When: at once, if that is past.
    pub at: Micros,
    /// What.
    pub asked: PayAsked,
}

/// One payer.
#[derive(Clone, Debug)]
pub struct Payer {
    person: Person,
    habit: PayHabit,
    hours: Hours,
    chance: Chance,
    items: Vec<(TypeIndex, u32)>,
    /// Seconds after which a late payment is told of.
    late_s: u32,
    /// The wait from one look at an order, or at the place in line, to the next.
    look_every: (u64, u64),
    /// Lines up where nothing is free; leaves the line after so many looks.
    stands_by: bool,
    leaves_after: Option<u32>,
    /// The provider took a payment: money may come for an order that is over.
    paid: bool,
    doing: Doing,
    /// What was asked last, and how often in vain.
    asked: Option<PayAsked>,
    tries: u32,
    claims: u32,
    early: u32,
}

/// What the last step was part of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    Waiting,
    Claiming,
    /// At the provider with an order: starting, or done with what is done there.
    Starting(String),
    Paying(String),
    Cancelling(String),
    /// Looking at an order: so many times already, and so many times since it was over.
    Watching(String, u32, u32),
    Joining,
    InLine(u32),
    Leaving,
    Listing,
    Done,
}

/// All payers of a plan, people in order.
pub fn payers(plan: &Plan, hours: Hours) -> Vec<Payer> {
    let Some(paying) = &plan.paying else { return Vec::new() };
    (0..plan.payers()).map(|number| Payer::new(plan, paying, hours, Person(number))).collect()
}

impl Payer {
    fn new(plan: &Plan, paying: &PlannedPaying, hours: Hours, person: Person) -> Self {
        let mut chance = plan.chance(person, PURPOSE);
        let ((least, most), looks) = (paying.late_s, paying.look_every_ms);
        Self {
            person,
            habit: PayHabit::of(&paying.mix, &mut chance),
            hours,
            items: items(paying, &mut chance),
            late_s: chance.between(least.into(), most.into()) as u32,
            look_every: (u64::from(looks.0) * MS, u64::from(looks.1) * MS),
            stands_by: chance.of_1000(700),
            leaves_after: chance.of_1000(150).then(|| chance.between(1, 8) as u32),
            paid: false,
            doing: Doing::Waiting,
            asked: None,
            tries: 0,
            claims: 0,
            early: 0,
            chance,
        }
    }

    /// Whose it is.
    pub const fn person(&self) -> Person {
        self.person
    }

    /// What this payer does with an order that is held.
    pub const fn habit(&self) -> PayHabit {
        self.habit
    }

    /// The next step, when the last one was answered with `heard` (nothing: there was none yet) and it is `now`.
    /// `None`: this payer is done, for good.
    pub fn step(&mut self, now: Micros, heard: Option<&PayHeard>) -> Option<PayStep> {
        let Some(heard) = heard else { return self.begin() };
        if is_none(heard) {
            return self.again(now, heard);
        }
        self.tries = 0;
        self.paid |= is_paid(heard);
        match std::mem::replace(&mut self.doing, Doing::Done) {
            Doing::Waiting | Doing::Done | Doing::Listing => None,
            Doing::Claiming => self.claimed(now, heard),
            Doing::Starting(order) => self.started(now, order, heard),
            Doing::Paying(order) if self.habit == PayHabit::PaysAndCancels => {
                let at = Micros(now.0 + self.chance.below(60 * MS));
                self.cancel(at, order)
            }
            Doing::Paying(order) => self.watch(now, order, 0, 0),
            Doing::Cancelling(order) => self.cancelled(now, order, heard),
            Doing::Watching(order, looks, over) => self.watched(now, order, (looks, over), heard),
            Doing::Joining | Doing::InLine(_) if matches!(heard, PayHeard::WrongState(_)) => {
                self.claim_again(now)
            }
            Doing::Joining => self.in_line(now, 0, heard),
            Doing::InLine(looks) => self.in_line(now, looks, heard),
            Doing::Leaving => self.list(now),
        }
    }

    fn begin(&mut self) -> Option<PayStep> {
        if self.doing != Doing::Waiting {
            return None;
        }
        let open = self.hours.ends.0 - self.hours.opens.0;
        let rush = self.chance.of_1000(500);
        let within = if rush { open.min(SECOND) } else { open * 7 / 10 };
        let at = Micros(self.hours.opens.0 + self.chance.below(within.max(1)));
        self.claim(at)
    }

    fn ask(&mut self, at: Micros, doing: Doing, asked: PayAsked) -> Option<PayStep> {
        self.doing = doing;
        self.asked = Some(asked.clone());
        Some(PayStep { at, asked })
    }

    /// The same once more, for the answer was none.
    fn again(&mut self, now: Micros, heard: &PayHeard) -> Option<PayStep> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            self.doing = Doing::Done;
            return None;
        }
        let asked = self.asked.clone()?;
        let (first, most) = BACK_OFF;
        let told_later = matches!(heard, PayHeard::Busy { retry_after: true });
        let wait = first.saturating_mul(1 << self.tries.min(16)).min(most);
        let wait = if told_later { wait.max(SECOND) } else { wait };
        let at = Micros(now.0 + wait / 2 + self.chance.below(wait));
        if let (PayHeard::Queued { claim }, PayAsked::Claim { items, key }) = (heard, &asked) {
            let asked = PayAsked::Result { claim: claim.clone(), items: items.clone(), key: *key };
            let at = self.soon(now, RESULT_AFTER);
            return self.ask(at, Doing::Claiming, asked);
        }
        if let (PayHeard::Failed(Effect::None), PayAsked::Result { items, key, .. }) =
            (heard, &asked)
        {
            // What was queued is gone: it is claimed anew, as the same claim.
            let asked = PayAsked::Claim { items: items.clone(), key: *key };
            return self.ask(at, Doing::Claiming, asked);
        }
        Some(PayStep { at, asked })
    }

    fn soon(&mut self, now: Micros, (least, most): (u64, u64)) -> Micros {
        Micros(now.0 + self.chance.between(least, most))
    }

    fn claim(&mut self, at: Micros) -> Option<PayStep> {
        self.claims += 1;
        let key = Key(self.claims);
        let items = self.items.clone();
        self.ask(at, Doing::Claiming, PayAsked::Claim { items, key })
    }

    fn claim_again(&mut self, now: Micros) -> Option<PayStep> {
        let at = self.soon(now, (300 * MS, 2 * SECOND));
        let late = at.0 > self.hours.ends.0 + LINGER;
        if self.claims >= CLAIMS_MAX || late { self.list(now) } else { self.claim(at) }
    }

    fn claimed(&mut self, now: Micros, heard: &PayHeard) -> Option<PayStep> {
        match heard {
            PayHeard::Order(order) => self.has(now, order),
            PayHeard::HeldByOthers | PayHeard::Refused(Refused::SoldOut) => {
                if self.stands_by && now < self.hours.ends {
                    self.join(now)
                } else {
                    self.claim_again(now)
                }
            }
            PayHeard::Refused(Refused::NotStarted) if self.early < EARLY_MAX => {
                self.early += 1;
                let opening = self.hours.opens.max(now);
                self.claims = 0;
                let at = self.soon(opening, (0, 100 * MS));
                self.claim(at)
            }
            PayHeard::Refused(Refused::Paused) => self.claim_again(now),
            _ => self.list(now),
        }
    }

    /// An order of one's own: what is done with it depends on the habit, and on whether there is anything to pay.
    fn has(&mut self, now: Micros, order: &Order) -> Option<PayStep> {
        let id = order.id.clone();
        if order.state != State::Held {
            return self.watch(now, id, 0, 0);
        }
        let at = self.soon(now, THINKS);
        match self.habit {
            PayHabit::Neglects => self.watch(now, id, 0, 0),
            PayHabit::Forges => self.ask(at, Doing::Paying(id.clone()), PayAsked::Forge(id)),
            PayHabit::Cancels if self.chance.of_1000(500) => self.cancel(at, id),
            _ => self.ask(at, Doing::Starting(id.clone()), PayAsked::Start(id)),
        }
    }

    fn started(&mut self, now: Micros, id: String, heard: &PayHeard) -> Option<PayStep> {
        if !matches!(heard, PayHeard::PayAt(_)) {
            return self.watch(now, id, 0, 0);
        }
        let at = self.soon(now, (20 * MS, 300 * MS));
        let how = match self.habit {
            PayHabit::Pays(how) => how,
            PayHabit::PaysAndCancels => How::AtOnce,
            PayHabit::Cancels => return self.cancel(at, id),
            _ => return self.ask(at, Doing::Paying(id.clone()), PayAsked::Return(id)),
        };
        let after_s = if how == How::Late { self.late_s } else { 0 };
        let asked = PayAsked::Pay { order: id.clone(), how, after_s };
        self.ask(at, Doing::Paying(id), asked)
    }

    fn cancel(&mut self, at: Micros, id: String) -> Option<PayStep> {
        self.ask(at, Doing::Cancelling(id.clone()), PayAsked::Cancel(id))
    }

    fn cancelled(&mut self, now: Micros, id: String, heard: &PayHeard) -> Option<PayStep> {
        let gone = matches!(heard, PayHeard::Order(order) if order.state == State::Cancelled);
        if gone && self.habit == PayHabit::Cancels && self.chance.of_1000(400) {
            // Another mind: this time it is paid for.
            self.habit = PayHabit::Pays(How::AtOnce);
            return self.claim_again(now);
        }
        self.watch(now, id, 0, 0)
    }

    fn watch(&mut self, now: Micros, id: String, looks: u32, over: u32) -> Option<PayStep> {
        let at = self.soon(now, self.look_every);
        self.ask(at, Doing::Watching(id.clone(), looks + 1, over), PayAsked::Order(id))
    }

    fn watched(
        &mut self,
        now: Micros,
        id: String,
        (looks, over): (u32, u32),
        heard: &PayHeard,
    ) -> Option<PayStep> {
        let PayHeard::Order(order) = heard else { return self.list(now) };
        let settled = match order.state {
            State::Held => false,
            State::Paid => all_settled(&order.payments),
            _ => all_settled(&order.payments) && !(self.pays_late() && order.payments.is_empty()),
        };
        let over = if settled { over + 1 } else { 0 };
        // Once more, to see that it stays so.
        let late = now.0 > self.hours.ends.0 + WATCHES;
        if over >= 2 || looks >= LOOKS_MAX || late {
            return self.list(now);
        }
        self.watch(now, id, looks, over)
    }

    /// Whether money may still come for an order that is over.
    fn pays_late(&self) -> bool {
        self.paid && !matches!(self.habit, PayHabit::Pays(How::WrongAmount | How::Forged))
    }

    fn join(&mut self, now: Micros) -> Option<PayStep> {
        let at = self.soon(now, (50 * MS, 600 * MS));
        let of = self.items[0].0;
        self.ask(at, Doing::Joining, PayAsked::Join(of))
    }

    fn in_line(&mut self, now: Micros, looks: u32, heard: &PayHeard) -> Option<PayStep> {
        let of = self.items[0].0;
        match heard {
            PayHeard::InLine { .. } if now.0 > self.hours.ends.0 + LINGER => self.list(now),
            PayHeard::InLine { .. } if self.leaves_after.is_some_and(|most| looks >= most) => {
                let at = self.soon(now, (0, 300 * MS));
                self.ask(at, Doing::Leaving, PayAsked::Leave(of))
            }
            PayHeard::InLine { .. } => {
                let at = self.soon(now, self.look_every);
                self.ask(at, Doing::InLine(looks + 1), PayAsked::Place(of))
            }
            // Most take what they waited for.
            PayHeard::NotInLine { offer: Some(id) } => {
                if self.chance.of_1000(700) {
                    self.habit = PayHabit::Pays(How::AtOnce);
                }
                let id = id.clone();
                self.has(now, &Order { id, state: State::Held, ..Order::default() })
            }
            _ => self.list(now),
        }
    }

    /// The last look: at all one's own orders.
    fn list(&mut self, now: Micros) -> Option<PayStep> {
        let at = self.soon(now, (100 * MS, 800 * MS));
        self.ask(at, Doing::Listing, PayAsked::Orders)
    }
}

/// Whether every payment has come to its end.
fn all_settled(payments: &[Payment]) -> bool {
    let open = |state| matches!(state, PaymentState::Late | PaymentState::RefundDue);
    !payments.iter().any(|payment| open(payment.state))
}

/// Whether the provider took a payment: now, or when it was asked before and its answer was lost.
fn is_paid(heard: &PayHeard) -> bool {
    *heard == PayHeard::Told || matches!(heard, PayHeard::WrongState(state) if state == "paid")
}

fn is_none(heard: &PayHeard) -> bool {
    let failed = matches!(heard, PayHeard::Failed(Effect::None | Effect::Unknown) | PayHeard::Lost);
    failed
        || matches!(
            heard,
            PayHeard::Busy { .. } | PayHeard::Strange { .. } | PayHeard::Queued { .. }
        )
}

/// What somebody wants: a unit or two of one type, or a basket.
fn items(paying: &PlannedPaying, chance: &mut Chance) -> Vec<(TypeIndex, u32)> {
    let types = &paying.types;
    let priced: Vec<usize> = (0..types.len()).filter(|at| types[*at].price > 0).collect();
    let first = priced[chance.below(priced.len() as u64) as usize];
    let count = |at: usize, chance: &mut Chance| {
        let most = types[at].limit_per_person.min(paying.limit_per_person.unwrap_or(u32::MAX));
        chance.between(1, u64::from(most.min(2))) as u32
    };
    if types.len() > 1 && chance.of_1000(300) {
        let other = (first + 1 + chance.below(types.len() as u64 - 1) as usize) % types.len();
        let mut basket = [(TypeIndex(first), 1), (TypeIndex(other), count(other, chance))];
        basket.sort_unstable();
        // Whoever lines up does so for the first of them, which has to cost something.
        if types[basket[0].0.0].price == 0 {
            basket.reverse();
        }
        return basket.to_vec();
    }
    vec![(TypeIndex(first), if chance.of_1000(250) { count(first, chance) } else { 1 })]
}

#[cfg(test)]
mod tests;
