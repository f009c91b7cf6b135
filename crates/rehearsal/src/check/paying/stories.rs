//! What payers saw, made ready for the checks: each order's story from its claim to its end, and each place in a line.
//! Built once, in one pass each; nothing in here judges.

use super::lives::Lives;
use crate::{
    check::{CLOCK_DRIFT_PART, CLOCK_STEP},
    history::{
        Micros, Person, TypeIndex,
        paying::{
            How, Order, PayAsked, PayCall, PayHeard, Paying, PaymentRow, PricedRow, State, UnixMs,
        },
    },
};
use std::collections::{BTreeMap, HashMap};

/// Never, as an instant.
pub const NEVER: Micros = Micros(u64::MAX);

/// How often and when an order was shown in one state.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    /// When the first answer that showed it so was there.
    pub known: Micros,
    /// When the last call that was answered so was sent: it was so after that.
    pub still: Micros,
}

/// An attempt to pay.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// How.
    pub how: How,
    /// When it was sent, and when its answer was there.
    pub sent: Micros,
    /// See `sent`.
    pub ended: Micros,
    /// Seconds until the server hears of it.
    pub after_s: u32,
    /// The provider said that it did so.
    pub told: bool,
}

/// Everything that is known of one order.
#[derive(Default)]
pub struct Story<'a> {
    /// Its rows in the export.
    pub rows: Vec<&'a PricedRow>,
    /// Who was shown it.
    pub owner: Option<Person>,
    /// What was asked for, where it answers a claim.
    pub claimed: Option<&'a [(TypeIndex, u32)]>,
    /// It was not decided before this instant.
    pub from: Micros,
    /// It was decided by this instant; nobody was shown it: none.
    pub until: Option<Micros>,
    /// It was shown as made for somebody in the line.
    pub offered: bool,
    /// It as it was shown, by state.
    pub seen: BTreeMap<State, Sighting>,
    /// Places of the calls that showed it, with what they showed.
    pub shown: Vec<(usize, &'a Order)>,
    /// Attempts to pay it.
    pub attempts: Vec<Attempt>,
    /// When it was first asked to be given up.
    pub cancel_asked: Option<Micros>,
    /// Payments made for it.
    pub payments: Vec<&'a PaymentRow>,
    /// Confirmed payments that pay it.
    pub paid_by: Vec<&'a PaymentRow>,
}

impl Story<'_> {
    /// How the export says that it stands.
    pub fn state(&self) -> Option<State> {
        self.rows.first().map(|row| row.state)
    }

    /// Units of a type in it, by what was shown of it or else by the export.
    pub fn units_of(&self, type_id: &str) -> u32 {
        if !self.rows.is_empty() {
            return self.rows.iter().filter(|row| row.ticket.type_id == type_id).count() as u32;
        }
        let shown = self.shown.iter().map(|(_, order)| {
            order.tickets.iter().filter(|ticket| ticket.type_id == type_id).count() as u32
        });
        shown.max().unwrap_or(0)
    }

    /// The number of its first unit of a type.
    pub fn claim_no(&self, type_id: &str) -> Option<u32> {
        let exported = self.rows.iter().map(|row| &row.ticket);
        let shown = self.shown.iter().flat_map(|(_, order)| &order.tickets);
        let mut all = exported.chain(shown).filter(|ticket| ticket.type_id == type_id);
        all.next().map(|ticket| ticket.claim_no)
    }

    /// When it was certainly live: from the first of the two up to the second.
    pub fn surely_live(&self) -> Option<(Micros, Micros)> {
        let live = [State::Held, State::Paid].into_iter().filter_map(|one| self.seen.get(&one));
        Some((self.until?, live.map(|one| one.still).max()?))
    }

    /// When it was certainly held.
    pub fn surely_held(&self) -> Option<(Micros, Micros)> {
        let held = self.seen.get(&State::Held)?;
        Some((held.known, held.still))
    }

    /// When it may have been held.
    pub fn perhaps_held(&self) -> (Micros, Micros) {
        let over = self.seen.iter().filter(|(state, _)| **state != State::Held);
        (self.from, over.map(|(_, one)| one.known).min().unwrap_or(NEVER))
    }

    /// The deadline as it certainly was then: the latest of those that were shown by then, each with the time that was
    /// given back since.
    pub fn pay_by(&self, books: &Books<'_>, by: Micros) -> Option<UnixMs> {
        let calls = &books.paying.calls;
        let before = self.shown.iter().filter(|(place, _)| calls[*place].ended <= by);
        let known = before.filter_map(|(place, order)| {
            let since = books.lives.of(calls[*place].sent);
            Some(UnixMs(order.pay_by?.0 + books.lives.given_back_ms(since, by)))
        });
        known.max()
    }
}

