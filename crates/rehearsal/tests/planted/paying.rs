//! A good sale with prices: payers as a rehearsal sends them, at a correct server, over lines that lose some replies.
//! Everything follows from the seed; nothing here is wrong on purpose.

use crate::{
    chance::Chance,
    kills::Kills,
    till::{Claimed, Later, SECOND, Till, order_of},
};
use rehearsal::{
    crowd::{Hours, PayStep, Payer, payers},
    history::{
        Effect, Micros,
        paying::{
            Minor, PayAsked, PayCall, PayHeard, Paying, PricedSale, PricedType, State, UnixMs,
        },
    },
    plan::{Plan, PlannedPaying, PlannedPriced},
};
use std::{cmp::Reverse, collections::BinaryHeap};

const OPENS: u64 = 2 * SECOND;
/// The server's clock is known to so much.
const CLOCK_WITHIN: u64 = 30_000;
/// Unix milliseconds at the rehearsal's zero.
const ZERO_MS: u64 = 1_796_000_000_000;
/// The exports are read so long after the last call.
const EXPORTED_AFTER: u64 = 90 * SECOND;

/// What happens at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happens {
    Later(Later),
    /// A payer's call, sent at that time, is decided.
    Call(usize, u64),
}

/// What is to happen, the next first.
pub type Agenda = BinaryHeap<Reverse<(u64, Happens)>>;

struct Shop {
    chance: Chance,
    till: Till,
    kills: Kills,
    payers: Vec<Payer>,
    steps: Vec<Option<PayStep>>,
    agenda: Agenda,
    calls: Vec<PayCall>,
}

/// The history of the sale with this seed.
pub fn good(seed: u64) -> Paying {
    let mut chance = Chance::new(seed ^ 0x9a1d);
    let plan = plan(seed, &mut chance);
    let planned = plan.paying.clone().expect("it has payers");
    let hours = Hours::of(&plan, Micros(OPENS));
    let names: Vec<String> = (0..planned.payers).map(|no| format!("payer-{no:06}")).collect();
    let sale = sale(&planned);
    // Its clock is not quite where the rehearsal thinks it is.
    let off = chance.number(0, 2 * CLOCK_WITHIN / 1_000);
    let zero_ms = ZERO_MS + off - CLOCK_WITHIN / 1_000;
    let grace = chance.number(300_000, 2 * SECOND);
    let mut till = Till::new(sale, names.clone(), zero_ms, grace);
    (till.opens, till.ends) = (hours.opens.0, hours.ends.0);
    let mut shop = Shop {
        kills: Kills::draw(seed, (hours.opens.0, hours.ends.0)),
        payers: payers(&plan, hours),
        steps: vec![None; planned.payers as usize],
        agenda: BinaryHeap::new(),
        calls: Vec::new(),
        chance,
        till,
    };
    shop.run();
    shop.calls.sort_by_key(|call| call.ended);
    let last = shop.calls.last().map_or(0, |call| call.ended.0);
    Paying {
        names,
        exported: Micros(last + EXPORTED_AFTER),
        orders: shop.till.rows(),
        payments: shop.till.payments(),
        participants: shop.till.participants(),
        events: Some(shop.till.feed()),
        at_rest: shop.till.at_rest(),
        restarted: false,
        outages: shop.kills.outages(),
        sale: shop.till.sale,
        calls: shop.calls,
    }
}

fn plan(seed: u64, chance: &mut Chance) -> Plan {
    let mut planned = |id: &str, codes, price| PlannedPriced {
        id: id.to_owned(),
        stock: chance.number(3, 9) as u32,
        codes,
        limit_per_person: chance.number(1, 2) as u32,
        price,
        pay_within_s: chance.number(1, 3) as u32,
        offer_within_s: 1,
    };
    let types = vec![
        planned("dinner", false, 990),
        planned("concert", true, 12_000),
        planned("badge", false, 0),
    ];
    let paying = PlannedPaying {
        payers: chance.number(25, 45) as u32,
        limit_per_person: chance.happens(50).then_some(3),
        late_s: (0, 6),
        types,
        ..PlannedPaying::default()
    };
    Plan { seed, seconds: 9, paying: Some(paying), ..Plan::default() }
}

fn sale(planned: &PlannedPaying) -> PricedSale {
    let announced = |one: &PlannedPriced| PricedType {
        id: one.id.clone(),
        stock: one.stock,
        codes: (0..one.stock)
            .filter(|_| one.codes)
            .map(|no| format!("{}-code-{no}", one.id))
            .collect(),
        limit_per_person: one.limit_per_person,
        price: Minor(one.price),
        pay_within_s: one.pay_within_s,
    };
    PricedSale {
        activity: "paid".to_owned(),
        currency: planned.currency.clone(),
        limit_per_person: planned.limit_per_person,
        types: planned.types.iter().map(announced).collect(),
        clock_zero: UnixMs(ZERO_MS),
        clock_within: Micros(CLOCK_WITHIN),
    }
}

