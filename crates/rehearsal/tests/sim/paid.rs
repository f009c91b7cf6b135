//! What is left of a sale with prices when everything is over: the exports as the payers' checks read them, and the
//! company's book against the ledger, the line against the offers, every end against what its buyer was shown.

use crate::{
    figures::{Count, Figures},
    ledger::SimLedger,
    world::{PRICED, World},
};
use ledger::{
    ActivityLedger, ClaimLedger, Ledger, OrderLedger, OrderMark, PaymentRecord, StoredActivity,
};
use rehearsal::{
    history::{
        Micros, ParticipantRow,
        paying::{
            Minor, PayHeard, Paying, PaymentRow, PaymentState, PricedRow, PricedTicket, State,
        },
    },
    plan::PlannedPaying,
};
use rules::{Claim, JoinNo, OrderNo, OrderState, TypeNo, UserNo};
use sale::{Ids, pay::PagePayment, read_ids};
use std::collections::{BTreeMap, BTreeSet};

const READS: &str = "nothing goes wrong any more";

/// What the payers saw, with what the ledger exports after everything was over.
pub fn saw(world: &World, paying: &PlannedPaying, restarted: bool) -> Paying {
    let ledger = SimLedger::beside(&world.device);
    let ids = read_ids(&ledger).expect(READS);
    let stored = stored(&ledger);
    Paying {
        sale: world.announced_with_prices(paying),
        names: world.payer_names(),
        calls: world.payers.calls.borrow().clone(),
        restarted,
        outages: Vec::new(),
        exported: Micros(world.ended_at()),
        orders: orders(&ledger, &ids, &stored),
        payments: payments(&ledger, &ids, &stored),
        participants: participants(&ledger, &stored),
        events: None,
        at_rest: Vec::new(),
    }
}

fn stored(ledger: &SimLedger) -> StoredActivity {
    let all = ledger.activities().expect(READS);
    all.into_iter().find(|one| one.activity.id == PRICED).expect("it was imported")
}

fn state(of: OrderState) -> State {
    State::named(of.name()).expect("names are permanent")
}

fn orders(ledger: &SimLedger, ids: &Ids, stored: &StoredActivity) -> Vec<PricedRow> {
    let mut rows = Vec::new();
    let visited = ledger.orders(stored.no, &mut |row| {
        let kind = &stored.activity.types[usize::from(row.claim.ticket_type.0)];
        rows.push(PricedRow {
            order: ids.claim(&row.claim).as_str().to_owned(),
            ticket: PricedTicket {
                id: ids.ticket(&row.claim),
                type_id: kind.id.clone(),
                code: row.code.map(str::to_owned),
                claim_no: row.claim.claim_no.0,
            },
            user: row.user.to_owned(),
            state: state(row.mark.state),
            price: Minor(kind.price.minor),
            currency: kind.price.currency.clone(),
        });
        true
    });
    visited.expect(READS);
    rows
}

fn payments(ledger: &SimLedger, ids: &Ids, stored: &StoredActivity) -> Vec<PaymentRow> {
    let orders = lines(ledger, stored);
    let text = |order: OrderNo| ids.claim(&orders[&order].1[0]).as_str().to_owned();
    // What was claimed for a late payment is explained by it, even if it ran out of time before it was confirmed.
    let made_for = |one: &PaymentRecord| {
        let key = Some(ids.key(&format!("\nlate payment {}", one.no.0)));
        orders.iter().find(|(_, (_, lines))| lines[0].key == key).map(|(order, _)| *order)
    };
    let row = |one: &PaymentRecord| {
        PaymentRow {
            id: one.no.0.to_string(),
            order: text(one.payment.order),
            // An operator may have given it back since: what it paid is explained by it all the same.
            pays: one.paid_order.or_else(|| made_for(one)).map(text),
            state: PaymentState::named(one.state.name()).expect("names are permanent"),
            amount: Minor(one.payment.amount.minor),
            currency: one.payment.amount.currency.clone(),
        }
    };
    records(ledger, stored).iter().map(row).collect()
}

fn records(ledger: &SimLedger, stored: &StoredActivity) -> Vec<PaymentRecord> {
    let mut records = Vec::new();
    let visited = ledger.payments_in(stored.no, &mut |one| {
        records.push(one.clone());
        true
    });
    visited.expect(READS);
    records
}