/// A stay in the line for a type.
#[derive(Clone, Debug)]
pub struct Stay<'a> {
    /// Who.
    pub person: Person,
    /// Of which type.
    pub of: usize,
    /// It did not begin before this instant.
    pub asked: Micros,
    /// It had begun by this instant.
    pub known: Micros,
    /// It was not over at this instant.
    pub still: Micros,
    /// The order that was made for it.
    pub offer: Option<&'a str>,
    /// How many were ahead: the place of the call, and the number.
    pub ahead: Vec<(usize, u32)>,
}

/// Everything, made ready.
pub struct Books<'a> {
    /// As it was written.
    pub paying: &'a Paying,
    /// How far the server's clock may be from the rehearsal's.
    pub slack: Micros,
    /// The stories by order.
    pub stories: BTreeMap<&'a str, Story<'a>>,
    /// The stays in lines, in the order in which they were known.
    pub stays: Vec<Stay<'a>>,
    /// The kills, and what each may have taken with it.
    pub lives: Lives<'a>,
    /// Orders of each person.
    pub of_person: HashMap<Person, Vec<&'a str>>,
    /// Payers by name.
    pub people: HashMap<&'a str, Person>,
}

impl<'a> Books<'a> {
    /// Makes a history ready.
    pub fn new(paying: &'a Paying) -> Self {
        let known_within = paying.sale.clock_within;
        let lasted = paying.calls.last().map_or(0, |call| call.ended.0);
        let drift = if known_within == Micros(0) { 0 } else { lasted / CLOCK_DRIFT_PART };
        let numbered = paying.names.iter().zip(0..);
        let stories = stories(paying);
        let claims = stories.values().filter(|story| story.claimed.is_some());
        let claims = claims.filter_map(|story| Some((story.from, story.until?)));
        let mut books = Self {
            paying,
            slack: Micros(known_within.0 + CLOCK_STEP.0 + drift),
            lives: Lives::new(paying, claims),
            stories,
            stays: super::line::stays(&paying.calls),
            of_person: HashMap::new(),
            people: numbered.map(|(name, no)| (name.as_str(), Person(no))).collect(),
        };
        for stay in &books.stays {
            if let Some(story) = stay.offer.and_then(|offer| books.stories.get_mut(offer)) {
                story.from = story.from.max(stay.asked);
            }
        }
        for (id, story) in &mut books.stories {
            let by_row = story.rows.first().and_then(|row| books.people.get(row.user.as_str()));
            story.owner = story.owner.or(by_row.copied());
            if let Some(owner) = story.owner {
                books.of_person.entry(owner).or_default().push(id);
            }
        }
        books
    }

    /// The server's time at an instant, at best knowledge, in milliseconds.
    pub fn server_ms(&self, at: Micros) -> u64 {
        self.paying.sale.clock_zero.0 + at.0 / 1_000
    }

    /// Whether this instant certainly lies before that time of the server's.
    pub fn surely_before(&self, at: Micros, time: UnixMs) -> bool {
        self.server_ms(at) + self.slack.0.div_ceil(1_000) < time.0
    }

    /// Whether this instant lies so long after that time of the server's.
    pub fn surely_after(&self, at: Micros, time: UnixMs, by_ms: u64) -> bool {
        self.server_ms(at) > time.0 + by_ms + self.slack.0.div_ceil(1_000)
    }

    /// Whether somebody in the line could have been given a unit at any time: nothing else was ever theirs.
    pub fn wants_only_this(&self, stay: &Stay<'_>) -> bool {
        let own = self.of_person.get(&stay.person).map(Vec::as_slice).unwrap_or_default();
        let others = own.iter().filter(|id| Some(**id) != stay.offer);
        let stays = self.stays.iter().filter(|other| other.person == stay.person);
        others.count() == 0 && stays.count() == 1
    }

