//! A correct server of orders, payments and waiting lines as plain data: it does one thing at a time, at once, and
//! knows of no durability. Written for these tests alone, so that the judge and what it judges share no code.

use rehearsal::history::{
    Key, ParticipantRow, Person, Refused, TypeIndex,
    paying::{
        AtRest, FeedEvent, How, Minor, Order, Payment, PaymentRow, PaymentState, PricedRow,
        PricedSale, PricedTicket, State, UnixMs,
    },
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub const SECOND: u64 = 1_000_000;

/// What is to happen by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Later {
    /// The provider tells of a payment.
    Tell(usize),
    /// The deadline: the provider is asked and closes.
    Close(usize),
    /// The grace is over.
    Expire(usize),
    /// The money is back.
    Refund(usize),
}

#[derive(Clone)]
struct Line {
    of: usize,
    unit: u32,
    no: u32,
}

#[derive(Clone)]
struct Held {
    person: Person,
    lines: Vec<Line>,
    state: State,
    pay_by: u64,
    closed: bool,
    /// Payments at the provider, by place in `made`.
    made: Vec<usize>,
}

/// A payment at the provider.
#[derive(Clone)]
struct Made {
    order: usize,
    how: How,
    told: bool,
}

#[derive(Clone)]
struct Received {
    order: usize,
    pays: Option<usize>,
    state: PaymentState,
    amount: Minor,
}

/// What a claim was answered.
pub enum Claimed {
    Order(usize),
    Refused(Refused),
    HeldByOthers,
}

/// The server.
#[derive(Clone)]
pub struct Till {
    pub sale: PricedSale,
    pub opens: u64,
    pub ends: u64,
    /// Unix milliseconds at its zero.
    zero_ms: u64,
    grace: u64,
    offer_within: u64,
    free: Vec<BTreeSet<u32>>,
    numbers: Vec<u32>,
    lines: Vec<Vec<Person>>,
    orders: Vec<Held>,
    keys: HashMap<(Person, Key), usize>,
    offers: HashMap<(Person, usize), usize>,
    made: Vec<Made>,
    received: Vec<Received>,
    feed: Vec<FeedEvent>,
    /// What is to happen by itself from now on.
    pub later: Vec<(u64, Later)>,
    names: Vec<String>,
}

impl Till {
    pub fn new(sale: PricedSale, names: Vec<String>, zero_ms: u64, grace: u64) -> Self {
        let types = sale.types.len();
        Self {
            free: sale.types.iter().map(|one| (0..one.stock).collect()).collect(),
            numbers: vec![0; types],
            lines: vec![Vec::new(); types],
            sale,
            names,
            zero_ms,
            grace,
            opens: 0,
            ends: 0,
            offer_within: SECOND,
            orders: Vec::new(),
            keys: HashMap::new(),
            offers: HashMap::new(),
            made: Vec::new(),
            received: Vec::new(),
            feed: Vec::new(),
            later: Vec::new(),
        }
    }

    fn tell(&mut self, name: &str, order: Option<usize>, payment: Option<usize>) {
        let no = self.feed.len() as u64 + 1;
        let (order, payment) = (order.map(order_id), payment.map(payment_id));
        self.feed.push(FeedEvent {
            no,
            name: name.to_owned(),
            order,
            payment,
            ..FeedEvent::default()
        });
    }

    fn live(&self, person: Person, of: Option<usize>) -> u32 {
        let own = self.orders.iter().filter(|one| one.person == person && one.state.is_live());
        let lines = own.flat_map(|one| &one.lines);
        lines.filter(|line| of.is_none_or(|of| line.of == of)).count() as u32
    }

    /// Whether the limits leave room for so many units.
    fn may_have(&self, person: Person, items: &[(TypeIndex, u32)]) -> bool {
        let each = items.iter().all(|(of, count)| {
            self.live(person, Some(of.0)) + count <= self.sale.types[of.0].limit_per_person
        });
        let all: u32 = items.iter().map(|(_, count)| *count).sum();
        let limit = self.sale.limit_per_person;
        each && limit.is_none_or(|limit| self.live(person, None) + all <= limit)
    }