fn participants(ledger: &SimLedger, stored: &StoredActivity) -> Vec<ParticipantRow> {
    let mut rows = Vec::new();
    let visited = ledger.participants(stored.no, &mut |row| {
        let refusal = row.refusal.map(rules::Refusal::name);
        let outcome = if row.won.is_some() { Some("won") } else { refusal };
        rows.push(ParticipantRow {
            user: row.user.to_owned(),
            outcome: outcome.map(str::to_owned),
            claim_no: row.won.map(|no| no.0),
        });
        true
    });
    visited.expect(READS);
    rows
}

/// An order: how it stands, and its lines.
type Whole = (OrderMark, Vec<Claim>);

fn lines(ledger: &SimLedger, stored: &StoredActivity) -> BTreeMap<OrderNo, Whole> {
    let mut orders: BTreeMap<OrderNo, Whole> = BTreeMap::new();
    let visited = ledger.claims(stored.no, &mut |claim, mark| {
        orders.entry(claim.order()).or_insert((mark, Vec::new())).1.push(claim);
    });
    visited.expect(READS);
    orders
}

/// Counts what only the ledger tells of.
pub fn count(world: &World, figures: &mut Figures) {
    let ledger = SimLedger::beside(&world.device);
    let orders = lines(&ledger, &stored(&ledger));
    let offered = orders.values().filter(|(_, lines)| lines[0].offer.is_some());
    figures.add_count(Count::Offers, offered.count());
    figures.add_count(Count::Extensions, ledger.extensions().expect(READS).len());
}

/// What is wrong with what is left, whatever anybody saw.
pub fn look_at(world: &World) -> Vec<String> {
    let ledger = SimLedger::beside(&world.device);
    let stored = stored(&ledger);
    let ids = read_ids(&ledger).expect(READS);
    let orders = lines(&ledger, &stored);
    let mut findings = world.open_ends();
    findings.extend(balance(world, &ledger, &stored, &ids, &orders));
    findings.extend(ended_early(world, &ids, &orders));
    findings.extend(out_of_line(&ledger, &stored, &orders));
    findings
}

/// Each payment of the companies' books is in the ledger exactly once, and at the end it pays an order or is back; what
/// was not of the whole amount pays nothing (C16, C17).
fn balance(
    world: &World,
    ledger: &SimLedger,
    stored: &StoredActivity,
    ids: &Ids,
    orders: &BTreeMap<OrderNo, Whole>,
) -> Vec<String> {
    let records = records(ledger, stored);
    let made = world.outside.payments();
    let mut findings = Vec::new();
    for (at, one) in &made {
        let order = ids.read_any_claim(&one.order_id).expect("the company was given an id").order();
        let types = orders.get(&order).map_or(&[][..], |(_, lines)| lines);
        let whole = stored.activity.amount_of(types.iter().map(|line| line.ticket_type));
        let known = records.iter().filter(|known| is_of(known, at, one));
        let known: Vec<&PaymentRecord> = known.collect();
        let found = wrong_with(one, one.amount == whole, order, &known);
        findings.extend(found.map(|what| format!("payment {}: {what}", one.reference)));
    }
    let invented =
        records.iter().filter(|known| !made.iter().any(|(at, one)| is_of(known, at, one)));
    findings.extend(invented.map(|one| format!("nobody made payment {}", one.payment.reference)));
    findings
}

fn is_of(known: &PaymentRecord, at: &str, made: &PagePayment) -> bool {
    known.payment.provider == at && known.payment.reference == made.reference
}

fn wrong_with(
    made: &PagePayment,
    whole: bool,
    order: OrderNo,
    known: &[&PaymentRecord],
) -> Option<&'static str> {
    use rules::PaymentState::{Confirmed, Refunded};
    match known {
        [] => Some("the ledger does not know of it"),
        [one] if one.payment.order != order || one.payment.amount != made.amount => {
            Some("it is not what was paid")
        }
        [one] if !whole && one.paid_order.is_some() => {
            Some("it is not of the whole amount, and an order is paid by it")
        }
        [one] => match (one.state, made.refunded) {
            (Confirmed, false) | (Refunded, true) => None,
            (Confirmed, true) => Some("it is back, and an order is paid by it"),
            (Refunded, false) => Some("it is said to be back, and is not"),
            _ => Some("it has not come to its end"),
        },
        [_, _, ..] => Some("it is there more than once"),
    }
}

