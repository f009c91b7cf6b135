//! What payers did, counted: orders and payments by their ends, how long paying took, what came back and to whom.
//! Codes are nowhere in it.

use super::{
    figures::{counted, duration, finite, thousands},
    numbers::after_ms,
};
use crate::history::{
    Micros,
    paying::{PayAsked, PayHeard, Paying, PaymentState, State},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Everything that is counted of payers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PayNumbers {
    /// People.
    pub payers: u64,
    /// Their calls.
    pub calls: u64,
    /// Orders by how they ended.
    pub orders: BTreeMap<State, u64>,
    /// Payments by how they ended: how many, and how much.
    pub payments: BTreeMap<PaymentState, (u64, u64)>,
    /// The currency.
    pub currency: String,
    /// Milliseconds from hearing of the hold to hearing that it is paid: half of them, and 99 of 100.
    pub to_paid_ms: Option<(f64, f64)>,
    /// Units of orders that ended unpaid.
    pub returned: u64,
    /// Claims that heard that others hold what there is.
    pub held_by_others: u64,
    /// People who stood in a line, and offers that were made to them.
    pub lined_up: u64,
    /// See `lined_up`.
    pub offers: u64,
    /// Events of the feed.
    pub events: Option<u64>,
    /// When orders were first known to be in a state, in milliseconds after the opening, in order; and whether they
    /// were known to be held before.
    pub moments: Vec<(f64, State, bool)>,
}

impl PayNumbers {
    /// Counts.
    pub fn of(paying: &Paying, opening: Micros) -> Self {
        let known = known(paying);
        let heard = |wanted: fn(&PayHeard) -> bool| {
            paying.calls.iter().filter(|call| wanted(&call.heard)).count() as u64
        };
        let lined_up: HashSet<_> = paying
            .calls
            .iter()
            .filter(|call| matches!(call.heard, PayHeard::InLine { .. }))
            .map(|call| call.person)
            .collect();
        let offers: HashSet<&str> = paying
            .calls
            .iter()
            .filter_map(|call| match (&call.asked, &call.heard) {
                (PayAsked::Place(_) | PayAsked::Join(_), PayHeard::NotInLine { offer }) => {
                    offer.as_deref()
                }
                _ => None,
            })
            .collect();
        let moment = |((id, state), at): (&(&str, State), &Micros)| {
            let held = known.get(&(*id, State::Held)).is_some_and(|held| held < at);
            (after_ms(*at, opening), *state, held)
        };
        let mut moments: Vec<(f64, State, bool)> = known.iter().map(moment).collect();
        moments.sort_by(|one, other| one.0.total_cmp(&other.0));
        let over = paying.orders.iter();
        let over = over.filter(|row| matches!(row.state, State::Cancelled | State::Expired));
        Self {
            payers: paying.names.len() as u64,
            calls: paying.calls.len() as u64,
            orders: orders(paying),
            payments: payments(paying),
            currency: paying.sale.currency.clone(),
            to_paid_ms: to_paid(&known),
            returned: over.count() as u64,
            held_by_others: heard(|heard| *heard == PayHeard::HeldByOthers),
            lined_up: lined_up.len() as u64,
            offers: offers.len() as u64,
            events: paying.events.as_ref().map(|events| events.len() as u64),
            moments,
        }
    }

    /// The rows of the reports that people read.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let named = |parts: Vec<String>| {
            if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
        };
        let orders = self.orders.iter();
        let orders =
            orders.map(|(state, count)| format!("{} {}", words(state.name()), thousands(*count)));
        let payments = self.payments.iter().map(|(state, (count, sum))| {
            let sum = money(*sum, &self.currency);
            format!("{} {} ({sum})", words(state.name()), thousands(*count))
        });
        let to_paid = self.to_paid_ms.map_or("nobody paid".to_owned(), |(half, most)| {
            format!("{} (p50), {} (p99)", duration(half), duration(most))
        });
        let returned = counted(self.returned, "unit", "units");
        let offers = counted(self.offers, "offer", "offers");
        let lined_up = counted(self.lined_up, "person", "people");
        vec![
            ("payers", format!("{}, {} calls", thousands(self.payers), thousands(self.calls))),
            ("orders", named(orders.collect())),
            ("payments", named(payments.collect())),
            ("hold to paid", to_paid),
            ("came back", format!("{returned} of orders that ended unpaid")),
            ("in line", format!("{lined_up}; {offers} made")),
        ]
    }

    /// The part of the JSON document.
    pub fn json(&self) -> Value {
        let orders: Map<String, Value> =
            self.orders.iter().map(|(state, n)| (state.name().to_owned(), json!(n))).collect();
        let payments: Map<String, Value> = self
            .payments
            .iter()
            .map(|(state, (count, sum))| {
                (state.name().to_owned(), json!({ "count": count, "minor": sum }))
            })
            .collect();
        json!({
            "payers": self.payers,
            "calls": self.calls,
            "orders": orders,
            "payments": payments,
            "currency": self.currency,
            "to_paid_ms": self.to_paid_ms.map(|(half, most)| {
                json!({ "p50": finite(half), "p99": finite(most) })
            }),
            "units_returned": self.returned,
            "held_by_others": self.held_by_others,
            "lined_up": self.lined_up,
            "offers": self.offers,
            "events": self.events,
        })
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// An amount with its currency; rehearsals are in currencies with two decimals.
fn money(minor: u64, currency: &str) -> String {
    format!("{}.{:02} {currency}", thousands(minor / 100), minor % 100)
}

/// When each order was first heard of in each state.
fn known(paying: &Paying) -> HashMap<(&str, State), Micros> {
    let mut known = HashMap::new();
    for call in &paying.calls {
        let orders = match &call.heard {
            PayHeard::Order(order) => std::slice::from_ref(order),
            PayHeard::Orders(orders) => orders,
            PayHeard::NotInLine { offer: Some(offer) } => {
                known.entry((offer.as_str(), State::Held)).or_insert(call.ended);
                continue;
            }
            _ => continue,
        };
        for order in orders {
            known.entry((order.id.as_str(), order.state)).or_insert(call.ended);
        }
    }
    known
}

fn orders(paying: &Paying) -> BTreeMap<State, u64> {
    let mut ends: BTreeMap<State, u64> = BTreeMap::new();
    let orders: HashMap<&str, State> =
        paying.orders.iter().map(|row| (row.order.as_str(), row.state)).collect();
    for state in orders.into_values() {
        *ends.entry(state).or_default() += 1;
    }
    ends
}

fn payments(paying: &Paying) -> BTreeMap<PaymentState, (u64, u64)> {
    let mut ends: BTreeMap<PaymentState, (u64, u64)> = BTreeMap::new();
    for row in &paying.payments {
        let end = ends.entry(row.state).or_default();
        *end = (end.0 + 1, end.1.saturating_add(row.amount.0));
    }
    ends
}

fn to_paid(known: &HashMap<(&str, State), Micros>) -> Option<(f64, f64)> {
    let held = known.iter().filter(|((_, state), _)| *state == State::Held);
    let took =
        held.filter_map(|((id, _), from)| Some(after_ms(*known.get(&(*id, State::Paid))?, *from)));
    let mut took: Vec<f64> = took.collect();
    took.sort_by(f64::total_cmp);
    let last = took.len().checked_sub(1)?;
    let at =
        |part: f64| took[((took.len() as f64 * part).ceil() as usize).saturating_sub(1).min(last)];
    Some((at(0.5), at(0.99)))
}
