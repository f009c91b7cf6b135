//! The judge: from what the crowd was told and what the exports say, every promise that was broken.
//! It shares nothing with the program, and excuses only what two requests at the same time can explain.

use crate::history::{Asked, Heard, Lot, Order, Question, Record};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A ticket that someone was given is not in the export as it was given: its id.
    AcknowledgedLost(String),
    /// Two orders of one lot have the same ticket, order, claim number or code: which.
    SoldTwice(String),
    /// More orders than units: the lot.
    Oversold(usize),
    /// A person has more than the limit: person and lot.
    LimitExceeded(usize, usize),
    /// A code went out before one that was imported earlier: the lot.
    CodesOutOfOrder(usize),
    /// Told "sold out", and later units went to someone who came later, or are still there: person and lot.
    SoldOutProvedWrong(usize, usize),
    /// Told "limit reached" without having had that much, or with tickets that are not theirs: person and lot.
    LimitProvedWrong(usize, usize),
    /// A queued claim without a final answer: its id.
    NeverEnded(String),
    /// A claim with two different final answers: its id.
    ChangedItsMind(String),
    /// A claim declared never written is in the export: its id.
    RoseFromTheDead(String),
    /// Answered before the other asked, and yet numbered after: the earlier person and the later, and the lot.
    Inversion(usize, usize, usize),
    /// One key gave two tickets: person and key.
    KeyTwice(usize, String),
    /// An order of someone who was told each time that nothing had happened: person and lot.
    Phantom(usize, usize),
    /// The participants' export contradicts the orders, or what the person was told: person and activity.
    Participation(usize, String),
}

/// Every broken promise, without repetition.
pub fn judge(record: &Record) -> BTreeSet<Broken> {
    let case = Case::new(record);
    let mut broken = BTreeSet::new();
    case.acknowledged(&mut broken);
    case.sold_once(&mut broken);
    case.limits(&mut broken);
    case.codes_in_order(&mut broken);
    case.sold_out(&mut broken);
    case.limit_reached(&mut broken);
    case.results(&mut broken);
    case.arrival(&mut broken);
    case.keys(&mut broken);
    case.phantoms(&mut broken);
    case.participation(&mut broken);
    broken
}

/// The record, with what most rules look up.
struct Case<'a> {
    record: &'a Record,
    by_ticket: HashMap<&'a str, &'a Order>,
    /// Orders by person and lot.
    had: HashMap<(usize, usize), usize>,
    /// The earliest request that may have won, by person and lot.
    came: HashMap<(usize, usize), Instant>,
    /// When the owner first knew, by ticket.
    knew: HashMap<&'a str, Instant>,
    /// What each person heard in each activity.
    heard: HashMap<(usize, &'a str), Vec<&'a Heard>>,
}

impl<'a> Case<'a> {
    fn new(record: &'a Record) -> Self {
        let by_ticket =
            record.orders.iter().map(|order| (order.ticket.ticket_id.as_str(), order)).collect();
        let mut case = Self {
            record,
            by_ticket,
            had: HashMap::new(),
            came: HashMap::new(),
            knew: HashMap::new(),
            heard: HashMap::new(),
        };
        for order in &record.orders {
            *case.had.entry((order.person, order.lot)).or_default() += 1;
        }
        for asked in &record.history {
            let whose = (asked.person, record.lots[asked.lot].activity.as_str());
            case.heard.entry(whose).or_default().push(&asked.heard);
            if asked.may_have_won() {
                let came = case.came.entry((asked.person, asked.lot)).or_insert(asked.sent);
                *came = asked.sent.min(*came);
            }
            if let Heard::Won(ticket) = &asked.heard {
                let knew = case.knew.entry(&ticket.ticket_id).or_insert(asked.answered);
                *knew = asked.answered.min(*knew);
            }
        }
        case
    }

