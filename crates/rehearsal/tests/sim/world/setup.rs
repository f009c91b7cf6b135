//! The sale as it is announced, before anything can go wrong, to the crowd, the server and the checks alike.
//! Nothing here happens after the first event.

use super::{Event, World, server::Running};
use crate::clock::BEGAN_MS;
use ledger::{NewActivity, NewUnits, PeopleLedger, RosterName, Source};
use rehearsal::{
    crowd::{Hours, crowd, payers},
    history::{
        Announced, AnnouncedType, Change, Intervention, Micros, Person,
        paying::{Minor, PricedSale, PricedType, UnixMs},
    },
    plan::{PlannedPaying, PlannedPriced, PlannedType},
};
use rules::{Activity, Money, TicketType, TimeMs, UnitKind, UserNo, Validity, Window};
use sale::Operator;

/// The activity that the crowd wants.
pub const ACTIVITY: &str = "sale";
/// Another one, of which there is always enough: whoever claims there must win in the end.
pub const PROBE: &str = "probe";
/// The activity with prices, where there is one.
pub const PRICED: &str = "priced";
const PROBE_UNITS: u32 = 10_000;
/// Parts that may wait of which no simulated crowd has so many.
const PARTS_ENOUGH: usize = 1_000;
const DAY_MS: u64 = 24 * 3_600_000;

pub(super) fn operator() -> Operator {
    Operator { name: "operator".to_owned(), key: None }
}

fn at(us: u64) -> TimeMs {
    TimeMs(BEGAN_MS + us / 1_000)
}

/// The codes of a type, in their order.
pub fn codes(planned: &PlannedType) -> Vec<String> {
    let count = if planned.codes { planned.stock } else { 0 };
    (0..count).map(|number| format!("{}-{number:04}", planned.id)).collect()
}

/// The codes of a type of the sale with prices, in their order.
fn priced_codes(planned: &PlannedPriced) -> Vec<String> {
    let count = if planned.codes { planned.stock } else { 0 };
    (0..count).map(|number| format!("{}-{number:04}", planned.id)).collect()
}

impl World {
    /// Signs everybody in, imports both activities, and plans everything that is planned.
    pub(super) fn announce(&self) {
        self.server.calm(true);
        self.boot();
        let Running { sale, ledger } = self.server.running().expect("nothing can go wrong yet");
        let mut names = self.scenario.plan.names();
        let payers = self.payer_names();
        names.extend_from_slice(&payers);
        names.push("prober".to_owned());
        let adopted = ledger.adopt(&names, Source::Vouching, at(0)).expect("all is well");
        let users = adopted.into_iter().map(|person| person.expect("names are new").no);
        let mut users: Vec<UserNo> = users.collect();
        let crowd = self.scenario.plan.users as usize;
        self.payers.sign_in(users.drain(crowd..crowd + payers.len()).collect());
        self.people.sign_in(users);
        let mut new = vec![self.activity(), plain_activity(PROBE, PROBE_UNITS)];
        new.extend(self.scenario.plan.paying.as_ref().map(|paying| self.priced(paying)));
        sale.import(&new, &operator()).expect("what is imported is valid");
        self.server.calm(false);
        if self.scenario.limits.pending_parts_max < PARTS_ENOUGH {
            // Of those who are refused while the queue of parts is full no trace is kept, as after a crash.
            self.restarted();
        }
        self.plan_all();
    }

    fn plan_all(&self) {
        let hours = Hours::of(&self.scenario.plan, Micros(self.scenario.opens));
        for (hand, mut of) in crowd(&self.scenario.plan, hours).into_iter().enumerate() {
            if let Some(step) = of.step(Micros(0), None) {
                self.plan(step.at.0, Event::Send(hand, step));
            }
            self.people.join(of);
        }
        payers(&self.scenario.plan, hours).into_iter().for_each(|payer| self.pay_join(payer));
        if self.scenario.plan.paying.is_some() {
            self.plan_post();
        }
        for (at, trouble) in &self.scenario.troubles {
            self.plan(*at, Event::Trouble(*trouble));
        }
        self.plan(self.scenario.heals, Event::Heal);
        self.plan_probes();
        self.plan_desk();
    }

    fn activity(&self) -> NewActivity {
        let (scenario, plan) = (&self.scenario, &self.scenario.plan);
        let ticket = |planned: &PlannedType| TicketType {
            limit_per_user: planned.limit_per_person,
            kind: if planned.codes { UnitKind::Codes } else { UnitKind::Plain },
            ..ticket(&planned.id)
        };
        let units = |planned: &PlannedType| match planned.codes {
            true => NewUnits::Codes(codes(planned)),
            false => NewUnits::Plain(planned.stock),
        };
        let listed = plan.roster().unwrap_or_default().into_iter().map(|person| RosterName {
            name: plan.name(person),
            display_name: String::new(),
            department: String::new(),
        });
        let window = Window::new(at(scenario.opens), at(scenario.ends())).expect("it lasts");
        NewActivity {
            activity: Activity {
                limit_per_user: plan.limit_per_person,
                has_roster: plan.roster_per_mille.is_some(),
                types: plan.types.iter().map(ticket).collect(),
                ..activity(ACTIVITY, window)
            },
            units: plan.types.iter().map(units).collect(),
            roster: listed.collect(),
        }
    }