/// No hold was over before the latest moment that its buyer was shown, with the grace after it.
fn ended_early(world: &World, ids: &Ids, orders: &BTreeMap<OrderNo, Whole>) -> Option<String> {
    let mut shown: BTreeMap<OrderNo, u64> = BTreeMap::new();
    for call in world.payers.calls.borrow().iter() {
        let heard = match &call.heard {
            PayHeard::Order(order) => std::slice::from_ref(order),
            PayHeard::Orders(orders) => orders,
            _ => continue,
        };
        for order in heard {
            let Some(pay_by) = order.pay_by else { continue };
            let no = ids.read_any_claim(&order.id).expect("it was shown").order();
            let latest = shown.entry(no).or_default();
            *latest = pay_by.0.max(*latest);
        }
    }
    let grace = world.scenario.settings.grace_ms;
    let early = shown.into_iter().find(|(no, pay_by)| {
        let mark = orders.get(no).map(|(mark, _)| *mark);
        let expired = mark.filter(|mark| mark.state == OrderState::Expired);
        expired.is_some_and(|mark| mark.ended_at.is_some_and(|at| at.0 < pay_by + grace))
    });
    early.map(|(no, _)| format!("order {} expired before the moment its buyer was shown", no.seq))
}

/// Offers are made in the order of the durable joins: who joined later is not served before somebody who joined
/// earlier, wanted nothing else, and was served later or still waits (C22).
fn out_of_line(
    ledger: &SimLedger,
    stored: &StoredActivity,
    orders: &BTreeMap<OrderNo, Whole>,
) -> Option<String> {
    let mut waiting: BTreeMap<TypeNo, Vec<(JoinNo, UserNo)>> = BTreeMap::new();
    let visited = OrderLedger::line(ledger, stored.no, &mut |join, kind, user| {
        waiting.entry(kind).or_default().push((join, user));
    });
    visited.expect(READS);
    let mut had: BTreeMap<UserNo, BTreeSet<OrderNo>> = BTreeMap::new();
    let mut offers: Vec<(TypeNo, JoinNo, &Claim)> = Vec::new();
    for (no, (_, lines)) in orders {
        for line in lines {
            had.entry(line.user).or_default().insert(*no);
            offers.extend(line.offer.map(|join| (line.ticket_type, join, line)));
        }
    }
    for (place, (kind, join, _)) in offers.iter().enumerate() {
        let later = offers[place..].iter().filter(|(of, other, _)| of == kind && other < join);
        let later = later.map(|(_, _, line)| (line.user, 1));
        let never = waiting.get(kind).into_iter().flatten().filter(|(other, _)| other < join);
        let never = never.filter(|(other, _)| offers.iter().all(|(_, one, _)| one != other));
        let passed = later.chain(never.map(|(_, user)| (*user, 0)));
        // Whoever had anything else may have been refused by a limit when their turn came.
        let mut wrong = passed.filter(|(user, own)| had.get(user).map_or(0, BTreeSet::len) == *own);
        if let Some((user, _)) = wrong.next() {
            return Some(format!("user {user} was passed over in the line for type {}", kind.0));
        }
    }
    None
}

/// What a server that has loaded everything says of its units against the ledger (S1, C19, C20).
pub fn units(ledger: &dyn Ledger, stored: &StoredActivity) -> Vec<(u32, u32, u32)> {
    let mut units: Vec<(u32, u32, u32)> = Vec::new();
    for one in &stored.types {
        let void: u32 = one.void.iter().map(|range| range.end - range.start).sum();
        units.push((one.made - void, 0, 0));
    }
    let visited = ledger.claims(stored.no, &mut |claim, mark| {
        let kind = usize::from(claim.ticket_type.0);
        let codes = stored.activity.types[kind].kind == rules::UnitKind::Codes;
        let (total, sold, held) = &mut units[kind];
        match mark.state {
            OrderState::Paid => *sold += 1,
            OrderState::Held => *held += 1,
            OrderState::RefundDue | OrderState::Refunded if codes => *total -= 1,
            _ => {}
        }
    });
    visited.expect(READS);
    units
}