    /// A payer, for sentences.
    pub fn who(&self, person: Person) -> String {
        let name = self.paying.names.get(person.0 as usize).map_or("", String::as_str);
        format!("{name} (payer {})", person.0)
    }

    /// A call, for sentences.
    pub fn when(&self, call: &PayCall) -> String {
        format!("between {} and {}", crate::check::seen::at(call.sent), at(call.ended))
    }

    /// A type's id, for sentences.
    pub fn type_name(&self, index: usize) -> &'a str {
        self.paying.sale.types.get(index).map_or("(no such type)", |one| one.id.as_str())
    }
}

pub use crate::check::seen::at;

fn stories(paying: &Paying) -> BTreeMap<&str, Story<'_>> {
    let mut stories: BTreeMap<&str, Story<'_>> = BTreeMap::new();
    let mut asked: HashMap<(Person, u32), Micros> = HashMap::new();
    for (place, call) in paying.calls.iter().enumerate() {
        note_asked(&mut stories, call);
        if let PayAsked::Claim { key, .. } = &call.asked {
            let first = asked.entry((call.person, key.0)).or_insert(call.sent);
            *first = (*first).min(call.sent);
        }
        match &call.heard {
            PayHeard::Order(order) => show(&mut stories, place, call, order),
            PayHeard::Orders(orders) => {
                orders.iter().for_each(|order| show(&mut stories, place, call, order));
            }
            PayHeard::NotInLine { offer: Some(offer) } => {
                let story = stories.entry(offer).or_default();
                story.offered = true;
                story.owner = story.owner.or(Some(call.person));
                story.until = Some(story.until.map_or(call.ended, |until| until.min(call.ended)));
            }
            _ => {}
        }
    }
    for call in &paying.calls {
        note_claimed(&mut stories, &asked, call);
    }
    for row in &paying.orders {
        stories.entry(&row.order).or_default().rows.push(row);
    }
    for payment in &paying.payments {
        stories.entry(&payment.order).or_default().payments.push(payment);
        if let Some(order) = &payment.pays {
            stories.entry(order).or_default().paid_by.push(payment);
        }
    }
    stories
}

/// What a call may have done to an order.
fn note_asked<'a>(stories: &mut BTreeMap<&'a str, Story<'a>>, call: &'a PayCall) {
    match &call.asked {
        PayAsked::Pay { order, how, after_s } => {
            stories.entry(order).or_default().attempts.push(Attempt {
                how: *how,
                sent: call.sent,
                ended: call.ended,
                after_s: *after_s,
                told: is_told(&call.heard),
            });
        }
        PayAsked::Cancel(order) => {
            let story = stories.entry(order).or_default();
            let first = story.cancel_asked.unwrap_or(call.sent);
            story.cancel_asked = Some(first.min(call.sent));
        }
        _ => {}
    }
}

/// Whether the provider says that it took the payment: at once, or when it was asked again because its answer was lost.
fn is_told(heard: &PayHeard) -> bool {
    *heard == PayHeard::Told || matches!(heard, PayHeard::WrongState(state) if state == "paid")
}

fn show<'a>(
    stories: &mut BTreeMap<&'a str, Story<'a>>,
    place: usize,
    call: &'a PayCall,
    order: &'a Order,
) {
    let story = stories.entry(&order.id).or_default();
    story.owner = story.owner.or(Some(call.person));
    story.until = Some(story.until.map_or(call.ended, |until| until.min(call.ended)));
    story.shown.push((place, order));
    let first = Sighting { known: call.ended, still: call.sent };
    let sighting = story.seen.entry(order.state).or_insert(first);
    sighting.known = sighting.known.min(call.ended);
    sighting.still = sighting.still.max(call.sent);
}

/// Ties an order to the claim that it answers; all calls with one key are one claim.
fn note_claimed<'a>(
    stories: &mut BTreeMap<&'a str, Story<'a>>,
    asked: &HashMap<(Person, u32), Micros>,
    call: &'a PayCall,
) {
    let (PayAsked::Claim { items, key } | PayAsked::Result { items, key, .. }) = &call.asked else {
        return;
    };
    let PayHeard::Order(order) = &call.heard else { return };
    let from = asked.get(&(call.person, key.0)).copied().unwrap_or(Micros(0));
    if let Some(story) = stories.get_mut(order.id.as_str()) {
        story.claimed.get_or_insert(items);
        story.from = story.from.max(from);
    }
}
