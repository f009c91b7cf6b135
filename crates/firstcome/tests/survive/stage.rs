//! What the tests with a crowd begin and end with: a server with sales and people, and at the end the exports,
//! the program's own check and the judge. What happens in between is each test's own.

use crate::{
    crowd::{Chance, Errand, Manner, Person},
    history::{Asked, Heard, Lot, Record, read_exports},
    judge::judge,
    world::{Client, World, export, import, names, now_s, tokens},
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_micros(200);
/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server, what it sells, and who wants it.
pub struct Stage {
    /// The server.
    pub world: World,
    /// A connection of an operator.
    pub operator: Client,
    /// Everybody.
    pub people: Vec<Person>,
    /// Everything that is sold.
    pub lots: Vec<Lot>,
}

/// Two types of an activity: so many plain units and so many codes, one of each for a person.
pub fn two_lots(activity: &str, units: usize, limit_in_activity: usize) -> Vec<Lot> {
    let lot = |ticket_type: &str, codes: Vec<String>| Lot {
        activity: activity.to_owned(),
        ticket_type: ticket_type.to_owned(),
        units,
        limit: 1,
        limit_in_activity,
        codes,
    };
    // In no order that sorting would find by itself.
    let code = |at: usize| format!("{activity}-{:05}", at * 7919 % 100_003);
    vec![lot("plain", Vec::new()), lot("coded", (0..units).map(code).collect())]
}

/// The activity of some lots as an operator imports it, open from `start_time`.
pub fn activity(lots: &[Lot], start_time: u64) -> Value {
    let ticket = |lot: &Lot| {
        let mut ticket =
            json!({"id": lot.ticket_type, "name": "Ticket", "limit_per_user": lot.limit});
        match lot.codes.is_empty() {
            true => ticket["stock"] = json!(lot.units),
            false => ticket["codes"] = json!(lot.codes),
        }
        ticket
    };
    json!({
        "id": lots[0].activity, "name": "Activity",
        "start_time": start_time, "end_time": now_s() + 3600,
        "limit_per_user": lots[0].limit_in_activity,
        "ticket": lots.iter().map(ticket).collect::<Vec<_>>(),
    })
}

impl Stage {
    /// Starts the server; nothing is sold yet.
    pub fn open(mut world: World, people: usize) -> Self {
        let mut operator = world.serve_with_operator();
        let names = names("p", people);
        let tokens = tokens(&mut operator, &names);
        let people = tokens.into_iter().map(|token| Person { token }).collect();
        Self { world, operator, people, lots: Vec::new() }
    }

    /// Sells these lots of one activity.
    pub fn sell(&mut self, lots: Vec<Lot>, start_time: u64) {
        import(&mut self.operator, json!([activity(&lots, start_time)]));
        self.lots.extend(lots);
    }

    /// Errands of people who each want one unit of one of two lots; every fifth wants both.
    pub fn errands(
        lots: [usize; 2],
        people: std::ops::Range<usize>,
        chance: &mut Chance,
    ) -> Vec<Errand> {
        let mut errands = Vec::new();
        for person in people {
            let first = chance.below(2);
            let mut wants = |lot, manner| errands.push(Errand { person, lot, manner });
            wants(lots[first], chance.manner());
            if chance.below(5) == 0 {
                wants(lots[1 - first], Manner::Patient);
            }
        }
        chance.shuffle(&mut errands);
        errands
    }

    /// What the server exports beside what the crowd remembers.
    pub fn record(&mut self, history: Vec<Asked>) -> Record {
        // The connection it had may be one of a server that is gone.
        self.operator = self.operator.again();
        let mut record = Record { lots: self.lots.clone(), history, ..Record::default() };
        let mut activities: Vec<String> =
            self.lots.iter().map(|lot| lot.activity.clone()).collect();
        activities.dedup();
        for activity in activities {
            let orders = export(&mut self.operator, &activity, "orders");
            let participants = export(&mut self.operator, &activity, "participants");
            let person = |name: &str| name[1..].parse().expect("a name of this stage");
            read_exports(&mut record, &activity, (&orders, &participants), &person);
        }
        record
    }

    /// Judges what happened: nothing is broken, by the judge and by the program's own check, and everything
    /// that more people wanted than there was is sold to the last unit.
    pub fn judge(&mut self, history: Vec<Asked>) -> Record {
        println!("{}", told(&history));
        let record = self.record(history);
        let broken = judge(&record);
        let first: Vec<_> = broken.iter().take(10).collect();
        assert!(broken.is_empty(), "{} promises are broken: {first:#?}", broken.len());
        self.world.must(&["check"], "");
        for (at, lot) in self.lots.iter().enumerate() {
            let sold = record.orders.iter().filter(|order| order.lot == at).count();
            assert_eq!(sold, lot.units, "{} {}", lot.activity, lot.ticket_type);
        }
        self.stats_agree(&record);
        record
    }

    fn stats_agree(&mut self, record: &Record) {
        let mut totals: std::collections::BTreeMap<&str, usize> = Default::default();
        for lot in &record.lots {
            *totals.entry(&lot.activity).or_default() += lot.units;
        }
        for (activity, total) in totals {
            let stats = self.operator.get(&format!("/admin/act/stats?actId={activity}")).data();
            let of = |key: &str| stats[key].as_u64().expect("a count") as usize;
            let counts = [of("total"), of("sold"), of("held"), of("available")];
            assert_eq!(counts, [total, total, 0, 0], "{stats}");
        }
    }
}

/// How often the crowd heard what, so that a run shows whether it met any trouble.
fn told(history: &[Asked]) -> String {
    let count = |is: fn(&Heard) -> bool| history.iter().filter(|asked| is(&asked.heard)).count();
    format!(
        "{} requests: {} won, {} queued, {} refused, {} busy, {} failed, {} unknown, {} lost",
        history.len(),
        count(|heard| matches!(heard, Heard::Won(_))),
        count(|heard| matches!(heard, Heard::Queued(_))),
        count(|heard| matches!(heard, Heard::Refused(..))),
        count(|heard| matches!(heard, Heard::Busy)),
        count(|heard| matches!(heard, Heard::Nothing)),
        count(|heard| matches!(heard, Heard::Unknown)),
        count(|heard| matches!(heard, Heard::Lost)),
    )
}

/// Waits until a condition comes true.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: it did not come to that");
        std::thread::sleep(LOOK);
    }
}

/// Waits until a counter is at least this high.
pub fn wait_count(what: &str, counter: &AtomicUsize, least: usize) {
    wait_for(what, || counter.load(Ordering::Acquire) >= least);
}