    fn lot(&self, lot: usize) -> &'a Lot {
        &self.record.lots[lot]
    }

    fn orders_of(&self, lot: usize) -> impl Iterator<Item = &'a Order> {
        self.record.orders.iter().filter(move |order| order.lot == lot)
    }

    /// Promise 2: an answer given is kept.
    fn acknowledged(&self, broken: &mut BTreeSet<Broken>) {
        for asked in &self.record.history {
            let Heard::Won(ticket) = &asked.heard else { continue };
            let kept = self.by_ticket.get(ticket.ticket_id.as_str()).is_some_and(|order| {
                order.ticket == *ticket && order.person == asked.person && order.lot == asked.lot
            });
            if !kept {
                broken.insert(Broken::AcknowledgedLost(ticket.ticket_id.clone()));
            }
        }
    }

    /// Promises 1 and 4: never oversold, a code goes out once.
    fn sold_once(&self, broken: &mut BTreeSet<Broken>) {
        let mut seen = BTreeSet::new();
        for order in &self.record.orders {
            let ticket = &order.ticket;
            let mut marks = vec![
                format!("ticket {}", ticket.ticket_id),
                format!("order {}", ticket.order_id),
                format!("claim {} of lot {}", ticket.claim_no, order.lot),
            ];
            marks.extend(ticket.code.as_ref().map(|code| format!("code {code}")));
            let twice = marks.into_iter().filter(|mark| !seen.insert(mark.clone()));
            broken.extend(twice.map(Broken::SoldTwice));
        }
        for (lot, what) in self.record.lots.iter().enumerate() {
            if self.orders_of(lot).count() > what.units {
                broken.insert(Broken::Oversold(lot));
            }
        }
    }

    /// Promise 3: one person, one limit.
    fn limits(&self, broken: &mut BTreeSet<Broken>) {
        for (&(person, lot), &count) in &self.had {
            let what = self.lot(lot);
            if count > what.limit || self.had_in_activity(person, lot) > what.limit_in_activity {
                broken.insert(Broken::LimitExceeded(person, lot));
            }
        }
    }

    fn had_in_activity(&self, person: usize, lot: usize) -> usize {
        let activity = &self.lot(lot).activity;
        let lots = self.record.lots.iter().enumerate();
        lots.filter(|(_, one)| one.activity == *activity)
            .map(|(at, _)| self.had.get(&(person, at)).copied().unwrap_or_default())
            .sum()
    }

    /// C8: codes go out in the order of import, each only where it belongs.
    fn codes_in_order(&self, broken: &mut BTreeSet<Broken>) {
        for (lot, what) in self.record.lots.iter().enumerate() {
            let places: HashMap<&str, usize> =
                what.codes.iter().enumerate().map(|(at, code)| (code.as_str(), at)).collect();
            let mut orders: Vec<_> = self.orders_of(lot).collect();
            orders.sort_by_key(|order| order.ticket.claim_no);
            let place = |order: &&Order| {
                order.ticket.code.as_ref().and_then(|code| places.get(code.as_str())).copied()
            };
            let given: Vec<_> = orders.iter().map(place).collect();
            let wanted = |place: &Option<usize>| place.is_some() != what.codes.is_empty();
            if !given.iter().all(wanted) || !given.is_sorted() {
                broken.insert(Broken::CodesOutOfOrder(lot));
            }
        }
    }

    /// C32: a final "sold out" is never proved wrong. Nothing is refilled in these sales.
    fn sold_out(&self, broken: &mut BTreeSet<Broken>) {
        for (lot, what) in self.record.lots.iter().enumerate() {
            let told =
                |asked: &&Asked| asked.lot == lot && matches!(asked.heard, Heard::Refused(-2, _));
            let first = self.record.history.iter().filter(told).min_by_key(|asked| asked.answered);
            let Some(first) = first else { continue };
            let later = |order: &&Order| {
                self.came.get(&(order.person, lot)).is_some_and(|came| *came > first.answered)
            };
            let left = self.orders_of(lot).count() < what.units;
            if left || self.orders_of(lot).any(|order| later(&order)) {
                broken.insert(Broken::SoldOutProvedWrong(first.person, lot));
            }
        }
    }

    fn limit_reached(&self, broken: &mut BTreeSet<Broken>) {
        for asked in &self.record.history {
            let Heard::Refused(-5, tickets) = &asked.heard else { continue };
            let had = self.had.get(&(asked.person, asked.lot)).copied().unwrap_or_default();
            let what = self.lot(asked.lot);
            let reached = had >= what.limit
                || self.had_in_activity(asked.person, asked.lot) >= what.limit_in_activity;
            let theirs = |ticket: &String| {
                self.by_ticket.get(ticket.as_str()).is_some_and(|one| one.person == asked.person)
            };
            if !reached || tickets.is_empty() || !tickets.iter().all(theirs) {
                broken.insert(Broken::LimitProvedWrong(asked.person, asked.lot));
            }
        }
    }

    /// C11: every queued claim ends, and stays ended.
    fn results(&self, broken: &mut BTreeSet<Broken>) {
        let mut finals: BTreeMap<&str, Vec<&Heard>> = BTreeMap::new();
        for asked in &self.record.history {
            if let Heard::Queued(claim) = &asked.heard {
                finals.entry(claim).or_default();
            }
            if let (Question::Result(claim), Heard::Won(_) | Heard::Nothing) =
                (&asked.question, &asked.heard)
            {
                finals.entry(claim).or_default().push(&asked.heard);
            }
        }
        let orders: BTreeSet<&str> =
            self.record.orders.iter().map(|order| order.ticket.order_id.as_str()).collect();
        for (claim, finals) in finals {
            match finals.first() {
                None => broken.insert(Broken::NeverEnded(claim.to_owned())),
                Some(Heard::Nothing) if orders.contains(claim) => {
                    broken.insert(Broken::RoseFromTheDead(claim.to_owned()))
                }
                Some(first) if finals.iter().any(|one| one != first) => {
                    broken.insert(Broken::ChangedItsMind(claim.to_owned()))
                }
                Some(_) => false,
            };
        }
    }

    /// Promise 5: nobody who came later wins over someone who came earlier.
    fn arrival(&self, broken: &mut BTreeSet<Broken>) {
        for lot in 0..self.record.lots.len() {
            let mut known: Vec<(Instant, &Order)> = self
                .orders_of(lot)
                .filter_map(|order| Some((*self.knew.get(order.ticket.ticket_id.as_str())?, order)))
                .collect();
            known.sort_by_key(|(knew, _)| *knew);
            let mut came: Vec<(Instant, &Order)> = self
                .orders_of(lot)
                .filter_map(|order| Some((*self.came.get(&(order.person, lot))?, order)))
                .collect();
            came.sort_by_key(|(came, _)| *came);
            let mut earlier = known.into_iter().peekable();
            let mut last: Option<&Order> = None;
            for (came, order) in came {
                while let Some((_, done)) = earlier.next_if(|(knew, _)| *knew < came) {
                    if last.is_none_or(|last| last.ticket.claim_no < done.ticket.claim_no) {
                        last = Some(done);
                    }
                }
                if let Some(last) = last.filter(|last| last.ticket.claim_no > order.ticket.claim_no)
                {
                    broken.insert(Broken::Inversion(last.person, order.person, lot));
                }
            }
        }
    }

    /// Promise 6: a key finds its own first success, for ever.
    fn keys(&self, broken: &mut BTreeSet<Broken>) {
        let mut tickets: HashMap<(usize, &str, &str), &str> = HashMap::new();
        for asked in &self.record.history {
            let (Question::Claim(Some(key)), Heard::Won(ticket)) = (&asked.question, &asked.heard)
            else {
                continue;
            };
            let activity = self.lot(asked.lot).activity.as_str();
            let first = tickets.entry((asked.person, activity, key)).or_insert(&ticket.ticket_id);
            if *first != ticket.ticket_id {
                broken.insert(Broken::KeyTwice(asked.person, key.clone()));
            }
        }
    }

    /// Promise 8: "nothing happened" is said only when it is certain.
    fn phantoms(&self, broken: &mut BTreeSet<Broken>) {
        let unasked = |order: &&Order| !self.came.contains_key(&(order.person, order.lot));
        let phantoms = self.record.orders.iter().filter(unasked);
        broken.extend(phantoms.map(|order| Broken::Phantom(order.person, order.lot)));
    }

    fn participation(&self, broken: &mut BTreeSet<Broken>) {
        let mut first: BTreeMap<(usize, &str), u64> = BTreeMap::new();
        for order in &self.record.orders {
            let owner = (order.person, self.lot(order.lot).activity.as_str());
            let no = first.entry(owner).or_insert(order.ticket.claim_no);
            *no = order.ticket.claim_no.min(*no);
        }
        let mut rows: BTreeSet<(usize, &str)> = BTreeSet::new();
        for row in &self.record.participants {
            let who = (row.person, row.activity.as_str());
            let won = row.outcome.as_deref() == Some("won");
            // A person of several types has claim numbers of each; the first decided need not be the lowest.
            let numbered = row.claim_no.is_some() == won;
            let sound = won == first.contains_key(&who) && numbered && self.was_told(row);
            if !rows.insert(who) || !sound {
                broken.insert(Broken::Participation(row.person, row.activity.clone()));
            }
        }
        for (person, activity) in first.into_keys().filter(|who| !rows.contains(who)) {
            broken.insert(Broken::Participation(person, activity.to_owned()));
        }
    }

    /// Whether the refusal that an export shows is one that this person heard, or may have heard.
    fn was_told(&self, row: &crate::history::Participant) -> bool {
        let number = match row.outcome.as_deref() {
            None | Some("won") => return true,
            Some("sold_out") => -2,
            Some("limit_reached") => -5,
            Some("not_eligible") => -6,
            Some("ended") => -1,
            Some("paused") => -11,
            Some(_) => return false,
        };
        // A refusal whose answer was lost, or not given because its grounds were late, is recorded all the same.
        let told = |heard: &&Heard| match *heard {
            Heard::Refused(ret, _) => *ret == number,
            Heard::Lost | Heard::Busy => true,
            _ => false,
        };
        let heard = self.heard.get(&(row.person, row.activity.as_str()));
        heard.is_some_and(|all| all.iter().any(told))
    }
}