    fn refusal(&self, now: u64, person: Person, items: &[(TypeIndex, u32)]) -> Option<Claimed> {
        if now >= self.ends {
            return Some(Claimed::Refused(Refused::Ended));
        } else if now < self.opens {
            return Some(Claimed::Refused(Refused::NotStarted));
        } else if !self.may_have(person, items) {
            return Some(Claimed::Refused(Refused::LimitReached));
        }
        let lacks: Vec<usize> = items
            .iter()
            .filter(|(of, count)| (self.free[of.0].len() as u32) < *count)
            .map(|(of, _)| of.0)
            .collect();
        let holds = |of: &usize| {
            let held = self.orders.iter().filter(|one| one.state == State::Held);
            held.flat_map(|one| &one.lines).any(|line| line.of == *of)
        };
        match lacks.is_empty() {
            true => None,
            false if lacks.iter().any(holds) => Some(Claimed::HeldByOthers),
            false => Some(Claimed::Refused(Refused::SoldOut)),
        }
    }

    pub fn claim(
        &mut self,
        now: u64,
        person: Person,
        items: &[(TypeIndex, u32)],
        key: Option<Key>,
    ) -> Claimed {
        if let Some(known) = key.and_then(|key| self.keys.get(&(person, key))) {
            return Claimed::Order(*known);
        }
        if let Some(refused) = self.refusal(now, person, items) {
            return refused;
        }
        let within = items.iter().map(|(of, _)| self.sale.types[of.0].pay_within_s).min();
        let order = self.give(now, person, items, u64::from(within.unwrap_or(0)) * SECOND);
        self.keys.extend(key.map(|key| ((person, key), order)));
        Claimed::Order(order)
    }

    fn give(&mut self, now: u64, person: Person, items: &[(TypeIndex, u32)], within: u64) -> usize {
        let mut lines = Vec::new();
        for (TypeIndex(of), count) in items {
            for _ in 0..*count {
                let unit = self.free[*of].pop_first().expect("it is free");
                self.numbers[*of] += 1;
                lines.push(Line { of: *of, unit, no: self.numbers[*of] });
            }
        }
        let priced = lines.iter().any(|line| self.sale.types[line.of].price.0 > 0);
        let state = if priced { State::Held } else { State::Paid };
        let place = self.orders.len();
        let pay_by = now + within;
        self.orders.push(Held { person, lines, state, pay_by, closed: false, made: Vec::new() });
        self.tell(if priced { "order.held" } else { "order.paid" }, Some(place), None);
        if priced {
            self.later.push((pay_by, Later::Close(place)));
            self.later.push((pay_by + self.grace, Later::Expire(place)));
        }
        place
    }

    /// Returned units go to those in line who may have them, in the order of joining.
    fn pump(&mut self, now: u64, of: usize) {
        let open = (self.opens..self.ends).contains(&now);
        while open && !self.free[of].is_empty() {
            let may = |person: &Person| self.may_have(*person, &[(TypeIndex(of), 1)]);
            let Some(at) = self.lines[of].iter().position(may) else { return };
            let person = self.lines[of].remove(at);
            let order = self.give(now, person, &[(TypeIndex(of), 1)], self.offer_within);
            self.offers.insert((person, of), order);
        }
    }

    fn step(&mut self, now: u64, order: usize, state: State) {
        self.orders[order].state = state;
        self.tell(&format!("order.{}", state.name()), Some(order), None);
        if matches!(state, State::Cancelled | State::Expired) {
            let lines = std::mem::take(&mut self.orders[order].lines);
            for line in &lines {
                self.free[line.of].insert(line.unit);
            }
            let types: BTreeSet<usize> = lines.iter().map(|line| line.of).collect();
            self.orders[order].lines = lines;
            types.into_iter().for_each(|of| self.pump(now, of));
        }
    }

    /// Gives the buyers of everything that is held so much more time.
    pub fn give_back(&mut self, gone: u64) {
        let held = self.orders.iter_mut().filter(|one| one.state == State::Held);
        held.for_each(|one| one.pay_by += gone);
    }

    /// The state afterwards, or none where it could not be given up.
    pub fn cancel(&mut self, now: u64, order: usize) -> Option<()> {
        match self.orders[order].state {
            State::Held => self.step(now, order, State::Cancelled),
            State::Cancelled => {}
            _ => return None,
        }
        Some(())
    }

    /// Where to pay; none where it is not held.
    pub fn start(&self, order: usize) -> Option<()> {
        (self.orders[order].state == State::Held && !self.orders[order].closed).then_some(())
    }