    /// The names of the payers.
    pub fn payer_names(&self) -> Vec<String> {
        let plan = &self.scenario.plan;
        let count = plan.paying.as_ref().map_or(0, |paying| paying.payers);
        (0..count).map(|number| plan.payer_name(Person(number))).collect()
    }

    fn priced(&self, paying: &PlannedPaying) -> NewActivity {
        let scenario = &self.scenario;
        let ticket = |planned: &PlannedPriced| TicketType {
            price: Money { minor: planned.price, currency: paying.currency.clone() },
            limit_per_user: planned.limit_per_person,
            kind: if planned.codes { UnitKind::Codes } else { UnitKind::Plain },
            pay_within_s: planned.pay_within_s,
            offer_within_s: planned.offer_within_s,
            ..ticket(&planned.id)
        };
        let units = |planned: &PlannedPriced| match planned.codes {
            true => NewUnits::Codes(priced_codes(planned)),
            false => NewUnits::Plain(planned.stock),
        };
        let window = Window::new(at(scenario.opens), at(scenario.ends())).expect("it lasts");
        NewActivity {
            activity: Activity {
                limit_per_user: paying.limit_per_person,
                standby: true,
                types: paying.types.iter().map(ticket).collect(),
                ..activity(PRICED, window)
            },
            units: paying.types.iter().map(units).collect(),
            roster: Vec::new(),
        }
    }

    /// The sale with prices as the checks have to know it.
    pub fn announced_with_prices(&self, paying: &PlannedPaying) -> PricedSale {
        let announced = |planned: &PlannedPriced| PricedType {
            id: planned.id.clone(),
            stock: planned.stock,
            codes: priced_codes(planned),
            limit_per_person: planned.limit_per_person,
            price: Minor(planned.price),
            pay_within_s: planned.pay_within_s,
        };
        PricedSale {
            activity: PRICED.to_owned(),
            currency: paying.currency.clone(),
            limit_per_person: paying.limit_per_person,
            types: paying.types.iter().map(announced).collect(),
            clock_zero: UnixMs(BEGAN_MS),
            clock_within: Micros(self.scenario.clock_within),
        }
    }

    /// The sale as the checks have to know it.
    pub fn announced(&self) -> Announced {
        let (scenario, plan) = (&self.scenario, &self.scenario.plan);
        let announced = |planned: &PlannedType| AnnouncedType {
            id: planned.id.clone(),
            stock: planned.stock,
            codes: codes(planned),
            limit_per_person: planned.limit_per_person,
            opens: Micros(scenario.opens),
            ends: Micros(scenario.ends()),
        };
        Announced {
            activity: ACTIVITY.to_owned(),
            limit_per_person: plan.limit_per_person,
            roster: plan.roster(),
            types: plan.types.iter().map(announced).collect(),
            clock_within: Micros(scenario.clock_within),
        }
    }

    /// Something was lost that was not on disk: the checks expect no more than they may.
    pub(super) fn restarted(&self) {
        let (sent, heard) = (Micros(self.now()), Some(Micros(self.now())));
        let what = Change::Restarted;
        self.interventions.borrow_mut().push(Intervention { sent, heard, what });
    }
}

/// An activity that is open all the time, with plain units of one type of the same id and as good as no limit.
pub fn plain_activity(id: &str, units: u32) -> NewActivity {
    let window = Window::new(TimeMs(BEGAN_MS - DAY_MS), TimeMs(BEGAN_MS + DAY_MS));
    let limit_per_user = rules::LIMIT_PER_USER_MAX;
    let types = vec![TicketType { limit_per_user, ..ticket(id) }];
    let activity = Activity { types, ..activity(id, window.expect("it lasts")) };
    NewActivity { activity, units: vec![NewUnits::Plain(units)], roster: Vec::new() }
}

fn activity(id: &str, window: Window) -> Activity {
    Activity {
        id: id.to_owned(),
        name: id.to_owned(),
        desc: String::new(),
        image: String::new(),
        window,
        limit_per_user: None,
        has_roster: false,
        standby: false,
        types: Vec::new(),
    }
}

fn ticket(id: &str) -> TicketType {
    TicketType {
        id: id.to_owned(),
        name: id.to_owned(),
        desc: String::new(),
        image: String::new(),
        price: Money::parse("0", "CNY").expect("nothing is an amount"),
        limit_per_user: 1,
        kind: UnitKind::Plain,
        window: None,
        pay_within_s: 900,
        offer_within_s: 900,
        validity: Validity { from: at(0), until: None },
    }
}