impl Shop {
    fn run(&mut self) {
        for at in 0..self.payers.len() {
            let step = self.payers[at].step(Micros(0), None);
            self.next(at, 0, step);
        }
        while let Some(Reverse((now, happens))) = self.agenda.pop() {
            if self.kills.are_due(now) {
                self.agenda.push(Reverse((now, happens)));
                self.kills.happen(&mut self.till, &mut self.agenda);
                continue;
            }
            match happens {
                Happens::Later(later) => self.till.happen(now, later),
                Happens::Call(at, sent) => self.call(now, at, sent),
            }
            let later = std::mem::take(&mut self.till.later);
            self.agenda
                .extend(later.into_iter().map(|(at, what)| Reverse((at, Happens::Later(what)))));
        }
    }

    fn next(&mut self, at: usize, free_at: u64, step: Option<PayStep>) {
        let Some(step) = step else { return };
        let sent = step.at.0.max(free_at) + self.chance.number(1, 3_000);
        let decided = sent + self.chance.number(1, 6_000);
        self.steps[at] = Some(step);
        self.agenda.push(Reverse((decided, Happens::Call(at, sent))));
    }

    fn call(&mut self, now: u64, at: usize, sent: u64) {
        let Some(step) = self.steps[at].take() else { return };
        if let Some(back) = self.kills.kept_out(sent) {
            // Nobody took the question: it is asked once there is somebody.
            return self.next(at, back, Some(step));
        }
        let ended = now + self.chance.number(1, 12_000);
        let heard = if self.kills.cut_off(sent, now) {
            // It was under way when the server was killed.
            PayHeard::Lost
        } else if self.chance.happens(1) {
            PayHeard::Busy { retry_after: true }
        } else if self.chance.happens(1) {
            PayHeard::Failed(Effect::None)
        } else {
            let heard = self.answer(now, at, &step.asked);
            let told = self.kills.told(now, ended, &step.asked, &heard);
            if !told || self.chance.happens(3) { PayHeard::Lost } else { heard }
        };
        let person = self.payers[at].person();
        let (sent, ended) = (Micros(sent), Micros(ended));
        let next = self.payers[at].step(ended, Some(&heard));
        self.calls.push(PayCall { person, asked: step.asked, sent, ended, heard });
        self.next(at, ended.0, next);
    }

    fn answer(&mut self, now: u64, at: usize, asked: &PayAsked) -> PayHeard {
        let (till, person) = (&mut self.till, self.payers[at].person());
        let wrong = |till: &Till, order: usize| {
            PayHeard::WrongState(till.order(order, false).state.name().to_owned())
        };
        match asked {
            PayAsked::Claim { items, key } | PayAsked::Result { items, key, .. } => {
                let claimed = till.claim(now, person, items, Some(*key));
                told(till, claimed)
            }
            PayAsked::Order(id) => PayHeard::Order(till.order(order_of(id), true)),
            PayAsked::Orders => PayHeard::Orders(till.orders_of(person)),
            PayAsked::Cancel(id) => {
                let order = order_of(id);
                match till.cancel(now, order) {
                    Some(()) => PayHeard::Order(till.order(order, true)),
                    None => wrong(till, order),
                }
            }
            PayAsked::Start(id) => match till.start(order_of(id)) {
                Some(()) => PayHeard::PayAt(format!("/pay/test/{id}")),
                None => wrong(till, order_of(id)),
            },
            PayAsked::Pay { order, how, after_s } => {
                match till.pay(now, order_of(order), *how, u64::from(*after_s) * SECOND) {
                    Some(()) => PayHeard::Told,
                    None => PayHeard::WrongState("closed".to_owned()),
                }
            }
            PayAsked::Forge(_) => PayHeard::Whatever { status: 400 },
            PayAsked::Return(_) => PayHeard::Whatever { status: 200 },
            PayAsked::Join(of) => match till.join(now, person, of.0) {
                Ok(ahead) => PayHeard::InLine { ahead },
                Err(Claimed::Order(_)) => PayHeard::WrongState("free".to_owned()),
                Err(refused) => told(till, refused),
            },
            PayAsked::Leave(of) => PayHeard::Left(till.leave(person, of.0)),
            PayAsked::Place(of) => match till.ahead(person, of.0) {
                Some(ahead) => PayHeard::InLine { ahead },
                None => PayHeard::NotInLine { offer: till.offer(person, of.0) },
            },
        }
    }
}

fn told(till: &Till, claimed: Claimed) -> PayHeard {
    match claimed {
        Claimed::Order(order) => PayHeard::Order(till.order(order, true)),
        Claimed::Refused(refused) => PayHeard::Refused(refused),
        Claimed::HeldByOthers => PayHeard::HeldByOthers,
    }
}

/// Whether an order's state is one of those in which it is over and was not paid.
pub fn is_over(state: State) -> bool {
    matches!(state, State::Cancelled | State::Expired)
}