    /// The provider's page; none where it takes no payment.
    pub fn pay(&mut self, now: u64, order: usize, how: How, after: u64) -> Option<()> {
        let held = &self.orders[order];
        if held.closed || !held.made.is_empty() {
            return None;
        }
        let when = match how {
            How::AtOnce | How::Twice => now + 30_000,
            How::OutOfOrder => now + 2 * SECOND,
            How::Late => now + after,
            How::Never => u64::MAX,
            How::WrongAmount => now + 30_000,
            How::Forged => return Some(()),
        };
        for copy in 0..1 + u64::from(how == How::Twice) {
            let place = self.made.len();
            self.made.push(Made { order, how, told: false });
            self.orders[order].made.push(place);
            if when < u64::MAX {
                self.later.push((when + copy * 50_000, Later::Tell(place)));
            }
        }
        Some(())
    }

    pub fn happen(&mut self, now: u64, later: Later) {
        match later {
            Later::Tell(made) => self.receive(now, made),
            Later::Close(order) => {
                self.orders[order].closed = true;
                // Whoever asks hears of what was paid; money that comes late is not there yet.
                for made in self.orders[order].made.clone() {
                    if self.made[made].how != How::Late {
                        self.receive(now, made);
                    }
                }
            }
            Later::Expire(order) if self.orders[order].state == State::Held => {
                self.step(now, order, State::Expired);
            }
            Later::Expire(_) => {}
            Later::Refund(payment) => {
                self.received[payment].state = PaymentState::Refunded;
                self.tell("payment.refunded", None, Some(payment));
            }
        }
    }

    fn receive(&mut self, now: u64, made: usize) {
        if std::mem::replace(&mut self.made[made].told, true) {
            return;
        }
        let order = self.made[made].order;
        let payment = self.received.len();
        let (wrong, costs) = (self.made[made].how == How::WrongAmount, self.costs(order));
        let amount = Minor(costs.0 - u64::from(wrong));
        self.received.push(Received { order, pays: None, state: PaymentState::Late, amount });
        if wrong {
            return self.refund(now, payment);
        }
        match self.orders[order].state {
            State::Held => {
                self.step(now, order, State::Paid);
                self.confirm(payment, order);
            }
            State::Cancelled | State::Expired => {
                self.tell("payment.late", Some(order), Some(payment));
                self.settle_late(now, payment, order);
            }
            State::Paid | State::RefundDue | State::Refunded => self.refund(now, payment),
        }
    }

    fn confirm(&mut self, payment: usize, order: usize) {
        self.received[payment].pays = Some(order);
        self.received[payment].state = PaymentState::Confirmed;
    }

    fn refund(&mut self, now: u64, payment: usize) {
        self.received[payment].state = PaymentState::RefundDue;
        self.tell("payment.refund_due", None, Some(payment));
        self.later.push((now + 200_000, Later::Refund(payment)));
    }

    /// A late payment gets units again where they are free.
    fn settle_late(&mut self, now: u64, payment: usize, order: usize) {
        let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
        for line in &self.orders[order].lines {
            *counts.entry(line.of).or_default() += 1;
        }
        let items: Vec<_> = counts.into_iter().map(|(of, n)| (TypeIndex(of), n)).collect();
        let person = self.orders[order].person;
        match self.claim(now, person, &items, None) {
            Claimed::Order(new) => {
                self.step(now, new, State::Paid);
                self.confirm(payment, new);
                self.tell("payment.confirmed", Some(new), Some(payment));
            }
            Claimed::Refused(_) | Claimed::HeldByOthers => self.refund(now, payment),
        }
    }

    /// How many are ahead; or why not.
    pub fn join(&mut self, now: u64, person: Person, of: usize) -> Result<u32, Claimed> {
        if let Some(ahead) = self.ahead(person, of) {
            return Ok(ahead);
        }
        match self.refusal(now, person, &[(TypeIndex(of), 1)]) {
            Some(Claimed::HeldByOthers | Claimed::Refused(Refused::SoldOut)) => {
                self.offers.remove(&(person, of));
                self.lines[of].push(person);
                self.tell("standby.joined", None, None);
                Ok(self.lines[of].len() as u32 - 1)
            }
            Some(refused) => Err(refused),
            None => Err(Claimed::Order(usize::MAX)),
        }
    }

    pub fn ahead(&self, person: Person, of: usize) -> Option<u32> {
        self.lines[of].iter().position(|one| *one == person).map(|at| at as u32)
    }

    pub fn offer(&self, person: Person, of: usize) -> Option<String> {
        self.offers.get(&(person, of)).map(|order| order_id(*order))
    }

    pub fn leave(&mut self, person: Person, of: usize) -> bool {
        let Some(at) = self.ahead(person, of) else { return false };
        self.lines[of].remove(at as usize);
        self.tell("standby.left", None, None);
        true
    }

    fn costs(&self, order: usize) -> Minor {
        let lines = self.orders[order].lines.iter();
        Minor(lines.map(|line| self.sale.types[line.of].price.0).sum())
    }

    fn ticket(&self, order: usize, at: usize) -> PricedTicket {
        let (held, line) = (&self.orders[order], &self.orders[order].lines[at]);
        let kind = &self.sale.types[line.of];
        let code = kind.codes.get(line.unit as usize).filter(|_| held.state == State::Paid);
        PricedTicket {
            id: format!("{}-{}", order_id(order), at + 1),
            type_id: kind.id.clone(),
            code: code.cloned(),
            claim_no: line.no,
        }
    }

    pub fn order(&self, order: usize, whole: bool) -> Order {
        let held = &self.orders[order];
        let tickets = (0..held.lines.len()).filter(|_| whole).map(|at| self.ticket(order, at));
        let payments = self.received.iter().enumerate();
        let own =
            payments.filter(|(_, one)| whole && (one.order == order || one.pays == Some(order)));
        Order {
            id: order_id(order),
            state: held.state,
            price: self.costs(order),
            currency: self.sale.currency.clone(),
            pay_by: Some(UnixMs((self.zero_ms + held.pay_by / 1_000) / 1_000 * 1_000)),
            tickets: tickets.collect(),
            payments: own
                .map(|(at, one)| Payment {
                    id: payment_id(at),
                    state: one.state,
                    amount: one.amount,
                })
                .collect(),
        }
    }

    pub fn orders_of(&self, person: Person) -> Vec<Order> {
        let own = (0..self.orders.len()).filter(|at| self.orders[*at].person == person);
        own.map(|at| self.order(at, false)).collect()
    }

    pub fn rows(&self) -> Vec<PricedRow> {
        let mut rows = Vec::new();
        for (place, held) in self.orders.iter().enumerate() {
            for (at, line) in held.lines.iter().enumerate() {
                rows.push(PricedRow {
                    order: order_id(place),
                    ticket: self.ticket(place, at),
                    user: self.names[held.person.0 as usize].clone(),
                    state: held.state,
                    price: self.sale.types[line.of].price,
                    currency: self.sale.currency.clone(),
                });
            }
        }
        rows
    }

    pub fn payments(&self) -> Vec<PaymentRow> {
        let row = |(at, one): (usize, &Received)| PaymentRow {
            id: payment_id(at),
            order: order_id(one.order),
            pays: one.pays.map(order_id),
            state: one.state,
            amount: one.amount,
            currency: self.sale.currency.clone(),
        };
        self.received.iter().enumerate().map(row).collect()
    }

    pub fn participants(&self) -> Vec<ParticipantRow> {
        let live = self.orders.iter().filter(|one| one.state.is_live());
        let people: HashSet<Person> = live.map(|one| one.person).collect();
        let mut people: Vec<Person> = people.into_iter().collect();
        people.sort_unstable();
        let row = |person: &Person| ParticipantRow {
            user: self.names[person.0 as usize].clone(),
            outcome: Some("won".to_owned()),
            claim_no: Some(1),
        };
        people.iter().map(row).collect()
    }

    pub fn at_rest(&self) -> Vec<AtRest> {
        let free = self.free.iter().zip(&self.sale.types);
        free.map(|(free, kind)| (kind.stock, free.len() as u32, 0)).collect()
    }

    pub fn feed(&self) -> Vec<FeedEvent> {
        self.feed.clone()
    }
}

/// The id of the order in this place, and back.
pub fn order_id(place: usize) -> String {
    format!("p{place}")
}

pub fn order_of(id: &str) -> usize {
    id.strip_prefix('p').and_then(|place| place.parse().ok()).expect("an order of this server")
}

fn payment_id(place: usize) -> String {
    format!("m{place}")
}
